//! The thread on which addresses are fetched beforehand, apart from those that serve requests.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use osier_gateway::Gateway;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::task_log::TaskLog;

/// One address to fetch.
pub(crate) struct Push {
    pub(crate) task: u64,
    pub(crate) url: String,
    /// Whoever may be waiting for it.
    pub(crate) done: oneshot::Sender<()>,
}

/// Runs until it is dropped; what is waiting then has failed.
#[derive(Debug)]
pub(crate) struct Pushing {
    queue: mpsc::Sender<Push>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Addresses that are fetched at a time: one slow origin does not hold up the others.
const AT_ONCE: usize = 4;
/// More than accounts may ask for in a day.
const QUEUE_MAX: usize = 10_000;

impl Pushing {
    /// Begins to fetch what is asked for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(gateway: Arc<Gateway>, tasks: Arc<TaskLog>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (queue, pushes) = mpsc::channel(QUEUE_MAX);
        let pushes = Arc::new(Mutex::new(pushes));
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("osier-prefetch".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async move {
                for _ in 0..AT_ONCE {
                    let (gateway, tasks) = (Arc::clone(&gateway), Arc::clone(&tasks));
                    // They end with the runtime.
                    tokio::spawn(fetch_each(gateway, tasks, Arc::clone(&pushes)));
                }
                // Whoever could say so may be gone, which says the same.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            });
        })?;
        Ok(Self {
            queue,
            stop,
            thread: Some(thread),
        })
    }

    /// Asks for an address; gives it back when too many wait.
    pub(crate) fn push(&self, push: Push) -> Result<(), u64> {
        self.queue.try_send(push).map_err(|error| match error {
            mpsc::error::TrySendError::Full(push) | mpsc::error::TrySendError::Closed(push) => {
                push.task
            }
        })
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that prefetches panicked");
        }
    }
}

async fn fetch_each(
    gateway: Arc<Gateway>,
    tasks: Arc<TaskLog>,
    pushes: Arc<Mutex<mpsc::Receiver<Push>>>,
) {
    loop {
        let next = pushes.lock().await.recv().await;
        let Some(push) = next else {
            return;
        };
        let fetched = fetch(&gateway, &push.url).await;
        tasks.end(push.task, fetched);
        // Whoever waited may be gone.
        let _ = push.done.send(());
    }
}

async fn fetch(gateway: &Arc<Gateway>, url: &str) -> Result<(), String> {
    let status = gateway.prefetch(url).await;
    let status = status.map_err(|error| error.to_string())?;
    if status.is_success() {
        return Ok(());
    }
    Err(format!("the origin answered {}", status.as_u16()))
}
