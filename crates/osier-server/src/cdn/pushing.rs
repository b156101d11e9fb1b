//! The thread on which addresses are fetched beforehand, apart from those that serve requests.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use osier_gateway::Gateway;
use tokio::sync::{mpsc, oneshot, watch};

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
        let (queue, mut pushes) = mpsc::channel::<Push>(QUEUE_MAX);
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("osier-prefetch".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async move {
                let fetching = async {
                    while let Some(push) = pushes.recv().await {
                        let fetched = fetch(&gateway, &push.url).await;
                        tasks.end(push.task, fetched);
                        // Whoever waited may be gone.
                        let _ = push.done.send(());
                    }
                };
                let mut fetching = std::pin::pin!(fetching);
                let mut stopped = std::pin::pin!(stopped.wait_for(|stopped| *stopped));
                std::future::poll_fn(|cx| {
                    if stopped.as_mut().poll(cx).is_ready() {
                        return std::task::Poll::Ready(());
                    }
                    fetching.as_mut().poll(cx)
                })
                .await;
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

async fn fetch(gateway: &Arc<Gateway>, url: &str) -> Result<(), String> {
    let status = gateway.prefetch(url).await;
    let status = status.map_err(|error| error.to_string())?;
    if status.is_success() {
        return Ok(());
    }
    Err(format!("the origin answered {}", status.as_u16()))
}
