//! Frees blobs that nobody refers to any more, in a thread of its own.
//!
//! A record becomes a hole, an extent and a wholly dead volume go away. Nothing is
//! freed for want of knowledge: each blob was unlinked by a commit, given up by its
//! writer, or left by a crash and seen twice without a reference. Usually a blob
//! stays a while after its last reference; where space is short it goes at once,
//! unless somebody has it open.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use osier_engine::{BlobId, EngineError};
use rustix::io::Errno;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::disk::{self, WriteFile};
use crate::extents;
use crate::failure::{closed, database_error, disk_error};
use crate::files::FileName;
use crate::layout::volume_name;
use crate::liveness::Unlinked;
use crate::locator::{BLOCK, Locator, volume_blobs};
use crate::meta::{
    Meta, NEXT_VOLUME, OwnChange, Space, VOLUME_PREFIX, garbage_key, garbage_of, own_key,
    reference_key,
};
use crate::record::{HEADER_BYTES, Header};
use crate::recovery::has_references_in;
use crate::verify::volume_sizes;

/// What a pass freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// Blobs whose last reference was gone.
    pub garbage: u64,
    /// Blobs that their writer gave up.
    pub discarded: u64,
    /// Blobs and torn stretches that a crash left.
    pub orphans: u64,
    /// Bytes of all these.
    pub bytes: u64,
    /// Volumes removed because nothing was left in them.
    pub volumes: u64,
    /// Blobs that were due but are left for a later pass: somebody reads them, or
    /// a crash left them and this was the first look.
    pub left: u64,
}

type Answer = oneshot::Sender<Result<Collected, EngineError>>;

/// What waits for the collector.
#[derive(Debug, Default)]
pub(crate) struct CollectorQueue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<(Duration, Answer)>,
    woken: bool,
    /// A write was refused for want of space.
    hurried: bool,
    closing: bool,
}

/// What the collector's thread does next.
struct Turn {
    requests: Vec<(Duration, Answer)>,
    hurried: bool,
}

impl CollectorQueue {
    /// There is something to free soon.
    pub(crate) fn wake(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.woken = true;
        self.work.notify_one();
    }

    /// A write was refused for want of space: whatever can be freed is freed now,
    /// before any pass that is requested later.
    pub(crate) fn hurry(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.hurried = true;
        self.work.notify_one();
    }

    /// Makes a pass now and waits for it.
    pub(crate) async fn request(&self, grace: Duration) -> Result<Collected, EngineError> {
        let (answer, result) = oneshot::channel();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.closing {
                state.requests.push((grace, answer));
                self.work.notify_one();
            }
        }
        result.await.map_err(|_| closed())?
    }

    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closing = true;
        state.requests.clear();
        self.work.notify_all();
    }

    /// Waits for requests, or until a pass is due. None when closing.
    fn next(&self, last: Instant, interval: Duration) -> Option<Turn> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.closing {
                return None;
            }
            let due = if state.hurried {
                HURRY
            } else if state.woken {
                SOON
            } else {
                interval
            };
            let waited = last.elapsed();
            if !state.requests.is_empty() || waited >= due {
                state.woken = false;
                return Some(Turn {
                    requests: std::mem::take(&mut state.requests),
                    hurried: std::mem::take(&mut state.hurried),
                });
            }
            (state, _) = self
                .work
                .wait_timeout(state, due.saturating_sub(waited))
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The collector's thread.
pub(crate) fn serve(core: &Core) {
    let interval = Duration::from_secs(core.settings.collect_interval_s);
    let usual = Duration::from_secs(core.settings.collect_grace_s);
    let mut last = Instant::now();
    loop {
        let pause = if is_short(core) {
            interval.min(SHORT)
        } else {
            interval
        };
        let Some(turn) = core.collector.next(last, pause) else {
            return;
        };
        if turn.hurried || turn.requests.is_empty() {
            let short = turn.hurried || is_short(core);
            if let Err(error) = pass(core, if short { Duration::ZERO } else { usual })
                && !matches!(error, EngineError::Unavailable { .. } | EngineError::Full)
            {
                tracing::error!(%error, "freeing blobs failed");
            }
        }
        for (grace, answer) in turn.requests {
            let _ = answer.send(pass(core, grace));
        }
        last = Instant::now();
    }
}

