//! One connection from accept to close.
//!
//! It is parked (a socket and nothing else) or active (a hyper connection with
//! its buffers). An active connection looks around at every tick; all timeouts
//! but that of bodies are counted in ticks, so that a request pays for no clock.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use hyper::server::conn::http1;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;

use crate::acceptor::{Active, Stage, Worker};
use crate::exchange::{Exchanges, Shared};
use crate::framing::Framing;
use crate::socket::{BUFFER_BYTES, Pulse, Socket};
use crate::tls::ACME_TLS;
use crate::transport::Transport;
use crate::{ConnectionSettings, Handler, Proxied, Tls, multiplexed};

/// Serves a connection until it ends.
pub(crate) async fn serve<H: Handler>(
    shared: Arc<Shared<H>>,
    worker: Arc<Worker>,
    mut stream: TcpStream,
    mut peer: SocketAddr,
) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let settings = &shared.settings;
    // Answers leave at once; hyper writes head and body together.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut encrypted_before = false;
    if let Some(proxies) = &shared.proxies
        && proxies.expects(peer.ip())
    {
        // In a box, so that a connection does not keep room for it.
        let reading = Box::pin(Proxied::read(&mut stream));
        match timeout(settings.head_timeout, reading).await {
            Ok(Ok(proxied)) => {
                peer = proxied.source.unwrap_or(peer);
                encrypted_before = proxied.secure;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, %peer, "a proxy does not say for whom it connects");
                return;
            }
            Err(_) => return,
        }
    }
    let stream = match &shared.tls {
        None => Transport::Plain(stream),
        // In a box, so that a connection does not keep room for it.
        Some(tls) => match Box::pin(secured(stream, tls, settings)).await {
            Some(stream) => stream,
            None => return,
        },
    };
    let secure = !stream.is_plain();
    let server_name: Option<Arc<str>> = stream.server_name().map(Arc::from);
    if multiplexed::is_agreed(&stream) {
        let exchanges = Exchanges {
            shared: Arc::clone(&shared),
            pulse: Arc::new(Pulse::encrypted()),
            peer,
            local,
            secure: secure || encrypted_before,
            server_name: server_name.clone(),
        };
        let active = worker.activate();
        return Box::pin(multiplexed::serve(
            stream,
            exchanges,
            active,
            worker.stages(),
        ))
        .await;
    }
    let pulse = Arc::new(if secure {
        Pulse::encrypted()
    } else {
        Pulse::default()
    });
    let framing = Framing::new(settings.head_bytes_max, settings.request_line_bytes_max);
    let mut socket = Socket::new(
        stream,
        framing,
        Arc::clone(&pulse),
        Arc::clone(&shared.stats),
    );
    // A handshake may have read the first request along with its own end.
    let mut may_hold_request = secure;
    loop {
        if !may_hold_request && !socket.has_early() {
            let _parked = Parked::new(&shared.stats);
            let readable = timeout(settings.idle_timeout, socket.stream.tcp().readable());
            if !matches!(readable.await, Ok(Ok(()))) {
                return;
            }
        }
        may_hold_request = false;
        if worker.stage() != Stage::Serving {
            return;
        }
        let exchanges = Exchanges {
            shared: Arc::clone(&shared),
            pulse: Arc::clone(&pulse),
            peer,
            local,
            secure: secure || encrypted_before,
            server_name: server_name.clone(),
        };
        let active = worker.activate();
        // In a box, so that a parked connection does not keep room for it.
        let served = Box::pin(converse(socket, exchanges, active, worker.stages())).await;
        match served {
            Some(parked) => socket = parked,
            None => return,
        }
    }
}

/// The connection after its handshake, unless that fails or takes too long.
async fn secured(stream: TcpStream, tls: &Tls, settings: &ConnectionSettings) -> Option<Transport> {
    let handshake = TlsAcceptor::from(tls.config(settings.http2)).accept(stream);
    match timeout(settings.head_timeout, handshake).await {
        Ok(Ok(mut stream)) if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) => {
            // It has seen what it came for; that it was told so is not worth waiting for.
            let _ = timeout(settings.head_timeout, stream.shutdown()).await;
            None
        }
        Ok(Ok(stream)) => Some(Transport::Tls(Box::new(stream.into()))),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no TLS handshake");
            None
        }
        Err(_) => None,
    }
}

