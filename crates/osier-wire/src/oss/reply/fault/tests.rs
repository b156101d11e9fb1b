use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use osier_types::{ETag, Fault, FaultKind, Resource, SignatureMismatch, VersionId};

use super::encode;
use crate::oss::reply::tests::{CONTEXT, NOW, bucket, header, key, leaves, refusal, text_of};

#[test]
fn error_document() {
    let fault = Fault::new(FaultKind::NoSuchKey {
        marker: Some(VersionId::Numbered(2)),
    })
    .on(Resource::Object(bucket(), key("a<b")));
    let encoded = encode(&CONTEXT, &fault, &Method::GET);
    assert_eq!(encoded.head.status, 404);
    assert_eq!(header(&encoded, "x-oss-ec"), Some("0026-00000001"));
    assert_eq!(header(&encoded, "x-oss-delete-marker"), Some("true"));
    assert_eq!(
        header(&encoded, "x-oss-version-id"),
        Some("CAEQ0000000000000002")
    );
    assert_eq!(header(&encoded, "content-type"), Some("application/xml"));
    let paths: Vec<_> = leaves(&encoded.body)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        paths,
        [
            "Error/Code",
            "Error/Message",
            "Error/RequestId",
            "Error/HostId",
            "Error/Key",
            "Error/EC"
        ]
    );
    assert_eq!(text_of(&encoded.body, "Error/Key").as_deref(), Some("a<b"));
}

#[test]
fn head_errors_are_in_a_header() {
    let encoded = refusal(FaultKind::NoSuchKey { marker: None }, &Method::HEAD);
    assert!(encoded.body.is_empty());
    let document = STANDARD
        .decode(header(&encoded, "x-oss-err").unwrap())
        .unwrap();
    assert_eq!(
        text_of(&document, "Error/Code").as_deref(),
        Some("NoSuchKey")
    );
    let long = FaultKind::SignatureDoesNotMatch(Box::new(SignatureMismatch {
        string_to_sign: vec![0xFF; 100_000],
        ..SignatureMismatch::default()
    }));
    let wordy = FaultKind::NoSuchUpload {
        upload_id: "u".repeat(100_000),
    };
    for (kind, ec) in [(long, "0002-00000040"), (wordy, "0042-00000002")] {
        let encoded = refusal(kind, &Method::HEAD);
        assert!(header(&encoded, "x-oss-err").unwrap().len() < 8192);
        assert_eq!(header(&encoded, "x-oss-ec"), Some(ec));
    }
}

#[test]
fn signature_mismatch_shows_both_sides() {
    let kind = FaultKind::SignatureDoesNotMatch(Box::new(SignatureMismatch {
        access_key_id: "id".into(),
        signature_provided: "sig".into(),
        string_to_sign: b"GET\n\xFF".to_vec(),
        canonical_request: Some("GET\n/".into()),
        ec: "0002-00000201",
    }));
    let body = refusal(kind, &Method::GET).body;
    for (name, text) in [
        ("OSSAccessKeyId", "id"),
        ("SignatureProvided", "sig"),
        ("StringToSign", "GET\n\u{FFFD}"),
        ("StringToSignBytes", "47 45 54 0A FF"),
        ("CanonicalRequest", "GET\n/"),
        ("EC", "0002-00000201"),
        (
            "RecommendDoc",
            "https://api.aliyun.com/troubleshoot?q=0002-00000201",
        ),
    ] {
        let found = text_of(&body, &format!("Error/{name}"));
        assert_eq!(found.as_deref(), Some(text), "{name}");
    }
}

#[test]
fn not_modified_has_no_body() {
    let kind = FaultKind::NotModified {
        etag: ETag::of_md5(&[0xAB; 16]),
        last_modified: NOW,
        condition: "If-None-Match",
    };
    for method in [Method::GET, Method::HEAD] {
        let encoded = refusal(kind.clone(), &method);
        assert_eq!(encoded.head.status, 304);
        assert!(encoded.body.is_empty());
        assert!(!encoded.head.headers.contains_key(CONTENT_LENGTH));
        assert!(!encoded.head.headers.contains_key(CONTENT_TYPE));
        assert_eq!(
            header(&encoded, "etag"),
            Some("\"ABABABABABABABABABABABABABABABAB\"")
        );
        assert_eq!(
            header(&encoded, "last-modified"),
            Some("Sun, 22 Nov 2026 03:04:05 GMT")
        );
    }
}

#[test]
fn faults_with_headers_of_their_own() {
    let position = refusal(
        FaultKind::PositionNotEqualToLength { length: 12 },
        &Method::POST,
    );
    assert_eq!(position.head.status, 409);
    assert_eq!(header(&position, "x-oss-next-append-position"), Some("12"));
    let marker = refusal(
        FaultKind::VersionIsMarker {
            version: VersionId::Null,
        },
        &Method::GET,
    );
    assert_eq!(marker.head.status, 405);
    assert_eq!(header(&marker, "x-oss-delete-marker"), Some("true"));
    let range = refusal(FaultKind::InvalidRange { length: 5 }, &Method::GET);
    assert_eq!(range.head.status, 416);
    assert_eq!(header(&range, "content-range"), Some("bytes */5"));
}
