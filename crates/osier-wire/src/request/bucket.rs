//! Operations on a bucket as a whole that both dialects ask for alike.

use osier_types::limits::BUCKET_TAGS_MAX;
use osier_types::{Fault, Op};

use super::input::Input;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn delete(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucket { bucket })
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::HeadBucket { bucket })
}

pub(crate) fn location(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketLocation { bucket })
}

pub(crate) fn acl(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketAcl { bucket })
}

pub(crate) fn versioning(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketVersioning { bucket })
}

pub(crate) fn put_versioning(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketVersioning {
        bucket: input.bucket()?,
        status: documents::versioning(input.document)?,
    })
}

pub(crate) fn tags(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketTags { bucket })
}

pub(crate) fn put_tags(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketTags {
        bucket: input.bucket()?,
        tags: documents::tagging(input.document, BUCKET_TAGS_MAX)?,
    })
}

pub(crate) fn delete_tags(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucketTags { bucket })
}

pub(crate) fn cors(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketCors { bucket })
}

pub(crate) fn put_cors(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketCors {
        bucket: input.bucket()?,
        cors: documents::cors(input.document)?,
    })
}

pub(crate) fn delete_cors(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucketCors { bucket })
}
