//! Addresses and networks, as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use osier_auth::policy::Network;
use serde::{Deserialize, Deserializer, de};

/// An address to listen on: `127.0.0.1:9000`, `[::]:9000`, `localhost:9000`, or
/// `:9000` for every address of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(pub SocketAddr);

impl ListenAddress {
    /// This machine only.
    pub fn loopback(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        let wrong = |hint: &str| format!("`{text}` is not an address to listen on; {hint}");
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(match text.parse::<u16>() {
                Ok(port) => wrong(&format!("did you mean `127.0.0.1:{port}`?")),
                Err(_) => wrong("write it as `127.0.0.1:9000`"),
            });
        };
        let port = port
            .parse()
            .map_err(|_| wrong("the port must be a number up to 65535"))?;
        let ip = match host {
            "" | "*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ if host.contains(':') => {
                return Err(wrong(&format!("did you mean `[{host}]:{port}`?")));
            }
            _ => return Err(wrong("names are not looked up, write the IP address")),
        };
        Ok(Self(SocketAddr::new(ip, port)))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A network, such as `10.0.0.0/8` or `2001:db8::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet(pub Network);

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Whoever trusts everybody should have to say so.
        let network = (text != "*").then(|| Network::parse(text)).flatten();
        network
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a network; write it as `10.0.0.0/8`"))
    }
}

impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A server of DNS: an address, with a port where that is not 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsServer(pub SocketAddr);

impl FromStr for DnsServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let bare = bare
            .parse()
            .map(|address: IpAddr| SocketAddr::new(address, 53));
        text.parse()
            .or(bare)
            .map(Self)
            .map_err(|_| format!("`{text}` is not the address of a server; write it as `10.0.0.2`"))
    }
}

impl<'de> Deserialize<'de> for DnsServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
