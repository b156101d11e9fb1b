//! Writes one long record in portions: into a place of a volume, or into an extent.
//!
//! A few portions are under way at a time. The first block, with the header, is
//! written last: without it there is no record.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use osier_engine::{BlobId, EngineError, OwnerTag, Run, SealedBlob};
use rustix::io::Errno;
use tokio::sync::oneshot;

use crate::buffer::AlignedBuffer;
use crate::core::Core;
use crate::disk::{self, WriteFile};
use crate::extents;
use crate::failure::{closed, disk_error, unavailable};
use crate::files::FileName;
use crate::flusher;
use crate::liveness::Unlinked;
use crate::locator::{BLOCK, Locator};
use crate::record::{HEADER_BYTES, Header, TableBuilder, record_bytes};
use crate::volumes::{Place, Volume};

/// A record being written.
pub(crate) struct Stream {
    core: Arc<Core>,
    owner: OwnerTag,
    target: Target,
    length: u64,
    table: TableBuilder,
    /// The first block, once it is known but for the header.
    first: Option<AlignedBuffer>,
    buffer: AlignedBuffer,
    /// Where `buffer` goes, from the start of the record.
    at: u64,
    /// Up to where an extent has its disk space.
    allocated: u64,
    hint: Option<u64>,
    flying: VecDeque<oneshot::Receiver<Result<AlignedBuffer, EngineError>>>,
    done: bool,
}

enum Target {
    Volume { place: Place, bytes: u64 },
    Extent { sequence: u64, file: Arc<WriteFile> },
}

/// A file and where the record begins in it.
#[derive(Clone)]
enum Spot {
    Volume(Arc<Volume>, u64),
    Extent(Arc<WriteFile>),
}

impl Stream {
    /// A stream into a volume, for a body of at most `length`. Blocks.
    pub(crate) fn to_volume(
        core: &Arc<Core>,
        owner: OwnerTag,
        length: u64,
    ) -> Result<Self, EngineError> {
        let bytes = record_bytes(length);
        let place = core.volumes.lane().reserve(core, bytes)?;
        Ok(Self::new(
            core,
            owner,
            Target::Volume { place, bytes },
            Some(length),
        ))
    }

    /// A stream into an extent. Blocks.
    pub(crate) fn to_extent(
        core: &Arc<Core>,
        owner: OwnerTag,
        hint: Option<u64>,
    ) -> Result<Self, EngineError> {
        let (sequence, file) = core.extents.create(core)?;
        let file = Arc::new(file);
        Ok(Self::new(
            core,
            owner,
            Target::Extent { sequence, file },
            hint,
        ))
    }

    fn new(core: &Arc<Core>, owner: OwnerTag, target: Target, hint: Option<u64>) -> Self {
        let mut buffer = AlignedBuffer::with_capacity(PORTION);
        buffer.fill(&[0; HEADER_BYTES]);
        Self {
            core: Arc::clone(core),
            owner,
            target,
            length: 0,
            table: TableBuilder::new(),
            first: None,
            buffer,
            at: 0,
            allocated: 0,
            hint,
            flying: VecDeque::new(),
            done: false,
        }
    }

