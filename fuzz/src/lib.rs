//! Fuzz targets: what a stranger's bytes must never do.
//!
//! Each target is a plain function that panics when a promise is broken, so that
//! libFuzzer (`fuzz_targets/`) and the mutation loop of `tests/mutations.rs` drive
//! the same code. Inputs are text as far as possible: a request is its head with
//! one line per header, an empty line, and its body.

mod access;
mod cdn;
mod chunked;
mod codec;
mod control;
mod form;
mod named;
mod picture;
mod proxied;
mod reply;
mod request;
mod signature;
mod translation;
mod url_auth;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use osier_auth::{FormFields, PostPolicy, PostTarget};
use osier_types::{Op, Query, RangeRequest, RangeSpec, ResolvedRange};
use osier_wire::{Address, AddressStyle, BodyUse, ReplyFacts, Scope, oss};

pub use access::{policy_json, referer_xml};
pub use cdn::cdn;
pub use chunked::chunked;
pub use codec::picture_codec;
pub use control::control;
pub use form::form;
pub use named::{dns_answer, folder_list};
pub use picture::{picture_grammar, picture_plan, picture_source};
pub use proxied::proxy_protocol;
pub use signature::oss_signature;
pub use translation::translation;
pub use url_auth::url_auth;

use reply::assert_answerable;
use request::Request;

/// A target: takes any bytes, panics when a promise is broken.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: [(&str, Target); 20] = [
    ("cdn", cdn),
    ("control", control),
    ("oss_target", oss_target),
    ("oss_signature", oss_signature),
    ("oss_xml", oss_xml),
    ("range", range),
    ("form", form),
    ("chunked", chunked),
    ("policy", policy),
    ("policy_json", policy_json),
    ("referer_xml", referer_xml),
    ("picture_grammar", picture_grammar),
    ("picture_plan", picture_plan),
    ("picture_source", picture_source),
    ("picture_codec", picture_codec),
    ("dns_answer", dns_answer),
    ("folder_list", folder_list),
    ("proxy_protocol", proxy_protocol),
    ("translation", translation),
    ("url_auth", url_auth),
];

/// Addresses, routes and arguments: whatever is asked, it is refused with an answer
/// that can be sent, or becomes an operation on what was addressed and on nothing else.
pub fn oss_target(data: &[u8]) {
    let Some(request) = Request::parse(data) else {
        return;
    };
    let Request {
        method,
        headers,
        document,
        ..
    } = &request;
    let addressed = match request.address() {
        Ok(addressed) => addressed,
        Err(fault) => return assert_answerable(&fault, method),
    };
    assert!(!addressed.candidates.is_empty());
    if let Err(fault) = oss::traffic_limit(&addressed.query, headers) {
        assert_answerable(&fault, method);
    }
    for address in &addressed.candidates {
        let route = oss::route(method, address, &addressed.query, headers);
        match oss::decode(&route, address, &addressed.query, headers, document) {
            Ok(op) => assert_addressed(&op, address),
            Err(fault) => assert_answerable(&fault, method),
        }
    }
}

/// An operation and the permissions that it needs are about the bucket and key that
/// the request named.
fn assert_addressed(op: &Op, address: &Address) {
    let named = op.bucket().map(osier_types::BucketName::as_str);
    assert_eq!(named, address.bucket.as_deref(), "{op:?}");
    assert_eq!(ReplyFacts::of(op).bucket.as_ref(), op.bucket());
    let accesses = op.accesses();
    assert_eq!(accesses.is_empty(), matches!(op, Op::OptionsObject(_)));
    if let (Some(key), false) = (&address.key, accesses.is_empty()) {
        let is_asked_for = accesses.iter().any(|access| {
            access.resource.bucket() == op.bucket()
                && access
                    .resource
                    .key()
                    .is_some_and(|asked| asked.as_str().as_bytes() == key)
        });
        assert!(is_asked_for, "{op:?} needs {accesses:?}");
    }
}

