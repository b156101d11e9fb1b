//! Every refusal can be sent, and its document read.

use http::Method;
use osier_types::{Fault, Timestamp};
use osier_wire::ReplyContext;
use osier_wire::oss::encode_fault;
use quick_xml::events::Event;

/// A fault has an answer: a status of errors, and a document that is well-formed whatever
/// of the request it repeats.
pub(crate) fn assert_answerable(fault: &Fault, method: &Method) {
    let context = ReplyContext {
        region: "cn-hangzhou",
        request_id: "5C06A3B67B8B5A3DA422299D",
        host: "127.0.0.1:9000",
        bucket_in_host: false,
        endpoint: "127.0.0.1:9000",
        scheme: "http",
        owner_id: "1000000000000001",
        now: Timestamp::from_seconds(1_795_316_645),
        elapsed_ms: 7,
    };
    let answer = encode_fault(&context, fault, method);
    let status = answer.head.status;
    assert!(
        status.is_client_error() || status.is_server_error() || status == 304,
        "{status}: {fault:?}"
    );
    if method == Method::HEAD {
        assert!(answer.body.is_empty(), "HEAD with a body: {fault:?}");
    }
    assert_well_formed(&answer.body);
}

pub(crate) fn assert_well_formed(document: &[u8]) {
    let text = std::str::from_utf8(document).expect("documents are UTF-8");
    let is_char =
        |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_char), "not XML: {text:?}");
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::DocType(_) | Event::PI(_)) => panic!("not ours: {text:?}"),
            Ok(_) => {}
            Err(problem) => panic!("{problem}: {text:?}"),
        }
    }
    assert_eq!(depth, 0, "{text:?}");
}
