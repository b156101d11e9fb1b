//! What becomes of an origin's answer: a kept one renewed, a new one kept whole or in slices, a
//! piece that a range asked for, or nothing that may be kept.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue};
use http::{StatusCode, response};
use osier_cache::{
    Answer, Exchange, Policy, RequestDirectives, Reuse, Standing, VaryKey, Verdict, freshened,
    preconditions,
};
use osier_http::{ClientError, OriginBody, Outgoing, OutgoingBody, RequestBody};

use crate::access_log::{AccessLine, CacheUse};
use crate::cached::{Plan, note};
use crate::fetch::Fetched;
use crate::filling::{Filling, Tee};
use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::kept::{Cut, Kept, KeptBody, LastHead, SLICE_BYTES, Slices};
use crate::sliced::{ContentRange, Run, SlicedBody};
use crate::spill::Drawing;
use crate::store::Name;
use crate::trouble::Trouble;

/// A request on its way through the cache.
pub(crate) struct Asking<'a> {
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) request: &'a Request,
    pub(crate) name: &'a Name,
    pub(crate) asked: &'a RequestDirectives,
    pub(crate) plan: Plan,
    /// As the origin got it.
    pub(crate) sent: http::Request<()>,
}

impl Asking<'_> {
    /// The kept answer, which the origin has a part in.
    pub(crate) fn kept(
        &self,
        kept: &Arc<Kept>,
        age_s: u64,
        status: &str,
        cache: CacheUse,
    ) -> Outgoing {
        let cut = kept.cut(&self.request.head, age_s);
        self.gateway
            .sent(self.name, kept, self.request, cut, status, cache)
    }

    /// A kept answer that the origin calls good.
    pub(crate) fn renewed(
        &self,
        known: &Arc<Kept>,
        fetched: Fetched,
        filling: &Filling,
    ) -> Outgoing {
        let site = &self.name.site;
        let mut news = fetched.parts.headers;
        forward::strip_hop_by_hop(&mut news);
        let tags = tags_of(&mut news);
        let headers = freshened(&known.headers, &news);
        let answer = self.answer_of(known.status, &headers, fetched.exchange);
        let policy = Policy::of(&answer, &site.ttl).ok();
        let vary = VaryKey::of(self.sent.headers(), &headers);
        let keeps = policy.is_some() && vary.is_some();
        let renewed = Kept {
            status: known.status,
            body: known.body.clone(),
            policy: policy
                .unwrap_or(known.policy)
                .with_grace(site.stale_while_revalidate_s, site.stale_if_error_s),
            vary: vary.unwrap_or_default(),
            tags: if tags.is_empty() {
                known.tags.clone()
            } else {
                tags
            },
            standing: Standing::new(fetched.born),
            last_head: LastHead::default(),
            headers,
        };
        let now = self.gateway.clock.now();
        let age_s = match renewed.policy.reuse(&RequestDirectives::default(), now) {
            Reuse::Fresh { age_s } => age_s,
            Reuse::Stale(stale) => stale.age_s,
        };
        let renewed = if keeps {
            filling.keep(renewed)
        } else {
            self.gateway.store.forget(self.name);
            Arc::new(renewed)
        };
        let status = "osier; hit; fwd=stale; fwd-status=304";
        self.kept(&renewed, age_s, status, CacheUse::Revalidated)
    }

    /// The origin's own answer, kept on its way where that is allowed.
    pub(crate) async fn fresh(
        &self,
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
        let head = &self.request.head;
        let length = body.length();
        let kept = self.to_keep(&mut parts, exchange, born);
        let status = parts.status;
        let is_small = length.is_none_or(|length| length <= SLICE_BYTES);
        let sliced = length
            .zip(validator(&parts.headers, kept.as_ref()))
            .filter(|_| status == StatusCode::OK && !refuses_ranges(&parts.headers));
        let (kept, filling) = match (kept, filling) {
            (Some(kept), Some(filling)) if is_small || sliced.is_some() => (kept, filling),
            (_, filling) => {
                if let Some(lead) = filling.and_then(|filling| filling.lead) {
                    lead.decline();
                }
                note(&mut parts.headers, &miss(status, ""), Some(CacheUse::Miss));
                return Ok(self.unkept(parts, body));
            }
        };
        let stored = miss(status, "; stored");
        let conditions = preconditions(&head.headers, &parts.headers);
        let is_conditional =
            status == StatusCode::OK && !matches!(conditions, Verdict::Send { .. });
        if is_small {
            // A range or a condition is answered from the whole, which the cache wants anyway.
            if is_conditional || (status == StatusCode::OK && self.plan.bytes().is_some()) {
                let whole = Tee::new(body, kept, filling).whole().await;
                let whole = whole.map_err(|_| Trouble::Origin(ClientError::Closed))?;
                let whole = whole.ok_or(Trouble::Origin(ClientError::Closed))?;
                let age_s = self.age_s(&whole);
                return Ok(self.kept(&whole, age_s, &stored, CacheUse::Miss));
            }
            note(&mut parts.headers, &stored, Some(CacheUse::Miss));
            let tee = Tee::new(body, kept, filling);
            if length == Some(0) || status == StatusCode::NO_CONTENT {
                // Nobody will ask for a body.
                let whole = tee.whole().await;
                whole.map_err(|_| Trouble::Origin(ClientError::Closed))?;
                let body = OutgoingBody::Empty;
                return Ok(Outgoing { parts, body });
            }
            let body = OutgoingBody::stream(length, tee);
            let spilling = self.gateway.spilling(&self.name.site);
            let body = spilling.over(body, Drawing::new(true));
            return Ok(Outgoing { parts, body });
        }
        let (length, validator) = sliced.unwrap_or_default();
        let kept = filling.keep(Kept {
            body: KeptBody::Slices(Slices {
                validator: validator.into(),
                length,
            }),
            ..kept
        });
        let source = self.gateway.source(self.name, &kept, self.sent.clone());
        let mut run = Run::new(body, born, 0..length);
        source.announce(&mut run);
        // Those who wait find the answer now, and its slices as they come.
        drop(filling);
        if is_conditional {
            let age_s = self.age_s(&kept);
            return Ok(self.kept(&kept, age_s, &stored, CacheUse::Miss));
        }
        note(&mut parts.headers, &stored, Some(CacheUse::Miss));
        let body = SlicedBody::new(source, 0..length, Some(run)).into_outgoing();
        Ok(Outgoing { parts, body })
    }

    /// A slice of the origin's, and from then on slices.
    pub(crate) async fn piece(
        &self,
        fetched: Fetched,
        filling: Filling,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let Fetched {
            mut parts,
            body,
            exchange,
            born,
            address: _,
        } = fetched;
        let malformed = || Trouble::Origin(ClientError::Closed);
        let asked = self.plan.bytes().ok_or_else(malformed)?;
        let Some(ContentRange { bytes, total }) = ContentRange::of(&parts.headers) else {
            return self.once_more(filling, line).await;
        };
        if bytes.start != asked.start || bytes.end != asked.end.min(total) {
            return self.once_more(filling, line).await;
        }
        let read = collected(body, bytes.end - bytes.start).await?;
        parts.status = StatusCode::OK;
        parts.headers.remove(CONTENT_RANGE);
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(total));
        let kept = self.to_keep(&mut parts, exchange, born);
        let keeps = kept.is_some();
        let mut kept = kept.unwrap_or_else(|| passing(&parts, exchange, born));
        let is_whole = bytes == (0..total);
        let validator = validator(&parts.headers, Some(&kept));
        kept.body = match validator {
            _ if is_whole => KeptBody::Whole(read.clone()),
            Some(validator) => KeptBody::Slices(Slices {
                validator: validator.into(),
                length: total,
            }),
            None => return self.once_more(filling, line).await,
        };
        if !keeps && !is_whole {
            // Nothing of it may be kept: only what was read can be given.
            if let Some(lead) = filling.lead {
                lead.decline();
            }
            let cut = kept.cut(&self.request.head, self.age_s(&kept));
            let is_read = cut
                .bytes
                .as_ref()
                .is_none_or(|wanted| wanted.start >= bytes.start && wanted.end <= bytes.end);
            if !is_read {
                return self.passed(line).await;
            }
            let Cut {
                mut parts,
                bytes: wanted,
            } = cut;
            let status = miss(StatusCode::PARTIAL_CONTENT, "");
            note(&mut parts.headers, &status, Some(CacheUse::Miss));
            let body = wanted.map_or(OutgoingBody::Empty, |wanted| {
                let place =
                    |offset: u64| usize::try_from(offset - bytes.start).unwrap_or(usize::MAX);
                OutgoingBody::Full(read.slice(place(wanted.start)..place(wanted.end)))
            });
            return Ok(Outgoing { parts, body });
        }
        let kept = if keeps {
            filling.keep(kept)
        } else {
            Arc::new(kept)
        };
        if keeps && !is_whole && self.plan != Plan::Length {
            let source = self.gateway.source(self.name, &kept, self.sent.clone());
            source.keep(bytes.start / SLICE_BYTES, read, born);
        }
        drop(filling);
        let stored = if keeps { "; stored" } else { "" };
        let status = miss(StatusCode::PARTIAL_CONTENT, stored);
        Ok(self.kept(&kept, self.age_s(&kept), &status, CacheUse::Miss))
    }

    /// The origin's pieces can't be used: the client's own question goes to it.
    async fn once_more(
        &self,
        filling: Filling,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        if let Some(lead) = filling.lead {
            lead.decline();
        }
        self.passed(line).await
    }

    /// The client's own question to the origin, of which nothing is kept.
    async fn passed(&self, line: &mut AccessLine) -> Result<Outgoing, Trouble> {
        let site = &self.name.site;
        let head = &self.request.head;
        let onward = forward::to_origin(site, self.request, false)?;
        let fetched = self
            .gateway
            .fetch(site, onward, RequestBody::Empty, line)
            .await?;
        let mut parts = fetched.parts;
        tags_of(&mut parts.headers);
        forward::to_client(&mut parts.headers);
        let status = miss(parts.status, "; detail=no-slices");
        note(&mut parts.headers, &status, Some(CacheUse::Miss));
        Ok(self
            .gateway
            .streamed(site, parts, fetched.body, &head.method))
    }

    /// An answer that is not kept, with the client's conditions weighed.
    fn unkept(&self, mut parts: response::Parts, body: OriginBody) -> Outgoing {
        let head = &self.request.head;
        let verdict =
            (parts.status == StatusCode::OK).then(|| preconditions(&head.headers, &parts.headers));
        parts.status = match verdict {
            Some(Verdict::NotModified) => StatusCode::NOT_MODIFIED,
            Some(Verdict::Failed) => StatusCode::PRECONDITION_FAILED,
            Some(Verdict::Send { .. }) | None => {
                let site = &self.name.site;
                return self.gateway.streamed(site, parts, body, &head.method);
            }
        };
        parts.headers.remove(CONTENT_LENGTH);
        let body = OutgoingBody::Empty;
        Outgoing { parts, body }
    }

    /// The answer without its body, where it may be kept; `parts` become those for the client.
    fn to_keep(
        &self,
        parts: &mut response::Parts,
        exchange: Exchange,
        born: osier_cache::Born,
    ) -> Option<Kept> {
        let site = &self.name.site;
        let answer = self.answer_of(parts.status, &parts.headers, exchange);
        let policy = Policy::of(&answer, &site.ttl);
        let vary = VaryKey::of(self.sent.headers(), &parts.headers);
        let tags = tags_of(&mut parts.headers);
        forward::to_client(&mut parts.headers);
        Some(Kept {
            status: parts.status,
            headers: parts.headers.clone(),
            body: KeptBody::Whole(Bytes::new()),
            policy: policy
                .ok()?
                .with_grace(site.stale_while_revalidate_s, site.stale_if_error_s),
            vary: vary?,
            tags,
            standing: Standing::new(born),
            last_head: LastHead::default(),
        })
    }

    fn age_s(&self, kept: &Kept) -> u64 {
        match kept.policy.reuse(self.asked, self.gateway.clock.now()) {
            Reuse::Fresh { age_s } => age_s,
            Reuse::Stale(stale) => stale.age_s,
        }
    }

    fn answer_of<'a>(
        &'a self,
        status: StatusCode,
        headers: &'a HeaderMap,
        exchange: Exchange,
    ) -> Answer<'a> {
        Answer {
            method: &self.request.head.method,
            path: self.request.head.uri.path(),
            request: self.sent.headers(),
            status,
            headers,
            exchange,
            verified: false,
        }
    }
}

