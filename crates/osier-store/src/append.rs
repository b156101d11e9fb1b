//! Appending: an object grows by pieces, and small pieces at its end are written
//! again together with the new bytes, so that pieces stay few.

use std::mem;

use osier_engine::{Batch, EngineError, Family};
use osier_types::{
    AppendObject, Appended, BucketName, Crc64, ETag, Encrypted, Fault, FaultKind, ObjectKey,
    ObjectKind, Outcome,
};

use crate::content::{Content, count};
use crate::digest::{combine, md5_of};
use crate::encryption::{OptionalProtection as _, Protection};
use crate::failure::{fault, too_much_contention};
use crate::history::{ATTEMPTS, Fresh, Row};
use crate::intake::{Intake, Kept, Lead, Received};
use crate::lock::{Governance, check_removable};
use crate::put::new_object;
use crate::rows::{self, Object, Piece, Record, body_row};
use crate::seal::open_stretch;
use crate::state::Bucket;
use crate::{ByteSource, Store, is_conflict};

/// Pieces are put together up to this many bytes.
const MERGED_MAX: u64 = 16 * 1024 * 1024;
/// What the body of unknown length is taken for, and what the smallest piece should have.
const PIECE_MIN: u64 = 16 * 1024;

/// What an append begins with.
struct Tail {
    seq: u64,
    size: u64,
    /// What stays as it is.
    kept: Vec<Piece>,
    /// What is written again.
    lead: Lead,
    /// References of `lead`.
    replaced: Vec<Piece>,
    /// What the object's bytes are encrypted under.
    protection: Option<Protection>,
}

