//! Checksums and entity tags.

use serde::{Deserialize, Serialize};

use crate::{Checksum, ChecksumAlgorithm};

/// An MD5 digest.
pub type Md5 = [u8; 16];

/// A CRC-64/XZ checksum, written in decimal on the wire (`x-oss-hash-crc64ecma`).
pub type Crc64 = u64;

/// An entity tag without its quotes: upper-case hex, for multipart objects with `-<parts>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ETag(String);

impl ETag {
    /// The tag of a body written in one piece.
    pub fn of_md5(md5: &Md5) -> Self {
        Self(hex_upper(md5))
    }

    /// The tag of a body put together from `parts` parts; `md5` is over their digests.
    pub fn of_parts(md5: &Md5, parts: usize) -> Self {
        Self(format!("{}-{parts}", hex_upper(md5)))
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as headers and XML carry it, in double quotes.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Whether one tag of a client means this one. Clients send tags with or
    /// without quotes and in either case (oss2 sends them bare).
    pub fn matches(&self, sent: &str) -> bool {
        let sent = sent.trim();
        let sent = sent.strip_prefix("W/").unwrap_or(sent);
        sent.trim_matches('"').eq_ignore_ascii_case(&self.0)
    }

    /// Whether a whole `If-Match` or `If-None-Match` value (a list, or `*`) means this one.
    pub fn matches_any(&self, list: &str) -> bool {
        list.split(',')
            .any(|sent| sent.trim() == "*" || self.matches(sent))
    }
}

fn hex_upper(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
}

/// What the client says the body will be; each is checked before anything becomes visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of the body (`Content-Length`); a chunked body has none.
    pub length: Option<u64>,
    /// `Content-MD5`.
    pub md5: Option<Md5>,
    /// `x-oss-hash-crc64ecma` on the request.
    pub crc64: Option<Crc64>,
    /// A signed payload digest (`x-oss-content-sha256` in hex).
    pub sha256: Option<[u8; 32]>,
    /// `x-amz-checksum-*`.
    pub checksum: Option<ChecksumPromise>,
}

/// What a client says of the checksum of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumPromise {
    /// Its value.
    Sent(Checksum),
    /// That it follows the body.
    Trailing(ChecksumAlgorithm),
    /// Nothing; it is reckoned and kept all the same.
    Unsent(ChecksumAlgorithm),
}

impl ChecksumPromise {
    /// How it is reckoned.
    pub const fn algorithm(&self) -> ChecksumAlgorithm {
        match self {
            Self::Sent(checksum) => checksum.algorithm(),
            Self::Trailing(algorithm) | Self::Unsent(algorithm) => *algorithm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_as_clients_send_them() {
        let tag = ETag::of_md5(&[0xAB; 16]);
        let bare = "AB".repeat(16);
        assert_eq!(tag.quoted(), format!("\"{bare}\""));
        assert!(
            tag.matches(&bare) && tag.matches(&bare.to_lowercase()) && tag.matches(&tag.quoted())
        );
        assert!(tag.matches_any("*") && tag.matches_any(&format!("\"x\", \"{bare}\"")));
        assert!(!tag.matches_any("\"x\""));
    }
}
