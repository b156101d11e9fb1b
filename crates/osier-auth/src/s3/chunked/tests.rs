use http::{HeaderMap, HeaderName, HeaderValue};
use osier_types::Checksum;
use proptest::prelude::*;

use super::*;
use crate::Secret;
use crate::signing_keys::{Derivation, Scope, derive};

/// The example of the S3 API reference, "Transferring Payload in Multiple Chunks".
const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const FIRST: &str = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
const SECOND: &str = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497";
const LAST: &str = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9";
/// The same with a trailer.
const TRAILING: [&str; 5] = [
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
];

fn signer(seed: &str) -> Box<ChunkSigner> {
    let scope = Scope {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        date: "20130524",
        region: "us-east-1",
        product: "s3",
        derivation: Derivation::Aws,
    };
    let secret = Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let text = "20130524/us-east-1/s3/aws4_request";
    let key = derive(&scope, &secret);
    Box::new(ChunkSigner::new(key, "20130524T000000Z", text, seed))
}

fn framing(signed: bool, trailer: Option<ChecksumAlgorithm>, decoded_length: u64) -> Framing {
    Framing {
        signed,
        trailer,
        decoded_length,
    }
}

/// What a decoder makes of a body that comes in pieces of `step` bytes.
fn decode(mut decoder: Decoder, body: &[u8], step: usize) -> Result<(Vec<u8>, Decoder), Fault> {
    let mut out = Vec::new();
    for piece in body.chunks(step.max(1)) {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(bytes) = decoder.next_piece()? {
            assert!(!bytes.is_empty());
            out.extend_from_slice(&bytes);
        }
    }
    decoder.close()?;
    Ok((out, decoder))
}

fn signed_body(first: &str, second: &str, last: &str) -> Vec<u8> {
    [
        format!("10000;chunk-signature={first}\r\n").into_bytes(),
        vec![b'a'; 65_536],
        format!("\r\n400;chunk-signature={second}\r\n").into_bytes(),
        vec![b'a'; 1024],
        format!("\r\n0;chunk-signature={last}\r\n\r\n").into_bytes(),
    ]
    .concat()
}

fn signed_decoder() -> Decoder {
    Decoder::new(framing(true, None, 66_560), Some(signer(SEED))).unwrap()
}

#[test]
fn the_reference_signs_chunks() {
    let body = signed_body(FIRST, SECOND, LAST);
    for step in [1, 2, 7, 86, 4096, 65_536, 1 << 20] {
        let (out, _) = decode(signed_decoder(), &body, step).unwrap();
        assert_eq!(out, vec![b'a'; 66_560]);
    }
}

#[test]
fn s04_every_chunk_is_checked() {
    for body in [
        signed_body(SECOND, SECOND, LAST),
        signed_body(FIRST, FIRST, LAST),
        signed_body(FIRST, SECOND, SECOND),
        signed_body(FIRST, SECOND, &LAST.to_uppercase()),
    ] {
        let fault = decode(signed_decoder(), &body, 4096).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::SignatureDoesNotMatch(_)));
    }
    let mut spoiled = signed_body(FIRST, SECOND, LAST);
    spoiled[1000] = b'b';
    assert!(matches!(
        decode(signed_decoder(), &spoiled, 4096).unwrap_err().kind,
        FaultKind::SignatureDoesNotMatch(_)
    ));
    // A chunk left out, and one repeated.
    let whole = signed_body(FIRST, SECOND, LAST);
    let second = 5 + 17 + 64 + 2 + 65_536 + 2;
    let without = [
        &whole[..second],
        &whole[second + 3 + 17 + 64 + 2 + 1024 + 2..],
    ]
    .concat();
    assert!(decode(signed_decoder(), &without, 4096).is_err());
    let other_seed = Decoder::new(framing(true, None, 66_560), Some(signer(FIRST))).unwrap();
    assert!(decode(other_seed, &whole, 4096).is_err());
}

fn trailing_body(end: &str) -> Vec<u8> {
    let [_, first, second, last, _] = TRAILING;
    let mut body = signed_body(first, second, last);
    body.truncate(body.len() - 2);
    body.extend_from_slice(end.as_bytes());
    body
}

