//! Reads everything that is stored, slowly and again and again, to find damage
//! before a user does.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use osier_engine::EngineError;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::extents::number;
use crate::failure::{closed, database_error, disk_error};
use crate::meta::{SCRUB_CURSOR, SCRUB_ENDED, Space, reference_key, reference_of};
use crate::verify::{Condition, verify_blob};

/// What a scrub read and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubReport {
    /// Blobs read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows of the metadata read.
    pub rows: u64,
    /// Damaged blobs, and damage of the metadata.
    pub damaged: u64,
    /// What is damaged, the first hundred.
    pub damage: Vec<String>,
    /// Whether it came to the end.
    pub complete: bool,
}

type Answer = oneshot::Sender<Result<ScrubReport, EngineError>>;

/// What waits for the scrub.
#[derive(Debug, Default)]
pub(crate) struct ScrubQueue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Answer>,
    closing: bool,
}

impl ScrubQueue {
    /// Reads everything now, at the usual rate, and waits for the report.
    pub(crate) async fn request(&self) -> Result<ScrubReport, EngineError> {
        let (answer, result) = oneshot::channel();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.closing {
                state.requests.push(answer);
                self.work.notify_all();
            }
        }
        result.await.map_err(|_| closed())?
    }

    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closing = true;
        state.requests.clear();
        self.work.notify_all();
    }

    /// Waits for a request, at most `pause`. None when closing.
    fn next(&self, pause: Duration) -> Option<Vec<Answer>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .work
            .wait_timeout_while(state, pause, |it| !it.closing && it.requests.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        (!state.closing).then(|| std::mem::take(&mut state.requests))
    }

    /// Sleeps, unless the engine is closed meanwhile. Says whether to go on.
    fn sleep(&self, pause: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .work
            .wait_timeout_while(state, pause, |it| !it.closing)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closing
    }
}

/// The thread of the scrub.
pub(crate) fn serve(core: &Core) {
    while let Some(requests) = core.scrubs.next(LOOK_INTERVAL) {
        if requests.is_empty() {
            if is_due(core).unwrap_or(false)
                && let Err(error) = scrub(core, true)
            {
                tracing::warn!(%error, "the scrub stopped");
            }
            continue;
        }
        let report = scrub(core, false);
        for answer in requests {
            let _ = answer.send(match &report {
                Ok(report) => Ok(report.clone()),
                Err(error) => Err(crate::failure::repeat(error)),
            });
        }
    }
}

/// A new store is due once the first interval is over, like any other.
fn is_due(core: &Core) -> Result<bool, EngineError> {
    let days = i64::from(core.settings.scrub_interval_days);
    if days == 0 {
        return Ok(false);
    }
    let now = core.now().as_millis();
    let ended = core.with_meta(|meta| meta.number(SCRUB_ENDED))?;
    let Some(ended) = ended.and_then(|it| i64::try_from(it).ok()) else {
        let now = u64::try_from(now).unwrap_or_default();
        core.change_own(vec![number(SCRUB_ENDED, now)])?;
        return Ok(false);
    };
    Ok(now - ended >= days * 86_400_000)
}

