//! Dialects: how the verbs look as bytes.
//!
//! A dialect turns a request head and a small document into an `Op`, and an
//! `Outcome` or `Fault` into a response head and a document. Nothing here does
//! I/O, keeps state or knows how an object is stored.

#![warn(missing_docs)]

mod checksum;
pub mod oss;

pub use checksum::{
    checksum_algorithm, checksum_of_object, checksum_plan, checksum_promise, checksum_sent,
    checksum_type,
};
