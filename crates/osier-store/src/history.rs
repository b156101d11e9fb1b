//! The versions of one key: finding them, and the few ways in which they change.
//!
//! The head of a key is its row in `Current` or `Deleted`. Every change checks the
//! rows it was computed from, and starts over when they have changed; within this
//! process [`Hold`] keeps changes of a key from racing in the first place.

use bytes::Bytes;
use osier_engine::{Batch, Check, EngineError, Expect, Family, KeyRange};
use osier_types::{
    BucketVersioning, DeleteConditions, Fault, FaultKind, ObjectKey, ObjectPart, Timestamp,
    VersionId, WriteConditions,
};
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use crate::conditions::{check_delete, check_write};
use crate::content::{Content, count};
use crate::failure::{OrFault as _, too_much_contention};
use crate::lock::{Governance, check_removable};
use crate::rows::{self, Object, Record, escape, version_row};
use crate::state::Bucket;
use crate::{Store, is_conflict};

/// How often a change or a read starts over before it gives up.
pub(crate) const ATTEMPTS: usize = 16;

/// A record and where it was found.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) family: Family,
    pub(crate) key: Bytes,
    pub(crate) raw: Bytes,
    pub(crate) record: Record,
}

/// Keeps one key, and its bucket's versioning, from being changed by others in this process.
pub(crate) struct Hold<'a> {
    _bucket: RwLockReadGuard<'a, ()>,
    _key: RwLockWriteGuard<'a, ()>,
}

/// An object about to become a version.
pub(crate) struct Fresh {
    /// The object; its `data` is set from `content`, its number of parts from `parts`.
    pub(crate) object: Object,
    /// The parts that it was put together from.
    pub(crate) parts: Vec<ObjectPart>,
    pub(crate) content: Content,
    /// Whether the references of `content` are new and must be added.
    pub(crate) link: bool,
    pub(crate) forbid_overwrite: bool,
    pub(crate) conditions: WriteConditions,
    /// What else happens at the same moment.
    pub(crate) with: Batch,
}

/// A version was written.
pub(crate) struct Committed {
    /// In a bucket that was ever versioned.
    pub(crate) version: Option<VersionId>,
    pub(crate) modified: Timestamp,
}

impl Row {
    pub(crate) fn check(&self) -> Check {
        Check {
            family: self.family,
            key: self.key.clone(),
            expect: Expect::Equals(self.raw.clone()),
        }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.family != Family::Version
    }
}

pub(crate) fn absent(family: Family, key: Bytes) -> Check {
    Check {
        family,
        key,
        expect: Expect::Absent,
    }
}

impl Store {
    /// Waits until nobody else in this process changes `key`.
    pub(crate) async fn hold<'a>(&'a self, bucket: &'a Bucket, key: &ObjectKey) -> Hold<'a> {
        let of_bucket = bucket.gate.read().await;
        Hold {
            _bucket: of_bucket,
            _key: self.key_lock(bucket, key).write().await,
        }
    }

