use http::{HeaderName, HeaderValue, StatusCode};
use osier_types::{DeletionRefused, Fault, FaultKind, ObjectKey, Op, Query};

use super::*;
use crate::{BodyUse, Dialect, Hosts, address};

struct Read {
    op: Op,
    query: Query,
    headers: HeaderMap,
}

fn headers_of(fields: &[(&str, &str)]) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    fields.collect()
}

fn read(method: &str, target: &str, fields: &[(&str, &str)], body: &str) -> Read {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let addressed = address(&method, target, Some("127.0.0.1:9000"), &Hosts::default()).unwrap();
    let headers = headers_of(fields);
    let (address, query) = (&addressed.candidates[0], addressed.query);
    let route = Dialect::S3.route(&method, address, &query, &headers);
    let document = match route.body() {
        BodyUse::Document { .. } => Bytes::copy_from_slice(body.as_bytes()),
        _ => Bytes::new(),
    };
    let op = Dialect::S3.decode(&route, address, &query, &headers, &document, "1");
    Read {
        op: op.unwrap(),
        query,
        headers,
    }
}

fn asked(method: &str, target: &str, fields: &[(&str, &str)], body: &str) -> Result<Asked, Fault> {
    let read = read(method, target, fields, body);
    ask_oss(&read.op, &read.query, &read.headers)
}

fn text(asked: &Asked) -> String {
    String::from_utf8(asked.document.clone().unwrap_or_default().to_vec()).unwrap()
}

const SIZED: (&str, &str) = ("content-length", "5");

#[test]
fn a_new_object_is_described_in_words_of_oss() {
    let fields = [
        SIZED,
        ("host", "h"),
        ("authorization", "AWS4-HMAC-SHA256 x"),
        ("x-amz-date", "20260101T000000Z"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ("content-encoding", "gzip,aws-chunked"),
        ("content-type", "text/plain"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-acl", "public-read"),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-tagging", "a=1&b=2"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "key"),
        ("if-none-match", "*"),
        ("x-oss-object-acl", "public-read-write"),
    ];
    let asked = asked(
        "PUT",
        "/bkt/key?x-id=PutObject&X-Amz-Expires=1",
        &fields,
        "",
    )
    .unwrap();
    assert_eq!((asked.method, asked.query.as_str()), (Method::PUT, ""));
    assert_eq!(asked.document, None);
    let mut left: Vec<(&str, &str)> = asked
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            ("content-encoding", "gzip"),
            ("content-type", "text/plain"),
            ("host", "h"),
            ("x-oss-forbid-overwrite", "true"),
            ("x-oss-meta-colour", "blue"),
            ("x-oss-object-acl", "public-read"),
            ("x-oss-server-side-encryption", "KMS"),
            ("x-oss-server-side-encryption-key-id", "key"),
            ("x-oss-storage-class", "ColdArchive"),
            ("x-oss-tagging", "a=1&b=2"),
        ]
    );
}

#[test]
fn what_oss_has_no_words_for_is_refused() {
    let put: [&[(&str, &str)]; 5] = [
        &[SIZED, ("if-match", "\"a\"")],
        &[SIZED, ("if-none-match", "\"a\"")],
        &[SIZED, ("x-amz-object-lock-legal-hold", "ON")],
        &[SIZED, ("x-amz-newer-than-this", "1")],
        &[
            SIZED,
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-context", "e30="),
        ],
    ];
    for fields in put {
        let fault = asked("PUT", "/bkt/key", fields, "").unwrap_err();
        assert!(
            matches!(fault.kind, FaultKind::NotImplemented { .. }),
            "{fields:?}"
        );
    }
    for (method, target, fields) in [
        ("GET", "/bkt/key?partNumber=1", &[][..]),
        ("GET", "/bkt/key?symlink", &[]),
        ("GET", "/bkt/key?x-oss-process=image/info", &[]),
        ("GET", "/bkt?cors", &[]),
        ("DELETE", "/bkt", &[]),
        ("DELETE", "/bkt/key", &[("if-match", "\"a\"")]),
        ("PUT", "/bkt/key", &[("x-amz-copy-source", "/other/key")]),
    ] {
        let fault = asked(method, target, fields, "").unwrap_err();
        assert!(
            matches!(fault.kind, FaultKind::NotImplemented { .. }),
            "{target}"
        );
    }
}

