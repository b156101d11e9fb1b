//! Puts a server together, and takes it apart again.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use osier_auth::{Regions, Verifier};
use osier_engine::{Engine, EngineError};
use osier_engine_local::{LocalEngine, OpenError};
use osier_gateway::{CacheOpenError, Gateway, InvalidSite, StoreSettings};
use osier_http::{
    ConnectionSettings, Handler, Incoming, Listeners, Outgoing, Refusal, Tls, TlsError,
    raise_open_file_limit,
};
use osier_image_service::Imaging;
use osier_service::{Cdn, Identities, Service};
use osier_store::Store;
use osier_types::{Clock, Fault, Rng};

use crate::access_log::AccessLog;
use crate::acme::{self, Acme, AcmeParts};
use crate::audit::Audit;
use crate::cdn::{Desk, Premises};
use crate::console::Console;
use crate::control::{Control, Reach};
use crate::data::Data;
use crate::doors::{DoorError, DoorPlan, SiteDoors};
use crate::edge::{Edge, Home};
use crate::identities::{self, IdentityError};
use crate::keys::{KeyError, Keys};
use crate::line_file::LineFile;
use crate::live::{Changing, Live, ReloadError, kept_domains};
use crate::master_keys::{self, MasterKeysError};
use crate::metrics::{EdgeNumbers, HttpNumbers, Metrics};
use crate::root_key::{given_key, key_file, root_key};
use crate::settings::ListenAddress;
use crate::watch::OriginWatch;
use crate::welcome::reachable;
use crate::{RootKey, RootKeyError, Settings, SystemClock, SystemRng, Welcome};

/// A server can't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A site can't be used.
    #[error(transparent)]
    Site(InvalidSite),
    /// The disk for kept answers can't be used.
    #[error(transparent)]
    Cache(CacheOpenError),
    /// A certificate can't be used.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// The data directory can't be made.
    #[error("can't make the data directory `{}`", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no data to work on.
    #[error("`{}` holds no data of osier", path.display())]
    NoData {
        /// The directory.
        path: PathBuf,
    },
    /// The data can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no root key to be had.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// What the data directory keeps can't be read.
    #[error("the store can't be opened")]
    Store(#[source] Fault),
    /// The master keys can't be had.
    #[error(transparent)]
    MasterKeys(#[from] MasterKeysError),
    /// The identities can't be had.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Something can't be done with keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The access log can't be written.
    #[error("can't open the access log `{}`", path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The audit log can't be written.
    #[error("can't open the audit log `{}`", path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The domains of the CDN API can't be read.
    #[error("the domains of the CDN API can't be read")]
    Domains(#[source] ReloadError),
    /// The storage failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system gives no threads or files.
    #[error("the server can't be started")]
    System(#[from] io::Error),
}

impl From<DoorError> for StartError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Bind(address, source) => Self::Listen { address, source },
            DoorError::System(source) => Self::System(source),
            DoorError::Stopping => Self::System(io::ErrorKind::Interrupted.into()),
        }
    }
}

/// A running server. Stops when dropped, without waiting for anything.
#[derive(Debug)]
pub struct Running {
    /// Plain ones first.
    stores: Vec<osier_http::Running>,
    doors: Arc<SiteDoors>,
    /// After the listeners: it may be asked until they are shut.
    cdn: Option<Arc<Desk>>,
    origins: Option<OriginWatch>,
    acme: Option<Acme>,
    gateway: Arc<Gateway>,
    live: Arc<Live>,
    console: Option<osier_http::Running>,
    control: Option<Control>,
    /// After the listeners: their last requests are in it.
    audit: Option<Audit>,
    access_log: Option<LineFile>,
    ready: Arc<AtomicBool>,
    engine: Arc<LocalEngine>,
    key: RootKey,
    settings: Settings,
}

