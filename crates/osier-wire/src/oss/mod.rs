//! The OSS dialect.
//!
//! `request` reads what clients send, `reply` writes what they get. The two
//! share nothing but the token of `ListObjectsV2`.

mod reply;
mod request;

pub use reply::*;
pub use request::*;
