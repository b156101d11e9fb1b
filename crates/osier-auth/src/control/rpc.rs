//! RPC V1 (reference 6.3): HMAC-SHA1 over all parameters, itself a parameter.

use osier_types::{Timestamp, percent_encode};

use super::parameters::{find, has_form};
use super::{
    BLOTTED, ControlAuthentication, ControlHead, ControlScheme, check_date, check_nonce,
    incomplete, key,
};
use crate::KeyRing;
use crate::directory::ControlFault;
use crate::mac::{hmac_sha1, is_base64_of};

/// Checks the signature; gives the nonce beside.
pub(super) fn verify(
    head: &ControlHead<'_>,
    parameters: Vec<(String, String)>,
    keyring: &dyn KeyRing,
    now: Timestamp,
) -> Result<(ControlAuthentication, String), ControlFault> {
    let required = |name: &'static str| {
        find(&parameters, name)
            .filter(|value| !value.is_empty())
            .ok_or(ControlFault::MissingParameter { name })
    };
    if !head.body.is_empty() && !has_form(head)? {
        return Err(incomplete("the body is no form, and so is not signed"));
    }
    let action = required("Action")?;
    let version = required("Version")?;
    let access_key_id = required("AccessKeyId")?;
    let signature = required("Signature")?;
    if required("SignatureMethod")? != "HMAC-SHA1" {
        return Err(ControlFault::invalid("SignatureMethod", "`HMAC-SHA1`"));
    }
    if required("SignatureVersion")? != "1.0" {
        return Err(ControlFault::invalid("SignatureVersion", "`1.0`"));
    }
    if !find(&parameters, "SignatureType")
        .unwrap_or_default()
        .is_empty()
    {
        return Err(ControlFault::invalid("SignatureType", "the empty text"));
    }
    check_date(required("Timestamp")?, now)?;
    let nonce = required("SignatureNonce")?;
    check_nonce(nonce)?;
    let record = key(
        keyring,
        access_key_id,
        find(&parameters, "SecurityToken"),
        now,
    )?;

    let signed = string_to_sign(head, &parameters, None);
    let computed = hmac_sha1(&[record.secret.expose(), b"&"].concat(), signed.as_bytes());
    if !is_base64_of(signature, &computed) {
        return Err(ControlFault::SignatureDoesNotMatch {
            string_to_sign: string_to_sign(head, &parameters, Some("SecurityToken")),
            canonical_request: None,
        });
    }
    if !record.enabled {
        return Err(ControlFault::InactiveAccessKey);
    }
    let authentication = ControlAuthentication {
        access_key_id: access_key_id.to_owned(),
        identity: record.identity,
        scheme: ControlScheme::Rpc,
        action: action.to_owned(),
        version: version.to_owned(),
        parameters: Vec::new(),
    };
    let nonce = nonce.to_owned();
    Ok((
        ControlAuthentication {
            parameters,
            ..authentication
        },
        nonce,
    ))
}

/// What is signed; the value of the parameter `blotted` is left out.
fn string_to_sign(
    head: &ControlHead<'_>,
    parameters: &[(String, String)],
    blotted: Option<&str>,
) -> String {
    let mut sorted: Vec<&(String, String)> = parameters
        .iter()
        .filter(|(name, _)| name != "Signature")
        .collect();
    sorted.sort();
    let encode = |text: &str| percent_encode(text.as_bytes(), false);
    let pairs: Vec<String> = sorted
        .into_iter()
        .map(|(name, value)| {
            let value = if blotted == Some(name) {
                BLOTTED.to_owned()
            } else {
                encode(value)
            };
            format!("{}={value}", encode(name))
        })
        .collect();
    format!("{}&%2F&{}", head.method, encode(&pairs.join("&")))
}
