//! Waiting for the signals that end a server, or tell it that its log was moved.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    /// Its name; it asks the server to end.
    End(&'static str),
    /// SIGHUP: logs were moved, or the terminal is gone.
    HangUp,
}

/// SIGTERM, SIGINT and SIGHUP, caught from the moment this is made.
#[derive(Debug)]
pub struct Signals {
    runtime: tokio::runtime::Runtime,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn catch() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (terminate, interrupt, hang_up) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            )
        };
        Ok(Self {
            runtime,
            terminate,
            interrupt,
            hang_up,
        })
    }

    /// Waits for the next one.
    pub fn wait(&mut self) -> Caught {
        let mut signals = [
            (&mut self.terminate, Caught::End("SIGTERM")),
            (&mut self.interrupt, Caught::End("SIGINT")),
            (&mut self.hang_up, Caught::HangUp),
        ];
        self.runtime.block_on(std::future::poll_fn(|cx| {
            for (signal, caught) in &mut signals {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*caught);
                }
            }
            std::task::Poll::Pending
        }))
    }
}
