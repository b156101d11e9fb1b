//! Active checks: origins are asked on their own, so that one that is down costs no client a
//! wait, and one that came back is used again.

use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{Method, Request, StatusCode};
use osier_http::RequestBody;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::forward;
use crate::gateway::Gateway;
use crate::origin::OriginKind;
use crate::site::Site;
use crate::upstream::Upstream;

/// How a site's origins are checked.
#[derive(Clone, Debug)]
pub(crate) struct HealthCheck {
    pub(crate) path: String,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    /// Failures in a row after which an origin is not used.
    pub(crate) failures_max: u32,
}

/// How often it is looked whether a check is due.
const TICK: Duration = Duration::from_millis(100);

impl Gateway {
    /// Checks origins whenever that is due; never ends. Whoever runs it stops it.
    pub async fn watch_origins(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        let mut checks = JoinSet::new();
        loop {
            ticks.tick().await;
            while checks.try_join_next().is_some() {}
            for site in self.current().all() {
                let Some(check) = &site.health else {
                    continue;
                };
                for upstream in site.upstreams.all() {
                    if upstream.health.is_due(check.interval) {
                        let gateway = Arc::clone(&self);
                        let (site, upstream) = (Arc::clone(site), Arc::clone(upstream));
                        checks.spawn(async move { gateway.check(&site, &upstream).await });
                    }
                }
            }
        }
    }

    async fn check(&self, site: &Site, upstream: &Upstream) {
        let Some(check) = &site.health else {
            return;
        };
        let asked = timeout(check.timeout, self.probe(site, upstream, &check.path)).await;
        let status = asked.ok().flatten();
        let healthy = status.is_some_and(|status| match upstream.origin.kind {
            // A bucket that refuses or has no such object is there.
            OriginKind::Oss { .. } | OriginKind::S3 { .. } => !status.is_server_error(),
            OriginKind::Http | OriginKind::Own { .. } => {
                status.is_success() || status.is_redirection()
            }
        });
        if upstream.health.checked(healthy, check.failures_max) {
            let status = status.map(|status| status.as_u16());
            let (origin, site) = (&upstream.origin, &*site.name);
            if healthy {
                tracing::info!(%origin, site, "an origin is used again");
            } else {
                tracing::warn!(%origin, site, status, "an origin is not used: its checks fail");
            }
        }
    }

    async fn probe(&self, site: &Site, upstream: &Upstream, path: &str) -> Option<StatusCode> {
        let origin = &upstream.origin;
        let resolving = self.resolver.addresses(
            &origin.host,
            origin.port,
            site.resolve_valid,
            upstream.reach,
        );
        let addresses = resolving.await.ok()?;
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .body(())
            .ok()?;
        site.request_headers.apply(request.headers_mut());
        request.headers_mut().insert(HOST, upstream.host.clone());
        if let (Some(signer), Some(bucket)) = (site.auth.signer(), origin.bucket()) {
            let now = self.clock.now();
            let signing = signer.sign(&mut request, bucket, &self.resolver, now);
            signing.await.ok()?;
        }
        *request.uri_mut() = origin.target(request.uri())?;
        let request = forward::with_body(request, RequestBody::Empty);
        let answered = upstream.client.exchange(&addresses, request).await.ok()?;
        Some(answered.parts.status)
    }
}
