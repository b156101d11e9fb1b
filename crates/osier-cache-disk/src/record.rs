//! One record: a head with its own checksum, the name, what describes the body, the body with
//! its checksum. Numbers are little-endian.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::Record;

/// Bytes before the name.
pub(crate) const HEAD_BYTES: usize = 32;

const MAGIC: [u8; 4] = *b"OsC1";

/// A name in the index: enough of its SHA-256 that two names never meet by chance. The whole
/// name stands in the record and is compared there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) [u8; 16]);

impl Key {
    pub(crate) fn of(name: &str) -> Self {
        let digest = Sha256::digest(name.as_bytes());
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(digest) {
            *to = from;
        }
        Self(key)
    }
}

/// What a head says of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    check: u32,
    pub(crate) born: u64,
    name_bytes: u32,
    meta_bytes: u32,
    body_bytes: u32,
    body_check: u32,
}

impl Head {
    /// Reads a head; nothing when these bytes begin none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
        let (magic, rest) = bytes.split_first_chunk()?;
        let (check, rest) = rest.split_first_chunk()?;
        let (born, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (meta, rest) = rest.split_first_chunk()?;
        let (body, rest) = rest.split_first_chunk()?;
        let body_check = rest.first_chunk()?;
        (*magic == MAGIC).then(|| Self {
            check: u32::from_le_bytes(*check),
            born: u64::from_le_bytes(*born),
            name_bytes: u32::from_le_bytes(*name),
            meta_bytes: u32::from_le_bytes(*meta),
            body_bytes: u32::from_le_bytes(*body),
            body_check: u32::from_le_bytes(*body_check),
        })
    }

    /// The whole record's length.
    pub(crate) fn record_bytes(&self) -> u64 {
        HEAD_BYTES as u64
            + u64::from(self.name_bytes)
            + u64::from(self.meta_bytes)
            + u64::from(self.body_bytes)
    }
}

/// The bytes of a record before its body; nothing when a part is too long.
pub(crate) fn encode(name: &str, record: &Record) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + name.len() + record.meta.len());
    let length = |of: usize| u32::try_from(of).ok();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&record.born.to_le_bytes());
    bytes.extend_from_slice(&length(name.len())?.to_le_bytes());
    bytes.extend_from_slice(&length(record.meta.len())?.to_le_bytes());
    bytes.extend_from_slice(&length(record.body.len())?.to_le_bytes());
    bytes.extend_from_slice(&crc_fast::crc32_iscsi(&record.body).to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&record.meta);
    let check = crc_fast::crc32_iscsi(bytes.get(8..)?).to_le_bytes();
    bytes.get_mut(4..8)?.copy_from_slice(&check);
    Some(bytes)
}

/// A record read whole, with its name; nothing when a byte of it is not as it was written.
pub(crate) fn decode(bytes: &Bytes) -> Option<(&str, Record)> {
    let head = Head::read(bytes)?;
    if head.record_bytes() != bytes.len() as u64 {
        return None;
    }
    let name_end = HEAD_BYTES + usize::try_from(head.name_bytes).ok()?;
    let meta_end = name_end + usize::try_from(head.meta_bytes).ok()?;
    let body = bytes.slice(meta_end..);
    let is_whole = crc_fast::crc32_iscsi(bytes.get(8..meta_end)?) == head.check
        && crc_fast::crc32_iscsi(&body) == head.body_check;
    if !is_whole {
        return None;
    }
    let name = std::str::from_utf8(bytes.get(HEAD_BYTES..name_end)?).ok()?;
    let record = Record {
        born: head.born,
        meta: bytes.slice(name_end..meta_end),
        body,
    };
    Some((name, record))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(name: &str, record: &Record) -> Vec<u8> {
        let mut bytes = encode(name, record).unwrap();
        bytes.extend_from_slice(&record.body);
        bytes
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(
            name in ".{0,40}", born: u64, meta: Vec<u8>, body: Vec<u8>, place: prop::sample::Index, bit in 0..8_u8
        ) {
            let record = Record { born, meta: meta.into(), body: body.into() };
            let mut bytes = whole(&name, &record);
            let read = Bytes::from(bytes.clone());
            prop_assert_eq!(decode(&read), Some((name.as_str(), record)));
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let bytes = Bytes::from(bytes);
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn noise_is_no_record(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            prop_assert_eq!(decode(&bytes), None);
        }
    }
}
