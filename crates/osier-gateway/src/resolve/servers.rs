//! Servers of DNS that the settings name: asked by datagram, by TCP where an answer is too long,
//! one after the other until one can say.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use osier_types::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::message::{DnsAnswer, DnsQuestion, RecordKind};

/// How names of origins are resolved, where the system is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverSettings {
    /// Whom to ask; the system if empty.
    pub servers: Vec<SocketAddr>,
    /// How long addresses are used, whatever their records say.
    pub valid: Option<Duration>,
    /// Time for an answer in all.
    pub timeout: Duration,
    /// Whether addresses of version 6 are asked for.
    pub ipv6: bool,
}

/// Time for one server before the next is asked as well.
const TRY: Duration = Duration::from_secs(2);
/// Names that one stands for in turn, at most, where a server leaves following them to us.
const ALIASES_MAX: usize = 4;
/// Bytes of a datagram without extensions: RFC 1035, section 2.3.4. Larger ones are read, too.
const DATAGRAM_BYTES_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Servers {
    addresses: Vec<SocketAddr>,
    timeout: Duration,
    ipv6: bool,
    rng: Arc<dyn Rng>,
    /// The one that answered last.
    good: AtomicUsize,
}

impl Servers {
    pub(super) fn new(settings: &ResolverSettings, rng: Arc<dyn Rng>) -> Self {
        Self {
            addresses: settings.servers.clone(),
            timeout: settings.timeout,
            ipv6: settings.ipv6,
            rng,
            good: AtomicUsize::new(0),
        }
    }

    /// The addresses of a name, and how long they may be used.
    pub(super) async fn addresses(&self, host: &str) -> io::Result<(Vec<IpAddr>, Duration)> {
        let of_6 = async {
            if self.ipv6 {
                self.records(host, RecordKind::Aaaa).await
            } else {
                Ok(None)
            }
        };
        let (four, six) = tokio::join!(self.records(host, RecordKind::A), of_6);
        let found = match (four, six) {
            (Err(error), Err(_) | Ok(None)) | (Ok(None), Err(error)) => return Err(error),
            (four, six) => [four.ok().flatten(), six.ok().flatten()],
        };
        let mut addresses = Vec::new();
        let mut ttl = u32::MAX;
        for (found, found_ttl) in found.into_iter().flatten() {
            addresses.extend(found);
            ttl = ttl.min(found_ttl);
        }
        if addresses.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address",
            ));
        }
        Ok((addresses, Duration::from_secs(u64::from(ttl))))
    }

    /// Records of one kind; nothing where there are none.
    async fn records(
        &self,
        host: &str,
        kind: RecordKind,
    ) -> io::Result<Option<(Vec<IpAddr>, u32)>> {
        let until = Instant::now() + self.timeout;
        let mut name = host.to_owned();
        let mut ttl = u32::MAX;
        for _ in 0..=ALIASES_MAX {
            match self.answer(&name, kind, until).await? {
                DnsAnswer::Addresses(addresses, own) => return Ok(Some((addresses, ttl.min(own)))),
                DnsAnswer::Alias(alias, own) => {
                    name = alias;
                    ttl = ttl.min(own);
                }
                DnsAnswer::Nothing | DnsAnswer::Failed | DnsAnswer::Cut => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The answer of the first server that has one, beginning with the one that had one last.
    async fn answer(&self, name: &str, kind: RecordKind, until: Instant) -> io::Result<DnsAnswer> {
        let first = self.good.load(Ordering::Relaxed);
        let mut failed = io::Error::new(io::ErrorKind::TimedOut, "no server of DNS answers");
        let mut refusals = 0;
        for turn in 0.. {
            if Instant::now() >= until || refusals >= self.addresses.len() * 2 {
                break;
            }
            let place = first.wrapping_add(turn) % self.addresses.len().max(1);
            let Some(server) = self.addresses.get(place) else {
                break;
            };
            let tried = timeout_at(until, timeout(TRY, self.ask(*server, name, kind)));
            match tried.await {
                Ok(Ok(Ok(DnsAnswer::Failed))) => {
                    refusals += 1;
                    failed = io::Error::other("the server of DNS failed");
                }
                Ok(Ok(Ok(answer))) => {
                    self.good.store(place, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Ok(Err(error))) => {
                    refusals += 1;
                    failed = error;
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(failed)
    }

    async fn ask(&self, server: SocketAddr, name: &str, kind: RecordKind) -> io::Result<DnsAnswer> {
        let mut id = [0; 2];
        self.rng.fill(&mut id);
        let question = DnsQuestion::new(name, kind, u16::from_be_bytes(id));
        let question = question.map_err(io::Error::other)?;
        match by_datagram(server, &question).await? {
            DnsAnswer::Cut => by_stream(server, &question).await,
            answer => Ok(answer),
        }
    }
}

async fn by_datagram(server: SocketAddr, question: &DnsQuestion) -> io::Result<DnsAnswer> {
    // Each from a port of its own, which whoever forges an answer has to guess.
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(server).await?;
    socket.send(&question.bytes()).await?;
    let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let length = socket.recv(&mut bytes).await?;
        // What answers no question of ours may be forged: the real one may still come.
        if let Ok(answer) = question.answered(bytes.get(..length).unwrap_or_default()) {
            return Ok(answer);
        }
    }
}

async fn by_stream(server: SocketAddr, question: &DnsQuestion) -> io::Result<DnsAnswer> {
    let mut stream = TcpStream::connect(server).await?;
    let bytes = question.bytes();
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes(), bytes.as_slice()].concat())
        .await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    question.answered(&bytes).map_err(io::Error::other)
}
