//! The engine boundary: tables, row groups and blobs.
//!
//! An engine keeps rows and immutable runs of bytes; it knows no objects,
//! versions or lists of ours. Nothing above it knows files, databases or
//! clusters. The in-memory engine in [`memory`] is the specification; the suite
//! in `conformance` (feature `testkit`) says what every engine must do.
//!
//! # Guarantees
//! - [`Engine::commit`] is atomic, durable when it returns, and linearizable per
//!   row group. A [`Engine::get`] after it sees it.
//! - [`Engine::scan`] is in byte order over the whole table, sees every row that
//!   existed during the whole scan exactly once, and may or may not show
//!   concurrent changes. Continuations are keys, never engine cursors.
//! - A blob is durable when [`BlobWriter::finish`] returns, and belongs to nobody
//!   until a commit [links](Batch::links) it. It is freed some time after its last
//!   link is gone and its last reader closed; one that was never linked is freed
//!   when its [`SealedBlob`] is dropped, or after a crash.
#![warn(missing_docs)]

#[cfg(feature = "testkit")]
pub mod conformance;
pub mod faults;
pub mod memory;

use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// Keeps rows and blobs.
#[async_trait]
pub trait Engine: std::fmt::Debug + Send + Sync + 'static {
    /// Makes an empty table. Making one that exists changes nothing.
    async fn create_table(&self, table: TableId) -> Result<(), EngineError>;

    /// Drops a table if none of its rows is left in `families`; rows of other
    /// families go with it. Later commits to it fail with [`EngineError::NoTable`].
    ///
    /// # Errors
    /// [`EngineError::NotEmpty`] when a row is left, [`EngineError::NoTable`] when there is none.
    async fn drop_table(&self, table: TableId, families: &[Family]) -> Result<(), EngineError>;

    /// One row's value.
    async fn get(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError>;

    /// At most `limit` rows of `range` in byte order of their keys.
    async fn scan(
        &self,
        table: TableId,
        family: Family,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError>;

    /// Applies a batch whole, or not at all.
    ///
    /// All rows of one batch belong to one object key, `group`.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when a check does not hold; then nothing was applied.
    async fn commit(&self, table: TableId, group: &[u8], batch: Batch) -> Result<(), EngineError>;

    /// The table's counters; one that was never added to is 0.
    async fn counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError>;

    /// Begins a blob. `length` is a hint of its size, where known.
    async fn write_blob(
        &self,
        length: Option<u64>,
        owner: OwnerTag,
    ) -> Result<Box<dyn BlobWriter>, EngineError>;

    /// Opens a blob for reading. While the reader lives its bytes stay readable,
    /// whatever happens to the links.
    async fn open_blob(&self, run: Run) -> Result<Arc<dyn BlobReader>, EngineError>;

    /// What this engine can take.
    fn limits(&self) -> EngineLimits;

    /// Stops background work, makes everything durable and releases the storage.
    /// Every later call fails with [`EngineError::Unavailable`].
    async fn close(&self) -> Result<(), EngineError>;
}

/// Writes one blob. Dropping it without [`finish`](Self::finish) leaves nothing behind.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes; waits when the storage is slower than the caller.
    async fn write(&mut self, bytes: Bytes) -> Result<(), EngineError>;

    /// Makes the blob durable.
    async fn finish(self: Box<Self>) -> Result<SealedBlob, EngineError>;
}

/// Reads one blob.
#[async_trait]
pub trait BlobReader: std::fmt::Debug + Send + Sync {
    /// Bytes `offset..offset + length`, whole and verified. `length` is at most
    /// [`EngineLimits::read_bytes_max`].
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] when the bytes are not those that were written.
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, EngineError>;

    /// The longest run of at most `length` bytes from `offset` that can be sent from a file
    /// as it lies there: verified a short while ago, unchanged since, and in memory. Engines
    /// without files, and reads that must go the long way, give none.
    fn slice(self: Arc<Self>, offset: u64, length: u64) -> Option<FileSlice> {
        let _ = (offset, length);
        None
    }
}

/// Bytes of a blob as a piece of a file.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The file, open for reading.
    pub file: Arc<OwnedFd>,
    /// Where the piece begins.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
    /// Keeps the bytes where they are.
    pub reader: Arc<dyn BlobReader>,
}

/// A durable blob that no row refers to yet.
///
/// Commit a batch that [links](Batch::links) it; dropping this without such a
/// commit frees the blob.
#[derive(Debug)]
pub struct SealedBlob {
    /// What to store in the row.
    pub run: Run,
    guard: Option<DiscardGuard>,
}

impl SealedBlob {
    /// A sealed blob which calls `discard` when dropped. Engines make `discard`
    /// do nothing for a blob that was linked in the meantime.
    pub fn new(run: Run, discard: impl FnOnce(BlobId) + Send + Sync + 'static) -> Self {
        Self {
            run,
            guard: Some(DiscardGuard(Some(Box::new(discard)))),
        }
    }
}

impl Drop for SealedBlob {
    fn drop(&mut self) {
        if let Some(DiscardGuard(Some(discard))) = self.guard.take() {
            discard(self.run.blob);
        }
    }
}

