//! Which operation of the S3 API a request is.

mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use osier_types::{Fault, FaultKind, ObjectKey, Query};

use super::decode::list::page_size;
use crate::Address;
use crate::request::fields::bucket_name;
use crate::request::route::{Grammar, Places, Route, RouteSpec};
pub use table::ROUTES;

static PLACES: LazyLock<Places> = LazyLock::new(|| Places::of(ROUTES));

/// The S3 API.
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

/// Every key that can be stored is one of S3.
pub(super) fn object_key(bytes: &[u8]) -> Result<ObjectKey, Fault> {
    ObjectKey::parse(bytes).map_err(|_| Fault::new(FaultKind::InvalidObjectName))
}

/// Options of writes that someone would rely on and that are not there.
fn missing_option(_spec: &RouteSpec, _query: &Query, headers: &HeaderMap) -> Option<String> {
    // Appending by offset (directory buckets) and a website's redirect of one object.
    [
        "x-amz-write-offset-bytes",
        "x-amz-website-redirect-location",
    ]
    .into_iter()
    .find(|name| headers.contains_key(*name))
    .map(str::to_owned)
}
