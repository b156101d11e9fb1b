//! Operations on a bucket as a whole.

use osier_types::limits::BUCKET_TAGS_MAX;
use osier_types::{BucketAcl, Fault, Op, PutBucket};

use crate::oss::request::xml;
use crate::request::fields::{missing, tags_of_form};
use crate::request::input::Input;

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
        ownership: None,
    }))
}

pub(crate) fn info(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketInfo { bucket })
}

pub(crate) fn stat(input: &Input<'_>) -> Decoded {
    input.bucket().map(|bucket| Op::GetBucketStat { bucket })
}

pub(crate) fn put_acl(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketAcl {
        bucket: input.bucket()?,
        acl: acl_header(input)?.ok_or_else(|| missing("x-oss-acl"))?,
    })
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
