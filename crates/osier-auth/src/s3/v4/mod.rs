//! AWS4-HMAC-SHA256, in a header and in a URL.
//!
//! Every header that begins with `x-amz-` must be signed: those of a request that has been
//! tampered with may make it mean something else.

use std::borrow::Cow;

use osier_types::{
    AccessDenial, AuthorizationPlace, Fault, FaultKind, Query, Timestamp, percent_decode,
};

use super::{ChunkSigner, malformed, token};
use crate::canonical::{header, header_text, push_encoded};
use crate::claim::{Claim, check_expiry, check_skew, digits, ec};
use crate::mac::{finish, hex, is_hex_of, sha256, unhex};
use crate::scheme::readings;
use crate::signing_keys::{Derivation, Scope, derive};
use crate::v4::Stamp;
use crate::{KeyRing, Place, Regions, Scheme, Signed, SignedHead, Verifier};

/// `Authorization: AWS4-HMAC-SHA256 Credential=.., SignedHeaders=.., Signature=..`.
pub(crate) fn by_header(
    verifier: &Verifier,
    head: &SignedHead<'_>,
    fields: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let target = Target {
        service: SERVICE,
        regions: &verifier.regions,
        payload: header_text(head.headers, PAYLOAD_HEADER),
    };
    by_header_to(&target, verifier, head, fields, keyring, now)
}

/// As [`by_header`], for any service of AWS.
pub(crate) fn by_header_to(
    target: &Target<'_>,
    verifier: &Verifier,
    head: &SignedHead<'_>,
    fields: &str,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let authorization = Authorization::parse(fields)?;
    let place = AuthorizationPlace::Header;
    let (service, regions) = (target.service, target.regions);
    let scope = parse_credential(authorization.credential, service, regions, place)?;
    let stamp = header_stamp(head)?;
    check_day(&stamp, &scope, place)?;
    check_skew(stamp.time(), now)?;
    let Some(payload) = target.payload else {
        return Err(FaultKind::MissingSecurityHeader {
            name: PAYLOAD_HEADER,
        }
        .into());
    };
    let request = Request {
        head,
        claim: Claim {
            now,
            access_key_id: scope.access_key_id,
            signature: authorization.signature,
            token: token(head.headers, head.query),
        },
        scope,
        stamp: &stamp.text,
        signed_at: stamp.time(),
        signed_headers: SignedHeaders::parse(authorization.signed_headers, place)?,
        payload: Payload::parse(payload)?,
        payload_text: payload,
        place: Place::Header,
    };
    request.verify(verifier, keyring)
}

/// `?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=..&X-Amz-Date=..&X-Amz-Expires=..
/// &X-Amz-SignedHeaders=..&X-Amz-Signature=..`.
pub(crate) fn by_url(
    verifier: &Verifier,
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    // A URL is made before there is a body, so usually nothing is said of it.
    let payload = header_text(head.headers, PAYLOAD_HEADER)
        .or_else(|| head.query.non_empty("X-Amz-Content-Sha256"))
        .unwrap_or(UNSIGNED_PAYLOAD);
    let target = Target {
        service: SERVICE,
        regions: &verifier.regions,
        payload: Some(payload),
    };
    by_url_to(&target, verifier, head, keyring, now)
}

