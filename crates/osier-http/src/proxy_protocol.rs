//! The PROXY protocol, versions 1 and 2: what a load balancer says of its client before the
//! first byte of that client (haproxy.org/download/3.2/doc/proxy-protocol.txt).
//!
//! It is read from peers that are named and from nobody else, exactly to its end, so that what
//! follows is read by TLS or HTTP as if nothing had been there.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Peers whose connections begin with a header of the PROXY protocol.
#[derive(Clone)]
pub struct ProxyPeers(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl ProxyPeers {
    /// Those of whom `which` is true.
    pub fn new(which: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(which))
    }

    pub(crate) fn expects(&self, peer: IpAddr) -> bool {
        (self.0)(peer.to_canonical())
    }
}

impl fmt::Debug for ProxyPeers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ProxyPeers").finish_non_exhaustive()
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proxied {
    /// The client; nothing where the proxy speaks for itself, as in its own checks.
    pub source: Option<SocketAddr>,
    /// Whether the client's connection to the proxy is encrypted. Version 1 can't say so.
    pub secure: bool,
}

/// A header is none, or is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no header of the PROXY protocol")]
pub struct NotProxied;

/// A line of version 1 is at most this long, its end included (section 2.1).
const LINE_BYTES_MAX: usize = 107;
/// The shortest header of all: `PROXY UNKNOWN` and the end of the line.
const BEGINNING_BYTES: usize = 15;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version, family and length of version 2.
const FIXED_BYTES: usize = 16;
/// What follows them at most: nginx reads no longer headers either (`NGX_PROXY_PROTOCOL_MAX_HEADER`).
const REST_BYTES_MAX: usize = 4096 - FIXED_BYTES;

impl Proxied {
    /// Reads a whole header, with nothing behind it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(header: &[u8]) -> Result<Self, NotProxied> {
        match header.split_at_checked(FIXED_BYTES) {
            Some((fixed, rest)) if fixed.starts_with(SIGNATURE) => {
                if rest.len() != rest_bytes(fixed)? {
                    return Err(NotProxied);
                }
                binary(fixed, rest)
            }
            _ => line(header),
        }
    }

    /// Reads a header from a connection, and nothing of what follows.
    pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut header = vec![0; BEGINNING_BYTES];
        stream.read_exact(&mut header).await?;
        if header.starts_with(SIGNATURE) {
            header.push(stream.read_u8().await?);
            let begun = header.len();
            header.resize(begun + rest_bytes(&header)?, 0);
            let rest = header.get_mut(begun..).unwrap_or_default();
            stream.read_exact(rest).await?;
        } else if header.starts_with(b"PROXY ") {
            while !header.ends_with(b"\n") {
                let mut ahead = [0; LINE_BYTES_MAX];
                let ahead = ahead.get_mut(header.len()..).unwrap_or_default();
                if ahead.is_empty() {
                    return Err(NotProxied.into());
                }
                // Looked at first: what follows the line is not ours.
                let seen = stream.peek(ahead).await?;
                let seen = ahead.get_mut(..seen).unwrap_or_default();
                let end = seen.iter().position(|byte| *byte == b'\n');
                let own = seen.get_mut(..end.map_or(seen.len(), |end| end + 1));
                let own = own.unwrap_or_default();
                if own.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                stream.read_exact(own).await?;
                header.extend_from_slice(own);
            }
        }
        Ok(Self::parse(&header)?)
    }
}

impl From<NotProxied> for io::Error {
    fn from(error: NotProxied) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Version 1: one line of text.
fn line(header: &[u8]) -> Result<Proxied, NotProxied> {
    if header.len() > LINE_BYTES_MAX {
        return Err(NotProxied);
    }
    let text = std::str::from_utf8(header).map_err(|_| NotProxied)?;
    let text = text.strip_prefix("PROXY ").ok_or(NotProxied)?;
    let text = text.strip_suffix("\r\n").ok_or(NotProxied)?;
    if text.contains(['\r', '\n']) {
        return Err(NotProxied);
    }
    let mut words = text.split(' ');
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        // Whatever follows it is to be ignored.
        return Ok(Proxied::default());
    }
    let mut word = || words.next().ok_or(NotProxied);
    let (source, destination) = (word()?, word()?);
    let (port, destination_port) = (port(word()?)?, port(word()?)?);
    if words.next().is_some() {
        return Err(NotProxied);
    }
    let address = |text: &str| -> Result<IpAddr, NotProxied> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::from),
            "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::from),
            _ => return Err(NotProxied),
        }
        .map_err(|_| NotProxied)
    };
    let _ = SocketAddr::new(address(destination)?, destination_port);
    Ok(Proxied {
        source: Some(SocketAddr::new(address(source)?, port)),
        secure: false,
    })
}

/// A decimal number without a sign or leading zeros.
fn port(text: &str) -> Result<u16, NotProxied> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(NotProxied)
}

/// How many bytes follow the fixed part of version 2.
fn rest_bytes(fixed: &[u8]) -> Result<usize, NotProxied> {
    let length = fixed.get(14..16).and_then(|length| length.try_into().ok());
    let length = usize::from(u16::from_be_bytes(length.ok_or(NotProxied)?));
    Some(length)
        .filter(|length| *length <= REST_BYTES_MAX)
        .ok_or(NotProxied)
}

