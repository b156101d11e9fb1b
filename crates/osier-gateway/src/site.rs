//! Sites, ready to answer: found by host, with everything parsed that settings only spell.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Uri};
use osier_auth::OutboundScheme;
use osier_cache::{KeyRules, QueryRule, TtlRule, TtlRules, TtlTarget};
use osier_http::{Client, ClientSettings, OriginTls, Outgoing, TrustedRoots};
use osier_types::PlainPath;

use crate::access::{Access, Asked};
use crate::credentials::{Credentials, InvalidCredentials, KeySource};
use crate::gzip;
use crate::header_changes::HeaderChanges;
use crate::health::HealthCheck;
use crate::origin::OriginKind;
use crate::pages::Pages;
use crate::proof::Signer;
use crate::resolve::Reach;
use crate::rewrite::Rewrites;
use crate::settings::{
    AuthMode, Autoindex, CacheMode, HealthSettings, OriginQuery, OriginSettings, QueryMode,
    SignatureVersion, SiteSettings, TtlSettings,
};
use crate::upstream::{Health, Upstream, Upstreams};
use crate::{InvalidOrigin, Origin};

/// All sites of a server. Immutable: a reload makes a new one.
#[derive(Debug, Default)]
pub struct Sites {
    exact: HashMap<String, Paths>,
    /// By what stands behind the `*`, dot included.
    below: HashMap<String, Paths>,
    otherwise: Paths,
    all: Vec<Arc<Site>>,
    /// Keys to sign with; sites that name the same source share one.
    credentials: Vec<Arc<Credentials>>,
}

/// The sites that share a host, longest path first.
pub(crate) type Paths = Vec<Arc<Site>>;

/// One site.
#[derive(Debug)]
pub(crate) struct Site {
    /// The first host: the site's name in logs and in the names of kept answers.
    pub(crate) name: Arc<str>,
    /// All of them, in lower case.
    hosts: Vec<String>,
    /// The beginning of its paths.
    pub(crate) path: String,
    pub(crate) access: Access,
    pub(crate) pages: Pages,
    pub(crate) upstreams: Upstreams,
    pub(crate) auth: Auth,
    pub(crate) health: Option<HealthCheck>,
    pub(crate) caches: bool,
    pub(crate) strip_prefix: String,
    pub(crate) add_prefix: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) request_headers: HeaderChanges,
    pub(crate) response_headers: HeaderChanges,
    pub(crate) rewrites: Rewrites,
    pub(crate) origin_rewrites: Rewrites,
    /// Origins get the parameters that count, and no others.
    pub(crate) counted_to_origin: bool,
    /// Text is compressed.
    pub(crate) gzip: bool,
    pub(crate) body_bytes_max: Option<u64>,
    pub(crate) spill_bytes_max: u64,
    /// The bucket of this server that the origins are.
    pub(crate) bucket_here: Option<String>,
    pub(crate) resolve_valid: Option<Duration>,
    pub(crate) stale_if_error_s: u64,
    /// Pictures are made here.
    pub(crate) images: bool,
    pub(crate) stale_while_revalidate_s: u64,
    pub(crate) keys: KeyRules,
    pub(crate) ttl: TtlRules,
}

/// How requests are authorised at the origins of a site.
#[derive(Debug)]
pub(crate) enum Auth {
    /// By the client's own signature.
    Passthrough,
    /// By ours, whoever asks.
    Resign(Signer),
    /// By ours, once the client's was checked, and its permissions on a bucket of an account.
    VerifyResign(Signer, Option<String>),
}

impl Auth {
    pub(crate) fn signer(&self) -> Option<&Signer> {
        match self {
            Self::Passthrough => None,
            Self::Resign(signer) | Self::VerifyResign(signer, _) => Some(signer),
        }
    }

    fn credentials(&self) -> Option<&Arc<Credentials>> {
        self.signer().map(|signer| &signer.credentials)
    }
}

