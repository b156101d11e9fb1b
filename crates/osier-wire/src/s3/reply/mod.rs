//! What osier answers: outcomes and faults as S3 writes them.
//!
//! `encode` and `encode_fault` give the whole head and the document of an
//! answer; the bytes of an object are streamed by the caller.

mod compat;
mod fault;
mod head;
mod object;
mod outcome;
mod post;
mod xml;

use http::{HeaderMap, Method};
use osier_types::{Fault, Op, Outcome};

pub(crate) use compat::compat_section;
pub use compat::dialects_table;
pub use fault::{FaultWords, words};
pub(crate) use xml::NAMESPACE;
pub(crate) use xml::bucket::{acl as list_of, location as bucket_location};

use crate::{Encoded, ReplyContext, ReplyFacts};

/// The facts of `op`, which came with `headers`.
pub fn facts(op: &Op, headers: &HeaderMap) -> ReplyFacts {
    ReplyFacts {
        tells_checksums: headers
            .get("x-amz-checksum-mode")
            .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"enabled")),
        ..ReplyFacts::of(op)
    }
}

/// The answer to an operation that went well.
pub fn encode(context: &ReplyContext<'_>, facts: &ReplyFacts, outcome: &Outcome) -> Encoded {
    outcome::encode(context, facts, outcome)
}

/// The answer to a request that was refused or failed. With HEAD there is no body.
pub fn encode_fault(context: &ReplyContext<'_>, fault: &Fault, method: &Method) -> Encoded {
    fault::encode(context, fault, method)
}