/// Starts a server. It serves when this returns.
///
/// # Errors
/// When addresses, data or key can't be had; nothing is left running then.
pub fn start(settings: Settings) -> Result<Running, StartError> {
    let files = raise_open_file_limit();
    tracing::debug!(files, "limit of open files");
    let variable = |name: &str| std::env::var(name).ok();
    let open_to = settings.listen.iter().find(|listen| !listen.is_loopback());
    let given = given_key(variable, open_to.map(ToString::to_string).as_deref())?;

    let listen = |addresses: &[SocketAddr], threads| {
        Listeners::bind(addresses, threads)
            .map_err(|(address, source)| StartError::Listen { address, source })
    };
    let behind = |listeners: Listeners| match settings.store_proxies() {
        Some(proxies) => listeners.behind(proxies),
        None => listeners,
    };
    let tls = tls(&settings)?;
    let threads = settings.http.threads;
    let store_listeners = behind(listen(&plain(&settings.listen), threads)?);
    let store_listeners_tls = behind(listen(&plain(&settings.listen_tls), threads)?);
    let console_listeners = listen(&[settings.console_listen.0], 1)?;
    let sites = settings
        .sites()
        .map_err(|(_, invalid)| StartError::Site(invalid))?;
    make_data_directory(&settings.data)?;
    let domains = kept_domains(&settings.data).map_err(StartError::Domains)?;
    let doors = doors(&settings, &tls);
    let serves = !sites.is_empty() || !domains.is_empty();
    let serves_tls = serves && !settings.gateway.listen_tls.is_empty();
    doors.reserve(serves, serves_tls)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let engine = LocalEngine::open(
        &settings.data,
        settings.engine.clone(),
        Arc::clone(&clock),
        Arc::clone(&rng),
    )?;
    let key = root_key(&settings.data, given, rng.as_ref())?;
    let endpoint = settings.public_endpoint.clone().or_else(|| {
        let first = store_listeners.addresses().first();
        first.map(|address| reachable(*address).to_string())
    });
    let store_engine: Arc<dyn Engine> = Arc::clone(&engine) as Arc<dyn Engine>;
    let mut store = block_on(Store::open(
        store_engine,
        Arc::clone(&clock),
        Arc::clone(&rng),
        settings.store(endpoint.unwrap_or_default()),
    ))?
    .map_err(StartError::Store)?;
    master_keys::open(&settings, &mut store, rng.as_ref())?;
    let store = Arc::new(store);
    let seed = settings.identity.seed.as_deref();
    let opening = identities::open(&settings, seed, &store, (&key).into(), clock.now(), &rng);
    let identities = block_on(opening)??;

    let http_numbers = HttpNumbers::default();
    let numbers = Arc::clone(&engine);
    let edge_numbers = EdgeNumbers::default();
    let metrics = Arc::new(Metrics::new(
        http_numbers.clone(),
        edge_numbers.clone(),
        move || crate::metrics::engine_numbers(&numbers),
    ));
    let ready = Arc::new(AtomicBool::new(false));
    let console = osier_http::start(
        console_listeners,
        Console {
            metrics: Arc::clone(&metrics),
            ready: Arc::clone(&ready),
        },
        ConnectionSettings {
            connections_max: CONSOLE_CONNECTIONS_MAX,
            ..ConnectionSettings::default()
        },
        "osier-console",
    )?;
    let (store_of_cdn, clock_of_cdn) = (Arc::clone(&store), Arc::clone(&clock));
    let service = Arc::new(service(
        &settings,
        store,
        Arc::clone(&identities),
        &clock,
        &rng,
    ));
    let (clock_of_gateway, rng_of_gateway) = (Arc::clone(&clock), Arc::clone(&rng));
    let clock_of_edge = Arc::clone(&clock);
    let rng_of_resolver = Arc::clone(&rng);
    let (clock_of_acme, rng_of_acme) = (Arc::clone(&clock), Arc::clone(&rng));
    let audit = audit(&settings)?;
    let store_service = Arc::clone(&service);
    let keys = Keys::new(
        Arc::clone(&identities),
        settings.data.clone(),
        (&key).into(),
        &clock,
        &rng,
    );
    let data = Data {
        service,
        metrics,
        clock,
        rng,
        audit: audit.as_ref().map(Audit::queue),
    };
    let connections = settings.connections();
    let data = Arc::new(data);
    let tls_of_acme = Arc::clone(&tls);
    let keeping = StoreSettings {
        memory_bytes_max: settings.gateway.memory_bytes_max,
        disk: settings.gateway.disk(&settings.data),
    };
    let gateway = Gateway::new(sites, &keeping, clock_of_gateway, rng_of_gateway.as_ref())
        .map_err(StartError::Cache)?;
    let host = store_listeners.addresses().first().map(ToString::to_string);
    let gateway = gateway.resolving(&settings.gateway.resolver(), rng_of_resolver);
    let gateway = gateway.with_room(settings.gateway.spill(&settings.data), free_bytes);
    let gateway = gateway.with_pictures(Arc::clone(store_service.imaging()));
    let gateway = gateway.beside(Arc::new(Home {
        data: Arc::clone(&data),
        owner: key.account_id.clone(),
        host: host
            .and_then(|host| HeaderValue::from_str(&host).ok())
            .unwrap_or_else(|| HeaderValue::from_static("localhost")),
    }));
    let gateway = Arc::new(gateway);
    // Set once: this is the only gateway that counts here.
    let _ = edge_numbers.0.set(Arc::clone(&gateway));
    let access_log = access_log(&settings)?;
    let edge = Arc::new(Edge {
        gateway: Arc::clone(&gateway),
        log: access_log.as_ref().map(|file| AccessLog {
            queue: file.queue(),
            format: settings.gateway.access_log_format,
            lost: Arc::default(),
        }),
        clock: clock_of_edge,
        proxies: settings.trusted_proxies(),
    });
    doors.answer_by(edge);
    let live = Arc::new(Live::new(
        &settings,
        domains,
        Changing {
            gateway: Arc::clone(&gateway),
            doors: Arc::clone(&doors),
            tls: Arc::clone(&tls),
            premises: Premises {
                store: store_listeners.addresses().first().copied().map(reachable),
                key: key.clone(),
                http2: settings.gateway.http2,
                http_port: port_of(&plain(&settings.gateway.listen), 80),
                https_port: port_of(&settings.gateway.tls_addresses(), 443),
            },
        },
    ));
    let cdn = Arc::new(Desk::start(
        &settings.data,
        Arc::clone(&live),
        Arc::clone(&gateway),
        store_of_cdn,
        clock_of_cdn,
    )?);
    let desk: Arc<dyn Cdn> = Arc::clone(&cdn) as Arc<dyn Cdn>;
    store_service.answer_cdn_by(&desk);
    let reach = Reach {
        gateway: Arc::clone(&gateway),
        engine: Arc::clone(&engine),
        grace: Duration::from_secs(settings.engine.collect_grace_s),
        keys,
        service: store_service,
        live: Arc::clone(&live),
    };
    let control = Control::start(&settings.data, reach)
        .inspect_err(|error| tracing::warn!(%error, "other commands can't reach this server"))
        .ok();
    let origins = OriginWatch::start(Arc::clone(&gateway), Arc::clone(&live))?;
    let origins = Some(origins);
    let mut stores = vec![osier_http::start(
        store_listeners,
        Arc::clone(&data),
        connections.clone(),
        "osier-http",
    )?];
    doors.open(serves, serves_tls)?;
    if !store_listeners_tls.addresses().is_empty() {
        let connections = ConnectionSettings {
            http2: false,
            ..connections
        };
        stores.push(osier_http::start_tls(
            store_listeners_tls,
            Face::Store(data),
            connections,
            tls,
            "osier-tls",
        )?);
    }
    let plain_stats = stores.first().map(|stores| Arc::clone(stores.stats()));
    // Set once: this is the only server that counts here.
    if let Some(stats) = plain_stats {
        let _ = http_numbers.0.set(stats);
    }
    // Once listeners are there to prove hosts by.
    let acme = (!settings.acme.hosts.is_empty() && settings.acme.terms_agreed)
        .then(|| {
            Acme::start(AcmeParts {
                files: acme::issued(&settings.acme, &settings.data).0,
                settings: settings.acme.clone(),
                gateway: Arc::clone(&gateway),
                tls: tls_of_acme,
                live: Arc::clone(&live),
                clock: clock_of_acme,
                rng: rng_of_acme,
            })
        })
        .transpose()?;
    ready.store(true, Ordering::Relaxed);
    Ok(Running {
        stores,
        doors,
        cdn: Some(cdn),
        origins,
        acme,
        gateway,
        live,
        console: Some(console),
        control,
        audit,
        access_log,
        ready,
        engine,
        key,
        settings,
    })
}

