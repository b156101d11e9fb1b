//! Buckets: everything their records tell, and the operations that change them.

use std::sync::Arc;

use osier_types::{
    ALIAS_END, BucketAccess, BucketAcl, BucketInfo, BucketLock, BucketName, BucketPage, BucketStat,
    BucketVersioning, ClassStat, ConfigKind, DataRedundancy, Fault, FaultKind, ListBuckets,
    OptionsObject, Outcome, PublicAccessBlock, PutBucket, Region, StorageClass,
};

use crate::failure::OrFault as _;
use crate::rows::{COUNTER_MARKERS, COUNTER_UPLOADS};
use crate::state::BucketRecord;
use crate::{Caller, Store};

impl Store {
    pub(crate) async fn put_bucket(
        &self,
        caller: &Caller,
        op: PutBucket,
    ) -> Result<Outcome, Fault> {
        if op.bucket.as_str().ends_with(ALIAS_END) {
            return Err(FaultKind::InvalidBucketName(op.bucket.to_string()).into());
        }
        let wanted = BucketRecord {
            name: op.bucket.clone(),
            table: self.new_table(),
            owner: caller.owner.clone(),
            created: self.now(),
            acl: op.acl.unwrap_or(BucketAcl::Private),
            storage_class: op.storage_class.unwrap_or(StorageClass::Standard),
            redundancy: op.redundancy.unwrap_or(DataRedundancy::Lrs),
            versioning: op.object_lock.then_some(BucketVersioning::Enabled),
            tags: op.tags.clone().unwrap_or_default(),
            cors: None,
            deleting: false,
            ownership: op.ownership,
            encryption: None,
            lock: op.object_lock.then(BucketLock::default),
            worm: None,
            access: Arc::new(BucketAccess {
                block_public_access: (self.settings.block_public_access)
                    .then_some(PublicAccessBlock::whole(true)),
                ..BucketAccess::default()
            }),
        };
        let name = op.bucket.clone();
        let buckets_max = self.settings.buckets_max;
        self.buckets.create(wanted, op, buckets_max).await?;
        Ok(Outcome::BucketCreated(name))
    }

    /// A table id that no bucket has. The system table is 0.
    fn new_table(&self) -> u64 {
        let buckets = self.buckets.all();
        loop {
            let table = self.rng.next_u64() >> 1;
            if table != 0 && buckets.iter().all(|bucket| bucket.table.0 != table) {
                return table;
            }
        }
    }

    pub(crate) async fn delete_bucket(&self, name: &BucketName) -> Result<Outcome, Fault> {
        self.buckets.delete(name).await?;
        Ok(Outcome::Done)
    }

    pub(crate) fn bucket_ownership(&self, name: &BucketName) -> Result<Outcome, Fault> {
        self.bucket(name)?
            .ownership
            .map(Outcome::BucketOwnership)
            .ok_or_else(|| FaultKind::NoSuchConfig(ConfigKind::S3OwnershipControls).into())
    }

    pub(crate) async fn change_bucket(
        &self,
        name: &BucketName,
        change: impl FnOnce(&mut BucketRecord) + Send + 'static,
    ) -> Result<Outcome, Fault> {
        self.change_bucket_if(name, |record| {
            change(record);
            Ok(())
        })
        .await
    }

