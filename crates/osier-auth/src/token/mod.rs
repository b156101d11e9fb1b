//! Security tokens: what a temporary key stands for, sealed so that only the server reads it.
//!
//! A token carries everything, so nothing is kept per session. It is sealed with a key of its
//! own that changes every day; a key that was replaced opens its tokens until the last of
//! them is over. There is one cipher and no choice of it.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osier_types::{Rng, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::directory::record::secret_text;
use crate::directory::{Vault, ids};
use crate::mac::sha256;
use crate::{Secret, TokenFault};

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) access_key_id: String,
    #[serde(with = "secret_text")]
    pub(crate) secret: Secret,
    pub(crate) account: String,
    /// The role that was taken on; `None` stands for the issuer itself.
    pub(crate) role_id: Option<String>,
    pub(crate) session: String,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) policy: Option<String>,
    pub(crate) issuer: Issuer,
    /// The user's key that asked for it: the token dies with it too.
    pub(crate) issuing_key: Option<String>,
}

/// Who asked for it: the token dies with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Issuer {
    User { account: String, id: String },
    Role { account: String, id: String },
    Account { account: String },
}

/// One key of tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenKey {
    pub(crate) id: u32,
    #[serde(with = "secret_text")]
    secret: Secret,
    created: Timestamp,
}

/// The keys of tokens: the newest seals, all open.
#[derive(Clone, Default)]
pub struct TokenKeys(Vec<Arc<TokenKey>>);

impl TokenKeys {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none, and no token can be made.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A new key, when the newest is too old or there is none.
    pub(crate) fn next_key(&self, now: Timestamp, rng: &dyn Rng) -> Option<TokenKey> {
        let newest = self.0.last();
        if newest.is_some_and(|key| now < key.created.plus_millis(ROTATION_MS)) {
            return None;
        }
        Some(TokenKey {
            id: newest.map_or(1, |key| key.id.wrapping_add(1)),
            secret: ids::secret(rng, 44),
            created: now,
        })
    }

    /// Takes out the keys whose last token is over.
    pub(crate) fn drop_spent(&mut self, now: Timestamp) -> Vec<Arc<TokenKey>> {
        // A key seals until the next one is made.
        let ends = self
            .0
            .iter()
            .skip(1)
            .map(|next| next.created.plus_millis(TOKEN_MS_MAX));
        let spent = ends.take_while(|end| now > *end).count();
        self.0.drain(..spent).collect()
    }

    /// Adds or replaces a key.
    pub(crate) fn put(&mut self, key: Arc<TokenKey>) {
        self.0.retain(|known| known.id != key.id);
        self.0.push(key);
        self.0.sort_by_key(|key| (key.created, key.id));
    }

    /// The token of `claims`; `None` when there is no key.
    pub(crate) fn seal(&self, claims: &Claims, rng: &dyn Rng) -> Option<Secret> {
        let key = self.0.last()?;
        let plain = Zeroizing::new(postcard::to_stdvec(claims).ok()?);
        let head = head(key.id);
        let sealed = key.vault().seal(&head, &plain, rng);
        Some(Secret::new(STANDARD.encode([&head[..], &sealed].concat())))
    }

    /// What a token says, if one of the keys sealed it.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Claims, TokenFault> {
        if token.len() > TOKEN_LEN_MAX {
            return Err(TokenFault::Invalid);
        }
        let bytes = STANDARD.decode(token).map_err(|_| TokenFault::Invalid)?;
        let (given, sealed) = bytes
            .split_first_chunk::<HEAD_LEN>()
            .ok_or(TokenFault::Invalid)?;
        let key = self
            .0
            .iter()
            .find(|key| head(key.id) == *given)
            .ok_or(TokenFault::Invalid)?;
        let plain = key
            .vault()
            .open(given, sealed)
            .map_err(|_| TokenFault::Invalid)?;
        postcard::from_bytes(&plain).map_err(|_| TokenFault::Invalid)
    }
}

impl TokenKey {
    fn vault(&self) -> Vault {
        Vault::new(sha256(&[b"osier security token 2\0", self.secret.expose()]))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TokenKeys({})", self.0.len())
    }
}

/// Real tokens begin with `CAIS`, and these bytes are what that stands for.
fn head(key_id: u32) -> [u8; HEAD_LEN] {
    let [a, b, c, d] = key_id.to_be_bytes();
    [0x08, 0x02, 0x12, a, b, c, d]
}

const HEAD_LEN: usize = 7;

/// How long a key seals.
const ROTATION_MS: i64 = 24 * 60 * 60 * 1000;

/// How long a token can last: that of `GetSessionToken`; a role allows a third of it.
const TOKEN_MS_MAX: i64 = 129_600 * 1000;

/// A session policy of 2,048 characters of four bytes, and room for the rest.
const TOKEN_LEN_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
