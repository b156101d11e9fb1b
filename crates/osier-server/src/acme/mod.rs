//! Certificates from an authority that speaks ACME (RFC 8555): ordered for the hosts that the
//! settings name, proven over plain HTTP (`http-01`) or by a handshake (`tls-alpn-01`), kept on
//! disk and renewed in time.
//!
//! One thread asks for one certificate after the other; requests never wait for it. A host whose
//! order fails keeps what it has and is tried again later and later.

mod client;
mod handshake;
mod store;
mod validity;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization, NewAccount,
    NewOrder, OrderStatus, RetryPolicy,
};
use osier_gateway::{Gateway, Proof};
use osier_http::{CertificateFiles, Tls, TlsError, TlsProof};
use osier_types::{Clock, Rng, Timestamp};
use tokio::sync::watch;

pub(crate) use self::store::IssuedFiles;

use self::client::AuthorityClient;
use self::validity::{Validity, of_chain};
use crate::live::{Live, ReloadError};
use crate::private_file::PrivateFileError;
use crate::settings::{AcmeChallenge, AcmeSettings};

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
enum AcmeError {
    #[error("the authority does not do what is asked")]
    Authority(#[from] instant_acme::Error),
    #[error("the authority does not offer the `challenge` of the settings")]
    NoChallenge,
    #[error("the certificate that proves the host can't be made")]
    Proof(#[from] rcgen::Error),
    #[error("the authority does not believe that the host leads here")]
    NotProven,
    #[error("a certificate can't be used")]
    Unusable(#[source] TlsError),
    #[error("the certificates can't be read again")]
    Reload(#[from] ReloadError),
    #[error("the authority's certificate has no time")]
    NoTime,
    #[error(transparent)]
    File(#[from] PrivateFileError),
    #[error("the account on disk can't be read")]
    Account(#[from] serde_json::Error),
}

/// Failures double the time to the next attempt up to this: authorities count failures, and a
/// day has few of them (Let's Encrypt allows five in an hour).
const RETRY_MAX: Duration = Duration::from_hours(6);
/// How long an order may take to be decided.
const DECISION_MAX: Duration = Duration::from_mins(3);
/// How long is slept at most, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_hours(1);

/// Orders and renews certificates until it is dropped.
#[derive(Debug)]
pub(crate) struct Acme {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What it works with.
pub(crate) struct AcmeParts {
    pub(crate) settings: AcmeSettings,
    pub(crate) files: IssuedFiles,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) tls: Arc<Tls>,
    pub(crate) live: Arc<Live>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Acme {
    /// Begins to keep certificates.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(parts: AcmeParts) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("osier-acme".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async move {
                let mut keeping = std::pin::pin!(Keeper::new(parts).run());
                let mut stopped = std::pin::pin!(stopped.wait_for(|stopped| *stopped));
                std::future::poll_fn(|cx| {
                    if stopped.as_mut().poll(cx).is_ready() {
                        return std::task::Poll::Ready(());
                    }
                    keeping.as_mut().poll(cx)
                })
                .await;
            });
            // A name that is being looked up can't be called back.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Acme {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that renews certificates panicked");
        }
    }
}

/// One host, and when something is to be done about it.
struct Host {
    name: String,
    due: Timestamp,
    failures: u32,
}

/// A proof, as long as it is shown.
#[expect(dead_code, reason = "held, not looked at")]
enum Shown {
    ByHttp(Proof),
    ByHandshake(TlsProof),
}

struct Keeper {
    parts: AcmeParts,
    account: Option<Account>,
    hosts: Vec<Host>,
}

impl Keeper {
    fn new(parts: AcmeParts) -> Self {
        let now = parts.clock.now();
        let hosts = parts.settings.hosts.iter().map(|name| {
            let held = parts.files.validity(name);
            let due = held.map(|held| renewal(held, share(parts.rng.as_ref())));
            Host {
                name: name.clone(),
                due: due.unwrap_or(now),
                failures: 0,
            }
        });
        Self {
            hosts: hosts.collect(),
            account: None,
            parts,
        }
    }

    async fn run(mut self) {
        loop {
            let now = self.parts.clock.now();
            let Some(next) = self.hosts.iter().map(|host| host.due).min() else {
                return;
            };
            if next > now {
                let wait = u64::try_from(next.as_millis() - now.as_millis()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(wait).min(SLEEP_MAX)).await;
                continue;
            }
            let Some(place) = self.hosts.iter().position(|host| host.due <= now) else {
                continue;
            };
            let Some(name) = self.hosts.get(place).map(|host| host.name.clone()) else {
                continue;
            };
            let ordered = self.order(&name).await;
            let (share, now) = (share(self.parts.rng.as_ref()), self.parts.clock.now());
            let Some(host) = self.hosts.get_mut(place) else {
                continue;
            };
            match ordered {
                Ok(validity) => {
                    host.failures = 0;
                    host.due = renewal(validity, share).max(now.plus_millis(1000));
                    tracing::info!(host = name, until = %validity.end.iso8601(), "a certificate was issued");
                }
                Err(error) => {
                    let wait = retry(self.parts.settings.retry_s, host.failures, share);
                    host.failures = host.failures.saturating_add(1);
                    host.due = now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(
                        host = name,
                        error,
                        again_s = wait.as_secs(),
                        "no certificate"
                    );
                }
            }
        }
    }

    /// Orders a certificate, and uses it from then on.
    async fn order(&mut self, host: &str) -> Result<Validity, AcmeError> {
        if self.account.is_none() {
            self.account = Some(self.account().await?);
        }
        let Some(account) = &self.account else {
            return Err(AcmeError::NoChallenge);
        };
        let identifiers = [Identifier::Dns(host.to_owned())];
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut shown = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                _ => return Err(AcmeError::NotProven),
            }
            let kind = match self.parts.settings.challenge {
                AcmeChallenge::Http01 => ChallengeType::Http01,
                AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
            };
            let challenge = authorization.challenge(kind);
            let mut challenge = challenge.ok_or(AcmeError::NoChallenge)?;
            let proof = challenge.key_authorization();
            shown.push(self.show(host, &challenge.token, &proof)?);
            challenge.set_ready().await?;
        }
        let decided = RetryPolicy::new().timeout(DECISION_MAX);
        if order.poll_ready(&decided).await? != OrderStatus::Ready {
            return Err(AcmeError::NotProven);
        }
        // The authority has seen them.
        drop(shown);
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&decided).await?;
        self.keep(host, &chain, &key)
    }