/// Free bytes of the file system that a directory is on.
fn free_bytes(directory: &Path) -> io::Result<u64> {
    let there = rustix::fs::statvfs(directory)?;
    Ok(there.f_bavail.saturating_mul(there.f_frsize))
}

/// The port that clients know: the first, unless it is chosen by the system.
fn port_of(addresses: &[SocketAddr], usual: u16) -> u16 {
    let first = addresses.first().map(SocketAddr::port);
    first.filter(|port| *port != 0).unwrap_or(usual)
}

fn plain(addresses: &[ListenAddress]) -> Vec<SocketAddr> {
    addresses.iter().map(|listen| listen.0).collect()
}

fn tls(settings: &Settings) -> Result<Arc<Tls>, StartError> {
    let mut files = settings.certificates();
    files.extend(acme::issued(&settings.acme, &settings.data).1);
    let tls = Tls::read(&files, &[]).map_err(StartError::Certificate)?;
    Ok(Arc::new(tls))
}

fn doors(settings: &Settings, tls: &Arc<Tls>) -> Arc<SiteDoors> {
    let threads = settings.http.threads;
    let gateway = &settings.gateway;
    let proxies = settings.site_proxies();
    Arc::new(SiteDoors::new(DoorPlan {
        plain: plain(&gateway.listen),
        tls: gateway.tls_addresses(),
        http2: gateway.http2,
        connections: settings.connections(),
        certificates: Arc::clone(tls),
        bind: Box::new(move |addresses| {
            let bound = Listeners::bind(addresses, threads)
                .map_err(|(address, source)| DoorError::Bind(address, source))?;
            Ok(match &proxies {
                Some(proxies) => bound.behind(proxies.clone()),
                None => bound,
            })
        }),
    }))
}

