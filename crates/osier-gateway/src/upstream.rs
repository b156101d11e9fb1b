//! The origins of a site: which of them answers next, and which are left alone for a while
//! because they failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderValue;
use osier_http::Client;

use crate::Origin;
use crate::resolve::Reach;

/// One origin, ready to be asked.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) origin: Origin,
    /// The `Host` of requests to it.
    pub(crate) host: HeaderValue,
    pub(crate) client: Client,
    pub(crate) reach: Reach,
    pub(crate) weight: u32,
    pub(crate) priority: u32,
    pub(crate) health: Health,
}

/// Whether an origin answers.
#[derive(Debug)]
pub(crate) struct Health {
    begun: Instant,
    /// Failures in a row.
    failures: AtomicU32,
    /// Milliseconds since `begun` until which it is left alone.
    resting_until: AtomicU64,
    /// What active checks say.
    sick: AtomicBool,
    /// Checks in a row that failed.
    failed_checks: AtomicU32,
    /// Milliseconds since `begun` at which the next check is due.
    next_check: AtomicU64,
}

/// The origins of a site.
#[derive(Debug)]
pub(crate) struct Upstreams {
    all: Vec<Arc<Upstream>>,
    turn: AtomicUsize,
    budget: RetryBudget,
    /// Failures in a row after which one is left alone.
    failures_max: u32,
    rest: Duration,
}

/// How many requests may be sent a second time: a tenth of all, so that an origin that is down
/// under load is not loaded twice.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

