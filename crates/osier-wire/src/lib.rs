//! Dialects: how the verbs look as bytes.
//!
//! A dialect turns a request head and a small document into an `Op`, and an
//! `Outcome` or `Fault` into a response head and a document. Nothing here does
//! I/O, keeps state or knows how an object is stored.

#![warn(missing_docs)]

pub mod oss;
pub mod rpc;

/// `docs/compat.md`, whole: what works of every API.
pub fn compat_page() -> String {
    oss::compat_table() + &rpc::compat_section()
}
