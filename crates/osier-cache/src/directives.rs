//! `Cache-Control` of requests and answers, `CDN-Cache-Control`, `Pragma`.

use http::header::{CACHE_CONTROL, HeaderMap, PRAGMA};

use crate::structured::{Item, dictionary};

/// Seconds past which a number says the same: RFC 9111, section 1.2.2.
const SECONDS_MAX: u64 = 1 << 31;

/// The field for caches that are run by the site's owner, before `Cache-Control`: RFC 9213.
const TARGETED: &str = "cdn-cache-control";
const SURROGATE: &str = "surrogate-control";

/// What an answer says of its own storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// Never store it.
    pub no_store: bool,
    /// Never reuse it without asking the origin.
    pub no_cache: bool,
    /// Not for a shared cache.
    pub private: bool,
    /// Storable although something else speaks against it.
    pub public: bool,
    /// Never reuse it stale, whatever happens.
    pub must_revalidate: bool,
    /// Storable only by who knows its status.
    pub must_understand: bool,
    /// Bytes must stay as they are.
    pub no_transform: bool,
    /// Not worth asking again while fresh: RFC 8246.
    pub immutable: bool,
    /// Seconds for any cache.
    pub max_age_s: Option<u64>,
    /// Seconds for shared caches.
    pub s_maxage_s: Option<u64>,
    /// Seconds in which a stale answer may be given while it is renewed: RFC 5861.
    pub stale_while_revalidate_s: Option<u64>,
    /// Seconds in which a stale answer stands in for an error: RFC 5861.
    pub stale_if_error_s: Option<u64>,
    /// Whether the field for caches of the site's owner said this.
    pub targeted: bool,
    /// Whether there was any field at all.
    pub present: bool,
}

/// What a request says of answers from a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// Ask the origin first.
    pub no_cache: bool,
    /// Store nothing of this.
    pub no_store: bool,
    /// Only from the cache, else 504.
    pub only_if_cached: bool,
    /// No older than this.
    pub max_age_s: Option<u64>,
    /// Fresh for at least this much longer.
    pub min_fresh_s: Option<u64>,
    /// How stale it may be.
    pub max_stale: Option<MaxStale>,
}

/// `max-stale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStale {
    /// However old.
    Any,
    /// By at most so many seconds.
    Seconds(u64),
}

impl ResponseDirectives {
    /// Of an answer's headers. A well-formed `CDN-Cache-Control` speaks alone.
    pub fn of(headers: &HeaderMap) -> Self {
        if let Some(targeted) = Self::targeted(headers).or_else(|| Self::surrogate(headers)) {
            return targeted;
        }
        let mut found = Self {
            present: headers.contains_key(CACHE_CONTROL),
            ..Self::default()
        };
        for value in headers.get_all(CACHE_CONTROL) {
            for (name, argument) in members(value.as_bytes()) {
                found.hear(&name, argument.as_deref());
            }
        }
        found
    }

    fn targeted(headers: &HeaderMap) -> Option<Self> {
        let mut text = String::new();
        for value in headers.get_all(TARGETED) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(value.to_str().ok()?);
        }
        let members = dictionary(&text).filter(|members| !members.is_empty())?;
        let mut found = Self {
            targeted: true,
            present: true,
            ..Self::default()
        };
        for (name, item) in members {
            match item {
                Item::Integer(seconds) => {
                    let seconds = u64::try_from(seconds).unwrap_or(0);
                    found.hear(&name, Some(&seconds.to_string()));
                }
                Item::Boolean(true) => found.hear(&name, None),
                // A directive of the wrong type says nothing: RFC 9213, section 2.1.
                Item::Boolean(false) | Item::Other => {}
            }
        }
        Some(found)
    }

    /// `Surrogate-Control`, the older field of the same purpose (W3C, Edge Architecture). What
    /// it says to a surrogate by name is not for this one.
    fn surrogate(headers: &HeaderMap) -> Option<Self> {
        let mut found = Self {
            targeted: true,
            present: true,
            ..Self::default()
        };
        let mut heard = false;
        for value in headers.get_all(SURROGATE) {
            for (name, argument) in members(value.as_bytes()) {
                let is_named = |text: &str| text.contains(';');
                if is_named(&name) || argument.as_deref().is_some_and(is_named) {
                    continue;
                }
                if matches!(&*name, "no-store" | "max-age") {
                    heard = true;
                    found.hear(&name, argument.as_deref());
                }
            }
        }
        heard.then_some(found)
    }

    fn hear(&mut self, name: &str, argument: Option<&str>) {
        match name {
            "no-store" => self.no_store = true,
            // With names of fields these two limit more than a field-wise reading would.
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" | "proxy-revalidate" => self.must_revalidate = true,
            "must-understand" => self.must_understand = true,
            "no-transform" => self.no_transform = true,
            "immutable" => self.immutable = true,
            "max-age" => first(&mut self.max_age_s, argument),
            "s-maxage" => first(&mut self.s_maxage_s, argument),
            "stale-while-revalidate" => first(&mut self.stale_while_revalidate_s, argument),
            "stale-if-error" => first(&mut self.stale_if_error_s, argument),
            _ => {}
        }
    }
}

