//! Whether a request may be made to a bucket that lies elsewhere, and what S3 clients ask in the
//! words of the store that it lies in: the gateway comes here before it signs the request with a
//! key of its own.
//!
//! The bucket counts as the private one of an account here, so that the policies of that
//! account's users decide. What its real store thinks is not known, and asked by the signature
//! that follows.

mod body;
mod reading;
mod translated;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use osier_auth::{BucketFacts, Inquiry, Layers, ResourceFacts, Signed, query_with_spaces};
use osier_store::ByteSource;
use osier_types::{
    Access, AccessDenial, BucketAcl, BucketName, DeletedPage, DeletionRefused, Fault, FaultKind,
    Op, Outcome, PutBucket, Query,
};
use osier_wire::{Address, BodyUse, Dialect, Route, translation};

use self::reading::{for_decoding, read};
use crate::arrive::route_of;
use crate::authorise::{Asking, conditions, signing, told_alone};
use crate::perform::{leave_out, open_to_all};
use crate::reply::Origin;
use crate::service::{Done, Learnt, Service};
use crate::{Response, Verdict, chunked};

pub use body::{BodyRefused, CheckedBody};
pub use translated::{ElsewhereBody, Translated};

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
    /// Whether the host is known to name the bucket, and not only where buckets are.
    pub host_names_bucket: bool,
    /// What the bucket's store speaks.
    pub origin: Dialect,
    /// The id of the account that it counts as a bucket of.
    pub owner: &'a str,
}

/// What becomes of a request for a bucket elsewhere.
#[derive(Debug)]
pub enum Admitted {
    /// It goes on as it is.
    AsItIs,
    /// It goes on in other words.
    Translated(Box<Translated>),
    /// It is answered: the bucket's store has nothing to do with it, or it is refused.
    Answered(Box<Response>),
}

impl Service {
    /// Checks signature and permissions of a request that is carried out elsewhere. Of its body
    /// no more is read than a decision needs.
    pub async fn admit(
        &self,
        request: &ElsewhereRequest<'_>,
        body: &mut dyn ByteSource,
    ) -> Admitted {
        let begun = Instant::now();
        let headers = &request.head.headers;
        let mut learnt = self.nothing_learnt(request.peer, request.secure, headers);
        let admitted = self.admitted(request, body, &mut learnt).await;
        let done = match admitted {
            Ok(Asked::AsItIs) => return Admitted::AsItIs,
            Ok(Asked::Answered(outcome)) => Ok(Done {
                reply: (*outcome).into(),
                bits_per_second: None,
            }),
            Ok(Asked::Translated(translation)) => {
                let translated = Translated::new(request, *translation, learnt, begun);
                return Admitted::Translated(Box::new(translated));
            }
            Err(fault) => Err(fault),
        };
        let origin = Origin {
            head: request.head,
            local: request.peer,
        };
        Admitted::Answered(Box::new(self.reply(&origin, learnt, done, begun)))
    }

    /// The answer to a request whose body turned out not to be what it should be.
    pub fn refuse_body(&self, translated: Translated) -> Option<Response> {
        let fault = translated.refusal()?;
        let (head, peer, learnt, begun) = translated.into_request();
        let origin = Origin {
            head: &head,
            local: peer,
        };
        Some(self.reply(&origin, learnt, Err(fault), begun))
    }

    async fn admitted(
        &self,
        request: &ElsewhereRequest<'_>,
        body: &mut dyn ByteSource,
        learnt: &mut Learnt,
    ) -> Result<Asked, Fault> {
        let head = request.head;
        let (addressed, dialect) = read(request, learnt.choice)?;
        learnt.dialect = dialect;
        let signed = self.authenticate(head, &addressed)?;
        let (index, spaces) = signed
            .as_ref()
            .map_or((0, true), |signed| (signed.candidate, signed.plus_is_space));
        let address = addressed
            .candidates
            .into_iter()
            .nth(index)
            .ok_or_else(|| Fault::new(FaultKind::Internal))?;
        let is_this = address.bucket.as_deref() == Some(request.bucket);
        if dialect == Dialect::Oss && !is_this {
            return Err(FaultKind::AccessDenied(AccessDenial::NotOwner).into());
        }
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
        if !is_this {
            // Nor is there anything to ask about all buckets.
            let named = address.bucket.as_deref().ok_or_else(unknown)?;
            return Err(match BucketName::parse(named) {
                Ok(named) => FaultKind::NoSuchBucket(named).into(),
                Err(invalid) => FaultKind::InvalidBucketName(invalid.0).into(),
            });
        }
        let arrived = Arrived {
            address,
            query,
            route,
            signed,
        };
        match dialect {
            Dialect::Oss => self.in_oss(request, arrived, body, learnt).await,
            Dialect::S3 => self.in_s3(request, arrived, body, learnt).await,
        }
    }

