//! Paths as other readers take them: rules are written for what a path means, and a path may be
//! written in many ways.

use std::borrow::Cow;

use crate::percent_decode;

/// A path without percent-encoding, doubled slashes and dots, as nginx matches its locations
/// and most servers look for files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPath<'p> {
    /// It begins with `/`.
    pub text: Cow<'p, str>,
    /// Whether it leads above its own beginning on the way: `/a/../../b` does.
    pub climbs: bool,
}

impl<'p> PlainPath<'p> {
    /// Of a path as it was sent.
    pub fn of(path: &'p str) -> Self {
        let is_plain = !path.contains('%') && !path.contains("//") && !path.contains("/.");
        if is_plain {
            return Self {
                text: Cow::Borrowed(path),
                climbs: false,
            };
        }
        let decoded = percent_decode(path.as_bytes());
        let decoded = String::from_utf8_lossy(&decoded);
        let mut segments: Vec<&str> = Vec::new();
        let mut climbs = false;
        for segment in decoded.split('/') {
            match segment {
                "" | "." => {}
                ".." => climbs |= segments.pop().is_none(),
                segment => segments.push(segment),
            }
        }
        let last = decoded.rsplit('/').next().unwrap_or_default();
        let is_folder = matches!(last, "" | "." | "..") && !segments.is_empty();
        let slash = if is_folder { "/" } else { "" };
        Self {
            text: Cow::Owned(format!("/{}{slash}", segments.join("/"))),
            climbs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_and_the_rest_becomes_so() {
        for (path, expected) in [
            ("/a/b.c", "/a/b.c"),
            ("/", "/"),
            ("//", "/"),
            ("/a//b///c", "/a/b/c"),
            ("/%61/%2e%2E/b", "/b"),
            ("/a%2Fb", "/a/b"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/..", "/"),
            ("/a%20b/", "/a b/"),
            ("/.hidden/..b", "/.hidden/..b"),
            // Decoded once, as every server does.
            ("/%252e%252e/b", "/%2e%2e/b"),
        ] {
            let plain = PlainPath::of(path);
            assert_eq!((&*plain.text, plain.climbs), (expected, false), "{path}");
        }
        for path in ["/..", "/../a", "/a/../../b", "/a/%2e%2e%2f..%2fb", "//../a"] {
            assert!(PlainPath::of(path).climbs, "{path}");
        }
    }
}
