//! Commands for a running server, by a socket in its data directory.
//!
//! A data directory has one process; `osier fsck`, `osier gc` and `osier key` ask that
//! one when there is one. Only the user who runs the server, and root, are heard.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use osier_engine_local::LocalEngine;
use osier_gateway::Gateway;
use osier_service::Service;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::cache::{self, CacheTask};
use crate::explain::{self, ExplainTask};
use crate::keys::{KeyTask, Keys};
use crate::live::{ConfigTask, Live};
use crate::offline::{collection_summary, engine_summary};

/// No task is longer.
const TASK_BYTES_MAX: u64 = 16 * 1024;
/// The socket in the data directory.
const SOCKET: &str = "control.sock";

/// What a running server can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    Fsck,
    Gc,
    Key(KeyTask),
    Explain(ExplainTask),
    Cache(CacheTask),
    Config(ConfigTask),
}

/// What the commands work on.
pub(crate) struct Reach {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) engine: Arc<LocalEngine>,
    /// How long deleted data stays.
    pub(crate) grace: Duration,
    pub(crate) keys: Keys,
    pub(crate) service: Arc<Service>,
    pub(crate) live: Arc<Live>,
}

/// What a running server answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) problems: Vec<String>,
    pub(crate) summary: String,
}

/// Whether a server works on `data`.
pub(crate) fn is_served(data: &Path) -> bool {
    StdStream::connect(data.join(SOCKET)).is_ok()
}

/// Asks the server that works on `data`; none if there is no such server.
///
/// # Errors
/// When it fails to do it, or goes away meanwhile.
pub(crate) fn ask(data: &Path, task: &Task) -> io::Result<Option<Answer>> {
    let Ok(mut stream) = StdStream::connect(data.join(SOCKET)) else {
        return Ok(None);
    };
    writeln!(stream, "{}", serde_json::to_string(task)?)?;
    let mut answer = Answer::default();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        match line.split_once(' ') {
            Some(("problem", problem)) => answer.problems.push(problem.to_owned()),
            Some(("done", summary)) => {
                summary.clone_into(&mut answer.summary);
                return Ok(Some(answer));
            }
            Some(("failed", reason)) => return Err(io::Error::other(reason.to_owned())),
            _ => {}
        }
    }
    Err(io::Error::other("the server ended before it had answered"))
}

/// Listens for commands until it is stopped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Begins to listen. Only for whoever has the data directory to itself.
    ///
    /// # Errors
    /// When the socket can't be made; paths of sockets are at most 107 bytes long.
    pub(crate) fn start(data: &Path, reach: Reach) -> io::Result<Self> {
        let path = data.join(SOCKET);
        // Left by a server that was killed.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(&path)?
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("osier-control".to_owned())
            .spawn(move || runtime.block_on(listen(listener, stopped, reach)))?;
        Ok(Self {
            path,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread panicked");
        }
        // The next server removes it otherwise.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn listen(listener: UnixListener, mut stopped: watch::Receiver<bool>, reach: Reach) {
    let serve = async {
        while let Ok((stream, _)) = listener.accept().await {
            if !is_owner(&stream) {
                continue;
            }
            if let Err(error) = answer(stream, &reach).await {
                tracing::debug!(%error, "a command's client went away");
            }
        }
    };
    let stop = stopped.wait_for(|stopped| *stopped);
    let (mut serve, mut stop) = (std::pin::pin!(serve), std::pin::pin!(stop));
    std::future::poll_fn(|cx| {
        if stop.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(());
        }
        serve.as_mut().poll(cx)
    })
    .await;
}

fn is_owner(stream: &UnixStream) -> bool {
    let me = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == me || peer.uid() == 0)
}

async fn answer(mut stream: UnixStream, reach: &Reach) -> io::Result<()> {
    let mut asked = String::new();
    let (reading, _) = stream.split();
    tokio::io::BufReader::new(reading)
        .take(TASK_BYTES_MAX)
        .read_line(&mut asked)
        .await?;
    let text = match serde_json::from_str(&asked) {
        Ok(Task::Fsck) => match reach.engine.fsck(None).await {
            Ok(report) => {
                let problems = report.details.iter();
                let mut text: String = problems.map(|problem| line("problem", problem)).collect();
                text.push_str(&line("done", &engine_summary(&report)));
                text
            }
            Err(error) => line("failed", &error.to_string()),
        },
        Ok(Task::Gc) => match reach.engine.collect_now(reach.grace).await {
            Ok(collected) => line("done", &collection_summary(&collected)),
            Err(error) => line("failed", &error.to_string()),
        },
        Ok(Task::Key(task)) => match reach.keys.run(task).await {
            Ok(answer) => line("done", &serde_json::to_string(&answer)?),
            Err(error) => line("failed", &error.to_string()),
        },
        Ok(Task::Explain(task)) => match explain::run(&reach.service, &reach.gateway, task).await {
            Ok(told) => line("done", &serde_json::to_string(&told)?),
            Err(error) => line("failed", &error.to_string()),
        },
        Ok(Task::Cache(task)) => match cache::run(&reach.gateway, task).await {
            Ok(told) => line("done", &serde_json::to_string(&told)?),
            Err(error) => line("failed", &with_causes(&error)),
        },
        Ok(Task::Config(task)) => match reach.live.run(task) {
            Ok(said) => line("done", &serde_json::to_string(&said)?),
            Err(error) => line("failed", &with_causes(&error)),
        },
        Err(_) => line("failed", "no such command"),
    };
    stream.write_all(text.as_bytes()).await
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn line(kind: &str, text: &str) -> String {
    format!("{kind} {}\n", text.replace('\n', " "))
}