    /// A request of OSS. Documents on which a decision depends are read; what needs none goes on
    /// untouched, and so does the end of an upload, whose parts are no matter of permission.
    async fn in_oss(
        &self,
        request: &ElsewhereRequest<'_>,
        arrived: Arrived,
        body: &mut dyn ByteSource,
        learnt: &mut Learnt,
    ) -> Result<Asked, Fault> {
        const SOME_PART: &[u8] = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
            <ETag>\"0\"</ETag></Part></CompleteMultipartUpload>";
        const DECIDED_BY_DOCUMENT: [&str; 2] = ["DeleteMultipleObjects", "PutObjectTagging"];
        let Arrived {
            address,
            query,
            route,
            signed,
        } = arrived;
        if let Some(fault) = route.fault() {
            return Err(fault);
        }
        let Parts {
            method, headers, ..
        } = request.head;
        let name = route.name().unwrap_or_default();
        let (document, is_read) = match route.body() {
            BodyUse::None | BodyUse::Stream => (Bytes::new(), false),
            BodyUse::Document { .. } if name == "CompleteMultipartUpload" => {
                (Bytes::from_static(SOME_PART), false)
            }
            BodyUse::Document { max_bytes }
                if request.origin == Dialect::Oss && DECIDED_BY_DOCUMENT.contains(&name) =>
            {
                let checks = body::of_document(headers, &query, None, signed.as_ref())?;
                let document = body::read_whole(body, checks, headers, max_bytes);
                (Box::pin(document).await?, true)
            }
            BodyUse::Document { .. } | BodyUse::Form => return Err(unknown()),
        };
        let op = Dialect::Oss.decode(&route, &address, &query, headers, &document, "")?;
        self.decide(request, learnt, signed.as_ref(), &op)?;
        if !is_read {
            return Ok(Asked::AsItIs);
        }
        let asked = translation::ask_same(method, &query, headers, document.clone());
        Ok(Asked::Translated(Box::new(Translation {
            op,
            asked,
            body: ElsewhereBody::Document(document),
            spared: Vec::new(),
        })))
    }

    /// A request of S3, as far as it can be asked of the store that has the bucket.
    async fn in_s3(
        &self,
        request: &ElsewhereRequest<'_>,
        arrived: Arrived,
        body: &mut dyn ByteSource,
        learnt: &mut Learnt,
    ) -> Result<Asked, Fault> {
        let Arrived {
            address,
            query,
            route,
            signed,
        } = arrived;
        let head = request.head;
        let headers = &head.headers;
        if let Some(fault) = route.fault() {
            return Err(fault);
        }
        let framing = chunked::framing(headers, signed.as_ref())?;
        let document = match route.body() {
            BodyUse::None | BodyUse::Stream => None,
            BodyUse::Document { max_bytes } => {
                let checks = body::of_document(headers, &query, framing, signed.as_ref())?;
                Some(Box::pin(body::read_whole(body, checks, headers, max_bytes)).await?)
            }
            BodyUse::Form => return Err(unknown()),
        };
        let account = learnt.caller.as_ref().map(|caller| &*caller.account.id);
        let mut op = learnt.dialect.decode(
            &route,
            &address,
            &for_decoding(&query),
            headers,
            document.as_ref().unwrap_or(&Bytes::new()),
            account.unwrap_or_default(),
        )?;
        learnt.log.op = op.name();
        learnt.log.bucket = op.bucket().cloned();
        learnt.facts = learnt.dialect.facts(&op, headers);
        check_owner(request)?;
        self.decide(request, learnt, signed.as_ref(), &op)?;
        let spared = std::mem::take(&mut learnt.judged.spared);
        leave_out(&mut op, &spared);
        if let Op::PutBucket(PutBucket {
            bucket,
            acl: None | Some(BucketAcl::Private),
            tags: None,
            object_lock: false,
            ..
        }) = &op
        {
            // Tools make sure of their bucket (rclone): it is there, and it is theirs.
            return Ok(Asked::Answered(Box::new(Outcome::BucketCreated(
                bucket.clone(),
            ))));
        }
        if let Op::DeleteObjects(asked) = &op
            && asked.objects.is_empty()
            && !spared.is_empty()
        {
            return Ok(Asked::Answered(Box::new(Outcome::Deleted(DeletedPage {
                asked: asked.clone(),
                deleted: Vec::new(),
                refused: spared,
            }))));
        }
        let asked = match request.origin {
            Dialect::Oss => translation::ask_oss(&op, &query, headers)?,
            Dialect::S3 => {
                translation::ask_s3(&op, &head.method, &query, headers, document.as_ref())?
            }
        };
        let streams = matches!(op, Op::PutObject(_) | Op::UploadPart(_));
        let sent = if streams {
            let checks = body::of_stream(&op, framing, signed.as_ref(), request.origin)?;
            body::begin(body, checks).await?
        } else {
            ElsewhereBody::Document(asked.document.clone().unwrap_or_default())
        };
        Ok(Asked::Translated(Box::new(Translation {
            op,
            asked,
            body: sent,
            spared,
        })))
    }

