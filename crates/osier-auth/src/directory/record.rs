//! What is kept of identities: one record per account, user, group, role, policy and key.
//!
//! A record holds everything that changes together: attachments with what they are attached
//! to, versions with their policy. Records are JSON inside a [`Vault`], so that fields can be
//! added; keys and token keys hold secrets, which only serialising shows.

use std::fmt;
use std::sync::Arc;

use osier_types::{Owner, Rng, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{AccessKeyStatus, PolicyType, UnsealError, Vault};
use crate::Secret;
use crate::token::TokenKey;

/// One stored fact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Record {
    /// An account.
    Account(Arc<AccountRecord>),
    /// A RAM user.
    User(Arc<UserRecord>),
    /// A group.
    Group(Arc<GroupRecord>),
    /// A role.
    Role(Arc<RoleRecord>),
    /// A custom policy with its versions.
    Policy(Arc<PolicyRecord>),
    /// An access key.
    Key(Arc<AccessKeyRecord>),
    /// A key of security tokens.
    TokenKey(Arc<TokenKey>),
}

/// One step of a change: to be kept before the change takes effect.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it is kept under; printable ASCII, unique among all records.
    pub name: Vec<u8>,
    /// What is to be kept; `None` deletes.
    pub record: Option<Record>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Id and display name.
    pub owner: Arc<Owner>,
    /// E-mail address, perhaps empty.
    pub email: String,
    /// Since when it is here.
    pub create_date: Timestamp,
}

/// A RAM user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    pub(crate) account: Arc<str>,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) display_name: String,
    pub(crate) comments: String,
    pub(crate) email: String,
    pub(crate) mobile_phone: String,
    pub(crate) create_date: Timestamp,
    pub(crate) update_date: Timestamp,
    pub(crate) groups: Vec<Membership>,
    pub(crate) policies: Vec<Attachment>,
    #[serde(default)]
    pub(crate) inline: Vec<InlineRecord>,
}

/// A user's place in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub(crate) group_id: Arc<str>,
    pub(crate) join_date: Timestamp,
}

/// A policy attached to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub(crate) policy: PolicyName,
    pub(crate) attach_date: Timestamp,
}

/// A policy that is part of a user, group or role, as IAM has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineRecord {
    pub(crate) name: Arc<str>,
    pub(crate) document: String,
}

/// A policy by type and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyName {
    /// Shipped, or the account's own.
    pub kind: PolicyType,
    /// Unique in its type and account.
    pub name: Arc<str>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    pub(crate) account: Arc<str>,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) comments: String,
    pub(crate) create_date: Timestamp,
    pub(crate) update_date: Timestamp,
    pub(crate) policies: Vec<Attachment>,
    #[serde(default)]
    pub(crate) inline: Vec<InlineRecord>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    pub(crate) account: Arc<str>,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) description: String,
    pub(crate) trust: String,
    pub(crate) max_session_duration: u32,
    pub(crate) allow_console_login: bool,
    pub(crate) create_date: Timestamp,
    pub(crate) update_date: Timestamp,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) policies: Vec<Attachment>,
    #[serde(default)]
    pub(crate) inline: Vec<InlineRecord>,
}

/// A custom policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    pub(crate) account: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) description: String,
    pub(crate) create_date: Timestamp,
    pub(crate) update_date: Timestamp,
    /// The number of the version in effect.
    pub(crate) default_version: u32,
    /// The number of the newest version; numbers are never given twice.
    pub(crate) last_version: u32,
    pub(crate) versions: Vec<VersionRecord>,
    pub(crate) tags: Vec<(String, String)>,
}

/// One version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    pub(crate) number: u32,
    pub(crate) document: String,
    pub(crate) create_date: Timestamp,
}

/// An access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKeyRecord {
    pub(crate) id: Arc<str>,
    #[serde(with = "secret_text")]
    pub(crate) secret: Secret,
    pub(crate) account: Arc<str>,
    /// The user it belongs to; keys of the account itself have none.
    pub(crate) user_id: Option<Arc<str>>,
    pub(crate) status: AccessKeyStatus,
    pub(crate) create_date: Timestamp,
}

impl Record {
    /// What the record is kept under.
    pub fn name(&self) -> Vec<u8> {
        let name = match self {
            Self::Account(it) => format!("account/{}", it.owner.id),
            Self::User(it) => format!("user/{}/{}", it.account, it.id),
            Self::Group(it) => format!("group/{}/{}", it.account, it.id),
            Self::Role(it) => format!("role/{}/{}", it.account, it.id),
            Self::Policy(it) => format!("policy/{}/{}", it.account, it.name),
            Self::Key(it) => format!("key/{}", it.id),
            Self::TokenKey(it) => format!("token-key/{}", it.id),
        };
        name.into_bytes()
    }

    /// The record as a vault keeps it.
    pub fn seal(&self, vault: &Vault, rng: &dyn Rng) -> Vec<u8> {
        let plain = Zeroizing::new(
            serde_json::to_vec(self).expect("records have text keys and serialise to memory"),
        );
        vault.seal(&self.name(), &plain, rng)
    }

    /// Reads what [`Self::seal`] made of a record of this name.
    ///
    /// # Errors
    /// When a bit was changed, or the vault or the name is another.
    pub fn open(vault: &Vault, name: &[u8], sealed: &[u8]) -> Result<Self, UnsealError> {
        let plain = vault.open(name, sealed)?;
        let record: Self = serde_json::from_slice(&plain).map_err(|_| UnsealError)?;
        if record.name() == name {
            Ok(record)
        } else {
            Err(UnsealError)
        }
    }

    /// The order in which records build on each other.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Account(_) | Self::TokenKey(_) => 0,
            Self::Policy(_) => 1,
            Self::Group(_) => 2,
            Self::User(_) | Self::Role(_) => 3,
            Self::Key(_) => 4,
        }
    }
}

impl Change {
    /// Keeps `record`.
    pub(super) fn keep(record: Record) -> Self {
        Self {
            name: record.name(),
            record: Some(record),
        }
    }

    /// The bytes to keep under [`Self::name`]; `None` deletes.
    pub fn seal(&self, vault: &Vault, rng: &dyn Rng) -> Option<Vec<u8>> {
        self.record.as_ref().map(|record| record.seal(vault, rng))
    }
}

impl PolicyName {
    /// The custom policy of this name.
    pub fn custom(name: &str) -> Self {
        Self {
            kind: PolicyType::Custom,
            name: name.into(),
        }
    }

    /// The system policy of this name.
    pub fn system(name: &str) -> Self {
        Self {
            kind: PolicyType::System,
            name: name.into(),
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind.as_str(), self.name)
    }
}

/// A secret as text; the only place where it leaves its wrapper to be stored.
pub(crate) mod secret_text {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use zeroize::Zeroizing;

    use crate::Secret;

    pub(crate) fn serialize<S: Serializer>(
        secret: &Secret,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(secret.expose())
            .map_err(|_| S::Error::custom("a secret is not text"))?;
        serializer.serialize_str(text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        if text.is_empty() {
            return Err(D::Error::custom("a secret is empty"));
        }
        Ok(Secret::from(text.as_str()))
    }
}
