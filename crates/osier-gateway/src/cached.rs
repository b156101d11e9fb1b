//! Requests that a kept answer may serve: looked up, answered, renewed, or fetched and kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue,
};
use http::{Method, StatusCode, request, response};
use osier_cache::{
    Answer, CacheKey, Exchange, Policy, RequestDirectives, Reuse, Standing, VaryKey, Verdict,
    freshened, preconditions,
};
use osier_http::{ClientError, OriginBody, Outgoing, OutgoingBody, RequestBody};
use osier_types::RangeSpec;
use tokio::time::timeout;

use crate::access_log::{AccessLine, CacheUse};
use crate::fetch::{Fetched, streamed};
use crate::filling::{Filling, Tee};
use crate::flight::{Landing, Part};
use crate::forward;
use crate::gateway::{Gateway, Request};
use crate::kept::{Cut, Kept, KeptBody, LastHead, SLICE_BYTES, Slices, is_plain, range};
use crate::site::Site;
use crate::sliced::{ContentRange, FOLLOW_MAX, Run, SliceSource, SlicedBody, ask_for};
use crate::store::{Name, target};
use crate::trouble::Trouble;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Answers that are asked for again beside being given.
const REFRESHES_MAX: usize = 256;

/// How much of an object the origin is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
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
    fn bytes(self) -> Option<std::ops::Range<u64>> {
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

/// A request on its way through the cache.
struct Asking<'a> {
    gateway: &'a Arc<Gateway>,
    request: &'a Request,
    name: &'a Name,
    asked: &'a RequestDirectives,
    plan: Plan,
    /// As the origin got it.
    sent: http::Request<()>,
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
        site: &Arc<Site>,
        request: &Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let head = &request.head;
        let name = Name::of(site, head);
        let asked = RequestDirectives::of(&head.headers);
        let plan = Plan::of(head, &asked);
        let mut lead = None;
        let known = loop {
            let known = self.store.answer(&name, head).await;
            if let Some(kept) = &known
                && let Some(answer) = self.from_kept(&name, kept, &asked, request, line)
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
            name: &name,
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
    fn sent(
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
                OutgoingBody::stream(
                    Some(bytes.end - bytes.start),
                    SlicedBody {
                        source: self.source(name, kept, onward),
                        left: bytes,
                        run: None,
                    },
                )
            }
        };
        Outgoing { parts, body }
    }

    fn source(
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

impl Asking<'_> {
    /// The kept answer, which the origin has a part in.
    fn kept(&self, kept: &Arc<Kept>, age_s: u64, status: &str, cache: CacheUse) -> Outgoing {
        let cut = kept.cut(&self.request.head, age_s);
        self.gateway
            .sent(self.name, kept, self.request, cut, status, cache)
    }

    /// A kept answer that the origin calls good.
    fn renewed(&self, known: &Arc<Kept>, fetched: Fetched, filling: &Filling) -> Outgoing {
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
    async fn fresh(&self, fetched: Fetched, filling: Option<Filling>) -> Result<Outgoing, Trouble> {
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
                return Ok(unkept(parts, body, head));
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
        let body = SlicedBody {
            source,
            left: 0..length,
            run: Some(run),
        };
        let body = OutgoingBody::stream(Some(length), body);
        Ok(Outgoing { parts, body })
    }

    /// A slice of the origin's, and from then on slices.
    async fn piece(
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
        forward::to_client(site, &mut parts.headers);
        let status = miss(parts.status, "; detail=no-slices");
        note(&mut parts.headers, &status, Some(CacheUse::Miss));
        Ok(streamed(parts, fetched.body, &head.method))
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
        forward::to_client(site, &mut parts.headers);
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

/// An answer that is not kept, with the client's conditions weighed.
fn unkept(mut parts: response::Parts, body: OriginBody, head: &request::Parts) -> Outgoing {
    if parts.status == StatusCode::OK {
        parts.status = match preconditions(&head.headers, &parts.headers) {
            Verdict::NotModified => StatusCode::NOT_MODIFIED,
            Verdict::Failed => StatusCode::PRECONDITION_FAILED,
            Verdict::Send { .. } => return streamed(parts, body, &head.method),
        };
        parts.headers.remove(CONTENT_LENGTH);
        return Outgoing {
            parts,
            body: OutgoingBody::Empty,
        };
    }
    streamed(parts, body, &head.method)
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
