//! Whether a request may be made to a bucket that lies elsewhere: the gateway asks before it
//! signs the request with a key of its own.
//!
//! The bucket counts as the private one of an account here, so that the policies of that
//! account's users decide. What its real store thinks is not known, and asked by the signature
//! that follows.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::header::HOST;
use http::request::Parts;
use osier_auth::{BucketFacts, Inquiry, Layers, ResourceFacts, query_with_spaces};
use osier_types::{AccessDenial, BucketAcl, Fault, FaultKind, Op, Query};
use osier_wire::{Address, BodyUse, Dialect, Hosts, Route};

use crate::arrive::{route_of, text_of};
use crate::authorise::{Asking, conditions, signing};
use crate::perform::open_to_all;
use crate::reply::Origin;
use crate::service::{Learnt, Service};
use crate::{Response, Verdict};

/// A request for a bucket elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ElsewhereRequest<'a> {
    /// Method, target and headers, as the client signed them.
    pub head: &'a Parts,
    /// Who connected.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// The bucket, whatever the request calls its host.
    pub bucket: &'a str,
    /// The id of the account that it counts as a bucket of.
    pub owner: &'a str,
}

impl Service {
    /// Checks signature and permissions of a request that is carried out elsewhere.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub fn admit(&self, request: &ElsewhereRequest<'_>) -> Result<(), Box<Response>> {
        let begun = Instant::now();
        let headers = &request.head.headers;
        let mut learnt = self.nothing_learnt(request.peer, request.secure, headers);
        let admitted = self.admitted(request, &mut learnt);
        admitted.map_err(|fault| {
            let origin = Origin {
                head: request.head,
                local: request.peer,
            };
            Box::new(self.reply(&origin, learnt, Err(fault), begun))
        })
    }

    fn admitted(&self, request: &ElsewhereRequest<'_>, learnt: &mut Learnt) -> Result<(), Fault> {
        let head = request.head;
        let host = text_of(&head.headers, &HOST).unwrap_or_default();
        let name = host
            .rsplit_once(':')
            .map_or(host.as_str(), |(name, _)| name);
        let nothing: [&str; 0] = [];
        let hosts = Hosts::new(nothing, [(name, request.bucket)]);
        let target = head.uri.to_string();
        let addressed = osier_wire::address(&head.method, &target, Some(&host), &hosts)?;
        learnt.dialect = learnt
            .choice
            .of(&head.method, &addressed.query, &head.headers);
        let dialect = learnt.dialect;
        let signed = self.authenticate(head, &addressed)?;
        let (index, spaces) = signed
            .as_ref()
            .map_or((0, true), |signed| (signed.candidate, signed.plus_is_space));
        let address = addressed
            .candidates
            .into_iter()
            .nth(index)
            .filter(|address| address.bucket.as_deref() == Some(request.bucket))
            .ok_or_else(|| Fault::new(FaultKind::AccessDenied(AccessDenial::NotOwner)))?;
        let query = if spaces && addressed.raw_query.contains('+') {
            query_with_spaces(&addressed.raw_query)
        } else {
            addressed.query
        };
        if let Some(signed) = &signed {
            learnt.log.access_key_id = Some(signed.access_key_id.clone());
            learnt.caller = Some(signed.identity.clone());
        }
        learnt.address = Some(address.clone());
        let route = route_of(dialect, head, &address, &query);
        learnt.log.op = route.name().unwrap_or("Unknown");
        if signed.is_none() && !open_to_all(&route) {
            learnt.judged.verdict = Verdict::Refused;
            return Err(FaultKind::AccessDenied(AccessDenial::AnonymousForbidden).into());
        }
        let op = asked(dialect, head, &address, &query, &route)?;
        learnt.judged.accesses = op.accesses();
        let now = self.now();
        let asking = Asking {
            caller: learnt.caller.as_ref(),
            access_key_id: learnt.log.access_key_id.as_deref(),
            signing: signed.as_ref().map(signing),
            dialect,
            headers: &head.headers,
            source: &learnt.source,
            ways: &learnt.ways,
            now,
        };
        let policies = self.policies(&asking)?;
        let conditions = conditions(&asking, &op, None, None, None);
        for (index, access) in learnt.judged.accesses.iter().enumerate() {
            let inquiry = Inquiry {
                caller: learnt.caller.as_ref(),
                access,
                resource: ResourceFacts {
                    bucket: Some(BucketFacts {
                        owner: request.owner,
                        acl: BucketAcl::Private,
                    }),
                    object_acl: None,
                },
                layers: Layers {
                    session: policies.session.as_ref(),
                    identity: &policies.identity,
                    ..Layers::default()
                },
                conditions: &conditions,
                region: &self.settings.region,
            };
            let decision = inquiry.decide();
            if !decision.allowed {
                let refused = decision.clone().into_result(&access.resource);
                learnt.judged.verdict = Verdict::Refused;
                learnt.judged.refused = Some((index, Box::new(decision)));
                return refused;
            }
        }
        learnt.judged.verdict = Verdict::Granted;
        Ok(())
    }
}

/// What is asked for. Its document is still on the way, so only what needs none is known, and
/// the end of an upload, for which the parts it names are no matter of permission.
fn asked(
    dialect: Dialect,
    head: &Parts,
    address: &Address,
    query: &Query,
    route: &Route,
) -> Result<Op, Fault> {
    const SOME_PART: &[u8] = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
        <ETag>\"0\"</ETag></Part></CompleteMultipartUpload>";
    if let Some(fault) = route.fault() {
        return Err(fault);
    }
    // What S3 writes has a form of its own, which the bucket behind may not read.
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    if dialect == Dialect::S3 && !reads {
        return Err(unknown());
    }
    let document = match (route.body(), route.name()) {
        (BodyUse::None | BodyUse::Stream, _) => Bytes::new(),
        (_, Some("CompleteMultipartUpload")) => Bytes::from_static(SOME_PART),
        (BodyUse::Document { .. } | BodyUse::Form, _) => {
            return Err(unknown());
        }
    };
    dialect.decode(route, address, query, &head.headers, &document, "")
}

fn unknown() -> Fault {
    Fault::new(FaultKind::NotImplemented {
        what: "this operation on a bucket behind a gateway".to_owned(),
    })
}
