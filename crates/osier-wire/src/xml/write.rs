//! A small XML writer.

use std::fmt::Write as _;

use bytes::Bytes;
use osier_types::{CorsConfig, ETag, Owner, Tags, Timestamp, percent_encode};

use crate::date;

/// How names chosen by clients are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// As they are.
    Plain,
    /// Percent-encoded (`encoding-type=url`).
    UrlEncoded,
    /// Percent-encoded but for slashes.
    UrlEncodedPath,
}

impl From<bool> for Names {
    fn from(url_encoded: bool) -> Self {
        if url_encoded {
            Self::UrlEncoded
        } else {
            Self::Plain
        }
    }
}

/// A document in the making.
pub(crate) struct Xml(String);

impl Xml {
    /// A whole document with this root.
    pub(crate) fn document(root: &str, children: impl FnOnce(&mut Self)) -> Bytes {
        Self::sized(root, 512, children)
    }

    /// A whole document of about `bytes` bytes.
    pub(crate) fn sized(root: &str, bytes: usize, children: impl FnOnce(&mut Self)) -> Bytes {
        let mut xml = Self::begin(bytes);
        xml.within(root, children);
        xml.end()
    }

    /// A whole document that is one element with text.
    pub(crate) fn leaf(root: &str, text: &str) -> Bytes {
        let mut xml = Self::begin(128);
        xml.text(root, text);
        xml.end()
    }

    /// A whole document of about `bytes` bytes whose root has these attributes.
    pub(crate) fn attributed(
        root: &str,
        attributes: &str,
        bytes: usize,
        children: impl FnOnce(&mut Self),
    ) -> Bytes {
        let mut xml = Self::begin(bytes);
        xml.with_attributes(root, attributes, children);
        xml.end()
    }

    /// A whole document that is one element with attributes and text.
    pub(crate) fn attributed_leaf(root: &str, attributes: &str, text: &str) -> Bytes {
        Self::attributed(root, attributes, 128, |xml| xml.escaped(text))
    }

    fn begin(bytes: usize) -> Self {
        let mut xml = Self(String::with_capacity(bytes));
        xml.0
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml
    }

    fn end(mut self) -> Bytes {
        self.0.push('\n');
        Bytes::from(self.0)
    }

    /// An element with elements in it.
    pub(crate) fn within(&mut self, name: &str, children: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        children(self);
        self.tag("</", name);
    }

    /// An element with attributes, which are ours and need no escaping.
    pub(crate) fn with_attributes(
        &mut self,
        name: &str,
        attributes: &str,
        children: impl FnOnce(&mut Self),
    ) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push(' ');
        self.0.push_str(attributes);
        self.0.push('>');
        children(self);
        self.tag("</", name);
    }

    /// An element with text in it.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.tag("<", name);
        self.escaped(text);
        self.tag("</", name);
    }

    /// An element with a name that a client chose.
    pub(crate) fn name(&mut self, element: &str, name: &str, names: Names) {
        match names {
            Names::Plain => self.text(element, name),
            Names::UrlEncoded => self.text(element, &percent_encode(name.as_bytes(), false)),
            Names::UrlEncodedPath => self.text(element, &percent_encode(name.as_bytes(), true)),
        }
    }

    pub(crate) fn number(&mut self, name: &str, number: impl Into<u64>) {
        self.tag("<", name);
        // Writing to a String can't fail.
        let _ = write!(self.0, "{}", number.into());
        self.tag("</", name);
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.text(name, if flag { "true" } else { "false" });
    }

    pub(crate) fn time(&mut self, name: &str, time: Timestamp) {
        self.tag("<", name);
        date::push_iso8601(&mut self.0, time);
        self.tag("</", name);
    }

    pub(crate) fn etag(&mut self, etag: &ETag) {
        self.0.push_str("<ETag>&quot;");
        self.escaped(etag.as_str());
        self.0.push_str("&quot;</ETag>");
    }

    pub(crate) fn owner(&mut self, owner: &Owner) {
        self.within("Owner", |xml| {
            xml.text("ID", &owner.id);
            xml.text("DisplayName", &owner.display_name);
        });
    }

    /// Every tag as an element.
    pub(crate) fn tags(&mut self, tags: &Tags) {
        for tag in tags.as_slice() {
            self.within("Tag", |xml| {
                xml.text("Key", &tag.key);
                xml.text("Value", &tag.value);
            });
        }
    }

    /// Every rule as an element.
    pub(crate) fn cors_rules(&mut self, config: &CorsConfig) {
        for rule in &config.rules {
            self.within("CORSRule", |xml| {
                let lists = [
                    ("AllowedOrigin", &rule.allowed_origins),
                    ("AllowedMethod", &rule.allowed_methods),
                    ("AllowedHeader", &rule.allowed_headers),
                    ("ExposeHeader", &rule.expose_headers),
                ];
                for (name, values) in lists {
                    for value in values {
                        xml.text(name, value);
                    }
                }
                if let Some(seconds) = rule.max_age_seconds {
                    xml.number("MaxAgeSeconds", seconds);
                }
            });
        }
    }

    pub(crate) fn encoding(&mut self, names: Names) {
        if names != Names::Plain {
            self.text("EncodingType", "url");
        }
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.0.push_str(open);
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Escapes what markup is made of, and what a parser would change or refuse. XML 1.0 has no
    /// way to write most control characters; like OSS this writes a reference, which lenient
    /// parsers read and strict ones refuse. Clients with such names ask for url encoding.
    fn escaped(&mut self, text: &str) {
        // Most text has nothing to escape; looking at bytes tells that sooner than at characters.
        if !text.bytes().any(may_be_special) {
            self.0.push_str(text);
            return;
        }
        let mut rest = text;
        while let Some(at) = rest.find(is_special) {
            let (plain, tail) = rest.split_at(at);
            self.0.push_str(plain);
            let mut chars = tail.chars();
            match chars.next() {
                Some('&') => self.0.push_str("&amp;"),
                Some('<') => self.0.push_str("&lt;"),
                Some('>') => self.0.push_str("&gt;"),
                Some('"') => self.0.push_str("&quot;"),
                Some('\'') => self.0.push_str("&apos;"),
                Some(other) => {
                    let _ = write!(self.0, "&#x{:X};", u32::from(other));
                }
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.push_str(rest);
    }
}

/// A carriage return is among them because parsers turn a raw one into a line feed.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '&' | '<' | '>' | '"' | '\'' | '\0'..='\u{8}' | '\u{B}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}'
    )
}

/// Whether a byte can be part of a special character. U+FFFE and U+FFFF begin with 0xEF.
fn may_be_special(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | 0xEF)
}

/// Bytes as hex pairs with blanks between.
pub(crate) fn hex_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing to a String can't fail.
        let _ = write!(text, "{gap}{byte:02X}");
    }
    text
}
