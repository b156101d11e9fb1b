//! What is kept: in memory, on disk where there is one, and what purges left of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::request;
use osier_cache::{
    Born, CacheKey, MemoryTier, PurgeRecord, PurgedScope, Purges, Scope, Standing, Subject, Target,
};
use osier_cache_disk::{DiskNumbers, DiskTier, OpenError, PurgeLog, Record};

use crate::flight::Flights;
use crate::kept::{Held, Kept, Slice};
use crate::site::Site;
use crate::written;

/// Paths, directories, tags and patterns whose purges are remembered one by one.
const PURGED_NAMES_MAX: usize = 1 << 16;
/// Lines of the purge log beyond twice what still counts before it is written anew.
const LOG_LINES_SPARE: usize = 4096;

/// How much may be kept, and where.
#[derive(Clone, Debug, Default)]
pub struct StoreSettings {
    /// Bytes of memory.
    pub memory_bytes_max: usize,
    /// A directory and how many bytes it may take.
    pub disk: Option<(std::path::PathBuf, u64)>,
}

/// What is kept, and what is being fetched.
#[derive(Debug)]
pub(crate) struct KeptAnswers {
    pub(crate) memory: MemoryTier<Held>,
    disk: Option<Arc<DiskTier>>,
    log: Option<PurgeLog>,
    pub(crate) purges: Purges,
    pub(crate) flights: Flights,
    purged: AtomicU64,
}

/// A name, and what purges go by.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) key: CacheKey,
    pub(crate) site: Arc<Site>,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Whether what is kept goes to disk at once, without being asked for twice.
    pub(crate) to_disk: bool,
}

impl Name {
    /// Of what a request asks for.
    pub(crate) fn of(site: &Arc<Site>, head: &request::Parts) -> Self {
        let target = target(site, head);
        Self {
            key: CacheKey::of(&target, &site.keys),
            site: Arc::clone(site),
            path: target.path.to_owned(),
            query: site.keys.query_of(target.query).into_owned(),
            to_disk: false,
        }
    }

    /// The same of one version of what is asked for; others have other names.
    pub(crate) fn of_version(self, version: &str) -> Self {
        let target = Target {
            site: &self.site.name,
            path: &self.path,
            // As it is after the rules, which change nothing of it any more.
            query: Some(&self.query),
            variant: version,
        };
        let key = CacheKey::of(&target, &self.site.keys);
        Self { key, ..self }
    }

    pub(crate) fn subject<'a>(&'a self, tags: &'a [Box<str>]) -> Subject<'a> {
        Subject {
            site: &self.site.name,
            path: &self.path,
            query: &self.query,
            tags,
        }
    }
}

/// What a request asks for.
pub(crate) fn target<'a>(site: &'a Site, head: &'a request::Parts) -> Target<'a> {
    Target {
        site: &site.name,
        path: head.uri.path(),
        query: head.uri.query(),
        variant: "",
    }
}

