use http::Method;
use osier_types::{FaultKind, Timestamp};

use super::*;
use crate::testing::*;
use crate::{KeyRecord, Secret, StaticKeyRing};

/// The requests of the S3 developer guide, "Signing and Authenticating REST Requests".
fn example(method: Method, target: ResourceName, path: &str, query: &str, date: &str) -> Probe {
    let mut probe = Probe::new(method, target, query)
        .path(path)
        .header("host", "johnsmith.s3.amazonaws.com");
    if !date.is_empty() {
        probe = probe.header("date", date);
    }
    probe.now = Timestamp::from_seconds(1_175_024_202);
    probe.ring = StaticKeyRing::default().with(
        "AKIAIOSFODNN7EXAMPLE",
        KeyRecord::permanent(
            Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            root(),
        ),
    );
    probe
}

fn aws(signature: &str) -> String {
    format!("AWS AKIAIOSFODNN7EXAMPLE:{signature}")
}

#[test]
fn the_guide_signs_headers() {
    let puppy = || object("johnsmith", "photos/puppy.jpg");
    let get = example(
        Method::GET,
        puppy(),
        "/photos/puppy.jpg",
        "",
        "Tue, 27 Mar 2007 19:36:42 +0000",
    )
    .header("authorization", &aws("bWq2s1WEIj+Ydj0vQ697zp+IXMU="));
    let signed = get.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::Aws2, Place::Header));
    // The same by path, which is signed as it is sent.
    get.clone().path("/johnsmith/photos/puppy.jpg").signed();
    get.clone().path("/photos/other.jpg").mismatches();
    let mut put = example(
        Method::PUT,
        puppy(),
        "/photos/puppy.jpg",
        "",
        "Tue, 27 Mar 2007 21:15:45 +0000",
    )
    .header("content-type", "image/jpeg")
    .header("authorization", &aws("MyyxeRY7whkBe+bq8fHCL/2kKUg="));
    put.now = Timestamp::from_seconds(1_175_030_145);
    put.signed();
    for (query, date, signature) in [
        (
            "prefix=photos&max-keys=50&marker=puppy",
            "Tue, 27 Mar 2007 19:42:41 +0000",
            "htDYFYduRNen8P9ZfE/s9SuKy0U=",
        ),
        (
            "acl",
            "Tue, 27 Mar 2007 19:44:46 +0000",
            "c2WLPFtWHVgbEmeEG93a4cG37dM=",
        ),
    ] {
        example(Method::GET, bucket("johnsmith"), "/", query, date)
            .header("authorization", &aws(signature))
            .signed();
    }
}

#[test]
fn the_guide_signs_a_url() {
    let url = example(
        Method::GET,
        object("johnsmith", "photos/puppy.jpg"),
        "/photos/puppy.jpg",
        "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D\
         &Expires=1175139620",
        "",
    );
    let signed = url.signed();
    assert_eq!((signed.scheme, signed.place), (Scheme::Aws2, Place::Url));
    let mut late = url.clone();
    late.now = Timestamp::from_seconds(1_175_139_621);
    assert!(matches!(late.refused(), FaultKind::AccessDenied(_)));
    // S05: whatever changes the meaning, known to the signature's list or not.
    for (name, value) in [
        ("acl", ""),
        ("legal-hold", ""),
        ("attributes", ""),
        ("versionId", "x"),
        ("response-content-type", "text/html"),
        ("x-amz-acl", "public-read"),
        ("X-Amz-Acl", "public-read"),
    ] {
        url.clone().query(name, value).mismatches();
    }
    url.clone().query("prefix", "x").signed();
    url.header("x-amz-acl", "public-read").mismatches();
}

#[test]
fn botocore_signs_headers() {
    let key = "dir/a b+c!'()*中文~.txt";
    Probe::new(Method::PUT, object(BUCKET, key), "")
        .path("/bkt-test/dir/a%20b%2Bc%21%27%28%29%2A%E4%B8%AD%E6%96%87~.txt")
        .header("content-type", "text/plain")
        .header("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")
        .header("x-amz-meta-uid", "1")
        .header("date", DATE)
        .header(
            "authorization",
            &format!("AWS {ID}:L96upCUjOBGdj1+4wHy8RuOdG4Q="),
        )
        .signed();
    Probe::new(Method::GET, bucket(BUCKET), "acl&prefix=a")
        .path("/")
        .temporary()
        .header("x-amz-security-token", TOKEN)
        .header("date", DATE)
        .header(
            "authorization",
            &format!("AWS {ID}:1poE8yD7a9qsezZJYf+7NcjF9Zk="),
        )
        .signed();
}

#[test]
fn botocore_signs_urls() {
    let url = |query: &str, signature: &str| {
        Probe::new(Method::GET, object(BUCKET, "k"), query)
            .query("AWSAccessKeyId", ID)
            .query("Signature", signature)
            .query("Expires", "1795317545")
    };
    url(
        "versionId=V1&response-content-type=text%2Fx%20y",
        "+HiV2d6EpWS3LvGXqtAXsv6U7Eo=",
    )
    .signed();
    url("", "2N9NuAUO85gjwqtyQ/njTf2kAqU=")
        .query("x-amz-security-token", TOKEN)
        .temporary()
        .signed();
}

#[test]
fn s03_what_is_missing_is_told() {
    for query in [
        "AWSAccessKeyId=x",
        "AWSAccessKeyId=x&Expires=9",
        "AWSAccessKeyId=x&Signature=x",
        "AWSAccessKeyId=x&Signature=x&Expires=soon",
        "AWSAccessKeyId&Signature=x&Expires=9",
    ] {
        let probe = Probe::new(Method::GET, bucket(BUCKET), query);
        assert!(
            matches!(probe.refused(), FaultKind::AccessDenied(_)),
            "{query}"
        );
    }
    for value in ["AWS ", "AWS HAHAHA", "AWS id:", "AWS :signature"] {
        let probe = Probe::new(Method::GET, bucket(BUCKET), "").header("authorization", value);
        assert_eq!(probe.argument(), "Authorization", "{value}");
    }
}

#[test]
fn s07_one_path_is_one_object() {
    // `/b/k` is the object `k` of `b`, or `b/k` of the bucket in the host: never both.
    for (resource, raw, signed) in [
        (object("b", "k"), "/b/k", ["/b/k"].as_slice()),
        (object("b", "b/k"), "/b/k", &["/b/b/k"]),
        (object("b", "k"), "/k", &["/b/k"]),
        (object("b", "k"), "/x", &[]),
        // botocore signs a slash behind a bucket's name that it does not send.
        (bucket("b"), "/b", &["/b", "/b/"]),
        (bucket("b"), "/b/", &["/b/"]),
        (bucket("b"), "/", &["/b/"]),
        (bucket("b"), "", &["/b/"]),
        (ResourceName::default(), "/", &["/"]),
    ] {
        let paths = signed_paths(&resource, raw);
        let signed: Vec<_> = signed.iter().map(|path| path.as_bytes()).collect();
        assert_eq!(paths, signed, "{resource:?} {raw}");
    }
}
