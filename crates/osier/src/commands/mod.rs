//! One command, one file.

pub(crate) mod cache;
pub(crate) mod config;
pub(crate) mod explain;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod key;
pub(crate) mod master_key;
pub(crate) mod serve;
pub(crate) mod version;
