use base64::Engine as _;
use md5::{Digest as _, Md5};
use osier_types::{
    BucketAcl, BucketName, CompletedParts, ConfigKind, ETag, FaultKind, HeaderBytes, ListForm,
    ObjectAcl, ObjectKey, RangeSpec, Resource, StorageClass, Timestamp, VersionId,
};
use proptest::prelude::*;

use super::super::tests::{argument, fault, header_map, op, with_body};
use super::*;

const SIZED: (&str, &str) = ("content-length", "5");

/// Takes the arguments out of an operation that must be this one.
macro_rules! args {
    ($read:expr, $variant:ident) => {
        match $read.unwrap() {
            Op::$variant(args) => args,
            other => panic!("{other:?}"),
        }
    };
}

fn bytes(text: &str) -> HeaderBytes {
    text.as_bytes().to_vec()
}

#[test]
fn lists_have_the_documented_defaults() {
    // oss2 sends every marker, empty.
    let list = args!(
        op(
            "GET",
            "/bkt/?prefix=&delimiter=&marker=&max-keys=100&encoding-type=url",
            &[]
        ),
        ListObjects
    );
    assert_eq!((list.prefix.as_str(), list.after.as_str()), ("", ""));
    assert_eq!(
        (list.form, list.max_keys, list.url_encoded),
        (ListForm::V1, 100, true)
    );
    let list = args!(op("GET", "/bkt", &[]), ListObjects);
    assert_eq!((list.max_keys, list.url_encoded), (100, false));
    let list = args!(
        op("GET", "/bkt/?versions&max-keys=1000", &[]),
        ListObjectVersions
    );
    assert_eq!((list.max_keys, list.version_id_marker), (1000, None));
    let list = args!(
        op("GET", "/bkt/?uploads&upload-id-marker=u", &[]),
        ListMultipartUploads
    );
    assert_eq!(
        (list.max_uploads, list.upload_id_marker.as_str()),
        (1000, "")
    );
    let list = args!(
        op(
            "GET",
            "/bkt/k?uploadId=u&part-number-marker=&max-parts=7",
            &[]
        ),
        ListParts
    );
    assert_eq!((list.part_number_marker, list.max_parts), (0, 7));
    let list = args!(
        op("GET", "/?tag-key=a&tag-value=b&max-keys=1", &[]),
        ListBuckets
    );
    assert_eq!(list.tag, Some(("a".to_owned(), Some("b".to_owned()))));
    let list = args!(op("GET", "/?tagging=%22a%22:%22b%22", &[]), ListBuckets);
    assert_eq!(list.tag, Some(("a".to_owned(), Some("b".to_owned()))));
    assert!(matches!(
        op("GET", "/bkt/?live&prefix=x", &[]),
        Ok(Op::ListLiveChannels { max_keys: 100, .. })
    ));
}

#[test]
fn the_second_list_goes_on_by_token() {
    let token = crate::request::token::encode("a/\u{4e2d}");
    let target =
        format!("/bkt/?list-type=2&continuation-token={token}&start-after=zz&fetch-owner=true");
    let list = args!(op("GET", &target, &[]), ListObjects);
    assert_eq!(list.after, "a/\u{4e2d}");
    let form = ListForm::V2 {
        continuation_token: Some(token),
        start_after: Some("zz".to_owned()),
        fetch_owner: true,
    };
    assert_eq!(list.form, form);
    let list = args!(
        op(
            "GET",
            "/bkt/?list-type=2&continuation-token=&start-after=s",
            &[]
        ),
        ListObjects
    );
    assert_eq!(list.after, "s");
    let wrong = op("GET", "/bkt/?list-type=2&continuation-token=%2F%2F", &[]);
    assert_eq!(argument(wrong.unwrap_err()).0, "continuation-token");
}

