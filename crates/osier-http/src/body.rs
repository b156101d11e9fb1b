//! Bodies: what a client sends, and what it gets.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::ConnectionSettings;
use crate::slice::{Chunk, Shown};
use crate::socket::Pulse;

/// The body of a request, in the chunks in which it comes.
#[derive(Default)]
pub struct IncomingBody {
    inner: Option<Inner>,
}

struct Inner {
    body: hyper::body::Incoming,
    pace: Pace,
    touched: bool,
    /// Bytes that may still come.
    left: u64,
    /// Where the rest goes when the handler is done with it.
    leftover: Leftover,
}

/// What a handler left of a body.
pub(crate) type Leftover = Arc<Mutex<Option<Unread>>>;

#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) body: hyper::body::Incoming,
    pub(crate) touched: bool,
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It ended early: the client left.
    Incomplete,
    /// It came too slowly.
    TooSlow,
    /// Its chunks can't be understood.
    Malformed,
    /// It is longer than [`IncomingBody::limited`] allows.
    TooLarge,
    /// A [`Conversion`](crate::Conversion) found that it is not what it should be.
    Refused,
}

impl fmt::Display for BodyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Incomplete => "the request body ended early",
            Self::TooSlow => "the request body came too slowly",
            Self::Malformed => "the request body is malformed",
            Self::TooLarge => "the request body is too large",
            Self::Refused => "the request body is not what it should be",
        })
    }
}

impl std::error::Error for BodyError {}

impl IncomingBody {
    /// No body.
    pub const EMPTY: Self = Self { inner: None };

    /// The next bytes; none at the end. Asking for the first ones also answers
    /// `Expect: 100-continue`.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same body, which fails once it is longer than `bytes_max`.
    #[must_use]
    pub fn limited(mut self, bytes_max: u64) -> Self {
        if let Some(inner) = &mut self.inner {
            inner.left = bytes_max;
        }
        self
    }

    /// The bytes still to come, where the client said how many.
    pub fn length(&self) -> Option<u64> {
        match &self.inner {
            Some(inner) => inner.body.size_hint().exact(),
            None => Some(0),
        }
    }

    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, BodyError>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Ok(None));
        };
        inner.touched = true;
        loop {
            match Pin::new(&mut inner.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers mean nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        inner.pace.arrived(bytes.len());
                        let Some(left) = inner.left.checked_sub(bytes.len() as u64) else {
                            return Poll::Ready(Err(BodyError::TooLarge));
                        };
                        inner.left = left;
                        return Poll::Ready(Ok(Some(bytes)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let error = error_of(&error);
                    self.inner = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(None) => {
                    self.inner = None;
                    return Poll::Ready(Ok(None));
                }
                Poll::Pending => {
                    ready!(inner.pace.poll_too_slow(cx));
                    self.inner = None;
                    return Poll::Ready(Err(BodyError::TooSlow));
                }
            }
        }
    }

    pub(crate) fn new(
        body: hyper::body::Incoming,
        settings: &ConnectionSettings,
    ) -> (Self, Option<Leftover>) {
        if body.is_end_stream() {
            return (Self::EMPTY, None);
        }
        let leftover = Leftover::default();
        let inner = Inner {
            body,
            pace: Pace::new(settings.body_timeout, settings.body_rate_min),
            touched: false,
            left: u64::MAX,
            leftover: Arc::clone(&leftover),
        };
        (Self { inner: Some(inner) }, Some(leftover))
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && let Ok(mut leftover) = inner.leftover.lock()
        {
            *leftover = Some(Unread {
                body: inner.body,
                touched: inner.touched,
            });
        }
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("IncomingBody")
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}

fn error_of(error: &hyper::Error) -> BodyError {
    let is_io = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|source| {
            !matches!(
                source.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        });
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_io {
        BodyError::Incomplete
    } else {
        BodyError::Malformed
    }
}

/// Measures how long a body lets us wait; the time its reader takes is not counted.
struct Pace {
    timeout: Duration,
    rate_min: u64,
    bytes: u64,
    waited: Duration,
    waiting: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(timeout: Duration, rate_min: u64) -> Self {
        Self {
            timeout,
            rate_min,
            bytes: 0,
            waited: Duration::ZERO,
            waiting: None,
            alarm: None,
        }
    }

    fn arrived(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
        }
    }

    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            let allowed = self.allowed().min(self.timeout);
            let until = tokio::time::Instant::from_std(now) + allowed;
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(until),
                None => self.alarm = Some(Box::pin(tokio::time::sleep_until(until))),
            }
        }
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// How much longer the bytes so far may have taken.
    fn allowed(&self) -> Duration {
        let earned = self
            .bytes
            .checked_div(self.rate_min)
            .unwrap_or(u64::MAX / 4);
        self.timeout
            .saturating_add(Duration::from_secs(earned))
            .saturating_sub(self.waited)
    }
}

