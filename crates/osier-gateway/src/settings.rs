//! The settings of one site: a `[[site]]` table of the settings file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapDeserializer;

/// One site. Only `hosts` and an origin must be given; the other defaults are those of nginx
/// where nginx has the setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSettings {
    /// Host names it answers: exact (`oss.example.com`), all below a name (`*.example.com`),
    /// or `*` for what no other site answers.
    pub hosts: Vec<String>,
    /// The beginning of paths that it answers, in whole segments: several sites may share a host
    /// and divide its paths, and the longest one counts.
    #[serde(default)]
    pub path: String,
    /// Where answers come from: `oss://bucket@endpoint`, `http://host[:port]` or
    /// `self://bucket`; `oss+https://` and `https://` go over TLS.
    #[serde(default)]
    pub origin: Option<String>,
    /// Several origins in the place of one.
    #[serde(default)]
    pub origins: Vec<OriginSettings>,
    /// How requests are authorised at the origin.
    #[serde(default)]
    pub auth: AuthMode,
    /// With which signature, where requests are signed anew.
    #[serde(default)]
    pub signature: SignatureVersion,
    /// The region of V4 signatures; absent means the one that the endpoint names.
    #[serde(default)]
    pub region: Option<String>,
    /// The key to sign with; absent means the environment.
    #[serde(default)]
    pub credentials: CredentialSettings,
    /// The account here that the bucket counts as a bucket of, where `auth` is `verify+resign`;
    /// absent means the account of the root key.
    #[serde(default)]
    pub account: Option<String>,
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
    /// The object in the place of a path that ends with a slash, such as `index.html`.
    #[serde(default)]
    pub index: Option<String>,
    /// Whether folders are shown as pages where there is no index.
    #[serde(default)]
    pub autoindex: Autoindex,
    /// Whether a path that is no object, and has an index or, with `autoindex`, anything below it, is answered by a redirect to
    /// the same path with a slash.
    #[serde(default)]
    pub append_slash: bool,
    /// Objects of the site that are sent in the place of errors, by status.
    #[serde(default)]
    pub error_pages: BTreeMap<String, ErrorPageSettings>,
    /// What becomes of plain HTTP.
    #[serde(default)]
    pub https: HttpsMode,
    /// The port of the encrypted site, for redirects to it.
    #[serde(default = "https_port")]
    pub https_port: u16,
    /// Seconds for which browsers come by HTTPS only (`Strict-Transport-Security`); 0 says
    /// nothing.
    #[serde(default)]
    pub hsts_s: u64,
    /// Pages that may refer to the site, by their host: `example.com`, `*.example.com`.
    #[serde(default)]
    pub referer: ListSettings,
    /// Addresses and networks that may come.
    #[serde(default)]
    pub ip: ListSettings,
    /// Programs that may come, with `*` and `?`, in any case.
    #[serde(default)]
    pub user_agent: ListSettings,
    /// URLs must prove that their maker knew a key.
    #[serde(default)]
    pub url_auth: Option<UrlAuthSettings>,
    /// Pages of other origins whose scripts may use the site; without rules, what the origin says
    /// is passed on.
    #[serde(default)]
    pub cors: Vec<CorsSettings>,
    /// Whether `x-oss-process=image/...` is carried out here, on what the origin has.
    #[serde(default)]
    pub images: bool,
    /// Methods that may pass; empty means all, or GET and HEAD where `auth` is `resign`.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The `Host` sent to the origin; absent means the origin's own name.
    #[serde(default)]
    pub origin_host: Option<String>,
    /// Headers set on requests to the origin, in the place of the client's.
    #[serde(default)]
    pub request_headers: BTreeMap<String, String>,
    /// The same, for values that only the origin may know: they are never shown.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, SecretText>,
    /// Headers set on answers, in the place of the origin's.
    #[serde(default)]
    pub response_headers: BTreeMap<String, String>,
    /// A file with the authorities whose certificates of origins are believed, in PEM; absent
    /// means those that browsers know.
    #[serde(default)]
    pub origin_ca: Option<PathBuf>,
    /// Whether the certificate of an origin must be believed at all.
    #[serde(default = "yes")]
    pub origin_verify: bool,
    /// Whether names of origins may lead to this machine and its link, where services are that
    /// nobody should reach through a name.
    #[serde(default)]
    pub origin_local: bool,
    /// Bytes of a request body; more is answered with 413 before it is read. 0 is unlimited.
    #[serde(default = "body_bytes_max")]
    pub body_bytes_max: u64,
    /// Bytes of an answer that may wait on disk for a client slower than the origin; 0 has the
    /// origin wait.
    #[serde(default = "spill_bytes_max")]
    pub spill_bytes_max: u64,
    /// Seconds to connect to the origin.
    #[serde(default = "connect_timeout_s")]
    pub connect_timeout_s: u64,
    /// Seconds in which the origin takes no byte of a request.
    #[serde(default = "send_timeout_s")]
    pub send_timeout_s: u64,
    /// Seconds in which the origin sends no byte of an answer.
    #[serde(default = "read_timeout_s")]
    pub read_timeout_s: u64,
    /// Failures in a row after which one of several origins is left alone, and seconds for which.
    #[serde(default = "failures_max")]
    pub failures_max: u32,
    /// See `failures_max`.
    #[serde(default = "failure_rest_s")]
    pub failure_rest_s: u64,
    /// Checks of the origins; absent means that only requests find out.
    #[serde(default)]
    pub health: Option<HealthSettings>,
    /// Seconds for which the origin's addresses are used without asking again; absent means as
    /// long as their records say, or a minute where the system is asked.
    #[serde(default)]
    pub resolve_valid_s: Option<u64>,
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
    /// Headers put beside those of requests to the origin.
    #[serde(default)]
    pub request_headers_add: BTreeMap<String, Vec<String>>,
    /// Headers taken out of requests to the origin.
    #[serde(default)]
    pub request_headers_remove: Vec<String>,
    /// Headers put beside those of answers.
    #[serde(default)]
    pub response_headers_add: BTreeMap<String, Vec<String>>,
    /// Headers taken out of answers.
    #[serde(default)]
    pub response_headers_remove: Vec<String>,
    /// The status by which clients are sent to or from HTTPS: 301, or 308, which keeps the method.
    #[serde(default = "https_status")]
    pub https_status: u16,
    /// The port of the site without TLS, for redirects to it.
    #[serde(default = "http_port")]
    pub http_port: u16,
    /// Whether browsers do the same for all names below the site's.
    #[serde(default)]
    pub hsts_subdomains: bool,
    /// Which parameters of a query the origin gets.
    #[serde(default)]
    pub origin_query: OriginQuery,
    /// The name that origins are asked for by TLS; absent means the origin's own.
    #[serde(default)]
    pub origin_sni: Option<String>,
    /// Paths that are others, or lead elsewhere.
    #[serde(default)]
    pub rewrite: Vec<RewriteSettings>,
    /// Paths that are others at the origin.
    #[serde(default)]
    pub origin_rewrite: Vec<RewriteSettings>,
    /// Whether text is compressed for clients that take it so, where the origin did not.
    #[serde(default)]
    pub gzip: bool,
    /// The bucket of this server that the origins are, where they are asked by their socket. What
    /// is kept then counts for the current version only, and for who may read it now. No key of
    /// a file: whoever makes the site knows.
    #[serde(skip)]
    pub bucket_here: Option<String>,
}

