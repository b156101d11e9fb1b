//! Requests that a kept answer may serve: looked up, answered, or sent on to be kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, request};
use osier_cache::{CacheKey, RequestDirectives, Reuse};
use osier_http::{ClientError, Outgoing, OutgoingBody, RequestBody};
use osier_types::RangeSpec;
use tokio::time::timeout;

use crate::access_log::{AccessLine, CacheUse};
use crate::asking::Asking;
use crate::filling::Filling;
use crate::flight::{Landing, Part};
use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::kept::{Cut, Kept, KeptBody, SLICE_BYTES, is_plain, range};
use crate::site::Site;
use crate::sliced::{FOLLOW_MAX, SliceSource, SlicedBody, ask_for};
use crate::store::{Name, target};
use crate::trouble::Trouble;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Answers that are asked for again beside being given.
const REFRESHES_MAX: usize = 256;

/// How much of an object the origin is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// What the client asked for, and nothing is kept of it.
    Pass,
    /// All of it.
    Whole,
    /// One slice.
    Slice(u64),
    /// One byte, to learn the length.
    Length,
}

impl Plan {
    fn of(head: &request::Parts, asked: &RequestDirectives) -> Self {
        if head.method != Method::GET || asked.no_store {
            return Self::Pass;
        }
        match range(&head.headers).map(|range| range.spec) {
            // Several ranges at once are asked of nobody: the whole answers them.
            None => Self::Whole,
            Some(RangeSpec::From(first) | RangeSpec::FromTo(first, _)) => {
                Self::Slice(first / SLICE_BYTES)
            }
            Some(RangeSpec::Last(_)) => Self::Length,
        }
    }

    /// The bytes that the origin is asked for, where it is not all of them.
    pub(crate) fn bytes(self) -> Option<std::ops::Range<u64>> {
        match self {
            Self::Pass | Self::Whole => None,
            Self::Slice(index) => {
                let start = index.saturating_mul(SLICE_BYTES);
                Some(start..start.saturating_add(SLICE_BYTES))
            }
            Self::Length => Some(0..1),
        }
    }
}

impl Gateway {
    /// A hit by a request that asks for nothing special: nothing is waited for, and little
    /// is made.
    pub(crate) fn plain_hit(&self, site: &Site, head: &request::Parts) -> Option<Outgoing> {
        if !is_plain(head) {
            return None;
        }
        let target = target(site, head);
        let key = CacheKey::of(&target, &site.keys);
        let kept = self.store.answer_in_memory(&key, &target, site, head)?;
        let KeptBody::Whole(body) = &kept.body else {
            return None;
        };
        let now = self.clock.now();
        let Reuse::Fresh { age_s } = kept.policy.reuse(&RequestDirectives::default(), now) else {
            return None;
        };
        Some(Outgoing {
            parts: kept.plain_head(age_s, now),
            body: OutgoingBody::Full(body.clone()),
        })
    }