impl Store {
    pub(crate) async fn append_object(
        &self,
        op: AppendObject,
        body: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.bucket)?;
        self.check_lock(&bucket, &op.new)?;
        let mut tail = self.tail(&bucket, &op).await?;
        let protection = match tail.protection.take() {
            None if tail.seq == 0 => {
                self.protection(&bucket, &op.key, op.new.encryption.as_ref())?
            }
            of_the_object => of_the_object,
        };
        let max = self.settings.append_bytes_max.saturating_sub(op.position);
        let intake = Intake {
            expected: &op.expected,
            max: max.min(self.settings.body_bytes_max),
            min: 0,
            inline: tail.kept.is_empty(),
            owner: self.owner_tag(&bucket, &op.key),
            lead: mem::replace(&mut tail.lead, Lead::NONE),
            seal: protection.key(),
        };
        let received = self.receive(&bucket.name, intake, body).await?;
        if tail.seq == 0 {
            self.append_first(&bucket, &op, protection.as_ref(), &received)
                .await
        } else {
            let told = protection.told();
            self.append_more(&bucket, &op, &tail, told, &received).await
        }
    }

    /// The object that can be appended to at `position`; number 0 when there is none yet.
    async fn tail(&self, bucket: &Bucket, op: &AppendObject) -> Result<Tail, Fault> {
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, &op.key).await?;
            let found = head.and_then(|head| Some((head.record.seq, head.record.object?)));
            let Some((seq, object)) = found else {
                check_position(op.position, 0)?;
                return Ok(Tail {
                    seq: 0,
                    size: 0,
                    kept: Vec::new(),
                    lead: Lead::NONE,
                    replaced: Vec::new(),
                    protection: None,
                });
            };
            if op.position == 0 && op.new.forbid_overwrite && !bucket.record().ever_versioned() {
                return Err(FaultKind::FileAlreadyExists.into());
            }
            check_appendable(&object)?;
            check_position(op.position, object.size)?;
            let size = object.size;
            let envelope = object.more.encryption.as_deref();
            let protection = self.unlock_again(bucket, &op.key, envelope, None)?;
            let data_key = protection.key().cloned();
            let content = self.content(bucket, &op.key, seq, &object, 0, size).await?;
            let (kept, lead, replaced) = match content {
                None => continue,
                Some(Content::Bytes(bytes)) => {
                    let bytes = match &data_key {
                        Some(key) => open_stretch(key, &bytes, 0, size)?,
                        None => bytes,
                    };
                    (Vec::new(), Lead::Bytes(bytes), Vec::new())
                }
                Some(Content::Pieces(pieces)) => {
                    let (kept, merged) = split_tail(pieces, op.expected.length);
                    let opened = self.open_pieces(&bucket.name, merged.clone(), data_key);
                    match opened.await {
                        Ok(_) if merged.is_empty() => (kept, Lead::NONE, merged),
                        Ok(body) => (kept, Lead::Stored(Box::new(body)), merged),
                        Err(EngineError::NoBlob) => continue,
                        Err(error) => return Err(fault(error, Some(&bucket.name))),
                    }
                }
            };
            return Ok(Tail {
                seq,
                size,
                kept,
                lead,
                replaced,
                protection,
            });
        }
        Err(too_much_contention())
    }

    async fn append_first(
        &self,
        bucket: &Bucket,
        op: &AppendObject,
        protection: Option<&Protection>,
        received: &Received,
    ) -> Result<Outcome, Fault> {
        let hold = self.hold(bucket, &op.key).await;
        if let Some(object) = self
            .head(bucket, &op.key)
            .await?
            .and_then(|head| head.record.object)
        {
            if op.new.forbid_overwrite && !bucket.record().ever_versioned() {
                return Err(FaultKind::FileAlreadyExists.into());
            }
            check_appendable(&object)?;
            return Err(FaultKind::PositionNotEqualToLength {
                length: object.size,
            }
            .into());
        }
        let etag = append_etag(received.crc64, received.length);
        let class = bucket.record().storage_class;
        let mut object = new_object(&op.new, ObjectKind::Appendable, class, etag.clone());
        object.size = received.length;
        object.crc64 = Some(received.crc64);
        object.more.lock = self.lock_of(bucket, op.new.lock);
        object.more.encryption = protection.envelope();
        let fresh = Fresh {
            object,
            parts: Vec::new(),
            content: self.content_of(received),
            link: true,
            forbid_overwrite: op.new.forbid_overwrite,
            conditions: op.new.conditions.clone(),
            with: Batch::default(),
        };
        let committed = self.write_version(bucket, &op.key, &hold, fresh).await?;
        let committed = committed.ok_or(FaultKind::Internal)?;
        Ok(Outcome::Appended(Appended {
            etag,
            next_position: received.length,
            crc64: received.crc64,
            version: committed.version,
            encryption: protection.told(),
        }))
    }

    async fn append_more(
        &self,
        bucket: &Bucket,
        op: &AppendObject,
        tail: &Tail,
        told: Option<Encrypted>,
        received: &Received,
    ) -> Result<Outcome, Fault> {
        let _hold = self.hold(bucket, &op.key).await;
        let content = match (&received.kept, self.content_of(received)) {
            (Kept::Memory(_), content) => content,
            (Kept::Nothing | Kept::Blob(_), content) => {
                let mut pieces = tail.kept.clone();
                pieces.extend_from_slice(content.pieces());
                Content::Pieces(pieces)
            }
        };
        for _ in 0..ATTEMPTS {
            let head = self.head(bucket, &op.key).await?;
            let found = head.and_then(|mut head| {
                let object = head.record.object.take()?;
                Some((head, object))
            });
            let Some((head, object)) = found else {
                return Err(FaultKind::PositionNotEqualToLength { length: 0 }.into());
            };
            check_appendable(&object)?;
            check_position(op.position, object.size)?;
            if head.record.seq != tail.seq || object.size != tail.size {
                // Another object of the same length: what was read of the old one is of no use.
                return Err(too_much_contention());
            }
            let mut grown = object.clone();
            grown.size = tail.size.saturating_add(received.length);
            grown.data = content.data();
            let crc64 = object.crc64.unwrap_or_default();
            let crc64 = combine(crc64, received.crc64, received.length);
            grown.crc64 = Some(crc64);
            // It was that of fewer bytes.
            grown.more.checksum = None;
            grown.etag = append_etag(crc64, grown.size);
            let before = Record {
                object: Some(object),
                ..head.record.clone()
            };
            check_removable(&bucket.record(), &before, self.now(), Governance::Counts)?;
            let appended = Appended {
                etag: grown.etag.clone(),
                next_position: grown.size,
                crc64,
                version: bucket.record().ever_versioned().then(|| before.version()),
                encryption: told.clone(),
            };
            let after = Record {
                modified: self.now(),
                object: Some(grown),
                ..before.clone()
            };
            let batch = growth(&op.key, &head, &before, &after, &content, tail)?;
            match self
                .engine
                .commit(bucket.table, op.key.as_bytes(), batch)
                .await
            {
                Ok(()) => return Ok(Outcome::Appended(appended)),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(fault(error, Some(&bucket.name))),
            }
        }
        Err(too_much_contention())
    }

    pub(crate) async fn seal_append_object(
        &self,
        name: &BucketName,
        key: &ObjectKey,
        position: u64,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(name)?;
        let now = self.now();
        let change = |object: &mut Object| {
            if object.kind != ObjectKind::Appendable {
                return Err(FaultKind::ObjectNotAppendable.into());
            }
            check_position(position, object.size)?;
            // Sealing again changes nothing.
            object.sealed.get_or_insert(now);
            Ok(())
        };
        let (_, object) = self.change_object(&bucket, key, None, change).await?;
        Ok(Outcome::Sealed(object.sealed.unwrap_or(now)))
    }
}

