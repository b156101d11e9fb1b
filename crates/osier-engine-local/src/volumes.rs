//! Volumes: files that many blobs share, each blob a record in blocks of its own.
//!
//! Gives out places; the flusher and the stream writer fill them. A place is never
//! given out twice: after a restart writing goes on at the end of the file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osier_engine::EngineError;
use rustix::io::Errno;

use crate::buffer::AlignedBuffer;
use crate::core::Core;
use crate::disk::{self, WriteFile};
use crate::failure::{disk_error, unavailable};
use crate::flusher::FlushQueue;
use crate::layout::{Layout, volume_name};
use crate::liveness::Unlinked;
use crate::locator::{BLOCK, Locator, volume_blob, volume_blobs};
use crate::meta::{OwnChange, Space, volume_key};
use crate::record::crc;

/// The volumes of a store.
#[derive(Debug)]
pub(crate) struct Volumes {
    lanes: Vec<Lane>,
    next_lane: AtomicUsize,
    known: Mutex<Known>,
    volume_bytes: u64,
}

/// A volume that is written, by a flusher of its own.
#[derive(Debug)]
pub(crate) struct Lane {
    cursor: Mutex<Option<Cursor>>,
    pub(crate) queue: FlushQueue,
}

/// A volume's file.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) number: u64,
    pub(crate) file: WriteFile,
}

/// Where a record goes.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) volume: Arc<Volume>,
    pub(crate) offset: u64,
    pub(crate) blob: u64,
}

#[derive(Debug)]
struct Cursor {
    volume: Arc<Volume>,
    tail: u64,
    allocated: u64,
}

/// What a start finds out about the volumes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The number of the next volume.
    pub(crate) next: u64,
    /// Volumes with room, in descending order.
    pub(crate) with_room: Vec<u64>,
    /// Volumes whose stored clean mark may be behind, with that mark.
    pub(crate) unsettled: BTreeMap<u64, u64>,
}

/// The clean mark of a volume that nothing will be added to.
pub(crate) const SETTLED: u64 = u64::MAX;

impl Volumes {
    pub(crate) fn new(lanes: usize, volume_bytes: u64, known: Known) -> Self {
        let lane = || Lane {
            cursor: Mutex::default(),
            queue: FlushQueue::default(),
        };
        Self {
            lanes: (0..lanes).map(|_| lane()).collect(),
            next_lane: AtomicUsize::new(0),
            known: Mutex::new(known),
            volume_bytes,
        }
    }

    /// Bodies up to this length go into volumes.
    pub(crate) fn body_bytes_max(&self) -> u64 {
        (self.volume_bytes / 4).min(8 << 20)
    }

    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A lane for the next writer.
    #[expect(clippy::indexing_slicing, reason = "there is at least one lane")]
    pub(crate) fn lane(&self) -> &Lane {
        &self.lanes[self.next_lane.fetch_add(1, Ordering::Relaxed) % self.lanes.len()]
    }

    /// Whether a volume is still written to.
    pub(crate) fn is_open(&self, number: u64) -> bool {
        let known = self.known();
        known.with_room.contains(&number)
            || known.next <= number
            || self.lanes.iter().any(|lane| {
                // A lane between two volumes holds its lock: then nobody can tell.
                lane.cursor.try_lock().map_or(true, |cursor| {
                    cursor
                        .as_ref()
                        .is_some_and(|cursor| cursor.volume.number == number)
                })
            })
    }

    /// The number of the next volume.
    pub(crate) fn next_number(&self) -> u64 {
        self.known().next
    }

    /// The clean marks that should be stored now. With `closing` the volumes also
    /// give back the space that they hold in advance.
    pub(crate) fn clean_marks(&self, core: &Core, closing: bool) -> Vec<OwnChange> {
        let mut marks = Vec::new();
        let mut open = Vec::new();
        for lane in &self.lanes {
            let mut cursor = lane.cursor();
            let Some(current) = cursor.as_mut() else {
                continue;
            };
            let number = current.volume.number;
            open.push(number);
            marks.push((number, self.clean_mark(core, number, current.tail)));
            if closing && current.volume.file.truncate(current.tail).is_ok() {
                current.allocated = current.tail;
            }
        }
        let mut known = self.known();
        open.extend(known.with_room.iter().copied());
        let settling = known.unsettled.keys().filter(|it| !open.contains(it));
        let settling: Vec<u64> = settling.copied().collect();
        marks.extend(
            settling
                .into_iter()
                .map(|number| (number, self.clean_mark(core, number, SETTLED))),
        );
        marks.retain(|(number, mark)| known.unsettled.get(number) != Some(mark));
        for (number, mark) in &marks {
            if *mark == SETTLED {
                known.unsettled.remove(number);
            } else {
                known.unsettled.insert(*number, *mark);
            }
        }
        let change = |(number, mark): (u64, u64)| OwnChange {
            space: Space::System,
            key: volume_key(number),
            value: Some(mark.to_le_bytes().to_vec()),
        };
        marks.into_iter().map(change).collect()
    }

