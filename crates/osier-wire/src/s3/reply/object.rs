//! The headers of objects, as reads tell them.

use std::borrow::Cow;

use http::header::{ETAG, HeaderValue};
use osier_types::{ObjectRead, StorageClass};

use super::head::{Head, PARTS_COUNT, STORAGE_CLASS, TAGGING_COUNT, VERSION_ID};
use crate::ReplyFacts;
use crate::s3::{class, encoded_word};

/// All headers of a read: `GetObject` and `HeadObject`.
pub(super) fn read(head: &mut Head, read: &ObjectRead, facts: &ReplyFacts) {
    let info = &read.info;
    head.read(read);
    head.headers.remove(ETAG);
    head.s3_etag(&info.etag);
    // S3 says nothing of the usual class.
    if info.storage_class != StorageClass::Standard {
        head.fixed(STORAGE_CLASS, class::name(info.storage_class));
    }
    head.version(VERSION_ID, info.version);
    let tags = info.tags.as_slice().len();
    if tags > 0 {
        head.headers.insert(TAGGING_COUNT, HeaderValue::from(tags));
    }
    if let (Some(_), Some(parts)) = (read.part, info.parts) {
        head.number(PARTS_COUNT, parts.into());
    }
    head.s3_encryption(info.encryption.as_ref());
    head.s3_lock(&info.lock);
    // Of a part of the bytes the checksum of all of them says nothing.
    if facts.tells_checksums
        && (read.range.is_none() || read.part.is_some() && info.parts.is_none())
    {
        head.object_checksum(info.checksum.as_ref());
    }
    head.content_headers(&info.headers, &read.overrides);
    head.user_meta("x-amz-meta-", &info.user_meta, |value| {
        encoded_word::encode(value).map_or(Cow::Borrowed(value), |word| Cow::Owned(word.into()))
    });
    head.persistent(&info.persistent_headers);
}