/// An answer that is cut once and not kept.
fn passing(parts: &response::Parts, exchange: Exchange, born: osier_cache::Born) -> Kept {
    Kept {
        status: parts.status,
        headers: parts.headers.clone(),
        body: KeptBody::Whole(Bytes::new()),
        policy: Policy::expired(&parts.headers, exchange),
        vary: VaryKey::default(),
        tags: Box::default(),
        standing: Standing::new(born),
        last_head: LastHead::default(),
    }
}

/// Exactly so many bytes of a body; they are at most a slice.
async fn collected(mut body: OriginBody, length: u64) -> Result<Bytes, Trouble> {
    let closed = || Trouble::Origin(ClientError::Closed);
    let mut bytes = BytesMut::with_capacity(usize::try_from(length.min(SLICE_BYTES)).unwrap_or(0));
    while let Some(read) = body.read().await.map_err(|_| closed())? {
        bytes.extend_from_slice(&read);
        if bytes.len() as u64 > length {
            return Err(closed());
        }
    }
    if bytes.len() as u64 == length {
        Ok(bytes.freeze())
    } else {
        Err(closed())
    }
}

/// What stands for the bytes of an answer and for no others: nothing without a strong `ETag`.
fn validator(headers: &HeaderMap, kept: Option<&Kept>) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?;
    let is_strong = etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"');
    let length = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    let (_, chosen) = kept?.vary.parts();
    is_strong.then(|| format!("{etag}/{length}/{}", chosen.escape_default()))
}

