//! Why a signature is refused: what would have had to be different for it to be right.
//!
//! The request is altered in ways in which clients are known to go wrong, one at a time and
//! then two at a time, and verified again each time. A signature that fits an altered request
//! is proof: no other request has it. Costs some milliseconds, so it is for whoever asks
//! afterwards, never for the request itself. Secrets are used, and never told.

mod alteration;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use http::{HeaderMap, Method};
use osier_types::{Fault, FaultKind, Query, SignatureMismatch, Timestamp};

use crate::claim::token;
use crate::v1::{parse_date, signing_date};
use crate::{
    Authentication, KeyRecord, KeyRing, Regions, ResourceName, Secret, SignedHead, TokenFault,
    Verifier,
};
use alteration::{Alteration, alterations};

/// A request that was refused, and what it may have been meant to be.
#[derive(Clone, Copy, Debug)]
pub struct RefusedHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// All headers, as received.
    pub headers: &'a HeaderMap,
    /// The query string as received, without `?`.
    pub raw_query: &'a str,
    /// What it was addressed to, as it was read.
    pub candidates: &'a [ResourceName],
    /// Other readings of host and path, each with words for people.
    pub readings: &'a [(ResourceName, String)],
    /// When it was received.
    pub received: Timestamp,
}

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What the server signed.
    pub server: Option<SignedText>,
    /// What the client signed, where that is known.
    pub client: Option<SignedText>,
    /// What would have made the signature right; all of it together.
    pub findings: Vec<Finding>,
}

/// Both texts of a signature, without security tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedText {
    /// V4 only.
    pub canonical_request: Option<String>,
    /// What the key signs.
    pub string_to_sign: String,
}

/// One thing that was not as the client signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub clue: Clue,
    /// In words for people.
    pub says: String,
}

/// What kind of thing was not as the client signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clue {
    /// The client's clock, or the time for which it signed.
    Clock,
    /// The region of the credential.
    Region,
    /// Bucket and key, by host or path.
    Resource,
    /// The method.
    Method,
    /// The parameters.
    Query,
    /// A header.
    Header,
    /// The digest of the body.
    Payload,
    /// The secret.
    Key,
}

impl Clue {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Region => "region",
            Self::Resource => "resource",
            Self::Method => "method",
            Self::Query => "query",
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Key => "key",
        }
    }
}

/// Finds out what is wrong with the signature of `refused`, whose keys `keyring` knows; other
/// keys it may have been made by are `key_ids`.
pub fn diagnose<'k>(
    refused: &RefusedHead<'_>,
    regions: &Regions,
    keyring: &dyn KeyRing,
    key_ids: impl IntoIterator<Item = &'k str>,
) -> Diagnosis {
    let ids: Vec<&str> = key_ids.into_iter().take(KEYS_MAX).collect();
    let base = Trial::of(refused);
    let server = base.text(keyring).map(|text| hidden(text, refused));
    // Whatever else is wrong, the clock need not be.
    let clock = base.clock_finding(refused, regions, keyring);
    let region = base.region_finding(regions, keyring);
    let mut given: Vec<Finding> = clock.into_iter().chain(region).collect();
    if base.fits(keyring) {
        return Diagnosis {
            client: server.clone(),
            server,
            findings: given,
        };
    }
    let all = alterations(refused, keyring, &ids);
    let singles = all.iter().map(std::slice::from_ref);
    let found = singles
        .map(<[Alteration]>::to_vec)
        .chain(pairs(&all))
        .take(TRIALS_MAX)
        .find_map(|alterations| {
            let trial = base.altered(&alterations);
            trial.fits(keyring).then_some((alterations, trial))
        });
    let Some((alterations, trial)) = found else {
        return Diagnosis {
            server,
            client: None,
            findings: given,
        };
    };
    given.extend(alterations.iter().map(Alteration::finding));
    Diagnosis {
        server,
        client: trial.text(keyring).map(|text| hidden(text, refused)),
        findings: given,
    }
}

