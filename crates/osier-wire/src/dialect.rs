//! Which dialect a request speaks, and one door to both.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderName, Method};
use osier_types::{Fault, FaultKind, Op, Outcome, PostObject, Query};

use crate::{Address, Encoded, FormHead, ReplyContext, ReplyFacts, Route, oss, s3};

/// A way to write the verbs as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Alibaba Cloud OSS.
    #[default]
    Oss,
    /// Amazon S3.
    S3,
}

/// How a listener tells dialects apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialectChoice {
    /// By the request; what fits both is this one.
    ByRequest(Dialect),
    /// All requests speak this one.
    Only(Dialect),
}

impl Default for DialectChoice {
    fn default() -> Self {
        Self::ByRequest(Dialect::Oss)
    }
}

/// Sub-resources that only S3 has.
const OF_S3: [&str; 18] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "AWSAccessKeyId",
    "x-id",
    "attributes",
    "object-lock",
    "legal-hold",
    "ownershipControls",
    "notification",
    "accelerate",
    "intelligent-tiering",
    "analytics",
    "metrics",
    "torrent",
    "select",
    "max-buckets",
    "bucket-region",
];

/// Sub-resources that only OSS has.
const OF_OSS: [&str; 14] = [
    "OSSAccessKeyId",
    "bucketInfo",
    "stat",
    "symlink",
    "append",
    "objectMeta",
    "referer",
    "regions",
    "seal",
    "objectWorm",
    "legalHold",
    "style",
    "transferAcceleration",
    "resourceGroup",
];

impl DialectChoice {
    /// The dialect of a request that is not a form.
    pub fn of(self, method: &Method, query: &Query, headers: &HeaderMap) -> Dialect {
        match self {
            Self::Only(dialect) => dialect,
            Self::ByRequest(default) => by_scheme(query, headers)
                .or_else(|| by_names(method, query, headers))
                .unwrap_or(default),
        }
    }

    /// The dialect of a form: its own fields say more than the request around it.
    pub fn of_form(self, form: &FormHead) -> Dialect {
        let has = |begins: &[&str]| {
            form.fields
                .iter()
                .any(|(name, _)| begins.iter().any(|begin| name.starts_with(begin)))
        };
        match self {
            Self::Only(dialect) => dialect,
            Self::ByRequest(_) if has(&["ossaccesskeyid", "x-oss-"]) => Dialect::Oss,
            Self::ByRequest(_) if has(&["awsaccesskeyid", "x-amz-"]) => Dialect::S3,
            Self::ByRequest(default) => default,
        }
    }
}

/// The signature says it for sure.
fn by_scheme(query: &Query, headers: &HeaderMap) -> Option<Dialect> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let scheme = value.as_bytes().trim_ascii_start();
        if scheme.starts_with(b"AWS4-") || scheme.starts_with(b"AWS ") {
            return Some(Dialect::S3);
        }
        if scheme.starts_with(b"OSS") {
            return Some(Dialect::Oss);
        }
    }
    if query.has("X-Amz-Signature") || query.has("AWSAccessKeyId") {
        return Some(Dialect::S3);
    }
    let oss = query.has("x-oss-signature") || query.has("OSSAccessKeyId");
    oss.then_some(Dialect::Oss)
}

fn by_names(method: &Method, query: &Query, headers: &HeaderMap) -> Option<Dialect> {
    let of_name = |name: &str| {
        if name.starts_with("x-oss-") || OF_OSS.contains(&name) {
            Some(Dialect::Oss)
        } else if name.starts_with("x-amz-") || name.starts_with("X-Amz-") || OF_S3.contains(&name)
        {
            Some(Dialect::S3)
        } else {
            None
        }
    };
    let in_headers = headers.keys().map(HeaderName::as_str).find_map(of_name);
    let in_query = || query.pairs().iter().find_map(|pair| of_name(&pair.name));
    // A preflight names the headers of the request to come.
    let announced = || {
        let names = headers.get("access-control-request-headers")?;
        let names = names.to_str().ok().filter(|_| method == Method::OPTIONS)?;
        names
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .find_map(|name| of_name(&name))
    };
    in_headers.or_else(in_query).or_else(announced)
}

