//! Accounts, users, groups, roles, keys and policies, in memory: the operations of RAM and STS.
//!
//! A [`Directory`] is a value. To change one, clone it, call [`Directory::execute`] (which
//! checks permission) or one of the operations, keep what [`Directory::take_changes`] tells,
//! and then let a [`SharedDirectory`] show the new one to everybody at once. It keeps nothing
//! itself and knows neither time nor chance: both are handed in.

mod account;
mod attachments;
mod catalog;
mod fault;
mod groups;
pub(crate) mod ids;
mod inline;
mod keyring;
mod keys;
mod layers;
mod names;
mod page;
mod people;
mod permission;
mod policies;
pub(crate) mod record;
mod requests;
mod roles;
pub mod seed;
mod shared;
mod sts;
#[cfg(test)]
mod tests;
mod users;
mod vault;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use osier_types::{Rng, Timestamp};

use account::Account;
pub use account::NewAccount;
pub use catalog::{ControlOutcome, ControlRequest};
pub use fault::{ControlFault, Denial, Entity};
pub use keys::HeldKey;
pub use layers::CallerPolicies;
pub use record::{
    AccessKeyRecord, AccountRecord, Attachment, Change, GroupRecord, InlineRecord, Membership,
    PolicyName, PolicyRecord, Record, RoleRecord, UserRecord, VersionRecord,
};
pub use requests::*;
pub use shared::SharedDirectory;
pub use vault::{UnsealError, Vault};

use crate::policy::InvalidPolicy;
use crate::token::TokenKeys;

/// All identities of a server.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    accounts: BTreeMap<Arc<str>, Arc<Account>>,
    keys: HashMap<Arc<str>, KeyEntry>,
    token_keys: TokenKeys,
    sessions: layers::SessionPolicies,
    /// The key that is kept elsewhere: the root key of the server.
    adopted: Option<Arc<str>>,
    changes: Vec<Change>,
}

/// Where and when an operation happens.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The account whose users, groups, roles and policies are meant.
    pub account: &'a str,
    /// Now.
    pub now: Timestamp,
    /// For new ids and secrets.
    pub rng: &'a dyn Rng,
}

/// Stored identities do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Something belongs to an account that is not there.
    #[error("a stored identity belongs to the unknown account `{0}`")]
    UnknownAccount(String),
    /// A policy that was accepted once can't be read any more.
    #[error("the stored policy of `{name}` can't be read")]
    Policy {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        invalid: InvalidPolicy,
    },
}

#[derive(Clone, Debug)]
struct KeyEntry {
    record: Arc<AccessKeyRecord>,
    /// In milliseconds, 0 is never; shared by all copies of the directory.
    last_used: Arc<AtomicI64>,
}

impl Directory {
    /// Puts together what was kept, in any order.
    ///
    /// # Errors
    /// When the records do not fit together.
    pub fn load(records: impl IntoIterator<Item = Record>) -> Result<Self, LoadError> {
        let mut records: Vec<Record> = records.into_iter().collect();
        records.sort_by_key(Record::rank);
        let mut directory = Self::default();
        for record in records {
            directory.apply(record)?;
        }
        Ok(directory)
    }

    /// What was changed since this was asked last, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Notes that a key signed a request. Only whole seconds are told, so a busy key is written
    /// once in a second.
    pub fn note_use(&self, access_key_id: &str, now: Timestamp) {
        if let Some(entry) = self.keys.get(access_key_id) {
            let now = now.as_millis();
            if entry.last_used.load(Ordering::Relaxed).saturating_add(1000) <= now {
                entry.last_used.fetch_max(now, Ordering::Relaxed);
            }
        }
    }

    /// Keeps a record, here and in the changes.
    fn keep(&mut self, record: Record) -> Result<(), ControlFault> {
        let change = match &record {
            // Its file tells all of it while it is in use.
            Record::Key(key) if self.is_adopted(key) && key.status == AccessKeyStatus::Active => {
                Change {
                    name: record.name(),
                    record: None,
                }
            }
            _ => Change::keep(record.clone()),
        };
        // Documents were checked before they came here, and the account was found.
        self.apply(record).map_err(|_| ControlFault::Internal)?;
        self.changes.push(change);
        Ok(())
    }

    /// Notes that a record is gone; it was taken out already.
    fn forget(&mut self, record: &Record) {
        let kept = match record {
            // Its file would bring it back at the next start.
            Record::Key(key) if self.is_adopted(key) => {
                Some(Record::Key(Arc::new(AccessKeyRecord {
                    status: AccessKeyStatus::Inactive,
                    ..(**key).clone()
                })))
            }
            _ => None,
        };
        self.changes.push(Change {
            name: record.name(),
            record: kept,
        });
    }

    fn is_adopted(&self, key: &AccessKeyRecord) -> bool {
        self.adopted.as_deref() == Some(&*key.id)
    }

    fn apply(&mut self, record: Record) -> Result<(), LoadError> {
        match record {
            Record::Account(record) => {
                let id: Arc<str> = record.owner.id.as_str().into();
                match self.accounts.get_mut(&id) {
                    Some(account) => Arc::make_mut(account).rename(record),
                    None => {
                        self.accounts.insert(id, Arc::new(Account::new(record)));
                    }
                }
            }
            Record::User(record) => self.loading(&record.account)?.put_user(record),
            Record::Group(record) => self.loading(&record.account)?.put_group(record),
            Record::Role(record) => self.loading(&record.account)?.put_role(record)?,
            Record::Policy(record) => self.loading(&record.account)?.put_policy(record)?,
            Record::Key(record) => {
                self.loading(&record.account)?;
                let last_used = self
                    .keys
                    .get(&record.id)
                    .map_or_else(Arc::default, |entry| Arc::clone(&entry.last_used));
                let id = Arc::clone(&record.id);
                self.keys.insert(id, KeyEntry { record, last_used });
            }
            Record::TokenKey(key) => self.token_keys.put(key),
        }
        Ok(())
    }

    fn loading(&mut self, id: &str) -> Result<&mut Account, LoadError> {
        self.accounts
            .get_mut(id)
            .map(Arc::make_mut)
            .ok_or_else(|| LoadError::UnknownAccount(id.to_owned()))
    }

    fn account(&self, id: &str) -> Result<&Account, ControlFault> {
        self.accounts
            .get(id)
            .map(Arc::as_ref)
            .ok_or_else(|| ControlFault::not_exist(Entity::Account, id))
    }

    fn account_mut(&mut self, id: &str) -> Result<&mut Account, ControlFault> {
        self.accounts
            .get_mut(id)
            .map(Arc::make_mut)
            .ok_or_else(|| ControlFault::not_exist(Entity::Account, id))
    }
}
