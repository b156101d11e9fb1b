//! Answers for clients that are slower than their origin: what such a client has not taken yet
//! goes to an unlinked file, so that the origin's connection is soon free for others.
//!
//! A client that keeps up gets its answer as it comes; nothing is copied for it. One that lags
//! has a pump: a task that reads the origin in its place. At most [`HAND_BYTES`] and a piece are
//! in memory then. Where no more may be written, or the disk does not take it, the pump stands
//! still and the origin waits, as it does without it; the answer is never cut for that.

mod space;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use osier_http::{Chunk, OutgoingBody, SourceFailed, Stream};
use tokio::task::JoinHandle;

use self::space::SpillFile;
pub(crate) use self::space::SpillSpace;
pub use self::space::{FreeBytes, SpillNumbers, SpillSettings};

/// Bytes that wait in memory before they are written to the file at once. A shorter answer is
/// taken whole by the buffers of a connection, and never waits.
const HAND_BYTES: usize = 128 << 10;
/// Bytes that are read from the file at once.
const PIECE_BYTES: u64 = 64 << 10;
/// Pauses between looks at a client that could not lag meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// What an answer may do to keep its origin from waiting.
#[derive(Clone, Debug)]
pub(crate) struct Spilling {
    pub(crate) space: Arc<SpillSpace>,
    /// Bytes of one answer in its file.
    pub(crate) bytes_max: u64,
    pub(crate) patience: Patience,
}

/// When a client lags: when it let its answer wait for longer than this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    grace: Duration,
    /// Each of so many bytes that it takes earns a second more.
    bytes_per_s: u64,
}

impl Patience {
    /// A client of 16 MiB/s never lags; one that is slower has an origin wait a second for it.
    pub(crate) const USUAL: Self = Self {
        grace: Duration::from_secs(1),
        bytes_per_s: 16 << 20,
    };

    fn for_bytes(self, bytes: u64) -> Duration {
        let earned_ms = bytes.saturating_mul(1000) / self.bytes_per_s.max(1);
        self.grace.saturating_add(Duration::from_millis(earned_ms))
    }
}

/// Whether an answer is being read from an origin just now, told by its source.
#[derive(Clone, Debug)]
pub(crate) struct Drawing(Arc<AtomicBool>);

impl Drawing {
    pub(crate) fn new(draws: bool) -> Self {
        Self(Arc::new(AtomicBool::new(draws)))
    }

