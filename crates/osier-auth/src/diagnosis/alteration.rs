//! The ways in which clients are known to go wrong.

use std::borrow::Cow;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use osier_types::percent_encode;

use super::{Clue, Finding, RefusedHead, Trial};
use crate::{KeyRing, ResourceName, Secret};

/// One way in which what the client signed may differ from what it sent.
#[derive(Clone, Debug)]
pub(super) struct Alteration {
    clue: Clue,
    says: String,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Resource(ResourceName),
    Method(Method),
    /// To this value, or away.
    Header(HeaderName, Option<HeaderValue>),
    Query(String),
    Secret(Secret),
}

impl Alteration {
    pub(super) fn apply(&self, trial: &mut Trial<'_>) {
        match &self.change {
            Change::Resource(resource) => trial.candidates = Cow::Owned(vec![resource.clone()]),
            Change::Method(method) => trial.method = Cow::Owned(method.clone()),
            Change::Header(name, Some(value)) => {
                trial.headers.to_mut().insert(name.clone(), value.clone());
            }
            Change::Header(name, None) => {
                trial.headers.to_mut().remove(name);
            }
            Change::Query(query) => trial.raw_query = Cow::Owned(query.clone()),
            Change::Secret(secret) => trial.secret = Some(secret.clone()),
        }
    }

    pub(super) fn finding(&self) -> Finding {
        Finding {
            clue: self.clue,
            says: self.says.clone(),
        }
    }

    /// Whether both can be true at once.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        match (&self.change, &other.change) {
            (Change::Header(name, _), Change::Header(other, _)) => name != other,
            (one, other) => std::mem::discriminant(one) != std::mem::discriminant(other),
        }
    }
}

/// Every alteration worth a try, likelier ones first.
pub(super) fn alterations(
    refused: &RefusedHead<'_>,
    keyring: &dyn KeyRing,
    key_ids: &[&str],
) -> Vec<Alteration> {
    let mut all = Vec::new();
    headers(refused, &mut all);
    resources(refused, &mut all);
    queries(refused, &mut all);
    for method in [
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::HEAD,
        Method::DELETE,
    ] {
        if method != *refused.method {
            all.push(Alteration {
                clue: Clue::Method,
                says: format!("the client signed {method} and sent {}", refused.method),
                change: Change::Method(method),
            });
        }
    }
    secrets(refused, keyring, key_ids, &mut all);
    all
}

/// Headers that a library, a proxy or a browser changed, added or dropped.
fn headers(refused: &RefusedHead<'_>, all: &mut Vec<Alteration>) {
    let payload = HeaderName::from_static("x-oss-content-sha256");
    let sent = |name: &HeaderName| {
        let value = refused.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let told = |name: &HeaderName| match sent(name) {
        Some(value) => format!("`{name}: {value}` was sent"),
        None => format!("no `{name}` was sent"),
    };
    for name in refused.headers.keys() {
        let counts = name.as_str().starts_with("x-oss-")
            || *name == CONTENT_TYPE
            || name.as_str() == "content-md5";
        if counts && *name != payload && name.as_str() != "x-oss-date" {
            all.push(Alteration {
                clue: Clue::Header,
                // Tokens are headers too.
                says: format!("the client signed without the header `{name}`"),
                change: Change::Header(name.clone(), None),
            });
        }
    }
    for value in CONTENT_TYPES {
        if sent(&CONTENT_TYPE).as_deref() != Some(value) {
            all.push(Alteration {
                clue: Clue::Header,
                says: format!(
                    "the client signed `content-type: {value}`, but {}",
                    told(&CONTENT_TYPE)
                ),
                change: Change::Header(CONTENT_TYPE, Some(HeaderValue::from_static(value))),
            });
        }
    }
    for (value, words) in [
        ("UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD"),
        (EMPTY_SHA256, "the digest of an empty body"),
    ] {
        if sent(&payload).as_deref() != Some(value) {
            all.push(Alteration {
                clue: Clue::Payload,
                says: format!(
                    "the client signed {words} as payload, but {}",
                    told(&payload)
                ),
                change: Change::Header(payload.clone(), Some(HeaderValue::from_static(value))),
            });
        }
    }
}

/// Other readings of host and path, and names as they are written wrongly.
fn resources(refused: &RefusedHead<'_>, all: &mut Vec<Alteration>) {
    let mut add = |resource: ResourceName, says: String| {
        if !refused.candidates.contains(&resource) {
            all.push(Alteration {
                clue: Clue::Resource,
                says,
                change: Change::Resource(resource),
            });
        }
    };
    for (resource, words) in refused.readings {
        add(resource.clone(), words.clone());
    }
    for candidate in refused.candidates {
        let ResourceName { bucket, key } = candidate;
        if let (Some(bucket), None) = (bucket, key) {
            let bare = ResourceName {
                bucket: None,
                key: Some(bucket.clone().into_bytes()),
            };
            add(
                bare,
                format!("the client signed `/{bucket}` without the final slash"),
            );
        }
        if let Some(key) = key {
            let with_key = |key: Vec<u8>| ResourceName {
                bucket: bucket.clone(),
                key: Some(key),
            };
            let encoded = percent_encode(key, true).into_bytes();
            if encoded != *key {
                add(
                    with_key(encoded),
                    "the client signed the key percent-encoded".to_owned(),
                );
            }
            add(
                with_key([b"/", key.as_slice()].concat()),
                "the client signed the key with a slash before it".to_owned(),
            );
            if let Some(bare) = key.strip_prefix(b"/") {
                add(
                    with_key(bare.to_vec()),
                    "the client signed the key without the slash before it".to_owned(),
                );
            }
            add(
                ResourceName {
                    bucket: None,
                    key: Some(key.clone()),
                },
                "the client signed the key without the bucket".to_owned(),
            );
        }
        add(
            ResourceName {
                bucket: bucket.clone(),
                key: None,
            },
            "the client signed the bucket without the key".to_owned(),
        );
        add(
            ResourceName::default(),
            "the client signed `/` without bucket and key".to_owned(),
        );
    }
}

/// Parameters that were added after signing, or encoded once more.
fn queries(refused: &RefusedHead<'_>, all: &mut Vec<Alteration>) {
    let pairs: Vec<&str> = refused
        .raw_query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(PAIRS_MAX)
        .collect();
    if pairs.is_empty() {
        return;
    }
    let is_signature = |pair: &str| SIGNATURE.iter().any(|name| pair.starts_with(name));
    let mut add = |query: String, says: String| {
        if query != refused.raw_query {
            all.push(Alteration {
                clue: Clue::Query,
                says,
                change: Change::Query(query),
            });
        }
    };
    for (nth, pair) in pairs.iter().enumerate() {
        let name = pair.split('=').next().unwrap_or(pair);
        if is_signature(pair) {
            continue;
        }
        let rest: Vec<&str> = pairs
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != nth)
            .map(|(_, pair)| *pair)
            .collect();
        add(
            rest.join("&"),
            format!("the client signed without the parameter `{name}`"),
        );
    }
    let own: Vec<&str> = pairs.iter().copied().filter(|p| is_signature(p)).collect();
    add(
        own.join("&"),
        "the client signed without any parameter".to_owned(),
    );
    add(
        refused.raw_query.replace('%', "%25"),
        "the client signed the parameters percent-encoded".to_owned(),
    );
}

