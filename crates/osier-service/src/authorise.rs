//! Permission: what an operation needs, what is known of the things it touches,
//! and the decision of `osier-auth` on each.

use osier_auth::{BucketFacts, Identity, Principal, ResourceFacts, decide};
use osier_store::Store;
use osier_types::{
    Access, AccessKind, CopyObject, Fault, FaultKind, ObjectRef, Op, Resource, UploadPartCopy,
    VersionId,
};

/// Refuses `op` unless every permission it needs is granted.
///
/// A bucket that is not there is reported as such before any permission is
/// looked at, as OSS does; only `PutBucket` may name one.
pub(crate) async fn authorise(
    store: &Store,
    caller: Option<&Identity>,
    op: &Op,
) -> Result<(), Fault> {
    for (index, access) in op.accesses().iter().enumerate() {
        check(store, caller, op, access, index).await?;
    }
    Ok(())
}

async fn check(
    store: &Store,
    caller: Option<&Identity>,
    op: &Op,
    access: &Access,
    index: usize,
) -> Result<(), Fault> {
    let Some(name) = access.resource.bucket() else {
        return decide(caller, access, &ResourceFacts::default()).into_result(&access.resource);
    };
    let record = match store.bucket(name) {
        Ok(record) => record,
        Err(fault) if matches!(fault.kind, FaultKind::NoSuchBucket(_)) => {
            // Whether the name is free is the store's answer; nobody may ask it unsigned.
            if matches!(op, Op::PutBucket(_)) {
                return decide(caller, access, &ResourceFacts::default())
                    .into_result(&access.resource);
            }
            return Err(fault);
        }
        Err(fault) => return Err(fault),
    };
    let bucket = Some(BucketFacts {
        owner: &record.owner.id,
        acl: record.acl,
    });
    let owns = caller.is_some_and(|caller| {
        caller.account.id == record.owner.id && matches!(caller.principal, Principal::Root)
    });
    if owns || access.resource.key().is_none() {
        // The owner needs no list, so none is fetched: this is the hot path.
        let facts = ResourceFacts {
            bucket,
            object_acl: None,
        };
        return decide(caller, access, &facts).into_result(&access.resource);
    }
    let version = version_of(op, access, index);
    Box::pin(check_object(store, caller, op, access, bucket, version)).await
}

/// The rest of a check that needs to know the object, and what it points to.
async fn check_object(
    store: &Store,
    caller: Option<&Identity>,
    op: &Op,
    access: &Access,
    bucket: Option<BucketFacts<'_>>,
    version: Option<VersionId>,
) -> Result<(), Fault> {
    let Resource::Object(name, key) = &access.resource else {
        return Ok(());
    };
    let object = ObjectRef {
        bucket: name.clone(),
        key: key.clone(),
        version,
    };
    let found = store.object_facts(&object).await?;
    let facts = ResourceFacts {
        bucket,
        object_acl: found.as_ref().map(|found| found.acl),
    };
    decide(caller, access, &facts).into_result(&access.resource)?;
    // Reading through a link needs permission at both ends.
    let follows = access.kind == AccessKind::Read
        && matches!(
            op,
            Op::GetObject(_)
                | Op::HeadObject(_)
                | Op::GetObjectMeta(_)
                | Op::GetObjectAttributes(_)
                | Op::CopyObject(_)
                | Op::UploadPartCopy(_)
        );
    if let (true, Some(target)) = (follows, found.and_then(|found| found.symlink_target)) {
        let end = Access {
            action: access.action,
            resource: Resource::Object(name.clone(), target.clone()),
            kind: access.kind,
        };
        let target = ObjectRef {
            bucket: name.clone(),
            key: target,
            version: None,
        };
        let found = store.object_facts(&target).await?;
        let facts = ResourceFacts {
            bucket,
            object_acl: found.map(|found| found.acl),
        };
        decide(caller, &end, &facts).into_result(&access.resource)?;
    }
    Ok(())
}

/// The version that `op` names of the object of its `index`th access, where it names one. A copy names one of
/// its source, which says nothing of the object it writes, even under the same key.
fn version_of(op: &Op, access: &Access, index: usize) -> Option<VersionId> {
    match op {
        Op::DeleteObjects(delete) => delete.objects.get(index).and_then(|object| object.version),
        Op::GetObject(read) | Op::HeadObject(read) => read.object.version,
        Op::DeleteObject(delete) => delete.object.version,
        Op::PutObjectRetention(put) => put.object.version,
        Op::GetObjectAttributes(read) => read.object.version,
        Op::GetObjectRetention(object)
        | Op::GetObjectLegalHold(object)
        | Op::PutObjectLegalHold { object, .. }
        | Op::GetObjectMeta(object)
        | Op::GetSymlink(object)
        | Op::GetObjectTagging(object)
        | Op::DeleteObjectTagging(object)
        | Op::GetObjectAcl(object)
        | Op::PutObjectTagging { object, .. }
        | Op::PutObjectAcl { object, .. } => object.version,
        Op::CopyObject(CopyObject { source, .. })
        | Op::UploadPartCopy(UploadPartCopy { source, .. })
            if access.kind == AccessKind::Read =>
        {
            source.object.version
        }
        _ => None,
    }
}
