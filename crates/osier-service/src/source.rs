//! Where a request comes from, when there may be proxies in between (S13).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderMap;
use osier_auth::policy::Network;

/// What the server believes of where requests come from.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
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
        let peer = peer.ip().to_canonical();
        let (address, secure) = if self.trusts(peer) {
            (
                self.behind(peer, headers),
                forwarded_proto(headers).unwrap_or(secure),
            )
        } else {
            (peer, secure)
        };
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

    /// The right-most hop that is no proxy of ours. What stands further left was written by
    /// that hop, and may say anything.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        for line in headers.get_all(FORWARDED_FOR).iter().rev() {
            let hops = line.to_str().unwrap_or_default();
            for hop in hops.rsplit(',') {
                let Some(address) = address_of(hop.trim()) else {
                    return nearest;
                };
                nearest = address;
                if !self.trusts(address) {
                    return nearest;
                }
            }
        }
        nearest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    }
}

/// An address, with or without a port.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .parse()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.ok()
        .or_else(bracketed)
        .map(|address: IpAddr| address.to_canonical())
}

/// What the nearest proxy says of its client's connection.
fn forwarded_proto(headers: &HeaderMap) -> Option<bool> {
    let line = headers.get_all(FORWARDED_PROTO).iter().next_back()?;
    let proto = line.to_str().ok()?.rsplit(',').next()?.trim();
    Some(proto.eq_ignore_ascii_case("https"))
}

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(proxies: &[&str]) -> Surroundings {
        let network = |text: &&str| Network::parse(text).unwrap();
        Surroundings {
            trusted_proxies: proxies.iter().map(network).collect(),
            vpcs: vec![("vpc-1".into(), vec![network(&"10.9.0.0/16")])],
        }
    }

    fn source(proxies: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let source = surroundings(proxies).source(peer.parse().unwrap(), false, &map);
        (source.address.to_string(), source.secure)
    }

    #[test]
    fn s13_headers_of_strangers_are_ignored() {
        let spoofed = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1;proto=https"),
        ];
        for proxies in [&[][..], &["192.0.2.0/24"]] {
            let told = source(proxies, "203.0.113.5:1", &spoofed);
            assert_eq!(told, ("203.0.113.5".into(), false));
        }
    }

    #[test]
    fn s13_the_right_most_hop_that_is_no_proxy_counts() {
        let proxies = ["192.0.2.0/24", "2001:db8::/32"];
        let at = "192.0.2.1:1";
        for (forwarded, expected) in [
            ("203.0.113.5", "203.0.113.5"),
            ("10.0.0.1, 203.0.113.5", "203.0.113.5"),
            ("203.0.113.5, 192.0.2.9", "203.0.113.5"),
            ("10.0.0.1,203.0.113.5,2001:db8::7, 192.0.2.9", "203.0.113.5"),
            ("203.0.113.5:4711", "203.0.113.5"),
            ("[2001:aaaa::1]:4711", "2001:aaaa::1"),
            ("[2001:aaaa::1]", "2001:aaaa::1"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            // Nobody but proxies, and texts that say nothing.
            ("192.0.2.7, 192.0.2.9", "192.0.2.7"),
            ("", "192.0.2.1"),
            ("unknown", "192.0.2.1"),
            ("203.0.113.5, nonsense", "192.0.2.1"),
            ("203.0.113.5, nonsense, 192.0.2.9", "192.0.2.9"),
        ] {
            let told = source(&proxies, at, &[("x-forwarded-for", forwarded)]);
            assert_eq!(told.0, expected, "{forwarded}");
        }
        // A second line continues the first.
        let lines = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-for", "203.0.113.5, 192.0.2.9"),
        ];
        assert_eq!(source(&proxies, at, &lines).0, "203.0.113.5");
        assert_eq!(
            source(&proxies, "[::ffff:192.0.2.1]:1", &lines).0,
            "203.0.113.5"
        );
    }

    #[test]
    fn s13_the_nearest_proxy_tells_how_its_client_came() {
        let told = |value: &str| {
            let headers = [("x-forwarded-proto", value)];
            source(&["192.0.2.1"], "192.0.2.1:1", &headers).1
        };
        assert!(told("https") && told("HTTPS") && told("http, https"));
        assert!(!told("http") && !told("https, http") && !told(""));
        assert!(!source(&["192.0.2.1"], "192.0.2.1:1", &[]).1);
    }

    #[test]
    fn networks_are_vpcs_by_the_settings_alone() {
        let surroundings = surroundings(&[]);
        let vpc = |peer: &str| {
            let source = surroundings.source(peer.parse().unwrap(), false, &HeaderMap::new());
            source.vpc
        };
        assert_eq!(vpc("10.9.1.1:1").as_deref(), Some("vpc-1"));
        assert_eq!(vpc("10.8.1.1:1"), None);
    }
}