#[test]
fn wrong_arguments_are_named() {
    let long = format!("/bkt/?prefix={}", "p".repeat(1025));
    for (method, target, name, value) in [
        ("GET", "/bkt/?max-keys=0", "max-keys", "0"),
        ("GET", "/bkt/?max-keys=1001", "max-keys", "1001"),
        ("GET", "/bkt/?max-keys=-1", "max-keys", "-1"),
        ("GET", "/bkt/?max-keys=", "max-keys", ""),
        (
            "GET",
            "/bkt/?max-keys=99999999999",
            "max-keys",
            "99999999999",
        ),
        ("GET", "/?max-keys=1001", "max-keys", "1001"),
        (
            "GET",
            "/bkt/?uploads&max-uploads=1001",
            "max-uploads",
            "1001",
        ),
        ("GET", "/bkt/k?uploadId=u&max-parts=0", "max-parts", "0"),
        (
            "GET",
            "/bkt/k?uploadId=u&part-number-marker=x",
            "part-number-marker",
            "x",
        ),
        (
            "GET",
            "/bkt/?encoding-type=base64",
            "encoding-type",
            "base64",
        ),
        ("GET", "/bkt/?prefix=%FF", "prefix", "\u{fffd}"),
        ("GET", &long, "prefix", &"p".repeat(200)),
        (
            "GET",
            "/bkt/?versions&version-id-marker=null",
            "version-id-marker",
            "null",
        ),
        (
            "GET",
            "/bkt/?versions&key-marker=k&version-id-marker=x",
            "version-id-marker",
            "x",
        ),
        (
            "GET",
            "/bkt/?list-type=2&fetch-owner=yes",
            "fetch-owner",
            "yes",
        ),
        ("GET", "/bkt/k?versionId=", "versionId", ""),
        ("GET", "/bkt/k?uploadId=", "uploadId", ""),
        ("PUT", "/bkt/k?uploadId=u&partNumber=0", "partNumber", "0"),
        (
            "PUT",
            "/bkt/k?uploadId=u&partNumber=10001",
            "partNumber",
            "10001",
        ),
        ("PUT", "/bkt/k?uploadId=u&partNumber=", "partNumber", ""),
        ("POST", "/bkt/k?append&position=-1", "position", "-1"),
        (
            "POST",
            "/bkt/k?seal&position=18446744073709551616",
            "position",
            "18446744073709551616",
        ),
        ("GET", "/?tag-value=v", "tag-value", "v"),
    ] {
        let found = argument(op(method, target, &[SIZED]).unwrap_err());
        assert_eq!(
            found,
            (name.to_owned(), value.to_owned()),
            "{method} {target}"
        );
    }
    for (method, target, name) in [
        ("PUT", "/bkt/k?uploadId=u", "partNumber"),
        ("POST", "/bkt/k?append", "position"),
        ("PUT", "/bkt/k?symlink", "x-oss-symlink-target"),
        ("PUT", "/bkt/?acl", "x-oss-acl"),
        ("PUT", "/bkt/k?acl", "x-oss-object-acl"),
    ] {
        let expected = FaultKind::MissingArgument {
            name: name.to_owned(),
        };
        assert_eq!(
            fault(method, target, &[SIZED]),
            expected,
            "{method} {target}"
        );
    }
}

#[test]
fn names_are_checked() {
    for target in [
        "/Bkt/k",
        "/b/k",
        "/b_k/k",
        "/a%2Fb/k",
        "//k",
        "/%FF%FF%FF/k",
        "/..%2F/k",
    ] {
        let kind = fault("GET", target, &[]);
        assert!(
            matches!(kind, FaultKind::InvalidBucketName(_)),
            "{target} {kind:?}"
        );
    }
    let long = format!("/bkt/{}", "k".repeat(1025));
    for target in ["/bkt//k", "/bkt/%2Fk", "/bkt/%5Ck", "/bkt/%FF", &long] {
        assert_eq!(
            fault("GET", target, &[]),
            FaultKind::InvalidObjectName,
            "{target}"
        );
    }
    let get = args!(op("GET", "/bkt/a/../%2e/%00/c//", &[]), GetObject);
    assert_eq!(get.object.key.as_str(), "a/.././\0/c//");
    let unknown = FaultKind::NoSuchVersion {
        version: "../x".to_owned(),
    };
    assert_eq!(fault("GET", "/bkt/k?versionId=../x", &[]), unknown);
    let missing = op("GET", "/bkt/k?versionId=x", &[]).unwrap_err();
    let on = Resource::Object(
        BucketName::parse("bkt").unwrap(),
        ObjectKey::parse(b"k").unwrap(),
    );
    assert_eq!(missing.resource.as_deref(), Some(&on));
}

