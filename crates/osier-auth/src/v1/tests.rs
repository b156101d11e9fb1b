use http::Method;
use osier_types::{AccessDenial, FaultKind, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::testing::*;
use crate::{KeyRecord, StaticKeyRing};

const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";

fn authorization(signature: &str) -> String {
    format!("OSS {ID}:{signature}")
}

fn by_header(probe: Probe, signature: &str) -> Probe {
    probe.header("authorization", &authorization(signature))
}

/// Signed right, says this when signed wrong.
#[track_caller]
fn assert_vector(probe: Probe, signature: &str, string_to_sign: &str) -> Signed {
    let wrong = by_header(probe.clone(), "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(wrong.string_to_sign(), string_to_sign);
    let signed = by_header(probe, signature).signed();
    assert_eq!(
        (signed.scheme, signed.place, signed.candidate),
        (Scheme::V1, Place::Header, 0)
    );
    assert_eq!(signed.access_key_id, ID);
    assert_eq!(signed.identity, root());
    signed
}

fn upload() -> Probe {
    Probe::new(Method::PUT, object(BUCKET, "dir/a b+c.txt"), "")
        .header("content-type", "text/plain")
        .header("content-md5", MD5)
        .header("x-oss-meta-uid", "1")
}

fn v1h_1() -> Probe {
    upload()
        .header("date", DATE)
        .header("x-oss-forbid-overwrite", "true")
}

const V1H_1: &str = "AVEiB2L3n7nVuGh9pzJ4vO7aiw4=";

#[test]
fn the_list_is_sorted_for_searching() {
    assert!(SIGNED.is_sorted() && is_listed("acl") && is_listed("x-oss-process"));
    assert!(!is_listed("prefix") && !is_listed("list-type") && !is_listed("accessmonitor"));
}

#[test]
fn v1h_1_put_with_metadata() {
    assert_vector(
        v1h_1(),
        V1H_1,
        &format!(
            "PUT\n{MD5}\ntext/plain\n{DATE}\nx-oss-forbid-overwrite:true\nx-oss-meta-uid:1\n\
             /bkt-test/dir/a b+c.txt"
        ),
    );
}

#[test]
fn v1h_2_bucket_sub_resource() {
    for query in ["acl", "acl="] {
        assert_vector(
            Probe::new(Method::GET, bucket(BUCKET), query).header("date", DATE),
            "1VmRnqG7pRBpapWvE5LZ5CvhHhk=",
            &format!("GET\n\n\n{DATE}\n/bkt-test/?acl"),
        );
    }
}

#[test]
fn v1h_3_service() {
    assert_vector(
        Probe::new(Method::GET, ResourceName::default(), "prefix=a&max-keys=10")
            .header("date", DATE),
        "I7RLma21RbsQtL5i3Xk3L5vuVUs=",
        &format!("GET\n\n\n{DATE}\n/"),
    );
}

#[test]
fn v1h_4_part_with_token() {
    assert_vector(
        Probe::new(
            Method::PUT,
            object(BUCKET, "中文.bin"),
            "uploadId=UPID01&partNumber=3",
        )
        .header("date", DATE)
        .header("x-oss-security-token", TOKEN)
        .temporary(),
        "A/o372Ii4m1u7qlYXznzfgHxrpM=",
        &format!(
            "PUT\n\n\n{DATE}\nx-oss-security-token:{TOKEN}\n\
             /bkt-test/中文.bin?partNumber=3&uploadId=UPID01"
        ),
    );
}

#[test]
fn v1h_5_process_and_overrides() {
    let signed = assert_vector(
        Probe::new(
            Method::GET,
            object(BUCKET, "f.jpg"),
            "x-oss-process=image/resize,w_100&response-content-type=text%2Fx%20y\
             &versionId=V1&foo=bar",
        )
        .header("date", DATE),
        "d+7fWQWf0f9fW0ozFVLbp6fLfhA=",
        &format!(
            "GET\n\n\n{DATE}\n/bkt-test/f.jpg?response-content-type=text/x y&versionId=V1\
             &x-oss-process=image/resize,w_100"
        ),
    );
    assert!(!signed.oss_query_unsigned);
}

#[test]
fn v1h_6_and_7_ali_oss_sends_no_date() {
    assert_vector(
        upload().header("x-oss-date", DATE),
        "kAtf/Zqo2PnrEU/yDwFhH0Y9mKE=",
        &format!(
            "PUT\n{MD5}\ntext/plain\n{DATE}\nx-oss-date:{DATE}\nx-oss-meta-uid:1\n\
             /bkt-test/dir/a b+c.txt"
        ),
    );
    assert_vector(
        Probe::new(Method::GET, bucket(BUCKET), "acl").header("x-oss-date", DATE),
        "EZnwFDPQ/Fx+iUE3PJZ88hrFsOE=",
        &format!("GET\n\n\n{DATE}\nx-oss-date:{DATE}\n/bkt-test/?acl"),
    );
}

#[test]
fn v1h_8_unsigned_token_header() {
    let probe = Probe::new(Method::PUT, object(BUCKET, "k"), "")
        .header("date", DATE)
        .header("content-type", "text/plain")
        .header("security-token", TOKEN);
    assert_vector(
        probe.clone().temporary(),
        "XkCvxZSTRdbSDq7v5vTi2WJI3W0=",
        &format!("PUT\n\ntext/plain\n{DATE}\n/bkt-test/k"),
    );
    let permanent = by_header(probe, "XkCvxZSTRdbSDq7v5vTi2WJI3W0=");
    assert_eq!(permanent.refused(), FaultKind::InvalidSecurityToken);
}

fn url(method: Method, key: &str, expires: i64, signature: &str) -> Probe {
    Probe::new(method, object(BUCKET, key), "")
        .query("OSSAccessKeyId", ID)
        .query("Expires", &expires.to_string())
        .query("Signature", signature)
}

fn v1u_1() -> Probe {
    let signature = "ZDpkwpMIGmYsddWT8LDoTLiOFPs=";
    url(Method::GET, "reports/q1.pdf", EPOCH + 3600, signature)
}

#[test]
fn v1u_1_get() {
    let signed = v1u_1().signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::V1, Place::Url));
    // As oss2 and ali-oss write it.
    let mut literal = v1u_1();
    literal.raw_query = "OSSAccessKeyId=LTAI5tExampleKeyId&Expires=1795320245\
                         &Signature=ZDpkwpMIGmYsddWT8LDoTLiOFPs%3D"
        .to_owned();
    literal.signed();
}

