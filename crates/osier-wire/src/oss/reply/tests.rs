use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use osier_types::{
    AccessDenial, BucketAcl, BucketName, ByteRange, ConfigKind, Copied, CorsConfig, CorsRule,
    DeleteObjects, DeletedEntry, DeletedPage, ETag, FaultKind, ListForm, ListObjects, ObjectAcl,
    ObjectEntry, ObjectInfo, ObjectKey, ObjectKind, ObjectLock, ObjectPage, ObjectRead, ObjectRef,
    Op, Owner, PostSuccess, Preflight, Refusals, StorageClass, Tags, Timestamp, VersionId, Written,
    percent_decode,
};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::request::token;
use crate::{apply_cors, http_date};

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

pub(super) const CONTEXT: ReplyContext<'static> = ReplyContext {
    request_id: "5C06A3B67B8B5A3DA422299D",
    host: "bkt.oss.example.com:9000",
    bucket_in_host: true,
    endpoint: "oss.example.com:9000",
    scheme: "http",
    owner_id: "1000000000000001",
    region: "cn-hangzhou",
    now: NOW,
    elapsed_ms: 7,
};

pub(super) fn bucket() -> BucketName {
    BucketName::parse("bkt").unwrap()
}

pub(super) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text.as_bytes()).unwrap()
}

fn info() -> ObjectInfo {
    ObjectInfo {
        key: key("a"),
        version: None,
        kind: ObjectKind::Normal,
        size: 1000,
        etag: ETag::of_md5(&[0xAB; 16]),
        md5: Some([0xAB; 16]),
        crc64: Some(u64::MAX),
        checksum: None,
        last_modified: NOW,
        storage_class: StorageClass::Standard,
        acl: ObjectAcl::Default,
        headers: osier_types::ContentHeaders::default(),
        user_meta: Vec::new(),
        persistent_headers: Vec::new(),
        tags: Tags::default(),
        symlink_target: None,
        sealed: None,
        encryption: None,
        lock: ObjectLock::default(),
        parts: None,
    }
}

fn read(info: ObjectInfo) -> Outcome {
    Outcome::Object(Box::new(ObjectRead {
        info,
        range: None,
        part: None,
        overrides: osier_types::ContentHeaders::default(),
    }))
}

fn reply(outcome: &Outcome) -> Encoded {
    encode(&CONTEXT, &ReplyFacts::default(), outcome)
}

pub(super) fn refusal(kind: FaultKind, method: &Method) -> Encoded {
    encode_fault(&CONTEXT, &Fault::new(kind), method)
}

pub(super) fn header<'a>(encoded: &'a Encoded, name: &str) -> Option<&'a str> {
    encoded
        .head
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

