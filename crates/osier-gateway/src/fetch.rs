//! One exchange with a site's origin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::HOST;
use http::{Method, StatusCode, response};
use osier_cache::{Born, Exchange};
use osier_http::{ClientError, OriginBody, Outgoing, OutgoingBody, RequestBody};

use crate::access_log::AccessLine;
use crate::forward;
use crate::gateway::Gateway;
use crate::pictures::Wanted;
use crate::site::Site;
use crate::spill::{Drawing, Patience, Spilling};
use crate::trouble::Trouble;
use crate::upstream::Upstream;

/// Origins that one request is sent to.
const ATTEMPTS_MAX: usize = 3;

/// An origin's answer whose body has not been read.
pub(crate) struct Fetched {
    pub(crate) address: SocketAddr,
    pub(crate) parts: response::Parts,
    pub(crate) body: OriginBody,
    pub(crate) exchange: Exchange,
    pub(crate) born: Born,
}

impl Gateway {
    /// The head of an origin's answer; its body follows. Where that changes nothing, an origin
    /// that fails is followed by another, or by a second attempt on a new connection.
    pub(crate) async fn fetch(
        &self,
        site: &Site,
        onward: http::Request<()>,
        body: RequestBody,
        line: &mut AccessLine,
    ) -> Result<Fetched, Trouble> {
        if let Some(wanted) = Wanted::of(site, &onward) {
            return self.picture(site, wanted, line).await;
        }
        let upstreams = &site.upstreams;
        upstreams.budget().earn();
        let begun = Instant::now();
        let repeats = onward.method().is_idempotent() && matches!(body, RequestBody::Empty);
        let mut body = Some(body);
        let mut tried: Vec<Arc<Upstream>> = Vec::new();
        let mut again = false;
        loop {
            let next = match tried.last() {
                Some(last) if again => Arc::clone(last),
                _ => Arc::clone(upstreams.choose(&tried).ok_or(Trouble::BadRequest)?),
            };
            let body = body.take().unwrap_or_default();
            let got = self.ask(site, &next, &onward, body).await;
            let failed = match &got {
                Ok(fetched) => matches!(fetched.parts.status.as_u16(), 502..=504),
                Err(trouble) => trouble.is_of_origin(),
            };
            if failed {
                upstreams.failed(&next);
            } else {
                next.health.worked();
            }
            // An idle connection closed while the request was on its way, most likely.
            let closed = matches!(&got, Err(Trouble::Origin(ClientError::Closed)));
            tried.push(next);
            if failed && repeats && tried.len() < ATTEMPTS_MAX {
                let others = upstreams.others(&tried);
                let repeatable = others || (closed && !again);
                again = !others;
                if repeatable && upstreams.budget().spend() {
                    continue;
                }
            }
            let fetched = got?;
            line.upstream = Some(fetched.address);
            line.upstream_head = Some(begun.elapsed());
            return Ok(fetched);
        }
    }

    /// One attempt with one origin.
    async fn ask(
        &self,
        site: &Site,
        upstream: &Upstream,
        onward: &http::Request<()>,
        body: RequestBody,
    ) -> Result<Fetched, Trouble> {
        let origin = &upstream.origin;
        let addresses = self
            .resolver
            .addresses(
                &origin.host,
                origin.port,
                site.resolve_valid,
                upstream.reach,
            )
            .await
            .map_err(Trouble::Unresolved)?;
        let requested = self.clock.now();
        let born = self.store.purges.born();
        let mut request = onward.clone();
        request.headers_mut().insert(HOST, upstream.host.clone());
        if let (Some(signer), Some(bucket)) = (site.auth.signer(), origin.bucket()) {
            signer
                .sign(&mut request, bucket, &self.resolver, requested)
                .await?;
        }
        *request.uri_mut() = origin.target(request.uri()).ok_or(Trouble::BadRequest)?;
        let request = forward::with_body(request, body);
        let got = upstream.client.exchange(&addresses, request).await;
        let answered = got.map_err(|error| match error {
            ClientError::Request(osier_http::BodyError::TooLarge) => Trouble::BodyTooLarge,
            error => Trouble::Origin(error),
        })?;
        Ok(Fetched {
            address: answered.address,
            parts: answered.parts,
            body: answered.body,
            exchange: Exchange {
                requested,
                received: self.clock.now(),
            },
            born,
        })
    }

    /// An origin's body, sent on as it comes.
    pub(crate) fn streamed(
        &self,
        site: &Site,
        parts: response::Parts,
        body: OriginBody,
        method: &Method,
    ) -> Outgoing {
        let has_body = *method != Method::HEAD
            && parts.status != StatusCode::NO_CONTENT
            && parts.status != StatusCode::NOT_MODIFIED;
        let body = if has_body {
            let body = OutgoingBody::stream(body.length(), body);
            self.spilling(site).over(body, Drawing::new(true))
        } else {
            OutgoingBody::Empty
        };
        Outgoing { parts, body }
    }

    /// What becomes of answers of the site whose client is slower than their origin.
    pub(crate) fn spilling(&self, site: &Site) -> Spilling {
        Spilling {
            space: Arc::clone(&self.spill),
            bytes_max: site.spill_bytes_max,
            patience: Patience::USUAL,
        }
    }
}
