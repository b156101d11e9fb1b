//! Requests of S3 for an origin of OSS, and documents of that origin for S3.

use http::HeaderName;
use osier_types::{Op, Query};
use osier_wire::Dialect;
use osier_wire::translation::{Asked, OriginFault, ask_oss, ask_s3, tell_document, tell_fault};

use crate::reply::{assert_answerable, assert_well_formed};
use crate::request::Request;

/// What a client writes never reaches an origin in words that were not decided on: headers of
/// either dialect are ours, and so is the document.
///
/// The same bytes are read as an origin's answer to the same operation.
pub fn translation(data: &[u8]) {
    let Some(request) = Request::parse(data) else {
        return;
    };
    let Request {
        method,
        headers,
        document,
        ..
    } = &request;
    let Ok(addressed) = request.address() else {
        return;
    };
    let query = &addressed.query;
    for address in &addressed.candidates {
        let route = Dialect::S3.route(method, address, query, headers);
        let Ok(op) = Dialect::S3.decode(&route, address, query, headers, document, "1") else {
            continue;
        };
        match ask_oss(&op, query, headers) {
            Ok(asked) => {
                assert_of_oss(&asked);
                assert_documents(&op, document);
            }
            Err(fault) => assert_answerable(&fault, method),
        }
        match ask_s3(&op, method, query, headers, Some(document)) {
            Ok(asked) => assert!(!asked.headers.contains_key("authorization")),
            Err(fault) => assert_answerable(&fault, method),
        }
    }
}

fn assert_of_oss(asked: &Asked) {
    const OURS: [&str; 14] = [
        "x-oss-copy-source",
        "x-oss-copy-source-if-match",
        "x-oss-copy-source-if-modified-since",
        "x-oss-copy-source-if-none-match",
        "x-oss-copy-source-if-unmodified-since",
        "x-oss-copy-source-range",
        "x-oss-forbid-overwrite",
        "x-oss-metadata-directive",
        "x-oss-object-acl",
        "x-oss-server-side-encryption",
        "x-oss-server-side-encryption-key-id",
        "x-oss-storage-class",
        "x-oss-tagging",
        "x-oss-tagging-directive",
    ];
    for name in asked.headers.keys().map(HeaderName::as_str) {
        assert!(!name.starts_with("x-amz-"), "{name}");
        let ours = name.starts_with("x-oss-meta-") || OURS.contains(&name);
        assert!(ours || !name.starts_with("x-oss-"), "{name}");
    }
    let query = Query::parse(&asked.query);
    let mut pairs = query.pairs().iter();
    assert!(!pairs.any(|pair| pair.name.starts_with("x-oss-")));
    if let Some(document) = asked.document.as_ref().filter(|text| !text.is_empty()) {
        assert_well_formed(document);
    }
}

fn assert_documents(op: &Op, document: &[u8]) {
    if let Ok(told) = tell_document(op, document, "http://here/bkt/key", &[]) {
        assert_well_formed(&told);
    }
    let fault = OriginFault::read(http::StatusCode::BAD_REQUEST, document);
    assert_well_formed(&tell_fault(&fault, "5C06A3B67B8B5A3DA422299D"));
}
