//! Whose signature an origin sees: the client's own, or ours in its place.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri, request};
use osier_auth::{OutboundScheme, ResourceName, Unsigned, is_signature_parameter, is_sub_resource};
use osier_types::{PlainPath, Query, Timestamp, percent_decode, percent_encode};

use crate::credentials::Credentials;
use crate::resolve::Resolver;
use crate::trouble::Trouble;

/// How requests of a site are signed.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) scheme: OutboundScheme,
    pub(crate) credentials: Arc<Credentials>,
}

impl Signer {
    /// Signs a request for an object of `bucket`.
    pub(crate) async fn sign(
        &self,
        request: &mut Request<()>,
        bucket: &str,
        resolver: &Resolver,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        // The browser asks before it has a signature; OSS answers without one.
        if request.method() == Method::OPTIONS {
            return Ok(());
        }
        let key = self.credentials.key(resolver, now).await;
        let key = key.map_err(Trouble::NoKey)?;
        let path = request.uri().path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let resource = ResourceName {
            bucket: Some(bucket.to_owned()),
            key: (!path.is_empty()).then(|| percent_decode(path.as_bytes())),
        };
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let method = request.method().clone();
        let unsigned = Unsigned {
            method: &method,
            resource: &resource,
            query: &query,
        };
        self.scheme
            .sign(&unsigned, request.headers_mut(), &key, now)
            .map_err(|_| Trouble::UnusableKey)
    }
}

/// Takes a client's own signature out of a request: it says nothing to the origin, and must not
/// be part of the name under which the answer is kept.
pub(crate) fn strip_proof(head: &mut request::Parts) {
    for name in [AUTHORIZATION, DATE, TOKEN, AMZ_DATE, AMZ_TOKEN, AMZ_PAYLOAD] {
        head.headers.remove(name);
    }
    let Some(query) = head.uri.query() else {
        return;
    };
    // Written anew, so that what is signed is what the origin reads, `+` and all.
    let mut kept = String::new();
    for pair in Query::parse(query).pairs() {
        if is_signature_parameter(&pair.name) {
            continue;
        }
        if !kept.is_empty() {
            kept.push('&');
        }
        kept.push_str(&percent_encode(pair.name.as_bytes(), false));
        if !pair.value.is_empty() {
            kept.push('=');
            kept.push_str(&percent_encode(&pair.value, false));
        }
    }
    let path = head.uri.path();
    let target = if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{kept}")
    };
    if let Ok(target) = target.parse::<PathAndQuery>() {
        head.uri = Uri::from(target);
    }
}

/// Takes out headers of S3 from a request that was understood as one of OSS: what they ask for
/// was not decided, and an origin may heed them.
pub(crate) fn strip_foreign(head: &mut request::Parts) {
    let foreign = head
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-amz-"));
    let foreign: Vec<HeaderName> = foreign.cloned().collect();
    for name in foreign {
        head.headers.remove(name);
    }
}

/// Writes the path as S3's SDKs do, however the client wrote it: signed anew it means the same
/// key, and what is kept of it has one name, which a write by anybody ends.
pub(crate) fn spell_path(head: &mut request::Parts) {
    let path = head.uri.path();
    let key = percent_decode(path.strip_prefix('/').unwrap_or(path).as_bytes());
    let path = percent_encode(&key, true);
    let target = match head.uri.query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    };
    if let Ok(target) = target.parse::<PathAndQuery>() {
        head.uri = Uri::from(target);
    }
}

