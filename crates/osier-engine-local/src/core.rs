//! What the parts of the engine share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use osier_engine::{BlobId, EngineError, TableId};
use osier_types::{Clock, Timestamp};
use rustix::io::Errno;

use crate::collect::CollectorQueue;
use crate::committer::CommitQueue;
use crate::disk;
use crate::extents::Extents;
use crate::failure::{Health, closed, disk_error};
use crate::files::Files;
use crate::io_pool::IoPool;
use crate::layout::Layout;
use crate::liveness::Liveness;
use crate::meta::{Meta, OwnChange};
use crate::read_buffer::ReadBuffers;
use crate::row_cache::RowCache;
use crate::scrub::ScrubQueue;
use crate::settings::LocalSettings;
use crate::stats::Tally;
use crate::verified::Verified;
use crate::volumes::Volumes;

/// The engine without its threads.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: LocalSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) nonce: u64,
    pub(crate) layout: Layout,
    pub(crate) health: Health,
    /// Taken out and dropped when the engine closes.
    pub(crate) meta: RwLock<Option<Meta>>,
    pub(crate) rows: RowCache,
    pub(crate) tables: RwLock<HashSet<TableId>>,
    pub(crate) commits: CommitQueue,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) volumes: Volumes,
    pub(crate) extents: Extents,
    pub(crate) files: Files,
    pub(crate) read_buffers: Arc<ReadBuffers>,
    pub(crate) verified: Verified,
    /// Whether volumes are written past the page cache; see where holes are punched (`collect.rs`).
    pub(crate) direct: bool,
    pub(crate) pool: IoPool,
    pub(crate) collector: CollectorQueue,
    pub(crate) scrubs: ScrubQueue,
    pub(crate) tally: Tally,
    /// The database found no space and refuses every write until it is reopened.
    pub(crate) stalled: AtomicBool,
    /// Blobs of commits that failed then: nobody knows yet whether they are linked.
    pub(crate) uncertain: Mutex<Vec<u64>>,
    /// Free bytes seen last, for the stats.
    pub(crate) free_bytes: AtomicU64,
}

impl Core {
    /// Calls `work` with the database while it is open.
    pub(crate) fn with_meta<T>(
        &self,
        work: impl FnOnce(&Meta) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let meta = self.meta.read().unwrap_or_else(PoisonError::into_inner);
        work(meta.as_ref().ok_or_else(closed)?)
    }

    pub(crate) fn has_table(&self, table: TableId) -> bool {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.contains(&table)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Bytes free on the file system.
    pub(crate) fn free_bytes(&self) -> Result<u64, EngineError> {
        let (free, _) = disk::space(self.layout.root())
            .map_err(|errno| disk_error("asking for free space failed", errno))?;
        self.free_bytes
            .store(free, std::sync::atomic::Ordering::Relaxed);
        Ok(free)
    }

    /// Refuses when `bytes` more would touch the reserve; then what can be freed is.
    pub(crate) fn check_space(&self, bytes: u64) -> Result<(), EngineError> {
        if self.free_bytes()?.saturating_sub(bytes) < self.settings.reserve_bytes {
            self.collector.hurry();
            return Err(EngineError::Full);
        }
        Ok(())
    }

    /// Changes rows of the engine's own, durably, from a thread of the engine.
    pub(crate) fn change_own(&self, changes: Vec<OwnChange>) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.commits.own(changes)
    }

    /// A write of blob bytes failed. What it may have damaged nobody was told of,
    /// but a disk that fails once is not to be trusted.
    pub(crate) fn write_failed(&self, what: &str, errno: Errno) -> EngineError {
        let error = disk_error(what, errno);
        if matches!(error, EngineError::Full) {
            self.collector.hurry();
        } else {
            self.health.poison(&format!("{what}: {errno}"));
        }
        error
    }

    /// What a sealed blob does when nobody linked it.
    pub(crate) fn discard(&self, blob: BlobId) {
        if self.liveness.discard(blob.0) {
            self.collector.wake();
        }
    }
}
