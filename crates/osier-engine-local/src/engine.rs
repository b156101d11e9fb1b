//! The engine: opening, the calls of [`Engine`], closing.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use osier_engine::{
    Batch, BlobReader, BlobWriter, COUNTERS, Engine, EngineError, EngineLimits, Family, KeyRange,
    OwnerTag, Page, Run, TableId,
};
use osier_types::{Clock, Rng};
use tokio::sync::oneshot;

use crate::collect::{self, Collected, CollectorQueue};
use crate::committer::{self, CommitQueue};
use crate::core::Core;
use crate::disk::{self, WriteFile};
use crate::extents::Extents;
use crate::failure::{Health, closed};
use crate::files::Files;
use crate::flusher;
use crate::fsck::{self, FsckReport, Link};
use crate::group::{VALUE_BYTES_MAX, full_key};
use crate::io_pool::IoPool;
use crate::layout::{FORMAT, Layout};
use crate::liveness::Liveness;
use crate::meta::{Meta, Space, counters_key, decode_counters};
use crate::reader::{LocalReader, READ_BYTES_MAX};
use crate::recovery::{self, Unsettled};
use crate::row_cache::RowCache;
use crate::scrub::{self, ScrubQueue, ScrubReport};
use crate::settings::{LocalSettings, OpenError};
use crate::stats::{self, LocalStats, Tally};
use crate::verified::Verified;
use crate::volumes::Volumes;
use crate::writer::LocalWriter;

/// Rows and blobs in a directory of this machine.
#[derive(Debug)]
pub struct LocalEngine {
    core: Arc<Core>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    committer: JoinHandle<()>,
    flushers: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
}

