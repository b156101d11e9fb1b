//! The load generator: N keep-alive connections, prepared requests, every answer checked.
//!
//! Requests are bytes made beforehand, so that the client costs as little as
//! possible of the cores it shares with the server.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One prepared request: its head, and its body where it has one.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// Request line and headers.
    pub(crate) head: Vec<u8>,
    /// What follows.
    pub(crate) body: Arc<Vec<u8>>,
    /// Bytes the answer's body must have.
    pub(crate) expect_length: Option<u64>,
}

impl Prepared {
    /// Makes this one request apart from any plan; gives the answer, head and all.
    pub(crate) fn fetch(&self, address: SocketAddr) -> anyhow::Result<String> {
        let mut stream = std::net::TcpStream::connect(address)?;
        let head = String::from_utf8_lossy(&self.head);
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "unexpected: {answer}");
        Ok(answer)
    }
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Whom to ask.
    pub(crate) address: SocketAddr,
    /// Requests, taken in turn.
    pub(crate) requests: Arc<Vec<Prepared>>,
    /// Connections open at once.
    pub(crate) connections: usize,
    /// When to stop.
    pub(crate) stop: Stop,
    /// Acknowledge every segment at once: peers that send head and body apart wait for it.
    pub(crate) quick_ack: bool,
}

/// When a run is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// After this time.
    After(Duration),
    /// When each request was made once.
    Once,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Answers.
    pub(crate) requests: u64,
    /// Body bytes, both ways.
    pub(crate) bytes: u64,
    /// Wall time.
    pub(crate) seconds: f64,
    /// Sorted latencies in microseconds.
    pub(crate) latencies_us: Vec<u32>,
}

impl Measured {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.requests) / self.seconds
    }

    /// Megabytes (10^6) per second.
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        count(self.bytes) / 1e6 / self.seconds
    }

    /// A quantile of the latencies, in microseconds.
    pub(crate) fn quantile_us(&self, thousandth: usize) -> u32 {
        let index = self.latencies_us.len().saturating_sub(1) * thousandth / 1000;
        self.latencies_us.get(index).copied().unwrap_or(0)
    }
}

/// A count as a float; counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

/// Runs a plan to its end.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, drive(plan))
}

async fn drive(plan: &Plan) -> anyhow::Result<Measured> {
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..plan.connections)
        .map(|_| {
            let plan = plan.clone();
            let next = Arc::clone(&next);
            tokio::task::spawn_local(async move { connection(&plan, &next, begin).await })
        })
        .collect();
    let mut all = Measured::default();
    for task in tasks {
        let one = task.await??;
        all.requests += one.requests;
        all.bytes += one.bytes;
        all.latencies_us.extend(one.latencies_us);
    }
    all.seconds = begin.elapsed().as_secs_f64();
    all.latencies_us.sort_unstable();
    Ok(all)
}

async fn connection(plan: &Plan, next: &AtomicUsize, begin: Instant) -> anyhow::Result<Measured> {
    let mut stream = TcpStream::connect(plan.address).await.context("connect")?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut measured = Measured::default();
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        let over = match plan.stop {
            Stop::After(duration) => begin.elapsed() >= duration,
            Stop::Once => turn >= plan.requests.len(),
        };
        if over {
            return Ok(measured);
        }
        let request = plan
            .requests
            .get(turn % plan.requests.len())
            .context("no requests")?;
        let start = Instant::now();
        let received = exchange(&mut stream, request, &mut buffer, plan.quick_ack).await?;
        measured.requests += 1;
        measured.bytes += received + u64::try_from(request.body.len())?;
        measured
            .latencies_us
            .push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// One request and its whole answer; gives the length of the answer's body.
async fn exchange(
    stream: &mut TcpStream,
    request: &Prepared,
    buffer: &mut [u8],
    quick_ack: bool,
) -> anyhow::Result<u64> {
    stream.write_all(&request.head).await?;
    if !request.body.is_empty() {
        stream.write_all(&request.body).await?;
    }
    if quick_ack {
        // The kernel forgets it, so it is said for every answer.
        rustix::net::sockopt::set_tcp_quickack(&stream, true)?;
    }
    let mut filled = 0;
    let head_end = loop {
        let room = buffer
            .get_mut(filled..)
            .context("the answer's head is too long")?;
        let read = stream.read(room).await?;
        ensure!(read > 0, "the server closed the connection");
        filled += read;
        let seen = buffer.get(..filled).unwrap_or_default();
        if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(buffer.get(..head_end).unwrap_or_default()).into_owned();
    let length: u64 = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        })
        .unwrap_or(0);
    let bodiless = request.head.starts_with(b"HEAD ");
    let mut left = if bodiless {
        0
    } else {
        length.saturating_sub(u64::try_from(filled - head_end)?)
    };
    if !(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 204")) {
        bail!(
            "unexpected answer: {}",
            String::from_utf8_lossy(buffer.get(..filled).unwrap_or_default())
        );
    }
    if let Some(expected) = request.expect_length {
        ensure!(
            expected == length,
            "expected {expected} bytes, got {length}: {head}"
        );
    }
    while left > 0 {
        let read = stream.read(buffer).await?;
        ensure!(read > 0, "the server closed the connection inside a body");
        left -= u64::try_from(read)?;
    }
    Ok(if bodiless { 0 } else { length })
}
