//! Percent-encoding and query strings, as the signatures of all dialects need them.

/// One parameter, decoded. `+` is an ordinary character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPair {
    /// Its name; bytes that are not UTF-8 are replaced, since no parameter of ours has any.
    pub name: String,
    /// Its value; empty when there is none.
    pub value: Vec<u8>,
}

/// The parameters of a request target, in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<QueryPair>);

impl Query {
    /// Splits and decodes what follows the `?`. Never fails: a stray `%` stands for itself.
    pub fn parse(raw: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            QueryPair {
                name: String::from_utf8_lossy(&percent_decode(name.as_bytes())).into_owned(),
                value: percent_decode(value.as_bytes()),
            }
        };
        Self(
            raw.split('&')
                .filter(|part| !part.is_empty())
                .map(pair)
                .collect(),
        )
    }

    /// All parameters.
    pub fn pairs(&self) -> &[QueryPair] {
        &self.0
    }

    /// All parameters but those of this name.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let others = self.0.iter().filter(|pair| pair.name != name);
        Self(others.cloned().collect())
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of the first parameter of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|pair| pair.name == name)
            .map(|pair| pair.value.as_slice())
    }

    /// The value of the first parameter of this name, when it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The value, taking an empty one for an absent one (oss2 sends `marker=`).
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|value| !value.is_empty())
    }
}

/// Replaces each `%XX` by its byte; anything else stays, a stray `%` and `+` included.
pub fn percent_decode(text: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let byte = match (first, hex(tail.first()), hex(tail.get(1))) {
            (b'%', Some(high), Some(low)) => {
                rest = tail.get(2..).unwrap_or_default();
                // Two hex digits are at most 255.
                u8::try_from(high * 16 + low).unwrap_or(first)
            }
            _ => first,
        };
        decoded.push(byte);
    }
    decoded
}

/// Encodes for RFC 3986: all but `A-Za-z0-9-_.~` and, with `keep_slash`, `/`. Upper-case hex.
pub fn percent_encode(bytes: &[u8], keep_slash: bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(bytes.len() + bytes.len() / 4);
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'~')
            || (keep_slash && byte == b'/');
        if plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(
                    HEX.get(usize::from(nibble))
                        .map_or('0', |&digit| char::from(digit)),
                );
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once_and_keeps_plus() {
        let query = Query::parse("acl&marker=&key=a%2Fb+c%25&key=second&%zz=%4");
        assert!(query.has("acl") && query.get("acl") == Some(b""));
        assert_eq!(query.non_empty("marker"), None);
        assert_eq!(query.text("key"), Some("a/b+c%"));
        assert_eq!(query.text("%zz"), Some("%4"));
    }

    #[test]
    fn encodes_strictly() {
        assert_eq!(
            percent_encode("a b+c/中~".as_bytes(), true),
            "a%20b%2Bc/%E4%B8%AD~"
        );
        assert_eq!(percent_encode(b"a/b", false), "a%2Fb");
    }
}
