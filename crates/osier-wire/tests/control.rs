//! Golden exchanges of the control APIs: what a request asks for, and what it is answered with.
//!
//! `golden/<Action>[.<variant>].rpc` holds a request, the `ControlRequest` it becomes, and the
//! answer to the outcome that `samples` gives for its action, in the format it wants. Signatures
//! are not looked at here. Run with `BLESS=1` to rewrite all but the requests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "golden/diff.rs"]
mod diff;
#[path = "golden/control_samples.rs"]
mod samples;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use osier_auth::directory::{ControlFault, ControlRequest};
use osier_types::{Query, Timestamp};
use osier_wire::Encoded;
use osier_wire::rpc::{
    self, Format, OPERATIONS, Recognition, RpcContext, encode, encode_fault, form_of_control,
    recognise,
};

const OP: &str = "=== op\n";
const REPLY: &str = "=== reply\n";
const CONTEXT: RpcContext<'static> = RpcContext {
    request_id: "4E5C0A3B-67B8-4B5A-9DA4-2229D0123456",
    host: "127.0.0.1:9000",
    format: Format::Json,
    now: Timestamp::from_seconds(1_795_316_645),
};

#[test]
fn exchanges_of_the_control_apis() {
    let mut wrong = String::new();
    for path in golden_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let request = text.split(OP).next().unwrap();
        let actual = format!("{}\n{}", request.trim_end(), exchange(request));
        compare(&path, &text, &actual, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_operation_has_an_exchange() {
    let files = golden_files();
    let missing: Vec<_> = OPERATIONS
        .iter()
        .map(|operation| format!("{}.rpc", operation.action))
        .filter(|name| !files.iter().any(|path| path.ends_with(name)))
        .collect();
    assert!(missing.is_empty(), "no golden exchange for {missing:?}");
}

/// Every fault's document.
#[test]
fn faults() {
    let mut actual = String::new();
    for fault in samples::faults() {
        writeln!(actual, "=== {fault:?}").unwrap();
        for format in [Format::Json, Format::Xml] {
            let context = RpcContext { format, ..CONTEXT };
            let reply = encode_fault(&context, &fault, Some(&samples::caller()));
            writeln!(actual, "{}", reply.head.status).unwrap();
            actual.push_str(&document(&reply.body));
        }
    }
    let path = folder().join("faults.rpc.txt");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let mut wrong = String::new();
    compare(&path, &kept, &actual, &mut wrong);
    assert!(wrong.is_empty(), "{wrong}");
}

fn exchange(request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let body = body.trim_end();
    let (method, target, headers) = parse_head(head);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match recognise(&method, path, query, &headers) {
        Recognition::Control => {}
        Recognition::AskForm => assert_eq!(form_of_control(body.as_bytes()), Recognition::Control),
        Recognition::Store | Recognition::Aws => panic!("not recognised: {request}"),
    }
    let mut parameters = pairs(query);
    parameters.extend(pairs(body));
    let named = |header: &str, parameter: &str| {
        let in_header = headers
            .get(header)
            .map(|value| value.to_str().unwrap().to_owned());
        in_header.unwrap_or_else(|| {
            let found = parameters.iter().find(|(name, _)| name == parameter);
            found.unwrap().1.clone()
        })
    };
    let action = named("x-acs-action", "Action");
    let context = RpcContext {
        format: Format::wanted(query, body.as_bytes(), &headers),
        ..CONTEXT
    };
    let decoded = decode(&named("x-acs-version", "Version"), &action, &parameters);
    let (told, reply) = match decoded {
        Ok(request) => (
            format!("{request:#?}\n"),
            encode(&context, &action, &samples::outcome(&request)),
        ),
        Err(fault) => (
            format!("{fault:#?}\n"),
            encode_fault(&context, &fault, None),
        ),
    };
    format!("{OP}{told}{REPLY}{}", render(&reply))
}

fn decode(
    version: &str,
    action: &str,
    parameters: &[(String, String)],
) -> Result<ControlRequest, ControlFault> {
    rpc::decode(rpc::operation(version, action)?, parameters)
}

fn pairs(raw: &str) -> Vec<(String, String)> {
    Query::parse(&raw.replace('+', "%20"))
        .pairs()
        .iter()
        .map(|pair| {
            let value = String::from_utf8(pair.value.clone()).unwrap();
            (pair.name.clone(), value)
        })
        .collect()
}

fn parse_head(head: &str) -> (Method, &str, HeaderMap) {
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    (method.parse().unwrap(), target, headers)
}

fn render(reply: &Encoded) -> String {
    let mut text = format!("HTTP/1.1 {}\n", reply.head.status);
    let mut headers: Vec<_> = reply.head.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    format!("{text}\n{}", document(&reply.body))
}

/// With a line for each element, or for each part of an object.
fn document(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    if !text.starts_with('<') {
        let tree: serde_json::Value = serde_json::from_str(text).unwrap();
        return format!("{}\n", serde_json::to_string_pretty(&tree).unwrap());
    }
    let mut document = String::new();
    for line in text.replace("><", ">\n<").lines() {
        // An element with nothing in it stays on its line.
        let closes = line
            .strip_prefix("</")
            .is_some_and(|name| document.ends_with(&format!("<{name}\n")));
        if closes {
            document.pop();
        }
        document.push_str(line);
        document.push('\n');
    }
    document
}

fn golden_files() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rpc"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
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
