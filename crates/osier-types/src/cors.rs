//! Cross-origin rules of a bucket, and what they say to a browser.

use serde::{Deserialize, Serialize};

/// A bucket's CORS configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsConfig {
    /// Rules in order; the first that matches counts.
    pub rules: Vec<CorsRule>,
    /// Send `Vary: Origin` even when no rule matches.
    pub response_vary: bool,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsRule {
    /// Origins, each with at most one `*`.
    pub allowed_origins: Vec<String>,
    /// Methods, upper case.
    pub allowed_methods: Vec<String>,
    /// Request headers, each with at most one `*`; case does not count.
    pub allowed_headers: Vec<String>,
    /// Response headers a script may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may remember the answer, in seconds.
    pub max_age_seconds: Option<u32>,
}

/// What a matching rule grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// `Access-Control-Allow-Origin`.
    pub allow_origin: String,
    /// `Access-Control-Allow-Methods`.
    pub allow_methods: Vec<String>,
    /// `Access-Control-Allow-Headers`: the requested ones.
    pub allow_headers: Vec<String>,
    /// `Access-Control-Expose-Headers`.
    pub expose_headers: Vec<String>,
    /// `Access-Control-Max-Age`, in seconds.
    pub max_age_seconds: Option<u32>,
    /// Whether the answer depends on the origin, so that caches must keep answers apart.
    pub vary_origin: bool,
}

impl CorsConfig {
    /// The grant for a request from `origin` with `method` and, in a preflight, `headers`.
    pub fn grant(&self, origin: &str, method: &str, headers: &[&str]) -> Option<Preflight> {
        self.rules
            .iter()
            .find_map(|rule| rule.grant(origin, method, headers))
            .map(|mut grant| {
                grant.vary_origin |= self.response_vary;
                grant
            })
    }
}

impl CorsRule {
    fn grant(&self, origin: &str, method: &str, headers: &[&str]) -> Option<Preflight> {
        let matched = self
            .allowed_origins
            .iter()
            .find(|allowed| matches_star(allowed, origin))?;
        if !self.allowed_methods.iter().any(|allowed| allowed == method) {
            return None;
        }
        let header_allowed = |header: &&str| {
            let header = header.to_ascii_lowercase();
            self.allowed_headers
                .iter()
                .any(|allowed| matches_star(&allowed.to_ascii_lowercase(), &header))
        };
        if !headers.iter().all(header_allowed) {
            return None;
        }
        let any_origin = matched == "*";
        Some(Preflight {
            allow_origin: if any_origin {
                "*".to_owned()
            } else {
                origin.to_owned()
            },
            allow_methods: self.allowed_methods.clone(),
            allow_headers: headers.iter().map(|&header| header.to_owned()).collect(),
            expose_headers: self.expose_headers.clone(),
            max_age_seconds: self.max_age_seconds,
            vary_origin: !any_origin,
        })
    }
}

/// Whether `text` fits `pattern`, in which the first `*` stands for any run.
fn matches_star(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_rule_grants() {
        let config = CorsConfig {
            rules: vec![
                CorsRule {
                    allowed_origins: vec!["https://*.example.com".into()],
                    allowed_methods: vec!["PUT".into()],
                    allowed_headers: vec!["x-oss-*".into(), "Content-Type".into()],
                    expose_headers: vec!["ETag".into()],
                    max_age_seconds: Some(10),
                },
                CorsRule {
                    allowed_origins: vec!["*".into()],
                    allowed_methods: vec!["GET".into()],
                    ..CorsRule::default()
                },
            ],
            response_vary: false,
        };
        let put = config
            .grant(
                "https://a.example.com",
                "PUT",
                &["content-type", "X-Oss-Date"],
            )
            .unwrap();
        assert_eq!(put.allow_origin, "https://a.example.com");
        assert!(put.vary_origin);
        assert_eq!(
            config.grant("https://a.example.com", "PUT", &["authorization"]),
            None
        );
        assert_eq!(config.grant("https://example.com", "PUT", &[]), None);
        let get = config.grant("null", "GET", &[]).unwrap();
        assert_eq!((get.allow_origin.as_str(), get.vary_origin), ("*", false));
    }
}