/// The batch that replaces `before` by the longer `after`, both in the row of `head`.
fn growth(
    key: &ObjectKey,
    head: &Row,
    before: &Record,
    after: &Record,
    content: &Content,
    tail: &Tail,
) -> Result<Batch, Fault> {
    let mut batch = Batch::default();
    batch.checks.push(head.check());
    let row = (head.family, head.key.clone(), rows::encode(after)?);
    batch.puts.push(row);
    let rows_after = content.rows()?.len();
    let rows_before = before
        .object
        .as_ref()
        .map_or(0, |object| object.body_rows());
    for index in rows_after..rows_before {
        let row = body_row(key, before.seq, index);
        batch.deletes.push((Family::Body, row));
    }
    Store::add_content(&mut batch, key, before.seq, content, false)?;
    let new = content.pieces().get(tail.kept.len()..).unwrap_or_default();
    batch.links.extend(new.iter().map(Piece::link));
    batch.unlinks.extend(tail.replaced.iter().map(Piece::link));
    count(&mut batch, before, -1);
    count(&mut batch, after, 1);
    Ok(batch)
}

/// Parts pieces into those that stay and those at the end that are written again with `added` more
/// bytes: while the last is at most twice what comes after it. So each byte is written again a
/// logarithmic number of times, and pieces that stay halve in size from one to the next, or are
/// large.
fn split_tail(mut pieces: Vec<Piece>, added: Option<u64>) -> (Vec<Piece>, Vec<Piece>) {
    let mut after = added.unwrap_or(PIECE_MIN).max(PIECE_MIN);
    let mut keep = pieces.len();
    for piece in pieces.iter().rev() {
        let merged = after.saturating_add(piece.length);
        if piece.length > after.saturating_mul(2) || merged > MERGED_MAX {
            break;
        }
        after = merged;
        keep -= 1;
    }
    let merged = pieces.split_off(keep);
    (pieces, merged)
}

fn check_appendable(object: &Object) -> Result<(), Fault> {
    if object.kind == ObjectKind::Appendable && object.sealed.is_none() {
        Ok(())
    } else {
        Err(FaultKind::ObjectNotAppendable.into())
    }
}

fn check_position(position: u64, length: u64) -> Result<(), Fault> {
    if position == length {
        Ok(())
    } else {
        Err(FaultKind::PositionNotEqualToLength { length }.into())
    }
}

/// An opaque tag that changes with every append: the bytes before are not hashed again.
fn append_etag(crc64: Crc64, length: u64) -> ETag {
    ETag::of_md5(&md5_of(&[&crc64.to_be_bytes(), &length.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use osier_engine::{BlobId, RefTag, Run};

    use super::*;

    fn piece(length: u64) -> Piece {
        let run = Run {
            blob: BlobId(length),
            length,
        };
        Piece::whole(run, length, RefTag(0))
    }

    #[test]
    fn pieces_stay_few_and_rewrites_cheap() {
        for step in [1_000, 20_000, 300_000, 40_000_000] {
            let mut pieces: Vec<Piece> = Vec::new();
            let (mut size, mut written) = (0, 0);
            while size < 400 * step.min(10_000_000) {
                let (mut kept, merged) = split_tail(pieces, Some(step));
                let length = step + merged.iter().map(|piece| piece.length).sum::<u64>();
                kept.push(piece(length));
                pieces = kept;
                size += step;
                written += length;
            }
            let large = usize::try_from(2 * size / MERGED_MAX).unwrap();
            assert!(pieces.len() <= large + 16, "{step}: {}", pieces.len());
            assert!(written <= 32 * size, "{step}: {written} for {size}");
        }
    }
}
