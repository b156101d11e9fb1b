//! One request and its answer: the checks before the handler, its panics, and
//! what it left unread.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use http::uri::Uri;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header, request};
use hyper::body::{Body as _, Incoming as HyperBody};

use crate::body::{Answering, Leftover, Reply, Unread};
use crate::socket::Pulse;
use crate::{
    ConnectionSettings, Handler, HttpStats, Incoming, IncomingBody, Outgoing, ProxyPeers, Refusal,
    Tls, multiplexed,
};

/// What all connections of one server share.
#[derive(Debug)]
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) settings: ConnectionSettings,
    pub(crate) stats: Arc<HttpStats>,
    /// Certificates, where connections are encrypted.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Who says on whose behalf it connects.
    pub(crate) proxies: Option<ProxyPeers>,
}

/// Answers the requests of one connection.
pub(crate) struct Exchanges<H> {
    pub(crate) shared: Arc<Shared<H>>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) secure: bool,
    /// The name that the client's TLS asked for.
    pub(crate) server_name: Option<Arc<str>>,
}

impl<H: Handler> hyper::service::Service<Request<HyperBody>> for Exchanges<H> {
    type Response = Response<Reply>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Reply>, Infallible>> + Send>>;

    fn call(&self, request: Request<HyperBody>) -> Self::Future {
        let refusal = self.pulse.serve();
        let answering = Answering::new(&self.pulse);
        let shared = Arc::clone(&self.shared);
        let ends = Ends {
            peer: self.peer,
            local: self.local,
            secure: self.secure,
            server_name: self.server_name.clone(),
        };
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let outgoing = answer(&shared, refusal, parts, body, ends).await;
            Ok(Response::from_parts(
                outgoing.parts,
                Reply::new(outgoing.body, answering),
            ))
        })
    }
}

/// Both ends of a connection, and whether nobody between them can read it.
struct Ends {
    peer: SocketAddr,
    local: SocketAddr,
    secure: bool,
    server_name: Option<Arc<str>>,
}

async fn answer<H: Handler>(
    shared: &Shared<H>,
    refusal: Option<Refusal>,
    mut parts: request::Parts,
    body: HyperBody,
    ends: Ends,
) -> Outgoing {
    shared.stats.request();
    let is_ambiguous =
        parts.version == Version::HTTP_2 && multiplexed::localised(&mut parts).is_none();
    let refusal = refusal.or_else(|| is_ambiguous.then_some(Refusal::Host));
    if let Some(refusal) = refusal.or_else(|| objection(&parts)) {
        shared.stats.refuse();
        return closing(shared.handler.refuse(refusal, &parts));
    }
    let expects = parts.headers.contains_key(header::EXPECT);
    let expects_in_vain = expects && body.is_end_stream();
    let (body, leftover) = IncomingBody::new(body, &shared.settings);
    let head = Head::of(&parts);
    let incoming = Incoming {
        parts,
        peer: ends.peer,
        local: ends.local,
        secure: ends.secure,
        server_name: ends.server_name,
        body,
    };
    let answered = unharmed(|| shared.handler.handle(incoming)).await;
    let outgoing = answered.unwrap_or_else(|| {
        shared.stats.panic();
        closing(shared.handler.refuse(Refusal::Panicked, &head.into_parts()))
    });
    match leftover.and_then(|leftover| taken(&leftover)) {
        Some(unread) => settle(outgoing, unread, expects, &shared.settings),
        // No `100 Continue` goes before the answer to an empty body. The botocore inside awscli
        // takes the status it reads instead for that of every later answer on the connection.
        None if expects_in_vain => closing(outgoing),
        None => outgoing,
    }
}

/// What this server refuses to understand although hyper would.
fn objection(parts: &request::Parts) -> Option<Refusal> {
    let is_proxy_request = parts.method == Method::CONNECT || is_authority_form(&parts.uri);
    if is_proxy_request {
        return Some(Refusal::NotAProxy);
    }
    if hosts(&parts.headers) > 1
        || (parts.version >= Version::HTTP_11 && hosts(&parts.headers) == 0)
    {
        return Some(Refusal::Host);
    }
    let mut encodings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let is_plain = match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(one), None) => is_chunked(one) && !parts.headers.contains_key(header::CONTENT_LENGTH),
        (Some(_), Some(_)) => false,
    };
    (!is_plain).then_some(Refusal::AmbiguousLength)
}

fn is_authority_form(uri: &Uri) -> bool {
    uri.scheme().is_none() && uri.authority().is_some()
}

fn hosts(headers: &HeaderMap) -> usize {
    headers.get_all(header::HOST).iter().count()
}

/// What is left to tell of a request whose handler panicked.
struct Head(Method, Uri);

impl Head {
    fn of(parts: &request::Parts) -> Self {
        Self(parts.method.clone(), parts.uri.clone())
    }

    fn into_parts(self) -> request::Parts {
        let mut request = Request::new(());
        *request.method_mut() = self.0;
        *request.uri_mut() = self.1;
        request.into_parts().0
    }
}

/// What the future of `begin` gives, or nothing if it panicked. The panic itself
/// is reported by the panic hook.
async fn unharmed<T, F: Future<Output = T>>(begin: impl FnOnce() -> F) -> Option<T> {
    let future = catch_unwind(AssertUnwindSafe(begin)).ok()?;
    let mut future = pin!(future);
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}

fn taken(leftover: &Leftover) -> Option<Unread> {
    leftover.lock().ok()?.take()
}

/// Reads a short rest of the body away beside the answer, or announces the end of
/// the connection. A client that waits for `100 Continue` must not get it now.
fn settle(
    outgoing: Outgoing,
    unread: Unread,
    expects: bool,
    settings: &ConnectionSettings,
) -> Outgoing {
    let left = unread.body.size_hint().upper();
    let is_long = left.is_some_and(|left| left > settings.drain_bytes_max);
    if is_long || (expects && !unread.touched) {
        return closing(outgoing);
    }
    let bytes_max = settings.drain_bytes_max;
    let drain = drain(unread.body, bytes_max);
    let within = tokio::time::timeout(settings.linger_timeout, drain);
    tokio::spawn(async move {
        // A body that is too long or too slow ends the connection when dropped.
        let _ = within.await;
    });
    outgoing
}

async fn drain(mut body: HyperBody, bytes_max: u64) {
    let mut left = bytes_max;
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn closing(mut outgoing: Outgoing) -> Outgoing {
    outgoing
        .parts
        .headers
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    outgoing
}
