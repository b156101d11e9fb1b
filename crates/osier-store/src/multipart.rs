//! Uploads in parts. Parts are blobs of their own; completing an upload moves
//! their references into the new object's row, so that no bytes move.
//!
//! Adding a part shares the key's lock, completing and aborting have it alone:
//! no part can come in between looking at the parts and removing them.

use bytes::Bytes;
use osier_engine::{Batch, Check, Expect, Family, KeyRange};
use osier_types::{
    ChecksumPlan, ChecksumPromise, CompleteMultipartUpload, CompletedParts, ETag, Expected, Fault,
    FaultKind, InitiateMultipartUpload, ListMultipartUploads, ListParts, ObjectAcl, ObjectKind,
    ObjectPart, Outcome, PartInfo, PartPage, UploadEntry, UploadPage, UploadPart, UploadRef,
    limits,
};

use crate::checksum::{check_sent, of_parts};
use crate::content::Content;
use crate::digest::{combine, md5_of};
use crate::encryption::OptionalProtection as _;
use crate::failure::{OrFault as _, too_much_contention};
use crate::history::{ATTEMPTS, Fresh, absent};
use crate::intake::{Intake, Lead};
use crate::more::{ObjectMore, PartMore, UploadMore};
use crate::rows::{
    self, COUNTER_UPLOADS, Data, Object, PartRecord, Piece, UploadRecord, part_row, unescape,
    upload_row,
};
use crate::scan::{Cursor, Grouping, first_page};
use crate::state::Bucket;
use crate::{ByteSource, Store, is_conflict};

/// Pieces of one object at most: far more than anyone needs who does not put parts together from
/// thousands of snippets.
const PIECES_MAX: usize = 200_000;
/// Characters of an upload id.
const UPLOAD_ID_CHARS: usize = 32;
/// Parts read at once.
const PARTS_PAGE: usize = 1000;

/// An upload that exists.
pub(crate) struct Upload {
    row: Bytes,
    raw: Bytes,
    pub(crate) record: UploadRecord,
}

impl Upload {
    fn check(&self) -> Check {
        Check {
            family: Family::Upload,
            key: self.row.clone(),
            expect: Expect::Equals(self.raw.clone()),
        }
    }
}

/// A part and its row's key.
struct Part {
    row: Bytes,
    number: u16,
    record: PartRecord,
}

