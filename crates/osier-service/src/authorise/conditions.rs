//! The circumstances of a request, as conditions of policies ask for them. Everything is
//! borrowed from the request.

use http::HeaderMap;
use http::header::{HeaderName, REFERER, USER_AGENT};
use osier_auth::policy::Conditions;
use osier_store::{BucketRecord, ObjectFacts};
use osier_types::{Encryption, NewObject, ObjectLock, ObjectRef, Op, Tag, Timestamp};

use super::Asking;
use crate::layers::PointLayer;

/// The circumstances in which `op` is asked for.
pub(crate) fn conditions<'a>(
    asking: &Asking<'a>,
    op: &'a Op,
    bucket: Option<&'a BucketRecord>,
    object: Option<&'a ObjectFacts>,
    point: Option<&'a PointLayer>,
) -> Conditions<'a> {
    let point = point.map(PointLayer::told);
    let listing = listing(op);
    Conditions {
        prefix: listing.map(|(prefix, _)| prefix),
        delimiter: listing.map(|(_, delimiter)| delimiter),
        acl: bucket_acl(op),
        object_acl: object_acl(op),
        canned_acl: canned_acl(asking, op),
        max_keys: max_keys(op),
        encryption: encryption(op).and_then(|encryption| match encryption {
            Encryption::Managed => Some("AES256"),
            Encryption::Kms(_) => Some("aws:kms"),
            Encryption::Customer(_) => None,
        }),
        encryption_key: encryption(op).and_then(|encryption| match encryption {
            Encryption::Kms(kms) => kms.key_id.as_deref(),
            Encryption::Managed | Encryption::Customer(_) => None,
        }),
        customer_algorithm: encryption(op).and_then(|encryption| match encryption {
            Encryption::Customer(_) => Some("AES256"),
            Encryption::Managed | Encryption::Kms(_) => None,
        }),
        bucket_tags: bucket.map_or(&[], |bucket| bucket.tags.as_slice()),
        existing_object_tags: object.map_or(&[], |object| object.tags.as_slice()),
        request_object_tags: object_tags(op),
        access_point_arn: point.map(|(arn, _, _)| arn),
        access_point_account: point.map(|(_, account, _)| account),
        access_point_network_origin: point.map(|(_, _, origin)| origin),
        resource_account: bucket.map(|bucket| bucket.owner.id.as_str()),
        storage_class: storage_class(asking, op),
        copy_source: copy_source(op),
        lock: lock(op),
        remaining_retention_days: lock(op)
            .and_then(|lock| lock.retention)
            .map(|retention| days_until(asking.now, retention.until)),
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
        caller: asking.caller,
        signing: asking.signing,
        headers: Some(asking.headers),
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
        Op::PutBucket(put) => put.acl.map(osier_types::BucketAcl::as_str),
        Op::PutBucketAcl { acl, .. } => Some(acl.as_str()),
        _ => None,
    }
}

fn object_acl(op: &Op) -> Option<&'static str> {
    match op {
        Op::PutObjectAcl { acl, .. } => Some(acl.as_str()),
        _ => new_object(op)?.acl.map(osier_types::ObjectAcl::as_str),
    }
}

/// S3's word for the list that the request would set. Two words of S3 say no more than is so
/// anyway; policies that ask for one of them by name are common.
fn canned_acl<'a>(asking: &Asking<'a>, op: &'a Op) -> Option<&'a str> {
    let kept = bucket_acl(op).or_else(|| object_acl(op));
    let sent = asking.headers.get("x-amz-acl");
    let sent = sent.and_then(|sent| sent.to_str().ok());
    let means_private =
        |sent: &&str| matches!(*sent, "bucket-owner-full-control" | "bucket-owner-read");
    let opens_nothing = kept.is_none_or(|kept| kept == "private");
    sent.filter(means_private)
        .filter(|_| opens_nothing)
        .or(kept)
}

/// S3's word for the class that the request asks for. Two words may mean one class: the one that
/// was sent counts.
fn storage_class<'a>(asking: &Asking<'a>, op: &Op) -> Option<&'a str> {
    let kept = new_object(op)?.storage_class?;
    let sent = asking.headers.get("x-amz-storage-class");
    let sent = sent.and_then(|sent| sent.to_str().ok());
    Some(sent.unwrap_or_else(|| osier_wire::s3::storage_class_name(kept)))
}

fn copy_source(op: &Op) -> Option<&ObjectRef> {
    match op {
        Op::CopyObject(copy) => Some(&copy.source.object),
        Op::UploadPartCopy(copy) => Some(&copy.source.object),
        _ => None,
    }
}

/// The retention and hold that the request would set.
fn lock(op: &Op) -> Option<ObjectLock> {
    match op {
        Op::PutObjectRetention(put) => Some(ObjectLock {
            retention: put.retention,
            legal_hold: None,
        }),
        Op::PutObjectLegalHold { hold, .. } => Some(ObjectLock {
            retention: None,
            legal_hold: Some(*hold),
        }),
        _ => new_object(op).map(|new| new.lock),
    }
}

/// Whole days, of which one that has begun is one.
fn days_until(now: Timestamp, until: Timestamp) -> u32 {
    let left = until.as_millis().saturating_sub(now.as_millis()).max(0);
    u32::try_from(left.div_euclid(DAY_MS) + i64::from(left % DAY_MS > 0)).unwrap_or(u32::MAX)
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn max_keys(op: &Op) -> Option<u32> {
    match op {
        Op::ListObjects(list) => Some(list.max_keys),
        Op::ListObjectVersions(list) => Some(list.max_keys),
        _ => None,
    }
}

fn encryption(op: &Op) -> Option<&Encryption> {
    new_object(op)?.encryption.as_ref()
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
