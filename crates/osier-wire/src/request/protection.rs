//! Operations on encryption, retention and legal hold that both dialects ask for alike.

use osier_types::{Fault, Op};

use super::input::Input;
use crate::xml::protection;

type Decoded = Result<Op, Fault>;

pub(crate) fn encryption(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketEncryption { bucket })
}

pub(crate) fn delete_encryption(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::DeleteBucketEncryption { bucket })
}

pub(crate) fn object_lock(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketObjectLock { bucket })
}

pub(crate) fn retention(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetObjectRetention)
}

pub(crate) fn legal_hold(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetObjectLegalHold)
}

pub(crate) fn put_legal_hold(input: &Input<'_>) -> Decoded {
    Ok(Op::PutObjectLegalHold {
        object: input.object_ref()?,
        hold: protection::legal_hold(input.document)?,
    })
}
