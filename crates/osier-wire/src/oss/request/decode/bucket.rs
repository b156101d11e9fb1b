//! Operations on a bucket as a whole.

use osier_types::limits::BUCKET_TAGS_MAX;
use osier_types::{BucketAcl, Fault, Op, PutBucket};

use super::headers::tags_of_form;
use super::{Input, missing};
use crate::oss::request::xml;

type Decoded = Result<Op, Fault>;

pub(in crate::oss::request) fn put(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let (storage_class, redundancy) = xml::create_bucket(input.document)?;
    let tags = input
        .fields()
        .get("x-oss-bucket-tagging")
        .filter(|value| !value.is_empty())
        .map(|value| tags_of_form(value, BUCKET_TAGS_MAX))
        .transpose()?;
    Ok(Op::PutBucket(PutBucket {
        bucket,
        acl: acl_header(input)?,
        storage_class,
        redundancy,
        tags,
        object_lock: false,
    }))
}

pub(in crate::oss::request) fn delete(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucket { bucket })
}

pub(in crate::oss::request) fn head(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::HeadBucket { bucket })
}

pub(in crate::oss::request) fn info(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketInfo { bucket })
}

pub(in crate::oss::request) fn stat(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketStat { bucket })
}

pub(in crate::oss::request) fn location(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketLocation { bucket })
}

pub(in crate::oss::request) fn acl(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketAcl { bucket })
}

pub(in crate::oss::request) fn put_acl(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketAcl {
        bucket: input.bucket()?,
        acl: acl_header(input)?.ok_or_else(|| missing("x-oss-acl"))?,
    })
}

pub(in crate::oss::request) fn versioning(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketVersioning { bucket })
}

pub(in crate::oss::request) fn put_versioning(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketVersioning {
        bucket: input.bucket()?,
        status: xml::versioning(input.document)?,
    })
}

pub(in crate::oss::request) fn tags(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketTags { bucket })
}

pub(in crate::oss::request) fn put_tags(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketTags {
        bucket: input.bucket()?,
        tags: xml::tagging(input.document, BUCKET_TAGS_MAX)?,
    })
}

pub(in crate::oss::request) fn delete_tags(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucketTags { bucket })
}

pub(in crate::oss::request) fn cors(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketCors { bucket })
}

pub(in crate::oss::request) fn put_cors(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketCors {
        bucket: input.bucket()?,
        cors: xml::cors(input.document)?,
    })
}

pub(in crate::oss::request) fn delete_cors(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucketCors { bucket })
}

fn acl_header(input: &Input<'_>) -> Result<Option<BucketAcl>, Fault> {
    input
        .fields()
        .text("x-oss-acl")?
        .map(|word| {
            BucketAcl::parse(word)
                .map_err(|_| Fault::argument("x-oss-acl", word, "not an access-control list"))
        })
        .transpose()
}