/// Two alterations of different kinds at once.
fn pairs(all: &[Alteration]) -> impl Iterator<Item = Vec<Alteration>> {
    all.iter().enumerate().flat_map(|(nth, one)| {
        all.iter()
            .skip(nth + 1)
            .filter(|other| one.goes_with(other))
            .map(|other| vec![one.clone(), other.clone()])
    })
}

/// A request as it may have been signed.
#[derive(Clone, Debug)]
struct Trial<'a> {
    method: Cow<'a, Method>,
    headers: Cow<'a, HeaderMap>,
    raw_query: Cow<'a, str>,
    candidates: Cow<'a, [ResourceName]>,
    secret: Option<Secret>,
    /// The time at which its signature is, or was, in time.
    now: Timestamp,
}

impl<'a> Trial<'a> {
    fn of(refused: &RefusedHead<'a>) -> Self {
        Self {
            method: Cow::Borrowed(refused.method),
            headers: Cow::Borrowed(refused.headers),
            raw_query: Cow::Borrowed(refused.raw_query),
            candidates: Cow::Borrowed(refused.candidates),
            secret: None,
            now: claimed_time(refused),
        }
    }

    fn altered(&self, alterations: &[Alteration]) -> Self {
        let mut trial = self.clone();
        for alteration in alterations {
            alteration.apply(&mut trial);
        }
        trial
    }

    fn authenticate(
        &self,
        regions: &Regions,
        keyring: &dyn KeyRing,
        now: Timestamp,
    ) -> Result<Authentication, Fault> {
        let query = Query::parse(&self.raw_query);
        let head = SignedHead {
            method: &self.method,
            headers: &self.headers,
            query: &query,
            raw_query: &self.raw_query,
            // The scheme of S3 is not diagnosed.
            raw_path: "",
            hosts: &[],
            candidates: &self.candidates,
        };
        Verifier::new(regions.clone()).authenticate(&head, keyring, now)
    }

    /// Whether its signature is right, whatever region and time.
    fn fits(&self, keyring: &dyn KeyRing) -> bool {
        let ring = Ring {
            keyring,
            secret: self.secret.as_ref(),
        };
        matches!(
            self.authenticate(&Regions::Any, &ring, self.now),
            Ok(Authentication::Signed(_))
        )
    }

    /// What is signed; told by a secret that is certainly not the client's.
    fn text(&self, keyring: &dyn KeyRing) -> Option<SignedText> {
        let nobodys = Secret::new(Vec::new());
        let ring = Ring {
            keyring,
            secret: Some(&nobodys),
        };
        let refused = self.authenticate(&Regions::Any, &ring, self.now).err()?;
        let FaultKind::SignatureDoesNotMatch(mismatch) = refused.kind else {
            return None;
        };
        let SignatureMismatch {
            string_to_sign,
            canonical_request,
            ..
        } = *mismatch;
        Some(SignedText {
            canonical_request,
            string_to_sign: String::from_utf8_lossy(&string_to_sign).into_owned(),
        })
    }

    fn clock_finding(
        &self,
        refused: &RefusedHead<'_>,
        regions: &Regions,
        keyring: &dyn KeyRing,
    ) -> Option<Finding> {
        let fault = self
            .authenticate(regions, keyring, refused.received)
            .err()?;
        let apart = self.now.as_millis() - refused.received.as_millis();
        let says = match fault.kind {
            FaultKind::RequestTimeTooSkewed { .. } => format!(
                "the client's clock is {} {} the server's",
                duration(apart),
                if apart < 0 { "behind" } else { "ahead of" }
            ),
            FaultKind::AccessDenied(osier_types::AccessDenial::Expired { at }) => format!(
                "the signature was good until {}, {} before the request came",
                at.iso8601(),
                duration(refused.received.as_millis() - at.as_millis())
            ),
            FaultKind::AccessDenied(osier_types::AccessDenial::NotYetValid) => format!(
                "the signer's clock is {} ahead of the server's",
                duration(apart)
            ),
            _ => return None,
        };
        Some(Finding {
            clue: Clue::Clock,
            says,
        })
    }

