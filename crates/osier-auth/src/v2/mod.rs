//! V2, in a header and in a URL: HMAC-SHA256 over encoded text (reference 2.5). Legacy: only
//! old oss2 and Java clients use it.

use osier_types::{Fault, Timestamp};

use crate::canonical::{ResourceText, header, push_encoded_query, push_headers, push_resource};
use crate::claim::{Claim, check_expiry, check_skew, digits, ec, malformed, token};
use crate::mac::{hmac_sha256, is_base64_of};
use crate::scheme::readings;
use crate::v1::{parse_date, signing_date};
use crate::v4::AdditionalHeaders;
use crate::{KeyRing, Place, ResourceName, Scheme, Signed, SignedHead};

/// `Authorization: OSS2 AccessKeyId:..,AdditionalHeaders:..,Signature:..`.
pub(crate) fn by_header(
    head: &SignedHead<'_>,
    credentials: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let refuse = || Fault::argument("Authorization", "OSS2", "the fields are malformed");
    let (mut id, mut additional, mut signature) = (None, None, None);
    for field in credentials.split(',') {
        let (name, value) = field.trim().split_once(':').ok_or_else(refuse)?;
        let slot = match name.trim() {
            "AccessKeyId" => &mut id,
            "AdditionalHeaders" => &mut additional,
            "Signature" => &mut signature,
            _ => return Err(refuse()),
        };
        if slot.replace(value.trim()).is_some() {
            return Err(refuse());
        }
    }
    let (Some(access_key_id), Some(signature)) = (id, signature) else {
        return Err(refuse());
    };
    // oss2 signs `Date` even when `x-oss-date` is there too.
    let date = match header(head.headers, "date") {
        b"" => signing_date(head),
        date => date,
    };
    check_skew(parse_date(date)?, now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    let additional = AdditionalHeaders::parse(additional)?;
    verify(head, &claim, date, &additional, Place::Header, keyring)
}

/// `?x-oss-signature-version=OSS2&x-oss-access-key-id=..&x-oss-expires=..&x-oss-signature=..`.
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
    let access_key_id = field("x-oss-access-key-id", ec::V1_URL_NO_ID)?;
    let expires = field("x-oss-expires", ec::V1_URL_NO_EXPIRES)?;
    let signature = field("x-oss-signature", ec::V4_NO_SIGNATURE)?;
    let at = digits(expires.as_bytes()).ok_or_else(|| {
        malformed(
            "`x-oss-expires` is not a number of seconds",
            ec::BAD_EXPIRES,
        )
    })?;
    check_expiry(Timestamp::from_seconds(at), now)?;
    let claim = Claim {
        now,
        access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    let additional = AdditionalHeaders::parse(head.query.text("x-oss-additional-headers"))?;
    verify(
        head,
        &claim,
        expires.as_bytes(),
        &additional,
        Place::Url,
        keyring,
    )
}

fn verify(
    head: &SignedHead<'_>,
    claim: &Claim<'_>,
    date: &[u8],
    additional: &AdditionalHeaders,
    place: Place,
    keyring: &dyn KeyRing,
) -> Result<Signed, Fault> {
    let record = claim.record(keyring)?;
    let stem = stem(head, date, additional);
    let mut first = None;
    for (query, plus_is_space) in readings(head) {
        let mut tail = Vec::new();
        push_encoded_query(&mut tail, &query, |name| name == "x-oss-signature");
        for (candidate, resource) in head.candidates.iter().enumerate() {
            let text = string_to_sign(&stem, resource, &tail);
            if is_base64_of(claim.signature, &hmac_sha256(record.secret.expose(), &text)) {
                return Ok(Signed {
                    access_key_id: claim.access_key_id.to_owned(),
                    identity: record.identity,
                    scheme: Scheme::V2,
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
    Err(claim.mismatch(first.unwrap_or_default(), None, ec::V1_MISMATCH))
}

fn stem(head: &SignedHead<'_>, date: &[u8], additional: &AdditionalHeaders) -> Vec<u8> {
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
    push_headers(&mut text, head.headers, |name| additional.contain(name));
    additional.push(&mut text, |name| !name.starts_with("x-oss-"));
    text.push(b'\n');
    text
}

fn string_to_sign(stem: &[u8], resource: &ResourceName, query: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(stem.len() + query.len() + 256);
    text.extend_from_slice(stem);
    push_resource(&mut text, resource, ResourceText::EncodedSlashes);
    if !query.is_empty() {
        text.push(b'?');
        text.extend_from_slice(query);
    }
    text
}

#[cfg(test)]
mod tests;
