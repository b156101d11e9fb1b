//! Where bodies are hashed: a few threads of the pool for blocking work, each with several
//! bodies side by side.
//!
//! Whoever is busy finds more bodies in the line when it looks again, so that lanes fill up just
//! when there is much to do. Bodies take turns after every batch.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::vec;

use bytes::{Buf as _, Bytes};
use md5_simd::BLOCK_SIZE;
use tokio::task::spawn_blocking;

use super::lanes::{Block, LANES, Md5, compress};
use super::{Hasher, Place, Shared};

/// The threads that hash, and the bodies that wait for one.
#[derive(Clone)]
pub(crate) struct Mill(Arc<Inner>);

struct Inner {
    line: Mutex<Line>,
    workers_max: usize,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Work>,
    workers: usize,
}

/// A body of which a batch waits, with its hasher.
pub(super) struct Work {
    shared: Arc<Shared>,
    hasher: Option<Box<Hasher>>,
}

/// One thread.
struct Worker {
    mill: Arc<Inner>,
    /// It found nothing to do and was counted out.
    left: bool,
}

/// A body whose batch is being hashed.
struct Lane {
    work: Work,
    batch: vec::IntoIter<Bytes>,
    batch_bytes: usize,
    /// Whole blocks that are next.
    blocks: Bytes,
}

impl Default for Mill {
    /// Half of the processors at most: the others receive and write.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            line: Mutex::default(),
            workers_max: processors.div_ceil(2),
        }))
    }
}

impl fmt::Debug for Mill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = self.0.line().workers;
        out.debug_struct("Mill")
            .field("workers", &workers)
            .finish_non_exhaustive()
    }
}

impl Mill {
    /// Takes a body of which a batch waits; it gets its hasher back when none waits any more.
    pub(super) fn add(&self, work: Work) {
        let mut line = self.0.line();
        line.waiting.push_back(work);
        if line.workers < self.0.workers_max {
            line.workers = line.workers.saturating_add(1);
            drop(line);
            let worker = Worker {
                mill: Arc::clone(&self.0),
                left: false,
            };
            spawn_blocking(move || worker.run());
        }
    }
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn run(mut self) {
        let mut lanes: Vec<Lane> = Vec::with_capacity(LANES);
        while self.fill(&mut lanes) {
            while lanes.iter_mut().all(Lane::has_blocks) {
                let mut side_by_side: Vec<_> = lanes.iter_mut().filter_map(Lane::md5).collect();
                let bytes = compress(&mut side_by_side).saturating_mul(BLOCK_SIZE);
                for lane in &mut lanes {
                    lane.blocks.advance(bytes);
                }
            }
            for lane in lanes.extract_if(.., |lane| !lane.has_blocks()) {
                if let Some(work) = lane.finish() {
                    self.mill.line().waiting.push_back(work);
                }
            }
        }
    }

    /// Gets bodies from the line until all lanes have one; `false` when there is nothing to do.
    fn fill(&mut self, lanes: &mut Vec<Lane>) -> bool {
        while lanes.len() < LANES {
            let mut line = self.mill.line();
            let Some(work) = line.waiting.pop_front() else {
                if lanes.is_empty() {
                    line.workers = line.workers.saturating_sub(1);
                    self.left = true;
                }
                break;
            };
            drop(line);
            lanes.extend(Lane::of(work));
        }
        !lanes.is_empty()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It panicked, or never ran. When nobody is left, whoever waits must not wait for ever.
        if !self.left {
            let mut line = self.mill.line();
            line.workers = line.workers.saturating_sub(1);
            if line.workers == 0 {
                let lost = std::mem::take(&mut line.waiting);
                drop(line);
                drop(lost);
            }
        }
    }
}

impl Lane {
    /// A lane for the first batch that waits; without any the hasher goes back.
    fn of(work: Work) -> Option<Self> {
        let mut work = work;
        loop {
            let batch = work.shared.queue().batches.pop_front();
            if let (Some(batch), Some(hasher)) = (batch, &mut work.hasher) {
                hasher.update_others(&batch);
                return Some(Self {
                    batch_bytes: batch.iter().map(Bytes::len).sum(),
                    batch: batch.into_iter(),
                    blocks: Bytes::new(),
                    work,
                });
            }
            work = work.put_back()?;
        }
    }

