//! Work on a data directory: by this process if no server has it open, by the
//! server if one has.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use osier_engine::Engine;
use osier_engine_local::{Collected, FsckReport, LocalEngine, OpenError};
use osier_store::{AuditReport, Store};
use osier_types::{Clock, Rng};

use crate::control::{self, Task};
use crate::identities::{self, Root};
use crate::keys::{KeyAnswer, KeyError, KeyTask, Keys};
use crate::live::ConfigTask;
use crate::root_key::{account_id, given_key, read_root_key, root_key};
use crate::server::block_on;
use crate::{Settings, StartError, SystemClock, SystemRng};

/// What a verification found.
#[derive(Debug)]
pub struct Verification {
    /// What is damaged, in words for an operator. Not all of it if it is very much.
    pub problems: Vec<String>,
    /// What was looked at and found, in one line.
    pub summary: String,
}

impl Verification {
    /// Whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Verifies everything that is stored: every row and every blob's bytes; and, if
/// no server works on the data meanwhile, that objects and blobs agree.
///
/// # Errors
/// When the data can't be opened or read at all.
pub fn verify(settings: &Settings) -> Result<Verification, StartError> {
    let engine = match open(settings) {
        Err(StartError::Open(locked @ OpenError::Locked { .. })) => {
            let answer = control::ask(&settings.data, &Task::Fsck)?.ok_or(locked)?;
            return Ok(Verification {
                summary: format!("{} (server running)", answer.summary),
                problems: answer.problems,
            });
        }
        opened => opened?,
    };
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
            summary: format!(
                "{}, {} buckets",
                engine_summary(&report),
                audit.buckets.len()
            ),
            problems: problems(report, &audit),
        })
    })?
}

fn problems(engine: FsckReport, store: &AuditReport) -> Vec<String> {
    let mut problems = engine.details;
    for bucket in &store.buckets {
        let name = &bucket.bucket;
        let found = bucket.problems.iter();
        problems.extend(found.map(|problem| format!("bucket `{name}`: {problem}")));
        for (index, (kept, counted)) in bucket.kept.iter().zip(&bucket.counted).enumerate() {
            if kept != counted {
                problems.push(format!(
                    "bucket `{name}`: counter {index} says {kept}, and there are {counted}"
                ));
            }
        }
    }
    problems
}

pub(crate) fn engine_summary(report: &FsckReport) -> String {
    format!(
        "{} rows, {} blobs of {} bytes, {} references; {} blobs wait to be freed, \
         {} orphans of {} bytes",
        report.rows,
        report.blobs,
        report.blob_bytes,
        report.links,
        report.garbage,
        report.orphans,
        report.orphan_bytes,
    )
}

/// Frees the space of what was deleted, and says in one line what that was. A
/// running server leaves what was deleted only just now.
///
/// # Errors
/// When the data can't be opened or the disk fails.
pub fn collect(settings: &Settings) -> Result<String, StartError> {
    let engine = match open(settings) {
        Err(StartError::Open(locked @ OpenError::Locked { .. })) => {
            let answer = control::ask(&settings.data, &Task::Gc)?.ok_or(locked)?;
            return Ok(answer.summary);
        }
        opened => opened?,
    };
    block_on(async {
        let collected = engine.collect_now(Duration::ZERO).await?;
        engine.close().await?;
        Ok(collection_summary(&collected))
    })?
}

pub(crate) fn collection_summary(collected: &Collected) -> String {
    format!(
        "freed {} bytes: {} deleted blobs, {} unfinished ones, {} left by a crash, \
         {} whole volumes; {} blobs stay for a later pass",
        collected.bytes,
        collected.garbage,
        collected.discarded,
        collected.orphans,
        collected.volumes,
        collected.left,
    )
}

/// Does something with keys.
///
/// # Errors
/// When the data can't be opened, or the task can't be done.
pub fn keys(settings: &Settings, task: KeyTask) -> Result<KeyAnswer, StartError> {
    let engine = match open(settings) {
        Err(StartError::Open(locked @ OpenError::Locked { .. })) => {
            let asked = control::ask(&settings.data, &Task::Key(task));
            let answer = asked
                .map_err(|error| KeyError::Server(error.to_string()))?
                .ok_or(locked)?;
            let answer = serde_json::from_str(&answer.summary);
            return Ok(answer.map_err(|error| KeyError::Server(error.to_string()))?);
        }
        opened => opened?,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let given = given_key(|name| std::env::var(name).ok(), None)?;
    let key = match given {
        Some(_) => Some(root_key(&settings.data, given, &*rng)?),
        None => read_root_key(&settings.data)?,
    };
    let account_id = account_id(&settings.data, &*rng)?;
    let root = Root {
        account_id: &account_id,
        key: key.as_ref(),
    };
    block_on(async {
        let store = Store::open(
            Arc::clone(&engine) as Arc<dyn Engine>,
            Arc::clone(&clock),
            Arc::clone(&rng),
            settings.store(String::new()),
        )
        .await
        .map_err(StartError::Store)?;
        let store = Arc::new(store);
        let opened = identities::open(settings, None, &store, root, clock.now(), &rng).await;
        let keys = Keys::new(opened?, settings.data.clone(), root, &clock, &rng);
        let done = keys.run(task).await;
        engine.close().await?;
        Ok(done?)
    })?
}

/// Asks the server that works on `data` about its settings, or to change them.
///
/// # Errors
/// When there is no server, or it does not do it.
pub fn configure(data: &Path, task: ConfigTask) -> Result<String, ConfigureError> {
    let answer = control::ask(data, &Task::Config(task)).map_err(ConfigureError::Server)?;
    let answer = answer.ok_or_else(|| ConfigureError::NoServer(data.to_owned()))?;
    serde_json::from_str(&answer.summary)
        .map_err(|error| ConfigureError::Server(std::io::Error::other(error)))
}

/// The settings of a server can't be asked about or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// Nobody works on the data.
    #[error("no server works on `{}`", .0.display())]
    NoServer(PathBuf),
    /// The server says why not.
    #[error("{0}")]
    Server(std::io::Error),
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
