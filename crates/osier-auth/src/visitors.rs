//! Who may visit a site: by address, by the page that refers to it, by the program that asks.
//!
//! Addresses keep people out. Referers and programs are what a client says of itself; they keep
//! pages away and say what is wanted, and are no proof.

use std::net::IpAddr;

use crate::policy::Network;
use crate::policy::glob::Glob;

/// The lists of a site. Empty ones let everybody pass.
#[derive(Clone, Debug, Default)]
pub struct Visitors {
    /// Pages, by their host.
    pub referers: List<HostPattern>,
    /// Clients, by their address.
    pub addresses: List<Network>,
    /// Programs, by what they call themselves.
    pub agents: List<AgentPattern>,
}

/// Those that may, or those that may not. The latter come first.
#[derive(Clone, Debug)]
pub struct List<P> {
    /// Those that may; empty means all.
    pub allowed: Vec<P>,
    /// Those that may not.
    pub denied: Vec<P>,
    /// Whether those that say nothing may.
    pub allow_empty: bool,
}

/// The host of a page: `example.com`, or `*.example.com` for all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

/// A program's name with `*` and `?`, in any case.
#[derive(Clone, Debug)]
pub struct AgentPattern(Glob);

/// Why a visitor is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitorRefusal {
    /// By its address.
    #[error("the address may not")]
    Address,
    /// By the page that refers to the site.
    #[error("the referring page may not")]
    Referer,
    /// By its program.
    #[error("the program may not")]
    Agent,
}

impl<P> Default for List<P> {
    fn default() -> Self {
        Self {
            allowed: Vec::new(),
            denied: Vec::new(),
            allow_empty: true,
        }
    }
}

impl<P> List<P> {
    fn admits(&self, matches: impl Fn(&P) -> bool) -> bool {
        !self.denied.iter().any(&matches)
            && (self.allowed.is_empty() || self.allowed.iter().any(matches))
    }
}

impl HostPattern {
    /// Reads a host name, with or without `*.` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
        is_name.then(|| Self(text.to_ascii_lowercase()))
    }

    fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(below) => host.len() > below.len() && host.ends_with(below),
            None => host == self.0,
        }
    }
}

impl AgentPattern {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(Glob::new(&pattern.to_lowercase()))
    }
}

impl Visitors {
    /// Whether a visitor may come.
    ///
    /// # Errors
    /// By what it is turned away.
    pub fn check(
        &self,
        address: IpAddr,
        referer: Option<&str>,
        agent: Option<&str>,
    ) -> Result<(), VisitorRefusal> {
        if !self.addresses.admits(|network| network.contains(address)) {
            return Err(VisitorRefusal::Address);
        }
        let said = |text: Option<&str>| text.map(str::trim).is_some_and(|text| !text.is_empty());
        let by_page = match referer.filter(|_| said(referer)) {
            None => self.referers.allow_empty,
            Some(referer) => {
                let host = host_of(referer);
                // What names no host fits no list of those that may.
                let host = host.unwrap_or_default();
                self.referers.admits(|pattern| pattern.matches(&host))
            }
        };
        if !by_page {
            return Err(VisitorRefusal::Referer);
        }
        let by_agent = match agent.filter(|_| said(agent)) {
            None => self.agents.allow_empty,
            Some(agent) => {
                let agent = agent.to_lowercase();
                self.agents.admits(|pattern| pattern.0.matches(&agent))
            }
        };
        by_agent.then_some(()).ok_or(VisitorRefusal::Agent)
    }
}

/// The host of a referer, without a port. One with user information is what somebody wrote who
/// wants to look like somebody else.
fn host_of(referer: &str) -> Option<String> {
    let rest = referer.trim();
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    if authority.contains('@') {
        return None;
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(patterns: &[&str]) -> Vec<HostPattern> {
        let parsed = patterns.iter().map(|text| HostPattern::parse(text));
        parsed.map(Option::unwrap).collect()
    }

    fn by_referer(list: &List<HostPattern>, referer: Option<&str>) -> bool {
        let visitors = Visitors {
            referers: list.clone(),
            ..Visitors::default()
        };
        let address = "192.0.2.1".parse().unwrap();
        visitors.check(address, referer, None).is_ok()
    }

    #[test]
    fn pages_are_told_apart_by_host() {
        let list = List {
            allowed: hosts(&["example.com", "*.example.com"]),
            denied: hosts(&["bad.example.com"]),
            allow_empty: true,
        };
        for good in [
            "http://example.com/",
            "https://EXAMPLE.com:8443/x?y#z",
            "https://a.b.example.com",
            "example.com/page",
            "https://example.com./",
        ] {
            assert!(by_referer(&list, Some(good)), "{good}");
        }
        assert!(by_referer(&list, None) && by_referer(&list, Some(" ")));
        assert!(!by_referer(&list, Some("https://bad.example.com/")));
    }

    #[test]
    fn edge_disguised_referers_are_seen_through() {
        let list = List {
            allowed: hosts(&["*.example.com", "good.test"]),
            allow_empty: false,
            ..List::default()
        };
        for disguise in [
            "http://evil.test/.example.com",
            "http://evil.test?.example.com",
            "http://evil.test#good.test",
            "http://evil.test\\.example.com",
            "http://good.test@evil.test/",
            "http://x.example.com:80@evil.test/",
            "http://notexample.com",
            "http://example.com.evil.test",
            "http://.example.com",
            "good.test.evil.test",
            "http://",
            "nonsense",
            "",
        ] {
            assert!(!by_referer(&list, Some(disguise)), "{disguise}");
        }
        assert!(!by_referer(&list, None));
    }

    #[test]
    fn addresses_and_programs() {
        let visitors = Visitors {
            addresses: List {
                allowed: vec![Network::parse("10.0.0.0/8").unwrap()],
                denied: vec![Network::parse("10.9.0.0/16").unwrap()],
                ..List::default()
            },
            agents: List {
                denied: vec![AgentPattern::new("*curl*"), AgentPattern::new("bot")],
                allow_empty: false,
                ..List::default()
            },
            ..Visitors::default()
        };
        let check = |address: &str, agent| visitors.check(address.parse().unwrap(), None, agent);
        assert_eq!(check("10.1.1.1", Some("Mozilla")), Ok(()));
        assert_eq!(check("::ffff:10.1.1.1", Some("Mozilla")), Ok(()));
        assert_eq!(check("10.9.1.1", Some("x")), Err(VisitorRefusal::Address));
        assert_eq!(check("192.0.2.1", Some("x")), Err(VisitorRefusal::Address));
        for agent in [Some("libCURL/8"), Some("BOT"), None, Some("")] {
            assert_eq!(check("10.1.1.1", agent), Err(VisitorRefusal::Agent));
        }
    }
}