    /// Whether `more` bytes still fit where the record goes.
    pub(crate) fn takes(&self, more: usize) -> bool {
        let Ok(more) = u64::try_from(more) else {
            return false;
        };
        match &self.target {
            Target::Volume { bytes, .. } => record_bytes(self.length + more) <= *bytes,
            Target::Extent { .. } => true,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.table.update(bytes);
        self.length += u64::try_from(bytes.len()).map_err(|_| EngineError::Full)?;
        self.push(bytes).await
    }

    /// The body so far, for writing it elsewhere. At most what a volume takes.
    pub(crate) async fn body(&mut self) -> Result<Bytes, EngineError> {
        self.land(0).await?;
        let mut bytes = Vec::new();
        if let (Some(first), Target::Volume { place, .. }) = (&self.first, &self.target) {
            bytes.extend_from_slice(first.bytes());
            let number = place.volume.number;
            let from = place.offset + BLOCK;
            let length = usize::try_from(self.at - BLOCK).map_err(|_| EngineError::Full)?;
            let core = Arc::clone(&self.core);
            let read = move || {
                let file = core.files.open(&core.layout, FileName::Volume(number));
                let read = file.and_then(|file| disk::read_at(&*file, from, length));
                read.map_err(|errno| disk_error("reading a volume failed", errno))
            };
            bytes.extend_from_slice(&self.core.pool.run(read).await?);
        }
        bytes.extend_from_slice(self.buffer.bytes());
        Ok(Bytes::from(bytes).slice(HEADER_BYTES..))
    }

    pub(crate) async fn finish(mut self) -> Result<SealedBlob, EngineError> {
        let table = std::mem::replace(&mut self.table, TableBuilder::new()).finish();
        self.push(&table).await?;
        self.buffer.pad();
        self.launch();
        self.land(0).await?;
        let run = Run {
            blob: BlobId(self.blob()),
            length: self.length,
        };
        let header = Header {
            blob: run.blob,
            length: run.length,
            owner: self.owner,
            nonce: self.core.nonce,
        };
        let mut first = self
            .first
            .take()
            .ok_or_else(|| unavailable("a record without a first block"))?;
        if let Some(space) = first.bytes_mut().get_mut(..HEADER_BYTES) {
            space.copy_from_slice(&header.encode());
        }
        let core = Arc::clone(&self.core);
        let spot = self.spot();
        let total = self.at;
        match &self.target {
            Target::Volume { place, .. } => {
                let volume = Arc::clone(&place.volume);
                // Under way like any portion, so that dropping waits for it, too.
                self.flying.push_back(self.core.pool.start(move || {
                    spot.write(&core, first.bytes(), 0)?;
                    Ok(first)
                }));
                self.land(0).await?;
                let lane = self.core.volumes.lane();
                let sealed = lane.queue.sync(volume, run).await?;
                self.done = true;
                Ok(sealed)
            }
            Target::Extent { sequence, file } => {
                let (sequence, file) = (*sequence, Arc::clone(file));
                // From here on the pool ends it, whether the caller waits or not.
                self.done = true;
                let seal = move || {
                    let sealed = spot
                        .write(&core, first.bytes(), 0)
                        .and_then(|()| publish(&core, sequence, &file, total));
                    if sealed.is_err() && extents::remove(&core, sequence).is_ok() {
                        core.liveness.remove(run.blob.0);
                    }
                    sealed.map(|()| flusher::sealed(&core, run))
                };
                self.core.pool.run(seal).await
            }
        }
    }

    fn blob(&self) -> u64 {
        match &self.target {
            Target::Volume { place, .. } => place.blob,
            Target::Extent { sequence, .. } => {
                let sequence = *sequence;
                Locator::Extent { sequence }.blob().0
            }
        }
    }

    fn spot(&self) -> Spot {
        match &self.target {
            Target::Volume { place, .. } => Spot::Volume(Arc::clone(&place.volume), place.offset),
            Target::Extent { file, .. } => Spot::Extent(Arc::clone(file)),
        }
    }

    async fn push(&mut self, mut bytes: &[u8]) -> Result<(), EngineError> {
        while !bytes.is_empty() {
            if self.buffer.room() == 0 {
                let spare = self.land(PORTIONS - 1).await?;
                self.launch();
                if let Some(mut spare) = spare {
                    spare.clear();
                    self.buffer = spare;
                } else {
                    self.buffer = AlignedBuffer::with_capacity(PORTION);
                }
            }
            let taken = self.buffer.fill(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Starts writing what is in the buffer, and leaves an empty one.
    fn launch(&mut self) {
        let buffer = std::mem::replace(&mut self.buffer, AlignedBuffer::with_capacity(0));
        let mut skip = 0;
        if self.first.is_none() {
            skip = HELD;
            let mut first = AlignedBuffer::with_capacity(HELD);
            first.fill(buffer.bytes().get(..HELD).unwrap_or_default());
            self.first = Some(first);
        }
        let at = self.at;
        self.at += u64::try_from(buffer.len()).unwrap_or_default();
        let grow = self.grow();
        let (core, spot) = (Arc::clone(&self.core), self.spot());
        self.flying.push_back(self.core.pool.start(move || {
            if let (Some((from, bytes)), Spot::Extent(file)) = (grow, &spot) {
                core.check_space(bytes)?;
                file.allocate(from, bytes)
                    .map_err(|errno| disk_error("extending an extent failed", errno))?;
            }
            let rest = buffer.bytes().get(skip..).unwrap_or_default();
            spot.write(&core, rest, at + u64::try_from(skip).unwrap_or_default())?;
            Ok(buffer)
        }));
    }

    /// The disk space that an extent needs for writing up to `at`.
    fn grow(&mut self) -> Option<(u64, u64)> {
        if matches!(self.target, Target::Volume { .. }) || self.at <= self.allocated {
            return None;
        }
        let from = self.allocated;
        let whole = self.hint.map_or(0, record_bytes);
        let step = whole.saturating_sub(from).min(64 << 20);
        let bytes = step.max(8 << 20).max(self.at - from);
        // Not more than is left of a known length.
        let bytes = if whole >= self.at {
            bytes.min(whole - from)
        } else {
            bytes
        };
        self.allocated = from + bytes;
        Some((from, bytes))
    }

    /// Waits until at most `left` portions are under way; a free buffer comes back.
    async fn land(&mut self, left: usize) -> Result<Option<AlignedBuffer>, EngineError> {
        let mut spare = None;
        while self.flying.len() > left
            && let Some(first) = self.flying.front_mut()
        {
            let landed = first.await;
            self.flying.pop_front();
            spare = Some(landed.map_err(|_| closed())??);
        }
        Ok(spare)
    }
}

/// Makes a whole extent durable and gives it its name.
fn publish(core: &Core, sequence: u64, file: &WriteFile, bytes: u64) -> Result<(), EngineError> {
    file.truncate(bytes)
        .and_then(|()| file.sync())
        .and_then(|()| extents::publish(core, sequence))
        .map_err(|errno| core.write_failed("sealing an extent failed", errno))
}

impl Drop for Stream {
    /// An unfinished record goes away once its last portion has landed.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let core = Arc::clone(&self.core);
        let flying = std::mem::take(&mut self.flying);
        let blob = self.blob();
        let left = match &self.target {
            Target::Volume { bytes, .. } => Some(*bytes),
            Target::Extent { .. } => None,
        };
        drop(self.core.pool.start(move || {
            for one in flying {
                let _ = one.blocking_recv();
            }
            match (left, Locator::of(BlobId(blob))) {
                (Some(bytes), _) => {
                    let orphan = Unlinked::Orphan { bytes, passes: 1 };
                    core.liveness.insert(blob, orphan);
                    core.collector.wake();
                }
                (None, Locator::Extent { sequence }) => {
                    if extents::remove(&core, sequence).is_ok() {
                        core.liveness.remove(blob);
                    }
                }
                (None, Locator::Volume { .. }) => {}
            }
        }));
    }
}

impl Spot {
    fn write(&self, core: &Core, bytes: &[u8], at: u64) -> Result<(), EngineError> {
        if bytes.is_empty() {
            return Ok(());
        }
        core.health.check_sound()?;
        let failed = |errno: Errno| core.write_failed("writing a blob failed", errno);
        match self {
            Self::Volume(volume, base) => volume.file.write_at(bytes, base + at),
            Self::Extent(file) => file.write_at(bytes, at),
        }
        .map_err(failed)
    }
}

/// Bytes of the first block.
const HELD: usize = 4096;
/// Bytes of one portion.
const PORTION: usize = 512 << 10;
/// Portions of one stream under way at most, beside the one that is filled.
const PORTIONS: usize = 2;
