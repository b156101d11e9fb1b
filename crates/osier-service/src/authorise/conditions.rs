//! The circumstances of a request, as conditions of policies ask for them. Everything is
//! borrowed from the request.

use http::HeaderMap;
use http::header::{HeaderName, REFERER, USER_AGENT};
use osier_auth::policy::Conditions;
use osier_store::{BucketRecord, ObjectFacts};
use osier_types::{BucketAcl, NewObject, ObjectAcl, Op, Tag};

use super::Asking;

/// The circumstances in which `op` is asked for.
pub(crate) fn conditions<'a>(
    asking: &Asking<'a>,
    op: &'a Op,
    bucket: Option<&'a BucketRecord>,
    object: Option<&'a ObjectFacts>,
) -> Conditions<'a> {
    let listing = listing(op);
    Conditions {
        prefix: listing.map(|(prefix, _)| prefix),
        delimiter: listing.map(|(_, delimiter)| delimiter),
        acl: bucket_acl(op),
        object_acl: object_acl(op),
        bucket_tags: bucket.map_or(&[], |bucket| bucket.tags.as_slice()),
        existing_object_tags: object.map_or(&[], |object| object.tags.as_slice()),
        request_object_tags: object_tags(op),
        ..circumstances(asking)
    }
}

/// What holds of every request, whatever it asks for.
pub(crate) fn circumstances<'a>(asking: &Asking<'a>) -> Conditions<'a> {
    Conditions {
        source_ip: Some(asking.source.address),
        source_vpc: asking.source.vpc.as_deref(),
        user_agent: text(asking.headers, &USER_AGENT),
        current_time: Some(asking.now),
        secure_transport: Some(asking.source.secure),
        access_id: asking.access_key_id,
        referer: text(asking.headers, &REFERER),
        ..Conditions::default()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Prefix and delimiter of a list; empty where the request names none.
fn listing(op: &Op) -> Option<(&str, &str)> {
    match op {
        Op::ListObjects(list) => Some((&list.prefix, &list.delimiter)),
        Op::ListObjectVersions(list) => Some((&list.prefix, &list.delimiter)),
        Op::ListMultipartUploads(list) => Some((&list.prefix, &list.delimiter)),
        _ => None,
    }
}

fn bucket_acl(op: &Op) -> Option<&'static str> {
    match op {
        Op::PutBucket(put) => put.acl.map(BucketAcl::as_str),
        Op::PutBucketAcl { acl, .. } => Some(acl.as_str()),
        _ => None,
    }
}

fn object_acl(op: &Op) -> Option<&'static str> {
    match op {
        Op::PutObjectAcl { acl, .. } => Some(acl.as_str()),
        _ => new_object(op)?.acl.map(ObjectAcl::as_str),
    }
}

fn object_tags(op: &Op) -> &[Tag] {
    let tags = match op {
        Op::PutObjectTagging { tags, .. } => Some(tags),
        _ => new_object(op).and_then(|new| new.tags.as_ref()),
    };
    tags.map_or(&[], |tags| tags.as_slice())
}

/// What a request says about the object that it makes.
fn new_object(op: &Op) -> Option<&NewObject> {
    match op {
        Op::PutObject(put) => Some(&put.new),
        Op::PostObject(post) => Some(&post.put.new),
        Op::AppendObject(append) => Some(&append.new),
        Op::PutSymlink(link) => Some(&link.new),
        Op::InitiateMultipartUpload(upload) => Some(&upload.new),
        Op::CopyObject(copy) => Some(&copy.new),
        _ => None,
    }
}