    /// Refuses `op` unless every permission it needs is granted; where its answer tells of each
    /// object, those that are refused are put aside.
    fn decide(
        &self,
        request: &ElsewhereRequest<'_>,
        learnt: &mut Learnt,
        signed: Option<&Signed>,
        op: &Op,
    ) -> Result<(), Fault> {
        learnt.judged.accesses = op.accesses();
        let asking = Asking {
            caller: learnt.caller.as_ref(),
            access_key_id: learnt.log.access_key_id.as_deref(),
            signing: signed.map(signing),
            dialect: learnt.dialect,
            headers: &request.head.headers,
            source: &learnt.source,
            ways: &learnt.ways,
            now: self.now(),
        };
        let policies = self.policies(&asking)?;
        let of_request = conditions(&asking, op, None, None, None);
        let decide = |access: &Access| {
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
                conditions: &of_request,
                region: &self.settings.region,
            };
            inquiry.decide()
        };
        for (index, access) in learnt.judged.accesses.iter().enumerate() {
            let decision = decide(access);
            if decision.allowed {
                continue;
            }
            let refused = decision.clone().into_result(&access.resource);
            if let (Err(fault), Some((key, version))) = (&refused, told_alone(op, access)) {
                learnt.judged.spared.push(DeletionRefused {
                    key: key.clone(),
                    version,
                    fault: fault.clone(),
                });
                continue;
            }
            learnt.judged.verdict = Verdict::Refused;
            learnt.judged.refused = Some((index, Box::new(decision)));
            return refused;
        }
        learnt.judged.verdict = Verdict::Granted;
        Ok(())
    }
}

/// What is done with a request that may be made.
enum Asked {
    AsItIs,
    Answered(Box<Outcome>),
    Translated(Box<Translation>),
}

/// A request in its origin's words.
pub(crate) struct Translation {
    pub(crate) op: Op,
    pub(crate) asked: translation::Asked,
    pub(crate) body: ElsewhereBody,
    /// What the caller may not delete.
    pub(crate) spared: Vec<DeletionRefused>,
}

/// A request whose sender is known.
struct Arrived {
    address: Address,
    query: Query,
    route: Route,
    signed: Option<Signed>,
}

/// `x-amz-expected-bucket-owner` names an account here, which the bucket's store does not know.
fn check_owner(request: &ElsewhereRequest<'_>) -> Result<(), Fault> {
    const NAMES: [&str; 2] = [
        "x-amz-expected-bucket-owner",
        "x-amz-source-expected-bucket-owner",
    ];
    let headers = &request.head.headers;
    let mut expected = NAMES.iter().filter_map(|name| headers.get(*name));
    if expected.all(|expected| expected.as_bytes() == request.owner.as_bytes()) {
        Ok(())
    } else {
        Err(FaultKind::AccessDenied(AccessDenial::NotOwner).into())
    }
}

fn unknown() -> Fault {
    Fault::new(FaultKind::NotImplemented {
        what: "this operation on a bucket behind a gateway".to_owned(),
    })
}
