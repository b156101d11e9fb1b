//! Domains of the CDN API beside the sites of the settings file: made ready together, written
//! down, and then in force together.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use osier_cdn::{CdnFault, CdnOutcome, CdnRequest, Context, Domain, Domains, Status};
use osier_gateway::{InvalidSite, Purge, PurgeError, SiteSettings, Sites};
use osier_http::Tls;
use osier_types::Timestamp;

use super::{Current, FilePart, Live, ReloadError};
use crate::cdn::{named_certificate, site};

/// What could be in force, and which domains could not.
pub(super) struct Change {
    sites: Sites,
    tls: Tls,
    pub(super) problems: Vec<(String, CdnFault)>,
}

/// Settings can't be made ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    /// A site of the file can't be used; its place in the list.
    #[error("{1}")]
    Site(usize, InvalidSite),
    #[error(transparent)]
    Reload(ReloadError),
}

impl Live {
    /// Does what the CDN API is asked for. When this returns it is in force and on disk.
    pub(crate) fn cdn(
        &self,
        request: &CdnRequest,
        account: &str,
        own_buckets: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<CdnOutcome, CdnFault> {
        let mut current = self.lock();
        let failed = current.failed.clone();
        let context = Context {
            account,
            now,
            own_buckets,
            failed: &failed,
        };
        if let Some(answer) = current.domains.answer(&context, request) {
            return answer;
        }
        let mut domains = current.domains.clone();
        let outcome = domains
            .change(&context, request)
            .unwrap_or(Err(CdnFault::Internal))?;
        let touched: BTreeSet<String> = request.domains().into_iter().collect();
        let file = current.file.clone();
        let change = self.prepare(&file, &domains).map_err(|error| {
            tracing::error!(%error, "a change by the CDN API can't be made");
            match error {
                PrepareError::Reload(ReloadError::NotListening(reason)) => {
                    CdnFault::NotListening(reason)
                }
                PrepareError::Site(..) | PrepareError::Reload(_) => CdnFault::Internal,
            }
        })?;
        for (domain, fault) in &change.problems {
            if touched.contains(domain) || !current.failed.contains(domain) {
                return Err(fault.clone());
            }
        }
        let text = current.source.as_ref().map(|from| from.text.as_str());
        let number = self.snapshots.keep(text.unwrap_or_default(), &domains);
        current.number = Some(number.map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a change by the CDN API could not be written down");
            CdnFault::NotKept
        })?);
        self.install(change, &mut current);
        let moved = moved(&current.domains, &domains);
        current.domains = domains;
        // What was kept came from elsewhere, or was kept for somebody else.
        for purge in moved {
            match self.gateway.purge(&[purge]) {
                // A domain that can't be served has nothing that could be.
                Ok(()) | Err(PurgeError::NoSite(_)) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "what was kept of a domain could not be purged");
                    return Err(CdnFault::NotKept);
                }
            }
        }
        Ok(outcome)
    }

    /// Goes back to other domains, where there is no settings file.
    pub(super) fn change_domains(
        &self,
        current: &mut Current,
        domains: Domains,
    ) -> Result<String, ReloadError> {
        let file = current.file.clone();
        let change = self.prepare(&file, &domains).map_err(|error| match error {
            PrepareError::Site(_, invalid) => ReloadError::Domain {
                domain: String::new(),
                reason: invalid.to_string(),
            },
            PrepareError::Reload(error) => error,
        })?;
        let number = self.snapshots.keep("", &domains)?;
        self.install(change, current);
        current.domains = domains;
        current.number = Some(number);
        Ok(format!(
            "{} domains, snapshot {number}",
            current.domains.all().count()
        ))
    }

    /// The domain of an account that answers a host.
    ///
    /// # Errors
    /// When there is none, or it is stopped.
    pub(crate) fn serving(&self, account: &str, host: &str) -> Result<(), CdnFault> {
        self.lock().domains.serving(account, host).map(drop)
    }

    /// How many domains an account has.
    pub(crate) fn count(&self, account: &str) -> usize {
        self.lock().domains.count(account)
    }

    /// Whether the settings have a certificate for a host.
    pub(crate) fn has_certificate(&self, host: &str) -> bool {
        let files = self.with_issued(&self.lock().file.certificates);
        Tls::read(&files, &[]).is_ok_and(|tls| tls.covers(host))
    }

    /// Makes all sites and certificates ready. Domains that can't be served are left out.
    pub(super) fn prepare(
        &self,
        file: &FilePart,
        domains: &Domains,
    ) -> Result<Change, PrepareError> {
        let mut problems = Vec::new();
        let mut all: Vec<SiteSettings> = file.sites.clone();
        let mut names: Vec<String> = Vec::new();
        let mut named = Vec::new();
        let online = domains
            .all()
            .filter(|domain| domain.status == Status::Online);
        for domain in online {
            match self.site(file, domain) {
                Ok(site) => {
                    all.push(site);
                    names.push(domain.name.to_string());
                }
                Err(fault) => problems.push((domain.name.to_string(), fault)),
            }
            let Some(certificate) = named_certificate(domain) else {
                continue;
            };
            match Tls::read(&[], std::slice::from_ref(&certificate)) {
                Ok(_) => named.push(certificate),
                Err(error) => {
                    let fault = CdnFault::Certificate(error.to_string());
                    problems.push((domain.name.to_string(), fault));
                }
            }
        }
        let sites = loop {
            match self.gateway.prepare(&all) {
                Ok(sites) => break sites,
                Err((index, invalid)) => {
                    let Some(place) = index.checked_sub(file.sites.len()) else {
                        return Err(PrepareError::Site(index, invalid));
                    };
                    all.remove(index);
                    let name = names.remove(place);
                    problems.push((name, CdnFault::Unservable(invalid.to_string())));
                }
            }
        };
        if !file.certificates.is_empty() && !self.has_certificates {
            return Err(PrepareError::Reload(ReloadError::NoTls));
        }
        let tls = Tls::read(&self.with_issued(&file.certificates), &named);
        let tls = tls.map_err(|error| PrepareError::Reload(error.into()))?;
        // At last: what was opened stays open.
        self.doors
            .open(!all.is_empty(), !named.is_empty())
            .map_err(|error| PrepareError::Reload(ReloadError::NotListening(error.to_string())))?;
        Ok(Change {
            sites,
            tls,
            problems,
        })
    }

    fn site(&self, file: &FilePart, domain: &Domain) -> Result<SiteSettings, CdnFault> {
        let host = domain.name.host();
        let mut hosts = file.sites.iter().flat_map(|site| &site.hosts);
        if hosts.any(|other| other.eq_ignore_ascii_case(&host)) {
            return Err(CdnFault::SiteOfSettings(domain.name.to_string()));
        }
        site(domain, &self.premises).map_err(CdnFault::Unservable)
    }

    /// Uses the certificates alone.
    pub(super) fn install_certificates(&self, change: Change) {
        self.tls.install(change.tls);
    }

    pub(super) fn install(&self, change: Change, current: &mut Current) {
        self.gateway.install(change.sites);
        self.tls.install(change.tls);
        let failed = change.problems.into_iter().map(|(domain, _)| domain);
        current.failed = failed.collect();
    }
}

