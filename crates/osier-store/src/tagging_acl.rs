//! Tags and access-control lists of objects: one field of one version.

use osier_types::{Fault, ObjectAcl, ObjectRef, Outcome, Tags};

use crate::Store;

impl Store {
    pub(crate) async fn object_tagging(&self, asked: &ObjectRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let (row, object) = self.live(&bucket, &asked.key, asked.version).await?;
        Ok(Outcome::Tagging {
            tags: object.tags,
            version: bucket
                .record()
                .ever_versioned()
                .then(|| row.record.version()),
        })
    }

    pub(crate) async fn put_object_tagging(
        &self,
        asked: &ObjectRef,
        tags: Tags,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let (version, _) = self
            .change_object(&bucket, &asked.key, asked.version, |object| {
                object.tags = tags.clone();
                Ok(())
            })
            .await?;
        Ok(Outcome::Touched(
            bucket.record().ever_versioned().then_some(version),
        ))
    }

    pub(crate) async fn get_object_acl(&self, asked: &ObjectRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let (row, object) = self.live(&bucket, &asked.key, asked.version).await?;
        let record = bucket.record();
        Ok(Outcome::ObjectAcl {
            owner: record.owner.clone(),
            acl: object.acl,
            version: record.ever_versioned().then(|| row.record.version()),
        })
    }

    pub(crate) async fn put_object_acl(
        &self,
        asked: &ObjectRef,
        acl: ObjectAcl,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let (version, _) = self
            .change_object(&bucket, &asked.key, asked.version, |object| {
                object.acl = acl;
                Ok(())
            })
            .await?;
        Ok(Outcome::Touched(
            bucket.record().ever_versioned().then_some(version),
        ))
    }
}
