//! What is refused whoever asks: policies that are none, what Block Public Access forbids, and
//! pages that may not refer to an object.

use http::HeaderMap;
use http::header::REFERER;
use osier_auth::policy::{InvalidPolicy, Policy, PolicyKind};
use osier_types::{
    AccessDenial, BucketAcl, BucketName, Fault, FaultKind, ListSet, ObjectOwnership, Op, Outcome,
    PublicAccessBlock, Resource,
};

use crate::points::Ways;
use crate::service::Service;

const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";
const EXPECTED_SOURCE_OWNER: &str = "x-amz-source-expected-bucket-owner";

impl Service {
    /// Refuses documents that are not valid, and whatever would open something to everybody
    /// where that is blocked. A document that passes is kept as it is.
    pub(crate) fn check_change(
        &self,
        op: &Op,
        ways: &Ways,
        account: Option<&str>,
    ) -> Result<(), Fault> {
        let (opens, by_policy) = match op {
            Op::PutBucketPolicy { bucket, document } => {
                let policy = parse(document, PolicyKind::Bucket)?;
                policy.check_bucket(bucket.as_str()).map_err(malformed)?;
                (policy.is_public(), true)
            }
            Op::PutAccessPointPolicy { document, .. } => {
                let policy = parse(document, PolicyKind::AccessPoint)?;
                (policy.is_public(), true)
            }
            _ => {
                self.check_ownership(op)?;
                (op.list_set() == Some(ListSet::Public), false)
            }
        };
        if !opens {
            return Ok(());
        }
        let Some(bucket) = op.bucket() else {
            return Ok(());
        };
        let block = self.block_of(bucket, account);
        let mut blocked = if by_policy {
            block.block_policy
        } else {
            block.block_acls
        };
        if let Ok(record) = self.store.bucket(bucket) {
            let named = match op {
                Op::PutAccessPointPolicy { point, .. } => Some(&point.name),
                _ => ways.target.as_ref().map(|via| &via.point.name),
            };
            let point = named.and_then(|name| record.access.point(name));
            blocked |= point.is_some_and(|point| point.block_public_access);
        }
        if blocked {
            let denial = FaultKind::AccessDenied(AccessDenial::PublicAccessBlocked);
            return Err(Fault::new(denial).on(Resource::Bucket(bucket.clone())));
        }
        Ok(())
    }

    /// Refuses lists where the bucket's objects are its owner's alone, and to make them so while
    /// the bucket's list is public.
    fn check_ownership(&self, op: &Op) -> Result<(), Fault> {
        const ENFORCED: ObjectOwnership = ObjectOwnership::BucketOwnerEnforced;
        let Some(bucket) = op.bucket() else {
            return Ok(());
        };
        let record = self.store.bucket(bucket).ok();
        let kept = record.as_ref().and_then(|record| record.ownership);
        let refused = match (op, op.list_set()) {
            (Op::PutBucketOwnership { ownership, .. }, _) => (*ownership == ENFORCED
                && record.is_some_and(|record| record.acl != BucketAcl::Private))
            .then_some(FaultKind::ListsInTheWay),
            (Op::PutBucket(put), list) if put.ownership == Some(ENFORCED) => {
                let acl = put.acl.or(record.map(|record| record.acl));
                let public = acl.is_some_and(|acl| acl != BucketAcl::Private);
                (public || list.is_some()).then_some(FaultKind::ListsInTheWay)
            }
            (Op::PutBucket(put), Some(_)) if put.ownership.is_some() => None,
            (_, Some(_)) if kept == Some(ENFORCED) => Some(FaultKind::ListsDisabled),
            _ => None,
        };
        refused.map_or(Ok(()), |kind| {
            Err(Fault::new(kind).on(Resource::Bucket(bucket.clone())))
        })
    }

    /// Block Public Access of a bucket and of the account that owns it, or would.
    fn block_of(&self, bucket: &BucketName, account: Option<&str>) -> PublicAccessBlock {
        match self.store.bucket(bucket) {
            Ok(record) => self.public_access_block(&record),
            Err(_) => PublicAccessBlock::whole(
                self.store.new_buckets_block_public_access()
                    || account.is_some_and(|account| self.store.blocks_public_access(account)),
            ),
        }
    }

    /// Refuses a request that anybody could send, when the page it comes from may not refer to
    /// what is in the bucket.
    pub(crate) fn check_referer(&self, op: &Op, headers: &HeaderMap) -> Result<(), Fault> {
        if matches!(op, Op::OptionsObject(_)) {
            return Ok(());
        }
        let Some(bucket) = op.bucket() else {
            return Ok(());
        };
        // A bucket that is not there has no referers; whether it must be is told later.
        let Ok(record) = self.store.bucket(bucket) else {
            return Ok(());
        };
        let Some(referers) = self.referers(&record) else {
            return Ok(());
        };
        let referer = headers
            .get(REFERER)
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        referers.check(referer.as_deref()).map_err(|denial| {
            let denial = FaultKind::AccessDenied(AccessDenial::Referer(denial));
            Fault::new(denial).on(Resource::Bucket(bucket.clone()))
        })
    }

    /// Refuses an operation when another account owns its bucket, or the bucket of its source,
    /// than the client expects. OSS has no such headers.
    pub(crate) fn check_owners(&self, op: &Op, headers: &HeaderMap) -> Result<(), Fault> {
        let source = match op {
            Op::CopyObject(copy) => Some(&copy.source.object.bucket),
            Op::UploadPartCopy(copy) => Some(&copy.source.object.bucket),
            _ => None,
        };
        for (name, bucket) in [
            (EXPECTED_OWNER, op.bucket()),
            (EXPECTED_SOURCE_OWNER, source),
        ] {
            let (Some(expected), Some(bucket)) = (headers.get(name), bucket) else {
                continue;
            };
            // Whether a bucket must be there is told by who looks for what is in it.
            let Ok(record) = self.store.bucket(bucket) else {
                continue;
            };
            if expected.as_bytes() != record.owner.id.as_bytes() {
                let denial = FaultKind::AccessDenied(AccessDenial::NotOwner);
                return Err(Fault::new(denial).on(Resource::Bucket(bucket.clone())));
            }
        }
        Ok(())
    }

    /// What can be told of a bucket only by who understands its documents.
    pub(crate) fn told_here(&self, op: &Op) -> Result<Option<Outcome>, Fault> {
        let Op::GetBucketPolicyStatus { bucket } = op else {
            return Ok(None);
        };
        let layers = self.bucket_layers(&*self.store.bucket(bucket)?, None)?;
        let policy = layers.policy.as_ref();
        Ok(Some(Outcome::PolicyStatus {
            is_public: policy.is_some_and(|document| document.policy.is_public()),
        }))
    }
}

fn parse(document: &str, kind: PolicyKind) -> Result<Policy, Fault> {
    Policy::parse(document, kind).map_err(malformed)
}

fn malformed(invalid: InvalidPolicy) -> Fault {
    FaultKind::MalformedPolicy {
        path: invalid.path,
        reason: invalid.reason,
    }
    .into()
}
