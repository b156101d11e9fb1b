//! Reads a blob and verifies what it reads.
//!
//! What is in the page cache is copied at once on the caller's thread; only what
//! the disk must bring goes to the pool.

use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use osier_engine::{BlobReader, EngineError, FileSlice, Run};
use rustix::fs::Advice;
use rustix::io::Errno;

use crate::core::Core;
use crate::disk;
use crate::failure::{corrupt, disk_error, unavailable};
use crate::files::FileName;
use crate::liveness::Pin;
use crate::locator::Locator;
use crate::record::{HEADER_BYTES, Header, PIECE, body_at, mismatch, table_at, table_bytes};
use crate::verified::Stamp;

/// Bytes of one read at most.
pub(crate) const READ_BYTES_MAX: usize = 1 << 20;

/// Reads one blob.
#[derive(Debug)]
pub(crate) struct LocalReader {
    core: Arc<Core>,
    run: Run,
    place: Locator,
    file: Arc<OwnedFd>,
    /// The whole body of a small blob, verified.
    whole: Option<Bytes>,
    table: OnceLock<Vec<u8>>,
    ahead: Ahead,
    _pin: Pin,
}

/// How far a reader that goes forward through a cold file has asked the system to
/// read ahead, so that its next reads are copies again.
#[derive(Debug, Default)]
struct Ahead {
    /// Where the last read ended, in the body.
    end: AtomicU64,
    /// Up to where was asked for, in the file; 0 before the first cold read.
    asked: AtomicU64,
}

impl LocalReader {
    pub(crate) async fn open(core: &Arc<Core>, run: Run) -> Result<Self, EngineError> {
        if run.length > 1 << 55 {
            return Err(EngineError::NoBlob);
        }
        let pin = core.liveness.pin(run.blob.0).ok_or(EngineError::NoBlob)?;
        let place = Locator::of(run.blob);
        let file = match core.files.open(&core.layout, FileName::of(place)) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Err(missing(core, run, "its file is missing")),
            Err(errno) => return Err(disk_error("opening a blob's file failed", errno)),
        };
        let mut reader = Self {
            core: Arc::clone(core),
            run,
            place,
            file,
            whole: None,
            table: OnceLock::new(),
            ahead: Ahead::default(),
            _pin: pin,
        };
        let length = if run.length <= WHOLE_MAX {
            usize::try_from(body_at() + run.length + table_bytes(run.length)).unwrap_or_default()
        } else {
            HEADER_BYTES
        };
        let bytes = reader.fetch(0, length).await?;
        reader.check_header(&bytes)?;
        if run.length <= WHOLE_MAX {
            let body = usize::try_from(run.length).unwrap_or_default();
            let end = HEADER_BYTES + body;
            let table = bytes.get(end..).unwrap_or_default();
            let body = bytes
                .get(HEADER_BYTES..end)
                .ok_or_else(|| reader.damage("the file ends within it"))?;
            reader.verify(body, 0, table)?;
            reader.whole = Some(bytes.slice(HEADER_BYTES..end));
        }
        Ok(reader)
    }

    fn check_header(&self, bytes: &[u8]) -> Result<(), EngineError> {
        match Header::decode(bytes, self.core.nonce) {
            Some(header) if header.blob != self.run.blob => {
                Err(missing(&self.core, self.run, "another record lies there"))
            }
            Some(header) if header.length != self.run.length => Err(corrupt(format!(
                "{}: {} bytes and not {}",
                self.place, header.length, self.run.length
            ))),
            Some(_) => Ok(()),
            None => Err(missing(&self.core, self.run, "its header is damaged")),
        }
    }

    fn verify(&self, body: &[u8], first: usize, table: &[u8]) -> Result<(), EngineError> {
        match mismatch(body, first, table) {
            Some(piece) => Err(self.damage(&format!("64 KiB piece {piece} has a wrong checksum"))),
            None => Ok(()),
        }
    }

    fn damage(&self, what: &str) -> EngineError {
        tracing::error!(place = %self.place, blob = self.run.blob.0, what, "damaged blob");
        corrupt(format!("{}: {what}", self.place))
    }

    /// Bytes of the record.
    async fn fetch(&self, at: u64, length: usize) -> Result<Bytes, EngineError> {
        let offset = self.place.offset() + at;
        let mut buffer = self.core.read_buffers.take(length);
        if disk::read_cached(&*self.file, offset, buffer.room()) {
            return Ok(buffer.freeze());
        }
        // From here on it is worth reading ahead.
        self.ahead.asked.fetch_max(1, Ordering::Relaxed);
        let file = Arc::clone(&self.file);
        self.core
            .pool
            .run(move || {
                let filled = disk::fill_at(&*file, offset, buffer.room())
                    .map_err(|errno| disk_error("reading a blob failed", errno))?;
                buffer.truncate(filled);
                Ok(buffer.freeze())
            })
            .await
    }

    /// Asks for what comes next, when this read goes on where the last one ended.
    fn read_ahead(&self, offset: u64, end: u64) {
        let forward = self.ahead.end.swap(end, Ordering::Relaxed) == offset && offset > 0;
        let asked = self.ahead.asked.load(Ordering::Relaxed);
        let here = self.place.offset() + body_at() + end;
        if !forward || asked == 0 || asked > here + AHEAD / 2 {
            return;
        }
        let last = self.place.offset() + body_at() + self.run.length;
        let (from, to) = (asked.max(here), (here + AHEAD).min(last));
        let Some(length) = to.checked_sub(from).and_then(NonZeroU64::new) else {
            return;
        };
        self.ahead.asked.store(to, Ordering::Relaxed);
        let file = Arc::clone(&self.file);
        drop(self.core.pool.start(move || {
            let _ = rustix::fs::fadvise(&*file, from, Some(length), Advice::WillNeed);
        }));
    }
}

