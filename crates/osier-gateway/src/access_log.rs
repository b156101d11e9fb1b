//! What a request was and what came of it, for logs and metrics.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the cache had to do with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// Nothing: it was not asked.
    #[default]
    Bypass,
    /// The answer was kept and fresh.
    Hit,
    /// The origin was asked, and its answer was sent.
    Miss,
    /// The origin said that the kept answer is still good.
    Revalidated,
    /// The origin failed, and an old answer stood in.
    Stale,
}

impl CacheUse {
    pub(crate) const ALL: [Self; 5] = [
        Self::Bypass,
        Self::Hit,
        Self::Miss,
        Self::Revalidated,
        Self::Stale,
    ];

    /// As logs and `X-Cache` have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "BYPASS",
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Revalidated => "REVALIDATED",
            Self::Stale => "STALE",
        }
    }
}

/// Tells requests apart: those of one process by their number, processes by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId {
    pub(crate) prefix: u32,
    pub(crate) number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08X}{:016X}", self.prefix, self.number)
    }
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct AccessLine {
    /// 24 upper-case hex digits.
    pub request_id: RequestId,
    /// The site's first host; nothing when none was found.
    pub site: Option<Arc<str>>,
    /// The status answered.
    pub status: u16,
    /// What the cache had to do with it.
    pub cache: CacheUse,
    /// The address of the origin that answered.
    pub upstream: Option<SocketAddr>,
    /// From sending the request to the head of the origin's answer, connecting included.
    pub upstream_head: Option<Duration>,
    /// The gateway's own reason for an error.
    pub error_code: Option<&'static str>,
}

/// Answers so far, by what the cache had to do with them and by the class of their status.
#[derive(Debug, Default)]
pub(crate) struct Answers([[AtomicU64; CLASSES.len()]; CacheUse::ALL.len()]);

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Answers {
    pub(crate) fn count(&self, cache: CacheUse, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        let of_cache = CacheUse::ALL.iter().zip(&self.0);
        let counter = of_cache
            .filter(|(known, _)| **known == cache)
            .find_map(|(_, classes)| classes.get(class));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = ((&'static str, &'static str), u64)> {
        CacheUse::ALL
            .iter()
            .zip(&self.0)
            .flat_map(|(cache, classes)| {
                CLASSES.iter().zip(classes).map(|(class, counter)| {
                    ((cache.as_str(), *class), counter.load(Ordering::Relaxed))
                })
            })
    }
}
