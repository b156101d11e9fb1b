//! Reading objects: `GetObject`, `HeadObject`, `GetObjectMeta`.

use std::ops::Range;

use osier_engine::EngineError;
use osier_types::{
    ByteRange, CustomerKey, ETag, Fault, FaultKind, GetObject, ObjectInfo, ObjectKey, ObjectKind,
    ObjectRead, ObjectRef, Outcome, RangeRequest, ReadConditions, ResolvedRange, Timestamp,
};

use crate::body::ObjectBody;
use crate::content::Content;
use crate::failure::{fault, too_much_contention};
use crate::history::ATTEMPTS;
use crate::rows::Object;
use crate::seal::{DataKey, open_stretch};
use crate::state::Bucket;
use crate::{Reply, Store};

/// An object found, with the symlink that led to it already followed.
pub(crate) struct Found {
    pub(crate) info: ObjectInfo,
    /// Where the bytes are.
    pub(crate) key: ObjectKey,
    pub(crate) seq: u64,
    pub(crate) object: Box<Object>,
}

impl Store {
    pub(crate) async fn get_object(&self, op: GetObject) -> Result<Reply, Fault> {
        let bucket = self.open_bucket(&op.object.bucket)?;
        for _ in 0..ATTEMPTS {
            let mut found = self.follow(&bucket, &op.object).await?;
            let key = self.unlock_found(&bucket, &mut found, op.customer_key.as_ref())?;
            let range = self.range_of(&bucket, &found, &op).await?;
            let size = found.info.size;
            let (from, to) = range.map_or((0, size), |range| (range.start, range.end));
            let body = self
                .body(&bucket, &found.key, found.seq, &found.object, from..to, key)
                .await?;
            // Overwritten since its row was read: what is there now is the answer.
            let Some(mut body) = body else { continue };
            body.prefetch().await?;
            return Ok(Reply {
                outcome: read(found.info, range, op),
                body: Some(body),
            });
        }
        Err(too_much_contention())
    }

    pub(crate) async fn head_object(&self, op: GetObject) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.object.bucket)?;
        let mut found = self.follow(&bucket, &op.object).await?;
        self.unlock_found(&bucket, &mut found, op.customer_key.as_ref())?;
        let range = self.range_of(&bucket, &found, &op).await?;
        Ok(read(found.info, range, op))
    }

    /// The key of an object's bytes, and what the answer tells of it.
    pub(crate) fn unlock_found(
        &self,
        bucket: &Bucket,
        found: &mut Found,
        customer: Option<&CustomerKey>,
    ) -> Result<Option<DataKey>, Fault> {
        let envelope = found.object.more.encryption.as_deref();
        let key = self.unlock(bucket, &found.key, envelope, customer)?;
        found.info.encryption = envelope.and_then(|envelope| envelope.told(customer));
        Ok(key)
    }

    /// Which bytes of an object that meets the conditions.
    async fn range_of(
        &self,
        bucket: &Bucket,
        found: &Found,
        op: &GetObject,
    ) -> Result<Option<ByteRange>, Fault> {
        let Some(number) = op.part else {
            return check_and_resolve(&found.info, &op.conditions, op.range);
        };
        check_conditions(&op.conditions, &found.info.etag, found.info.last_modified)?;
        let part = self.part_of(bucket, &found.key, found.seq, &found.object, number);
        part.await.map(Some)
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
        range: Range<u64>,
        data_key: Option<DataKey>,
    ) -> Result<Option<ObjectBody>, Fault> {
        let (from, to) = (range.start, range.end);
        let content = self.content(bucket, key, seq, object, from, to).await?;
        match (content, data_key) {
            (None, _) => Ok(None),
            (Some(Content::Bytes(bytes)), None) => Ok(Some(ObjectBody::of_bytes(bytes))),
            (Some(Content::Bytes(sealed)), Some(data_key)) => {
                let bytes = open_stretch(&data_key, &sealed, from, to)?;
                Ok(Some(ObjectBody::of_bytes(bytes)))
            }
            (Some(Content::Pieces(pieces)), data_key) => {
                match self.open_pieces(&bucket.name, pieces, data_key).await {
                    Ok(body) => Ok(Some(body)),
                    Err(EngineError::NoBlob) => Ok(None),
                    Err(error) => Err(fault(error, Some(&bucket.name))),
                }
            }
        }
    }

    /// The object, or what it points to when it is a symlink: bytes and checksums are the target's,
    /// everything else is the link's, the later date counts.
    pub(crate) async fn follow(&self, bucket: &Bucket, asked: &ObjectRef) -> Result<Found, Fault> {
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
                checksum: object.more.checksum,
                parts: object.more.parts,
                last_modified: info.last_modified.max(row.record.modified),
                ..info
            },
            key: target,
            seq: row.record.seq,
            object,
        })
    }
}

pub(crate) fn read(info: ObjectInfo, range: Option<ByteRange>, op: GetObject) -> Outcome {
    Outcome::Object(Box::new(ObjectRead {
        info,
        range,
        part: op.part,
        overrides: op.overrides,
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