    fn region_finding(&self, regions: &Regions, keyring: &dyn KeyRing) -> Option<Finding> {
        let Regions::Only(only) = regions else {
            return None;
        };
        let refused = |regions| self.authenticate(regions, keyring, self.now).is_err();
        let other = self.credential_region()?;
        (refused(regions) && !regions.accept(&other)).then(|| Finding {
            clue: Clue::Region,
            says: format!("it is signed for the region `{other}`, and this server is `{only}`"),
        })
    }

    /// The region of a V4 credential.
    fn credential_region(&self) -> Option<String> {
        let query = Query::parse(&self.raw_query);
        let header = self.headers.get(http::header::AUTHORIZATION);
        let text = header
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split("Credential=").nth(1))
            .and_then(|rest| rest.split(',').next())
            .or_else(|| query.text("x-oss-credential"))?;
        text.rsplit('/').nth(2).map(str::to_owned)
    }
}

/// The time for which a request was signed.
fn claimed_time(refused: &RefusedHead<'_>) -> Timestamp {
    let query = Query::parse(refused.raw_query);
    let head = SignedHead {
        method: refused.method,
        headers: refused.headers,
        query: &query,
        raw_query: refused.raw_query,
        raw_path: "",
        hosts: &[],
        candidates: refused.candidates,
    };
    let expires = || {
        let seconds = query.text("Expires")?.parse().ok()?;
        Some(Timestamp::from_seconds(seconds))
    };
    let stamped = || parse_date(query.get("x-oss-date")?).ok();
    let dated = || parse_date(signing_date(&head)).ok();
    if let Some(at) = expires() {
        return at.min(refused.received);
    }
    stamped().or_else(dated).unwrap_or(refused.received)
}

/// A key ring in which one key has another secret, and which knows keys that are not there.
struct Ring<'a> {
    keyring: &'a dyn KeyRing,
    secret: Option<&'a Secret>,
}

impl Ring<'_> {
    fn with_secret(&self, record: Option<KeyRecord>) -> Option<KeyRecord> {
        let Some(secret) = self.secret else {
            return record;
        };
        let mut record = record.unwrap_or_else(|| {
            KeyRecord::permanent(
                secret.clone(),
                crate::Identity::root(osier_types::Owner::default()),
            )
        });
        record.secret = secret.clone();
        record.enabled = true;
        Some(record)
    }
}

impl KeyRing for Ring<'_> {
    fn key(&self, access_key_id: &str) -> Option<KeyRecord> {
        self.with_secret(self.keyring.key(access_key_id))
    }

    fn temporary_key(
        &self,
        access_key_id: &str,
        token: &[u8],
        now: Timestamp,
    ) -> Result<KeyRecord, TokenFault> {
        let found = self.keyring.temporary_key(access_key_id, token, now);
        match (found, self.secret) {
            (Ok(record), _) => self.with_secret(Some(record)).ok_or(TokenFault::Invalid),
            (Err(_), Some(_)) => self.with_secret(None).ok_or(TokenFault::Invalid),
            (Err(fault), None) => Err(fault),
        }
    }
}

/// A text without the request's security token, decoded or encoded.
fn hidden(text: SignedText, refused: &RefusedHead<'_>) -> SignedText {
    let query = Query::parse(refused.raw_query);
    let Some(token) = token(refused.headers, &query) else {
        return text;
    };
    let plain = String::from_utf8_lossy(token);
    let encoded = osier_types::percent_encode(token, false);
    let hide = |text: String| {
        text.replace(&*plain, HIDDEN_TOKEN)
            .replace(&encoded, HIDDEN_TOKEN)
    };
    SignedText {
        canonical_request: text.canonical_request.map(hide),
        string_to_sign: hide(text.string_to_sign),
    }
}

/// `3 h 5 min` and the like.
fn duration(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

const HIDDEN_TOKEN: &str = "(security token)";
/// Other keys whose secret is tried.
const KEYS_MAX: usize = 1000;
/// Altered requests that are verified; each costs some microseconds.
const TRIALS_MAX: usize = 20_000;