#[test]
fn new_objects_keep_what_is_said_of_them() {
    let put = args!(
        op(
            "PUT",
            "/bkt/k",
            &[
                SIZED,
                ("Content-Type", "text/plain"),
                ("Cache-Control", "no-cache"),
                ("Expires", "never"),
                ("Content-Language", "zh"),
                ("X-Oss-Meta-Author", "\u{4e2d}\u{6587}"),
                ("x-oss-meta-twice", "a"),
                ("x-oss-meta-twice", "b"),
                ("x-oss-persistent-headers", "X-Own:dmFsdWU=, x-two:dHdv"),
                ("x-oss-tagging", "k=v%2B1&k2=a+b&k3"),
                ("x-oss-object-acl", "public-read"),
                ("x-oss-storage-class", "IA"),
                ("x-oss-forbid-overwrite", "True"),
                ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
                ("x-oss-hash-crc64ecma", "18446744073709551615"),
                ("x-oss-content-sha256", &"0a".repeat(32)),
            ],
        ),
        PutObject
    );
    let new = put.new;
    assert_eq!(new.headers.content_type, Some(bytes("text/plain")));
    assert_eq!(new.headers.cache_control, Some(bytes("no-cache")));
    assert_eq!(new.headers.expires, Some(bytes("never")));
    assert_eq!(new.headers.content_encoding, None);
    let meta = [
        ("author".to_owned(), bytes("\u{4e2d}\u{6587}")),
        ("twice".to_owned(), bytes("a, b")),
    ];
    assert_eq!(new.user_meta.len(), 2);
    assert!(meta.iter().all(|pair| new.user_meta.contains(pair)));
    assert_eq!(
        new.persistent_headers,
        [
            ("x-own".to_owned(), bytes("value")),
            ("x-two".to_owned(), bytes("two"))
        ]
    );
    let tags = new.tags.unwrap();
    let tags: Vec<_> = tags
        .as_slice()
        .iter()
        .map(|tag| (tag.key.as_str(), tag.value.as_str()))
        .collect();
    assert_eq!(tags, [("k", "v+1"), ("k2", "a b"), ("k3", "")]);
    assert_eq!(new.acl, Some(ObjectAcl::PublicRead));
    assert_eq!(new.storage_class, Some(StorageClass::Ia));
    assert!(new.forbid_overwrite);
    assert_eq!(put.expected.length, Some(5));
    assert_eq!(
        ETag::of_md5(&put.expected.md5.unwrap()).as_str(),
        "5D41402ABC4B2A76B9719D911017C592"
    );
    assert_eq!(put.expected.crc64, Some(u64::MAX));
    assert_eq!(put.expected.sha256, Some([10; 32]));
}

