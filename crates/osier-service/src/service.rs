//! One request from its head to its answer.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::header::{HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use osier_auth::{
    Authentication, Identity, KeyRing, ResourceName, Signed, SignedHead, Verifier,
    query_with_spaces,
};
use osier_store::{ByteSource, Caller, Reply, Store};
use osier_types::{
    AccessDenial, BucketName, Clock, Expected, Fault, FaultKind, Op, Outcome, Owner, Preflight,
    Query, Rng,
};
use osier_wire::{
    Address, AddressStyle, Addressed, BodyUse, Encoded, Hosts, ReplyContext, ReplyFacts, Route,
    Scope, oss,
};

use crate::body::{check_document, read_document};
use crate::pace::PacedSource;
use crate::{PacedBody, Request, RequestLog, Response, ResponseBody, authorise, form};

/// How a service is set up.
#[derive(Clone, Debug, Default)]
pub struct ServiceSettings {
    /// Host names that are ours.
    pub hosts: Hosts,
    /// Host and port told to clients whose own `Host` does not lead back here.
    pub public_endpoint: Option<String>,
}

/// Answers requests over one store.
pub struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Arc<dyn KeyRing>,
    pub(crate) verifier: Verifier,
    settings: ServiceSettings,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Service")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Parameters that replace headers of an answer; anonymous requests may not use them.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// What is learnt of a request on its way, for the answer whatever it will be.
struct Learnt {
    log: RequestLog,
    facts: ReplyFacts,
    /// The reading of host and path in use.
    address: Option<Address>,
    caller: Option<Identity>,
    grant: Option<Preflight>,
    preflight: bool,
}

/// What an answer must know of its request.
struct Origin<'a> {
    head: &'a Parts,
    local: SocketAddr,
    secure: bool,
}

/// An operation carried out: what came of it, and the pace of its body.
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) bits_per_second: Option<u64>,
}

