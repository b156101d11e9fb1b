use proptest::prelude::*;

use super::*;
use osier_types::percent_encode;

fn hosts() -> Hosts {
    Hosts::new(
        ["oss.example.com", ".Deep.OSS.example.com"],
        [("Img.Example.com", "pictures")],
    )
}

fn read(host: Option<&str>, target: &str) -> Addressed {
    address(&Method::GET, target, host, &hosts()).unwrap()
}

/// Candidates as `style bucket key`, `-` for absent.
fn told(host: Option<&str>, target: &str) -> Vec<String> {
    read(host, target)
        .candidates
        .iter()
        .map(|one| {
            let style = match one.style {
                AddressStyle::Path => "path",
                AddressStyle::VirtualHost => "host",
                AddressStyle::Cname => "cname",
            };
            let key = one.key.as_deref().map(String::from_utf8_lossy);
            format!(
                "{style} {} {}",
                one.bucket.as_deref().unwrap_or("-"),
                key.as_deref().unwrap_or("-")
            )
        })
        .collect()
}

#[test]
fn host_names() {
    for (host, target, expected) in [
        // Path style.
        ("127.0.0.1:9000", "/", "path - -"),
        ("127.0.0.1:9000", "/bkt", "path bkt -"),
        ("127.0.0.1:9000", "/bkt/", "path bkt -"),
        ("127.0.0.1:9000", "/bkt/?acl=", "path bkt -"),
        ("127.0.0.1:9000", "/bkt/a%2Fb", "path bkt a/b"),
        ("127.0.0.1", "/bkt/a//b/../c/.", "path bkt a//b/../c/."),
        ("127.0.0.1", "/bkt//b", "path bkt /b"),
        ("127.0.0.1", "//b", "path  b"),
        ("127.0.0.1", "/a%2Fb", "path a/b -"),
        ("127.0.0.1", "/bkt/a+b%2B%252F", "path bkt a+b+%2F"),
        ("127.0.0.1", "/bkt/100%", "path bkt 100%"),
        ("[::1]:9000", "/bkt/k", "path bkt k"),
        ("[::1]", "/bkt/k", "path bkt k"),
        ("[fe80::1%25eth0]:9000", "/bkt/k", "path bkt k"),
        ("localhost:9000", "/bkt/k", "path bkt k"),
        ("somewhere.example.net", "/bkt/k", "path bkt k"),
        ("notoss.example.com", "/bkt/k", "path bkt k"),
        // Own suffixes.
        ("oss.example.com", "/bkt/k", "path bkt k"),
        ("bkt.oss.example.com", "/k", "host bkt k"),
        ("BKT.OSS.Example.COM:443", "/k", "host bkt k"),
        ("bkt.oss.example.com.", "/k", "host bkt k"),
        ("bkt.deep.oss.example.com", "/k", "host bkt k"),
        (".oss.example.com", "/", "path - -"),
        ("bkt.oss.example.com", "/", "host bkt -"),
        ("bkt.oss.example.com", "", "host bkt -"),
        ("bkt.oss.example.com", "//k", "host bkt /k"),
        ("a.b.oss.example.com", "/k", "host a.b k"),
        ("bkt.localhost:9000", "/a%2Fb", "host bkt a/b"),
        // Bound domains.
        ("img.example.com", "/bkt/k", "cname pictures bkt/k"),
        ("IMG.example.com:80", "/", "cname pictures -"),
        // The real service's names.
        ("oss-cn-beijing.aliyuncs.com", "/bkt/k", "path bkt k"),
        (".oss-cn-hangzhou.aliyuncs.com", "/?regions", "path - -"),
        ("bkt.oss-cn-hangzhou.aliyuncs.com", "/k", "host bkt k"),
        (
            "bkt.oss-cn-hangzhou-internal.aliyuncs.com",
            "/k",
            "host bkt k",
        ),
        ("bkt.oss-accelerate.aliyuncs.com", "/k", "host bkt k"),
        (
            "bkt.oss-accelerate-overseas.aliyuncs.com",
            "/k",
            "host bkt k",
        ),
        ("bkt.s3.oss-cn-beijing.aliyuncs.com", "/k", "host bkt k"),
        ("s3.oss-cn-beijing.aliyuncs.com", "/bkt/k", "path bkt k"),
        ("cn-hangzhou.oss.aliyuncs.com", "/bkt/k", "path bkt k"),
        ("bkt.cn-hangzhou.oss.aliyuncs.com", "/k", "host bkt k"),
        ("bkt.oss.aliyuncs.com", "/k", "host bkt k"),
        ("oss.aliyuncs.com", "/bkt/k", "path bkt k"),
        ("bkt.cn-beijing.aliyuncs.com", "/k", "host bkt k"),
        ("aliyuncs.com", "/bkt/k", "path bkt k"),
    ] {
        assert_eq!(told(Some(host), target), [expected], "{host} {target}");
    }
}

