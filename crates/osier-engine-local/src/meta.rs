//! The metadata database: RocksDB with a column family per family of rows, one for
//! references, one for garbage and one for our own words.
//!
//! Knows keys and bytes; what must hold between them is the committer's matter.

use std::collections::HashSet;
use std::ops::Bound;

use bytes::Bytes;
use osier_engine::{BlobId, COUNTERS, EngineError, Family, KeyRange, Page, RefTag, TableId};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRawIterator, Options, ReadOptions, SliceTransform, WriteBatch, WriteOptions,
};

use crate::failure::{corrupt, database_error, unavailable};
use crate::layout::Layout;
use crate::settings::{LocalSettings, OpenError};

/// The open database.
pub(crate) struct Meta {
    db: DB,
}

impl std::fmt::Debug for Meta {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Meta").finish_non_exhaustive()
    }
}

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Space {
    Rows(Family),
    /// blob, tag -> nothing.
    References,
    /// When the last reference of a blob went, and the blob -> nothing.
    Garbage,
    /// Tables, counters and the engine's own numbers.
    System,
}

/// One change of a row of the engine's own.
#[derive(Clone, Debug)]
pub(crate) struct OwnChange {
    pub space: Space,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

impl Space {
    pub(crate) const ALL: [Self; 10] = [
        Self::Rows(Family::Current),
        Self::Rows(Family::Deleted),
        Self::Rows(Family::Version),
        Self::Rows(Family::Body),
        Self::Rows(Family::Upload),
        Self::Rows(Family::Part),
        Self::Rows(Family::Config),
        Self::References,
        Self::Garbage,
        Self::System,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rows(Family::Current) => "current",
            Self::Rows(Family::Deleted) => "deleted",
            Self::Rows(Family::Version) => "version",
            Self::Rows(Family::Body) => "body",
            Self::Rows(Family::Upload) => "upload",
            Self::Rows(Family::Part) => "part",
            Self::Rows(Family::Config) => "config",
            Self::References => "blobref",
            Self::Garbage => "gc",
            Self::System => "sys",
        }
    }
}

impl Meta {
    pub(crate) fn open(layout: &Layout, settings: &LocalSettings) -> Result<Self, OpenError> {
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let families = std::iter::once(ColumnFamilyDescriptor::new("default", Options::default()))
            .chain(Space::ALL.into_iter().map(|space| {
                ColumnFamilyDescriptor::new(space.name(), space_options(space, &cache, settings))
            }));
        let path = layout.meta();
        let db = DB::open_cf_descriptors(&database_options(settings), &path, families).map_err(
            |source| OpenError::Failed {
                path,
                source: Box::new(source),
            },
        )?;
        Ok(Self { db })
    }

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let found = self
            .db
            .get_pinned_cf(self.column(space)?, key)
            .map_err(database_error)?;
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    pub(crate) fn number(&self, key: &[u8]) -> Result<Option<u64>, EngineError> {
        let Some(value) = self.get(Space::System, key)? else {
            return Ok(None);
        };
        let bytes = value
            .as_ref()
            .try_into()
            .map_err(|_| corrupt("a number of the engine has not 8 bytes"))?;
        Ok(Some(u64::from_le_bytes(bytes)))
    }

    pub(crate) fn scan(
        &self,
        table: TableId,
        family: Family,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError> {
        let (lower, upper) = bounds(table, range);
        if upper.as_ref().is_some_and(|upper| *upper <= lower) {
            return Ok(Page::default());
        }
        let mut page = Page::default();
        let mut bytes = 0;
        let mut rows = self.iterate(Space::Rows(family), &lower, upper, true)?;
        while let Some((key, value)) = rows.item() {
            if page.rows.len() >= limit || bytes >= PAGE_BYTES {
                page.more = true;
                break;
            }
            bytes += key.len() + value.len();
            let key = Bytes::copy_from_slice(key.get(8..).unwrap_or_default());
            page.rows.push((key, Bytes::copy_from_slice(value)));
            rows.next();
        }
        rows.status().map_err(database_error)?;
        Ok(page)
    }

    /// An iterator at the first row not below `lower`.
    pub(crate) fn iterate(
        &self,
        space: Space,
        lower: &[u8],
        upper: Option<Vec<u8>>,
        fill_cache: bool,
    ) -> Result<DBRawIterator<'_>, EngineError> {
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        options.fill_cache(fill_cache);
        options.set_verify_checksums(true);
        if let Some(upper) = upper {
            options.set_iterate_upper_bound(upper);
        }
        let mut rows = self.db.raw_iterator_cf_opt(self.column(space)?, options);
        rows.seek(lower);
        Ok(rows)
    }

    /// Whether there is a row with a key in `lower..upper`.
    pub(crate) fn any(
        &self,
        space: Space,
        lower: &[u8],
        upper: Option<Vec<u8>>,
    ) -> Result<bool, EngineError> {
        let rows = self.iterate(space, lower, upper, true)?;
        let found = rows.valid();
        rows.status().map_err(database_error)?;
        Ok(found)
    }