/// As [`by_url`], for any service of AWS.
pub(crate) fn by_url_to(
    target: &Target<'_>,
    verifier: &Verifier,
    head: &SignedHead<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<Signed, Fault> {
    let place = AuthorizationPlace::Query;
    let field = |name: &str| {
        head.query
            .non_empty(name)
            .ok_or_else(|| malformed(place, format!("`{name}` is missing")))
    };
    if field("X-Amz-Algorithm")? != ALGORITHM {
        let reason = format!("`X-Amz-Algorithm` is not {ALGORITHM}");
        return Err(malformed(place, reason));
    }
    let credential = field("X-Amz-Credential")?;
    let scope = parse_credential(credential, target.service, target.regions, place)?;
    let stamp = Stamp::read_compact(field("X-Amz-Date")?)
        .ok_or_else(|| malformed(place, "`X-Amz-Date` is not `yyyymmddThhmmssZ`"))?;
    check_day(&stamp, &scope, place)?;
    let lifetime_s = digits(field("X-Amz-Expires")?.as_bytes())
        .filter(|seconds| (1..=LIFETIME_S_MAX).contains(seconds))
        .ok_or_else(|| {
            let reason = format!("`X-Amz-Expires` is not within 1 and {LIFETIME_S_MAX}");
            malformed(place, reason)
        })?;
    let signature = field("X-Amz-Signature")?;
    let signed_headers = SignedHeaders::parse(field("X-Amz-SignedHeaders")?, place)?;
    stamp.check_begun(now)?;
    check_expiry(stamp.time().plus_millis(lifetime_s * 1000), now)?;
    let payload = target.payload.unwrap_or(UNSIGNED_PAYLOAD);
    let request = Request {
        head,
        claim: Claim {
            now,
            access_key_id: scope.access_key_id,
            signature,
            token: token(head.headers, head.query),
        },
        scope,
        stamp: &stamp.text,
        signed_at: stamp.time(),
        signed_headers,
        payload: Payload::parse(payload)?,
        payload_text: payload,
        place: Place::Url,
    };
    request.verify(verifier, keyring)
}

/// Whom a signature is for, and what it says of the body.
pub(crate) struct Target<'a> {
    /// As the credential names it.
    pub(crate) service: &'a str,
    pub(crate) regions: &'a Regions,
    pub(crate) payload: Option<&'a str>,
}

/// The date that is signed: `x-amz-date`, else `Date`.
pub(super) fn header_stamp<'a>(head: &SignedHead<'a>) -> Result<Stamp<'a>, Fault> {
    Stamp::read(
        [
            header_text(head.headers, "x-amz-date"),
            header_text(head.headers, "date"),
        ]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty()),
    )
}

/// The three fields of the header, in any order, each once.
struct Authorization<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(fields: &'a str) -> Result<Self, Fault> {
        let refuse = |reason: &str| malformed(AuthorizationPlace::Header, reason);
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) = field
                .trim()
                .split_once('=')
                .ok_or_else(|| refuse("a field has no value"))?;
            let slot = match name.trim() {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(refuse("it has a field that is unknown")),
            };
            if slot.replace(value.trim()).is_some() {
                return Err(refuse("it has a field twice"));
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => Ok(Self {
                credential,
                signed_headers,
                signature,
            }),
            _ => Err(refuse(
                "it must have `Credential`, `SignedHeaders` and `Signature`",
            )),
        }
    }
}

/// Splits `<id>/<yyyymmdd>/<region>/<service>/aws4_request`; an id may hold slashes.
pub(super) fn parse_credential<'a>(
    credential: &'a str,
    service: &str,
    regions: &Regions,
    place: AuthorizationPlace,
) -> Result<Scope<'a>, Fault> {
    let mut parts = credential.rsplitn(5, '/');
    let (Some(terminal), Some(product), Some(region), Some(date), Some(access_key_id)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next().filter(|id| !id.is_empty()),
    ) else {
        let reason = "the credential is not `id/yyyymmdd/region/service/aws4_request`";
        return Err(malformed(place, reason));
    };
    if terminal != TERMINAL {
        return Err(malformed(
            place,
            "the credential does not end in `aws4_request`",
        ));
    }
    if product != service {
        let reason = format!("the credential is for another service than `{service}`");
        return Err(malformed(place, reason));
    }
    if !regions.accept(region) {
        return Err(FaultKind::MalformedAuthorization {
            place,
            reason: "the credential is for another region".to_owned(),
            region: match regions {
                Regions::Only(only) => Some(only.clone()),
                Regions::Any => None,
            },
        }
        .into());
    }
    Ok(Scope {
        access_key_id,
        date,
        region,
        product,
        derivation: Derivation::Aws,
    })
}

/// Refuses a scope of another day than that of the request.
pub(super) fn check_day(
    stamp: &Stamp<'_>,
    scope: &Scope<'_>,
    place: AuthorizationPlace,
) -> Result<(), Fault> {
    if stamp.text.get(..8) != Some(scope.date) {
        let reason = "the date of the credential is not that of the request";
        return Err(malformed(place, reason));
    }
    Ok(())
}

