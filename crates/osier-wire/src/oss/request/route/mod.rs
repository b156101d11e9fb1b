//! Which operation of the OSS API a request is.

mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use http::{HeaderMap, Method, header};
use osier_types::Query;

use super::decode::headers::object_key;
use super::decode::list::page_size;
use crate::Address;
use crate::request::fields::bucket_name;
use crate::request::route::{CONDITIONS, Grammar, Places, Route, RouteSpec};
pub use table::ROUTES;

static PLACES: LazyLock<Places> = LazyLock::new(|| Places::of(ROUTES));

/// The OSS API.
pub(super) static GRAMMAR: Grammar = Grammar {
    routes: ROUTES,
    places: || &PLACES,
    bucket: bucket_name,
    key: object_key,
    page_size,
    missing_option,
};

/// Finds the operation of a request.
pub fn route(method: &Method, address: &Address, query: &Query, headers: &HeaderMap) -> Route {
    GRAMMAR.route(method, address, query, headers)
}

/// Headers and form fields that say how to protect a new object.
pub(super) const PROTECTION: [&str; 6] = [
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
    "x-oss-object-worm-mode",
    "x-oss-object-worm-retain-until-date",
    "x-oss-object-worm-legal-hold",
];

/// Options of writes that someone would rely on and that are not there. Ignoring them would
/// store in the clear what should be encrypted, or overwrite or delete what should be kept.
fn missing_option(spec: &RouteSpec, query: &Query, headers: &HeaderMap) -> Option<String> {
    const HEADER_PREFIXES: [&str; 6] = [
        "x-oss-server-side-",
        "x-oss-object-worm-",
        "x-oss-callback",
        "x-oss-agentic-",
        "x-oss-hns-",
        "x-amz-server-side-",
    ];
    let by_name = headers
        .keys()
        .find(|name| {
            let refused = HEADER_PREFIXES
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix));
            let protects = spec.protects && PROTECTION.contains(&name.as_str());
            refused && !protects || CONDITIONS.contains(name)
        })
        .map(|name| name.as_str().to_owned());
    let by_query = || {
        ["callback", "callback-var"]
            .into_iter()
            .find(|name| query.has(name))
            .map(str::to_owned)
    };
    // Its framing would end up in the object.
    let by_framing = || {
        let coding = headers.get(header::CONTENT_ENCODING)?.as_bytes();
        coding
            .to_ascii_lowercase()
            .windows(b"aws-chunked".len())
            .any(|window| window == b"aws-chunked")
            .then(|| "Content-Encoding aws-chunked".to_owned())
    };
    by_name.or_else(by_query).or_else(by_framing)
}
