//! Pages of objects, versions, uploads and parts.

use bytes::Bytes;
use osier_types::{ListForm, ObjectEntry, ObjectPage, Owner, PartPage, UploadPage, VersionPage};

use super::{checksum, document, etag};
use crate::ReplyContext;
use crate::request::token;
use crate::s3::class;
use crate::xml::write::{Names, Xml};

/// Bytes of a page's frame, and of one entry beside its key: enough that a page is written into
/// one allocation.
const FRAME_BYTES: usize = 1024;
const ENTRY_BYTES: usize = 420;

/// S3 keeps slashes when it encodes names.
fn names(url_encoded: bool) -> Names {
    if url_encoded {
        Names::UrlEncodedPath
    } else {
        Names::Plain
    }
}

pub(in crate::s3::reply) fn objects(page: &ObjectPage) -> Bytes {
    let asked = &page.asked;
    let names = names(asked.url_encoded);
    let next = page.next.as_deref();
    let bytes = FRAME_BYTES + page.objects.len() * ENTRY_BYTES;
    document("ListBucketResult", bytes, |xml| {
        xml.text("Name", asked.bucket.as_str());
        xml.name("Prefix", &asked.prefix, names);
        let owner = match &asked.form {
            ListForm::V1 => {
                xml.name("Marker", &asked.after, names);
                if let Some(next) = next {
                    xml.name("NextMarker", next, names);
                }
                Some(&page.owner)
            }
            ListForm::V2 {
                continuation_token,
                start_after,
                fetch_owner,
            } => {
                if let Some(start) = start_after {
                    xml.name("StartAfter", start, names);
                }
                if let Some(token) = continuation_token {
                    xml.text("ContinuationToken", token);
                }
                if let Some(next) = next {
                    xml.text("NextContinuationToken", &token::encode(next));
                }
                let count = page.objects.len() + page.common_prefixes.len();
                xml.text("KeyCount", &count.to_string());
                fetch_owner.then_some(&page.owner)
            }
        };
        xml.number("MaxKeys", asked.max_keys);
        delimiter(xml, &asked.delimiter, names);
        xml.encoding(names);
        xml.flag("IsTruncated", next.is_some());
        for object in &page.objects {
            xml.within("Contents", |xml| {
                xml.name("Key", object.key.as_str(), names);
                xml.time("LastModified", object.last_modified);
                entry(xml, object);
                if let Some(owner) = owner {
                    xml.owner(owner);
                }
            });
        }
        common_prefixes(xml, &page.common_prefixes, names);
    })
}

pub(in crate::s3::reply) fn versions(page: &VersionPage) -> Bytes {
    let asked = &page.asked;
    let names = names(asked.url_encoded);
    let bytes = FRAME_BYTES + page.versions.len() * (ENTRY_BYTES + 64);
    document("ListVersionsResult", bytes, |xml| {
        xml.text("Name", asked.bucket.as_str());
        xml.name("Prefix", &asked.prefix, names);
        xml.name("KeyMarker", &asked.key_marker, names);
        let marker = asked.version_id_marker.map(|version| version.to_string());
        xml.text("VersionIdMarker", marker.as_deref().unwrap_or_default());
        if let Some((key, version)) = &page.next {
            xml.name("NextKeyMarker", key, names);
            if let Some(version) = version {
                xml.text("NextVersionIdMarker", &version.to_string());
            }
        }
        xml.number("MaxKeys", asked.max_keys);
        delimiter(xml, &asked.delimiter, names);
        xml.encoding(names);
        xml.flag("IsTruncated", page.next.is_some());
        for version in &page.versions {
            let element = match version.object {
                Some(_) => "Version",
                None => "DeleteMarker",
            };
            xml.within(element, |xml| {
                xml.name("Key", version.key.as_str(), names);
                xml.text("VersionId", &version.version.to_string());
                xml.flag("IsLatest", version.is_latest);
                xml.time("LastModified", version.last_modified);
                if let Some(object) = &version.object {
                    entry(xml, object);
                }
                xml.owner(&page.owner);
            });
        }
        common_prefixes(xml, &page.common_prefixes, names);
    })
}

