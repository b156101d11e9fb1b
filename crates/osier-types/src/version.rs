//! Version ids.

use serde::{Deserialize, Serialize};

/// Which version of an object.
///
/// A version's id is its sequence number within the key, written so that a
/// client sees an opaque word. Higher numbers are newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VersionId {
    /// The version written while versioning was off or suspended: `null` on the wire.
    Null,
    /// A version written while versioning was on.
    Numbered(u64),
}

/// The text is no version id that this server can have given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version id")]
pub struct InvalidVersionId;

/// Every id begins like this, as the ids of OSS do.
const PREFIX: &str = "CAEQ";

impl VersionId {
    /// Reads the wire form.
    ///
    /// # Errors
    /// When the text is neither `null` nor of the form that [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Result<Self, InvalidVersionId> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidVersionId)?;
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != 16 || !digits.bytes().all(lower_hex) {
            return Err(InvalidVersionId);
        }
        u64::from_str_radix(digits, 16)
            .map(Self::Numbered)
            .map_err(|_| InvalidVersionId)
    }
}

impl std::fmt::Display for VersionId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Numbered(number) => write!(out, "{PREFIX}{number:016x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for id in [
            VersionId::Null,
            VersionId::Numbered(0),
            VersionId::Numbered(u64::MAX),
        ] {
            assert_eq!(VersionId::parse(&id.to_string()), Ok(id));
        }
        for bad in [
            "",
            "NULL",
            "CAEQ",
            "CAEQ00000000000000zz",
            "CAEQ000000000000000A",
        ] {
            assert_eq!(VersionId::parse(bad), Err(InvalidVersionId), "{bad}");
        }
    }
}
