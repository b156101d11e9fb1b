//! One thread per open volume: it takes what waits, writes it in one go, syncs
//! once and wakes everybody.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use osier_engine::{BlobId, EngineError, OwnerTag, Run, SealedBlob};
use rustix::io::Errno;
use tokio::sync::oneshot;

use crate::buffer::AlignedBuffer;
use crate::core::Core;
use crate::failure::{closed, repeat};
use crate::liveness::Unlinked;
use crate::record::{HEADER_BYTES, Header};
use crate::volumes::{Lane, Place, Volume};

type Reply = oneshot::Sender<Result<SealedBlob, EngineError>>;

/// What waits for the flusher of a lane.
#[derive(Debug, Default)]
pub(crate) struct FlushQueue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    closing: bool,
}

enum Job {
    /// A whole record but for its header.
    Append {
        record: AlignedBuffer,
        length: u64,
        owner: OwnerTag,
        reply: Reply,
    },
    /// A record that was written already, at its place.
    Sync {
        volume: Arc<Volume>,
        run: Run,
        reply: Reply,
    },
}

impl std::fmt::Debug for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Job")
    }
}

impl FlushQueue {
    /// Writes a record whose first 64 bytes are left for the header.
    pub(crate) async fn append(
        &self,
        record: AlignedBuffer,
        length: u64,
        owner: OwnerTag,
    ) -> Result<SealedBlob, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.push(Job::Append {
            record,
            length,
            owner,
            reply,
        });
        answer.await.map_err(|_| closed())?
    }

    /// Makes a record durable that was written to `volume`.
    pub(crate) async fn sync(
        &self,
        volume: Arc<Volume>,
        run: Run,
    ) -> Result<SealedBlob, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.push(Job::Sync { volume, run, reply });
        answer.await.map_err(|_| closed())?
    }

    /// Lets the flusher finish what is queued and end.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closing = true;
        self.work.notify_all();
    }

    fn push(&self, job: Job) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.closing {
            state.jobs.push_back(job);
            self.work.notify_one();
        }
    }

    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.jobs.is_empty() {
            if state.closing {
                return None;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut bytes = 0;
        let mut taken = Vec::new();
        while let Some(job) = state.jobs.pop_front() {
            if let Job::Append { record, .. } = &job {
                bytes += record.len();
            }
            taken.push(job);
            if bytes >= GROUP_BYTES {
                break;
            }
        }
        Some(taken)
    }
}

/// The thread of one lane.
pub(crate) fn serve(core: &Arc<Core>, lane: &Lane) {
    while let Some(jobs) = lane.queue.take() {
        flush(core, lane, jobs);
    }
}

/// A record on its way.
struct Written {
    volume: Arc<Volume>,
    run: Run,
    reply: Reply,
}

fn flush(core: &Arc<Core>, lane: &Lane, jobs: Vec<Job>) {
    let mut placed = Vec::new();
    let mut written = Vec::new();
    for job in jobs {
        match job {
            Job::Sync { volume, run, reply } => written.push(Written { volume, run, reply }),
            Job::Append {
                mut record,
                length,
                owner,
                reply,
            } => match place(core, lane, &mut record, length, owner) {
                Ok(place) => placed.push((place, record, length, reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
        }
    }
    core.tally.flushes.fetch_add(1, Ordering::Relaxed);
    let appended = u64::try_from(placed.len()).unwrap_or_default();
    core.tally.appends.fetch_add(appended, Ordering::Relaxed);
    while !placed.is_empty() {
        let rest = placed.split_off(adjacent(&placed));
        write_adjacent(core, std::mem::replace(&mut placed, rest), &mut written);
    }
    sync_and_answer(core, written);
}

fn place(
    core: &Core,
    lane: &Lane,
    record: &mut AlignedBuffer,
    length: u64,
    owner: OwnerTag,
) -> Result<Place, EngineError> {
    core.health.check_sound()?;
    let bytes = u64::try_from(record.len()).map_err(|_| EngineError::Full)?;
    let place = lane.reserve(core, bytes)?;
    let header = Header {
        blob: BlobId(place.blob),
        length,
        owner,
        nonce: core.nonce,
    };
    if let Some(space) = record.bytes_mut().get_mut(..HEADER_BYTES) {
        space.copy_from_slice(&header.encode());
    }
    Ok(place)
}

/// How many of the first records lie one behind the other in one volume.
fn adjacent(placed: &[(Place, AlignedBuffer, u64, Reply)]) -> usize {
    let follows = |pair: &[(Place, AlignedBuffer, u64, Reply)]| match pair {
        [(first, record, ..), (second, ..)] => {
            let end = first.offset + u64::try_from(record.len()).unwrap_or_default();
            first.volume.number == second.volume.number && end == second.offset
        }
        _ => false,
    };
    1 + placed.windows(2).take_while(|pair| follows(pair)).count()
}

fn write_adjacent(
    core: &Core,
    placed: Vec<(Place, AlignedBuffer, u64, Reply)>,
    written: &mut Vec<Written>,
) {
    let buffers: Vec<&[u8]> = placed
        .iter()
        .map(|(_, record, ..)| record.bytes())
        .collect();
    let result = match placed.first() {
        Some((first, ..)) => first.volume.file.write_all_at(&buffers, first.offset),
        None => Ok(()),
    };
    for (place, record, length, reply) in placed {
        match result {
            Ok(()) => {
                let blob = BlobId(place.blob);
                written.push(Written {
                    volume: place.volume,
                    run: Run { blob, length },
                    reply,
                });
            }
            Err(errno) => {
                // Perhaps half written; the collector gives the place back.
                let bytes = u64::try_from(record.len()).unwrap_or_default();
                core.liveness
                    .insert(place.blob, Unlinked::Orphan { bytes, passes: 0 });
                let error = core.write_failed("writing to a volume failed", errno);
                let _ = reply.send(Err(error));
            }
        }
    }
}

fn sync_and_answer(core: &Arc<Core>, written: Vec<Written>) {
    let mut synced: Vec<(u64, Result<(), Errno>)> = Vec::new();
    for Written { volume, run, reply } in written {
        let known = synced.iter().find(|(number, _)| *number == volume.number);
        let result = if let Some((_, result)) = known {
            *result
        } else {
            let result = volume.file.sync();
            synced.push((volume.number, result));
            result
        };
        // The reply carries the blob itself: when the caller is gone, dropping the
        // reply discards it.
        let answer = match result {
            Ok(()) => Ok(sealed(core, run)),
            Err(errno) => {
                // After a failed sync nobody knows what is on the disk.
                core.health
                    .poison(&format!("syncing volume {} failed: {errno}", volume.number));
                let error = crate::failure::disk_error("syncing a volume failed", errno);
                Err(match error {
                    EngineError::Full => crate::failure::unavailable("syncing a volume failed"),
                    other => repeat(&other),
                })
            }
        };
        let _ = reply.send(answer);
    }
}

/// A durable blob that frees itself unless it is linked.
pub(crate) fn sealed(core: &Arc<Core>, run: Run) -> SealedBlob {
    core.liveness.seal(run.blob.0);
    let core = Arc::downgrade(core);
    SealedBlob::new(run, move |blob| {
        if let Some(core) = core.upgrade() {
            core.discard(blob);
        }
    })
}

/// Bytes of one group at most.
const GROUP_BYTES: usize = 16 << 20;
