//! The older signature of S3, in a header and in a URL: HMAC-SHA1 over the path as sent.
//!
//! As OSS's V1 it signs few parameters of the query; unlike it, the bucket's name and the path
//! stay encoded.

use osier_types::{Fault, Query, Timestamp, percent_decode};

use super::token;
use crate::canonical::header;
use crate::claim::{Claim, check_expiry, check_skew, digits, ec, malformed};
use crate::mac::{hmac_sha1, is_base64_of};
use crate::scheme::readings;
use crate::v1::parse_date;
use crate::{KeyRing, Place, ResourceName, Scheme, Signed, SignedHead};

/// `Authorization: AWS <id>:<signature>`; `credentials` is what follows the scheme.
pub(crate) fn by_header(
    head: &SignedHead<'_>,
    credentials: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let (access_key_id, signature) = credentials
        .trim()
        .rsplit_once(':')
        .filter(|(id, signature)| !id.is_empty() && !signature.is_empty())
        .ok_or_else(|| Fault::argument("Authorization", "AWS", "expected `AWS id:signature`"))?;
    // `x-amz-date` is signed among the headers, and leaves the line of the date empty.
    let (date, line) = match header(head.headers, "x-amz-date") {
        b"" => {
            let date = header(head.headers, "date");
            (date, date)
        }
        date => (date, &b""[..]),
    };
    check_skew(parse_date(date)?, now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    verify(head, &claim, line, Place::Header, keyring)
}

/// `?AWSAccessKeyId=..&Expires=..&Signature=..`; of a repeated field the first counts.
pub(crate) fn by_url(
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let field = |name: &str, ec| {
        head.query
            .non_empty(name)
            .ok_or_else(|| malformed(format!("`{name}` is missing"), ec))
    };
    let access_key_id = field(super::V2_URL, ec::V1_URL_NO_ID)?;
    let expires = field("Expires", ec::V1_URL_NO_EXPIRES)?;
    let signature = field("Signature", ec::V1_URL_NO_SIGNATURE)?;
    let at = digits(expires.as_bytes())
        .ok_or_else(|| malformed("`Expires` is not a number of seconds", ec::BAD_EXPIRES))?;
    check_expiry(Timestamp::from_seconds(at), now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    verify(head, &claim, expires.as_bytes(), Place::Url, keyring)
}

fn verify(
    head: &SignedHead<'_>,
    claim: &Claim<'_>,
    date: &[u8],
    place: Place,
    keyring: &dyn KeyRing,
) -> Result<Signed, Fault> {
    let record = claim.record(keyring)?;
    let mut first = None;
    for (query, plus_is_space) in readings(head) {
        let stem = stem(head, &query, date, place);
        for (candidate, resource) in head.candidates.iter().enumerate() {
            for path in signed_paths(resource, head.raw_path) {
                let text = string_to_sign(&stem, &path, &query, place);
                if is_base64_of(claim.signature, &hmac_sha1(record.secret.expose(), &text)) {
                    return Ok(Signed {
                        access_key_id: claim.access_key_id.to_owned(),
                        identity: record.identity,
                        scheme: Scheme::Aws2,
                        place,
                        candidate,
                        payload_sha256: None,
                        plus_is_space,
                        oss_query_unsigned: false,
                        chunks: None,
                        signed_at: None,
                    });
                }
                first.get_or_insert(text);
            }
        }
    }
    Err(claim.mismatch(first.unwrap_or_default(), None, ec::V1_MISMATCH))
}

/// Method, three headers, the date, and everything that begins with `x-amz-`. A URL carries such
/// headers as parameters (botocore puts the security token there).
fn stem(head: &SignedHead<'_>, query: &Query, date: &[u8], place: Place) -> Vec<u8> {
    let mut text = Vec::with_capacity(256);
    for line in [
        head.method.as_str().as_bytes(),
        header(head.headers, "content-md5"),
        header(head.headers, "content-type"),
        date,
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let mut lines: Vec<(&str, &[u8])> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes().trim_ascii()))
        .filter(|(name, _)| name.starts_with("x-amz-"))
        .collect();
    if place == Place::Url {
        let carried = query.pairs().iter();
        let carried = carried.map(|pair| (pair.name.as_str(), pair.value.trim_ascii()));
        lines.extend(carried.filter(|(name, _)| name.starts_with("x-amz-")));
    }
    // Stable: the values of a repeated header stay in the order received.
    lines.sort_by_key(|&(name, _)| name);
    for same in lines.chunk_by(|one, next| one.0 == next.0) {
        for (nth, (name, value)) in same.iter().enumerate() {
            if nth == 0 {
                text.extend_from_slice(name.as_bytes());
            }
            text.push(if nth == 0 { b':' } else { b',' });
            text.extend_from_slice(value);
        }
        text.push(b'\n');
    }
    text
}

/// The path with the bucket before it, as sent: `raw` itself when it names the bucket already.
/// Which of the two it is can be told from what it decodes to, since the two differ in length.
/// A bucket alone may have been signed with a slash behind it that was not sent: botocore does so.
fn signed_paths(resource: &ResourceName, raw: &str) -> Vec<Vec<u8>> {
    let decoded = percent_decode(raw.as_bytes());
    let key = resource.key.as_deref().unwrap_or_default();
    let Some(bucket) = &resource.bucket else {
        return vec![b"/".to_vec()];
    };
    let in_path = [b"/", bucket.as_bytes(), b"/", key].concat();
    if decoded == in_path {
        return vec![raw.as_bytes().to_vec()];
    }
    if key.is_empty() && in_path.strip_suffix(b"/") == Some(&decoded) {
        return vec![raw.as_bytes().to_vec(), format!("{raw}/").into_bytes()];
    }
    if decoded.strip_prefix(b"/").unwrap_or(&decoded) == key {
        let slash = if raw.is_empty() { "/" } else { "" };
        return vec![format!("/{bucket}{raw}{slash}").into_bytes()];
    }
    Vec::new()
}

fn string_to_sign(stem: &[u8], path: &[u8], query: &Query, place: Place) -> Vec<u8> {
    let mut text = [stem, path].concat();
    let mut signed: Vec<_> = query
        .pairs()
        .iter()
        .filter(|pair| is_signed(&pair.name, place))
        .map(|pair| (pair.name.as_str(), pair.value.as_slice()))
        .collect();
    signed.sort_unstable();
    for (nth, (name, value)) in signed.into_iter().enumerate() {
        text.push(if nth == 0 { b'?' } else { b'&' });
        text.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            text.push(b'=');
            text.extend_from_slice(value);
        }
    }
    text
}

/// Whether a parameter is part of the string to sign. Whoever holds a URL could add to it what
/// the list does not know, such as `legal-hold`; so of URLs only what narrows a list is free.
fn is_signed(name: &str, place: Place) -> bool {
    match place {
        Place::Header | Place::Form => SIGNED.binary_search(&name).is_ok(),
        Place::Url => !(UNSIGNED_IN_URLS.contains(&name) || name.starts_with("x-amz-")),
    }
}

const UNSIGNED_IN_URLS: [&str; 21] = [
    super::V2_URL,
    "Expires",
    "Signature",
    "Content-Type",
    "content-type",
    "content-md5",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "list-type",
    "marker",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "prefix",
    "start-after",
    "upload-id-marker",
    "version-id-marker",
];

/// The parameters that are signed, in byte order: those of botocore, which is the last client to
/// write this signature.
const SIGNED: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

#[cfg(test)]
mod tests;
