//! Copies: the new row refers to the same blobs under references of its own, so
//! that no bytes move. Only bytes that live in rows are written again.

use osier_engine::Batch;
use osier_types::{
    Copied, CopyObject, CopySource, ETag, Encryption, Fault, FaultKind, ObjectKind, Outcome,
    Resource, VersionId,
};

use crate::Store;
use crate::content::Content;
use crate::encryption::{OptionalProtection as _, Protection, needs_md5};
use crate::failure::too_much_contention;
use crate::get::check_conditions;
use crate::history::{ATTEMPTS, Fresh};
use crate::put::{new_object, whole};
use crate::rows::{Object, Record};
use crate::seal::DataKey;
use crate::state::Bucket;
use crate::vault::Envelope;

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
        self.check_lock(&bucket, &op.new)?;
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
            let mut object = copied_object(&op, &bucket, &source.object);
            object.more.lock = self.lock_of(&bucket, op.new.lock);
            let envelope = source.object.more.encryption.as_deref();
            let customer = op.source.customer_key.as_ref();
            let data_key = self.unlock(&from, key, envelope, customer)?;
            let protection =
                self.protection_of_copy(&op, &bucket, &source.object, data_key.as_ref())?;
            // The data key is the same, or there is none: then the bytes stay where they are.
            let moves = data_key.is_some() != protection.is_some();
            let kept = source.object.more.checksum;
            let wanted = op
                .checksum
                .filter(|wanted| kept.is_none_or(|kept| kept.checksum.algorithm() != *wanted));
            let reads = moves || wanted.is_some() || needs_md5(&source.object, protection.as_ref());
            object.more.checksum = kept;
            let mut received = None;
            if reads && (size > 0 || wanted.is_some()) {
                let body = self.body(&from, key, seq, &source.object, 0..size, data_key);
                let Some(body) = body.await? else { continue };
                let seal = protection.key().filter(|_| moves);
                let bytes = self
                    .receive_stored(&bucket, &op.key, body, seal, moves, wanted)
                    .await?;
                if wanted.is_some() {
                    object.more.checksum = bytes.checksum.map(whole);
                }
                // The tag of before says nothing of the bytes, and they were read.
                let tagless = |envelope: &Envelope| !envelope.has_md5_etag();
                if envelope.is_some_and(tagless) {
                    self.describe(&mut object, protection.as_ref(), bytes.md5);
                }
                received = Some(bytes).filter(|_| moves);
            }
            describe_copy(self, &mut object, &source.object, protection.as_ref());
            let content = if let Some(received) = &received {
                self.content_of(received)
            } else {
                let content = self.content(&from, key, seq, &source.object, 0, size);
                let Some(content) = content.await? else {
                    continue;
                };
                self.referred_anew(content)
            };
            let hold = self.hold(&bucket, &op.key).await;
            let fresh = Fresh {
                object,
                parts: Vec::new(),
                content,
                link: true,
                forbid_overwrite: op.new.forbid_overwrite,
                conditions: op.new.conditions.clone(),
                with: Batch::default(),
            };
            let (etag, crc64) = (fresh.object.etag.clone(), fresh.object.crc64);
            let checksum = fresh.object.more.checksum;
            // `None`: the source was overwritten and its blobs went away.
            if let Some(committed) = self.write_version(&bucket, &op.key, &hold, fresh).await? {
                return Ok(Outcome::Copied(Copied {
                    etag,
                    last_modified: committed.modified,
                    crc64,
                    checksum,
                    version: committed.version,
                    source_version: source.version,
                    encryption: protection.told(),
                }));
            }
        }
        Err(too_much_contention())
    }

    /// What a copy is encrypted under: the data key of its source in an envelope of its own, if
    /// both are encrypted.
    fn protection_of_copy(
        &self,
        op: &CopyObject,
        bucket: &Bucket,
        source: &Object,
        data_key: Option<&DataKey>,
    ) -> Result<Option<Protection>, Fault> {
        if source.kind == ObjectKind::Symlink {
            return Ok(None);
        }
        let onto_itself = is_onto_itself(op, bucket);
        let again = || {
            let envelope = source.more.encryption.as_ref().filter(|_| onto_itself)?;
            envelope.again().map(Encryption::from)
        };
        let wanted = op
            .new
            .encryption
            .clone()
            .or_else(|| bucket.record().encryption.clone().map(Encryption::from))
            .or_else(again);
        match (wanted, data_key) {
            (None, _) => Ok(None),
            (Some(wanted), Some(data_key)) => self
                .wrap(bucket, &op.key, &wanted, data_key.clone())
                .map(Some),
            (Some(wanted), None) => self.protection(bucket, &op.key, Some(&wanted)),
        }
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

/// Onto itself, a copy exists to change the metadata, whatever the directive says.
fn is_onto_itself(op: &CopyObject, bucket: &Bucket) -> bool {
    let asked = &op.source.object;
    asked.bucket == op.bucket && asked.key == op.key && !bucket.record().ever_versioned()
}

/// What a copy tells of its bytes, unless they were read and say it themselves.
fn describe_copy(
    store: &Store,
    object: &mut Object,
    source: &Object,
    protection: Option<&Protection>,
) {
    object.more.encryption = protection.envelope();
    if !protection.has_md5_etag() && object.md5.take().is_some() {
        object.etag = ETag::of_md5(&store.tag_bytes(protection, [0; 16]));
    }
    // Of parts neither tag nor digest is that of the bytes.
    if source.kind == ObjectKind::Multipart {
        object.etag.clone_from(&source.etag);
        object.md5 = None;
    }
}

fn copied_object(op: &CopyObject, bucket: &Bucket, source: &Object) -> Object {
    let record = bucket.record();
    let onto_itself = is_onto_itself(op, bucket);
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
