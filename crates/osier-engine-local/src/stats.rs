//! Numbers for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::Core;

/// What the engine has done since it was opened, and how it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalStats {
    /// Batches written.
    pub commits: u64,
    /// Groups they were written in; commits divided by groups is the group size.
    pub commit_groups: u64,
    /// Small blobs written to volumes.
    pub volume_appends: u64,
    /// Groups they were synced in.
    pub volume_flushes: u64,
    /// Bytes given out in volumes.
    pub volume_bytes_written: u64,
    /// Bytes of blobs given back.
    pub freed_bytes: u64,
    /// Blobs whose last reference is gone and that still take space, about.
    pub garbage_blobs: u64,
    /// Blobs being written, waiting for their commit, or left by a crash.
    pub unlinked_blobs: u64,
    /// Bytes of the row cache in use.
    pub row_cache_bytes: u64,
    /// Bytes of the metadata on disk.
    pub metadata_bytes: u64,
    /// Bytes of the metadata that is not in table files yet.
    pub memtable_bytes: u64,
    /// Blobs that scrubs have read.
    pub scrubbed_blobs: u64,
    /// Damage that scrubs have found.
    pub damaged: u64,
    /// Free bytes of the file system when they were last looked at.
    pub free_bytes: u64,
    /// Whether writing has stopped after a failure of the disk.
    pub poisoned: bool,
}

/// Running counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) commits: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) volume_bytes: AtomicU64,
    pub(crate) freed_bytes: AtomicU64,
    pub(crate) scrubbed_blobs: AtomicU64,
    pub(crate) damaged: AtomicU64,
}

/// The numbers now.
pub(crate) fn stats(core: &Core) -> LocalStats {
    let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
    let wide = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    let mut stats = LocalStats {
        commits: count(&core.tally.commits),
        commit_groups: count(&core.tally.groups),
        volume_appends: count(&core.tally.appends),
        volume_flushes: count(&core.tally.flushes),
        volume_bytes_written: count(&core.tally.volume_bytes),
        freed_bytes: count(&core.tally.freed_bytes),
        unlinked_blobs: wide(core.liveness.unlinked_count()),
        row_cache_bytes: wide(core.rows.bytes()),
        scrubbed_blobs: count(&core.tally.scrubbed_blobs),
        damaged: count(&core.tally.damaged),
        free_bytes: count(&core.free_bytes),
        poisoned: core.health.is_poisoned(),
        ..LocalStats::default()
    };
    let _ = core.with_meta(|meta| {
        stats.metadata_bytes = meta.property("rocksdb.total-sst-files-size");
        stats.memtable_bytes = meta.property("rocksdb.cur-size-all-mem-tables");
        stats.garbage_blobs = meta.garbage_estimate();
        Ok(())
    });
    stats
}