pub(in crate::s3::reply) fn uploads(page: &UploadPage) -> Bytes {
    let asked = &page.asked;
    let names = names(asked.url_encoded);
    let bytes = FRAME_BYTES + page.uploads.len() * ENTRY_BYTES;
    document("ListMultipartUploadsResult", bytes, |xml| {
        xml.text("Bucket", asked.bucket.as_str());
        xml.name("KeyMarker", &asked.key_marker, names);
        xml.text("UploadIdMarker", &asked.upload_id_marker);
        if let Some((key, id)) = &page.next {
            xml.name("NextKeyMarker", key, names);
            xml.text("NextUploadIdMarker", id);
        }
        xml.name("Prefix", &asked.prefix, names);
        delimiter(xml, &asked.delimiter, names);
        xml.number("MaxUploads", asked.max_uploads);
        xml.encoding(names);
        xml.flag("IsTruncated", page.next.is_some());
        for upload in &page.uploads {
            xml.within("Upload", |xml| {
                xml.name("Key", upload.key.as_str(), names);
                xml.text("UploadId", &upload.upload_id);
                xml.text("StorageClass", class::name(upload.storage_class));
                xml.time("Initiated", upload.initiated);
            });
        }
        common_prefixes(xml, &page.common_prefixes, names);
    })
}

pub(in crate::s3::reply) fn parts(context: &ReplyContext<'_>, page: &PartPage) -> Bytes {
    let asked = &page.asked;
    let last = page.parts.last();
    let next = last.map_or(asked.part_number_marker, |part| part.number);
    let bytes = FRAME_BYTES + page.parts.len() * 260;
    document("ListPartsResult", bytes, |xml| {
        xml.text("Bucket", asked.upload.bucket.as_str());
        xml.name("Key", asked.upload.key.as_str(), names(asked.url_encoded));
        xml.text("UploadId", &asked.upload.upload_id);
        // Uploads belong to the account; who asks may see them, so it is this one.
        let owner = Owner {
            id: context.owner_id.to_owned(),
            display_name: context.owner_id.to_owned(),
        };
        xml.within("Initiator", |xml| {
            xml.text("ID", &owner.id);
            xml.text("DisplayName", &owner.display_name);
        });
        xml.owner(&owner);
        xml.text("StorageClass", class::name(page.storage_class));
        xml.number("PartNumberMarker", asked.part_number_marker);
        xml.number("NextPartNumberMarker", next);
        xml.number("MaxParts", asked.max_parts);
        xml.flag("IsTruncated", page.is_truncated);
        if let Some(plan) = page.checksum {
            xml.text("ChecksumAlgorithm", plan.algorithm.name());
            xml.text("ChecksumType", plan.kind.name());
        }
        for part in &page.parts {
            xml.within("Part", |xml| {
                xml.number("PartNumber", part.number);
                xml.time("LastModified", part.last_modified);
                etag(xml, &part.etag);
                xml.number("Size", part.size);
                checksum(xml, part.checksum.as_ref());
            });
        }
    })
}

fn entry(xml: &mut Xml, object: &ObjectEntry) {
    etag(xml, &object.etag);
    xml.number("Size", object.size);
    xml.text("StorageClass", class::name(object.storage_class));
}

fn delimiter(xml: &mut Xml, delimiter: &str, names: Names) {
    if !delimiter.is_empty() {
        xml.name("Delimiter", delimiter, names);
    }
}

fn common_prefixes(xml: &mut Xml, prefixes: &[String], names: Names) {
    for prefix in prefixes {
        xml.within("CommonPrefixes", |xml| xml.name("Prefix", prefix, names));
    }
}
