//! Signatures of control requests (STS, RAM, CDN): ACS3-HMAC-SHA256 and RPC V1; for STS and IAM
//! of AWS, AWS4-HMAC-SHA256 ([`authenticate_aws`]).
//!
//! Which of the two is told by the request itself. Both need a date near the server's and a
//! nonce that was not used before; the parameters that come out are those that were signed.

mod acs3;
mod aws;
mod nonces;
mod parameters;
mod rpc;
#[cfg(test)]
mod tests;

use http::{HeaderMap, Method};
use osier_types::Timestamp;

pub use aws::{AwsService, authenticate_aws};
pub use nonces::Nonces;

use crate::canonical::header;
use crate::claim::SKEW_MS_MAX;
use crate::directory::ControlFault;
use crate::{Identity, KeyRecord, KeyRing, Principal};

/// A control request, as far as signatures see it.
#[derive(Clone, Copy, Debug)]
pub struct ControlHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as received.
    pub path: &'a str,
    /// The query string as received, without `?`.
    pub raw_query: &'a str,
    /// All headers, as received.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// A control request whose signature is right.
#[derive(Clone, Debug)]
pub struct ControlAuthentication {
    /// The key that signed.
    pub access_key_id: String,
    /// Whom it stands for.
    pub identity: Identity,
    /// How it was signed.
    pub scheme: ControlScheme,
    /// What is asked for, as signed.
    pub action: String,
    /// Of which version of which API, as signed.
    pub version: String,
    /// All parameters of query and form, decoded; each name is there once.
    pub parameters: Vec<(String, String)>,
}

/// The signature schemes of control requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlScheme {
    /// `ACS3-HMAC-SHA256` in a header.
    Acs3,
    /// HMAC-SHA1 among the parameters.
    Rpc,
    /// `AWS4-HMAC-SHA256`, in a header or a URL.
    Aws4,
}

/// Tells who sent a control request.
///
/// # Errors
/// When it is not signed, the signature is malformed, out of time, used before, by an unknown
/// or disabled key, with a token that is not the key's, or not the one computed here.
pub fn authenticate_control(
    head: &ControlHead<'_>,
    keyring: &dyn KeyRing,
    nonces: &Nonces,
    now: Timestamp,
) -> Result<ControlAuthentication, ControlFault> {
    let parameters = parameters::read(head)?;
    let in_header = head.headers.contains_key(http::header::AUTHORIZATION);
    let in_parameters = parameters::find(&parameters, "Signature").is_some();
    let (authentication, nonce) = match (in_header, in_parameters) {
        (true, true) => {
            return Err(incomplete(
                "the request is signed in a header and by parameters",
            ));
        }
        (true, false) => acs3::verify(head, parameters, keyring, now)?,
        (false, true) => rpc::verify(head, parameters, keyring, now)?,
        (false, false) if parameters::find(&parameters, "AccessKeyId").is_some() => {
            return Err(ControlFault::MissingParameter { name: "Signature" });
        }
        (false, false) => {
            return Err(ControlFault::MissingParameter {
                name: "AccessKeyId",
            });
        }
    };
    // Only who can sign gets a place among the nonces.
    let identity = &authentication.identity;
    let principal = match &identity.principal {
        Principal::Root => identity.account.id.as_str(),
        Principal::User { id, .. } => &**id,
        Principal::AssumedRole { role_id, .. } => &**role_id,
    };
    nonces.admit(principal, &authentication.access_key_id, &nonce, now)?;
    Ok(authentication)
}

/// The key of a request, which may yet be disabled.
fn key(
    keyring: &dyn KeyRing,
    access_key_id: &str,
    token: Option<&str>,
    now: Timestamp,
) -> Result<KeyRecord, ControlFault> {
    match token.filter(|token| !token.is_empty()) {
        Some(token) => keyring
            .temporary_key(access_key_id, token.as_bytes(), now)
            .map_err(ControlFault::SecurityToken),
        None => keyring
            .key(access_key_id)
            .filter(|record| record.token.is_none())
            .ok_or(ControlFault::UnknownAccessKey),
    }
}

/// Refuses a date more than 15 minutes away.
fn check_date(text: &str, now: Timestamp) -> Result<(), ControlFault> {
    let request = Timestamp::parse_iso8601(text).map_err(|_| ControlFault::MalformedTimestamp)?;
    if now.as_millis().abs_diff(request.as_millis()) > SKEW_MS_MAX.unsigned_abs() {
        return Err(ControlFault::TimestampExpired {
            request,
            server: now,
        });
    }
    Ok(())
}

/// Nonces are random texts; long ones cost memory.
fn check_nonce(nonce: &str) -> Result<(), ControlFault> {
    if nonce.is_empty() || nonce.len() > 256 {
        return Err(ControlFault::invalid(
            "SignatureNonce",
            "1 to 256 characters",
        ));
    }
    Ok(())
}

fn incomplete(reason: impl Into<String>) -> ControlFault {
    ControlFault::IncompleteSignature {
        reason: reason.into(),
    }
}

/// The value of a header that may be there once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ControlFault> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), None) => std::str::from_utf8(header(headers, name))
            .map(|text| Some(text.trim()))
            .map_err(|_| incomplete(format!("the header {name} is not UTF-8"))),
        (Some(_), Some(_)) => Err(incomplete(format!("the header {name} is there twice"))),
    }
}

/// What stands for a security token in what the server tells.
const BLOTTED: &str = "***";
