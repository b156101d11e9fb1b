//! The engine in memory: what the boundary means, said as plainly as possible.
//!
//! Ordered maps under one lock, so that every call is atomic by construction. It
//! is the reference that other engines are compared with, and the engine of tests
//! of the layers above. Nothing here is fast and nothing outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{
    Batch, BlobId, BlobReader, BlobWriter, COUNTERS, Engine, EngineError, EngineLimits, Expect,
    Family, KeyRange, OwnerTag, Page, RefTag, Run, SealedBlob, TableId,
};

/// Keeps everything in memory.
#[derive(Debug)]
pub struct MemoryEngine {
    state: Arc<Mutex<State>>,
    closed: AtomicBool,
    limits: EngineLimits,
}

impl MemoryEngine {
    /// An empty engine with limits like those of a real one.
    pub fn new() -> Self {
        Self::with_limits(EngineLimits {
            inline_bytes_max: 4 * 1024,
            value_bytes_max: 4 * 1024 * 1024,
            read_bytes_max: 1024 * 1024,
        })
    }

    /// An empty engine with these limits, which it enforces.
    pub fn with_limits(limits: EngineLimits) -> Self {
        let mut state = State::default();
        state.tables.insert(TableId::SYSTEM, Table::default());
        Self {
            state: Arc::new(Mutex::new(state)),
            closed: AtomicBool::new(false),
            limits,
        }
    }

    /// The same rows and blobs as a process started after a crash finds them:
    /// blobs that were never linked are gone. `self` is closed.
    #[must_use]
    pub fn reopen(&self) -> Self {
        self.closed.store(true, Ordering::SeqCst);
        let mut state = lock(&self.state).clone();
        state.blobs.retain(|_, blob| !blob.links.is_empty());
        Self {
            state: Arc::new(Mutex::new(state)),
            closed: AtomicBool::new(false),
            limits: self.limits,
        }
    }

