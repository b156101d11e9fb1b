//! User metadata beyond ASCII: S3 takes it in and tells it as the encoded words of RFC 2047.
//!
//! Kept is the text itself, which is also what OSS tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// As S3 tells a value; `None` where it needs no encoding.
pub(crate) fn encode(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_ascii()).then(|| format!("=?UTF-8?B?{}?=", STANDARD.encode(text)))
}

/// The text of a value that is nothing but encoded words in UTF-8; `None` where it is not, and
/// where the text is none that a header can carry.
pub(crate) fn decode(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?.trim_matches(' ');
    let mut text = Vec::new();
    // Blanks between two words are not part of the text (RFC 2047, 6.2).
    for word in value.split(' ').filter(|word| !word.is_empty()) {
        let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
        let (charset, rest) = inner.split_once('?')?;
        let (encoding, encoded) = rest.split_once('?')?;
        if !charset.eq_ignore_ascii_case("utf-8") || encoded.contains('?') {
            return None;
        }
        match encoding {
            "B" | "b" => text.extend(STANDARD.decode(encoded).ok()?),
            "Q" | "q" => text.extend(quoted(encoded.as_bytes())?),
            _ => return None,
        }
    }
    let text = String::from_utf8(text).ok()?;
    // What is plain anyway is left as it came.
    let carried = !text.is_ascii() && HeaderValue::from_bytes(text.as_bytes()).is_ok();
    carried.then_some(text)
}

/// Quoted-printable as encoded words have it: `_` is a blank.
fn quoted(encoded: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut text = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'=' => {
                let [high, low, after @ ..] = rest else {
                    return None;
                };
                text.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                rest = after;
            }
            b'_' => text.push(b' '),
            other => text.push(*other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_both_encodings_are_read() {
        for (word, text) in [
            ("=?UTF-8?B?5L2g5aW9?=", Some("你好")),
            ("=?utf-8?q?=E4=BD=A0_=e5=a5=bd?=", Some("你 好")),
            ("=?UTF-8?B?5L2g?=  =?UTF-8?B?5aW9?=", Some("你好")),
            // Half a character in each word.
            ("=?UTF-8?Q?=E4=BD?= =?UTF-8?Q?=A0?=", Some("你")),
            ("plain", None),
            ("", None),
            ("=?UTF-8?B?5L2g5aW9?= tail", None),
            ("=?UTF-8?B?YWJj?=", None),
            ("=?ISO-8859-1?Q?=E4?=", None),
            ("=?UTF-8?Q?=E4?=", None),
            ("=?UTF-8?Q?=E4=BD=A0=0D=0Aa:b?=", None),
            ("=?UTF-8?Q?=E?=", None),
            ("=?UTF-8?X?a?=", None),
            ("=?UTF-8?B?*?=", None),
        ] {
            assert_eq!(decode(word.as_bytes()).as_deref(), text, "{word}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_left_alone() {
        assert_eq!(encode(b"\xff"), None);
        assert_eq!(decode(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again(text in "[ -~]{0,20}[\u{a1}-\u{2fff}]{1,20}[ -~]{0,20}") {
            let word = encode(text.as_bytes()).unwrap();
            prop_assert!(word.is_ascii());
            prop_assert_eq!(decode(word.as_bytes()), Some(text));
        }

        #[test]
        fn no_value_is_too_odd(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&value);
        }
    }
}
