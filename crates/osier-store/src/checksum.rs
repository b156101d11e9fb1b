//! The checksums that S3 clients send beside MD5: reckoned while a body comes in, and put
//! together from those of parts.

use crc_fast::CrcAlgorithm;
use osier_types::{
    Checksum, ChecksumAlgorithm, ChecksumPlan, ChecksumType, Fault, FaultKind, ObjectChecksum,
};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// A checksum of bytes that are still coming in.
#[derive(Debug)]
pub struct Reckoner(State);

#[derive(Debug)]
enum State {
    Crc(ChecksumAlgorithm, crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Reckoner {
    /// Of no bytes yet.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let crc = |polynomial| State::Crc(algorithm, crc_fast::Digest::new(polynomial));
        Self(match algorithm {
            ChecksumAlgorithm::Sha1 => State::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            ChecksumAlgorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
        })
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc(_, digest) => digest.update(bytes),
            State::Sha1(digest) => digest.update(bytes),
            State::Sha256(digest) => digest.update(bytes),
        }
    }

    /// Of all that came.
    #[must_use]
    pub fn finish(self) -> Checksum {
        match self.0 {
            State::Crc(algorithm, digest) => of_crc(algorithm, digest.finalize()),
            State::Sha1(digest) => Checksum::Sha1(digest.finalize().into()),
            State::Sha256(digest) => Checksum::Sha256(digest.finalize().into()),
        }
    }
}

/// Whether it costs so little that it is reckoned where the bytes arrive.
pub(crate) fn is_cheap(algorithm: ChecksumAlgorithm) -> bool {
    match algorithm {
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c | ChecksumAlgorithm::Crc64Nvme => true,
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => false,
    }
}

/// The checksum of something short.
pub fn checksum_of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Checksum {
    let mut reckoner = Reckoner::new(algorithm);
    reckoner.update(bytes);
    reckoner.finish()
}

/// The checksum of an object from those of its parts, each with the part's length.
///
/// Without a plan it is that of all bytes, when every part has one that can be put together.
/// `None` when there is none to tell.
pub(crate) fn of_parts(
    plan: Option<ChecksumPlan>,
    parts: &[(Option<Checksum>, u64)],
) -> Option<ObjectChecksum> {
    let checksums: Option<Vec<(Checksum, u64)>> = parts
        .iter()
        .map(|(checksum, length)| checksum.map(|checksum| (checksum, *length)))
        .collect();
    let checksums = checksums?;
    let algorithm = match plan {
        Some(plan) => plan.algorithm,
        None => checksums.first()?.0.algorithm(),
    };
    if checksums
        .iter()
        .any(|(checksum, _)| checksum.algorithm() != algorithm)
    {
        return None;
    }
    match plan.map_or(ChecksumType::FullObject, |plan| plan.kind) {
        ChecksumType::Composite => {
            let bytes: Vec<u8> = checksums
                .iter()
                .flat_map(|(checksum, _)| checksum.bytes())
                .collect();
            Some(ObjectChecksum {
                checksum: checksum_of(algorithm, &bytes),
                parts: u16::try_from(checksums.len()).ok(),
            })
        }
        ChecksumType::FullObject => {
            let ((first, _), rest) = checksums.split_first()?;
            let whole = rest.iter().try_fold(*first, |whole, (next, length)| {
                combine(&whole, next, *length)
            })?;
            Some(ObjectChecksum {
                checksum: whole,
                parts: None,
            })
        }
    }
}

/// Refuses an object whose checksum is not the one that the client expects.
pub(crate) fn check_sent(
    sent: Option<&(ChecksumAlgorithm, String)>,
    object: Option<&ObjectChecksum>,
) -> Result<(), Fault> {
    let Some((algorithm, text)) = sent else {
        return Ok(());
    };
    match object {
        Some(object) if object.checksum.algorithm() == *algorithm && object.matches(text) => Ok(()),
        _ => Err(FaultKind::ChecksumMismatch {
            name: algorithm.header(),
        }
        .into()),
    }
}

/// The checksum of some bytes and `length` more; `None` for digests, which don't tell.
fn combine(first: &Checksum, second: &Checksum, length: u64) -> Option<Checksum> {
    let combined = |polynomial, one: u64, two: u64| match length {
        0 => one,
        length => crc_fast::checksum_combine(polynomial, one, two, length),
    };
    let crc = match (first, second) {
        (Checksum::Crc32(one), Checksum::Crc32(two)) => {
            combined(CrcAlgorithm::Crc32IsoHdlc, (*one).into(), (*two).into())
        }
        (Checksum::Crc32c(one), Checksum::Crc32c(two)) => {
            combined(CrcAlgorithm::Crc32Iscsi, (*one).into(), (*two).into())
        }
        (Checksum::Crc64Nvme(one), Checksum::Crc64Nvme(two)) => {
            combined(CrcAlgorithm::Crc64Nvme, *one, *two)
        }
        _ => return None,
    };
    Some(of_crc(first.algorithm(), crc))
}

fn of_crc(algorithm: ChecksumAlgorithm, crc: u64) -> Checksum {
    // The library tells CRCs of 32 bits in the lower half.
    let low = || u32::try_from(crc & u64::from(u32::MAX)).unwrap_or_default();
    match algorithm {
        ChecksumAlgorithm::Crc32 => Checksum::Crc32(low()),
        ChecksumAlgorithm::Crc32c => Checksum::Crc32c(low()),
        _ => Checksum::Crc64Nvme(crc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `123456789`, as catalogues of CRCs and the standards of the digests tell.
    #[test]
    fn check_values() {
        for (algorithm, base64) in [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
            (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (
                ChecksumAlgorithm::Sha256,
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            ),
        ] {
            let checksum = checksum_of(algorithm, b"123456789");
            assert_eq!(checksum.base64(), base64, "{algorithm:?}");
        }
    }

    #[test]
    fn parts_make_the_whole() {
        let body = b"The quick brown fox jumps over the lazy dog";
        for algorithm in ChecksumAlgorithm::ALL {
            for cut in [0, 1, 20, body.len()] {
                let (first, second) = body.split_at(cut);
                let part = |bytes: &[u8]| {
                    let length = u64::try_from(bytes.len()).unwrap();
                    (Some(checksum_of(algorithm, bytes)), length)
                };
                let parts = [part(first), part(second)];
                let plan = |kind| Some(ChecksumPlan { algorithm, kind });
                let whole = of_parts(plan(ChecksumType::FullObject), &parts);
                let expected = is_cheap(algorithm).then(|| ObjectChecksum {
                    checksum: checksum_of(algorithm, body),
                    parts: None,
                });
                assert_eq!(whole, expected);
                assert_eq!(of_parts(None, &parts), expected);
                let composite = of_parts(plan(ChecksumType::Composite), &parts).unwrap();
                let both = [
                    checksum_of(algorithm, first).bytes(),
                    checksum_of(algorithm, second).bytes(),
                ];
                assert_eq!(composite.checksum, checksum_of(algorithm, &both.concat()));
                assert_eq!(composite.parts, Some(2));
                assert_eq!(of_parts(None, &[parts[0], (None, 1)]), None);
            }
        }
    }
}
