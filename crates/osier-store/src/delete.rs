//! Deleting objects and versions.

use osier_types::{
    DeleteObjects, DeletedEntry, DeletedPage, Fault, ObjectDeleted, ObjectKey, ObjectRef, Outcome,
    VersionId,
};

use crate::Store;
use crate::state::Bucket;

impl Store {
    pub(crate) async fn delete_object(&self, object: &ObjectRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&object.bucket)?;
        let deleted = self.delete(&bucket, &object.key, object.version).await?;
        Ok(Outcome::ObjectDeleted(deleted))
    }

    pub(crate) async fn delete_objects(&self, asked: DeleteObjects) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let mut deleted = Vec::with_capacity(asked.objects.len());
        for (key, version) in &asked.objects {
            let gone = self.delete(&bucket, key, *version).await?;
            deleted.push(DeletedEntry {
                key: key.clone(),
                version: *version,
                marker: gone.version.filter(|_| gone.is_marker),
            });
        }
        Ok(Outcome::Deleted(DeletedPage { asked, deleted }))
    }

    /// Deleting what is not there is no error.
    async fn delete(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<ObjectDeleted, Fault> {
        let hold = self.hold(bucket, key).await;
        let Some(version) = version else {
            let marker = self.delete_newest(bucket, key, &hold).await?;
            return Ok(ObjectDeleted {
                version: marker,
                is_marker: marker.is_some(),
            });
        };
        let was_marker = self.delete_version(bucket, key, version, &hold).await?;
        Ok(ObjectDeleted {
            version: bucket.record().ever_versioned().then_some(version),
            is_marker: was_marker.unwrap_or(false),
        })
    }
}
