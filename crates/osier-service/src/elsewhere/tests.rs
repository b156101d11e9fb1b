use bytes::Bytes;
use osier_auth::chunked::Framing;
use osier_store::checksum_of;
use osier_types::{Checksum, ChecksumAlgorithm, ChecksumPromise, FaultKind};
use osier_wire::{Dialect, DialectChoice};
use proptest::prelude::*;

use super::ElsewhereRequest;
use super::body::{CheckedBody, Checks};
use super::reading::read;
use crate::chunked::Unframed;

const ALGORITHM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32c;

fn framed(pieces: &[&[u8]], trailer: &Checksum) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        body.extend_from_slice(piece);
        body.extend_from_slice(b"\r\n");
    }
    let line = format!("0\r\n{}:{}\r\n\r\n", ALGORITHM.header(), trailer.base64());
    body.extend_from_slice(line.as_bytes());
    body
}

fn checks(length: usize, promised: ChecksumPromise, is_framed: bool) -> Checks {
    let framing = Framing {
        signed: false,
        trailer: Some(ALGORITHM),
        decoded_length: length as u64,
    };
    Checks {
        unframed: is_framed.then(|| Unframed::new(framing, None).unwrap()),
        length: Some(length as u64),
        promised: Some(promised),
        payload: None,
    }
}

/// What is sent of a body that comes in steps of so many bytes, and how it ended.
fn sent(mut body: CheckedBody, came: &[u8], step: usize) -> (Vec<u8>, Result<(), FaultKind>) {
    let mut out = Vec::new();
    let findings = body.findings();
    let mut run = || -> Result<(), super::BodyRefused> {
        for piece in came.chunks(step.max(1)) {
            body.push(Bytes::copy_from_slice(piece));
            while let Some(bytes) = body.take()? {
                out.extend_from_slice(&bytes);
            }
        }
        body.close()?;
        while let Some(bytes) = body.take()? {
            out.extend_from_slice(&bytes);
        }
        Ok(())
    };
    let ended = run();
    let fault = findings.fault().map(|fault| fault.kind);
    assert_eq!(ended.is_err(), fault.is_some());
    (out, fault.map_or(Ok(()), Err))
}

proptest! {
    #[test]
    fn a_right_body_is_sent_whole(
        first in proptest::collection::vec(any::<u8>(), 0..40_000),
        second in proptest::collection::vec(any::<u8>(), 1..200),
        step in 1_usize..50_000,
    ) {
        let content = [first.as_slice(), &second].concat();
        let sum = checksum_of(ALGORITHM, &content);
        let trailing = ChecksumPromise::Trailing(ALGORITHM);
        let body = CheckedBody::new(checks(content.len(), trailing, true));
        let (out, ended) = sent(body, &framed(&[&first, &second], &sum), step);
        prop_assert_eq!(ended, Ok(()));
        prop_assert_eq!(&out, &content);
        let body = CheckedBody::new(checks(content.len(), ChecksumPromise::Sent(sum), false));
        let (out, ended) = sent(body, &content, step);
        prop_assert_eq!(ended, Ok(()));
        prop_assert_eq!(out, content);
    }

    #[test]
    fn a_wrong_body_is_never_sent_whole(
        content in proptest::collection::vec(any::<u8>(), 1..40_000),
        step in 1_usize..50_000,
        cut in 1_usize..60,
    ) {
        let right = checksum_of(ALGORITHM, &content);
        let wrong = checksum_of(ALGORITHM, &[content.as_slice(), b"x"].concat());
        let whole = framed(&[&content], &right);
        let trailing = ChecksumPromise::Trailing(ALGORITHM);
        let cases = [
            (framed(&[&content], &wrong), trailing, true),
            (whole[..whole.len() - cut.min(whole.len() - 1)].to_vec(), trailing, true),
            (content.clone(), ChecksumPromise::Sent(wrong), false),
        ];
        for (came, promised, is_framed) in cases {
            let body = CheckedBody::new(checks(content.len(), promised, is_framed));
            let (out, ended) = sent(body, &came, step);
            prop_assert!(ended.is_err());
            prop_assert!(out.len() < content.len());
        }
    }
}

#[test]
fn a_signed_digest_is_held_against_the_bytes() {
    let digest = |bytes: &[u8]| match checksum_of(ChecksumAlgorithm::Sha256, bytes) {
        Checksum::Sha256(digest) => digest,
        other => panic!("{other:?}"),
    };
    for (signed, is_right) in [(b"content", true), (b"CONTENT", false)] {
        let body = CheckedBody::new(Checks {
            unframed: None,
            length: Some(7),
            promised: None,
            payload: Some(digest(signed)),
        });
        let (out, ended) = sent(body, b"content", 3);
        assert_eq!(ended.is_ok(), is_right);
        assert_eq!(out.len() == 7, is_right);
    }
}

#[test]
fn the_bucket_is_in_one_place() {
    const S3: &str = "AWS4-HMAC-SHA256 x";
    const OSS: &str = "OSS4-HMAC-SHA256 x";
    for (authorization, host, names_bucket, target, bucket, key) in [
        (S3, "s3.example.com", false, "/photos/a/b", "photos", "a/b"),
        (
            S3,
            "photos.s3.example.com:81",
            true,
            "/photos/a",
            "photos",
            "photos/a",
        ),
        // Without the endpoint among the site's hosts: where it is found first.
        (S3, "photos.example.com", false, "/photos/a", "photos", "a"),
        (S3, "photos.example.com", false, "/a/b", "photos", "a/b"),
        (S3, "PHOTOS.example.com", false, "/a", "photos", "a"),
        (S3, "photos", false, "/a", "photos", "a"),
        (S3, "photoshop.example.com", false, "/a/b", "a", "b"),
        (S3, "10.0.0.1:80", false, "/photos/a", "photos", "a"),
        (S3, "s3.example.com", false, "/other/a", "other", "a"),
        // To OSS every host of the site is the bucket's own domain.
        (
            OSS,
            "s3.example.com",
            false,
            "/photos/a",
            "photos",
            "photos/a",
        ),
    ] {
        let head = http::Request::get(target)
            .header("host", host)
            .header("authorization", authorization);
        let head = head.body(()).unwrap().into_parts().0;
        let request = ElsewhereRequest {
            head: &head,
            peer: "127.0.0.1:1".parse().unwrap(),
            secure: false,
            bucket: "photos",
            host_names_bucket: names_bucket,
            origin: Dialect::Oss,
            owner: "1",
        };
        let (addressed, _) = read(&request, DialectChoice::default()).unwrap();
        let address = &addressed.candidates[0];
        assert_eq!(address.bucket.as_deref(), Some(bucket), "{host} {target}");
        assert_eq!(
            address.key.as_deref(),
            Some(key.as_bytes()),
            "{host} {target}"
        );
    }
}
