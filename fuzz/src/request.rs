//! Requests as fuzz inputs: the text of HTTP without its framing.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use osier_types::Fault;
use osier_wire::{Addressed, Hosts};

/// A request that came through an HTTP parser.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) document: Bytes,
}

impl<'a> Request<'a> {
    /// What an HTTP parser would not let through is `None`, or a header less.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Self> {
        let (line, mut rest) = split_line(data);
        let line = std::str::from_utf8(line).ok()?;
        let (method, line) = line.split_once(' ')?;
        let target = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
        if target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return None;
        }
        let mut headers = HeaderMap::new();
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            rest = after;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(colon);
            let value = value.get(1..)?.trim_ascii();
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                headers.append(name, value);
            }
        }
        Some(Self {
            method: Method::from_bytes(method.as_bytes()).ok()?,
            target,
            headers,
            document: Bytes::copy_from_slice(rest),
        })
    }

    pub(crate) fn address(&self) -> Result<Addressed, Fault> {
        let hosts = Hosts::new(["oss.example.com"], [("img.example.com", "bkt")]);
        let host = self.headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        osier_wire::address(&self.method, self.target, host, &hosts)
    }
}

/// The first line, without its end, and what follows it.
pub(crate) fn split_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
