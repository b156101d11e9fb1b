//! One file of records. While it is written it ends anywhere; a sealed one ends in a list of
//! its records, so that a start reads lists and not records.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::record::{self, HEAD_BYTES, Head, Key};

/// Bytes before the first record: what it is, and the version of its form.
pub(crate) const BEGIN: [u8; 8] = *b"osierca\x01";
const END_MAGIC: [u8; 8] = *b"osierend";
const TRAILER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 32;

/// Where a record lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) born: u64,
    pub(crate) offset: u32,
    pub(crate) bytes: u32,
}

/// An open file.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<File>,
    pub(crate) path: PathBuf,
    /// Of the whole file.
    pub(crate) bytes: u64,
}

/// A file of the directory is none of ours, or of a later version.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Io(io::Error),
    /// Written by a later version of this program.
    Version(u8),
    /// It does not begin as a segment does.
    Foreign,
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Segment {
    /// A new one, with nothing in it.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all_at(&BEGIN, 0)?;
        Ok(Self {
            file: Arc::new(file),
            path,
            bytes: BEGIN.len() as u64,
        })
    }

    /// One that is there, with what is in it. One without its list is read record by record,
    /// cut behind the last whole one, and sealed.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Entry>), Unreadable> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut begin = [0; BEGIN.len()];
        let length = file.metadata()?.len();
        if length < BEGIN.len() as u64 {
            return Err(Unreadable::Foreign);
        }
        file.read_exact_at(&mut begin, 0)?;
        match begin {
            BEGIN => {}
            [b'o', b's', b'i', b'e', b'r', b'c', b'a', version] => {
                return Err(Unreadable::Version(version));
            }
            _ => return Err(Unreadable::Foreign),
        }
        let mut segment = Self {
            file: Arc::new(file),
            path: path.to_owned(),
            bytes: length,
        };
        if let Some(entries) = segment.list()? {
            return Ok((segment, entries));
        }
        let (entries, end) = segment.scan()?;
        segment.file.set_len(end)?;
        segment.bytes = end;
        segment.seal(&entries)?;
        Ok((segment, entries))
    }

    /// Writes a record behind the others; where it lies.
    pub(crate) fn append(
        &mut self,
        key: Key,
        born: u64,
        head: &[u8],
        body: &[u8],
    ) -> io::Result<Entry> {
        let too_long = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        let entry = Entry {
            key,
            born,
            offset: u32::try_from(self.bytes).map_err(too_long)?,
            bytes: u32::try_from(head.len() + body.len()).map_err(too_long)?,
        };
        self.file.write_all_at(head, self.bytes)?;
        self.file
            .write_all_at(body, self.bytes + head.len() as u64)?;
        self.bytes += u64::from(entry.bytes);
        Ok(entry)
    }

    /// Ends it with the list of its records.
    pub(crate) fn seal(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut list = Vec::with_capacity(list_bytes(entries.len()));
        for entry in entries {
            list.extend_from_slice(&entry.key.0);
            list.extend_from_slice(&entry.born.to_le_bytes());
            list.extend_from_slice(&entry.offset.to_le_bytes());
            list.extend_from_slice(&entry.bytes.to_le_bytes());
        }
        let check = crc_fast::crc32_iscsi(&list);
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        list.extend_from_slice(&count.to_le_bytes());
        list.extend_from_slice(&check.to_le_bytes());
        list.extend_from_slice(&END_MAGIC);
        self.file.write_all_at(&list, self.bytes)?;
        self.bytes += list.len() as u64;
        Ok(())
    }

    /// The list at its end; nothing when there is none, or not a whole one.
    pub(crate) fn list(&self) -> io::Result<Option<Vec<Entry>>> {
        let Some(trailer_at) = self.bytes.checked_sub(TRAILER_BYTES as u64) else {
            return Ok(None);
        };
        let mut trailer = [0; TRAILER_BYTES];
        self.file.read_exact_at(&mut trailer, trailer_at)?;
        let Some((count, check)) = read_trailer(&trailer) else {
            return Ok(None);
        };
        let bytes = u64::from(count) * ENTRY_BYTES as u64;
        let Some(list_at) = trailer_at.checked_sub(bytes) else {
            return Ok(None);
        };
        let mut list = vec![0; usize::try_from(bytes).unwrap_or(0)];
        self.file.read_exact_at(&mut list, list_at)?;
        if crc_fast::crc32_iscsi(&list) != check {
            return Ok(None);
        }
        let entries = list.chunks_exact(ENTRY_BYTES).filter_map(read_entry);
        Ok(Some(
            entries
                .filter(|entry| u64::from(entry.offset) + u64::from(entry.bytes) <= list_at)
                .collect(),
        ))
    }

    /// Every whole record from the beginning, and where the last one ends.
    fn scan(&self) -> io::Result<(Vec<Entry>, u64)> {
        let mut entries = Vec::new();
        let mut at = BEGIN.len() as u64;
        let mut head = [0; HEAD_BYTES];
        while at + HEAD_BYTES as u64 <= self.bytes {
            self.file.read_exact_at(&mut head, at)?;
            let Some(read) = Head::read(&head) else { break };
            let bytes = read.record_bytes();
            let (Ok(offset), Ok(length)) = (u32::try_from(at), u32::try_from(bytes)) else {
                break;
            };
            if at + bytes > self.bytes {
                break;
            }
            let mut whole = vec![0; usize::try_from(bytes).unwrap_or(0)];
            self.file.read_exact_at(&mut whole, at)?;
            let whole = Bytes::from(whole);
            let Some((name, _)) = record::decode(&whole) else {
                break;
            };
            entries.push(Entry {
                key: Key::of(name),
                born: read.born,
                offset,
                bytes: length,
            });
            at += bytes;
        }
        Ok((entries, at))
    }
}

/// Bytes that the list of so many records takes.
pub(crate) fn list_bytes(entries: usize) -> usize {
    entries * ENTRY_BYTES + TRAILER_BYTES
}

/// The record at `entry`, unverified.
pub(crate) fn read(file: &File, offset: u32, bytes: u32) -> io::Result<Bytes> {
    let mut whole = vec![0; usize::try_from(bytes).unwrap_or(0)];
    file.read_exact_at(&mut whole, u64::from(offset))?;
    Ok(whole.into())
}

fn read_trailer(bytes: &[u8; TRAILER_BYTES]) -> Option<(u32, u32)> {
    let (count, rest) = bytes.split_first_chunk()?;
    let (check, magic) = rest.split_first_chunk()?;
    (magic == END_MAGIC).then(|| (u32::from_le_bytes(*count), u32::from_le_bytes(*check)))
}

fn read_entry(bytes: &[u8]) -> Option<Entry> {
    let (key, rest) = bytes.split_first_chunk()?;
    let (born, rest) = rest.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    let length = rest.first_chunk()?;
    Some(Entry {
        key: Key(*key),
        born: u64::from_le_bytes(*born),
        offset: u32::from_le_bytes(*offset),
        bytes: u32::from_le_bytes(*length),
    })
}