    /// The references to one blob, in order, as long as `wanted` says so.
    pub(crate) fn references(
        &self,
        blob: u64,
        mut wanted: impl FnMut(u64) -> bool,
    ) -> Result<(), EngineError> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let mut rows = self
            .db
            .raw_iterator_cf_opt(self.column(Space::References)?, options);
        rows.seek(blob.to_be_bytes());
        while let Some(key) = rows.key() {
            let (found, tag) = reference_of(key)?;
            if found.0 != blob || !wanted(tag.0) {
                break;
            }
            rows.next();
        }
        rows.status().map_err(database_error)
    }

    pub(crate) fn has_references(&self, blob: u64) -> Result<bool, EngineError> {
        let mut found = false;
        self.references(blob, |_| {
            found = true;
            false
        })?;
        Ok(found)
    }

    pub(crate) fn put(
        &self,
        batch: &mut WriteBatch,
        space: Space,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), EngineError> {
        batch.put_cf(self.column(space)?, key, value);
        Ok(())
    }

    pub(crate) fn delete(
        &self,
        batch: &mut WriteBatch,
        space: Space,
        key: &[u8],
    ) -> Result<(), EngineError> {
        batch.delete_cf(self.column(space)?, key);
        Ok(())
    }

    /// Removes every row of a table.
    pub(crate) fn delete_rows(
        &self,
        batch: &mut WriteBatch,
        table: TableId,
    ) -> Result<(), EngineError> {
        for family in Family::ALL {
            let (lower, upper) = bounds(table, &KeyRange::ALL);
            let upper = upper.unwrap_or_else(|| vec![0xff; 9]);
            batch.delete_range_cf(self.column(Space::Rows(family))?, lower, upper);
        }
        Ok(())
    }

    /// Writes a batch and waits until it is on disk.
    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(batch, &options)
    }

    /// Writes what is in memory to table files, so that the next start is quick.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        for space in Space::ALL {
            self.db
                .flush_cf(self.column(space)?)
                .map_err(database_error)?;
        }
        Ok(())
    }

    /// Links in order, from after `last` on.
    pub(crate) fn links(
        &self,
        last: Option<(BlobId, RefTag)>,
        limit: usize,
    ) -> Result<Vec<(BlobId, RefTag)>, EngineError> {
        let lower = last.map_or(Vec::new(), |(blob, tag)| {
            let mut key = reference_key(blob.0, tag.0).to_vec();
            key.push(0);
            key
        });
        let mut links = Vec::new();
        let mut rows = self.iterate(Space::References, &lower, None, false)?;
        while links.len() < limit
            && let Some(key) = rows.key()
        {
            links.push(reference_of(key)?);
            rows.next();
        }
        rows.status().map_err(database_error)?;
        Ok(links)
    }

    /// Every blob that waits to be freed.
    pub(crate) fn garbage(&self) -> Result<HashSet<u64>, EngineError> {
        let mut blobs = HashSet::new();
        let mut rows = self.iterate(Space::Garbage, &[], None, false)?;
        while let Some(key) = rows.key() {
            blobs.insert(garbage_of(key)?.1);
            rows.next();
        }
        rows.status().map_err(database_error)?;
        Ok(blobs)
    }

    /// About how many blobs wait to be freed.
    pub(crate) fn garbage_estimate(&self) -> u64 {
        let name = "rocksdb.estimate-num-keys";
        self.column(Space::Garbage)
            .ok()
            .and_then(|column| self.db.property_int_value_cf(column, name).ok().flatten())
            .unwrap_or_default()
    }

    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    /// A number that the database keeps about itself, summed over its families.
    pub(crate) fn property(&self, name: &str) -> u64 {
        Space::ALL
            .into_iter()
            .filter_map(|space| self.column(space).ok())
            .filter_map(|column| self.db.property_int_value_cf(column, name).ok().flatten())
            .sum()
    }

    fn column(&self, space: Space) -> Result<&ColumnFamily, EngineError> {
        self.db
            .cf_handle(space.name())
            .ok_or_else(|| unavailable("a column family is missing"))
    }
}

