//! Golden exchanges: what a request means and what it is answered with, byte by byte.
//!
//! `golden/<Operation>[.<variant>].<dialect>` holds a request, the `Op` it becomes, and the
//! answer to the outcome that `samples` gives for that op. Another dialect's file of the same
//! name shows the same scenario. Run with `BLESS=1` to rewrite all but the requests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "golden/diff.rs"]
mod diff;
#[path = "golden/samples.rs"]
mod samples;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use osier_types::{ConfigKind, Fault, Op, Outcome, Query};
use osier_wire::oss::{self, encode};
use osier_wire::{
    Address, AddressStyle, BodyUse, Dialect, Encoded, FormParser, FormPiece, Hosts, ReplyContext,
    ReplyFacts, Support, s3,
};

use samples::NOW;

const OP: &str = "=== op\n";
const REPLY: &str = "=== reply\n";

#[test]
fn exchanges_of_the_oss_dialect() {
    exchanges(Dialect::Oss);
}

#[test]
fn exchanges_of_the_s3_dialect() {
    exchanges(Dialect::S3);
}

fn exchanges(dialect: Dialect) {
    let mut wrong = String::new();
    let mut seen = 0;
    for path in golden_files(dialect.name()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let request = text.split(OP).next().unwrap();
        let actual = format!("{}\n{}", request.trim_end(), exchange(dialect, request));
        compare(&path, &text, &actual, &mut wrong);
        seen += 1;
    }
    assert!(seen > 0);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_operation_has_an_exchange() {
    let names: Vec<String> = golden_files("oss")
        .iter()
        .map(|path| stem(path).split('.').next().unwrap().to_owned())
        .collect();
    let missing: Vec<&str> = oss::ROUTES
        .iter()
        .filter(|spec| spec.support != Support::NotImplemented)
        .filter(|spec| !is_config(spec.subresource))
        .map(|spec| spec.name)
        .filter(|name| !names.iter().any(|known| known == name))
        .collect();
    assert!(missing.is_empty(), "no golden exchange for {missing:?}");
}

#[test]
fn every_operation_of_s3_has_an_exchange() {
    let mut known = Vec::new();
    for path in golden_files("s3") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (method, target, headers) = parse_head(head_of(&text));
        let addressed =
            osier_wire::address(&method, target, Some("127.0.0.1:9000"), &Hosts::default());
        let addressed = addressed.unwrap();
        let route = s3::route(
            &method,
            &addressed.candidates[0],
            &addressed.query,
            &headers,
        );
        known.extend(route.name());
    }
    let missing: Vec<&str> = s3::ROUTES
        .iter()
        .filter(|spec| spec.support != Support::NotImplemented)
        .map(|spec| spec.name)
        .filter(|name| !known.contains(name))
        .collect();
    assert!(missing.is_empty(), "no golden exchange for {missing:?}");
}

/// Every fault in every dialect's words, with the document and headers that go with it.
#[test]
fn faults() {
    for dialect in [Dialect::Oss, Dialect::S3] {
        faults_of(dialect);
    }
}

fn faults_of(dialect: Dialect) {
    let mut actual = String::new();
    for kind in samples::faults() {
        writeln!(actual, "=== {kind:?}").unwrap();
        let fault = Fault::new(kind).on(samples::resource());
        let whole = render(&dialect.encode_fault(&CONTEXT, &fault, &Method::GET));
        for line in whole.lines().filter(|line| !is_common(line)) {
            actual.push_str(line);
            actual.push('\n');
        }
    }
    golden(&format!("faults.{}.txt", dialect.name()), &actual);
}

/// What reading each configuration document tells before it was put.
#[test]
fn documents_never_set() {
    let mut actual = String::new();
    let facts = ReplyFacts {
        bucket: Some(samples::bucket()),
        ..ReplyFacts::default()
    };
    for kind in ConfigKind::ALL {
        writeln!(actual, "=== {kind:?}").unwrap();
        let outcome = Outcome::Config {
            kind: *kind,
            document: None,
        };
        actual.push_str(&document(&encode(&CONTEXT, &facts, &outcome).body));
    }
    golden("never-set.oss.txt", &actual);
}

#[test]
fn compat_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compat.md");
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    let mut wrong = String::new();
    compare(&page, &kept, &osier_wire::compat_page(), &mut wrong);
    assert!(wrong.is_empty(), "run `cargo xtask gen`\n{wrong}");
}

#[test]
fn dialects_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    let mut wrong = String::new();
    let actual = s3::dialects_table(&samples::faults());
    compare(&page, &kept, &actual, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

const CONTEXT: ReplyContext<'static> = ReplyContext {
    request_id: "5C06A3B67B8B5A3DA422299D",
    host: "127.0.0.1:9000",
    bucket_in_host: false,
    endpoint: "127.0.0.1:9000",
    scheme: "http",
    owner_id: "1000000000000001",
    region: "cn-hangzhou",
    now: NOW,
    elapsed_ms: 7,
};

