//! AWS4-HMAC-SHA256 for requests of our own: host and every `x-amz-*` header are signed.

use http::Method;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use osier_types::Timestamp;

use super::{AccessKey, Unsigned, UnusableKey, sensitive};
use crate::canonical::push_encoded;
use crate::mac::{finish, hex, sha256, unhex};
use crate::s3::v4::{
    ALGORITHM, PAYLOAD_HEADER, SERVICE, TERMINAL, UNSIGNED_PAYLOAD, canonical_query, push_folded,
    scope_text,
};
use crate::signing_keys::{Derivation, Scope, derive};

/// The digest of nothing: what S3 takes over plain HTTP too, unlike `UNSIGNED-PAYLOAD`.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(super) const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The value of `Authorization`. The path is that of bucket and key.
pub(super) fn authorization(
    region: &str,
    request: &Unsigned<'_>,
    headers: &mut HeaderMap,
    key: &AccessKey,
    now: Timestamp,
) -> Result<String, UnusableKey> {
    let stamp = now.compact();
    let value = HeaderValue::from_str(&stamp).map_err(|_| UnusableKey)?;
    headers.insert(AMZ_DATE, value);
    if let Some(token) = &key.token {
        let value = HeaderValue::from_bytes(token.expose()).map_err(|_| UnusableKey)?;
        headers.insert(AMZ_TOKEN, sensitive(value));
    }
    let payload = payload(request.method, headers);
    let value = HeaderValue::from_str(&payload).map_err(|_| UnusableKey)?;
    headers.insert(HeaderName::from_static(PAYLOAD_HEADER), value);
    let scope = Scope {
        access_key_id: &key.id,
        date: stamp.get(..8).unwrap_or_default(),
        region,
        product: SERVICE,
        derivation: Derivation::Aws,
    };
    let names = signed_names(headers);
    let canonical = canonical_request(request, headers, &names, &payload);
    let scope_text = scope_text(&scope);
    let stem = format!("{ALGORITHM}\n{stamp}\n{scope_text}\n");
    let mac = hmac::Mac::chain_update(derive(&scope, &key.secret), stem);
    let mac = hmac::Mac::chain_update(mac, hex(&sha256(&[&canonical])));
    let signature = hex(&finish(mac));
    debug_assert!(scope_text.ends_with(TERMINAL));
    Ok(format!(
        "{ALGORITHM} Credential={}/{scope_text}, SignedHeaders={}, Signature={}",
        key.id,
        names.join(";"),
        String::from_utf8_lossy(&signature),
    ))
}

/// What the client committed its body to stays; else nothing is said of one.
fn payload(method: &Method, headers: &HeaderMap) -> String {
    let sent = headers
        .get(PAYLOAD_HEADER)
        .and_then(|sent| sent.to_str().ok());
    match sent.filter(|sent| unhex(sent).is_some()) {
        Some(sent) => sent.to_owned(),
        None if matches!(*method, Method::GET | Method::HEAD | Method::DELETE) => {
            OF_NOTHING.to_owned()
        }
        None => UNSIGNED_PAYLOAD.to_owned(),
    }
}

/// In order, each once.
fn signed_names(headers: &HeaderMap) -> Vec<String> {
    let mut names: Vec<String> = headers
        .keys()
        .filter(|name| **name == HOST || name.as_str().starts_with("x-amz-"))
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort_unstable();
    names
}

fn canonical_request(
    request: &Unsigned<'_>,
    headers: &HeaderMap,
    names: &[String],
    payload: &str,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(request.method.as_str().as_bytes());
    text.extend_from_slice(b"\n/");
    if let Some(bucket) = &request.resource.bucket {
        push_encoded(&mut text, bucket.as_bytes(), false);
        text.push(b'/');
    }
    push_encoded(
        &mut text,
        request.resource.key.as_deref().unwrap_or_default(),
        true,
    );
    text.push(b'\n');
    text.extend_from_slice(&canonical_query(request.query));
    text.push(b'\n');
    for name in names {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        for (nth, value) in headers.get_all(name).iter().enumerate() {
            if nth > 0 {
                text.push(b',');
            }
            push_folded(&mut text, value.as_bytes());
        }
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(names.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(payload.as_bytes());
    text
}
