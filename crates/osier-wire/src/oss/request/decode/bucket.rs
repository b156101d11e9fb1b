//! Operations on a bucket as a whole.

use osier_types::limits::BUCKET_TAGS_MAX;
use osier_types::{BucketAcl, Fault, Op, PutBucket};

use crate::oss::request::xml;
use crate::request::fields::{missing, tags_of_form};
use crate::request::input::Input;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn put(input: &Input<'_>) -> Decoded {
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

pub(crate) fn delete(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::DeleteBucket { bucket })
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::HeadBucket { bucket })
}

pub(crate) fn info(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketInfo { bucket })
}

pub(crate) fn stat(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketStat { bucket })
}

pub(crate) fn location(input: &Input<'_>) -> Decoded {
    input
        .bucket()
        .map(|bucket| Op::GetBucketLocation { bucket })
}

pub(crate) fn acl(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketAcl { bucket })
}

pub(crate) fn put_acl(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketAcl {
        bucket: input.bucket()?,
        acl: acl_header(input)?.ok_or_else(|| missing("x-oss-acl"))?,
    })
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
