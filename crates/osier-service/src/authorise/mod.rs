//! Permission: what an operation needs, what is known of the things it touches and of the
//! circumstances, and the decision of `osier-auth` on each.

mod conditions;

pub(crate) use conditions::{circumstances, conditions};

use std::sync::Arc;

use http::HeaderMap;
use osier_auth::directory::CallerPolicies;
use osier_auth::policy::{Conditions, Needs, Signing};
use osier_auth::{
    BucketFacts, Decision, Identity, Inquiry, Layers, Principal, ResourceFacts, Signed,
};
use osier_store::{BucketRecord, ObjectFacts, WithTags};
use osier_types::{
    Access, AccessKind, DeletionRefused, Fault, FaultKind, ObjectAcl, ObjectKey, ObjectRef, Op,
    Refusals, Resource, Timestamp, VersionId,
};

use osier_wire::Dialect;

use crate::Verdict;
use crate::layers::BucketLayers;
use crate::points::Ways;
use crate::service::Service;
use crate::source::Source;

/// Who asks, and in what circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    /// `None` is anonymous.
    pub(crate) caller: Option<&'a Identity>,
    pub(crate) access_key_id: Option<&'a str>,
    /// How they proved it.
    pub(crate) signing: Option<Signing>,
    /// How they speak: lists count otherwise in S3.
    pub(crate) dialect: Dialect,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) source: &'a Source,
    /// By which access points.
    pub(crate) ways: &'a Ways,
    pub(crate) now: Timestamp,
}

/// How a request was signed, as conditions ask for it.
pub(crate) fn signing(signed: &Signed) -> Signing {
    Signing {
        scheme: signed.scheme,
        place: signed.place,
        at: signed.signed_at,
    }
}

/// What was asked for on behalf of a request, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) accesses: Vec<Access>,
    pub(crate) verdict: Verdict,
    /// Which of them was refused, and how that came about.
    pub(crate) refused: Option<(usize, Box<Decision>)>,
    /// What is refused of a request whose answer tells of each of its objects.
    pub(crate) spared: Vec<DeletionRefused>,
}

/// A bucket with what its owner says about it.
struct Place {
    record: Arc<BucketRecord>,
    layers: BucketLayers,
}

impl Service {
    /// Refuses `op` unless every permission it needs is granted.
    ///
    /// A bucket that is not there is reported as such before any permission is
    /// looked at, as OSS does; only `PutBucket` may name one.
    pub(crate) async fn authorise(
        &self,
        asking: &Asking<'_>,
        op: &Op,
        judged: &mut Judged,
    ) -> Result<(), Fault> {
        judged.accesses = op.accesses();
        let mut policies = None;
        for (index, access) in judged.accesses.iter().enumerate() {
            let place = self.place(asking, op, access)?;
            if let Some(place) = &place
                && place.layers.spares_owner()
                && owns(asking.caller, &place.record)
            {
                // The owner needs nobody's grant: this is the hot path.
                continue;
            }
            let policies = match &mut policies {
                Some(known) => known,
                unknown => unknown.insert(self.policies(asking)?),
            };
            // In a box, so that the hot path's future stays small.
            let weighing = self.weigh(asking, policies, op, access, place.as_ref());
            if let Some(decision) = Box::pin(weighing).await? {
                let refused = decision.clone().into_result(&access.resource);
                if let (Err(fault), Some((key, version))) = (&refused, told_alone(op, access)) {
                    judged.spared.push(DeletionRefused {
                        key: key.clone(),
                        version,
                        fault: fault.clone(),
                    });
                    continue;
                }
                judged.verdict = Verdict::Refused;
                judged.refused = Some((index, Box::new(decision)));
                return refused;
            }
        }
        judged.verdict = Verdict::Granted;
        Ok(())
    }