    /// Whether there are whole blocks to hash; if not, the batch is done.
    fn has_blocks(&mut self) -> bool {
        while self.blocks.is_empty() {
            let (Some(piece), Some(hasher)) = (self.batch.next(), &mut self.work.hasher) else {
                return false;
            };
            self.blocks = piece.slice_ref(hasher.md5.take(&piece).as_flattened());
        }
        true
    }

    fn md5(&mut self) -> Option<(&mut Md5, &[Block])> {
        let hasher = self.work.hasher.as_mut()?;
        Some((&mut hasher.md5, self.blocks.as_chunks().0))
    }

    /// Tells that the batch is done; gives the body back if another one waits.
    fn finish(self) -> Option<Work> {
        let mut queue = self.work.shared.queue();
        queue.bytes = queue.bytes.saturating_sub(self.batch_bytes);
        drop(queue);
        self.work.shared.progress.notify_one();
        self.work.put_back()
    }
}

impl Work {
    pub(super) fn new(shared: &Arc<Shared>, hasher: Box<Hasher>) -> Self {
        Self {
            shared: Arc::clone(shared),
            hasher: Some(hasher),
        }
    }

    /// Gives the hasher back, unless there is more to do by now.
    fn put_back(mut self) -> Option<Self> {
        let mut queue = self.shared.queue();
        if !queue.batches.is_empty() {
            drop(queue);
            return Some(self);
        }
        if let Some(hasher) = self.hasher.take() {
            queue.hasher = Place::Here(hasher);
        }
        drop(queue);
        self.shared.progress.notify_one();
        None
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Whoever waits for it must not wait for ever.
        if self.hasher.take().is_some() {
            self.shared.queue().hasher = Place::Lost;
            self.shared.progress.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;
    use crate::digest::{Beside, Digests, Hashing};

    async fn digests(mill: Mill, body: Vec<u8>, piece: usize) -> Digests {
        let mut hashing = Hashing::new(&mill, Beside::default());
        for piece in body.chunks(piece) {
            hashing.feed(Bytes::copy_from_slice(piece)).await.unwrap();
            tokio::task::yield_now().await;
        }
        hashing.finish().await.unwrap()
    }

    /// More bodies than lanes, of all lengths, some given up on the way.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn bodies_do_not_get_mixed_up() {
        let mill = Mill::default();
        let mut tasks = Vec::new();
        for number in 0..40_u32 {
            let length = 20_000 * number + number;
            let body: Vec<u8> = (0..length)
                .map(|at| (at * number / 7).to_le_bytes()[0])
                .collect();
            let plain: [u8; 16] = <md5::Md5 as sha2::Digest>::digest(&body).into();
            let piece = usize::try_from(1000 + 997 * number).unwrap();
            let task = tokio::spawn(digests(mill.clone(), body.clone(), piece));
            tasks.push((task, plain));
            let given_up = tokio::spawn(digests(mill.clone(), body, piece));
            if number % 3 == 0 {
                tokio::task::yield_now().await;
                given_up.abort();
            }
        }
        for (task, plain) in tasks {
            assert_eq!(task.await.unwrap().md5, plain);
        }
    }

    /// As when the pool ends before it comes to the work.
    #[tokio::test]
    async fn bodies_are_lost_with_the_last_worker() {
        let mill = Mill::default();
        let hashing = Hashing::new(&mill, Beside::default());
        let place = mem::replace(&mut hashing.shared.queue().hasher, Place::Running);
        let Place::Here(hasher) = place else {
            panic!("the hasher is away");
        };
        let waiting = VecDeque::from([Work::new(&hashing.shared, hasher)]);
        *mill.0.line() = Line {
            waiting,
            workers: 2,
        };
        let worker = || Worker {
            mill: Arc::clone(&mill.0),
            left: false,
        };
        drop(worker());
        assert_eq!(mill.0.line().waiting.len(), 1, "another one comes to it");
        drop(worker());
        assert!(hashing.finish().await.is_err());
    }
}
