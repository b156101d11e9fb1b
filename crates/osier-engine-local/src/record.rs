//! The record: how a blob lies on disk, in volumes and extents alike.
//!
//! Header of 64 bytes, body, one CRC-32C per 64 KiB of body, zeros up to the next
//! block. All numbers are little-endian. No I/O here.

use osier_engine::{BlobId, OwnerTag};

use crate::locator::BLOCK;

pub(crate) const HEADER_BYTES: usize = 64;
/// Body bytes under one checksum.
pub(crate) const PIECE: usize = 64 << 10;
const PIECE_U64: u64 = 64 << 10;
const HEADER_U64: u64 = 64;
const MAGIC: [u8; 4] = *b"OSRB";
const VERSION: u8 = 1;

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub blob: BlobId,
    pub length: u64,
    pub owner: OwnerTag,
    /// The store's own random number: no uploaded bytes can look like a header.
    pub nonce: u64,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, 0, 0, 0]);
        for number in [
            self.blob.0,
            self.length,
            self.owner.table,
            self.owner.key_hash,
            self.owner.sequence,
            self.nonce,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
        bytes.try_into().unwrap_or([0; HEADER_BYTES])
    }

    /// The header at the start of `bytes`, if there is a whole and true one.
    pub(crate) fn decode(bytes: &[u8], nonce: u64) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let (covered, sum) = bytes.split_at_checked(HEADER_BYTES - 4)?;
        let number = |at: usize| {
            let eight = covered.get(at..at + 8)?;
            Some(u64::from_le_bytes(eight.try_into().ok()?))
        };
        let header = Self {
            blob: BlobId(number(8)?),
            length: number(16)?,
            owner: OwnerTag {
                table: number(24)?,
                key_hash: number(32)?,
                sequence: number(40)?,
            },
            nonce: number(48)?,
        };
        let plain = covered.starts_with(&MAGIC)
            && covered.get(4) == Some(&VERSION)
            && header.nonce == nonce
            && header.length < 1 << 56
            && sum == crc(covered).to_le_bytes();
        plain.then_some(header)
    }

    /// Bytes of the whole record on disk.
    pub(crate) fn record_bytes(&self) -> u64 {
        record_bytes(self.length)
    }
}

/// Bytes on disk of a record with a body of `length`.
pub(crate) fn record_bytes(length: u64) -> u64 {
    (HEADER_U64 + length + table_bytes(length)).next_multiple_of(BLOCK)
}

/// Bytes of the checksums of a body of `length`.
pub(crate) fn table_bytes(length: u64) -> u64 {
    length.div_ceil(PIECE_U64) * 4
}

/// Where the body begins and the checksums begin, from the start of the record.
pub(crate) fn body_at() -> u64 {
    HEADER_U64
}

pub(crate) fn table_at(length: u64) -> u64 {
    HEADER_U64 + length
}

/// CRC-32C.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The checksums of a whole body.
pub(crate) fn table_of(body: &[u8]) -> Vec<u8> {
    body.chunks(PIECE)
        .flat_map(|piece| crc(piece).to_le_bytes())
        .collect()
}

/// The first piece of `body`, counted from `first`, whose checksum in `table` (of
/// the whole blob) does not match.
pub(crate) fn mismatch(body: &[u8], first: usize, table: &[u8]) -> Option<usize> {
    body.chunks(PIECE)
        .enumerate()
        .find(|(index, piece)| {
            let at = (first + index) * 4;
            table.get(at..at + 4) != Some(&crc(piece).to_le_bytes()[..])
        })
        .map(|(index, _)| first + index)
}

/// Sums a body that passes by in portions.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    table: Vec<u8>,
    piece: crc_fast::Digest,
    filled: usize,
}

impl TableBuilder {
    pub(crate) fn new() -> Self {
        Self {
            table: Vec::new(),
            piece: digest(),
            filled: 0,
        }
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = (PIECE - self.filled).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.piece.update(now);
            self.filled += room;
            bytes = rest;
            if self.filled == PIECE {
                self.end_piece();
            }
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.end_piece();
        }
        self.table
    }

    fn end_piece(&mut self) {
        let sum = std::mem::replace(&mut self.piece, digest()).finalize();
        // A 32-bit sum in a 64-bit word: the low half is all of it.
        self.table
            .extend_from_slice(sum.to_le_bytes().get(..4).unwrap_or_default());
        self.filled = 0;
    }
}

fn digest() -> crc_fast::Digest {
    crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            blob: BlobId(0x0123_4567_89ab_cdef),
            length: 70_000,
            owner: OwnerTag {
                table: 3,
                key_hash: 5,
                sequence: 7,
            },
            nonce: 11,
        }
    }

    #[test]
    fn crc32c_check_value() {
        assert_eq!(crc(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn header_round_trip() {
        let bytes = header().encode();
        assert_eq!(Header::decode(&bytes, 11), Some(header()));
        assert_eq!(Header::decode(&bytes, 12), None);
        assert_eq!(Header::decode(&bytes[..63], 11), None);
        assert_eq!(Header::decode(&[0; 64], 0), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes, 11), None, "bit {bit}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(record_bytes(0), 4096);
        assert_eq!(record_bytes(4096 - 64 - 4), 4096);
        assert_eq!(record_bytes(4096 - 64 - 3), 8192);
        assert_eq!(table_bytes(0), 0);
        assert_eq!(table_bytes(1), 4);
        assert_eq!(table_bytes(65_536), 4);
        assert_eq!(table_bytes(65_537), 8);
    }

    #[test]
    fn tables_built_in_portions_are_the_same() {
        let body: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for step in [1_000, 65_536, 65_537, 800_000] {
            let mut builder = TableBuilder::new();
            body.chunks(step)
                .for_each(|portion| builder.update(portion));
            assert_eq!(builder.finish(), table_of(&body), "{step}");
        }
        assert_eq!(mismatch(&body, 0, &table_of(&body)), None);
        let mut damaged = body.clone();
        damaged[131_072] ^= 1;
        assert_eq!(mismatch(&damaged, 0, &table_of(&body)), Some(2));
        assert_eq!(mismatch(&body[65_536..], 1, &table_of(&body)), None);
        assert_eq!(mismatch(&body, 0, &[]), Some(0));
    }
}