impl Store {
    pub(crate) async fn initiate_upload(
        &self,
        op: InitiateMultipartUpload,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.bucket)?;
        let forbid_overwrite = op.new.forbid_overwrite;
        self.refuse_overwrite_early(&bucket, &op.key, &op.new)
            .await?;
        self.check_lock(&bucket, &op.new)?;
        let protection = self.protection(&bucket, &op.key, op.new.encryption.as_ref())?;
        let mut id = [0; UPLOAD_ID_CHARS / 2];
        self.rng.fill(&mut id);
        // An entity tag is upper-case hex, and so is an upload id.
        let upload_id = ETag::of_md5(&id).as_str().to_owned();
        let _hold = self.hold(&bucket, &op.key).await;
        let class = bucket.record().storage_class;
        let record = UploadRecord {
            initiated: self.now(),
            class: op.new.storage_class.unwrap_or(class),
            sequential: op.sequential,
            forbid_overwrite,
            acl: op.new.acl.unwrap_or(op.new.unsaid_acl),
            headers: op.new.headers,
            user_meta: op.new.user_meta,
            persistent_headers: op.new.persistent_headers,
            tags: op.new.tags.unwrap_or_default(),
            more: UploadMore {
                encryption: protection.envelope(),
                lock: Some(op.new.lock).filter(|lock| !lock.is_unset()),
                checksum: op.checksum,
            },
        };
        let row = upload_row(&op.key, &upload_id);
        let mut batch = Batch::default();
        batch.checks.push(absent(Family::Upload, row.clone()));
        batch
            .puts
            .push((Family::Upload, row, rows::encode(&record)?));
        batch.counters.push((COUNTER_UPLOADS, 1));
        let committed = self
            .engine
            .commit(bucket.table, op.key.as_bytes(), batch)
            .await;
        committed.or_fault(&bucket.name)?;
        Ok(Outcome::UploadInitiated {
            bucket: op.bucket,
            key: op.key,
            upload_id,
            encryption: protection.told(),
            checksum: op.checksum,
            url_encoded: op.url_encoded,
        })
    }

    /// The upload, or `NoSuchUpload`.
    pub(crate) async fn upload(&self, bucket: &Bucket, asked: &UploadRef) -> Result<Upload, Fault> {
        let unknown = || FaultKind::NoSuchUpload {
            upload_id: asked.upload_id.chars().take(200).collect(),
        };
        if asked.upload_id.len() != UPLOAD_ID_CHARS {
            return Err(unknown().into());
        }
        let row = upload_row(&asked.key, &asked.upload_id);
        let raw = self.get_row(bucket, Family::Upload, &row).await?;
        let raw = raw.ok_or_else(unknown)?;
        Ok(Upload {
            record: rows::decode(&raw)?,
            row,
            raw,
        })
    }

    pub(crate) async fn upload_part(
        &self,
        op: UploadPart,
        body: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.upload.bucket)?;
        let number = check_number(op.part_number)?;
        let upload = self.upload(&bucket, &op.upload).await?;
        if upload.record.sequential {
            self.check_turn(&bucket, &op.upload, number).await?;
        }
        let envelope = upload.record.more.encryption.as_deref();
        let customer = op.customer_key.as_ref();
        let protection = self.unlock_again(&bucket, &op.upload.key, envelope, customer)?;
        let expected = expected_of_part(&op.expected, upload.record.more.checksum)?;
        let intake = Intake {
            expected: &expected,
            max: self.settings.body_bytes_max,
            min: 0,
            inline: false,
            owner: self.owner_tag(&bucket, &op.upload.key),
            lead: Lead::NONE,
            seal: protection.key(),
        };
        let received = self.receive(&bucket.name, intake, body).await?;
        let record = PartRecord {
            size: received.length,
            md5: self.tag_bytes(protection.as_ref(), received.md5),
            crc64: received.crc64,
            modified: self.now(),
            pieces: self.content_of(&received).pieces().to_vec(),
            more: PartMore {
                checksum: received.checksum,
            },
        };
        let put = self
            .put_part(&bucket, &op.upload, &upload, number, &record)
            .await?;
        // A sealed blob can't vanish while it is held.
        put.ok_or(FaultKind::Internal)?;
        Ok(Outcome::PartUploaded {
            etag: ETag::of_md5(&record.md5),
            md5: received.md5,
            crc64: received.crc64,
            checksum: received.checksum,
            encryption: protection.told(),
        })
    }

    /// Adds a part, or puts it in the place of the one with its number. `None` when a blob that it
    /// refers to went away.
    pub(crate) async fn put_part(
        &self,
        bucket: &Bucket,
        asked: &UploadRef,
        upload: &Upload,
        number: u16,
        record: &PartRecord,
    ) -> Result<Option<()>, Fault> {
        let _bucket = bucket.gate.read().await;
        let lock = self.key_lock(bucket, &asked.key);
        let sequential = upload.record.sequential;
        let (_shared, _alone) = if sequential {
            (None, Some(lock.write().await))
        } else {
            (Some(lock.read().await), None)
        };
        for _ in 0..ATTEMPTS {
            let upload = self.upload(bucket, asked).await?;
            if sequential {
                self.check_turn(bucket, asked, number).await?;
            }
            let row = part_row(&asked.key, &asked.upload_id, number);
            let mut batch = Batch::default();
            batch.checks.push(upload.check());
            match self.get_row(bucket, Family::Part, &row).await? {
                None => batch.checks.push(absent(Family::Part, row.clone())),
                Some(raw) => {
                    let before: PartRecord = rows::decode(&raw)?;
                    batch.unlinks.extend(before.pieces.iter().map(Piece::link));
                    batch.checks.push(Check {
                        family: Family::Part,
                        key: row.clone(),
                        expect: Expect::Equals(raw),
                    });
                }
            }
            batch.links.extend(record.pieces.iter().map(Piece::link));
            batch.puts.push((Family::Part, row, rows::encode(record)?));
            let group = asked.key.as_bytes();
            match self.engine.commit(bucket.table, group, batch).await {
                Ok(()) => return Ok(Some(())),
                Err(osier_engine::EngineError::NoBlob) => return Ok(None),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    /// In a sequential upload the next part, or the last one again.
    async fn check_turn(
        &self,
        bucket: &Bucket,
        upload: &UploadRef,
        number: u16,
    ) -> Result<(), Fault> {
        let all = KeyRange::prefix(&upload_row(&upload.key, &upload.upload_id));
        let later = all.after(&part_row(&upload.key, &upload.upload_id, number));
        let later = self.engine.scan(bucket.table, Family::Part, later, 1).await;
        let is_last = later.or_fault(&bucket.name)?.rows.is_empty();
        let follows = number == 1 || {
            let before = part_row(&upload.key, &upload.upload_id, number.saturating_sub(1));
            self.get_row(bucket, Family::Part, &before).await?.is_some()
        };
        if is_last && follows {
            Ok(())
        } else {
            Err(FaultKind::PartNotSequential.into())
        }
    }

    async fn parts(&self, bucket: &Bucket, upload: &UploadRef) -> Result<Vec<Part>, Fault> {
        let range = KeyRange::prefix(&upload_row(&upload.key, &upload.upload_id));
        let mut cursor = Cursor::new(
            &*self.engine,
            &bucket.name,
            bucket.table,
            Family::Part,
            range,
            PARTS_PAGE,
        );
        let mut parts = Vec::new();
        while let Some((row, raw)) = cursor.next().await? {
            parts.push(Part {
                number: part_number(&row)?,
                record: rows::decode(&raw)?,
                row,
            });
        }
        Ok(parts)
    }

    pub(crate) async fn complete_upload(
        &self,
        op: CompleteMultipartUpload,
    ) -> Result<Outcome, Fault> {
        let asked = &op.upload;
        let bucket = self.open_bucket(&asked.bucket)?;
        let hold = self.hold(&bucket, &asked.key).await;
        for _ in 0..ATTEMPTS {
            let upload = match self.upload(&bucket, asked).await {
                Err(fault) if op.repeatable => {
                    let before = self.completed_before(&bucket, &op).await?;
                    return before.ok_or(fault);
                }
                upload => upload?,
            };
            let parts = self.parts(&bucket, asked).await?;
            let mut with = removal(&upload, &parts);
            let (chosen, unused) = choose(parts, &op.parts)?;
            self.check_sizes(&chosen)?;
            check_checksums(&op, upload.record.more.checksum, &chosen)?;
            for part in &unused {
                with.unlinks
                    .extend(part.record.pieces.iter().map(Piece::link));
            }
            let mut object = assemble(&upload.record, &chosen, op.acl);
            let asked_lock = upload.record.more.lock.unwrap_or_default();
            object.more.lock = self.lock_of(&bucket, asked_lock);
            object.more.upload = id_bytes(&asked.upload_id).filter(|_| op.repeatable);
            let encryption = object.more.encryption.as_ref();
            let encryption = encryption.and_then(|envelope| envelope.told(None));
            let parts = chosen
                .iter()
                .map(|part| ObjectPart {
                    number: part.number,
                    size: part.record.size,
                    checksum: part.record.more.checksum,
                })
                .collect();
            if let Some(sent) = op.crc64.filter(|&sent| Some(sent) != object.crc64) {
                let computed = object.crc64.unwrap_or_default();
                return Err(FaultKind::InvalidCrc64 { sent, computed }.into());
            }
            check_sent(op.checksum.as_ref(), object.more.checksum.as_ref())?;
            let pieces: Vec<Piece> = chosen
                .into_iter()
                .flat_map(|part| part.record.pieces)
                .collect();
            if pieces.len() > PIECES_MAX {
                return Err(FaultKind::InvalidRequest {
                    reason: "the parts are copied from too many pieces".to_owned(),
                }
                .into());
            }
            let (etag, crc64) = (object.etag.clone(), object.crc64.unwrap_or_default());
            let checksum = object.more.checksum;
            let fresh = Fresh {
                object,
                parts,
                content: Content::Pieces(pieces),
                link: false,
                forbid_overwrite: op.forbid_overwrite || upload.record.forbid_overwrite,
                conditions: op.conditions.clone(),
                with,
            };
            // `None`: someone else completed or aborted it; looking again says so.
            if let Some(committed) = self
                .write_version(&bucket, &asked.key, &hold, fresh)
                .await?
            {
                return Ok(Outcome::UploadCompleted {
                    bucket: op.upload.bucket,
                    key: op.upload.key,
                    etag,
                    crc64,
                    checksum,
                    version: committed.version,
                    encryption,
                    url_encoded: op.url_encoded,
                });
            }
        }
        Err(too_much_contention())
    }

    /// What was answered to this completion before. The newest version remembers its upload, so
    /// that nothing is kept for it besides; once it is no longer the newest, the upload is unknown.
    async fn completed_before(
        &self,
        bucket: &Bucket,
        op: &CompleteMultipartUpload,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(head) = self.head(bucket, &op.upload.key).await? else {
            return Ok(None);
        };
        let version = head.record.version();
        let same = head.record.object.filter(|object| {
            object.more.upload.is_some()
                && object.more.upload == id_bytes(&op.upload.upload_id)
                && tag_of(&op.parts).is_some_and(|tag| tag == object.etag)
        });
        let encryption = |object: &Object| object.more.encryption.as_ref()?.told(None);
        Ok(same.map(|object| Outcome::UploadCompleted {
            bucket: op.upload.bucket.clone(),
            key: op.upload.key.clone(),
            encryption: encryption(&object),
            crc64: object.crc64.unwrap_or_default(),
            checksum: object.more.checksum,
            etag: object.etag,
            version: bucket.record().ever_versioned().then_some(version),
            url_encoded: op.url_encoded,
        }))
    }

    fn check_sizes(&self, chosen: &[Part]) -> Result<(), Fault> {
        let min = self.settings.part_bytes_min;
        let but_last = chosen.split_last().map_or(&[][..], |(_, rest)| rest);
        if but_last.iter().any(|part| part.record.size < min) {
            return Err(FaultKind::EntityTooSmall { min }.into());
        }
        let size: u64 = chosen.iter().map(|part| part.record.size).sum();
        if size > limits::OBJECT_BYTES_MAX {
            let max = limits::OBJECT_BYTES_MAX;
            return Err(FaultKind::EntityTooLarge { max }.into());
        }
        Ok(())
    }

    pub(crate) async fn abort_upload(&self, asked: &UploadRef) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let _hold = self.hold(&bucket, &asked.key).await;
        for _ in 0..ATTEMPTS {
            let upload = self.upload(&bucket, asked).await?;
            let parts = self.parts(&bucket, asked).await?;
            let mut batch = removal(&upload, &parts);
            for part in &parts {
                batch
                    .unlinks
                    .extend(part.record.pieces.iter().map(Piece::link));
            }
            let group = asked.key.as_bytes();
            match self.engine.commit(bucket.table, group, batch).await {
                Ok(()) => return Ok(Outcome::Done),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error).or_fault(&bucket.name),
            }
        }
        Err(too_much_contention())
    }

    pub(crate) async fn list_parts(&self, asked: ListParts) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.upload.bucket)?;
        let upload = self.upload(&bucket, &asked.upload).await?;
        let (key, id) = (&asked.upload.key, &asked.upload.upload_id);
        let range = KeyRange::prefix(&upload_row(key, id)).after(&part_row(
            key,
            id,
            asked.part_number_marker,
        ));
        let mut cursor = Cursor::new(
            &*self.engine,
            &bucket.name,
            bucket.table,
            Family::Part,
            range,
            first_page(asked.max_parts, false),
        );
        let wanted = usize::try_from(asked.max_parts).unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        let mut is_truncated = false;
        while let Some((row, raw)) = cursor.peek().await? {
            if parts.len() >= wanted {
                is_truncated = true;
                break;
            }
            let record: PartRecord = rows::decode(raw)?;
            parts.push(PartInfo {
                number: part_number(row)?,
                etag: ETag::of_md5(&record.md5),
                size: record.size,
                crc64: record.crc64,
                checksum: record.more.checksum,
                last_modified: record.modified,
            });
            cursor.step();
        }
        Ok(Outcome::Parts(PartPage {
            storage_class: upload.record.class,
            checksum: upload.record.more.checksum,
            asked,
            parts,
            is_truncated,
        }))
    }

    pub(crate) async fn list_multipart_uploads(
        &self,
        asked: ListMultipartUploads,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let grouping = Grouping {
            prefix: &asked.prefix,
            delimiter: &asked.delimiter,
        };
        let mut cursor = Cursor::new(
            &*self.engine,
            &bucket.name,
            bucket.table,
            Family::Upload,
            uploads_range(&asked, grouping),
            first_page(asked.max_uploads, !asked.delimiter.is_empty()),
        );
        let wanted = usize::try_from(asked.max_uploads).unwrap_or(usize::MAX);
        let mut uploads = Vec::new();
        let mut common_prefixes: Vec<String> = Vec::new();
        let mut last = None;
        let mut truncated = false;
        while let Some((row, raw)) = cursor.peek().await? {
            if uploads.len() + common_prefixes.len() >= wanted {
                truncated = true;
                break;
            }
            let (key, id) = unescape(row)?;
            if let Some(group) = grouping.group_of(key.as_str()) {
                cursor.skip_prefix(&rows::escape_prefix(group.as_bytes()));
                common_prefixes.push(group.to_owned());
                last = Some((group.to_owned(), String::new()));
                continue;
            }
            let upload_id = String::from_utf8_lossy(id).into_owned();
            let record: UploadRecord = rows::decode(raw)?;
            last = Some((key.as_str().to_owned(), upload_id.clone()));
            uploads.push(UploadEntry {
                key,
                upload_id,
                initiated: record.initiated,
                storage_class: record.class,
            });
            cursor.step();
        }
        Ok(Outcome::Uploads(UploadPage {
            next: last.filter(|_| truncated),
            asked,
            uploads,
            common_prefixes,
        }))
    }
}

