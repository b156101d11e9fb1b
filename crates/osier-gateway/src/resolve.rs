//! Addresses of origins: asked of the system, kept for a while, and kept longer when the
//! system has no answer any more.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    addresses: Arc<[IpAddr]>,
    asked: Instant,
}

impl Resolver {
    /// The addresses of `host`, not older than `valid` where the system answers. An address
    /// itself, and `localhost`, are what the settings say, wherever they lead.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        valid: Duration,
        reach: Reach,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let found = self.found(host, port, valid).await?;
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let named_so = name == "localhost" || name.ends_with(".localhost");
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

    async fn found(&self, host: &str, port: u16, valid: Duration) -> io::Result<Arc<[IpAddr]>> {
        let known = self.lock().get(host).cloned();
        if let Some(known) = &known
            && known.asked.elapsed() < valid
        {
            return Ok(Arc::clone(&known.addresses));
        }
        let found: io::Result<Arc<[IpAddr]>> = tokio::net::lookup_host((host, port))
            .await
            .map(|found| found.map(|address| address.ip()).collect());
        let addresses = match (found, known) {
            (Ok(found), _) if !found.is_empty() => found,
            (found, Some(known)) => {
                tracing::warn!(
                    host,
                    failed = found.is_err(),
                    "old addresses are used again"
                );
                known.addresses
            }
            (Err(error), None) => return Err(error),
            (Ok(_), None) => return Err(io::ErrorKind::NotFound.into()),
        };
        let known = Known {
            addresses: Arc::clone(&addresses),
            asked: Instant::now(),
        };
        self.lock().insert(host.to_owned(), known);
        Ok(addresses)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        resolver.lock().insert(
            host.to_owned(),
            Known {
                addresses,
                asked: Instant::now(),
            },
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = resolver.addresses(host, 80, Duration::from_mins(1), reach);
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