impl Service {
    /// A service over `store` that knows the keys of `keys`.
    pub fn new(
        store: Arc<Store>,
        keys: Arc<dyn KeyRing>,
        verifier: Verifier,
        settings: ServiceSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            store,
            keys,
            verifier,
            settings,
            clock,
            rng,
        }
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, request: Request) -> Response {
        let begun = Instant::now();
        let mut learnt = Learnt {
            log: RequestLog {
                request_id: self.request_id(),
                op: "Unknown",
                ..RequestLog::default()
            },
            facts: ReplyFacts::default(),
            address: None,
            caller: None,
            grant: None,
            preflight: false,
        };
        let Request {
            head,
            peer: _,
            local,
            secure,
            body,
        } = request;
        let done = self.answer(&head, body, &mut learnt).await;
        self.reply(
            &Origin {
                head: &head,
                local,
                secure,
            },
            learnt,
            done,
            begun,
        )
    }

    async fn answer(
        &self,
        request: &Parts,
        body: Box<dyn ByteSource>,
        learnt: &mut Learnt,
    ) -> Result<Done, Fault> {
        let target = match (request.uri.authority(), request.uri.path_and_query()) {
            (None, Some(target)) => Cow::Borrowed(target.as_str()),
            _ => Cow::Owned(request.uri.to_string()),
        };
        let host = text_of(&request.headers, &HOST);
        let addressed = osier_wire::address(
            &request.method,
            &target,
            host.as_deref(),
            &self.settings.hosts,
        )?;
        learnt.address = addressed.candidates.first().cloned();
        let form = addressed
            .candidates
            .iter()
            .find(|address| route_of(request, address, &addressed.query).body() == BodyUse::Form);
        if let Some(address) = form {
            learnt.log.op = "PostObject";
            learnt.address = Some(address.clone());
            self.grant(request, learnt);
            // In a box: forms are rare, and their futures large.
            let post = form::post(
                self,
                request,
                address,
                body,
                &mut learnt.log,
                &mut learnt.facts,
            );
            return Box::pin(post).await;
        }
        // A preflight is never signed; the URL it asks about may well be, for another method.
        let signed = if request.method == Method::OPTIONS {
            None
        } else {
            self.authenticate(request, &addressed)?
        };
        // Unsigned queries come from forms and programs that write a blank as `+`.
        let (index, spaces) = signed
            .as_ref()
            .map_or((0, true), |signed| (signed.candidate, signed.plus_is_space));
        let address = addressed
            .candidates
            .get(index)
            .ok_or_else(|| Fault::new(FaultKind::Internal))?;
        learnt.address = Some(address.clone());
        if let Some(signed) = &signed {
            learnt.log.access_key_id = Some(signed.access_key_id.clone());
            learnt.caller = Some(signed.identity.clone());
        }
        let query = if spaces && addressed.raw_query.contains('+') {
            query_with_spaces(&addressed.raw_query)
        } else {
            addressed.query
        };
        let route = route_of(request, address, &query);
        learnt.log.op = route.name().unwrap_or("Unknown");
        self.grant(request, learnt);
        self.perform(
            request,
            learnt,
            address,
            &query,
            &route,
            signed.as_ref(),
            body,
        )
        .await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, each once"
    )]
    async fn perform(
        &self,
        request: &Parts,
        learnt: &mut Learnt,
        address: &Address,
        query: &Query,
        route: &Route,
        signed: Option<&Signed>,
        mut body: Box<dyn ByteSource>,
    ) -> Result<Done, Fault> {
        let headers = &request.headers;
        if signed.is_none() && !open_to_all(route) {
            // Before anything is read of what they sent, and also of what there is not.
            return Err(FaultKind::AccessDenied(AccessDenial::AnonymousForbidden).into());
        }
        if let Some(fault) = route.fault() {
            return Err(fault);
        }
        if signed.is_none()
            && query
                .pairs()
                .iter()
                .any(|pair| OVERRIDES.contains(&&*pair.name))
        {
            return Err(FaultKind::InvalidRequest {
                reason: "response-* parameters need a signature".to_owned(),
            }
            .into());
        }
        let payload = signed.and_then(|signed| signed.payload_sha256);
        let document = match route.body() {
            BodyUse::Document { max_bytes } => {
                let document = read_document(body.as_mut(), max_bytes).await?;
                check_document(headers, &document, payload)?;
                document
            }
            BodyUse::None | BodyUse::Stream | BodyUse::Form => Bytes::new(),
        };
        let mut op = oss::decode(route, address, query, headers, &document)?;
        learnt.log.op = op.name();
        learnt.log.bucket = op.bucket().cloned();
        learnt.facts = ReplyFacts::of(&op);
        learnt.preflight = matches!(op, Op::OptionsObject(_));
        if let (Some(_), Some(expected)) = (payload, expected_mut(&mut op)) {
            expected.sha256 = payload;
        }
        let bits_per_second = oss::traffic_limit(query, headers)?;
        authorise::authorise(&self.store, learnt.caller.as_ref(), &op).await?;
        if let (Some(bits), BodyUse::Stream) = (bits_per_second, route.body()) {
            body = Box::new(PacedSource::new(body, bits));
        }
        let caller = caller_of(learnt.caller.as_ref());
        let reply = self.store.execute(&caller, op, body.as_mut()).await?;
        if let Outcome::Preflight(grant) = &reply.outcome {
            learnt.grant = Some(grant.clone());
        }
        Ok(Done {
            reply,
            bits_per_second,
        })
    }

    fn authenticate(
        &self,
        request: &Parts,
        addressed: &Addressed,
    ) -> Result<Option<Signed>, Fault> {
        let candidates: Vec<ResourceName> = addressed
            .candidates
            .iter()
            .map(|address| ResourceName {
                bucket: address.bucket.clone(),
                key: address.key.clone(),
            })
            .collect();
        let head = SignedHead {
            method: &request.method,
            headers: &request.headers,
            query: &addressed.query,
            raw_query: &addressed.raw_query,
            candidates: &candidates,
        };
        match self
            .verifier
            .authenticate(&head, self.keys.as_ref(), self.clock.now())?
        {
            Authentication::Anonymous => Ok(None),
            Authentication::Signed(signed) => Ok(Some(signed)),
        }
    }

    /// What the bucket's CORS rules grant to the page this request comes from.
    fn grant(&self, request: &Parts, learnt: &mut Learnt) {
        let Some(origin) = text_of(&request.headers, &ORIGIN) else {
            return;
        };
        let bucket = learnt
            .address
            .as_ref()
            .and_then(|address| address.bucket.as_deref());
        let bucket = bucket.and_then(|bucket| BucketName::parse(bucket).ok());
        let Some(record) = bucket.and_then(|bucket| self.store.bucket(&bucket).ok()) else {
            return;
        };
        if let Some(cors) = &record.cors {
            learnt.grant = cors.grant(&origin, request.method.as_str(), &[]);
        }
    }

    fn reply(
        &self,
        request: &Origin<'_>,
        learnt: Learnt,
        done: Result<Done, Fault>,
        begun: Instant,
    ) -> Response {
        let Learnt {
            mut log,
            facts,
            address,
            caller,
            grant,
            preflight,
        } = learnt;
        let host = text_of(&request.head.headers, &HOST)
            .or_else(|| request.head.uri.authority().map(ToString::to_string))
            .unwrap_or_else(|| request.local.to_string());
        let endpoint = self.endpoint(address.as_ref(), &host, request.local);
        let context = ReplyContext {
            request_id: &log.request_id,
            host: &host,
            bucket_in_host: address
                .as_ref()
                .is_some_and(|address| address.style != AddressStyle::Path),
            endpoint: &endpoint,
            scheme: if request.secure { "https" } else { "http" },
            owner_id: caller
                .as_ref()
                .map_or("", |caller| caller.account.id.as_str()),
            now: self.clock.now(),
            elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let (encoded, body) = match done {
            Ok(done) => {
                let encoded = oss::encode(&context, &facts, &done.reply.outcome);
                let length = body_length(&done.reply.outcome);
                let body = done.reply.body.map(|body| {
                    ResponseBody::Object(PacedBody::new(body, done.bits_per_second), length)
                });
                (encoded, body)
            }
            Err(fault) => {
                let words = oss::words(&fault.kind);
                log_fault(&log, &fault);
                let encoded = oss::encode_fault(&context, &fault, &request.head.method);
                log.error_code = Some(words.code);
                (encoded, None)
            }
        };
        let Encoded {
            mut head,
            body: document,
        } = encoded;
        log.ec = head
            .headers
            .get("x-oss-ec")
            .and_then(|ec| ec.to_str().ok())
            .map(ToOwned::to_owned);
        if let Some(grant) = grant {
            osier_wire::apply_cors(&mut head.headers, &grant, preflight);
        }
        let body = match body {
            Some(body) => body,
            None if document.is_empty() => ResponseBody::Empty,
            None => ResponseBody::Bytes(document),
        };
        Response { head, body, log }
    }

    /// Host and port under which this client reaches us.
    ///
    /// A client that named one of Alibaba Cloud's hosts may have connected to our address
    /// without asking any resolver (ali-oss does with an IP endpoint), so that name would lead
    /// it to the real service.
    fn endpoint(&self, address: Option<&Address>, host: &str, local: SocketAddr) -> String {
        let named = address
            .and_then(|address| address.endpoint.as_deref())
            .unwrap_or(host);
        let name = named.rsplit_once(':').map_or(named, |(name, _)| name);
        if name.ends_with("aliyuncs.com") || named.is_empty() {
            return self
                .settings
                .public_endpoint
                .clone()
                .unwrap_or_else(|| local.to_string());
        }
        named.to_owned()
    }

    fn request_id(&self) -> String {
        let mut bytes = [0; 12];
        self.rng.fill(&mut bytes);
        let digit = |nibble: u8| {
            char::from(if nibble < 10 {
                b'0' + nibble
            } else {
                b'A' - 10 + nibble
            })
        };
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    }

    pub(crate) fn now(&self) -> osier_types::Timestamp {
        self.clock.now()
    }
}