fn uploads_range(asked: &ListMultipartUploads, grouping: Grouping<'_>) -> KeyRange {
    let marker = asked.key_marker.as_str();
    let mut range = grouping.escaped_range_after(marker);
    let within_key = !asked.upload_id_marker.is_empty()
        && !marker.is_empty()
        && marker.starts_with(grouping.prefix)
        && grouping.group_of(marker).is_none();
    if within_key {
        let mut row = rows::escape(marker.as_bytes());
        row.extend_from_slice(asked.upload_id_marker.as_bytes());
        range = range.after(&row);
    }
    range
}

/// Removes the rows of an upload; what becomes of the blobs is the caller's.
fn removal(upload: &Upload, parts: &[Part]) -> Batch {
    let mut batch = Batch::default();
    batch.checks.push(upload.check());
    batch.deletes.push((Family::Upload, upload.row.clone()));
    let rows = parts.iter().map(|part| (Family::Part, part.row.clone()));
    batch.deletes.extend(rows);
    batch.counters.push((COUNTER_UPLOADS, -1));
    batch
}

/// The parts that become the object, in order, and the others.
fn choose(parts: Vec<Part>, wanted: &CompletedParts) -> Result<(Vec<Part>, Vec<Part>), Fault> {
    let missing = |number: u16| {
        let number = u32::from(number);
        Fault::new(FaultKind::InvalidPart { number })
    };
    let CompletedParts::Listed(wanted) = wanted else {
        return if parts.is_empty() {
            Err(missing(1))
        } else {
            Ok((parts, Vec::new()))
        };
    };
    if wanted.is_empty() {
        return Err(missing(1));
    }
    let pairs = wanted.iter().zip(wanted.iter().skip(1));
    if pairs
        .into_iter()
        .any(|((first, _), (second, _))| first >= second)
    {
        return Err(FaultKind::InvalidPartOrder.into());
    }
    let (mut chosen, mut unused) = (Vec::new(), Vec::new());
    let mut wanted = wanted.iter().peekable();
    for part in parts {
        match wanted.peek() {
            Some((number, _)) if *number < part.number => return Err(missing(*number)),
            Some((number, etag)) if *number == part.number => {
                if !ETag::of_md5(&part.record.md5).matches(etag) {
                    return Err(missing(*number));
                }
                wanted.next();
                chosen.push(part);
            }
            _ => unused.push(part),
        }
    }
    match wanted.next() {
        Some((number, _)) => Err(missing(*number)),
        None => Ok((chosen, unused)),
    }
}

