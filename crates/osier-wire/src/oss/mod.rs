//! The OSS dialect.
//!
//! `request` reads what clients send, `reply` writes what they get.

mod reply;
mod request;

pub use reply::*;
pub use request::*;
