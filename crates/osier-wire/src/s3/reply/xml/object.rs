//! Documents about objects: copies, multipart uploads, deletions, attributes.

use bytes::Bytes;
use osier_types::{
    BucketName, Checksum, Copied, DeletedPage, ETag, ObjectAttribute, ObjectAttributes,
    ObjectChecksum, ObjectKey, Timestamp,
};

use super::super::fault::words;
use super::super::head::tag;
use super::{checksum, document, etag, object_checksum};
use crate::s3::class;
use crate::xml::write::Xml;

pub(in crate::s3::reply) fn copied(copied: &Copied) -> Bytes {
    document("CopyObjectResult", 512, |xml| {
        etag(xml, &copied.etag);
        xml.time("LastModified", copied.last_modified);
        object_checksum(xml, copied.checksum.as_ref());
    })
}

pub(in crate::s3::reply) fn part_copied(
    of_part: &ETag,
    last_modified: Timestamp,
    of_bytes: Option<&Checksum>,
) -> Bytes {
    document("CopyPartResult", 512, |xml| {
        etag(xml, of_part);
        xml.time("LastModified", last_modified);
        checksum(xml, of_bytes);
    })
}

pub(in crate::s3::reply) fn upload_initiated(
    bucket: &BucketName,
    key: &ObjectKey,
    upload_id: &str,
) -> Bytes {
    document("InitiateMultipartUploadResult", 512, |xml| {
        xml.text("Bucket", bucket.as_str());
        xml.text("Key", key.as_str());
        xml.text("UploadId", upload_id);
    })
}

pub(in crate::s3::reply) fn upload_completed(
    bucket: &BucketName,
    key: &ObjectKey,
    of_object: &ETag,
    location: &str,
    of_bytes: Option<&ObjectChecksum>,
) -> Bytes {
    document("CompleteMultipartUploadResult", 1024, |xml| {
        xml.text("Location", location);
        xml.text("Bucket", bucket.as_str());
        xml.text("Key", key.as_str());
        etag(xml, of_object);
        object_checksum(xml, of_bytes);
    })
}

/// A quiet deletion tells of what went wrong only.
pub(in crate::s3::reply) fn deleted(page: &DeletedPage) -> Bytes {
    let bytes = 256 + (page.deleted.len() + page.refused.len()) * 200;
    document("DeleteResult", bytes, |xml| {
        for entry in page.deleted.iter().filter(|_| !page.asked.quiet) {
            xml.within("Deleted", |xml| {
                xml.text("Key", entry.key.as_str());
                if let Some(version) = entry.version {
                    xml.text("VersionId", &version.to_string());
                }
                if let Some(marker) = entry.marker {
                    xml.flag("DeleteMarker", true);
                    xml.text("DeleteMarkerVersionId", &marker.to_string());
                }
            });
        }
        for refused in &page.refused {
            let words = words(&refused.fault.kind);
            xml.within("Error", |xml| {
                xml.text("Key", refused.key.as_str());
                if let Some(version) = refused.version {
                    xml.text("VersionId", &version.to_string());
                }
                xml.text("Code", words.code);
                xml.text("Message", &words.message);
            });
        }
    })
}

pub(in crate::s3::reply) fn posted(
    bucket: &BucketName,
    key: &ObjectKey,
    of_object: &ETag,
    location: &str,
) -> Bytes {
    Xml::document("PostResponse", |xml| {
        xml.text("Location", location);
        xml.text("Bucket", bucket.as_str());
        xml.text("Key", key.as_str());
        etag(xml, of_object);
    })
}

/// Of these the tag has no quotes.
pub(in crate::s3::reply) fn attributes(attributes: &ObjectAttributes) -> Bytes {
    let asked = &attributes.asked;
    let info = &attributes.info;
    document("GetObjectAttributesResponse", 1024, |xml| {
        for attribute in &asked.attributes {
            match attribute {
                ObjectAttribute::ETag => xml.text("ETag", &tag(&info.etag)),
                ObjectAttribute::Checksum => {
                    if info.checksum.is_some() {
                        xml.within("Checksum", |xml| {
                            object_checksum(xml, info.checksum.as_ref());
                        });
                    }
                }
                ObjectAttribute::ObjectParts => parts(xml, attributes),
                ObjectAttribute::StorageClass => {
                    xml.text("StorageClass", class::name(info.storage_class));
                }
                ObjectAttribute::ObjectSize => xml.number("ObjectSize", info.size),
            }
        }
    })
}

fn parts(xml: &mut Xml, attributes: &ObjectAttributes) {
    let Some(page) = &attributes.parts else {
        return;
    };
    let asked = &attributes.asked;
    let last = page.parts.last();
    let next = last.map_or(asked.part_number_marker, |part| part.number);
    xml.within("ObjectParts", |xml| {
        xml.number("PartsCount", page.total);
        xml.number("PartNumberMarker", asked.part_number_marker);
        xml.number("NextPartNumberMarker", next);
        xml.number("MaxParts", asked.max_parts);
        xml.flag("IsTruncated", page.is_truncated);
        for part in &page.parts {
            xml.within("Part", |xml| {
                xml.number("PartNumber", part.number);
                xml.number("Size", part.size);
            });
        }
    });
}