#[test]
fn uploads_need_a_sane_head() {
    assert_eq!(fault("PUT", "/bkt/k", &[]), FaultKind::MissingContentLength);
    let chunked = args!(
        op("PUT", "/bkt/k", &[("transfer-encoding", "chunked")]),
        PutObject
    );
    assert_eq!(chunked.expected, osier_types::Expected::default());
    let large = FaultKind::EntityTooLarge {
        max: 5 * 1024 * 1024 * 1024,
    };
    assert_eq!(
        fault("PUT", "/bkt/k", &[("content-length", "5368709121")]),
        large
    );
    for md5 in ["x", "AAAA", "1B2M2Y8AsgTpgAmY7PhCfg==AAAA", "****"] {
        assert_eq!(
            fault("PUT", "/bkt/k", &[SIZED, ("content-md5", md5)]),
            FaultKind::InvalidDigest,
            "{md5}"
        );
    }
    for (name, value) in [
        ("x-oss-hash-crc64ecma", "18446744073709551616"),
        ("x-oss-hash-crc64ecma", "-1"),
        ("x-oss-storage-class", "Hot"),
        ("x-oss-object-acl", "open"),
        ("x-oss-forbid-overwrite", "maybe"),
        ("x-oss-persistent-headers", "no-colon"),
        ("x-oss-persistent-headers", "x:***"),
        ("x-oss-persistent-headers", "x y:YQ=="),
        ("x-oss-persistent-headers", "Content-Length:MQ=="),
        ("x-oss-persistent-headers", "Transfer-Encoding:MQ=="),
        ("x-oss-persistent-headers", "x-oss-request-id:MQ=="),
        // A line end and a second header.
        ("x-oss-persistent-headers", "x:YQ0KU2V0LUNvb2tpZTogeA=="),
    ] {
        let found = argument(op("PUT", "/bkt/k", &[SIZED, (name, value)]).unwrap_err());
        assert_eq!(found.0, name, "{value}");
    }
    for tags in ["a=1&a=2", "=x", "a=%00", "a=%FF", "1&2&3&4&5&6&7&8&9&10&11"] {
        let kind = fault("PUT", "/bkt/k", &[SIZED, ("x-oss-tagging", tags)]);
        assert!(matches!(kind, FaultKind::InvalidTag { .. }), "{tags}");
    }
    let long = "v".repeat(8 * 1024);
    let kind = fault("PUT", "/bkt/k", &[SIZED, ("x-oss-meta-a", &long)]);
    assert_eq!(kind, FaultKind::MetadataTooLarge { max: 8 * 1024 });
}