    pub(crate) async fn get_row(
        &self,
        bucket: &Bucket,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, Fault> {
        let row = self.engine.get(bucket.table, family, key).await;
        row.or_fault(&bucket.name)
    }

    /// The newest version of a key, a delete marker included.
    pub(crate) async fn head(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
    ) -> Result<Option<Row>, Fault> {
        // A marker can become an object between two looks; then the third sees it.
        let families: &[Family] = if bucket.record().ever_versioned() {
            &[Family::Current, Family::Deleted, Family::Current]
        } else {
            &[Family::Current]
        };
        for &family in families {
            if let Some(raw) = self.get_row(bucket, family, key.as_bytes()).await? {
                return Ok(Some(Row {
                    family,
                    key: Bytes::copy_from_slice(key.as_bytes()),
                    record: rows::decode(&raw)?,
                    raw,
                }));
            }
        }
        Ok(None)
    }

    /// A version of a key, or the newest one; delete markers included.
    pub(crate) async fn row(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Option<Row>, Fault> {
        let mut head = self.head(bucket, key).await?;
        let Some(version) = version else {
            return Ok(head);
        };
        for _ in 0..ATTEMPTS {
            // A key without a head has no versions.
            let Some(row) = head else { return Ok(None) };
            if row.record.version() == version {
                return Ok(Some(row));
            }
            let seq = match version {
                VersionId::Numbered(seq) => Some(seq),
                VersionId::Null => row.record.null_seq,
            };
            let Some(seq) = seq else { return Ok(None) };
            if let Some(older) = self.older(bucket, key, seq).await? {
                return Ok((older.record.version() == version).then_some(older));
            }
            // It may have become the newest since the head was read.
            let again = self.head(bucket, key).await?;
            if again.as_ref().is_some_and(|again| again.raw == row.raw) {
                return Ok(None);
            }
            head = again;
        }
        Err(too_much_contention())
    }

    /// A version that is not the newest.
    async fn older(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
    ) -> Result<Option<Row>, Fault> {
        let row_key = version_row(key, seq);
        let raw = self.get_row(bucket, Family::Version, &row_key).await?;
        raw.map(|raw| {
            Ok(Row {
                family: Family::Version,
                key: row_key,
                record: rows::decode(&raw)?,
                raw,
            })
        })
        .transpose()
    }

    /// The newest version that is not the head.
    async fn second(&self, bucket: &Bucket, key: &ObjectKey) -> Result<Option<Row>, Fault> {
        let range = KeyRange::prefix(&escape(key.as_bytes()));
        let page = self
            .engine
            .scan(bucket.table, Family::Version, range, 1)
            .await
            .or_fault(&bucket.name)?;
        page.rows
            .into_iter()
            .next()
            .map(|(row_key, raw)| {
                Ok(Row {
                    family: Family::Version,
                    key: row_key,
                    record: rows::decode(&raw)?,
                    raw,
                })
            })
            .transpose()
    }

    /// A version of a key that is an object.
    ///
    /// # Errors
    /// `NoSuchKey`, `NoSuchVersion` or `VersionIsMarker`.
    pub(crate) async fn live(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<(Row, Box<Object>), Fault> {
        let row = self.row(bucket, key, version).await?;
        match (row, version) {
            (Some(mut row), _) if row.record.object.is_some() => {
                // The object is handed out beside the row, which keeps its raw value.
                let object = row.record.object.take();
                object.map_or_else(
                    || Err(FaultKind::Internal.into()),
                    |object| Ok((row, object)),
                )
            }
            (Some(_), Some(version)) => Err(FaultKind::VersionIsMarker { version }.into()),
            (Some(row), None) => Err(FaultKind::NoSuchKey {
                marker: Some(row.record.version()),
            }
            .into()),
            (None, Some(version)) => Err(FaultKind::NoSuchVersion {
                version: version.to_string(),
            }
            .into()),
            (None, None) => Err(FaultKind::NoSuchKey { marker: None }.into()),
        }
    }

    /// Makes `fresh` the newest version of `key`. `None` when a check of `fresh.with`, or a blob
    /// that it refers to, no longer holds.
    pub(crate) async fn write_version(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        _hold: &Hold<'_>,
        mut fresh: Fresh,
    ) -> Result<Option<Committed>, Fault> {
        fresh.object.data = fresh.content.data();
        fresh.object.more.parts = u16::try_from(fresh.parts.len())
            .ok()
            .filter(|parts| *parts > 0);
        let ever_versioned = bucket.record().ever_versioned();
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, key).await?;
            if fresh.forbid_overwrite && !ever_versioned && head.is_some() {
                return Err(FaultKind::FileAlreadyExists.into());
            }
            check_write(&fresh.conditions, head.as_ref().map(|head| &head.record))?;
            let mut batch = fresh.with.clone();
            let own_checks = batch.checks.len();
            let mut record = self.new_record(bucket, head.as_ref());
            record.object = Some(Box::new(fresh.object.clone()));
            self.displace_head(bucket, key, head.as_ref(), &mut record, &mut batch)
                .await?;
            Self::add_content(&mut batch, key, record.seq, &fresh.content, fresh.link)?;
            Self::add_parts(&mut batch, key, record.seq, &fresh.parts)?;
            let row_key = Bytes::copy_from_slice(key.as_bytes());
            batch
                .puts
                .push((Family::Current, row_key, rows::encode(&record)?));
            count(&mut batch, &record, 1);
            match self
                .engine
                .commit(bucket.table, key.as_bytes(), batch)
                .await
            {
                Ok(()) => {
                    return Ok(Some(Committed {
                        version: ever_versioned.then(|| record.version()),
                        modified: record.modified,
                    }));
                }
                Err(EngineError::Conflict { index }) if index >= own_checks => {}
                Err(error) if is_conflict(&error) => return Ok(None),
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    /// Makes a delete marker the newest version, or removes the object in a bucket that never had
    /// versions. Says which marker.
    pub(crate) async fn delete_newest(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        conditions: &DeleteConditions,
        _hold: &Hold<'_>,
    ) -> Result<Option<VersionId>, Fault> {
        let ever_versioned = bucket.record().ever_versioned();
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, key).await?;
            if let Some(head) = &head {
                check_delete(conditions, &head.record)?;
            }
            let mut batch = Batch::default();
            let mut marker = None;
            if ever_versioned {
                let mut record = self.new_record(bucket, head.as_ref());
                self.displace_head(bucket, key, head.as_ref(), &mut record, &mut batch)
                    .await?;
                let row_key = Bytes::copy_from_slice(key.as_bytes());
                batch
                    .puts
                    .push((Family::Deleted, row_key, rows::encode(&record)?));
                count(&mut batch, &record, 1);
                marker = Some(record.version());
            } else {
                let Some(head) = head else { return Ok(None) };
                check_removable(
                    &bucket.record(),
                    &head.record,
                    self.now(),
                    Governance::Counts,
                )?;
                batch.checks.push(head.check());
                batch.deletes.push((head.family, head.key.clone()));
                self.release(bucket, key, &head.record, &mut batch).await?;
            }
            match self
                .engine
                .commit(bucket.table, key.as_bytes(), batch)
                .await
            {
                Ok(()) => return Ok(marker),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    /// Removes one version for good. Says whether it was a delete marker; `None` when there is no
    /// such version.
    pub(crate) async fn delete_version(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: VersionId,
        conditions: &DeleteConditions,
        governance: Governance,
        _hold: &Hold<'_>,
    ) -> Result<Option<bool>, Fault> {
        for _ in 0..ATTEMPTS {
            let Some(row) = self.row(bucket, key, Some(version)).await? else {
                return Ok(None);
            };
            check_delete(conditions, &row.record)?;
            check_removable(&bucket.record(), &row.record, self.now(), governance)?;
            let mut batch = Batch::default();
            batch.checks.push(row.check());
            batch.deletes.push((row.family, row.key.clone()));
            if row.is_head() {
                let left = row.record.null_seq.filter(|_| !row.record.null);
                self.promote_second(bucket, key, left, &mut batch).await?;
            } else if row.record.null {
                self.forget_null(bucket, key, &mut batch).await?;
            }
            self.release(bucket, key, &row.record, &mut batch).await?;
            match self
                .engine
                .commit(bucket.table, key.as_bytes(), batch)
                .await
            {
                Ok(()) => return Ok(Some(row.record.object.is_none())),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    /// Changes fields of one version in place; `change` may refuse. Gives the object as it is then.
    pub(crate) async fn change_object(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
        change: impl Fn(&mut Object) -> Result<(), Fault>,
    ) -> Result<(VersionId, Object), Fault> {
        let _hold = self.hold(bucket, key).await;
        for _ in 0..ATTEMPTS {
            let (row, mut object) = self.live(bucket, key, version).await?;
            let mut batch = Batch::default();
            batch.checks.push(row.check());
            let mut record = row.record;
            change(&mut object)?;
            record.object = Some(object.clone());
            let id = record.version();
            batch
                .puts
                .push((row.family, row.key, rows::encode(&record)?));
            match self
                .engine
                .commit(bucket.table, key.as_bytes(), batch)
                .await
            {
                Ok(()) => return Ok((id, *object)),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    /// The record of a new version on top of `head`, as yet a delete marker.
    fn new_record(&self, bucket: &Bucket, head: Option<&Row>) -> Record {
        let seq = self.sequence_after(head.map(|head| head.record.seq));
        let null = bucket.record().versioning != Some(BucketVersioning::Enabled);
        let older_null = head.and_then(|head| head.record.null_seq);
        Record {
            seq,
            null,
            null_seq: if null { Some(seq) } else { older_null },
            modified: self.now(),
            object: None,
        }
    }

    /// Makes room for a new newest version: the head becomes an older version, except that a new
    /// null version replaces the null version that there was.
    async fn displace_head(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        head: Option<&Row>,
        record: &mut Record,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let row_key = Bytes::copy_from_slice(key.as_bytes());
        let Some(head) = head else {
            batch.checks.push(absent(Family::Current, row_key.clone()));
            if bucket.record().ever_versioned() {
                batch.checks.push(absent(Family::Deleted, row_key));
            }
            return Ok(());
        };
        batch.checks.push(head.check());
        let family = if record.object.is_some() {
            Family::Current
        } else {
            Family::Deleted
        };
        if head.family != family {
            batch.deletes.push((head.family, head.key.clone()));
        }
        if record.null && head.record.null {
            check_removable(
                &bucket.record(),
                &head.record,
                self.now(),
                Governance::Counts,
            )?;
            return self.release(bucket, key, &head.record, batch).await;
        }
        let mut older = head.record.clone();
        older.null_seq = None;
        let older_key = version_row(key, older.seq);
        batch
            .puts
            .push((Family::Version, older_key, rows::encode(&older)?));
        if record.null
            && let Some(seq) = head.record.null_seq
            && let Some(null) = self.older(bucket, key, seq).await?
        {
            check_removable(
                &bucket.record(),
                &null.record,
                self.now(),
                Governance::Counts,
            )?;
            batch.checks.push(null.check());
            batch.deletes.push((Family::Version, null.key.clone()));
            self.release(bucket, key, &null.record, batch).await?;
        }
        Ok(())
    }

    /// Makes the second newest version the newest; `null_seq` is the null version that stays.
    async fn promote_second(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        null_seq: Option<u64>,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        if !bucket.record().ever_versioned() {
            return Ok(());
        }
        if let Some(second) = self.second(bucket, key).await? {
            batch.checks.push(second.check());
            batch.deletes.push((Family::Version, second.key));
            let family = if second.record.object.is_some() {
                Family::Current
            } else {
                Family::Deleted
            };
            let record = Record {
                null_seq,
                ..second.record
            };
            let row_key = Bytes::copy_from_slice(key.as_bytes());
            // The head's own row goes first: deletes come before puts.
            batch
                .deletes
                .retain(|(other, row)| (*other, row) != (family, &row_key));
            batch.puts.push((family, row_key, rows::encode(&record)?));
        }
        Ok(())
    }

    /// Takes note in the head that the null version is gone.
    async fn forget_null(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        if let Some(head) = self.head(bucket, key).await? {
            batch.checks.push(head.check());
            let record = Record {
                null_seq: None,
                ..head.record
            };
            batch
                .puts
                .push((head.family, head.key, rows::encode(&record)?));
        }
        Ok(())
    }
}
