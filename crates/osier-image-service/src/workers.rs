//! Threads that work on pixels, apart from those that serve connections.
//!
//! They start when there is work and end with their owner, who waits for them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

type Work = Box<dyn FnOnce() + Send>;

/// A fixed number of threads.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    threads_max: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    idle: usize,
    closing: bool,
}

impl Workers {
    pub(crate) fn new(threads_max: usize) -> Self {
        Self {
            shared: Arc::default(),
            threads: Mutex::default(),
            threads_max: threads_max.max(1),
        }
    }

    /// Hands over work. Without a thread to take it, it is dropped unrun.
    pub(crate) fn submit(&self, work: impl FnOnce() + Send + 'static) {
        let mut state = lock(&self.shared.state);
        state.queue.push_back(Box::new(work));
        if state.idle >= state.queue.len() {
            self.shared.changed.notify_one();
            return;
        }
        drop(state);
        self.start_one();
        self.shared.changed.notify_one();
    }

    fn start_one(&self) {
        let mut threads = lock(&self.threads);
        if threads.len() >= self.threads_max {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let started = std::thread::Builder::new()
            .name("osier-image".to_owned())
            .spawn(move || serve(&shared));
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                tracing::error!(%error, "no thread for pictures");
                if threads.is_empty() {
                    lock(&self.shared.state).queue.clear();
                }
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.closing = true;
        state.queue.clear();
        drop(state);
        self.shared.changed.notify_all();
        for thread in lock(&self.threads).drain(..) {
            // A thread that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}

fn serve(shared: &Shared) {
    loop {
        let mut state = lock(&shared.state);
        let work = loop {
            if state.closing {
                return;
            }
            if let Some(work) = state.queue.pop_front() {
                break work;
            }
            state.idle += 1;
            state = shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        };
        drop(state);
        // A decoder that panics over a hostile picture must not take the thread with it; whoever
        // waits for the job sees that nothing came of it.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            tracing::error!("a picture made its decoder panic");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn work_is_done_in_spite_of_panics() {
        let workers = Workers::new(2);
        let (done, results) = mpsc::channel();
        for number in 0..20 {
            let done = done.clone();
            workers.submit(move || {
                assert!(number % 3 != 0, "a panic that is expected here");
                done.send(number).unwrap();
            });
        }
        drop(done);
        assert_eq!(results.iter().count(), 13);
        assert!(lock(&workers.threads).len() <= 2);
    }
}