fn refuses_ranges(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT_RANGES)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"none"))
}

/// The names by which an origin lets its answers be purged together: `Cache-Tag`, separated by
/// commas, and `Surrogate-Key`, separated by blanks. They are not for clients.
fn tags_of(headers: &mut HeaderMap) -> Box<[Box<str>]> {
    const FIELDS: [(&str, &[char]); 2] = [("cache-tag", &[',']), ("surrogate-key", &[' ', '\t'])];
    let mut tags: Vec<Box<str>> = Vec::new();
    for (field, separators) in FIELDS {
        for value in headers.get_all(field) {
            let Ok(text) = value.to_str() else { continue };
            let named = text.split(separators).map(str::trim);
            tags.extend(named.filter(|tag| !tag.is_empty()).map(Into::into));
        }
        headers.remove(field);
    }
    headers.remove("surrogate-control");
    tags.truncate(TAGS_MAX);
    tags.into()
}

/// Tags of an answer; more are not heeded.
const TAGS_MAX: usize = 64;

fn miss(status: StatusCode, more: &str) -> String {
    format!("osier; fwd=uri-miss; fwd-status={}{more}", status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_taken_out() {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts
            .headers
            .insert("cache-tag", "a, b c ,,d".parse().unwrap());
        parts
            .headers
            .insert("surrogate-key", "x  y".parse().unwrap());
        let tags = tags_of(&mut parts.headers);
        let tags: Vec<&str> = tags.iter().map(|tag| &**tag).collect();
        assert_eq!(tags, ["a", "b c", "d", "x", "y"]);
        assert!(parts.headers.is_empty());
    }
}
