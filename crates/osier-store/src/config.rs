//! Configuration documents that have no effect here: kept, or refused.

use bytes::Bytes;
use osier_engine::{Batch, Family};
use osier_types::{BucketName, ConfigKind, ConfigSupport, Fault, FaultKind, Outcome};

use crate::Store;
use crate::failure::OrFault as _;
use crate::rows;

impl Store {
    pub(crate) async fn bucket_config(
        &self,
        name: &BucketName,
        kind: ConfigKind,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let document = if kind.support() == ConfigSupport::Refused {
            None
        } else {
            let word = kind.as_str().as_bytes();
            self.get_row(&bucket, Family::Config, word).await?
        };
        let document = document.as_ref().map(rows::decode_raw).transpose()?;
        if document.is_none() && !has_neutral_answer(kind) {
            return Err(FaultKind::NoSuchConfig(kind).into());
        }
        Ok(Outcome::Config { kind, document })
    }

    pub(crate) async fn put_bucket_config(
        &self,
        name: &BucketName,
        kind: ConfigKind,
        document: &Bytes,
    ) -> Result<Outcome, Fault> {
        self.open_bucket(name)?;
        if kind.support() == ConfigSupport::Refused {
            return Err(FaultKind::NotImplemented {
                what: kind.as_str().to_owned(),
            }
            .into());
        }
        let row = Bytes::from_static(kind.as_str().as_bytes());
        let mut batch = Batch::default();
        batch
            .puts
            .push((Family::Config, row, rows::encode_raw(document)));
        self.commit_config(name, kind, batch).await
    }

    pub(crate) async fn delete_bucket_config(
        &self,
        name: &BucketName,
        kind: ConfigKind,
    ) -> Result<Outcome, Fault> {
        let row = Bytes::from_static(kind.as_str().as_bytes());
        let mut batch = Batch::default();
        batch.deletes.push((Family::Config, row));
        self.commit_config(name, kind, batch).await
    }

    async fn commit_config(
        &self,
        name: &BucketName,
        kind: ConfigKind,
        batch: Batch,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let _gate = bucket.gate.write().await;
        let group = kind.as_str().as_bytes();
        let committed = self.engine.commit(bucket.table, group, batch).await;
        committed.or_fault(name)?;
        Ok(Outcome::Done)
    }
}

/// Whether OSS answers with a document although none was ever set.
fn has_neutral_answer(kind: ConfigKind) -> bool {
    match kind {
        ConfigKind::AccessMonitor
        | ConfigKind::ArchiveDirectRead
        | ConfigKind::Cname
        | ConfigKind::Inventory
        | ConfigKind::Logging
        | ConfigKind::PolicyStatus
        | ConfigKind::PublicAccessBlock
        | ConfigKind::Referer
        | ConfigKind::RequestPayment
        | ConfigKind::ResourceGroup
        | ConfigKind::S3Accelerate
        | ConfigKind::S3Logging
        | ConfigKind::S3Notification
        | ConfigKind::Style => true,
        ConfigKind::Cors
        | ConfigKind::Encryption
        | ConfigKind::HttpsConfig
        | ConfigKind::Lifecycle
        | ConfigKind::ObjectWorm
        | ConfigKind::OverwriteConfig
        | ConfigKind::Policy
        | ConfigKind::Quota
        | ConfigKind::Replication
        | ConfigKind::S3Lifecycle
        | ConfigKind::S3OwnershipControls
        | ConfigKind::S3Website
        | ConfigKind::Tagging
        | ConfigKind::TransferAcceleration
        | ConfigKind::UserDefinedLogFields
        | ConfigKind::Website
        | ConfigKind::Worm => false,
    }
}
