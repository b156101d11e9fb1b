//! HTTP/2: many requests at a time over one encrypted connection.
//!
//! Such a connection is never parked. It ends when nothing moved on it for a while, whoever
//! waits for whom.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::header::{COOKIE, HOST, HeaderValue};
use http::{Method, request};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http2;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::acceptor::{Active, Stage};
use crate::client::OriginStream;
use crate::exchange::Exchanges;
use crate::transport::Transport;
use crate::{ConnectionSettings, Handler};

/// Requests at a time.
const STREAMS_MAX: u32 = 128;
/// Bytes of request bodies that may be on their way unread: of one, and of all.
const WINDOW: u32 = 256 << 10;
const WINDOW_OF_ALL: u32 = 1 << 20;
/// Bytes of answers that wait to be taken, of one request.
const SEND_BUFFER: usize = 256 << 10;
/// Streams that a client has reset and that still cost something (CVE-2023-44487).
const RESETS_MAX: usize = 20;

/// Whether a client and this server have agreed on HTTP/2.
pub(crate) fn is_agreed(stream: &Transport) -> bool {
    match stream {
        Transport::Plain(_) => false,
        Transport::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<H: Handler>(
    stream: Transport,
    exchanges: Exchanges<H>,
    _active: Active,
    mut stages: watch::Receiver<Stage>,
) {
    let shared = Arc::clone(&exchanges.shared);
    let pulse = Arc::clone(&exchanges.pulse);
    let settings = &shared.settings;
    let moved = Arc::new(AtomicU64::new(0));
    let stream = Watched {
        stream: OriginStream::new(stream),
        moved: Arc::clone(&moved),
    };
    let mut connection = builder(settings).serve_connection(stream, exchanges);
    let mut ticks = interval(settings.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let rest_max = settings.ticks(settings.idle_timeout);
    let (mut seen, mut rested) = (0, 0_u32);
    let mut stage = std::pin::pin!(async move {
        // An error means that there is no server any more: then draining, too.
        let _ = stages.wait_for(|stage| *stage != Stage::Serving).await;
    });
    let mut ending = false;
    let served = std::future::poll_fn(|cx| {
        if !ending && stage.as_mut().poll(cx).is_ready() {
            ending = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(result) = Pin::new(&mut connection).poll(cx) {
            if let Err(error) = result {
                tracing::debug!(%error, "connection ended");
            }
            return Poll::Ready(true);
        }
        while ticks.poll_tick(cx).is_ready() {
            let now = moved.load(Ordering::Relaxed);
            rested = if now == seen { rested + 1 } else { 0 };
            seen = now;
            if rested > rest_max {
                return Poll::Ready(false);
            }
        }
        Poll::Pending
    })
    .await;
    if !served && !pulse.is_answering() {
        // Says goodbye, so that nothing sent meanwhile is taken for served.
        Pin::new(&mut connection).graceful_shutdown();
        let _ = timeout(settings.linger_timeout, connection).await;
    }
}

fn builder(settings: &ConnectionSettings) -> http2::Builder<Spawn> {
    let mut builder = http2::Builder::new(Spawn);
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_ALL)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(u32::try_from(settings.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// A request as HTTP/1.1 would have written it: the rest of the program knows one form only.
/// None when it says in two places whom it is for, and not the same.
pub(crate) fn localised(parts: &mut request::Parts) -> Option<()> {
    if parts.method == Method::CONNECT {
        return None;
    }
    if let Some(authority) = parts.uri.authority() {
        let told = HeaderValue::from_str(authority.as_str()).ok()?;
        let mut hosts = parts.headers.get_all(HOST).iter();
        let same = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(told.as_bytes());
        if !hosts.all(same) {
            return None;
        }
        parts.headers.insert(HOST, told);
    }
    let target = parts.uri.path_and_query()?.clone();
    parts.uri = target.into();
    // Crumbs are one header everywhere else: RFC 9113, section 8.2.3.
    let crumbs: Vec<&[u8]> = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() > 1 {
        let whole = HeaderValue::from_bytes(&crumbs.join(b"; ".as_slice())).ok()?;
        parts.headers.insert(COOKIE, whole);
    }
    Some(())
}

/// Runs the streams of a connection beside it, on its thread. They end with it.
#[derive(Clone, Copy, Debug)]
struct Spawn;

impl<F> hyper::rt::Executor<F> for Spawn
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

/// A connection on which movement is noticed.
struct Watched {
    stream: OriginStream,
    moved: Arc<AtomicU64>,
}

impl Watched {
    fn note<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.moved.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }
}

impl hyper::rt::Read for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_read(cx, cursor);
        this.note(polled)
    }
}

impl hyper::rt::Write for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.note(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.note(polled)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn localised_head(uri: &str, fields: &[(&str, &str)]) -> Option<request::Parts> {
        let mut builder = http::Request::builder().uri(uri);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let mut parts = builder.body(()).unwrap().into_parts().0;
        localised(&mut parts)?;
        Some(parts)
    }

    #[test]
    fn the_authority_becomes_the_host() {
        let parts = localised_head("https://a.b:8443/c%2Fd?e", &[]).unwrap();
        assert_eq!(parts.uri.to_string(), "/c%2Fd?e");
        assert_eq!(parts.headers[HOST], "a.b:8443");
        assert!(localised_head("https://a.b/", &[("host", "A.b")]).is_some());
    }

    #[test]
    fn edge_smuggling_two_hosts_are_no_request() {
        assert!(localised_head("https://a.b/", &[("host", "c.d")]).is_none());
        let twice = [("host", "a.b"), ("host", "c.d")];
        assert!(localised_head("https://a.b/", &twice).is_none());
    }

    #[test]
    fn crumbs_of_cookies_are_one_header() {
        let parts = localised_head("https://a/", &[("cookie", "a=1"), ("cookie", "b=2")]);
        assert_eq!(parts.unwrap().headers[COOKIE], "a=1; b=2");
    }
}
