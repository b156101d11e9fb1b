//! Threads for disk work that would block the caller.
//!
//! They start when there is work and end when there has been none for a while.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use osier_engine::EngineError;
use tokio::sync::oneshot;

use crate::failure::closed;

type Work = Box<dyn FnOnce() + Send>;

const IDLE: Duration = Duration::from_secs(5);

/// A bounded pool of threads.
pub(crate) struct IoPool {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for IoPool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("IoPool").finish_non_exhaustive()
    }
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    ended: Condvar,
    threads_max: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    threads: usize,
    idle: usize,
    closing: bool,
}

impl IoPool {
    pub(crate) fn new(threads_max: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                work: Condvar::new(),
                ended: Condvar::new(),
                threads_max,
            }),
        }
    }

    /// Runs `work` on a thread of the pool and waits for its result.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.start(work).await.map_err(|_| closed())?
    }

    /// Starts `work` on a thread of the pool.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        self.push(Box::new(move || drop(sender.send(work()))));
        receiver
    }

    /// Finishes what is queued and ends every thread.
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.work.notify_all();
        while state.threads > 0 {
            state = self
                .shared
                .ended
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        // Without a thread left nobody would take these: their callers see the end.
        state.queue.clear();
    }

    fn push(&self, work: Work) {
        let mut state = self.shared.lock();
        if state.closing {
            return;
        }
        state.queue.push_back(work);
        if state.idle >= state.queue.len() {
            self.shared.work.notify_one();
        } else if state.threads < self.shared.threads_max {
            let shared = Arc::clone(&self.shared);
            let spawned = std::thread::Builder::new()
                .name("osier-io".to_owned())
                .spawn(move || shared.serve());
            if spawned.is_ok() {
                state.threads += 1;
            } else if state.threads == 0 {
                // Better slow than never.
                let work = state.queue.pop_back();
                drop(state);
                if let Some(work) = work {
                    work();
                }
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.queue.pop_front() {
                drop(state);
                // A panic in one piece of work must not take the count of threads
                // with it; its caller sees the dropped channel.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                state = self.lock();
                continue;
            }
            if state.closing {
                break;
            }
            state.idle += 1;
            let (woken, waited) = self
                .work
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        self.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn runs_and_closes() {
        let pool = IoPool::new(2);
        let started: Vec<_> = (0..100).map(|number| pool.start(move || number)).collect();
        let mut sum = 0;
        for one in started {
            sum += one.await.unwrap();
        }
        assert_eq!(sum, 4950);
        pool.close();
        assert!(pool.run(|| Ok(())).await.is_err());
    }

    #[tokio::test]
    async fn survives_a_panic() {
        let pool = IoPool::new(1);
        assert!(pool.start(|| panic!("expected by the test")).await.is_err());
        assert_eq!(pool.start(|| 7).await, Ok(7));
        pool.close();
    }
}
