//! The one thread that changes the database: it drains a queue of batches, judges
//! each, writes what holds as one, syncs once and wakes everybody.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use osier_engine::{Batch, EngineError, Family, TableId};
use rocksdb::WriteBatch;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::failure::{closed, database_error, repeat, unavailable};
use crate::group::{Group, WriteFailure};
use crate::liveness::Unlinked;
use crate::meta::{Meta, OwnChange, Space, counters_key, row_key, table_key};
use crate::recovery;

type Reply = oneshot::Sender<Result<(), EngineError>>;

/// What waits for the committer.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<(Job, Reply)>,
    /// How many jobs wake the committer.
    wanted: usize,
    closing: bool,
}

/// What is worth waiting for before a group is written. Whoever got an answer just
/// now asks again soon: one large group costs less than several small ones. A lone
/// caller never waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gathering {
    jobs: usize,
    window: Duration,
}

impl Gathering {
    /// After a group of `taken` jobs that took a time, and while `waiting` wait already.
    fn after(taken: usize, waiting: usize, took: Duration) -> Self {
        let lately = taken + waiting;
        if lately < GATHER_MIN {
            return Self::default();
        }
        Self {
            jobs: (lately / 4 * 3).min(GATHER_MAX),
            window: (took / 2).min(GATHER_WINDOW),
        }
    }
}

#[derive(Debug)]
enum Job {
    Commit(TableId, Batch),
    Own(Vec<OwnChange>),
    CreateTable(TableId),
    DropTable(TableId, Vec<Family>),
}

impl CommitQueue {
    pub(crate) async fn commit(&self, table: TableId, batch: Batch) -> Result<(), EngineError> {
        self.push(Job::Commit(table, batch))
            .await
            .map_err(|_| closed())?
    }

    pub(crate) async fn create_table(&self, table: TableId) -> Result<(), EngineError> {
        self.push(Job::CreateTable(table))
            .await
            .map_err(|_| closed())?
    }

    pub(crate) async fn drop_table(
        &self,
        table: TableId,
        families: &[Family],
    ) -> Result<(), EngineError> {
        self.push(Job::DropTable(table, families.to_vec()))
            .await
            .map_err(|_| closed())?
    }

    /// Changes rows of the engine's own. Blocks: for threads of the engine.
    pub(crate) fn own(&self, changes: Vec<OwnChange>) -> Result<(), EngineError> {
        self.push(Job::Own(changes))
            .blocking_recv()
            .map_err(|_| closed())?
    }

    /// Lets the committer finish what is queued and end.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closing = true;
        self.work.notify_all();
    }

    fn push(&self, job: Job) -> oneshot::Receiver<Result<(), EngineError>> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.closing {
            state.jobs.push_back((job, reply));
            if state.jobs.len() >= state.wanted {
                self.work.notify_one();
            }
        }
        answer
    }

    /// Moves what waits into `jobs`, which is empty. False at the end.
    fn take(&self, jobs: &mut VecDeque<(Job, Reply)>, gathering: Gathering) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.wanted = 1;
        while state.jobs.is_empty() {
            if state.closing {
                return false;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.jobs.len() < gathering.jobs {
            state.wanted = gathering.jobs;
            let few = |it: &mut State| !it.closing && it.jobs.len() < gathering.jobs;
            (state, _) = self
                .work
                .wait_timeout_while(state, gathering.window, few)
                .unwrap_or_else(PoisonError::into_inner);
        }
        // Nobody has to wake who is at work.
        state.wanted = usize::MAX;
        if state.jobs.len() > GROUP_MAX {
            jobs.extend(state.jobs.drain(..GROUP_MAX));
        } else {
            std::mem::swap(jobs, &mut state.jobs);
        }
        true
    }

    fn waiting(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.jobs.len()
    }
}

/// The committer's thread.
pub(crate) fn serve(core: &Core) {
    let mut jobs = VecDeque::new();
    let mut gathering = Gathering::default();
    while core.commits.take(&mut jobs, gathering) {
        let (taken, begin) = (jobs.len(), Instant::now());
        if core.stalled.load(Ordering::SeqCst)
            && let Err(error) = reopen(core)
        {
            for (_, reply) in jobs.drain(..) {
                let _ = reply.send(Err(repeat(&error)));
            }
            continue;
        }
        // Without the database the replies are dropped, which says that it is closed.
        let _ = core.with_meta(|meta| {
            commit_jobs(core, meta, &mut jobs);
            Ok(())
        });
        jobs.clear();
        gathering = Gathering::after(taken, core.commits.waiting(), begin.elapsed());
    }
}

