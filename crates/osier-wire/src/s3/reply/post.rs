//! What a form upload is answered with: a status, a document or a redirect.

use http::StatusCode;
use http::header::LOCATION;
use osier_types::{BucketName, ObjectKey, PostSuccess, Written};

use super::head::{VERSION_ID, head, tag};
use super::xml;
use crate::reply::location::{location, redirect};
use crate::{Encoded, ReplyContext};

pub(super) fn encode(
    context: &ReplyContext<'_>,
    bucket: &BucketName,
    key: &ObjectKey,
    written: &Written,
    success: &PostSuccess,
) -> Encoded {
    let mut head = head(context, StatusCode::NO_CONTENT);
    head.s3_etag(&written.etag);
    head.s3_encryption(written.encryption.as_ref());
    head.object_checksum(written.checksum.as_ref());
    head.version(VERSION_ID, written.version);
    let location = location(context, bucket, key);
    match success {
        PostSuccess::Status(status) => {
            head.status = if *status == 200 {
                StatusCode::OK
            } else {
                StatusCode::NO_CONTENT
            };
            head.text(LOCATION, &location);
            head.bare()
        }
        PostSuccess::Document => {
            head.status = StatusCode::CREATED;
            head.text(LOCATION, &location);
            head.xml(xml::object::posted(bucket, key, &written.etag, &location))
        }
        PostSuccess::Redirect(url) => {
            head.status = StatusCode::SEE_OTHER;
            head.text(LOCATION, &redirect(url, bucket, key, &tag(&written.etag)));
            head.bare()
        }
    }
}
