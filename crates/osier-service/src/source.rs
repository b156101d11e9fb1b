//! Where a request comes from, when there may be proxies in between (S13).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderMap;
use osier_auth::TrustedProxies;
use osier_auth::policy::Network;

/// What the server believes of where requests come from.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: TrustedProxies,
    /// Networks that policies may call a VPC, with its id.
    pub vpcs: Vec<(Arc<str>, Vec<Network>)>,
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The client: who connected, or who stands behind the proxies.
    pub(crate) address: IpAddr,
    /// Whether the client's connection is encrypted.
    pub(crate) secure: bool,
    /// The VPC that the client is in.
    pub(crate) vpc: Option<Arc<str>>,
}

impl Surroundings {
    pub(crate) fn source(&self, peer: SocketAddr, secure: bool, headers: &HeaderMap) -> Source {
        let (address, secure) = self.trusted_proxies.client(peer.ip(), secure, headers);
        let vpc = self
            .vpcs
            .iter()
            .find(|(_, networks)| networks.iter().any(|network| network.contains(address)))
            .map(|(id, _)| Arc::clone(id));
        Source {
            address,
            secure,
            vpc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_vpcs_by_the_settings_alone() {
        let network = Network::parse("10.9.0.0/16").unwrap();
        let surroundings = Surroundings {
            vpcs: vec![("vpc-1".into(), vec![network])],
            ..Surroundings::default()
        };
        let vpc = |peer: &str| {
            let source = surroundings.source(peer.parse().unwrap(), false, &HeaderMap::new());
            source.vpc
        };
        assert_eq!(vpc("10.9.1.1:1").as_deref(), Some("vpc-1"));
        assert_eq!(vpc("10.8.1.1:1"), None);
    }
}