#[test]
fn ranges() {
    for (text, expected) in [
        ("bytes=0-499", Some(RangeSpec::FromTo(0, 499))),
        ("bytes=500-", Some(RangeSpec::From(500))),
        ("bytes=-500", Some(RangeSpec::Last(500))),
        ("Bytes = 1 - 2 ", Some(RangeSpec::FromTo(1, 2))),
        ("bytes=5-4", Some(RangeSpec::FromTo(5, 4))),
        (
            "bytes=0-99999999999999999999999",
            Some(RangeSpec::FromTo(0, u64::MAX)),
        ),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("byte=0-1", None),
        ("bytes 0-1", None),
        ("bytes=+1-2", None),
        ("bytes=1--2", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("", None),
    ] {
        let get = args!(op("GET", "/bkt/k", &[("range", text)]), GetObject);
        assert_eq!(get.range.map(|range| range.spec), expected, "{text}");
        assert!(get.range.is_none_or(|range| !range.standard));
        let head = args!(op("HEAD", "/bkt/k", &[("range", text)]), HeadObject);
        assert_eq!(head.range, None);
    }
    let headers = [("range", "bytes=1-"), ("x-oss-range-behavior", "Standard")];
    let get = args!(op("GET", "/bkt/k", &headers), GetObject);
    assert!(get.range.unwrap().standard);
}

#[test]
fn conditions_and_overrides() {
    let headers = [
        ("if-match", "D408ED"),
        ("if-none-match", "\"a\", \"b\""),
        ("if-modified-since", "soon"),
        ("if-unmodified-since", "Sun, 22 Nov 2026 03:04:05 GMT"),
        // v2 and ali-oss send these on reads.
        ("content-type", "application/octet-stream"),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
    ];
    let target = "/bkt/k?versionId=null&response-content-type=text%2Fplain&response-content-disposition=attachment;filename=%E4%B8%AD&response-expires=";
    let get = args!(op("GET", target, &headers), GetObject);
    assert_eq!(get.object.version, Some(VersionId::Null));
    assert_eq!(get.conditions.if_match.as_deref(), Some("D408ED"));
    assert_eq!(
        get.conditions.if_none_match.as_deref(),
        Some("\"a\", \"b\"")
    );
    assert_eq!(get.conditions.if_modified_since, None);
    let then = Timestamp::from_seconds(1_795_316_645);
    assert_eq!(get.conditions.if_unmodified_since, Some(then));
    assert_eq!(get.overrides.content_type, Some(bytes("text/plain")));
    assert_eq!(
        get.overrides.content_disposition,
        Some(bytes("attachment;filename=\u{4e2d}"))
    );
    assert_eq!(get.overrides.expires, None);
    let split = op(
        "GET",
        "/bkt/k?response-content-type=a%0d%0aSet-Cookie:%20x",
        &[],
    );
    assert_eq!(argument(split.unwrap_err()).0, "response-content-type");
}

#[test]
fn copy_sources() {
    let source = |value: &str| {
        let headers = [("x-oss-copy-source", value)];
        op("PUT", "/bkt/k", &headers).map(|op| match op {
            Op::CopyObject(copy) => copy.source.object,
            other => panic!("{other:?}"),
        })
    };
    for (value, key, version) in [
        ("/src-bkt/s%2Fk%20e.txt", "s/k e.txt", None),
        ("/src-bkt/s/k%20e.txt", "s/k e.txt", None),
        ("src-bkt/s/k", "s/k", None),
        ("%2Fsrc-bkt%2Fs%2Fk", "s/k", None),
        ("src-bkt%2Fk", "k", None),
        ("/src-bkt/k?versionId=null", "k", Some(VersionId::Null)),
        ("/src-bkt/k%3FversionId=1", "k?versionId=1", None),
        ("/src-bkt/a?b", "a?b", None),
        ("/src-bkt/a+b%2B", "a+b+", None),
        ("/src-bkt/\u{4e2d}", "\u{4e2d}", None),
        ("/src-bkt/%252F", "%2F", None),
    ] {
        let object = source(value).unwrap();
        assert_eq!(object.bucket.as_str(), "src-bkt", "{value}");
        assert_eq!(
            (object.key.as_str(), object.version),
            (key, version),
            "{value}"
        );
    }
    for value in ["", "/", "//", "bkt", "/bkt/", "//k", "%2F", "%2F%2F"] {
        assert_eq!(
            argument(source(value).unwrap_err()).0,
            "x-oss-copy-source",
            "{value}"
        );
    }
    assert!(matches!(
        source("/B/k").unwrap_err().kind,
        FaultKind::InvalidBucketName(_)
    ));
    assert_eq!(
        source("/bkt/%2Fk").unwrap_err().kind,
        FaultKind::InvalidObjectName
    );
    assert!(matches!(
        source("/bkt/k?versionId=x").unwrap_err().kind,
        FaultKind::NoSuchVersion { .. }
    ));
    assert_eq!(
        argument(source("/bkt/k?versionId=").unwrap_err()).0,
        "versionId"
    );
}

#[test]
fn copies() {
    let source = ("x-oss-copy-source", "/src/k");
    let copy = args!(
        op(
            "PUT",
            "/bkt/k",
            &[
                source,
                ("x-oss-metadata-directive", "replace"),
                ("x-oss-tagging-directive", "Replace"),
                ("x-oss-copy-source-if-match", "\"A\""),
                (
                    "x-oss-copy-source-if-modified-since",
                    "Sun, 22 Nov 2026 03:04:05 GMT"
                ),
            ],
        ),
        CopyObject
    );
    assert!(copy.replace_metadata && copy.replace_tags);
    assert_eq!(copy.source.conditions.if_match.as_deref(), Some("\"A\""));
    assert!(copy.source.conditions.if_modified_since.is_some());
    let wrong = op(
        "PUT",
        "/bkt/k",
        &[source, ("x-oss-metadata-directive", "KEEP")],
    );
    assert_eq!(argument(wrong.unwrap_err()).0, "x-oss-metadata-directive");

    let part = "/bkt/k?partNumber=3&uploadId=u";
    let copy = args!(
        op(
            "PUT",
            part,
            &[source, ("x-oss-copy-source-range", "bytes=0-9")]
        ),
        UploadPartCopy
    );
    assert_eq!(
        (copy.part_number, copy.range),
        (3, Some(RangeSpec::FromTo(0, 9)))
    );
    let wrong = op("PUT", part, &[source, ("x-oss-copy-source-range", "0-9")]);
    assert_eq!(argument(wrong.unwrap_err()).0, "x-oss-copy-source-range");
}

#[test]
fn symlinks() {
    for (sent, target) in [
        ("a%2Fb%20c", "a/b c"),
        ("a/b c", "a/b c"),
        ("100%", "100%"),
        ("a%zzb", "a%zzb"),
        ("%FF", "%FF"),
        ("%E4%B8%AD", "\u{4e2d}"),
    ] {
        let link = args!(
            op("PUT", "/bkt/k?symlink", &[("x-oss-symlink-target", sent)]),
            PutSymlink
        );
        assert_eq!(link.target.as_str(), target, "{sent}");
    }
    let rooted = fault(
        "PUT",
        "/bkt/k?symlink",
        &[("x-oss-symlink-target", "%2Fetc")],
    );
    assert_eq!(rooted, FaultKind::InvalidObjectName);
}

#[test]
fn completions() {
    let target = "/bkt/k?uploadId=u&encoding-type=url";
    let body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"A\"</ETag></Part></CompleteMultipartUpload>";
    let complete = args!(
        with_body("POST", target, &[("x-oss-forbid-overwrite", "true")], body),
        CompleteMultipartUpload
    );
    assert_eq!(
        complete.parts,
        CompletedParts::Listed(vec![(1, "\"A\"".to_owned())])
    );
    assert!(complete.forbid_overwrite && complete.url_encoded);
    let all = [("x-oss-complete-all", "yes")];
    let complete = args!(op("POST", target, &all), CompleteMultipartUpload);
    assert_eq!(complete.parts, CompletedParts::All);
    assert_eq!(
        argument(with_body("POST", target, &all, body).unwrap_err()).0,
        "x-oss-complete-all"
    );
    assert!(matches!(
        fault("POST", target, &[]),
        FaultKind::MalformedXml { .. }
    ));
    let initiate = args!(
        op("POST", "/bkt/k?sequential&uploads", &[]),
        InitiateMultipartUpload
    );
    assert!(initiate.sequential);
}

#[test]
fn buckets() {
    let put = args!(
        op(
            "PUT",
            "/bkt/",
            &[
                ("x-oss-acl", "public-read"),
                ("x-oss-bucket-tagging", "a=b")
            ]
        ),
        PutBucket
    );
    assert_eq!(put.acl, Some(BucketAcl::PublicRead));
    assert_eq!(put.tags.unwrap().as_slice().len(), 1);
    assert_eq!(
        argument(op("PUT", "/bkt/?acl", &[("x-oss-acl", "default")]).unwrap_err()).0,
        "x-oss-acl"
    );
    let document =
        "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>";
    let kept = with_body("PUT", "/bkt/?requestPayment", &[], document).unwrap();
    assert!(
        matches!(kept, Op::PutBucketConfig { kind: ConfigKind::RequestPayment, document: kept, .. } if kept == document)
    );
    assert!(with_body("PUT", "/bkt/?requestPayment", &[], "<X/>").is_err());
    let refused =
        with_body("PUT", "/bkt/?lifecycle", &[], "<LifecycleConfiguration/>").unwrap_err();
    let what = "PutBucketLifecycle".to_owned();
    assert_eq!(refused.kind, FaultKind::NotImplemented { what });
}

#[test]
fn documents_are_those_the_client_digested() {
    let body = "<Delete><Object><Key>k</Key></Object></Delete>";
    let md5 = base64::engine::general_purpose::STANDARD.encode(Md5::digest(body));
    let send = |md5: &str| with_body("POST", "/bkt/?delete", &[("content-md5", md5)], body);
    assert!(send(&md5).is_ok());
    assert_eq!(
        send("1B2M2Y8AsgTpgAmY7PhCfg==").unwrap_err().kind,
        FaultKind::InvalidDigest
    );
    let huge = "x".repeat(3 * 1024 * 1024);
    let kind = with_body("POST", "/bkt/?delete", &[], &huge)
        .unwrap_err()
        .kind;
    assert!(matches!(kind, FaultKind::EntityTooLarge { .. }));
}

#[test]
fn preflights() {
    let headers = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
        (
            "access-control-request-headers",
            "x-oss-meta-a, ,authorization",
        ),
    ];
    let preflight = args!(op("OPTIONS", "/bkt/k?acl", &headers), OptionsObject);
    assert_eq!(preflight.headers, ["x-oss-meta-a", "authorization"]);
    assert!(op("OPTIONS", "/bkt/", &headers).is_ok());
    let kind = fault("OPTIONS", "/bkt/k", &headers[..1]);
    assert_eq!(kind, FaultKind::IncompletePreflight);
}