/// A site's settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSite {
    /// There is no host.
    #[error("a site needs at least one host")]
    NoHost,
    /// A host is no name.
    #[error("`{0}` is no host name")]
    Host(String),
    /// Two sites want the same host.
    #[error("`{0}` belongs to two sites")]
    Twice(String),
    /// The origin is none.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// It has no origin, or two ways of saying it.
    #[error("a site needs either `origin` or `origins`")]
    NoOrigin,
    /// One of several is of a kind that stands alone.
    #[error("`self://` can't be one of several origins")]
    OwnAmongOthers,
    /// Weights make no shares.
    #[error("the weight of an origin is between 1 and 1000")]
    Weight,
    /// The origin's certificate authorities can't be used.
    #[error("{0}")]
    Tls(String),
    /// What is to be signed is no bucket.
    #[error(
        "`auth` signs requests for buckets: the origin begins with `oss://`, `s3://` or `self://`"
    )]
    NothingToSign,
    /// A request has one signature.
    #[error("the origins of a site that signs are all of OSS or all of S3")]
    MixedSignatures,
    /// The region of the signature is unknown.
    #[error("`region` is needed: the endpoint does not name one")]
    Region,
    /// The key to sign with is not named.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
    /// What is signed by the client would not be what is read.
    #[error("`verify+resign` goes without `strip_prefix` and `add_prefix`: clients sign the path")]
    PrefixVerified,
    /// An entry of a list can't be read.
    #[error("`{0}` is no host, network or pattern")]
    Visitor(String),
    /// An error page is for no error, or is no page.
    #[error("`{0}` is no error page: it is written `404 = \"/path\"`")]
    ErrorPage(String),
    /// There is no list to show, or none that everybody may see.
    #[error("`autoindex` shows folders of buckets, and goes without `verify+resign`")]
    Autoindex,
    /// A method is none.
    #[error("`{0}` is no method")]
    Method(String),
    /// A header's name or value is none.
    #[error("`{0}` can't be sent as a header")]
    Header(String),
    /// More than one setting says which parameters count.
    #[error("only one of `query`, `query_only` and `query_without` can be set")]
    Query,
    /// A rule of lifetimes applies to nothing, or to more than one kind of thing.
    #[error(
        "a `ttl` rule has one of `extensions`, `directory` and `path`, which begin with `/`, and a weight of 1 to 99"
    )]
    Ttl,
    /// A rule for paths can't be used.
    #[error("a rewrite: {0}")]
    Rewrite(String),
    /// Clients are sent on with another status.
    #[error("`https_status` is 301 or 308")]
    HttpsStatus,
    /// A prefix is no beginning of a path.
    #[error("`{0}` is no beginning of a path: it does not begin with `/`")]
    Prefix(String),
}

impl Sites {
    /// Reads the settings of all sites.
    ///
    /// # Errors
    /// The first thing that can't be used, with the place of its site in the list.
    pub fn new(settings: &[SiteSettings]) -> Result<Self, (usize, InvalidSite)> {
        Self::after(settings, &Self::default())
    }