#[test]
fn v1u_2_put() {
    let signature = "Mh04ZgQzwAqnGX9MWNxKQ7IbziE=";
    let probe = url(Method::PUT, "u/f.jpg", EPOCH + 600, signature)
        .header("content-type", "image/jpeg")
        .header("x-oss-forbid-overwrite", "true");
    probe.signed();
    probe.clone().set("content-type", "text/html").mismatches();
    probe.clone().header("x-oss-meta-more", "1").mismatches();
    let mut without = probe;
    without.headers.remove("x-oss-forbid-overwrite");
    without.mismatches();
}

#[test]
fn v1u_3_token_in_the_query() {
    let probe = url(
        Method::GET,
        "k",
        EPOCH + 900,
        "Ug3UhxwUphwkdRKNU3mEJlAMknI=",
    )
    .query("security-token", TOKEN)
    .query("x-oss-process", "image/resize,w_100");
    probe.clone().temporary().signed();
    assert_eq!(probe.refused(), FaultKind::InvalidSecurityToken);
}

#[test]
fn v1u_4_process_left_out_is_told() {
    let probe = url(
        Method::GET,
        "k",
        EPOCH + 3600,
        "lfN1sCcgaqjXMsSUjYyyuioEecY=",
    )
    .query("x-oss-process", "image/resize,w_100")
    .query("versionId", "V1");
    assert!(probe.signed().oss_query_unsigned);
    // Without the parameter there is nothing unsigned.
    let probe = url(
        Method::GET,
        "k",
        EPOCH + 3600,
        "lfN1sCcgaqjXMsSUjYyyuioEecY=",
    )
    .query("versionId", "V1");
    assert!(!probe.signed().oss_query_unsigned);
}

