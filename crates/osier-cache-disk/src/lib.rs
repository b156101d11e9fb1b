//! The cache's disk: named records in append-only segment files, within a budget of bytes,
//! and a log of purges that outlives the process.
//!
//! Nothing here is the only copy of anything, so nothing but the purge log is synced: what a
//! crash tears off is found by its checksum and was never there. It knows no HTTP and
//! decides nothing about freshness.
#![warn(missing_docs)]

mod purge_log;
mod record;
mod segment;
mod tier;
mod writer;

pub use purge_log::{PurgeLog, Replayed};
pub use tier::{DiskNumbers, DiskTier, OpenError};

use bytes::Bytes;

/// What is kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The place of its fetch in the order of fetches and purges.
    pub born: u64,
    /// What describes the body.
    pub meta: Bytes,
    /// The body.
    pub body: Bytes,
}
