//! One request: its site, the cache, the origin, the answer.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, RANGE,
};
use http::{Method, StatusCode, request, response};
use osier_cache::{
    Answer, Born, CacheKey, Exchange, MemoryTier, Policy, Purges, RequestDirectives, Reuse, Scope,
    Target, VaryKey, Verdict, freshened, preconditions,
};
use osier_http::{
    BodySource, Chunk, ClientError, IncomingBody, OriginBody, Outgoing, OutgoingBody, RequestBody,
    SourceFailed,
};
use osier_types::{Clock, Rng};
use tokio::time::timeout;

use crate::access_log::{AccessLine, CacheUse};
use crate::flight::{Flights, Lead, Part};
use crate::forward;
use crate::kept::{Kept, Variants};
use crate::resolve::Resolver;
use crate::site::{Site, Sites};
use crate::trouble::Trouble;

/// Bytes of a body that is kept. Larger ones pass through.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// How long a request waits for another's fetch before it fetches by itself.
const FOLLOW_MAX: Duration = Duration::from_secs(5);
/// Paths whose purges are remembered one by one.
const PURGED_NAMES_MAX: usize = 1 << 16;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A request for one of the sites.
#[derive(Debug)]
pub struct Request {
    /// Method, target and headers.
    pub head: request::Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The body, unread.
    pub body: IncomingBody,
}

/// An answer, and what to log of it.
#[derive(Debug)]
pub struct Response {
    /// The answer.
    pub answer: Outgoing,
    /// For the access log.
    pub line: AccessLine,
}

/// Answers for all sites.
#[derive(Debug)]
pub struct Gateway {
    sites: RwLock<Arc<Sites>>,
    resolver: Resolver,
    store: Arc<KeptAnswers>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// What is kept, and what is being fetched.
#[derive(Debug)]
struct KeptAnswers {
    memory: MemoryTier<Variants>,
    purges: Purges,
    flights: Flights,
}

/// An origin's answer whose body has not been read.
struct Fetched {
    parts: response::Parts,
    body: OriginBody,
    exchange: Exchange,
    born: Born,
}

impl Gateway {
    /// A gateway that keeps at most `memory_bytes_max` bytes of answers.
    pub fn new(
        sites: Sites,
        memory_bytes_max: usize,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            sites: RwLock::new(Arc::new(sites)),
            resolver: Resolver::default(),
            store: Arc::new(KeptAnswers {
                memory: MemoryTier::new(memory_bytes_max),
                purges: Purges::new(PURGED_NAMES_MAX),
                flights: Flights::default(),
            }),
            clock,
            rng,
        }
    }

