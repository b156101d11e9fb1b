//! A shared HTTP cache: what may be kept (RFC 9111), for how long, under which key,
//! what a stored answer says to a request, and what a purge reaches.
//!
//! Does no I/O and knows no clock: times are handed in. It fetches nothing and knows no
//! site; the gateway asks, and does what it is told.
#![warn(missing_docs)]

mod age;
mod directives;
mod freshness;
mod key;
mod memory;
mod purge;
mod spelling;
mod structured;
mod ttl;
mod validation;
mod vary;

pub use age::{Age, Exchange};
pub use directives::{MaxStale, RequestDirectives, ResponseDirectives};
pub use freshness::{Answer, Policy, Refusal, Reuse, StaleUse};
pub use key::{CacheKey, KeyRules, QueryRule, Target};
pub use memory::{Found, MemoryTier, Weigh};
pub use purge::{
    Born, InvalidPattern, Pattern, PurgeRecord, PurgedScope, Purges, Scope, Standing, Subject,
};
pub use ttl::{Source, TtlRule, TtlRules, TtlTarget};
pub use validation::{Verdict, freshened, preconditions};
pub use vary::VaryKey;