#[test]
fn traffic_limits() {
    let limit = |query: &str, header: Option<&str>| {
        let headers: Vec<_> = header
            .map(|value| ("x-oss-traffic-limit", value))
            .into_iter()
            .collect();
        traffic_limit(&Query::parse(query), &header_map(&headers))
    };
    assert_eq!(limit("", None).unwrap(), None);
    assert_eq!(
        limit("x-oss-traffic-limit=819200", None).unwrap(),
        Some(819_200)
    );
    assert_eq!(limit("", Some("838860800")).unwrap(), Some(838_860_800));
    for (query, header) in [
        ("x-oss-traffic-limit=819199", None),
        ("", Some("838860801")),
        ("", Some("fast")),
        ("x-oss-traffic-limit=", None),
        ("x-oss-traffic-limit=819200", Some("819200")),
    ] {
        assert!(limit(query, header).is_err(), "{query} {header:?}");
    }
}

proptest! {
    /// S07: the key of the operation is the key that the client encoded, in every place for it.
    #[test]
    fn keys_arrive_as_sent(key in "[^/\\\\\u{0}-\u{1f}\u{7f}]\\PC{0,40}", keep_slash: bool) {
        let encoded = osier_types::percent_encode(key.as_bytes(), keep_slash);
        let get = args!(op("GET", &format!("/bkt/{encoded}"), &[]), GetObject);
        prop_assert_eq!(get.object.key.as_str(), &key);
        let from = format!("/bkt/{encoded}");
        let copy = args!(op("PUT", "/bkt/x", &[("x-oss-copy-source", &from)]), CopyObject);
        prop_assert_eq!(copy.source.object.key.as_str(), &key);
        let link = args!(op("PUT", "/bkt/x?symlink", &[("x-oss-symlink-target", &encoded)]), PutSymlink);
        prop_assert_eq!(link.target.as_str(), &key);
    }

    /// S34.
    #[test]
    fn ranges_resolve_inside_the_object(text in "bytes=[0-9]{0,22}-[0-9]{0,22}", standard: bool, length: u64) {
        let Some(spec) = crate::request::fields::range(&text) else { return Ok(()) };
        let request = osier_types::RangeRequest { spec, standard };
        if let osier_types::ResolvedRange::Part(range) = request.resolve(length) {
            prop_assert!(range.start < range.end && range.end <= length);
        }
    }
}