fn trailing_decoder() -> Decoder {
    let framing = framing(true, Some(ChecksumAlgorithm::Crc32c), 66_560);
    Decoder::new(framing, Some(signer(TRAILING[0]))).unwrap()
}

#[test]
fn the_reference_signs_a_trailer() {
    let signature = TRAILING[4];
    for end in [
        format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n\r\n"),
        // minio-go.
        format!("x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:{signature}\r\n\r\n"),
        format!("X-Amz-Checksum-Crc32c: sOO8/Q== \r\nx-amz-trailer-signature:{signature}\r\n\r\n"),
    ] {
        for step in [1, 100, 1 << 20] {
            let (out, decoder) = decode(trailing_decoder(), &trailing_body(&end), step).unwrap();
            assert_eq!(out.len(), 66_560);
            let checksum = Checksum::parse(ChecksumAlgorithm::Crc32c, "sOO8/Q==");
            assert_eq!(decoder.trailer(), checksum);
        }
    }
}

#[test]
fn s04_a_trailer_is_what_was_announced_and_signed() {
    let signature = TRAILING[4];
    for end in [
        "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n".to_owned(),
        "\r\n".to_owned(),
        format!("x-amz-trailer-signature:{signature}\r\n\r\n"),
        format!("x-amz-checksum-crc32c:sOO8/R==\r\nx-amz-trailer-signature:{signature}\r\n\r\n"),
        format!("x-amz-checksum-crc32:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n\r\n"),
        format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{SEED}\r\n\r\n"),
        format!(
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\
             x-amz-trailer-signature:{signature}\r\n\r\n"
        ),
        format!(
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n\
             x-amz-meta-a:b\r\n\r\n"
        ),
        format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n\r\nx"),
        format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n"),
    ] {
        assert!(
            decode(trailing_decoder(), &trailing_body(&end), 4096).is_err(),
            "{end}"
        );
    }
}

fn plain(trailer: Option<ChecksumAlgorithm>, length: u64) -> Decoder {
    Decoder::new(framing(false, trailer, length), None).unwrap()
}

#[test]
fn trailers_without_signatures() {
    // As botocore writes it, and as minio-go does.
    for body in [
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n",
        "2\r\nhe\r\n003\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    ] {
        for step in [1, 3, 100] {
            let decoder = plain(Some(ChecksumAlgorithm::Crc32), 5);
            let (out, decoder) = decode(decoder, body.as_bytes(), step).unwrap();
            assert_eq!(out, b"hello");
            assert!(matches!(decoder.trailer(), Some(Checksum::Crc32(_))));
        }
    }
    let (out, _) = decode(plain(None, 0), b"0\r\n\r\n", 1).unwrap();
    assert!(out.is_empty());
}

