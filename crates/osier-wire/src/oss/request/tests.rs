//! What the tests of requests share, and properties of the whole path from bytes to `Op`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use osier_types::{Fault, FaultKind, Op};
use proptest::prelude::*;

use super::*;
use crate::{BodyUse, Hosts, Route, Scope, address};

/// A request as a test writes it.
#[derive(Clone, Debug)]
pub(super) struct Sent<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

impl Sent<'_> {
    /// The route and what it decodes to, by the first candidate.
    pub(super) fn read(&self) -> (Route, Result<Op, Fault>) {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let addressed = address(
            &method,
            self.target,
            Some("127.0.0.1:9000"),
            &Hosts::default(),
        )
        .unwrap();
        let headers = header_map(self.headers);
        let address = &addressed.candidates[0];
        let route = route(&method, address, &addressed.query, &headers);
        let body = match route.body() {
            BodyUse::Document { .. } => Bytes::copy_from_slice(self.body),
            _ => Bytes::new(),
        };
        let op = decode(&route, address, &addressed.query, &headers, &body);
        (route, op)
    }
}

pub(super) fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        })
        .collect()
}

pub(super) fn op(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Op, Fault> {
    with_body(method, target, headers, "")
}

pub(super) fn with_body(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Op, Fault> {
    Sent {
        method,
        target,
        headers,
        body: body.as_bytes(),
    }
    .read()
    .1
}

pub(super) fn fault(method: &str, target: &str, headers: &[(&str, &str)]) -> FaultKind {
    op(method, target, headers).unwrap_err().kind
}

/// The name and value of an `InvalidArgument`.
pub(super) fn argument(fault: Fault) -> (String, String) {
    match fault.kind {
        FaultKind::InvalidArgument { name, value, .. } => (name, value),
        other => panic!("{other:?}"),
    }
}

fn hostile_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let names = prop::sample::select(vec![
        "range",
        "x-oss-copy-source",
        "x-oss-copy-source-range",
        "x-oss-tagging",
        "x-oss-persistent-headers",
        "x-oss-meta-a",
        "x-oss-symlink-target",
        "content-md5",
        "content-length",
        "x-oss-hash-crc64ecma",
        "x-oss-content-sha256",
        "x-oss-complete-all",
        "x-oss-acl",
        "x-oss-object-acl",
        "x-oss-traffic-limit",
        "if-modified-since",
        "if-match",
        "content-encoding",
        "origin",
        "access-control-request-method",
        "transfer-encoding",
    ]);
    let noise = prop::collection::vec(prop_oneof![0x20_u8..=0x7e, 0x80_u8..=0xff], 0..40);
    let almost = "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}|/?[a-z]{0,4}(/|%2F)?[a-z%]{0,4}([?]versionId=)?[a-z]{0,4}|[a-z]{0,3}[:=][A-Za-z+%=]{0,8}[,&]?"
        .prop_map(String::into_bytes);
    (names, prop_oneof![noise, almost]).prop_map(|(name, value)| {
        let value = HeaderValue::from_bytes(&value).unwrap();
        (HeaderName::from_static(name), value)
    })
}

proptest! {
    /// S35: any route with any arguments and any body gives an operation or a fault.
    #[test]
    fn nothing_panics(
        which in 0..ROUTES.len(),
        more in "[ -~]{0,40}|(&(versionId|max-keys|part-number-marker|partNumber|position|prefix|continuation-token)=[^&\\x00]{0,12}){0,3}",
        key in "[ -~]{0,20}",
        headers in prop::collection::vec(hostile_header(), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let spec = &ROUTES[which];
        let path = match spec.scope {
            Scope::Service => "/".to_owned(),
            Scope::Bucket => "/bkt/".to_owned(),
            Scope::Object => format!("/bkt/{key}"),
        };
        let method = Method::from_bytes(spec.method.as_bytes()).unwrap();
        let target = format!("{path}?{}{more}", spec.query());
        let headers: HeaderMap = headers.into_iter().collect();
        let addressed = address(&method, &target, None, &Hosts::default()).unwrap();
        for address in &addressed.candidates {
            let route = route(&method, address, &addressed.query, &headers);
            let _ = decode(&route, address, &addressed.query, &headers, &body.clone().into());
            let _ = traffic_limit(&addressed.query, &headers);
        }
    }
}
