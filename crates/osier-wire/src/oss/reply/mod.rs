//! What osier answers: outcomes and faults as OSS writes them.
//!
//! `encode` and `encode_fault` give the whole head and the document of an
//! answer. The bytes of an object are not here: the head tells their length
//! and the caller streams them. `compat` tells what is answered to what.

mod compat;
mod cors;
mod date;
mod fault;
mod head;
mod object;
mod outcome;
mod post;
mod xml;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Method;
use http::response::Parts;
use osier_types::{BucketName, ConfigKind, Fault, Op, Outcome, Timestamp};

pub use compat::compat_table;
pub use cors::apply_cors;
pub use fault::{FaultWords, words};
pub use head::http_date;

/// What an answer needs to know of its request and of the server.
#[derive(Clone, Copy, Debug)]
pub struct ReplyContext<'a> {
    /// 24 upper-case hex digits.
    pub request_id: &'a str,
    /// `Host` as the client sent it, port included: `HostId` of errors, and where locations
    /// of new objects point to.
    pub host: &'a str,
    /// Whether that host names the bucket (virtual-host style).
    pub bucket_in_host: bool,
    /// Host and port under which this client reaches the service: its own `Host` without the
    /// bucket. Clients reconnect to it (`ExtranetEndpoint`).
    pub endpoint: &'a str,
    /// `http` or `https`, as the client came in.
    pub scheme: &'a str,
    /// Account id of the owner, for documents that name one without an [`Outcome`] telling it.
    pub owner_id: &'a str,
    /// When the answer is written.
    pub now: Timestamp,
    /// How long the request took, in milliseconds.
    pub elapsed_ms: u64,
}

/// What an answer needs to know of its [`Op`], taken before the op is carried out.
#[derive(Clone, Debug, Default)]
pub struct ReplyFacts {
    /// The bucket it is about.
    pub bucket: Option<BucketName>,
    /// Whether `Done` and `Touched` mean 204.
    pub no_content: bool,
}

/// An answer. For reads of objects `body` is empty and the head tells the length of the bytes.
#[derive(Debug)]
pub struct Encoded {
    /// Status and headers.
    pub head: Parts,
    /// The document, often empty. Always empty for HEAD.
    pub body: Bytes,
}

impl ReplyFacts {
    /// The facts of `op`.
    pub fn of(op: &Op) -> Self {
        let no_content = match op {
            // Removal of these two is a POST, and answers like one.
            Op::DeleteBucketConfig { kind, .. } => {
                !matches!(kind, ConfigKind::Cname | ConfigKind::Replication)
            }
            Op::DeleteBucket { .. }
            | Op::DeleteBucketTags { .. }
            | Op::DeleteBucketCors { .. }
            | Op::DeleteBucketEncryption { .. }
            | Op::AbortBucketWorm { .. }
            | Op::DeleteObject(_)
            | Op::DeleteObjectTagging(_)
            | Op::AbortMultipartUpload(_) => true,
            _ => false,
        };
        Self {
            bucket: op.bucket().cloned(),
            no_content,
        }
    }
}

/// The answer to an operation that went well.
pub fn encode(context: &ReplyContext<'_>, facts: &ReplyFacts, outcome: &Outcome) -> Encoded {
    outcome::encode(context, facts, outcome)
}

/// The answer to a request that was refused or failed. With HEAD there is no body: the document
/// goes into `x-oss-err`.
pub fn encode_fault(context: &ReplyContext<'_>, fault: &Fault, method: &Method) -> Encoded {
    fault::encode(context, fault, method)
}
