//! The default engine: rows in RocksDB behind a committer of our own, blobs in
//! volume files and extent files.
//!
//! [`LocalEngine`] implements [`osier_engine::Engine`]. `docs/format.md` describes
//! every byte that it writes. It knows rows and runs of bytes, no buckets or
//! objects, and never builds a path from anything but a number.
#![warn(missing_docs)]

mod buffer;
mod collect;
mod committer;
mod core;
mod disk;
mod engine;
mod extents;
mod failure;
mod files;
mod flusher;
mod fsck;
mod group;
mod io_pool;
mod layout;
mod liveness;
mod locator;
mod meta;
mod read_buffer;
mod reader;
mod record;
mod recovery;
mod row_cache;
mod scrub;
mod settings;
mod stats;
mod stream;
mod verified;
mod verify;
mod volumes;
mod writer;

#[cfg(test)]
mod tests;

pub use collect::Collected;
pub use engine::LocalEngine;
pub use fsck::{FsckReport, Link, fsck};
pub use layout::FORMAT_VERSION;
pub use scrub::ScrubReport;
pub use settings::{LocalSettings, OpenError};
pub use stats::LocalStats;
