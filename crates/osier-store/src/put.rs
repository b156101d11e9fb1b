//! Writing objects whole: `PutObject` and `PostObject`.

use osier_engine::Batch;
use osier_types::{
    Checksum, ETag, Fault, FaultKind, NewObject, ObjectChecksum, ObjectKey, ObjectKind, Outcome,
    PostObject, PutObject, StorageClass, Written,
};

use crate::conditions::check_write;
use crate::content::Content;
use crate::encryption::OptionalProtection as _;
use crate::history::Fresh;
use crate::intake::{Intake, Kept, Lead, Received};
use crate::more::ObjectMore;
use crate::rows::{Data, Object, Piece};
use crate::state::Bucket;
use crate::{ByteSource, Store};

impl Store {
    pub(crate) async fn put_object(
        &self,
        op: PutObject,
        body: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        let written = self.put(op, None, body).await?;
        Ok(Outcome::Written(written))
    }

    pub(crate) async fn post_object(
        &self,
        op: PostObject,
        body: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        let (bucket, key) = (op.put.bucket.clone(), op.put.key.clone());
        let written = self.put(op.put, op.length_range, body).await?;
        Ok(Outcome::Posted {
            written,
            bucket,
            key,
            success: op.success,
        })
    }

    async fn put(
        &self,
        op: PutObject,
        length_range: Option<(u64, u64)>,
        body: &mut dyn ByteSource,
    ) -> Result<Written, Fault> {
        let bucket = self.open_bucket(&op.bucket)?;
        self.refuse_overwrite_early(&bucket, &op.key, &op.new)
            .await?;
        self.check_lock(&bucket, &op.new)?;
        let protection = self.protection(&bucket, &op.key, op.new.encryption.as_ref())?;
        let (min, max) = length_range.unwrap_or((0, u64::MAX));
        let intake = Intake {
            expected: &op.expected,
            max: max.min(self.settings.body_bytes_max),
            min,
            inline: true,
            owner: self.owner_tag(&bucket, &op.key),
            lead: Lead::NONE,
            seal: protection.key(),
        };
        let received = self.receive(&bucket.name, intake, body).await?;
        let class = bucket.record().storage_class;
        let mut object = new_object(
            &op.new,
            ObjectKind::Normal,
            class,
            ETag::of_md5(&received.md5),
        );
        self.describe(&mut object, protection.as_ref(), received.md5);
        object.more.lock = self.lock_of(&bucket, op.new.lock);
        object.size = received.length;
        object.crc64 = Some(received.crc64);
        object.more.checksum = received.checksum.map(whole);
        let etag = object.etag.clone();
        let fresh = Fresh {
            object,
            parts: Vec::new(),
            content: self.content_of(&received),
            link: true,
            forbid_overwrite: op.new.forbid_overwrite,
            conditions: op.new.conditions.clone(),
            with: Batch::default(),
        };
        let hold = self.hold(&bucket, &op.key).await;
        let committed = self.write_version(&bucket, &op.key, &hold, fresh).await?;
        // A sealed blob can't vanish while it is held.
        let committed = committed.ok_or(FaultKind::Internal)?;
        Ok(Written {
            etag,
            md5: received.md5,
            crc64: received.crc64,
            checksum: received.checksum.map(whole),
            version: committed.version,
            encryption: protection.told(),
        })
    }

    /// Refuses before the body is read what would be refused after it.
    pub(crate) async fn refuse_overwrite_early(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        new: &NewObject,
    ) -> Result<(), Fault> {
        let forbidden = new.forbid_overwrite && !bucket.record().ever_versioned();
        if !forbidden && new.conditions.is_empty() {
            return Ok(());
        }
        let head = self.head(bucket, key).await?;
        if forbidden && head.is_some() {
            return Err(FaultKind::FileAlreadyExists.into());
        }
        check_write(&new.conditions, head.as_ref().map(|head| &head.record))
    }

    /// What a row says of received bytes; `received` must live until the row is committed.
    pub(crate) fn content_of(&self, received: &Received) -> Content {
        match &received.kept {
            Kept::Nothing => Content::EMPTY,
            Kept::Memory(bytes) => Content::Bytes(bytes.clone()),
            Kept::Blob(sealed) => Content::Pieces(vec![Piece::whole(
                sealed.run,
                received.kept_length,
                self.new_tag(),
            )]),
        }
    }

    /// A reference tag that no row has.
    pub(crate) fn new_tag(&self) -> osier_engine::RefTag {
        osier_engine::RefTag(self.rng.next_u64())
    }
}

/// A checksum of all bytes.
pub(crate) fn whole(checksum: Checksum) -> ObjectChecksum {
    ObjectChecksum {
        checksum,
        parts: None,
    }
}

/// An empty object with what the client said of it.
pub(crate) fn new_object(
    new: &NewObject,
    kind: ObjectKind,
    bucket_class: StorageClass,
    etag: ETag,
) -> Object {
    Object {
        kind,
        size: 0,
        etag,
        class: new.storage_class.unwrap_or(bucket_class),
        md5: None,
        crc64: None,
        acl: new.acl.unwrap_or(new.unsaid_acl),
        headers: new.headers.clone(),
        user_meta: new.user_meta.clone(),
        persistent_headers: new.persistent_headers.clone(),
        tags: new.tags.clone().unwrap_or_default(),
        symlink_target: None,
        sealed: None,
        data: Data::Empty,
        more: ObjectMore::default(),
    }
}