    pub(crate) fn set(&self, draws: bool) {
        self.0.store(draws, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Spilling {
    /// The same body, whose origin does not wait for a slow client while it draws from it.
    pub(crate) fn over(self, body: OutgoingBody, drawing: Drawing) -> OutgoingBody {
        match body {
            OutgoingBody::Stream { length, source }
                if self.bytes_max > 0 && length.is_none_or(|it| it > HAND_BYTES as u64) =>
            {
                let source = Box::new(Spilled {
                    pieces: 0,
                    known: length.is_some(),
                    pump: None,
                    state: Arc::new(Mutex::new(State {
                        source,
                        drawing,
                        turn: Turn::Client,
                        ended: None,
                        lag: Lag::new(self.patience),
                        backlog: Backlog::new(self),
                        client: Waker::noop().clone(),
                        pump: Waker::noop().clone(),
                    })),
                });
                OutgoingBody::Stream { length, source }
            }
            body => body,
        }
    }
}

/// A body whose origin does not wait.
struct Spilled {
    state: Arc<Mutex<State>>,
    /// Pieces that the client took.
    pieces: u64,
    known: bool,
    pump: Option<Pump>,
}

/// Ends with the body it reads for.
struct Pump(JoinHandle<()>);

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stream for Spilled {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, SourceFailed>> {
        let polled = lock(&self.state).poll_client(cx);
        if matches!(polled, Poll::Ready(Ok(Some(_)))) && self.pump.is_none() {
            self.pieces += 1;
            // Of what has no length, most is one piece and its end.
            if self.known || self.pieces > 1 {
                let tending = tend(Arc::clone(&self.state));
                self.pump = Some(Pump(tokio::spawn(tending)));
            }
        }
        polled
    }
}

/// Looks after the client, and pumps while it lags.
async fn tend(state: Arc<Mutex<State>>) {
    loop {
        let pause = lock(&state).begin_pumping();
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
            continue;
        }
        let pumped = std::future::poll_fn(|cx| lock(&state).poll_pump(cx)).await;
        if pumped == Pumped::ToTheEnd {
            return;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose turn it is to read the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Client,
    Pump,
}

/// How far the pump came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pumped {
    /// There is nothing more to read.
    ToTheEnd,
    /// The client goes on by itself, or nothing is drawn from an origin.
    ForNow,
}

struct State {
    source: Box<dyn Stream>,
    drawing: Drawing,
    turn: Turn,
    /// How the source ended under the pump.
    ended: Option<Result<(), SourceFailed>>,
    lag: Lag,
    backlog: Backlog,
    /// Who waits for more, and who waits until there is room.
    client: Waker,
    pump: Waker,
}

impl State {
    /// The next piece for the client.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, SourceFailed>> {
        self.lag.asks();
        let next = loop {
            if self.turn == Turn::Client {
                break ready!(self.source.poll(cx))?;
            }
            if self.backlog.is_empty() {
                if let Some(ended) = self.ended {
                    break ended.map(|()| None)?;
                }
                // It caught up.
                self.turn = Turn::Client;
                self.lag.forgive();
                self.pump.wake_by_ref();
                continue;
            }
            let Poll::Ready(taken) = self.backlog.poll_take(cx) else {
                self.client.clone_from(cx.waker());
                return Poll::Pending;
            };
            self.pump.wake_by_ref();
            break Some(taken?);
        };
        if let Some(chunk) = &next {
            self.lag.takes(chunk.len());
        }
        Poll::Ready(Ok(next))
    }

    /// Gives the pump its turn when the client lags; else how long not to look.
    fn begin_pumping(&mut self) -> Option<Duration> {
        if self.turn == Turn::Pump || !self.drawing.get() {
            return Some(LOOK);
        }
        let pause = self.lag.left();
        if pause.is_none() {
            self.turn = Turn::Pump;
        }
        pause
    }

    /// Reads the source for the client.
    fn poll_pump(&mut self, cx: &mut Context<'_>) -> Poll<Pumped> {
        loop {
            if self.backlog.is_writing() {
                ready!(self.backlog.poll_written(cx));
                self.client.wake_by_ref();
            }
            if self.ended.is_some() {
                return Poll::Ready(Pumped::ToTheEnd);
            }
            if self.turn == Turn::Client || !self.drawing.get() {
                return Poll::Ready(Pumped::ForNow);
            }
            self.pump.clone_from(cx.waker());
            if self.backlog.is_full() {
                if self.backlog.begin_writing() {
                    continue;
                }
                // Until the client takes something.
                return Poll::Pending;
            }
            match ready!(self.source.poll(cx)) {
                Ok(Some(chunk)) => self.backlog.put(chunk),
                Ok(None) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
            self.client.wake_by_ref();
        }
    }
}

/// How long a client let its answer wait.
#[derive(Debug)]
struct Lag {
    patience: Patience,
    bytes: u64,
    waited: Duration,
    /// Since when it has not asked for more.
    since: Option<Instant>,
}

impl Lag {
    fn new(patience: Patience) -> Self {
        Self {
            patience,
            bytes: 0,
            waited: Duration::ZERO,
            since: None,
        }
    }

    fn asks(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    fn takes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.since = Some(Instant::now());
    }

    fn forgive(&mut self) {
        self.bytes = 0;
        self.waited = Duration::ZERO;
    }

    /// How much longer it may have its answer wait; nothing when it lags.
    fn left(&self) -> Option<Duration> {
        let waits = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        let allowed = self.patience.for_bytes(self.bytes);
        let left = allowed.checked_sub(self.waited + waits);
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Some(left),
            // It asks just now: the origin is the slower one.
            None if self.since.is_none() => Some(LOOK),
            None => None,
        }
    }
}

/// What was read for the client: first what is in the file, then what is in the hand.
struct Backlog {
    spilling: Spilling,
    hand: VecDeque<Chunk>,
    hand_bytes: usize,
    file: Option<Arc<SpillFile>>,
    /// What of the file is to be read.
    read: u64,
    written: u64,
    /// The hand on its way into the file.
    writing: Option<Blocking<Arc<SpillFile>>>,
    reading: Option<Blocking<Bytes>>,
    /// Whether the disk has failed this answer.
    failed: bool,
}

/// Something on a thread that may wait.
type Blocking<T> = JoinHandle<io::Result<T>>;

impl Backlog {
    fn new(spilling: Spilling) -> Self {
        Self {
            spilling,
            hand: VecDeque::new(),
            hand_bytes: 0,
            file: None,
            read: 0,
            written: 0,
            writing: None,
            reading: None,
            failed: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.hand.is_empty() && self.read == self.written
    }

    fn is_full(&self) -> bool {
        self.hand_bytes >= HAND_BYTES
    }

    fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    fn put(&mut self, chunk: Chunk) {
        self.hand_bytes += chunk.len();
        self.hand.push_back(chunk);
    }

    /// The oldest piece. Only asked for where there is one.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<Chunk, SourceFailed>> {
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(cx));
            self.reading = None;
            let bytes = done(read).map_err(|error| {
                tracing::error!(%error, "an answer that waited on disk can't be read");
                SourceFailed
            })?;
            self.read += bytes.len() as u64;
            if self.read == self.written && self.writing.is_none() {
                self.empty_file();
            }
            return Poll::Ready(Ok(bytes.into()));
        }
        if let Some(file) = self.file.as_ref().filter(|_| self.read < self.written) {
            let (file, offset) = (Arc::clone(file), self.read);
            let length = (self.written - offset).min(PIECE_BYTES);
            let length = usize::try_from(length).unwrap_or_default();
            let read = tokio::task::spawn_blocking(move || file.read(offset, length));
            self.reading = Some(read);
            return self.poll_take(cx);
        }
        if self.is_writing() {
            return Poll::Pending;
        }
        match self.hand.pop_front() {
            Some(chunk) => {
                self.hand_bytes -= chunk.len();
                Poll::Ready(Ok(chunk))
            }
            None => Poll::Pending,
        }
    }