/// Documents of every operation that takes one.
pub fn oss_xml(data: &[u8]) {
    let document = Bytes::copy_from_slice(data);
    for spec in oss::ROUTES {
        let address = Address {
            style: AddressStyle::Path,
            bucket: (spec.scope != Scope::Service).then(|| "bkt".to_owned()),
            key: (spec.scope == Scope::Object).then(|| b"dir/key".to_vec()),
            endpoint: None,
        };
        let method = Method::from_bytes(spec.method.as_bytes()).expect("a method");
        let query = Query::parse(&spec.query());
        let mut headers = HeaderMap::new();
        if let Some(name) = spec.header {
            headers.insert(name, HeaderValue::from_static("enabled"));
        }
        let route = oss::route(&method, &address, &query, &headers);
        if matches!(route.body(), BodyUse::Document { .. }) {
            match oss::decode(&route, &address, &query, &headers, &document) {
                Ok(op) => assert_addressed(&op, &address),
                Err(fault) => assert_answerable(&fault, &method),
            }
        }
    }
}

/// `Range` headers: what is read lies within the object.
pub fn range(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let address = Address {
        style: AddressStyle::Path,
        bucket: Some("bkt".to_owned()),
        key: Some(b"key".to_vec()),
        endpoint: None,
    };
    for standard in [false, true] {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, value.clone());
        if standard {
            let name = "x-oss-range-behavior";
            headers.insert(name, HeaderValue::from_static("standard"));
        }
        let query = Query::default();
        let route = oss::route(&Method::GET, &address, &query, &headers);
        match oss::decode(&route, &address, &query, &headers, &Bytes::new()) {
            Ok(Op::GetObject(get)) => {
                if let Some(range) = get.range {
                    assert_eq!(range.standard, standard);
                    assert_within(range);
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(fault) => assert_answerable(&fault, &Method::GET),
        }
    }
}

fn assert_within(range: RangeRequest) {
    let (RangeSpec::FromTo(near, _) | RangeSpec::From(near) | RangeSpec::Last(near)) = range.spec;
    let far = match range.spec {
        RangeSpec::FromTo(_, last) => last,
        RangeSpec::From(_) | RangeSpec::Last(_) => near,
    };
    let around = |place: u64| [place.saturating_sub(1), place, place.saturating_add(1)];
    for length in [0, 1, 1000, u64::MAX]
        .into_iter()
        .chain(around(near))
        .chain(around(far))
    {
        match range.resolve(length) {
            ResolvedRange::Part(part) => {
                assert!(part.start < part.end && part.end <= length, "{range:?}");
                assert_eq!(part.length(), part.end - part.start);
                if let RangeSpec::FromTo(first, last) = range.spec {
                    assert!(part.start == first && part.end - 1 <= last, "{range:?}");
                }
            }
            ResolvedRange::Unsatisfiable => assert!(range.standard, "{range:?}"),
            ResolvedRange::Whole => {}
        }
    }
}

/// Policies of forms, as JSON.
pub fn policy(data: &[u8]) {
    match PostPolicy::parse(&STANDARD.encode(data)) {
        Ok(policy) => {
            let target = PostTarget {
                bucket: "bkt",
                key: b"uploads/x",
            };
            let fields: FormFields<'_> = [
                ("key", &b"uploads/x"[..]),
                ("success_action_status", b"201"),
                ("x-oss-meta-a", b"\xff\0"),
                ("key", b"second"),
            ]
            .into_iter()
            .collect();
            match policy.check(&target, &fields) {
                Ok(_) => {}
                Err(fault) => assert_answerable(&fault, &Method::POST),
            }
            // A policy names what is free; it never frees what it names.
            let elsewhere = PostTarget {
                bucket: "other",
                key: b"elsewhere",
            };
            let _ = policy.check(&elsewhere, &FormFields::default());
        }
        Err(fault) => assert_answerable(&fault, &Method::POST),
    }
    // Whatever is not Base64.
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(fault) = PostPolicy::parse(text)
    {
        assert_answerable(&fault, &Method::POST);
    }
}
