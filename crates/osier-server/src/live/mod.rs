//! The settings that a server runs with: read again at SIGHUP or by command, replaced whole or
//! not at all, and kept as numbered snapshots to go back to.
//!
//! Sites and certificates change while requests run. Everything else needs a restart, and a
//! reload says so.

mod masked;
mod snapshots;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use osier_gateway::Gateway;
use osier_http::{CertificateFiles, Tls, TlsError};
use serde::{Deserialize, Serialize};

use self::masked::masked;
use self::snapshots::Snapshots;
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
    Certificate(#[from] TlsError),
    /// There are sites now, and nothing listens for them.
    #[error("there was no site at the start, so nothing listens for any; restart the server")]
    NotListening,
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
    listens: bool,
    tls: Option<Arc<Tls>>,
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
    /// Those that the settings name.
    certificates: Vec<CertificateFiles>,
    /// How the files of all were when they were last looked at.
    seen: Option<Vec<Stamp>>,
}

/// What changes when a file does: when it was written, its length and its place.
type Stamp = Option<(SystemTime, u64, u64)>;

impl Live {
    /// Begins with `settings`, which are in use already.
    pub(crate) fn new(
        settings: &Settings,
        gateway: Arc<Gateway>,
        listens: bool,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let snapshots = Snapshots::new(&settings.data);
        let source = settings.source.as_ref();
        let number = source.and_then(|source| {
            let kept = snapshots.keep(&source.text);
            kept.inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::warn!(error, "the settings are not kept as a snapshot");
            })
            .ok()
        });
        Self {
            gateway,
            listens,
            tls,
            acme: settings.acme.clone(),
            data: settings.data.clone(),
            snapshots,
            at_start: source.and_then(|from| Settings::parse(&from.path, &from.text).ok()),
            current: Mutex::new(Current {
                source: source.cloned(),
                number,
                certificates: settings.certificates(),
                seen: None,
            }),
        }
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
        self.change(&mut current, &path, &text)
    }

    fn rollback(&self, number: Option<u64>) -> Result<String, ReloadError> {
        let mut current = self.lock();
        let Some(source) = current.source.clone() else {
            return Err(ReloadError::NoFile);
        };
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
        let said = self.change(&mut current, &source.path, &text)?;
        // Or the next start would bring back what was gone away from.
        replace(&source.path, &text).map_err(|error| ReloadError::File {
            path: source.path.clone(),
            source: error,
        })?;
        Ok(format!("back to snapshot {number}: {said}"))
    }

    fn show(&self, number: Option<u64>) -> Result<String, ReloadError> {
        let current = self.lock();
        let text = match (number, &current.source) {
            (Some(number), _) => self.snapshots.read(number)?,
            (None, Some(source)) => source.text.clone(),
            (None, None) => return Err(ReloadError::NoFile),
        };
        Ok(masked(&text))
    }

    fn list(&self) -> Result<String, ReloadError> {
        let current = self.lock().number;
        let lines = self.snapshots.numbers()?.into_iter().map(|number| {
            let mark = if Some(number) == current { " *" } else { "" };
            format!("{number}{mark}\n")
        });
        Ok(lines.collect())
    }

    /// Uses `text` from now on, or changes nothing.
    fn change(
        &self,
        current: &mut Current,
        path: &Path,
        text: &str,
    ) -> Result<String, ReloadError> {
        let settings = Settings::parse(path, text)?;
        if !settings.site.is_empty() && !self.listens {
            return Err(ReloadError::NotListening);
        }
        let certificates = settings.certificates();
        let all = self.with_issued(&certificates);
        match &self.tls {
            Some(tls) if !all.is_empty() => tls.reload(&all)?,
            None if !all.is_empty() => return Err(ReloadError::NoTls),
            _ => {}
        }
        // The last thing that can fail, and the settings were parsed by the same rules.
        self.gateway
            .reload(&settings.site)
            .map_err(|(index, invalid)| SettingsError::in_site(path, text, index, &invalid))?;
        let late = self.at_start.as_ref().map(|start| start.later(&settings));
        let late = late.unwrap_or_default();
        let number = self.snapshots.keep(text);
        let kept = match &number {
            Ok(number) => format!("snapshot {number}"),
            Err(_) => "not kept as a snapshot".to_owned(),
        };
        let sites = settings.site.len();
        current.certificates = certificates;
        current.number = number.ok().or(current.number);
        current.source = Some(SettingsSource {
            path: path.to_owned(),
            text: text.to_owned(),
        });
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
        let Some(tls) = &self.tls else {
            return;
        };
        let mut current = self.lock();
        let files = self.with_issued(&current.certificates);
        let paths = files.iter().flat_map(|files| [&files.chain, &files.key]);
        let now: Vec<Stamp> = paths.map(|path| stamp(path)).collect();
        let before = current.seen.replace(now.clone());
        if before.is_none_or(|before| before == now) {
            return;
        }
        match tls.reload(&files) {
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

    /// Reads all certificates again, because one was issued.
    pub(crate) fn renew_certificates(&self) -> Result<(), TlsError> {
        let current = self.lock();
        match &self.tls {
            Some(tls) => tls.reload(&self.with_issued(&current.certificates)),
            None => Ok(()),
        }
    }

    /// The settings' own certificates come first: what they name is not ordered away.
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
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
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