/// What a part must be: the upload has chosen the checksum, if any.
fn expected_of_part(expected: &Expected, plan: Option<ChecksumPlan>) -> Result<Expected, Fault> {
    let mut expected = expected.clone();
    let Some(wanted) = plan.map(|plan| plan.algorithm) else {
        return Ok(expected);
    };
    match expected.checksum {
        None | Some(ChecksumPromise::Unsent(_)) => {
            expected.checksum = Some(ChecksumPromise::Unsent(wanted));
        }
        Some(promise) if promise.algorithm() == wanted => {}
        Some(promise) => {
            let (wanted, sent) = (wanted.name(), promise.algorithm().name());
            return Err(FaultKind::InvalidRequest {
                reason: format!(
                    "the upload was begun with the checksum {wanted}, the part comes with {sent}"
                ),
            }
            .into());
        }
    }
    Ok(expected)
}

/// Refuses a completion that speaks of other checksums than those of the parts.
fn check_checksums(
    op: &CompleteMultipartUpload,
    plan: Option<ChecksumPlan>,
    chosen: &[Part],
) -> Result<(), Fault> {
    if let (Some(asked), Some(plan)) = (op.checksum_type, plan)
        && asked != plan.kind
    {
        let (begun, asked) = (plan.kind.name(), asked.name());
        return Err(FaultKind::InvalidRequest {
            reason: format!("the upload was begun with the checksum type {begun}, not {asked}"),
        }
        .into());
    }
    let held = |number: u16| {
        let part = chosen.iter().find(|part| part.number == number);
        part.and_then(|part| part.record.more.checksum)
    };
    match op
        .part_checksums
        .iter()
        .find(|(number, sent)| held(*number).is_some_and(|held| held != *sent))
    {
        Some((number, _)) => Err(FaultKind::InvalidPart {
            number: u32::from(*number),
        }
        .into()),
        None => Ok(()),
    }
}

