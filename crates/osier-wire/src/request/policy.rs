//! Operations on a bucket's policy, the same in both dialects.
//!
//! What a policy says is not read here: that it is text is all that a dialect can tell.

use std::sync::Arc;

use osier_types::{Fault, FaultKind, Op};

use super::input::Input;

type Decoded = Result<Op, Fault>;

pub(crate) fn get(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketPolicy { bucket })
}

pub(crate) fn put(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketPolicy {
        bucket: input.bucket()?,
        document: text(input)?,
    })
}

pub(crate) fn delete(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::DeleteBucketPolicy { bucket })
}

pub(crate) fn status(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketPolicyStatus { bucket })
}

/// A policy as it came.
pub(crate) fn text(input: &Input<'_>) -> Result<Arc<str>, Fault> {
    std::str::from_utf8(input.document)
        .map(Arc::from)
        .map_err(|_| {
            Fault::new(FaultKind::MalformedPolicy {
                path: String::new(),
                reason: "the document is not UTF-8".to_owned(),
            })
        })
}
