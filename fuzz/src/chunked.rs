//! `aws-chunked`: how a body is cut changes nothing, and only what was announced and signed passes.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use osier_auth::chunked::{Decoder, Framing, SIGNED};
use osier_auth::{Authentication, ChunkSigner, ResourceName, SignedHead, Verifier};
use osier_types::{Checksum, ChecksumAlgorithm, Query};

use crate::reply::assert_answerable;
use crate::request::split_line;
use crate::signature::{NOW, USED};

/// A line (`signed` or `plain`, the trailer or `none`, the length), then the body.
pub fn chunked(data: &[u8]) {
    let (line, body) = split_line(data);
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let signed = words.next() == Some("signed");
    let trailer = words.next().and_then(ChecksumAlgorithm::of_name);
    let decoded_length = words.next().and_then(|text| text.trim().parse().ok());
    let framing = Framing {
        signed,
        trailer,
        decoded_length: decoded_length.unwrap_or(5),
    };
    assert!(!signed || Decoder::new(framing, None).is_err());
    let whole = read(framing, body, |_| usize::MAX);
    let mut state = 0x9e37_79b9_u64 ^ body.len() as u64;
    let longest = [1, 3, 17, 64][body.len() % 4];
    let cut = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        1 + usize::try_from(state >> 33).unwrap_or(0) % longest
    };
    let pieces = read(framing, body, cut);
    // What came out before a fault may differ, but not whether there is one.
    assert_eq!(
        pieces.is_whole, whole.is_whole,
        "in pieces of up to {longest} bytes"
    );
    if whole.is_whole {
        assert_eq!(pieces, whole);
        assert_eq!(whole.body.len() as u64, framing.decoded_length);
        assert_eq!(whole.trailer.is_some(), trailer.is_some());
    }
    assert!(whole.body.len() as u64 <= framing.decoded_length);
}

#[derive(Debug, PartialEq)]
struct Reading {
    body: Vec<u8>,
    is_whole: bool,
    trailer: Option<Checksum>,
}

fn read(framing: Framing, body: &[u8], mut cut: impl FnMut(usize) -> usize) -> Reading {
    let signer = framing.signed.then(|| SIGNER.clone());
    let mut decoder = Decoder::new(framing, signer).expect("a signer is there");
    let mut reading = Reading {
        body: Vec::new(),
        is_whole: false,
        trailer: None,
    };
    let mut rest = body;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cut(rest.len()).min(rest.len()));
        rest = after;
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next_piece() {
                Ok(Some(bytes)) => reading.body.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(fault) => {
                    assert_answerable(&fault, &Method::PUT);
                    return reading;
                }
            }
        }
    }
    match decoder.close() {
        Ok(()) => {
            reading.is_whole = true;
            reading.trailer = decoder.trailer();
        }
        Err(fault) => assert_answerable(&fault, &Method::PUT),
    }
    reading
}

/// The signer of a request like `aws4-header` of the signatures' corpus.
static SIGNER: LazyLock<Box<ChunkSigner>> = LazyLock::new(|| {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "oss.example.com"),
        ("x-amz-date", "20261122T030405Z"),
        ("x-amz-content-sha256", SIGNED),
        ("x-amz-decoded-content-length", "5"),
        ("authorization", AUTHORIZATION),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let query = Query::default();
    let candidates = [ResourceName {
        bucket: Some("bkt".to_owned()),
        key: Some(b"k".to_vec()),
    }];
    let head = SignedHead {
        method: &Method::PUT,
        headers: &headers,
        query: &query,
        raw_query: "",
        raw_path: "/bkt/k",
        candidates: &candidates,
        hosts: &[],
    };
    match Verifier::default().authenticate(&head, &*USED, NOW) {
        Ok(Authentication::Signed(signed)) => signed.chunks.expect("its chunks are signed"),
        other => panic!("{other:?}"),
    }
});

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=LTAI5tExampleKeyId/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length, Signature=f71d461a4570a23fc879db68b2d2ae946a8f9fe0819c6b75c297e11ddf438558";
