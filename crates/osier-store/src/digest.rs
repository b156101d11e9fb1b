//! Checksums of bodies: MD5, CRC-64/XZ and, where signed, SHA-256, each byte once.
//!
//! Bodies of more than [`INLINE_MAX`] are hashed on the pool for blocking work,
//! in batches that overlap with receiving and writing.

use std::mem;

use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Xz;
use md5::{Digest as _, Md5};
use osier_types::{Crc64, Fault, FaultKind};
use sha2::Sha256;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bodies up to this many bytes are hashed where they are.
const INLINE_MAX: usize = 16 * 1024;
/// Bytes hashed in one go; at most one batch runs and one more waits.
const BATCH: usize = 512 * 1024;

/// The checksums of a whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) md5: osier_types::Md5,
    pub(crate) crc64: Crc64,
    pub(crate) sha256: Option<[u8; 32]>,
}

/// Checksums of a body that is still coming in.
pub(crate) struct Hashing {
    hasher: State,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

enum State {
    Here(Box<Hasher>),
    Running(JoinHandle<Box<Hasher>>),
    Lost,
}

struct Hasher {
    md5: Md5,
    crc64: crc_fast::Digest,
    sha256: Option<Sha256>,
}

impl Hashing {
    pub(crate) fn new(sha256: bool) -> Self {
        Self {
            hasher: State::Here(Box::new(Hasher {
                md5: Md5::new(),
                crc64: crc_fast::Digest::new(Crc64Xz),
                sha256: sha256.then(Sha256::new),
            })),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes more bytes; waits while a whole batch is already waiting.
    pub(crate) async fn feed(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push(bytes);
        if self.waiting_bytes >= BATCH {
            self.start().await?;
        }
        Ok(())
    }

    /// Begins with everything that waits, so that [`Self::finish`] finds it done.
    pub(crate) async fn start(&mut self) -> Result<(), Fault> {
        if self.waiting_bytes <= INLINE_MAX {
            return Ok(());
        }
        let mut hasher = self.idle().await?;
        let batch = mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.hasher = State::Running(spawn_blocking(move || {
            hasher.update(&batch);
            hasher
        }));
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<Digests, Fault> {
        self.start().await?;
        let mut hasher = self.idle().await?;
        hasher.update(&self.waiting);
        Ok(Digests {
            md5: hasher.md5.finalize().into(),
            crc64: hasher.crc64.finalize(),
            sha256: hasher.sha256.map(|sha256| sha256.finalize().into()),
        })
    }

    async fn idle(&mut self) -> Result<Box<Hasher>, Fault> {
        match mem::replace(&mut self.hasher, State::Lost) {
            State::Here(hasher) => Ok(hasher),
            State::Running(task) => task
                .await
                .map_err(|error| Fault::new(FaultKind::Internal).because(error)),
            State::Lost => Err(FaultKind::Internal.into()),
        }
    }
}

impl Hasher {
    fn update(&mut self, batch: &[Bytes]) {
        for bytes in batch {
            self.md5.update(bytes);
            self.crc64.update(bytes);
            if let Some(sha256) = &mut self.sha256 {
                sha256.update(bytes);
            }
        }
    }
}

/// The checksum of `first` and then `second`, which has `second_length` bytes.
pub(crate) fn combine(first: Crc64, second: Crc64, second_length: u64) -> Crc64 {
    if second_length == 0 {
        return first;
    }
    crc_fast::checksum_combine(Crc64Xz, first, second, second_length)
}

/// MD5 of something short.
pub(crate) fn md5_of(parts: &[&[u8]]) -> osier_types::Md5 {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    md5.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn digests(chunks: &[&[u8]]) -> Digests {
        let mut hashing = Hashing::new(true);
        for chunk in chunks {
            hashing.feed(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        hashing.finish().await.unwrap()
    }

    /// The check values of the reference, section 4.
    #[tokio::test]
    async fn crc64_check_values() {
        for (text, crc64) in [
            (&b""[..], 0),
            (b"a", 3_675_645_893_302_102_789),
            (b"hello", 11_177_612_005_948_864_433),
            (b"123456789", 11_051_210_869_376_104_954),
            (&[0; 32], 14_509_182_247_117_337_356),
        ] {
            assert_eq!(digests(&[text]).await.crc64, crc64);
            for middle in 0..text.len() {
                let (first, second) = text.split_at(middle);
                let length = second.len().try_into().unwrap();
                let halves = (
                    digests(&[first]).await.crc64,
                    digests(&[second]).await.crc64,
                );
                assert_eq!(combine(halves.0, halves.1, length), crc64);
            }
        }
    }

    #[tokio::test]
    async fn batches_do_not_change_the_result() {
        let body: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let whole = digests(&[&body]).await;
        for size in [1000, 16_384, 70_000, 1_048_576] {
            let chunks: Vec<&[u8]> = body.chunks(size).collect();
            assert_eq!(digests(&chunks).await, whole);
        }
        assert_eq!(whole.sha256.unwrap()[..], Sha256::digest(&body)[..]);
    }
}
