//! How long a site wants answers to be kept: the rules of Alibaba Cloud CDN
//! (`filetype_based_ttl_set`, `path_based_ttl_set`) and the default for answers that say nothing.

use http::header::{CONTENT_TYPE, HeaderMap};
use osier_types::{PlainPath, Timestamp};
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

    /// The rule for an answer with these headers to a request for `path`, as it was sent.
    ///
    /// A path that another reader may understand differently gets no lifetime from its
    /// directory or its ending; that is how private pages are kept as if they were pictures
    /// (web cache deception).
    pub fn rule(&self, path: &str, headers: &HeaderMap) -> Option<&TtlRule> {
        if self.rules.is_empty() {
            return None;
        }
        let meant = PlainPath::of(path);
        let (path, is_plain) = decoded(path);
        let extension = extension(&path);
        // `max_by_key` takes the last of equals, so the walk is backwards.
        self.rules
            .iter()
            .rev()
            .filter(|rule| is_plain || rule.ttl_s == 0)
            .filter(|rule| {
                // Nothing that is not to be kept is kept because it was written differently.
                let meant = || rule.ttl_s == 0 && rule.target.matches(&meant.text, None);
                rule.target.matches(&path, extension.as_deref()) || meant()
            })
            .filter(|rule| rule.ttl_s == 0 || rule.target.agrees(headers, extension.as_deref()))
            .max_by_key(|rule| rule.weight)
    }
}

impl TtlTarget {
    /// A page that is generated under a picture's name is none: what an ending promises must
    /// not be contradicted by the type.
    fn agrees(&self, headers: &HeaderMap, extension: Option<&str>) -> bool {
        const PAGES: [&str; 6] = ["asp", "htm", "html", "jsp", "php", "shtml"];
        let Self::Extensions(_) = self else {
            return true;
        };
        let is_page = headers.get(CONTENT_TYPE).is_some_and(|value| {
            value
                .as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"text/html")
        });
        !is_page || extension.is_some_and(|extension| PAGES.contains(&extension))
    }

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

/// A path without its percent-encoding, and whether every reader would understand it so.
fn decoded(path: &str) -> (String, bool) {
    let mut bytes = Vec::with_capacity(path.len());
    let mut is_plain = !path.contains([';', '\\']);
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after
            .first_chunk::<2>()
            .and_then(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
        let read = pair.filter(|_| first == b'%');
        is_plain &= match read {
            Some(byte) => !matches!(
                byte,
                b'/' | b'\\' | b'.' | b';' | b'%' | b'?' | b'#' | 0..=31
            ),
            None => first != b'%',
        };
        bytes.push(read.unwrap_or(first));
        rest = match read {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    let path = String::from_utf8_lossy(&bytes).into_owned();
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    (path, is_plain && !has_dots)
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
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
        let ttl = |path: &str| rules.rule(path, &HeaderMap::new()).map(|rule| rule.ttl_s);
        assert_eq!(ttl("/static/b.JPG"), Some(1));
        assert_eq!(ttl("/x/b.JPG"), Some(2));
        assert_eq!(ttl("/static/a.jpg"), Some(3));
        assert_eq!(ttl("/staticfiles"), None);
        assert_eq!(ttl("/a.jpg/x"), None);
    }

    #[test]
    fn what_two_readers_may_understand_differently_gets_no_lifetime() {
        let never = rule(TtlTarget::Directory("/never".to_owned()), 0, 9);
        let rules = TtlRules::new(vec![
            rule(TtlTarget::Extensions(vec!["css".to_owned()]), 60, 1),
            never,
        ]);
        let mut headers = HeaderMap::new();
        let ttl =
            |path: &str, headers: &HeaderMap| rules.rule(path, headers).map(|rule| rule.ttl_s);
        assert_eq!(ttl("/a%20b/%E4%BD%A0.css", &headers), Some(60));
        for path in [
            "/account%2Fx.css",
            "/account;x.css",
            "/account%3bx.css",
            "/account%00.css",
            "/account%252Fx.css",
            "/account/%2e%2e/x.css",
            "/account/../x.css",
            "/account%.css",
            "/account%5cx.css",
            "/account%3Fx.css",
        ] {
            assert_eq!(ttl(path, &headers), None, "{path}");
        }
        for path in [
            "/never/x;y.css",
            "//never/x",
            "/a/../never/x",
            "/a%2F%2e%2e%2Fnever/x",
            "/./n%65ver/x",
        ] {
            assert_eq!(ttl(path, &headers), Some(0), "{path}");
        }
        headers.insert(CONTENT_TYPE, "Text/HTML; charset=utf-8".parse().unwrap());
        assert_eq!(ttl("/a.css", &headers), None);
        headers.insert(CONTENT_TYPE, "text/css".parse().unwrap());
        assert_eq!(ttl("/a.css", &headers), Some(60));
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
