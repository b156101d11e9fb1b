//! One spelling for texts that differ by their percent-encoding only. Purges go by it: whoever
//! purges an object may spell its address otherwise than those who asked for it. Names of kept
//! answers do not, because an origin may tell spellings apart.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A path, of which `%2F` is no `/`.
pub(crate) fn of_path(path: &str) -> Cow<'_, str> {
    spelt(path, b"/?#")
}

/// A query, in which what divides it differs from the same encoded.
pub(crate) fn of_query(query: &str) -> Cow<'_, str> {
    spelt(query, b"&=+;#")
}

/// What is encoded without need is decoded, and what need be encoded has its digits in capitals:
/// RFC 3986, sections 6.2.2.1 and 6.2.2.2. Beyond them all ASCII but `divides` and `%` is decoded
/// and all else encoded, as buckets and most servers read it: too much may be purged for that,
/// never too little.
fn spelt<'t>(text: &'t str, divides: &[u8]) -> Cow<'t, str> {
    if text.is_ascii() && !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut spelt = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, was_encoded, after) = match (first, after) {
            (b'%', [high, low, after @ ..])
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) =>
            {
                (high << 4 | low, true, after)
            }
            _ => (first, false, after),
        };
        rest = after;
        let stays_encoded = was_encoded && divides.contains(&byte);
        if byte.is_ascii() && byte != b'%' && !stays_encoded {
            spelt.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(spelt, "%{byte:02X}");
        }
    }
    Cow::Owned(spelt)
}

/// A regular expression for texts in this spelling, where what it encodes is spelt otherwise.
pub(crate) fn of_pattern(pattern: &str) -> Option<String> {
    let mut spelt = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        spelt.push_str(before);
        rest = after;
        let encoded = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| digit(byte).is_some()));
        match encoded {
            Some(digits) => {
                rest = after.get(2..).unwrap_or_default();
                let one = spelt_one(digits);
                spelt.push_str(&regex_lite::escape(&one));
            }
            None => spelt.push('%'),
        }
    }
    spelt.push_str(rest);
    (spelt != pattern).then_some(spelt)
}

fn spelt_one(digits: &str) -> String {
    of_path(&format!("%{digits}")).into_owned()
}

/// The value of a hexadecimal digit.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_path_are_one() {
        for (path, expected) in [
            ("/a-b", "/a-b"),
            ("/a%2Db%2d", "/a-b-"),
            ("/%e4%bd%a0", "/%E4%BD%A0"),
            ("/你", "/%E4%BD%A0"),
            ("/a%28b%29%20(c)", "/a(b) (c)"),
            ("/a%2fb/c", "/a%2Fb/c"),
            ("/a%3fb%23", "/a%3Fb%23"),
            // Decoded once, as every server does.
            ("/%2541", "/%2541"),
            ("/%zz%4", "/%25zz%254"),
            ("/%%34%31", "/%2541"),
            ("/%ff", "/%FF"),
        ] {
            assert_eq!(of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn spellings_of_one_query_are_one() {
        let query = "x-oss-process=image%2fresize%2cw_1&a=%26%3D%2B+";
        assert_eq!(
            of_query(query),
            "x-oss-process=image/resize,w_1&a=%26%3D%2B+"
        );
    }

    #[test]
    fn a_pattern_is_spelt_as_what_it_is_for() {
        for (pattern, expected) in [
            (
                "^/a%2Db%2e/%e4%bd%a0[%2f]",
                Some(r"^/a\-b\./%E4%BD%A0[%2F]"),
            ),
            ("^/%E4%BD%A0$", None),
            ("100%|%4", None),
        ] {
            assert_eq!(of_pattern(pattern).as_deref(), expected, "{pattern}");
        }
    }

    proptest! {
        /// Purges are written down in this spelling, and read again.
        #[test]
        fn a_spelling_is_its_own(text in "[/a?%0-9A-Fa-f你&]{0,24}") {
            let path = of_path(&text).into_owned();
            prop_assert_eq!(of_path(&path), &*path);
            let query = of_query(&text).into_owned();
            prop_assert_eq!(of_query(&query), &*query);
        }
    }
}