#[test]
fn go_signs_every_x_oss_parameter() {
    // The string to sign says which reading comes first.
    let probe = Probe::new(Method::GET, object(BUCKET, "k"), "x-oss-new=1&other=2")
        .header("date", DATE)
        .header("authorization", &authorization("AAAA"));
    assert_eq!(
        probe.string_to_sign(),
        format!("GET\n\n\n{DATE}\n/bkt-test/k?x-oss-new=1")
    );
}

#[test]
fn the_candidate_that_was_signed_is_told() {
    let mut probe = by_header(v1h_1(), V1H_1);
    probe.candidates = vec![
        object("other", "bkt-test/dir/a b+c.txt"),
        bucket(BUCKET),
        object(BUCKET, "dir/a b+c.txt"),
    ];
    assert_eq!(probe.signed().candidate, 2);
    probe.candidates.clear();
    probe.mismatches();
}

#[test]
fn a_plus_is_read_as_a_blank_unless_it_was_signed_as_a_plus() {
    // V1H-5 again, the blank written as a plus by the way.
    let probe = |query: &str| {
        by_header(
            Probe::new(Method::GET, object(BUCKET, "f.jpg"), query).header("date", DATE),
            "d+7fWQWf0f9fW0ozFVLbp6fLfhA=",
        )
    };
    let rest = "&versionId=V1&x-oss-process=image/resize,w_100";
    let plus = probe(&format!("response-content-type=text/x+y{rest}"));
    assert!(plus.signed().plus_is_space);
    let blank = probe(&format!("response-content-type=text/x%20y{rest}&foo=a+b"));
    // Both readings fit, since V1 does not sign `foo`: the likelier one counts.
    assert!(blank.signed().plus_is_space);
    let literal = by_header(
        Probe::new(Method::GET, object(BUCKET, "f.jpg"), "versionId=a+b").header("date", DATE),
        &signature_of(&format!("GET\n\n\n{DATE}\n/{BUCKET}/f.jpg?versionId=a+b")),
    );
    assert!(!literal.signed().plus_is_space);
    let encoded = probe(&format!("response-content-type=text/x%2By{rest}"));
    encoded.mismatches();
}

