//! Lists of addresses to refresh or prefetch: `ObjectPath`.

use osier_types::limits::{
    CDN_PATH_BYTES_MAX, CDN_PUSH_MAX, CDN_REFRESH_MAX, CDN_REFRESH_OTHER_MAX,
};

use crate::CdnFault;

/// `ObjectType` of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// Single addresses.
    File,
    /// All below an address.
    Directory,
    /// All that a pattern matches.
    Regex,
    /// Single addresses, with any parameters.
    IgnoreParams,
}

/// One thing to refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTarget {
    /// As it was sent, for the task's report.
    pub path: String,
    /// Its host.
    pub host: String,
    /// Path and query; of a pattern, what follows the host.
    pub target: String,
}

impl RefreshTarget {
    /// The address.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.host, self.target)
    }
}

impl RefreshKind {
    /// Reads `ObjectType`; absent means single addresses.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn parse(text: Option<&str>) -> Result<Self, CdnFault> {
        match text.unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "file" => Ok(Self::File),
            "directory" => Ok(Self::Directory),
            "regex" => Ok(Self::Regex),
            "ignoreparams" => Ok(Self::IgnoreParams),
            _ => Err(CdnFault::malformed(
                "ObjectType",
                "`File`, `Directory`, `Regex` or `IgnoreParams`",
            )),
        }
    }
}

/// What a refresh is for.
///
/// # Errors
/// When a line is no address, or there are too many.
pub fn refreshed(paths: &str, kind: RefreshKind) -> Result<Vec<RefreshTarget>, CdnFault> {
    let max = match kind {
        RefreshKind::File | RefreshKind::IgnoreParams => CDN_REFRESH_MAX,
        RefreshKind::Directory | RefreshKind::Regex => CDN_REFRESH_OTHER_MAX,
    };
    let mut targets = lines(paths, max, "addresses to refresh")?;
    for target in &mut targets {
        match kind {
            RefreshKind::Directory if !target.target.ends_with('/') => {
                return Err(CdnFault::malformed(
                    "ObjectPath",
                    "a directory ends with a slash",
                ));
            }
            RefreshKind::IgnoreParams => {
                let path = target.target.split('?').next().unwrap_or_default();
                target.target = path.to_owned();
            }
            RefreshKind::File | RefreshKind::Directory | RefreshKind::Regex => {}
        }
    }
    Ok(targets)
}

/// What a prefetch is for.
///
/// # Errors
/// When a line is no address, or there are too many.
pub fn prefetched(paths: &str) -> Result<Vec<RefreshTarget>, CdnFault> {
    lines(paths, CDN_PUSH_MAX, "addresses to prefetch")
}

/// The host of an address.
pub(crate) fn host(line: &str) -> Option<String> {
    let rest = without_scheme(line.trim());
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

fn lines(paths: &str, max: usize, what: &'static str) -> Result<Vec<RefreshTarget>, CdnFault> {
    let mut targets = Vec::new();
    for line in paths.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if targets.len() >= max {
            return Err(CdnFault::OverLimit { what, max });
        }
        targets.push(target(line)?);
    }
    if targets.is_empty() {
        return Err(CdnFault::malformed("ObjectPath", "at least one address"));
    }
    Ok(targets)
}

fn target(line: &str) -> Result<RefreshTarget, CdnFault> {
    let wrong = || {
        CdnFault::malformed(
            "ObjectPath",
            "addresses such as `https://cdn.example.com/a.jpg`",
        )
    };
    if line.len() > CDN_PATH_BYTES_MAX {
        return Err(wrong());
    }
    let host = host(line).ok_or_else(wrong)?;
    let is_host = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if !is_host {
        return Err(wrong());
    }
    let rest = without_scheme(line);
    let rest = match rest.find(['/', '?']) {
        Some(start) => rest.get(start..).unwrap_or_default(),
        None => "",
    };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Ok(RefreshTarget {
        path: line.to_owned(),
        host,
        target: encoded(&format!("{slash}{rest}")),
    })
}

/// Consoles take addresses as people write them: what no address may hold is escaped.
fn encoded(target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut text = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    text
}

fn digit(nibble: u8) -> char {
    char::from(if nibble < 10 {
        b'0' + nibble
    } else {
        b'A' - 10 + nibble
    })
}

fn without_scheme(line: &str) -> &str {
    line.split_once("://").map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let paths = "https://CDN.example.com/a b.png?x=1\r\ncdn.example.com/中#f\n\nhttp://cdn.example.com:8080";
        let targets = refreshed(paths, RefreshKind::File).unwrap();
        let urls: Vec<String> = targets.iter().map(RefreshTarget::url).collect();
        assert_eq!(
            urls,
            [
                "http://cdn.example.com/a%20b.png?x=1",
                "http://cdn.example.com/%E4%B8%AD",
                "http://cdn.example.com/"
            ]
        );
        let without = refreshed("http://a.b/c?x=1", RefreshKind::IgnoreParams).unwrap();
        assert_eq!(without[0].target, "/c");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (paths, kind, code) in [
            ("", RefreshKind::File, "InvalidObjectPath.Malformed"),
            ("/a", RefreshKind::File, "InvalidObjectPath.Malformed"),
            (
                "http://a.b/c",
                RefreshKind::Directory,
                "InvalidObjectPath.Malformed",
            ),
            (
                "http://a@b/c",
                RefreshKind::File,
                "InvalidObjectPath.Malformed",
            ),
        ] {
            assert_eq!(refreshed(paths, kind).unwrap_err().code(), code, "{paths}");
        }
        let many = "http://a.b/\n".repeat(CDN_REFRESH_OTHER_MAX + 1);
        let fault = refreshed(&many, RefreshKind::Directory).unwrap_err();
        assert_eq!(fault.code(), "SingleRequest.OverLimit");
        let long = format!("http://a.b/{}", "x".repeat(CDN_PATH_BYTES_MAX));
        assert!(prefetched(&long).is_err());
    }
}