impl KeptAnswers {
    /// Opens what an earlier process left on disk.
    ///
    /// # Errors
    /// When the directory can't be used.
    pub(crate) fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        let purges = Purges::new(PURGED_NAMES_MAX);
        let (mut disk, mut log) = (None, None);
        if let Some((directory, bytes_max)) = &settings.disk {
            let failed = |source| OpenError::Io {
                path: directory.clone(),
                source,
            };
            let tier = DiskTier::open(directory, *bytes_max)?;
            let youngest = tier.youngest().map_err(failed)?;
            log = Some(restored(directory, &purges, youngest).map_err(failed)?);
            disk = Some(Arc::new(tier));
        }
        Ok(Self {
            memory: MemoryTier::new(settings.memory_bytes_max),
            disk,
            log,
            purges,
            flights: Flights::default(),
            purged: AtomicU64::new(0),
        })
    }

    /// The answer in memory for a request with these headers, unless it was purged.
    pub(crate) fn answer_in_memory(
        &self,
        key: &CacheKey,
        target: &Target<'_>,
        site: &Site,
        head: &request::Parts,
    ) -> Option<Arc<Kept>> {
        let found = self.memory.get(key)?;
        if found.first {
            self.write(key, &found.value);
        }
        let Held::Answers(variants) = &*found.value else {
            return None;
        };
        let kept = variants.choose(&head.headers)?;
        // Almost always nothing was purged since, and the query need not be put in order.
        let is_purged = !self.purges.has_passed(&kept.standing) && {
            let subject = Subject {
                site: target.site,
                path: target.path,
                query: &site.keys.query_of(target.query),
                tags: &kept.tags,
            };
            self.purges.reaches_kept(&kept.standing, &subject)
        };
        (!is_purged).then(|| Arc::clone(kept))
    }

    /// The same from memory or disk.
    pub(crate) async fn answer(&self, name: &Name, head: &request::Parts) -> Option<Arc<Kept>> {
        let target = target(&name.site, head);
        let kept = self.answer_in_memory(&name.key, &target, &name.site, head);
        if kept.is_some() {
            return kept;
        }
        let record = self.read(&name.key).await?;
        let variants = written::read(&record)?;
        let held = Arc::new(Held::Answers(variants));
        self.memory.insert(name.key.clone(), Arc::clone(&held));
        let Held::Answers(variants) = &*held else {
            return None;
        };
        let kept = variants.choose(&head.headers)?;
        let is_purged = self
            .purges
            .reaches_kept(&kept.standing, &name.subject(&kept.tags));
        (!is_purged).then(|| Arc::clone(kept))
    }

    /// Keeps an answer, unless a purge since its fetch began reaches it: then it never counts.
    pub(crate) fn keep(&self, name: &Name, kept: Kept) -> Arc<Kept> {
        let new = Arc::new(kept);
        let subject = name.subject(&new.tags);
        if self.purges.reaches(new.standing.born(), &subject) {
            return new;
        }
        let old = self.memory.get(&name.key);
        let old = old.and_then(|found| match &*found.value {
            Held::Answers(variants) => Some(variants.clone()),
            Held::Slice(_) => None,
        });
        let variants = old.unwrap_or_default().with(Arc::clone(&new));
        self.insert(&name.key, Held::Answers(variants), name.to_disk);
        new
    }

    /// A slice in memory or on disk.
    pub(crate) async fn slice(&self, name: &Name, kept: &Kept, key: &CacheKey) -> Option<Bytes> {
        if let Some(found) = self.memory.get(key) {
            if found.first {
                self.write(key, &found.value);
            }
            let Held::Slice(slice) = &*found.value else {
                return None;
            };
            let is_purged = self
                .purges
                .reaches_kept(&slice.standing, &name.subject(&kept.tags));
            return (!is_purged).then(|| slice.bytes.clone());
        }
        let record = self.read(key).await?;
        let bytes = record.body.clone();
        let standing = Standing::new(Born::from_number(record.born));
        let is_purged = self
            .purges
            .reaches_kept(&standing, &name.subject(&kept.tags));
        if is_purged {
            return None;
        }
        let slice = Slice {
            bytes: bytes.clone(),
            standing,
        };
        self.memory
            .insert(key.clone(), Arc::new(Held::Slice(slice)));
        Some(bytes)
    }

    /// Whether a slice is likely to be there; it may be purged or damaged.
    pub(crate) fn has_slice(&self, key: &CacheKey) -> bool {
        self.memory.contains(key)
            || self
                .disk
                .as_ref()
                .is_some_and(|disk| disk.contains(key.as_str()))
    }

    /// Keeps a slice.
    pub(crate) fn keep_slice(
        &self,
        name: &Name,
        kept: &Kept,
        key: &CacheKey,
        bytes: Bytes,
        born: Born,
    ) {
        if self.purges.reaches(born, &name.subject(&kept.tags)) {
            return;
        }
        let standing = Standing::new(born);
        self.insert(key, Held::Slice(Slice { bytes, standing }), name.to_disk);
    }

    /// Forgets an answer and its slices at once, those on their way to disk as well.
    pub(crate) fn forget(&self, name: &Name) {
        let scope = Scope::Address(&name.site.name, &name.path, &name.query);
        if let Err(error) = self.invalidate(scope) {
            tracing::error!(%error, "a purge could not be written down");
        }
        self.memory.remove(&name.key);
    }

    fn insert(&self, key: &CacheKey, held: Held, to_disk: bool) {
        let held = Arc::new(held);
        let is_known = self.memory.insert(key.clone(), Arc::clone(&held));
        // Asked for before, or there is an older one on disk that must not come back.
        let is_on_disk = |disk: &Arc<DiskTier>| disk.contains(key.as_str());
        if to_disk || is_known || self.disk.as_ref().is_some_and(is_on_disk) {
            self.write_anew(key, &held);
        }
    }

    /// To disk with what is asked for a second time, unless it is there.
    fn write(&self, key: &CacheKey, held: &Held) {
        if let Some(disk) = &self.disk
            && !disk.contains(key.as_str())
        {
            self.write_anew(key, held);
        }
    }

    fn write_anew(&self, key: &CacheKey, held: &Held) {
        let Some(disk) = &self.disk else {
            return;
        };
        let record = match held {
            Held::Answers(variants) => written::record(variants),
            Held::Slice(slice) => Some(Record {
                born: slice.standing.born().number(),
                meta: Bytes::new(),
                body: slice.bytes.clone(),
            }),
        };
        if let Some(record) = record {
            disk.write(key.as_str().to_owned(), record);
        }
    }

    /// From disk, on a thread that may wait.
    async fn read(&self, key: &CacheKey) -> Option<Record> {
        let disk = Arc::clone(self.disk.as_ref()?);
        if !disk.contains(key.as_str()) {
            return None;
        }
        let key = key.clone();
        let read = tokio::task::spawn_blocking(move || disk.read(key.as_str()));
        read.await.ok().flatten()
    }

    /// What `scopes` reach counts no more when this returns, also for the next process.
    ///
    /// # Errors
    /// When it can't be written down: it counts no more now, and may count again after a
    /// restart.
    pub(crate) fn purge(&self, scopes: &[PurgedScope]) -> io::Result<()> {
        let records: Vec<PurgeRecord> = scopes
            .iter()
            .map(|scope| scope.with(|scope| self.purges.purge(scope)))
            .collect();
        self.purged
            .fetch_add(scopes.len() as u64, Ordering::Relaxed);
        let Some(log) = &self.log else {
            return Ok(());
        };
        log.append(&lines(&records)?)?;
        self.compact(log)
    }

    /// A purge that a write through the gateway makes. It outlives the process, but is not
    /// waited for until it outlives a power cut.
    pub(crate) fn invalidate(&self, scope: Scope<'_>) -> io::Result<()> {
        let record = self.purges.purge(scope);
        let Some(log) = &self.log else {
            return Ok(());
        };
        log.append_unsynced(&lines(&[record])?)?;
        self.compact(log)
    }

    fn compact(&self, log: &PurgeLog) -> io::Result<()> {
        if log.lines() > LOG_LINES_SPARE {
            let counting = self.purges.records();
            if log.lines() > 2 * counting.len() + LOG_LINES_SPARE {
                log.replace(&lines(&counting)?)?;
            }
        }
        Ok(())
    }

    /// Waits until what was to go to disk is there.
    pub(crate) async fn settle(&self) {
        if let Some(disk) = self.disk.clone() {
            // An error means that the runtime ends: then nobody looks any more.
            let _ = tokio::task::spawn_blocking(move || disk.flush()).await;
        }
    }

    /// How it goes.
    pub(crate) fn numbers(&self) -> StoreNumbers {
        StoreNumbers {
            memory_entries: self.memory.len() as u64,
            memory_bytes: self.memory.bytes() as u64,
            memory_evicted: self.memory.evicted(),
            purged: self.purged.load(Ordering::Relaxed),
            disk: self.disk.as_ref().map(|disk| disk.numbers()),
        }
    }
}

