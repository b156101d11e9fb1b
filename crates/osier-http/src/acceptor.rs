//! Listeners and the threads that serve them.
//!
//! Each thread has a runtime, and a listener of its own on every address: the
//! kernel spreads connections (`SO_REUSEPORT`), and nothing is handed from core
//! to core.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::connection::serve;
use crate::exchange::Shared;
use crate::files::open_file_limit;
use crate::{ConnectionSettings, Handler, HttpStats, ProxyPeers, Tls};

/// Bound addresses that accept nothing yet.
#[derive(Debug)]
pub struct Listeners {
    addresses: Vec<SocketAddr>,
    /// For each thread, one for each address.
    threads: Vec<Vec<StdListener>>,
    proxies: Option<ProxyPeers>,
}

impl Listeners {
    /// Binds every address for `threads` threads; 0 means one per core. A port
    /// of 0 becomes one that is free.
    ///
    /// # Errors
    /// With the address that can't be had.
    pub fn bind(addresses: &[SocketAddr], threads: usize) -> Result<Self, (SocketAddr, io::Error)> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let mut bound = Self {
            addresses: Vec::new(),
            threads: (0..threads).map(|_| Vec::new()).collect(),
            proxies: None,
        };
        for &address in addresses {
            let dual = !addresses
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port());
            bound.add(address, dual).map_err(|error| (address, error))?;
        }
        Ok(bound)
    }

    /// The same, where connections of `proxies` begin with a header of the PROXY protocol. Nobody
    /// else's do: what they send is read as TLS or HTTP.
    #[must_use]
    pub fn behind(self, proxies: ProxyPeers) -> Self {
        Self {
            proxies: Some(proxies),
            ..self
        }
    }

    /// The addresses as bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn add(&mut self, address: SocketAddr, dual: bool) -> io::Result<()> {
        // Any process of this user may share a port by SO_REUSEPORT; so first ask
        // for it alone, or a second server would silently take half the connections.
        let alone = socket(address, dual)?;
        alone.bind(&address.into())?;
        let address = match alone.local_addr()?.as_socket() {
            Some(bound) if address.port() == 0 => bound,
            _ => address,
        };
        drop(alone);
        for thread in &mut self.threads {
            let socket = socket(address, dual)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            thread.push(socket.into());
        }
        self.addresses.push(address);
        Ok(())
    }
}

fn socket(address: SocketAddr, dual: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    Ok(socket)
}

const BACKLOG: i32 = 4096;

/// Starts to serve.
///
/// # Errors
/// When threads or their runtimes can't be had.
pub fn start<H: Handler>(
    listeners: Listeners,
    handler: H,
    settings: ConnectionSettings,
    name: &str,
) -> io::Result<Running> {
    launch(listeners, handler, settings, None, name)
}

/// Starts to serve encrypted connections.
///
/// # Errors
/// When threads or their runtimes can't be had.
pub fn start_tls<H: Handler>(
    listeners: Listeners,
    handler: H,
    settings: ConnectionSettings,
    tls: Arc<Tls>,
    name: &str,
) -> io::Result<Running> {
    launch(listeners, handler, settings, Some(tls), name)
}