/// One scrub; `resume` goes on where an earlier one was interrupted.
fn scrub(core: &Core, resume: bool) -> Result<ScrubReport, EngineError> {
    let mut report = ScrubReport::default();
    let mut pace = Pace {
        core,
        since: Instant::now(),
        bytes: 0,
    };
    let mut from = if resume {
        core.with_meta(|meta| meta.number(SCRUB_CURSOR))?
            .unwrap_or(0)
    } else {
        0
    };
    let mut noted = Instant::now();
    loop {
        let blobs = linked_from(core, from)?;
        let Some(last) = blobs.last() else {
            break;
        };
        from = last + 1;
        for blob in blobs {
            // One that goes away meanwhile is no concern of ours.
            let Some(_pin) = core.liveness.pin(blob) else {
                continue;
            };
            let mut going = true;
            let condition = verify_blob(core, blob, &mut |bytes| {
                going = pace.spend(bytes);
                going
            })
            .map_err(|errno| disk_error("scrubbing failed", errno));
            match condition {
                Ok(Condition::Sound(bytes)) => report.bytes += bytes,
                Ok(Condition::Damaged(what)) => {
                    if core.with_meta(|meta| meta.has_references(blob))? {
                        note(core, &mut report, what);
                    }
                }
                Err(error) => note(core, &mut report, error.to_string()),
            }
            report.blobs += 1;
            core.tally.scrubbed_blobs.fetch_add(1, Ordering::Relaxed);
            if !going {
                return Ok(report);
            }
        }
        if resume && noted.elapsed() > NOTE_INTERVAL {
            core.change_own(vec![number(SCRUB_CURSOR, from)])?;
            noted = Instant::now();
        }
    }
    for space in Space::ALL {
        if !read_rows(core, space, &mut report, &mut pace)? {
            return Ok(report);
        }
    }
    report.complete = true;
    let now = u64::try_from(core.now().as_millis()).unwrap_or_default();
    core.change_own(vec![number(SCRUB_CURSOR, 0), number(SCRUB_ENDED, now)])?;
    Ok(report)
}

fn note(core: &Core, report: &mut ScrubReport, what: String) {
    tracing::error!(what, "the scrub found damage");
    core.tally.damaged.fetch_add(1, Ordering::Relaxed);
    report.damaged += 1;
    if report.damage.len() < 100 {
        report.damage.push(what);
    }
}

/// Some blobs with references, from an id on.
pub(crate) fn linked_from(core: &Core, from: u64) -> Result<Vec<u64>, EngineError> {
    core.with_meta(|meta| {
        let mut blobs = Vec::new();
        let lower = reference_key(from, 0);
        let mut rows = meta.iterate(Space::References, &lower, None, false)?;
        while let Some(key) = rows.key() {
            let (blob, _) = reference_of(key)?;
            if blobs.last() != Some(&blob.0) {
                if blobs.len() >= AT_A_TIME {
                    break;
                }
                blobs.push(blob.0);
            }
            rows.next();
        }
        rows.status().map_err(database_error)?;
        Ok(blobs)
    })
}

/// Reads all rows of a family in portions, so that the database verifies its files.
fn read_rows(
    core: &Core,
    space: Space,
    report: &mut ScrubReport,
    pace: &mut Pace<'_>,
) -> Result<bool, EngineError> {
    let mut from = Vec::new();
    loop {
        let portion = core.with_meta(|meta| {
            let mut rows = meta.iterate(space, &from, None, false)?;
            let (mut count, mut bytes, mut next) = (0_u64, 0, None);
            while let Some((key, value)) = rows.item() {
                if bytes >= ROW_PORTION {
                    next = Some(key.to_vec());
                    break;
                }
                count += 1;
                bytes += key.len() + value.len();
                rows.next();
            }
            rows.status().map_err(database_error)?;
            Ok((count, bytes, next))
        });
        match portion {
            Ok((count, bytes, next)) => {
                report.rows += count;
                if !pace.spend(u64::try_from(bytes).unwrap_or_default()) {
                    return Ok(false);
                }
                match next {
                    Some(next) => from = next,
                    None => return Ok(true),
                }
            }
            Err(error @ EngineError::Corrupt { .. }) => {
                // The rest of this family can't be reached past the damage.
                note(core, report, error.to_string());
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Keeps to the rate.
struct Pace<'a> {
    core: &'a Core,
    since: Instant,
    bytes: u64,
}

impl Pace<'_> {
    /// Counts bytes and sleeps when ahead of the rate. Says whether to go on.
    fn spend(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        let rate = self.core.settings.scrub_bytes_per_s;
        let due = Duration::from_millis(self.bytes.saturating_mul(1000) / rate);
        let ahead = due.saturating_sub(self.since.elapsed());
        self.core.scrubs.sleep(ahead)
    }
}

const AT_A_TIME: usize = 256;
const ROW_PORTION: usize = 1 << 20;
const LOOK_INTERVAL: Duration = Duration::from_mins(10);
const NOTE_INTERVAL: Duration = Duration::from_secs(30);