/// Whether the reserve is touched, so that writes are refused.
fn is_short(core: &Core) -> bool {
    core.free_bytes()
        .is_ok_and(|free| free < core.settings.reserve_bytes)
}

fn pass(core: &Core, grace: Duration) -> Result<Collected, EngineError> {
    // On a disk that failed nothing more is changed.
    core.health.check_sound()?;
    let mut pass = Pass {
        core,
        done: Collected::default(),
        volumes: HashMap::new(),
        folders: HashMap::new(),
    };
    pass.free_unlinked()?;
    pass.free_garbage(grace)?;
    let mut marks = core.volumes.clean_marks(core, false);
    marks.extend(core.extents.clean_mark(core));
    core.change_own(marks)?;
    pass.remove_dead_volumes()?;
    let sequence = core.with_meta(|meta| Ok(meta.sequence()))?;
    let _ = core.layout.set_witness(sequence);
    core.tally
        .freed_bytes
        .fetch_add(pass.done.bytes, Ordering::Relaxed);
    Ok(pass.done)
}

struct Pass<'a> {
    core: &'a Core,
    done: Collected,
    /// Files changed since the last sync.
    volumes: HashMap<u64, WriteFile>,
    folders: HashMap<u64, OwnedFd>,
}

impl Pass<'_> {
    /// Frees what never had a reference.
    fn free_unlinked(&mut self) -> Result<(), EngineError> {
        let mut freed = Vec::new();
        for blob in self.core.liveness.take_discarded() {
            if self.core.liveness.claim(blob) {
                match self.free(blob) {
                    Ok(bytes) => {
                        self.done.discarded += 1;
                        self.done.bytes += bytes;
                        freed.push(blob);
                        continue;
                    }
                    Err(errno) => {
                        tracing::warn!(blob, %errno, "freeing a blob failed");
                        self.core.liveness.release(blob);
                    }
                }
            }
            self.done.left += 1;
            self.core.liveness.insert(blob, Unlinked::Discarded);
        }
        for (blob, bytes, passes) in self.core.liveness.pass_orphans() {
            if passes < 2 {
                self.done.left += 1;
                continue;
            }
            if self.is_referred_to(blob, bytes)? {
                tracing::error!(blob, "a lost blob has a reference after all; it stays");
                self.core.liveness.remove(blob);
                continue;
            }
            if !self.core.liveness.claim(blob) {
                self.done.left += 1;
                continue;
            }
            match self.free_orphan(blob, bytes) {
                Ok(()) => {
                    self.done.orphans += 1;
                    self.done.bytes += bytes;
                    freed.push(blob);
                }
                Err(errno) => {
                    tracing::warn!(blob, %errno, "freeing a lost blob failed");
                    self.core.liveness.release(blob);
                    self.done.left += 1;
                }
            }
        }
        self.sync()?;
        for blob in freed {
            self.core.liveness.remove(blob);
            self.core.liveness.release(blob);
        }
        Ok(())
    }

    fn is_referred_to(&self, blob: u64, bytes: u64) -> Result<bool, EngineError> {
        match Locator::of(BlobId(blob)) {
            Locator::Volume { number, block } => {
                has_references_in(self.core, number, block * BLOCK, bytes)
            }
            Locator::Extent { .. } => self.core.with_meta(|meta| meta.has_references(blob)),
        }
    }

    /// Frees blobs whose last reference went `grace` ago, some at a time.
    fn free_garbage(&mut self, grace: Duration) -> Result<(), EngineError> {
        let before = if grace.is_zero() {
            // Whatever the clock did meanwhile.
            i64::MAX
        } else {
            let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
            self.core.now().as_millis().saturating_sub(grace)
        };
        let mut after = Vec::new();
        let mut refused = Ok(());
        loop {
            let (candidates, next) = self.garbage_from(&after, before)?;
            let mut freed = Vec::new();
            for (since, blob) in candidates {
                if !self.core.liveness.claim(blob) {
                    self.done.left += 1;
                    continue;
                }
                match self.free(blob) {
                    Ok(bytes) => {
                        self.done.garbage += 1;
                        self.done.bytes += bytes;
                        freed.push((since, blob));
                    }
                    Err(errno) => {
                        tracing::warn!(blob, %errno, "freeing a blob failed");
                        self.core.liveness.release(blob);
                        self.done.left += 1;
                    }
                }
            }
            // The rows go only after the space is surely free: a crash between the
            // two repeats the freeing, the other way round would lose space.
            let forgotten = self.sync().and_then(|()| {
                let forget = |(since, blob): &(i64, u64)| OwnChange {
                    space: Space::Garbage,
                    key: garbage_key(*since, *blob).to_vec(),
                    value: None,
                };
                self.core.change_own(freed.iter().map(forget).collect())
            });
            for (_, blob) in freed {
                self.core.liveness.release(blob);
            }
            if let Err(error) = forgotten {
                // The database may have no space to forget them: all the more the
                // rest is freed, too.
                self.core.health.check_sound()?;
                refused = Err(error);
            }
            match next {
                Some(next) => after = next,
                None => return refused,
            }
        }
    }

    /// Some garbage from a row on, the oldest first, and where to go on.
    fn garbage_from(&self, after: &[u8], before: i64) -> Result<Due, EngineError> {
        self.core.with_meta(|meta| {
            let mut found = Vec::new();
            let mut rows = meta.iterate(Space::Garbage, after, None, false)?;
            while let Some(key) = rows.key() {
                let (since, blob) = garbage_of(key)?;
                if since > before {
                    break;
                }
                if found.len() >= AT_A_TIME {
                    return Ok((found, Some(key.to_vec())));
                }
                if meta.has_references(blob)? {
                    tracing::error!(blob, "a blob with references is listed as garbage");
                } else {
                    found.push((since, blob));
                }
                rows.next();
            }
            rows.status().map_err(database_error)?;
            Ok((found, None))
        })
    }

    /// Gives the space of a blob back, and says how much it was. Freeing twice does
    /// no harm.
    fn free(&mut self, blob: u64) -> Result<u64, Errno> {
        match Locator::of(BlobId(blob)) {
            Locator::Extent { sequence } => self.free_extent(sequence),
            place @ Locator::Volume { number, .. } => {
                let file = match self
                    .core
                    .files
                    .open(&self.core.layout, FileName::Volume(number))
                {
                    Ok(file) => file,
                    Err(Errno::NOENT) => return Ok(0),
                    Err(errno) => return Err(errno),
                };
                let bytes = disk::read_at(&*file, place.offset(), HEADER_BYTES)?;
                match Header::decode(&bytes, self.core.nonce) {
                    Some(header) if header.blob.0 == blob => {
                        let bytes = header.record_bytes();
                        self.punch(number, place.offset(), bytes)?;
                        Ok(bytes)
                    }
                    _ if bytes.iter().all(|byte| *byte == 0) => Ok(0),
                    _ => {
                        // How long it is nobody knows: its space comes back with
                        // the volume.
                        tracing::warn!(%place, blob, "a dead record has a damaged header");
                        Ok(0)
                    }
                }
            }
        }
    }

    fn free_orphan(&mut self, blob: u64, bytes: u64) -> Result<(), Errno> {
        match Locator::of(BlobId(blob)) {
            Locator::Extent { sequence } => self.free_extent(sequence).map(drop),
            place @ Locator::Volume { number, .. } => self.punch(number, place.offset(), bytes),
        }
    }

    fn free_extent(&mut self, sequence: u64) -> Result<u64, Errno> {
        let bytes = self
            .core
            .files
            .open(&self.core.layout, FileName::Extent(sequence))
            .and_then(|file| disk::size(&*file))
            .unwrap_or(0);
        extents::remove(self.core, sequence)?;
        let folder = self.core.layout.extent_folder(sequence)?;
        self.folders.insert(sequence & 0xff, folder);
        Ok(bytes)
    }

    /// The header goes last: until then a crash leaves a record that can be freed
    /// again.
    ///
    /// Pages of the record may still be on their way to a client: `sendfile` hands the socket
    /// the pages themselves. A hole takes whole folios out of the page cache, which does those
    /// no harm, but zeroes where they lie the ones that reach beyond it. So the folios at both
    /// ends are first pushed out of the cache, by writing past it: that forgets folios whoever
    /// still holds their pages. (Without unbuffered writing no piece of a volume is ever sent that
    /// way. Asking whether a block is still cached would not do: the question brings it back.)
    fn punch(&mut self, number: u64, offset: u64, bytes: u64) -> Result<(), Errno> {
        let file = match self.volumes.entry(number) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let name = volume_name(number);
                match WriteFile::open(self.core.layout.volumes(), &name) {
                    Ok(file) => entry.insert(file),
                    Err(Errno::NOENT) => return Ok(()),
                    Err(errno) => return Err(errno),
                }
            }
        };
        if file.is_direct() && bytes >= BLOCK {
            for block in [offset, offset + bytes - BLOCK] {
                file.rewrite_block(block)?;
            }
        }
        if bytes > BLOCK {
            file.punch(offset + BLOCK, bytes - BLOCK)?;
        }
        file.punch(offset, BLOCK.min(bytes))
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        let failed = |errno: Errno| {
            self.core
                .health
                .poison(&format!("syncing freed space failed: {errno}"));
            disk_error("syncing freed space failed", errno)
        };
        for (_, file) in self.volumes.drain() {
            file.sync().map_err(failed)?;
        }
        for (_, folder) in self.folders.drain() {
            rustix::fs::fsync(&folder).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes volumes that nothing is written to and nothing refers to.
    fn remove_dead_volumes(&mut self) -> Result<(), EngineError> {
        let failed = |errno| disk_error("removing a volume failed", errno);
        let directory = self.core.layout.volumes();
        let mut dead = Vec::new();
        for number in volume_sizes(directory).map_err(failed)?.into_keys() {
            if !self.core.volumes.is_open(number) && !self.is_used(number)? {
                dead.push(number);
            }
        }
        if dead.is_empty() {
            return Ok(());
        }
        // What waits to be freed may still be read.
        for blob in self.core.with_meta(Meta::garbage)? {
            if let Locator::Volume { number, .. } = Locator::of(BlobId(blob)) {
                dead.retain(|it| *it != number);
            }
        }
        if dead.is_empty() {
            return Ok(());
        }
        // First the promise that their numbers are never used again.
        let next = self.core.volumes.next_number();
        let mut changes = vec![extents::number(NEXT_VOLUME, next)];
        changes.extend(dead.iter().map(|number| OwnChange {
            space: Space::System,
            key: own_key(VOLUME_PREFIX, *number),
            value: None,
        }));
        self.core.change_own(changes)?;
        for number in dead {
            self.core.files.forget(FileName::Volume(number));
            self.core.volumes.forget(number);
            disk::remove(directory, &volume_name(number)).map_err(failed)?;
            self.done.volumes += 1;
        }
        rustix::fs::fsync(directory.as_fd()).map_err(failed)
    }

    /// Whether a blob of the volume has a reference, or may get one.
    fn is_used(&self, number: u64) -> Result<bool, EngineError> {
        let blobs = volume_blobs(number);
        // In this order: a blob leaves the unlinked ones only after its reference is
        // in the database.
        if self.core.liveness.first_unlinked(blobs.clone()).is_some() {
            return Ok(true);
        }
        let (lower, upper) = (reference_key(blobs.start, 0), reference_key(blobs.end, 0));
        self.core
            .with_meta(|meta| meta.any(Space::References, &lower, Some(upper.to_vec())))
    }
}

/// Garbage that is due, and the row to go on from.
type Due = (Vec<(i64, u64)>, Option<Vec<u8>>);

/// Blobs freed between two syncs.
const AT_A_TIME: usize = 512;
/// Pause before a pass that was asked for by what happens.
const SOON: Duration = Duration::from_secs(1);
/// Pause between passes while writes are refused for want of space.
const HURRY: Duration = Duration::from_millis(20);
/// Pause between passes while space is short.
const SHORT: Duration = Duration::from_secs(5);
