//! The one thread that writes: records behind each other, a new segment when one is full, the
//! oldest segment away when the budget is. What was asked for since it was written moves on.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::Record;
use crate::record::{self, Key};
use crate::segment::{self, BEGIN, Entry, Segment, list_bytes};
use crate::tier::{Place, Shared};

/// Bytes that wait to be written; more are dropped, because memory is bounded and a cache
/// may forget.
const QUEUE_BYTES_MAX: u64 = 32 << 20;
/// Of a segment that makes room, at most this part of a hundred moves on.
const REWRITE_PERCENT: u64 = 15;

#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    queued: Arc<AtomicU64>,
    jobs: Mutex<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Write(String, Record),
    Flush(Sender<()>),
    End,
}

impl Writer {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let queued = Arc::new(AtomicU64::new(0));
        let mut scribe = Scribe {
            shared: Arc::clone(&shared),
            queued: Arc::clone(&queued),
            active: None,
        };
        let thread = std::thread::Builder::new()
            .name("osier-cache".to_owned())
            .spawn(move || scribe.run(&queue))?;
        Ok(Self {
            shared,
            queued,
            jobs: Mutex::new(jobs),
            thread: Some(thread),
        })
    }

    pub(crate) fn write(&self, name: String, record: Record) {
        let weight = weight(&name, &record);
        let waiting = self.queued.fetch_add(weight, Ordering::Relaxed);
        if waiting + weight > QUEUE_BYTES_MAX || !self.send(Job::Write(name, record)) {
            self.queued.fetch_sub(weight, Ordering::Relaxed);
            self.shared.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn flush(&self) {
        let (done, wait) = channel();
        if self.send(Job::Flush(done)) {
            // An error means that the thread ended: then nothing is left to wait for.
            let _ = wait.recv();
        }
    }

    fn send(&self, job: Job) -> bool {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.send(job).is_ok()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.send(Job::End);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the cache's writer panicked");
        }
    }
}

fn weight(name: &str, record: &Record) -> u64 {
    (name.len() + record.meta.len() + record.body.len()) as u64
}

struct Scribe {
    shared: Arc<Shared>,
    queued: Arc<AtomicU64>,
    active: Option<Active>,
}

/// The segment that is written.
struct Active {
    number: u32,
    entries: Vec<Entry>,
}

impl Scribe {
    fn run(&mut self, queue: &Receiver<Job>) {
        while let Ok(job) = queue.recv() {
            match job {
                Job::Write(name, record) => {
                    let weight = weight(&name, &record);
                    if let Err(error) = self.write(&name, &record) {
                        self.count(|counters| &counters.failed);
                        tracing::warn!(%error, "the cache can't write to its disk");
                    }
                    self.queued.fetch_sub(weight, Ordering::Relaxed);
                }
                Job::Flush(done) => {
                    let _ = done.send(());
                }
                Job::End => break,
            }
        }
        if let Err(error) = self.seal() {
            tracing::warn!(%error, "the cache's last segment is not sealed");
        }
    }

    fn write(&mut self, name: &str, record: &Record) -> io::Result<()> {
        let Some(head) = record::encode(name, record) else {
            return Ok(());
        };
        let bytes = (head.len() + record.body.len()) as u64;
        if bytes > self.shared.segment_bytes - BEGIN.len() as u64 {
            self.count(|counters| &counters.dropped);
            return Ok(());
        }
        self.make_room(bytes)?;
        self.append(Key::of(name), record.born, &head, &record.body)?;
        self.count(|counters| &counters.written);
        let written = &self.shared.counters.written_bytes;
        written.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn append(&mut self, key: Key, born: u64, head: &[u8], body: &[u8]) -> io::Result<()> {
        let bytes = (head.len() + body.len()) as u64;
        let (number, mut segment) = self.active_with_room(bytes)?;
        let entry = segment.append(key, born, head, body)?;
        if let Some(active) = &mut self.active {
            active.entries.push(entry);
        }
        let mut state = self.shared.state();
        state.index.insert(key, Place::of(number, &entry));
        state.segments.insert(number, segment);
        Ok(())
    }

    /// The segment that is written, a new one when the old one is full.
    fn active_with_room(&mut self, bytes: u64) -> io::Result<(u32, Segment)> {
        if let Some(active) = &self.active
            && let Some(segment) = self.shared.state().segments.get(&active.number)
            && segment.bytes + bytes <= self.shared.segment_bytes
        {
            return Ok((active.number, segment.clone()));
        }
        self.seal()?;
        let last = self.shared.state().segments.keys().next_back().copied();
        let number = last.map_or(0, |last| last.saturating_add(1));
        let segment = Segment::create(self.shared.segment_path(number))?;
        self.shared.state().segments.insert(number, segment.clone());
        self.active = Some(Active {
            number,
            entries: Vec::new(),
        });
        Ok((number, segment))
    }

    fn seal(&mut self) -> io::Result<()> {
        let Some(active) = self.active.take() else {
            return Ok(());
        };
        let Some(mut segment) = self.shared.state().segments.get(&active.number).cloned() else {
            return Ok(());
        };
        segment.seal(&active.entries)?;
        self.shared.state().segments.insert(active.number, segment);
        Ok(())
    }

    /// Removes the oldest segments until `bytes` more fit, with room for what moves on and for
    /// the list of the segment that is written.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        loop {
            let listed = self
                .active
                .as_ref()
                .map_or(0, |active| active.entries.len());
            let spare = self.shared.segment_bytes * REWRITE_PERCENT / 100
                + list_bytes(listed + 1) as u64
                + BEGIN.len() as u64;
            let oldest = {
                let state = self.shared.state();
                if state.bytes() + bytes + spare <= self.shared.bytes_max {
                    return Ok(());
                }
                state.segments.keys().next().copied()
            };
            let Some(oldest) = oldest else {
                return Ok(());
            };
            if self
                .active
                .as_ref()
                .is_some_and(|active| active.number == oldest)
            {
                self.seal()?;
            }
            self.remove(oldest)?;
        }
    }

    fn remove(&mut self, number: u32) -> io::Result<()> {
        let Some(segment) = self.shared.state().segments.get(&number).cloned() else {
            return Ok(());
        };
        let entries = segment.list()?.unwrap_or_default();
        let mut left = self.shared.segment_bytes * REWRITE_PERCENT / 100;
        for entry in entries {
            let place = Place::of(number, &entry);
            let is_wanted = {
                let mut state = self.shared.state();
                let known = state.index.get(&entry.key).copied();
                let wanted = known.is_some_and(|known| known.wanted);
                // One that was written again lies elsewhere, and is not forgotten.
                state.forget(entry.key, place) && wanted
            };
            let fits = u64::from(entry.bytes) <= left;
            if !is_wanted || !fits {
                self.count(|counters| &counters.evicted);
                continue;
            }
            left -= u64::from(entry.bytes);
            let whole = segment::read(&segment.file, entry.offset, entry.bytes)?;
            if let Some((name, record)) = record::decode(&whole)
                && let Some(head) = record::encode(name, &record)
            {
                self.append(entry.key, record.born, &head, &record.body)?;
                self.count(|counters| &counters.rewritten);
            }
        }
        self.shared.state().segments.remove(&number);
        std::fs::remove_file(&segment.path)
    }

    fn count(&self, of: impl Fn(&crate::tier::Counters) -> &AtomicU64) {
        of(&self.shared.counters).fetch_add(1, Ordering::Relaxed);
    }
}
