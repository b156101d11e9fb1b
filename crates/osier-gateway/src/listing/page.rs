//! How a folder looks: HTML for people, and the JSON of nginx's `autoindex_format json`.
//!
//! Names are anybody's who may write to the bucket: in HTML every one is escaped, in links every
//! byte that is not plain is encoded, and the page may load and run nothing.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LINK, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use osier_http::{Outgoing, OutgoingBody};
use osier_types::{percent_decode, percent_encode};
use serde::Serialize;

use super::read::{Entry, Listed};
use crate::settings::Autoindex;

/// A page of a folder.
pub(super) struct Page<'a> {
    /// As the client asked for it.
    pub(super) path: &'a str,
    pub(super) listed: &'a Listed,
    /// Nothing of the site is above it.
    pub(super) is_top: bool,
    /// It is the folder's first page.
    pub(super) begins: bool,
}

/// An entry as nginx writes it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl Page<'_> {
    pub(super) fn answer(&self, format: Autoindex) -> Outgoing {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        let headers = &mut parts.headers;
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let text = if format == Autoindex::Json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let next = self.next().map(|next| format!("<{next}>; rel=\"next\""));
            if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
                headers.insert(LINK, next);
            }
            self.json()
        } else {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            headers.insert(CONTENT_TYPE, html);
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            self.html()
        };
        Outgoing {
            parts,
            body: OutgoingBody::Full(Bytes::from(text)),
        }
    }

    /// The link to the next page.
    fn next(&self) -> Option<String> {
        let place = self.listed.next.as_ref()?;
        Some(format!(
            "./?after={}",
            percent_encode(place.as_bytes(), false)
        ))
    }

    fn json(&self) -> String {
        let rows = self.listed.entries.iter().map(|entry| match entry {
            Entry::Folder(name) => Row {
                name,
                kind: "directory",
                mtime: None,
                size: None,
            },
            Entry::Object {
                name,
                size,
                modified,
            } => Row {
                name,
                kind: "file",
                mtime: modified.map(osier_types::Timestamp::http_date),
                size: Some(*size),
            },
        });
        let rows: Vec<_> = rows.collect();
        serde_json::to_string_pretty(&rows).unwrap_or_default()
    }

    fn html(&self) -> String {
        let title = percent_decode(self.path.as_bytes());
        let title = escaped(&String::from_utf8_lossy(&title));
        let mut rows = String::new();
        if !self.is_top {
            rows.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
        }
        for entry in &self.listed.entries {
            let (slash, size, modified) = match entry {
                Entry::Folder(_) => ("/", "–".to_owned(), String::new()),
                Entry::Object { size, modified, .. } => (
                    "",
                    size.to_string(),
                    modified.map_or_else(String::new, shown),
                ),
            };
            let name = format!("{}{slash}", escaped(entry.name()));
            // A browser takes these for the folder above, however they are written.
            let cell = if matches!(entry.name(), "." | "..") {
                name
            } else {
                let link = percent_encode(entry.name().as_bytes(), true);
                format!("<a href=\"./{link}{slash}\">{name}</a>")
            };
            let _ = writeln!(
                rows,
                "<tr><td>{cell}</td><td>{modified}</td><td>{size}</td></tr>"
            );
        }
        let mut more = String::new();
        if !self.begins {
            more.push_str("<a href=\"./\">First page</a> ");
        }
        if let Some(next) = self.next() {
            let _ = write!(more, "<a rel=\"next\" href=\"{next}\">Next page</a>");
        }
        if self.listed.entries.is_empty() {
            more.push_str("Nothing is here.");
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Index of {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>Index of {title}</h1>\n<table>\n\
             <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Modified (UTC)</th>\
             <th scope=\"col\">Bytes</th></tr></thead>\n\
             <tbody>\n{rows}</tbody>\n</table>\n<p>{more}</p>\n</body>\n</html>\n"
        )
    }
}

/// The page loads and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'self'";

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.3rem;overflow-wrap:anywhere}\
table{width:100%;border-collapse:collapse}\
th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #8884;vertical-align:top}\
td:first-child{overflow-wrap:anywhere}\
th:nth-child(n+2),td:nth-child(n+2){white-space:nowrap}\
th:nth-child(3),td:nth-child(3){text-align:right;font-variant-numeric:tabular-nums}\
a{text-decoration:none}a:hover,a:focus{text-decoration:underline}";

/// `2026-11-27 08:00`.
fn shown(time: osier_types::Timestamp) -> String {
    let text = time.iso8601();
    text.chars()
        .take(16)
        .map(|letter| if letter == 'T' { ' ' } else { letter })
        .collect()
}

/// Text that may stand in HTML, in attributes too. What can't be seen, or would turn the
/// direction of what follows, is shown as a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}');
            }
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(names: &[&str], next: Option<&str>) -> String {
        let listed = Listed {
            entries: names
                .iter()
                .map(|name| Entry::Object {
                    name: (*name).to_owned(),
                    size: 7,
                    modified: None,
                })
                .collect(),
            itself: false,
            next: next.map(ToOwned::to_owned),
        };
        let page = Page {
            path: "/a%3Cb/",
            listed: &listed,
            is_top: false,
            begins: true,
        };
        page.html()
    }

    #[test]
    fn edge_names_never_become_markup() {
        for name in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'onmouseover='alert(1)",
            "&lt;b&gt;",
            "a\u{202e}gpj.exe",
            "a\nb\0",
        ] {
            let page = html(&[name], None);
            assert!(!page.contains(name), "{name}");
            for bad in ["<script", "<img", "href=\"javascript", "\u{202e}", "\0"] {
                assert!(!page.contains(bad), "{name}: {bad}");
            }
        }
        let page = html(&["javascript:alert(1)"], Some("\"><script>"));
        assert!(page.contains("href=\"./javascript%3Aalert%281%29\""));
        assert!(page.contains("href=\"./?after=%22%3E%3Cscript%3E\""));
        assert!(page.contains("<title>Index of /a&lt;b/</title>"));
    }

    #[test]
    fn names_that_mean_another_folder_are_no_links() {
        let page = html(&[".."], None);
        assert_eq!(page.matches("href=\"../\"").count(), 1, "the one above");
        assert!(!page.contains("href=\"./..\""));
    }

    #[test]
    fn programs_get_what_nginx_gives_them() {
        let listed = Listed {
            entries: vec![
                Entry::Folder("f".to_owned()),
                Entry::Object {
                    name: "a\"".to_owned(),
                    size: 7,
                    modified: osier_types::Timestamp::parse_iso8601("2026-11-27T08:00:00Z").ok(),
                },
            ],
            itself: false,
            next: None,
        };
        let page = Page {
            path: "/",
            listed: &listed,
            is_top: true,
            begins: true,
        };
        let read: serde_json::Value = serde_json::from_str(&page.json()).unwrap();
        assert_eq!(
            read[0],
            serde_json::json!({"name": "f", "type": "directory"})
        );
        assert_eq!(
            read[1],
            serde_json::json!({"name": "a\"", "type": "file", "mtime": "Fri, 27 Nov 2026 08:00:00 GMT", "size": 7})
        );
    }
}
