//! An operation of S3 as a request to an origin.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH,
};
use md5::{Digest as _, Md5};
use osier_auth::{is_signature_parameter, is_sub_resource};
use osier_types::{
    CompletedParts, CopySource, DeleteConditions, DeleteObjects, Encryption, Fault, FaultKind,
    NewObject, ObjectAcl, Op, Query, StorageClass, WriteConditions, percent_encode,
};

use super::Asked;
use super::headers::{framing_removed, tags_to_oss};
use crate::reply::head::CONTENT_MD5;
use crate::xml::write::Xml;

/// Asks an origin that speaks OSS. Copies come from the same bucket.
///
/// # Errors
/// When OSS has no words for what is asked.
pub fn ask_oss(op: &Op, query: &Query, headers: &HeaderMap) -> Result<Asked, Fault> {
    let mut asked = Asked {
        method: Method::GET,
        query: parameters(op, query)?,
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
        | Op::GetObjectAcl(_)
        // OSS documents no such request; who may list may know that the bucket is there.
        | Op::HeadBucket { .. } => {}
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
            refuse_if(complete.checksum.is_some(), "checksums of objects made of parts")?;
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
/// When a parameter is unknown that may mean something.
pub fn ask_s3(
    op: &Op,
    method: &Method,
    query: &Query,
    headers: &HeaderMap,
    document: Option<&Bytes>,
) -> Result<Asked, Fault> {
    let mut asked = Asked {
        method: method.clone(),
        query: parameters(op, query)?,
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

/// Headers on their way to OSS.
struct Change<'a>(&'a mut HeaderMap);

impl Change<'_> {
    fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.0.insert(name, HeaderValue::from_static(value));
    }

    /// Tags of S3 are those of OSS in lower case, and OSS may not be so kind to compare them so.
    fn conditions(&mut self, headers: &HeaderMap) {
        for name in [IF_MATCH, IF_NONE_MATCH, http::header::IF_RANGE] {
            self.tags(&name, headers.get(&name));
        }
    }

    fn tags(&mut self, name: &HeaderName, sent: Option<&HeaderValue>) {
        let Some(sent) = sent else { return };
        let text = sent.to_str().map(tags_to_oss).ok();
        let value = text.and_then(|text| HeaderValue::try_from(text).ok());
        self.0
            .insert(name.clone(), value.unwrap_or_else(|| sent.clone()));
    }

    fn acl(&mut self, acl: ObjectAcl) {
        self.fixed(OBJECT_ACL, acl.as_str());
    }

    fn new_object(&mut self, new: &NewObject, headers: &HeaderMap) -> Result<(), Fault> {
        let NewObject {
            // These stand in headers of no dialect.
            headers: _,
            user_meta: _,
            // S3 has none of these.
            persistent_headers: _,
            unsaid_acl: _,
            forbid_overwrite: _,
            tags,
            acl,
            storage_class,
            conditions,
            encryption,
            lock,
        } = new;
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix("x-amz-meta-") else {
                continue;
            };
            let name = HeaderName::try_from(format!("x-oss-meta-{name}"));
            if let Ok(name) = name {
                self.0.append(name, value.clone());
            }
        }
        if let (Some(_), Some(sent)) = (tags, headers.get("x-amz-tagging")) {
            self.0.insert(TAGGING, sent.clone());
        }
        if let Some(acl) = acl {
            self.acl(*acl);
        }
        if let Some(class) = storage_class {
            self.fixed(STORAGE_CLASS, StorageClass::as_str(*class));
        }
        self.write_conditions(conditions)?;
        match encryption {
            None => {}
            Some(Encryption::Managed) => self.fixed(ENCRYPTION, "AES256"),
            Some(Encryption::Kms(kms)) => {
                refuse_if(kms.context.is_some(), "encryption contexts")?;
                self.fixed(ENCRYPTION, "KMS");
                let id = kms.key_id.as_ref().map(HeaderValue::try_from);
                if let Some(Ok(id)) = id {
                    self.0.insert(ENCRYPTION_KEY, id);
                }
            }
            Some(Encryption::Customer(_)) => return Err(cant_say("customer keys")),
        }
        refuse_if(
            lock.retention.is_some() || lock.legal_hold.is_some(),
            "retention and legal hold",
        )
    }

    fn write_conditions(&mut self, conditions: &WriteConditions) -> Result<(), Fault> {
        self.0.remove(IF_MATCH);
        self.0.remove(IF_NONE_MATCH);
        refuse_if(conditions.if_match.is_some(), "If-Match of writes")?;
        match conditions.if_none_match.as_deref().map(str::trim) {
            None => Ok(()),
            Some("*") => {
                self.fixed(FORBID_OVERWRITE, "true");
                Ok(())
            }
            Some(_) => Err(cant_say("If-None-Match of writes, but for `*`")),
        }
    }

    /// `x-oss-copy-source` and what must hold of it.
    fn source(
        &mut self,
        bucket: &osier_types::BucketName,
        source: &CopySource,
        headers: &HeaderMap,
    ) -> Result<(), Fault> {
        check_source(bucket, source)?;
        refuse_if(source.customer_key.is_some(), "customer keys")?;
        let object = &source.object;
        let key = percent_encode(object.key.as_bytes(), true);
        let mut text = format!("/{bucket}/{key}");
        if let Some(version) = object.version {
            text.push_str("?versionId=");
            text.push_str(&version.to_string());
        }
        if let Ok(value) = HeaderValue::try_from(text) {
            self.0.insert(COPY_SOURCE, value);
        }
        for (of_s3, of_oss) in COPY_CONDITIONS {
            self.tags(&of_oss, headers.get(of_s3));
        }
        Ok(())
    }
}