/// Purges of domains whose answers come from elsewhere than before.
fn moved(before: &Domains, now: &Domains) -> Vec<Purge> {
    let ways = |domain: &Domain| {
        let configs = domain.configs.iter();
        let ways = configs.filter(|config| config.is_about_origins());
        (domain.sources.clone(), ways.cloned().collect::<Vec<_>>())
    };
    let online = now
        .all()
        .filter(|domain| domain.status == Status::Online)
        .filter(|domain| {
            let mut before = before.all();
            let known = before.find(|known| known.id == domain.id);
            known.is_none_or(|known| ways(known) != ways(domain))
        });
    online
        .map(|domain| Purge::Site(domain.name.host()))
        .collect()
}

/// Domains, for people to read: what stands in their functions may be secret.
pub(super) fn told(domains: &Domains) -> String {
    let mut text = String::new();
    for domain in domains.all() {
        let functions: Vec<&str> = domain
            .configs
            .iter()
            .map(|config| config.function.as_str())
            .collect();
        let sources: Vec<&str> = domain
            .sources
            .iter()
            .map(|source| source.content.as_str())
            .collect();
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "# CDN API: {} ({}) from {}; {}",
            domain.name,
            domain.status.as_str(),
            sources.join(", "),
            if functions.is_empty() {
                "no functions".to_owned()
            } else {
                functions.join(", ")
            }
        );
    }
    text
}
