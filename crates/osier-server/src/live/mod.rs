//! The settings that a server runs with: read again at SIGHUP or by command, replaced whole or
//! not at all, and kept as numbered snapshots to go back to.
//!
//! Sites and certificates change while requests run, by the file or by the CDN API, whose domains
//! are part of every snapshot. Everything else needs a restart, and a reload says so.

mod domains;
mod masked;
mod snapshots;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use osier_cdn::{Domains, UnreadableDomains};
use osier_gateway::{Gateway, SiteSettings};
use osier_http::{CertificateFiles, Tls};
use serde::{Deserialize, Serialize};

use self::domains::{PrepareError, told};
use self::masked::masked;
use self::snapshots::Snapshots;
use crate::cdn::Premises;
use crate::doors::SiteDoors;
use crate::settings::{AcmeSettings, SettingsSource};
use crate::{Settings, SettingsError, acme};

/// What `osier config` asks a running server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigTask {
    /// Reads the settings file again.
    Reload,
    /// Goes back to a snapshot; without a number, to the one before the current.
    Rollback(Option<u64>),
    /// Prints a snapshot without its secrets; without a number, the current one.
    Show(Option<u64>),
    /// Prints the numbers of all snapshots.
    List,
}

/// The settings could not be changed, and are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The server was started without a settings file.
    #[error("the server has no settings file")]
    NoFile,
    /// The file is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A certificate can't be used.
    #[error(transparent)]
    Certificate(#[from] osier_http::TlsError),
    /// There are sites now, and nothing can listen for them.
    #[error("nothing listens for sites: {0}")]
    NotListening(String),
    /// A domain of the CDN API can't be served beside the file's sites.
    #[error("the domain `{domain}` of the CDN API: {reason}")]
    Domain {
        /// Which.
        domain: String,
        /// Why.
        reason: String,
    },
    /// The domains of a snapshot can't be read.
    #[error(transparent)]
    Domains(#[from] UnreadableDomains),
    /// There are certificates now, and nothing listens with them.
    #[error("there was no certificate at the start; restart the server")]
    NoTls,
    /// There is no such snapshot.
    #[error("there is no snapshot {0}")]
    NoSnapshot(u64),
    /// There is nothing to go back to.
    #[error("there is no snapshot before this one")]
    NothingBefore,
    /// A file can't be written or read.
    #[error("`{}` can't be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Changes the settings of a running server.
#[derive(Debug)]
pub(crate) struct Live {
    gateway: Arc<Gateway>,
    doors: Arc<SiteDoors>,
    tls: Arc<Tls>,
    /// Whether anything was to listen with certificates of the file.
    has_certificates: bool,
    premises: Premises,
    /// Whose certificates an authority issues, and where those are.
    acme: AcmeSettings,
    data: PathBuf,
    snapshots: Snapshots,
    /// What the file said when the server started.
    at_start: Option<Settings>,
    /// One change at a time.
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    source: Option<SettingsSource>,
    number: Option<u64>,
    /// Sites and certificates of the file.
    file: FilePart,
    domains: Domains,
    /// Domains that should be served and can't be.
    failed: BTreeSet<String>,
    /// How files of certificates were when they were last looked at.
    seen: Option<Vec<Stamp>>,
}

/// What changes when a file does: when it was written, its length and its place.
type Stamp = Option<(i64, i64, u64, u64)>;

/// What of the settings file changes while requests run.
#[derive(Clone, Debug)]
struct FilePart {
    sites: Vec<SiteSettings>,
    certificates: Vec<CertificateFiles>,
}

impl FilePart {
    fn of(settings: &Settings) -> Self {
        Self {
            sites: settings.site.clone(),
            certificates: settings.certificates(),
        }
    }
}

/// What changes in a running server: the way to it, and what it may be.
#[derive(Debug)]
pub(crate) struct Changing {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) doors: Arc<SiteDoors>,
    pub(crate) tls: Arc<Tls>,
    pub(crate) premises: Premises,
}

/// The domains that were served when the server was stopped.
///
/// # Errors
/// When they can't be read.
pub(crate) fn kept_domains(data: &Path) -> Result<Domains, ReloadError> {
    let snapshots = Snapshots::new(data);
    match snapshots.numbers()?.last() {
        Some(last) => snapshots.domains(*last),
        None => Ok(Domains::default()),
    }
}

impl Live {
    /// Begins with `settings`, which are in use already, and with `domains`, which are from now
    /// on. Domains that can't be served are left out and told in the log: a server starts.
    pub(crate) fn new(settings: &Settings, domains: Domains, changing: Changing) -> Self {
        let source = settings.source.as_ref();
        let live = Self {
            gateway: changing.gateway,
            doors: changing.doors,
            tls: changing.tls,
            has_certificates: !settings.certificate.is_empty(),
            premises: changing.premises,
            acme: settings.acme.clone(),
            data: settings.data.clone(),
            snapshots: Snapshots::new(&settings.data),
            at_start: source.and_then(|from| Settings::parse(&from.path, &from.text).ok()),
            current: Mutex::new(Current {
                source: source.cloned(),
                number: None,
                file: FilePart::of(settings),
                domains: Domains::default(),
                failed: BTreeSet::new(),
                seen: None,
            }),
        };
        live.begin(domains);
        live
    }

    fn begin(&self, domains: Domains) {
        let mut current = self.lock();
        let file = current.file.clone();
        match self.prepare(&file, &domains) {
            Ok(change) => {
                for (domain, fault) in &change.problems {
                    tracing::error!(%domain, "a domain of the CDN API is not served: {fault}");
                }
                self.install(change, &mut current);
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the domains of the CDN API are not served");
            }
        }
        current.domains = domains;
        if current.source.is_none() && current.domains.is_empty() {
            return;
        }
        let text = current.source.as_ref().map(|from| from.text.as_str());
        let kept = self
            .snapshots
            .keep(text.unwrap_or_default(), &current.domains);
        current.number = kept
            .inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::warn!(error, "the settings are not kept as a snapshot");
            })
            .ok();
    }

    /// Does what a command asks for, and says in words what came of it.
    pub(crate) fn run(&self, task: ConfigTask) -> Result<String, ReloadError> {
        match task {
            ConfigTask::Reload => self.reload(),
            ConfigTask::Rollback(number) => self.rollback(number),
            ConfigTask::Show(number) => self.show(number),
            ConfigTask::List => self.list(),
        }
    }

    /// Whether there is a file to read again.
    pub(crate) fn has_file(&self) -> bool {
        self.lock().source.is_some()
    }

    /// Reads the settings file and the certificates again.
    pub(crate) fn reload(&self) -> Result<String, ReloadError> {
        let mut current = self.lock();
        let Some(path) = current.source.as_ref().map(|from| from.path.clone()) else {
            return Err(ReloadError::NoFile);
        };
        let text = read(&path)?;
        let domains = current.domains.clone();
        self.change(&mut current, &path, &text, domains)
    }

    fn rollback(&self, number: Option<u64>) -> Result<String, ReloadError> {
        let mut current = self.lock();
        let number = match (number, current.number) {
            (Some(number), _) => number,
            (None, Some(now)) => self
                .snapshots
                .numbers()?
                .into_iter()
                .rev()
                .find(|number| *number < now)
                .ok_or(ReloadError::NothingBefore)?,
            (None, None) => return Err(ReloadError::NothingBefore),
        };
        let text = self.snapshots.read(number)?;
        let domains = self.snapshots.domains(number)?;
        let Some(source) = current.source.clone() else {
            let said = self.change_domains(&mut current, domains)?;
            return Ok(format!("back to snapshot {number}: {said}"));
        };
        let said = self.change(&mut current, &source.path, &text, domains)?;
        // Or the next start would bring back what was gone away from.
        replace(&source.path, &text).map_err(|error| ReloadError::File {
            path: source.path.clone(),
            source: error,
        })?;
        Ok(format!("back to snapshot {number}: {said}"))
    }

    fn show(&self, number: Option<u64>) -> Result<String, ReloadError> {
        let current = self.lock();
        let (text, domains) = match (number, &current.source) {
            (Some(number), _) => (
                self.snapshots.read(number)?,
                self.snapshots.domains(number)?,
            ),
            (None, Some(source)) => (source.text.clone(), current.domains.clone()),
            (None, None) if current.number.is_some() => (String::new(), current.domains.clone()),
            (None, None) => return Err(ReloadError::NoFile),
        };
        Ok(masked(&text) + &told(&domains))
    }

    fn list(&self) -> Result<String, ReloadError> {
        let current = self.lock().number;
        let lines = self.snapshots.numbers()?.into_iter().map(|number| {
            let mark = if Some(number) == current { " *" } else { "" };
            format!("{number}{mark}\n")
        });
        Ok(lines.collect())
    }

    /// Uses `text` and `domains` from now on, or changes nothing.
    fn change(
        &self,
        current: &mut Current,
        path: &Path,
        text: &str,
        domains: Domains,
    ) -> Result<String, ReloadError> {
        let settings = Settings::parse(path, text)?;
        let file = FilePart::of(&settings);
        let change = self.prepare(&file, &domains).map_err(|error| match error {
            PrepareError::Site(index, invalid) => {
                SettingsError::in_site(path, text, index, &invalid).into()
            }
            PrepareError::Reload(error) => error,
        })?;
        for (domain, fault) in &change.problems {
            if !current.failed.contains(domain) {
                return Err(ReloadError::Domain {
                    domain: domain.clone(),
                    reason: fault.to_string(),
                });
            }
        }
        self.install(change, current);
        let late = self.at_start.as_ref().map(|start| start.later(&settings));
        let late = late.unwrap_or_default();
        let number = self.snapshots.keep(text, &domains);
        let kept = match &number {
            Ok(number) => format!("snapshot {number}"),
            Err(_) => "not kept as a snapshot".to_owned(),
        };
        let sites = settings.site.len();
        current.number = number.ok().or(current.number);
        current.source = Some(SettingsSource {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        current.file = file;
        current.domains = domains;
        let late = if late.is_empty() {
            String::new()
        } else {
            format!("; after a restart: `{}`", late.join("`, `"))
        };
        let said = format!("{sites} sites, {kept}{late}");
        tracing::info!("settings were read again: {said}");
        Ok(said)
    }

    /// Reads all certificates again if a file of theirs is not as it was. What can't be used, such
    /// as half of a pair that is being replaced, changes nothing, and is looked at again when it
    /// changes again.
    pub(crate) fn look_at_certificates(&self) {
        let files = self.with_issued(&self.lock().file.certificates);
        let paths = files.iter().flat_map(|files| [&files.chain, &files.key]);
        let now: Vec<Stamp> = paths.map(|path| stamp(path)).collect();
        let before = self.lock().seen.replace(now.clone());
        if before.is_none_or(|before| before == now) {
            return;
        }
        match self.renew_certificates() {
            Ok(()) => tracing::info!("certificates were read again"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "certificates changed and can't be used; the old ones stay"
                );
            }
        }
    }

    /// Reads all certificates again, because one changed or was issued.
    pub(crate) fn renew_certificates(&self) -> Result<(), ReloadError> {
        let current = self.lock();
        let change = self.prepare(&current.file, &current.domains);
        let change = change.map_err(|error| match error {
            PrepareError::Reload(error) => error,
            PrepareError::Site(_, invalid) => ReloadError::NotListening(invalid.to_string()),
        })?;
        self.install_certificates(change);
        Ok(())
    }

    /// The file's own certificates come first: what they are for is not ordered away.
    fn with_issued(&self, named: &[CertificateFiles]) -> Vec<CertificateFiles> {
        let (_, issued) = acme::issued(&self.acme, &self.data);
        named.iter().cloned().chain(issued).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.len(),
        metadata.ino(),
    ))
}

fn read(path: &Path) -> Result<String, ReloadError> {
    std::fs::read_to_string(path).map_err(|source| ReloadError::File {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file whole or not at all, where it really is and as accessible as it was.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut file = std::fs::File::create(&new)?;
    file.set_permissions(permissions)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, &path)
}