/// An upload id as it was drawn.
fn id_bytes(upload_id: &str) -> Option<[u8; UPLOAD_ID_CHARS / 2]> {
    hex_bytes(upload_id)
}

/// The tag of the object that these parts make.
fn tag_of(parts: &CompletedParts) -> Option<ETag> {
    let CompletedParts::Listed(listed) = parts else {
        return None;
    };
    let tags: Option<Vec<[u8; 16]>> = listed
        .iter()
        .map(|(_, tag)| hex_bytes(tag.trim_matches('"')))
        .collect();
    let tags = tags?;
    let digests: Vec<&[u8]> = tags.iter().map(|tag| &tag[..]).collect();
    Some(ETag::of_parts(&md5_of(&digests), digests.len()))
}

/// 32 hex digits.
fn hex_bytes(text: &str) -> Option<[u8; 16]> {
    let (digits, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 16];
    if digits.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
        let nibble = |digit: u8| char::from(digit).to_digit(16);
        let value = nibble(*high)? << 4 | nibble(*low)?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(bytes)
}

/// The object that parts become.
fn assemble(upload: &UploadRecord, parts: &[Part], acl: Option<ObjectAcl>) -> Object {
    let digests: Vec<&[u8]> = parts.iter().map(|part| &part.record.md5[..]).collect();
    let crc64 = parts.iter().fold(0, |crc64, part| {
        combine(crc64, part.record.crc64, part.record.size)
    });
    let checksums: Vec<_> = parts
        .iter()
        .map(|part| (part.record.more.checksum, part.record.size))
        .collect();
    Object {
        kind: ObjectKind::Multipart,
        size: parts.iter().map(|part| part.record.size).sum(),
        etag: ETag::of_parts(&md5_of(&digests), parts.len()),
        class: upload.class,
        md5: None,
        crc64: Some(crc64),
        acl: acl.unwrap_or(upload.acl),
        headers: upload.headers.clone(),
        user_meta: upload.user_meta.clone(),
        persistent_headers: upload.persistent_headers.clone(),
        tags: upload.tags.clone(),
        symlink_target: None,
        sealed: None,
        data: Data::Empty,
        more: ObjectMore {
            encryption: upload.more.encryption.clone(),
            checksum: of_parts(upload.more.checksum, &checksums),
            ..ObjectMore::default()
        },
    }
}

pub(crate) fn check_number(number: u16) -> Result<u16, Fault> {
    if (1..=limits::PART_NUMBER_MAX).contains(&number) {
        Ok(number)
    } else {
        let reason = "a part number lies between 1 and 10000";
        Err(Fault::argument("partNumber", number.to_string(), reason))
    }
}

/// The number in the key of a `Part` row.
fn part_number(row: &[u8]) -> Result<u16, Fault> {
    row.last_chunk::<2>()
        .map(|number| u16::from_be_bytes(*number))
        .ok_or_else(|| rows::unreadable("no part number"))
}
