//! What osier answers: outcomes and faults as OSS writes them.
//!
//! `encode` and `encode_fault` give the whole head and the document of an
//! answer. The bytes of an object are not here: the head tells their length
//! and the caller streams them. `compat` tells what is answered to what.

mod compat;
mod fault;
mod head;
mod object;
mod outcome;
mod post;
mod xml;

#[cfg(test)]
mod tests;

use http::Method;
use osier_types::{Fault, Outcome};

pub(crate) use compat::compat_rows;
pub use compat::compat_table;
pub use fault::{FaultWords, words};

use crate::{Encoded, ReplyContext, ReplyFacts};

/// The answer to an operation that went well.
pub fn encode(context: &ReplyContext<'_>, facts: &ReplyFacts, outcome: &Outcome) -> Encoded {
    outcome::encode(context, facts, outcome)
}

/// The answer to a request that was refused or failed. With HEAD there is no body: the document
/// goes into `x-oss-err`.
pub fn encode_fault(context: &ReplyContext<'_>, fault: &Fault, method: &Method) -> Encoded {
    fault::encode(context, fault, method)
}
