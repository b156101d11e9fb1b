//! Reading objects: `GetObject`, `HeadObject`, `GetObjectMeta`.

use osier_engine::EngineError;
use osier_types::{
    ByteRange, ETag, Fault, FaultKind, GetObject, ObjectInfo, ObjectKey, ObjectKind, ObjectRead,
    ObjectRef, Outcome, RangeRequest, ReadConditions, ResolvedRange, Timestamp,
};

use crate::body::ObjectBody;
use crate::content::Content;
use crate::failure::{fault, too_much_contention};
use crate::history::ATTEMPTS;
use crate::rows::Object;
use crate::state::Bucket;
use crate::{Reply, Store};

/// An object found, with the symlink that led to it already followed.
struct Found {
    info: ObjectInfo,
    /// Where the bytes are.
    key: ObjectKey,
    seq: u64,
    object: Box<Object>,
}

impl Store {
    pub(crate) async fn get_object(&self, op: GetObject) -> Result<Reply, Fault> {
        let bucket = self.open_bucket(&op.object.bucket)?;
        for _ in 0..ATTEMPTS {
            let found = self.follow(&bucket, &op.object).await?;
            let range = check_and_resolve(&found.info, &op.conditions, op.range)?;
            let size = found.info.size;
            let (from, to) = range.map_or((0, size), |range| (range.start, range.end));
            let body = self
                .body(&bucket, &found.key, found.seq, &found.object, from, to)
                .await?;
            // Overwritten since its row was read: what is there now is the answer.
            let Some(mut body) = body else { continue };
            body.prefetch().await?;
            return Ok(Reply {
                outcome: read(found.info, range, op.overrides),
                body: Some(body),
            });
        }
        Err(too_much_contention())
    }

    pub(crate) async fn head_object(&self, op: GetObject) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.object.bucket)?;
        let found = self.follow(&bucket, &op.object).await?;
        let range = check_and_resolve(&found.info, &op.conditions, op.range)?;
        Ok(read(found.info, range, op.overrides))
    }

    pub(crate) async fn object_meta(&self, object: &ObjectRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&object.bucket)?;
        let found = self.follow(&bucket, object).await?;
        Ok(Outcome::ObjectMeta(Box::new(found.info)))
    }

    /// The bytes `from..to` of an object; `None` when it changed since its row was read.
    pub(crate) async fn body(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
        from: u64,
        to: u64,
    ) -> Result<Option<ObjectBody>, Fault> {
        match self.content(bucket, key, seq, object, from, to).await? {
            None => Ok(None),
            Some(Content::Bytes(bytes)) => Ok(Some(ObjectBody::of_bytes(bytes))),
            Some(Content::Pieces(pieces)) => match self.open_pieces(&bucket.name, pieces).await {
                Ok(body) => Ok(Some(body)),
                Err(EngineError::NoBlob) => Ok(None),
                Err(error) => Err(fault(error, Some(&bucket.name))),
            },
        }
    }

    /// The object, or what it points to when it is a symlink: bytes and checksums are the target's,
    /// everything else is the link's, the later date counts.
    async fn follow(&self, bucket: &Bucket, asked: &ObjectRef) -> Result<Found, Fault> {
        let versioned = bucket.record().ever_versioned();
        let (row, object) = self.live(bucket, &asked.key, asked.version).await?;
        let seq = row.record.seq;
        let info = row.record.info(&object, &asked.key, versioned);
        let Some(target) = object.symlink_target.clone() else {
            return Ok(Found {
                info,
                key: asked.key.clone(),
                seq,
                object,
            });
        };
        let (row, object) = match self.live(bucket, &target, None).await {
            Ok(found) => found,
            Err(fault) if matches!(fault.kind, FaultKind::NoSuchKey { .. }) => {
                return Err(FaultKind::SymlinkTargetNotExist.into());
            }
            Err(fault) => return Err(fault),
        };
        if object.kind == ObjectKind::Symlink {
            return Err(FaultKind::InvalidTargetType.into());
        }
        Ok(Found {
            info: ObjectInfo {
                size: object.size,
                etag: object.etag.clone(),
                md5: object.md5,
                crc64: object.crc64,
                checksum: object.checksum,
                last_modified: info.last_modified.max(row.record.modified),
                ..info
            },
            key: target,
            seq: row.record.seq,
            object,
        })
    }
}

pub(crate) fn read(
    info: ObjectInfo,
    range: Option<ByteRange>,
    overrides: osier_types::ResponseOverrides,
) -> Outcome {
    Outcome::Object(Box::new(ObjectRead {
        info,
        range,
        part: None,
        overrides,
    }))
}

pub(crate) fn check_and_resolve(
    info: &ObjectInfo,
    conditions: &ReadConditions,
    range: Option<RangeRequest>,
) -> Result<Option<ByteRange>, Fault> {
    check_conditions(conditions, &info.etag, info.last_modified)?;
    match range.map(|range| range.resolve(info.size)) {
        None | Some(ResolvedRange::Whole) => Ok(None),
        Some(ResolvedRange::Part(range)) => Ok(Some(range)),
        Some(ResolvedRange::Unsatisfiable) => {
            Err(FaultKind::InvalidRange { length: info.size }.into())
        }
    }
}

/// Refusals (412) come before "not modified" (304); all conditions given must hold.
/// HTTP dates have whole seconds.
pub(crate) fn check_conditions(
    conditions: &ReadConditions,
    etag: &ETag,
    modified: Timestamp,
) -> Result<(), Fault> {
    let second = modified.whole_seconds();
    let refused = |condition| Err(FaultKind::PreconditionFailed { condition }.into());
    let unchanged = |condition| {
        Err(FaultKind::NotModified {
            etag: etag.clone(),
            last_modified: modified,
            condition,
        }
        .into())
    };
    if conditions
        .if_match
        .as_ref()
        .is_some_and(|list| !etag.matches_any(list))
    {
        return refused("If-Match");
    }
    if conditions
        .if_unmodified_since
        .is_some_and(|since| second > since)
    {
        return refused("If-Unmodified-Since");
    }
    if conditions
        .if_none_match
        .as_ref()
        .is_some_and(|list| etag.matches_any(list))
    {
        return unchanged("If-None-Match");
    }
    if conditions
        .if_modified_since
        .is_some_and(|since| second <= since)
    {
        return unchanged("If-Modified-Since");
    }
    Ok(())
}
