//! An operation of S3 as a request to an origin.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use md5::{Digest as _, Md5};
use osier_types::{CompletedParts, DeleteConditions, DeleteObjects, Fault, Op, Query};

use super::Asked;
use super::described::{
    COPY_RANGE, Change, METADATA_DIRECTIVE, TAGGING_DIRECTIVE, cant_say, check_source,
    of_no_dialect, refuse_if,
};
use super::headers::{framing_removed, tags_to_oss};
use super::parameters::{all_parameters, parameters};
use crate::reply::head::CONTENT_MD5;
use crate::xml::write::Xml;

/// Asks an origin that speaks OSS. Copies come from the same bucket.
///
/// # Errors
/// When OSS has no words for what is asked.
pub fn ask_oss(op: &Op, query: &Query, headers: &HeaderMap) -> Result<Asked, Fault> {
    let mut asked = Asked {
        method: Method::GET,
        query: parameters(op, query, &[])?,
        headers: of_no_dialect(headers)?,
        document: None,
    };
    let mut change = Change(&mut asked.headers);
    match op {
        Op::GetObject(read) => {
            refuse_if(read.part.is_some(), "reading a part by its number")?;
            refuse_if(read.customer_key.is_some(), "customer keys")?;
            change.conditions(headers);
        }
        Op::HeadObject(read) => {
            refuse_if(read.part.is_some(), "reading a part by its number")?;
            refuse_if(read.customer_key.is_some(), "customer keys")?;
            change.conditions(headers);
            asked.method = Method::HEAD;
        }
        Op::PutObject(put) => {
            change.new_object(&put.new, headers)?;
            asked.method = Method::PUT;
        }
        Op::CopyObject(copy) => {
            change.source(&copy.bucket, &copy.source, headers)?;
            change.new_object(&copy.new, headers)?;
            if copy.replace_metadata {
                change.fixed(METADATA_DIRECTIVE, "REPLACE");
            }
            if copy.replace_tags {
                change.fixed(TAGGING_DIRECTIVE, "Replace");
            }
            asked.method = Method::PUT;
        }
        Op::DeleteObject(delete) => {
            refuse_if(
                delete.conditions != DeleteConditions::default(),
                "deletions under a condition",
            )?;
            refuse_if(delete.bypass_governance, "governance retention")?;
            asked.method = Method::DELETE;
        }
        Op::DeleteObjects(delete) => {
            let conditional = delete
                .objects
                .iter()
                .any(|object| object.conditions != DeleteConditions::default());
            refuse_if(conditional, "deletions under a condition")?;
            refuse_if(delete.bypass_governance, "governance retention")?;
            asked.deletion(delete);
        }
        Op::ListObjects(_)
        | Op::ListObjectVersions(_)
        | Op::ListMultipartUploads(_)
        | Op::ListParts(_)
        | Op::GetBucketLocation { .. }
        | Op::GetBucketVersioning { .. }
        | Op::GetObjectTagging(_)
        | Op::GetObjectAcl(_) => {}
        // OSS documents no such request; who may list may know that the bucket is there.
        Op::HeadBucket { .. } => "max-keys=1".clone_into(&mut asked.query),
        Op::PutObjectTagging { tags, .. } => {
            asked.method = Method::PUT;
            let document = Xml::document("Tagging", |xml| {
                xml.within("TagSet", |xml| xml.tags(tags));
            });
            asked.with(document);
        }
        Op::DeleteObjectTagging(_) | Op::AbortMultipartUpload(_) => {
            asked.method = Method::DELETE;
        }
        Op::PutObjectAcl { acl, .. } => {
            change.acl(*acl);
            asked.method = Method::PUT;
            asked.headers.remove(CONTENT_MD5);
            asked.document = Some(Bytes::new());
        }
        Op::InitiateMultipartUpload(upload) => {
            change.new_object(&upload.new, headers)?;
            asked.method = Method::POST;
        }
        Op::UploadPart(part) => {
            refuse_if(part.customer_key.is_some(), "customer keys")?;
            asked.method = Method::PUT;
        }
        Op::UploadPartCopy(part) => {
            refuse_if(part.customer_key.is_some(), "customer keys")?;
            change.source(&part.upload.bucket, &part.source, headers)?;
            if let Some(range) = headers.get("x-amz-copy-source-range") {
                change.0.insert(COPY_RANGE, range.clone());
            }
            asked.method = Method::PUT;
        }
        Op::CompleteMultipartUpload(complete) => {
            change.write_conditions(&complete.conditions)?;
            refuse_if(
                complete.checksum.is_some(),
                "checksums of objects made of parts",
            )?;
            let CompletedParts::Listed(parts) = &complete.parts else {
                return Err(cant_say("a completion without a list of parts"));
            };
            let document = Xml::document("CompleteMultipartUpload", |xml| {
                for (number, tag) in parts {
                    xml.within("Part", |xml| {
                        xml.number("PartNumber", *number);
                        let tag = tags_to_oss(tag.trim_matches('"'));
                        xml.text("ETag", &format!("\"{tag}\""));
                    });
                }
            });
            asked.method = Method::POST;
            asked.with(document);
        }
        other => return Err(cant_say(other.name())),
    }
    Ok(asked)
}

