//! The continuation token of `ListObjectsV2`.
//!
//! Opaque to clients and safe in a URL: V1 signs it as a sub-resource, so that
//! it must survive any amount of encoding. It is the name to go on after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The token that goes on after the name `after`.
pub(crate) fn encode(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

/// The name that `token` goes on after; `None` for text that is no token.
pub(crate) fn decode(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for after in ["", "a", "a/b c+", "中文/\u{0}\u{10FFFF}"] {
            let token = encode(after);
            assert_eq!(decode(&token).as_deref(), Some(after));
            let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            assert!(token.bytes().all(safe), "{token}");
        }
    }

    #[test]
    fn refuses_what_it_did_not_make() {
        for text in ["a", "a b", "YQ==", "_w", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