/// Opens the database again, once there is space: after it ran out of it in the
/// middle of a write it refuses to go on.
fn reopen(core: &Core) -> Result<(), EngineError> {
    core.health.check_sound()?;
    let needed = u64::try_from(core.settings.memtable_bytes).unwrap_or(u64::MAX);
    if core.free_bytes()? < needed.max(core.settings.reserve_bytes / 2) {
        return Err(EngineError::Full);
    }
    let mut place = core.meta.write().unwrap_or_else(PoisonError::into_inner);
    let last = place.as_ref().map(Meta::sequence);
    // Two can't have it open at a time.
    drop(place.take());
    let meta = Meta::open(&core.layout, &core.settings).map_err(|error| {
        tracing::error!(%error, "the metadata database can't be opened again");
        unavailable(format!(
            "the metadata database can't be opened again: {error}"
        ))
    })?;
    if last.is_some_and(|last| meta.sequence() < last) {
        core.health.poison("the metadata database lost commits");
    }
    // What failed may be there after all.
    core.rows.clear();
    let tables = recovery::stored_tables(&meta)?;
    *core.tables.write().unwrap_or_else(PoisonError::into_inner) = tables;
    let mut uncertain = core
        .uncertain
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for blob in uncertain.drain(..) {
        if meta.has_references(blob)? {
            core.liveness.remove(blob);
        } else {
            core.liveness.insert(blob, Unlinked::Discarded);
        }
    }
    *place = Some(meta);
    core.stalled.store(false, Ordering::SeqCst);
    tracing::info!("the metadata database has space again");
    Ok(())
}

fn commit_jobs(core: &Core, meta: &Meta, jobs: &mut VecDeque<(Job, Reply)>) {
    let mut group = Group::new(core, meta);
    let mut waiting = Vec::with_capacity(jobs.len());
    let free_bytes = core.free_bytes();
    for (job, reply) in jobs.drain(..) {
        if let Err(error) = core.health.check_sound() {
            let _ = reply.send(Err(error));
            continue;
        }
        match job {
            Job::Commit(table, batch) => {
                let added = match &free_bytes {
                    Ok(free_bytes) => group.add(table, batch, *free_bytes),
                    Err(error) => Err(repeat(error)),
                };
                waiting.push((reply, added));
            }
            Job::Own(changes) => {
                group.add_own(changes);
                waiting.push((reply, Ok(())));
            }
            Job::CreateTable(table) => {
                let group = std::mem::replace(&mut group, Group::new(core, meta));
                write_group(core, group, &mut waiting);
                let _ = reply.send(create_table(core, meta, table));
            }
            Job::DropTable(table, families) => {
                let group = std::mem::replace(&mut group, Group::new(core, meta));
                write_group(core, group, &mut waiting);
                let _ = reply.send(drop_table(core, meta, table, &families));
            }
        }
    }
    write_group(core, group, &mut waiting);
}

/// Writes a group and answers everybody. Also those who were refused wait for the
/// write: it was perhaps another batch of the group that stood in their way, and
/// after their answer everybody must see it.
fn write_group(core: &Core, group: Group<'_>, waiting: &mut Vec<(Reply, Result<(), EngineError>)>) {
    let mut written = Ok(());
    if !group.is_empty() {
        core.tally.groups.fetch_add(1, Ordering::Relaxed);
        core.tally
            .commits
            .fetch_add(group.batches(), Ordering::Relaxed);
        written = group.write().map_err(|failure| match failure {
            WriteFailure::Before(error) => error,
            WriteFailure::During(error) => write_failed(core, error),
        });
    }
    for (reply, judged) in waiting.drain(..) {
        let _ = reply.send(match &written {
            Ok(()) => judged,
            Err(error) => Err(repeat(error)),
        });
    }
}