/// Numbers of what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreNumbers {
    /// Answers and slices in memory.
    pub memory_entries: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// What made room in memory for others.
    pub memory_evicted: u64,
    /// Purges.
    pub purged: u64,
    /// The disk, where there is one.
    pub disk: Option<DiskNumbers>,
}

/// Takes up the purges of an earlier process.
fn restored(directory: &Path, purges: &Purges, youngest: u64) -> io::Result<PurgeLog> {
    let (log, replayed) = PurgeLog::open(directory)?;
    let mut records = Vec::new();
    let mut damaged = replayed.damaged;
    for line in &replayed.lines {
        match serde_json::from_str::<PurgeRecord>(line) {
            Ok(record) => records.push(record),
            Err(_) => damaged = true,
        }
    }
    purges.restore(&records, youngest);
    if damaged {
        // What was purged is not known any more: then all of it is.
        tracing::warn!(directory = %directory.display(), "the purge log is damaged: everything kept on disk is purged");
        purges.purge(Scope::Everything);
    }
    log.replace(&lines(&purges.records())?)?;
    Ok(log)
}

fn lines(records: &[PurgeRecord]) -> io::Result<Vec<String>> {
    records
        .iter()
        .map(|record| serde_json::to_string(record).map_err(io::Error::from))
        .collect()
}