    /// Forgets a volume that was removed.
    pub(crate) fn forget(&self, number: u64) {
        self.known().unsettled.remove(&number);
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the volumes")]
    fn clean_mark(&self, core: &Core, number: u64, otherwise: u64) -> u64 {
        core.liveness
            .first_unlinked(volume_blobs(number))
            .map_or(otherwise, |blob| {
                Locator::of(osier_engine::BlobId(blob)).offset()
            })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the next volume for a lane.
    fn next_volume(&self, core: &Core) -> Result<Cursor, EngineError> {
        loop {
            let (number, exists) = {
                let mut known = self.known();
                if let Some(number) = known.with_room.pop() {
                    (number, true)
                } else {
                    known.next += 1;
                    (known.next - 1, false)
                }
            };
            if exists {
                // A damaged file is left alone: its records are still read.
                if let Ok(cursor) = reopen_volume(core, number) {
                    return Ok(cursor);
                }
                continue;
            }
            let cursor = create_volume(core, number)
                .map_err(|errno| disk_error("making a volume failed", errno))?;
            self.known().unsettled.insert(number, BLOCK);
            return Ok(cursor);
        }
    }
}

impl Lane {
    /// Takes a place for a record of `bytes`, in whole blocks.
    pub(crate) fn reserve(&self, core: &Core, bytes: u64) -> Result<Place, EngineError> {
        let volume_bytes = core.volumes.volume_bytes;
        if bytes > volume_bytes - BLOCK {
            return Err(unavailable("a record larger than a volume"));
        }
        let mut cursor = self.cursor();
        loop {
            let current = if let Some(current) = cursor.as_mut() {
                current
            } else {
                core.check_space(bytes)?;
                cursor.insert(core.volumes.next_volume(core)?)
            };
            let end = current.tail + bytes;
            if end > volume_bytes {
                // What was allocated beyond the last record goes back.
                let _ = current.volume.file.truncate(current.tail);
                *cursor = None;
                continue;
            }
            if end > current.allocated {
                extend(core, current, end)?;
            }
            let place = Place {
                volume: Arc::clone(&current.volume),
                offset: current.tail,
                blob: volume_blob(current.volume.number, current.tail),
            };
            current.tail = end;
            // Under the lock of the cursor, so that clean marks see all or nothing.
            core.liveness.insert(place.blob, Unlinked::Writing);
            core.tally.volume_bytes.fetch_add(bytes, Ordering::Relaxed);
            return Ok(place);
        }
    }

    fn cursor(&self) -> MutexGuard<'_, Option<Cursor>> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Allocates up to `end` at least, and a good piece more where there is space.
fn extend(core: &Core, current: &mut Cursor, end: u64) -> Result<(), EngineError> {
    let needed = end - current.allocated;
    let step = (core.volumes.volume_bytes / 16).max(needed);
    let step = step.min(core.volumes.volume_bytes - current.allocated);
    let mut tried = Err(EngineError::Full);
    for bytes in [step, needed] {
        tried = core.check_space(bytes).and_then(|()| {
            let file = &current.volume.file;
            file.allocate(current.allocated, bytes)
                .map_err(|errno| disk_error("extending a volume failed", errno))?;
            current.allocated += bytes;
            Ok(())
        });
        if tried.is_ok() {
            break;
        }
    }
    tried
}

fn create_volume(core: &Core, number: u64) -> Result<Cursor, Errno> {
    let name = volume_name(number);
    let directory = core.layout.volumes();
    let file = WriteFile::create(directory, &name)?;
    let prepared = (|| {
        let mut block = AlignedBuffer::with_capacity(4096);
        block.fill(&encode_volume_header(number, core.nonce));
        block.pad();
        file.write_at(block.bytes(), 0)?;
        file.sync()?;
        rustix::fs::fsync(directory)
    })();
    if let Err(errno) = prepared {
        let _ = disk::remove(directory, &name);
        return Err(errno);
    }
    Ok(Cursor {
        volume: Arc::new(Volume { number, file }),
        tail: BLOCK,
        allocated: BLOCK,
    })
}

fn reopen_volume(core: &Core, number: u64) -> Result<Cursor, Errno> {
    let file = WriteFile::open(core.layout.volumes(), &volume_name(number))?;
    let tail = file.size()?.next_multiple_of(BLOCK);
    Ok(Cursor {
        volume: Arc::new(Volume { number, file }),
        tail,
        allocated: tail,
    })
}

const VOLUME_MAGIC: &[u8; 8] = b"OSRVOL\x00\x01";

/// The first 32 bytes of a volume.
fn encode_volume_header(number: u64, nonce: u64) -> Vec<u8> {
    let mut bytes = VOLUME_MAGIC.to_vec();
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&nonce.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
    bytes
}

/// Whether a volume's file begins as it should.
pub(crate) fn has_header(layout: &Layout, number: u64, nonce: u64) -> Result<bool, Errno> {
    let fd = disk::open_for_reading(layout.volumes(), &volume_name(number))?;
    let expected = encode_volume_header(number, nonce);
    Ok(disk::read_at(&fd, 0, expected.len())? == expected)
}
