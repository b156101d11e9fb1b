//! Bodies that are read whole: documents of a few kilobytes, never objects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use md5::{Digest as _, Md5};
use osier_store::{ByteSource, checksum_of};
use osier_types::{Checksum, Fault, FaultKind};
use sha2::Sha256;

/// Reads a whole document of at most `max_bytes`.
pub(crate) async fn read_document(
    source: &mut dyn ByteSource,
    max_bytes: usize,
) -> Result<Bytes, Fault> {
    let mut document = BytesMut::new();
    while let Some(chunk) = source.next().await? {
        if document.len() + chunk.len() > max_bytes {
            let max = u64::try_from(max_bytes).unwrap_or(u64::MAX);
            return Err(FaultKind::EntityTooLarge { max }.into());
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document.freeze())
}

/// Checks a document against the digests that came with it.
pub(crate) fn check_document(
    headers: &HeaderMap,
    document: &[u8],
    payload_sha256: Option<[u8; 32]>,
    checksums: impl IntoIterator<Item = Checksum>,
) -> Result<(), Fault> {
    if let Some(sent) = headers.get("content-md5") {
        let sent = BASE64.decode(sent.as_bytes().trim_ascii());
        let sent: [u8; 16] = sent
            .ok()
            .and_then(|digest| digest.try_into().ok())
            .ok_or(FaultKind::InvalidDigest)?;
        if sent != <[u8; 16]>::from(Md5::digest(document)) {
            return Err(FaultKind::ChecksumMismatch {
                name: "Content-MD5",
            }
            .into());
        }
    }
    if payload_sha256.is_some_and(|signed| signed != <[u8; 32]>::from(Sha256::digest(document))) {
        return Err(FaultKind::PayloadDigestMismatch.into());
    }
    for sent in checksums {
        let algorithm = sent.algorithm();
        if checksum_of(algorithm, document) != sent {
            return Err(FaultKind::ChecksumMismatch {
                name: algorithm.header(),
            }
            .into());
        }
    }
    Ok(())
}