    /// Answers for other sites from now on. Requests that run go on with the old ones.
    pub fn replace(&self, sites: Sites) {
        *self.sites.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sites);
    }

    /// Kept answers that `scope` reaches count no more when this returns.
    pub fn purge(&self, scope: Scope<'_>) {
        self.store.purges.purge(scope);
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, request: Request) -> Response {
        let mut line = AccessLine {
            request_id: self.request_id(),
            ..AccessLine::default()
        };
        let answer = match self.answer(request, &mut line).await {
            Ok(answer) => answer,
            Err(trouble) => {
                if trouble.is_of_origin() {
                    tracing::warn!(
                        request_id = line.request_id,
                        site = line.site,
                        code = trouble.code(),
                        "no answer from the origin: {}",
                        trouble.causes()
                    );
                }
                line.error_code = Some(trouble.code());
                trouble.answer(&line.request_id)
            }
        };
        line.status = answer.parts.status.as_u16();
        Response { answer, line }
    }

    async fn answer(&self, request: Request, line: &mut AccessLine) -> Result<Outgoing, Trouble> {
        let head = &request.head;
        let host = host(head).ok_or(Trouble::BadRequest)?;
        let sites = Arc::clone(&self.sites.read().unwrap_or_else(PoisonError::into_inner));
        let Some(site) = sites.of_host(&host) else {
            if head.method == Method::GET && head.uri.path() == "/health" {
                return Ok(Outgoing::text(StatusCode::OK, "healthy"));
            }
            return Err(Trouble::NoSite);
        };
        line.site = Some(site.name.clone());
        if !site.methods.is_empty() && !site.methods.contains(&head.method) {
            return Err(Trouble::Method);
        }
        let is_too_large = |length| site.body_bytes_max.is_some_and(|max| length > max);
        if request.body.length().is_some_and(is_too_large) {
            return Err(Trouble::BodyTooLarge);
        }
        let has_body = request.body.length() != Some(0);
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        if site.caches && is_read && !has_body && !is_signed(head) {
            return self.by_cache(site, &request, line).await;
        }
        self.pass(site, request, line).await
    }

    /// To the origin and back, and nothing is kept.
    async fn pass(
        &self,
        site: &Site,
        request: Request,
        line: &mut AccessLine,
    ) -> Result<Outgoing, Trouble> {
        let Request {
            head,
            peer,
            secure,
            body,
        } = request;
        let body = match (body.length(), site.body_bytes_max) {
            (Some(0), _) => RequestBody::Empty,
            (None, Some(max)) => RequestBody::Incoming(body.limited(max)),
            _ => RequestBody::Incoming(body),
        };
        let onward = forward::to_origin(site, &head, peer, secure, false)?;
        let fetched = self.fetch(site, onward, body, line).await?;
        let changes = !head.method.is_safe() && fetched.parts.status.as_u16() < 400;
        if changes && site.caches {
            // What was kept of it is not what the origin has now.
            let path = head.uri.path();
            self.store.purges.purge(Scope::Path(&site.name, path));
        }
        let mut parts = fetched.parts;
        forward::to_client(site, &mut parts.headers);
        note(&mut parts.headers, "osier; fwd=bypass", None);
        Ok(streamed(parts, fetched.body, &head.method))
    }

    /// From what is kept, or from the origin and then kept where that is allowed.
    async fn by_cache(
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
        let mut onward = forward::to_origin(site, head, request.peer, request.secure, keeps)?;
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

    async fn fetch(
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

    fn request_id(&self) -> String {
        let mut bytes = [0; 12];
        self.rng.fill(&mut bytes);
        let mut text = String::with_capacity(24);
        for byte in bytes {
            let _ = write!(text, "{byte:02X}");
        }
        text
    }
}

/// Where a fetched answer goes once it is whole. Others wait for it until this is dropped.
struct Filling {
    store: Arc<KeptAnswers>,
    key: CacheKey,
    site: String,
    path: String,
    _lead: Option<Lead>,
}

impl Filling {
    fn keep(&self, kept: Kept) {
        // A purge since the fetch began reaches it: then it never counts.
        if self
            .store
            .purges
            .reaches(kept.born, &self.site, &self.path, [])
        {
            return;
        }
        let old = self.store.memory.get(&self.key);
        let new = Arc::new(kept);
        let variants = old.map_or_else(
            || Variants::default().with(Arc::clone(&new)),
            |old| old.with(Arc::clone(&new)),
        );
        self.store
            .memory
            .insert(self.key.clone(), Arc::new(variants));
    }
}

/// A body on its way to the client, copied for the cache.
struct Tee {
    body: OriginBody,
    copy: BytesMut,
    kept: Option<(Kept, Filling)>,
}

impl Tee {
    fn new(body: OriginBody, kept: Kept, filling: Filling) -> Self {
        Self {
            body,
            copy: BytesMut::new(),
            kept: Some((kept, filling)),
        }
    }
}

impl BodySource for Tee {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let read = self.body.read().await;
        match &read {
            Ok(Some(bytes)) if self.kept.is_some() => {
                self.copy.extend_from_slice(bytes);
                if self.copy.len() as u64 > BODY_BYTES_MAX {
                    self.kept = None;
                    self.copy = BytesMut::new();
                } else if self.body.length() == Some(0) {
                    // The client may not ask for the end: it knows the length.
                    self.finish();
                }
            }
            Ok(None) => self.finish(),
            Err(_) => self.kept = None,
            Ok(Some(_)) => {}
        }
        Ok(read?.map(Chunk::from))
    }
}

impl Tee {
    fn finish(&mut self) {
        if let Some((mut kept, filling)) = self.kept.take() {
            kept.body = std::mem::take(&mut self.copy).freeze();
            kept.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(kept.body.len()));
            filling.keep(kept);
        }
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

fn streamed(parts: response::Parts, body: OriginBody, method: &Method) -> Outgoing {
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

fn note(headers: &mut HeaderMap, status: &str, cache: Option<CacheUse>) {
    if let Ok(value) = HeaderValue::from_str(status) {
        headers.append(CACHE_STATUS, value);
    }
    if let Some(cache) = cache {
        headers.insert(X_CACHE, HeaderValue::from_static(cache.as_str()));
    }
}

fn host(head: &request::Parts) -> Option<String> {
    match head.uri.authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => head.headers.get(HOST)?.to_str().ok().map(ToOwned::to_owned),
    }
}

/// Whether the request proves who asks. Its answer is for that one alone: the proof is
/// verified by the origin, not here.
fn is_signed(head: &request::Parts) -> bool {
    const NAMES: [&str; 6] = [
        "signature=",
        "x-oss-signature=",
        "x-oss-security-token=",
        "security-token=",
        "x-amz-signature=",
        "auth_key=",
    ];
    let query = head.uri.query().unwrap_or_default().to_ascii_lowercase();
    head.headers.contains_key(AUTHORIZATION)
        // A name may be spelt with percent signs; a signature is never missed for that.
        || query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            name.contains('%') || NAMES.iter().any(|known| pair.starts_with(known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(target: &str, fields: &[(&str, &str)]) -> bool {
        let mut builder = http::Request::builder().uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        is_signed(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_proof_is_seen_however_it_is_spelt() {
        assert!(signed("/", &[("authorization", "x")]));
        for target in [
            "/?Expires=1&OSSAccessKeyId=k&Signature=s",
            "/?x-oss-signature=1",
            "/?X-Amz-Signature=1",
            "/?Sign%61ture=1",
            "/?auth_key=1",
        ] {
            assert!(signed(target, &[]), "{target}");
        }
        for target in ["/", "/?a=b", "/?x-oss-process=image/resize,w_1", "/?v=%20"] {
            assert!(!signed(target, &[]), "{target}");
        }
    }
}
