//! Arguments of OSS that travel in headers, or in the fields of a form.

use http::header::{self, HeaderMap, HeaderName};
use osier_types::limits::{
    BODY_BYTES_MAX, OBJECT_TAGS_MAX, OSS_KEY_BYTES_MAX, USER_META_BYTES_MAX,
};
use osier_types::{
    Crc64, Expected, Fault, FaultKind, HeaderBytes, NewObject, ObjectAcl, ObjectKey, StorageClass,
};

use crate::request::fields::{
    Fields, base64_decode, header_value, sha256, tags_of_form, too_much_metadata,
};

/// A key as OSS allows it: not everything that can be stored.
pub(crate) fn object_key(bytes: &[u8]) -> Result<ObjectKey, Fault> {
    if bytes.len() > OSS_KEY_BYTES_MAX || matches!(bytes.first(), Some(b'/' | b'\\')) {
        return Err(Fault::new(FaultKind::InvalidObjectName));
    }
    ObjectKey::parse(bytes).map_err(|_| Fault::new(FaultKind::InvalidObjectName))
}

impl Fields<'_> {
    /// Everything to keep with a new object.
    pub(crate) fn new_object(self) -> Result<NewObject, Fault> {
        let tags = self
            .get("x-oss-tagging")
            .filter(|value| !value.is_empty())
            .map(|value| tags_of_form(value, OBJECT_TAGS_MAX))
            .transpose()?;
        let storage_class = self
            .text("x-oss-storage-class")?
            .map(|word| {
                StorageClass::parse(word).map_err(|_| {
                    Fault::argument("x-oss-storage-class", word, "not a storage class")
                })
            })
            .transpose()?;
        Ok(NewObject {
            headers: self.content_headers()?,
            user_meta: self.user_meta("x-oss-meta-")?,
            persistent_headers: self.persistent_headers()?,
            tags,
            acl: self.object_acl()?,
            storage_class,
            forbid_overwrite: self.forbid_overwrite()?,
            encryption: self.encryption()?,
            lock: self.object_lock()?,
            ..NewObject::default()
        })
    }

    pub(crate) fn forbid_overwrite(self) -> Result<bool, Fault> {
        self.flag("x-oss-forbid-overwrite")
    }

    pub(crate) fn object_acl(self) -> Result<Option<ObjectAcl>, Fault> {
        self.text("x-oss-object-acl")?
            .map(|word| {
                ObjectAcl::parse(word).map_err(|_| {
                    Fault::argument("x-oss-object-acl", word, "not an access-control list")
                })
            })
            .transpose()
    }

    /// `x-oss-persistent-headers`: `name:base64(value),...`.
    fn persistent_headers(self) -> Result<Vec<(String, HeaderBytes)>, Fault> {
        const NAME: &str = "x-oss-persistent-headers";
        let Some(text) = self.text(NAME)? else {
            return Ok(Vec::new());
        };
        if text.len() > USER_META_BYTES_MAX {
            return Err(too_much_metadata());
        }
        text.split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let wrong = |reason: &str| Fault::argument(NAME, pair, reason);
                let (name, value) = pair
                    .split_once(':')
                    .ok_or_else(|| wrong("name:base64(value), with commas between"))?;
                let name = HeaderName::from_bytes(name.trim().as_bytes())
                    .map_err(|_| wrong("not a header name"))?;
                if is_ours(name.as_str()) {
                    return Err(wrong("this header can't be set"));
                }
                let value = base64_decode(value.trim().as_bytes())
                    .ok_or_else(|| wrong("the value is not base64"))?;
                Ok((name.as_str().to_owned(), header_value(NAME, &value)?))
            })
            .collect()
    }

    /// `x-oss-hash-crc64ecma`.
    pub(crate) fn crc64(self) -> Result<Option<Crc64>, Fault> {
        const NAME: &str = "x-oss-hash-crc64ecma";
        self.text(NAME)?
            .map(|text| {
                text.parse()
                    .map_err(|_| Fault::argument(NAME, text, "a decimal number of 64 bits"))
            })
            .transpose()
    }
}

/// What an upload's head says of its body.
pub(crate) fn expected(headers: &HeaderMap) -> Result<Expected, Fault> {
    let fields = Fields::Headers(headers);
    let length = fields
        .text("content-length")?
        .map(|text| {
            text.parse::<u64>()
                .map_err(|_| Fault::argument("Content-Length", text, "a number of bytes"))
        })
        .transpose()?;
    if length.is_none() && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Fault::new(FaultKind::MissingContentLength));
    }
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Fault::new(FaultKind::EntityTooLarge {
            max: BODY_BYTES_MAX,
        }));
    }
    Ok(Expected {
        length,
        md5: fields.content_md5()?,
        crc64: fields.crc64()?,
        sha256: fields.get("x-oss-content-sha256").and_then(sha256),
        checksum: None,
    })
}

/// Headers that say how an answer is framed, or what osier itself says of an object.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 29] = [
        "accept-ranges",
        "age",
        "cache-control",
        "connection",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-range",
        "content-type",
        "date",
        "etag",
        "expires",
        "host",
        "keep-alive",
        "last-modified",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "warning",
        "www-authenticate",
    ];
    OURS.contains(&name) || name.starts_with("x-oss-") || name.starts_with("x-amz-")
}