/// Asks an origin that speaks S3 itself: the same, but not in the framing of the client's body,
/// and not signed by the client. `document` is the body where it was read.
///
/// # Errors
/// When a parameter is unknown that may mean something, and when it is about the bucket itself and
/// not only read.
pub fn ask_s3(
    op: &Op,
    method: &Method,
    query: &Query,
    headers: &HeaderMap,
    document: Option<&Bytes>,
) -> Result<Asked, Fault> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    refuse_if(!reads && !is_about_objects(op), op.name())?;
    let mut asked = Asked {
        method: method.clone(),
        query: parameters(op, query, &["attributes", "legal-hold", "retention"])?,
        headers: headers.clone(),
        document: document.cloned(),
    };
    framing_removed(&mut asked.headers);
    for name in OF_CLIENTS_ALONE {
        asked.headers.remove(name);
    }
    asked.headers.remove(AUTHORIZATION);
    asked.headers.remove(CONTENT_LENGTH);
    let payload = headers.get(PAYLOAD).map(HeaderValue::as_bytes);
    let is_digest = |digest: &[u8]| digest.len() == 64 && digest.iter().all(u8::is_ascii_hexdigit);
    if !payload.is_some_and(is_digest) {
        asked.headers.remove(PAYLOAD);
    }
    let strange = asked
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-oss-"));
    let strange: Vec<HeaderName> = strange.cloned().collect();
    for name in strange {
        asked.headers.remove(name);
    }
    if let Op::CopyObject(copy) = op {
        check_source(&copy.bucket, &copy.source)?;
    }
    if let Op::UploadPartCopy(part) = op {
        check_source(&part.upload.bucket, &part.source)?;
    }
    if let Op::DeleteObjects(delete) = op {
        // What the caller may not delete was taken out, so it is another document.
        let of_body: Vec<HeaderName> = asked
            .headers
            .keys()
            .filter(|name| {
                let name = name.as_str();
                name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm"
            })
            .cloned()
            .collect();
        for name in of_body {
            asked.headers.remove(name);
        }
        asked.headers.remove(PAYLOAD);
        asked.deletion(delete);
    }
    Ok(asked)
}

/// Asks an origin of OSS what a client of OSS asks, with the document that was read for that.
pub fn ask_same(method: &Method, query: &Query, headers: &HeaderMap, document: Bytes) -> Asked {
    const OF_SIGNATURE: [&str; 4] = [
        "authorization",
        "content-length",
        "x-oss-date",
        "x-oss-security-token",
    ];
    let kept = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        !OF_SIGNATURE.contains(&name) && !name.starts_with("x-amz-")
    });
    Asked {
        method: method.clone(),
        query: all_parameters(query),
        headers: kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        document: Some(document),
    }
}

impl Asked {
    /// Sends a document, with the digest that OSS wants of some.
    fn with(&mut self, document: Bytes) {
        let digest = BASE64.encode(Md5::digest(&document));
        if let Ok(digest) = HeaderValue::try_from(digest) {
            self.headers.insert(CONTENT_MD5, digest);
        }
        self.document = Some(document);
    }

    /// Never a quiet one: its answer says of each object what became of it.
    fn deletion(&mut self, delete: &DeleteObjects) {
        let document = Xml::document("Delete", |xml| {
            xml.flag("Quiet", false);
            for object in &delete.objects {
                xml.within("Object", |xml| {
                    xml.text("Key", object.key.as_str());
                    if let Some(version) = object.version {
                        xml.text("VersionId", &version.to_string());
                    }
                    let conditions = &object.conditions;
                    if let Some(tag) = &conditions.if_match {
                        xml.text("ETag", tag);
                    }
                    if let Some(time) = conditions.last_modified {
                        xml.time("LastModifiedTime", time);
                    }
                    if let Some(size) = conditions.size {
                        xml.number("Size", size);
                    }
                });
            }
        });
        self.method = Method::POST;
        self.with(document);
    }
}

/// Whether an operation changes objects and uploads, and nothing of the bucket.
fn is_about_objects(op: &Op) -> bool {
    matches!(
        op,
        Op::PutObject(_)
            | Op::CopyObject(_)
            | Op::DeleteObject(_)
            | Op::DeleteObjects(_)
            | Op::PutObjectTagging { .. }
            | Op::DeleteObjectTagging(_)
            | Op::PutObjectAcl { .. }
            | Op::PutObjectRetention(_)
            | Op::PutObjectLegalHold { .. }
            | Op::InitiateMultipartUpload(_)
            | Op::UploadPart(_)
            | Op::UploadPartCopy(_)
            | Op::CompleteMultipartUpload(_)
            | Op::AbortMultipartUpload(_)
    )
}

/// What a client's own signature brings along, and names of accounts that are ours.
const OF_CLIENTS_ALONE: [&str; 4] = [
    "x-amz-date",
    "x-amz-expected-bucket-owner",
    "x-amz-security-token",
    "x-amz-source-expected-bucket-owner",
];

const PAYLOAD: &str = "x-amz-content-sha256";
