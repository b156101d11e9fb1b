//! `PostObject`: a form signs its own policy (reference 2.6). Signatures of the request that
//! carries the form do not count.

use osier_types::{Fault, Timestamp};

use crate::claim::{Claim, check_expiry, ec, malformed};
use crate::mac::{finish, hmac_sha1, is_base64_of, is_hex_of};
use crate::policy_form::PostPolicy;
use crate::signing_keys::derive;
use crate::v4::{Stamp, parse_credential};
use crate::{Authentication, KeyRecord, KeyRing, Place, Scheme, Signed, Verifier, s3};

/// The fields before the file, in the order sent. Names are compared without case.
#[derive(Clone, Debug, Default)]
pub struct FormFields<'a>(Vec<(&'a str, &'a [u8])>);

/// Who sent a form, and what its policy allows.
#[derive(Clone, Debug)]
pub struct FormAuthentication {
    /// Who.
    pub authentication: Authentication,
    /// The signed policy; anonymous forms have none. [`PostPolicy::check`] it.
    pub policy: Option<PostPolicy>,
}

/// Tells who sent a form. Keeps nothing; a server has a [`Verifier`].
///
/// # Errors
/// As [`Verifier::authenticate_form`].
pub fn authenticate_form(
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    Verifier::default().authenticate_form(fields, keyring, now)
}

impl<'a> FormFields<'a> {
    /// The first field of this name.
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// All fields of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(held, _)| held.eq_ignore_ascii_case(name))
            .map(|&(_, value)| value)
    }

    /// The names, as sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|&(name, _)| name)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.first(name).is_some())
    }

    /// The first field of this name as text; empty when it is missing or no text.
    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.first(name)
            .and_then(|value| std::str::from_utf8(value).ok())
            .unwrap_or_default()
    }

    fn required(&self, name: &str, ec: &'static str) -> Result<&'a str, Fault> {
        match self.text(name) {
            "" => Err(malformed(format!("the form field `{name}` is missing"), ec)),
            text => Ok(text),
        }
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for FormFields<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// Chooses the scheme of a form and verifies it.
pub(crate) fn verify(
    verifier: &Verifier,
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    let aws2 = fields.has_any(&[s3::form::V2_FIELD]);
    let aws4 = fields.has_any(&s3::form::V4_FIELDS);
    let v1 = fields.has_any(&["OSSAccessKeyId"]) || (!aws2 && fields.has_any(&["Signature"]));
    let v4 = fields.has_any(&[
        "x-oss-signature-version",
        "x-oss-signature",
        "x-oss-credential",
    ]);
    match (v1, v4) {
        _ if [v1, v4, aws2, aws4].into_iter().filter(|has| *has).count() > 1 => {
            Err(Fault::argument(
                "x-oss-signature-version",
                fields.text("x-oss-signature-version"),
                "the form is signed by two schemes",
            ))
        }
        _ if aws4 => s3::form::by_v4(verifier, fields, keyring, now),
        _ if aws2 => s3::form::by_v2(fields, keyring, now),
        (true, _) => verify_v1(fields, keyring, now),
        (false, true) => verify_v4(verifier, fields, keyring, now),
        (false, false) if fields.first("policy").is_some() => Err(malformed(
            "the form has a policy and no signature",
            ec::V1_URL_NO_ID,
        )),
        (false, false) => Ok(FormAuthentication {
            authentication: Authentication::Anonymous,
            policy: None,
        }),
    }
}

fn verify_v1(
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    let claim = Claim {
        now,
        access_key_id: fields.required("OSSAccessKeyId", ec::V1_URL_NO_ID)?,
        signature: fields.required("Signature", ec::V1_URL_NO_SIGNATURE)?,
        token: token(fields),
    };
    let policy = policy_text(fields)?;
    let record = claim.record(keyring)?;
    let computed = hmac_sha1(record.secret.expose(), policy.as_bytes());
    if !is_base64_of(claim.signature, &computed) {
        return Err(claim.mismatch(policy.as_bytes().to_vec(), None, ec::V1_MISMATCH));
    }
    let policy = PostPolicy::parse(policy)?;
    check_expiry(policy.expiration(), now)?;
    Ok(signed(&claim, record, Scheme::V1, policy))
}

fn verify_v4(
    verifier: &Verifier,
    fields: &FormFields<'_>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<FormAuthentication, Fault> {
    let version = fields.text("x-oss-signature-version");
    if version != "OSS4-HMAC-SHA256" {
        return Err(Fault::argument(
            "x-oss-signature-version",
            version,
            "the signature version is missing or unknown",
        ));
    }
    let credential = fields.required("x-oss-credential", ec::V4_CREDENTIAL)?;
    let scope = parse_credential(credential, &verifier.regions)?;
    let stamp = Stamp::read(Some(fields.required("x-oss-date", ec::BAD_DATE)?))?;
    stamp.check_scope(&scope)?;
    stamp.check_begun(now)?;
    let claim = Claim {
        now,
        access_key_id: scope.access_key_id,
        signature: fields.required("x-oss-signature", ec::V4_NO_SIGNATURE)?,
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
    let policy = PostPolicy::parse(policy)?;
    check_expiry(policy.expiration(), now)?;
    for field in ["x-oss-signature-version", "x-oss-credential", "x-oss-date"] {
        policy.require(field)?;
    }
    if claim.token.is_some() {
        policy.require("x-oss-security-token")?;
    }
    Ok(signed(&claim, record, Scheme::V4, policy))
}

fn token<'a>(fields: &FormFields<'a>) -> Option<&'a [u8]> {
    fields
        .first("x-oss-security-token")
        .filter(|token| !token.is_empty())
}

/// The policy as sent: its Base64 text is what is signed.
pub(crate) fn policy_text<'a>(fields: &FormFields<'a>) -> Result<&'a str, Fault> {
    match fields.text("policy") {
        "" => Err(Fault::argument(
            "policy",
            "",
            "a signed form needs the field `policy`",
        )),
        text => Ok(text),
    }
}

pub(crate) fn signed(
    claim: &Claim<'_>,
    record: KeyRecord,
    scheme: Scheme,
    policy: PostPolicy,
) -> FormAuthentication {
    FormAuthentication {
        authentication: Authentication::Signed(Signed {
            access_key_id: claim.access_key_id.to_owned(),
            identity: record.identity,
            scheme,
            place: Place::Form,
            candidate: 0,
            payload_sha256: None,
            plus_is_space: false,
            oss_query_unsigned: false,
            chunks: None,
            signed_at: None,
        }),
        policy: Some(policy),
    }
}

#[cfg(test)]
mod tests;
