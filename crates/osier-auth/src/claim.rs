//! What a signed request claims, the checks that all schemes share, and their faults.

use http::HeaderMap;
use osier_types::{AccessDenial, Fault, FaultKind, Query, SignatureMismatch, Timestamp};

use crate::canonical::header;
use crate::{KeyRecord, KeyRing, TokenFault};

/// How far a request's date may be from the server's, either way.
pub(crate) const SKEW_MS_MAX: i64 = 15 * 60 * 1000;

/// The finer codes, from section 3.4 of the reference; those of partial V1 URLs are the
/// members of the family `0002-0000006x` that were free, since the documents name none.
pub(crate) mod ec {
    pub(crate) const V1_MISMATCH: &str = "0002-00000040";
    pub(crate) const V1_URL_NO_ID: &str = "0002-00000066";
    pub(crate) const V1_URL_NO_EXPIRES: &str = "0002-00000067";
    pub(crate) const V1_URL_NO_SIGNATURE: &str = "0002-00000068";
    pub(crate) const BAD_EXPIRES: &str = "0002-00000070";
    pub(crate) const V4_MISMATCH: &str = "0002-00000201";
    pub(crate) const V4_FORMAT: &str = "0002-00000202";
    pub(crate) const V4_CREDENTIAL: &str = "0002-00000206";
    pub(crate) const V4_ADDITIONAL_EMPTY: &str = "0002-00000209";
    pub(crate) const V4_ADDITIONAL_ELEMENT: &str = "0002-00000210";
    pub(crate) const V4_NO_SIGNATURE: &str = "0002-00000219";
    pub(crate) const V4_SCOPE: &str = "0002-00000222";
    pub(crate) const V4_EXPIRES_RANGE: &str = "0002-00000232";
    pub(crate) const BAD_DATE: &str = "0002-00000504";
}

/// Who claims to have signed.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) signature: &'a str,
    /// The security token, wherever it travelled.
    pub(crate) token: Option<&'a [u8]>,
    /// Tokens end.
    pub(crate) now: Timestamp,
}

impl Claim<'_> {
    /// The key, if it may be used with this token.
    pub(crate) fn record(&self, keyring: &dyn KeyRing) -> Result<KeyRecord, Fault> {
        let unknown = || {
            Fault::new(FaultKind::InvalidAccessKeyId {
                access_key_id: self.access_key_id.chars().take(200).collect(),
            })
        };
        let record = match self.token {
            // A temporary key without its token is no key.
            None => keyring
                .key(self.access_key_id)
                .filter(|record| record.token.is_none()),
            Some(token) => match keyring.temporary_key(self.access_key_id, token, self.now) {
                Ok(record) => Some(record),
                Err(TokenFault::Expired) => return Err(FaultKind::SecurityTokenExpired.into()),
                Err(TokenFault::Invalid) => return Err(FaultKind::InvalidSecurityToken.into()),
                Err(TokenFault::OtherKey) => None,
            },
        };
        record.filter(|record| record.enabled).ok_or_else(unknown)
    }

    /// The fault of a signature that is not ours.
    pub(crate) fn mismatch(
        &self,
        string_to_sign: Vec<u8>,
        canonical_request: Option<String>,
        ec: &'static str,
    ) -> Fault {
        FaultKind::SignatureDoesNotMatch(Box::new(SignatureMismatch {
            access_key_id: self.access_key_id.to_owned(),
            signature_provided: self.signature.to_owned(),
            string_to_sign,
            canonical_request,
            ec,
        }))
        .into()
    }
}

/// The security token of a request: clients put it in four places (reference 2.7).
pub(crate) fn token<'a>(headers: &'a HeaderMap, query: &'a Query) -> Option<&'a [u8]> {
    [
        header(headers, "x-oss-security-token"),
        header(headers, "security-token"),
        query.get("security-token").unwrap_or_default(),
        query.get("x-oss-security-token").unwrap_or_default(),
    ]
    .into_iter()
    .find(|token| !token.is_empty())
}

/// Refuses a date more than 15 minutes away.
pub(crate) fn check_skew(request: Timestamp, now: Timestamp) -> Result<(), Fault> {
    let apart = now.as_millis().abs_diff(request.as_millis());
    if apart > SKEW_MS_MAX.unsigned_abs() {
        return Err(FaultKind::RequestTimeTooSkewed {
            request,
            server: now,
        }
        .into());
    }
    Ok(())
}

/// Refuses what is over. The last second is still in time.
pub(crate) fn check_expiry(at: Timestamp, now: Timestamp) -> Result<(), Fault> {
    if now.whole_seconds() > at {
        return Err(FaultKind::AccessDenied(AccessDenial::Expired { at }).into());
    }
    Ok(())
}

/// Decimal digits, nothing else: no sign, no blank, no overflow.
pub(crate) fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Parts of a signature are missing or malformed.
pub(crate) fn malformed(reason: impl Into<String>, ec: &'static str) -> Fault {
    FaultKind::AccessDenied(AccessDenial::MalformedSignature {
        reason: reason.into(),
        ec,
    })
    .into()
}