    /// From what is kept, or from the origin and then kept where that is allowed.
    pub(crate) async fn by_cache(
        self: &Arc<Self>,
        name: &Name,
        request: &Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let head = &request.head;
        let site = &name.site;
        let asked = RequestDirectives::of(&head.headers);
        let plan = Plan::of(head, &asked);
        let mut lead = None;
        let known = loop {
            let known = self.store.answer(name, head).await;
            if let Some(kept) = &known
                && let Some(answer) = self.from_kept(name, kept, &asked, request, line)
            {
                return Ok(answer);
            }
            if asked.only_if_cached {
                return Err(Trouble::OnlyIfCached);
            }
            if plan == Plan::Pass || lead.is_some() {
                break known;
            }
            match self.store.flights.join(&name.key) {
                // Another may have landed just before: once more.
                Part::Lead(leading) => lead = Some(leading),
                Part::Follow(follow) => match timeout(FOLLOW_MAX, follow.landed()).await {
                    Ok(Landing::Ended) => {}
                    Ok(Landing::Declined) | Err(_) => break known,
                },
            }
        };
        line.cache = CacheUse::Miss;
        let shared = plan != Plan::Pass;
        let mut onward = forward::to_origin(site, request, shared)?;
        if let (Some(known), true) = (&known, shared) {
            known.ask(onward.headers_mut());
        }
        let asking = Asking {
            gateway: self,
            request,
            name,
            asked: &asked,
            plan,
            sent: onward.clone(),
        };
        if let Some(bytes) = plan.bytes() {
            ask_for(onward.headers_mut(), &bytes);
        }
        let fetched = self.fetch(site, onward, RequestBody::Empty, line).await;
        let failed = match &fetched {
            Ok(fetched) => fetched.parts.status.is_server_error(),
            Err(trouble) => trouble.is_of_origin(),
        };
        if let (true, Some(known)) = (failed, &known)
            && let Reuse::Stale(stale) = known.policy.reuse(&asked, self.clock.now())
            && stale.if_error
        {
            line.cache = CacheUse::Stale;
            return Ok(asking.kept(known, stale.age_s, "osier; hit; fwd=stale", line.cache));
        }
        let fetched = fetched?;
        let filling = Filling {
            store: Arc::clone(&self.store),
            name: name.clone(),
            lead,
        };
        match (fetched.parts.status, &known) {
            (StatusCode::NOT_MODIFIED, Some(known)) if shared => {
                line.cache = CacheUse::Revalidated;
                Ok(asking.renewed(known, fetched, &filling))
            }
            (StatusCode::PARTIAL_CONTENT, _) if plan.bytes().is_some() => {
                asking.piece(fetched, filling, line).await
            }
            _ => asking.fresh(fetched, shared.then_some(filling)).await,
        }
    }

    /// An answer from what is kept, when it may be given before the origin is asked.
    fn from_kept(
        self: &Arc<Self>,
        name: &Name,
        kept: &Arc<Kept>,
        asked: &RequestDirectives,
        request: &Request,
        line: &mut AccessLine,
    ) -> Option<Outgoing> {
        let now = self.clock.now();
        let (age_s, status, cache) = match kept.policy.reuse(asked, now) {
            Reuse::Fresh { age_s } => (age_s, kept.hit_status(now), CacheUse::Hit),
            Reuse::Stale(stale) if stale.while_revalidate => {
                self.refresh(name, request);
                let status = "osier; hit; fwd=stale; detail=stale-while-revalidate".to_owned();
                (stale.age_s, status, CacheUse::Stale)
            }
            Reuse::Stale(_) => return None,
        };
        line.cache = cache;
        let cut = kept.cut(&request.head, age_s);
        Some(self.sent(name, kept, request, cut, &status, cache))
    }

    /// Bytes of a kept answer behind their head.
    pub(crate) fn sent(
        self: &Arc<Self>,
        name: &Name,
        kept: &Arc<Kept>,
        request: &Request,
        cut: Cut,
        status: &str,
        cache: CacheUse,
    ) -> Outgoing {
        let Cut { mut parts, bytes } = cut;
        note(&mut parts.headers, status, Some(cache));
        let Some(bytes) = bytes else {
            return Outgoing {
                parts,
                body: OutgoingBody::Empty,
            };
        };
        let body = match &kept.body {
            KeptBody::Whole(whole) => {
                let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
                OutgoingBody::Full(whole.slice(place(bytes.start)..place(bytes.end)))
            }
            KeptBody::Slices(_) => {
                let onward = forward::to_origin(&name.site, request, true);
                let Ok(onward) = onward else {
                    return Trouble::BadRequest.answer("");
                };
                let source = self.source(name, kept, onward);
                SlicedBody::new(source, bytes, None).into_outgoing()
            }
        };
        Outgoing { parts, body }
    }

