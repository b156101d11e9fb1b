//! Forms: how a body is cut changes nothing, and a form needs the right signature as well.

use http::Method;
use osier_auth::{Authentication, FormFields, Verifier};
use osier_wire::oss::decode_post;
use osier_wire::{Address, AddressStyle, FormHead, FormParser, FormPiece};

use crate::reply::assert_answerable;
use crate::request::split_line;
use crate::signature::{NOW, UNUSED};

/// `PostObject` forms: a line with the `Content-Type`, then the body.
pub fn form(data: &[u8]) {
    let (content_type, body) = split_line(data);
    let whole = read(content_type, body, |_| usize::MAX);
    let mut state = 0x9e37_79b9_u64 ^ body.len() as u64;
    let longest = [1, 3, 17, 64][body.len() % 4];
    let cut = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        1 + usize::try_from(state >> 33).unwrap_or(0) % longest
    };
    let pieces = read(content_type, body, cut);
    assert_eq!(pieces, whole, "in pieces of up to {longest} bytes");
    if let Some(head) = whole.head {
        post(&head);
    }
}

#[derive(Debug, Default, PartialEq)]
struct Reading {
    head: Option<FormHead>,
    file: Vec<u8>,
    ended: bool,
    fault: Option<String>,
}

fn read(content_type: &[u8], body: &[u8], mut cut: impl FnMut(usize) -> usize) -> Reading {
    let mut reading = Reading::default();
    let mut parser = match FormParser::new(content_type) {
        Ok(parser) => parser,
        Err(fault) => {
            assert_answerable(&fault, &Method::POST);
            reading.fault = Some(format!("{:?}", fault.kind));
            return reading;
        }
    };
    let mut rest = body;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cut(rest.len()).min(rest.len()));
        rest = after;
        parser.push(piece);
        loop {
            match parser.next() {
                Ok(Some(FormPiece::Head(head))) => {
                    assert!(reading.head.is_none(), "two heads");
                    reading.head = Some(head);
                }
                Ok(Some(FormPiece::Data(data))) => {
                    assert!(reading.head.is_some() && !reading.ended);
                    reading.file.extend_from_slice(&data);
                }
                Ok(Some(FormPiece::End)) => {
                    assert!(reading.head.is_some() && !reading.ended);
                    reading.ended = true;
                }
                Ok(None) => break,
                Err(fault) => {
                    assert_answerable(&fault, &Method::POST);
                    reading.fault = Some(format!("{:?}", fault.kind));
                    return reading;
                }
            }
        }
    }
    match parser.close() {
        Ok(()) => assert!(reading.ended),
        Err(fault) => reading.fault = Some(format!("{:?}", fault.kind)),
    }
    reading
}

fn post(head: &FormHead) {
    let fields: FormFields<'_> = head
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    match Verifier::default().authenticate_form(&fields, &*UNUSED, NOW) {
        Ok(form) => match form.authentication {
            Authentication::Signed(signed) => panic!("forged: {signed:?}"),
            Authentication::Anonymous => assert!(form.policy.is_none()),
        },
        Err(fault) => assert_answerable(&fault, &Method::POST),
    }
    let address = Address {
        style: AddressStyle::Path,
        bucket: Some("bkt".to_owned()),
        key: None,
        endpoint: None,
    };
    match decode_post(&address, head, None) {
        Ok(post) => assert_eq!(post.put.bucket.as_str(), "bkt"),
        Err(fault) => assert_answerable(&fault, &Method::POST),
    }
}
