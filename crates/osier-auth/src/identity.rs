//! Identities and the keys that prove them.

use std::collections::HashMap;
use std::sync::Arc;

use osier_types::Owner;

use crate::Secret;

/// Who is calling: an account, and what acts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account; it owns the buckets its principals create.
    pub account: Arc<Owner>,
    /// What acts for the account.
    pub principal: Principal,
}

/// What acts for an account. Users and roles will join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// The account itself: passes everything on its own buckets.
    Root,
}

impl Identity {
    /// The account itself.
    pub fn root(account: Owner) -> Self {
        Self {
            account: Arc::new(account),
            principal: Principal::Root,
        }
    }
}

/// What is known of an access key.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// Signs.
    pub secret: Secret,
    /// Whom it stands for.
    pub identity: Identity,
    /// Whether it may be used.
    pub enabled: bool,
    /// The security token that must come with it; permanent keys have none.
    pub token: Option<Secret>,
}

impl KeyRecord {
    /// A permanent key of `identity`.
    pub fn permanent(secret: Secret, identity: Identity) -> Self {
        Self {
            secret,
            identity,
            enabled: true,
            token: None,
        }
    }
}

/// Finds keys. Called once per signed request, so it should answer from memory.
pub trait KeyRing: Send + Sync {
    /// The key of this id, also when it is disabled.
    fn key(&self, access_key_id: &str) -> Option<KeyRecord>;
}

/// A fixed set of keys.
#[derive(Clone, Debug, Default)]
pub struct StaticKeyRing(HashMap<String, KeyRecord>);

impl StaticKeyRing {
    /// Adds or replaces a key.
    #[must_use]
    pub fn with(mut self, access_key_id: impl Into<String>, record: KeyRecord) -> Self {
        self.0.insert(access_key_id.into(), record);
        self
    }
}

impl KeyRing for StaticKeyRing {
    fn key(&self, access_key_id: &str) -> Option<KeyRecord> {
        self.0.get(access_key_id).cloned()
    }
}
