//! One answer per outcome: status, headers and which document.

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, StatusCode};
use osier_types::{ConfigKind, Copied, FaultKind, ObjectDeleted, Outcome, Written};

use super::head::{
    BUCKET_REGION, CHECKSUM_ALGORITHM, CHECKSUM_TYPE, DELETE_MARKER, Head, SOURCE_VERSION_ID,
    VERSION_ID, head,
};
use super::{fault, object, post, xml};
use crate::reply::location::location;
use crate::s3::acl::Acl;
use crate::{Encoded, ReplyContext, ReplyFacts, apply_cors};

pub(super) fn encode(context: &ReplyContext<'_>, facts: &ReplyFacts, outcome: &Outcome) -> Encoded {
    let ok = || head(context, StatusCode::OK);
    let success = || {
        let status = if facts.no_content {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::OK
        };
        head(context, status)
    };
    match outcome {
        Outcome::Done => {
            let mut head = success();
            if facts.is_bucket_head {
                head.text(BUCKET_REGION, context.region);
            }
            head.bare()
        }
        Outcome::BucketCreated(bucket) => {
            let mut head = ok();
            head.text(LOCATION, &format!("/{bucket}"));
            head.bare()
        }
        Outcome::Buckets(page) => ok().xml(xml::bucket::buckets(page)),
        Outcome::BucketLocation(location) => ok().xml(xml::bucket::location(location)),
        Outcome::BucketAcl { owner, acl } => ok().xml(xml::bucket::acl(owner, (*acl).into())),
        Outcome::BucketVersioning(status) => ok().xml(xml::bucket::versioning(*status)),
        Outcome::Tagging { tags, .. } if facts.is_bucket_tags && tags.is_empty() => {
            never_set(context, ConfigKind::Tagging)
        }
        Outcome::Tagging { tags, version } => {
            let mut head = ok();
            head.version(VERSION_ID, *version);
            head.xml(xml::bucket::tagging(tags))
        }
        Outcome::Cors(config) => ok().xml(xml::bucket::cors(config)),
        Outcome::BucketEncryption(encryption) => ok().xml(xml::protection::encryption(encryption)),
        Outcome::BucketLock(lock) => ok().xml(xml::protection::object_lock(lock)),
        Outcome::Policy(document) => ok().document(
            "application/json",
            Bytes::copy_from_slice(document.as_bytes()),
        ),
        Outcome::PolicyStatus { is_public } => ok().xml(xml::bucket::policy_status(*is_public)),
        Outcome::PublicAccessBlock { block: Some(block) } => {
            ok().xml(xml::bucket::public_access_block(*block))
        }
        Outcome::PublicAccessBlock { block: None } => {
            never_set(context, ConfigKind::PublicAccessBlock)
        }
        Outcome::BucketOwnership(ownership) => ok().xml(xml::bucket::ownership(*ownership)),
        Outcome::Retention(retention) => ok().xml(xml::protection::retention(retention)),
        Outcome::LegalHold(hold) => ok().xml(xml::protection::legal_hold(*hold)),
        Outcome::Config { kind, document } => {
            let document = document
                .clone()
                .unwrap_or_else(|| xml::bucket::never_set(*kind));
            ok().xml(document)
        }
        Outcome::Objects(page) => ok().xml(xml::list::objects(page)),
        Outcome::Versions(page) => ok().xml(xml::list::versions(page)),
        Outcome::Uploads(page) => ok().xml(xml::list::uploads(page)),
        Outcome::Parts(page) => ok().xml(xml::list::parts(context, page)),
        Outcome::Deleted(page) => ok().xml(xml::object::deleted(page)),
        Outcome::Written(written) => self::written(ok(), written).bare(),
        Outcome::Posted {
            written,
            bucket,
            key,
            success,
        } => post::encode(context, bucket, key, written, success),
        Outcome::Object(read) => {
            let mut head = ok();
            object::read(&mut head, read, facts);
            head.bare()
        }
        Outcome::ObjectAttributes(attributes) => {
            let mut head = ok();
            head.version(VERSION_ID, attributes.info.version);
            head.date(http::header::LAST_MODIFIED, attributes.info.last_modified);
            head.xml(xml::object::attributes(attributes))
        }
        Outcome::ObjectDeleted(deleted) => object_deleted(context, deleted),
        Outcome::Copied(copied) => self::copied(ok(), copied),
        Outcome::Touched(version) => {
            let mut head = success();
            head.version(VERSION_ID, *version);
            head.bare()
        }
        Outcome::ObjectAcl {
            owner,
            acl,
            version,
        } => {
            let mut head = ok();
            head.version(VERSION_ID, *version);
            head.xml(xml::bucket::acl(owner, Acl::of_object(*acl)))
        }
        Outcome::Preflight(grant) => {
            let mut head = ok();
            apply_cors(&mut head.headers, grant, true);
            head.bare()
        }
        Outcome::UploadInitiated {
            bucket,
            key,
            upload_id,
            encryption,
            checksum,
            url_encoded: _,
        } => {
            let mut head = ok();
            head.s3_encryption(encryption.as_ref());
            if let Some(plan) = checksum {
                head.fixed(CHECKSUM_ALGORITHM, plan.algorithm.name());
                head.fixed(CHECKSUM_TYPE, plan.kind.name());
            }
            head.xml(xml::object::upload_initiated(bucket, key, upload_id))
        }
        Outcome::PartUploaded {
            etag,
            md5: _,
            crc64: _,
            encryption,
            checksum,
        } => {
            let mut head = ok();
            head.s3_etag(etag);
            head.s3_encryption(encryption.as_ref());
            head.checksum(checksum.as_ref());
            head.bare()
        }
        Outcome::PartCopied {
            etag,
            last_modified,
            source_version,
            crc64: _,
            encryption,
            checksum,
        } => {
            let mut head = ok();
            head.s3_encryption(encryption.as_ref());
            head.version(SOURCE_VERSION_ID, *source_version);
            head.xml(xml::object::part_copied(
                etag,
                *last_modified,
                checksum.as_ref(),
            ))
        }
        Outcome::UploadCompleted {
            bucket,
            key,
            etag,
            crc64: _,
            version,
            encryption,
            checksum,
            url_encoded: _,
        } => {
            let mut head = ok();
            head.s3_encryption(encryption.as_ref());
            head.version(VERSION_ID, *version);
            let location = location(context, bucket, key);
            head.xml(xml::object::upload_completed(
                bucket,
                key,
                etag,
                &location,
                checksum.as_ref(),
            ))
        }
        // No request of this dialect asks for these.
        Outcome::Regions(_)
        | Outcome::Referer(_)
        | Outcome::AccessPointCreated(_)
        | Outcome::AccessPoint(_)
        | Outcome::AccessPoints(_)
        | Outcome::BucketInfo(_)
        | Outcome::BucketStat(_)
        | Outcome::WormInitiated(_)
        | Outcome::BucketWorm { .. }
        | Outcome::LiveChannels { .. }
        | Outcome::ObjectMeta(_)
        | Outcome::Appended(_)
        | Outcome::Sealed(_)
        | Outcome::Style(_)
        | Outcome::Styles(_)
        | Outcome::Processing(_)
        | Outcome::ProcessSaved(_)
        | Outcome::Symlink(_) => ok().bare(),
    }
}

/// What is no fault to OSS, which tells the neutral setting instead.
fn never_set(context: &ReplyContext<'_>, kind: ConfigKind) -> Encoded {
    fault::encode(context, &FaultKind::NoSuchConfig(kind).into(), &Method::GET)
}

fn written(mut head: Head, written: &Written) -> Head {
    head.s3_etag(&written.etag);
    head.s3_encryption(written.encryption.as_ref());
    head.object_checksum(written.checksum.as_ref());
    head.version(VERSION_ID, written.version);
    head
}

fn copied(mut head: Head, copied: &Copied) -> Encoded {
    head.version(VERSION_ID, copied.version);
    head.version(SOURCE_VERSION_ID, copied.source_version);
    head.s3_encryption(copied.encryption.as_ref());
    head.xml(xml::object::copied(copied))
}

/// 204 also where nothing was there to delete.
fn object_deleted(context: &ReplyContext<'_>, deleted: &ObjectDeleted) -> Encoded {
    let mut head = head(context, StatusCode::NO_CONTENT);
    head.version(VERSION_ID, deleted.version);
    if deleted.is_marker {
        head.fixed(DELETE_MARKER, "true");
    }
    head.bare()
}
