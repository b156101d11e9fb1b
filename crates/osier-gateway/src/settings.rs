//! The settings of one site: a `[[site]]` table of the settings file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One site. Only `hosts` and `origin` must be given; the other defaults are those of nginx
/// where nginx has the setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSettings {
    /// Host names it answers: exact (`oss.example.com`), all below a name (`*.example.com`),
    /// or `*` for what no other site answers.
    pub hosts: Vec<String>,
    /// Where answers come from: `oss://bucket@endpoint` or `http://host[:port]`.
    pub origin: String,
    /// How requests are authorised at the origin. `passthrough` leaves the client's own
    /// signature in place, which is the only way there is.
    #[serde(default)]
    pub auth: AuthMode,
    /// Whether answers are kept.
    #[serde(default)]
    pub cache: CacheMode,
    /// The beginning of paths that is taken off before they go to the origin. Other paths are
    /// answered with 404.
    #[serde(default)]
    pub strip_prefix: String,
    /// What is put before paths then.
    #[serde(default)]
    pub add_prefix: String,
    /// Methods that may pass; empty means all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The `Host` sent to the origin; absent means the origin's own name.
    #[serde(default)]
    pub origin_host: Option<String>,
    /// Headers set on requests to the origin, in the place of the client's.
    #[serde(default)]
    pub request_headers: BTreeMap<String, String>,
    /// Headers set on answers, in the place of the origin's.
    #[serde(default)]
    pub response_headers: BTreeMap<String, String>,
    /// Bytes of a request body; more is answered with 413 before it is read. 0 is unlimited.
    #[serde(default = "body_bytes_max")]
    pub body_bytes_max: u64,
    /// Seconds to connect to the origin.
    #[serde(default = "connect_timeout_s")]
    pub connect_timeout_s: u64,
    /// Seconds in which the origin takes no byte of a request.
    #[serde(default = "send_timeout_s")]
    pub send_timeout_s: u64,
    /// Seconds in which the origin sends no byte of an answer.
    #[serde(default = "read_timeout_s")]
    pub read_timeout_s: u64,
    /// Seconds for which the origin's addresses are used without asking again.
    #[serde(default = "resolve_valid_s")]
    pub resolve_valid_s: u64,
    /// Seconds past its lifetime in which a kept answer is given while the origin is asked again.
    #[serde(default)]
    pub stale_while_revalidate_s: u64,
    /// Seconds past its lifetime in which a kept answer stands in for an origin that fails.
    #[serde(default)]
    pub stale_if_error_s: u64,
    /// Which parameters of queries count in the names of kept answers.
    #[serde(default)]
    pub query: QueryMode,
    /// These parameters count, and no others.
    #[serde(default)]
    pub query_only: Vec<String>,
    /// All parameters but these count.
    #[serde(default)]
    pub query_without: Vec<String>,
    /// How long answers are kept, before what the origin says.
    #[serde(default)]
    pub ttl: Vec<TtlSettings>,
}

/// `query`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueryMode {
    /// All parameters count.
    #[default]
    All,
    /// None does.
    None,
}

/// `[[site.ttl]]`: one rule of Alibaba Cloud CDN's `filetype_based_ttl_set` or
/// `path_based_ttl_set`. Exactly one of `extensions`, `directory` and `path` is given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TtlSettings {
    /// Endings of paths, without the dot.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Paths that begin with this directory.
    #[serde(default)]
    pub directory: Option<String>,
    /// This path alone.
    #[serde(default)]
    pub path: Option<String>,
    /// How long.
    pub seconds: u64,
    /// 1 to 99; the heaviest rule that applies counts, of equals the first.
    #[serde(default = "weight")]
    pub weight: u8,
    /// Whether `max-age` and `Expires` of the origin come first.
    #[serde(default)]
    pub origin_first: bool,
    /// Whether it counts although the origin says `no-cache` or `no-store`.
    #[serde(default)]
    pub over_no_cache: bool,
}

fn weight() -> u8 {
    1
}

/// `auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// The client's signature goes to the origin.
    #[default]
    Passthrough,
}

/// `cache`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheMode {
    /// What the origin allows is kept.
    #[default]
    Auto,
    /// Nothing is.
    Off,
}

fn body_bytes_max() -> u64 {
    1 << 30
}

fn connect_timeout_s() -> u64 {
    10
}

fn send_timeout_s() -> u64 {
    30
}

fn read_timeout_s() -> u64 {
    30
}

fn resolve_valid_s() -> u64 {
    60
}
