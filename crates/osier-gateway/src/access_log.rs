//! What a request was and what came of it, for logs and metrics.

use std::net::SocketAddr;
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

/// One request.
#[derive(Clone, Debug, Default)]
pub struct AccessLine {
    /// 24 upper-case hex digits.
    pub request_id: String,
    /// The site's first host; nothing when none was found.
    pub site: Option<String>,
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
