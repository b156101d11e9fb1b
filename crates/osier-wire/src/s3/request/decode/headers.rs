//! Arguments of S3 that travel in headers, or in the fields of a form.

use http::header::{self, HeaderMap, HeaderValue};
use osier_types::limits::{BODY_BYTES_MAX, OBJECT_TAGS_MAX};
use osier_types::{
    DeleteConditions, Expected, Fault, FaultKind, HeaderBytes, NewObject, ObjectAcl, StorageClass,
    Timestamp, WriteConditions,
};

use super::protection;
use crate::checksum::checksum_promise;
use crate::request::fields::{Fields, tags_of_form};
use crate::s3::acl::{self, Acl, GRANT_HEADERS};
use crate::s3::{class, encoded_word};

/// Everything to keep with a new object. Without a list of its own it is private: a bucket's
/// list never grants an object of S3.
pub(crate) fn new_object(fields: Fields<'_>, account: &str) -> Result<NewObject, Fault> {
    let tags = fields
        .get("x-amz-tagging")
        .filter(|value| !value.is_empty())
        .map(|value| tags_of_form(value, OBJECT_TAGS_MAX))
        .transpose()?;
    Ok(NewObject {
        headers: fields.content_headers()?,
        user_meta: user_meta(fields)?,
        persistent_headers: Vec::new(),
        tags,
        acl: list_of(fields, account)?.map(ObjectAcl::from),
        unsaid_acl: ObjectAcl::Private,
        storage_class: storage_class(fields)?,
        forbid_overwrite: false,
        conditions: write_conditions(fields)?,
        encryption: protection::of_new(fields)?,
        lock: protection::lock_of_new(fields)?,
    })
}

/// `x-amz-meta-*`. What is beyond ASCII comes as it is or in encoded words, and is kept as it is.
fn user_meta(fields: Fields<'_>) -> Result<Vec<(String, HeaderBytes)>, Fault> {
    let mut kept = fields.user_meta("x-amz-meta-")?;
    for (_, value) in &mut kept {
        if let Some(plain) = encoded_word::decode(value) {
            *value = plain.into_bytes();
        }
    }
    Ok(kept)
}

/// The list of something new. One that gives the bucket's owner everything says what is so
/// anyway, and must not be taken for a list where there can be none.
pub(super) fn list_of(fields: Fields<'_>, account: &str) -> Result<Option<Acl>, Fault> {
    let given = acl(fields, account)?;
    let owners = fields.get("x-amz-acl") == Some(b"bucket-owner-full-control".as_slice());
    Ok(given.filter(|_| !owners))
}

/// `x-amz-acl`, or `x-amz-grant-*`.
pub(crate) fn acl(fields: Fields<'_>, account: &str) -> Result<Option<Acl>, Fault> {
    let mut granted = Vec::new();
    for (name, permission) in GRANT_HEADERS {
        if let Some(value) = fields.text(name)? {
            granted.push((permission, value));
        }
    }
    match (fields.text("x-amz-acl")?, granted.is_empty()) {
        (None, true) => Ok(None),
        (Some(word), true) => Acl::canned(word).map(Some),
        (None, false) => acl::of_headers(granted.into_iter(), account).map(Some),
        (Some(_), false) => Err(FaultKind::InvalidRequest {
            reason: "a canned list and grants can't go together".to_owned(),
        }
        .into()),
    }
}

/// `x-amz-storage-class`.
pub(crate) fn storage_class(fields: Fields<'_>) -> Result<Option<StorageClass>, Fault> {
    const NAME: &str = "x-amz-storage-class";
    fields
        .text(NAME)?
        .map(|word| {
            class::parse(word).ok_or_else(|| Fault::argument(NAME, word, "not a storage class"))
        })
        .transpose()
}

/// `If-Match` and `If-None-Match` of a write.
pub(crate) fn write_conditions(fields: Fields<'_>) -> Result<WriteConditions, Fault> {
    let text = |name| Ok::<_, Fault>(fields.text(name)?.map(str::to_owned));
    let conditions = WriteConditions {
        if_match: text("if-match")?,
        if_none_match: text("if-none-match")?,
    };
    if conditions.if_match.is_some() && conditions.if_none_match.is_some() {
        return Err(FaultKind::InvalidRequest {
            reason: "If-Match and If-None-Match can't go together on a write".to_owned(),
        }
        .into());
    }
    Ok(conditions)
}

/// `If-Match` and `x-amz-if-match-*` of a deletion.
pub(crate) fn delete_conditions(fields: Fields<'_>) -> Result<DeleteConditions, Fault> {
    const TIME: &str = "x-amz-if-match-last-modified-time";
    const SIZE: &str = "x-amz-if-match-size";
    let last_modified = fields
        .text(TIME)?
        .map(|text| {
            Timestamp::parse_http_date(text)
                .or_else(|_| Timestamp::parse_iso8601(text))
                .map_err(|_| Fault::argument(TIME, text, "a date"))
        })
        .transpose()?;
    let size = fields
        .text(SIZE)?
        .map(|text| {
            text.parse()
                .map_err(|_| Fault::argument(SIZE, text, "a number of bytes"))
        })
        .transpose()?;
    Ok(DeleteConditions {
        if_match: fields.text("if-match")?.map(str::to_owned),
        last_modified,
        size,
    })
}

/// `x-amz-bypass-governance-retention`.
pub(crate) fn bypass_governance(fields: Fields<'_>) -> Result<bool, Fault> {
    fields.flag("x-amz-bypass-governance-retention")
}

/// What an upload's head says of its body. `aws-chunked` bodies have their own length, which
/// whoever takes them out of their framing knows.
pub(crate) fn expected(headers: &HeaderMap) -> Result<Expected, Fault> {
    let fields = Fields::Headers(headers);
    // OSS takes an empty digest for none; S3 refuses it.
    if headers
        .get("content-md5")
        .is_some_and(HeaderValue::is_empty)
    {
        return Err(Fault::new(FaultKind::InvalidDigest));
    }
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
        crc64: None,
        sha256: None,
        checksum: Some(checksum_promise(headers)?),
    })
}

/// `Content-Encoding` without `aws-chunked`, which is how a body travels and not what it is.
pub(crate) fn without_framing(new: &mut NewObject) {
    let Some(coding) = &new.headers.content_encoding else {
        return;
    };
    let rest: Vec<&[u8]> = coding
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|one| !one.is_empty() && !one.eq_ignore_ascii_case(b"aws-chunked"))
        .collect();
    new.headers.content_encoding = (!rest.is_empty()).then(|| rest.join(&b", "[..]));
}
