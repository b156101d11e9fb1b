use http::Method;
use proptest::prelude::*;

use super::*;
use crate::testing::*;
use crate::{Authentication, Scheme, SignedHead, authenticate};

fn key(token: bool) -> AccessKey {
    AccessKey {
        id: ID.to_owned(),
        secret: Secret::from(SECRET),
        token: token.then(|| Secret::from(TOKEN)),
    }
}

fn v4() -> OutboundScheme {
    OutboundScheme::V4 {
        region: "cn-beijing".to_owned(),
    }
}

/// The scheme that our own verifier finds on what was signed.
fn verified(
    scheme: &OutboundScheme,
    method: &Method,
    resource: &ResourceName,
    raw_query: &str,
    mut headers: HeaderMap,
    token: bool,
) -> Option<Scheme> {
    let query = Query::parse(raw_query);
    let request = Unsigned {
        method,
        resource,
        query: &query,
    };
    scheme
        .sign(&request, &mut headers, &key(token), NOW)
        .unwrap();
    let raw_path = format!(
        "/{BUCKET}/{}",
        osier_types::percent_encode(resource.key.as_deref().unwrap_or_default(), true)
    );
    let head = SignedHead {
        method,
        headers: &headers,
        query: &query,
        raw_query,
        raw_path: &raw_path,
        hosts: &[],
        candidates: std::slice::from_ref(resource),
    };
    let ring = if token { temporary_ring() } else { ring() };
    match authenticate(&head, &ring, NOW) {
        Ok(Authentication::Signed(signed)) => Some(signed.scheme),
        _ => None,
    }
}

#[test]
fn the_signature_is_the_one_of_the_references_vector() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-oss-meta-uid", "1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let query = Query::parse("");
    let resource = object(BUCKET, "dir/a b+c.txt");
    let request = Unsigned {
        method: &Method::PUT,
        resource: &resource,
        query: &query,
    };
    v4().sign(&request, &mut headers, &key(false), NOW).unwrap();
    let expected = format!(
        "OSS4-HMAC-SHA256 Credential={SCOPE},Signature=6922d8241be25aa1d04f467ea2c451dbff878a63bb467536e009e36169fb8545"
    );
    assert_eq!(headers[AUTHORIZATION], *expected);
    assert!(headers[AUTHORIZATION].is_sensitive());
}

#[test]
fn a_clients_own_proof_never_goes_on() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("OSS other:sig"));
    headers.insert(SECURITY_TOKEN, HeaderValue::from_static("other"));
    headers.insert(X_OSS_DATE, HeaderValue::from_static("other"));
    let query = Query::parse("");
    let resource = object(BUCKET, "k");
    let request = Unsigned {
        method: &Method::GET,
        resource: &resource,
        query: &query,
    };
    OutboundScheme::V1
        .sign(&request, &mut headers, &key(false), NOW)
        .unwrap();
    assert!(!headers.contains_key(SECURITY_TOKEN) && !headers.contains_key(X_OSS_DATE));
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().collect();
    assert!(matches!(values.as_slice(), [one] if one.as_bytes().starts_with(b"OSS LTAI")));
}

#[test]
fn a_key_that_is_no_header_is_an_error() {
    let query = Query::parse("");
    let resource = object(BUCKET, "k");
    let request = Unsigned {
        method: &Method::GET,
        resource: &resource,
        query: &query,
    };
    let bad = AccessKey {
        id: "a\nb".to_owned(),
        ..key(false)
    };
    for scheme in [v4(), OutboundScheme::V1] {
        let signed = scheme.sign(&request, &mut HeaderMap::new(), &bad, NOW);
        assert_eq!(signed, Err(UnusableKey));
    }
}

proptest! {
    #[test]
    fn whatever_is_signed_verifies(
        key in any::<Vec<u8>>(),
        names in proptest::collection::vec("[a-zA-Z0-9 /+%&=_~-]{1,9}", 0..4),
        listed in any::<bool>(),
        token in any::<bool>(),
        put in any::<bool>(),
        meta in "[ -~]{0,20}",
    ) {
        let resource = ResourceName { bucket: Some(BUCKET.to_owned()), key: Some(key) };
        let method = if put { Method::PUT } else { Method::GET };
        let mut pairs: Vec<String> = names
            .iter()
            .map(|name| format!("{}={}", osier_types::percent_encode(name.as_bytes(), false), osier_types::percent_encode(name.as_bytes(), false)))
            .filter(|pair| !is_signature_parameter(pair.split('=').next().unwrap_or_default()))
            .collect();
        if listed {
            pairs.push("x-oss-process=image%2Fresize%2Cw_1".to_owned());
            pairs.push("uploads".to_owned());
        }
        let raw = pairs.join("&");
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("s3.example.com:9000"));
        headers.insert("x-amz-meta-a", HeaderValue::from_str(&meta).unwrap());
        headers.insert("x-oss-meta-a", HeaderValue::from_str(&meta).unwrap());
        headers.append("x-oss-meta-b", HeaderValue::from_static("1"));
        headers.append("x-oss-meta-b", HeaderValue::from_static("2"));
        let aws = OutboundScheme::Aws4 { region: "us-east-1".to_owned() };
        let schemes = [(v4(), Scheme::V4), (OutboundScheme::V1, Scheme::V1), (aws, Scheme::Aws4)];
        for (scheme, found) in schemes {
            prop_assert_eq!(
                verified(&scheme, &method, &resource, &raw, headers.clone(), token),
                Some(found)
            );
        }
    }
}
