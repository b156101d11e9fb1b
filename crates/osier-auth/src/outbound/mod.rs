//! The other side of verification: requests of our own to a bucket elsewhere, signed V4 or V1
//! in their `Authorization` header (reference 2.1 and 2.3).
//!
//! Signs what it is given and decides nothing; a signature that a client made must have been
//! taken out before.

use http::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue};
use osier_types::{Query, Timestamp};

use crate::mac::{hex, hmac_sha1, sha256};
use crate::signing_keys::{Scope, derive};
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

/// Whether OSS reads the parameter as part of what is asked for, so that a signature covers it.
pub fn is_sub_resource(name: &str) -> bool {
    name.starts_with("x-oss-") || v1::is_listed(name)
}

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
        for name in [AUTHORIZATION, DATE, X_OSS_DATE, SECURITY_TOKEN] {
            headers.remove(name);
        }
        if let Some(token) = &key.token {
            let value = HeaderValue::from_bytes(token.expose()).map_err(|_| UnusableKey)?;
            headers.insert(SECURITY_TOKEN, sensitive(value));
        }
        let authorization = match self {
            Self::V4 { region } => v4_authorization(region, request, headers, key, now)?,
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

const SIGNATURE_PARAMETERS: [&str; 12] = [
    "OSSAccessKeyId",
    "Expires",
    "Signature",
    "security-token",
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
