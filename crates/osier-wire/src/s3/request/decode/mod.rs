//! A request's arguments, checked: from a route to an `Op`.
//!
//! Defaults, limits and faults are those of the S3 API. Whether what is named
//! exists, and whether the caller may, is not known here.

pub(super) mod bucket;
pub(super) mod headers;
pub(super) mod list;
pub(super) mod multipart;
pub(super) mod object;
pub(super) mod protection;

use bytes::Bytes;
use http::HeaderMap;
use osier_types::{Fault, Op, Query};

use super::route::GRAMMAR;
use crate::request::input::Input;
use crate::{Address, Route};

/// Turns a request into an operation.
///
/// `document` is the whole body where [`Route::body`] asks for a document, and
/// empty otherwise. `account` is the id of the account that asks, which a list
/// of grants may name. Forms are not for this function: see
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
    account: &str,
) -> Result<Op, Fault> {
    let input = Input {
        grammar: &GRAMMAR,
        address,
        query,
        headers,
        document,
        account,
    };
    input.decode(route)
}
