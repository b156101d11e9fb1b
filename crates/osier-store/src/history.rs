//! The versions of one key: finding them, and the few ways in which they change.
//!
//! The head of a key is its row in `Current` or `Deleted`. Every change checks the
//! rows it was computed from, and starts over when they have changed; within this
//! process [`Hold`] keeps changes of a key from racing in the first place.

use bytes::Bytes;
use osier_engine::{Batch, Check, EngineError, Expect, Family, KeyRange};
use osier_types::{BucketVersioning, Fault, FaultKind, ObjectKey, Timestamp, VersionId};
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use crate::failure::{OrFault as _, too_much_contention};
use crate::rows::{
    self, Data, Object, PIECES_IN_RECORD_MAX, PIECES_IN_ROW_MAX, Piece, Record, body_row, cut,
    escape, version_row,
};
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

/// The bytes of an object, or a stretch of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Bytes(Bytes),
    Pieces(Vec<Piece>),
}

/// Keeps one key, and its bucket's versioning, from being changed by others in this process.
pub(crate) struct Hold<'a> {
    _bucket: RwLockReadGuard<'a, ()>,
    _key: RwLockWriteGuard<'a, ()>,
}

/// An object about to become a version.
pub(crate) struct Fresh {
    /// The object; its `data` is set from `content`.
    pub(crate) object: Object,
    pub(crate) content: Content,
    /// Whether the references of `content` are new and must be added.
    pub(crate) link: bool,
    pub(crate) forbid_overwrite: bool,
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

impl Content {
    pub(crate) const EMPTY: Self = Self::Pieces(Vec::new());

    /// How a record tells of this content.
    pub(crate) fn data(&self) -> Data {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => Data::Empty,
            Self::Bytes(_) => Data::Inline,
            Self::Pieces(pieces) if pieces.is_empty() => Data::Empty,
            Self::Pieces(pieces) if pieces.len() <= PIECES_IN_RECORD_MAX => {
                Data::Pieces(pieces.clone())
            }
            Self::Pieces(pieces) => Data::Manifest(
                pieces
                    .chunks(PIECES_IN_ROW_MAX)
                    .map(|row| row.iter().map(|piece| piece.length).sum())
                    .collect(),
            ),
        }
    }

    /// The `Body` rows of this content, in order.
    pub(crate) fn rows(&self) -> Result<Vec<Bytes>, Fault> {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => Ok(Vec::new()),
            Self::Bytes(bytes) => Ok(vec![rows::encode_raw(bytes)]),
            Self::Pieces(pieces) if pieces.len() <= PIECES_IN_RECORD_MAX => Ok(Vec::new()),
            Self::Pieces(pieces) => pieces
                .chunks(PIECES_IN_ROW_MAX)
                .map(|row| rows::encode(&row.to_vec()))
                .collect(),
        }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        match self {
            Self::Bytes(_) => &[],
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// Adds a record's counts to a batch.
pub(crate) fn count(batch: &mut Batch, record: &Record, sign: i64) {
    let steps = record.counts();
    batch
        .counters
        .extend(steps.into_iter().map(|(index, step)| (index, sign * step)));
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
    ) -> Result<(Row, Object), Fault> {
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

    /// The bytes `from..to` of an object; `None` when it changed since its row was read.
    pub(crate) async fn content(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
        from: u64,
        to: u64,
    ) -> Result<Option<Content>, Fault> {
        match &object.data {
            Data::Empty => Ok(Some(Content::EMPTY)),
            Data::Pieces(pieces) => Ok(Some(Content::Pieces(cut(pieces, from, to)))),
            Data::Inline => {
                let row = body_row(key, seq, 0);
                let Some(raw) = self.get_row(bucket, Family::Body, &row).await? else {
                    return Ok(None);
                };
                let bytes = rows::decode_raw(&raw)?;
                let range = usize::try_from(from)
                    .ok()
                    .zip(usize::try_from(to).ok())
                    .filter(|(from, to)| from <= to && *to <= bytes.len());
                // An append may have made it longer, never shorter.
                range
                    .map(|(from, to)| Some(Content::Bytes(bytes.slice(from..to))))
                    .ok_or_else(|| rows::unreadable("the body is shorter than its record says"))
            }
            Data::Manifest(lengths) => {
                let mut pieces = Vec::new();
                let mut start = 0_u64;
                for (index, length) in lengths.iter().enumerate() {
                    let end = start.saturating_add(*length);
                    if from < end && start < to {
                        let row = body_row(key, seq, index);
                        let Some(raw) = self.get_row(bucket, Family::Body, &row).await? else {
                            return Ok(None);
                        };
                        let row: Vec<Piece> = rows::decode(&raw)?;
                        let (first, last) = (from.max(start) - start, to.min(end) - start);
                        pieces.extend(cut(&row, first, last));
                    }
                    start = end;
                }
                Ok(Some(Content::Pieces(pieces)))
            }
        }
    }

    /// All bytes of an object whose key is held.
    pub(crate) async fn whole_content(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
    ) -> Result<Content, Fault> {
        self.content(bucket, key, seq, object, 0, object.size)
            .await?
            .ok_or_else(too_much_contention)
    }

    /// Adds to `batch` that a version's bytes and counts go; its row is the caller's.
    pub(crate) async fn release(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        record: &Record,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        count(batch, record, -1);
        let Some(object) = &record.object else {
            return Ok(());
        };
        if !matches!(object.data, Data::Inline) {
            let content = self.whole_content(bucket, key, record.seq, object).await?;
            batch
                .unlinks
                .extend(content.pieces().iter().map(Piece::link));
        }
        for index in 0..object.body_rows() {
            batch
                .deletes
                .push((Family::Body, body_row(key, record.seq, index)));
        }
        Ok(())
    }

    /// Adds to `batch` the rows and references of `content`, which belongs to version `seq`.
    pub(crate) fn add_content(
        batch: &mut Batch,
        key: &ObjectKey,
        seq: u64,
        content: &Content,
        link: bool,
    ) -> Result<(), Fault> {
        if link {
            batch.links.extend(content.pieces().iter().map(Piece::link));
        }
        for (index, row) in content.rows()?.into_iter().enumerate() {
            batch
                .puts
                .push((Family::Body, body_row(key, seq, index), row));
        }
        Ok(())
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
        let ever_versioned = bucket.record().ever_versioned();
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, key).await?;
            if fresh.forbid_overwrite && !ever_versioned && head.is_some() {
                return Err(FaultKind::FileAlreadyExists.into());
            }
            let mut batch = fresh.with.clone();
            let own_checks = batch.checks.len();
            let mut record = self.new_record(bucket, head.as_ref());
            record.object = Some(fresh.object.clone());
            self.displace_head(bucket, key, head.as_ref(), &mut record, &mut batch)
                .await?;
            Self::add_content(&mut batch, key, record.seq, &fresh.content, fresh.link)?;
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
        _hold: &Hold<'_>,
    ) -> Result<Option<VersionId>, Fault> {
        let ever_versioned = bucket.record().ever_versioned();
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, key).await?;
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
        _hold: &Hold<'_>,
    ) -> Result<Option<bool>, Fault> {
        for _ in 0..ATTEMPTS {
            let Some(row) = self.row(bucket, key, Some(version)).await? else {
                return Ok(None);
            };
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
                Ok(()) => return Ok((id, object)),
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
