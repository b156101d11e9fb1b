//! What answers requests, and what it is given.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, header, request, response};

use crate::{IncomingBody, OutgoingBody};

/// Answers requests. One value serves every connection of every core.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. A panic in here costs only this request.
    fn handle(&self, incoming: Incoming) -> impl Future<Output = Outgoing> + Send;

    /// Words a refusal which the driver made before, or instead of, [`handle`](Self::handle).
    /// `head` may be shortened when it was too large. The connection closes afterwards.
    fn refuse(&self, refusal: Refusal, head: &request::Parts) -> Outgoing {
        let _ = head;
        Outgoing::text(refusal.status(), refusal.reason())
    }
}

/// One handler for several servers.
impl<H: Handler> Handler for Arc<H> {
    fn handle(&self, incoming: Incoming) -> impl Future<Output = Outgoing> + Send {
        H::handle(self, incoming)
    }

    fn refuse(&self, refusal: Refusal, head: &request::Parts) -> Outgoing {
        H::refuse(self, refusal, head)
    }
}

/// A request whose head has been read, and whose body has not.
#[derive(Debug)]
pub struct Incoming {
    /// Method, target, version and headers.
    pub parts: request::Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Where to.
    pub local: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The name that the client's TLS asked for.
    pub server_name: Option<Arc<str>>,
    /// What follows the head.
    pub body: IncomingBody,
}

/// An answer. `Content-Length` and `Date` are added where they are missing.
#[derive(Debug)]
pub struct Outgoing {
    /// Status and headers.
    pub parts: response::Parts,
    /// What follows them; not sent in answer to HEAD.
    pub body: OutgoingBody,
}

impl Outgoing {
    /// A plain text of one line.
    pub fn text(status: StatusCode, text: &str) -> Self {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = status;
        parts.headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        let line = format!("{text}\n");
        Self {
            parts,
            body: OutgoingBody::Full(Bytes::from(line)),
        }
    }
}

/// Why the driver refused a request, or gave up on its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Both `Content-Length` and `Transfer-Encoding`, or either in a form that
    /// two readers may understand differently.
    AmbiguousLength,
    /// A line of the head does not end in CR LF.
    BareLineFeed,
    /// HTTP/1.1 without exactly one `Host`.
    Host,
    /// A method or target that only a proxy would serve.
    NotAProxy,
    /// The request line is too long.
    TargetTooLong,
    /// The head is too large or has too many lines.
    HeadTooLarge,
    /// The handler panicked.
    Panicked,
}

impl Refusal {
    pub(crate) const ALL: [Self; 7] = [
        Self::AmbiguousLength,
        Self::BareLineFeed,
        Self::Host,
        Self::NotAProxy,
        Self::TargetTooLong,
        Self::HeadTooLarge,
        Self::Panicked,
    ];

    /// The status that says it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::AmbiguousLength | Self::BareLineFeed | Self::Host => StatusCode::BAD_REQUEST,
            Self::NotAProxy => StatusCode::METHOD_NOT_ALLOWED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// One sentence for a human.
    pub fn reason(self) -> &'static str {
        match self {
            Self::AmbiguousLength => "the length of the request body is ambiguous",
            Self::BareLineFeed => "a line of the request head does not end in CR LF",
            Self::Host => "HTTP/1.1 requires exactly one Host header",
            Self::NotAProxy => "this server is not a proxy",
            Self::TargetTooLong => "the request line is too long",
            Self::HeadTooLarge => "the request headers are too large",
            Self::Panicked => "the server failed to answer this request",
        }
    }
}
