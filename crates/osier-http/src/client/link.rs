//! One connection to an origin, driven by whoever uses it.
//!
//! It has no task of its own: an exchange then costs no hop between tasks, and an answer that is
//! read slowly is fetched slowly. A connection that rests is not looked at before it is used again.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use hyper::client::conn::http1::{Connection, SendRequest};

use super::body::Sending;
use super::stream::OriginStream;

/// Rounds within one poll. Then others get their turn, also where the connection could go on.
const ROUNDS_MAX: usize = 8;

/// A connection and the way to it.
pub(super) struct Link {
    pub(super) sender: SendRequest<Sending>,
    pub(super) driver: Driver,
}

/// What moves a connection's bytes.
pub(super) struct Driver {
    /// None once it has ended.
    connection: Option<Box<Connection<OriginStream, Sending>>>,
    relay: Arc<Relay>,
    waker: Waker,
}

impl Link {
    pub(super) fn new(
        sender: SendRequest<Sending>,
        connection: Connection<OriginStream, Sending>,
    ) -> Self {
        let relay = Arc::new(Relay {
            state: AtomicU8::new(LISTENING),
            user: Mutex::new(Waker::noop().clone()),
        });
        let driver = Driver {
            connection: Some(Box::new(connection)),
            waker: Waker::from(Arc::clone(&relay)),
            relay,
        };
        Self { sender, driver }
    }

    /// Whether it takes a request now. One that has ended, or that holds bytes nobody asked for,
    /// does not.
    pub(super) fn poll_is_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Self { sender, driver } = self;
        let ready = driver.drive(cx, |cx| sender.poll_ready(cx));
        Poll::Ready(matches!(ready, Poll::Ready(Ok(()))))
    }
}

impl Driver {
    /// Moves the connection and `step` in turns, until `step` is ready or neither gets any
    /// further. `step` waits for the connection only.
    pub(super) fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.relay.is_for(cx.waker());
        let mut own = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS_MAX {
            self.relay.hush();
            let mut ready = step(&mut own);
            if ready.is_pending() {
                if let Some(connection) = &mut self.connection
                    && let Poll::Ready(ended) =
                        Future::poll(std::pin::Pin::new(connection), &mut own)
                {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection to an origin ended");
                    }
                    self.connection = None;
                }
                ready = step(&mut own);
            }
            let is_quiet = self.relay.listen();
            if ready.is_ready() || is_quiet {
                return ready;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nobody polls: wake-ups go to the user.
const LISTENING: u8 = 0;
/// The user polls: nobody needs to wake it.
const POLLING: u8 = 1;
/// It polls, and there is more to do.
const WOKEN: u8 = 2;

/// Hands wake-ups on to the task that uses the connection now, but not those by which the
/// connection and its user wake each other: their user sees to both.
struct Relay {
    state: AtomicU8,
    user: Mutex<Waker>,
}

impl Relay {
    fn is_for(&self, waker: &Waker) {
        let mut user = self.user.lock().unwrap_or_else(PoisonError::into_inner);
        user.clone_from(waker);
    }

    fn hush(&self) {
        self.state.store(POLLING, Ordering::Release);
    }

    /// Whether nothing came while it was polled.
    fn listen(&self) -> bool {
        self.state.swap(LISTENING, Ordering::AcqRel) == POLLING
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let polled =
            self.state
                .compare_exchange(POLLING, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if polled == Err(LISTENING) {
            let user = self.user.lock().unwrap_or_else(PoisonError::into_inner);
            user.wake_by_ref();
        }
    }
}