/// The headers that mean the same everywhere. Those of S3 are said anew; one that is not known
/// may be one that changes what is asked for.
fn of_no_dialect(headers: &HeaderMap) -> Result<HeaderMap, Fault> {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let is_known = SAID_ANEW.contains(&text)
            || SAID_ANEW_BEGINNINGS
                .iter()
                .any(|known| text.starts_with(known));
        if text.starts_with("x-amz-") {
            refuse_if(!is_known, text)?;
        } else if !text.starts_with("x-oss-") {
            kept.append(name.clone(), value.clone());
        }
    }
    framing_removed(&mut kept);
    kept.remove(AUTHORIZATION);
    kept.remove(CONTENT_LENGTH);
    if kept
        .get(CONTENT_ENCODING)
        .is_some_and(HeaderValue::is_empty)
    {
        kept.remove(CONTENT_ENCODING);
    }
    Ok(kept)
}

/// The parameters that are asked of the origin, percent-encoded. Pages are as large as S3 says
/// where the client says nothing.
fn parameters(op: &Op, query: &Query) -> Result<String, Fault> {
    let page = match op {
        Op::ListObjects(list) => Some(("max-keys", list.max_keys)),
        Op::ListObjectVersions(list) => Some(("max-keys", list.max_keys)),
        Op::ListMultipartUploads(list) => Some(("max-uploads", list.max_uploads)),
        Op::ListParts(list) => Some(("max-parts", list.max_parts)),
        Op::HeadBucket { .. } => Some(("max-keys", 1)),
        _ => None,
    };
    let mut text = String::new();
    let mut push = |name: &str, value: &[u8]| {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&percent_encode(name.as_bytes(), false));
        if !value.is_empty() {
            text.push('=');
            text.push_str(&percent_encode(value, false));
        }
    };
    for pair in query.pairs() {
        let name = pair.name.as_str();
        let is_replaced = page.is_some_and(|(page, _)| page == name);
        if is_signature_parameter(name) || name == "x-id" || is_replaced {
            continue;
        }
        refuse_if(
            is_sub_resource(name) && PARAMETERS.binary_search(&name).is_err(),
            name,
        )?;
        push(name, &pair.value);
    }
    if let Some((name, size)) = page {
        push(name, size.to_string().as_bytes());
    }
    Ok(text)
}

fn check_source(bucket: &osier_types::BucketName, source: &CopySource) -> Result<(), Fault> {
    refuse_if(source.object.bucket != *bucket, "copies from other buckets")
}

fn refuse_if(refused: bool, what: &str) -> Result<(), Fault> {
    if refused { Err(cant_say(what)) } else { Ok(()) }
}

fn cant_say(what: &str) -> Fault {
    let what: String = what.chars().take(100).collect();
    Fault::new(FaultKind::NotImplemented {
        what: format!("{what} on a bucket behind a gateway"),
    })
}

/// Sub-resources and arguments that OSS and S3 share, in byte order.
const PARAMETERS: [&str; 31] = [
    "acl",
    "continuation-token",
    "delete",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "list-type",
    "location",
    "marker",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "start-after",
    "tagging",
    "upload-id-marker",
    "uploadId",
    "uploads",
    "version-id-marker",
    "versionId",
    "versioning",
    "versions",
];

/// Headers of S3 that were heeded when the request was decoded, or are said in words of OSS.
const SAID_ANEW: [&str; 21] = [
    "x-amz-acl",
    "x-amz-bypass-governance-retention",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-metadata-directive",
    "x-amz-mp-object-size",
    "x-amz-optional-object-attributes",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-source-expected-bucket-owner",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-tagging-directive",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
    "x-amz-if-match-size",
];

const SAID_ANEW_BEGINNINGS: [&str; 7] = [
    "x-amz-checksum-",
    "x-amz-copy-source-if-",
    "x-amz-copy-source-server-side-encryption-",
    "x-amz-grant-",
    "x-amz-meta-",
    "x-amz-object-lock-",
    "x-amz-server-side-encryption",
];

/// What a client's own signature brings along, and names of accounts that are ours.
const OF_CLIENTS_ALONE: [&str; 4] = [
    "x-amz-date",
    "x-amz-expected-bucket-owner",
    "x-amz-security-token",
    "x-amz-source-expected-bucket-owner",
];

const PAYLOAD: &str = "x-amz-content-sha256";

crate::reply::head::header_names! {
    OBJECT_ACL = "x-oss-object-acl";
    STORAGE_CLASS = "x-oss-storage-class";
    TAGGING = "x-oss-tagging";
    ENCRYPTION = "x-oss-server-side-encryption";
    ENCRYPTION_KEY = "x-oss-server-side-encryption-key-id";
    FORBID_OVERWRITE = "x-oss-forbid-overwrite";
    METADATA_DIRECTIVE = "x-oss-metadata-directive";
    TAGGING_DIRECTIVE = "x-oss-tagging-directive";
    COPY_SOURCE = "x-oss-copy-source";
    COPY_RANGE = "x-oss-copy-source-range";
}

const COPY_CONDITIONS: [(&str, HeaderName); 4] = [
    (
        "x-amz-copy-source-if-match",
        HeaderName::from_static("x-oss-copy-source-if-match"),
    ),
    (
        "x-amz-copy-source-if-none-match",
        HeaderName::from_static("x-oss-copy-source-if-none-match"),
    ),
    (
        "x-amz-copy-source-if-modified-since",
        HeaderName::from_static("x-oss-copy-source-if-modified-since"),
    ),
    (
        "x-amz-copy-source-if-unmodified-since",
        HeaderName::from_static("x-oss-copy-source-if-unmodified-since"),
    ),
];