fn exchange(dialect: Dialect, request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let (method, target, headers) = parse_head(head);
    let host = headers.get(header::HOST).map(|host| host.to_str().unwrap());
    let hosts = Hosts::new(["oss.example.com"], [("img.example.com", "bkt")]);
    let addressed = osier_wire::address(&method, target, host, &hosts).unwrap();
    let address = addressed.candidates.first().unwrap();
    let context = ReplyContext {
        host: host.unwrap(),
        bucket_in_host: address.style != AddressStyle::Path,
        endpoint: address.endpoint.as_deref().unwrap_or(CONTEXT.endpoint),
        ..CONTEXT
    };
    let decoded = decode(dialect, &method, address, &addressed.query, &headers, body);
    let told = match &decoded {
        Ok(op) => bytes_as_text(&format!("{op:#?}\n")),
        Err(fault) => format!("{:#?}\n", fault.kind),
    };
    let reply = match decoded {
        Ok(op) => dialect.encode(
            &context,
            &dialect.facts(&op, &headers),
            &samples::outcome(&op),
        ),
        Err(fault) => dialect.encode_fault(&context, &fault, &method),
    };
    format!("{OP}{told}{REPLY}{}", render(&reply))
}

fn decode(
    dialect: Dialect,
    method: &Method,
    address: &Address,
    query: &Query,
    headers: &HeaderMap,
    body: &str,
) -> Result<Op, Fault> {
    let route = dialect.route(method, address, query, headers);
    let account = CONTEXT.owner_id;
    match route.body() {
        BodyUse::Form => form(dialect, address, headers, body),
        BodyUse::Document { .. } => {
            let document = Bytes::copy_from_slice(body.trim_end().as_bytes());
            dialect.decode(&route, address, query, headers, &document, account)
        }
        BodyUse::None | BodyUse::Stream => {
            dialect.decode(&route, address, query, headers, &Bytes::new(), account)
        }
    }
}

/// The form's head as one chunk; files have no carriage returns, forms need them.
fn form(dialect: Dialect, address: &Address, headers: &HeaderMap, body: &str) -> Result<Op, Fault> {
    let mut parser = FormParser::new(headers[header::CONTENT_TYPE].as_bytes())?;
    parser.push(body.replace('\n', "\r\n").as_bytes());
    match parser.next()?.unwrap() {
        FormPiece::Head(head) => dialect
            .decode_post(address, &head, CONTEXT.owner_id)
            .map(Op::PostObject),
        other => panic!("{other:?}"),
    }
}

/// The head of the request that a file begins with.
fn head_of(text: &str) -> &str {
    let request = text.split("\n=== op").next().unwrap();
    request.split("\n\n").next().unwrap()
}

fn parse_head(head: &str) -> (Method, &str, HeaderMap) {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let method = words.next().unwrap().parse().unwrap();
    let target = words.next().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    (method, target, headers)
}

/// Headers in order of names; a document with a line per element.
fn render(reply: &Encoded) -> String {
    let mut text = format!("HTTP/1.1 {}\n", reply.head.status);
    let mut headers: Vec<_> = reply.head.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        writeln!(
            text,
            "{name}: {}",
            String::from_utf8_lossy(value.as_bytes())
        )
        .unwrap();
    }
    if !reply.body.is_empty() {
        text.push('\n');
        text.push_str(&document(&reply.body));
    }
    text
}

/// The document with a line break between tags, for the eye; also shows that it is well-formed.
fn document(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    if text.starts_with('<') {
        let mut reader = quick_xml::Reader::from_str(text);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::GeneralRef(reference) => {
                    reference.resolve_char_ref().unwrap();
                }
                _ => {}
            }
        }
    }
    let mut broken = String::new();
    for part in text.trim_end().split_inclusive('>') {
        let is_empty = part
            .strip_prefix("</")
            .is_some_and(|name| broken.ends_with(&format!("<{name}")));
        if broken.ends_with('>') && part.starts_with('<') && !is_empty {
            broken.push('\n');
        }
        broken.push_str(part);
    }
    broken.push('\n');
    broken
}

/// `Debug` writes a byte per line; this makes them `b"text"`.
fn bytes_as_text(debug: &str) -> String {
    let mut text = String::new();
    let mut lines = debug.lines().peekable();
    while let Some(line) = lines.next() {
        text.push_str(line);
        if line.ends_with('[') {
            let mut bytes = Vec::new();
            while let Some(byte) = lines.peek().and_then(|line| {
                let number = line.trim().strip_suffix(',')?;
                number.parse::<u8>().ok()
            }) {
                bytes.push(byte);
                lines.next();
            }
            if !bytes.is_empty() {
                text.pop();
                let end = lines.next().unwrap().trim().trim_start_matches(']');
                write!(text, "b\"{}\"{end}", bytes.escape_ascii()).unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// What is the same for every fault, or follows from the rest.
fn is_common(line: &str) -> bool {
    [
        "content-length: ",
        "content-type: ",
        "date: ",
        "server: ",
        "x-oss-request-id: ",
        "x-amz-request-id: ",
        "x-amz-id-2: ",
        "x-oss-server-time: ",
        "x-oss-ec: ",
        "<?xml",
        "<RequestId>",
        "<HostId>",
    ]
    .iter()
    .any(|common| line.starts_with(common))
        || line.is_empty()
}

fn golden_files(dialect: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == dialect))
        .collect();
    paths.sort();
    paths
}

fn golden(name: &str, actual: &str) {
    let path = folder().join(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let mut wrong = String::new();
    compare(&path, &kept, actual, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

fn compare(path: &Path, kept: &str, actual: &str, wrong: &mut String) {
    if kept == actual {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let name = path.file_name().unwrap().to_string_lossy();
    writeln!(wrong, "{name}: kept (-) and actual (+)").unwrap();
    wrong.push_str(&diff::lines(kept, actual));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn is_config(subresource: Option<&str>) -> bool {
    ConfigKind::ALL
        .iter()
        .any(|kind| Some(kind.as_str()) == subresource)
}
