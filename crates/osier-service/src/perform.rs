//! The second station: a request is decoded, permitted and carried out.

use bytes::Bytes;
use http::request::Parts;
use osier_auth::{Identity, Place, Signed};
use osier_store::{ByteSource, Caller};
use osier_types::{
    AccessDenial, DeletionRefused, Expected, Fault, FaultKind, Op, Outcome, Owner, Query,
};
use osier_wire::{Address, BodyUse, Dialect, Route, Scope, checksum_sent};

use crate::Verdict;
use crate::authorise::{Asking, signing};
use crate::body::{check_document, read_document};
use crate::chunked::{self, ChunkedSource};
use crate::pace::PacedSource;
use crate::picture::is_processing;
use crate::points::check_reach;
use crate::service::{Done, Learnt, Service};

/// Parameters that replace headers of an answer; anonymous requests may not use them.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

impl Service {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, each once"
    )]
    pub(crate) async fn perform(
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
            learnt.judged.verdict = Verdict::Refused;
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
        let framing = chunked::framing(headers, signed)?;
        if let Some(framing) = framing {
            body = Box::new(ChunkedSource::new(framing, signed, body)?);
        }
        let document = match route.body() {
            BodyUse::Document { max_bytes } => {
                let document = Box::pin(read_document(body.as_mut(), max_bytes)).await?;
                // What completes an upload speaks of the object's checksum, not of its own.
                let sent = if query.has("uploadId") {
                    None
                } else {
                    checksum_sent(headers)?
                };
                let checksums = sent.into_iter().chain(body.trailer());
                check_document(headers, &document, payload, checksums)?;
                document
            }
            BodyUse::None | BodyUse::Stream | BodyUse::Form => Bytes::new(),
        };
        let account = learnt.caller.as_ref().map(|caller| &*caller.account.id);
        let account = account.unwrap_or_default();
        let dialect = learnt.dialect;
        // In a box, so that the future of a request does not carry it from step to step.
        let mut op = Box::new(dialect.decode(route, address, query, headers, &document, account)?);
        if let Some(styled) = self.styled_by_key(&op).await? {
            *op = styled;
        }
        learnt.ways.source = self.enter_source(&mut op);
        learnt.log.op = op.name();
        learnt.log.bucket = op.bucket().cloned();
        learnt.facts = dialect.facts(&op, headers);
        learnt.preflight = matches!(*op, Op::OptionsObject(_));
        if let (Some(_), Some(expected)) = (payload, expected_mut(&mut op)) {
            expected.sha256 = payload;
        }
        if let (Some(framing), Some(expected)) = (&framing, expected_mut(&mut op)) {
            chunked::expect(framing, expected);
        }
        let bits_per_second = dialect.traffic_limit(query, headers)?;
        let asking = Asking {
            caller: learnt.caller.as_ref(),
            access_key_id: learnt.log.access_key_id.as_deref(),
            signing: signed.map(signing),
            dialect,
            headers,
            source: &learnt.source,
            ways: &learnt.ways,
            now: self.now(),
        };
        check_reach(&learnt.ways, &op)?;
        if signed.is_none_or(|signed| signed.place == Place::Url) {
            self.check_referer(&op, headers)?;
        }
        self.authorise(&asking, &op, &mut learnt.judged).await?;
        let spared = std::mem::take(&mut learnt.judged.spared);
        leave_out(&mut op, &spared);
        if dialect == Dialect::S3 {
            self.check_owners(&op, headers)?;
        }
        let account = learnt.caller.as_ref().map(|caller| &*caller.account.id);
        self.check_change(&op, &learnt.ways, account)?;
        if let Some(outcome) = self.told_here(&op)? {
            return Ok(Done {
                reply: outcome.into(),
                bits_per_second: None,
            });
        }
        if let (Some(bits), BodyUse::Stream) = (bits_per_second, route.body()) {
            body = Box::new(PacedSource::new(body, bits));
        }
        self.check_original(&asking, &op).await?;
        let reply = if is_processing(&op) {
            Box::pin(self.process(&asking, *op, &mut learnt.judged)).await?
        } else {
            Self::check_style(&op)?;
            let deleted = self.deletes(&op);
            let caller = caller_of(learnt.caller.as_ref());
            let mut reply = self.store.execute(&caller, *op, body.as_mut()).await?;
            self.forget_deleted(deleted);
            if let Outcome::Deleted(page) = &mut reply.outcome {
                page.refused.extend(spared);
            }
            reply
        };
        if let Outcome::Preflight(grant) = &reply.outcome {
            learnt.grant = Some(grant.clone());
        }
        Ok(Done {
            reply,
            bits_per_second,
        })
    }
}

/// Takes out of a list of deletions what the caller may not delete.
pub(crate) fn leave_out(op: &mut Op, spared: &[DeletionRefused]) {
    if let Op::DeleteObjects(op) = op {
        op.objects.retain(|object| {
            !spared
                .iter()
                .any(|spared| spared.key == object.key && spared.version == object.version)
        });
    }
}

/// On whose account the store works. Anonymous callers own nothing.
pub(crate) fn caller_of(identity: Option<&Identity>) -> Caller {
    Caller {
        owner: identity.map_or_else(Owner::default, |identity| identity.account.as_ref().clone()),
    }
}

/// Whether access-control lists can grant an operation to everybody; all others need a signature.
pub(crate) fn open_to_all(route: &Route) -> bool {
    const OF_BUCKETS: [&str; 4] = ["", "delete", "uploads", "versions"];
    const NOT_OF_OBJECTS: [&str; 4] = ["acl", "legalHold", "legal-hold", "retention"];
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

fn expected_mut(op: &mut Op) -> Option<&mut Expected> {
    match op {
        Op::PutObject(put) => Some(&mut put.expected),
        Op::AppendObject(append) => Some(&mut append.expected),
        Op::UploadPart(part) => Some(&mut part.expected),
        _ => None,
    }
}
