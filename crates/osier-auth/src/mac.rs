//! Keyed digests, and their text in the form that the schemes compare.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// An HMAC-SHA256 that has taken its key, and is cheap to copy.
pub(crate) type Sha256Key = Hmac<Sha256>;

/// The HMAC-SHA1 of `message`.
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    Hmac::<Sha1>::new_from_slice(key)
        .expect("HMAC takes a key of any length")
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// An HMAC-SHA256 keyed with `key`.
pub(crate) fn sha256_key(key: &[u8]) -> Sha256Key {
    Sha256Key::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The HMAC-SHA256 of `message`.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    finish(sha256_key(key).chain_update(message))
}

/// The digest of all that `mac` was fed.
pub(crate) fn finish(mac: Sha256Key) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

/// The SHA-256 of `parts`, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Whether `sent` is exactly the Base64 text of `digest`, in constant time. Comparing the
/// text and not its meaning leaves one spelling of each signature.
pub(crate) fn is_base64_of(sent: &str, digest: &[u8]) -> bool {
    let mut text = [0; 44];
    match STANDARD.encode_slice(digest, &mut text) {
        Ok(length) => text
            .get(..length)
            .is_some_and(|text| text.ct_eq(sent.as_bytes()).into()),
        Err(_) => false,
    }
}

/// The Base64 text of a digest.
pub(crate) fn base64(digest: &[u8]) -> String {
    STANDARD.encode(digest)
}

/// Whether `sent` is exactly the lower-case hex text of `digest`, in constant time.
pub(crate) fn is_hex_of(sent: &str, digest: &[u8; 32]) -> bool {
    hex(digest).ct_eq(sent.as_bytes()).into()
}

/// Lower-case hex.
pub(crate) fn hex(digest: &[u8; 32]) -> [u8; 64] {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    };
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        if let [high, low] = pair {
            *high = digit(byte >> 4);
            *low = digit(byte & 15);
        }
    }
    text
}

/// Reads 64 hex digits in either case.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? * 16 + digit(*low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_one_spelling_per_signature() {
        let digest = [0xAB; 32];
        let text = "ab".repeat(32);
        assert!(is_hex_of(&text, &digest));
        assert!(!is_hex_of(&text.to_uppercase(), &digest));
        assert!(!is_hex_of(&format!("{text}0"), &digest) && !is_hex_of("", &digest));
        let text = STANDARD.encode(digest);
        assert!(is_base64_of(&text, &digest));
        assert!(!is_base64_of(text.trim_end_matches('='), &digest));
        assert!(!is_base64_of(&format!("{text}="), &digest) && !is_base64_of("", &digest));
    }

    #[test]
    fn hex_both_ways() {
        let digest = sha256(&[b"a", b"", b"bc"]);
        let text = hex(&digest);
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(
            text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(unhex(text), Some(digest));
        assert_eq!(unhex(&text.to_uppercase()), Some(digest));
        assert_eq!(unhex("zz"), None);
        assert_eq!(unhex(&"g".repeat(64)), None);
    }
}
