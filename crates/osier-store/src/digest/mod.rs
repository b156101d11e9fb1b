//! Checksums of bodies: MD5, CRC-64/XZ and, where signed or asked for, others, each byte once.
//!
//! MD5 and SHA-256 of bodies of more than [`INLINE_MAX`] are reckoned by the [`Mill`], in
//! batches that overlap with receiving and writing.

mod lanes;
mod mill;

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Xz;
use osier_types::{Checksum, ChecksumAlgorithm, Crc64, Fault, FaultKind};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use lanes::Md5;
pub(crate) use mill::Mill;
use mill::Work;

use crate::body::ObjectBody;
use crate::checksum::{Reckoner, is_cheap};

/// Bodies up to this many bytes are hashed where they arrive.
const INLINE_MAX: usize = 16 * 1024;
/// Bytes handed over in one go.
const BATCH: usize = 256 * 1024;
/// Bytes handed over and not hashed yet, beyond which feeding waits. Several batches,
/// so that the hashing thread needn't wait while more is received.
const AHEAD: usize = 1024 * 1024;

/// The checksums of a whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) md5: osier_types::Md5,
    pub(crate) crc64: Crc64,
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) checksum: Option<Checksum>,
}

/// What to reckon beside MD5 and CRC-64/XZ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside {
    /// For a signed payload.
    pub(crate) sha256: bool,
    /// For S3.
    pub(crate) checksum: Option<ChecksumAlgorithm>,
}