fn launch<H: Handler>(
    listeners: Listeners,
    handler: H,
    settings: ConnectionSettings,
    tls: Option<Arc<Tls>>,
    name: &str,
) -> io::Result<Running> {
    let connections_max = match settings.connections_max {
        0 => connections_by_files(open_file_limit()),
        max => max,
    };
    let stats = Arc::new(HttpStats::default());
    let shared = Arc::new(Shared {
        handler,
        settings,
        stats: Arc::clone(&stats),
        tls,
        proxies: listeners.proxies,
    });
    let room = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    let (stage, stages) = watch::channel(Stage::Serving);
    let mut running = Running {
        addresses: listeners.addresses,
        stage,
        threads: Vec::new(),
        stats,
    };
    for (index, listeners) in listeners.threads.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let worker = Arc::new(Worker {
            stages: stages.clone(),
            active: AtomicUsize::new(0),
            quiet: Notify::new(),
            room: Arc::clone(&room),
        });
        let shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(format!("{name}-{index}"));
        running.threads.push(thread.spawn(move || {
            runtime.block_on(work(listeners, shared, worker));
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?);
    }
    Ok(running)
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    stage: watch::Sender<Stage>,
    threads: Vec<JoinHandle<()>>,
    stats: Arc<HttpStats>,
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What happened so far.
    pub fn stats(&self) -> &Arc<HttpStats> {
        &self.stats
    }

    /// Stops accepting, closes idle connections, gives running requests `drain`
    /// to end, and waits for that. Blocks; not to be called from a handler.
    pub fn stop(mut self, drain: Duration) {
        self.shut(drain);
    }

    fn shut(&mut self, drain: Duration) {
        let until = Instant::now() + drain;
        self.stage.send_replace(Stage::Draining(until));
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a connection thread panicked");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shut(Duration::ZERO);
    }
}

/// Where in its life a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Serving,
    Draining(Instant),
}

/// What the connections of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    stages: watch::Receiver<Stage>,
    active: AtomicUsize,
    quiet: Notify,
    room: Arc<Semaphore>,
}

impl Worker {
    pub(crate) fn stage(&self) -> Stage {
        *self.stages.borrow()
    }

    pub(crate) fn stages(&self) -> watch::Receiver<Stage> {
        self.stages.clone()
    }

    /// Counts a connection as active until the result is dropped.
    pub(crate) fn activate(self: &Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::Relaxed);
        Active(Arc::clone(self))
    }
}

/// A connection that is not parked.
#[derive(Debug)]
pub(crate) struct Active(Arc<Worker>);

impl Drop for Active {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.quiet.notify_one();
        }
    }
}

async fn work<H: Handler>(
    listeners: Vec<StdListener>,
    shared: Arc<Shared<H>>,
    worker: Arc<Worker>,
) {
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, Arc::clone(&shared), Arc::clone(&worker))))
        .collect();
    let mut stages = worker.stages();
    let until = match stages.wait_for(|stage| *stage != Stage::Serving).await {
        Ok(stage) => match *stage {
            Stage::Draining(until) => until,
            Stage::Serving => return,
        },
        Err(_) => return,
    };
    for task in &accepting {
        task.abort();
    }
    let quiet = async {
        while worker.active.load(Ordering::Relaxed) > 0 {
            worker.quiet.notified().await;
        }
    };
    if tokio::time::timeout_at(until.into(), quiet).await.is_err() {
        let left = worker.active.load(Ordering::Relaxed);
        tracing::warn!(
            connections = left,
            "closing connections that did not end in time"
        );
    }
}

async fn accept<H: Handler>(listener: StdListener, shared: Arc<Shared<H>>, worker: Arc<Worker>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a listener can't be used");
            return;
        }
    };
    let mut pause = PAUSE_MIN;
    loop {
        let Ok(permit) = Arc::clone(&worker.room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = PAUSE_MIN;
                admit(stream, peer, permit, &shared, &worker);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of files or memory: it will not be better at once.
                tracing::warn!(%error, "can't accept connections; pausing");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

fn admit<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    shared: &Arc<Shared<H>>,
    worker: &Arc<Worker>,
) {
    let open = Open::new(&shared.stats, permit);
    let served = serve(Arc::clone(shared), Arc::clone(worker), stream, peer);
    tokio::spawn(async move {
        served.await;
        drop(open);
    });
}

/// An open connection, counted.
struct Open {
    stats: Arc<HttpStats>,
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(stats: &Arc<HttpStats>, permit: OwnedSemaphorePermit) -> Self {
        stats.accept();
        Self {
            stats: Arc::clone(stats),
            _permit: permit,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stats.close();
    }
}

/// Connections at a time when `files` may be open: storage keeps its share.
fn connections_by_files(files: u64) -> usize {
    let share = if files > 4096 {
        files - 1024
    } else {
        files / 2
    };
    usize::try_from(share).unwrap_or(usize::MAX).max(1)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);