impl SiteSettings {
    /// A site for `hosts` with every default. It needs an origin yet.
    ///
    /// # Panics
    /// Never: every key but `hosts` has a default.
    pub fn of_hosts(hosts: Vec<String>) -> Self {
        let only = [("hosts", hosts)].into_iter();
        let only = MapDeserializer::<_, serde::de::value::Error>::new(only);
        Self::deserialize(only).expect("every key but `hosts` has a default")
    }
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

/// `origin_query`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginQuery {
    /// All of them.
    #[default]
    All,
    /// Those that count in the names of kept answers. Signed requests keep all.
    Counted,
}

/// One rule of `rewrite` or `origin_rewrite`, as in nginx: what matches is replaced whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewriteSettings {
    /// A regular expression.
    pub pattern: String,
    /// The path in its place, with `$1` for what the first parenthesis matched.
    pub to: String,
    /// The status to send the client there with: 301, 302, 303, 307 or 308. Not at origins.
    #[serde(default)]
    pub redirect: Option<u16>,
    /// Whether the query is part of what is matched and replaced.
    #[serde(default)]
    pub query: bool,
    /// Whether later rules are not tried any more.
    #[serde(default = "yes")]
    pub last: bool,
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

/// One of several origins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginSettings {
    /// As `origin` of a site.
    pub url: String,
    /// Its share among those of the same priority.
    #[serde(default = "one")]
    pub weight: u32,
    /// Those with the lowest number are used; the others stand by.
    #[serde(default)]
    pub priority: u32,
}

/// `referer`, `ip`, `user_agent`: those that may, and those that may not; the latter come first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListSettings {
    /// Those that may; empty means all.
    pub allow: Vec<String>,
    /// Those that may not.
    pub deny: Vec<String>,
    /// Whether those that say nothing may.
    pub allow_empty: bool,
}

impl Default for ListSettings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            allow_empty: true,
        }
    }
}

