//! Hotlink protection: may the page that refers to an object?
//!
//! For requests that anybody could send: anonymous ones and signed URLs (reference 5.6). A
//! referer is what browsers say of themselves; it keeps pages away, not programs.

use osier_types::{RefererConfig, RefererDenial};

use crate::policy::glob::Glob;

/// A compiled configuration.
#[derive(Clone, Debug)]
pub struct Referers {
    allow_empty: bool,
    allow_truncate_query: bool,
    truncate_path: bool,
    allowed: Box<[Glob]>,
    denied: Box<[Glob]>,
}

impl Referers {
    /// Compiles `config`. Patterns are whole referers, scheme included; their case does not
    /// count, as it does not in what browsers send.
    pub fn new(config: &RefererConfig) -> Self {
        let compile = |patterns: &[String]| {
            let lower = |pattern: &String| Glob::new(&pattern.to_lowercase());
            patterns.iter().map(lower).collect()
        };
        Self {
            allow_empty: config.allow_empty,
            allow_truncate_query: config.allow_truncate_query,
            truncate_path: config.truncate_path,
            allowed: compile(&config.allowed),
            denied: compile(&config.denied),
        }
    }

    /// Whether a request with this `Referer` may pass.
    ///
    /// # Errors
    /// When it has none and must have one, is on the list of those that may not, or is not on
    /// the list of those that may.
    pub fn check(&self, referer: Option<&str>) -> Result<(), RefererDenial> {
        let Some(referer) = referer.map(str::trim).filter(|referer| !referer.is_empty()) else {
            return if self.allow_empty {
                Ok(())
            } else {
                Err(RefererDenial::Empty)
            };
        };
        let seen = self.truncated(referer).to_lowercase();
        if self.denied.iter().any(|pattern| pattern.matches(&seen)) {
            return Err(RefererDenial::Denied);
        }
        if self.allowed.is_empty() {
            return Ok(());
        }
        // `https://good.example@evil.example/` begins like a good page and is none.
        if !has_user_information(&seen) && self.allowed.iter().any(|good| good.matches(&seen)) {
            return Ok(());
        }
        Err(RefererDenial::NotAllowed)
    }

    /// What of a referer counts.
    fn truncated<'r>(&self, referer: &'r str) -> &'r str {
        let before = |text: &'r str, ends: &[char]| text.split(ends).next().unwrap_or(text);
        if self.truncate_path {
            let host = referer.find("://").map_or(0, |at| at + 3);
            let length = referer.get(host..).map_or(referer.len(), |rest| {
                host + before(rest, &['/', '?', '#']).len()
            });
            referer.get(..length).unwrap_or(referer)
        } else if self.allow_truncate_query {
            before(referer, &['?'])
        } else {
            referer
        }
    }
}

fn has_user_information(referer: &str) -> bool {
    let rest = referer.split_once("://").map_or(referer, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referers(allowed: &[&str], denied: &[&str]) -> RefererConfig {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        RefererConfig {
            allowed: texts(allowed),
            denied: texts(denied),
            ..RefererConfig::default()
        }
    }

    fn check(config: &RefererConfig, referer: &str) -> Result<(), RefererDenial> {
        Referers::new(config).check(Some(referer))
    }

    #[test]
    fn empty_referers() {
        let mut config = referers(&["https://a.example"], &[]);
        for none in [None, Some(""), Some("  ")] {
            assert_eq!(Referers::new(&config).check(none), Ok(()));
        }
        config.allow_empty = false;
        for none in [None, Some(""), Some("  ")] {
            let checked = Referers::new(&config).check(none);
            assert_eq!(checked, Err(RefererDenial::Empty));
        }
        // Also where no list says anything.
        let config = RefererConfig {
            allow_empty: false,
            ..RefererConfig::default()
        };
        assert_eq!(
            Referers::new(&config).check(None),
            Err(RefererDenial::Empty)
        );
        assert_eq!(check(&config, "http://any.example/"), Ok(()));
    }

    #[test]
    fn lists() {
        use RefererDenial::{Denied, NotAllowed};
        let both = referers(
            &["https://*.example.com/*", "http://one.example?/"],
            &["*://bad.example.com*"],
        );
        for (referer, expected) in [
            ("https://www.example.com/page", Ok(())),
            ("https://a.b.example.com/", Ok(())),
            ("HTTPS://WWW.Example.COM/Page", Ok(())),
            ("http://www.example.com/page", Err(NotAllowed)),
            ("https://example.com/page", Err(NotAllowed)),
            ("https://www.example.com", Err(NotAllowed)),
            ("http://one.example1/", Ok(())),
            ("http://one.example12/", Err(NotAllowed)),
            ("www.example.com/page", Err(NotAllowed)),
            // The list of those that may not comes first.
            ("https://bad.example.com/page", Err(Denied)),
            ("https://BAD.example.com/page", Err(Denied)),
        ] {
            assert_eq!(check(&both, referer), expected, "{referer}");
        }
        assert_eq!(check(&referers(&[], &["*evil*"]), "http://good/"), Ok(()));
    }

    #[test]
    fn truncation() {
        let mut config = referers(&["http://a.example/p"], &[]);
        let not = Err(RefererDenial::NotAllowed);
        assert_eq!(check(&config, "http://a.example/p?q=1"), Ok(()));
        config.allow_truncate_query = false;
        assert_eq!(check(&config, "http://a.example/p?q=1"), not);
        config.allowed = vec!["http://a.example".to_owned()];
        assert_eq!(check(&config, "http://a.example/p"), not);
        config.truncate_path = true;
        for referer in [
            "http://a.example/p?q",
            "http://a.example?q",
            "http://a.example#f",
            "http://a.example",
        ] {
            assert_eq!(check(&config, referer), Ok(()), "{referer}");
        }
    }

    /// What is written to look like a page that may.
    #[test]
    fn s27_disguises() {
        let mut config = referers(&["http://*.example.com", "http://good.example*"], &[]);
        config.truncate_path = true;
        for disguise in [
            "http://evil.test/.example.com",
            "http://evil.test?.example.com",
            "http://evil.test#.example.com",
            "http://good.example@evil.test/",
            "http://good.example:80@evil.test/",
            "http://x.example.com@evil.test",
            "http://notexample.com",
        ] {
            let checked = check(&config, disguise);
            assert_eq!(checked, Err(RefererDenial::NotAllowed), "{disguise}");
        }
    }
}
