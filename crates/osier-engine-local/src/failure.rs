//! Errors of the disk and the database in the engine's words, and the latch that
//! stops writing after one that may have lost bytes.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use osier_engine::EngineError;
use rustix::io::Errno;

/// Whether the engine still takes writes, and whether it is open.
#[derive(Debug, Default)]
pub(crate) struct Health {
    poisoned: AtomicBool,
    reason: Mutex<String>,
    closed: AtomicBool,
}

impl Health {
    /// Stops every later write: what is on disk is no longer certain.
    pub(crate) fn poison(&self, what: &str) {
        if !self.poisoned.swap(true, Ordering::SeqCst) {
            tracing::error!(what, "stopped accepting writes until the next start");
            let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            what.clone_into(&mut reason);
        }
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    pub(crate) fn close(&self) -> bool {
        self.closed.swap(true, Ordering::SeqCst)
    }

    pub(crate) fn check_open(&self) -> Result<(), EngineError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        Ok(())
    }

    pub(crate) fn check_writable(&self) -> Result<(), EngineError> {
        self.check_open()?;
        self.check_sound()
    }

    /// Whether what is under way may still go to disk.
    pub(crate) fn check_sound(&self) -> Result<(), EngineError> {
        if self.is_poisoned() {
            let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(unavailable(format!(
                "writing stopped after a failure: {reason}"
            )));
        }
        Ok(())
    }
}

pub(crate) fn unavailable(reason: impl Into<String>) -> EngineError {
    EngineError::Unavailable {
        reason: reason.into(),
        source: None,
    }
}

pub(crate) fn closed() -> EngineError {
    unavailable("the engine is closed")
}

pub(crate) fn corrupt(what: impl Into<String>) -> EngineError {
    EngineError::Corrupt { what: what.into() }
}

/// A failed call to the operating system.
pub(crate) fn disk_error(what: &str, errno: Errno) -> EngineError {
    if is_full(errno) {
        return EngineError::Full;
    }
    EngineError::Unavailable {
        reason: what.to_owned(),
        source: Some(Box::new(std::io::Error::from(errno))),
    }
}

pub(crate) fn is_full(errno: Errno) -> bool {
    errno == Errno::NOSPC || errno == Errno::DQUOT
}

/// A failed call to the database.
pub(crate) fn database_error(error: rocksdb::Error) -> EngineError {
    if error.kind() == rocksdb::ErrorKind::Corruption {
        return corrupt(format!("metadata database: {error}"));
    }
    EngineError::Unavailable {
        reason: "the metadata database failed".to_owned(),
        source: Some(Box::new(error)),
    }
}

/// The same failure for every writer of a group.
pub(crate) fn repeat(error: &EngineError) -> EngineError {
    match error {
        EngineError::Full => EngineError::Full,
        EngineError::Corrupt { what } => corrupt(what.clone()),
        EngineError::NoBlob => EngineError::NoBlob,
        EngineError::NoTable => EngineError::NoTable,
        EngineError::Unavailable {
            reason,
            source: Some(source),
        } => unavailable(format!("{reason}: {source}")),
        other => unavailable(other.to_string()),
    }
}
