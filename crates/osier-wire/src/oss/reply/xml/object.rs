//! Documents about objects: copies, multipart uploads, deletions.

use bytes::Bytes;
use osier_types::{BucketName, DeletedPage, ETag, ObjectKey, Timestamp};

use super::{Names, Xml};

/// `CopyObjectResult` and `CopyPartResult`.
pub(in crate::oss::reply) fn copied(root: &str, etag: &ETag, last_modified: Timestamp) -> Bytes {
    Xml::document(root, |xml| {
        xml.etag(etag);
        xml.time("LastModified", last_modified);
    })
}

pub(in crate::oss::reply) fn upload_initiated(
    bucket: &BucketName,
    key: &ObjectKey,
    upload_id: &str,
    names: Names,
) -> Bytes {
    Xml::document("InitiateMultipartUploadResult", |xml| {
        xml.encoding(names);
        xml.text("Bucket", bucket.as_str());
        xml.name("Key", key.as_str(), names);
        xml.text("UploadId", upload_id);
    })
}

pub(in crate::oss::reply) fn upload_completed(
    bucket: &BucketName,
    key: &ObjectKey,
    etag: &ETag,
    location: &str,
    names: Names,
) -> Bytes {
    Xml::document("CompleteMultipartUploadResult", |xml| {
        xml.encoding(names);
        xml.text("Location", location);
        xml.text("Bucket", bucket.as_str());
        xml.name("Key", key.as_str(), names);
        xml.etag(etag);
    })
}

pub(in crate::oss::reply) fn deleted(page: &DeletedPage) -> Bytes {
    let names = Names::from(page.asked.url_encoded);
    Xml::sized("DeleteResult", 128 + page.deleted.len() * 160, |xml| {
        xml.encoding(names);
        for entry in &page.deleted {
            xml.within("Deleted", |xml| {
                xml.name("Key", entry.key.as_str(), names);
                if let Some(version) = entry.version {
                    xml.text("VersionId", &version.to_string());
                }
                if let Some(marker) = entry.marker {
                    xml.flag("DeleteMarker", true);
                    xml.text("DeleteMarkerVersionId", &marker.to_string());
                }
            });
        }
    })
}