    pub(crate) fn source(
        self: &Arc<Self>,
        name: &Name,
        kept: &Arc<Kept>,
        onward: http::Request<()>,
    ) -> SliceSource {
        SliceSource {
            gateway: Arc::clone(self),
            name: name.clone(),
            kept: Arc::clone(kept),
            onward,
        }
    }

    /// Asks the origin again, beside the answer that is given meanwhile. The request lives no
    /// longer than its timeouts, and ends with the runtime of its thread.
    fn refresh(self: &Arc<Self>, name: &Name, request: &Request) {
        let Part::Lead(lead) = self.store.flights.join(&name.key) else {
            return;
        };
        if self.refreshing.fetch_add(1, Ordering::Relaxed) >= REFRESHES_MAX {
            self.refreshing.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let gateway = Arc::clone(self);
        let name = name.clone();
        let request = request.alike();
        tokio::spawn(async move {
            let filling = Filling {
                store: Arc::clone(&gateway.store),
                name: name.clone(),
                lead: Some(lead),
            };
            if let Err(trouble) = gateway.renew(&name, &request, filling, SLICE_BYTES).await {
                tracing::debug!(
                    site = &*name.site.name,
                    code = trouble.code(),
                    "a stale answer could not be renewed: {}",
                    trouble.causes()
                );
            }
            gateway.refreshing.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Fetches what `request` asks for, for the cache alone; of a body in slices only when it
    /// is at most `bytes_max` long.
    pub(crate) async fn renew(
        self: &Arc<Self>,
        name: &Name,
        request: &Request,
        filling: Filling,
        bytes_max: u64,
    ) -> Result<StatusCode, Trouble> {
        let head = &request.head;
        let asked = RequestDirectives::default();
        let known = self.store.answer(name, head).await;
        let mut onward = forward::to_origin(&name.site, request, true)?;
        if let Some(known) = &known {
            known.ask(onward.headers_mut());
        }
        let asking = Asking {
            gateway: self,
            request,
            name,
            asked: &asked,
            plan: Plan::Whole,
            sent: onward.clone(),
        };
        let mut line = AccessLine::default();
        let fetched = self
            .fetch(&name.site, onward, RequestBody::Empty, &mut line)
            .await?;
        let status = fetched.parts.status;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (status, &known) {
            asking.renewed(known, fetched, &filling);
            return Ok(StatusCode::OK);
        }
        let mut answer = asking.fresh(fetched, Some(filling)).await?;
        if let OutgoingBody::Stream { length, source } = &mut answer.body
            && length.is_none_or(|length| length <= bytes_max)
        {
            while std::future::poll_fn(|cx| source.poll(cx))
                .await
                .map_err(|_| Trouble::Origin(ClientError::Closed))?
                .is_some()
            {}
        }
        Ok(status)
    }
}

/// Says in the answer what the cache did.
pub(crate) fn note(headers: &mut HeaderMap, status: &str, cache: Option<CacheUse>) {
    if let Ok(value) = HeaderValue::from_str(status) {
        headers.append(CACHE_STATUS, value);
    }
    if let Some(cache) = cache {
        headers.insert(X_CACHE, HeaderValue::from_static(cache.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&str, &str)]) -> request::Parts {
        let mut builder = http::Request::builder().uri("/");
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_range_costs_the_origin_no_more_than_its_slice() {
        let plan = |range| {
            let head = head(&[("range", range)]);
            Plan::of(&head, &RequestDirectives::default())
        };
        let gibibytes = 10 << 30;
        let tail = format!("bytes={}-{}", gibibytes - 1024, gibibytes - 1);
        let bytes = plan(&tail).bytes().unwrap();
        assert!(bytes.end - bytes.start <= 1 << 20);
        assert!(bytes.contains(&(gibibytes - 1024)) && bytes.contains(&(gibibytes - 1)));
        assert_eq!(plan("bytes=0-"), Plan::Slice(0));
        assert_eq!(plan("bytes=-1024").bytes(), Some(0..1));
        assert_eq!(plan("bytes=0-0,1-1"), Plan::Whole);
    }
}