struct DiscardGuard(Option<Box<dyn FnOnce(BlobId) + Send + Sync>>);

impl std::fmt::Debug for DiscardGuard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DiscardGuard")
    }
}

/// Counters per table.
pub const COUNTERS: usize = 32;

/// Names a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u64);

impl TableId {
    /// The table that always exists: what is not part of any bucket.
    pub const SYSTEM: Self = Self(0);
}

/// Kinds of rows within a table, each with an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Live newest versions: all that listing needs to see.
    Current,
    /// Newest versions that are delete markers.
    Deleted,
    /// Versions that are not the newest.
    Version,
    /// Object data kept in rows: small bodies and long manifests.
    Body,
    /// Uploads in parts.
    Upload,
    /// Parts of uploads.
    Part,
    /// Configuration.
    Config,
}

impl Family {
    /// Every family. The position is part of the on-disk format: only append.
    pub const ALL: [Self; 7] = [
        Self::Current,
        Self::Deleted,
        Self::Version,
        Self::Body,
        Self::Upload,
        Self::Part,
        Self::Config,
    ];
}

/// Which keys a scan covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub from: Bound<Vec<u8>>,
    /// Where it ends.
    pub to: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self {
        from: Bound::Unbounded,
        to: Bound::Unbounded,
    };

    /// Keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: Bound::Included(prefix.to_vec()),
            to: prefix_end(prefix),
        }
    }

    /// The rest of this range after `key`.
    #[must_use]
    pub fn after(self, key: &[u8]) -> Self {
        Self {
            from: Bound::Excluded(key.to_vec()),
            to: self.to,
        }
    }
}

/// The first key after all that begin with `prefix`, as the end of a range.
pub fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Some rows of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and values in byte order of keys.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether the range holds more rows after the last of these.
    pub more: bool,
}

/// Changes that happen together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What must hold.
    pub checks: Vec<Check>,
    /// Rows to write.
    pub puts: Vec<(Family, Bytes, Bytes)>,
    /// Rows to remove; removing one that is not there is no error.
    pub deletes: Vec<(Family, Bytes)>,
    /// References to add. Adding one twice changes nothing.
    pub links: Vec<(BlobId, RefTag)>,
    /// References to remove. A blob whose last one goes is freed.
    pub unlinks: Vec<(BlobId, RefTag)>,
    /// Numbers to add to counters: index below [`COUNTERS`], step.
    pub counters: Vec<(usize, i64)>,
}

/// Something that must hold of one row for a batch to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The row's family.
    pub family: Family,
    /// The row's key.
    pub key: Bytes,
    /// What must hold.
    pub expect: Expect,
}

/// What must hold of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is not there.
    Absent,
    /// It is there.
    Exists,
    /// It is there with exactly this value.
    Equals(Bytes),
}

/// Names a blob for ever; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u64);

/// A whole blob, as rows refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// Which blob.
    pub blob: BlobId,
    /// Its bytes.
    pub length: u64,
}

/// One reference to a blob. A row that refers to a blob keeps the tag beside it;
/// tags are random, so moving a reference from row to row needs no change of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefTag(pub u64);

/// Whom a blob was written for: kept beside its bytes, so that storage can be
/// understood without the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnerTag {
    /// The table.
    pub table: u64,
    /// A hash of the object key.
    pub key_hash: u64,
    /// The version or upload.
    pub sequence: u64,
}

/// What an engine can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Bodies of at most this many bytes are better kept in a row.
    pub inline_bytes_max: usize,
    /// Bytes of one row's value at most.
    pub value_bytes_max: usize,
    /// Bytes of one [`BlobReader::read`] at most.
    pub read_bytes_max: usize,
}

/// What went wrong, at the level of rows and blobs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A check of a batch does not hold.
    #[error("check {index} of the batch does not hold")]
    Conflict {
        /// The first such check.
        index: usize,
    },
    /// No such table.
    #[error("no such table")]
    NoTable,
    /// The table still has rows.
    #[error("the table is not empty")]
    NotEmpty,
    /// No such blob.
    #[error("no such blob")]
    NoBlob,
    /// Stored bytes are not those that were written.
    #[error("corrupt: {what}")]
    Corrupt {
        /// Where, for an operator.
        what: String,
    },
    /// No space left.
    #[error("no space left")]
    Full,
    /// The engine can't do this now; it may have stopped acknowledging writes.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// What lies beneath.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_prefixes() {
        assert_eq!(prefix_end(b"ab"), Bound::Excluded(b"ac".to_vec()));
        assert_eq!(prefix_end(b"a\xff"), Bound::Excluded(b"b".to_vec()));
        assert_eq!(prefix_end(b"\xff\xff"), Bound::Unbounded);
        assert_eq!(prefix_end(b""), Bound::Unbounded);
    }

    #[test]
    fn dropping_a_sealed_blob_discards_it() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let run = Run {
            blob: BlobId(7),
            length: 1,
        };
        drop(SealedBlob::new(run, move |blob| sender.send(blob).unwrap()));
        assert_eq!(receiver.recv(), Ok(BlobId(7)));
    }
}
