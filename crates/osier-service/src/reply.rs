//! The last station: what came of a request, as an answer.

use std::net::SocketAddr;
use std::time::Instant;

use http::header::HOST;
use http::request::Parts;
use osier_types::{Fault, FaultKind, Outcome};
use osier_wire::{Address, AddressStyle, Encoded, ReplyContext};

use crate::arrive::text_of;
use crate::service::{Done, Learnt, Service};
use crate::{PacedBody, RequestLog, Response, ResponseBody};

/// What an answer must know of its request.
pub(crate) struct Origin<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) local: SocketAddr,
}

impl Service {
    pub(crate) fn reply(
        &self,
        request: &Origin<'_>,
        learnt: Learnt,
        done: Result<Done, Fault>,
        begun: Instant,
    ) -> Response {
        let Learnt {
            mut log,
            facts,
            dialect,
            choice: _,
            address,
            caller,
            grant,
            preflight,
            source,
            ways: _,
            judged,
        } = learnt;
        log.source = Some(source.address);
        log.secure = source.secure;
        log.accesses = judged.accesses;
        log.verdict = judged.verdict;
        log.refused = judged.refused;
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
            scheme: if source.secure { "https" } else { "http" },
            owner_id: caller
                .as_ref()
                .map_or("", |caller| caller.account.id.as_str()),
            region: self.settings.region.as_str(),
            now: self.clock.now(),
            elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let (encoded, body) = match done {
            Ok(done) => {
                let encoded = dialect.encode(&context, &facts, &done.reply.outcome);
                let length = body_length(&done.reply.outcome);
                let body = done.reply.body.map(|body| {
                    ResponseBody::Object(PacedBody::new(body, done.bits_per_second), length)
                });
                (encoded, body)
            }
            Err(fault) => {
                log_fault(&log, &fault);
                self.note_refusal(request.head, &log, caller.as_ref(), &fault.kind, dialect);
                let encoded = dialect.encode_fault(&context, &fault, &request.head.method);
                log.error_code = Some(dialect.code(&fault.kind));
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
        log.identity = caller;
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
pub(crate) fn log_fault(log: &RequestLog, fault: &Fault) {
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