    /// The same, for sites that take the place of others: keys that those have fetched are
    /// used on.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn after(
        settings: &[SiteSettings],
        before: &Self,
    ) -> Result<Self, (usize, InvalidSite)> {
        let mut sites = Self {
            credentials: before.credentials.clone(),
            ..Self::default()
        };
        for (index, settings) in settings.iter().enumerate() {
            sites.add(settings).map_err(|invalid| (index, invalid))?;
        }
        let all = &sites.all;
        let is_used = |known: &Arc<Credentials>| {
            let mut keys = all.iter().filter_map(|site| site.auth.credentials());
            keys.any(|used| Arc::ptr_eq(used, known))
        };
        sites.credentials.retain(is_used);
        Ok(sites)
    }

    /// All that can't be used, one thing for each site, with the site's place in the list.
    pub fn problems(settings: &[SiteSettings]) -> Vec<(usize, InvalidSite)> {
        let mut sites = Self::default();
        let added = settings.iter().map(|settings| sites.add(settings));
        let added: Vec<_> = added.enumerate().collect();
        let wrong = added.into_iter();
        wrong
            .filter_map(|(index, added)| added.err().map(|invalid| (index, invalid)))
            .collect()
    }

    fn add(&mut self, settings: &SiteSettings) -> Result<(), InvalidSite> {
        let site = Arc::new(Site::new(settings, &mut self.credentials)?);
        self.all.push(Arc::clone(&site));
        for host in &settings.hosts {
            let name = host.to_ascii_lowercase();
            let paths = match name.strip_prefix('*') {
                Some("") => &mut self.otherwise,
                Some(rest) => {
                    let well_formed = rest.strip_prefix('.').is_some_and(is_host);
                    if !well_formed {
                        return Err(InvalidSite::Host(host.clone()));
                    }
                    self.below.entry(rest.to_owned()).or_default()
                }
                None if is_host(&name) => self.exact.entry(name).or_default(),
                None => return Err(InvalidSite::Host(host.clone())),
            };
            if paths.iter().any(|other| other.path == site.path) {
                return Err(InvalidSite::Twice(host.clone()));
            }
            let longer = |other: &Arc<Site>| other.path.len() > site.path.len();
            let place = paths.partition_point(longer);
            paths.insert(place, Arc::clone(&site));
        }
        Ok(())
    }

    /// All sites, each once.
    pub(crate) fn all(&self) -> &[Arc<Site>] {
        &self.all
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The sites of a `Host`, with or without a port: exact before the longest wildcard before
    /// the one for everything.
    pub(crate) fn of_host(&self, host: &str) -> Option<&Paths> {
        if let Some(paths) = self.exact.get(host) {
            return Some(paths);
        }
        let name = without_port(host)
            .trim_end_matches('.')
            .to_ascii_lowercase();
        if let Some(paths) = self.exact.get(&name) {
            return Some(paths);
        }
        let mut rest = name.as_str();
        while let Some(dot) = rest.find('.') {
            let (_, below) = rest.split_at(dot);
            if let Some(paths) = self.below.get(below) {
                return Some(paths);
            }
            rest = below.trim_start_matches('.');
        }
        Some(&self.otherwise).filter(|paths| !paths.is_empty())
    }
}

/// Of the sites that share a host the one for a path.
pub(crate) fn of_path<'s>(paths: &'s Paths, path: &str) -> Option<&'s Arc<Site>> {
    paths.iter().find(|site| after(path, &site.path).is_some())
}

/// What follows a prefix of whole segments: `/media` is before `/media/a`, not `/mediathek`.
fn after<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    let whole =
        prefix.is_empty() || prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/');
    whole.then_some(rest)
}

