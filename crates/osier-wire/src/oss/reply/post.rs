//! What a form upload is answered with: a status, a document or a redirect.

use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use osier_types::{BucketName, ETag, ObjectKey, PostSuccess, Written};

use super::head::{CRC64, VERSION_ID, head};
use crate::reply::location::{location, redirect};
use crate::xml::write::Xml;
use crate::{Encoded, ReplyContext};

pub(super) fn encode(
    context: &ReplyContext<'_>,
    bucket: &BucketName,
    key: &ObjectKey,
    written: &Written,
    success: &PostSuccess,
) -> Encoded {
    let mut head = head(context, StatusCode::NO_CONTENT);
    head.etag(&written.etag);
    head.content_md5(&written.md5);
    head.number(CRC64, written.crc64);
    head.version(VERSION_ID, written.version);
    match success {
        PostSuccess::Status(200) => {
            head.status = StatusCode::OK;
            head.bare()
        }
        // OSS takes any other status for the default.
        PostSuccess::Status(_) => head.bare(),
        PostSuccess::Document => {
            head.status = StatusCode::CREATED;
            let location = location(context, bucket, key);
            head.text(LOCATION, &location);
            head.xml(document(bucket, key, &written.etag, &location))
        }
        PostSuccess::Redirect(url) => {
            head.status = StatusCode::SEE_OTHER;
            head.text(LOCATION, &redirect(url, bucket, key, written.etag.as_str()));
            head.bare()
        }
    }
}

fn document(bucket: &BucketName, key: &ObjectKey, etag: &ETag, location: &str) -> Bytes {
    Xml::document("PostResponse", |xml| {
        xml.text("Bucket", bucket.as_str());
        xml.etag(etag);
        xml.text("Key", key.as_str());
        xml.text("Location", location);
    })
}
