//! Operations on a bucket as a whole.

use osier_types::{Fault, FaultKind, ObjectOwnership, Op, PublicAccessScope, PutBucket};

use super::headers::{acl as acl_of_headers, list_of};
use crate::request::fields::missing;
use crate::request::input::Input;
use crate::s3::acl;
use crate::s3::request::xml;

type Decoded = Result<Op, Fault>;

pub(crate) fn put(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let tags = xml::create_bucket(input.document)?;
    Ok(Op::PutBucket(PutBucket {
        bucket,
        acl: list_of(input.fields(), input.account)?.map(Into::into),
        storage_class: None,
        redundancy: None,
        tags,
        object_lock: input.fields().flag("x-amz-bucket-object-lock-enabled")?,
        ownership: ownership_wanted(input)?,
    }))
}

fn ownership_wanted(input: &Input<'_>) -> Result<Option<ObjectOwnership>, Fault> {
    const NAME: &str = "x-amz-object-ownership";
    let Some(word) = input.fields().text(NAME)? else {
        return Ok(None);
    };
    match ObjectOwnership::parse(word) {
        Some(ownership) => Ok(Some(ownership)),
        None => Err(Fault::argument(NAME, word, "no ownership that there is")),
    }
}

pub(crate) fn ownership(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    Ok(Op::GetBucketOwnership { bucket })
}

pub(crate) fn put_ownership(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketOwnership {
        bucket: input.bucket()?,
        ownership: xml::ownership(input.document)?,
    })
}

pub(crate) fn delete_ownership(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    Ok(Op::DeleteBucketOwnership { bucket })
}

pub(crate) fn put_acl(input: &Input<'_>) -> Decoded {
    Ok(Op::PutBucketAcl {
        bucket: input.bucket()?,
        acl: acl_of(input)?.into(),
    })
}

/// A list in the headers, or else in the document; which of both would be meant is not ours to
/// guess.
pub(super) fn acl_of(input: &Input<'_>) -> Result<acl::Acl, Fault> {
    let has_document = !input.document.trim_ascii().is_empty();
    match (acl_of_headers(input.fields(), input.account)?, has_document) {
        (Some(acl), false) => Ok(acl),
        (None, true) => acl::of_document(input.document),
        (None, false) => Err(missing("x-amz-acl")),
        (Some(_), true) => Err(FaultKind::InvalidRequest {
            reason: "a list in the headers and a document can't go together".to_owned(),
        }
        .into()),
    }
}

pub(crate) fn public_access_block(input: &Input<'_>) -> Decoded {
    scope(input).map(Op::GetPublicAccessBlock)
}

pub(crate) fn put_public_access_block(input: &Input<'_>) -> Decoded {
    Ok(Op::PutPublicAccessBlock {
        scope: scope(input)?,
        block: xml::public_access_block(input.document)?,
    })
}

pub(crate) fn delete_public_access_block(input: &Input<'_>) -> Decoded {
    scope(input).map(Op::DeletePublicAccessBlock)
}

fn scope(input: &Input<'_>) -> Result<PublicAccessScope, Fault> {
    input.bucket().map(PublicAccessScope::Bucket)
}