    /// The bucket that is accessed. `None` for the service, and for a bucket that does not
    /// concern the caller because it only wants to have one of this name.
    fn place(&self, asking: &Asking<'_>, op: &Op, access: &Access) -> Result<Option<Place>, Fault> {
        let Some(name) = access.resource.bucket() else {
            return Ok(None);
        };
        let creates = access.action == "oss:PutBucket";
        let record = match self.store.bucket(name) {
            Ok(record) => record,
            // Whether the name is free is the store's answer.
            Err(fault) if creates && matches!(fault.kind, FaultKind::NoSuchBucket(_)) => {
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        let account = asking.caller.map(|caller| caller.account.id.as_str());
        if creates && account != Some(&record.owner.id) {
            return Ok(None);
        }
        let copies = matches!(op, Op::CopyObject(_) | Op::UploadPartCopy(_));
        let via = if copies && access.kind == AccessKind::Read {
            &asking.ways.source
        } else {
            &asking.ways.target
        };
        let layers = self.bucket_layers(&record, via.as_ref())?;
        Ok(Some(Place { record, layers }))
    }

    /// The policies of the caller.
    pub(crate) fn policies(&self, asking: &Asking<'_>) -> Result<CallerPolicies, Fault> {
        let Some(caller) = asking.caller else {
            return Ok(CallerPolicies {
                identity: Arc::default(),
                session: None,
            });
        };
        // Gone since it signed: as if it had been gone before.
        let gone = || FaultKind::InvalidAccessKeyId {
            access_key_id: asking.access_key_id.unwrap_or_default().to_owned(),
        };
        let policies = self.identities.current().layers(caller);
        policies.ok_or_else(|| gone().into())
    }

    /// Decides on one access; the decision is given only when it is a refusal.
    async fn weigh(
        &self,
        asking: &Asking<'_>,
        policies: &CallerPolicies,
        op: &Op,
        access: &Access,
        place: Option<&Place>,
    ) -> Result<Option<Decision>, Fault> {
        let needs = needs(policies, place);
        let tags = if needs.existing_object_tags {
            WithTags::Yes
        } else {
            WithTags::No
        };
        let object = object_of(access);
        let mut found = Found::NotAsked;
        if let Some(object) = &object
            && (tags == WithTags::Yes || follows(op, access))
        {
            found = Found::Asked(self.store.object_facts(object, tags).await?);
        }
        let weighed = Weighed {
            service: self,
            asking,
            policies,
            op,
            place,
        };
        let mut decision = weighed.decide(access, found.facts(), Look::Glance);
        if let (Found::NotAsked, Some(object), true) = (&found, &object, decision.by_lists()) {
            found = Found::Asked(self.store.object_facts(object, tags).await?);
            decision = weighed.decide(access, found.facts(), Look::Glance);
        }
        if !decision.allowed {
            let explained = weighed.decide(access, found.facts(), Look::Explained);
            return Ok(Some(explained));
        }
        // Reading through a link needs permission at both ends.
        if follows(op, access)
            && let Some(target) = found.facts().and_then(|found| found.symlink_target.clone())
            && let Some(bucket) = access.resource.bucket()
        {
            let end = Access {
                resource: Resource::Object(bucket.clone(), target.clone()),
                version: None,
                ..access.clone()
            };
            let target = ObjectRef {
                bucket: bucket.clone(),
                key: target,
                version: None,
            };
            let found = self.store.object_facts(&target, tags).await?;
            let decision = weighed.decide(&end, found.as_ref(), Look::Explained);
            return Ok((!decision.allowed).then_some(decision));
        }
        Ok(None)
    }
}

/// The object that an access is for, where the answer has a place to refuse this one alone.
pub(crate) fn told_alone<'a>(
    op: &Op,
    access: &'a Access,
) -> Option<(&'a ObjectKey, Option<VersionId>)> {
    match (op, &access.resource) {
        (Op::DeleteObjects(op), Resource::Object(_, key)) if op.refusals == Refusals::Each => {
            Some((key, access.version))
        }
        _ => None,
    }
}

/// What the store was asked about an object.
enum Found {
    NotAsked,
    Asked(Option<ObjectFacts>),
}

impl Found {
    fn facts(&self) -> Option<&ObjectFacts> {
        match self {
            Self::NotAsked => None,
            Self::Asked(found) => found.as_ref(),
        }
    }
}

/// How much a decision tells.
#[derive(Clone, Copy)]
enum Look {
    Glance,
    Explained,
}

/// All that is the same for every look at one access.
struct Weighed<'a> {
    service: &'a Service,
    asking: &'a Asking<'a>,
    policies: &'a CallerPolicies,
    op: &'a Op,
    place: Option<&'a Place>,
}

