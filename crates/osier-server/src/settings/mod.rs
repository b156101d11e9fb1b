//! The settings file: one TOML document, every key optional.
//!
//! What a setting means is documented at its field; `docs/settings.md` is for users.

mod address;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use osier_auth::TrustedProxies;
use osier_engine_local::LocalSettings;
use osier_gateway::{InvalidSite, ResolverSettings, SiteSettings, Sites, SpillSettings};
use osier_http::{CertificateFiles, ConnectionSettings, ProxyPeers};
use osier_image_service::ImagingSettings;
use osier_service::{ServiceSettings, Surroundings};
use osier_store::StoreSettings;
use osier_wire::{Dialect, DialectChoice, Hosts};
use serde::Deserialize;

pub use address::{DnsServer, ListenAddress, Subnet};
pub use problem::SettingsError;

/// All settings of a server. The defaults run a server for this machine alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The data directory; made where it is missing.
    pub data: PathBuf,
    /// Where the store listens.
    pub listen: Vec<ListenAddress>,
    /// Where the store listens for TLS, with the certificates of `[[certificate]]`.
    pub listen_tls: Vec<ListenAddress>,
    /// Where console, metrics and health listen. Never open it to a network that
    /// should not see them.
    pub console_listen: ListenAddress,
    /// The region that buckets tell as their location.
    pub region: String,
    /// Whether V4 signatures must name this region; otherwise any is accepted.
    pub region_only: bool,
    /// Host and port told to clients whose own `Host` does not lead back here.
    pub public_endpoint: Option<String>,
    /// Connections and host names.
    pub http: HttpSettings,
    /// Log lines.
    pub log: LogSettings,
    /// Accounts, users and keys.
    pub identity: IdentitySettings,
    /// Encryption at rest.
    pub encryption: EncryptionSettings,
    /// Who may come.
    pub access: AccessSettings,
    /// Who did what.
    pub audit: AuditSettings,
    /// Sizes and counts of objects and buckets.
    pub limits: LimitSettings,
    /// Processing of pictures.
    pub image: ImagingSettings,
    /// Storage on the local disk.
    pub engine: LocalSettings,
    /// Certificates for TLS, chosen by the name a client asks for; the first for all others.
    pub certificate: Vec<CertificateSettings>,
    /// Certificates that an authority issues.
    pub acme: AcmeSettings,
    /// Where sites are served, and what they may keep.
    pub gateway: GatewaySettings,
    /// Sites: hosts whose requests go to an origin.
    pub site: Vec<SiteSettings>,
    /// The file they were read from, where there is one.
    #[serde(skip)]
    pub source: Option<SettingsSource>,
}

/// A settings file as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsSource {
    /// Where it is.
    pub path: PathBuf,
    /// What it says. Secrets may stand in it.
    pub text: String,
}

impl std::fmt::Debug for SettingsSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("SettingsSource").field(&self.path).finish()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("osier-data"),
            listen: vec![ListenAddress::loopback(9000)],
            listen_tls: Vec::new(),
            console_listen: ListenAddress::loopback(9001),
            region: "cn-hangzhou".to_owned(),
            region_only: false,
            public_endpoint: None,
            http: HttpSettings::default(),
            log: LogSettings::default(),
            identity: IdentitySettings::default(),
            encryption: EncryptionSettings::default(),
            access: AccessSettings::default(),
            audit: AuditSettings::default(),
            limits: LimitSettings::default(),
            image: ImagingSettings::default(),
            engine: LocalSettings::default(),
            certificate: Vec::new(),
            acme: AcmeSettings::default(),
            gateway: GatewaySettings::default(),
            site: Vec::new(),
            source: None,
        }
    }
}

/// Section `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Own endpoints, such as `oss.example.com`: what stands before them is a bucket.
    pub suffixes: Vec<String>,
    /// Domains bound to buckets.
    pub cnames: BTreeMap<String, String>,
    /// Which dialect requests speak that could be either, or all must speak.
    pub dialect: DialectSetting,
    /// The same for single ports.
    pub dialects: BTreeMap<String, DialectSetting>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Subnet>,
    /// Peers whose connections to the store begin with a header of the PROXY protocol, which is
    /// read from nobody else.
    pub proxy_protocol: Vec<Subnet>,
    /// Networks that policies may call a VPC, by its id.
    pub vpcs: BTreeMap<String, Vec<Subnet>>,
    /// Threads that serve connections; 0 means one per core.
    pub threads: usize,
    /// Connections at a time; 0 means as many as the limit of open files allows.
    pub connections_max: usize,
    /// Bytes of a request head.
    pub head_bytes_max: usize,
    /// Seconds for a request head.
    pub head_timeout_s: u64,
    /// Seconds without a request after which a connection is closed.
    pub idle_timeout_s: u64,
    /// Seconds without a byte of a request body.
    pub body_timeout_s: u64,
    /// Bytes per second of a request body at least.
    pub body_rate_min: u64,
    /// Seconds in which a client takes no byte of an answer.
    pub write_timeout_s: u64,
    /// Seconds from saying at `/ready` that the server stops to taking no more connections.
    pub unready_s: u64,
    /// Seconds that running requests have to end when the server stops.
    pub drain_timeout_s: u64,
}