/// A full disk does not poison: the database refuses every write from then on, so
/// that nothing can follow a torn entry of its log, until it is opened again.
fn write_failed(core: &Core, error: rocksdb::Error) -> EngineError {
    if error.as_ref().contains("No space left") || error.as_ref().contains("Disk quota") {
        tracing::error!(%error, "the metadata database has no space");
        core.stalled.store(true, Ordering::SeqCst);
        return unavailable("the metadata database has no space");
    }
    core.health
        .poison(&format!("the metadata database failed: {error}"));
    database_error(error)
}

fn create_table(core: &Core, meta: &Meta, table: TableId) -> Result<(), EngineError> {
    if core.has_table(table) {
        return Ok(());
    }
    core.check_space(0)?;
    let mut batch = WriteBatch::default();
    meta.put(&mut batch, Space::System, &table_key(table), &[])?;
    meta.write(batch).map_err(|it| write_failed(core, it))?;
    let mut tables = core.tables.write().unwrap_or_else(PoisonError::into_inner);
    tables.insert(table);
    Ok(())
}

fn drop_table(
    core: &Core,
    meta: &Meta,
    table: TableId,
    families: &[Family],
) -> Result<(), EngineError> {
    if !core.has_table(table) {
        return Err(EngineError::NoTable);
    }
    if table == TableId::SYSTEM {
        return Err(EngineError::NotEmpty);
    }
    for family in families {
        let upper = table.0.checked_add(1).map(|it| row_key(TableId(it), &[]));
        if meta.any(Space::Rows(*family), &row_key(table, &[]), upper)? {
            return Err(EngineError::NotEmpty);
        }
    }
    let mut batch = WriteBatch::default();
    meta.delete_rows(&mut batch, table)?;
    meta.delete(&mut batch, Space::System, &table_key(table))?;
    meta.delete(&mut batch, Space::System, &counters_key(table))?;
    {
        // Nobody fills the cache from a table that is not there.
        let mut tables = core.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.remove(&table);
    }
    core.rows.clear();
    let written = meta.write(batch);
    core.rows.clear();
    if let Err(error) = written {
        let mut tables = core.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.insert(table);
        return Err(write_failed(core, error));
    }
    Ok(())
}

/// Batches of one group at most.
const GROUP_MAX: usize = 2048;
/// Below this many callers at a time there is nothing to gather.
const GATHER_MIN: usize = 4;
/// A group of this many is large enough not to wait for more.
const GATHER_MAX: usize = 16;
/// The longest wait for more of a group.
const GATHER_WINDOW: Duration = Duration::from_micros(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_only_where_many_call() {
        let slow = Duration::from_secs(1);
        assert_eq!(Gathering::after(1, 0, slow), Gathering::default());
        assert_eq!(Gathering::after(2, 1, slow), Gathering::default());
        let many = Gathering::after(8, 8, slow);
        assert_eq!((many.jobs, many.window), (12, GATHER_WINDOW));
        let quick = Gathering::after(4, 0, Duration::from_micros(100));
        assert_eq!((quick.jobs, quick.window), (3, Duration::from_micros(50)));
        assert_eq!(Gathering::after(GROUP_MAX, 9999, slow).jobs, GATHER_MAX);
    }

    #[test]
    fn closing_ends_a_wait_for_more_and_leaves_no_job_behind() {
        let queue = CommitQueue::default();
        let _answer = queue.push(Job::Own(Vec::new()));
        queue.close();
        let endless = Gathering {
            jobs: 2,
            window: Duration::from_hours(1),
        };
        let mut jobs = VecDeque::new();
        assert!(queue.take(&mut jobs, endless));
        assert_eq!(jobs.drain(..).count(), 1);
        assert!(!queue.take(&mut jobs, endless));
    }

    #[test]
    fn the_last_of_a_group_wakes() {
        let queue = CommitQueue::default();
        let endless = Gathering {
            jobs: 3,
            window: Duration::from_hours(1),
        };
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let mut jobs = VecDeque::new();
                queue.take(&mut jobs, endless);
                jobs.len()
            });
            let _answers = [(); 3].map(|()| queue.push(Job::Own(Vec::new())));
            assert_eq!(taker.join().unwrap(), 3);
        });
    }
}
