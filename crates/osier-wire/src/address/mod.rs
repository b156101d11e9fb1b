//! Which bucket and key a request means.
//!
//! Clients put the bucket into the host name, into the path, or into both.
//! What can't be told from the request alone comes back as several candidates,
//! best first; the signature tells which one the client meant. Names are
//! decoded once and never normalised, and not checked here.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::Method;
use osier_types::{Fault, FaultKind, Query, percent_decode};

/// The host names that this server answers to.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    suffixes: Vec<String>,
    cnames: HashMap<String, String>,
}

/// Where a client put the bucket's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressStyle {
    /// `endpoint/bucket/key`.
    Path,
    /// `bucket.endpoint/key`.
    VirtualHost,
    /// `own-domain/key`: the host name is bound to a bucket.
    Cname,
}

/// One way to read a request's host and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where the bucket's name stood.
    pub style: AddressStyle,
    /// The bucket as the client wrote it, decoded; absent for the service itself.
    pub bucket: Option<String>,
    /// The key, decoded once; absent for the bucket itself.
    pub key: Option<Vec<u8>>,
    /// Host and port, as sent, without the bucket's name: where the service can be reached.
    pub endpoint: Option<String>,
}

/// What host and request target say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// Every reading that makes sense, best first; never empty.
    pub candidates: Vec<Address>,
    /// The parameters, decoded.
    pub query: Query,
    /// The parameters as sent, without the `?`.
    pub raw_query: String,
    /// The path as sent.
    pub raw_path: String,
    /// Host and port as sent, in lower case.
    pub authority: Option<String>,
}

impl Hosts {
    /// Own endpoints, such as `oss.example.com`, and domains bound to buckets.
    pub fn new<S, C, D, B>(suffixes: S, cnames: C) -> Self
    where
        S: IntoIterator,
        S::Item: AsRef<str>,
        C: IntoIterator<Item = (D, B)>,
        D: AsRef<str>,
        B: Into<String>,
    {
        let plain = |name: &str| name.trim_matches('.').to_ascii_lowercase();
        let mut suffixes: Vec<String> = suffixes
            .into_iter()
            .map(|suffix| plain(suffix.as_ref()))
            .filter(|suffix| !suffix.is_empty())
            .collect();
        // Of two suffixes that both fit, the longer one counts.
        suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.len()));
        let cnames = cnames
            .into_iter()
            .map(|(domain, bucket)| (plain(domain.as_ref()), bucket.into()))
            .collect();
        Self { suffixes, cnames }
    }

    /// Whether `authority` (lower case) is an own name, or lies under one.
    pub fn knows(&self, authority: &str) -> bool {
        let (host, _) = split_port(authority);
        let host = host.strip_suffix('.').unwrap_or(host);
        self.cnames.contains_key(host)
            || self
                .suffixes
                .iter()
                .any(|suffix| under(host, suffix).is_some())
    }

    /// The own endpoints.
    pub fn names(&self) -> &[String] {
        &self.suffixes
    }

    /// The buckets that have domains of their own.
    pub fn buckets(&self) -> impl Iterator<Item = &str> {
        self.cnames.values().map(String::as_str)
    }

    /// What `host` (lower case, no port) is to this server.
    fn place<'h>(&self, host: &'h str) -> Place<'h> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if let Some(bucket) = self.cnames.get(host) {
            return Place::Cname(bucket.clone());
        }
        if is_ip(host) {
            return Place::Endpoint;
        }
        self.suffixes
            .iter()
            .find_map(|suffix| under(host, suffix))
            .or_else(|| under(host, "localhost"))
            .or_else(|| aliyun(host))
            .unwrap_or(Place::Endpoint)
    }
}

enum Place<'h> {
    /// The service itself: the path names the bucket.
    Endpoint,
    /// A bucket's own host name.
    Bucket(&'h str),
    /// A domain bound to a bucket.
    Cname(String),
}

