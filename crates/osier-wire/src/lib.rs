//! Dialects: how the verbs look as bytes.
//!
//! A dialect turns a request head and a small document into an `Op`, and an
//! `Outcome` or `Fault` into a response head and a document. Nothing here does
//! I/O, keeps state or knows how an object is stored.

#![warn(missing_docs)]

mod address;
pub mod aws;
mod checksum;
mod date;
mod dialect;
mod form;
pub mod oss;
mod reply;
mod request;
pub mod rpc;
pub mod s3;
pub mod translation;
mod xml;

pub use address::{Address, AddressStyle, Addressed, Hosts, address};
pub use checksum::{
    checksum_algorithm, checksum_of_object, checksum_plan, checksum_promise, checksum_sent,
    checksum_type,
};
pub use dialect::{Dialect, DialectChoice, ToldFault};
pub use form::{FormHead, FormParser, FormPiece};
pub use reply::cors::apply_cors;
pub use reply::head::http_date;
pub use reply::{Encoded, ReplyContext, ReplyFacts};
pub use request::route::{BodyUse, Route, RouteSpec, Scope, Support};

/// `docs/compat.md`, whole: what works of every API.
pub fn compat_page() -> String {
    oss::compat_table() + &s3::compat_section() + &rpc::compat_section() + &aws::compat_section()
}
