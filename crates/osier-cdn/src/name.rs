//! Names of domains.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CdnFault;

/// A domain: a host name in lower case, or `.example.com` for all names below one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CdnFault> {
        let name = text.trim().to_ascii_lowercase();
        let labels = name.strip_prefix('.').unwrap_or(&name);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= LABEL_MAX
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        // Addresses are no domains: their last label is a number.
        let is_name = labels
            .rsplit('.')
            .next()
            .is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() > NAME_MAX
            || !labels.contains('.')
            || !is_name
            || !labels.split('.').all(is_label)
        {
            return Err(CdnFault::malformed(
                "DomainName",
                "a host name such as `cdn.example.com`, or `.example.com` for all below one",
            ));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for all names below one.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('.')
    }

    /// The name as a site's host: `*.example.com` for `.example.com`.
    pub fn host(&self) -> String {
        if self.is_wildcard() {
            format!("*{}", self.0)
        } else {
            self.0.clone()
        }
    }

    /// Whether requests for `host` are its own.
    pub fn covers(&self, host: &str) -> bool {
        if self.is_wildcard() {
            host.len() > self.0.len() && host.ends_with(&self.0)
        } else {
            host == self.0
        }
    }
}

impl TryFrom<String> for DomainName {
    type Error = CdnFault;

    fn try_from(text: String) -> Result<Self, CdnFault> {
        Self::parse(&text)
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// RFC 1035, section 2.3.4.
const LABEL_MAX: usize = 63;
const NAME_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_they_cover() {
        let name = DomainName::parse(" CDN.example.com").unwrap();
        assert_eq!(name.host(), "cdn.example.com");
        assert!(name.covers("cdn.example.com"));
        assert!(!name.covers("x.cdn.example.com"));
        let all = DomainName::parse(".example.com").unwrap();
        assert_eq!(all.host(), "*.example.com");
        assert!(all.covers("a.example.com") && all.covers("a.b.example.com"));
        assert!(!all.covers("example.com") && !all.covers(".example.com"));
        for text in [
            "", "a", ".", "..a.b", "a..b", "-a.b", "a b.c", "a/b.c", "a:80", "1.2.3.4", "*.a.b",
            "中.com", "a.b.", "a.b/../c",
        ] {
            assert!(DomainName::parse(text).is_err(), "{text}");
        }
    }
}
