//! V4, in a header and in a URL: derived keys over a canonical request (reference 2.3 and 2.4).

use std::borrow::Cow;

use http::{HeaderMap, Method};
use osier_types::{AccessDenial, Fault, FaultKind, Query, Timestamp};

use crate::canonical::{
    ResourceText, header, header_text, push_encoded_query, push_headers, push_resource,
};
use crate::claim::{Claim, SKEW_MS_MAX, check_expiry, check_skew, digits, ec, malformed, token};
use crate::mac::{finish, hex, is_hex_of, sha256, unhex};
use crate::scheme::readings;
use crate::signing_keys::{Derivation, Scope, derive};
use crate::v1::parse_date;
use crate::{
    KeyRing, Place, Regions, ResourceName, Scheme, Signed, SignedHead, Unsigned, Verifier,
};

/// `Authorization: OSS4-HMAC-SHA256 Credential=..[,AdditionalHeaders=..],Signature=..`, the
/// fields in any order.
pub(crate) fn by_header(
    verifier: &Verifier,
    head: &SignedHead<'_>,
    fields: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let refuse = || malformed("the V4 `Authorization` is malformed", ec::V4_FORMAT);
    let (mut credential, mut additional, mut signature) = (None, None, None);
    for field in fields.split(',') {
        let (name, value) = field.trim().split_once('=').ok_or_else(refuse)?;
        let slot = match name.trim() {
            "Credential" => &mut credential,
            "AdditionalHeaders" => &mut additional,
            "Signature" => &mut signature,
            _ => return Err(refuse()),
        };
        if slot.replace(value.trim()).is_some() {
            return Err(refuse());
        }
    }
    let (Some(credential), Some(signature)) = (credential, signature) else {
        return Err(refuse());
    };
    let scope = parse_credential(credential, &verifier.regions)?;
    let additional = AdditionalHeaders::parse(additional)?;
    let stamp = Stamp::read(
        [
            header_text(head.headers, "x-oss-date"),
            header_text(head.headers, "date"),
            head.query.text("x-oss-date"),
        ]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty()),
    )?;
    stamp.check_scope(&scope)?;
    check_skew(stamp.time, now)?;
    let claim = Claim {
        now,
        access_key_id: scope.access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    let request = Request {
        head,
        claim,
        scope,
        stamp: &stamp.text,
        additional,
        place: Place::Header,
    };
    request.verify(verifier, keyring)
}

/// `?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=..&x-oss-date=..&x-oss-expires=..`.
pub(crate) fn by_url(
    verifier: &Verifier,
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let signature = head
        .query
        .non_empty("x-oss-signature")
        .ok_or_else(|| malformed("`x-oss-signature` is missing", ec::V4_NO_SIGNATURE))?;
    let credential = head.query.text("x-oss-credential").unwrap_or_default();
    let scope = parse_credential(credential, &verifier.regions)?;
    let additional = AdditionalHeaders::parse(head.query.text("x-oss-additional-headers"))?;
    let stamp = Stamp::read(head.query.non_empty("x-oss-date"))?;
    stamp.check_scope(&scope)?;
    let lifetime_s = head
        .query
        .get("x-oss-expires")
        .and_then(digits)
        .filter(|seconds| (1..=LIFETIME_S_MAX).contains(seconds))
        .ok_or_else(|| {
            let reason = format!("`x-oss-expires` is not within 1 and {LIFETIME_S_MAX}");
            malformed(reason, ec::V4_EXPIRES_RANGE)
        })?;
    stamp.check_begun(now)?;
    check_expiry(stamp.time.plus_millis(lifetime_s * 1000), now)?;
    let claim = Claim {
        now,
        access_key_id: scope.access_key_id,
        signature,
        token: token(head.headers, head.query),
    };
    let request = Request {
        head,
        claim,
        scope,
        stamp: &stamp.text,
        additional,
        place: Place::Url,
    };
    request.verify(verifier, keyring)
}

/// Splits `<id>/<yyyymmdd>/<region>/<product>/aliyun_v4_request`; an id may hold slashes.
pub(crate) fn parse_credential<'a>(
    credential: &'a str,
    regions: &Regions,
) -> Result<Scope<'a>, Fault> {
    let mut parts = credential.rsplitn(5, '/');
    let (Some(terminal), Some(product), Some(region), Some(date), Some(access_key_id)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next().filter(|id| !id.is_empty()),
    ) else {
        return Err(malformed(
            "the credential is not `id/date/region/product/aliyun_v4_request`",
            ec::V4_CREDENTIAL,
        ));
    };
    if terminal != TERMINAL || !PRODUCTS.contains(&product) {
        return Err(malformed(
            "the credential is for another service",
            ec::V4_SCOPE,
        ));
    }
    if !regions.accept(region) {
        let reason = match regions {
            Regions::Only(only) => format!("the credential is for another region than `{only}`"),
            Regions::Any => "the credential names no region".to_owned(),
        };
        return Err(malformed(reason, ec::V4_SCOPE));
    }
    Ok(Scope {
        access_key_id,
        date,
        region,
        product,
        derivation: Derivation::Aliyun,
    })
}