/// What answers on encrypted listeners.
pub(crate) enum Face {
    Store(Arc<Data>),
    Sites(Arc<Edge>),
}

impl Handler for Face {
    async fn handle(&self, incoming: Incoming) -> Outgoing {
        match self {
            Self::Store(data) => data.handle(incoming).await,
            Self::Sites(edge) => edge.handle(incoming).await,
        }
    }

    fn refuse(&self, refusal: Refusal, head: &http::request::Parts) -> Outgoing {
        match self {
            Self::Store(data) => data.refuse(refusal, head),
            Self::Sites(edge) => edge.refuse(refusal, head),
        }
    }
}

fn access_log(settings: &Settings) -> Result<Option<LineFile>, StartError> {
    let Some(path) = &settings.gateway.access_log else {
        return Ok(None);
    };
    let opened =
        LineFile::start(path.clone(), "osier-access").map_err(|source| StartError::AccessLog {
            path: path.clone(),
            source,
        })?;
    Ok(Some(opened))
}

fn audit(settings: &Settings) -> Result<Option<Audit>, StartError> {
    let Some(path) = &settings.audit.file else {
        return Ok(None);
    };
    let opened = Audit::start(path.clone()).map_err(|source| StartError::Audit {
        path: path.clone(),
        source,
    })?;
    Ok(Some(opened))
}

