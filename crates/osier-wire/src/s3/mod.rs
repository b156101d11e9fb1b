//! The S3 dialect.
//!
//! `request` reads what clients send, `reply` writes what they get. `acl` and
//! `class` hold the words that both sides translate to those of osier; what
//! S3 can say and osier can't is refused here, by name.

pub(crate) mod acl;
pub(crate) mod class;
mod reply;
mod request;

pub use class::name as storage_class_name;
pub use reply::*;
pub use request::*;