/// Reads the request line and the `Host` header.
///
/// `target` is as on the wire: a path, or an absolute URL whose authority then
/// counts as the host.
///
/// # Errors
/// When the target is neither.
pub fn address(
    method: &Method,
    target: &str,
    host: Option<&str>,
    hosts: &Hosts,
) -> Result<Addressed, Fault> {
    let (target_authority, rest) = split_target(method, target)?;
    let authority = target_authority
        .or(host)
        .map(|text| text.trim().to_ascii_lowercase())
        .filter(|text| !text.is_empty());
    let (raw_path, raw_query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = raw_path.strip_prefix('/').unwrap_or(raw_path);
    let (host, port) = split_port(authority.as_deref().unwrap_or_default());

    let candidates = match hosts.place(host) {
        Place::Endpoint => {
            let endpoint = authority
                .as_deref()
                .map(|text| text.trim_start_matches('.').to_owned());
            vec![by_path(path, endpoint)]
        }
        Place::Cname(bucket) => vec![Address {
            style: AddressStyle::Cname,
            bucket: Some(bucket),
            key: key(path),
            endpoint: authority.clone(),
        }],
        Place::Bucket(bucket) => {
            let suffix = host
                .strip_prefix(bucket)
                .and_then(|suffix| suffix.strip_prefix('.'))
                .unwrap_or_default();
            let endpoint = Some(format!("{suffix}{port}"));
            let named = Address {
                style: AddressStyle::VirtualHost,
                bucket: Some(bucket.to_owned()),
                key: key(path),
                endpoint: endpoint.clone(),
            };
            // ali-oss with `sldEnable` against an IP names the bucket in both places.
            let again = by_path(path, endpoint);
            if again.bucket == named.bucket {
                vec![named, again]
            } else {
                vec![named]
            }
        }
    };
    Ok(Addressed {
        candidates,
        query: Query::parse(raw_query),
        raw_query: raw_query.to_owned(),
        raw_path: raw_path.to_owned(),
        authority,
    })
}

/// Splits an absolute URL into authority and the rest; a path has no authority.
fn split_target<'t>(method: &Method, target: &'t str) -> Result<(Option<&'t str>, &'t str), Fault> {
    if target.starts_with('/') || target.is_empty() {
        return Ok((None, target));
    }
    if target == "*" && method == Method::OPTIONS {
        return Ok((None, "/"));
    }
    let strip = |scheme: &str| {
        target
            .split_at_checked(scheme.len())
            .filter(|(head, _)| head.eq_ignore_ascii_case(scheme))
            .map(|(_, rest)| rest)
    };
    let rest = strip("http://")
        .or_else(|| strip("https://"))
        .ok_or_else(|| {
            Fault::new(FaultKind::InvalidRequest {
                reason: "the request target is neither a path nor an http URL".to_owned(),
            })
        })?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Ok((Some(authority), rest))
}

/// Splits `host:port`; the port keeps its colon. IPv6 addresses stand in brackets.
fn split_port(authority: &str) -> (&str, &str) {
    let end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority.split_at_checked(end).unwrap_or((authority, ""))
}

/// Reads `bucket/key`, split at the first literal slash: oss2 sends the key's own as `%2F`.
fn by_path(path: &str, endpoint: Option<String>) -> Address {
    let (bucket, rest) = path.split_once('/').unwrap_or((path, ""));
    let service = bucket.is_empty() && rest.is_empty();
    Address {
        style: AddressStyle::Path,
        bucket: (!service)
            .then(|| String::from_utf8_lossy(&percent_decode(bucket.as_bytes())).into_owned()),
        key: key(rest),
        endpoint,
    }
}

fn key(path: &str) -> Option<Vec<u8>> {
    (!path.is_empty()).then(|| percent_decode(path.as_bytes()))
}

fn is_ip(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address = bare
        .split_once('%')
        .map_or(bare, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().is_ok() || host.parse::<Ipv4Addr>().is_ok()
}

/// `suffix` itself or `.suffix` is the endpoint, `name.suffix` a bucket, all else is not ours.
fn under<'h>(host: &'h str, suffix: &str) -> Option<Place<'h>> {
    let head = host.strip_suffix(suffix)?;
    match head.strip_suffix('.') {
        Some("") => Some(Place::Endpoint),
        Some(bucket) => Some(Place::Bucket(bucket)),
        None if head.is_empty() => Some(Place::Endpoint),
        None => None,
    }
}

/// Hosts of the real service, which reach us through proxies, and through ali-oss: given an
/// IP, it connects there but still calls it `bucket.<region>.aliyuncs.com`.
fn aliyun(host: &str) -> Option<Place<'_>> {
    let head = host.strip_suffix(".aliyuncs.com")?;
    let (before, last) = split_last_label(head);
    let endpoint = if last == "oss" {
        // `<region>.oss.aliyuncs.com`, and of old `bucket.oss.aliyuncs.com`.
        let (_, region) = split_last_label(before);
        if is_region(region) {
            format!("{region}.oss.aliyuncs.com")
        } else {
            "oss.aliyuncs.com".to_owned()
        }
    } else if split_last_label(before).1 == "s3" {
        format!("s3.{last}.aliyuncs.com")
    } else {
        format!("{last}.aliyuncs.com")
    };
    under(host, &endpoint)
}

fn split_last_label(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Whether a label looks like `cn-hangzhou`, `ap-southeast-1`, `rus-west-1` and the like.
fn is_region(label: &str) -> bool {
    const AREAS: [&str; 8] = ["cn", "us", "ap", "eu", "me", "na", "sa", "rus"];
    label
        .split_once('-')
        .is_some_and(|(area, _)| AREAS.contains(&area))
}
