//! The query protocol of AWS's STS and IAM: AWS4-HMAC-SHA256 over a form or a query.
//!
//! The signature is the one of S3 but for the body, whose digest is always reckoned, and for
//! the service in its scope. There are no nonces: AWS's clients send none.

use osier_types::{AccessDenial, Fault, FaultKind, Query, Timestamp};

use super::parameters::{self, find};
use super::{BLOTTED, ControlAuthentication, ControlHead, ControlScheme, incomplete};
use crate::directory::ControlFault;
use crate::mac::{hex, sha256};
use crate::s3::v4::{ALGORITHM, Target, by_header_to, by_url_to};
use crate::{HostReading, KeyRing, Regions, ResourceName, SignedHead, TokenFault, Verifier};

/// A control API of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AwsService {
    /// Temporary keys.
    Sts,
    /// Users, groups, roles and policies.
    Iam,
}

impl AwsService {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sts, Self::Iam];

    /// The service of a `Version`.
    pub fn of_version(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.version() == version)
    }

    /// Its version.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Sts => "2011-06-15",
            Self::Iam => "2010-05-08",
        }
    }

    /// As scopes of signatures and actions of policies name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
        }
    }
}

/// Tells who sent a request to STS or IAM of AWS. `hosts` are other names of this server, as
/// for S3.
///
/// # Errors
/// When it is not signed, the signature is malformed, out of time, by an unknown or disabled
/// key, with a token that is not the key's, or not the one computed here.
pub fn authenticate_aws(
    verifier: &Verifier,
    head: &ControlHead<'_>,
    hosts: &[HostReading],
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<ControlAuthentication, ControlFault> {
    let parameters = parameters::read(head)?;
    let query = Query::parse(head.raw_query);
    let in_header = super::single(head.headers, "authorization")?;
    if in_header.is_none() && !query.has("X-Amz-Signature") {
        return Err(ControlFault::NotSigned);
    }
    let required = |name: &'static str| {
        find(&parameters, name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or(ControlFault::MissingParameter { name })
    };
    let (action, version) = (required("Action")?, required("Version")?);
    let service =
        AwsService::of_version(&version).ok_or_else(|| ControlFault::unknown_version(&version))?;
    let digest = hex(&sha256(&[head.body]));
    let target = Target {
        service: service.name(),
        // Clients sign for `us-east-1` where a service has no regions.
        regions: &Regions::Any,
        payload: std::str::from_utf8(&digest).ok(),
    };
    let candidates = [ResourceName::default()];
    let signed_head = SignedHead {
        method: head.method,
        headers: head.headers,
        query: &query,
        raw_query: head.raw_query,
        raw_path: head.path,
        candidates: &candidates,
        hosts,
    };
    let signed = match in_header {
        Some(_) if query.has("X-Amz-Signature") => {
            return Err(incomplete(
                "the request is signed in a header and in the query",
            ));
        }
        Some(text) => match text.split_once(' ') {
            Some((ALGORITHM, fields)) => {
                by_header_to(&target, verifier, &signed_head, fields, keyring, now)
            }
            _ => return Err(incomplete("the signature is not AWS4-HMAC-SHA256")),
        },
        None => by_url_to(&target, verifier, &signed_head, keyring, now),
    };
    let signed = signed.map_err(|fault| refusal(fault, now))?;
    if head.raw_query.contains('+') && !signed.plus_is_space {
        return Err(incomplete("the query has a `+` that is signed as such"));
    }
    Ok(ControlAuthentication {
        access_key_id: signed.access_key_id,
        identity: signed.identity,
        scheme: ControlScheme::Aws4,
        action,
        version,
        parameters,
    })
}

/// What the store's words for a bad signature are to the control APIs.
fn refusal(fault: Fault, now: Timestamp) -> ControlFault {
    match fault.kind {
        FaultKind::SignatureDoesNotMatch(mismatch) => ControlFault::SignatureDoesNotMatch {
            string_to_sign: String::from_utf8_lossy(&mismatch.string_to_sign).into_owned(),
            canonical_request: mismatch.canonical_request.map(|text| blotted(&text)),
        },
        FaultKind::InvalidAccessKeyId { .. } => ControlFault::UnknownAccessKey,
        FaultKind::InvalidSecurityToken => ControlFault::SecurityToken(TokenFault::Invalid),
        FaultKind::SecurityTokenExpired => ControlFault::SecurityToken(TokenFault::Expired),
        FaultKind::RequestTimeTooSkewed { request, server } => {
            ControlFault::TimestampExpired { request, server }
        }
        FaultKind::AccessDenied(AccessDenial::Expired { at }) => ControlFault::TimestampExpired {
            request: at,
            server: now,
        },
        FaultKind::AccessDenied(AccessDenial::NotYetValid) => {
            incomplete("the signature is not yet current")
        }
        FaultKind::AccessDenied(AccessDenial::HeadersNotSigned { names }) => {
            incomplete(format!("these headers are not signed: {names}"))
        }
        FaultKind::AccessDenied(AccessDenial::MalformedSignature { reason, .. })
        | FaultKind::MalformedAuthorization { reason, .. }
        | FaultKind::InvalidArgument { reason, .. } => incomplete(reason),
        _ => ControlFault::Internal,
    }
}

/// A canonical request without the security token in its headers or query.
fn blotted(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("x-amz-security-token:") {
            return format!("x-amz-security-token:{BLOTTED}");
        }
        let parts = line.split('&').map(|part| {
            if part.starts_with("X-Amz-Security-Token=") {
                format!("X-Amz-Security-Token={BLOTTED}")
            } else {
                part.to_owned()
            }
        });
        parts.collect::<Vec<_>>().join("&")
    });
    lines.collect::<Vec<_>>().join("\n")
}
