//! Where a blob lies, read from its id.
//!
//! Volume blobs: bit 63 clear, 39 bits of volume number, 24 bits of the record's
//! first block. Extent blobs: bit 63 set, 63 bits of sequence.

use std::fmt;

use osier_engine::BlobId;

/// Bytes of a block: records begin and end at multiples of it.
pub(crate) const BLOCK: u64 = 4096;

const EXTENT: u64 = 1 << 63;
const BLOCK_BITS: u32 = 24;
const BLOCK_MASK: u64 = (1 << BLOCK_BITS) - 1;

/// Where a blob lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Locator {
    /// In a volume, from this block on.
    Volume { number: u64, block: u64 },
    /// In a file of its own.
    Extent { sequence: u64 },
}

impl Locator {
    pub(crate) fn of(blob: BlobId) -> Self {
        if blob.0 & EXTENT == 0 {
            Self::Volume {
                number: blob.0 >> BLOCK_BITS,
                block: blob.0 & BLOCK_MASK,
            }
        } else {
            Self::Extent {
                sequence: blob.0 & !EXTENT,
            }
        }
    }

    pub(crate) fn blob(self) -> BlobId {
        match self {
            Self::Volume { number, block } => BlobId((number << BLOCK_BITS) | (block & BLOCK_MASK)),
            Self::Extent { sequence } => BlobId(EXTENT | sequence),
        }
    }

    /// The offset of the record in its file.
    pub(crate) fn offset(self) -> u64 {
        match self {
            Self::Volume { block, .. } => block * BLOCK,
            Self::Extent { .. } => 0,
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume { number, block } => write!(out, "volume {number} block {block}"),
            Self::Extent { sequence } => write!(out, "extent {sequence:016x}"),
        }
    }
}

/// The ids of all blobs that volume `number` can hold.
pub(crate) fn volume_blobs(number: u64) -> std::ops::Range<u64> {
    number << BLOCK_BITS..(number + 1) << BLOCK_BITS
}

/// The id of the blob whose record begins at `offset` of a volume.
pub(crate) fn volume_blob(number: u64, offset: u64) -> u64 {
    Locator::Volume {
        number,
        block: offset / BLOCK,
    }
    .blob()
    .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_places() {
        for place in [
            Locator::Volume {
                number: 1,
                block: 1,
            },
            Locator::Volume {
                number: (1 << 39) - 1,
                block: BLOCK_MASK,
            },
            Locator::Extent { sequence: 0 },
            Locator::Extent {
                sequence: u64::MAX >> 1,
            },
        ] {
            assert_eq!(Locator::of(place.blob()), place);
        }
        assert_eq!(volume_blob(3, 8192), (3 << 24) | 2);
        assert!(volume_blobs(3).contains(&volume_blob(3, 8192)));
        assert!(!volume_blobs(3).contains(&volume_blob(4, 0)));
    }
}
