//! Pieces of canonical text that the schemes share: headers, resources, query strings.

use http::HeaderMap;
use osier_types::Query;

use crate::ResourceName;

/// How a resource is written in a string to sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceText {
    /// As bytes (V1).
    Decoded,
    /// Percent-encoded, slashes kept (V4).
    Encoded,
    /// Percent-encoded, slashes too (V2).
    EncodedSlashes,
}

/// The first value of a header, without the blanks around it; empty when there is none.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a [u8] {
    headers
        .get(name)
        .map_or(b"".as_slice(), |value| value.as_bytes().trim_ascii())
}

/// The same as text; `None` when there is none or it is not visible ASCII.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
}

/// `name:value\n` of every header that is `x-oss-*` or that `also` names, sorted by name.
/// Values of a repeated header are joined by commas.
pub(crate) fn push_headers(out: &mut Vec<u8>, headers: &HeaderMap, also: impl Fn(&str) -> bool) {
    let mut lines = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.as_str();
        if name.starts_with("x-oss-") || also(name) {
            lines.push((name, value.as_bytes().trim_ascii()));
        }
    }
    // Stable: the values of a repeated header stay in the order received.
    lines.sort_by_key(|&(name, _)| name);
    for same in lines.chunk_by(|one, next| one.0 == next.0) {
        for (nth, (name, value)) in same.iter().enumerate() {
            if nth == 0 {
                out.extend_from_slice(name.as_bytes());
            }
            out.push(if nth == 0 { b':' } else { b',' });
            out.extend_from_slice(value);
        }
        out.push(b'\n');
    }
}

/// `/`, `/bucket/` or `/bucket/key`.
pub(crate) fn push_resource(out: &mut Vec<u8>, resource: &ResourceName, text: ResourceText) {
    let push = |out: &mut Vec<u8>, bytes: &[u8]| match text {
        ResourceText::Decoded => out.extend_from_slice(bytes),
        ResourceText::Encoded => push_encoded(out, bytes, true),
        ResourceText::EncodedSlashes => push_encoded(out, bytes, false),
    };
    push(out, b"/");
    if let Some(bucket) = &resource.bucket {
        push(out, bucket.as_bytes());
        push(out, b"/");
    }
    if let Some(key) = &resource.key {
        push(out, key);
    }
}

/// All parameters but those that `skip` names: strictly encoded, sorted, `k=v` or bare `k`.
pub(crate) fn push_encoded_query(out: &mut Vec<u8>, query: &Query, skip: impl Fn(&str) -> bool) {
    let encode = |bytes: &[u8]| {
        let mut text = Vec::with_capacity(bytes.len() + 8);
        push_encoded(&mut text, bytes, false);
        text
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .pairs()
        .iter()
        .filter(|pair| !skip(&pair.name))
        .map(|pair| (encode(pair.name.as_bytes()), encode(&pair.value)))
        .collect();
    pairs.sort_unstable();
    for (nth, (name, value)) in pairs.iter().enumerate() {
        if nth > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        if !value.is_empty() {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

/// RFC 3986, upper-case hex; like [`osier_types::percent_encode`], without a string of its own.
pub(crate) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8], keep_slash: bool) {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + (nibble - 10),
    };
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'~')
            || (keep_slash && byte == b'/');
        if plain {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests;
