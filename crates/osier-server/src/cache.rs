//! What a running server can be asked to do with the answers its gateway keeps.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use osier_gateway::{Gateway, Purge, PurgeError, StoreNumbers};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Settings;
use crate::control::{self, Task};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheTask {
    /// Purge; acts when the answer comes.
    Purge(Vec<Purge>),
    /// Fetch these addresses.
    Prefetch(Vec<String>),
    /// Tell how it goes; as JSON or as text.
    Stats {
        /// As JSON.
        json: bool,
    },
}

/// It can't be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// No server works on the data.
    #[error("no server works on `{0}`; only a running one keeps answers")]
    NoServer(String),
    /// The server can't be asked.
    #[error("the server can't be asked")]
    Server(#[from] io::Error),
    /// It can't be purged or fetched.
    #[error(transparent)]
    Purge(#[from] PurgeError),
    /// What it answered can't be read.
    #[error("the answer can't be read")]
    Answer(#[from] serde_json::Error),
}

/// Asks the server that works on the data.
///
/// # Errors
/// When there is none, or it can't do it.
pub fn cache(settings: &Settings, task: CacheTask) -> Result<String, CacheError> {
    let answer = control::ask(&settings.data, &Task::Cache(task))?
        .ok_or_else(|| CacheError::NoServer(settings.data.display().to_string()))?;
    Ok(serde_json::from_str(&answer.summary)?)
}

/// Does it; what to print.
pub(crate) async fn run(gateway: &Arc<Gateway>, task: CacheTask) -> Result<String, CacheError> {
    match task {
        CacheTask::Purge(purges) => {
            gateway.purge(&purges)?;
            Ok(format!("purged {}\n", purges.len()))
        }
        CacheTask::Prefetch(urls) => {
            let mut text = String::new();
            for url in urls {
                let status = gateway.prefetch(&url).await?;
                let _ = writeln!(text, "{} {url}", status.as_u16());
            }
            Ok(text)
        }
        CacheTask::Stats { json } => {
            gateway.settle().await;
            Ok(stats(&gateway.numbers(), json))
        }
    }
}

fn stats(numbers: &StoreNumbers, as_json: bool) -> String {
    let disk = numbers.disk.unwrap_or_default();
    let told = [
        ("memory_entries", numbers.memory_entries),
        ("memory_bytes", numbers.memory_bytes),
        ("memory_evicted", numbers.memory_evicted),
        ("purges", numbers.purged),
        ("disk_entries", disk.entries),
        ("disk_bytes", disk.bytes),
        ("disk_hits", disk.hits),
        ("disk_written", disk.written),
        ("disk_evicted", disk.evicted),
        ("disk_dropped", disk.dropped),
        ("disk_damaged", disk.damaged),
    ];
    if as_json {
        let object: serde_json::Map<_, _> = told
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        return format!("{}\n", serde_json::Value::Object(object));
    }
    let mut text = String::new();
    for (name, value) in told {
        let _ = writeln!(text, "{name:<16}{value}");
    }
    text
}