/// How a listener tells the dialects apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialectSetting {
    /// By the request; what could be either is OSS.
    Oss,
    /// By the request; what could be either is S3.
    S3,
    /// Everything is OSS.
    OnlyOss,
    /// Everything is S3.
    OnlyS3,
}

impl From<DialectSetting> for DialectChoice {
    fn from(setting: DialectSetting) -> Self {
        match setting {
            DialectSetting::Oss => Self::ByRequest(Dialect::Oss),
            DialectSetting::S3 => Self::ByRequest(Dialect::S3),
            DialectSetting::OnlyOss => Self::Only(Dialect::Oss),
            DialectSetting::OnlyS3 => Self::Only(Dialect::S3),
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        let connections = ConnectionSettings::default();
        Self {
            suffixes: Vec::new(),
            cnames: BTreeMap::new(),
            dialect: DialectSetting::Oss,
            dialects: BTreeMap::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            vpcs: BTreeMap::new(),
            threads: connections.threads,
            connections_max: connections.connections_max,
            head_bytes_max: connections.head_bytes_max,
            head_timeout_s: connections.head_timeout.as_secs(),
            idle_timeout_s: connections.idle_timeout.as_secs(),
            body_timeout_s: connections.body_timeout.as_secs(),
            body_rate_min: connections.body_rate_min,
            write_timeout_s: connections.write_timeout.as_secs(),
            unready_s: 0,
            drain_timeout_s: 10,
        }
    }
}

/// One `[[certificate]]`: two files in PEM, read again at SIGHUP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    /// The certificate, then those that sign it.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Section `[acme]`: certificates from an authority that speaks ACME (RFC 8555).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcmeSettings {
    /// Hosts that get a certificate each. They lead here, with port 80.
    pub hosts: Vec<String>,
    /// How hosts are proven.
    pub challenge: AcmeChallenge,
    /// Whether the authority's terms of service are accepted. Nothing is asked of it before.
    pub terms_agreed: bool,
    /// Whom the authority may write to: `mailto:admin@example.com`.
    pub contact: Vec<String>,
    /// The authority's directory.
    pub directory: String,
    /// A file with the authorities whose certificate of the directory is believed, in PEM; absent
    /// means those that browsers know.
    pub ca: Option<PathBuf>,
    /// Seconds from a first failure to the next attempt; each failure doubles them, up to six hours.
    pub retry_s: u64,
}

/// `challenge` of `[acme]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum AcmeChallenge {
    /// Over plain HTTP on port 80: RFC 8555, section 8.3.
    #[default]
    #[serde(rename = "http-01")]
    Http01,
    /// By a handshake of TLS on port 443: RFC 8737.
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl Default for AcmeSettings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            challenge: AcmeChallenge::default(),
            terms_agreed: false,
            contact: Vec::new(),
            directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            ca: None,
            retry_s: 60,
        }
    }
}

/// Section `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// Where sites are served; nothing listens there while there is no site.
    pub listen: Vec<ListenAddress>,
    /// Where sites are served over TLS.
    pub listen_tls: Vec<ListenAddress>,
    /// Whether HTTP/2 is offered there.
    pub http2: bool,
    /// Peers whose connections to sites begin with a header of the PROXY protocol, which is read
    /// from nobody else.
    pub proxy_protocol: Vec<Subnet>,
    /// Servers of DNS that are asked for the names of origins, such as `10.0.0.2` or
    /// `10.0.0.2:5353`; the system if empty.
    pub resolver: Vec<DnsServer>,
    /// Seconds for which addresses are used, whatever their records say.
    pub resolver_valid_s: Option<u64>,
    /// Seconds for an answer of those servers.
    pub resolver_timeout_s: u64,
    /// Whether they are asked for addresses of version 6.
    pub resolver_ipv6: bool,
    /// Bytes of memory for answers that are kept.
    pub memory_bytes_max: usize,
    /// Bytes of disk for answers that are kept and asked for again; 0 keeps none there.
    pub disk_bytes_max: u64,
    /// Where they are; `edge-cache` in the data directory if absent.
    pub disk: Option<PathBuf>,
    /// Bytes of disk for answers that wait for slow clients, all together; 0 has origins wait.
    pub spill_bytes_max: u64,
    /// Where they are; `edge-spill` in the data directory if absent.
    pub spill: Option<PathBuf>,
    /// A file that gets one line for each request; none unless it is named.
    pub access_log: Option<PathBuf>,
    /// How its lines look.
    pub access_log_format: crate::AccessLogFormat,
}

