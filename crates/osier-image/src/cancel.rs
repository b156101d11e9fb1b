//! How work on pixels is told to stop.
//!
//! Rendering asks between rows and frames; it owns no clock. Whoever started it
//! watches the time and the clients, and sets the reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A flag shared by a job and those who wait for it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>);

/// Why a job was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nobody waits any longer.
    Abandoned,
    /// Its time is over.
    TimedOut,
}

impl Cancel {
    /// Tells the job to stop. The first reason stays.
    pub fn stop(&self, why: Stopped) {
        let why = match why {
            Stopped::Abandoned => 1,
            Stopped::TimedOut => 2,
        };
        let _ = self
            .0
            .compare_exchange(0, why, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether to stop, and why.
    pub fn stopped(&self) -> Option<Stopped> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Stopped::Abandoned),
            _ => Some(Stopped::TimedOut),
        }
    }
}