impl RetryBudget {
    const RETRY: i64 = 10;
    const BURST: i64 = 10 * Self::RETRY;

    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(Self::BURST))
    }

    /// A request came.
    pub(crate) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < Self::BURST {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether one may be sent again.
    pub(crate) fn spend(&self) -> bool {
        let spent = self.0.fetch_sub(Self::RETRY, Ordering::Relaxed);
        if spent >= Self::RETRY {
            return true;
        }
        self.0.fetch_add(Self::RETRY, Ordering::Relaxed);
        false
    }
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            failures: AtomicU32::new(0),
            resting_until: AtomicU64::new(0),
            sick: AtomicBool::new(false),
            failed_checks: AtomicU32::new(0),
            next_check: AtomicU64::new(0),
        }
    }

    fn is_up(&self) -> bool {
        !self.sick.load(Ordering::Relaxed)
            && self.now_ms() >= self.resting_until.load(Ordering::Relaxed)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// It answered.
    pub(crate) fn worked(&self) {
        // Mostly it did before: reading costs the other cores nothing.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Whether a check is due; then the next one is in `interval`.
    pub(crate) fn is_due(&self, interval: Duration) -> bool {
        let now = self.now_ms();
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let due = now >= self.next_check.load(Ordering::Relaxed);
        if due {
            let next = now.saturating_add(interval);
            self.next_check.store(next, Ordering::Relaxed);
        }
        due
    }

    /// What a check found; whether that changes anything. One that answers is used at once.
    pub(crate) fn checked(&self, healthy: bool, failures_max: u32) -> bool {
        if healthy {
            self.failed_checks.store(0, Ordering::Relaxed);
            self.resting_until.store(0, Ordering::Relaxed);
            return self.sick.swap(false, Ordering::Relaxed);
        }
        let failed = self.failed_checks.fetch_add(1, Ordering::Relaxed) + 1;
        failed >= failures_max && !self.sick.swap(true, Ordering::Relaxed)
    }
}

impl Upstreams {
    pub(crate) fn new(all: Vec<Arc<Upstream>>, failures_max: u32, rest: Duration) -> Self {
        Self {
            all,
            turn: AtomicUsize::new(0),
            budget: RetryBudget::new(),
            failures_max,
            rest,
        }
    }

    pub(crate) fn all(&self) -> &[Arc<Upstream>] {
        &self.all
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// The one to ask, none of `tried`: by weight among those that are up and stand first.
    /// When none is up, one that is down may still answer better than nobody.
    pub(crate) fn choose(&self, tried: &[Arc<Upstream>]) -> Option<&Arc<Upstream>> {
        if let ([only], []) = (self.all.as_slice(), tried) {
            return Some(only);
        }
        let untried =
            |upstream: &&Arc<Upstream>| !tried.iter().any(|tried| Arc::ptr_eq(tried, upstream));
        let up = |upstream: &&Arc<Upstream>| untried(upstream) && upstream.health.is_up();
        self.by_weight(up).or_else(|| self.by_weight(untried))
    }

    /// Whether there is one besides those of `tried`.
    pub(crate) fn others(&self, tried: &[Arc<Upstream>]) -> bool {
        self.all
            .iter()
            .any(|upstream| !tried.iter().any(|tried| Arc::ptr_eq(tried, upstream)))
    }

    fn by_weight(&self, may: impl Fn(&&Arc<Upstream>) -> bool) -> Option<&Arc<Upstream>> {
        let may = || self.all.iter().filter(&may);
        let first = may().map(|upstream| upstream.priority).min()?;
        let may = || may().filter(|upstream| upstream.priority == first);
        let total: usize = may().map(|upstream| upstream.weight as usize).sum();
        let mut turn = self.turn.fetch_add(1, Ordering::Relaxed) % total.max(1);
        for upstream in may() {
            match turn.checked_sub(upstream.weight as usize) {
                Some(left) => turn = left,
                None => return Some(upstream),
            }
        }
        may().next()
    }

    /// One did not. A site's only origin is never left alone.
    pub(crate) fn failed(&self, upstream: &Upstream) {
        let failures = upstream.health.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= self.failures_max && self.all.len() > 1 {
            let rest = u64::try_from(self.rest.as_millis()).unwrap_or(u64::MAX);
            let until = upstream.health.now_ms().saturating_add(rest);
            upstream
                .health
                .resting_until
                .store(until, Ordering::Relaxed);
            upstream.health.failures.store(0, Ordering::Relaxed);
            tracing::warn!(
                origin = %upstream.origin,
                seconds = self.rest.as_secs(),
                "an origin failed and is left alone"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstreams(shares: &[(u32, u32)]) -> Upstreams {
        let all = shares
            .iter()
            .enumerate()
            .map(|(index, (weight, priority))| {
                Arc::new(Upstream {
                    origin: Origin::parse(&format!("http://h{index}")).unwrap(),
                    host: HeaderValue::from_static("h"),
                    client: Client::default(),
                    reach: Reach::Network,
                    weight: *weight,
                    priority: *priority,
                    health: Health::new(),
                })
            });
        Upstreams::new(all.collect(), 2, Duration::from_hours(1))
    }

    fn chosen(upstreams: &Upstreams, times: usize) -> Vec<String> {
        (0..times)
            .filter_map(|_| upstreams.choose(&[]))
            .map(|upstream| upstream.origin.host.clone())
            .collect()
    }

    #[test]
    fn weights_are_shares() {
        let upstreams = upstreams(&[(3, 0), (1, 0)]);
        let chosen = chosen(&upstreams, 400);
        assert_eq!(chosen.iter().filter(|host| *host == "h0").count(), 300);
    }

    #[test]
    fn those_behind_stand_by_until_those_before_fail() {
        let upstreams = upstreams(&[(1, 0), (1, 1)]);
        assert_eq!(chosen(&upstreams, 2), ["h0", "h0"]);
        let first = Arc::clone(&upstreams.all[0]);
        upstreams.failed(&first);
        first.health.worked();
        upstreams.failed(&first);
        assert_eq!(chosen(&upstreams, 1), ["h0"]);
        upstreams.failed(&first);
        assert_eq!(chosen(&upstreams, 2), ["h1", "h1"]);
        assert!(!upstreams.all[1].health.checked(false, 2));
        assert!(upstreams.all[1].health.checked(false, 2));
        assert_eq!(chosen(&upstreams, 1), ["h0"], "better than nobody");
        assert!(!upstreams.all[0].health.checked(true, 2));
        assert!(upstreams.all[1].health.checked(true, 2));
        assert_eq!(chosen(&upstreams, 1), ["h0"]);
    }

    #[test]
    fn one_that_was_tried_is_not_chosen_again() {
        let upstreams = upstreams(&[(1, 0), (1, 0)]);
        let first = Arc::clone(upstreams.choose(&[]).unwrap());
        let second = Arc::clone(upstreams.choose(std::slice::from_ref(&first)).unwrap());
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(upstreams.choose(&[first, second]).is_none());
    }

    #[test]
    fn a_tenth_of_all_requests_may_be_sent_again() {
        let budget = RetryBudget::new();
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
        for _ in 0..100 {
            budget.earn();
        }
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
    }
}
