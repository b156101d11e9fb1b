//! The index of what lies on disk, and reading by it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Record;
use crate::record::{self, Key};
use crate::segment::{self, Entry, Segment, Unreadable};
use crate::writer::Writer;

/// Records on disk. Shared by all threads; one thread of its own writes.
#[derive(Debug)]
pub struct DiskTier {
    shared: Arc<Shared>,
    writer: Writer,
}

/// What the index, its readers and its writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) segment_bytes: u64,
    state: Mutex<State>,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) index: HashMap<Key, Place>,
    pub(crate) segments: BTreeMap<u32, Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    pub(crate) bytes: u32,
    /// Asked for since it was written.
    pub(crate) wanted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) written: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) rewritten: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) evicted: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// Numbers for whoever watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskNumbers {
    /// Records that can be read.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Records read since the start.
    pub hits: u64,
    /// Records that were not as they were written; they are gone.
    pub damaged: u64,
    /// Records written.
    pub written: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Records moved on because they were asked for.
    pub rewritten: u64,
    /// Records that were not written because the disk was too slow.
    pub dropped: u64,
    /// Records that made room.
    pub evicted: u64,
    /// Writes that failed.
    pub failed: u64,
}

/// The directory can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It can't be read or written.
    #[error("can't use the cache's directory `{}`", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A later version of this program wrote there.
    #[error("`{}` was written by a later version (form {version})", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its form.
        version: u8,
    },
}

impl DiskTier {
    /// What lies in `directory`, of which at most `bytes_max` bytes are used from now on.
    ///
    /// # Errors
    /// When the directory can't be used. Damaged files are no error: what is not whole is gone.
    pub fn open(directory: &Path, bytes_max: u64) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        std::fs::create_dir_all(directory).map_err(failed(directory))?;
        let mut state = State::default();
        for (number, path) in numbered(directory).map_err(failed(directory))? {
            match Segment::open(&path) {
                Ok((segment, entries)) => {
                    for entry in &entries {
                        state.index.insert(entry.key, Place::of(number, entry));
                    }
                    state.segments.insert(number, segment);
                }
                Err(Unreadable::Version(version)) => {
                    return Err(OpenError::Version { path, version });
                }
                Err(Unreadable::Foreign) => {
                    tracing::warn!(path = %path.display(), "not a segment of the cache: removed");
                    std::fs::remove_file(&path).map_err(failed(&path))?;
                }
                Err(Unreadable::Io(source)) => return Err(OpenError::Io { path, source }),
            }
        }
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            bytes_max,
            segment_bytes: (bytes_max / SEGMENTS).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
            state: Mutex::new(state),
            counters: Counters::default(),
        });
        let writer = Writer::start(Arc::clone(&shared)).map_err(failed(directory))?;
        Ok(Self { shared, writer })
    }

    /// The largest place of a fetch among what is there: later fetches and purges come after it.
    ///
    /// # Errors
    /// When a list can't be read.
    pub fn youngest(&self) -> io::Result<u64> {
        let segments: Vec<Segment> = self.shared.state().segments.values().cloned().collect();
        let mut youngest = 0;
        for segment in segments {
            for entry in segment.list()?.unwrap_or_default() {
                youngest = youngest.max(entry.born);
            }
        }
        Ok(youngest)
    }

    /// Whether something may be there under `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.shared.state().index.contains_key(&Key::of(name))
    }

    /// What is there under `name`, verified. Waits for the disk.
    pub fn read(&self, name: &str) -> Option<Record> {
        let key = Key::of(name);
        let (place, segment) = {
            let mut state = self.shared.state();
            let place = state.index.get_mut(&key)?;
            place.wanted = true;
            let place = *place;
            (place, state.segments.get(&place.segment)?.clone())
        };
        let read = segment::read(&segment.file, place.offset, place.bytes);
        let decoded = read.as_ref().ok().and_then(record::decode);
        match decoded {
            Some((whose, record)) if whose == name => {
                self.shared.counters.hits.fetch_add(1, Ordering::Relaxed);
                Some(record)
            }
            // Two names under one key: the other one's.
            Some(_) => None,
            None => {
                self.shared.counters.damaged.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(path = %segment.path.display(), offset = place.offset, "a damaged record of the cache is gone");
                self.shared.state().forget(key, place);
                None
            }
        }
    }

    /// Writes soon, in the place of an older record. When the disk is too slow the record is
    /// not written.
    pub fn write(&self, name: String, record: Record) {
        self.writer.write(name, record);
    }

    /// Waits until everything given so far is written.
    pub fn flush(&self) {
        self.writer.flush();
    }

    /// How it goes.
    pub fn numbers(&self) -> DiskNumbers {
        let (entries, bytes) = {
            let state = self.shared.state();
            (state.index.len() as u64, state.bytes())
        };
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DiskNumbers {
            entries,
            bytes,
            hits: read(&counters.hits),
            damaged: read(&counters.damaged),
            written: read(&counters.written),
            written_bytes: read(&counters.written_bytes),
            rewritten: read(&counters.rewritten),
            dropped: read(&counters.dropped),
            evicted: read(&counters.evicted),
            failed: read(&counters.failed),
        }
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn segment_path(&self, number: u32) -> PathBuf {
        self.directory.join(format!("{number:08}.{EXTENSION}"))
    }
}

impl State {
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Forgets a record, unless a newer one is there meanwhile.
    pub(crate) fn forget(&mut self, key: Key, place: Place) -> bool {
        let is_same = self
            .index
            .get(&key)
            .is_some_and(|known| (known.segment, known.offset) == (place.segment, place.offset));
        if is_same {
            self.index.remove(&key);
        }
        is_same
    }
}

impl Place {
    pub(crate) fn of(segment: u32, entry: &Entry) -> Self {
        Self {
            segment,
            offset: entry.offset,
            bytes: entry.bytes,
            wanted: false,
        }
    }
}

/// The segments of a directory, oldest first.
fn numbered(directory: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(directory)? {
        let path = file?.path();
        let is_segment = path
            .extension()
            .is_some_and(|extension| extension == EXTENSION);
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if let (true, Some(number)) = (is_segment, number) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

const EXTENSION: &str = "segment";
/// Into how many files the budget is cut.
const SEGMENTS: u64 = 64;
const SEGMENT_BYTES_MIN: u64 = 4 << 20;
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

#[cfg(test)]
mod tests;
