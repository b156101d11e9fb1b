//! Under which name an answer is kept. Everything that chooses an answer is in it: the site,
//! the exact path, the query as the site's rule leaves it, and the variant.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::spelling::digit;

/// A name. The whole text is kept and compared, so no collision serves a wrong answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(Arc<str>);

/// What a request asks for, after the site was found.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The site's id, never the `Host` that was sent.
    pub site: &'a str,
    /// As sent: it is never decoded or normalised here.
    pub path: &'a str,
    /// As sent, without its `?`; `None` differs from empty only on the wire, not here.
    pub query: Option<&'a str>,
    /// What else chooses the answer, such as the coding.
    pub variant: &'a str,
}

/// How a site makes names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// Which parameters count.
    pub query: QueryRule,
    /// Whether parameters of signatures are left out: only where signatures are verified
    /// here, before the cache is asked.
    pub without_signatures: bool,
}

/// Which parameters of a query count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueryRule {
    /// All.
    #[default]
    All,
    /// None.
    None,
    /// These only; names as they are after decoding.
    Only(Vec<String>),
    /// All but these.
    Without(Vec<String>),
}

impl KeyRules {
    /// What counts of a query, in one order.
    pub fn query_of<'a>(&self, query: Option<&'a str>) -> Cow<'a, str> {
        canonical_query(query.unwrap_or_default(), self)
    }
}

impl CacheKey {
    /// The name of `target` under `rules`.
    pub fn of(target: &Target<'_>, rules: &KeyRules) -> Self {
        let query = rules.query_of(target.query);
        let mut text = String::with_capacity(
            target.site.len() + target.path.len() + query.len() + target.variant.len() + 3,
        );
        // A line feed can stand in none of them: it is no character of a request line.
        for part in [target.site, target.path, &query] {
            text.push_str(part);
            text.push('\n');
        }
        text.push_str(target.variant);
        Self(text.into())
    }

    /// The name of a slice of what this names: of the bytes that `validator` stands for and
    /// of no others, so that slices of two states of one object never meet.
    #[must_use]
    pub fn slice(&self, validator: &str, index: u64) -> Self {
        Self(format!("{}\n{validator}\n{index}", self.0).into())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CacheKey({:?})", &*self.0)
    }
}

/// The parameters that count, in the order of their names. Values of one name keep theirs,
/// because the last or the first of them may be the one that counts at the origin.
fn canonical_query<'a>(query: &'a str, rules: &KeyRules) -> Cow<'a, str> {
    let keeps_all = rules.query == QueryRule::All && !rules.without_signatures;
    if query.is_empty() || (keeps_all && !query.contains('&')) {
        return Cow::Borrowed(query);
    }
    if rules.query == QueryRule::None {
        return Cow::Borrowed("");
    }
    let mut pairs: Vec<(Cow<'_, str>, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            (decoded(name), pair)
        })
        .collect();
    let v1_signed = pairs.iter().any(|(name, _)| name == "Signature");
    pairs.retain(|(name, _)| {
        let counts = match &rules.query {
            QueryRule::All => true,
            QueryRule::None => false,
            QueryRule::Only(names) => names.iter().any(|known| known == name),
            QueryRule::Without(names) => !names.iter().any(|known| known == name),
        };
        counts && !(rules.without_signatures && is_of_signature(name, v1_signed))
    });
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let kept: Vec<&str> = pairs.into_iter().map(|(_, pair)| pair).collect();
    Cow::Owned(kept.join("&"))
}

/// Parameters by which OSS, S3 and the CDN's URL authentication prove who asks.
fn is_of_signature(name: &str, v1_signed: bool) -> bool {
    const V1: [&str; 4] = ["OSSAccessKeyId", "AWSAccessKeyId", "Signature", "Expires"];
    const OTHERS: [&str; 9] = [
        "security-token",
        "x-oss-security-token",
        "x-oss-signature",
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-additional-headers",
        "auth_key",
    ];
    let lower = name.to_ascii_lowercase();
    (v1_signed && V1.contains(&name)) || OTHERS.contains(&&*lower) || lower.starts_with("x-amz-")
}

/// `name` without its percent-encoding; what does not decode stays as it is.
fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..])
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) =>
            {
                bytes.push(high << 4 | low);
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(name), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(query: &str, rules: &KeyRules) -> String {
        let target = Target {
            site: "s",
            path: "/a%2Fb//c",
            query: Some(query),
            variant: "",
        };
        let key = CacheKey::of(&target, rules);
        key.as_str().split('\n').nth(2).unwrap().to_owned()
    }

    fn rule(query: QueryRule) -> KeyRules {
        KeyRules {
            query,
            without_signatures: false,
        }
    }

    #[test]
    fn names_are_sorted_and_values_of_one_name_are_not() {
        let all = KeyRules::default();
        assert_eq!(key("b=2&a=9&b=1&&a", &all), "a=9&a&b=2&b=1");
        assert_eq!(
            key("x-oss-process=image/resize,w_1", &all),
            "x-oss-process=image/resize,w_1"
        );
        assert_eq!(key("", &all), "");
    }

    #[test]
    fn only_what_the_rule_names_counts() {
        let names = || vec!["a".to_owned(), "ü".to_owned()];
        assert_eq!(
            key("b=2&%C3%BC=1&a=9", &rule(QueryRule::Only(names()))),
            "a=9&%C3%BC=1"
        );
        assert_eq!(
            key("b=2&%C3%BC=1&a=9", &rule(QueryRule::Without(names()))),
            "b=2"
        );
        assert_eq!(key("b=2", &rule(QueryRule::None)), "");
    }

    #[test]
    fn signatures_are_left_out_only_where_they_are_verified() {
        let signed = "Expires=1&OSSAccessKeyId=k&Signature=s&x=1&X-Amz-Date=d&x-oss-expires=2";
        let verified = KeyRules {
            without_signatures: true,
            ..KeyRules::default()
        };
        assert_eq!(key(signed, &verified), "x=1");
        assert_eq!(key("Expires=1&x=1", &verified), "Expires=1&x=1");
        assert!(key(signed, &KeyRules::default()).contains("Signature=s"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |site, path, query| {
            CacheKey::of(
                &Target {
                    site,
                    path,
                    query,
                    variant: "gzip",
                },
                &KeyRules::default(),
            )
        };
        assert_ne!(of("a", "/b", None), of("a/", "b", None));
        assert_ne!(of("a", "/b", Some("c")), of("a", "/bc", None));
        assert_eq!(of("a", "/b", Some("")), of("a", "/b", None));
    }
}