    /// Whether these bytes are anywhere in a row or a blob.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let state = lock(&self.state);
        let found = |held: &[u8]| {
            held.windows(bytes.len().max(1))
                .any(|window| window == bytes)
        };
        let rows = state.tables.values().flat_map(|table| table.rows.values());
        rows.flatten()
            .any(|(key, value)| found(key) || found(value))
            || state.blobs.values().any(|blob| found(&blob.bytes))
    }

    /// The blobs that are kept, linked or not, so that tests can look for leaks.
    pub fn blobs(&self) -> Vec<BlobId> {
        lock(&self.state).blobs.keys().copied().collect()
    }

    /// The references to a blob; none for one that is not kept.
    pub fn links(&self, blob: BlobId) -> Vec<RefTag> {
        let state = lock(&self.state);
        let links = state.blobs.get(&blob).map(|blob| &blob.links);
        links.into_iter().flatten().copied().collect()
    }

    /// For whom a blob was written.
    pub fn owner(&self, blob: BlobId) -> Option<OwnerTag> {
        lock(&self.state).blobs.get(&blob).map(|blob| blob.owner)
    }

    /// The tables that exist.
    pub fn tables(&self) -> Vec<TableId> {
        lock(&self.state).tables.keys().copied().collect()
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, EngineError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(unavailable("the engine is closed"));
        }
        Ok(lock(&self.state))
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Engine for MemoryEngine {
    async fn create_table(&self, table: TableId) -> Result<(), EngineError> {
        self.state()?.tables.entry(table).or_default();
        Ok(())
    }

    async fn drop_table(&self, table: TableId, families: &[Family]) -> Result<(), EngineError> {
        let mut state = self.state()?;
        let rows = &state.table(table)?.rows;
        let left = |family: &Family| rows.get(family).is_some_and(|rows| !rows.is_empty());
        if table == TableId::SYSTEM || families.iter().any(left) {
            return Err(EngineError::NotEmpty);
        }
        state.tables.remove(&table);
        Ok(())
    }

    async fn get(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError> {
        Ok(self.state()?.table(table)?.row(family, key).cloned())
    }

    async fn scan(
        &self,
        table: TableId,
        family: Family,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError> {
        let state = self.state()?;
        let rows = state.table(table)?.rows.get(&family);
        let mut covered = rows
            .into_iter()
            .flatten()
            .filter(|(key, _)| covers(&range, key))
            .map(|(key, value)| (key.clone(), value.clone()));
        Ok(Page {
            rows: covered.by_ref().take(limit).collect(),
            more: covered.next().is_some(),
        })
    }

    async fn commit(&self, table: TableId, _group: &[u8], batch: Batch) -> Result<(), EngineError> {
        let mut state = self.state()?;
        state.check(table, &batch, self.limits)?;
        state.apply(table, batch)
    }

    async fn counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError> {
        Ok(self.state()?.table(table)?.counters)
    }

    async fn write_blob(
        &self,
        _length: Option<u64>,
        owner: OwnerTag,
    ) -> Result<Box<dyn BlobWriter>, EngineError> {
        drop(self.state()?);
        Ok(Box::new(MemoryWriter {
            state: Arc::downgrade(&self.state),
            bytes: BytesMut::new(),
            owner,
        }))
    }

    async fn open_blob(&self, run: Run) -> Result<Arc<dyn BlobReader>, EngineError> {
        let state = self.state()?;
        let blob = state.blobs.get(&run.blob).ok_or(EngineError::NoBlob)?;
        if u64::try_from(blob.bytes.len()).ok() != Some(run.length) {
            return Err(corrupt(format!(
                "blob {} has {} bytes and not {}",
                run.blob.0,
                blob.bytes.len(),
                run.length
            )));
        }
        Ok(Arc::new(MemoryReader {
            bytes: blob.bytes.clone(),
            read_bytes_max: self.limits.read_bytes_max,
        }))
    }

    fn limits(&self) -> EngineLimits {
        self.limits
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    tables: BTreeMap<TableId, Table>,
    blobs: BTreeMap<BlobId, Blob>,
    last_blob: u64,
}

impl State {
    fn table(&self, table: TableId) -> Result<&Table, EngineError> {
        self.tables.get(&table).ok_or(EngineError::NoTable)
    }

    /// Everything that can stop a batch, before any of it is applied.
    fn check(
        &self,
        table: TableId,
        batch: &Batch,
        limits: EngineLimits,
    ) -> Result<(), EngineError> {
        let table = self.table(table)?;
        if batch.counters.iter().any(|(index, _)| *index >= COUNTERS) {
            return Err(unavailable("no such counter"));
        }
        let long = |value: &Bytes| value.len() > limits.value_bytes_max;
        if batch.puts.iter().any(|(_, _, value)| long(value)) {
            return Err(unavailable("a value is longer than the engine can take"));
        }
        for (index, check) in batch.checks.iter().enumerate() {
            let row = table.row(check.family, &check.key);
            let holds = match &check.expect {
                Expect::Absent => row.is_none(),
                Expect::Exists => row.is_some(),
                Expect::Equals(value) => row == Some(value),
            };
            if !holds {
                return Err(EngineError::Conflict { index });
            }
        }
        let kept = |(blob, _): &(BlobId, RefTag)| self.blobs.contains_key(blob);
        if !batch.links.iter().all(kept) {
            return Err(EngineError::NoBlob);
        }
        Ok(())
    }

    fn apply(&mut self, table: TableId, batch: Batch) -> Result<(), EngineError> {
        let table = self.tables.get_mut(&table).ok_or(EngineError::NoTable)?;
        for (family, key) in batch.deletes {
            table.rows.entry(family).or_default().remove(&key);
        }
        for (family, key, value) in batch.puts {
            table.rows.entry(family).or_default().insert(key, value);
        }
        for (index, step) in batch.counters {
            if let Some(counter) = table.counters.get_mut(index) {
                *counter = counter.wrapping_add(step);
            }
        }
        // Links before unlinks: a blob that changes its tag is never without one.
        for (blob, tag) in batch.links {
            if let Some(blob) = self.blobs.get_mut(&blob) {
                blob.links.insert(tag);
            }
        }
        for (id, tag) in batch.unlinks {
            if let Some(blob) = self.blobs.get_mut(&id)
                && blob.links.remove(&tag)
                && blob.links.is_empty()
            {
                // Readers keep their own handle of the bytes.
                self.blobs.remove(&id);
            }
        }
        Ok(())
    }

    fn discard(&mut self, id: BlobId) {
        if self.blobs.get(&id).is_some_and(|it| it.links.is_empty()) {
            self.blobs.remove(&id);
        }
    }
}

#[derive(Clone, Debug)]
struct Table {
    rows: BTreeMap<Family, BTreeMap<Bytes, Bytes>>,
    counters: [i64; COUNTERS],
}

impl Table {
    fn row(&self, family: Family, key: &[u8]) -> Option<&Bytes> {
        self.rows.get(&family)?.get(key)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            counters: [0; COUNTERS],
        }
    }
}

#[derive(Clone, Debug)]
struct Blob {
    bytes: Bytes,
    owner: OwnerTag,
    links: BTreeSet<RefTag>,
}

struct MemoryWriter {
    state: Weak<Mutex<State>>,
    bytes: BytesMut,
    owner: OwnerTag,
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), EngineError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<SealedBlob, EngineError> {
        let gone = || unavailable("the engine is gone");
        let shared = self.state.upgrade().ok_or_else(gone)?;
        let mut state = lock(&shared);
        state.last_blob += 1;
        let run = Run {
            blob: BlobId(state.last_blob),
            length: u64::try_from(self.bytes.len()).map_err(|_| EngineError::Full)?,
        };
        let blob = Blob {
            bytes: self.bytes.freeze(),
            owner: self.owner,
            links: BTreeSet::new(),
        };
        state.blobs.insert(run.blob, blob);
        let weak = self.state;
        Ok(SealedBlob::new(run, move |id| {
            if let Some(state) = weak.upgrade() {
                lock(&state).discard(id);
            }
        }))
    }
}

#[derive(Debug)]
struct MemoryReader {
    bytes: Bytes,
    read_bytes_max: usize,
}

#[async_trait]
impl BlobReader for MemoryReader {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, EngineError> {
        if length > self.read_bytes_max {
            return Err(unavailable("a read longer than the engine can take"));
        }
        let range = usize::try_from(offset)
            .ok()
            .and_then(|from| Some(from..from.checked_add(length)?))
            .filter(|range| range.end <= self.bytes.len());
        match range {
            Some(range) => Ok(self.bytes.slice(range)),
            None => Err(corrupt(format!(
                "{length} bytes at {offset} of a blob of {}",
                self.bytes.len()
            ))),
        }
    }
}

fn covers(range: &KeyRange, key: &[u8]) -> bool {
    let after_from = match &range.from {
        Bound::Included(from) => key >= from.as_slice(),
        Bound::Excluded(from) => key > from.as_slice(),
        Bound::Unbounded => true,
    };
    let before_to = match &range.to {
        Bound::Included(to) => key <= to.as_slice(),
        Bound::Excluded(to) => key < to.as_slice(),
        Bound::Unbounded => true,
    };
    after_from && before_to
}

/// A panic of another thread leaves no half-applied batch: applying can't fail.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(reason: &str) -> EngineError {
    EngineError::Unavailable {
        reason: reason.to_owned(),
        source: None,
    }
}

fn corrupt(what: String) -> EngineError {
    EngineError::Corrupt { what }
}