/// The body of an answer.
#[derive(Default)]
pub enum OutgoingBody {
    /// None.
    #[default]
    Empty,
    /// All of it, in memory.
    Full(Bytes),
    /// In pieces.
    Stream {
        /// How many bytes it will be; without it the answer is sent in chunks.
        length: Option<u64>,
        /// Where they come from.
        source: Box<dyn Stream>,
    },
}

impl OutgoingBody {
    /// A body that comes from `source`.
    pub fn stream(length: Option<u64>, source: impl BodySource) -> Self {
        Self::Stream {
            length,
            source: Box::new(Feed::Ready(source)),
        }
    }
}

impl fmt::Debug for OutgoingBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("Empty"),
            Self::Full(bytes) => write!(out, "Full({} bytes)", bytes.len()),
            Self::Stream { length, .. } => write!(out, "Stream({length:?} bytes)"),
        }
    }
}

/// Gives the body of an answer piece by piece.
pub trait BodySource: Send + 'static {
    /// The next bytes; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Chunk>, SourceFailed>> + Send;
}

/// The rest of an answer can't be had. The connection is cut, so that the client
/// can tell the answer from a complete one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFailed;

impl fmt::Display for SourceFailed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the answer's body could not be read to its end")
    }
}

impl std::error::Error for SourceFailed {}

/// A [`BodySource`] to poll.
pub trait Stream: Send {
    #[doc(hidden)]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, SourceFailed>>;
}

type Reading<S> = dyn Future<Output = (S, Result<Option<Chunk>, SourceFailed>)> + Send;

enum Feed<S> {
    Ready(S),
    Reading(Pin<Box<Reading<S>>>),
    Ended,
}

impl<S: BodySource> Stream for Feed<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, SourceFailed>> {
        loop {
            match std::mem::replace(self, Self::Ended) {
                Self::Ready(mut source) => {
                    *self = Self::Reading(Box::pin(async move {
                        let read = source.next().await;
                        (source, read)
                    }));
                }
                Self::Reading(mut reading) => {
                    let Poll::Ready((source, read)) = reading.as_mut().poll(cx) else {
                        *self = Self::Reading(reading);
                        return Poll::Pending;
                    };
                    if matches!(read, Ok(Some(_))) {
                        *self = Self::Ready(source);
                    }
                    return Poll::Ready(read);
                }
                Self::Ended => return Poll::Ready(Ok(None)),
            }
        }
    }
}

/// An answer's body as hyper takes it. While it lives, its request is being answered.
pub(crate) struct Reply {
    body: OutgoingBody,
    answering: Answering,
}

/// Counts an answer as begun, and as ended when dropped.
pub(crate) struct Answering(Arc<Pulse>);

impl Answering {
    pub(crate) fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.begin_answer();
        Self(Arc::clone(pulse))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end_answer();
    }
}

impl Reply {
    pub(crate) fn new(body: OutgoingBody, answering: Answering) -> Self {
        Self { body, answering }
    }
}

impl Body for Reply {
    type Data = Shown;
    type Error = SourceFailed;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Shown>, SourceFailed>>> {
        let reply = self.get_mut();
        let files = &reply.answering.0.files;
        match &mut reply.body {
            OutgoingBody::Empty => Poll::Ready(None),
            OutgoingBody::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                reply.body = OutgoingBody::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(Shown::Memory(bytes)))))
            }
            OutgoingBody::Stream { length, source } => {
                let polled = std::panic::AssertUnwindSafe(|| source.poll(cx));
                let read = match std::panic::catch_unwind(polled) {
                    Ok(polled) => ready!(polled),
                    Err(_) => Err(SourceFailed),
                };
                let Some(chunk) = read.transpose() else {
                    return Poll::Ready(match length {
                        None | Some(0) => None,
                        Some(_) => Some(Err(SourceFailed)),
                    });
                };
                let fits = chunk.and_then(|chunk| {
                    if let Some(length) = length {
                        *length = length.checked_sub(chunk.len() as u64).ok_or(SourceFailed)?;
                    }
                    files.show(chunk).map(Frame::data)
                });
                Poll::Ready(Some(fits))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            OutgoingBody::Empty => true,
            OutgoingBody::Full(bytes) => bytes.is_empty(),
            OutgoingBody::Stream { length, .. } => *length == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            OutgoingBody::Empty => SizeHint::with_exact(0),
            OutgoingBody::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            OutgoingBody::Stream {
                length: Some(length),
                ..
            } => SizeHint::with_exact(*length),
            OutgoingBody::Stream { length: None, .. } => SizeHint::default(),
        }
    }
}
