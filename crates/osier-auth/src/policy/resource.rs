//! `Resource` and `NotResource`: names with wildcards.

use super::facts::{RequestFacts, RequestResource};
use super::glob::Glob;
use super::{iam, variable};

/// A resource as a statement lists it.
#[derive(Clone, Debug)]
pub(super) struct ResourcePattern {
    /// As written.
    pub(super) text: Box<str>,
    service: Glob,
    region: Glob,
    owner: Glob,
    path: Glob,
    /// The path as text, for [`Self::bucket`].
    path_text: Box<str>,
}

impl ResourcePattern {
    /// Reads `acs:<service>:<region>:<owner>:<path>`, S3's `arn:aws:s3:::<path>`, IAM's
    /// `arn:aws:iam::<owner>:<path>`, the short `<bucket>[/<pattern>]`, or `*`. What follows a final `:*` may be left out.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        variable::check(text)?;
        let malformed = || {
            Err(format!(
                "`{text}` is no resource: expected `*`, \
                 `acs:<service>:<region>:<owner>:<path>`, `arn:aws:s3:::<path>` or \
                 `arn:aws:iam::<owner>:<path>`"
            ))
        };
        if text == "*" {
            return Ok(Self::new(text, ["*"; 4]));
        }
        if let Some(rest) = text.strip_prefix("acs:") {
            let mut parts = rest.splitn(4, ':');
            let mut last = "";
            let fields = [(); 4].map(|()| {
                // `acs:oss:*` is everything of the service.
                let part = parts.next().or_else(|| (last == "*").then_some("*"));
                last = part.unwrap_or_default();
                part
            });
            let [Some(service), Some(region), Some(owner), Some(path)] = fields else {
                return malformed();
            };
            if service.is_empty() || path.is_empty() {
                return malformed();
            }
            return Ok(Self::new(text, [service, region, owner, path]));
        }
        if let Some(rest) = text.strip_prefix("arn:aws:s3:") {
            let mut parts = rest.splitn(3, ':');
            let (Some(region), Some(owner), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return malformed();
            };
            if path.is_empty() {
                return malformed();
            }
            return Ok(Self::new(text, ["oss", region, owner, path]));
        }
        if let Some(parts) = iam::resource(text) {
            return Ok(Self::new(text, parts));
        }
        let bucket = text.split('/').next().unwrap_or_default();
        let named = !bucket.is_empty()
            && bucket.bytes().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || matches!(byte, b'-' | b'*' | b'?')
            });
        if named {
            return Ok(Self::new(text, ["oss", "*", "*", text]));
        }
        malformed()
    }

    fn new(text: &str, [service, region, owner, path]: [&str; 4]) -> Self {
        let or_any = |part: &str| Glob::new(if part.is_empty() { "*" } else { part });
        Self {
            text: text.into(),
            service: Glob::new(&service.to_ascii_lowercase()),
            region: or_any(region.strip_prefix("oss-").unwrap_or(region)),
            owner: or_any(owner),
            path: Glob::new(path),
            path_text: path.into(),
        }
    }

    /// Whether one of the names of the request's resource is meant.
    pub(super) fn matches(&self, facts: &RequestFacts<'_>) -> bool {
        if variable::has(&self.text) {
            let expanded = variable::expand(&self.text, facts.conditions);
            let expanded = expanded.and_then(|text| Self::parse(&text).ok());
            return expanded.is_some_and(|pattern| pattern.matches(facts));
        }
        self.matches_name(&facts.resource)
            || facts
                .by_access_point
                .as_ref()
                .is_some_and(|name| self.matches_name(name))
    }

    fn matches_name(&self, name: &RequestResource<'_>) -> bool {
        self.path.matches(&name.path)
            && self.service.matches(name.service)
            && self
                .region
                .matches(name.region.strip_prefix("oss-").unwrap_or(name.region))
            && self.owner.matches(name.owner)
    }

    /// Whether it speaks of the object store.
    pub(super) fn is_oss(&self) -> bool {
        self.service.matches("oss")
    }

    /// Whether it can mean `bucket` or something in it, by its part before the first slash.
    pub(super) fn can_mean_bucket(&self, bucket: &str) -> bool {
        let written = self.path_text.split('/').next().unwrap_or_default();
        Glob::new(written).matches(bucket)
    }

    /// Whether it names access points, or everything.
    pub(super) fn can_mean_access_point(&self) -> bool {
        self.path.is_anything() || self.path_text.starts_with("accesspoint/")
    }
}
