//! Buckets in memory: their records, and who may change what at the same time.

use std::sync::{Arc, PoisonError, RwLock};

use osier_engine::TableId;
use osier_types::{
    BucketAccess, BucketAcl, BucketEncryption, BucketEntry, BucketLock, BucketName,
    BucketVersioning, BucketWorm, CorsConfig, DataRedundancy, ObjectOwnership, Owner,
    ProcessingConfig, StorageClass, Tags, Timestamp, WormState,
};
use serde::{Deserialize, Serialize};

/// What is known of a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketRecord {
    /// Its name.
    pub name: BucketName,
    /// Its table; a bucket that is deleted and created again has another.
    pub table: u64,
    /// Who owns it and every object in it.
    pub owner: Owner,
    /// When it was created.
    pub created: Timestamp,
    /// Who may use it without further permission.
    pub acl: BucketAcl,
    /// What new objects get.
    pub storage_class: StorageClass,
    /// How many zones.
    pub redundancy: DataRedundancy,
    /// `None` when never configured; then it never had a version.
    pub versioning: Option<BucketVersioning>,
    /// Its tags.
    pub tags: Tags,
    /// Its cross-origin rules.
    pub cors: Option<CorsConfig>,
    /// Set while it is being deleted; a crash leaves it set.
    pub(crate) deleting: bool,
    /// Policy, referers, access points and the like. The same until one of them changes, so
    /// that what is compiled from it can be kept beside it.
    #[serde(skip)]
    pub access: Arc<BucketAccess>,
    /// Whether access-control lists count. `None` where nobody ever said anything: they do.
    #[serde(skip)]
    pub ownership: Option<ObjectOwnership>,
    /// What objects get that say nothing of encryption.
    #[serde(skip)]
    pub encryption: Option<BucketEncryption>,
    /// Object lock: once there, it stays.
    #[serde(skip)]
    pub lock: Option<BucketLock>,
    /// The retention policy of OSS.
    #[serde(skip)]
    pub worm: Option<BucketWorm>,
}

impl BucketRecord {
    /// Whether version ids are told of its objects.
    pub fn ever_versioned(&self) -> bool {
        self.versioning.is_some()
    }

    /// Whether there is a retention policy, unless it lapsed.
    pub(crate) fn has_worm(&self, now: Timestamp) -> bool {
        self.worm
            .as_ref()
            .is_some_and(|worm| worm.state(now) != WormState::Expired)
    }

    pub(crate) fn entry(&self, location: &str) -> BucketEntry {
        BucketEntry {
            name: self.name.clone(),
            location: location.to_owned(),
            created: self.created,
            storage_class: self.storage_class,
        }
    }
}

/// A bucket that exists.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: BucketName,
    pub(crate) table: TableId,
    record: RwLock<Arc<BucketRecord>>,
    /// What it allows of processing, once someone asked; every read of an object does.
    pub(crate) processing: tokio::sync::RwLock<Option<Arc<ProcessingConfig>>>,
    /// Read while a key changes, written while the record changes: a write can't be under way with
    /// the versioning of before.
    pub(crate) gate: tokio::sync::RwLock<()>,
}

impl Bucket {
    pub(crate) fn new(record: BucketRecord) -> Self {
        Self {
            name: record.name.clone(),
            table: TableId(record.table),
            record: RwLock::new(Arc::new(record)),
            processing: tokio::sync::RwLock::default(),
            gate: tokio::sync::RwLock::default(),
        }
    }

    pub(crate) fn record(&self) -> Arc<BucketRecord> {
        let record = self.record.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&record)
    }

    pub(crate) fn replace(&self, record: BucketRecord) {
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(record);
    }
}