impl Site {
    fn new(
        settings: &SiteSettings,
        known: &mut Vec<Arc<Credentials>>,
    ) -> Result<Self, InvalidSite> {
        let name = settings.hosts.first().ok_or(InvalidSite::NoHost)?.clone();
        let upstreams = upstreams(settings)?;
        let auth = auth(settings, &upstreams, known)?;
        let lists = |upstream: &Arc<Upstream>| upstream.origin.kind != OriginKind::Http;
        let may_list = upstreams.iter().all(lists) && !matches!(auth, Auth::VerifyResign(..));
        if settings.autoindex != Autoindex::Off && !may_list {
            return Err(InvalidSite::Autoindex);
        }
        let methods = settings.methods.iter().map(|method| {
            Method::from_bytes(method.as_bytes()).map_err(|_| InvalidSite::Method(method.clone()))
        });
        let mut methods = methods.collect::<Result<Vec<_>, _>>()?;
        if methods.is_empty() && matches!(auth, Auth::Resign(_)) {
            // Whoever the site lets in signs with our key: writing is for those who say so.
            methods = vec![Method::GET, Method::HEAD];
        }
        for prefix in [&settings.path, &settings.strip_prefix, &settings.add_prefix] {
            if !prefix.is_empty() && !prefix.starts_with('/') {
                return Err(InvalidSite::Prefix(prefix.clone()));
            }
        }
        let mut request_headers = HeaderChanges::new(
            &settings.request_headers,
            &settings.request_headers_add,
            &settings.request_headers_remove,
        )?;
        for (name, secret) in &settings.secret_headers {
            request_headers.set_secret(name, secret.expose())?;
        }
        Ok(Self {
            name: format!("{}{}", name.to_ascii_lowercase(), settings.path).into(),
            hosts: settings
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            path: settings.path.clone(),
            access: Access::new(settings)?,
            pages: Pages::new(settings)?,
            upstreams: Upstreams::new(
                upstreams,
                settings.failures_max.max(1),
                Duration::from_secs(settings.failure_rest_s),
            ),
            caches: settings.cache == CacheMode::Auto,
            strip_prefix: settings.strip_prefix.clone(),
            add_prefix: settings.add_prefix.trim_end_matches('/').to_owned(),
            methods,
            auth,
            health: settings.health.as_ref().map(health).transpose()?,
            request_headers,
            response_headers: HeaderChanges::new(
                &settings.response_headers,
                &settings.response_headers_add,
                &settings.response_headers_remove,
            )?,
            rewrites: Rewrites::new(&settings.rewrite, false)?,
            origin_rewrites: Rewrites::new(&settings.origin_rewrite, true)?,
            counted_to_origin: settings.origin_query == OriginQuery::Counted,
            gzip: settings.gzip,
            body_bytes_max: (settings.body_bytes_max > 0).then_some(settings.body_bytes_max),
            spill_bytes_max: settings.spill_bytes_max,
            bucket_here: settings.bucket_here.clone(),
            resolve_valid: settings.resolve_valid_s.map(Duration::from_secs),
            stale_if_error_s: settings.stale_if_error_s,
            images: settings.images,
            stale_while_revalidate_s: settings.stale_while_revalidate_s,
            keys: keys(settings)?,
            ttl: ttl(&settings.ttl)?,
        })
    }

    /// What the site says of an answer that leaves, wherever it came from.
    pub(crate) fn leave(&self, visit: &Asked, answer: &mut Outgoing) {
        if visit.takes_gzip {
            gzip::compress(answer);
        }
        self.access.leave(visit, &mut answer.parts.headers);
        self.response_headers.apply(&mut answer.parts.headers);
    }

    /// Whether `host` is `bucket.endpoint`, and the site has that endpoint, or all names below it.
    pub(crate) fn names_bucket(&self, host: &str, bucket: &str) -> bool {
        let name = without_port(host)
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let endpoint = name.strip_prefix(bucket);
        let endpoint = endpoint.and_then(|rest| rest.strip_prefix('.'));
        endpoint.is_some_and(|endpoint| {
            let mut hosts = self.hosts.iter();
            hosts.any(|host| host.strip_prefix("*.").unwrap_or(host) == endpoint)
        })
    }

    /// The bucket of the store in this process that the site shows, if it does that.
    pub(crate) fn own_bucket(&self) -> Option<&str> {
        let origin = &self.upstreams.all().first()?.origin;
        match &origin.kind {
            OriginKind::Own { bucket } => Some(bucket),
            OriginKind::Http | OriginKind::Oss { .. } | OriginKind::S3 { .. } => None,
        }
    }

    /// Whether no origin is a bucket.
    pub(crate) fn has_only_plain_origins(&self) -> bool {
        let mut upstreams = self.upstreams.all().iter();
        upstreams.all(|upstream| upstream.origin.kind == OriginKind::Http)
    }

    /// Whether only a part of the origin is shown: what lies behind a prefix, or a bucket that is
    /// addressed by path.
    fn has_bounds(&self) -> bool {
        let mut upstreams = self.upstreams.all().iter();
        !self.strip_prefix.is_empty()
            || !self.add_prefix.is_empty()
            || upstreams.any(|upstream| matches!(upstream.origin.kind, OriginKind::S3 { .. }))
    }

    /// The path at the origin; nothing when the site does not answer this one. Bytes stay as
    /// they are: a decoded path would break signatures.
    pub(crate) fn origin_path(&self, path: &str) -> Option<String> {
        let rest = after(path, &self.strip_prefix)?;
        if self.has_bounds() {
            // An origin that follows dots must not be led out of what the site shows.
            after(&PlainPath::of(path).text, &self.strip_prefix)?;
            if PlainPath::of(rest).climbs {
                return None;
            }
        }
        let slash = if rest.starts_with('/') { "" } else { "/" };
        Some(format!("{}{slash}{rest}", self.add_prefix))
    }

