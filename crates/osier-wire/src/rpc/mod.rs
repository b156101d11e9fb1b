//! The control APIs (STS, RAM, CDN): flat parameters in, JSON or XML documents out.
//!
//! `recognise` tells such a request from one of the object store, with which it shares its
//! port; `decode` reads its parameters, after their signature was checked; `encode` and
//! `encode_fault` write the answers. One table, `OPERATIONS`, says what there is.

mod cdn;
mod compat;
mod document;
mod operations;
mod outcome;
mod parameters;
mod recognise;
mod reply;

#[cfg(test)]
mod tests;

pub use cdn::{CDN_OPERATIONS, cdn_operation, decode_cdn, encode_cdn, encode_cdn_fault};
pub use compat::compat_section;
pub(crate) use document::Fields;
pub use operations::{Api, OPERATIONS, Operation, Parameter, ParameterKind, decode, operation};
pub(crate) use parameters::Parameters;
pub use recognise::{Recognition, form_of_control, recognise};
pub use reply::{Format, RpcContext, encode, encode_fault, family};
