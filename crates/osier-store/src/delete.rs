//! Deleting objects and versions.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use osier_types::{
    DeleteObject, DeleteObjects, DeletedEntry, DeletedPage, DeletionRefused, Fault, ObjectDeleted,
    ObjectToDelete, Outcome, Refusals,
};

use crate::Store;
use crate::lock::Governance;
use crate::state::Bucket;

/// Deletions of one request under way at once: engines make many changes durable for the price of
/// one.
const TOGETHER: usize = 64;

impl Store {
    pub(crate) async fn delete_object(&self, asked: &DeleteObject) -> Result<Outcome, Fault> {
        let object = &asked.object;
        let bucket = self.open_bucket(&object.bucket)?;
        let wanted = ObjectToDelete {
            key: object.key.clone(),
            version: object.version,
            conditions: asked.conditions.clone(),
        };
        let governance = asked.bypass_governance.into();
        let deleted = self.delete(&bucket, &wanted, governance).await?;
        Ok(Outcome::ObjectDeleted(deleted))
    }

    pub(crate) async fn delete_objects(&self, asked: DeleteObjects) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let governance = Governance::from(asked.bypass_governance);
        let mut deleted = Vec::with_capacity(asked.objects.len());
        let mut refused = Vec::new();
        for together in asked.objects.chunks(TOGETHER) {
            let deletions = together
                .iter()
                .map(|wanted| self.delete(&bucket, wanted, governance));
            let gone = all(deletions.collect()).await;
            for (wanted, gone) in together.iter().zip(gone) {
                let (key, version) = (wanted.key.clone(), wanted.version);
                match (gone, asked.refusals) {
                    (Ok(gone), _) => deleted.push(DeletedEntry {
                        key,
                        version,
                        marker: gone.version.filter(|_| gone.is_marker),
                    }),
                    (Err(fault), Refusals::First) => return Err(fault),
                    (Err(fault), Refusals::Each) => refused.push(DeletionRefused {
                        key,
                        version,
                        fault,
                    }),
                }
            }
        }
        Ok(Outcome::Deleted(DeletedPage {
            asked,
            deleted,
            refused,
        }))
    }

    /// Deleting what is not there is no error.
    async fn delete(
        &self,
        bucket: &Bucket,
        wanted: &ObjectToDelete,
        governance: Governance,
    ) -> Result<ObjectDeleted, Fault> {
        let (key, conditions) = (&wanted.key, &wanted.conditions);
        let hold = self.hold(bucket, key).await;
        let Some(version) = wanted.version else {
            let marker = self.delete_newest(bucket, key, conditions, &hold).await?;
            return Ok(ObjectDeleted {
                version: marker,
                is_marker: marker.is_some(),
            });
        };
        let was_marker = self
            .delete_version(bucket, key, version, conditions, governance, &hold)
            .await?;
        Ok(ObjectDeleted {
            version: bucket.record().ever_versioned().then_some(version),
            is_marker: was_marker.unwrap_or(false),
        })
    }
}

/// Runs some futures side by side to their ends.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *done = Some(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
