use http::{HeaderName, HeaderValue};
use osier_types::{percent_decode, percent_encode};
use proptest::prelude::*;

use super::*;

fn encoded_query(query: &Query) -> String {
    let mut text = Vec::new();
    push_encoded_query(&mut text, query, |name| name == "x-oss-signature");
    String::from_utf8(text).unwrap()
}

#[test]
fn queries_are_sorted_and_bare_without_value() {
    let query = Query::parse("b=2&a=x%20y&acl=&x-oss-signature=s&a=%2F&a-b=1&B");
    assert_eq!(encoded_query(&query), "B&a=%2F&a=x%20y&a-b=1&acl&b=2");
}

#[test]
fn headers_are_sorted_trimmed_and_joined() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-oss-b", " 2 "),
        ("range", "bytes=0-1"),
        ("x-oss-a", "1"),
        ("host", "h"),
        ("x-oss-b", "\t3"),
        ("x-osss", "no"),
    ] {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers.append(
        "x-oss-meta-c",
        HeaderValue::from_bytes(b"\xE4\xFF").unwrap(),
    );
    let mut text = Vec::new();
    push_headers(&mut text, &headers, |name| name == "host");
    assert_eq!(
        text,
        b"host:h\nx-oss-a:1\nx-oss-b:2,3\nx-oss-meta-c:\xE4\xFF\n"
    );
}

#[test]
fn resources_in_three_texts() {
    let text = |bucket: Option<&str>, key: Option<&[u8]>, how| {
        let resource = ResourceName {
            bucket: bucket.map(str::to_owned),
            key: key.map(<[u8]>::to_vec),
        };
        let mut text = Vec::new();
        push_resource(&mut text, &resource, how);
        text
    };
    for how in [ResourceText::Decoded, ResourceText::Encoded] {
        assert_eq!(text(None, None, how), b"/");
        assert_eq!(text(Some("b"), None, how), b"/b/");
    }
    let key = Some(b"a/ +\xFF".as_slice());
    assert_eq!(text(Some("b"), key, ResourceText::Decoded), b"/b/a/ +\xFF");
    assert_eq!(
        text(Some("b"), key, ResourceText::Encoded),
        b"/b/a/%20%2B%FF"
    );
    assert_eq!(
        text(Some("b"), key, ResourceText::EncodedSlashes),
        b"%2Fb%2Fa%2F%20%2B%FF"
    );
}

proptest! {
    #[test]
    fn encoding_is_that_of_the_types_crate(bytes: Vec<u8>, keep_slash: bool) {
        let mut text = Vec::new();
        push_encoded(&mut text, &bytes, keep_slash);
        let text = String::from_utf8(text).unwrap();
        prop_assert_eq!(&text, &percent_encode(&bytes, keep_slash));
        prop_assert_eq!(percent_decode(text.as_bytes()), bytes);
    }

    /// However a query is spelled and ordered, its canonical text is one, and reading that
    /// text again changes nothing.
    #[test]
    fn s07_canonical_queries_are_a_fixed_point(raw in "[a-c=&%+2Ff/é \\-]{0,40}") {
        let query = Query::parse(&raw);
        // No parameter is nameless; what `=&=` canonically is does not matter.
        prop_assume!(query.pairs().iter().all(|pair| !pair.name.is_empty()));
        let canonical = encoded_query(&query);
        prop_assert_eq!(encoded_query(&Query::parse(&canonical)), canonical.clone());
        let mut parts: Vec<&str> = raw.split('&').collect();
        parts.reverse();
        prop_assert_eq!(encoded_query(&Query::parse(&parts.join("&"))), canonical);
    }

    /// Two resources have the same encoded text only if they are the same.
    #[test]
    fn s07_encoded_resources_are_told_apart(
        one in prop::collection::vec(prop::sample::select(b"a/%2F.\\ +\0".to_vec()), 1..6),
        two in prop::collection::vec(prop::sample::select(b"a/%2F.\\ +\0".to_vec()), 1..6),
    ) {
        let text = |key: &[u8]| {
            let mut text = Vec::new();
            let resource = ResourceName {
                bucket: Some("b".to_owned()),
                key: Some(key.to_vec()),
            };
            push_resource(&mut text, &resource, ResourceText::Encoded);
            text
        };
        prop_assert_eq!(text(&one) == text(&two), one == two);
    }
}