    /// As [`Self::change_bucket`], but `change` may refuse.
    pub(crate) async fn change_bucket_if(
        &self,
        name: &BucketName,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), Fault> + Send + 'static,
    ) -> Result<Outcome, Fault> {
        self.buckets.change(name, change).await?;
        Ok(Outcome::Done)
    }

    pub(crate) fn list_buckets(&self, caller: &Caller, asked: ListBuckets) -> Outcome {
        let buckets = self.buckets.all();
        let tagged = |record: &BucketRecord| {
            asked.tag.as_ref().is_none_or(|(key, value)| {
                record.tags.as_slice().iter().any(|tag| {
                    tag.key == *key && value.as_ref().is_none_or(|value| tag.value == *value)
                })
            })
        };
        let mut matching = buckets
            .iter()
            .map(|bucket| bucket.record())
            .filter(|record| {
                let name = record.name.as_str();
                record.owner.id == caller.owner.id
                    && name.starts_with(&asked.prefix)
                    && name > asked.marker.as_str()
                    && tagged(record)
            })
            .map(|record| record.entry(&self.settings.location));
        let wanted = usize::try_from(asked.max_keys).unwrap_or(usize::MAX);
        let page: Vec<_> = matching.by_ref().take(wanted).collect();
        let more = matching.next().is_some();
        Outcome::Buckets(BucketPage {
            owner: caller.owner.clone(),
            next_marker: page
                .last()
                .filter(|_| more)
                .map(|last| last.name.to_string()),
            buckets: page,
            asked,
        })
    }

    /// This location, or nothing when another one was asked for.
    pub(crate) fn describe_regions(&self, region: Option<&str>) -> Outcome {
        let here = &self.settings.location;
        let asked = region.is_none_or(|region| region.is_empty() || region == here);
        let regions = asked.then(|| Region {
            name: here.clone(),
            endpoint: self.settings.endpoint.clone(),
        });
        Outcome::Regions(regions.into_iter().collect())
    }

    pub(crate) fn bucket_info(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let record = self.bucket(name)?;
        Ok(Outcome::BucketInfo(BucketInfo {
            entry: record.entry(&self.settings.location),
            owner: record.owner.clone(),
            acl: record.acl,
            redundancy: record.redundancy,
            versioning: record.versioning,
            encryption: record.encryption.clone(),
            block_public_access: (record.access.block_public_access)
                .is_some_and(PublicAccessBlock::is_whole),
        }))
    }

    pub(crate) async fn bucket_stat(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let counters = self.engine.counters(bucket.table).await.or_fault(name)?;
        let counter = |index: usize| {
            let value = counters.get(index).copied().unwrap_or(0);
            u64::try_from(value).unwrap_or(0)
        };
        Ok(Outcome::BucketStat(BucketStat {
            classes: [0, 1, 2, 3, 4].map(|class| ClassStat {
                objects: counter(2 * class),
                bytes: counter(2 * class + 1),
            }),
            uploads: counter(COUNTER_UPLOADS),
            delete_markers: counter(COUNTER_MARKERS),
            as_of: self.now(),
        }))
    }

    pub(crate) fn bucket_location(&self, name: &BucketName) -> Result<Outcome, Fault> {
        self.open_bucket(name)?;
        Ok(Outcome::BucketLocation(self.settings.location.clone()))
    }

    pub(crate) fn bucket_acl(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let record = self.bucket(name)?;
        Ok(Outcome::BucketAcl {
            owner: record.owner.clone(),
            acl: record.acl,
        })
    }

    pub(crate) fn bucket_versioning(&self, name: &BucketName) -> Result<Outcome, Fault> {
        Ok(Outcome::BucketVersioning(self.bucket(name)?.versioning))
    }

    pub(crate) fn bucket_tags(&self, name: &BucketName) -> Result<Outcome, Fault> {
        Ok(Outcome::Tagging {
            tags: self.bucket(name)?.tags.clone(),
            version: None,
        })
    }

    pub(crate) fn bucket_cors(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let cors = self.bucket(name)?.cors.clone();
        cors.map(Outcome::Cors)
            .ok_or_else(|| FaultKind::NoSuchConfig(ConfigKind::Cors).into())
    }

    pub(crate) fn preflight(&self, op: &OptionsObject) -> Result<Outcome, Fault> {
        let record = self.bucket(&op.bucket)?;
        let headers: Vec<&str> = op.headers.iter().map(String::as_str).collect();
        record
            .cors
            .as_ref()
            .and_then(|cors| cors.grant(&op.origin, &op.method, &headers))
            .map(Outcome::Preflight)
            .ok_or_else(|| FaultKind::CorsForbidden.into())
    }
}
