use http::Method;
use osier_types::{FaultKind, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::testing::*;
use crate::{Authentication, KeyRecord, ResourceName, Secret, StaticKeyRing};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const WRONG: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const S3_SCOPE: &str = "LTAI5tExampleKeyId/20261122/us-east-1/s3/aws4_request";
/// Of botocore, for `HARD_KEY`.
const HARD: &str = "5d8247fc0eb97e0842f8c844de19e67c099b4902d6e5c2433101cc1400e63d2b";
const HARD_KEY: &str = "dir/a b+c!'()*中文~.txt";
const HARD_PATH: &str = "/bkt-test/dir/a%20b%2Bc%21%27%28%29%2A%E4%B8%AD%E6%96%87~.txt";
const URL: &str = "53ce700a7e0f88f32a2236c31dd7b31ba8d22b724ec81411b6414cf9ed05baee";
const PUT_URL: &str = "137cb3dcb7cd94af7b96dd01056b4e18d1311cc3849964dc7d4fae324a147d1a";

/// The requests of the S3 API reference, "Signature Calculations", all of one moment.
fn example(method: Method, target: ResourceName, path: &str, query: &str) -> Probe {
    let mut probe = Probe::new(method, target, query)
        .path(path)
        .header("host", "examplebucket.s3.amazonaws.com")
        .header("x-amz-date", "20130524T000000Z");
    probe.now = Timestamp::from_seconds(1_369_353_600);
    probe.ring = StaticKeyRing::default().with(
        "AKIAIOSFODNN7EXAMPLE",
        KeyRecord::permanent(
            Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            root(),
        ),
    );
    probe
}

fn authorization(scope: &str, headers: &str, signature: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={headers},Signature={signature}")
}

fn example_authorization(headers: &str, signature: &str) -> String {
    let scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
    authorization(scope, headers, signature)
}

#[test]
fn the_reference_gets_a_range() {
    let probe = example(
        Method::GET,
        object("examplebucket", "test.txt"),
        "/test.txt",
        "",
    )
    .header("range", "bytes=0-9")
    .header("x-amz-content-sha256", EMPTY)
    .header(
        "authorization",
        &example_authorization(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
    );
    let signed = probe.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::Aws4, Place::Header));
    assert_eq!(signed.payload_sha256, unhex(EMPTY));
    assert!(signed.chunks.is_none());
}

