//! The signatures of S3: AWS4-HMAC-SHA256 and the older HMAC-SHA1, in headers and URLs, and the
//! chain of signatures that runs through a streamed body.
//!
//! What S3 signs is the path as it was sent, so that host and path have one reading here; the
//! rules are those of the S3 API reference, "Authenticating Requests".

pub mod chunked;
mod chunks;
pub(crate) mod form;
pub(crate) mod v2;
pub(crate) mod v4;

pub use chunks::ChunkSigner;

use http::HeaderMap;
use osier_types::{AuthorizationPlace, Fault, FaultKind, Query};

use crate::canonical::header;

/// Any of these in the query makes a V4 URL.
pub(crate) const V4_URL: [&str; 4] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// This in the query makes a V2 URL, with `Expires` and `Signature`.
pub(crate) const V2_URL: &str = "AWSAccessKeyId";

/// The security token of a temporary key, wherever it travelled. A V2 URL has it in lower case.
fn token<'a>(headers: &'a HeaderMap, query: &'a Query) -> Option<&'a [u8]> {
    [
        header(headers, "x-amz-security-token"),
        query.get("X-Amz-Security-Token").unwrap_or_default(),
        query.get("x-amz-security-token").unwrap_or_default(),
    ]
    .into_iter()
    .find(|token| !token.is_empty())
}

fn malformed(place: AuthorizationPlace, reason: impl Into<String>) -> Fault {
    FaultKind::MalformedAuthorization {
        place,
        reason: reason.into(),
        region: None,
    }
    .into()
}