/// The names of the signed headers, as sent: lower case, in order, each once.
struct SignedHeaders<'a> {
    text: &'a str,
    names: Vec<&'a str>,
}

impl<'a> SignedHeaders<'a> {
    fn parse(text: &'a str, place: AuthorizationPlace) -> Result<Self, Fault> {
        let names: Vec<&str> = text.split(';').collect();
        let lower = |name: &&str| {
            !name.is_empty()
                && !name
                    .bytes()
                    .any(|byte| byte.is_ascii_uppercase() || byte <= b' ')
        };
        let ascending = names.iter().zip(names.iter().skip(1)).all(|(a, b)| a < b);
        if !names.iter().all(lower) || !ascending {
            let reason = "the signed headers are not names in lower case and in order";
            return Err(malformed(place, reason));
        }
        Ok(Self { text, names })
    }

    fn contain(&self, name: &str) -> bool {
        self.names.binary_search(&name).is_ok()
    }
}

/// What a request says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// Nothing, or what its trailer will say.
    Unsigned,
    /// Its digest.
    Digest([u8; 32]),
    /// Every chunk is signed.
    Chunks,
}

impl Payload {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            UNSIGNED_PAYLOAD | super::chunked::UNSIGNED_TRAILER => Ok(Self::Unsigned),
            super::chunked::SIGNED | super::chunked::SIGNED_TRAILER => Ok(Self::Chunks),
            text => unhex(text).map(Self::Digest).ok_or_else(|| {
                let reason = "expected 64 hex digits, UNSIGNED-PAYLOAD or STREAMING-*";
                Fault::argument(PAYLOAD_HEADER, text, reason)
            }),
        }
    }
}

struct Request<'a> {
    head: &'a SignedHead<'a>,
    claim: Claim<'a>,
    scope: Scope<'a>,
    stamp: &'a str,
    signed_at: Timestamp,
    signed_headers: SignedHeaders<'a>,
    payload: Payload,
    payload_text: &'a str,
    place: Place,
}

impl Request<'_> {
    fn verify(&self, verifier: &Verifier, keyring: &dyn KeyRing) -> Result<Signed, Fault> {
        self.check_signed_headers()?;
        let record = self.claim.record(keyring)?;
        let known = verifier.signing_keys.find(&self.scope, &record.secret);
        let new = known.is_none();
        let key = known.unwrap_or_else(|| derive(&self.scope, &record.secret));
        let scope = scope_text(&self.scope);
        let stem = format!("{ALGORITHM}\n{}\n{scope}\n", self.stamp).into_bytes();
        let own = (header(self.head.headers, "host"), 0);
        let elsewhere = self.head.hosts.iter();
        let elsewhere = elsewhere.map(|reading| (reading.host.as_bytes(), reading.candidate));
        let mut first = None;
        for (host, candidate) in std::iter::once(own).chain(elsewhere) {
            let headers = self.canonical_headers(host);
            for (query, plus_is_space) in readings(self.head) {
                let query = canonical_query(&query);
                for path in paths(self.head.raw_path) {
                    let canonical = self.canonical_request(&path, &query, &headers);
                    let digest = hex(&sha256(&[&canonical]));
                    let mac = hmac::Mac::chain_update(key.clone(), &stem);
                    let computed = finish(hmac::Mac::chain_update(mac, digest));
                    if is_hex_of(self.claim.signature, &computed) {
                        let chunks = (self.payload == Payload::Chunks).then(|| {
                            let seed = self.claim.signature;
                            Box::new(ChunkSigner::new(key.clone(), self.stamp, &scope, seed))
                        });
                        if new {
                            verifier.signing_keys.keep(&self.scope, &record.secret, key);
                        }
                        return Ok(Signed {
                            access_key_id: self.claim.access_key_id.to_owned(),
                            identity: record.identity,
                            scheme: Scheme::Aws4,
                            place: self.place,
                            candidate,
                            payload_sha256: match self.payload {
                                Payload::Digest(digest) => Some(digest),
                                Payload::Unsigned | Payload::Chunks => None,
                            },
                            plus_is_space,
                            oss_query_unsigned: false,
                            chunks,
                            signed_at: Some(self.signed_at),
                        });
                    }
                    first.get_or_insert_with(|| {
                        let string_to_sign = [stem.as_slice(), &digest].concat();
                        let canonical = String::from_utf8_lossy(&canonical).into_owned();
                        (string_to_sign, canonical)
                    });
                }
            }
        }
        let (string_to_sign, canonical) = first.unwrap_or_default();
        Err(self
            .claim
            .mismatch(string_to_sign, Some(canonical), ec::V4_MISMATCH))
    }

    /// Refuses what changes the meaning of a request without being signed.
    fn check_signed_headers(&self) -> Result<(), Fault> {
        let mut missing: Vec<&str> = self
            .head
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with("x-amz-") && !ADDED_BY_PROXIES.contains(name))
            .chain(std::iter::once("host"))
            .filter(|name| !self.signed_headers.contain(name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        let names = missing.join(", ").chars().take(500).collect();
        Err(FaultKind::AccessDenied(AccessDenial::HeadersNotSigned { names }).into())
    }

    /// `name:value\n` of each signed header; runs of blanks are one, values of a repeated header
    /// are joined by commas, and one that is not there is empty.
    fn canonical_headers(&self, host: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(512);
        for name in &self.signed_headers.names {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            if *name == "host" {
                push_folded(&mut text, host);
            } else {
                for (nth, value) in self.head.headers.get_all(*name).iter().enumerate() {
                    if nth > 0 {
                        text.push(b',');
                    }
                    push_folded(&mut text, value.as_bytes());
                }
            }
            text.push(b'\n');
        }
        text
    }

    fn canonical_request(&self, path: &[u8], query: &[u8], headers: &[u8]) -> Vec<u8> {
        [
            self.head.method.as_str().as_bytes(),
            path,
            query,
            headers,
            self.signed_headers.text.as_bytes(),
            self.payload_text.as_bytes(),
        ]
        .join(&b'\n')
    }
}

