//! What a request of S3 says in headers, in headers of OSS.

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE,
};
use osier_types::{
    BucketName, CopySource, Encryption, Fault, FaultKind, NewObject, ObjectAcl, StorageClass,
    WriteConditions, percent_encode,
};

use super::headers::{framing_removed, tags_to_oss};

/// Headers on their way to OSS.
pub(super) struct Change<'a>(pub(super) &'a mut HeaderMap);

impl Change<'_> {
    pub(super) fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.0.insert(name, HeaderValue::from_static(value));
    }

    /// Tags of S3 are those of OSS in lower case, and OSS may not be so kind to compare them so.
    pub(super) fn conditions(&mut self, headers: &HeaderMap) {
        for name in [IF_MATCH, IF_NONE_MATCH, IF_RANGE] {
            self.tags(&name, headers.get(&name));
        }
    }

    pub(super) fn tags(&mut self, name: &HeaderName, sent: Option<&HeaderValue>) {
        let Some(sent) = sent else { return };
        let text = sent.to_str().map(tags_to_oss).ok();
        let value = text.and_then(|text| HeaderValue::try_from(text).ok());
        self.0
            .insert(name.clone(), value.unwrap_or_else(|| sent.clone()));
    }

    pub(super) fn acl(&mut self, acl: ObjectAcl) {
        self.fixed(OBJECT_ACL, acl.as_str());
    }

    pub(super) fn new_object(&mut self, new: &NewObject, headers: &HeaderMap) -> Result<(), Fault> {
        let NewObject {
            // These stand in headers of no dialect.
            headers: _,
            user_meta,
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
        for (name, value) in user_meta {
            let name = HeaderName::try_from(format!("x-oss-meta-{name}"));
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                self.0.append(name, value);
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

    pub(super) fn write_conditions(&mut self, conditions: &WriteConditions) -> Result<(), Fault> {
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
    pub(super) fn source(
        &mut self,
        bucket: &BucketName,
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
pub(super) fn of_no_dialect(headers: &HeaderMap) -> Result<HeaderMap, Fault> {
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

pub(super) fn check_source(bucket: &BucketName, source: &CopySource) -> Result<(), Fault> {
    refuse_if(source.object.bucket != *bucket, "copies from other buckets")
}

pub(super) fn refuse_if(refused: bool, what: &str) -> Result<(), Fault> {
    if refused { Err(cant_say(what)) } else { Ok(()) }
}

pub(super) fn cant_say(what: &str) -> Fault {
    let what: String = what.chars().take(100).collect();
    Fault::new(FaultKind::NotImplemented {
        what: format!("{what} on a bucket behind a gateway"),
    })
}

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
