use osier_types::limits::{FORM_FIELD_BYTES_MAX, FORM_HEAD_BYTES_MAX};
use osier_types::{FaultKind, PostSuccess, StorageClass};
use proptest::prelude::*;

use super::super::tests::argument;
use super::*;
use crate::form::FIELDS_MAX;
use crate::{AddressStyle, FormParser, FormPiece};

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxk";

fn parser() -> FormParser {
    FormParser::new(format!("multipart/form-data; boundary={BOUNDARY}").as_bytes()).unwrap()
}

/// A body from parts, each its headers after `form-data; ` and its value.
fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, value) in parts {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Reads a body cut into pieces of these lengths, in turn.
fn read(body: &[u8], cuts: &[usize]) -> Result<(FormHead, Vec<u8>), Fault> {
    let mut parser = parser();
    let mut head = None;
    let mut data = Vec::new();
    let mut ended = false;
    let mut rest = body;
    let mut cuts = cuts.iter().copied().cycle();
    loop {
        while let Some(piece) = parser.next()? {
            assert!(!ended, "nothing comes after the end");
            match piece {
                FormPiece::Head(found) => assert!(head.replace(found).is_none()),
                FormPiece::Data(bytes) => {
                    assert!(head.is_some() && !bytes.is_empty());
                    data.extend_from_slice(&bytes);
                }
                FormPiece::End => ended = true,
            }
        }
        if rest.is_empty() {
            break;
        }
        let cut = cuts.next().unwrap_or(rest.len()).clamp(1, rest.len());
        parser.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    parser.close()?;
    assert!(ended);
    Ok((head.unwrap(), data))
}

fn kind(body: &[u8]) -> FaultKind {
    let whole = read(body, &[usize::MAX]).unwrap_err().kind;
    assert_eq!(read(body, &[1]).unwrap_err().kind, whole);
    whole
}

fn sample() -> Vec<u8> {
    let mut sample = b"preamble\r\n--not-it\r\n".to_vec();
    sample.extend(body(&[
        ("name=\"Key\"", b"uploads/${filename}"),
        ("name=empty", b""),
        ("name=\"policy\"", b"e30=\r\n--\r\n"),
        (
            "name=\"file\"; filename=\"C:\\\\dir\\a \\\"b\\\".txt\"\r\nContent-Type: text/plain",
            b"one\r\n--two\r\n------WebKitFormBoundary7MA4YWxkX\r\n\r",
        ),
        ("name=\"late\"", b"ignored"),
    ]));
    sample
}

#[test]
fn every_cut_gives_the_same() {
    let body = sample();
    let (head, data) = read(&body, &[usize::MAX]).unwrap();
    assert_eq!(
        head.fields,
        [
            ("key".to_owned(), b"uploads/${filename}".to_vec()),
            ("empty".to_owned(), Vec::new()),
            ("policy".to_owned(), b"e30=\r\n--\r\n".to_vec()),
        ]
    );
    assert_eq!(
        head.file_name.as_deref(),
        Some(&b"C:\\\\dir\\a \"b\".txt"[..])
    );
    assert_eq!(head.file_content_type.as_deref(), Some(&b"text/plain"[..]));
    assert_eq!(
        data,
        b"one\r\n--two\r\n------WebKitFormBoundary7MA4YWxkX\r\n\r"
    );
    for at in 1..body.len() {
        let twice = read(&body, &[at, usize::MAX]).unwrap();
        assert_eq!(twice, (head.clone(), data.clone()), "cut at {at}");
    }
    for length in 1..80 {
        assert_eq!(
            read(&body, &[length]).unwrap(),
            (head.clone(), data.clone())
        );
    }
}

#[test]
fn forms_as_clients_write_them() {
    // Padding after the boundary, no preamble, an empty file, nothing after the end.
    let text = format!(
        "--{BOUNDARY} \t\r\ncontent-disposition:form-data;name=key\r\nX-Other: 1\r\n\r\nk\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; filename*=UTF-8''%E4%B8%AD; name=\"FILE\"\r\n\r\n\r\n--{BOUNDARY}--"
    );
    let (head, data) = read(text.as_bytes(), &[3]).unwrap();
    assert_eq!(head.fields, [("key".to_owned(), b"k".to_vec())]);
    assert_eq!(head.file_name.as_deref(), Some("\u{4e2d}".as_bytes()));
    assert!(data.is_empty() && head.file_content_type.is_none());
}

#[test]
fn content_types() {
    for good in [
        "multipart/form-data; boundary=a",
        "Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"",
        "multipart/form-data;x;boundary=a;y=z",
    ] {
        assert!(FormParser::new(good.as_bytes()).is_ok(), "{good}");
    }
    let long = format!("multipart/form-data; boundary={}", "b".repeat(201));
    for bad in [
        "",
        "text/plain; boundary=a",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/mixed; boundary=a",
        "application/x-www-form-urlencoded",
        &long,
    ] {
        let kind = FormParser::new(bad.as_bytes()).unwrap_err().kind;
        assert_eq!(kind, FaultKind::NotMultipartForm, "{bad}");
    }
}

#[test]
fn broken_forms() {
    let file = ("name=\"file\"", &b"data"[..]);
    assert_eq!(
        kind(&body(&[("name=\"key\"", b"k")])),
        FaultKind::IncorrectNumberOfFiles
    );
    assert_eq!(kind(&body(&[])), FaultKind::IncorrectNumberOfFiles);
    for broken in [
        &b""[..],
        b"no boundary at all",
        &body(&[("name=\"key\"", b"k"), ("name=\"KEY\"", b"l"), file]),
        &body(&[("filename=\"x\"", b"k"), file]),
        &body(&[("name=\"a\"", b"k"), file])[..60],
        format!("--{BOUNDARY}\r\nContent-Type: a\r\n\r\nx\r\n--{BOUNDARY}--").as_bytes(),
        format!("--{BOUNDARY}\r\n{}", "X: y\r\n".repeat(3000)).as_bytes(),
    ] {
        assert!(
            matches!(kind(broken), FaultKind::MalformedPost { .. }),
            "{}",
            String::from_utf8_lossy(broken)
        );
    }
    let whole = body(&[file]);
    assert_eq!(kind(&whole[..whole.len() - 6]), FaultKind::IncompleteBody);
}

#[test]
fn limits() {
    let file = ("name=\"file\"", &b"data"[..]);
    let fits = vec![b'v'; FORM_FIELD_BYTES_MAX];
    assert!(read(&body(&[("name=\"a\"", &fits), file]), &[1000]).is_ok());
    let long = vec![b'v'; FORM_FIELD_BYTES_MAX + 1];
    assert_eq!(
        kind(&body(&[("name=\"a\"", &long), file])),
        FaultKind::FieldItemTooLong
    );
    let names: Vec<String> = (0..=FIELDS_MAX).map(|n| format!("name=\"f{n}\"")).collect();
    let mut parts: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"v"[..]))
        .collect();
    parts.push(file);
    assert_eq!(kind(&body(&parts)), FaultKind::PostPreDataTooLong);
    let mut preamble = vec![b'p'; FORM_HEAD_BYTES_MAX];
    preamble.extend_from_slice(b"\r\n");
    preamble.extend(body(&[file]));
    assert_eq!(
        read(&preamble, &[usize::MAX]).unwrap_err().kind,
        FaultKind::PostPreDataTooLong
    );
    assert_eq!(
        read(&preamble, &[4096]).unwrap_err().kind,
        FaultKind::PostPreDataTooLong
    );
    // The file itself may be as long as it likes.
    let long = vec![b'\r'; FORM_HEAD_BYTES_MAX + 1];
    let (_, data) = read(&body(&[("name=\"file\"", &long)]), &[65_536]).unwrap();
    assert_eq!(data.len(), long.len());
}

