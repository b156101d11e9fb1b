//! Names of styles.

use osier_types::limits::STYLE_NAME_CHARS_MAX;

/// A style's name: 1 to 63 letters, digits, dots, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StyleName(String);

/// A text that can't be a style's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a style's name is 1 to 63 letters, digits, `.`, `-` and `_`")]
pub struct InvalidStyleName;

impl StyleName {
    /// The name in `text`.
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
