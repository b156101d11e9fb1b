use http::Method;
use osier_types::FaultKind;

use super::*;
use crate::testing::*;

const V2H_1: &str = "aOJKVcWtXztbcN34xpnAPfbtcAzQUt0bRp5HoZL38so=";

fn v2h_1() -> Probe {
    Probe::new(Method::PUT, object(BUCKET, "dir/a b.txt"), "x=y%20z")
        .header("date", DATE)
        .header("content-type", "text/plain")
        .header("x-oss-meta-uid", "1")
}

fn authorization(rest: &str) -> String {
    format!("OSS2 AccessKeyId:{ID},{rest}")
}

fn v2u_1() -> Probe {
    Probe::new(Method::GET, object(BUCKET, "k"), "")
        .query("x-oss-signature-version", "OSS2")
        .query("x-oss-expires", &(EPOCH + 900).to_string())
        .query("x-oss-access-key-id", ID)
        .query(
            "x-oss-signature",
            "hJBy/SzOX7QYd6GIKtRJmZNFxAHYhoOFsx0NZgcRoOE=",
        )
}

#[test]
fn v2h_1_put() {
    let probe = v2h_1().header(
        "authorization",
        &format!("OSS2 AccessKeyId:{ID}, Signature:{V2H_1}"),
    );
    let signed = probe.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::V2, Place::Header));
    let wrong = v2h_1().header("authorization", &authorization("Signature:x"));
    assert_eq!(
        wrong.string_to_sign(),
        format!(
            "PUT\n\ntext/plain\n{DATE}\nx-oss-meta-uid:1\n\n%2Fbkt-test%2Fdir%2Fa%20b.txt?x=y%20z"
        )
    );
}

#[test]
fn v2u_1_get() {
    let signed = v2u_1().signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::V2, Place::Url));
    v2u_1().later_s(900).signed();
    assert!(matches!(
        v2u_1().later_s(901).refused(),
        FaultKind::AccessDenied(osier_types::AccessDenial::Expired { .. })
    ));
}

#[test]
fn additional_headers_are_signed() {
    let probe = v2h_1().header("range", "bytes=0-1").header(
        "authorization",
        &authorization("AdditionalHeaders:Range;x-oss-meta-uid,Signature:x"),
    );
    assert_eq!(
        probe.string_to_sign(),
        format!(
            "PUT\n\ntext/plain\n{DATE}\nrange:bytes=0-1\nx-oss-meta-uid:1\nrange\n\
             %2Fbkt-test%2Fdir%2Fa%20b.txt?x=y%20z"
        )
    );
}

#[test]
fn s04_s05_every_signed_part_counts() {
    let good = v2h_1().header(
        "authorization",
        &authorization(&format!("Signature:{V2H_1}")),
    );
    good.signed();
    for name in ["content-type", "x-oss-meta-uid"] {
        good.clone().set(name, "other").mismatches();
    }
    let mut method = good.clone();
    method.method = Method::POST;
    method.mismatches();
    for query in ["", "x=y", "x=y%20z&acl", "x=y%20z&x-oss-process=a"] {
        let mut other = good.clone();
        other.raw_query = query.to_owned();
        other.mismatches();
    }
    v2u_1().query("x-oss-process", "image/info").mismatches();
    v2u_1().query("x-oss-expires", "9999999999").mismatches();
    let mut longer = v2u_1();
    longer.raw_query = longer
        .raw_query
        .replace(&(EPOCH + 900).to_string(), &(EPOCH + 901).to_string());
    longer.mismatches();
}

#[test]
fn s03_malformed() {
    for rest in [
        "Signature:a,Signature:b",
        "Signature",
        "Other:x,Signature:y",
        "AdditionalHeaders:a",
        "",
    ] {
        let probe = v2h_1().header("authorization", &authorization(rest));
        assert_eq!(probe.argument(), "Authorization", "{rest}");
    }
    let probe = Probe::new(
        Method::GET,
        object(BUCKET, "k"),
        "x-oss-signature-version=OSS2",
    );
    assert_eq!(probe.malformed_ec(), ec::V1_URL_NO_ID);
}