/// Refuses what a stranger may not do with our key: objects are read, pictures are processed,
/// and nothing is listed, managed, copied or read in an old version.
///
/// `target` is what the origin will see: a whole bucket may lie behind a prefix, and a rewritten
/// path may bring a query of its own.
pub(crate) fn narrow(head: &mut request::Parts, target: &str) -> Result<(), Trouble> {
    let (path, rewritten) = target.split_once('?').unwrap_or((target, ""));
    let asks_more = [head.uri.query().unwrap_or_default(), rewritten]
        .into_iter()
        .any(|query| {
            let query = Query::parse(query);
            let mut pairs = query.pairs().iter();
            pairs.any(|pair| is_sub_resource(&pair.name) && pair.name != "x-oss-process")
        });
    if asks_more || (PlainPath::of(path).text == "/" && head.method != Method::OPTIONS) {
        return Err(Trouble::NotAnObject);
    }
    let strange: Vec<HeaderName> = head
        .headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            (name.starts_with("x-oss-") || name.starts_with("x-amz-"))
                && !name.starts_with("x-oss-meta-")
                && !name.starts_with("x-amz-meta-")
                && !["x-oss-range-behavior", "x-oss-hash-crc64ecma"].contains(&name)
        })
        .cloned()
        .collect();
    for name in strange {
        head.headers.remove(name);
    }
    Ok(())
}

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZ_PAYLOAD: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-oss-date");
const TOKEN: HeaderName = HeaderName::from_static("x-oss-security-token");

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, target: &str, fields: &[(&str, &str)]) -> request::Parts {
        let mut builder = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_clients_signature_is_taken_out_and_the_rest_stays() {
        for (target, expected) in [
            ("/a?OSSAccessKeyId=k&Expires=1&Signature=s%2B", "/a"),
            (
                "/a%2Fb?x-oss-signature=1&x-oss-process=image/resize,w_1&x-oss-date=d",
                "/a%2Fb?x-oss-process=image%2Fresize%2Cw_1",
            ),
            ("/a?Sign%61ture=1&b=c+d&e", "/a?b=c%2Bd&e"),
            ("/a", "/a"),
        ] {
            let mut head = head("GET", target, &[("authorization", "OSS k:s")]);
            strip_proof(&mut head);
            assert_eq!(head.uri.to_string(), expected);
            assert!(!head.headers.contains_key(AUTHORIZATION));
        }
    }

    #[test]
    fn a_key_has_one_spelling_and_one_dialect() {
        for (target, expected) in [
            ("/dir%2Fa+b?x=%20", "/dir/a%2Bb?x=%20"),
            ("/dir/a%2bb?x=%20", "/dir/a%2Bb?x=%20"),
            ("/%E4%BD%A0//..", "/%E4%BD%A0//.."),
            ("/", "/"),
        ] {
            let fields = [("x-amz-copy-source", "/b/secret"), ("x-oss-meta-a", "1")];
            let mut head = head("GET", target, &fields);
            spell_path(&mut head);
            strip_foreign(&mut head);
            assert_eq!(head.uri.to_string(), expected);
            let left: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(left, ["x-oss-meta-a"]);
        }
    }

    #[test]
    fn edge_signed_for_strangers_is_only_the_reading_of_objects() {
        for target in [
            "/",
            "/?acl",
            "/k?acl",
            "/k?%61cl",
            "/k?versionId=1",
            "/k?uploads",
            "/k?response-content-type=text/html",
            "/k?x-oss-async-process=x",
            "/k?x-oss-traffic-limit=1",
            "/k?attributes",
            "/?list-type=2",
            "/k?X-Amz-Anything=1",
        ] {
            let mut head = head("GET", target, &[]);
            let path = head.uri.path().to_owned();
            assert!(narrow(&mut head, &path).is_err(), "{target}");
        }
        for target in ["/k", "/k?x-oss-process=image/info", "/k?v=2&w"] {
            assert!(
                narrow(&mut head("GET", target, &[]), "/k").is_ok(),
                "{target}"
            );
        }
        let mut behind = head("GET", "/media/?prefix=", &[]);
        assert!(
            narrow(&mut behind, "/").is_err(),
            "the bucket lies behind a prefix"
        );
        for path in ["//", "/.", "/a/..", "/%2e", "/a/%2e%2e/"] {
            assert!(narrow(&mut head("GET", path, &[]), path).is_err(), "{path}");
        }
        let fields = [
            ("x-oss-copy-source", "/other/secret"),
            ("x-oss-object-acl", "public-read"),
            ("x-oss-meta-a", "1"),
        ];
        let mut put = head("PUT", "/k", &fields);
        narrow(&mut put, "/k").unwrap();
        let left: Vec<_> = put.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-oss-meta-a"]);
    }
}
