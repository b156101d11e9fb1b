//! Bodies on their way to an origin and back.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::timeout;

use crate::{BodyError, BodySource, Chunk, IncomingBody, SourceFailed};

/// What a client's body is turned into on its way to an origin. It never waits: bytes are pushed
/// as they come in, and taken out as far as they may be sent.
pub trait Conversion: Send {
    /// Takes bytes that came in, once [`Self::take`] has nothing more to give.
    fn push(&mut self, bytes: Bytes);

    /// Says that all have come in.
    ///
    /// # Errors
    /// When the body is not what it should be: then the request to the origin breaks off.
    fn close(&mut self) -> Result<(), ConversionFailed>;

    /// The next bytes to send; none when more must be pushed, or after the end.
    ///
    /// # Errors
    /// As [`Self::close`].
    fn take(&mut self) -> Result<Option<Bytes>, ConversionFailed>;

    /// How many bytes will have been taken, where that is known.
    fn length(&self) -> Option<u64>;
}

/// A body is not what it should be. Why is known to whoever made the [`Conversion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversionFailed;

/// The body of a request to an origin.
#[derive(Debug, Default)]
pub enum RequestBody {
    /// None.
    #[default]
    Empty,
    /// All of it, in memory.
    Full(Bytes),
    /// As a client sends it.
    Incoming(IncomingBody),
    /// What a client sends, made into something else.
    Converted(Converted),
}

/// A client's body with what it is turned into.
pub struct Converted {
    body: IncomingBody,
    conversion: Box<dyn Conversion>,
    is_closed: bool,
}

impl Converted {
    /// What `conversion` makes of `body`.
    pub fn new(body: IncomingBody, conversion: Box<dyn Conversion>) -> Self {
        Self {
            body,
            conversion,
            is_closed: false,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        loop {
            match self.conversion.take() {
                Ok(Some(bytes)) => return Poll::Ready(Ok(Some(bytes))),
                Ok(None) if self.is_closed => return Poll::Ready(Ok(None)),
                Ok(None) => {}
                Err(ConversionFailed) => return Poll::Ready(Err(BodyError::Refused)),
            }
            match ready!(self.body.poll_next(cx)) {
                Ok(Some(bytes)) => self.conversion.push(bytes),
                Ok(None) => {
                    self.is_closed = true;
                    if self.conversion.close().is_err() {
                        return Poll::Ready(Err(BodyError::Refused));
                    }
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl std::fmt::Debug for Converted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Converted")
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// A request's body as hyper takes it.
#[derive(Debug)]
pub(super) struct Sending {
    body: RequestBody,
    watch: Watch,
}

/// Sees how far a body has come; outlives it.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    bytes: AtomicU64,
    sent: AtomicBool,
    failure: OnceLock<BodyError>,
}

impl Watch {
    /// Bytes taken so far.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Whether all of it was taken.
    pub(super) fn is_sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// How its source failed, if it did.
    pub(super) fn failure(&self) -> Option<BodyError> {
        self.0.failure.get().copied()
    }

    fn took(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn ended(&self) {
        self.0.sent.store(true, Ordering::Relaxed);
    }
}

impl Sending {
    pub(super) fn new(body: RequestBody) -> (Self, Watch) {
        let watch = Watch::default();
        let sending = Self {
            body,
            watch: watch.clone(),
        };
        if sending.is_end_stream() {
            watch.ended();
        }
        (sending, watch)
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let sending = self.get_mut();
        let next = match &mut sending.body {
            RequestBody::Empty => Ok(None),
            RequestBody::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                sending.body = RequestBody::Empty;
                Ok((!bytes.is_empty()).then_some(bytes))
            }
            RequestBody::Incoming(body) => ready!(body.poll_next(cx)),
            RequestBody::Converted(body) => ready!(body.poll_next(cx)),
        };
        Poll::Ready(match next {
            Ok(Some(bytes)) => {
                sending.watch.took(bytes.len());
                if sending.is_end_stream() {
                    sending.watch.ended();
                }
                Some(Ok(Frame::data(bytes)))
            }
            Ok(None) => {
                sending.watch.ended();
                None
            }
            Err(error) => {
                let _ = sending.watch.0.failure.set(error);
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            RequestBody::Empty => true,
            RequestBody::Full(bytes) => bytes.is_empty(),
            RequestBody::Incoming(body) => body.length() == Some(0),
            // Only its end says that it is what it should be.
            RequestBody::Converted(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            RequestBody::Incoming(body) => body
                .length()
                .map_or_else(SizeHint::default, SizeHint::with_exact),
            RequestBody::Converted(body) => body
                .conversion
                .length()
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// The body of an origin's answer. Its connection is used again once it was read to its end,
/// and closed when it is dropped before.
pub struct OriginBody {
    body: Place,
    read_timeout: Duration,
    release: Option<Box<dyn FnOnce() + Send>>,
}

/// Where its bytes are.
enum Place {
    Origin(hyper::body::Incoming),
    /// Here: they were made in the origin's place.
    Here(Option<Bytes>),
}

impl OriginBody {
    /// A body in the place of an origin's.
    pub fn made(bytes: Bytes) -> Self {
        Self {
            body: Place::Here(Some(bytes)),
            read_timeout: Duration::ZERO,
            release: None,
        }
    }

    pub(super) fn new(
        body: hyper::body::Incoming,
        read_timeout: Duration,
        release: impl FnOnce() + Send + 'static,
    ) -> Self {
        let is_over = body.is_end_stream();
        let mut body = Self {
            body: Place::Origin(body),
            read_timeout,
            release: Some(Box::new(release)),
        };
        if is_over {
            body.release();
        }
        body
    }

    /// The bytes still to come, where the origin said how many.
    pub fn length(&self) -> Option<u64> {
        match &self.body {
            Place::Origin(body) => body.size_hint().exact(),
            Place::Here(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the body breaks off or stands still.
    pub async fn read(&mut self) -> Result<Option<Bytes>, SourceFailed> {
        loop {
            let body = match &mut self.body {
                Place::Origin(body) => body,
                Place::Here(bytes) => return Ok(bytes.take().filter(|bytes| !bytes.is_empty())),
            };
            let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
            match timeout(self.read_timeout, frame).await {
                Ok(Some(Ok(frame))) => {
                    // Trailers are not passed on.
                    if let Ok(bytes) = frame.into_data() {
                        if body.is_end_stream() {
                            self.release();
                        }
                        return Ok(Some(bytes));
                    }
                }
                Ok(None) => {
                    self.release();
                    return Ok(None);
                }
                Ok(Some(Err(_))) | Err(_) => {
                    self.release = None;
                    return Err(SourceFailed);
                }
            }
        }
    }

    fn release(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

impl BodySource for OriginBody {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        Ok(self.read().await?.map(Chunk::from))
    }
}

impl std::fmt::Debug for OriginBody {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OriginBody")
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}