/// `yyyymmdd/region/service/aws4_request`.
pub(crate) fn scope_text(scope: &Scope<'_>) -> String {
    let Scope {
        date,
        region,
        product,
        ..
    } = scope;
    format!("{date}/{region}/{product}/{TERMINAL}")
}

/// The path, encoded once, however much of it the client had encoded; then as it was sent, for
/// clients that sign what they send and encode less or more than the rule asks.
fn paths(raw: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let raw = if raw.is_empty() { "/" } else { raw };
    let mut strict = Vec::with_capacity(raw.len() + 8);
    push_encoded(&mut strict, &percent_decode(raw.as_bytes()), true);
    let as_sent = (strict != raw.as_bytes()).then_some(Cow::Borrowed(raw.as_bytes()));
    std::iter::once(Cow::Owned(strict)).chain(as_sent)
}

/// All parameters but the signature: strictly encoded, sorted, `name=value` even without a value.
pub(crate) fn canonical_query(query: &Query) -> Vec<u8> {
    let encode = |bytes: &[u8]| {
        let mut text = Vec::with_capacity(bytes.len() + 8);
        push_encoded(&mut text, bytes, false);
        text
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .pairs()
        .iter()
        .filter(|pair| pair.name != "X-Amz-Signature")
        .map(|pair| (encode(pair.name.as_bytes()), encode(&pair.value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<Vec<u8>> = pairs
        .into_iter()
        .map(|(name, value)| [name, value].join(&b'='))
        .collect();
    pairs.join(&b'&')
}

/// A header's value without blanks at its ends and with single ones within.
pub(crate) fn push_folded(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(u8::is_ascii_whitespace);
    for (nth, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if nth > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(crate) const SERVICE: &str = "s3";
pub(crate) const TERMINAL: &str = "aws4_request";
pub(crate) const PAYLOAD_HEADER: &str = "x-amz-content-sha256";
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Seven days.
const LIFETIME_S_MAX: i64 = 604_800;

/// `CloudFront` tells its own request id to the server behind it, and that header means nothing.
const ADDED_BY_PROXIES: [&str; 1] = ["x-amz-cf-id"];

#[cfg(test)]
mod tests;