#[test]
fn repeated_headers_are_joined() {
    let probe = by_header(
        v1h_1().header("x-oss-meta-uid", "2"),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    assert!(probe.string_to_sign().contains("\nx-oss-meta-uid:1,2\n"));
}

#[test]
fn s45_dates_outside_the_window() {
    for (seconds, inside) in [(900, true), (-900, true), (901, false), (-901, false)] {
        let probe = by_header(v1h_1(), V1H_1).later_s(seconds);
        if inside {
            probe.signed();
        } else {
            assert!(
                matches!(probe.refused(), FaultKind::RequestTimeTooSkewed { request, server }
                    if request == NOW && server == probe.now)
            );
        }
    }
}

#[test]
fn s03_dates_missing_or_bad() {
    let missing = by_header(upload(), V1H_1);
    assert_eq!(missing.malformed_ec(), ec::BAD_DATE);
    for date in ["", "yesterday", "0", "\u{e9}"] {
        let probe = by_header(upload().header("date", date), V1H_1);
        assert_eq!(probe.malformed_ec(), ec::BAD_DATE, "{date}");
    }
}

#[test]
fn s03_malformed_authorization() {
    for value in ["OSS x", "OSS :sig", "OSS id:", "OSS", "OSS ", "oss a:b", ""] {
        let probe = v1h_1().header("authorization", value);
        assert_eq!(probe.argument(), "Authorization", "{value}");
    }
}

#[test]
fn s03_unknown_disabled_and_wrong_keys() {
    let unknown = v1h_1().header("authorization", &format!("OSS nobody:{V1H_1}"));
    assert!(matches!(
        unknown.refused(),
        FaultKind::InvalidAccessKeyId { access_key_id } if access_key_id == "nobody"
    ));
    let mut disabled = by_header(v1h_1(), V1H_1);
    disabled.ring = StaticKeyRing::default().with(
        ID,
        KeyRecord {
            enabled: false,
            ..record()
        },
    );
    assert!(matches!(
        disabled.refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    let mut other = by_header(v1h_1(), V1H_1);
    other.ring = StaticKeyRing::default().with(
        ID,
        KeyRecord::permanent(crate::Secret::from("other"), root()),
    );
    other.mismatches();
}

#[test]
fn tokens_belong_to_temporary_keys() {
    let sts = v1h_1().header("authorization", &format!("OSS STS.x:{V1H_1}"));
    assert!(matches!(
        sts.refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    let with_token = sts.header("x-oss-security-token", "t");
    assert_eq!(with_token.refused(), FaultKind::InvalidSecurityToken);
    // A temporary key without its token, or with another.
    let bare = by_header(v1h_1(), V1H_1).temporary();
    assert!(matches!(
        bare.refused(),
        FaultKind::InvalidAccessKeyId { .. }
    ));
    let other = bare.header("security-token", "CAIS+Token/Example=");
    assert_eq!(other.refused(), FaultKind::InvalidSecurityToken);
}

#[test]
fn s05_url_expiry_comes_before_the_signature() {
    let expired = |probe: &Probe| match probe.refused() {
        FaultKind::AccessDenied(AccessDenial::Expired { at }) => at,
        other => panic!("{other:?}"),
    };
    v1u_1().later_s(3600).signed();
    let end = Timestamp::from_seconds(EPOCH + 3600);
    assert_eq!(expired(&v1u_1().later_s(3601)), end);
    let wrong = url(Method::GET, "k", EPOCH + 3600, "wrong").later_s(3601);
    assert_eq!(expired(&wrong), end);
    // V1 URLs may be valid for as long as one likes, and have no beginning.
    v1u_1().later_s(-1_000_000_000).signed();
}

#[test]
fn s05_url_with_parts_missing() {
    for (present, ec) in [
        ("Signature=s&Expires=9", ec::V1_URL_NO_ID),
        ("OSSAccessKeyId=i&Signature=s", ec::V1_URL_NO_EXPIRES),
        (
            "OSSAccessKeyId=i&Expires=99999999999",
            ec::V1_URL_NO_SIGNATURE,
        ),
        ("Expires=9", ec::V1_URL_NO_ID),
        ("OSSAccessKeyId=&Expires=9&Signature=s", ec::V1_URL_NO_ID),
    ] {
        let probe = Probe::new(Method::GET, object(BUCKET, "k"), present);
        assert_eq!(probe.malformed_ec(), ec, "{present}");
    }
}

#[test]
fn s05_url_with_a_bad_expiry() {
    for expires in [
        "-1",
        "+1795320245",
        "1e10",
        " 1795320245",
        "9999999999999999999999",
        "x",
    ] {
        let mut probe = v1u_1();
        probe.raw_query = format!(
            "OSSAccessKeyId={ID}&Expires={}&Signature=s",
            osier_types::percent_encode(expires.as_bytes(), false)
        );
        assert_eq!(probe.malformed_ec(), ec::BAD_EXPIRES, "{expires}");
    }
}

#[test]
fn s05_of_repeated_fields_the_first_counts() {
    let probe = v1u_1()
        .query("Expires", &(EPOCH + 999_999).to_string())
        .query("Signature", "x")
        .query("OSSAccessKeyId", "y");
    probe.signed();
    assert!(matches!(
        probe.later_s(3601).refused(),
        FaultKind::AccessDenied(AccessDenial::Expired { .. })
    ));
    let mut probe = v1u_1();
    probe.raw_query = format!("Expires={}&{}", EPOCH + 999_999, probe.raw_query);
    probe.mismatches();
}

#[test]
fn s05_a_url_is_good_for_nothing_else() {
    let mut probe = v1u_1();
    for method in [Method::PUT, Method::DELETE, Method::POST, Method::HEAD] {
        probe.method = method;
        probe.mismatches();
    }
    for added in [
        "acl",
        "versionId=x",
        "uploadId=x",
        "partNumber=1",
        "response-content-type=text/html",
        "response-content-disposition=inline",
        "symlink",
        "tagging",
        "security-token=",
    ] {
        let mut probe = v1u_1();
        probe.raw_query = format!("{}&{added}", probe.raw_query);
        probe.mismatches();
    }
    for target in [
        object(BUCKET, "reports/q2.pdf"),
        object("bkt-tesu", "reports/q1.pdf"),
    ] {
        let mut probe = v1u_1();
        probe.candidates = vec![target];
        probe.mismatches();
    }
    v1u_1().header("x-oss-copy-source", "/a/b").mismatches();
    v1u_1().header("content-type", "text/html").mismatches();
    // What clients are known to leave unsigned passes, and is told.
    assert!(
        v1u_1()
            .query("x-oss-process", "image/info")
            .signed()
            .oss_query_unsigned
    );
}

#[test]
fn s04_every_signed_part_of_a_header_request_counts() {
    let good = by_header(v1h_1(), V1H_1);
    good.signed();
    for name in [
        "content-md5",
        "content-type",
        "x-oss-meta-uid",
        "x-oss-forbid-overwrite",
    ] {
        good.clone().set(name, "other").mismatches();
        let mut without = good.clone();
        without.headers.remove(name);
        without.mismatches();
    }
    good.clone()
        .set("date", "Sun, 22 Nov 2026 03:04:06 GMT")
        .mismatches();
    let mut other = good;
    other.candidates = vec![object(BUCKET, "dir/a%20b+c.txt")];
    other.mismatches();
}

#[test]
fn s05_a_url_that_writes_takes_no_unsigned_processing() {
    let signature = "Mh04ZgQzwAqnGX9MWNxKQ7IbziE=";
    let probe = url(Method::PUT, "u/f.jpg", EPOCH + 600, signature)
        .header("content-type", "image/jpeg")
        .header("x-oss-forbid-overwrite", "true");
    probe.signed();
    for name in [
        "x-oss-process",
        "x-oss-async-process",
        "x-oss-traffic-limit",
    ] {
        probe.clone().query(name, "1").mismatches();
    }
}

/// Signs by what the server says it would sign.
fn sign(probe: &Probe) -> String {
    signature_of(&by_header(probe.clone(), "x").string_to_sign())
}

fn signature_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(hmac_sha1(SECRET.as_bytes(), text.as_bytes()))
}

/// The signed parameters as a set, `x-oss-*` left out, under one reading of `+`.
fn signed_pairs(query: &Query) -> Vec<(String, Vec<u8>)> {
    let mut pairs: Vec<_> = query
        .pairs()
        .iter()
        .filter(|pair| SubResources::WithoutOss.contain(&pair.name))
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect();
    pairs.sort();
    pairs
}

proptest! {
    /// A signature passes for another query only if their signed parameters are the same.
    /// `&` and `=` inside values are left out: V1 itself can't tell them from separators.
    #[test]
    fn s04_s05_a_signature_is_for_its_own_parameters(
        one in query_text(),
        two in query_text(),
    ) {
        let probe = |query: &str| Probe::new(Method::GET, object(BUCKET, "k"), query)
            .header("date", DATE);
        let signature = sign(&probe(&one));
        prop_assert!(by_header(probe(&one), &signature).authenticate().is_ok());
        let passes = by_header(probe(&two), &signature).authenticate().is_ok();
        // What the server names first is the likelier reading, and that is what was signed.
        let meant = signed_pairs(&crate::query_with_spaces(&one));
        let literal = signed_pairs(&Query::parse(&two)) == meant;
        let spaced = signed_pairs(&crate::query_with_spaces(&two)) == meant;
        prop_assert_eq!(passes, literal || spaced);
    }
}

fn query_text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["acl", "versionId", "uploadId", "prefix", "a"]);
    let pair = (name, "[ab+]{0,2}|%20|%2B").prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..3).prop_map(|pairs| pairs.join("&"))
}