/// The elements without children, as path and text. Fails unless the document is well-formed.
pub(super) fn leaves(document: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(document).unwrap();
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut leaf = None;
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                leaf = Some(String::new());
            }
            Event::Text(text) => {
                if let Some(leaf) = &mut leaf {
                    leaf.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let leaf = leaf.as_mut().unwrap();
                match reference.resolve_char_ref().unwrap() {
                    Some(c) => leaf.push(c),
                    None => leaf.push_str(
                        quick_xml::escape::resolve_xml_entity(&reference.xml10_content()).unwrap(),
                    ),
                }
            }
            Event::End(_) => {
                if let Some(text) = leaf.take() {
                    found.push((path.join("/"), text));
                }
                path.pop();
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(path.is_empty());
    found
}

pub(super) fn text_of(document: &[u8], path: &str) -> Option<String> {
    leaves(document)
        .into_iter()
        .find_map(|(found, text)| (found == path).then_some(text))
}

fn page(form: ListForm, name: &str, url_encoded: bool) -> ObjectPage {
    ObjectPage {
        asked: ListObjects {
            bucket: bucket(),
            form,
            prefix: name.into(),
            delimiter: name.into(),
            after: name.into(),
            max_keys: 100,
            url_encoded,
        },
        owner: Owner {
            id: "1".into(),
            display_name: "one".into(),
        },
        objects: vec![ObjectEntry {
            key: key(name),
            last_modified: NOW,
            etag: ETag::of_md5(&[1; 16]),
            kind: ObjectKind::Normal,
            size: 3,
            storage_class: StorageClass::Ia,
        }],
        common_prefixes: vec![name.into()],
        next: Some(name.into()),
    }
}

#[test]
fn every_answer_has_the_common_headers() {
    for encoded in [
        reply(&Outcome::Done),
        reply(&read(info())),
        refusal(FaultKind::Internal, &Method::GET),
        refusal(FaultKind::Internal, &Method::HEAD),
    ] {
        assert_eq!(header(&encoded, "server"), Some("AliyunOSS"));
        assert_eq!(
            header(&encoded, "date"),
            Some("Sun, 22 Nov 2026 03:04:05 GMT")
        );
        assert_eq!(
            header(&encoded, "x-oss-request-id"),
            Some(CONTEXT.request_id)
        );
        assert_eq!(header(&encoded, "x-oss-server-time"), Some("7"));
        assert!(encoded.head.headers.contains_key(CONTENT_LENGTH));
    }
}

#[test]
fn the_date_follows_the_clock() {
    assert_eq!(http_date(NOW), "Sun, 22 Nov 2026 03:04:05 GMT");
    assert_eq!(
        http_date(NOW.plus_millis(999)),
        "Sun, 22 Nov 2026 03:04:05 GMT"
    );
    assert_eq!(
        http_date(NOW.plus_millis(1000)),
        "Sun, 22 Nov 2026 03:04:06 GMT"
    );
    assert_eq!(http_date(NOW), "Sun, 22 Nov 2026 03:04:05 GMT");
}

#[test]
fn deletions_are_204_without_length() {
    let object = ObjectRef {
        bucket: bucket(),
        key: key("k"),
        version: None,
    };
    for op in [
        Op::DeleteBucket { bucket: bucket() },
        Op::DeleteBucketConfig {
            bucket: bucket(),
            kind: ConfigKind::Lifecycle,
        },
        Op::DeleteObjectTagging(object.clone()),
    ] {
        let encoded = encode(&CONTEXT, &ReplyFacts::of(&op), &Outcome::Done);
        assert_eq!(encoded.head.status, 204, "{op:?}");
        assert!(!encoded.head.headers.contains_key(CONTENT_LENGTH));
    }
    for op in [
        Op::PutBucketAcl {
            bucket: bucket(),
            acl: BucketAcl::Private,
        },
        Op::DeleteBucketConfig {
            bucket: bucket(),
            kind: ConfigKind::Cname,
        },
    ] {
        let encoded = encode(&CONTEXT, &ReplyFacts::of(&op), &Outcome::Done);
        assert_eq!(encoded.head.status, 200, "{op:?}");
        assert_eq!(header(&encoded, "content-length"), Some("0"));
    }
    let facts = ReplyFacts::of(&Op::DeleteObjectTagging(object));
    let touched = encode(&CONTEXT, &facts, &Outcome::Touched(Some(VersionId::Null)));
    assert_eq!(touched.head.status, 204);
    assert_eq!(header(&touched, "x-oss-version-id"), Some("null"));
}

#[test]
fn ranges() {
    let ranged = |range| {
        reply(&Outcome::Object(Box::new(ObjectRead {
            info: info(),
            range,
            part: None,
            overrides: osier_types::ContentHeaders::default(),
        })))
    };
    let part = ranged(Some(ByteRange {
        start: 100,
        end: 150,
    }));
    assert_eq!(part.head.status, 206);
    assert_eq!(part.head.headers[CONTENT_LENGTH], "50");
    assert_eq!(part.head.headers[CONTENT_RANGE], "bytes 100-149/1000");
    assert_eq!(
        header(&part, "x-oss-hash-crc64ecma"),
        Some("18446744073709551615")
    );
    let whole = ranged(None);
    assert_eq!(whole.head.status, 200);
    assert_eq!(whole.head.headers[CONTENT_LENGTH], "1000");
    assert!(!whole.head.headers.contains_key(CONTENT_RANGE));
    assert_eq!(whole.head.headers[CONTENT_TYPE], "application/octet-stream");
}

#[test]
fn headers_depend_on_the_kind_of_object() {
    let normal = reply(&read(info()));
    assert_eq!(
        header(&normal, "content-md5"),
        Some("q6urq6urq6urq6urq6urqw==")
    );
    assert_eq!(header(&normal, "x-oss-next-append-position"), None);
    let multipart = reply(&read(ObjectInfo {
        kind: ObjectKind::Multipart,
        ..info()
    }));
    assert_eq!(header(&multipart, "content-md5"), None);
    assert_eq!(header(&multipart, "x-oss-object-type"), Some("Multipart"));
    let appendable = ObjectInfo {
        kind: ObjectKind::Appendable,
        ..info()
    };
    let growing = reply(&read(appendable.clone()));
    assert_eq!(header(&growing, "x-oss-next-append-position"), Some("1000"));
    let sealed = reply(&read(ObjectInfo {
        sealed: Some(NOW),
        ..appendable
    }));
    assert_eq!(header(&sealed, "x-oss-next-append-position"), None);
    assert_eq!(
        header(&sealed, "x-oss-sealed-time"),
        Some("Sun, 22 Nov 2026 03:04:05 GMT")
    );
}

#[test]
fn kept_headers_are_told_and_overridden() {
    let kept = osier_types::ContentHeaders {
        content_type: Some(b"text/html".to_vec()),
        cache_control: Some(b"no-cache".to_vec()),
        ..osier_types::ContentHeaders::default()
    };
    let overrides = osier_types::ContentHeaders {
        content_type: Some(b"text/plain".to_vec()),
        content_disposition: Some("attachment; filename=ä".as_bytes().to_vec()),
        ..osier_types::ContentHeaders::default()
    };
    let meta = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
    let encoded = reply(&Outcome::Object(Box::new(ObjectRead {
        info: ObjectInfo {
            headers: kept,
            user_meta: vec![
                meta("latin", &[0xE4]),
                meta("bad name", b"x"),
                meta("bad-value", b"a\nb"),
            ],
            persistent_headers: vec![
                meta("myheader", b"mine"),
                meta("etag", b"forged"),
                meta("content-length", b"5"),
                meta("transfer-encoding", b"chunked"),
                meta("access-control-allow-origin", b"*"),
                meta("x-oss-request-id", b"forged"),
            ],
            ..info()
        },
        range: None,
        part: None,
        overrides,
    })));
    let headers = &encoded.head.headers;
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["cache-control"], "no-cache");
    assert_eq!(
        headers["content-disposition"].as_bytes(),
        "attachment; filename=ä".as_bytes()
    );
    assert_eq!(headers["x-oss-meta-latin"].as_bytes(), [0xE4]);
    assert!(!headers.contains_key("x-oss-meta-bad-value"));
    assert_eq!(headers["myheader"], "mine");
    assert_eq!(headers["content-length"], "1000");
    assert_eq!(headers["x-oss-request-id"], CONTEXT.request_id);
    assert!(!headers.contains_key("transfer-encoding"));
    assert!(!headers.contains_key("access-control-allow-origin"));
    assert_eq!(headers.get_all("etag").iter().count(), 1);
}