    /// Path and query at the origin; nothing when the site does not answer this path. `all` says
    /// that every parameter is needed, because one of them is a signature.
    pub(crate) fn origin_target(&self, uri: &Uri, all: bool) -> Option<String> {
        let path = self.origin_path(uri.path())?;
        let query = uri.query();
        if self.counted_to_origin && !all {
            let counted = self.keys.query_of(query);
            let counted = Some(&*counted).filter(|counted| !counted.is_empty());
            return Some(self.origin_rewrites.at_origin(path, counted));
        }
        Some(self.origin_rewrites.at_origin(path, query))
    }
}

fn keys(settings: &SiteSettings) -> Result<KeyRules, InvalidSite> {
    let (only, without) = (&settings.query_only, &settings.query_without);
    let query = match (settings.query, only.is_empty(), without.is_empty()) {
        (QueryMode::All, true, true) => QueryRule::All,
        (QueryMode::None, true, true) => QueryRule::None,
        (QueryMode::All, false, true) => QueryRule::Only(only.clone()),
        (QueryMode::All, true, false) => QueryRule::Without(without.clone()),
        _ => return Err(InvalidSite::Query),
    };
    Ok(KeyRules {
        query,
        without_signatures: false,
    })
}

fn ttl(settings: &[TtlSettings]) -> Result<TtlRules, InvalidSite> {
    let rules = settings.iter().map(|rule| {
        let rooted = |path: &String| path.starts_with('/').then(|| path.clone());
        let extensions = rule.extensions.iter();
        let extensions: Vec<String> = extensions
            .map(|extension| extension.trim_start_matches('.').to_ascii_lowercase())
            .collect();
        let target = match (extensions.is_empty(), &rule.directory, &rule.path) {
            (false, None, None) => Some(TtlTarget::Extensions(extensions)),
            (true, Some(directory), None) => rooted(directory).map(TtlTarget::Directory),
            (true, None, Some(path)) => rooted(path).map(TtlTarget::Path),
            _ => None,
        };
        Ok(TtlRule {
            target: target
                .filter(|_| (1..=99).contains(&rule.weight))
                .ok_or(InvalidSite::Ttl)?,
            ttl_s: rule.seconds,
            weight: rule.weight,
            origin_first: rule.origin_first,
            over_no_cache: rule.over_no_cache,
        })
    });
    Ok(TtlRules::new(rules.collect::<Result<_, InvalidSite>>()?))
}

fn health(settings: &HealthSettings) -> Result<HealthCheck, InvalidSite> {
    if !settings.path.starts_with('/') || settings.path.parse::<Uri>().is_err() {
        return Err(InvalidSite::Prefix(settings.path.clone()));
    }
    Ok(HealthCheck {
        path: settings.path.clone(),
        interval: Duration::from_secs(settings.interval_s.max(1)),
        timeout: Duration::from_secs(settings.timeout_s.max(1)),
        failures_max: settings.failures_max.max(1),
    })
}

