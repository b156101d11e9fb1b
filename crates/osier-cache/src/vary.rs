//! `Vary`: which headers of a request chose an answer, and whether another request is alike.

use std::fmt::Write as _;

use http::header::{HeaderMap, HeaderName, VARY};

/// The headers that chose an answer, with their values, in one comparable text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VaryKey {
    names: Vec<HeaderName>,
    values: String,
}

impl VaryKey {
    /// For an answer with `response` headers to a request with `request` headers; nothing
    /// when it says `*`: no other request is ever alike.
    pub fn of(request: &HeaderMap, response: &HeaderMap) -> Option<Self> {
        let mut names = Vec::new();
        for value in response.get_all(VARY) {
            for name in value.to_str().ok()?.split(',').map(str::trim) {
                if name == "*" {
                    return None;
                }
                if !name.is_empty() {
                    names.push(HeaderName::from_bytes(name.as_bytes()).ok()?);
                }
            }
        }
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        let values = selecting(&names, request);
        Some(Self { names, values })
    }

    /// The names of the headers, in order, and their values: for writing down.
    pub fn parts(&self) -> (Vec<&str>, &str) {
        let names = self.names.iter().map(HeaderName::as_str).collect();
        (names, &self.values)
    }

    /// From what was written down; nothing when a name is none.
    pub fn from_parts(names: &[String], values: String) -> Option<Self> {
        let names = names
            .iter()
            .map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect::<Option<_>>()?;
        Some(Self { names, values })
    }

    /// Whether `request` would have been answered alike.
    pub fn matches(&self, request: &HeaderMap) -> bool {
        self.names.is_empty() || selecting(&self.names, request) == self.values
    }

    /// Whether every request is alike.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Values with what means nothing taken out: blanks around members, case and order of codings and
/// languages, whose order says nothing.
fn selecting(names: &[HeaderName], request: &HeaderMap) -> String {
    let mut text = String::new();
    for name in names {
        let mut members: Vec<String> = Vec::new();
        let mut present = false;
        for value in request.get_all(name) {
            present = true;
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            members.extend(value.split(',').map(|member| member.trim().to_owned()));
        }
        members.retain(|member| !member.is_empty());
        if [http::header::ACCEPT_ENCODING, http::header::ACCEPT_LANGUAGE].contains(name) {
            for member in &mut members {
                member.make_ascii_lowercase();
                member.retain(|c| c != ' ');
            }
            members.sort();
        }
        // Absent and empty differ; lengths keep values from running into each other.
        let joined = members.join(",");
        let _ = writeln!(text, "{}{}:{joined}", u8::from(present), joined.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_named_headers_count() {
        let answer = headers(&[("vary", "Accept-Encoding, foo"), ("vary", "FOO")]);
        let asked = headers(&[
            ("foo", "a, b"),
            ("accept-encoding", "gzip, BR;q=1"),
            ("x", "1"),
        ]);
        let key = VaryKey::of(&asked, &answer).unwrap();
        assert!(key.matches(&headers(&[
            ("foo", "a"),
            ("foo", "b"),
            ("accept-encoding", "br; q=1,gzip"),
        ])));
        assert!(!key.matches(&headers(&[
            ("foo", "b, a"),
            ("accept-encoding", "gzip, br;q=1")
        ])));
        assert!(!key.matches(&headers(&[("foo", "a, b")])));
    }

    #[test]
    fn absent_and_empty_differ() {
        let answer = headers(&[("vary", "foo")]);
        let absent = VaryKey::of(&headers(&[]), &answer).unwrap();
        assert!(absent.matches(&headers(&[("bar", "1")])));
        assert!(!absent.matches(&headers(&[("foo", "")])));
    }

    #[test]
    fn a_star_is_like_nothing() {
        assert_eq!(
            VaryKey::of(&headers(&[]), &headers(&[("vary", "foo, *")])),
            None
        );
        assert!(
            VaryKey::of(&headers(&[]), &headers(&[]))
                .unwrap()
                .is_empty()
        );
    }
}