#[test]
fn cors_headers() {
    let config = CorsConfig {
        rules: vec![CorsRule {
            allowed_origins: vec!["https://a.example".into()],
            allowed_methods: vec!["GET".into(), "PUT".into()],
            allowed_headers: vec!["*".into()],
            expose_headers: vec!["ETag".into()],
            max_age_seconds: Some(60),
        }],
        response_vary: false,
    };
    let grant = config
        .grant("https://a.example", "PUT", &["x-a", "x-b"])
        .unwrap();
    let preflight = reply(&Outcome::Preflight(grant.clone()));
    assert_eq!(preflight.head.status, 200);
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "x-a, x-b"),
        ("access-control-expose-headers", "ETag"),
        ("access-control-max-age", "60"),
        ("vary", "Origin"),
    ] {
        assert_eq!(header(&preflight, name), Some(value), "{name}");
    }
    let mut simple = http::HeaderMap::new();
    apply_cors(&mut simple, &grant, false);
    apply_cors(&mut simple, &grant, false);
    assert_eq!(simple.get_all("vary").iter().count(), 1);
    assert!(!simple.contains_key("access-control-allow-headers"));
    let mut anyone = http::HeaderMap::new();
    let grant = Preflight {
        allow_origin: "*".into(),
        ..Preflight::default()
    };
    apply_cors(&mut anyone, &grant, true);
    assert_eq!(anyone.len(), 1);
}

