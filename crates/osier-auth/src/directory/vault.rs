//! Records at rest: encrypted, and bound to the key they are stored under.
//!
//! `XChaCha20-Poly1305`, whose nonces are long enough to be drawn at random. Where the key
//! of the vault is kept is the caller's business.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use osier_types::Rng;
use zeroize::{Zeroize as _, Zeroizing};

/// Encrypts and decrypts records.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

/// The bytes are no record of this vault under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored identity is damaged, or was sealed with another key")]
pub struct UnsealError;

impl Vault {
    /// A vault with a key of its own.
    pub fn new(mut key: [u8; 32]) -> Self {
        let mut taken = Key::from(key);
        let vault = Self(XChaCha20Poly1305::new(&taken));
        key.zeroize();
        taken.as_mut_slice().zeroize();
        vault
    }

    /// `plain`, readable only with this vault and under `name`.
    pub fn seal(&self, name: &[u8], plain: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let payload = Payload {
            msg: plain,
            aad: name,
        };
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only texts of 256 GiB are too long to be sealed");
        [&[FORM][..], &nonce, &sealed].concat()
    }

    /// What was sealed under `name`; it is overwritten when dropped.
    ///
    /// # Errors
    /// When a bit was changed, or the vault or the name is another.
    pub fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let rest = sealed.strip_prefix(&[FORM]).ok_or(UnsealError)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(UnsealError)?;
        let payload = Payload {
            msg: sealed,
            aad: name,
        };
        self.0
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| UnsealError)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Vault")
    }
}

const NONCE_LEN: usize = 24;

/// The first byte, so that another form can follow.
const FORM: u8 = 1;

#[cfg(test)]
mod tests {
    use osier_types::SeededRng;

    use super::*;

    #[test]
    fn only_the_same_vault_and_name_open_it() {
        let rng = SeededRng::new(1);
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(b"key/a", b"secret", &rng);
        assert_eq!(*vault.open(b"key/a", &sealed).unwrap(), b"secret");
        assert_eq!(vault.open(b"key/b", &sealed), Err(UnsealError));
        assert_eq!(
            Vault::new([8; 32]).open(b"key/a", &sealed),
            Err(UnsealError)
        );
        assert_ne!(
            sealed,
            vault.seal(b"key/a", b"secret", &rng),
            "nonces differ"
        );
    }

    #[test]
    fn s19_sealed_bytes_show_nothing_and_break_on_any_change() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(b"n", b"canary-secret", &SeededRng::new(1));
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(vault.open(b"n", &changed), Err(UnsealError), "{at}");
            assert_eq!(vault.open(b"n", &sealed[..at]), Err(UnsealError), "{at}");
        }
        assert_eq!(format!("{vault:?}"), "Vault");
    }
}