impl GatewaySettings {
    /// How names of origins are resolved.
    pub(crate) fn resolver(&self) -> ResolverSettings {
        ResolverSettings {
            servers: self.resolver.iter().map(|server| server.0).collect(),
            valid: self.resolver_valid_s.map(Duration::from_secs),
            timeout: Duration::from_secs(self.resolver_timeout_s.max(1)),
            ipv6: self.resolver_ipv6,
        }
    }

    /// Where sites are served over TLS. Without a word about it nothing listens there until the
    /// CDN API sets a certificate.
    pub(crate) fn tls_addresses(&self) -> Vec<SocketAddr> {
        if self.listen_tls.is_empty() {
            return vec![ListenAddress::loopback(8443).0];
        }
        self.listen_tls.iter().map(|listen| listen.0).collect()
    }

    /// The directory for answers and how much may be in it.
    pub(crate) fn disk(&self, data: &Path) -> Option<(PathBuf, u64)> {
        let directory = || self.disk.clone().unwrap_or_else(|| data.join("edge-cache"));
        (self.disk_bytes_max > 0).then(|| (directory(), self.disk_bytes_max))
    }

    /// Where answers wait for slow clients.
    pub(crate) fn spill(&self, data: &Path) -> SpillSettings {
        let directory = || data.join("edge-spill");
        SpillSettings {
            directory: self.spill.clone().unwrap_or_else(directory),
            bytes_max: self.spill_bytes_max,
        }
    }
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: vec![ListenAddress::loopback(8080)],
            listen_tls: Vec::new(),
            http2: true,
            proxy_protocol: Vec::new(),
            resolver: Vec::new(),
            resolver_valid_s: None,
            resolver_timeout_s: 30,
            resolver_ipv6: true,
            memory_bytes_max: 64 << 20,
            disk_bytes_max: 0,
            disk: None,
            spill_bytes_max: 4 << 30,
            spill: None,
            access_log: None,
            access_log_format: crate::AccessLogFormat::default(),
        }
    }
}

/// Section `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// What is logged: a level (`error`, `warn`, `info`, `debug`), or several
    /// directives such as `warn,access=info`. `OSIER_LOG` comes before it.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
        }
    }
}

/// Section `[identity]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// The file with the key that stored identities are encrypted with; made where it is
    /// missing. Beside the root key unless said otherwise.
    pub vault_key: Option<PathBuf>,
    /// A file with accounts, users, keys, policies and buckets that are to be there.
    pub seed: Option<PathBuf>,
}

/// Section `[encryption]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncryptionSettings {
    /// The file of master keys; made where it is missing. Beside the data directory unless said
    /// otherwise.
    pub master_keys: Option<PathBuf>,
}

/// Section `[access]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// Block Public Access of new buckets. Alibaba Cloud has it on; here a bucket is what its
    /// owner makes it, and the server listens to this machine alone unless told otherwise.
    pub block_public_access: bool,
}

/// Section `[audit]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// The file that gets one JSON line for each request; none unless it is named.
    pub file: Option<PathBuf>,
}

/// Section `[limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Buckets one account may own.
    pub buckets_max: usize,
    /// Bytes of one body or part.
    pub body_bytes_max: u64,
    /// Bytes of an appendable object.
    pub append_bytes_max: u64,
    /// Bytes of every part but the last at least.
    pub part_bytes_min: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let store = StoreSettings::default();
        Self {
            buckets_max: store.buckets_max,
            body_bytes_max: store.body_bytes_max,
            append_bytes_max: store.append_bytes_max,
            part_bytes_min: store.part_bytes_min,
        }
    }
}

