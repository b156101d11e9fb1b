//! What the store keeps in rows, and under which keys. This is a file format.
//!
//! Every value begins with one schema byte: [`SCHEMA`], or [`SCHEMA_MORE`] where fields follow
//! that the first layout did not have (module `more`). What comes then is
//! [postcard](https://postcard.jamesmunns.com/wire-format) unless said otherwise.
//!
//! System table (`TableId::SYSTEM`):
//! - `Current[bucket name]`: [`BucketRecord`](crate::BucketRecord), with a layout of its own
//!   (later fields in module `more`).
//! - `Config[account id]`: [`AccountRecord`].
//! - `Body[master-keys]`: by which master keys of this store are known again.
//!
//! Table of identities (number `1 << 63`): `Config[name]`, sealed records of `osier-auth`.
//!
//! Each bucket's own table, where `esc(key)` is the key with `00` written as `00 FF` and ended
//! by `00 01` (order-preserving), `!seq` the complement of a version's number, numbers big-endian:
//! - `Current[key]`: [`Record`] of the newest version, when that is an object.
//! - `Deleted[key]`: [`Record`] of the newest version, when that is a delete marker. A key is in
//!   at most one of the two; that row is its head, and every change of a key checks it.
//! - `Version[esc(key) !seq]`: [`Record`]s of all other versions, so newest first.
//! - `Body[esc(key) !seq u16]`: the bytes of a version too small for a blob (schema byte, then the
//!   bytes as they are, sealed if the record says so; number 0), or its pieces when they are too
//!   many for the record. Number [`PARTS_ROW`] is the table of parts of a multipart object.
//! - `Upload[esc(key) id]`: [`UploadRecord`]; the id is 32 hex digits.
//! - `Part[esc(key) id u16]`: [`PartRecord`].
//! - `Config[processConfiguration]`: [`ProcessingConfig`](osier_types::ProcessingConfig).
//! - `Config[style/NAME]`: [`Style`](osier_types::Style).
//! - `Config[kind]`: a configuration document as the client sent it (schema byte, then the bytes).
//!
//! Counters of a bucket's table: `2i` and `2i + 1` are objects and bytes of the storage class
//! number `i`, [`COUNTER_UPLOADS`] and [`COUNTER_MARKERS`] the rest.

use bytes::{BufMut, Bytes, BytesMut};
use osier_engine::{BlobId, RefTag, Run};
use osier_types::{
    ContentHeaders, Crc64, ETag, Fault, FaultKind, HeaderBytes, Md5, ObjectAcl, ObjectEntry,
    ObjectInfo, ObjectKey, ObjectKind, StorageClass, Tags, Timestamp, VersionId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::more::{ObjectMore, PartMore, Row, UploadMore};
use crate::state::BucketRecord;

/// The version of every row's layout.
pub(crate) const SCHEMA: u8 = 1;
/// Layout 1, and then fields that it lacks. Programs that know only layout 1 refuse it.
pub(crate) const SCHEMA_MORE: u8 = 2;
/// Number of the `Body` row that tells of parts: beyond those of pieces.
pub(crate) const PARTS_ROW: usize = u16::MAX as usize;
/// Counter of unfinished uploads.
pub(crate) const COUNTER_UPLOADS: usize = 10;
/// Counter of delete markers.
pub(crate) const COUNTER_MARKERS: usize = 11;
/// Pieces that a record holds itself; more go to `Body` rows.
pub(crate) const PIECES_IN_RECORD_MAX: usize = 4;
/// Pieces in one `Body` row.
pub(crate) const PIECES_IN_ROW_MAX: usize = 1000;

/// What is kept of an account besides who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    /// Block Public Access for all its buckets.
    pub(crate) block_public_access: bool,
}

/// One version of a key. The fields up to the storage class are what lists read ([`Summary`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its number; higher is newer.
    pub(crate) seq: u64,
    /// Whether it is the null version.
    pub(crate) null: bool,
    /// In the head row: the number of the key's null version, whichever it is.
    pub(crate) null_seq: Option<u64>,
    /// When it was written.
    pub(crate) modified: Timestamp,
    /// `None` for a delete marker. In a box, because records are handed on a lot.
    pub(crate) object: Option<Box<Object>>,
}

