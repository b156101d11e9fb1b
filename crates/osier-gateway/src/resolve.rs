//! Addresses of origins: asked of the system, kept for a while, and kept longer when the
//! system has no answer any more.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    /// The addresses of `host`, not older than `valid` where the system answers.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        valid: Duration,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let known = self.lock().get(host).cloned();
        if let Some(known) = &known
            && known.asked.elapsed() < valid
        {
            return Ok(with_port(&known.addresses, port));
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
        Ok(with_port(&addresses, port))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| SocketAddr::new(*address, port))
        .collect()
}
