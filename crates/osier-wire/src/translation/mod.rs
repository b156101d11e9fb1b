//! What an S3 client asks, as an origin is asked for it, and the origin's answer as S3 words it.
//!
//! The other side of the dialects: a request has been decoded, so that it is known what it asks
//! for and who may; here the same is said to a store elsewhere. Ids, tokens and tags of the origin
//! pass as they are, because they are its own. What OSS has no words for is refused, never left
//! out.

mod ask;
mod described;
mod document;
mod fault;
mod headers;
mod parameters;

use bytes::Bytes;
use http::{HeaderMap, Method};

pub use ask::{ask_oss, ask_s3, ask_same};
pub use document::{DELETED_ROOT, document_root, tell_document};
pub use fault::{OriginFault, tell_fault};
pub use headers::{tell_headers, with_checksum};

/// A request to an origin, but for its path and its body.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Not always the client's.
    pub method: Method,
    /// Percent-encoded, without `?`; empty for none.
    pub query: String,
    /// All of them, but those of the connection and of the signature to come.
    pub headers: HeaderMap,
    /// What is sent in the place of the client's body.
    pub document: Option<Bytes>,
}

#[cfg(test)]
mod tests;