/// The object of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) kind: ObjectKind,
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) class: StorageClass,
    pub(crate) md5: Option<Md5>,
    pub(crate) crc64: Option<Crc64>,
    pub(crate) acl: ObjectAcl,
    pub(crate) headers: ContentHeaders,
    pub(crate) user_meta: Vec<(String, HeaderBytes)>,
    pub(crate) persistent_headers: Vec<(String, HeaderBytes)>,
    pub(crate) tags: Tags,
    pub(crate) symlink_target: Option<ObjectKey>,
    pub(crate) sealed: Option<Timestamp>,
    pub(crate) data: Data,
    /// What the first layout lacks.
    #[serde(skip)]
    pub(crate) more: ObjectMore,
}

/// The beginning of a [`Record`]: all that a list tells.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) seq: u64,
    pub(crate) null: bool,
    #[expect(dead_code, reason = "it lies before fields that are needed")]
    null_seq: Option<u64>,
    pub(crate) modified: Timestamp,
    pub(crate) object: Option<ObjectSummary>,
}

/// The beginning of an [`Object`].
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ObjectSummary {
    kind: ObjectKind,
    size: u64,
    etag: ETag,
    class: StorageClass,
}

/// The beginning of a [`Record`]: all that authorisation asks of objects that are no symlinks.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "fields that lie before those that are needed")]
pub(crate) struct Glance {
    seq: u64,
    null: bool,
    null_seq: Option<u64>,
    modified: Timestamp,
    pub(crate) object: Option<ObjectGlance>,
}

/// The beginning of an [`Object`], with its access-control list.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "fields that lie before those that are needed")]
pub(crate) struct ObjectGlance {
    pub(crate) kind: ObjectKind,
    size: u64,
    etag: ETag,
    class: StorageClass,
    md5: Option<Md5>,
    crc64: Option<Crc64>,
    pub(crate) acl: ObjectAcl,
}

/// Where an object's bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Data {
    /// There are none.
    Empty,
    /// In the `Body` row.
    Inline,
    /// In blobs.
    Pieces(Vec<Piece>),
    /// In blobs; the pieces are in `Body` rows, each covering this many bytes.
    Manifest(Vec<u64>),
}

/// A stretch of a blob. Of sealed blobs, offset and length count the bytes before sealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    blob: u64,
    blob_length: u64,
    /// Where in the blob it begins.
    pub(crate) offset: u64,
    /// Its bytes.
    pub(crate) length: u64,
    tag: u64,
}

/// An upload in parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated: Timestamp,
    pub(crate) class: StorageClass,
    pub(crate) sequential: bool,
    pub(crate) forbid_overwrite: bool,
    pub(crate) acl: ObjectAcl,
    pub(crate) headers: ContentHeaders,
    pub(crate) user_meta: Vec<(String, HeaderBytes)>,
    pub(crate) persistent_headers: Vec<(String, HeaderBytes)>,
    pub(crate) tags: Tags,
    /// What the first layout lacks.
    #[serde(skip)]
    pub(crate) more: UploadMore,
}

/// One part of an upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) size: u64,
    pub(crate) md5: Md5,
    pub(crate) crc64: Crc64,
    pub(crate) modified: Timestamp,
    pub(crate) pieces: Vec<Piece>,
    /// What the first layout lacks.
    #[serde(skip)]
    pub(crate) more: PartMore,
}

/// Stored bytes that can't be what this program wrote.
#[derive(Debug, thiserror::Error)]
#[error("unreadable row: {0}")]
struct UnreadableRow(String);

impl Record {
    pub(crate) fn version(&self) -> VersionId {
        version_id(self.null, self.seq)
    }

    /// All that is told of `object`, which is this version's.
    pub(crate) fn info(&self, object: &Object, key: &ObjectKey, versioned: bool) -> ObjectInfo {
        ObjectInfo {
            key: key.clone(),
            version: versioned.then(|| self.version()),
            kind: object.kind,
            size: object.size,
            etag: object.etag.clone(),
            md5: object.md5,
            crc64: object.crc64,
            checksum: object.more.checksum,
            last_modified: self.modified,
            storage_class: object.class,
            acl: object.acl,
            headers: object.headers.clone(),
            user_meta: object.user_meta.clone(),
            persistent_headers: object.persistent_headers.clone(),
            tags: object.tags.clone(),
            symlink_target: object.symlink_target.clone(),
            sealed: object.sealed,
            encryption: object
                .more
                .encryption
                .as_ref()
                .and_then(|envelope| envelope.told(None)),
            lock: object.more.lock.unwrap_or_default(),
            parts: object.more.parts,
        }
    }

