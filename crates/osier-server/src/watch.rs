//! The thread on which origins of sites and files of certificates are looked at, apart from those
//! that serve requests.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use osier_gateway::Gateway;
use tokio::sync::watch;

use crate::live::Live;

/// Runs until it is dropped.
#[derive(Debug)]
pub(crate) struct OriginWatch {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl OriginWatch {
    /// Begins to check.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(gateway: Arc<Gateway>, live: Arc<Live>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("osier-origins".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async move {
                let mut checks = std::pin::pin!(gateway.watch_origins());
                let mut certificates = std::pin::pin!(watch_certificates(&live));
                let mut stopped = std::pin::pin!(stopped.wait_for(|stopped| *stopped));
                std::future::poll_fn(|cx| {
                    if stopped.as_mut().poll(cx).is_ready() {
                        return std::task::Poll::Ready(());
                    }
                    // Neither ends.
                    let _ = certificates.as_mut().poll(cx);
                    checks.as_mut().poll(cx)
                })
                .await;
            });
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

/// How often files of certificates are looked at.
const CERTIFICATES: Duration = Duration::from_secs(2);

async fn watch_certificates(live: &Live) {
    let mut ticks = tokio::time::interval(CERTIFICATES);
    loop {
        ticks.tick().await;
        live.look_at_certificates();
    }
}

impl Drop for OriginWatch {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that checks origins panicked");
        }
    }
}
