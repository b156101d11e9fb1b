//! The other side of verification: requests of our own to a bucket elsewhere, signed V4 or V1
//! in their `Authorization` header (reference 2.1 and 2.3).
//!
//! Signs what it is given and decides nothing; a signature that a client made must have been
//! taken out before.

mod aws;

use http::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue};
use osier_types::{Query, Timestamp};

use crate::mac::{hex, hmac_sha1, sha256};
use crate::signing_keys::{Derivation, Scope, derive};
use crate::{ResourceName, Secret, v1, v4};

/// A key with which requests are signed.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Names the key.
    pub id: String,
    /// Signs.
    pub secret: Secret,
    /// Comes with temporary keys.
    pub token: Option<Secret>,
}

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboundScheme {
    /// `OSS4-HMAC-SHA256`, for a region such as `cn-hangzhou`.
    V4 {
        /// Without `oss-` before it.
        region: String,
    },
    /// `AWS4-HMAC-SHA256`, for buckets of S3 addressed by path.
    Aws4 {
        /// Such as `us-east-1`.
        region: String,
    },
    /// `OSS`, for stores that know nothing newer.
    V1,
}

/// What a signature covers, but for the headers.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a http::Method,
    /// Bucket and key, decoded.
    pub resource: &'a ResourceName,
    /// The query, decoded.
    pub query: &'a Query,
}

/// A key whose id or token can't stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access key holds what can't be sent in a header")]
pub struct UnusableKey;

/// Parameters that a client's own signature brings along; they are never sent on beside ours.
pub fn is_signature_parameter(name: &str) -> bool {
    SIGNATURE_PARAMETERS.contains(&name)
}

/// Whether OSS or S3 reads the parameter as part of what is asked for.
pub fn is_sub_resource(name: &str) -> bool {
    let name_begins = |beginning: &str| {
        let begins = name.get(..beginning.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(beginning))
    };
    name_begins("x-oss-")
        || name_begins("x-amz-")
        || name_begins("response-")
        || v1::is_listed(name)
        || OF_S3.binary_search(&name).is_ok()
}

/// What S3 has besides, in byte order: the API reference, operations of buckets and objects.
const OF_S3: [&str; 20] = [
    "abac",
    "accelerate",
    "analytics",
    "annotations",
    "attributes",
    "intelligent-tiering",
    "legal-hold",
    "list-type",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "publicAccessBlock",
    "renameObject",
    "select",
    "select-type",
    "session",
    "torrent",
];

impl OutboundScheme {
    /// Signs: puts date, token and `Authorization` into `headers`, in the place of what is there.
    ///
    /// # Errors
    /// When the key can't be sent.
    pub fn sign(
        &self,
        request: &Unsigned<'_>,
        headers: &mut HeaderMap,
        key: &AccessKey,
        now: Timestamp,
    ) -> Result<(), UnusableKey> {
        for name in [
            AUTHORIZATION,
            DATE,
            X_OSS_DATE,
            SECURITY_TOKEN,
            aws::AMZ_DATE,
            aws::AMZ_TOKEN,
        ] {
            headers.remove(name);
        }
        if let (Some(token), Self::V4 { .. } | Self::V1) = (&key.token, self) {
            let value = HeaderValue::from_bytes(token.expose()).map_err(|_| UnusableKey)?;
            headers.insert(SECURITY_TOKEN, sensitive(value));
        }
        let authorization = match self {
            Self::V4 { region } => v4_authorization(region, request, headers, key, now)?,
            Self::Aws4 { region } => aws::authorization(region, request, headers, key, now)?,
            Self::V1 => v1_authorization(request, headers, key, now)?,
        };
        let value = HeaderValue::from_str(&authorization).map_err(|_| UnusableKey)?;
        headers.insert(AUTHORIZATION, sensitive(value));
        Ok(())
    }
}

fn v4_authorization(
    region: &str,
    request: &Unsigned<'_>,
    headers: &mut HeaderMap,
    key: &AccessKey,
    now: Timestamp,
) -> Result<String, UnusableKey> {
    let stamp = now.compact();
    let value = HeaderValue::from_str(&stamp).map_err(|_| UnusableKey)?;
    headers.insert(X_OSS_DATE, value);
    // What a client committed its body to stays: the store checks it.
    if !matches!(v4::payload_digest(headers), Ok(Some(_))) {
        headers.insert(
            HeaderName::from_static(v4::PAYLOAD_HEADER),
            HeaderValue::from_static(v4::UNSIGNED_PAYLOAD),
        );
    }
    let scope = Scope {
        access_key_id: &key.id,
        date: stamp.get(..8).unwrap_or_default(),
        region,
        product: "oss",
        derivation: Derivation::Aliyun,
    };
    let canonical = v4::canonical_request(request, headers);
    let stem = v4::string_to_sign_stem(&stamp, &scope);
    let mac = hmac::Mac::chain_update(derive(&scope, &key.secret), &stem);
    let mac = hmac::Mac::chain_update(mac, hex(&sha256(&[&canonical])));
    let signature = hex(&crate::mac::finish(mac));
    Ok(format!(
        "OSS4-HMAC-SHA256 Credential={}/{}/{region}/oss/{},Signature={}",
        key.id,
        scope.date,
        v4::TERMINAL,
        String::from_utf8_lossy(&signature),
    ))
}

fn v1_authorization(
    request: &Unsigned<'_>,
    headers: &mut HeaderMap,
    key: &AccessKey,
    now: Timestamp,
) -> Result<String, UnusableKey> {
    let date = now.http_date();
    let value = HeaderValue::from_str(&date).map_err(|_| UnusableKey)?;
    headers.insert(DATE, value);
    let text = v1::text_of_header(request, headers, date.as_bytes());
    let signature = crate::mac::base64(&hmac_sha1(key.secret.expose(), &text));
    Ok(format!("OSS {}:{signature}", key.id))
}

/// Kept out of what is printed of headers.
fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

const X_OSS_DATE: HeaderName = HeaderName::from_static("x-oss-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-oss-security-token");

const SIGNATURE_PARAMETERS: [&str; 22] = [
    "AWSAccessKeyId",
    "OSSAccessKeyId",
    "Expires",
    "Signature",
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "security-token",
    "x-amz-security-token",
    "x-oss-access-key-id",
    "x-oss-additional-headers",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-security-token",
    "x-oss-signature",
    "x-oss-signature-version",
];

#[cfg(test)]
mod tests;
