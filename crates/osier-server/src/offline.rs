//! Work on a data directory that no server has open.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use osier_engine::Engine;
use osier_engine_local::{Collected, FsckReport, LocalEngine};
use osier_store::{AuditReport, Store};

use crate::server::block_on;
use crate::{Settings, StartError, SystemClock, SystemRng};

/// What a verification found.
#[derive(Debug)]
pub struct Verification {
    /// What is damaged, in words for an operator. Not all of it if it is very much.
    pub problems: Vec<String>,
    engine: FsckReport,
    store: AuditReport,
}

impl Verification {
    /// Whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.engine.is_clean() && self.store.is_sound()
    }

    /// What was looked at and found, in one line.
    pub fn summary(&self) -> String {
        let engine = &self.engine;
        let problems = self.problems.len();
        let verdict = match (self.is_sound(), problems) {
            (true, _) => "sound".to_owned(),
            (false, 1) => "1 problem".to_owned(),
            (false, count) => format!("{count} problems"),
        };
        format!(
            "{verdict}: {} buckets, {} rows, {} blobs of {} bytes, {} references; \
             {} blobs wait to be freed, {} orphans of {} bytes",
            self.store.buckets.len(),
            engine.rows,
            engine.blobs,
            engine.blob_bytes,
            engine.links,
            engine.garbage,
            engine.orphans,
            engine.orphan_bytes,
        )
    }
}

/// Verifies everything that is stored: every row, every blob's bytes, and that
/// rows and blobs agree.
///
/// # Errors
/// When the data can't be opened or read at all.
pub fn verify(settings: &Settings) -> Result<Verification, StartError> {
    let engine = open(settings)?;
    block_on(async {
        let store = Store::open(
            Arc::clone(&engine) as Arc<dyn Engine>,
            Arc::new(SystemClock),
            Arc::new(SystemRng),
            settings.store(String::new()),
        )
        .await
        .map_err(StartError::Store)?;
        let mut references = Vec::new();
        let audit = store
            .audit(&mut |blob, tag| references.push((blob, tag)))
            .await
            .map_err(StartError::Store)?;
        let report = engine.fsck(Some(references)).await?;
        engine.close().await?;
        Ok(Verification {
            problems: problems(&report, &audit),
            engine: report,
            store: audit,
        })
    })?
}

fn problems(engine: &FsckReport, store: &AuditReport) -> Vec<String> {
    let mut problems = engine.details.clone();
    for bucket in &store.buckets {
        let name = &bucket.bucket;
        problems.extend(
            bucket
                .problems
                .iter()
                .map(|problem| format!("bucket `{name}`: {problem}")),
        );
        let counters = bucket.kept.iter().zip(&bucket.counted).enumerate();
        for (index, (kept, counted)) in counters.filter(|(_, (kept, counted))| kept != counted) {
            problems.push(format!(
                "bucket `{name}`: counter {index} says {kept}, and there are {counted}"
            ));
        }
    }
    problems
}

/// What a collection freed.
#[derive(Debug)]
pub struct Collection(Collected);

impl Collection {
    /// What was freed, in one line.
    pub fn summary(&self) -> String {
        let Collected {
            garbage,
            discarded,
            orphans,
            bytes,
            volumes,
            left,
            ..
        } = self.0;
        format!(
            "freed {bytes} bytes: {garbage} deleted blobs, {discarded} unfinished ones, {orphans} \
             left by a crash, {volumes} whole volumes; {left} blobs stay for a later pass"
        )
    }
}

/// Frees the space of everything that was deleted.
///
/// # Errors
/// When the data can't be opened or the disk fails.
pub fn collect(settings: &Settings) -> Result<Collection, StartError> {
    let engine = open(settings)?;
    block_on(async {
        let collected = engine.collect_now(Duration::ZERO).await?;
        engine.close().await?;
        Ok(Collection(collected))
    })?
}

/// Opens what is there; makes nothing.
fn open(settings: &Settings) -> Result<Arc<LocalEngine>, StartError> {
    if is_empty(&settings.data) {
        return Err(StartError::NoData {
            path: settings.data.clone(),
        });
    }
    let engine = LocalEngine::open(
        &settings.data,
        settings.engine.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRng),
    )?;
    Ok(engine)
}

fn is_empty(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