const CONSOLE_CONNECTIONS_MAX: usize = 256;

fn service(
    settings: &Settings,
    store: Arc<Store>,
    identities: Arc<Identities>,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> Service {
    let regions = if settings.region_only {
        Regions::Only(settings.region.clone())
    } else {
        Regions::Any
    };
    Service::new(
        store,
        identities,
        Verifier::new(regions),
        Arc::new(Imaging::new(settings.image.clone(), Arc::clone(clock))),
        settings.service(),
        Arc::clone(clock),
        Arc::clone(rng),
    )
}

impl Running {
    /// Where the store listens without TLS.
    pub fn addresses(&self) -> &[SocketAddr] {
        let stores = self.stores.first();
        stores
            .map(osier_http::Running::addresses)
            .unwrap_or_default()
    }

    /// Where sites are served; nowhere without a site.
    pub fn site_addresses(&self) -> Vec<SocketAddr> {
        self.doors.addresses()
    }

    /// Reads the settings file and its certificates again; whether there is one. When anything
    /// in it can't be used, all stays as it was.
    pub fn reload(&self) -> bool {
        if !self.live.has_file() {
            return false;
        }
        if let Err(error) = self.live.reload() {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the settings stay as they were");
        }
        true
    }

    /// Where console, metrics and health listen.
    pub fn console_address(&self) -> Option<SocketAddr> {
        self.console.as_ref()?.addresses().first().copied()
    }

    /// The root key.
    pub fn root_key(&self) -> &RootKey {
        &self.key
    }

    /// What to tell whoever started it.
    pub fn welcome(&self) -> Welcome {
        Welcome {
            stores: self.addresses().to_vec(),
            console: self
                .console_address()
                .unwrap_or(self.settings.console_listen.0),
            region: self.settings.region.clone(),
            sites: self.site_addresses(),
            key: self.key.clone(),
            key_file: key_file(&self.settings.data),
            now: SystemClock.now(),
        }
    }

    /// Goes on in new logs, because the old ones were moved away. Tells whether there are any.
    pub fn reopen_audit_log(&self) -> bool {
        if let Some(audit) = &self.audit {
            audit.reopen();
        }
        if let Some(access_log) = &self.access_log {
            access_log.reopen();
        }
        self.audit.is_some() || self.access_log.is_some()
    }

    /// Stops: says that it is not ready, then takes no new connections; running requests end
    /// or are cut after the drain time, and what was acknowledged is on disk anyway.
    ///
    /// # Errors
    /// When the engine can't be closed in order.
    pub fn stop(mut self) -> Result<(), StartError> {
        self.ready.store(false, Ordering::Relaxed);
        self.gateway.drain();
        // Load balancers notice before connections are refused.
        std::thread::sleep(Duration::from_secs(self.settings.http.unready_s));
        self.shut(self.settings.drain_timeout());
        block_on(self.engine.close())??;
        Ok(())
    }

    fn shut(&mut self, drain: Duration) {
        self.ready.store(false, Ordering::Relaxed);
        self.doors.shut(drain);
        for running in self.stores.drain(..) {
            running.stop(drain);
        }
        self.cdn = None;
        self.origins = None;
        self.acme = None;
        self.control = None;
        self.audit = None;
        self.access_log = None;
        if let Some(console) = self.console.take() {
            console.stop(Duration::ZERO);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shut(Duration::ZERO);
    }
}

/// Makes the data directory where it is missing, for this user only (S44).
pub(crate) fn make_data_directory(path: &Path) -> Result<(), StartError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StartError::Data {
            path: path.to_owned(),
            source,
        })
}

/// Waits for `future` on a runtime of its own; only before and after serving.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    Ok(runtime.block_on(future))
}
