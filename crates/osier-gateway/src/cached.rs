//! Requests that a kept answer may serve: looked up, answered, renewed, or fetched and kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, RANGE};
use http::{Method, StatusCode, request};
use osier_cache::{
    Answer, CacheKey, Exchange, Policy, RequestDirectives, Reuse, Target, VaryKey, Verdict,
    freshened, preconditions,
};
use osier_http::{BodySource, ClientError, Outgoing, OutgoingBody, RequestBody};
use tokio::time::timeout;

use crate::access_log::{AccessLine, CacheUse};
use crate::fetch::{Fetched, streamed};
use crate::filling::{BODY_BYTES_MAX, Filling, Tee};
use crate::flight::Part;
use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::kept::Kept;
use crate::site::Site;
use crate::trouble::Trouble;

/// How long a request waits for another's fetch before it fetches by itself.
const FOLLOW_MAX: Duration = Duration::from_secs(5);

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

impl Gateway {
    /// From what is kept, or from the origin and then kept where that is allowed.
    pub(crate) async fn by_cache(
        &self,
        site: &Site,
        request: &Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let head = &request.head;
        let target = Target {
            site: &site.name,
            path: head.uri.path(),
            query: head.uri.query(),
            variant: "",
        };
        let key = CacheKey::of(&target, &site.keys);
        let asked = RequestDirectives::of(&head.headers);
        let mut known = self.find(&key, site, head);
        if let Some(hit) = self.hit(known.as_deref(), &asked, head, line) {
            return Ok(hit);
        }
        if asked.only_if_cached {
            return Err(Trouble::OnlyIfCached);
        }
        let keeps =
            head.method == Method::GET && !head.headers.contains_key(RANGE) && !asked.no_store;
        let mut lead = None;
        if keeps {
            match self.store.flights.join(&key) {
                Part::Lead(leading) => lead = Some(leading),
                Part::Follow(follow) => {
                    let _ = timeout(FOLLOW_MAX, follow.landed()).await;
                    known = self.find(&key, site, head);
                    if let Some(hit) = self.hit(known.as_deref(), &asked, head, line) {
                        return Ok(hit);
                    }
                }
            }
        }
        line.cache = CacheUse::Miss;
        let mut onward = forward::to_origin(site, request, keeps)?;
        if let (Some(known), true) = (&known, keeps) {
            known.ask(onward.headers_mut());
        }
        let sent = onward.headers().clone();
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
            let mut answer = known.answer(head, stale.age_s);
            note(
                &mut answer.parts.headers,
                "osier; hit; fwd=stale",
                Some(line.cache),
            );
            return Ok(answer);
        }
        let fetched = fetched?;
        let filling = Filling {
            store: Arc::clone(&self.store),
            site: site.name.clone(),
            path: head.uri.path().to_owned(),
            key,
            _lead: lead,
        };
        if let (StatusCode::NOT_MODIFIED, Some(known), true) = (fetched.parts.status, &known, keeps)
        {
            line.cache = CacheUse::Revalidated;
            return Ok(self.renewed(site, head, &sent, known, fetched, &filling));
        }
        self.fresh(site, head, &sent, fetched, keeps.then_some(filling))
            .await
    }

    /// An answer from what is kept, when it may be given without asking.
    fn hit(
        &self,
        known: Option<&Kept>,
        asked: &RequestDirectives,
        head: &request::Parts,
        line: &mut AccessLine,
    ) -> Option<Outgoing> {
        let known = known?;
        let now = self.clock.now();
        let Reuse::Fresh { age_s } = known.policy.reuse(asked, now) else {
            return None;
        };
        line.cache = CacheUse::Hit;
        let mut answer = known.answer(head, age_s);
        let status = match known.policy.ttl_s(now) {
            Some(ttl_s) => format!("osier; hit; ttl={ttl_s}"),
            None => "osier; hit".to_owned(),
        };
        note(&mut answer.parts.headers, &status, Some(line.cache));
        Some(answer)
    }

    /// A kept answer that the origin calls good.
    fn renewed(
        &self,
        site: &Site,
        head: &request::Parts,
        sent: &HeaderMap,
        known: &Kept,
        fetched: Fetched,
        filling: &Filling,
    ) -> Outgoing {
        let mut news = fetched.parts.headers;
        forward::strip_hop_by_hop(&mut news);
        let headers = freshened(&known.headers, &news);
        let answer = answer_of(head, sent, known.status, &headers, fetched.exchange);
        let policy = Policy::of(&answer, &site.ttl).ok();
        let vary = VaryKey::of(sent, &headers);
        let renewed = Kept {
            status: known.status,
            body: known.body.clone(),
            policy: policy
                .unwrap_or(known.policy)
                .with_grace(0, site.stale_if_error_s),
            vary: vary.clone().unwrap_or_default(),
            born: fetched.born,
            headers,
        };
        let age_s = match renewed
            .policy
            .reuse(&RequestDirectives::default(), self.clock.now())
        {
            Reuse::Fresh { age_s } => age_s,
            Reuse::Stale(stale) => stale.age_s,
        };
        let mut out = renewed.answer(head, age_s);
        note(
            &mut out.parts.headers,
            "osier; hit; fwd=stale; fwd-status=304",
            Some(CacheUse::Revalidated),
        );
        if policy.is_some() && vary.is_some() {
            filling.keep(renewed);
        }
        out
    }

    /// The origin's own answer, kept on its way where that is allowed.
    async fn fresh(
        &self,
        site: &Site,
        head: &request::Parts,
        sent: &HeaderMap,
        fetched: Fetched,
        filling: Option<Filling>,
    ) -> Result<Outgoing, Trouble> {
        let Fetched {
            mut parts,
            body,
            exchange,
            born,
            address: _,
        } = fetched;
        let answer = answer_of(head, sent, parts.status, &parts.headers, exchange);
        let policy = Policy::of(&answer, &site.ttl);
        let vary = VaryKey::of(sent, &parts.headers);
        forward::to_client(site, &mut parts.headers);
        let is_small = body.length().is_none_or(|length| length <= BODY_BYTES_MAX);
        let kept = match (policy, vary, filling) {
            (Ok(policy), Some(vary), Some(filling)) if is_small => {
                let kept = Kept {
                    status: parts.status,
                    headers: parts.headers.clone(),
                    body: Bytes::new(),
                    policy: policy.with_grace(0, site.stale_if_error_s),
                    vary,
                    born,
                };
                Some((kept, filling))
            }
            _ => None,
        };
        let status = if kept.is_some() {
            format!(
                "osier; fwd=uri-miss; fwd-status={}; stored",
                parts.status.as_u16()
            )
        } else {
            format!("osier; fwd=uri-miss; fwd-status={}", parts.status.as_u16())
        };
        note(&mut parts.headers, &status, Some(CacheUse::Miss));
        let conditions = preconditions(&head.headers, &parts.headers);
        let asks_condition = parts.status == StatusCode::OK
            && matches!(conditions, Verdict::NotModified | Verdict::Failed);
        match kept {
            Some((kept, filling)) if asks_condition => {
                // The client wants no body, the cache does.
                let mut tee = Tee::new(body, kept, filling);
                while tee
                    .next()
                    .await
                    .map_err(|_| Trouble::Origin(ClientError::Closed))?
                    .is_some()
                {}
                parts.status = status_of(conditions);
                parts.headers.remove(CONTENT_LENGTH);
                Ok(Outgoing {
                    parts,
                    body: OutgoingBody::Empty,
                })
            }
            Some((kept, filling)) => {
                let length = body.length();
                let tee = Tee::new(body, kept, filling);
                Ok(Outgoing {
                    parts,
                    body: OutgoingBody::stream(length, tee),
                })
            }
            None if asks_condition => {
                parts.status = status_of(conditions);
                parts.headers.remove(CONTENT_LENGTH);
                Ok(Outgoing {
                    parts,
                    body: OutgoingBody::Empty,
                })
            }
            None => Ok(streamed(parts, body, &head.method)),
        }
    }

    fn find(&self, key: &CacheKey, site: &Site, head: &request::Parts) -> Option<Arc<Kept>> {
        let variants = self.store.memory.get(key)?;
        let kept = variants.choose(&head.headers)?;
        let path = head.uri.path();
        let is_purged = self.store.purges.reaches(kept.born, &site.name, path, []);
        (!is_purged).then(|| Arc::clone(kept))
    }
}

fn status_of(conditions: Verdict) -> StatusCode {
    match conditions {
        Verdict::NotModified => StatusCode::NOT_MODIFIED,
        Verdict::Failed => StatusCode::PRECONDITION_FAILED,
        Verdict::Send { .. } => StatusCode::OK,
    }
}

fn answer_of<'a>(
    head: &'a request::Parts,
    sent: &'a HeaderMap,
    status: StatusCode,
    headers: &'a HeaderMap,
    exchange: Exchange,
) -> Answer<'a> {
    Answer {
        method: &head.method,
        path: head.uri.path(),
        request: sent,
        status,
        headers,
        exchange,
        verified: false,
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
