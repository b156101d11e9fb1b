//! What a kept answer says to a conditional request, and what a 304 of the origin does to it:
//! RFC 9110, section 13, and RFC 9111, section 4.3.

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    TRANSFER_ENCODING,
};

use crate::freshness::time;

/// What a request's preconditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it. The flag: a `Range` counts, because `If-Range` is absent or holds.
    Send {
        /// Whether a range may be cut out.
        ranges: bool,
    },
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Weighs the preconditions of `request` against a kept answer, in the order of RFC 9110,
/// section 13.2.2.
pub fn preconditions(request: &HeaderMap, kept: &HeaderMap) -> Verdict {
    let etag = text(kept, ETAG);
    let modified = time(kept, LAST_MODIFIED);
    if let Some(wanted) = joined(request, IF_MATCH) {
        let holds = wanted.trim() == "*"
            || etag.is_some_and(|etag| {
                !is_weak(etag) && tags(&wanted).any(|tag| !is_weak(tag) && tag == etag)
            });
        if !holds {
            return Verdict::Failed;
        }
    } else if let (Some(wanted), Some(modified)) = (time(request, IF_UNMODIFIED_SINCE), modified)
        && modified > wanted
    {
        return Verdict::Failed;
    }
    if let Some(known) = joined(request, IF_NONE_MATCH) {
        let matches = known.trim() == "*"
            || etag.is_some_and(|etag| tags(&known).any(|tag| opaque(tag) == opaque(etag)));
        if matches {
            return Verdict::NotModified;
        }
    } else if let (Some(known), Some(modified)) = (time(request, IF_MODIFIED_SINCE), modified)
        && modified <= known
    {
        return Verdict::NotModified;
    }
    let ranges = match text(request, IF_RANGE) {
        None => true,
        Some(wanted) if wanted.starts_with('"') => etag == Some(wanted),
        Some(wanted) if is_weak(wanted) => false,
        // A date is strong only as far as it is the same date.
        Some(wanted) => text(kept, LAST_MODIFIED) == Some(wanted),
    };
    Verdict::Send { ranges }
}

/// The headers of a kept answer after the origin said 304 with `news`. What describes the
/// body or its transfer stays: the body is the old one.
pub fn freshened(kept: &HeaderMap, news: &HeaderMap) -> HeaderMap {
    const OF_BODY: [HeaderName; 5] = [
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        HeaderName::from_static("content-md5"),
        CONTENT_RANGE,
        TRANSFER_ENCODING,
    ];
    let mut headers = kept.clone();
    // A new date makes the old age wrong.
    headers.remove(http::header::AGE);
    // The tag by which the body was found is its own.
    let has_etag = kept.contains_key(ETAG);
    let is_told = |name: &&HeaderName| !OF_BODY.contains(name) && (**name != ETAG || !has_etag);
    for name in news.keys().filter(is_told) {
        headers.remove(name);
        for value in news.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// The tags of a list. A comma may stand inside of one.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c: char| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|tag| !tag.is_empty())
}

fn is_weak(tag: &str) -> bool {
    tag.starts_with("W/")
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SEND: Verdict = Verdict::Send { ranges: true };

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn kept() -> HeaderMap {
        headers(&[
            (ETAG, "\"a,b\""),
            (LAST_MODIFIED, "Sun, 22 Nov 2026 03:04:05 GMT"),
        ])
    }

    #[test]
    fn conditions_are_weighed_in_their_order() {
        const EARLIER: &str = "Sun, 22 Nov 2026 03:04:04 GMT";
        const SAME: &str = "Sun, 22 Nov 2026 03:04:05 GMT";
        for (fields, expected) in [
            (vec![], SEND),
            (
                vec![(IF_NONE_MATCH, "\"x\", W/\"a,b\"")],
                Verdict::NotModified,
            ),
            (vec![(IF_NONE_MATCH, "*")], Verdict::NotModified),
            (
                vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, SAME)],
                SEND,
            ),
            (vec![(IF_MODIFIED_SINCE, SAME)], Verdict::NotModified),
            (vec![(IF_MODIFIED_SINCE, EARLIER)], SEND),
            (vec![(IF_MODIFIED_SINCE, "never")], SEND),
            (vec![(IF_MATCH, "\"a,b\"")], SEND),
            (vec![(IF_MATCH, "W/\"a,b\"")], Verdict::Failed),
            (
                vec![(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "*")],
                Verdict::Failed,
            ),
            (vec![(IF_UNMODIFIED_SINCE, EARLIER)], Verdict::Failed),
            (vec![(IF_UNMODIFIED_SINCE, SAME)], SEND),
            (vec![(IF_RANGE, "\"a,b\"")], SEND),
            (vec![(IF_RANGE, "\"x\"")], Verdict::Send { ranges: false }),
            (
                vec![(IF_RANGE, "W/\"a,b\"")],
                Verdict::Send { ranges: false },
            ),
            (vec![(IF_RANGE, SAME)], SEND),
        ] {
            assert_eq!(
                preconditions(&headers(&fields), &kept()),
                expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn news_replace_what_they_name_but_never_the_body() {
        let mut old = kept();
        old.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        old.insert(http::header::AGE, HeaderValue::from_static("50"));
        let news = headers(&[
            (ETAG, "\"other\""),
            (CONTENT_ENCODING, "br"),
            (http::header::VARY, "x"),
        ]);
        let new = freshened(&old, &news);
        assert_eq!(new[CONTENT_ENCODING], "gzip");
        assert_eq!(new[ETAG], "\"a,b\"");
        assert_eq!(new[http::header::VARY], "x");
        assert!(!new.contains_key(http::header::AGE) && new.contains_key(LAST_MODIFIED));
    }
}