impl LocalEngine {
    /// Opens the data directory `path`, making it if it is not there. Blocks while
    /// the last changes of an unclean stop are read again.
    ///
    /// # Errors
    /// When another process has it open, a newer osier wrote it, it is damaged, or
    /// the system refuses.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "components are handed over, like the clock"
    )]
    pub fn open(
        path: &Path,
        settings: LocalSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Arc<Self>, OpenError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Failed {
            path: path.to_owned(),
            source,
        };
        let layout = Layout::open(path)?;
        let direct = WriteFile::open(layout.root(), FORMAT).is_ok_and(|file| file.is_direct());
        let (_, total) = disk::space(layout.root()).map_err(|it| failed(Box::new(it)))?;
        let settings = settings.fitted(total);
        let meta = Meta::open(&layout, &settings)?;
        check_witness(&layout, &meta)?;
        let stored = recovery::read_stored(&layout, &meta, &*rng, settings.volume_bytes)
            .map_err(|it| failed(Box::new(it)))?;
        recovery::clear_temporary(&layout).map_err(|it| failed(Box::new(it)))?;
        let unsettled = Unsettled {
            volumes: stored
                .volumes
                .unsettled
                .iter()
                .map(|(number, clean)| (*number, *clean))
                .collect(),
            extents: stored.clean_extent..stored.next_extent,
        };
        let core = Arc::new(Core {
            clock,
            nonce: stored.nonce,
            layout,
            health: Health::default(),
            meta: RwLock::new(Some(meta)),
            rows: RowCache::new(settings.row_cache_bytes),
            tables: RwLock::new(stored.tables),
            commits: CommitQueue::default(),
            liveness: Arc::new(Liveness::new()),
            volumes: Volumes::new(
                settings.volume_writers,
                settings.volume_bytes,
                stored.volumes,
            ),
            extents: Extents::new(stored.next_extent, stored.clean_extent),
            files: Files::new(settings.open_files),
            read_buffers: Arc::default(),
            verified: Verified::default(),
            direct,
            pool: IoPool::new(settings.io_threads),
            collector: CollectorQueue::default(),
            scrubs: ScrubQueue::default(),
            tally: Tally::default(),
            stalled: AtomicBool::new(false),
            uncertain: Mutex::default(),
            free_bytes: AtomicU64::new(0),
            settings,
        });
        recovery::find_orphans(&core, &unsettled).map_err(|it| failed(Box::new(it)))?;
        let engine = Self {
            core,
            threads: Mutex::new(None),
        };
        let threads = engine.start().map_err(|it| failed(Box::new(it)))?;
        *engine
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(threads);
        Ok(Arc::new(engine))
    }

    /// Frees at once what has been without a reference for `grace`. What a crash
    /// left goes in the second pass after a start.
    ///
    /// # Errors
    /// When the engine is closed, poisoned, or the disk fails.
    pub async fn collect_now(&self, grace: Duration) -> Result<Collected, EngineError> {
        self.core.collector.request(grace).await
    }

    /// Reads and verifies everything now, at the rate of the settings.
    ///
    /// # Errors
    /// When the engine is closed or the disk fails.
    pub async fn scrub_now(&self) -> Result<ScrubReport, EngineError> {
        self.core.scrubs.request().await
    }

    /// Checks everything, while the engine goes on working. `references` are the
    /// references of the rows above, as one moment shows them; only meaningful while
    /// nothing is written.
    ///
    /// # Errors
    /// When something can't be read. Damage is no error but in the report.
    pub async fn fsck(&self, references: Option<Vec<Link>>) -> Result<FsckReport, EngineError> {
        self.core.health.check_open()?;
        let core = Arc::clone(&self.core);
        self.core
            .pool
            .run(move || fsck::check(&core, references))
            .await
    }

    /// The links of all blobs, in order, from after `last` on; at most `limit`.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn links(&self, last: Option<Link>, limit: usize) -> Result<Vec<Link>, EngineError> {
        self.core.with_meta(|meta| meta.links(last, limit))
    }

    /// Numbers for metrics.
    pub fn stats(&self) -> LocalStats {
        stats::stats(&self.core)
    }

    fn start(&self) -> std::io::Result<Threads> {
        fn spawn(
            name: &str,
            core: &Arc<Core>,
            body: impl FnOnce(&Arc<Core>) + Send + 'static,
        ) -> std::io::Result<JoinHandle<()>> {
            let core = Arc::clone(core);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || body(&core))
        }
        let core = &self.core;
        let flushers = (0..core.volumes.lanes().len())
            .map(|lane| {
                spawn("osier-flush", core, move |core| {
                    if let Some(lane) = core.volumes.lanes().get(lane) {
                        flusher::serve(core, lane);
                    }
                })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Threads {
            committer: spawn("osier-commit", core, |core| committer::serve(core))?,
            flushers,
            background: vec![
                spawn("osier-collect", core, |core| collect::serve(core))?,
                spawn("osier-scrub", core, |core| scrub::serve(core))?,
            ],
        })
    }

    /// Stops without closing, as dropping does, whoever else still holds the engine.
    #[cfg(test)]
    pub(crate) fn abandon(&self) {
        self.core.health.close();
        if let Some(threads) = self.threads() {
            let _ = shut_down(&self.core, threads, Stop::Sudden);
        }
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn threads(&self) -> Option<Threads> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.take()
    }
}

#[async_trait]
impl Engine for LocalEngine {
    async fn create_table(&self, table: TableId) -> Result<(), EngineError> {
        self.core.health.check_writable()?;
        self.core.commits.create_table(table).await
    }

    async fn drop_table(&self, table: TableId, families: &[Family]) -> Result<(), EngineError> {
        self.core.health.check_writable()?;
        self.core.commits.drop_table(table, families).await
    }