fn post(fields: &[(&str, &str)], file_name: Option<&str>) -> Result<PostObject, Fault> {
    let address = Address {
        style: AddressStyle::Path,
        bucket: Some("bkt".to_owned()),
        key: None,
        endpoint: None,
    };
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
    let form = FormHead {
        fields: fields.iter().map(owned).collect(),
        file_name: file_name.map(|name| name.as_bytes().to_vec()),
        file_content_type: Some(b"image/png".to_vec()),
    };
    decode_post(&address, &form, Some((1, 2)))
}

#[test]
fn posts() {
    let plain = post(
        &[("key", "a/${filename}-${filename}")],
        Some("C:\\d\\x.png"),
    )
    .unwrap();
    assert_eq!(plain.put.key.as_str(), "a/x.png-x.png");
    assert_eq!(plain.put.bucket.as_str(), "bkt");
    assert_eq!(
        plain.put.new.headers.content_type.as_deref(),
        Some(&b"image/png"[..])
    );
    assert_eq!(plain.length_range, Some((1, 2)));
    assert_eq!(plain.success, PostSuccess::Status(204));
    assert_eq!(plain.put.expected.length, None);
    let full = post(
        &[
            ("key", "k"),
            ("content-type", "text/html"),
            ("x-oss-content-type", "text/css"),
            ("cache-control", "no-store"),
            ("x-oss-meta-a", "1"),
            ("x-oss-storage-class", "IA"),
            ("x-oss-forbid-overwrite", "true"),
            ("x-oss-tagging", "a=b"),
            ("x-oss-object-acl", "private"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("success_action_status", "201"),
            ("x:var", "ignored"),
            ("policy", "e30="),
        ],
        None,
    )
    .unwrap();
    let new = &full.put.new;
    assert_eq!(new.headers.content_type.as_deref(), Some(&b"text/css"[..]));
    assert_eq!(new.headers.cache_control.as_deref(), Some(&b"no-store"[..]));
    assert_eq!(new.user_meta, [("a".to_owned(), b"1".to_vec())]);
    assert_eq!(new.storage_class, Some(StorageClass::Ia));
    assert!(new.forbid_overwrite && new.tags.is_some() && full.put.expected.md5.is_some());
    assert_eq!(full.success, PostSuccess::Document);
}

#[test]
fn answers_to_posts() {
    let success = |name: &str, value: &str| {
        post(&[("key", "k"), (name, value)], None).map(|post| post.success)
    };
    assert_eq!(
        success("success_action_status", "200").unwrap(),
        PostSuccess::Status(200)
    );
    assert_eq!(
        success("success_action_status", "302").unwrap(),
        PostSuccess::Status(204)
    );
    assert_eq!(
        success("success_action_redirect", "https://a.example/?x=1").unwrap(),
        PostSuccess::Redirect("https://a.example/?x=1".to_owned())
    );
    for url in [
        "javascript:alert(1)",
        "//a.example",
        "http://a.example/\r\nSet-Cookie: x",
        "http://a b",
    ] {
        let fault = success("success_action_redirect", url).unwrap_err();
        assert_eq!(argument(fault).0, "success_action_redirect", "{url}");
    }
}

#[test]
fn refused_posts() {
    let missing = FaultKind::MissingArgument {
        name: "key".to_owned(),
    };
    assert_eq!(post(&[], None).unwrap_err().kind, missing);
    for key in ["", "/a", "${filename}"] {
        assert_eq!(
            post(&[("key", key)], None).unwrap_err().kind,
            FaultKind::InvalidObjectName
        );
    }
    for name in ["callback", "x-oss-server-side-encryption-customer-key"] {
        let kind = post(&[("key", "k"), (name, "x")], None).unwrap_err().kind;
        assert!(matches!(kind, FaultKind::NotImplemented { .. }), "{name}");
    }
    for (name, value) in [
        ("x-oss-meta-a", "1\r\nSet-Cookie: x"),
        ("cache-control", "a\nb"),
        ("x-oss-content-type", "a\0"),
        ("x-oss-meta-a b", "1"),
    ] {
        let fault = post(&[("key", "k"), (name, value)], None).unwrap_err();
        assert!(
            matches!(fault.kind, FaultKind::InvalidArgument { .. }),
            "{name}"
        );
    }
}

proptest! {
    /// Data that looks like a delimiter, cut anywhere.
    #[test]
    fn chunking_never_matters(
        data in prop::collection::vec(prop::sample::select(vec![
            &b"\r\n"[..], b"\r", b"--", b"-", b"x", b"\n", b" ",
            b"\r\n------WebKitFormBoundary7MA4YWxk", b"\r\n------WebKit",
        ]), 0..20),
        cuts in prop::collection::vec(1usize..50, 1..10),
    ) {
        let form = body(&[("name=\"key\"", b"k"), ("name=\"file\"", &data.concat())]);
        let whole = read(&form, &[usize::MAX]);
        let cut = read(&form, &cuts);
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => prop_assert_eq!(whole, cut),
            (Err(whole), Err(cut)) => prop_assert_eq!(whole.kind, cut.kind),
            (whole, cut) => prop_assert!(false, "{:?} {:?}", whole, cut),
        }
    }

    /// S35.
    #[test]
    fn nothing_panics(
        content_type in "multipart/form-data;? ?(boundary=)?[ -~]{0,20}",
        noise in prop::collection::vec(any::<u8>(), 0..300),
        head in "[ -~]{0,60}",
        cut in 1usize..40,
    ) {
        let _ = FormParser::new(content_type.as_bytes());
        let _ = read(&noise, &[cut]);
        let _ = read(&body(&[(&head, &noise), ("name=\"file\"", b"x")]), &[cut]);
    }
}
