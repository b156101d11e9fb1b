//! Processing of objects on their way out: what is asked for, and what a bucket allows.
//!
//! The text of `x-oss-process` is kept as it was sent; its grammar belongs to
//! whoever carries it out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::bucket::words;
use crate::limits::STYLE_NAME_CHARS_MAX;
use crate::{BucketName, GetObject, ObjectKey, ObjectRef, Timestamp};

/// `GetObject` and `HeadObject` with `x-oss-process`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessObject {
    /// The read; range and conditions are those of the result.
    pub read: GetObject,
    /// The parameter's value, decoded once.
    pub process: String,
}

/// `ProcessObject`: the result becomes an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveProcessed {
    /// What to process.
    pub source: ObjectRef,
    /// What the body says after `x-oss-process=`.
    pub process: String,
}

/// What came of [`SaveProcessed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSaved {
    /// Where the result is.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// Bytes of the result.
    pub size: u64,
}

/// A style's name: 1 to 63 letters, digits, dots, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StyleName(String);

/// A text that can't be a style's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a style's name is 1 to 63 letters, digits, `.`, `-` and `_`")]
pub struct InvalidStyleName;

impl StyleName {
    /// The name in `text`.
    ///
    /// # Errors
    /// When a rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidStyleName> {
        let allowed =
            |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'-' | b'_');
        if text.is_empty() || text.len() > STYLE_NAME_CHARS_MAX || !text.bytes().all(allowed) {
            return Err(InvalidStyleName);
        }
        Ok(Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

words! {
    /// What a style is for.
    StyleCategory {
        /// Pictures.
        Image = "image",
        /// Documents.
        Document = "document",
        /// Videos.
        Video = "video",
    }
}

/// A named processing of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Its name.
    pub name: StyleName,
    /// What `x-oss-process` would say, as it was put.
    pub content: String,
    /// What it is for.
    pub category: StyleCategory,
    /// When it was first put.
    pub created: Timestamp,
    /// When it was last put.
    pub modified: Timestamp,
}

/// `PutStyle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutStyle {
    /// Where.
    pub bucket: BucketName,
    /// Its name.
    pub name: StyleName,
    /// What `x-oss-process` would say.
    pub content: String,
    /// What it is for.
    pub category: StyleCategory,
}

/// `BucketProcessConfiguration`: what a bucket's originals and styles are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessingConfig {
    /// `SourceFileProtect`: nobody reads an original without signing.
    pub protected: bool,
    /// `SourceFileProtectSuffix`: of which names, lower-case, without the dot; empty or `*` is all.
    pub suffixes: Vec<String>,
    /// `StyleDelimiters`: between a key and a style's name.
    pub delimiters: Vec<StyleDelimiter>,
    /// `CompliedHost`, kept and returned; empty when never set.
    pub complied_host: String,
    /// `OssDomainSupportAtProcess`, kept and returned.
    pub at_process: bool,
}

words! {
    /// What may stand between a key and a style's name.
    StyleDelimiter {
        /// Hyphen.
        Hyphen = "-",
        /// Underscore.
        Underscore = "_",
        /// Slash.
        Slash = "/",
        /// Exclamation mark.
        Exclamation = "!",
    }
}

impl ProcessingConfig {
    /// Whether the original under `key` is not for everybody.
    pub fn protects(&self, key: &ObjectKey) -> bool {
        let ending = |suffix: &String| {
            suffix == "*"
                || key
                    .as_str()
                    .rsplit_once('.')
                    .is_some_and(|(_, own)| own.eq_ignore_ascii_case(suffix))
        };
        self.protected && (self.suffixes.is_empty() || self.suffixes.iter().any(ending))
    }

    /// `key` as other keys with a style's name behind them, the last delimiter first.
    ///
    /// Names may hold delimiters too, so there are several readings; no more than a few are tried.
    pub fn styled(&self, key: &ObjectKey) -> Vec<(ObjectKey, StyleName)> {
        let delimits = |letter: char| {
            self.delimiters
                .iter()
                .any(|delimiter| delimiter.as_str().starts_with(letter))
        };
        let text = key.as_str();
        text.rmatch_indices(delimits)
            .take(READINGS_MAX)
            .filter_map(|(place, delimiter)| {
                let (head, tail) = text.split_at_checked(place)?;
                let name = StyleName::parse(tail.strip_prefix(delimiter)?).ok()?;
                Some((ObjectKey::parse(head.as_bytes()).ok()?, name))
            })
            .collect()
    }
}

/// Readings of one key; each costs a look-up of a style.
const READINGS_MAX: usize = 4;

/// Bytes made from an object, ready to be read like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedBytes {
    /// The bytes.
    pub bytes: Bytes,
    /// Their media type.
    pub content_type: &'static str,
    /// What distinguishes them from all other results.
    pub tag: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ObjectKey {
        ObjectKey::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn originals_are_protected_by_their_suffix() {
        let mut config = ProcessingConfig {
            protected: true,
            suffixes: vec!["jpg".to_owned(), "png".to_owned()],
            ..ProcessingConfig::default()
        };
        assert!(config.protects(&key("a/b.JPG")) && config.protects(&key("x.png")));
        assert!(!config.protects(&key("jpg")) && !config.protects(&key("a.gif")));
        config.suffixes.clear();
        assert!(config.protects(&key("anything")));
        config.protected = false;
        assert!(!config.protects(&key("a.jpg")));
    }

    #[test]
    fn keys_are_split_at_the_last_delimiter_first() {
        let config = ProcessingConfig {
            delimiters: vec![StyleDelimiter::Hyphen, StyleDelimiter::Exclamation],
            ..ProcessingConfig::default()
        };
        let split = |text: &str| -> Vec<(String, String)> {
            config
                .styled(&key(text))
                .iter()
                .map(|(key, name)| (key.as_str().to_owned(), name.as_str().to_owned()))
                .collect()
        };
        let pair = |key: &str, name: &str| (key.to_owned(), name.to_owned());
        assert_eq!(split("a.jpg!small"), [pair("a.jpg", "small")]);
        assert_eq!(
            split("a-b.jpg-very-small"),
            [
                pair("a-b.jpg-very", "small"),
                pair("a-b.jpg", "very-small"),
                pair("a", "b.jpg-very-small"),
            ]
        );
        assert!(split("a_small").is_empty() && split("a-").is_empty() && split("-a").is_empty());
    }

    #[test]
    fn names_of_styles() {
        assert!(StyleName::parse("a.B-c_9").is_ok() && StyleName::parse(&"a".repeat(63)).is_ok());
        for bad in ["", "a/b", "a b", "\u{e4}"] {
            assert_eq!(StyleName::parse(bad), Err(InvalidStyleName), "{bad}");
        }
        assert!(StyleName::parse(&"a".repeat(64)).is_err());
    }
}