/// `url_auth`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrlAuthSettings {
    /// Where the proof stands in a URL.
    #[serde(rename = "type")]
    pub kind: UrlAuthKind,
    /// The main key and, while it is changed, the backup key.
    pub keys: Vec<SecretText>,
    /// Seconds after the time in a URL for which it is good.
    #[serde(default = "url_ttl_s")]
    pub ttl_s: u32,
}

/// The types of Alibaba Cloud's CDN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UrlAuthKind {
    /// In the parameter `auth_key`.
    #[serde(alias = "A")]
    A,
    /// In the path, with a date.
    #[serde(alias = "B")]
    B,
    /// In the path or in `KEY1` and `KEY2`, with hexadecimal seconds.
    #[serde(alias = "C")]
    C,
}

/// One rule of `cors`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsSettings {
    /// Origins of pages, each with at most one `*`.
    pub origins: Vec<String>,
    /// Methods.
    #[serde(default = "cors_methods")]
    pub methods: Vec<String>,
    /// Request headers, each with at most one `*`.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Headers of answers that scripts may read.
    #[serde(default)]
    pub expose: Vec<String>,
    /// Seconds for which a browser remembers the rule.
    #[serde(default)]
    pub max_age_s: Option<u32>,
}

/// One of `error_pages`: a path, or a path with the status to send.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ErrorPageSettings {
    /// Sent with the status of the error.
    Page(String),
    /// Sent with another: 200 for applications that know their own paths.
    WithStatus {
        /// The path.
        page: String,
        /// The status.
        status: u16,
    },
    /// The client is sent elsewhere.
    Elsewhere {
        /// Where to.
        redirect: String,
    },
}

/// `autoindex`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autoindex {
    /// Folders are not shown.
    #[default]
    Off,
    /// As HTML, or JSON for whoever asks for that alone.
    Html,
    /// As JSON, or HTML for whoever asks for that alone.
    Json,
}

/// `https`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpsMode {
    /// Plain HTTP is answered.
    #[default]
    Optional,
    /// Plain HTTP is sent to HTTPS.
    Redirect,
    /// HTTPS is sent to plain HTTP.
    Never,
}

/// `health`: requests of the gateway's own to each origin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSettings {
    /// What is asked for. A web server is well that answers with 2xx or 3xx, a bucket that
    /// does not answer with 5xx.
    pub path: String,
    /// Seconds from one check to the next.
    #[serde(default = "health_interval_s")]
    pub interval_s: u64,
    /// Seconds for an answer.
    #[serde(default = "health_timeout_s")]
    pub timeout_s: u64,
    /// Checks in a row that must fail.
    #[serde(default = "health_failures_max")]
    pub failures_max: u32,
}

/// `auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum AuthMode {
    /// The client's signature goes to the origin.
    #[default]
    #[serde(rename = "passthrough")]
    Passthrough,
    /// Requests are signed with the site's key, whoever sends them: for buckets that are private
    /// and whose objects are to be read by all whom the site lets in.
    #[serde(rename = "resign")]
    Resign,
    /// The client's signature and permissions are checked here, then its request is signed
    /// with the site's key.
    #[serde(rename = "verify+resign")]
    VerifyResign,
}

/// `signature`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureVersion {
    /// `OSS4-HMAC-SHA256`.
    #[default]
    V4,
    /// `OSS`.
    V1,
}

/// `credentials`: a key, or where one is to be found. With nothing in it, the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CredentialSettings {
    /// The key's id, with `access_key_secret`.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub access_key_secret: Option<SecretText>,
    /// The token of a temporary key.
    pub security_token: Option<SecretText>,
    /// The beginning of the names of variables: `OSS` for `OSS_ACCESS_KEY_ID`,
    /// `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`.
    pub environment: Option<String>,
    /// A file with the key, read again when it changes.
    pub file: Option<PathBuf>,
    /// The metadata service of an instance, such as `http://100.100.100.200`, or a URL that
    /// answers with a temporary key.
    pub metadata: Option<String>,
    /// The instance's role; absent means the one that the service names.
    pub role: Option<String>,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretText")
    }
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

fn https_port() -> u16 {
    443
}

fn http_port() -> u16 {
    80
}

fn https_status() -> u16 {
    301
}

fn url_ttl_s() -> u32 {
    1800
}

fn cors_methods() -> Vec<String> {
    vec!["GET".to_owned(), "HEAD".to_owned()]
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn body_bytes_max() -> u64 {
    1 << 30
}

// As nginx's `proxy_max_temp_file_size`.
fn spill_bytes_max() -> u64 {
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

fn failures_max() -> u32 {
    3
}

fn failure_rest_s() -> u64 {
    10
}

fn health_interval_s() -> u64 {
    5
}

fn health_timeout_s() -> u64 {
    3
}

fn health_failures_max() -> u32 {
    2
}