    /// All of the file was read.
    fn empty_file(&mut self) {
        self.file = None;
        self.read = 0;
        self.written = 0;
    }

    /// Waits until the hand is in the file, or has to stay.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(writing) = &mut self.writing else {
            return Poll::Ready(());
        };
        let written = ready!(Pin::new(writing).poll(cx));
        self.writing = None;
        match done(written) {
            Ok(file) => {
                self.file = Some(file);
                self.written += self.hand_bytes as u64;
                self.hand.clear();
                self.hand_bytes = 0;
            }
            Err(error) => {
                // It stays in the hand, and its origin waits.
                self.failed = true;
                self.spilling.space.failed(&error);
            }
        }
        Poll::Ready(())
    }

    /// Begins to write the hand, where it may.
    fn begin_writing(&mut self) -> bool {
        let bytes = self.hand_bytes as u64;
        let fits = self.written.saturating_add(bytes) <= self.spilling.bytes_max;
        if self.failed || !fits {
            return false;
        }
        let in_memory = self.hand.iter().map(|chunk| match chunk {
            Chunk::Memory(bytes) => Some(bytes.clone()),
            Chunk::File(_) => None,
        });
        let Some(pieces) = in_memory.collect::<Option<Vec<Bytes>>>() else {
            return false;
        };
        let Some(share) = self.spilling.space.share(bytes) else {
            return false;
        };
        let (space, file) = (Arc::clone(&self.spilling.space), self.file.clone());
        let offset = self.written;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(SpillFile::create(&space)?),
            };
            file.write(&pieces, offset, share)?;
            Ok(file)
        }));
        true
    }
}

fn done<T>(joined: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    joined.map_err(io::Error::other)?
}
