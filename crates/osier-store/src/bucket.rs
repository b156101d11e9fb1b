//! Buckets: creation, deletion, and everything their records tell.

use std::sync::{Arc, PoisonError};

use osier_engine::{Batch, EngineError, Family, KeyRange, TableId};
use osier_types::{
    BucketAcl, BucketInfo, BucketName, BucketPage, BucketStat, ClassStat, ConfigKind,
    DataRedundancy, Fault, FaultKind, ListBuckets, OptionsObject, Outcome, PutBucket, Region,
    StorageClass,
};

use crate::failure::{OrFault as _, fault};
use crate::rows::{self, COUNTER_MARKERS, COUNTER_UPLOADS};
use crate::state::{Bucket, BucketRecord};
use crate::{Caller, Store};

/// A bucket with rows in one of these is not empty.
const CONTENT: [Family; 6] = [
    Family::Current,
    Family::Deleted,
    Family::Version,
    Family::Body,
    Family::Upload,
    Family::Part,
];
/// Buckets read at once when the store opens.
const LOAD_PAGE: usize = 1000;

impl Store {
    /// Reads every bucket's record, and ends what a crash interrupted.
    pub(crate) async fn load_buckets(&self) -> Result<(), Fault> {
        let mut range = KeyRange::ALL;
        loop {
            let page = self
                .engine
                .scan(TableId::SYSTEM, Family::Current, range.clone(), LOAD_PAGE)
                .await
                .map_err(|error| fault(error, None))?;
            for (_, raw) in &page.rows {
                self.load_bucket(rows::decode(raw)?).await?;
            }
            match page.rows.last() {
                Some((last, _)) if page.more => range = range.after(last),
                _ => return Ok(()),
            }
        }
    }

    async fn load_bucket(&self, mut record: BucketRecord) -> Result<(), Fault> {
        let table = TableId(record.table);
        if record.deleting {
            match self.engine.drop_table(table, &CONTENT).await {
                Ok(()) | Err(EngineError::NoTable) => return self.remove_record(&record).await,
                Err(EngineError::NotEmpty) => {
                    record.deleting = false;
                    self.put_record(&record).await?;
                }
                Err(error) => return Err(fault(error, None)),
            }
        }
        // A crash may have come between the record and its table.
        self.engine
            .create_table(table)
            .await
            .map_err(|error| fault(error, None))?;
        self.remember(record);
        Ok(())
    }

    fn remember(&self, record: BucketRecord) {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.insert(record.name.clone(), Arc::new(Bucket::new(record)));
    }

    async fn put_record(&self, record: &BucketRecord) -> Result<(), Fault> {
        let name = record.name.as_str().as_bytes();
        let row = bytes::Bytes::copy_from_slice(name);
        let mut batch = Batch::default();
        batch
            .puts
            .push((Family::Current, row, rows::encode(record)?));
        let written = self.engine.commit(TableId::SYSTEM, name, batch).await;
        written.map_err(|error| fault(error, None))
    }

    async fn remove_record(&self, record: &BucketRecord) -> Result<(), Fault> {
        let name = record.name.as_str().as_bytes();
        let mut batch = Batch::default();
        let row = bytes::Bytes::copy_from_slice(name);
        batch.deletes.push((Family::Current, row));
        let removed = self.engine.commit(TableId::SYSTEM, name, batch).await;
        removed.map_err(|error| fault(error, None))
    }