#[test]
fn a_page_has_the_size_of_s3_and_the_origins_own_token() {
    for (target, expected) in [
        ("/bkt", "max-keys=1000"),
        (
            "/bkt?list-type=2&max-keys=7&prefix=a%2Fb",
            "list-type=2&prefix=a%2Fb&max-keys=7",
        ),
        (
            "/bkt?max-keys=5000&delimiter=/",
            "delimiter=%2F&max-keys=1000",
        ),
        ("/bkt?uploads", "uploads&max-uploads=1000"),
        ("/bkt/key?uploadId=u", "uploadId=u&max-parts=1000"),
    ] {
        assert_eq!(asked("GET", target, &[], "").unwrap().query, expected);
    }
    let list = read("GET", "/bkt?list-type=2", &[], "");
    let query = Query::parse("list-type=2&continuation-token=of+the/origin=");
    let asked = ask_oss(&list.op, &query, &list.headers).unwrap();
    assert!(
        asked
            .query
            .contains("continuation-token=of%2Bthe%2Forigin%3D")
    );
    let bucket = read("HEAD", "/bkt", &[], "");
    let asked = ask_oss(&bucket.op, &bucket.query, &bucket.headers).unwrap();
    assert_eq!(
        (asked.method, asked.query.as_str()),
        (Method::GET, "max-keys=1")
    );
}

#[test]
fn tags_of_content_are_in_the_case_of_each_side() {
    let low = "\"0123456789abcdef0123456789abcdef\"";
    let fields = [("if-none-match", low), ("if-match", "\"mine\"")];
    let headers = asked("GET", "/bkt/key", &fields, "").unwrap().headers;
    assert_eq!(
        headers["if-none-match"],
        "\"0123456789ABCDEF0123456789ABCDEF\""
    );
    assert_eq!(headers["if-match"], "\"mine\"");
    let body = "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber>\
        <ETag>0123456789abcdef0123456789abcdef</ETag></Part></CompleteMultipartUpload>";
    let complete = asked("POST", "/bkt/key?uploadId=u", &[], body).unwrap();
    assert!(text(&complete).contains("<ETag>&quot;0123456789ABCDEF0123456789ABCDEF&quot;</ETag>"));
    let mut told = headers_of(&[("etag", "\"0123456789ABCDEF0123456789ABCDEF-12\"")]);
    tell_headers(&mut told, "id");
    assert_eq!(told["etag"], "\"0123456789abcdef0123456789abcdef-12\"");
}

#[test]
fn copies_name_their_source_in_the_origins_way() {
    let fields = [
        ("x-amz-copy-source", "bkt/a%20b/%C3%A4"),
        (
            "x-amz-copy-source-if-match",
            "0123456789abcdef0123456789abcdef",
        ),
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-tagging-directive", "REPLACE"),
    ];
    let headers = asked("PUT", "/bkt/key", &fields, "").unwrap().headers;
    assert_eq!(headers["x-oss-copy-source"], "/bkt/a%20b/%C3%A4");
    assert_eq!(
        headers["x-oss-copy-source-if-match"],
        "0123456789ABCDEF0123456789ABCDEF"
    );
    assert_eq!(headers["x-oss-metadata-directive"], "REPLACE");
    assert_eq!(headers["x-oss-tagging-directive"], "Replace");
}

#[test]
fn an_origin_of_s3_is_asked_without_frame_and_proof() {
    let digest = "a".repeat(64);
    let framed = read(
        "PUT",
        "/bkt/key",
        &[
            SIZED,
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-expected-bucket-owner", "1"),
            ("authorization", "AWS4-HMAC-SHA256 x"),
            ("x-amz-meta-a", "1"),
        ],
        "",
    );
    let ask = |read: &Read| ask_s3(&read.op, &Method::PUT, &read.query, &read.headers, None);
    let asked = ask(&framed).unwrap();
    let left: Vec<&str> = asked.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(left, ["x-amz-meta-a"]);
    let known = read(
        "PUT",
        "/bkt/key",
        &[SIZED, ("x-amz-content-sha256", &digest)],
        "",
    );
    assert_eq!(ask(&known).unwrap().headers["x-amz-content-sha256"], digest);
}

#[test]
fn answers_lose_the_words_of_oss() {
    let mut headers = headers_of(&[
        ("x-oss-request-id", "THEIRS"),
        ("x-oss-meta-colour", "blue"),
        ("x-oss-storage-class", "Archive"),
        ("x-oss-server-side-encryption", "KMS"),
        ("x-oss-hash-crc64ecma", "1"),
        ("x-oss-object-type", "Normal"),
        ("x-oss-version-id", "v"),
        ("content-md5", "x"),
        ("content-type", "text/plain"),
        ("server", "AliyunOSS"),
    ]);
    tell_headers(&mut headers, "OURS");
    let mut told: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("content-type", "text/plain"),
            ("server", "AmazonS3"),
            ("x-amz-id-2", "THEIRS"),
            ("x-amz-meta-colour", "blue"),
            ("x-amz-request-id", "OURS"),
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-storage-class", "GLACIER_IR"),
            ("x-amz-version-id", "v"),
        ]
    );
}

