//! New ids and secrets, in the forms that clients know.

use osier_types::Rng;
use zeroize::Zeroize as _;

use crate::Secret;

/// An access key's id: `LTAI5t` and 18 letters and digits.
pub(crate) fn access_key_id(rng: &dyn Rng) -> String {
    format!("LTAI5t{}", text(rng, 18, ALPHANUMERIC))
}

/// A temporary key's id: `STS.N` and 24 letters and digits.
pub(crate) fn temporary_key_id(rng: &dyn Rng) -> String {
    format!("STS.N{}", text(rng, 24, ALPHANUMERIC))
}

/// A secret: `length` letters and digits; 30 have 178 bits.
pub(crate) fn secret(rng: &dyn Rng, length: usize) -> Secret {
    let mut text = text(rng, length, ALPHANUMERIC);
    let secret = Secret::from(text.as_str());
    text.zeroize();
    secret
}

/// An account's id: 16 digits.
pub(crate) fn account_id(rng: &dyn Rng) -> String {
    format!("1{}", text(rng, 15, DIGITS))
}

/// The id of a user, group or role: 18 digits; users begin with 2 and roles with 3.
pub(crate) fn entity_id(rng: &dyn Rng, first: char) -> String {
    format!("{first}{}", text(rng, 17, DIGITS))
}

/// Each character is equally likely: bytes beyond the last multiple are drawn again.
fn text(rng: &dyn Rng, length: usize, alphabet: &[u8]) -> String {
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 32];
    while text.len() < length {
        rng.fill(&mut bytes);
        let drawn = bytes
            .iter()
            .map(|&byte| usize::from(byte))
            .filter(|&byte| byte < fair)
            .filter_map(|byte| alphabet.get(byte % alphabet.len()))
            .take(length - text.len());
        text.extend(drawn.map(|&byte| char::from(byte)));
    }
    bytes.zeroize();
    text
}

const DIGITS: &[u8] = b"0123456789";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
