//! Secrets: never printed, compared in constant time, overwritten when dropped.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

/// A secret access key or security token. Cloning shares it.
#[derive(Clone)]
pub struct Secret(Arc<Wiped>);

struct Wiped(Box<[u8]>);

impl Secret {
    /// Takes `bytes` as a secret.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Wiped(bytes.into().into_boxed_slice())))
    }

    /// Whether `sent` is this secret; takes equally long wherever they differ.
    pub fn matches(&self, sent: &[u8]) -> bool {
        self.expose().ct_eq(sent).into()
    }

    /// The secret itself, for the one reply that hands it to its owner.
    pub fn reveal(&self) -> &[u8] {
        self.expose()
    }

    /// The secret itself, for signing.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from dropping a write that nobody reads.
        std::hint::black_box(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_a_secret_prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret");
    }

    #[test]
    fn s18_only_the_whole_secret_matches() {
        let secret = Secret::from("hunter2");
        assert!(secret.matches(b"hunter2"));
        for other in ["", "hunter", "hunter22", "Hunter2"] {
            assert!(!secret.matches(other.as_bytes()), "{other}");
        }
    }
}
