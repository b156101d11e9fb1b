//! Derived V4 keys, remembered so that a signed request costs two digests and not six.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{PoisonError, RwLock};

use crate::Secret;
use crate::mac::{Sha256Key, hmac_sha256, sha256_key};

/// What a V4 signing key is derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope<'a> {
    pub(crate) access_key_id: &'a str,
    /// `yyyymmdd`.
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) product: &'a str,
    pub(crate) derivation: Derivation,
}

/// Whose way of deriving it is; the two differ in two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Derivation {
    /// OSS V4.
    Aliyun,
    /// S3's V4.
    Aws,
}

/// A bounded memory of derived keys. Only keys that verified a signature enter it, so that
/// strangers can't fill it.
#[derive(Default)]
pub struct SigningKeys {
    hasher: RandomState,
    keys: RwLock<HashMap<u64, Remembered>>,
}

struct Remembered {
    access_key_id: Box<str>,
    date: Box<str>,
    region: Box<str>,
    product: Box<str>,
    derivation: Derivation,
    /// What the key was derived from: a rotated secret must not find the old key.
    secret: Secret,
    key: Sha256Key,
}

impl SigningKeys {
    /// The remembered key.
    pub(crate) fn find(&self, scope: &Scope<'_>, secret: &Secret) -> Option<Sha256Key> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&self.hasher.hash_one(scope))
            .filter(|kept| kept.scope() == *scope && kept.secret.matches(secret.expose()))
            .map(|kept| kept.key.clone())
    }

    /// Keeps a key that has verified a signature.
    pub(crate) fn keep(&self, scope: &Scope<'_>, secret: &Secret, key: Sha256Key) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // Deriving all anew once in a while is cheaper than keeping an order.
        if keys.len() >= SIGNING_KEYS_MAX {
            keys.clear();
        }
        keys.insert(
            self.hasher.hash_one(scope),
            Remembered {
                access_key_id: scope.access_key_id.into(),
                date: scope.date.into(),
                region: scope.region.into(),
                product: scope.product.into(),
                derivation: scope.derivation,
                secret: secret.clone(),
                key,
            },
        );
    }

    fn len(&self) -> usize {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

impl Remembered {
    fn scope(&self) -> Scope<'_> {
        Scope {
            access_key_id: &self.access_key_id,
            date: &self.date,
            region: &self.region,
            product: &self.product,
            derivation: self.derivation,
        }
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SigningKeys({})", self.len())
    }
}

/// Derives the key of a scope.
pub(crate) fn derive(scope: &Scope<'_>, secret: &Secret) -> Sha256Key {
    let [.., last] = derive_steps(scope, secret);
    sha256_key(&last)
}

/// The four steps of the derivation; the last is the key.
pub(crate) fn derive_steps(scope: &Scope<'_>, secret: &Secret) -> [[u8; 32]; 4] {
    let (prefix, terminal) = match scope.derivation {
        Derivation::Aliyun => ("aliyun_v4", "aliyun_v4_request"),
        Derivation::Aws => ("AWS4", "aws4_request"),
    };
    let seed = Secret::new([prefix.as_bytes(), secret.expose()].concat());
    let date = hmac_sha256(seed.expose(), scope.date.as_bytes());
    let region = hmac_sha256(&date, scope.region.as_bytes());
    let product = hmac_sha256(&region, scope.product.as_bytes());
    let key = hmac_sha256(&product, terminal.as_bytes());
    [date, region, product, key]
}

/// About half a kilobyte each.
const SIGNING_KEYS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(region: &str) -> Scope<'_> {
        Scope {
            access_key_id: "id",
            date: "20261122",
            region,
            product: "oss",
            derivation: Derivation::Aliyun,
        }
    }

    #[test]
    fn a_rotated_secret_finds_nothing() {
        let keys = SigningKeys::default();
        let (old, new) = (Secret::from("old"), Secret::from("new"));
        let scope = scope("r");
        keys.keep(&scope, &old, derive(&scope, &old));
        assert!(keys.find(&scope, &old).is_some());
        assert!(keys.find(&scope, &new).is_none());
        keys.keep(&scope, &new, derive(&scope, &new));
        assert!(keys.find(&scope, &old).is_none() && keys.find(&scope, &new).is_some());
    }

    #[test]
    fn it_stays_bounded() {
        let keys = SigningKeys::default();
        let secret = Secret::from("s");
        for nth in 0..=SIGNING_KEYS_MAX * 2 {
            keys.keep(&scope(&nth.to_string()), &secret, sha256_key(b"k"));
            assert!(keys.len() <= SIGNING_KEYS_MAX);
        }
        assert!(keys.find(&scope("2048"), &secret).is_some());
    }

    #[test]
    fn steps_are_those_of_the_reference() {
        let secret = Secret::from("ExampleSecret0123456789abcdefgh");
        let steps = derive_steps(&scope("cn-beijing"), &secret).map(|step| {
            let text = crate::mac::hex(&step);
            String::from_utf8_lossy(&text).into_owned()
        });
        assert_eq!(
            steps,
            [
                "c46bc5228ac07c666e956f24259b4a5fd5697311f6b70eb2a8101145083d58f9",
                "ddbf68d996be6e309f443beb5c2a685c6107ee778e7c8b8a38088cf977696588",
                "3fa09e0f9d7800389907c7f557a64a5e0ef86c6ff2be9459d1a164534c71f54b",
                "14a1dc304e2719f672ca4fe638a7c27b7533e3d7a367028db331934b849ba8c5",
            ]
        );
    }
}
