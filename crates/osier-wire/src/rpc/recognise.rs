//! Is this a request to a control API, or to the object store?
//!
//! Both come to the same port, and hosts tell nothing: `sts.cn-beijing.aliyuncs.com` might be a
//! bucket. So a control request is known by what it carries. Only GET and POST of `/` are
//! looked at: never an object, never an operation that changes one. What is signed the way of
//! OSS (or S3) belongs to the store whatever else it carries.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use osier_auth::control::AwsService;
use osier_types::Query;

/// What the head of a request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// It is for the object store.
    Store,
    /// It is for a control API.
    Control,
    /// It is for STS or IAM in AWS's query protocol.
    Aws,
    /// It is for a control API if [`form_of_control`] says so of its body.
    AskForm,
}

/// Looks at the head of a request; `path` and `raw_query` as received.
pub fn recognise(method: &Method, path: &str, raw_query: &str, headers: &HeaderMap) -> Recognition {
    let is_post = method == Method::POST;
    if !(is_post || method == Method::GET) || !matches!(path, "" | "/") {
        return Recognition::Store;
    }
    match headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) {
        Some(value) if value.starts_with(b"ACS3-") => return Recognition::Control,
        Some(value) if is_scope_of_aws(value) => return Recognition::Aws,
        // `OSS id:signature`, `OSS4-HMAC-SHA256`, `AWS4-HMAC-SHA256` and what there may be yet.
        Some(_) => return Recognition::Store,
        None => {}
    }
    let query = Query::parse(raw_query);
    let credential = query.get("X-Amz-Credential");
    if credential.is_some_and(is_scope_of_aws) {
        return Recognition::Aws;
    }
    if STORE_SIGNATURES.iter().any(|name| query.has(name)) {
        return Recognition::Store;
    }
    let in_headers = headers.contains_key("x-acs-action") && headers.contains_key("x-acs-version");
    if in_headers {
        return Recognition::Control;
    }
    if let Some(protocol) = names_action(&query) {
        return protocol;
    }
    // What follows the `?` of the store's own POSTs (`delete` and others) is never absent, and
    // its forms are multipart.
    let is_form = headers.get(CONTENT_TYPE).is_some_and(|value| {
        let kind = value.as_bytes();
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    });
    if is_post && is_form && raw_query.is_empty() {
        return Recognition::AskForm;
    }
    Recognition::Store
}

/// Whose a form is that came without a query.
pub fn form_of_control(form: &[u8]) -> Recognition {
    let form = std::str::from_utf8(form).ok();
    form.and_then(|form| names_action(&Query::parse(form)))
        .unwrap_or(Recognition::Store)
}

/// Whether a credential's scope, perhaps within a header, is that of STS or IAM of AWS.
fn is_scope_of_aws(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    AwsService::ALL
        .iter()
        .any(|service| text.contains(&format!("/{}/aws4_request", service.name())))
}

/// `Action=CreateUser&Version=2015-05-01`, in any order; the version tells which protocol.
fn names_action(parameters: &Query) -> Option<Recognition> {
    let is_action = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_version = |text: &str| {
        text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    parameters.text("Action").filter(|text| is_action(text))?;
    let version = parameters.text("Version").filter(|text| is_version(text))?;
    Some(match AwsService::of_version(version) {
        Some(_) => Recognition::Aws,
        None => Recognition::Control,
    })
}

/// Parameters of URLs signed for the store: V1, V2, V4, S3's.
const STORE_SIGNATURES: [&str; 4] = [
    "OSSAccessKeyId",
    "x-oss-signature",
    "x-oss-signature-version",
    "X-Amz-Signature",
];