#[test]
fn both_places_leave_it_to_the_signature() {
    let host = Some("bkt.oss-cn-hangzhou.aliyuncs.com");
    assert_eq!(told(host, "/bkt/a/b"), ["host bkt bkt/a/b", "path bkt a/b"]);
    assert_eq!(told(host, "/bkt/"), ["host bkt bkt/", "path bkt -"]);
    assert_eq!(told(host, "/bkt"), ["host bkt bkt", "path bkt -"]);
    assert_eq!(told(host, "/bkt2/a"), ["host bkt bkt2/a"]);
}

#[test]
fn absolute_targets_and_no_host() {
    let other = Some("elsewhere.oss.example.com");
    assert_eq!(
        told(other, "http://bkt.oss.example.com:80/k?acl"),
        ["host bkt k"]
    );
    assert_eq!(told(other, "HTTP://u:p@127.0.0.1/bkt/k"), ["path bkt k"]);
    assert_eq!(
        told(None, "https://bkt.oss.example.com?acl"),
        ["host bkt -"]
    );
    assert_eq!(told(None, "/bkt/k"), ["path bkt k"]);
    assert!(address(&Method::GET, "bkt/k", None, &hosts()).is_err());
    assert!(address(&Method::CONNECT, "example.com:443", None, &hosts()).is_err());
    assert!(address(&Method::OPTIONS, "*", None, &hosts()).is_ok());
}

#[test]
fn endpoints_are_what_the_client_reached() {
    for (host, expected) in [
        ("bkt.oss.example.com:8443", "oss.example.com:8443"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("[::1]:9000", "[::1]:9000"),
        ("bkt.localhost:9000", "localhost:9000"),
        (
            ".oss-cn-hangzhou.aliyuncs.com",
            "oss-cn-hangzhou.aliyuncs.com",
        ),
    ] {
        let told = read(Some(host), "/k");
        assert_eq!(told.candidates[0].endpoint.as_deref(), Some(expected));
    }
}

#[test]
fn queries_are_kept_raw_and_decoded() {
    let read = read(None, "/b/k?x-oss-process=image/resize,w_1|a?b&acl");
    assert_eq!(read.raw_query, "x-oss-process=image/resize,w_1|a?b&acl");
    assert_eq!(read.raw_path, "/b/k");
    assert!(read.query.has("acl"));
}

proptest! {
    /// S07: what a client encodes is what arrives, whatever it is and however it was addressed.
    #[test]
    fn keys_round_trip(key in "\\PC{1,40}|[\\x00-\\x7f]{1,40}", keep_slash: bool) {
        let encoded = percent_encode(key.as_bytes(), keep_slash);
        let path = read(Some("127.0.0.1:9000"), &format!("/bkt/{encoded}?acl"));
        prop_assert_eq!(path.candidates[0].key.as_deref(), Some(key.as_bytes()));
        let named = read(Some("bkt.oss.example.com"), &format!("/{encoded}"));
        prop_assert_eq!(named.candidates[0].key.as_deref(), Some(key.as_bytes()));
    }

    /// S35.
    #[test]
    fn nothing_panics(host in proptest::option::of("\\PC{0,30}|[a-z.:\\[\\]%-]{0,30}(aliyuncs.com|localhost)?"), target in "/?\\PC{0,60}|http://\\PC{0,40}") {
        let _ = address(&Method::GET, &target, host.as_deref(), &hosts());
    }
}