/// On whose account the store works. Anonymous callers own nothing.
pub(crate) fn caller_of(identity: Option<&Identity>) -> Caller {
    Caller {
        owner: identity.map_or_else(Owner::default, |identity| identity.account.as_ref().clone()),
    }
}

/// Whether access-control lists can grant an operation to everybody; all others need a signature.
fn open_to_all(route: &Route) -> bool {
    const OF_BUCKETS: [&str; 4] = ["", "delete", "uploads", "versions"];
    const NOT_OF_OBJECTS: [&str; 3] = ["acl", "legalHold", "retention"];
    let Some(spec) = route.spec() else {
        return true;
    };
    let subresource = spec.subresource.unwrap_or("");
    match (spec.scope, spec.method) {
        (_, "OPTIONS") => true,
        (Scope::Bucket, "GET" | "HEAD" | "POST") => OF_BUCKETS.contains(&subresource),
        (Scope::Bucket | Scope::Service, _) => false,
        (Scope::Object, _) => !NOT_OF_OBJECTS.contains(&subresource),
    }
}

fn route_of(request: &Parts, address: &Address, query: &Query) -> Route {
    oss::route(&request.method, address, query, &request.headers)
}

fn text_of(headers: &HeaderMap, name: &http::header::HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn expected_mut(op: &mut Op) -> Option<&mut Expected> {
    match op {
        Op::PutObject(put) => Some(&mut put.expected),
        Op::AppendObject(append) => Some(&mut append.expected),
        Op::UploadPart(part) => Some(&mut part.expected),
        _ => None,
    }
}

fn body_length(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Object(read) => read
            .range
            .map_or(read.info.size, osier_types::ByteRange::length),
        _ => 0,
    }
}

/// Faults of ours are logged once, here, with all that lies beneath them.
fn log_fault(log: &RequestLog, fault: &Fault) {
    let ours = matches!(
        fault.kind,
        FaultKind::Internal
            | FaultKind::Damaged
            | FaultKind::InsufficientStorage
            | FaultKind::Unavailable { .. }
    );
    if !ours {
        return;
    }
    let mut chain = String::new();
    let mut source = std::error::Error::source(fault);
    while let Some(cause) = source {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(request_id = %log.request_id, op = log.op, "{fault}{chain}");
}