impl RequestDirectives {
    /// Of a request's headers. `Pragma: no-cache` counts where there is no `Cache-Control`.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        if !headers.contains_key(CACHE_CONTROL) {
            found.no_cache = headers.get_all(PRAGMA).iter().any(|value| {
                members(value.as_bytes())
                    .iter()
                    .any(|(name, _)| name == "no-cache")
            });
            return found;
        }
        for value in headers.get_all(CACHE_CONTROL) {
            for (name, argument) in members(value.as_bytes()) {
                let argument = argument.as_deref();
                match name.as_str() {
                    "no-cache" => found.no_cache = true,
                    "no-store" => found.no_store = true,
                    "only-if-cached" => found.only_if_cached = true,
                    "max-age" => first(&mut found.max_age_s, argument),
                    "min-fresh" => first(&mut found.min_fresh_s, argument),
                    "max-stale" => {
                        found.max_stale.get_or_insert(match argument {
                            None => MaxStale::Any,
                            Some(text) => MaxStale::Seconds(seconds(text).unwrap_or(0)),
                        });
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

/// The first of a name counts; one that can't be read means stale: RFC 9111, section 4.2.1.
fn first(slot: &mut Option<u64>, argument: Option<&str>) {
    slot.get_or_insert_with(|| argument.and_then(seconds).unwrap_or(0));
}

/// Delta seconds. Too many are as good as very many.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| {
        text.parse::<u64>()
            .map_or(SECONDS_MAX, |seconds| seconds.min(SECONDS_MAX))
    })
}

/// The members of a list of directives: names in lower case, arguments without quotes.
fn members(value: &[u8]) -> Vec<(String, Option<String>)> {
    let text = String::from_utf8_lossy(value);
    let mut members = Vec::new();
    for member in split_outside_quotes(&text) {
        let (name, argument) = match member.split_once('=') {
            Some((name, argument)) => (name, Some(unquoted(argument.trim()))),
            None => (member, None),
        };
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() {
            members.push((name, argument));
        }
    }
    members
}

fn split_outside_quotes(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c: char| {
        let was_escaped = escaped;
        escaped = quoted && c == '\\' && !was_escaped;
        if c == '"' && !was_escaped {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
    .map(str::trim)
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(|| text.to_owned(), |inner| inner.replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(fields: &[(&'static str, &'static str)]) -> ResponseDirectives {
        ResponseDirectives::of(&headers(fields))
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn names_have_no_case_and_quotes_hide_commas() {
        let found = response(&[(
            "cache-control",
            "Max-Age=\"60\", PRIVATE=\"a, no-store, b\" , x=\"\\\"\",public",
        )]);
        assert_eq!(found.max_age_s, Some(60));
        assert!(found.private && found.public && !found.no_store);
    }

    #[test]
    fn the_first_number_counts_and_a_bad_one_means_stale() {
        for (text, expected) in [
            ("max-age=60, max-age=5", 60),
            ("max-age=a", 0),
            ("max-age=-1", 0),
            ("max-age=1.5", 0),
            ("max-age", 0),
            ("max-age=99999999999999999999", SECONDS_MAX),
        ] {
            assert_eq!(
                response(&[("cache-control", text)]).max_age_s,
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_well_formed_targeted_field_speaks_alone() {
        let found = response(&[
            ("cache-control", "no-store"),
            ("cdn-cache-control", "max-age=60, no-cache=?0"),
        ]);
        assert!(found.targeted && !found.no_store && !found.no_cache);
        assert_eq!(found.max_age_s, Some(60));
        let broken = response(&[
            ("cache-control", "no-store"),
            ("cdn-cache-control", "Max-Age=60"),
        ]);
        assert!(broken.no_store && !broken.targeted);
        let wrong_type = response(&[("cdn-cache-control", "max-age=\"60\"")]);
        assert_eq!(wrong_type.max_age_s, None);
        assert!(wrong_type.targeted);
    }

    #[test]
    fn surrogates_are_spoken_to_behind_the_targeted_field() {
        let found = response(&[
            ("cache-control", "no-store"),
            ("surrogate-control", "foobar, MaX-aGe=60"),
        ]);
        assert!(found.targeted && !found.no_store);
        assert_eq!(found.max_age_s, Some(60));
        let other = response(&[
            ("cache-control", "max-age=5"),
            ("surrogate-control", "max-age=60;somebody"),
        ]);
        assert_eq!((other.max_age_s, other.targeted), (Some(5), false));
        let both = response(&[
            ("cdn-cache-control", "max-age=7"),
            ("surrogate-control", "no-store"),
        ]);
        assert_eq!((both.max_age_s, both.no_store), (Some(7), false));
    }

    #[test]
    fn requests_speak_too() {
        let found = RequestDirectives::of(&headers(&[(
            "cache-control",
            "max-stale, min-fresh=3, only-if-cached, max-age=0",
        )]));
        assert_eq!(found.max_stale, Some(MaxStale::Any));
        assert_eq!((found.min_fresh_s, found.max_age_s), (Some(3), Some(0)));
        assert!(found.only_if_cached);
        assert!(RequestDirectives::of(&headers(&[("pragma", "no-cache")])).no_cache);
        let both = headers(&[("pragma", "no-cache"), ("cache-control", "max-age=9")]);
        assert!(!RequestDirectives::of(&both).no_cache);
    }
}