fn told(op: &Op, document: &str) -> Result<String, Fault> {
    let told = tell_document(op, document.as_bytes(), "http://here/bkt/key", &[]);
    told.map(|told| String::from_utf8(told.to_vec()).unwrap())
}

#[test]
fn documents_have_the_elements_of_s3() {
    let list = read("GET", "/bkt?list-type=2", &[], "").op;
    let page = told(
        &list,
        "<ListBucketResult><Name>bkt</Name><NextContinuationToken>t+k=</NextContinuationToken>\
         <Contents><Key>a&amp;b</Key><ETag>\"0123456789ABCDEF0123456789ABCDEF\"</ETag>\
         <Type>Normal</Type><Size>1</Size><StorageClass>IA</StorageClass>\
         <Owner><ID>1</ID><DisplayName>o</DisplayName></Owner></Contents></ListBucketResult>",
    )
    .unwrap();
    for expected in [
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        "<Key>a&amp;b</Key><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>1</Size>",
        "<StorageClass>STANDARD_IA</StorageClass>",
        "<NextContinuationToken>t+k=</NextContinuationToken>",
        "<Owner><ID>1</ID><DisplayName>o</DisplayName></Owner>",
    ] {
        assert!(page.contains(expected), "{page}");
    }
    let acl = read("GET", "/bkt/key?acl", &[], "").op;
    let page = told(
        &acl,
        "<AccessControlPolicy><Owner><ID>1</ID><DisplayName>o</DisplayName></Owner>\
         <AccessControlList><Grant>public-read</Grant></AccessControlList></AccessControlPolicy>",
    );
    assert!(page.unwrap().contains("<Permission>READ</Permission>"));
    let place = read("GET", "/bkt?location", &[], "").op;
    let page = told(
        &place,
        "<LocationConstraint>oss-cn-hangzhou</LocationConstraint>",
    );
    assert!(page.unwrap().contains(">cn-hangzhou</LocationConstraint>"));
    for wrong in ["", "<html></html>", "<ListBucketResult>", "<Error/>"] {
        let fault = told(&list, wrong).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::Internal), "{wrong}");
    }
}

#[test]
fn of_each_deletion_is_told_what_became_of_it() {
    let body = |quiet: bool| {
        format!(
            "<Delete><Quiet>{quiet}</Quiet><Object><Key>a</Key></Object>\
             <Object><Key>b</Key></Object></Delete>"
        )
    };
    let spared = DeletionRefused {
        key: ObjectKey::parse(b"spared").unwrap(),
        version: None,
        fault: FaultKind::AccessDenied(osier_types::AccessDenial::NotOwner).into(),
    };
    for quiet in [false, true] {
        let asked = read("POST", "/bkt?delete", &[], &body(quiet));
        let question = ask_oss(&asked.op, &asked.query, &asked.headers).unwrap();
        assert!(text(&question).contains("<Quiet>false</Quiet>"));
        assert!(question.headers.contains_key("content-md5"));
        let answer = b"<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>";
        let told = tell_document(&asked.op, answer, "", std::slice::from_ref(&spared)).unwrap();
        let told = String::from_utf8(told.to_vec()).unwrap();
        assert_eq!(told.contains("<Deleted><Key>a</Key></Deleted>"), !quiet);
        assert!(told.contains("<Error><Key>spared</Key><Code>AccessDenied</Code>"));
        // The origin says nothing of it: nobody may believe it gone.
        assert!(told.contains("<Error><Key>b</Key><Code>InternalError</Code>"));
    }
}

#[test]
fn refusals_have_the_codes_of_s3() {
    let read = |status: u16, code: &str| {
        let document = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        let status = StatusCode::from_u16(status).unwrap();
        let fault = OriginFault::read(status, document.as_bytes());
        (fault.status.as_u16(), fault.code)
    };
    for (status, code, expected) in [
        (404, "NoSuchKey", (404, "NoSuchKey")),
        (409, "FileAlreadyExists", (412, "PreconditionFailed")),
        (400, "InvalidDigest", (400, "BadDigest")),
        (503, "ServiceUnavailable", (503, "SlowDown")),
        // These are about the site's key.
        (403, "SignatureDoesNotMatch", (403, "AccessDenied")),
        (403, "RequestTimeTooSkewed", (403, "AccessDenied")),
    ] {
        let (status, told) = read(status, code);
        assert_eq!((status, told.as_str()), expected);
    }
    for (status, expected) in [
        (404, "NoSuchKey"),
        (416, "InvalidRange"),
        (304, "PreconditionFailed"),
    ] {
        let fault = OriginFault::read(StatusCode::from_u16(status).unwrap(), b"");
        assert_eq!(fault.code, expected);
    }
}