/// Version 2: binary.
fn binary(fixed: &[u8], rest: &[u8]) -> Result<Proxied, NotProxied> {
    let Some(&[command, family]) = fixed.get(12..14) else {
        return Err(NotProxied);
    };
    match command {
        0x21 => {}
        // The proxy's own connection: a check whether we are there.
        0x20 => return Ok(Proxied::default()),
        _ => return Err(NotProxied),
    }
    let (source, more) = match family {
        0x11 => {
            let (addresses, more) = rest.split_first_chunk::<12>().ok_or(NotProxied)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            let address = Ipv4Addr::new(a, b, c, d).into();
            (
                SocketAddr::new(address, u16::from_be_bytes([high, low])),
                more,
            )
        }
        0x21 => {
            let (addresses, more) = rest.split_first_chunk::<36>().ok_or(NotProxied)?;
            let (address, others) = addresses.split_first_chunk::<16>().ok_or(NotProxied)?;
            let port = others.get(16..18).and_then(|port| port.try_into().ok());
            let port = u16::from_be_bytes(port.ok_or(NotProxied)?);
            (SocketAddr::new(Ipv6Addr::from(*address).into(), port), more)
        }
        // Unspecified: our own view of the connection is all there is.
        0x00 => return Ok(Proxied::default()),
        // Datagrams and sockets of a file system bring us no requests.
        _ => return Err(NotProxied),
    };
    Ok(Proxied {
        source: Some(source),
        secure: is_encrypted(more)?,
    })
}

/// Whether the extension `PP2_TYPE_SSL` says that the client speaks TLS (section 2.2.6).
fn is_encrypted(mut extensions: &[u8]) -> Result<bool, NotProxied> {
    const SSL: u8 = 0x20;
    const CLIENT_SSL: u8 = 0x01;
    let mut encrypted = false;
    while let Some((&[kind, high, low], rest)) = extensions.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(NotProxied)?;
        if kind == SSL {
            encrypted |= value.first().ok_or(NotProxied)? & CLIENT_SSL != 0;
        }
        extensions = rest;
    }
    if extensions.is_empty() {
        Ok(encrypted)
    } else {
        Err(NotProxied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(header: &[u8]) -> Result<Option<String>, NotProxied> {
        let proxied = Proxied::parse(header)?;
        Ok(proxied.source.map(|source| source.to_string()))
    }

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = SIGNATURE.to_vec();
        header.extend([command, family]);
        header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        header.extend(rest);
        header
    }

    #[test]
    fn lines_name_the_client() {
        for (line, expected) in [
            (
                "PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n",
                Some("203.0.113.7:4711"),
            ),
            (
                "PROXY TCP6 2001:db8::7 ::1 4711 80\r\n",
                Some("[2001:db8::7]:4711"),
            ),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        ] {
            let expected = expected.map(ToOwned::to_owned);
            assert_eq!(source(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn edge_lines_that_two_readers_may_understand_differently_are_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_BYTES_MAX));
        for line in [
            "",
            "GET / HTTP/1.1\r\n",
            "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2",
            "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
            "PROXY TCP4 ::1 2.2.2.2 1 2\r\n",
            "PROXY TCP6 1.1.1.1 ::1 1 2\r\n",
            "PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
            "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY UNKNOWN\nX: y\r\n",
            &long,
        ] {
            assert_eq!(source(line.as_bytes()), Err(NotProxied), "{line:?}");
        }
    }

    #[test]
    fn binary_headers_name_the_client_and_its_encryption() {
        let mut four = vec![203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        assert_eq!(
            source(&version_2(0x21, 0x11, &four)),
            Ok(Some("203.0.113.7:4711".to_owned()))
        );
        // A name, then TLS by the client.
        four.extend([0x02, 0, 1, b'a', 0x20, 0, 5, 0x01, 0, 0, 0, 0]);
        let proxied = Proxied::parse(&version_2(0x21, 0x11, &four)).unwrap();
        assert!(proxied.secure);
        let mut six = Ipv6Addr::LOCALHOST.octets().to_vec();
        six.extend([0; 16]);
        six.extend([0, 1, 0, 2]);
        assert_eq!(
            source(&version_2(0x21, 0x21, &six)),
            Ok(Some("[::1]:1".to_owned()))
        );
        assert_eq!(source(&version_2(0x20, 0x11, &four)), Ok(None));
        assert_eq!(source(&version_2(0x20, 0x00, &[])), Ok(None));
        assert_eq!(source(&version_2(0x21, 0x00, b"any")), Ok(None));
    }

    #[test]
    fn edge_binary_headers_that_are_not_whole_are_refused() {
        let four = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        let with = |more: &[u8]| [&four[..], more].concat();
        let mut cut = version_2(0x21, 0x11, &four);
        cut.pop();
        for header in [
            cut,
            version_2(0x21, 0x11, &four[..11]),
            version_2(0x21, 0x21, &four),
            version_2(0x21, 0x12, &four),
            version_2(0x21, 0x31, &[0; 216]),
            version_2(0x22, 0x11, &four),
            version_2(0x11, 0x11, &four),
            version_2(0x21, 0x11, &with(&[0x20])),
            version_2(0x21, 0x11, &with(&[0x20, 0, 0])),
            version_2(0x21, 0x11, &with(&[0x20, 0, 9, 1])),
            version_2(0x21, 0x11, &with(&[0; REST_BYTES_MAX])),
        ] {
            assert_eq!(Proxied::parse(&header), Err(NotProxied), "{header:?}");
        }
    }
}
