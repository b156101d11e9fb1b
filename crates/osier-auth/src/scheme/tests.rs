use http::{HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::testing::*;

const V1_SIGNATURE: &str = "1VmRnqG7pRBpapWvE5LZ5CvhHhk=";
const V4_SIGNATURE: &str = "037bd3cf4180a2cbacaf036f1f011a3181ee92b2ca3c4232dff8be91f912a7cc";
const V2_SIGNATURE: &str = "hJBy/SzOX7QYd6GIKtRJmZNFxAHYhoOFsx0NZgcRoOE=";

fn v1(signature: &str) -> Probe {
    Probe::new(Method::GET, bucket(BUCKET), "acl")
        .header("date", DATE)
        .header("authorization", &format!("OSS {ID}:{signature}"))
}

fn v4(signature: &str) -> Probe {
    Probe::new(Method::GET, object(BUCKET, "reports/q1.pdf"), "")
        .query("x-oss-signature-version", "OSS4-HMAC-SHA256")
        .query("x-oss-credential", SCOPE)
        .query("x-oss-date", STAMP)
        .query("x-oss-expires", "3600")
        .query("x-oss-signature", signature)
}

fn v2(signature: &str) -> Probe {
    Probe::new(Method::GET, object(BUCKET, "k"), "")
        .query("x-oss-signature-version", "OSS2")
        .query("x-oss-expires", &(EPOCH + 900).to_string())
        .query("x-oss-access-key-id", ID)
        .query("x-oss-signature", signature)
}

#[test]
fn unsigned_is_anonymous() {
    let probe = Probe::new(
        Method::GET,
        object(BUCKET, "k"),
        "acl&versionId=x&x-oss-process=y",
    )
    .header("x-oss-date", STAMP)
    .header("x-oss-security-token", "t");
    assert!(matches!(
        probe.authenticate(),
        Ok(Authentication::Anonymous)
    ));
}

#[test]
fn s04_signed_twice_is_refused() {
    v1(V1_SIGNATURE).signed();
    v4(V4_SIGNATURE).signed();
    for (name, value) in [
        ("Signature", "x"),
        ("OSSAccessKeyId", "x"),
        ("x-oss-signature", "x"),
        ("x-oss-credential", "x"),
        ("x-oss-access-key-id", "x"),
    ] {
        let probe = v1(V1_SIGNATURE).query(name, value);
        assert_eq!(probe.argument(), "Authorization", "{name}");
    }
    for name in V1_URL {
        let probe = v4(V4_SIGNATURE).query(name, "1");
        assert_eq!(probe.argument(), "x-oss-signature-version", "{name}");
    }
    let two = v1(V1_SIGNATURE).header("authorization", "OSS a:b");
    assert_eq!(two.argument(), "Authorization");
}

#[test]
fn s03_unknown_schemes_are_refused() {
    for value in [
        "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=x",
        "Basic dXNlcjpwYXNz",
        "Bearer x",
        "oss4-hmac-sha256 x",
        "OSS4-HMAC-SHA256Credential=x",
        "\u{e9}",
        "",
    ] {
        let probe = Probe::new(Method::GET, bucket(BUCKET), "").header("authorization", value);
        assert_eq!(probe.argument(), "Authorization", "{value}");
    }
    for query in [
        "x-oss-signature=x",
        "x-oss-credential=x",
        "x-oss-signature-version=OSS1",
        "x-oss-signature-version",
        "x-oss-signature-verion=OSS4-HMAC-SHA256&x-oss-signature=x",
    ] {
        let probe = Probe::new(Method::GET, bucket(BUCKET), query);
        assert_eq!(probe.argument(), "x-oss-signature-version", "{query}");
    }
}

#[test]
fn the_free_function_does_the_same() {
    let probe = v1(V1_SIGNATURE);
    let query = Query::parse(&probe.raw_query);
    let head = SignedHead {
        method: &probe.method,
        headers: &probe.headers,
        query: &query,
        raw_query: &probe.raw_query,
        raw_path: &probe.raw_path,
        candidates: &probe.candidates,
        hosts: &[],
    };
    assert!(matches!(
        authenticate(&head, &probe.ring, NOW),
        Ok(Authentication::Signed(_))
    ));
}

/// `text` with one byte replaced by another.
fn spoiled(text: &str, at: usize, by: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let held = bytes.get_mut(at)?;
    if *held == by {
        return None;
    }
    *held = by;
    String::from_utf8(bytes).ok()
}

/// Every byte of each good signature, replaced by every printable one.
#[test]
fn s04_no_byte_of_a_signature_may_differ() {
    type Build = fn(&str) -> Probe;
    for (probe, signature) in [
        (v1 as Build, V1_SIGNATURE),
        (v2, V2_SIGNATURE),
        (v4, V4_SIGNATURE),
    ] {
        probe(signature).signed();
        for at in 0..signature.len() {
            for by in b'!'..=b'~' {
                if let Some(wrong) = spoiled(signature, at, by) {
                    assert!(probe(&wrong).authenticate().is_err(), "{wrong}");
                }
            }
        }
    }
}

fn garbage() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "OSS ",
        "OSS2 ",
        "OSS4-HMAC-SHA256 ",
        "Credential=",
        "AccessKeyId:",
        "AdditionalHeaders=",
        "Signature=",
        "x-oss-signature-version=",
        "x-oss-credential=",
        "x-oss-date=",
        "x-oss-expires=",
        "x-oss-signature=",
        "OSSAccessKeyId=",
        "Expires=",
        SCOPE,
        STAMP,
        DATE,
        ID,
        "/",
        ",",
        ";",
        ":",
        "=",
        "&",
        "%",
        "%2",
        "%FF",
        "+",
        "é",
        "99999999999999999999",
        "-1",
        "0",
    ])
    .prop_map(str::to_owned);
    let piece = prop_oneof![4 => words, 1 => "\\PC{0,8}"];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn s03_garbage_never_passes_and_never_panics(
        authorization in prop::option::of(garbage()),
        date in prop::option::of(garbage()),
        query in garbage(),
        key in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut probe = Probe::new(Method::GET, object(BUCKET, ""), &query);
        probe.candidates.push(ResourceName { bucket: None, key: Some(key) });
        for (name, value) in [("authorization", authorization), ("x-oss-date", date)] {
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                probe.headers.insert(name, value);
            }
        }
        let answer = probe.authenticate();
        prop_assert!(!matches!(answer, Ok(Authentication::Signed(_))));
        // Whoever sends a signature is never taken for anonymous.
        if probe.headers.contains_key("authorization") {
            prop_assert!(answer.is_err());
        }
    }
}
