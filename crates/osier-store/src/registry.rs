//! Which buckets there are, and how they come, change and go.
//!
//! Each change runs in a task of its own: a client that goes away in the middle
//! can't leave memory and storage telling different things.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use osier_engine::{Batch, Engine, EngineError, Family, KeyRange, TableId};
use osier_types::{AccessPoint, BucketName, Fault, FaultKind, PutBucket};

use crate::failure::{OrFault as _, fault};
use crate::rows::{self, AccountRecord};
use crate::state::{Bucket, BucketRecord};

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

/// Every bucket: one process owns the engine, so this is never stale.
#[derive(Debug)]
pub(crate) struct Registry {
    engine: Arc<dyn Engine>,
    buckets: RwLock<BTreeMap<BucketName, Arc<Bucket>>>,
    /// Aliases of access points, with their buckets. One whose access point is gone leads to a
    /// bucket that does not know it; aliases are never used again.
    aliases: RwLock<HashMap<BucketName, BucketName>>,
    /// Accounts that block public access.
    blocking: RwLock<HashSet<String>>,
    /// Held while buckets and access points come and go.
    creation: tokio::sync::Mutex<()>,
}

impl Registry {
    /// Reads every bucket's record, and ends what a crash interrupted.
    pub(crate) async fn load(engine: Arc<dyn Engine>) -> Result<Self, Fault> {
        let registry = Self {
            engine,
            buckets: RwLock::default(),
            aliases: RwLock::default(),
            blocking: RwLock::default(),
            creation: tokio::sync::Mutex::default(),
        };
        for (_, raw) in registry.system_rows(Family::Current).await? {
            registry.load_bucket(rows::decode_bucket(&raw)?).await?;
        }
        for (account, raw) in registry.system_rows(Family::Config).await? {
            let record: AccountRecord = rows::decode(&raw)?;
            if record.block_public_access {
                let account = String::from_utf8_lossy(&account).into_owned();
                write(&registry.blocking).insert(account);
            }
        }
        Ok(registry)
    }

