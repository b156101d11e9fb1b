//! `ACS3-HMAC-SHA256` (reference 6.2): a canonical request, signed in `Authorization`.

use osier_types::{Timestamp, percent_encode};

use super::{
    BLOTTED, ControlAuthentication, ControlHead, ControlScheme, check_date, check_nonce,
    incomplete, key, single,
};
use crate::KeyRing;
use crate::directory::ControlFault;
use crate::mac::{hex, hmac_sha256, is_hex_of, sha256, unhex};

/// Checks the signature; gives the nonce beside.
pub(super) fn verify(
    head: &ControlHead<'_>,
    parameters: Vec<(String, String)>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<(ControlAuthentication, String), ControlFault> {
    let header = single(head.headers, "authorization")?.unwrap_or_default();
    let claim = Claim::parse(header)?;
    let signed = |name: &'static str| match single(head.headers, name)? {
        None => Err(incomplete(format!("the header {name} is missing"))),
        Some(_) if !claim.signs(name) => {
            Err(incomplete(format!("the header {name} is not signed")))
        }
        Some(value) => Ok(value),
    };
    signed("host")?;
    let action = signed("x-acs-action")?;
    let version = signed("x-acs-version")?;
    check_date(signed("x-acs-date")?, now)?;
    let nonce = signed("x-acs-signature-nonce")?;
    check_nonce(nonce)?;
    let optional = |name: &'static str| match single(head.headers, name)? {
        None => Ok(None),
        Some(_) => signed(name).map(Some),
    };
    let digest = sha256(&[head.body]);
    if let Some(sent) = optional("x-acs-content-sha256")?
        && unhex(sent) != Some(digest)
    {
        return Err(ControlFault::invalid(
            "ContentSha256",
            "the body has another digest",
        ));
    }
    let named = optional("x-acs-accesskey-id")?;
    if named.is_some_and(|named| named != claim.access_key_id) {
        return Err(incomplete("two headers name different access keys"));
    }
    let token = optional("x-acs-security-token")?;
    let record = key(keyring, claim.access_key_id, token, now)?;

    let canonical = canonical_request(head, &parameters, &claim, &digest, None)?;
    let computed = hmac_sha256(
        record.secret.expose(),
        string_to_sign(&canonical).as_bytes(),
    );
    if !is_hex_of(claim.signature, &computed) {
        return Err(ControlFault::SignatureDoesNotMatch {
            string_to_sign: string_to_sign(&canonical),
            canonical_request: Some(canonical_request(
                head,
                &parameters,
                &claim,
                &digest,
                Some("x-acs-security-token"),
            )?),
        });
    }
    if !record.enabled {
        return Err(ControlFault::InactiveAccessKey);
    }
    let authentication = ControlAuthentication {
        access_key_id: claim.access_key_id.to_owned(),
        identity: record.identity,
        scheme: ControlScheme::Acs3,
        action: action.to_owned(),
        version: version.to_owned(),
        parameters,
    };
    Ok((authentication, nonce.to_owned()))
}

/// What `Authorization` says.
struct Claim<'a> {
    access_key_id: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn parse(header: &'a str) -> Result<Self, ControlFault> {
        let (scheme, fields) = header.split_once(' ').unwrap_or((header, ""));
        if scheme != "ACS3-HMAC-SHA256" {
            return Err(incomplete("the signature scheme is not ACS3-HMAC-SHA256"));
        }
        let mut found = [None; 3];
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once('=').unwrap_or((field, ""));
            let place = ["Credential", "SignedHeaders", "Signature"]
                .iter()
                .position(|known| *known == name)
                .and_then(|place| found.get_mut(place));
            match place {
                Some(place @ None) if !value.is_empty() => *place = Some(value),
                Some(_) => return Err(incomplete(format!("{name} is empty or there twice"))),
                None => return Err(incomplete("Authorization has an unknown field")),
            }
        }
        match found {
            [Some(access_key_id), Some(signed_headers), Some(signature)] => Ok(Self {
                access_key_id,
                signed_headers,
                signature,
            }),
            _ => Err(incomplete(
                "Authorization lacks Credential, SignedHeaders or Signature",
            )),
        }
    }

    fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }
}

/// The request as it was signed; the value of the header `blotted` is left out.
fn canonical_request(
    head: &ControlHead<'_>,
    parameters: &[(String, String)],
    claim: &Claim<'_>,
    digest: &[u8; 32],
    blotted: Option<&str>,
) -> Result<String, ControlFault> {
    let mut query: Vec<(&str, String)> = query_parameters(head, parameters)
        .map(|(name, value)| (name.as_str(), percent_encode(value.as_bytes(), false)))
        .collect();
    query.sort();
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let path = if head.path.is_empty() { "/" } else { head.path };
    let mut text = format!("{}\n{path}\n{}\n", head.method, query.join("&"));
    for name in claim.signed_headers.split(';') {
        if name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(incomplete("SignedHeaders are not lower-case names"));
        }
        let value = if blotted == Some(name) {
            BLOTTED
        } else {
            single(head.headers, name)?
                .ok_or_else(|| incomplete(format!("the signed header {name} is missing")))?
        };
        text.extend([name, ":", value, "\n"]);
    }
    let digest = hex(digest);
    // Hex digits are ASCII.
    let digest = std::str::from_utf8(&digest).unwrap_or_default();
    text.extend(["\n", claim.signed_headers, "\n", digest]);
    Ok(text)
}

/// The first parameters are those of the query, see `parameters::read`.
fn query_parameters<'a>(
    head: &ControlHead<'_>,
    parameters: &'a [(String, String)],
) -> impl Iterator<Item = &'a (String, String)> {
    let count = head
        .raw_query
        .split('&')
        .filter(|part| !part.is_empty())
        .count();
    parameters.iter().take(count)
}

fn string_to_sign(canonical_request: &str) -> String {
    let digest = hex(&sha256(&[canonical_request.as_bytes()]));
    let digest = std::str::from_utf8(&digest).unwrap_or_default();
    format!("ACS3-HMAC-SHA256\n{digest}")
}
