//! A connection as hyper wants it, with an eye on what passes.
//!
//! Reads go through one buffer per thread, so that a connection owns none; the
//! framing is followed there. Writes are vectored and go straight through.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

use crate::framing::{Framing, Verdict};
use crate::slice::{FileQueue, any_stand_in};
use crate::transport::Transport;
use crate::{HttpStats, Refusal};

/// The driver's end of a connection.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) stream: Transport,
    framing: Framing,
    /// Bytes to hand on before any that are read.
    early: Bytes,
    /// Nothing more is handed on; what arrives is thrown away.
    muted: bool,
    pulse: Arc<Pulse>,
    stats: Arc<HttpStats>,
}

/// What the parts of one connection tell each other.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Which head is to be refused, counted from 1, shifted by 8, with the refusal's
    /// place in [`Refusal::ALL`]; 0 for none.
    refused: AtomicU64,
    /// Heads that have ended on the wire.
    heads: AtomicU64,
    /// Heads that hyper handed on.
    served: AtomicU64,
    /// Requests whose answer is not yet complete.
    busy: AtomicU64,
    bytes: AtomicU64,
    place: AtomicU8,
    write_blocked: AtomicBool,
    /// Pieces of files in the answers that are being written.
    pub(crate) files: FileQueue,
}

const AT_BOUNDARY: u8 = 0;
const IN_HEAD: u8 = 1;
const IN_BODY: u8 = 2;

impl Pulse {
    /// Of a connection whose bytes are encrypted on their way.
    pub(crate) fn encrypted() -> Self {
        Self {
            files: FileQueue::in_memory(),
            ..Self::default()
        }
    }

    /// Counts a head that hyper handed on, and says whether it is to be refused.
    pub(crate) fn serve(&self) -> Option<Refusal> {
        let served = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = self.refused.load(Ordering::Relaxed);
        let place = usize::try_from(refused & 0xff).unwrap_or(usize::MAX);
        (refused >> 8 == served)
            .then(|| Refusal::ALL.get(place).copied())
            .flatten()
    }

    pub(crate) fn begin_answer(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_answer(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether everything that came was answered, and every answer has left.
    pub(crate) fn is_idle(&self) -> bool {
        self.place.load(Ordering::Relaxed) == AT_BOUNDARY
            && self.busy.load(Ordering::Relaxed) == 0
            && !self.write_blocked.load(Ordering::Relaxed)
            && self.heads.load(Ordering::Relaxed) == self.served.load(Ordering::Relaxed)
    }

    /// Whether an answer is on its way.
    pub(crate) fn is_answering(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_in_head(&self) -> bool {
        self.place.load(Ordering::Relaxed) == IN_HEAD
    }

    pub(crate) fn is_write_blocked(&self) -> bool {
        self.write_blocked.load(Ordering::Relaxed)
    }

    /// Changes whenever a byte moves.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Changes whenever a head ends.
    pub(crate) fn heads(&self) -> u64 {
        self.heads.load(Ordering::Relaxed)
    }
}

impl Socket {
    pub(crate) fn new(
        stream: Transport,
        framing: Framing,
        pulse: Arc<Pulse>,
        stats: Arc<HttpStats>,
    ) -> Self {
        Self {
            stream,
            framing,
            early: Bytes::new(),
            muted: false,
            pulse,
            stats,
        }
    }

    /// Hands `bytes` on again; they were read and not used.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        debug_assert!(self.early.is_empty());
        self.early = bytes;
    }

    fn follow(&mut self, bytes: &[u8]) -> Verdict {
        let verdict = self.framing.inspect(bytes);
        let place = if self.framing.at_boundary() {
            AT_BOUNDARY
        } else if self.framing.in_head() {
            IN_HEAD
        } else {
            IN_BODY
        };
        let pulse = &self.pulse;
        pulse.place.store(place, Ordering::Relaxed);
        pulse.heads.store(self.framing.heads(), Ordering::Relaxed);
        if let Some((head, refusal)) = self.framing.refused() {
            let code = Refusal::ALL.iter().position(|r| *r == refusal);
            let code = code.and_then(|code| u64::try_from(code).ok()).unwrap_or(0);
            pulse.refused.store(head << 8 | code, Ordering::Relaxed);
        }
        verdict
    }

    /// What the socket has, with at most `room` bytes; empty at its end.
    fn poll_stream(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) => {
                let bytes = read.filled().len();
                self.stats.read(bytes);
                self.pulse.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes slices of which some stand for pieces of files: only where bytes go out as they
    /// are.
    fn poll_send(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let stream = self.stream.tcp();
        loop {
            ready!(stream.poll_write_ready(cx))?;
            let send = || self.pulse.files.send(stream, slices);
            match stream.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        let pulse = &self.pulse;
        pulse
            .write_blocked
            .store(result.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = result {
            self.stats.write(*bytes);
            pulse.bytes.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
    }
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if !socket.early.is_empty() {
            let here = socket.early.len().min(cursor.remaining());
            cursor.put_slice(&socket.early.split_to(here));
            return Poll::Ready(Ok(()));
        }
        BUFFER.with_borrow_mut(|buffer| {
            loop {
                // All the room: hyper asks for more next time only if it was filled.
                let room = cursor.remaining().min(buffer.len());
                let Some(buffer) = buffer.get_mut(..room) else {
                    return Poll::Ready(Ok(()));
                };
                let bytes = match socket.poll_stream(cx, buffer) {
                    Poll::Ready(Ok(bytes)) => bytes,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                };
                let bytes = buffer.get(..bytes).unwrap_or_default();
                if socket.muted {
                    if bytes.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    continue;
                }
                match socket.follow(bytes) {
                    Verdict::Pass => cursor.put_slice(bytes),
                    Verdict::Cut { keep, suffix } => {
                        socket.muted = true;
                        cursor.put_slice(bytes.get(..keep).unwrap_or(bytes));
                        let here = suffix.len().min(cursor.remaining());
                        let (now, later) = suffix.split_at(here);
                        cursor.put_slice(now);
                        socket.early = Bytes::from_static(later);
                    }
                }
                return Poll::Ready(Ok(()));
            }
        })
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let result = Pin::new(&mut socket.stream).poll_write(cx, bytes);
        socket.wrote(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let result = if any_stand_in(slices) {
            socket.poll_send(cx, slices)
        } else {
            Pin::new(&mut socket.stream).poll_write_vectored(cx, slices)
        };
        socket.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// The driver closes by itself, after the client has had its answer.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Socket {
    /// Ends the writing side, and waits for nothing.
    pub(crate) async fn close(mut self) {
        // The client learns of the end one way or the other.
        let _ = std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
    }

    /// Ends the writing side and reads the rest away, so that what the client has
    /// not yet read is not destroyed by a reset.
    pub(crate) async fn linger(mut self, bytes_max: u64) {
        if std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx))
            .await
            .is_err()
        {
            return;
        }
        let mut left = bytes_max;
        std::future::poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                loop {
                    match self.poll_stream(cx, buffer) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(bytes)) if bytes > 0 && left > 0 => {
                            left = left.saturating_sub(bytes as u64);
                        }
                        Poll::Ready(_) => return Poll::Ready(()),
                    }
                }
            })
        })
        .await;
    }

    /// Whether bytes wait that were read before.
    pub(crate) fn has_early(&self) -> bool {
        self.early.has_remaining()
    }
}

/// Large enough that a system call costs little per byte, small enough for the
/// core's own cache.
pub(crate) const BUFFER_BYTES: usize = 128 << 10;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER_BYTES].into_boxed_slice());
}