#[async_trait]
impl BlobReader for LocalReader {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, EngineError> {
        if length > READ_BYTES_MAX {
            return Err(unavailable("a read longer than the engine can take"));
        }
        let end = u64::try_from(length)
            .ok()
            .and_then(|length| offset.checked_add(length))
            .filter(|end| *end <= self.run.length);
        let Some(end) = end else {
            return Err(corrupt(format!(
                "{}: {length} bytes at {offset} of a blob of {}",
                self.place, self.run.length
            )));
        };
        let index = |number: u64| usize::try_from(number).map_err(|_| EngineError::Full);
        if let Some(whole) = &self.whole {
            return Ok(whole.slice(index(offset)?..index(end)?));
        }
        if length == 0 {
            return Ok(Bytes::new());
        }
        // Whole pieces, because only those have a checksum.
        let first = offset / PIECE_U64;
        let from = first * PIECE_U64;
        let to = end.next_multiple_of(PIECE_U64).min(self.run.length);
        let wanted = index(to - from)?;
        let table_length = index(table_bytes(self.run.length))?;
        // The checksums lie right behind the body.
        let extra = if self.table.get().is_none() && to == self.run.length {
            table_length
        } else {
            0
        };
        let stamp = Stamp::of(&*self.file);
        let bytes = self.fetch(body_at() + from, wanted + extra).await?;
        self.read_ahead(offset, end);
        if bytes.len() < wanted {
            return Err(self.damage("the file ends within it"));
        }
        let table = if let Some(table) = self.table.get() {
            table
        } else {
            let table = if extra > 0 {
                bytes.get(wanted..).unwrap_or_default().to_vec()
            } else {
                self.fetch(table_at(self.run.length), table_length)
                    .await?
                    .to_vec()
            };
            self.table.get_or_init(|| table)
        };
        let body = bytes.slice(..wanted);
        self.verify(&body, index(first)?, table)?;
        if let Some(stamp) = stamp {
            let end = index(to.div_ceil(PIECE_U64))?;
            self.core
                .verified
                .add(self.run.blob.0, stamp, index(first)?, end);
        }
        let skip = index(offset - from)?;
        Ok(body.slice(skip..skip + length))
    }

    fn slice(self: Arc<Self>, offset: u64, length: u64) -> Option<FileSlice> {
        let end = offset
            .checked_add(length)
            .filter(|end| *end <= self.run.length)?;
        let sendable = self.core.direct || matches!(self.place, Locator::Extent { .. });
        if self.whole.is_some() || length < SLICE_MIN || !sendable {
            return None;
        }
        let first = usize::try_from(offset / PIECE_U64).ok()?;
        let last = usize::try_from(end.div_ceil(PIECE_U64)).ok()?;
        let stamp = Stamp::of(&*self.file)?;
        let run = self.core.verified.run(self.run.blob.0, stamp, first, last);
        let verified_end = u64::try_from(first + run)
            .ok()?
            .saturating_mul(PIECE_U64)
            .min(end);
        let at = self.place.offset() + body_at();
        // Sending what is not in memory would hold up every other connection of the core.
        let is_cached = |at: u64| disk::read_cached(&*self.file, at, &mut [0]);
        let mut cached_end = offset;
        while cached_end < verified_end && is_cached(at + cached_end) {
            cached_end = cached_end.saturating_add(SLICE_MIN).min(verified_end);
        }
        let length = cached_end.saturating_sub(offset);
        let is_last = is_cached(at + cached_end.saturating_sub(1));
        (length >= SLICE_MIN && is_last).then(|| FileSlice {
            file: Arc::clone(&self.file),
            offset: at + offset,
            length,
            reader: self,
        })
    }
}

/// A record that is not where it should be: lost if somebody refers to it.
fn missing(core: &Core, run: Run, what: &str) -> EngineError {
    match core.with_meta(|meta| meta.has_references(run.blob.0)) {
        Ok(false) if !core.liveness.is_unlinked(run.blob.0) => EngineError::NoBlob,
        Ok(_) => {
            let place = Locator::of(run.blob);
            tracing::error!(%place, blob = run.blob.0, what, "damaged blob");
            corrupt(format!("{place}: {what}"))
        }
        Err(error) => error,
    }
}

/// Bodies up to this length are read whole when they are opened.
const WHOLE_MAX: u64 = 128 << 10;
/// Shorter runs go faster through memory; also how far apart the samples lie that tell whether a
/// run is in memory.
const SLICE_MIN: u64 = 128 << 10;
/// How far to read ahead.
const AHEAD: u64 = 4 << 20;
const PIECE_U64: u64 = 64 << 10;
const _: () = assert!(PIECE == 64 << 10);