#[test]
fn quiet_deletions_say_nothing() {
    let deleted = |quiet| {
        reply(&Outcome::Deleted(DeletedPage {
            asked: DeleteObjects {
                bucket: bucket(),
                objects: Vec::new(),
                refusals: Refusals::First,
                bypass_governance: false,
                quiet,
                url_encoded: true,
            },
            deleted: vec![DeletedEntry {
                key: key("a b"),
                version: None,
                marker: Some(VersionId::Numbered(1)),
            }],
            refused: Vec::new(),
        }))
    };
    let quiet = deleted(true);
    assert_eq!((quiet.head.status.as_u16(), quiet.body.len()), (200, 0));
    assert!(!quiet.head.headers.contains_key(CONTENT_TYPE));
    let verbose = deleted(false);
    assert_eq!(
        leaves(&verbose.body),
        [
            ("DeleteResult/EncodingType", "url"),
            ("DeleteResult/Deleted/Key", "a%20b"),
            ("DeleteResult/Deleted/DeleteMarker", "true"),
            (
                "DeleteResult/Deleted/DeleteMarkerVersionId",
                "CAEQ0000000000000001"
            ),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
    );
}

#[test]
fn forms_of_lists() {
    let v2 = |fetch_owner| ListForm::V2 {
        continuation_token: Some("tok".into()),
        start_after: None,
        fetch_owner,
    };
    let owner = "ListBucketResult/Contents/Owner/ID";
    let body = |form| reply(&Outcome::Objects(page(form, "a/b", true))).body;
    let first = body(ListForm::V1);
    assert_eq!(
        text_of(&first, "ListBucketResult/NextMarker").as_deref(),
        Some("a%2Fb")
    );
    assert_eq!(text_of(&first, owner).as_deref(), Some("1"));
    let second = body(v2(false));
    assert_eq!(text_of(&second, owner), None);
    assert_eq!(
        text_of(&second, "ListBucketResult/KeyCount").as_deref(),
        Some("2")
    );
    assert_eq!(
        text_of(&second, "ListBucketResult/ContinuationToken").as_deref(),
        Some("tok")
    );
    let token = text_of(&second, "ListBucketResult/NextContinuationToken").unwrap();
    assert_eq!(token::decode(&token).as_deref(), Some("a/b"));
    assert_eq!(text_of(&body(v2(true)), owner).as_deref(), Some("1"));
}

#[test]
fn documents_never_set() {
    for kind in ConfigKind::ALL {
        let encoded = reply(&Outcome::Config {
            kind: *kind,
            document: None,
        });
        assert_eq!(encoded.head.status, 200);
        if *kind == ConfigKind::Policy {
            assert_eq!(header(&encoded, "content-type"), Some("application/json"));
        } else {
            assert!(!leaves(&encoded.body).is_empty(), "{kind:?}");
        }
        let kept = reply(&Outcome::Config {
            kind: *kind,
            document: Some(Bytes::from_static(b"<a/>")),
        });
        assert_eq!(kept.body, "<a/>");
    }
    let referer = reply(&Outcome::Config {
        kind: ConfigKind::Referer,
        document: None,
    });
    assert_eq!(
        text_of(&referer.body, "RefererConfiguration/AllowEmptyReferer").as_deref(),
        Some("true")
    );
}

#[test]
fn form_uploads() {
    let posted = |success| {
        reply(&Outcome::Posted {
            written: Written {
                etag: ETag::of_md5(&[0xAB; 16]),
                md5: [0xAB; 16],
                crc64: 1,
                checksum: None,
                version: None,
                encryption: None,
            },
            bucket: bucket(),
            key: key("a b/c"),
            success,
        })
    };
    for (sent, answered) in [(200, 200), (204, 204), (500, 204)] {
        let encoded = posted(PostSuccess::Status(sent));
        assert_eq!(encoded.head.status, answered);
        assert!(encoded.body.is_empty());
    }
    let document = posted(PostSuccess::Document);
    assert_eq!(document.head.status, 201);
    assert_eq!(
        text_of(&document.body, "PostResponse/Location").as_deref(),
        Some("http://bkt.oss.example.com:9000/a%20b/c")
    );
    let redirect = posted(PostSuccess::Redirect("http://h/?x".into()));
    assert_eq!(redirect.head.status, 303);
    assert!(
        header(&redirect, "location")
            .unwrap()
            .starts_with("http://h/?x&bucket=bkt&key=a%20b%2Fc&etag=%22")
    );
}

#[test]
fn locations_follow_the_address_style() {
    let path_style = ReplyContext {
        host: "127.0.0.1:9000",
        bucket_in_host: false,
        ..CONTEXT
    };
    assert_eq!(
        crate::reply::location::location(&path_style, &bucket(), &key("k")),
        "http://127.0.0.1:9000/bkt/k"
    );
}

#[test]
fn copies_tell_both_versions() {
    let encoded = reply(&Outcome::Copied(Copied {
        etag: ETag::of_md5(&[0xAB; 16]),
        last_modified: NOW,
        crc64: Some(3),
        checksum: None,
        version: Some(VersionId::Numbered(1)),
        source_version: Some(VersionId::Null),
        encryption: None,
    }));
    assert_eq!(
        header(&encoded, "x-oss-version-id"),
        Some("CAEQ0000000000000001")
    );
    assert_eq!(
        header(&encoded, "x-oss-copy-source-version-id"),
        Some("null")
    );
    assert_eq!(
        text_of(&encoded.body, "CopyObjectResult/LastModified").as_deref(),
        Some("2026-11-22T03:04:05.000Z")
    );
}

/// Characters that XML 1.0 can carry at all.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}

proptest! {
    #[test]
    fn any_name_survives_url_encoding(name in any::<String>().prop_filter("a key", |name| !name.is_empty() && name.len() <= 1024)) {
        let body = reply(&Outcome::Objects(page(ListForm::V1, &name, true))).body;
        for path in ["Prefix", "Marker", "Delimiter", "NextMarker", "Contents/Key", "CommonPrefixes/Prefix"] {
            let text = text_of(&body, &format!("ListBucketResult/{path}")).unwrap();
            prop_assert_eq!(percent_decode(text.as_bytes()), name.as_bytes());
        }
    }

    #[test]
    fn any_name_that_xml_can_carry_survives(name in any::<String>().prop_filter("a key", |name| !name.is_empty() && name.len() <= 1024)) {
        let name: String = name.chars().filter(|c| is_xml_char(*c)).chain(['x']).take(200).collect();
        let body = reply(&Outcome::Objects(page(ListForm::V1, &name, false))).body;
        prop_assert_eq!(text_of(&body, "ListBucketResult/Contents/Key").unwrap(), name);
    }

    #[test]
    fn any_text_makes_a_safe_fault(text in any::<String>(), url in any::<String>()) {
        for kind in [
            FaultKind::InvalidBucketName(text.clone()),
            FaultKind::NoSuchUpload { upload_id: text.clone() },
            FaultKind::AccessDenied(AccessDenial::PostPolicy { condition: text.clone() }),
        ] {
            let encoded = refusal(kind, &Method::GET);
            if text.chars().all(|c| c != '\0') {
                leaves(&encoded.body);
            }
        }
        let posted = reply(&Outcome::Posted {
            written: Written { etag: ETag::of_md5(&[1; 16]), md5: [1; 16], crc64: 1, checksum: None, version: None, encryption: None },
            bucket: bucket(),
            key: key("k"),
            success: PostSuccess::Redirect(url),
        });
        let location = posted.head.headers.get("location").unwrap();
        prop_assert!(location.as_bytes().iter().all(u8::is_ascii_graphic));
    }

    #[test]
    fn any_kept_header_leaves_the_frame_alone(
        meta in proptest::collection::vec((any::<String>(), any::<Vec<u8>>()), 0..8),
    ) {
        let encoded = reply(&read(ObjectInfo {
            user_meta: meta.clone(),
            persistent_headers: meta,
            ..info()
        }));
        prop_assert_eq!(&encoded.head.headers[CONTENT_LENGTH], "1000");
        prop_assert_eq!(encoded.head.headers.get_all(CONTENT_LENGTH).iter().count(), 1);
        prop_assert!(!encoded.head.headers.contains_key("transfer-encoding"));
    }
}
