//! Who stands behind the proxies between a client and us (S13).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::policy::Network;

/// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Those in `networks`.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The client of a request that `peer` sent, and whether its connection is encrypted.
    pub fn client(&self, peer: IpAddr, secure: bool, headers: &HeaderMap) -> (IpAddr, bool) {
        let peer = peer.to_canonical();
        if self.trust(peer) {
            (
                self.behind(peer, headers),
                forwarded_proto(headers).unwrap_or(secure),
            )
        } else {
            (peer, secure)
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
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
                if !self.trust(address) {
                    return nearest;
                }
            }
        }
        nearest
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

    fn source(proxies: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let network = |text: &&str| Network::parse(text).unwrap();
        let proxies = TrustedProxies::new(proxies.iter().map(network).collect());
        let peer: SocketAddr = peer.parse().unwrap();
        let (address, secure) = proxies.client(peer.ip(), false, &map);
        (address.to_string(), secure)
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
}
