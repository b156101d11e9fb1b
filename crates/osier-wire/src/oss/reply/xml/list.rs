//! Pages of objects, versions, uploads and parts.

use bytes::Bytes;
use osier_types::{
    ListForm, ObjectEntry, ObjectPage, PartPage, UploadPage, VersionId, VersionPage,
};

use super::{Names, Xml};
use crate::request::token;

/// Bytes of a page's frame, and of one entry beside its key: enough that a page is written into
/// one allocation.
const FRAME_BYTES: usize = 1024;
const ENTRY_BYTES: usize = 480;

pub(in crate::oss::reply) fn objects(page: &ObjectPage) -> Bytes {
    let asked = &page.asked;
    let names = Names::from(asked.url_encoded);
    let next = page.next.as_deref();
    let bytes = FRAME_BYTES + page.objects.len() * ENTRY_BYTES;
    Xml::sized("ListBucketResult", bytes, |xml| {
        xml.text("Name", asked.bucket.as_str());
        xml.name("Prefix", &asked.prefix, names);
        let owner = match &asked.form {
            ListForm::V1 => {
                xml.name("Marker", &asked.after, names);
                Some(&page.owner)
            }
            ListForm::V2 {
                continuation_token,
                start_after,
                fetch_owner,
            } => {
                let sent = |text: &Option<String>| text.clone().unwrap_or_default();
                xml.name("StartAfter", &sent(start_after), names);
                xml.name("ContinuationToken", &sent(continuation_token), names);
                fetch_owner.then_some(&page.owner)
            }
        };
        xml.number("MaxKeys", asked.max_keys);
        xml.name("Delimiter", &asked.delimiter, names);
        xml.encoding(names);
        xml.flag("IsTruncated", next.is_some());
        match &asked.form {
            ListForm::V1 => xml.name("NextMarker", next.unwrap_or(""), names),
            ListForm::V2 { .. } => {
                let token = next.map(token::encode).unwrap_or_default();
                xml.name("NextContinuationToken", &token, names);
                let count = page.objects.len() + page.common_prefixes.len();
                xml.text("KeyCount", &count.to_string());
            }
        }
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

/// Versions and delete markers are siblings in one order; clients rely on it.
pub(in crate::oss::reply) fn versions(page: &VersionPage) -> Bytes {
    let asked = &page.asked;
    let names = Names::from(asked.url_encoded);
    let (next_key, next_version) = page
        .next
        .as_ref()
        .map_or(("", None), |(key, version)| (key.as_str(), *version));
    let bytes = FRAME_BYTES + page.versions.len() * (ENTRY_BYTES + 64);
    Xml::sized("ListVersionsResult", bytes, |xml| {
        xml.text("Name", asked.bucket.as_str());
        xml.name("Prefix", &asked.prefix, names);
        xml.name("KeyMarker", &asked.key_marker, names);
        xml.text("VersionIdMarker", &version_text(asked.version_id_marker));
        xml.number("MaxKeys", asked.max_keys);
        xml.name("Delimiter", &asked.delimiter, names);
        xml.encoding(names);
        xml.flag("IsTruncated", page.next.is_some());
        xml.name("NextKeyMarker", next_key, names);
        xml.text("NextVersionIdMarker", &version_text(next_version));
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

pub(in crate::oss::reply) fn uploads(page: &UploadPage) -> Bytes {
    let asked = &page.asked;
    let names = Names::from(asked.url_encoded);
    let (next_key, next_id) = page
        .next
        .as_ref()
        .map_or(("", ""), |(key, id)| (key.as_str(), id.as_str()));
    let bytes = FRAME_BYTES + page.uploads.len() * ENTRY_BYTES;
    Xml::sized("ListMultipartUploadsResult", bytes, |xml| {
        xml.text("Bucket", asked.bucket.as_str());
        xml.name("KeyMarker", &asked.key_marker, names);
        xml.text("UploadIdMarker", &asked.upload_id_marker);
        xml.name("NextKeyMarker", next_key, names);
        xml.text("NextUploadIdMarker", next_id);
        xml.name("Delimiter", &asked.delimiter, names);
        xml.name("Prefix", &asked.prefix, names);
        xml.number("MaxUploads", asked.max_uploads);
        xml.encoding(names);
        xml.flag("IsTruncated", page.next.is_some());
        for upload in &page.uploads {
            xml.within("Upload", |xml| {
                xml.name("Key", upload.key.as_str(), names);
                xml.text("UploadId", &upload.upload_id);
                xml.text("StorageClass", upload.storage_class.as_str());
                xml.time("Initiated", upload.initiated);
            });
        }
        common_prefixes(xml, &page.common_prefixes, names);
    })
}

/// `NextPartNumberMarker` is there also when this was the last page: clients read it always.
pub(in crate::oss::reply) fn parts(page: &PartPage) -> Bytes {
    let asked = &page.asked;
    let names = Names::from(asked.url_encoded);
    let next = page
        .parts
        .last()
        .map_or(asked.part_number_marker, |part| part.number);
    let bytes = FRAME_BYTES + page.parts.len() * 260;
    Xml::sized("ListPartsResult", bytes, |xml| {
        xml.text("Bucket", asked.upload.bucket.as_str());
        xml.name("Key", asked.upload.key.as_str(), names);
        xml.text("UploadId", &asked.upload.upload_id);
        xml.text("StorageClass", page.storage_class.as_str());
        xml.number("PartNumberMarker", asked.part_number_marker);
        xml.number("NextPartNumberMarker", next);
        xml.number("MaxParts", asked.max_parts);
        xml.encoding(names);
        xml.flag("IsTruncated", page.is_truncated);
        for part in &page.parts {
            xml.within("Part", |xml| {
                xml.number("PartNumber", part.number);
                xml.time("LastModified", part.last_modified);
                xml.etag(&part.etag);
                xml.text("HashCrc64ecma", &part.crc64.to_string());
                xml.number("Size", part.size);
            });
        }
    })
}

fn entry(xml: &mut Xml, object: &ObjectEntry) {
    xml.etag(&object.etag);
    xml.text("Type", object.kind.as_str());
    xml.number("Size", object.size);
    xml.text("StorageClass", object.storage_class.as_str());
}

fn common_prefixes(xml: &mut Xml, prefixes: &[String], names: Names) {
    for prefix in prefixes {
        xml.within("CommonPrefixes", |xml| xml.name("Prefix", prefix, names));
    }
}

fn version_text(version: Option<VersionId>) -> String {
    version
        .map(|version| version.to_string())
        .unwrap_or_default()
}