    async fn system_rows(&self, family: Family) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let mut all = Vec::new();
        let mut range = KeyRange::ALL;
        loop {
            let page = self
                .engine
                .scan(TableId::SYSTEM, family, range.clone(), LOAD_PAGE)
                .await
                .map_err(|error| fault(error, None))?;
            all.extend(page.rows);
            match all.last() {
                Some((last, _)) if page.more => range = range.after(last),
                _ => return Ok(all),
            }
        }
    }

    /// The bucket of this name.
    pub(crate) fn open(&self, name: &BucketName) -> Result<Arc<Bucket>, Fault> {
        let buckets = read(&self.buckets);
        buckets
            .get(name)
            .cloned()
            .ok_or_else(|| Fault::new(FaultKind::NoSuchBucket(name.clone())))
    }

    /// Every bucket, in order of names.
    pub(crate) fn all(&self) -> Vec<Arc<Bucket>> {
        let buckets = read(&self.buckets);
        buckets.values().cloned().collect()
    }

    /// The bucket that this alias leads, or led, to.
    pub(crate) fn behind_alias(&self, alias: &BucketName) -> Option<BucketName> {
        read(&self.aliases).get(alias).cloned()
    }

    /// Whether an account blocks public access to all that it owns.
    pub(crate) fn blocks_public_access(&self, account: &str) -> bool {
        read(&self.blocking).contains(account)
    }

    /// Turns an account's Block Public Access on or off, durably and then in memory.
    pub(crate) async fn block_public_access(
        self: &Arc<Self>,
        account: &str,
        block: bool,
    ) -> Result<(), Fault> {
        let (registry, account) = (Arc::clone(self), account.to_owned());
        apart(async move {
            let _creation = registry.creation.lock().await;
            let row = Bytes::copy_from_slice(account.as_bytes());
            let mut batch = Batch::default();
            if block {
                let record = AccountRecord {
                    block_public_access: true,
                };
                batch
                    .puts
                    .push((Family::Config, row, rows::encode(&record)?));
            } else {
                batch.deletes.push((Family::Config, row));
            }
            let group = account.as_bytes();
            let written = registry.engine.commit(TableId::SYSTEM, group, batch).await;
            written.map_err(|error| fault(error, None))?;
            if block {
                write(&registry.blocking).insert(account);
            } else {
                write(&registry.blocking).remove(&account);
            }
            Ok(())
        })
        .await
    }

    /// Adds an access point whose name no other of the account has.
    pub(crate) async fn create_access_point(
        self: &Arc<Self>,
        name: &BucketName,
        point: AccessPoint,
        bucket_max: usize,
        account_max: usize,
    ) -> Result<(), Fault> {
        let (registry, name) = (Arc::clone(self), name.clone());
        apart(async move {
            let _creation = registry.creation.lock().await;
            let bucket = registry.open(&name)?;
            let owner = bucket.record().owner.id.clone();
            let mut count = 0;
            for other in registry.all() {
                let record = other.record();
                if record.owner.id != owner {
                    continue;
                }
                count += record.access.access_points.len();
                if record.access.point(&point.name).is_some() {
                    return Err(FaultKind::AccessPointAlreadyExists.into());
                }
            }
            let here = bucket.record().access.access_points.len();
            for (count, max) in [(here, bucket_max), (count, account_max)] {
                if count >= max {
                    return Err(FaultKind::TooManyAccessPoints { max }.into());
                }
            }
            let alias = point.alias.clone();
            let add = |record: &mut BucketRecord| {
                let mut access = (*record.access).clone();
                access.access_points.push(point);
                access
                    .access_points
                    .sort_by(|one, other| one.name.cmp(&other.name));
                record.access = Arc::new(access);
                Ok(())
            };
            registry.rewrite(&bucket, add).await?;
            write(&registry.aliases).insert(alias, name);
            Ok(())
        })
        .await
    }

    /// Makes the bucket that `wanted` describes, unless the account has one like it already, to
    /// which then applies what `op` says besides.
    pub(crate) async fn create(
        self: &Arc<Self>,
        wanted: BucketRecord,
        op: PutBucket,
        buckets_max: usize,
    ) -> Result<(), Fault> {
        let registry = Arc::clone(self);
        apart(async move {
            let _creation = registry.creation.lock().await;
            match registry.open(&wanted.name) {
                Ok(bucket) => registry.create_again(&bucket, &wanted, &op).await,
                Err(_) => registry.create_new(wanted, buckets_max).await,
            }
        })
        .await
    }

    async fn create_again(
        &self,
        bucket: &Arc<Bucket>,
        wanted: &BucketRecord,
        op: &PutBucket,
    ) -> Result<(), Fault> {
        let record = bucket.record();
        let same_class = op
            .storage_class
            .is_none_or(|class| class == record.storage_class);
        let same_redundancy = op
            .redundancy
            .is_none_or(|redundancy| redundancy == record.redundancy);
        if record.owner.id != wanted.owner.id || !same_class || !same_redundancy {
            return Err(FaultKind::BucketAlreadyExists.into());
        }
        // Object lock is for buckets that have it from the beginning, or for a request of its own.
        if op.object_lock && record.lock.is_none() {
            return Err(FaultKind::BucketAlreadyExists.into());
        }
        if op.acl.is_none() && op.tags.is_none() && op.ownership.is_none() {
            return Ok(());
        }
        self.rewrite(bucket, |record| {
            record.acl = op.acl.unwrap_or(record.acl);
            record.ownership = op.ownership.or(record.ownership);
            if let Some(tags) = &op.tags {
                record.tags = tags.clone();
            }
            Ok(())
        })
        .await
    }

    async fn create_new(&self, record: BucketRecord, buckets_max: usize) -> Result<(), Fault> {
        let all = self.all();
        let mine = |bucket: &&Arc<Bucket>| bucket.record().owner.id == record.owner.id;
        if all.iter().filter(mine).count() >= buckets_max {
            return Err(FaultKind::TooManyBuckets.into());
        }
        // Record first: should a crash come between the two, opening the store makes the table. A
        // record that a failed attempt left behind is overwritten.
        self.put_record(&record).await?;
        if let Err(error) = self.engine.create_table(TableId(record.table)).await {
            self.remove_record(&record).await?;
            return Err(fault(error, None));
        }
        self.remember(record);
        Ok(())
    }

    /// Removes a bucket that is empty.
    pub(crate) async fn delete(self: &Arc<Self>, name: &BucketName) -> Result<(), Fault> {
        let (registry, name) = (Arc::clone(self), name.clone());
        apart(async move {
            let _creation = registry.creation.lock().await;
            let bucket = registry.open(&name)?;
            let _gate = bucket.gate.write().await;
            registry.delete_bucket(&bucket).await
        })
        .await
    }

    async fn delete_bucket(&self, bucket: &Bucket) -> Result<(), Fault> {
        let name = &bucket.name;
        if !bucket.record().access.access_points.is_empty() {
            return Err(FaultKind::BucketNotEmpty.into());
        }
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
            let mut buckets = write(&self.buckets);
            buckets.remove(name);
        }
        self.remove_record(&record).await
    }

    /// Changes a bucket's record, durably and then in memory, if `change` finds that it can be.
    pub(crate) async fn change(
        self: &Arc<Self>,
        name: &BucketName,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let bucket = self.open(name)?;
        let registry = Arc::clone(self);
        apart(async move { registry.rewrite(&bucket, change).await }).await
    }

    async fn rewrite(
        &self,
        bucket: &Arc<Bucket>,
        change: impl FnOnce(&mut BucketRecord) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let _gate = bucket.gate.write().await;
        // A deletion may have been faster.
        if !Arc::ptr_eq(bucket, &self.open(&bucket.name)?) {
            return Err(FaultKind::NoSuchBucket(bucket.name.clone()).into());
        }
        let mut record = (*bucket.record()).clone();
        change(&mut record)?;
        self.put_record(&record).await?;
        bucket.replace(record);
        Ok(())
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
        for point in &record.access.access_points {
            write(&self.aliases).insert(point.alias.clone(), record.name.clone());
        }
        let mut buckets = write(&self.buckets);
        buckets.insert(record.name.clone(), Arc::new(Bucket::new(record)));
    }

    async fn put_record(&self, record: &BucketRecord) -> Result<(), Fault> {
        let name = record.name.as_str().as_bytes();
        let row = (Family::Current, Bytes::copy_from_slice(name));
        let mut batch = Batch::default();
        batch
            .puts
            .push((row.0, row.1, rows::encode_bucket(record)?));
        let written = self.engine.commit(TableId::SYSTEM, name, batch).await;
        written.map_err(|error| fault(error, None))
    }

    async fn remove_record(&self, record: &BucketRecord) -> Result<(), Fault> {
        let name = record.name.as_str().as_bytes();
        let mut batch = Batch::default();
        batch
            .deletes
            .push((Family::Current, Bytes::copy_from_slice(name)));
        let removed = self.engine.commit(TableId::SYSTEM, name, batch).await;
        removed.map_err(|error| fault(error, None))
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Runs something to its end, whether or not the caller still waits.
async fn apart(
    work: impl Future<Output = Result<(), Fault>> + Send + 'static,
) -> Result<(), Fault> {
    tokio::spawn(work)
        .await
        .map_err(|error| Fault::new(FaultKind::Internal).because(error))?
}
