//! What can be set, and why opening may fail.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Settings of the local engine. The defaults keep an idle process small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// Bodies of at most this many bytes are kept in the row; at most 16 KiB.
    pub inline_bytes_max: usize,
    /// Memory for rows in front of the database.
    pub row_cache_bytes: usize,
    /// Memory for blocks of the database.
    pub block_cache_bytes: usize,
    /// Memory for rows that the database has not written to tables yet.
    pub memtable_bytes: usize,
    /// Table files of the database that are kept open.
    pub open_tables: u16,
    /// Volume and extent files that are kept open for reading.
    pub open_files: usize,
    /// Volumes written at the same time, each by a thread of its own.
    pub volume_writers: usize,
    /// Size of a volume; smaller on small file systems. At most 16 GiB.
    pub volume_bytes: u64,
    /// Free space that is kept: below it only what frees space is accepted.
    /// Smaller on small file systems.
    pub reserve_bytes: u64,
    /// Threads for reads and writes that would block; they end when idle.
    pub io_threads: usize,
    /// How long a blob stays after its last reference is gone, while there is space.
    pub collect_grace_s: u64,
    /// Pause between two passes that free blobs.
    pub collect_interval_s: u64,
    /// Days from the end of one scrub to the next; 0 turns scrubbing off.
    pub scrub_interval_days: u32,
    /// Bytes per second that a scrub reads at most.
    pub scrub_bytes_per_s: u64,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            inline_bytes_max: 4 << 10,
            row_cache_bytes: 16 << 20,
            block_cache_bytes: 16 << 20,
            memtable_bytes: 32 << 20,
            open_tables: 256,
            open_files: 256,
            volume_writers: 2,
            volume_bytes: 1 << 30,
            reserve_bytes: 64 << 20,
            io_threads: 16,
            collect_grace_s: 600,
            collect_interval_s: 30,
            scrub_interval_days: 14,
            scrub_bytes_per_s: 16 << 20,
        }
    }
}

impl LocalSettings {
    /// The settings with every value where the engine can work with it, on a file
    /// system of `total_bytes`.
    pub(crate) fn fitted(mut self, total_bytes: u64) -> Self {
        let part = |divisor: u64, least: u64, most: u64| {
            (total_bytes / divisor).max(least).min(most.max(least))
        };
        self.inline_bytes_max = self.inline_bytes_max.min(16 << 10);
        self.volume_writers = self.volume_writers.clamp(1, 16);
        self.io_threads = self.io_threads.clamp(2, 256);
        self.open_files = self.open_files.max(8);
        self.open_tables = self.open_tables.max(16);
        self.volume_bytes = part(8, 1 << 20, self.volume_bytes.min(16 << 30)) & !0xfffff;
        self.reserve_bytes = part(16, 1 << 20, self.reserve_bytes);
        let memtable = part(
            32,
            1 << 20,
            u64::try_from(self.memtable_bytes).unwrap_or(u64::MAX),
        );
        self.memtable_bytes = usize::try_from(memtable).unwrap_or(self.memtable_bytes);
        self.collect_interval_s = self.collect_interval_s.max(1);
        self.scrub_bytes_per_s = self.scrub_bytes_per_s.max(64 << 10);
        self
    }
}

/// Why a data directory can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("`{}` is in use by another process", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// It was written by a newer osier.
    #[error(
        "`{}` has format version {found}, and this osier knows versions up to {known}; \
         use the newer osier that wrote it", path.display()
    )]
    NewerFormat {
        /// The data directory.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version that this engine knows.
        known: u32,
    },
    /// It holds something else, or what it holds is damaged.
    #[error("`{}`: {what}", path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system or the database refused.
    #[error("can't open `{}`", path.display())]
    Failed {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
