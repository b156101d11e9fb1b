//! The S3 dialect.
//!
//! `request` reads what clients send, `reply` writes what they get. `acl`,
//! `class` and `encoded_word` hold what both sides translate to osier's; what
//! S3 can say and osier can't is refused here, by name.

pub(crate) mod acl;
pub(crate) mod class;
pub(crate) mod encoded_word;
mod reply;
mod request;

pub use class::name as storage_class_name;
pub use reply::*;
pub use request::*;
