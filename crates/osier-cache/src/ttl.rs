//! How long a site wants answers to be kept: the rules of Alibaba Cloud CDN
//! (`filetype_based_ttl_set`, `path_based_ttl_set`) and the default for answers that say nothing.

use osier_types::Timestamp;
use serde::{Deserialize, Serialize};

/// The rules of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TtlRules {
    /// In the order in which they were made.
    rules: Vec<TtlRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtlRule {
    /// What it applies to.
    pub target: TtlTarget,
    /// Seconds; 0 keeps nothing without asking.
    pub ttl_s: u64,
    /// 1 to 99; the heaviest rule that applies counts, of equals the one made first.
    pub weight: u8,
    /// Whether the origin's `max-age` and `Expires` come first (`swift_origin_cache_high`).
    pub origin_first: bool,
    /// Whether the rule counts although the origin says `no-cache` or `no-store`
    /// (`swift_no_cache_low`).
    pub over_no_cache: bool,
}

/// What a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TtlTarget {
    /// Paths that begin like this; it begins with `/`.
    Directory(String),
    /// Exactly this path.
    Path(String),
    /// Endings of the last segment, in lower case, without the dot.
    Extensions(Vec<String>),
}

/// Where a lifetime came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A rule of the site.
    Rule,
    /// The origin's headers.
    Origin,
    /// Neither: guessed from `Last-Modified` or `ETag`.
    Guess,
}

impl TtlRules {
    /// Rules in the order in which they were made.
    pub fn new(rules: Vec<TtlRule>) -> Self {
        Self { rules }
    }

    /// The rule for a decoded path.
    pub fn rule(&self, path: &str) -> Option<&TtlRule> {
        let extension = extension(path);
        // `max_by_key` takes the last of equals, so the walk is backwards.
        self.rules
            .iter()
            .rev()
            .filter(|rule| rule.target.matches(path, extension.as_deref()))
            .max_by_key(|rule| rule.weight)
    }
}

impl TtlTarget {
    fn matches(&self, path: &str, extension: Option<&str>) -> bool {
        match self {
            Self::Directory(directory) => path
                .strip_prefix(directory.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Path(exact) => path == exact,
            Self::Extensions(known) => {
                extension.is_some_and(|extension| known.iter().any(|known| known == extension))
            }
        }
    }
}

fn extension(path: &str) -> Option<String> {
    let last = path.rsplit('/').next()?;
    let (_, extension) = last.rsplit_once('.')?;
    (!extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// Seconds for an answer about which nothing is said: a tenth of the time since it was last
/// modified, from ten seconds to an hour; ten seconds when only its `ETag` is known.
pub(crate) fn guess(last_modified: Option<Timestamp>, has_etag: bool, now: Timestamp) -> u64 {
    match last_modified {
        Some(modified) => {
            let since = now.as_seconds().saturating_sub(modified.as_seconds());
            u64::try_from(since / 10)
                .unwrap_or(0)
                .clamp(GUESS_MIN_S, GUESS_MAX_S)
        }
        None if has_etag => GUESS_MIN_S,
        None => 0,
    }
}

/// Alibaba Cloud CDN, "Configure the cache validity period".
const GUESS_MIN_S: u64 = 10;
const GUESS_MAX_S: u64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(target: TtlTarget, ttl_s: u64, weight: u8) -> TtlRule {
        TtlRule {
            target,
            ttl_s,
            weight,
            origin_first: false,
            over_no_cache: false,
        }
    }

    #[test]
    fn the_heaviest_counts_and_of_equals_the_first() {
        let rules = TtlRules::new(vec![
            rule(TtlTarget::Directory("/static/".to_owned()), 1, 10),
            rule(TtlTarget::Extensions(vec!["jpg".to_owned()]), 2, 10),
            rule(TtlTarget::Path("/static/a.jpg".to_owned()), 3, 99),
        ]);
        let ttl = |path: &str| rules.rule(path).map(|rule| rule.ttl_s);
        assert_eq!(ttl("/static/b.JPG"), Some(1));
        assert_eq!(ttl("/x/b.JPG"), Some(2));
        assert_eq!(ttl("/static/a.jpg"), Some(3));
        assert_eq!(ttl("/staticfiles"), None);
        assert_eq!(ttl("/a.jpg/x"), None);
    }

    #[test]
    fn guesses_stay_in_their_bounds() {
        let now = Timestamp::from_seconds(1_000_000);
        let ago = |seconds: i64| Some(now.plus_millis(-seconds * 1000));
        assert_eq!(guess(ago(5), true, now), 10);
        assert_eq!(guess(ago(1000), false, now), 100);
        assert_eq!(guess(ago(900_000), false, now), 3600);
        assert_eq!(guess(ago(-50), false, now), 10);
        assert_eq!(guess(None, true, now), 10);
        assert_eq!(guess(None, false, now), 0);
    }
}
