//! One exchange with a site's origin.

use std::time::Instant;

use http::{Method, StatusCode, response};
use osier_cache::{Born, Exchange};
use osier_http::{ClientError, OriginBody, Outgoing, OutgoingBody, RequestBody};

use crate::access_log::AccessLine;
use crate::forward;
use crate::gateway::Gateway;
use crate::site::Site;
use crate::trouble::Trouble;

/// An origin's answer whose body has not been read.
pub(crate) struct Fetched {
    pub(crate) parts: response::Parts,
    pub(crate) body: OriginBody,
    pub(crate) exchange: Exchange,
    pub(crate) born: Born,
}

impl Gateway {
    /// The head of the origin's answer; its body follows.
    pub(crate) async fn fetch(
        &self,
        site: &Site,
        onward: http::Request<()>,
        body: RequestBody,
        line: &mut AccessLine,
    ) -> Result<Fetched, Trouble> {
        let origin = &site.origin;
        let addresses = self
            .resolver
            .addresses(&origin.host, origin.port, site.resolve_valid)
            .await
            .map_err(Trouble::Unresolved)?;
        let begun = Instant::now();
        let requested = self.clock.now();
        let born = self.store.purges.born();
        let repeats = onward.method().is_idempotent() && matches!(body, RequestBody::Empty);
        let again = onward.clone();
        let mut got = site
            .client
            .exchange(&addresses, forward::with_body(onward, body))
            .await;
        if repeats && matches!(got, Err(ClientError::Closed)) {
            // An idle connection closed while the request was on its way, most likely.
            let once_more = forward::with_body(again, RequestBody::Empty);
            got = site.client.exchange(&addresses, once_more).await;
        }
        let answered = got.map_err(|error| match error {
            ClientError::Request(osier_http::BodyError::TooLarge) => Trouble::BodyTooLarge,
            error => Trouble::Origin(error),
        })?;
        line.upstream = Some(answered.address);
        line.upstream_head = Some(begun.elapsed());
        Ok(Fetched {
            parts: answered.parts,
            body: answered.body,
            exchange: Exchange {
                requested,
                received: self.clock.now(),
            },
            born,
        })
    }
}

/// An origin's body, sent on as it comes.
pub(crate) fn streamed(parts: response::Parts, body: OriginBody, method: &Method) -> Outgoing {
    let has_body = *method != Method::HEAD
        && parts.status != StatusCode::NO_CONTENT
        && parts.status != StatusCode::NOT_MODIFIED;
    let body = if has_body {
        OutgoingBody::stream(body.length(), body)
    } else {
        OutgoingBody::Empty
    };
    Outgoing { parts, body }
}