/// The key of a row in its column family.
pub(crate) fn row_key(table: TableId, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + key.len());
    bytes.extend_from_slice(&table.0.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

pub(crate) fn reference_key(blob: u64, tag: u64) -> [u8; 16] {
    (u128::from(blob) << 64 | u128::from(tag)).to_be_bytes()
}

pub(crate) fn reference_of(key: &[u8]) -> Result<(BlobId, RefTag), EngineError> {
    let bytes: [u8; 16] = key
        .try_into()
        .map_err(|_| corrupt("the key of a reference or garbage row has not 16 bytes"))?;
    let both = u128::from_be_bytes(bytes);
    let low = u64::try_from(both & u128::from(u64::MAX)).unwrap_or_default();
    let high = u64::try_from(both >> 64).unwrap_or_default();
    Ok((BlobId(high), RefTag(low)))
}

/// A row of the garbage list: since when, and which blob. In order of time, so that
/// a pass sees only what is due.
pub(crate) fn garbage_key(since: i64, blob: u64) -> [u8; 16] {
    reference_key(u64::try_from(since).unwrap_or(0), blob)
}

pub(crate) fn garbage_of(key: &[u8]) -> Result<(i64, u64), EngineError> {
    let (since, blob) = reference_of(key)?;
    Ok((i64::try_from(since.0).unwrap_or(i64::MAX), blob.0))
}

pub(crate) const TABLE_PREFIX: u8 = b't';
const COUNTER_PREFIX: u8 = b'c';
pub(crate) const VOLUME_PREFIX: u8 = b'v';
/// The random number of this store.
pub(crate) const NONCE: &[u8] = b"n-nonce";
/// No volume with a number below was ever left out of use.
pub(crate) const NEXT_VOLUME: &[u8] = b"n-next-volume";
/// No extent with this sequence or a higher one was ever written.
pub(crate) const EXTENT_MARK: &[u8] = b"n-extent-mark";
/// Every extent below is linked, garbage or gone.
pub(crate) const EXTENT_CLEAN: &[u8] = b"n-extent-clean";
/// Where the scrub is: its last blob.
pub(crate) const SCRUB_CURSOR: &[u8] = b"n-scrub-cursor";
/// When the last scrub ended.
pub(crate) const SCRUB_ENDED: &[u8] = b"n-scrub-ended";

pub(crate) fn table_key(table: TableId) -> Vec<u8> {
    own_key(TABLE_PREFIX, table.0)
}

pub(crate) fn counters_key(table: TableId) -> Vec<u8> {
    own_key(COUNTER_PREFIX, table.0)
}

/// Up to where every record of a volume is linked, garbage or gone.
pub(crate) fn volume_key(number: u64) -> Vec<u8> {
    own_key(VOLUME_PREFIX, number)
}

pub(crate) fn own_key(prefix: u8, number: u64) -> Vec<u8> {
    let mut key = vec![prefix];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number in a key that [`own_key`] made.
pub(crate) fn own_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..)?.try_into().ok()?))
}

pub(crate) fn encode_counters(counters: &[i64; COUNTERS]) -> Vec<u8> {
    counters.iter().flat_map(|it| it.to_le_bytes()).collect()
}

pub(crate) fn decode_counters(bytes: &[u8]) -> Result<[i64; COUNTERS], EngineError> {
    if bytes.len() != COUNTERS * 8 {
        return Err(corrupt("the counters of a table have a wrong length"));
    }
    let mut counters = [0; COUNTERS];
    for (counter, bytes) in counters.iter_mut().zip(bytes.chunks_exact(8)) {
        *counter = i64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    Ok(counters)
}

/// A range of a table as a range of row keys.
fn bounds(table: TableId, range: &KeyRange) -> (Vec<u8>, Option<Vec<u8>>) {
    // The first key after `key` is `key` with a zero byte behind.
    let next = |key: &[u8]| {
        let mut key = row_key(table, key);
        key.push(0);
        key
    };
    let lower = match &range.from {
        Bound::Included(from) => row_key(table, from),
        Bound::Excluded(from) => next(from),
        Bound::Unbounded => row_key(table, &[]),
    };
    let upper = match &range.to {
        Bound::Included(to) => Some(next(to)),
        Bound::Excluded(to) => Some(row_key(table, to)),
        Bound::Unbounded => table
            .0
            .checked_add(1)
            .map(|table| row_key(TableId(table), &[])),
    };
    (lower, upper)
}

fn database_options(settings: &LocalSettings) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_max_open_files(i32::from(settings.open_tables));
    options.set_max_file_opening_threads(2);
    options.set_max_background_jobs(3);
    options.set_db_write_buffer_size(settings.memtable_bytes);
    options.set_max_total_wal_size(2 * u64::try_from(settings.memtable_bytes).unwrap_or(1 << 26));
    // A log in the place of an old one doesn't grow: syncing it writes no inode.
    options.set_recycle_log_file_num(2);
    options.set_bytes_per_sync(1 << 20);
    options.set_avoid_unnecessary_blocking_io(true);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_max_manifest_file_size(16 << 20);
    options.set_compaction_readahead_size(1 << 20);
    options
}

fn space_options(space: Space, cache: &Cache, settings: &LocalSettings) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(10.0, false);
    table.set_block_size(8 << 10);
    table.set_format_version(5);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_write_buffer_size(settings.memtable_bytes / 2);
    options.set_max_write_buffer_number(3);
    options.set_arena_block_size(128 << 10);
    options.set_target_file_size_base(32 << 20);
    options.set_max_bytes_for_level_base(128 << 20);
    if space == Space::References {
        options.set_prefix_extractor(SliceTransform::create_fixed_prefix(8));
        options.set_memtable_prefix_bloom_ratio(0.05);
    }
    options
}

/// Bytes of one page of a scan, so that a page of large rows stays small.
const PAGE_BYTES: usize = 16 << 20;