/// Secrets that were copied wrongly, or are another key's.
fn secrets(
    refused: &RefusedHead<'_>,
    keyring: &dyn KeyRing,
    key_ids: &[&str],
    all: &mut Vec<Alteration>,
) {
    let mut add = |secret: Secret, says: String| {
        all.push(Alteration {
            clue: Clue::Key,
            says,
            change: Change::Secret(secret),
        });
    };
    let claimed = claimed_id(refused);
    for id in key_ids {
        let Some(record) = keyring.key(id) else {
            continue;
        };
        if claimed.as_deref() != Some(*id) {
            add(
                record.secret,
                format!("it is signed with the secret of the key `{id}`"),
            );
            continue;
        }
        let secret = record.secret.expose();
        for (end, words) in [
            ("\n", "a line feed"),
            ("\r\n", "a line end"),
            (" ", "a blank"),
        ] {
            add(
                Secret::new([secret, end.as_bytes()].concat()),
                format!("the client's secret has {words} at its end"),
            );
        }
        if !record.enabled {
            add(
                record.secret.clone(),
                format!("the key `{id}` is disabled, and would be right otherwise"),
            );
        }
    }
}

/// The access key id that the request names.
fn claimed_id(refused: &RefusedHead<'_>) -> Option<String> {
    let query = osier_types::Query::parse(refused.raw_query);
    let header = refused
        .headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if let Some(text) = header {
        let (_, rest) = text.trim().split_once(' ')?;
        let id = match rest.split("Credential=").nth(1) {
            Some(credential) => credential.split('/').next(),
            None => rest.rsplit_once(':').map(|(id, _)| id),
        };
        return id.map(|id| id.trim_start_matches("AccessKeyId:").to_owned());
    }
    let credential = query
        .text("x-oss-credential")
        .and_then(|credential| credential.split('/').next());
    query
        .text("OSSAccessKeyId")
        .or(credential)
        .or_else(|| query.text("x-oss-access-key-id"))
        .map(str::to_owned)
}

/// What HTTP libraries fill in, or leave to others to fill in.
const CONTENT_TYPES: [&str; 7] = [
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/json",
    "text/plain",
    "text/plain;charset=UTF-8",
    "text/plain; charset=utf-8",
];

/// Parameters without which a signed URL is none.
const SIGNATURE: [&str; 8] = [
    "OSSAccessKeyId=",
    "Expires=",
    "Signature=",
    "x-oss-signature",
    "x-oss-credential=",
    "x-oss-date=",
    "x-oss-expires=",
    "x-oss-access-key-id=",
];

/// Parameters that are tried.
const PAIRS_MAX: usize = 32;

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