/// The time of a request: as signed, and as time.
pub(crate) struct Stamp<'a> {
    /// `20261122T030405Z`.
    pub(crate) text: Cow<'a, str>,
    time: Timestamp,
}

impl<'a> Stamp<'a> {
    /// Reads the compact form, or an HTTP date, which is signed in the compact form too.
    pub(crate) fn read(text: Option<&'a str>) -> Result<Self, Fault> {
        let text = text.unwrap_or_default();
        if let Ok(time) = Timestamp::parse_compact(text) {
            return Ok(Self {
                text: Cow::Borrowed(text),
                time,
            });
        }
        let time = parse_date(text.as_bytes())?;
        Ok(Self {
            text: Cow::Owned(time.compact()),
            time,
        })
    }

    /// Reads the compact form only.
    pub(crate) fn read_compact(text: &'a str) -> Option<Self> {
        let time = Timestamp::parse_compact(text).ok()?;
        Some(Self {
            text: Cow::Borrowed(text),
            time,
        })
    }

    /// The time itself.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    /// Refuses a scope of another day.
    pub(crate) fn check_scope(&self, scope: &Scope<'_>) -> Result<(), Fault> {
        if self.text.get(..8) != Some(scope.date) {
            return Err(malformed(
                "the date of the credential is not that of the request",
                ec::V4_SCOPE,
            ));
        }
        Ok(())
    }

    /// Refuses a time that lies more than 15 minutes ahead.
    pub(crate) fn check_begun(&self, now: Timestamp) -> Result<(), Fault> {
        if now < self.time.plus_millis(-SKEW_MS_MAX) {
            return Err(FaultKind::AccessDenied(AccessDenial::NotYetValid).into());
        }
        Ok(())
    }
}

/// The names of further signed headers: lower case, sorted, each once.
pub(crate) struct AdditionalHeaders(Vec<String>);

impl AdditionalHeaders {
    /// Splits at `;`. None is no header; an empty list or element is an error.
    pub(crate) fn parse(list: Option<&str>) -> Result<Self, Fault> {
        let Some(list) = list else {
            return Ok(Self(Vec::new()));
        };
        if list.trim().is_empty() {
            return Err(malformed(
                "the list of additional headers is empty",
                ec::V4_ADDITIONAL_EMPTY,
            ));
        }
        let mut names: Vec<String> = list
            .split(';')
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        if names.iter().any(String::is_empty) {
            return Err(malformed(
                "an additional header has no name",
                ec::V4_ADDITIONAL_ELEMENT,
            ));
        }
        names.sort_unstable();
        names.dedup();
        Ok(Self(names))
    }

    /// Whether `name` is in the list.
    pub(crate) fn contain(&self, name: &str) -> bool {
        self.0
            .binary_search_by(|held| held.as_str().cmp(name))
            .is_ok()
    }

