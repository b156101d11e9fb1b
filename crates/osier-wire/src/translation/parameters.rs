//! The parameters of a request of S3, as an origin of either dialect reads them.

use osier_auth::{is_signature_parameter, is_sub_resource};
use osier_types::{Fault, Op, Query, percent_encode};

use super::described::refuse_if;

/// The parameters that are asked of the origin, percent-encoded. Pages are as large as S3 says
/// where the client says nothing. `more` are sub-resources that only the origin's dialect has.
pub(super) fn parameters(op: &Op, query: &Query, more: &[&str]) -> Result<String, Fault> {
    let page = match op {
        Op::ListObjects(list) => Some(("max-keys", list.max_keys)),
        Op::ListObjectVersions(list) => Some(("max-keys", list.max_keys)),
        Op::ListMultipartUploads(list) => Some(("max-uploads", list.max_uploads)),
        Op::ListParts(list) => Some(("max-parts", list.max_parts)),
        _ => None,
    };
    let mut text = String::new();
    for pair in query.pairs() {
        let name = pair.name.as_str();
        let is_replaced = page.is_some_and(|(page, _)| page == name);
        if is_signature_parameter(name) || name == "x-id" || is_replaced {
            continue;
        }
        let is_known = PARAMETERS.binary_search(&name).is_ok() || more.contains(&name);
        refuse_if(is_sub_resource(name) && !is_known, name)?;
        push(&mut text, name, &pair.value);
    }
    if let Some((name, size)) = page {
        push(&mut text, name, size.to_string().as_bytes());
    }
    Ok(text)
}

/// All parameters but those of the client's own signature, percent-encoded.
pub(super) fn all_parameters(query: &Query) -> String {
    let mut text = String::new();
    for pair in query.pairs() {
        if !is_signature_parameter(&pair.name) {
            push(&mut text, &pair.name, &pair.value);
        }
    }
    text
}

fn push(text: &mut String, name: &str, value: &[u8]) {
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str(&percent_encode(name.as_bytes(), false));
    if !value.is_empty() {
        text.push('=');
        text.push_str(&percent_encode(value, false));
    }
}

/// Sub-resources and arguments that OSS and S3 share, in byte order.
const PARAMETERS: [&str; 31] = [
    "acl",
    "continuation-token",
    "delete",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "list-type",
    "location",
    "marker",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "start-after",
    "tagging",
    "upload-id-marker",
    "uploadId",
    "uploads",
    "version-id-marker",
    "versionId",
    "versioning",
    "versions",
];
