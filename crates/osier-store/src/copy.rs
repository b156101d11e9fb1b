//! Copies: the new row refers to the same blobs under references of its own, so
//! that no bytes move. Only bytes that live in rows are written again.

use osier_engine::{Batch, EngineError};
use osier_types::{
    ChecksumAlgorithm, Copied, CopyObject, CopySource, Fault, FaultKind, ObjectKind, Outcome,
    Resource, VersionId,
};

use crate::Store;
use crate::body::ObjectBody;
use crate::content::Content;
use crate::digest::{self, Digests};
use crate::failure::{fault, too_much_contention};
use crate::get::check_conditions;
use crate::history::{ATTEMPTS, Fresh};
use crate::put::{new_object, whole};
use crate::rows::{Object, Record};
use crate::state::Bucket;

/// A source that was found and meets its conditions.
pub(crate) struct Source {
    /// As told to the client.
    pub(crate) version: Option<VersionId>,
    /// Without its object.
    pub(crate) record: Record,
    pub(crate) object: Object,
}

impl Store {
    pub(crate) async fn copy_object(&self, op: CopyObject) -> Result<Outcome, Fault> {
        let from = self.open_bucket(&op.source.object.bucket)?;
        let bucket = self.open_bucket(&op.bucket)?;
        for _ in 0..ATTEMPTS {
            let source = self.copy_source(&from, &op.source).await?;
            if source.object.size > self.settings.body_bytes_max {
                return Err(Fault::argument(
                    "x-oss-copy-source",
                    op.source.object.key.as_str(),
                    "the source is too large for one copy; copy it in parts",
                ));
            }
            let (key, seq) = (&op.source.object.key, source.record.seq);
            let size = source.object.size;
            let content = self
                .content(&from, key, seq, &source.object, 0, size)
                .await?;
            let Some(content) = content else { continue };
            let kept = source.object.checksum;
            let checksum = match op.checksum {
                Some(wanted) if kept.is_none_or(|kept| kept.checksum.algorithm() != wanted) => {
                    // Overwritten since its row was read: what is there now counts.
                    let Some(digests) = self.digests_of(&from, &content, wanted).await? else {
                        continue;
                    };
                    digests.checksum.map(whole)
                }
                _ => kept,
            };
            let hold = self.hold(&bucket, &op.key).await;
            let mut object = copied_object(&op, &bucket, &source.object);
            object.checksum = checksum;
            let fresh = Fresh {
                object,
                content: self.referred_anew(content),
                link: true,
                forbid_overwrite: op.new.forbid_overwrite,
                conditions: op.new.conditions.clone(),
                with: Batch::default(),
            };
            let (etag, crc64) = (fresh.object.etag.clone(), fresh.object.crc64);
            // `None`: the source was overwritten and its blobs went away.
            if let Some(committed) = self.write_version(&bucket, &op.key, &hold, fresh).await? {
                return Ok(Outcome::Copied(Copied {
                    etag,
                    last_modified: committed.modified,
                    crc64,
                    checksum,
                    version: committed.version,
                    source_version: source.version,
                    encryption: None,
                }));
            }
        }
        Err(too_much_contention())
    }

    /// The checksums of stored bytes; `None` when they went away meanwhile.
    async fn digests_of(
        &self,
        bucket: &Bucket,
        content: &Content,
        wanted: ChecksumAlgorithm,
    ) -> Result<Option<Digests>, Fault> {
        let body = match content {
            Content::Bytes(bytes) => ObjectBody::of_bytes(bytes.clone()),
            Content::Pieces(pieces) => match self.open_pieces(&bucket.name, pieces.clone()).await {
                Ok(body) => body,
                Err(EngineError::NoBlob) => return Ok(None),
                Err(error) => return Err(fault(error, Some(&bucket.name))),
            },
        };
        digest::of_body(body, Some(wanted)).await.map(Some)
    }

    /// The source of a copy, if its conditions hold. A delete marker is not there, even by its id.
    pub(crate) async fn copy_source(
        &self,
        bucket: &Bucket,
        source: &CopySource,
    ) -> Result<Source, Fault> {
        let asked = &source.object;
        let found = self.live(bucket, &asked.key, asked.version).await;
        let resource = || Resource::Object(asked.bucket.clone(), asked.key.clone());
        let (row, object) = found.map_err(|fault| match fault.kind {
            FaultKind::VersionIsMarker { version } => {
                let marker = Some(version);
                Fault::new(FaultKind::NoSuchKey { marker }).on(resource())
            }
            _ => fault.on(resource()),
        })?;
        check_conditions(&source.conditions, &object.etag, row.record.modified)
            .map_err(|fault| fault.on(resource()))?;
        let versioned = bucket.record().ever_versioned();
        Ok(Source {
            version: versioned.then(|| row.record.version()),
            record: row.record,
            object: *object,
        })
    }

    /// The same content under references of its own.
    pub(crate) fn referred_anew(&self, content: Content) -> Content {
        match content {
            Content::Bytes(bytes) => Content::Bytes(bytes),
            Content::Pieces(pieces) => Content::Pieces(
                pieces
                    .into_iter()
                    .map(|piece| piece.tagged(self.new_tag().0))
                    .collect(),
            ),
        }
    }
}

fn copied_object(op: &CopyObject, bucket: &Bucket, source: &Object) -> Object {
    let record = bucket.record();
    let asked = &op.source.object;
    // Onto itself, a copy exists to change the metadata, whatever the directive says.
    let onto_itself = asked.bucket == op.bucket && asked.key == op.key && !record.ever_versioned();
    let kind = match source.kind {
        ObjectKind::Appendable if !onto_itself => ObjectKind::Normal,
        kind => kind,
    };
    let class = if onto_itself {
        source.class
    } else {
        record.storage_class
    };
    let mut object = new_object(&op.new, kind, class, source.etag.clone());
    object.size = source.size;
    object.md5 = source.md5;
    object.crc64 = source.crc64;
    object.symlink_target.clone_from(&source.symlink_target);
    if onto_itself {
        object.sealed = source.sealed;
        object.acl = op.new.acl.unwrap_or(source.acl);
    }
    if !op.replace_metadata && !onto_itself {
        object.headers = source.headers.clone();
        object.user_meta.clone_from(&source.user_meta);
        object
            .persistent_headers
            .clone_from(&source.persistent_headers);
    }
    if !op.replace_tags {
        object.tags = source.tags.clone();
    }
    object
}