    /// What this version adds to its bucket's counters.
    pub(crate) fn counts(&self) -> Vec<(usize, i64)> {
        match &self.object {
            None => vec![(COUNTER_MARKERS, 1)],
            Some(object) => {
                let class = class_index(object.class);
                let bytes = i64::try_from(object.size).unwrap_or(i64::MAX);
                vec![(2 * class, 1), (2 * class + 1, bytes)]
            }
        }
    }
}

impl Object {
    /// How many `Body` rows its bytes have.
    pub(crate) fn body_rows(&self) -> usize {
        match &self.data {
            Data::Empty | Data::Pieces(_) => 0,
            Data::Inline => 1,
            Data::Manifest(rows) => rows.len(),
        }
    }
}

impl Summary {
    pub(crate) fn version(&self) -> VersionId {
        version_id(self.null, self.seq)
    }

    pub(crate) fn entry(&self, key: &ObjectKey) -> Option<ObjectEntry> {
        self.object.as_ref().map(|object| ObjectEntry {
            key: key.clone(),
            last_modified: self.modified,
            etag: object.etag.clone(),
            kind: object.kind,
            size: object.size,
            storage_class: object.class,
        })
    }
}

impl Piece {
    /// All of a blob, which holds `length` bytes.
    pub(crate) fn whole(run: Run, length: u64, tag: RefTag) -> Self {
        Self {
            blob: run.blob.0,
            blob_length: run.length,
            offset: 0,
            length,
            tag: tag.0,
        }
    }

    pub(crate) fn run(&self) -> Run {
        Run {
            blob: BlobId(self.blob),
            length: self.blob_length,
        }
    }

    /// The reference this piece stands for.
    pub(crate) fn link(&self) -> (BlobId, RefTag) {
        (BlobId(self.blob), RefTag(self.tag))
    }

    /// The same bytes under another reference.
    pub(crate) fn tagged(self, tag: u64) -> Self {
        Self { tag, ..self }
    }
}

/// The bytes `from..to` of `pieces`, trimmed.
pub(crate) fn cut(pieces: &[Piece], from: u64, to: u64) -> Vec<Piece> {
    let mut start = 0_u64;
    let mut taken = Vec::new();
    for piece in pieces {
        let end = start.saturating_add(piece.length);
        let (first, last) = (from.max(start), to.min(end));
        if first < last {
            taken.push(Piece {
                offset: piece.offset + (first - start),
                length: last - first,
                ..*piece
            });
        }
        start = end;
    }
    taken
}

fn version_id(null: bool, seq: u64) -> VersionId {
    if null {
        VersionId::Null
    } else {
        VersionId::Numbered(seq)
    }
}

/// The position of a class in [`StorageClass::ALL`].
pub(crate) fn class_index(class: StorageClass) -> usize {
    match class {
        StorageClass::Standard => 0,
        StorageClass::Ia => 1,
        StorageClass::Archive => 2,
        StorageClass::ColdArchive => 3,
        StorageClass::DeepColdArchive => 4,
    }
}

/// A row's value.
pub(crate) fn encode<T: Serialize + Row>(row: &T) -> Result<Bytes, Fault> {
    let later = row.later()?;
    let schema = if later.is_empty() {
        SCHEMA
    } else {
        SCHEMA_MORE
    };
    let mut value = postcard::to_extend(row, vec![schema])
        .map_err(|error| Fault::new(FaultKind::Internal).because(error))?;
    value.extend_from_slice(&later);
    Ok(Bytes::from(value))
}