impl Dialect {
    /// As the settings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::S3 => "s3",
        }
    }

    /// Finds the operation of a request.
    pub fn route(
        self,
        method: &Method,
        address: &Address,
        query: &Query,
        headers: &HeaderMap,
    ) -> Route {
        match self {
            Self::Oss => oss::route(method, address, query, headers),
            Self::S3 => s3::route(method, address, query, headers),
        }
    }

    /// Turns a request into an operation; `account` asks.
    ///
    /// # Errors
    /// When the operation is not there, or an argument is missing or wrong.
    pub fn decode(
        self,
        route: &Route,
        address: &Address,
        query: &Query,
        headers: &HeaderMap,
        document: &Bytes,
        account: &str,
    ) -> Result<Op, Fault> {
        match self {
            Self::Oss => oss::decode(route, address, query, headers, document),
            Self::S3 => s3::decode(route, address, query, headers, document, account),
        }
    }

    /// Makes the operation of a form.
    ///
    /// # Errors
    /// When a field is missing or wrong.
    pub fn decode_post(
        self,
        address: &Address,
        form: &FormHead,
        account: &str,
    ) -> Result<PostObject, Fault> {
        match self {
            Self::Oss => oss::decode_post(address, form, None),
            Self::S3 => s3::decode_post(address, form, None, account),
        }
    }

    /// `x-oss-traffic-limit`, which S3 does not have.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub fn traffic_limit(self, query: &Query, headers: &HeaderMap) -> Result<Option<u64>, Fault> {
        match self {
            Self::Oss => oss::traffic_limit(query, headers),
            Self::S3 => Ok(None),
        }
    }

    /// What the answer needs to know of its operation.
    pub fn facts(self, op: &Op, headers: &HeaderMap) -> ReplyFacts {
        match self {
            Self::Oss => ReplyFacts::of(op),
            Self::S3 => s3::facts(op, headers),
        }
    }

    /// The answer to an operation that went well.
    pub fn encode(
        self,
        context: &ReplyContext<'_>,
        facts: &ReplyFacts,
        outcome: &Outcome,
    ) -> Encoded {
        match self {
            Self::Oss => oss::encode(context, facts, outcome),
            Self::S3 => s3::encode(context, facts, outcome),
        }
    }

    /// The answer to a request that was refused or failed.
    pub fn encode_fault(
        self,
        context: &ReplyContext<'_>,
        fault: &Fault,
        method: &Method,
    ) -> Encoded {
        match self {
            Self::Oss => oss::encode_fault(context, fault, method),
            Self::S3 => s3::encode_fault(context, fault, method),
        }
    }

    /// What an answer says of a fault, for those who ask later.
    pub fn told(self, kind: &FaultKind) -> ToldFault {
        match self {
            Self::Oss => {
                let words = oss::words(kind);
                ToldFault {
                    status: words.status,
                    code: words.code,
                    ec: Some(words.ec),
                    message: words.message,
                }
            }
            Self::S3 => {
                let words = s3::words(kind);
                ToldFault {
                    status: words.status,
                    code: words.code,
                    ec: None,
                    message: words.message,
                }
            }
        }
    }

    /// The code of a fault.
    pub fn code(self, kind: &FaultKind) -> &'static str {
        match self {
            Self::Oss => oss::words(kind).code,
            Self::S3 => s3::words(kind).code,
        }
    }
}

/// A fault in the words of a dialect.
#[derive(Clone, Debug)]
pub struct ToldFault {
    /// HTTP status.
    pub status: http::StatusCode,
    /// What clients match on.
    pub code: &'static str,
    /// The finer code of OSS.
    pub ec: Option<&'static str>,
    /// For people.
    pub message: std::borrow::Cow<'static, str>,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(method: &str, query: &str, headers: &[(&'static str, &'static str)]) -> Dialect {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        DialectChoice::default().of(&method, &Query::parse(query), &headers)
    }

    #[test]
    fn schemes_then_names_then_the_default() {
        for (expected, method, query, headers) in [
            (Dialect::Oss, "GET", "", &[][..]),
            (Dialect::Oss, "GET", "list-type=2", &[]),
            (
                Dialect::S3,
                "GET",
                "",
                &[("authorization", "AWS4-HMAC-SHA256 x")],
            ),
            (Dialect::S3, "GET", "", &[("authorization", "AWS k:s")]),
            (Dialect::Oss, "GET", "", &[("authorization", "OSS k:s")]),
            (
                Dialect::Oss,
                "GET",
                "",
                &[
                    ("authorization", "OSS4-HMAC-SHA256 x"),
                    ("x-amz-meta-a", "b"),
                ],
            ),
            (
                Dialect::S3,
                "GET",
                "X-Amz-Algorithm=a&X-Amz-Signature=b",
                &[],
            ),
            (
                Dialect::S3,
                "GET",
                "AWSAccessKeyId=a&Signature=b&Expires=1",
                &[],
            ),
            (
                Dialect::Oss,
                "GET",
                "OSSAccessKeyId=a&Signature=b&Expires=1",
                &[],
            ),
            (Dialect::S3, "PUT", "", &[("x-amz-acl", "private")]),
            (Dialect::Oss, "PUT", "", &[("x-oss-object-acl", "private")]),
            (Dialect::S3, "GET", "attributes", &[]),
            (Dialect::Oss, "GET", "bucketInfo", &[]),
            (
                Dialect::S3,
                "OPTIONS",
                "",
                &[("access-control-request-headers", "content-type, X-Amz-Date")],
            ),
        ] {
            assert_eq!(of(method, query, headers), expected, "{query} {headers:?}");
        }
    }

    #[test]
    fn a_listener_can_know_better() {
        let only = DialectChoice::Only(Dialect::S3);
        let method = Method::GET;
        assert_eq!(
            only.of(&method, &Query::parse("bucketInfo"), &HeaderMap::new()),
            Dialect::S3
        );
    }
}
