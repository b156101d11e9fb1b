//! What a request was and what came of it, for logs and metrics.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
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
