//! Refreshes and prefetches of the last days: in memory, and as lines of a file, so that they can
//! be told after a restart.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use osier_cdn::{CdnFault, Task, TaskKind, TaskState, Tasks};
use osier_types::Timestamp;

use crate::private_file;

/// The file in the data directory.
const FILE: &str = "cdn-tasks.jsonl";

/// All tasks, and the file that keeps them.
#[derive(Debug)]
pub(crate) struct TaskLog {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tasks: Tasks,
    /// None when it can't be written: tasks are told as long as the server runs then.
    file: Option<File>,
}

impl TaskLog {
    /// Reads what was kept, and writes it anew without what is too old to be told.
    pub(crate) fn open(data: &Path, now: Timestamp) -> Self {
        let path = data.join(FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // A line that was cut by a crash is no task.
        let kept = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Task>(line).ok());
        let tasks = Tasks::load(kept, now);
        let file = rewrite(&path, &tasks)
            .inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::warn!(error, "refreshes are not remembered after a restart");
            })
            .ok();
        Self {
            state: Mutex::new(State { tasks, file }),
        }
    }

    /// Adds a task for each path, if that is within the account's share.
    pub(crate) fn add(
        &self,
        owner: &str,
        kind: TaskKind,
        paths: Vec<(String, String)>,
        state: TaskState,
        now: Timestamp,
    ) -> Result<Vec<Task>, CdnFault> {
        let mut log = self.lock();
        log.tasks.admit(owner, kind, paths.len(), now)?;
        let added = log.tasks.add(owner, kind, paths, state, now);
        log.write(&added);
        Ok(added)
    }

    /// Notes how a task ended.
    pub(crate) fn end(&self, id: u64, result: Result<(), String>) {
        let mut log = self.lock();
        if let Some(task) = log.tasks.end(id, result) {
            log.write(&[task]);
        }
    }

    /// Looks at the tasks.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Tasks) -> T) -> T {
        look(&self.lock().tasks)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, tasks: &[Task]) {
        let Some(file) = &mut self.file else {
            return;
        };
        let lines: String = tasks.iter().map(line).collect();
        if let Err(error) = file.write_all(lines.as_bytes()) {
            tracing::warn!(%error, "refreshes are not remembered after a restart");
            self.file = None;
        }
    }
}

fn line(task: &Task) -> String {
    let mut line = serde_json::to_string(task).unwrap_or_default();
    line.push('\n');
    line
}

fn rewrite(path: &PathBuf, tasks: &Tasks) -> io::Result<File> {
    let lines: String = tasks.all().map(line).collect();
    private_file::write(path, &lines).map_err(|error| io::Error::other(error.to_string()))?;
    OpenOptions::new().append(true).mode(0o600).open(path)
}