    pub(crate) async fn put_bucket(
        &self,
        caller: &Caller,
        op: PutBucket,
    ) -> Result<Outcome, Fault> {
        let creation = self.creation.lock().await;
        if let Ok(bucket) = self.open_bucket(&op.bucket) {
            let record = bucket.record();
            let same = record.owner.id == caller.owner.id
                && op
                    .storage_class
                    .is_none_or(|class| class == record.storage_class)
                && op
                    .redundancy
                    .is_none_or(|redundancy| redundancy == record.redundancy);
            if !same {
                return Err(FaultKind::BucketAlreadyExists.into());
            }
            drop(creation);
            if op.acl.is_some() || op.tags.is_some() {
                self.change_bucket(&op.bucket, |record| {
                    record.acl = op.acl.unwrap_or(record.acl);
                    if let Some(tags) = &op.tags {
                        record.tags = tags.clone();
                    }
                })
                .await?;
            }
            return Ok(Outcome::BucketCreated(op.bucket));
        }
        let owned = {
            let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
            let mine = |bucket: &&Arc<Bucket>| bucket.record().owner.id == caller.owner.id;
            buckets.values().filter(mine).count()
        };
        if owned >= self.settings.buckets_max {
            return Err(FaultKind::TooManyBuckets.into());
        }
        let record = BucketRecord {
            name: op.bucket.clone(),
            table: self.new_table(),
            owner: caller.owner.clone(),
            created: self.now(),
            acl: op.acl.unwrap_or(BucketAcl::Private),
            storage_class: op.storage_class.unwrap_or(StorageClass::Standard),
            redundancy: op.redundancy.unwrap_or(DataRedundancy::Lrs),
            versioning: None,
            tags: op.tags.unwrap_or_default(),
            cors: None,
            deleting: false,
        };
        // Record first: should a crash come between the two, opening the store makes the table. A
        // record that a failed attempt left behind is overwritten.
        self.put_record(&record).await?;
        if let Err(error) = self.engine.create_table(TableId(record.table)).await {
            self.remove_record(&record).await?;
            return Err(fault(error, None));
        }
        self.remember(record);
        Ok(Outcome::BucketCreated(op.bucket))
    }

    /// A table id that no bucket has. The system table is 0.
    fn new_table(&self) -> u64 {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        loop {
            let table = self.rng.next_u64() >> 1;
            if table != 0 && buckets.values().all(|bucket| bucket.table.0 != table) {
                return table;
            }
        }
    }

    pub(crate) async fn delete_bucket(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let _creation = self.creation.lock().await;
        let bucket = self.open_bucket(name)?;
        let _gate = bucket.gate.write().await;
        for family in CONTENT {
            let page = self
                .engine
                .scan(bucket.table, family, KeyRange::ALL, 1)
                .await;
            if !page.or_fault(name)?.rows.is_empty() {
                return Err(FaultKind::BucketNotEmpty.into());
            }
        }
        let mut record = (*bucket.record()).clone();
        record.deleting = true;
        self.put_record(&record).await?;
        match self.engine.drop_table(bucket.table, &CONTENT).await {
            Ok(()) | Err(EngineError::NoTable) => {}
            Err(EngineError::NotEmpty) => {
                // Should this fail, opening the store finds rows and takes the mark back.
                record.deleting = false;
                self.put_record(&record).await?;
                return Err(FaultKind::BucketNotEmpty.into());
            }
            Err(error) => {
                // Whether the table is gone is unknown. It had no content, so an empty one is as
                // good; if this fails too, opening the store decides.
                if self.engine.create_table(bucket.table).await.is_ok() {
                    record.deleting = false;
                    let _undecided = self.put_record(&record).await;
                }
                return Err(error).or_fault(name);
            }
        }
        // The bucket is gone from here on; a record that stays is removed at the next opening.
        {
            let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
            buckets.remove(name);
        }
        self.remove_record(&record).await?;
        Ok(Outcome::Done)
    }

    /// Changes a bucket's record, durably and then in memory.
    pub(crate) async fn change_bucket(
        &self,
        name: &BucketName,
        change: impl Fn(&mut BucketRecord),
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let _gate = bucket.gate.write().await;
        // A deletion may have been faster.
        if !Arc::ptr_eq(&bucket, &self.open_bucket(name)?) {
            return Err(FaultKind::NoSuchBucket(name.clone()).into());
        }
        let mut record = (*bucket.record()).clone();
        change(&mut record);
        self.put_record(&record).await?;
        bucket.replace(record);
        Ok(Outcome::Done)
    }

    pub(crate) fn list_buckets(&self, caller: &Caller, asked: ListBuckets) -> Outcome {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        let tagged = |record: &BucketRecord| {
            asked.tag.as_ref().is_none_or(|(key, value)| {
                record.tags.as_slice().iter().any(|tag| {
                    tag.key == *key && value.as_ref().is_none_or(|value| tag.value == *value)
                })
            })
        };
        let mut matching = buckets
            .values()
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
