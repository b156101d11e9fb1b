//! The checksums that S3 clients send with a body, beside its MD5.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// How a checksum is reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumAlgorithm {
    /// CRC-32 of zip and Ethernet.
    Crc32,
    /// CRC-32C, the Castagnoli polynomial.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// The checksum of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Checksum {
    /// CRC-32.
    Crc32(u32),
    /// CRC-32C.
    Crc32c(u32),
    /// CRC-64/NVME.
    Crc64Nvme(u64),
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

/// What the checksum of an object in parts covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumType {
    /// All bytes, as if they had come in one piece.
    FullObject,
    /// The checksums of the parts, one after the other.
    Composite,
}

/// The checksum of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectChecksum {
    /// Its value.
    pub checksum: Checksum,
    /// For a composite one: over how many parts.
    pub parts: Option<u16>,
}

/// What a client wants of the checksum of an object in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChecksumPlan {
    /// How it is reckoned.
    pub algorithm: ChecksumAlgorithm,
    /// What it covers.
    pub kind: ChecksumType,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// As `x-amz-checksum-algorithm` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that carries it.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The one of this name, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The one whose header this is, in any case.
    pub fn of_header(header: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// What S3 reckons over an object in parts when the client does not say: checksums that can
    /// be put together from those of parts cover all bytes only when asked to, but for CRC-64,
    /// which knows no other way.
    pub const fn default_type(self) -> ChecksumType {
        match self {
            Self::Crc64Nvme => ChecksumType::FullObject,
            Self::Crc32 | Self::Crc32c | Self::Sha1 | Self::Sha256 => ChecksumType::Composite,
        }
    }

    /// Whether it can cover an object in parts in this way.
    pub const fn supports(self, kind: ChecksumType) -> bool {
        match (self, kind) {
            (Self::Crc64Nvme, ChecksumType::Composite)
            | (Self::Sha1 | Self::Sha256, ChecksumType::FullObject) => false,
            (Self::Crc32 | Self::Crc32c, _)
            | (Self::Crc64Nvme, ChecksumType::FullObject)
            | (Self::Sha1 | Self::Sha256, ChecksumType::Composite) => true,
        }
    }
}

impl Checksum {
    /// Reads the Base64 text that clients send; `None` when it is no checksum of this kind.
    pub fn parse(algorithm: ChecksumAlgorithm, base64: &str) -> Option<Self> {
        let bytes = STANDARD.decode(base64.trim()).ok()?;
        Some(match algorithm {
            ChecksumAlgorithm::Crc32 => Self::Crc32(u32::from_be_bytes(bytes.try_into().ok()?)),
            ChecksumAlgorithm::Crc32c => Self::Crc32c(u32::from_be_bytes(bytes.try_into().ok()?)),
            ChecksumAlgorithm::Crc64Nvme => {
                Self::Crc64Nvme(u64::from_be_bytes(bytes.try_into().ok()?))
            }
            ChecksumAlgorithm::Sha1 => Self::Sha1(bytes.try_into().ok()?),
            ChecksumAlgorithm::Sha256 => Self::Sha256(bytes.try_into().ok()?),
        })
    }

    /// How it was reckoned.
    pub const fn algorithm(&self) -> ChecksumAlgorithm {
        match self {
            Self::Crc32(_) => ChecksumAlgorithm::Crc32,
            Self::Crc32c(_) => ChecksumAlgorithm::Crc32c,
            Self::Crc64Nvme(_) => ChecksumAlgorithm::Crc64Nvme,
            Self::Sha1(_) => ChecksumAlgorithm::Sha1,
            Self::Sha256(_) => ChecksumAlgorithm::Sha256,
        }
    }

    /// Its bytes, in the order that the text has them.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Crc32(value) | Self::Crc32c(value) => value.to_be_bytes().to_vec(),
            Self::Crc64Nvme(value) => value.to_be_bytes().to_vec(),
            Self::Sha1(digest) => digest.to_vec(),
            Self::Sha256(digest) => digest.to_vec(),
        }
    }

    /// As headers and XML carry it.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.bytes())
    }
}

impl ChecksumType {
    /// As `x-amz-checksum-type` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl ObjectChecksum {
    /// What it covers.
    pub const fn kind(&self) -> ChecksumType {
        match self.parts {
            None => ChecksumType::FullObject,
            Some(_) => ChecksumType::Composite,
        }
    }

    /// As headers and XML carry it: a composite one with the number of parts.
    pub fn text(&self) -> String {
        match self.parts {
            None => self.checksum.base64(),
            Some(parts) => format!("{}-{parts}", self.checksum.base64()),
        }
    }

    /// Whether a client's text means this one; of a composite one the number may be left out.
    pub fn matches(&self, sent: &str) -> bool {
        let sent = sent.trim();
        sent == self.text() || sent == self.checksum.base64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for (algorithm, text) in [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
            (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ] {
            let checksum = Checksum::parse(algorithm, text).unwrap();
            assert_eq!(checksum.algorithm(), algorithm);
            assert_eq!(checksum.base64(), text);
            assert_eq!(
                ChecksumAlgorithm::of_name(algorithm.name()),
                Some(algorithm)
            );
            assert_eq!(
                ChecksumAlgorithm::of_header(algorithm.header()),
                Some(algorithm)
            );
            for other in ChecksumAlgorithm::ALL {
                let same_length = matches!(
                    (algorithm, other),
                    (
                        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c,
                        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c
                    )
                );
                let read = Checksum::parse(other, text);
                assert_eq!(read.is_some(), other == algorithm || same_length);
            }
        }
        assert_eq!(Checksum::parse(ChecksumAlgorithm::Crc32, "y/Q5Jg"), None);
    }

    #[test]
    fn composite_checksums_tell_their_parts() {
        let composite = ObjectChecksum {
            checksum: Checksum::Crc32(0xCBF4_3926),
            parts: Some(3),
        };
        assert_eq!(composite.text(), "y/Q5Jg==-3");
        assert!(composite.matches("y/Q5Jg==-3") && composite.matches("y/Q5Jg=="));
        assert!(!composite.matches("y/Q5Jg==-2"));
    }
}