/// What a row's value says; the end of it may be left unread ([`Summary`]).
pub(crate) fn decode<T: DeserializeOwned + Row>(value: &[u8]) -> Result<T, Fault> {
    let damaged = |why: String| Fault::new(FaultKind::Damaged).because(UnreadableRow(why));
    let (schema, row) = value
        .split_first()
        .ok_or_else(|| damaged("empty".to_owned()))?;
    if ![SCHEMA, SCHEMA_MORE].contains(schema) {
        return Err(damaged(format!("layout {schema}")));
    }
    let (mut row, rest) =
        postcard::take_from_bytes::<T>(row).map_err(|error| damaged(error.to_string()))?;
    if *schema == SCHEMA_MORE {
        row.take_later(rest)?;
    }
    Ok(row)
}

/// Lists and authorisation read no later fields.
impl Row for Summary {
    fn take_later(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
}

impl Row for Glance {
    fn take_later(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
}

/// A bucket's record as a row's value.
pub(crate) fn encode_bucket(record: &BucketRecord) -> Result<Bytes, Fault> {
    encode(record)
}

/// The inverse of [`encode_bucket`].
pub(crate) fn decode_bucket(value: &[u8]) -> Result<BucketRecord, Fault> {
    decode(value)
}

/// Bytes kept as they are.
pub(crate) fn encode_raw(bytes: &[u8]) -> Bytes {
    let mut row = BytesMut::with_capacity(bytes.len() + 1);
    row.put_u8(SCHEMA);
    row.put_slice(bytes);
    row.freeze()
}

/// The inverse of [`encode_raw`], without a copy.
pub(crate) fn decode_raw(row: &Bytes) -> Result<Bytes, Fault> {
    match row.first() {
        Some(&SCHEMA) => Ok(row.slice(1..)),
        other => Err(unreadable(&format!("layout {other:?}"))),
    }
}

/// The fault of a row that can't be what this program wrote.
pub(crate) fn unreadable(why: &str) -> Fault {
    Fault::new(FaultKind::Damaged).because(UnreadableRow(why.to_owned()))
}

/// The key of a row that is named after an object key, as that key.
pub(crate) fn object_key(row: &[u8]) -> Result<ObjectKey, Fault> {
    ObjectKey::parse(row).map_err(|error| unreadable(&error.to_string()))
}

/// What every escaped key that begins with `prefix` begins with.
pub(crate) fn escape_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(prefix.len() + 12);
    for &byte in prefix {
        escaped.push(byte);
        if byte == 0 {
            escaped.push(0xFF);
        }
    }
    escaped
}

/// `esc(key)`.
pub(crate) fn escape(key: &[u8]) -> Vec<u8> {
    let mut escaped = escape_prefix(key);
    escaped.extend_from_slice(&[0, 1]);
    escaped
}

/// An escaped key at the beginning of `row`, and what follows it.
pub(crate) fn unescape(row: &[u8]) -> Result<(ObjectKey, &[u8]), Fault> {
    let mut key = Vec::with_capacity(row.len());
    let mut rest = row;
    loop {
        rest = match rest {
            [0, 0xFF, tail @ ..] => {
                key.push(0);
                tail
            }
            [0, 1, tail @ ..] => return Ok((object_key(&key)?, tail)),
            [0, ..] | [] => return Err(unreadable("no end of the key")),
            [byte, tail @ ..] => {
                key.push(*byte);
                tail
            }
        };
    }
}

/// Key of a `Version` row.
pub(crate) fn version_row(key: &ObjectKey, seq: u64) -> Bytes {
    let mut row = escape(key.as_bytes());
    row.extend_from_slice(&(!seq).to_be_bytes());
    row.into()
}

/// Key and number in the key of a `Version` row.
pub(crate) fn parse_version_row(row: &[u8]) -> Result<(ObjectKey, u64), Fault> {
    let (key, rest) = unescape(row)?;
    let seq = <[u8; 8]>::try_from(rest).map_err(|_| unreadable("no version number"))?;
    Ok((key, !u64::from_be_bytes(seq)))
}

/// Key of a `Body` row.
pub(crate) fn body_row(key: &ObjectKey, seq: u64, index: usize) -> Bytes {
    let mut row = escape(key.as_bytes());
    row.extend_from_slice(&(!seq).to_be_bytes());
    // 65,535 rows of 1,000 pieces are more than any object has.
    row.extend_from_slice(&u16::try_from(index).unwrap_or(u16::MAX).to_be_bytes());
    row.into()
}

/// Key of an `Upload` row.
pub(crate) fn upload_row(key: &ObjectKey, upload_id: &str) -> Bytes {
    let mut row = escape(key.as_bytes());
    row.extend_from_slice(upload_id.as_bytes());
    row.into()
}

/// Key of a `Part` row.
pub(crate) fn part_row(key: &ObjectKey, upload_id: &str, number: u16) -> Bytes {
    let mut row = upload_row(key, upload_id).to_vec();
    row.extend_from_slice(&number.to_be_bytes());
    row.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_keys_keep_their_order_and_come_back() {
        let keys = [
            "\0",
            "\0\0",
            "\0\u{1}",
            "\u{1}",
            "a",
            "a\0",
            "a\0b",
            "a\u{1}",
            "ab",
            "b",
            "\u{7f}",
            "\u{80}",
            "\u{10ffff}",
        ];
        for pair in keys.windows(2) {
            assert!(pair[0].as_bytes() < pair[1].as_bytes());
            assert!(
                escape(pair[0].as_bytes()) < escape(pair[1].as_bytes()),
                "{pair:?}"
            );
        }
        for key in keys {
            let key = ObjectKey::parse(key.as_bytes()).unwrap();
            let row = version_row(&key, 7);
            assert_eq!(parse_version_row(&row).unwrap(), (key.clone(), 7));
            assert!(version_row(&key, 8) < row, "newer first");
        }
    }

    #[test]
    fn damaged_rows_are_told() {
        for bad in [&b""[..], b"\x03", b"\x02", b"\x01"] {
            let fault = decode::<Record>(bad).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Damaged);
        }
        assert!(unescape(b"abc").is_err() && unescape(b"a\0\x02").is_err());
    }

