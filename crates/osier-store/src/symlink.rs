//! Symbolic links: keys that point to other keys of the same bucket.

use osier_engine::Batch;
use osier_types::{ETag, Fault, FaultKind, ObjectKind, ObjectRef, Outcome, PutSymlink};

use crate::Store;
use crate::content::Content;
use crate::digest::md5_of;
use crate::history::Fresh;
use crate::put::new_object;

impl Store {
    pub(crate) async fn put_symlink(&self, op: PutSymlink) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.bucket)?;
        self.check_lock(&bucket, &op.new)?;
        let etag = ETag::of_md5(&md5_of(&[op.target.as_bytes()]));
        let class = bucket.record().storage_class;
        let mut object = new_object(&op.new, ObjectKind::Symlink, class, etag);
        object.symlink_target = Some(op.target);
        object.more.lock = self.lock_of(&bucket, op.new.lock);
        let fresh = Fresh {
            object,
            parts: Vec::new(),
            content: Content::EMPTY,
            link: false,
            forbid_overwrite: op.new.forbid_overwrite,
            conditions: op.new.conditions,
            with: Batch::default(),
        };
        let hold = self.hold(&bucket, &op.key).await;
        let committed = self.write_version(&bucket, &op.key, &hold, fresh).await?;
        let committed = committed.ok_or(FaultKind::Internal)?;
        Ok(Outcome::Touched(committed.version))
    }

    pub(crate) async fn symlink(&self, asked: &ObjectRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let (row, object) = self.live(&bucket, &asked.key, asked.version).await?;
        if object.kind != ObjectKind::Symlink {
            return Err(FaultKind::NotSymlink.into());
        }
        let versioned = bucket.record().ever_versioned();
        let info = row.record.info(&object, &asked.key, versioned);
        Ok(Outcome::Symlink(Box::new(info)))
    }
}
