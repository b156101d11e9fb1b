//! Paths that become others by a pattern, for everybody or at the origin only, or lead elsewhere.
//!
//! As nginx rewrites: a pattern that matches anywhere in a path replaces all of it. Patterns are
//! tried in linear time, and are bounded in number and size.

use http::uri::PathAndQuery;
use http::{StatusCode, Uri, request};
use osier_cache::Pattern;
use osier_http::Outgoing;

use crate::access::redirect;
use crate::settings::RewriteSettings;
use crate::site::InvalidSite;
use crate::trouble::Trouble;

/// Rules in the order in which they are tried.
#[derive(Debug, Default)]
pub(crate) struct Rewrites(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    to: String,
    redirect: Option<StatusCode>,
    with_query: bool,
    last: bool,
}

/// What rules make of an address.
enum Rewritten {
    Same,
    Target(String),
    Elsewhere(StatusCode, String),
}

impl Rewrites {
    pub(crate) fn new(settings: &[RewriteSettings], at_origin: bool) -> Result<Self, InvalidSite> {
        if settings.len() > RULES_MAX {
            return Err(InvalidSite::Rewrite(format!("more than {RULES_MAX} rules")));
        }
        let rules = settings.iter().map(|rule| {
            let wrong = |reason: &str| InvalidSite::Rewrite(format!("`{}` {reason}", rule.pattern));
            let redirect = rule.redirect.map(|status| {
                let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308) && !at_origin;
                let status = is_redirect.then(|| StatusCode::from_u16(status).ok());
                status
                    .flatten()
                    .ok_or_else(|| wrong("redirects with no such status"))
            });
            let redirect = redirect.transpose()?;
            if redirect.is_none() && !rule.to.starts_with(['/', '$']) {
                return Err(wrong("leads to what does not begin with `/`"));
            }
            Ok(Rule {
                pattern: Pattern::parse(&rule.pattern)
                    .map_err(|error| wrong(&error.to_string()))?,
                to: rule.to.clone(),
                redirect,
                with_query: rule.query,
                last: rule.last,
            })
        });
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Changes what a request asks for, or answers it.
    pub(crate) fn enter(&self, head: &mut request::Parts) -> Result<Option<Outgoing>, Trouble> {
        if self.0.is_empty() {
            return Ok(None);
        }
        match self.rewrite(head.uri.path(), head.uri.query()) {
            Rewritten::Same => Ok(None),
            Rewritten::Target(target) => {
                let target: PathAndQuery = target.parse().map_err(|_| Trouble::BadRequest)?;
                head.uri = Uri::from(target);
                Ok(None)
            }
            Rewritten::Elsewhere(status, to) => redirect(status, &to).map(Some),
        }
    }

    /// What an origin is asked for in the place of a path and a query.
    pub(crate) fn at_origin(&self, path: String, query: Option<&str>) -> String {
        match self.rewrite(&path, query) {
            Rewritten::Target(target) => target,
            Rewritten::Same | Rewritten::Elsewhere(..) => joined(path, query),
        }
    }

    fn rewrite(&self, path: &str, query: Option<&str>) -> Rewritten {
        let (mut path, mut query) = (path.to_owned(), query.map(ToOwned::to_owned));
        let mut changed = false;
        for rule in &self.0 {
            let text = match &query {
                Some(query) if rule.with_query => format!("{path}?{query}"),
                _ => path.clone(),
            };
            let Some(to) = rule.pattern.replaced(&text, &rule.to) else {
                continue;
            };
            let kept = query.take().filter(|_| !rule.with_query);
            if let Some(status) = rule.redirect {
                return Rewritten::Elsewhere(status, joined(to, kept.as_deref()));
            }
            changed = true;
            let whole = joined(to, kept.as_deref());
            (path, query) = match whole.split_once('?') {
                Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
                None => (whole, None),
            };
            if rule.last {
                break;
            }
        }
        // What a `$1` began with must still be a path.
        if !changed || !path.starts_with('/') {
            return Rewritten::Same;
        }
        Rewritten::Target(joined(path, query.as_deref()))
    }
}

/// A path with a query; what it has already comes first.
fn joined(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) if path.contains('?') => format!("{path}&{query}"),
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// As many as the consoles of CDNs take.
const RULES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrites(rules: &[(&str, &str, Option<u16>, bool, bool)]) -> Rewrites {
        let rules: Vec<_> = rules
            .iter()
            .map(|(pattern, to, redirect, query, last)| RewriteSettings {
                pattern: (*pattern).to_owned(),
                to: (*to).to_owned(),
                redirect: *redirect,
                query: *query,
                last: *last,
            })
            .collect();
        Rewrites::new(&rules, false).unwrap()
    }

    fn asked(rules: &Rewrites, target: &str) -> String {
        let (mut head, ()) = http::Request::builder()
            .uri(target)
            .body(())
            .unwrap()
            .into_parts();
        match rules.enter(&mut head).unwrap() {
            None => head.uri.to_string(),
            Some(answer) => format!(
                "{} {}",
                answer.parts.status.as_u16(),
                answer.parts.headers["location"].to_str().unwrap()
            ),
        }
    }

    #[test]
    fn a_match_replaces_the_whole_path() {
        let rules = rewrites(&[
            ("^/old/(.*)-([0-9]+)$", "/new/$2/$1", None, false, true),
            (
                "^/go/(.*)",
                "https://other.example.com/$1x",
                Some(302),
                false,
                true,
            ),
            ("^/q\\?a=(.)", "/r/$1", None, true, true),
            ("^/one$", "/two", None, false, false),
            ("^/two$", "/three?n=3", None, false, false),
        ]);
        for (target, expected) in [
            ("/old/a-12?x=1", "/new/12/a?x=1"),
            ("/old/a", "/old/a"),
            ("/go/there?x=1", "302 https://other.example.com/therex?x=1"),
            ("/q?a=1&b=2", "/r/1"),
            ("/one", "/three?n=3"),
            ("/two?m=1", "/three?n=3&m=1"),
        ] {
            assert_eq!(asked(&rules, target), expected, "{target}");
        }
        // What would be no path stays as it was.
        let rules = rewrites(&[("^/(.*)$", "$1", None, false, true)]);
        assert_eq!(asked(&rules, "/evil.example.com/"), "/evil.example.com/");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (pattern, to, redirect) in [
            ("(", "/x", None),
            ("^/a", "http://other/", None),
            ("^/a", "/b", Some(200)),
        ] {
            let rule = RewriteSettings {
                pattern: pattern.to_owned(),
                to: to.to_owned(),
                redirect,
                query: false,
                last: true,
            };
            assert!(Rewrites::new(&[rule], false).is_err(), "{pattern}");
        }
    }
}
