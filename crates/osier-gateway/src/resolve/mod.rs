//! Addresses of origins: asked of the system or of servers that the settings name, kept as long
//! as their records say, and kept longer when nobody has an answer any more.

mod message;
mod servers;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use osier_types::Rng;

pub use self::message::{DnsAnswer, DnsError, DnsQuestion, RecordKind};
pub use self::servers::ResolverSettings;
use self::servers::Servers;

/// Where a name may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not to this machine, its link, or a metadata service: whoever answers for a name must
    /// not choose what we speak to there.
    Network,
    /// Anywhere: the settings say so.
    Local,
}

/// Known addresses, shared by all sites.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    names: Mutex<HashMap<String, Arc<Name>>>,
    /// Who is asked; the system if absent.
    servers: Option<Servers>,
    /// How long addresses are used, whatever their records say.
    valid: Option<Duration>,
}

/// How long the system's answers are used: it does not tell how long they are good.
const SYSTEM_VALID: Duration = Duration::from_mins(1);
/// Records are used no longer than this without asking again, so that an origin that moves is
/// found in time whatever its records promised, and no shorter, so that a burst is one question.
const TTL_MAX: Duration = Duration::from_mins(1);
const TTL_MIN: Duration = Duration::from_secs(1);
/// How long a name without an address is left alone, and one with an old one.
const FAILURE_REST: Duration = Duration::from_secs(5);

/// What is known of one name.
#[derive(Debug, Default)]
struct Name {
    known: Mutex<Known>,
    /// Held by whoever asks.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    addresses: Option<Arc<[IpAddr]>>,
    /// When they were asked for, and for how long their records say they are good.
    asked: Option<Instant>,
    ttl: Duration,
    /// When asking failed, and how.
    failed: Option<(Instant, io::ErrorKind)>,
}

impl Known {
    /// What can be said without asking.
    fn now(&self, valid: Option<Duration>) -> Option<io::Result<Arc<[IpAddr]>>> {
        let is_fresh = |asked: &Instant| asked.elapsed() < valid.unwrap_or(self.ttl);
        if self.asked.as_ref().is_some_and(is_fresh) {
            return self.addresses.clone().map(Ok);
        }
        let (failed, kind) = self.failed?;
        (failed.elapsed() < FAILURE_REST).then(|| self.addresses.clone().ok_or(kind.into()))
    }
}

impl Resolver {
    /// One that asks servers of its own.
    pub(crate) fn new(settings: &ResolverSettings, rng: Arc<dyn Rng>) -> Self {
        let has_servers = !settings.servers.is_empty();
        Self {
            names: Mutex::default(),
            servers: has_servers.then(|| Servers::new(settings, rng)),
            valid: settings.valid,
        }
    }

    /// The addresses of `host`, not older than `valid`, or than their records allow, where
    /// somebody answers. An address itself, and `localhost`, are what the settings say, wherever
    /// they lead.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        valid: Option<Duration>,
        reach: Reach,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        // RFC 6761, section 6.3: no server is asked for it.
        let named_so = name == "localhost" || name.ends_with(".localhost");
        let found = self.found(host, port, valid, named_so).await?;
        let addresses: Vec<SocketAddr> = found
            .iter()
            .filter(|address| reach == Reach::Local || named_so || !is_local(**address))
            .map(|address| SocketAddr::new(*address, port))
            .collect();
        if addresses.is_empty() {
            let message = "the name leads to this machine or its link; `origin_local` allows that";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        Ok(addresses)
    }

    async fn found(
        &self,
        host: &str,
        port: u16,
        valid: Option<Duration>,
        is_here: bool,
    ) -> io::Result<Arc<[IpAddr]>> {
        let valid = valid.or(self.valid);
        let name = Arc::clone(lock(&self.names).entry(host.to_owned()).or_default());
        let now = lock(&name.known).clone();
        if let Some(known) = now.now(valid) {
            return known;
        }
        // One asks; those who have something old go on with it, the others wait.
        let asking = match (name.asking.try_lock(), now.addresses) {
            (Ok(asking), _) => asking,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => name.asking.lock().await,
        };
        if let Some(known) = lock(&name.known).now(valid) {
            return known;
        }
        let found = match &self.servers {
            Some(servers) if !is_here => servers
                .addresses(host)
                .await
                .map(|(found, ttl)| (found.into(), ttl.clamp(TTL_MIN, TTL_MAX))),
            _ => by_system(host, port).await,
        };
        drop(asking);
        let mut known = lock(&name.known);
        match found {
            Ok((addresses, ttl)) => {
                *known = Known {
                    addresses: Some(Arc::clone(&addresses)),
                    asked: Some(Instant::now()),
                    ttl,
                    failed: None,
                };
                Ok(addresses)
            }
            Err(error) => {
                known.failed = Some((Instant::now(), error.kind()));
                let old = known.addresses.clone();
                if old.is_some() {
                    tracing::warn!(host, %error, "old addresses are used again");
                } else {
                    tracing::warn!(host, %error, "a name can't be resolved");
                }
                old.ok_or(error)
            }
        }
    }
}

async fn by_system(host: &str, port: u16) -> io::Result<(Arc<[IpAddr]>, Duration)> {
    let found = tokio::net::lookup_host((host, port)).await?;
    let addresses: Arc<[IpAddr]> = found.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((addresses, SYSTEM_VALID))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Addresses at which services are that trust whoever reaches them.
fn is_local(address: IpAddr) -> bool {
    /// The metadata service of Alibaba Cloud; that of AWS is of the link.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address == METADATA
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(host: &str, known: &[&str], reach: Reach) -> io::Result<Vec<String>> {
        let resolver = Resolver::default();
        let addresses = known.iter().map(|known| known.parse().unwrap()).collect();
        let known = Mutex::new(Known {
            addresses: Some(addresses),
            asked: Some(Instant::now()),
            ttl: TTL_MAX,
            failed: None,
        });
        let asking = tokio::sync::Mutex::new(());
        lock(&resolver.names).insert(host.to_owned(), Arc::new(Name { known, asking }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = resolver.addresses(host, 80, None, reach);
        let found = runtime.block_on(found)?;
        Ok(found.iter().map(|found| found.ip().to_string()).collect())
    }

    #[test]
    fn edge_ssrf_a_name_never_leads_to_this_machine() {
        for address in [
            "127.0.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "::ffff:127.0.0.1",
        ] {
            let refused = resolved("a.example.com", &[address], Reach::Network);
            let kind = refused.unwrap_err().kind();
            assert_eq!(kind, io::ErrorKind::PermissionDenied, "{address}");
            assert!(resolved("a.example.com", &[address], Reach::Local).is_ok());
        }
        let mixed = ["127.0.0.1", "10.1.2.3"];
        let left = resolved("a.example.com", &mixed, Reach::Network).unwrap();
        assert_eq!(left, ["10.1.2.3"]);
    }

    #[test]
    fn what_the_settings_spell_out_is_meant() {
        assert!(resolved("localhost", &["127.0.0.1"], Reach::Network).is_ok());
        assert!(resolved("127.0.0.1", &[], Reach::Network).is_ok());
    }
}
