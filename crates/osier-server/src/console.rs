//! The second listener: health, readiness, metrics, and a word about the console.
//!
//! Nothing here names a bucket or a key, and there is nothing else (S43).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderValue, Method, StatusCode, header};
use osier_http::{Handler, Incoming, Outgoing, OutgoingBody};

use crate::metrics::Metrics;

/// Answers on the console's listener.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) metrics: Arc<Metrics>,
    /// False before the store serves and once it stops.
    pub(crate) ready: Arc<AtomicBool>,
}

impl Handler for Console {
    async fn handle(&self, incoming: Incoming) -> Outgoing {
        if !matches!(incoming.parts.method, Method::GET | Method::HEAD) {
            let mut outgoing = Outgoing::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
            let allowed = HeaderValue::from_static("GET, HEAD");
            outgoing.parts.headers.insert(header::ALLOW, allowed);
            return outgoing;
        }
        match incoming.parts.uri.path() {
            "/" => Outgoing::text(StatusCode::OK, FRONT_PAGE),
            "/health" => Outgoing::text(StatusCode::OK, "healthy"),
            "/ready" if self.ready.load(Ordering::Relaxed) => {
                Outgoing::text(StatusCode::OK, "ready")
            }
            "/ready" => Outgoing::text(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            "/metrics" => self.metrics(),
            _ => Outgoing::text(StatusCode::NOT_FOUND, "not found"),
        }
    }
}

impl Console {
    fn metrics(&self) -> Outgoing {
        let mut outgoing = Outgoing::text(StatusCode::OK, "");
        outgoing.parts.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        );
        outgoing.body = OutgoingBody::Full(self.metrics.text().into());
        outgoing
    }
}

const FRONT_PAGE: &str = "osier: the console comes later; here are /health, /ready and /metrics";
