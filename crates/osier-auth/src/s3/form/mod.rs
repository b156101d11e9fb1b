//! Forms of S3: the policy is signed as by OSS's forms, under other names, and it must speak of
//! every field.

use osier_types::{AuthorizationPlace, Fault, FaultKind, Timestamp};

use super::malformed;
use super::v4::{ALGORITHM, SERVICE, check_day, parse_credential};
use crate::claim::{Claim, check_expiry, ec};
use crate::form::{FormAuthentication, FormFields, policy_text, signed};
use crate::mac::{finish, hmac_sha1, is_base64_of, is_hex_of};
use crate::policy_form::PostPolicy;
use crate::signing_keys::derive;
use crate::v4::Stamp;
use crate::{KeyRing, Scheme, Verifier};

/// Any of these makes a form that is signed by V4.
pub(crate) const V4_FIELDS: [&str; 3] = ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"];

/// This makes a form that is signed by V2, with `signature`.
pub(crate) const V2_FIELD: &str = "AWSAccessKeyId";

/// `AWSAccessKeyId`, `policy` and `signature`.
pub(crate) fn by_v2(
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    let claim = Claim {
        now,
        access_key_id: required(fields, V2_FIELD)?,
        signature: required(fields, "signature")?,
        token: token(fields),
    };
    let policy = policy_text(fields)?;
    let record = claim.record(keyring)?;
    let computed = hmac_sha1(record.secret.expose(), policy.as_bytes());
    if !is_base64_of(claim.signature, &computed) {
        return Err(claim.mismatch(policy.as_bytes().to_vec(), None, ec::V1_MISMATCH));
    }
    let policy = PostPolicy::parse(policy)?.covering_all();
    check_expiry(policy.expiration(), now)?;
    Ok(signed(&claim, record, Scheme::Aws2, policy))
}

/// `x-amz-algorithm`, `x-amz-credential`, `x-amz-date`, `policy` and `x-amz-signature`.
pub(crate) fn by_v4(
    verifier: &Verifier,
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    let place = AuthorizationPlace::Query;
    let algorithm = required(fields, "x-amz-algorithm")?;
    if algorithm != ALGORITHM {
        let reason = format!("only {ALGORITHM} is known");
        return Err(Fault::argument("x-amz-algorithm", algorithm, reason));
    }
    let credential = required(fields, "x-amz-credential")?;
    let scope = parse_credential(credential, SERVICE, &verifier.regions, place)?;
    let stamp = Stamp::read_compact(required(fields, "x-amz-date")?)
        .ok_or_else(|| malformed(place, "`x-amz-date` is not `yyyymmddThhmmssZ`"))?;
    check_day(&stamp, &scope, place)?;
    stamp.check_begun(now)?;
    let claim = Claim {
        now,
        access_key_id: scope.access_key_id,
        signature: required(fields, "x-amz-signature")?,
        token: token(fields),
    };
    let policy = policy_text(fields)?;
    let record = claim.record(keyring)?;
    let known = verifier.signing_keys.find(&scope, &record.secret);
    let new = known.is_none();
    let key = known.unwrap_or_else(|| derive(&scope, &record.secret));
    let computed = finish(hmac::Mac::chain_update(key.clone(), policy));
    if !is_hex_of(claim.signature, &computed) {
        return Err(claim.mismatch(policy.as_bytes().to_vec(), None, ec::V4_MISMATCH));
    }
    if new {
        verifier.signing_keys.keep(&scope, &record.secret, key);
    }
    let policy = PostPolicy::parse(policy)?.covering_all();
    check_expiry(policy.expiration(), now)?;
    Ok(signed(&claim, record, Scheme::Aws4, policy))
}

fn token<'a>(fields: &FormFields<'a>) -> Option<&'a [u8]> {
    fields
        .first("x-amz-security-token")
        .filter(|token| !token.is_empty())
}

fn required<'a>(fields: &FormFields<'a>, name: &str) -> Result<&'a str, Fault> {
    match fields.text(name) {
        "" => Err(FaultKind::MissingArgument {
            name: name.to_owned(),
        }
        .into()),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests;