impl Settings {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// With file, line and column of what is wrong.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::unreadable(path, &source))?;
        let source = Some(SettingsSource {
            path: path.to_owned(),
            text,
        });
        let text = source.as_ref().map_or("", |source| &source.text);
        Ok(Self {
            source: source.clone(),
            ..Self::parse(path, text)?
        })
    }

    /// All that is wrong with the file at `path`, certificates included.
    pub fn problems(path: &Path) -> Vec<SettingsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) => return vec![SettingsError::unreadable(path, &source)],
        };
        let settings: Self = match toml::from_str(&text) {
            Ok(settings) => settings,
            Err(error) => return vec![SettingsError::wrong(path, &text, &error)],
        };
        let mut problems = settings.inconsistencies(path, &text);
        let files = settings.certificates();
        if !files.is_empty()
            && let Err(error) = osier_http::Tls::read(&files, &[])
        {
            let message = format!("can't be used: {error}");
            problems.push(SettingsError::at_key(
                path,
                &text,
                "[[certificate]]",
                &message,
            ));
        }
        problems
    }

    /// The settings that differ in `new` and do not change while the server runs.
    pub(crate) fn later(&self, new: &Self) -> Vec<&'static str> {
        let same = [
            ("data", self.data == new.data),
            ("listen", self.listen == new.listen),
            ("listen_tls", self.listen_tls == new.listen_tls),
            ("console_listen", self.console_listen == new.console_listen),
            ("region", self.region == new.region),
            ("region_only", self.region_only == new.region_only),
            (
                "public_endpoint",
                self.public_endpoint == new.public_endpoint,
            ),
            ("http", self.http == new.http),
            ("log", self.log == new.log),
            ("identity", self.identity == new.identity),
            ("encryption", self.encryption == new.encryption),
            ("access", self.access == new.access),
            ("audit", self.audit == new.audit),
            ("limits", self.limits == new.limits),
            ("image", self.image == new.image),
            ("engine", self.engine == new.engine),
            ("acme", self.acme == new.acme),
            ("gateway", self.gateway == new.gateway),
        ];
        let differ = same.into_iter().filter(|(_, same)| !same);
        differ.map(|(name, _)| name).collect()
    }

    /// Reads `text`, the content of `path`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let settings: Self =
            toml::from_str(text).map_err(|error| SettingsError::wrong(path, text, &error))?;
        match settings.inconsistencies(path, text).into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(settings),
        }
    }

    /// What each part allows and the whole does not.
    fn inconsistencies(&self, path: &Path, text: &str) -> Vec<SettingsError> {
        let mut problems = Vec::new();
        if self.listen.is_empty() {
            let message = "names no address";
            problems.push(SettingsError::at_key(path, text, "listen", message));
        }
        // Sites may get theirs by the CDN API.
        let orders = !self.acme.hosts.is_empty();
        if !self.listen_tls.is_empty() && self.certificate.is_empty() && !orders {
            let message = "needs a `[[certificate]]` with `chain` and `key`, or `[acme]`";
            problems.push(SettingsError::at_key(path, text, "listen_tls", message));
        }
        if orders {
            let mut wrong = |key: &str, message: &str| {
                problems.push(SettingsError::at_key(path, text, key, message));
            };
            if !self.acme.terms_agreed {
                wrong(
                    "hosts",
                    "needs `terms_agreed = true`: read the authority's terms first",
                );
            }
            if self.acme.hosts.iter().any(|host| !is_provable(host)) {
                wrong(
                    "hosts",
                    "names something that can't be proven here: names of hosts only, no `*`",
                );
            }
            if !self.acme.directory.starts_with("https://") {
                wrong("directory", "is no `https://` URL");
            }
            let by_http = self.acme.challenge == AcmeChallenge::Http01;
            if self.site.is_empty()
                || self.gateway.listen_tls.is_empty()
                || (by_http && self.gateway.listen.is_empty())
            {
                let message = "needs a `[[site]]`, `listen` and `listen_tls` of `[gateway]`";
                wrong("hosts", message);
            }
        }
        let invalid = Sites::problems(&self.site);
        let invalid = invalid.iter();
        problems.extend(
            invalid.map(|(index, invalid)| SettingsError::in_site(path, text, *index, invalid)),
        );
        problems
    }

    /// Where the master keys are: beside the data, not in it.
    pub fn master_keys(&self) -> PathBuf {
        let named = self.encryption.master_keys.clone();
        named.unwrap_or_else(|| {
            // A path that ends in a slash names the same directory.
            let mut beside = self.data.components().as_path().as_os_str().to_owned();
            beside.push(".keys");
            PathBuf::from(beside)
        })
    }

    /// Where a server with these settings listens from its start.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let sites: &[_] = if self.site.is_empty() {
            &[]
        } else {
            &[&self.gateway.listen, &self.gateway.listen_tls]
        };
        let store = [&self.listen, &self.listen_tls];
        let all = store.iter().chain(sites).copied().flatten();
        let console = std::iter::once(self.console_listen.0);
        all.map(|listen| listen.0).chain(console).collect()
    }

    /// The files of all certificates that the settings name.
    pub(crate) fn certificates(&self) -> Vec<CertificateFiles> {
        let files = self.certificate.iter().map(|certificate| CertificateFiles {
            chain: certificate.chain.clone(),
            key: certificate.key.clone(),
        });
        files.collect()
    }

    /// The sites, ready to answer.
    pub(crate) fn sites(&self) -> Result<Sites, (usize, InvalidSite)> {
        Sites::new(&self.site)
    }

    /// Where the key of stored identities is.
    pub fn vault_key(&self) -> PathBuf {
        let named = self.identity.vault_key.clone();
        named.unwrap_or_else(|| self.data.join(crate::VAULT_KEY_FILE))
    }

    pub(crate) fn connections(&self) -> ConnectionSettings {
        let http = &self.http;
        ConnectionSettings {
            threads: http.threads,
            connections_max: http.connections_max,
            head_bytes_max: http.head_bytes_max.clamp(4 << 10, 1 << 20),
            head_timeout: Duration::from_secs(http.head_timeout_s.max(1)),
            idle_timeout: Duration::from_secs(http.idle_timeout_s.max(1)),
            body_timeout: Duration::from_secs(http.body_timeout_s.max(1)),
            body_rate_min: http.body_rate_min,
            write_timeout: Duration::from_secs(http.write_timeout_s.max(1)),
            ..ConnectionSettings::default()
        }
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.http.drain_timeout_s)
    }

    fn hosts(&self) -> Hosts {
        let cnames = self
            .http
            .cnames
            .iter()
            .map(|(domain, bucket)| (domain, bucket.clone()));
        Hosts::new(&self.http.suffixes, cnames)
    }

    /// How the service is set up.
    pub(crate) fn service(&self) -> ServiceSettings {
        let networks = |subnets: &[Subnet]| subnets.iter().map(|subnet| subnet.0).collect();
        ServiceSettings {
            hosts: self.hosts(),
            dialect: self.http.dialect.into(),
            dialects: (self.http.dialects.iter())
                .filter_map(|(port, setting)| Some((port.parse().ok()?, (*setting).into())))
                .collect(),
            public_endpoint: self.public_endpoint.clone(),
            region: self.region.clone(),
            surroundings: Surroundings {
                trusted_proxies: self.trusted_proxies(),
                vpcs: self
                    .http
                    .vpcs
                    .iter()
                    .map(|(id, subnets)| (id.as_str().into(), networks(subnets)))
                    .collect(),
            },
        }
    }

    /// Who connects to the store in the name of others.
    pub(crate) fn store_proxies(&self) -> Option<ProxyPeers> {
        proxy_peers(&self.http.proxy_protocol)
    }

    /// Who connects to sites in the name of others.
    pub(crate) fn site_proxies(&self) -> Option<ProxyPeers> {
        proxy_peers(&self.gateway.proxy_protocol)
    }

    /// Whose word on clients is believed.
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        let networks = self.http.trusted_proxies.iter();
        TrustedProxies::new(networks.map(|subnet| subnet.0).collect())
    }

    /// How the store is set up, when clients reach it at `endpoint`.
    pub(crate) fn store(&self, endpoint: String) -> StoreSettings {
        StoreSettings {
            location: format!("oss-{}", self.region.trim_start_matches("oss-")),
            endpoint,
            buckets_max: self.limits.buckets_max,
            body_bytes_max: self.limits.body_bytes_max,
            append_bytes_max: self.limits.append_bytes_max,
            part_bytes_min: self.limits.part_bytes_min,
            block_public_access: self.access.block_public_access,
        }
    }
}

fn proxy_peers(networks: &[Subnet]) -> Option<ProxyPeers> {
    let networks = networks.iter().map(|subnet| subnet.0).collect();
    let proxies = TrustedProxies::new(networks);
    (!proxies.is_empty()).then(|| ProxyPeers::new(move |peer| proxies.trust(peer)))
}

/// Whether an authority can ask a host of this name for a proof.
fn is_provable(host: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(plain)
    };
    host.len() <= 253 && host.split('.').all(is_label) && host.parse::<std::net::IpAddr>().is_err()
}