#[test]
fn the_reference_puts_an_object() {
    example(
        Method::PUT,
        object("examplebucket", "test$file.text"),
        "/test$file.text",
        "",
    )
    .header("date", "Fri, 24 May 2013 00:00:00 GMT")
    .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
    .header(
        "x-amz-content-sha256",
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    )
    .header(
        "authorization",
        &example_authorization(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
    )
    .signed();
}

#[test]
fn the_reference_reads_documents_and_lists() {
    for (query, signature) in [
        (
            "lifecycle",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "max-keys=2&prefix=J",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        example(Method::GET, bucket("examplebucket"), "/", query)
            .header("x-amz-content-sha256", EMPTY)
            .header(
                "authorization",
                &example_authorization("host;x-amz-content-sha256;x-amz-date", signature),
            )
            .signed();
    }
}

#[test]
fn the_reference_signs_a_url() {
    let mut probe = example(
        Method::GET,
        object("examplebucket", "test.txt"),
        "/test.txt",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
    probe.headers.remove("x-amz-date");
    let signed = probe.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::Aws4, Place::Url));
    probe.now = probe.now.plus_millis(86_401_000);
    assert!(matches!(
        probe.refused(),
        FaultKind::AccessDenied(AccessDenial::Expired { .. })
    ));
}

fn hard() -> Probe {
    Probe::new(Method::PUT, object(BUCKET, HARD_KEY), "")
        .path(HARD_PATH)
        .header("host", "127.0.0.1:9000")
        .header("content-type", "text/plain")
        .header("x-amz-meta-uid", "  two   words ")
        .header("x-amz-date", STAMP)
        .header(
            "x-amz-content-sha256",
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        )
        .header("authorization", &hard_authorization(HARD))
}

const HARD_HEADERS: &str = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-uid";

fn hard_authorization(signature: &str) -> String {
    authorization(S3_SCOPE, HARD_HEADERS, signature)
}

#[test]
fn botocore_signs_a_hard_key() {
    hard().signed();
    // However much of the path a client leaves unencoded.
    let plain = "/bkt-test/dir/a%20b%2bc!'()*%E4%B8%AD%E6%96%87~.txt";
    hard().path(plain).signed();
    hard().set("x-amz-meta-uid", "two words").signed();
    let told = hard().set("authorization", &hard_authorization(WRONG));
    assert_eq!(
        told.canonical_request(),
        format!(
            "PUT\n{HARD_PATH}\n\ncontent-type:text/plain\nhost:127.0.0.1:9000\n\
             x-amz-content-sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n\
             x-amz-date:20261122T030405Z\nx-amz-meta-uid:two words\n\n{HARD_HEADERS}\n\
             2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        )
    );
}

#[test]
fn botocore_signs_with_a_token() {
    let probe = Probe::new(
        Method::GET,
        bucket(BUCKET),
        "list-type=2&prefix=a%2Fb%20c%2B&empty=&acl",
    )
    .path("/")
    .temporary()
    .header("host", "bkt-test.s3.example.com")
    .header("x-amz-date", STAMP)
    .header("x-amz-security-token", TOKEN)
    .header("x-amz-content-sha256", EMPTY)
    .header(
        "authorization",
        &authorization(
            S3_SCOPE,
            "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
            "b31a1cf42adbedafeff21577da91799e81955a3f35d4fc65bf5bf326f3c4b708",
        ),
    );
    probe.signed();
    let other = probe.set("x-amz-security-token", "other");
    assert_eq!(other.refused(), FaultKind::InvalidSecurityToken);
}

fn url() -> Probe {
    Probe::new(
        Method::GET,
        object(BUCKET, HARD_KEY),
        "versionId=V1&response-content-type=text%2Fx%20y",
    )
    .path(HARD_PATH)
    .header("host", "s3.example.com")
    .query("X-Amz-Algorithm", ALGORITHM)
    .query("X-Amz-Credential", S3_SCOPE)
    .query("X-Amz-Date", STAMP)
    .query("X-Amz-Expires", "900")
    .query("X-Amz-SignedHeaders", "host")
    .query("X-Amz-Signature", URL)
}

fn put_url() -> Probe {
    Probe::new(Method::PUT, object(BUCKET, "k"), "")
        .temporary()
        .header("host", "s3.example.com")
        .header("content-type", "image/jpeg")
        .header("x-amz-acl", "public-read")
        .query("X-Amz-Algorithm", ALGORITHM)
        .query("X-Amz-Credential", S3_SCOPE)
        .query("X-Amz-Date", STAMP)
        .query("X-Amz-Expires", "900")
        .query("X-Amz-SignedHeaders", "content-type;host;x-amz-acl")
        .query("X-Amz-Security-Token", TOKEN)
        .query("X-Amz-Signature", PUT_URL)
}

#[test]
fn botocore_signs_urls() {
    url().signed();
    put_url().signed();
    // Blanks as a form would write them.
    let mut spaces = url();
    spaces.raw_query = spaces.raw_query.replace("%20", "+");
    assert!(spaces.signed().plus_is_space);
}

#[test]
fn s05_a_url_is_good_for_nothing_else() {
    let wrong = |probe: Probe| probe.mismatches();
    for extra in [
        ("acl", ""),
        ("uploadId", "x"),
        ("response-content-disposition", "attachment"),
        ("versionId", "V2"),
        ("x-amz-acl", "public-read"),
        ("X-Amz-Expires", "604800"),
    ] {
        wrong(url().query(extra.0, extra.1));
    }
    for method in [Method::PUT, Method::HEAD, Method::DELETE, Method::POST] {
        let mut other = url();
        other.method = method;
        wrong(other);
    }
    wrong(url().path("/bkt-test/other"));
    wrong(url().path("/bkt-tesT/dir/a%20b%2Bc%21%27%28%29%2A%E4%B8%AD%E6%96%87~.txt"));
    wrong(url().path("//bkt-test/dir/a%20b%2Bc%21%27%28%29%2A%E4%B8%AD%E6%96%87~.txt"));
    wrong(url().set("host", "other.example.com"));
    wrong(put_url().set("content-type", "text/html"));
    wrong(put_url().set("x-amz-acl", "private"));
    let mut gone = put_url();
    gone.headers.remove("x-amz-acl");
    wrong(gone);
}

#[test]
fn s05_headers_that_mean_something_are_signed() {
    for probe in [url(), hard()] {
        let probe = probe.header("x-amz-storage-class", "GLACIER");
        let FaultKind::AccessDenied(AccessDenial::HeadersNotSigned { names }) = probe.refused()
        else {
            panic!("passed");
        };
        assert_eq!(names, "x-amz-storage-class");
    }
    // What CloudFront adds means nothing.
    url().header("x-amz-cf-id", "x").signed();
    let no_host = hard().set(
        "authorization",
        &authorization(
            S3_SCOPE,
            "content-type;x-amz-content-sha256;x-amz-date;x-amz-meta-uid",
            HARD,
        ),
    );
    assert!(matches!(
        no_host.refused(),
        FaultKind::AccessDenied(AccessDenial::HeadersNotSigned { names }) if names == "host"
    ));
}

#[test]
fn s05_lifetimes_lie_between_a_second_and_a_week() {
    for lifetime in ["0", "-1", "604801", "99999999999999999999", "1.5", "", "+9"] {
        let mut probe = url();
        probe.raw_query = probe
            .raw_query
            .replace("X-Amz-Expires=900", &format!("X-Amz-Expires={lifetime}"));
        assert!(
            matches!(
                probe.refused(),
                FaultKind::MalformedAuthorization {
                    place: AuthorizationPlace::Query,
                    ..
                }
            ),
            "{lifetime}"
        );
    }
    url().later_s(900).signed();
    assert!(matches!(
        url().later_s(901).refused(),
        FaultKind::AccessDenied(AccessDenial::Expired { .. })
    ));
    url().later_s(-900).signed();
    assert!(matches!(
        url().later_s(-901).refused(),
        FaultKind::AccessDenied(AccessDenial::NotYetValid)
    ));
}

#[test]
fn s45_clocks_may_differ_by_a_quarter_of_an_hour() {
    for seconds in [-900, 900] {
        hard().later_s(seconds).signed();
    }
    for seconds in [-901, 901] {
        assert!(matches!(
            hard().later_s(seconds).refused(),
            FaultKind::RequestTimeTooSkewed { .. }
        ));
    }
}

#[test]
fn a_url_behind_a_proxy_was_made_for_a_name_of_ours() {
    let proxied = || url().set("host", "127.0.0.1:8080");
    proxied().mismatches();
    assert_eq!(
        proxied()
            .host_reading("store.example.com", 0)
            .host_reading("s3.example.com", 0)
            .signed()
            .candidate,
        0
    );
    proxied().host_reading("other.example.com", 0).mismatches();
}

#[test]
fn s03_another_service_region_or_day_is_refused() {
    let place = |probe: &Probe| match probe.refused() {
        FaultKind::MalformedAuthorization { place, .. } => place,
        other => panic!("{other:?}"),
    };
    for scope in [
        "LTAI5tExampleKeyId/20261122/us-east-1/oss/aws4_request",
        "LTAI5tExampleKeyId/20261122/us-east-1/s3/aliyun_v4_request",
        "LTAI5tExampleKeyId/20261121/us-east-1/s3/aws4_request",
        "LTAI5tExampleKeyId/20261122//s3/aws4_request",
        "/20261122/us-east-1/s3/aws4_request",
        "20261122/us-east-1/s3/aws4_request",
        "",
    ] {
        let probe = hard().set("authorization", &authorization(scope, HARD_HEADERS, HARD));
        assert_eq!(place(&probe), AuthorizationPlace::Header, "{scope}");
    }
    let only = Verifier::new(Regions::Only("eu-central-1".to_owned()));
    let Err(fault) = hard().authenticate_with(&only) else {
        panic!("passed");
    };
    assert!(matches!(
        fault.kind,
        FaultKind::MalformedAuthorization { region: Some(region), .. } if region == "eu-central-1"
    ));
}

#[test]
fn s03_malformed_fields_are_told() {
    for fields in [
        "",
        "Credential",
        "Credential=a,Credential=b",
        "Credential=a,SignedHeaders=host",
        "Credential=a,SignedHeaders=host,Signature=b,Other=c",
        &format!("Credential={S3_SCOPE},SignedHeaders=Host,Signature={HARD}"),
        &format!("Credential={S3_SCOPE},SignedHeaders=host;a,Signature={HARD}"),
        &format!("Credential={S3_SCOPE},SignedHeaders=host;host,Signature={HARD}"),
        &format!("Credential={S3_SCOPE},SignedHeaders=host;,Signature={HARD}"),
        &format!("Credential={S3_SCOPE},SignedHeaders=,Signature={HARD}"),
    ] {
        let probe = hard().set("authorization", &format!("AWS4-HMAC-SHA256 {fields}"));
        assert!(
            matches!(
                probe.refused(),
                FaultKind::MalformedAuthorization { .. } | FaultKind::InvalidArgument { .. }
            ),
            "{fields}"
        );
    }
    let mut bare = hard();
    bare.headers.remove("x-amz-content-sha256");
    assert!(matches!(
        bare.refused(),
        FaultKind::MissingSecurityHeader {
            name: "x-amz-content-sha256"
        }
    ));
    let odd = hard().set("x-amz-content-sha256", "UNSIGNED");
    assert_eq!(odd.argument(), "x-amz-content-sha256");
    for name in V4_NEEDED {
        let mut probe = url();
        let kept: Vec<&str> = probe
            .raw_query
            .split('&')
            .filter(|pair| !pair.starts_with(name))
            .collect();
        probe.raw_query = kept.join("&");
        assert!(
            matches!(probe.refused(), FaultKind::MalformedAuthorization { .. }),
            "{name}"
        );
    }
}

const V4_NEEDED: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

#[test]
fn s04_the_word_for_the_payload_is_signed() {
    for word in [
        UNSIGNED_PAYLOAD,
        super::super::chunked::SIGNED,
        super::super::chunked::SIGNED_TRAILER,
        super::super::chunked::UNSIGNED_TRAILER,
        EMPTY,
    ] {
        hard().set("x-amz-content-sha256", word).mismatches();
        // In a URL it must be signed as a header.
        assert!(matches!(
            url().header("x-amz-content-sha256", word).refused(),
            FaultKind::AccessDenied(AccessDenial::HeadersNotSigned { .. })
        ));
        url().query("X-Amz-Content-Sha256", word).mismatches();
    }
}

#[test]
fn s04_schemes_do_not_mix() {
    let twice = url().header("authorization", &hard_authorization(HARD));
    assert_eq!(twice.argument(), "Authorization");
    for (name, value) in [
        ("AWSAccessKeyId", "x"),
        ("OSSAccessKeyId", "x"),
        ("x-oss-signature-version", "OSS4-HMAC-SHA256"),
    ] {
        let _ = url().query(name, value).argument();
    }
    // A key that stands for nobody, and a temporary one without its token.
    let mut stranger = hard();
    stranger.ring = StaticKeyRing::default();
    assert!(matches!(
        stranger.refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    assert!(matches!(
        hard().temporary().refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
}

proptest! {
    /// Any one byte of head, path, query or host, changed to any other.
    #[test]
    fn s04_no_byte_may_differ(what in 0..5_usize, at in 0..200_usize, by in 0x21..0x7F_u8) {
        let mut probe = if what < 3 { hard() } else { url() };
        let change = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            let same = bytes[at] == by;
            bytes[at] = by;
            (!same).then(|| String::from_utf8(bytes).ok()).flatten()
        };
        let spoiled = match what {
            0 => change(HARD).map(|text| {
                probe = probe.clone().set("authorization", &hard_authorization(&text));
            }),
            1 => change("127.0.0.1:9000").map(|text| {
                probe = probe.clone().set("host", &text);
            }),
            2 => change("two words").map(|text| {
                probe = probe.clone().set("x-amz-meta-uid", &text);
            }),
            3 => change(&probe.raw_path.clone()).map(|text| {
                // Another spelling of the same path is the same path.
                let is_same = percent_decode(text.as_bytes()) == percent_decode(probe.raw_path.as_bytes());
                probe.raw_path = if is_same { "/".to_owned() } else { text };
            }),
            _ => change(&probe.raw_query.clone()).map(|text| {
                let before = canonical_query(&Query::parse(&probe.raw_query));
                if canonical_query(&Query::parse(&text)) == before && text.contains(URL) {
                    probe.raw_query = "X-Amz-Signature=x".to_owned();
                } else {
                    probe.raw_query = text;
                }
            }),
        };
        if spoiled.is_some() {
            prop_assert!(!matches!(probe.authenticate(), Ok(Authentication::Signed(_))), "{:?}", probe);
        }
    }
}
