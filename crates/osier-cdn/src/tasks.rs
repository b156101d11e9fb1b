//! Refreshes and prefetches of the last days, and how many more may be asked for today.

use std::collections::BTreeMap;

use osier_types::Timestamp;
use osier_types::limits::{
    CDN_DIRECTORY_QUOTA, CDN_PATTERN_QUOTA, CDN_PRELOAD_QUOTA, CDN_TASK_DAYS, CDN_TASKS_MAX,
    CDN_URL_QUOTA,
};
use serde::{Deserialize, Serialize};

use crate::CdnFault;

/// One address that was to be refreshed or prefetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its number.
    pub id: u64,
    /// The account that asked.
    pub owner: String,
    /// What for.
    pub kind: TaskKind,
    /// The address, as it was sent.
    pub path: String,
    /// The host of it.
    pub host: String,
    /// When.
    pub created: Timestamp,
    /// What came of it.
    pub state: TaskState,
    /// Why it failed.
    pub description: String,
}

/// What a task is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// To refresh an address.
    File,
    /// To refresh a directory.
    Directory,
    /// To refresh what matches a pattern.
    Regex,
    /// To refresh an address with any parameters.
    IgnoreParams,
    /// To refresh what carries a tag.
    Tag,
    /// To fetch an address.
    Preload,
}

impl TaskKind {
    /// As reports have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Regex => "regex",
            Self::IgnoreParams => "ignoreparams",
            Self::Tag => "cachetag",
            Self::Preload => "preload",
        }
    }
}

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It is being done.
    Refreshing,
    /// It is done.
    Complete,
    /// It can't be done.
    Failed,
}

impl TaskState {
    /// As reports have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refreshing => "Refreshing",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
        }
    }

    /// How far it is.
    pub const fn process(self) -> &'static str {
        match self {
            Self::Complete => "100%",
            Self::Refreshing | Self::Failed => "0%",
        }
    }
}

/// The tasks of all accounts, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    tasks: BTreeMap<u64, Task>,
    last: u64,
}

/// What an account asked for today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Addresses refreshed.
    pub urls: u32,
    /// Directories.
    pub directories: u32,
    /// Patterns.
    pub patterns: u32,
    /// Addresses without regard to their parameters.
    pub ignore_params: u32,
    /// Addresses fetched.
    pub preloads: u32,
}

impl Tasks {
    /// Tasks that were kept; what was running when they were has ended with its server.
    pub fn load(kept: impl IntoIterator<Item = Task>, now: Timestamp) -> Self {
        let mut tasks = Self::default();
        for mut task in kept {
            if task.state == TaskState::Refreshing {
                task.state = TaskState::Failed;
                "the server was stopped".clone_into(&mut task.description);
            }
            tasks.last = tasks.last.max(task.id);
            // A later line tells how a task of an earlier one ended.
            tasks.tasks.insert(task.id, task);
        }
        tasks.forget(now);
        tasks
    }

    /// All tasks, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.tasks.values()
    }

    /// A number for a new task.
    fn next(&mut self, now: Timestamp) -> u64 {
        let by_time = u64::try_from(now.as_millis()).unwrap_or_default();
        self.last = by_time.max(self.last + 1);
        self.last
    }

    /// Adds a task for each path.
    pub fn add(
        &mut self,
        owner: &str,
        kind: TaskKind,
        paths: impl IntoIterator<Item = (String, String)>,
        state: TaskState,
        now: Timestamp,
    ) -> Vec<Task> {
        self.forget(now);
        let mut added = Vec::new();
        for (path, host) in paths {
            let task = Task {
                id: self.next(now),
                owner: owner.to_owned(),
                kind,
                path,
                host,
                created: now.whole_seconds(),
                state,
                description: String::new(),
            };
            self.tasks.insert(task.id, task.clone());
            added.push(task);
        }
        added
    }

    /// Notes how a task ended.
    pub fn end(&mut self, id: u64, result: Result<(), String>) -> Option<Task> {
        let task = self.tasks.get_mut(&id)?;
        match result {
            Ok(()) => task.state = TaskState::Complete,
            Err(why) => {
                task.state = TaskState::Failed;
                task.description = why;
            }
        }
        Some(task.clone())
    }

    fn forget(&mut self, now: Timestamp) {
        let oldest = now.plus_millis(-CDN_TASK_DAYS * DAY_MS);
        while let Some(first) = self.tasks.first_entry() {
            let is_old = first.get().created < oldest;
            if !is_old && self.tasks.len() <= CDN_TASKS_MAX {
                return;
            }
            self.tasks.pop_first();
        }
    }

    /// What `owner` asked for on the day of `now`.
    pub fn usage(&self, owner: &str, now: Timestamp) -> Usage {
        let day = |time: Timestamp| time.as_millis().div_euclid(DAY_MS);
        let mut usage = Usage::default();
        let of_today = self
            .tasks
            .values()
            .rev()
            .take_while(|task| day(task.created) >= day(now));
        for task in of_today.filter(|task| task.owner == owner) {
            match task.kind {
                TaskKind::File => usage.urls += 1,
                TaskKind::Directory | TaskKind::Tag => usage.directories += 1,
                TaskKind::Regex => usage.patterns += 1,
                TaskKind::IgnoreParams => usage.ignore_params += 1,
                TaskKind::Preload => usage.preloads += 1,
            }
        }
        usage
    }

    /// Whether `owner` may ask for `count` more.
    ///
    /// # Errors
    /// When that is more than a day's share.
    pub fn admit(
        &self,
        owner: &str,
        kind: TaskKind,
        count: usize,
        now: Timestamp,
    ) -> Result<(), CdnFault> {
        let usage = self.usage(owner, now);
        let (used, quota, fault) = match kind {
            TaskKind::File => (usage.urls, CDN_URL_QUOTA, CdnFault::RefreshQuota),
            TaskKind::Directory | TaskKind::Tag => (
                usage.directories,
                CDN_DIRECTORY_QUOTA,
                CdnFault::RefreshQuota,
            ),
            TaskKind::Regex => (usage.patterns, CDN_PATTERN_QUOTA, CdnFault::RefreshQuota),
            TaskKind::IgnoreParams => (
                usage.ignore_params,
                CDN_PATTERN_QUOTA,
                CdnFault::RefreshQuota,
            ),
            TaskKind::Preload => (usage.preloads, CDN_PRELOAD_QUOTA, CdnFault::PreloadQuota),
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if used.saturating_add(count) > quota {
            return Err(fault);
        }
        Ok(())
    }
}

const DAY_MS: i64 = 24 * 3600 * 1000;