    /// Lets the authority see a proof.
    fn show(&self, host: &str, token: &str, proof: &KeyAuthorization) -> Result<Shown, AcmeError> {
        Ok(match self.parts.settings.challenge {
            AcmeChallenge::Http01 => Shown::ByHttp(self.parts.gateway.prove(token, proof.as_str())),
            AcmeChallenge::TlsAlpn01 => {
                let certificate = handshake::proof(host, proof.digest().as_ref())?;
                let shown = self.parts.tls.prove(&certificate);
                Shown::ByHandshake(shown.map_err(AcmeError::Unusable)?)
            }
        })
    }

    fn keep(&self, host: &str, chain: &str, key: &str) -> Result<Validity, AcmeError> {
        let validity = of_chain(chain).ok_or(AcmeError::NoTime)?;
        let files = &self.parts.files;
        // Tried before the old one is gone.
        let tried = files.write_new(host, chain, key)?;
        Tls::read(std::slice::from_ref(&tried), &[]).map_err(AcmeError::Unusable)?;
        files.write(host, chain, key)?;
        self.parts.live.renew_certificates()?;
        Ok(validity)
    }

    /// The account with the authority: the one on disk, or a new one.
    async fn account(&self) -> Result<Account, AcmeError> {
        let settings = &self.parts.settings;
        let client = || AuthorityClient::new(settings.ca.as_deref());
        if let Some(text) = self.parts.files.account()? {
            let builder = Account::builder_with_http(Box::new(client()));
            return Ok(builder
                .from_credentials(serde_json::from_str(&text)?)
                .await?);
        }
        let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: settings.terms_agreed,
            only_return_existing: false,
        };
        let builder = Account::builder_with_http(Box::new(client()));
        let created = builder.create(&new, settings.directory.clone(), None);
        let (account, credentials) = created.await?;
        self.parts
            .files
            .keep_account(&serde_json::to_string(&credentials)?)?;
        tracing::info!(authority = settings.directory, "an account was made");
        Ok(account)
    }
}

/// When a certificate is replaced: after two thirds of its time, and a little later by `share` of
/// a twentieth, so that many are not replaced at once.
fn renewal(validity: Validity, share: f64) -> Timestamp {
    let begin = validity.begin.as_millis();
    let length = (validity.end.as_millis() - begin).max(0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a share"
    )]
    let later = (length as f64 / 20.0 * share) as i64;
    validity.begin.plus_millis(length / 3 * 2 + later)
}

/// How long to wait after a failure: twice as long as before, give or take a quarter.
fn retry(first_s: u64, failures: u32, share: f64) -> Duration {
    let doubled = first_s.max(1).saturating_mul(1 << failures.min(20));
    Duration::from_secs(doubled)
        .min(RETRY_MAX)
        .mul_f64(0.75 + share / 2.0)
}

/// A number from 0 to 1.
fn share(rng: &dyn Rng) -> f64 {
    let mut bytes = [0; 2];
    rng.fill(&mut bytes);
    f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX)
}

/// Files of certificates that were issued before.
pub(crate) fn issued(settings: &AcmeSettings, data: &Path) -> (IssuedFiles, Vec<CertificateFiles>) {
    let files = IssuedFiles::new(data, &settings.directory);
    let issued = settings.hosts.iter().filter_map(|host| files.of(host));
    let issued = issued.collect();
    (files, issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_replaced_after_two_thirds_of_their_time() {
        let validity = Validity {
            begin: Timestamp::from_seconds(1000),
            end: Timestamp::from_seconds(1000 + 90 * 86_400),
        };
        let day = |share: f64| (renewal(validity, share).as_seconds() - 1000) / 86_400;
        assert_eq!((day(0.0), day(1.0)), (60, 64));
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        assert_eq!(retry(60, 0, 0.5), Duration::from_mins(1));
        assert_eq!(retry(60, 3, 0.5), Duration::from_mins(8));
        assert_eq!(retry(60, 0, 0.0), Duration::from_secs(45));
        assert_eq!(retry(60, 4_000_000_000, 0.5), RETRY_MAX);
        assert!(retry(0, 0, 0.0) > Duration::ZERO);
    }
}