fn upstreams(settings: &SiteSettings) -> Result<Vec<Arc<Upstream>>, InvalidSite> {
    let named: Vec<OriginSettings> = match (&settings.origin, settings.origins.as_slice()) {
        (Some(url), []) => vec![OriginSettings {
            url: url.clone(),
            weight: 1,
            priority: 0,
        }],
        (None, [_, ..]) => settings.origins.clone(),
        _ => return Err(InvalidSite::NoOrigin),
    };
    let alone = named.len() == 1;
    let client = Client::new(ClientSettings {
        connect_timeout: Duration::from_secs(settings.connect_timeout_s.max(1)),
        send_timeout: Duration::from_secs(settings.send_timeout_s.max(1)),
        read_timeout: Duration::from_secs(settings.read_timeout_s.max(1)),
        ..ClientSettings::default()
    });
    let roots = match &settings.origin_ca {
        _ if !settings.origin_verify => TrustedRoots::Unverified,
        Some(path) => TrustedRoots::File(path.clone()),
        None => TrustedRoots::Public,
    };
    let upstreams = named.into_iter().map(|named| {
        let origin = Origin::parse(&named.url)?;
        if matches!(origin.kind, OriginKind::Own { .. }) && !alone {
            return Err(InvalidSite::OwnAmongOthers);
        }
        if !(1..=1000).contains(&named.weight) {
            return Err(InvalidSite::Weight);
        }
        let mut client = client.clone();
        if origin.tls {
            let name = settings.origin_sni.clone();
            let tls = OriginTls::new(&name.unwrap_or_else(|| origin.tls_name()), &roots);
            client = client.over(tls.map_err(|error| InvalidSite::Tls(error.to_string()))?);
        }
        let host = settings.origin_host.as_ref().unwrap_or(&origin.authority);
        Ok(Arc::new(Upstream {
            host: value(host)?,
            client,
            reach: if settings.origin_local {
                Reach::Local
            } else {
                Reach::Network
            },
            weight: named.weight,
            priority: named.priority,
            health: Health::new(),
            origin,
        }))
    });
    upstreams.collect()
}

fn auth(
    settings: &SiteSettings,
    upstreams: &[Arc<Upstream>],
    known: &mut Vec<Arc<Credentials>>,
) -> Result<Auth, InvalidSite> {
    if settings.auth == AuthMode::Passthrough {
        return Ok(Auth::Passthrough);
    }
    let mut regions = Vec::new();
    let mut of_s3 = 0;
    for upstream in upstreams {
        match &upstream.origin.kind {
            OriginKind::Http => return Err(InvalidSite::NothingToSign),
            OriginKind::Oss { region, .. } => regions.extend(region.clone()),
            OriginKind::S3 { region, .. } => {
                of_s3 += 1;
                regions.extend(region.clone());
            }
            // The store takes any region.
            OriginKind::Own { .. } => regions.push("cn-hangzhou".to_owned()),
        }
    }
    if of_s3 > 0 && of_s3 < upstreams.len() {
        return Err(InvalidSite::MixedSignatures);
    }
    let region = settings.region.clone().or_else(|| regions.first().cloned());
    let scheme = match settings.signature {
        // What stores that know no regions expect.
        _ if of_s3 > 0 => OutboundScheme::Aws4 {
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        },
        SignatureVersion::V1 => OutboundScheme::V1,
        SignatureVersion::V4 => OutboundScheme::V4 {
            region: region.ok_or(InvalidSite::Region)?,
        },
    };
    let source = KeySource::new(&settings.credentials)?;
    let shared = known.iter().find(|known| known.is_from(&source));
    let credentials = shared.map_or_else(|| Arc::new(Credentials::new(source.clone())), Arc::clone);
    if shared.is_none() {
        known.push(Arc::clone(&credentials));
    }
    let signer = Signer {
        scheme,
        credentials,
    };
    if settings.auth == AuthMode::Resign {
        return Ok(Auth::Resign(signer));
    }
    if !settings.strip_prefix.is_empty() || !settings.add_prefix.is_empty() {
        return Err(InvalidSite::PrefixVerified);
    }
    Ok(Auth::VerifyResign(signer, settings.account.clone()))
}

fn value(text: &str) -> Result<HeaderValue, InvalidSite> {
    HeaderValue::from_str(text).map_err(|_| InvalidSite::Header(text.to_owned()))
}

fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            // `::1` has no port, `[::1]:80` has one.
            if name.contains(':') && !name.ends_with(']') {
                host
            } else {
                name
            }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(text: &str) -> SiteSettings {
        toml::from_str(text).unwrap()
    }

    fn sites(hosts: &[&str]) -> Sites {
        let settings: Vec<_> = hosts
            .iter()
            .map(|host| {
                site(&format!(
                    "hosts = ['{host}']\norigin = 'http://127.0.0.1:1'"
                ))
            })
            .collect();
        Sites::new(&settings).unwrap()
    }

    #[test]
    fn the_closest_host_wins() {
        let sites = sites(&["a.example.com", "*.example.com", "*.b.example.com"]);
        let name = |host: &str| sites.of_host(host).map(|paths| paths[0].name.to_string());
        assert_eq!(name("A.example.com:8080").as_deref(), Some("a.example.com"));
        assert_eq!(name("a.example.com.").as_deref(), Some("a.example.com"));
        assert_eq!(name("x.a.example.com").as_deref(), Some("*.example.com"));
        assert_eq!(name("x.b.example.com").as_deref(), Some("*.b.example.com"));
        assert_eq!(name("example.com"), None);
        assert_eq!(name("evilexample.com"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn a_host_names_the_bucket_below_a_sites_endpoint() {
        for (hosts, host, expected) in [
            ("'s3.a'", "b.s3.a", true),
            ("'*.s3.a'", "B.s3.a.:80", true),
            ("'s3.a'", "s3.a", false),
            ("'b.s3.a'", "b.s3.a", false),
            ("'s3.a'", "bb.s3.a", false),
            ("'*.a'", "b.s3.a", false),
            ("'*'", "b.s3.a", false),
        ] {
            let text = format!("hosts = [{hosts}]\norigin = 's3://b@e:1'");
            let sites = Sites::new(&[site(&text)]).unwrap();
            assert_eq!(sites.all()[0].names_bucket(host, "b"), expected, "{host}");
        }
    }

    #[test]
    fn a_star_answers_what_no_other_does() {
        let sites = sites(&["a", "*"]);
        let name = |host: &str| sites.of_host(host).map(|paths| paths[0].name.to_string());
        assert_eq!(name("b").as_deref(), Some("*"));
        assert_eq!(name("a").as_deref(), Some("a"));
    }

    #[test]
    fn sites_of_one_host_divide_its_paths() {
        let text = |path: &str| {
            site(&format!(
                "hosts = ['a']\npath = '{path}'\norigin = 'http://h'"
            ))
        };
        let sites = Sites::new(&[text("/m"), text(""), text("/m/n/")]).unwrap();
        let of = |path: &str| {
            of_path(sites.of_host("a").unwrap(), path).map(|site| site.name.to_string())
        };
        for (path, expected) in [
            ("/m/x", "a/m"),
            ("/m", "a/m"),
            ("/mm", "a"),
            ("/m/n", "a/m"),
            ("/m/n/x", "a/m/n/"),
        ] {
            assert_eq!(of(path).as_deref(), Some(expected), "{path}");
        }
        let twice = Sites::new(&[text("/m"), text("/m")]).unwrap_err().1;
        assert_eq!(twice, InvalidSite::Twice("a".to_owned()));
        let divided = Sites::new(&[text("/m")]).unwrap();
        assert!(of_path(divided.of_host("a").unwrap(), "/x").is_none());
    }

    #[test]
    fn prefixes_are_whole_segments() {
        let text = "hosts = ['a']\norigin = 'http://h'\nstrip_prefix = '/m'\nadd_prefix = '/x/'";
        let site = Site::new(&site(text), &mut Vec::new()).unwrap();
        assert_eq!(
            site.origin_path("/m/a%2Fb//c").as_deref(),
            Some("/x/a%2Fb//c")
        );
        assert_eq!(site.origin_path("/m").as_deref(), Some("/x/"));
        assert_eq!(site.origin_path("/mm"), None);
        assert_eq!(site.origin_path("/"), None);
    }

    #[test]
    fn edge_no_path_leads_out_of_a_prefix_or_a_bucket() {
        let prefixed = "hosts = ['a']\norigin = 'http://h'\nstrip_prefix = '/m'\nadd_prefix = '/x'";
        let bucket = "hosts = ['a']\norigin = 's3://b@h'";
        for (text, begin) in [(prefixed, "/m"), (bucket, "")] {
            let site = Site::new(&site(text), &mut Vec::new()).unwrap();
            for path in [
                "/../y",
                "/%2e%2e/y",
                "/%2E%2e%2Fy",
                "/a/../../m/y",
                "//../y",
                "/a%2F..%2F../y",
                "/..",
            ] {
                assert_eq!(site.origin_path(&format!("{begin}{path}")), None, "{path}");
            }
            for path in ["/a//b", "/a/../b", "/a%2Fb", "/..a/b"] {
                assert!(
                    site.origin_path(&format!("{begin}{path}")).is_some(),
                    "{path}"
                );
            }
        }
        let open = Site::new(
            &site("hosts = ['a']\norigin = 'oss://b@h'"),
            &mut Vec::new(),
        );
        let key = "/a/../../b";
        assert_eq!(
            open.unwrap().origin_path(key).as_deref(),
            Some(key),
            "any key is one"
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let invalid = |text: &str| Sites::new(&[site(text)]).unwrap_err().1;
        let origin = "origin = 'http://h'";
        assert_eq!(
            invalid(&format!("hosts = []\n{origin}")),
            InvalidSite::NoHost
        );
        assert_eq!(
            invalid(&format!("hosts = ['a', 'A']\n{origin}")),
            InvalidSite::Twice("A".to_owned())
        );
        assert_eq!(
            invalid(&format!("hosts = ['a.*.b']\n{origin}")),
            InvalidSite::Host("a.*.b".to_owned())
        );
        assert_eq!(
            invalid(&format!("hosts = ['a']\n{origin}\nadd_prefix = 'x'")),
            InvalidSite::Prefix("x".to_owned())
        );
        assert_eq!(
            invalid(&format!("hosts = ['a']\n{origin}\nmethods = ['G T']")),
            InvalidSite::Method("G T".to_owned())
        );
        assert!(toml::from_str::<SiteSettings>("hosts = []\norigin = ''\nhots = 1").is_err());
        assert_eq!(invalid("hosts = ['a']"), InvalidSite::NoOrigin);
    }

    #[test]
    fn what_is_signed_needs_a_bucket_a_region_and_a_key() {
        let key = "credentials = { access_key_id = 'k', access_key_secret = 's' }";
        let invalid = |origin: &str, more: &str| {
            let text = format!("hosts = ['a']\norigin = '{origin}'\nauth = 'resign'\n{more}");
            Sites::new(&[site(&text)])
                .map(|_| ())
                .map_err(|(_, invalid)| invalid)
        };
        assert_eq!(invalid("http://h", key), Err(InvalidSite::NothingToSign));
        assert_eq!(invalid("oss://b@h:1", key), Err(InvalidSite::Region));
        assert_eq!(invalid("oss://b@h:1?region=r", key), Ok(()));
        assert_eq!(invalid("oss://b@oss-cn-beijing", key), Ok(()));
        assert_eq!(
            invalid(
                "oss://b@oss-cn-beijing",
                "credentials = { access_key_id = 'k' }"
            ),
            Err(InvalidSite::Credentials(InvalidCredentials::Half))
        );
        assert_eq!(
            invalid(
                "oss://b@oss-cn-beijing",
                "credentials = { environment = 'OSIER_NONE' }"
            ),
            Err(InvalidSite::Credentials(InvalidCredentials::Variable(
                "OSIER_NONE_ACCESS_KEY_ID".to_owned()
            )))
        );
    }

    #[test]
    fn strangers_write_only_where_that_is_said() {
        let text = "hosts = ['a']\norigin = 'oss://b@oss-cn-beijing'\nauth = 'resign'\n\
                    credentials = { access_key_id = 'k', access_key_secret = 's' }";
        let site = Site::new(&site(text), &mut Vec::new()).unwrap();
        assert_eq!(site.methods, [Method::GET, Method::HEAD]);
    }

    #[test]
    fn sites_with_one_source_of_keys_share_it() {
        let text = |host: &str| {
            format!(
                "hosts = ['{host}']\norigin = 'oss://b@oss-cn-beijing'\nauth = 'resign'\n\
                 credentials = {{ metadata = 'http://100.100.100.200' }}"
            )
        };
        let sites = Sites::new(&[site(&text("a")), site(&text("b"))]).unwrap();
        assert_eq!(sites.credentials.len(), 1);
    }
}