#[test]
fn s35_bad_framing_is_told() {
    for (length, body) in [
        (5, "5\r\nhello\r\n0\r\n"),
        (5, "5\r\nhello\r\n"),
        (5, "5\r\nhel"),
        (5, "5"),
        (5, ""),
        (5, "5\r\nhello0\r\n\r\n"),
        (5, "5\r\nhello!\r\n0\r\n\r\n"),
        (5, "4\r\nhello\r\n0\r\n\r\n"),
        (5, "6\r\nhello\r\n0\r\n\r\n"),
        (6, "5\r\nhello\r\n0\r\n\r\n"),
        (4, "5\r\nhello\r\n0\r\n\r\n"),
        (5, "5\nhello\n0\n\n"),
        (5, "+5\r\nhello\r\n0\r\n\r\n"),
        (5, "0x5\r\nhello\r\n0\r\n\r\n"),
        (5, "-1\r\nhello\r\n0\r\n\r\n"),
        (5, " 5\r\nhello\r\n0\r\n\r\n"),
        (5, "\r\nhello\r\n0\r\n\r\n"),
        (5, "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        (5, "ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        (5, "5;a=b\r\nhello\r\n0\r\n\r\n"),
        (5, "5;chunk-signature=0\r\nhello\r\n0\r\n\r\n"),
        (5, "5\r\nhello\r\n0\r\n\r\n0\r\n\r\n"),
        (
            5,
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        ),
    ] {
        for step in [1, 1000] {
            let answer = decode(plain(None, length), body.as_bytes(), step);
            assert!(answer.is_err(), "{length} {body:?}");
        }
    }
    let unsigned = decode(signed_decoder(), b"5\r\nhello\r\n0\r\n\r\n", 100);
    assert!(matches!(
        unsigned.unwrap_err().kind,
        FaultKind::MalformedChunk { .. }
    ));
    assert!(Decoder::new(framing(true, None, 5), None).is_err());
}

#[test]
fn s36_lines_are_bounded() {
    let mut decoder = plain(None, 5);
    decoder.push(Bytes::from(vec![b'0'; CHUNK_HEAD_BYTES_MAX + 1]));
    assert!(decoder.next_piece().is_err());
    let mut decoder = plain(Some(ChecksumAlgorithm::Crc32), 0);
    decoder.push(Bytes::from_static(b"0\r\n"));
    assert!(decoder.next_piece().unwrap().is_none());
    let mut fed = 0;
    while fed <= CHUNK_TRAILER_BYTES_MAX {
        decoder.push(Bytes::from_static(b"\n\r\n"));
        fed += 3;
        if decoder.next_piece().is_err() {
            return;
        }
    }
    panic!("an endless trailer passed");
}

#[test]
fn heads_tell_the_framing() {
    let of = |fields: &[(&str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Framing::of(&headers)
    };
    let sha = "x-amz-content-sha256";
    assert_eq!(of(&[(sha, "UNSIGNED-PAYLOAD")]).unwrap(), None);
    assert_eq!(of(&[("content-encoding", "aws-chunked")]).unwrap(), None);
    let length = (DECODED_LENGTH, "5");
    let crc32 = Some(ChecksumAlgorithm::Crc32);
    assert_eq!(
        of(&[(sha, SIGNED), length]).unwrap(),
        Some(framing(true, None, 5))
    );
    let trailer = (TRAILER, "x-amz-checksum-crc32");
    assert_eq!(
        of(&[(sha, UNSIGNED_TRAILER), length, trailer]).unwrap(),
        Some(framing(false, crc32, 5))
    );
    assert_eq!(
        of(&[(sha, SIGNED_TRAILER), length, trailer]).unwrap(),
        Some(framing(true, crc32, 5))
    );
    let encoded = ("content-encoding", "gzip, aws-chunked");
    assert_eq!(
        of(&[encoded, length, trailer]).unwrap(),
        Some(framing(false, crc32, 5))
    );
    assert!(matches!(
        of(&[(sha, SIGNED)]).unwrap_err().kind,
        FaultKind::MissingContentLength
    ));
    assert!(of(&[(sha, SIGNED), (DECODED_LENGTH, "-5")]).is_err());
    let odd = (TRAILER, "x-amz-meta-a");
    assert!(of(&[(sha, UNSIGNED_TRAILER), length, odd]).is_err());
}

proptest! {
    /// However a body is cut, on the wire and into chunks, it is the same body.
    #[test]
    fn chunks_put_together_are_the_body(
        body in prop::collection::vec(any::<u8>(), 0..3000),
        sizes in prop::collection::vec(1..700_usize, 1..20),
        step in 1..500_usize,
    ) {
        let mut framed = Vec::new();
        let mut rest = body.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*size).min(rest.len()));
            framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
            rest = tail;
        }
        framed.extend_from_slice(b"0\r\n\r\n");
        let length = u64::try_from(body.len()).unwrap();
        let (out, _) = decode(plain(None, length), &framed, step).unwrap();
        prop_assert_eq!(&out, &body);
        // One byte less is not the body.
        framed.pop();
        prop_assert!(decode(plain(None, length), &framed, step).is_err());
    }

    #[test]
    fn s35_any_bytes_are_borne(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        signed in any::<bool>(),
        length in 0..1000_u64,
        step in 1..50_usize,
    ) {
        let framing = framing(signed, Some(ChecksumAlgorithm::Sha256), length);
        let signer = signed.then(|| signer(SEED));
        let decoder = Decoder::new(framing, signer).unwrap();
        prop_assert!(decode(decoder, &bytes, step).is_err());
    }
}