/// Checksums of a body that is still coming in.
pub(crate) struct Hashing {
    /// Cheap, so it is reckoned where the bytes arrive, while they are near the
    /// processor. MD5 alone decides how fast one long body can be.
    crc64: crc_fast::Digest,
    /// Cheap too.
    crc: Option<Reckoner>,
    beside: Beside,
    mill: Mill,
    shared: Arc<Shared>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

/// What the receiving task and the hashing thread share.
struct Shared {
    queue: Mutex<Queue>,
    /// A batch is done, or the hasher is back.
    progress: Notify,
}

struct Queue {
    batches: VecDeque<Vec<Bytes>>,
    /// Of the batches, and of the one that is being hashed.
    bytes: usize,
    hasher: Place,
}

enum Place {
    Here(Box<Hasher>),
    Running,
    Lost,
}

struct Hasher {
    md5: Md5,
    sha256: Option<Sha256>,
    sha1: Option<Reckoner>,
}

impl Hashing {
    pub(crate) fn new(mill: &Mill, beside: Beside) -> Self {
        let asked = beside.checksum;
        let sha256 = beside.sha256 || asked == Some(ChecksumAlgorithm::Sha256);
        let sha1 = asked.filter(|asked| *asked == ChecksumAlgorithm::Sha1);
        let hasher = Box::new(Hasher {
            md5: Md5::new(),
            // Whoever asks for it, it is reckoned once.
            sha256: sha256.then(Sha256::new),
            sha1: sha1.map(Reckoner::new),
        });
        Self {
            crc64: crc_fast::Digest::new(Crc64Xz),
            crc: asked.filter(|asked| is_cheap(*asked)).map(Reckoner::new),
            beside,
            mill: mill.clone(),
            shared: Arc::new(Shared {
                queue: Mutex::new(Queue {
                    batches: VecDeque::new(),
                    bytes: 0,
                    hasher: Place::Here(hasher),
                }),
                progress: Notify::new(),
            }),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes more bytes; waits while too many wait already.
    pub(crate) async fn feed(&mut self, bytes: Bytes) -> Result<(), Fault> {
        self.crc64.update(&bytes);
        if let Some(crc) = &mut self.crc {
            crc.update(&bytes);
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push(bytes);
        if self.waiting_bytes >= BATCH {
            self.start();
            while self.shared.check_queue()?.bytes > AHEAD {
                self.shared.progress.notified().await;
            }
        }
        Ok(())
    }

    /// Begins with everything that waits, so that [`Self::finish`] finds it done.
    pub(crate) fn start(&mut self) {
        if self.waiting_bytes <= INLINE_MAX {
            return;
        }
        let mut queue = self.shared.queue();
        queue.bytes = queue
            .bytes
            .saturating_add(mem::take(&mut self.waiting_bytes));
        queue.batches.push_back(mem::take(&mut self.waiting));
        if matches!(queue.hasher, Place::Here(_))
            && let Place::Here(hasher) = mem::replace(&mut queue.hasher, Place::Running)
        {
            drop(queue);
            self.mill.add(Work::new(&self.shared, hasher));
        }
    }

    pub(crate) async fn finish(mut self) -> Result<Digests, Fault> {
        self.start();
        let mut hasher = loop {
            {
                let mut queue = self.shared.check_queue()?;
                if matches!(queue.hasher, Place::Here(_))
                    && let Place::Here(hasher) = mem::replace(&mut queue.hasher, Place::Lost)
                {
                    break hasher;
                }
            }
            self.shared.progress.notified().await;
        };
        for bytes in &self.waiting {
            hasher.md5.update(bytes);
        }
        hasher.update_others(&self.waiting);
        let sha256 = hasher.sha256.map(|sha256| sha256.finalize().into());
        let checksum = match self.beside.checksum {
            Some(ChecksumAlgorithm::Sha256) => sha256.map(Checksum::Sha256),
            _ => self.crc.take().or(hasher.sha1).map(Reckoner::finish),
        };
        Ok(Digests {
            md5: hasher.md5.finish(),
            crc64: self.crc64.finalize(),
            sha256: sha256.filter(|_| self.beside.sha256),
            checksum,
        })
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        // Nobody wants to know any more.
        self.shared.queue().batches.clear();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_queue(&self) -> Result<MutexGuard<'_, Queue>, Fault> {
        let queue = self.queue();
        if matches!(queue.hasher, Place::Lost) {
            return Err(FaultKind::Internal.into());
        }
        Ok(queue)
    }
}

impl Hasher {
    /// All but MD5.
    fn update_others(&mut self, batch: &[Bytes]) {
        for bytes in batch {
            if let Some(sha256) = &mut self.sha256 {
                sha256.update(bytes);
            }
            if let Some(sha1) = &mut self.sha1 {
                sha1.update(bytes);
            }
        }
    }
}

/// The checksums of bytes that are stored.
pub(crate) async fn of_body(
    mill: &Mill,
    mut body: ObjectBody,
    checksum: Option<ChecksumAlgorithm>,
) -> Result<Digests, Fault> {
    let sha256 = false;
    let mut hashing = Hashing::new(mill, Beside { sha256, checksum });
    while let Some(bytes) = body.next().await? {
        hashing.feed(bytes).await?;
    }
    hashing.finish().await
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
    md5.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::checksum_of;

    async fn digests(chunks: &[&[u8]]) -> Digests {
        digests_with(chunks, None).await
    }

    async fn digests_with(chunks: &[&[u8]], checksum: Option<ChecksumAlgorithm>) -> Digests {
        let sha256 = true;
        let mut hashing = Hashing::new(&Mill::default(), Beside { sha256, checksum });
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
        for algorithm in ChecksumAlgorithm::ALL {
            let chunks: Vec<&[u8]> = body.chunks(70_000).collect();
            let digests = digests_with(&chunks, Some(algorithm)).await;
            assert_eq!(digests.checksum, Some(checksum_of(algorithm, &body)));
        }
    }

    /// As when the pool ends before it comes to the work.
    #[tokio::test]
    async fn a_hasher_that_never_ran_fails_the_body() {
        let hashing = Hashing::new(&Mill::default(), Beside::default());
        let place = mem::replace(&mut hashing.shared.queue().hasher, Place::Running);
        let Place::Here(hasher) = place else {
            panic!("the hasher is away");
        };
        drop(Work::new(&hashing.shared, hasher));
        assert!(hashing.finish().await.is_err());
    }
}