    /// A change of this text is a change of the format: it needs a new [`SCHEMA`].
    #[test]
    fn layout_of_a_record() {
        let piece = Piece {
            blob: 300,
            blob_length: 5,
            offset: 0,
            length: 5,
            tag: 7,
        };
        let record = Record {
            seq: 1,
            null: true,
            null_seq: Some(1),
            modified: Timestamp::from_millis(2),
            object: Some(Box::new(Object {
                kind: ObjectKind::Multipart,
                size: 5,
                etag: ETag::of_md5(&[0xAB; 16]),
                class: StorageClass::Ia,
                md5: None,
                crc64: Some(9),
                acl: ObjectAcl::PublicRead,
                headers: ContentHeaders {
                    content_type: Some(b"a".to_vec()),
                    ..ContentHeaders::default()
                },
                user_meta: vec![("m".into(), b"v".to_vec())],
                persistent_headers: Vec::new(),
                tags: Tags::default(),
                symlink_target: None,
                sealed: None,
                data: Data::Pieces(vec![piece]),
                more: ObjectMore::default(),
            })),
        };
        let row = encode(&record).unwrap();
        let hex = row
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let etag = "4142".repeat(16);
        let expected = format!(
            "01 01 01 0101 04 01 01 05 20{etag} 01 00 0109 02 000000000101610 0 01016d0176 00 00 00 00 \
             02 01 ac02 05 00 05 07"
        );
        assert_eq!(hex, expected.replace(' ', ""));
        assert_eq!(decode::<Record>(&row).unwrap(), record);
        let glance: Glance = decode(&row).unwrap();
        assert_eq!(glance.object.unwrap().acl, ObjectAcl::PublicRead);
        let summary: Summary = decode(&row).unwrap();
        assert_eq!((summary.seq, summary.version()), (1, VersionId::Null));
        let key = ObjectKey::parse(b"k").unwrap();
        assert_eq!(summary.entry(&key).unwrap().storage_class, StorageClass::Ia);
    }

    #[test]
    fn cutting_pieces() {
        let piece = |blob, offset, length| Piece {
            blob,
            blob_length: 100,
            offset,
            length,
            tag: 1,
        };
        let pieces = [piece(1, 10, 20), piece(2, 0, 30)];
        assert_eq!(cut(&pieces, 0, 50), pieces);
        assert_eq!(cut(&pieces, 5, 25), [piece(1, 15, 15), piece(2, 0, 5)]);
        assert_eq!(cut(&pieces, 20, 21), [piece(2, 0, 1)]);
        assert!(cut(&pieces, 50, 60).is_empty());
    }
}
