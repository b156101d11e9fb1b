//! One answer per outcome: status, headers and which document.

use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use osier_types::{ConfigKind, Copied, ObjectDeleted, Outcome, ProcessSaved, Written};

use super::head::{
    CRC64, DELETE_MARKER, Head, NEXT_APPEND_POSITION, SEALED_TIME, SOURCE_VERSION_ID, VERSION_ID,
    WORM_ID, head,
};
use super::post;
use super::xml;
use crate::reply::location::location;
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
        Outcome::Done => success().bare(),
        Outcome::BucketCreated(bucket) => {
            let mut head = ok();
            head.text(LOCATION, &format!("/{bucket}"));
            head.bare()
        }
        Outcome::Buckets(page) => ok().xml(xml::service::buckets(context, page)),
        Outcome::Regions(regions) => ok().xml(xml::service::regions(context, regions)),
        Outcome::BucketInfo(info) => ok().xml(xml::bucket::info(context, info)),
        Outcome::BucketStat(stat) => ok().xml(xml::bucket::stat(stat)),
        Outcome::BucketLocation(location) => ok().xml(xml::bucket::location(location)),
        Outcome::BucketAcl { owner, acl } => ok().xml(xml::bucket::acl(owner, acl.as_str())),
        Outcome::BucketVersioning(status) => ok().xml(xml::bucket::versioning(*status)),
        Outcome::Tagging { tags, version } => {
            let mut head = ok();
            head.version(VERSION_ID, *version);
            head.xml(xml::bucket::tagging(tags))
        }
        Outcome::Cors(config) => ok().xml(xml::bucket::cors(config)),
        Outcome::BucketEncryption(encryption) => ok().xml(xml::protection::encryption(encryption)),
        Outcome::BucketLock(lock) => ok().xml(xml::protection::object_worm(lock)),
        Outcome::WormInitiated(id) => {
            let mut head = ok();
            head.text(WORM_ID, id);
            head.bare()
        }
        Outcome::BucketWorm { worm, state } => ok().xml(xml::protection::worm(worm, *state)),
        Outcome::Policy(document) => ok().document(
            "application/json",
            Bytes::copy_from_slice(document.as_bytes()),
        ),
        Outcome::PolicyStatus { is_public } => ok().xml(xml::access::policy_status(*is_public)),
        Outcome::Referer(referer) => ok().xml(xml::access::referer(referer)),
        Outcome::PublicAccessBlock { block } => {
            ok().xml(xml::access::public_access_block(block.as_ref()))
        }
        Outcome::AccessPointCreated(info) => ok().xml(xml::access::point_created(info)),
        Outcome::AccessPoint(info) => ok().xml(xml::access::point(info)),
        Outcome::AccessPoints(page) => ok().xml(xml::access::points(page)),
        Outcome::Style(style) => ok().xml(xml::process::style(style)),
        Outcome::Styles(styles) => ok().xml(xml::process::styles(styles)),
        Outcome::Processing(config) => ok().xml(xml::process::configuration(config)),
        Outcome::ProcessSaved(saved) => ok().document("application/json", process_saved(saved)),
        Outcome::Config { kind, document } => {
            let document = document
                .clone()
                .unwrap_or_else(|| xml::config::never_set(*kind, context, facts));
            match kind {
                ConfigKind::Policy => ok().document("application/json", document),
                _ => ok().xml(document),
            }
        }
        Outcome::Objects(page) => ok().xml(xml::list::objects(page)),
        Outcome::Versions(page) => ok().xml(xml::list::versions(page)),
        Outcome::Uploads(page) => ok().xml(xml::list::uploads(page)),
        Outcome::LiveChannels { prefix, max_keys } => {
            ok().xml(xml::bucket::live_channels(prefix, *max_keys))
        }
        // A quiet deletion has nothing to tell: the body is empty, not an empty document.
        Outcome::Deleted(page) if page.asked.quiet => ok().bare(),
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
            head.object_read(read);
            head.bare()
        }
        Outcome::ObjectMeta(info) => {
            let mut head = ok();
            head.object_meta(info);
            head.bare()
        }
        Outcome::ObjectDeleted(deleted) => object_deleted(context, deleted),
        Outcome::Copied(copied) => self::copied(ok(), copied),
        Outcome::Appended(appended) => {
            let mut head = ok();
            head.etag(&appended.etag);
            head.number(NEXT_APPEND_POSITION, appended.next_position);
            head.number(CRC64, appended.crc64);
            head.encryption(appended.encryption.as_ref());
            head.version(VERSION_ID, appended.version);
            head.bare()
        }
        Outcome::Sealed(at) => {
            let mut head = ok();
            head.date(SEALED_TIME, *at);
            head.bare()
        }
        Outcome::Touched(version) => {
            let mut head = success();
            head.version(VERSION_ID, *version);
            head.bare()
        }
        Outcome::Symlink(info) => {
            let mut head = ok();
            head.symlink(info);
            head.bare()
        }
        Outcome::ObjectAcl {
            owner,
            acl,
            version,
        } => {
            let mut head = ok();
            head.version(VERSION_ID, *version);
            head.xml(xml::bucket::acl(owner, acl.as_str()))
        }
        Outcome::Retention(retention) => ok().xml(xml::protection::retention(retention)),
        Outcome::LegalHold(hold) => ok().xml(xml::protection::legal_hold(*hold)),
        // No request of this dialect asks for these two.
        Outcome::BucketOwnership(_) => ok().bare(),
        Outcome::ObjectAttributes(attributes) => {
            let mut head = ok();
            head.object_meta(&attributes.info);
            head.bare()
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
            url_encoded,
            checksum: _,
        } => {
            let mut head = ok();
            head.encryption(encryption.as_ref());
            head.xml(xml::object::upload_initiated(
                bucket,
                key,
                upload_id,
                (*url_encoded).into(),
            ))
        }
        Outcome::PartUploaded {
            etag,
            md5,
            crc64,
            encryption,
            checksum: _,
        } => {
            let mut head = ok();
            head.encryption(encryption.as_ref());
            head.etag(etag);
            head.content_md5(md5);
            head.number(CRC64, *crc64);
            head.bare()
        }
        Outcome::PartCopied {
            etag,
            last_modified,
            source_version,
            crc64,
            encryption,
            checksum: _,
        } => {
            let mut head = ok();
            head.encryption(encryption.as_ref());
            // oss2 takes the part's tag from the header, not from the document.
            head.etag(etag);
            head.number(CRC64, *crc64);
            head.version(SOURCE_VERSION_ID, *source_version);
            head.xml(xml::object::copied("CopyPartResult", etag, *last_modified))
        }
        Outcome::UploadCompleted {
            bucket,
            key,
            etag,
            crc64,
            checksum: _,
            version,
            encryption,
            url_encoded,
        } => {
            let mut head = ok();
            head.encryption(encryption.as_ref());
            head.etag(etag);
            head.number(CRC64, *crc64);
            head.version(VERSION_ID, *version);
            let location = location(context, bucket, key);
            head.xml(xml::object::upload_completed(
                bucket,
                key,
                etag,
                &location,
                (*url_encoded).into(),
            ))
        }
        Outcome::Parts(page) => ok().xml(xml::list::parts(page)),
    }
}

fn written(mut head: Head, written: &Written) -> Head {
    head.etag(&written.etag);
    head.content_md5(&written.md5);
    head.number(CRC64, written.crc64);
    head.encryption(written.encryption.as_ref());
    head.version(VERSION_ID, written.version);
    head
}

fn copied(mut head: Head, copied: &Copied) -> Encoded {
    head.etag(&copied.etag);
    if let Some(crc64) = copied.crc64 {
        head.number(CRC64, crc64);
    }
    head.version(VERSION_ID, copied.version);
    head.version(SOURCE_VERSION_ID, copied.source_version);
    head.encryption(copied.encryption.as_ref());
    head.xml(xml::object::copied(
        "CopyObjectResult",
        &copied.etag,
        copied.last_modified,
    ))
}

/// oss2 reads this as JSON without looking at the type.
fn process_saved(saved: &ProcessSaved) -> Bytes {
    let document = serde_json::json!({
        "bucket": saved.bucket.as_str(),
        "fileSize": saved.size,
        "object": saved.key.as_str(),
        "status": "OK",
    });
    document.to_string().into()
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
