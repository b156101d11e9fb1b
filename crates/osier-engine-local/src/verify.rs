//! Reads whole records and says what is wrong with them.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use osier_engine::BlobId;
use rustix::io::Errno;

use crate::core::Core;
use crate::disk;
use crate::files::FileName;
use crate::locator::{BLOCK, Locator};
use crate::record::{HEADER_BYTES, Header, PIECE, body_at, mismatch, table_at, table_bytes};

/// How a record is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Whole; so many bytes on disk.
    Sound(u64),
    /// Not whole.
    Damaged(String),
}

/// Reads the record of a blob and compares every checksum. `pace` is told of bytes
/// read and says whether to go on; without that the rest counts as sound.
pub(crate) fn verify_blob(
    core: &Core,
    blob: u64,
    pace: &mut dyn FnMut(u64) -> bool,
) -> Result<Condition, Errno> {
    let place = Locator::of(BlobId(blob));
    let damaged = |what: String| Ok(Condition::Damaged(format!("{place}: {what}")));
    let file = match core.files.open(&core.layout, FileName::of(place)) {
        Ok(file) => file,
        Err(Errno::NOENT) => return damaged("its file is missing".to_owned()),
        Err(errno) => return Err(errno),
    };
    let read = |at: u64, length: usize| disk::read_at(&*file, place.offset() + at, length);
    let header = match Header::decode(&read(0, HEADER_BYTES)?, core.nonce) {
        Some(header) if header.blob.0 == blob => header,
        Some(_) => return damaged("another record lies there".to_owned()),
        None => return damaged("its header is damaged".to_owned()),
    };
    let Ok(table_length) = usize::try_from(table_bytes(header.length)) else {
        return damaged("its header gives an impossible length".to_owned());
    };
    let size = disk::size(&*file)?;
    if place.offset() + header.record_bytes() > size {
        return damaged("its file ends within it".to_owned());
    }
    let table = read(table_at(header.length), table_length)?;
    let mut at = 0;
    while at < header.length {
        let left = header.length - at;
        let wanted = usize::try_from(left).map_or(PORTION, |left| left.min(PORTION));
        let body = read(body_at() + at, wanted)?;
        let first = usize::try_from(at).unwrap_or(usize::MAX) / PIECE;
        if body.len() < wanted {
            return damaged("its file ends within it".to_owned());
        }
        if let Some(piece) = mismatch(&body, first, &table) {
            return damaged(format!("64 KiB piece {piece} has a wrong checksum"));
        }
        let count = u64::try_from(wanted).unwrap_or_default();
        at += count;
        if !pace(count) {
            break;
        }
    }
    Ok(Condition::Sound(header.record_bytes()))
}

/// What lies in a stretch of a volume.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Record {
        offset: u64,
        header: Header,
    },
    /// No record: freed, torn or never written.
    Gap {
        offset: u64,
        bytes: u64,
    },
}

/// Goes through a volume from record to record. Bodies are skipped, so that only
/// gaps are searched block by block.
pub(crate) fn walk(
    file: BorrowedFd<'_>,
    number: u64,
    nonce: u64,
    from: u64,
    to: u64,
    mut each: impl FnMut(Found),
) -> Result<(), Errno> {
    let mut window = Window {
        file,
        start: 0,
        bytes: Vec::new(),
    };
    let mut at = from.max(BLOCK);
    let mut gap: Option<u64> = None;
    while at < to {
        let here = window.block(at)?;
        let header = Header::decode(here, nonce).filter(|header| {
            let place = Locator::Volume {
                number,
                block: at / BLOCK,
            };
            header.blob == place.blob()
        });
        if let Some(header) = header {
            if let Some(offset) = gap.take() {
                let bytes = at - offset;
                each(Found::Gap { offset, bytes });
            }
            each(Found::Record { offset: at, header });
            at += header.record_bytes();
        } else {
            gap.get_or_insert(at);
            at += BLOCK;
        }
    }
    if let Some(offset) = gap {
        let bytes = to.saturating_sub(offset);
        each(Found::Gap { offset, bytes });
    }
    Ok(())
}

/// A piece of a file in memory.
struct Window<'a> {
    file: BorrowedFd<'a>,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    fn block(&mut self, at: u64) -> Result<&[u8], Errno> {
        let end = self.start + u64::try_from(self.bytes.len()).unwrap_or_default();
        if at < self.start || at + BLOCK > end {
            self.bytes = disk::read_at(self.file, at, 256 << 10)?;
            self.start = at;
        }
        let skip = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }
}

/// The files of all volumes: number and size.
pub(crate) fn volume_sizes(directory: impl AsFd) -> Result<BTreeMap<u64, u64>, Errno> {
    let directory = directory.as_fd();
    let mut sizes = BTreeMap::new();
    for name in disk::names(directory)? {
        if let Some(number) = crate::layout::volume_number(&name) {
            let fd = disk::open_for_reading(directory, &name)?;
            sizes.insert(number, disk::size(&fd)?);
        }
    }
    Ok(sizes)
}

/// Bytes of one read.
const PORTION: usize = 1 << 20;