    /// The names that `keep` keeps, joined by `;`.
    pub(crate) fn push(&self, out: &mut Vec<u8>, keep: impl Fn(&str) -> bool) {
        let names = self.0.iter().filter(|name| keep(name));
        for (nth, name) in names.enumerate() {
            if nth > 0 {
                out.push(b';');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
}

struct Request<'a> {
    head: &'a SignedHead<'a>,
    claim: Claim<'a>,
    scope: Scope<'a>,
    stamp: &'a str,
    additional: AdditionalHeaders,
    place: Place,
}

impl Request<'_> {
    fn verify(&self, verifier: &Verifier, keyring: &dyn KeyRing) -> Result<Signed, Fault> {
        let payload_sha256 = payload_digest(self.head.headers)?;
        let record = self.claim.record(keyring)?;
        let known = verifier.signing_keys.find(&self.scope, &record.secret);
        let new = known.is_none();
        let key = known.unwrap_or_else(|| derive(&self.scope, &record.secret));
        let stem = string_to_sign_stem(self.stamp, &self.scope);
        let mut first = None;
        for (query, plus_is_space) in readings(self.head) {
            let tail = self.canonical_tail(&query);
            for (candidate, resource) in self.head.candidates.iter().enumerate() {
                let top = self.canonical_top(resource);
                let digest = hex(&sha256(&[&top, &tail]));
                let mac = hmac::Mac::chain_update(key.clone(), &stem);
                let computed = finish(hmac::Mac::chain_update(mac, digest));
                if is_hex_of(self.claim.signature, &computed) {
                    if new {
                        verifier.signing_keys.keep(&self.scope, &record.secret, key);
                    }
                    return Ok(Signed {
                        access_key_id: self.claim.access_key_id.to_owned(),
                        identity: record.identity,
                        scheme: Scheme::V4,
                        place: self.place,
                        candidate,
                        payload_sha256,
                        plus_is_space,
                        oss_query_unsigned: false,
                        chunks: None,
                        signed_at: None,
                    });
                }
                first.get_or_insert_with(|| {
                    let request = [top, tail.clone()].concat();
                    let string_to_sign = [stem.as_slice(), &digest].concat();
                    (
                        string_to_sign,
                        String::from_utf8_lossy(&request).into_owned(),
                    )
                });
            }
        }
        let (string_to_sign, request) = first.unwrap_or_default();
        Err(self
            .claim
            .mismatch(string_to_sign, Some(request), ec::V4_MISMATCH))
    }

    /// Method and resource.
    fn canonical_top(&self, resource: &ResourceName) -> Vec<u8> {
        canonical_top(self.head.method, resource)
    }

    /// Query, headers, names of additional headers, digest of the payload.
    fn canonical_tail(&self, query: &Query) -> Vec<u8> {
        canonical_tail(query, self.head.headers, &self.additional)
    }
}

/// The canonical request of one of our own, without additional headers.
pub(crate) fn canonical_request(request: &Unsigned<'_>, headers: &HeaderMap) -> Vec<u8> {
    let mut text = canonical_top(request.method, request.resource);
    let none = AdditionalHeaders(Vec::new());
    text.extend_from_slice(&canonical_tail(request.query, headers, &none));
    text
}

fn canonical_top(method: &Method, resource: &ResourceName) -> Vec<u8> {
    let mut text = Vec::with_capacity(128);
    text.extend_from_slice(method.as_str().as_bytes());
    text.push(b'\n');
    push_resource(&mut text, resource, ResourceText::Encoded);
    text.push(b'\n');
    text
}

fn canonical_tail(query: &Query, headers: &HeaderMap, additional: &AdditionalHeaders) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    push_encoded_query(&mut text, query, |name| name == "x-oss-signature");
    text.push(b'\n');
    let always = |name: &str| matches!(name, "content-type" | "content-md5");
    push_headers(&mut text, headers, |name| {
        always(name) || additional.contain(name)
    });
    text.push(b'\n');
    additional.push(&mut text, |name| {
        !always(name) && !name.starts_with("x-oss-")
    });
    text.push(b'\n');
    text.extend_from_slice(match header(headers, PAYLOAD_HEADER) {
        b"" => UNSIGNED_PAYLOAD.as_bytes(),
        digest => digest,
    });
    text
}

/// The string to sign, but for the digest of the canonical request.
pub(crate) fn string_to_sign_stem(stamp: &str, scope: &Scope<'_>) -> Vec<u8> {
    let Scope {
        date,
        region,
        product,
        ..
    } = scope;
    format!("OSS4-HMAC-SHA256\n{stamp}\n{date}/{region}/{product}/{TERMINAL}\n").into_bytes()
}

/// What the body must digest to. Missing is tolerated; what is neither a digest nor the word
/// for none is not, or a client would believe its body checked.
pub(crate) fn payload_digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Fault> {
    if !headers.contains_key(PAYLOAD_HEADER) {
        return Ok(None);
    }
    match header_text(headers, PAYLOAD_HEADER) {
        Some("" | UNSIGNED_PAYLOAD) => Ok(None),
        text => match text.and_then(unhex) {
            Some(digest) => Ok(Some(digest)),
            None => Err(Fault::argument(
                PAYLOAD_HEADER,
                text.unwrap_or_default(),
                "expected 64 hex digits or UNSIGNED-PAYLOAD",
            )),
        },
    }
}

pub(crate) const TERMINAL: &str = "aliyun_v4_request";
pub(crate) const PAYLOAD_HEADER: &str = "x-oss-content-sha256";
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The services whose signatures mean this one.
const PRODUCTS: [&str; 2] = ["oss", "oss-cloudbox"];

/// Seven days.
const LIFETIME_S_MAX: i64 = 604_800;

#[cfg(test)]
mod tests;