/// Serves requests until the connection rests, and gives the socket back; or
/// until it ends.
async fn converse<H: Handler>(
    socket: Socket,
    exchanges: Exchanges<H>,
    _active: Active,
    mut stages: watch::Receiver<Stage>,
) -> Option<Socket> {
    let shared = Arc::clone(&exchanges.shared);
    let pulse = Arc::clone(&exchanges.pulse);
    let settings = &shared.settings;
    let mut connection = builder(settings).serve_connection(socket, exchanges);
    let mut ticks = interval(settings.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut watchdog = Watchdog::new(&pulse, settings);
    let mut stage = std::pin::pin!(async move {
        // An error means that there is no server any more: then draining, too.
        let _ = stages.wait_for(|stage| *stage != Stage::Serving).await;
    });
    let mut draining = false;
    // The heads so far, when the end of the server found the connection without a request.
    let mut rested_at = None;
    let end = std::future::poll_fn(|cx| {
        if !draining && stage.as_mut().poll(cx).is_ready() {
            draining = true;
            rested_at = pulse.is_idle().then(|| pulse.heads());
            Pin::new(&mut connection).graceful_shutdown();
        }
        // Not shutting down: the socket is needed for what follows.
        if let Poll::Ready(result) = connection.poll_without_shutdown(cx) {
            return Poll::Ready(match result {
                Ok(()) => End::Closed,
                Err(error) => {
                    tracing::debug!(%error, "connection ended");
                    End::Failed
                }
            });
        }
        while ticks.poll_tick(cx).is_ready() {
            match watchdog.look(&pulse) {
                Sight::Fine => {}
                Sight::Resting => return Poll::Ready(End::Resting),
                Sight::Stalled => return Poll::Ready(End::Stalled),
            }
        }
        Poll::Pending
    })
    .await;
    let parts = connection.into_parts();
    match end {
        End::Resting => {
            let mut socket = parts.io;
            // Copied, because even an empty rest would keep the whole buffer.
            socket.unread(Bytes::copy_from_slice(&parts.read_buf));
            Some(socket)
        }
        // Its last answer left long ago, and nothing of a next request came: there is nothing
        // that a reset could destroy, and the client may hold its end open for hours.
        End::Closed if rested_at == Some(pulse.heads()) => {
            let _ = timeout(settings.linger_timeout, parts.io.close()).await;
            None
        }
        End::Closed | End::Failed => {
            let linger = parts.io.linger(settings.linger_bytes_max);
            let _ = timeout(settings.linger_timeout, linger).await;
            None
        }
        End::Stalled => None,
    }
}

enum End {
    Resting,
    Closed,
    Failed,
    Stalled,
}

fn builder(settings: &ConnectionSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES.max(settings.head_bytes_max.saturating_mul(2)));
    builder
}

/// Sees what does not happen.
struct Watchdog {
    park_ticks: u32,
    head_ticks: u32,
    write_ticks: u32,
    resting: u32,
    in_head: u32,
    stalled: u32,
    bytes: u64,
    heads: u64,
}

enum Sight {
    Fine,
    Resting,
    Stalled,
}

impl Watchdog {
    fn new(pulse: &Pulse, settings: &ConnectionSettings) -> Self {
        Self {
            park_ticks: settings.ticks(settings.park_after),
            head_ticks: settings.ticks(settings.head_timeout),
            write_ticks: settings.ticks(settings.write_timeout),
            resting: 0,
            in_head: 0,
            stalled: 0,
            bytes: pulse.bytes(),
            heads: pulse.heads(),
        }
    }

    fn look(&mut self, pulse: &Pulse) -> Sight {
        let moved = std::mem::replace(&mut self.bytes, pulse.bytes()) != pulse.bytes();
        let new_head = std::mem::replace(&mut self.heads, pulse.heads()) != pulse.heads();
        let count = |counter: &mut u32, goes_on: bool| {
            *counter = if goes_on { *counter + 1 } else { 0 };
            *counter
        };
        if count(&mut self.resting, pulse.is_idle() && !moved) >= self.park_ticks {
            return Sight::Resting;
        }
        let is_late = count(&mut self.in_head, pulse.is_in_head() && !new_head) > self.head_ticks;
        let is_stuck =
            count(&mut self.stalled, pulse.is_write_blocked() && !moved) > self.write_ticks;
        if is_late || is_stuck {
            Sight::Stalled
        } else {
            Sight::Fine
        }
    }
}

struct Parked<'a>(&'a crate::HttpStats);

impl<'a> Parked<'a> {
    fn new(stats: &'a crate::HttpStats) -> Self {
        stats.park();
        Self(stats)
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.unpark();
    }
}