impl Weighed<'_> {
    fn decide(&self, access: &Access, object: Option<&ObjectFacts>, look: Look) -> Decision {
        let record = self.place.map(|place| &*place.record);
        let point = self.place.and_then(|place| place.layers.point.as_ref());
        let conditions = Conditions {
            region: Some(&self.service.settings.region),
            version: access.version,
            ..conditions(self.asking, self.op, record, object, point)
        };
        let layers = self.place.map(|place| place.layers.layers());
        let inquiry = Inquiry {
            caller: self.asking.caller,
            access,
            resource: ResourceFacts {
                bucket: record.map(|record| BucketFacts {
                    owner: &record.owner.id,
                    acl: record.acl,
                }),
                object_acl: self.list_of(access, object),
            },
            layers: Layers {
                session: self.policies.session.as_ref(),
                identity: &self.policies.identity,
                ..layers.unwrap_or_default()
            },
            conditions: &conditions,
            region: &self.service.settings.region,
        };
        match look {
            Look::Glance => inquiry.glance(),
            Look::Explained => inquiry.decide(),
        }
    }
}

impl Weighed<'_> {
    /// The object's list, where it has a say. In S3 nobody needs the leave of what they overwrite
    /// or delete: the bucket's list decides on that, and no list on other changes of an object.
    fn list_of(&self, access: &Access, object: Option<&ObjectFacts>) -> Option<ObjectAcl> {
        if self.asking.dialect == Dialect::S3
            && access.kind == AccessKind::Write
            && access.resource.key().is_some()
        {
            let with_the_bytes = matches!(
                self.op,
                Op::PutObject(_)
                    | Op::PostObject(_)
                    | Op::CopyObject(_)
                    | Op::InitiateMultipartUpload(_)
            );
            return match access.action {
                "oss:PutObject" | "oss:DeleteObject" | "oss:AbortMultipartUpload" => None,
                // Said of a new object, as it is written.
                "oss:PutObjectAcl" | "oss:PutObjectTagging" if with_the_bytes => None,
                _ => Some(ObjectAcl::Private),
            };
        }
        object.map(|object| object.acl)
    }
}

/// Whether the caller is the account that owns the bucket, itself.
fn owns(caller: Option<&Identity>, record: &BucketRecord) -> bool {
    caller.is_some_and(|caller| {
        caller.principal == Principal::Root
            && caller.session_policy.is_none()
            && caller.account.id == record.owner.id
    })
}

fn needs(policies: &CallerPolicies, place: Option<&Place>) -> Needs {
    let bucket = place.map(|place| place.layers.documents());
    policies
        .identity
        .iter()
        .chain(&policies.session)
        .chain(bucket.into_iter().flatten())
        .fold(Needs::default(), |needs, document| {
            needs.or(document.policy.needs())
        })
}

fn object_of(access: &Access) -> Option<ObjectRef> {
    match &access.resource {
        Resource::Object(bucket, key) => Some(ObjectRef {
            bucket: bucket.clone(),
            key: key.clone(),
            version: access.version,
        }),
        Resource::Service | Resource::Bucket(_) => None,
    }
}

/// Whether the operation reads what a link points to.
fn follows(op: &Op, access: &Access) -> bool {
    access.kind == AccessKind::Read
        && matches!(
            op,
            Op::GetObject(_)
                | Op::HeadObject(_)
                | Op::GetProcessed(_)
                | Op::HeadProcessed(_)
                | Op::SaveProcessed(_)
                | Op::GetObjectMeta(_)
                | Op::GetObjectAttributes(_)
                | Op::CopyObject(_)
                | Op::UploadPartCopy(_)
        )
}
