//! What a load balancer says of its client: a header that is taken has one reading, and names
//! no more than one client.

use osier_http::Proxied;

/// A header of the PROXY protocol, whole.
pub fn proxy_protocol(data: &[u8]) {
    let Ok(proxied) = Proxied::parse(data) else {
        return;
    };
    let is_line = data.starts_with(b"PROXY ") && data.len() <= 107 && data.ends_with(b"\r\n");
    let is_binary = data.starts_with(b"\r\n\r\n\0\r\nQUIT\n") && (16..=4096).contains(&data.len());
    assert!(is_line || is_binary, "{data:?} was taken for a header");
    assert!(proxied.source.is_some() || !proxied.secure);
    if let (true, Some(source)) = (is_line, proxied.source) {
        let (family, port) = match source.ip() {
            std::net::IpAddr::V4(_) => ("TCP4", source.port()),
            std::net::IpAddr::V6(_) => ("TCP6", source.port()),
        };
        let again = format!(
            "PROXY {family} {} {} {port} 1\r\n",
            source.ip(),
            source.ip()
        );
        assert_eq!(
            Proxied::parse(again.as_bytes()).map(|again| again.source),
            Ok(Some(source))
        );
    }
    // Nothing may follow it: a reader that took more would eat the client's own bytes.
    let mut longer = data.to_vec();
    longer.push(b'x');
    assert!(Proxied::parse(&longer).is_err());
}