    async fn get(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError> {
        self.core.health.check_open()?;
        let full = full_key(table, family, key);
        let ticket = match self.core.rows.find(&full) {
            Ok(row) => return Ok(Some(row)),
            Err(ticket) => ticket,
        };
        if !self.core.has_table(table) {
            return Err(EngineError::NoTable);
        }
        let row = self
            .core
            .with_meta(|meta| meta.get(Space::Rows(family), full.get(1..).unwrap_or_default()))?;
        if let Some(row) = &row {
            self.core.rows.fill(Bytes::from(full), row, ticket);
        }
        Ok(row)
    }

    async fn scan(
        &self,
        table: TableId,
        family: Family,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError> {
        self.core.health.check_open()?;
        if !self.core.has_table(table) {
            return Err(EngineError::NoTable);
        }
        self.core
            .with_meta(|meta| meta.scan(table, family, &range, limit))
    }

    async fn commit(&self, table: TableId, _group: &[u8], batch: Batch) -> Result<(), EngineError> {
        self.core.health.check_writable()?;
        let committed = self.core.commits.commit(table, batch).await;
        if matches!(committed, Err(EngineError::Full)) {
            self.core.collector.hurry();
        }
        committed
    }

    async fn counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError> {
        self.core.health.check_open()?;
        if !self.core.has_table(table) {
            return Err(EngineError::NoTable);
        }
        let stored = self
            .core
            .with_meta(|meta| meta.get(Space::System, &counters_key(table)))?;
        stored.map_or(Ok([0; COUNTERS]), |bytes| decode_counters(&bytes))
    }

    async fn write_blob(
        &self,
        length: Option<u64>,
        owner: OwnerTag,
    ) -> Result<Box<dyn BlobWriter>, EngineError> {
        self.core.health.check_writable()?;
        self.core.check_space(0)?;
        let core = Arc::clone(&self.core);
        Ok(Box::new(LocalWriter::new(core, owner, length)))
    }

    async fn open_blob(&self, run: Run) -> Result<Arc<dyn BlobReader>, EngineError> {
        self.core.health.check_open()?;
        Ok(Arc::new(LocalReader::open(&self.core, run).await?))
    }

    fn limits(&self) -> EngineLimits {
        EngineLimits {
            inline_bytes_max: self.core.settings.inline_bytes_max,
            value_bytes_max: VALUE_BYTES_MAX,
            read_bytes_max: READ_BYTES_MAX,
        }
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.core.health.close();
        let Some(threads) = self.threads() else {
            return Ok(());
        };
        let core = Arc::clone(&self.core);
        let (done, result) = oneshot::channel();
        // Joining blocks, which the caller's thread must not.
        let closer = std::thread::Builder::new()
            .name("osier-close".to_owned())
            .spawn(move || drop(done.send(shut_down(&core, threads, Stop::Clean))));
        closer.map_err(|_| closed())?;
        result.await.map_err(|_| closed())?
    }
}

impl Drop for LocalEngine {
    /// Without [`Engine::close`] everything acknowledged is there all the same; the
    /// next start only has more to read.
    fn drop(&mut self) {
        self.core.health.close();
        if let Some(threads) = self.threads() {
            let _ = shut_down(&self.core, threads, Stop::Sudden);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Clean,
    Sudden,
}

/// Ends every thread, those that give work to others first, and closes the database
/// before anything else of the process ends: it does not survive that.
fn shut_down(core: &Core, threads: Threads, stop: Stop) -> Result<(), EngineError> {
    core.collector.close();
    core.scrubs.close();
    for thread in threads.background {
        let _ = thread.join();
    }
    core.pool.close();
    for lane in core.volumes.lanes() {
        lane.queue.close();
    }
    for thread in threads.flushers {
        let _ = thread.join();
    }
    let mut result = Ok(());
    if stop == Stop::Clean && !core.health.is_poisoned() {
        let mut marks = core.volumes.clean_marks(core, true);
        marks.extend(core.extents.clean_mark(core));
        marks.push(core.extents.final_mark());
        result = core.change_own(marks);
    }
    core.commits.close();
    let _ = threads.committer.join();
    let meta = {
        let mut meta = core.meta.write().unwrap_or_else(PoisonError::into_inner);
        meta.take()
    };
    if let Some(meta) = meta
        && stop == Stop::Clean
        && !core.health.is_poisoned()
    {
        result = result.and(meta.flush());
        let _ = core.layout.set_witness(meta.sequence());
    }
    core.layout.unlock();
    result
}

/// A database that opens with less than was durable has lost commits: its log is
/// damaged, or files were exchanged. Better not to start than to forget silently.
fn check_witness(layout: &Layout, meta: &Meta) -> Result<(), OpenError> {
    match layout.witness() {
        Some(witness) if meta.sequence() < witness => Err(OpenError::Damaged {
            path: layout.meta(),
            what: format!(
                "the last change is number {}, but number {witness} was acknowledged: commits \
                 are lost; restore the directory, or remove the file WITNESS to accept the loss",
                meta.sequence()
            ),
        }),
        _ => Ok(()),
    }
}
