//! Identities and the keys that prove them.

use std::collections::HashMap;
use std::sync::Arc;

use osier_types::{Owner, Timestamp};

use crate::Secret;

/// Who is calling: an account, and what acts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account; it owns the buckets its principals create.
    pub account: Arc<Owner>,
    /// What acts for the account.
    pub principal: Principal,
    /// The policy that came with a temporary key and narrows what it may do.
    pub session_policy: Option<Arc<str>>,
    /// Of a temporary key that stands for a user or an account: the permanent key that asked for
    /// it. Such a key changes no identities.
    pub session_of: Option<Arc<str>>,
}

/// What acts for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Principal {
    /// The account itself: passes everything on its own buckets.
    Root,
    /// A RAM user.
    User {
        /// Unique in the account.
        name: Arc<str>,
        /// Unique among all accounts and users; digits.
        id: Arc<str>,
    },
    /// The holder of a temporary key.
    AssumedRole {
        /// The role's name.
        role: Arc<str>,
        /// The role's id.
        role_id: Arc<str>,
        /// The name of the session.
        session: Arc<str>,
    },
}

impl Identity {
    /// The account itself.
    pub fn root(account: Owner) -> Self {
        Self {
            account: Arc::new(account),
            principal: Principal::Root,
            session_policy: None,
            session_of: None,
        }
    }

    /// What acts for `account`, without a session policy.
    pub fn new(account: Arc<Owner>, principal: Principal) -> Self {
        Self {
            account,
            principal,
            session_policy: None,
            session_of: None,
        }
    }

    /// How policies and traces write it: `acs:ram::<uid>:root`, `..:user/<name>` or
    /// `..:assumed-role/<role>/<session>`.
    pub fn arn(&self) -> String {
        let uid = &self.account.id;
        match &self.principal {
            Principal::Root => format!("acs:ram::{uid}:root"),
            Principal::User { name, .. } => format!("acs:ram::{uid}:user/{name}"),
            Principal::AssumedRole { role, session, .. } => {
                format!("acs:ram::{uid}:assumed-role/{role}/{session}")
            }
        }
    }
}

impl Identity {
    /// As `aws:PrincipalArn` has it: of a session, its role.
    pub fn aws_principal_arn(&self) -> String {
        let uid = &self.account.id;
        match &self.principal {
            Principal::Root => format!("arn:aws:iam::{uid}:root"),
            Principal::User { name, .. } => format!("arn:aws:iam::{uid}:user/{name}"),
            Principal::AssumedRole { role, .. } => format!("arn:aws:iam::{uid}:role/{role}"),
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

    /// The temporary key of this id, which came with this token at this time.
    ///
    /// # Errors
    /// When the token is none of ours, is over, or is not that of the key.
    fn temporary_key(
        &self,
        access_key_id: &str,
        token: &[u8],
        now: Timestamp,
    ) -> Result<KeyRecord, TokenFault> {
        // Keys that are known beforehand carry no end.
        let _ = now;
        self.key(access_key_id)
            .filter(|record| {
                let expected = record.token.as_ref();
                expected.is_some_and(|expected| expected.matches(token))
            })
            .ok_or(TokenFault::Invalid)
    }
}

/// Why a security token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Malformed, changed, made by another server, or revoked with its role or user.
    Invalid,
    /// Its time is over.
    Expired,
    /// It belongs to another key.
    OtherKey,
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
