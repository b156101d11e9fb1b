//! Object keys: any UTF-8, never normalised.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::KEY_BYTES_MAX;

/// An object's key: 1 to 1,024 bytes of UTF-8, compared and ordered by bytes.
///
/// Nothing in a key has a meaning here: `.`, `..`, `//`, control characters and
/// NUL are ordinary. A dialect may refuse more (OSS refuses a leading `/`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey(Arc<str>);

/// The bytes can't be an object's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectKey {
    /// A key has at least one byte.
    #[error("the key is empty")]
    Empty,
    /// A key has at most 1,024 bytes.
    #[error("the key has more than {KEY_BYTES_MAX} bytes")]
    TooLong,
    /// A key is UTF-8.
    #[error("the key is not UTF-8")]
    NotUtf8,
}

impl ObjectKey {
    /// Takes `bytes` as a key.
    ///
    /// # Errors
    /// When it is empty, too long or not UTF-8.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidObjectKey> {
        if bytes.is_empty() {
            return Err(InvalidObjectKey::Empty);
        }
        if bytes.len() > KEY_BYTES_MAX {
            return Err(InvalidObjectKey::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidObjectKey::NotUtf8)?;
        Ok(Self(text.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}
