//! A request's arguments, checked: from a route to an `Op`.
//!
//! Defaults, limits and faults are those of the OSS API. Whether what is named
//! exists, and whether the caller may, is not known here.

pub(super) mod access;
pub(super) mod bucket;
pub(super) mod headers;
pub(super) mod list;
pub(super) mod multipart;
pub(super) mod object;
pub(super) mod process;
pub(super) mod protection;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::HeaderMap;
use osier_types::limits::{TRAFFIC_LIMIT_MAX, TRAFFIC_LIMIT_MIN};
use osier_types::{Fault, Op, Query};

use super::route::GRAMMAR;
use crate::request::input::Input;
use crate::{Address, Route};

/// Turns a request into an operation.
///
/// `document` is the whole body where [`Route::body`] asks for a document, and
/// empty otherwise. Forms are not for this function: see
/// [`decode_post`](super::decode_post).
///
/// # Errors
/// When the operation is not there, or an argument is missing or wrong.
pub fn decode(
    route: &Route,
    address: &Address,
    query: &Query,
    headers: &HeaderMap,
    document: &Bytes,
) -> Result<Op, Fault> {
    let input = Input {
        grammar: &GRAMMAR,
        address,
        query,
        headers,
        document,
        account: "",
    };
    input.decode(route)
}

/// `x-oss-traffic-limit`, as header or parameter: bits per second.
///
/// # Errors
/// When it is out of bounds, or in both places.
pub fn traffic_limit(query: &Query, headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    const NAME: &str = "x-oss-traffic-limit";
    let in_header = headers.get(NAME).map(http::HeaderValue::as_bytes);
    let ((Some(value), None) | (None, Some(value))) = (in_header, query.get(NAME)) else {
        return match in_header {
            None => Ok(None),
            Some(_) => Err(Fault::argument(
                NAME,
                "",
                "given as header and as parameter",
            )),
        };
    };
    let text = String::from_utf8_lossy(value);
    text.parse()
        .ok()
        .filter(|limit| (TRAFFIC_LIMIT_MIN..=TRAFFIC_LIMIT_MAX).contains(limit))
        .map(Some)
        .ok_or_else(|| {
            let reason = format!("{TRAFFIC_LIMIT_MIN} to {TRAFFIC_LIMIT_MAX} bit/s");
            Fault::argument(NAME, text, reason)
        })
}
