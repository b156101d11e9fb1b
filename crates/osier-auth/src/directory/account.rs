//! One account: its users, groups, roles and policies, found by name and by id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use osier_types::Owner;

use super::layers::LayerCache;
use super::record::{AccountRecord, GroupRecord, PolicyRecord, Record, RoleRecord, UserRecord};
use super::{Context, ControlFault, Directory, Entity, LoadError, names};
use crate::policy::{Policy, PolicyKind};

/// What a new account is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAccount {
    /// 5 to 20 digits; made up when absent.
    pub id: Option<String>,
    /// What people call it.
    pub display_name: String,
    /// Its e-mail address, perhaps empty.
    pub email: String,
}

/// Clones share nothing that is computed: a changed account computes it anew.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) record: Arc<AccountRecord>,
    pub(super) owner: Arc<Owner>,
    pub(super) users: BTreeMap<Arc<str>, Arc<UserRecord>>,
    pub(super) user_names: HashMap<Arc<str>, Arc<str>>,
    pub(super) groups: BTreeMap<Arc<str>, Arc<GroupRecord>>,
    pub(super) group_names: HashMap<Arc<str>, Arc<str>>,
    /// By name in lower case: case does not tell roles apart.
    pub(super) roles: BTreeMap<Arc<str>, RoleEntry>,
    pub(super) role_names: HashMap<Arc<str>, Arc<str>>,
    pub(super) policies: BTreeMap<Arc<str>, PolicyEntry>,
    pub(super) layers: LayerCache,
}

#[derive(Clone, Debug)]
pub(super) struct RoleEntry {
    pub(super) record: Arc<RoleRecord>,
    pub(super) trust: Arc<Policy>,
}

#[derive(Clone, Debug)]
pub(super) struct PolicyEntry {
    pub(super) record: Arc<PolicyRecord>,
    /// The default version.
    pub(super) policy: Arc<Policy>,
}

impl Directory {
    /// Every account, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountRecord> {
        self.accounts.values().map(|account| &*account.record)
    }

    /// The account of this id.
    pub fn account_record(&self, id: &str) -> Option<&AccountRecord> {
        self.accounts.get(id).map(|account| &*account.record)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When the id is taken or a text is not valid.
    pub fn create_account(
        &mut self,
        new: NewAccount,
        context: &Context<'_>,
    ) -> Result<Arc<AccountRecord>, ControlFault> {
        let id = match new.id {
            Some(id) if is_account_id(&id) => id,
            Some(_) => return Err(ControlFault::invalid("AccountId", "5 to 20 digits")),
            None => super::ids::account_id(context.rng),
        };
        if self.accounts.contains_key(id.as_str()) {
            return Err(ControlFault::already_exists(Entity::Account, &id));
        }
        let record = Arc::new(AccountRecord {
            owner: Arc::new(Owner {
                id,
                display_name: names::display_name("DisplayName", new.display_name)?,
            }),
            email: names::email("Email", new.email)?,
            create_date: context.now.whole_seconds(),
        });
        self.keep(Record::Account(Arc::clone(&record)))?;
        Ok(record)
    }

    /// Changes what an account is called. `None` leaves things as they are.
    ///
    /// # Errors
    /// When there is no such account or a text is not valid.
    pub fn update_account(
        &mut self,
        id: &str,
        display_name: Option<String>,
        email: Option<String>,
    ) -> Result<Arc<AccountRecord>, ControlFault> {
        let mut record = (*self.account(id)?.record).clone();
        if let Some(display_name) = display_name {
            record.owner = Arc::new(Owner {
                id: id.to_owned(),
                display_name: names::display_name("DisplayName", display_name)?,
            });
        }
        if let Some(email) = email {
            record.email = names::email("Email", email)?;
        }
        let record = Arc::new(record);
        self.keep(Record::Account(Arc::clone(&record)))?;
        Ok(record)
    }
}

impl Account {
    pub(super) fn new(record: Arc<AccountRecord>) -> Self {
        Self {
            owner: Arc::clone(&record.owner),
            record,
            users: BTreeMap::new(),
            user_names: HashMap::new(),
            groups: BTreeMap::new(),
            group_names: HashMap::new(),
            roles: BTreeMap::new(),
            role_names: HashMap::new(),
            policies: BTreeMap::new(),
            layers: LayerCache::default(),
        }
    }

    pub(super) fn rename(&mut self, record: Arc<AccountRecord>) {
        self.owner = Arc::clone(&record.owner);
        self.record = record;
    }

    pub(super) fn put_user(&mut self, record: Arc<UserRecord>) {
        self.layers.clear();
        let (id, name) = (Arc::clone(&record.id), Arc::clone(&record.name));
        if let Some(before) = self.user_names.insert(id, Arc::clone(&name)) {
            self.users.remove(&before);
        }
        self.users.insert(name, record);
    }

    pub(super) fn put_group(&mut self, record: Arc<GroupRecord>) {
        self.layers.clear();
        let (id, name) = (Arc::clone(&record.id), Arc::clone(&record.name));
        if let Some(before) = self.group_names.insert(id, Arc::clone(&name)) {
            self.groups.remove(&before);
        }
        self.groups.insert(name, record);
    }

    pub(super) fn put_role(&mut self, record: Arc<RoleRecord>) -> Result<(), LoadError> {
        self.layers.clear();
        let trust = read(&record.trust, PolicyKind::Trust, &record.name)?;
        let name: Arc<str> = record.name.to_ascii_lowercase().into();
        self.role_names
            .insert(Arc::clone(&record.id), Arc::clone(&name));
        self.roles.insert(name, RoleEntry { record, trust });
        Ok(())
    }

    pub(super) fn put_policy(&mut self, record: Arc<PolicyRecord>) -> Result<(), LoadError> {
        self.layers.clear();
        let default = record
            .versions
            .iter()
            .find(|version| version.number == record.default_version)
            .map_or("", |version| version.document.as_str());
        let known = self
            .policies
            .get(&record.name)
            .filter(|known| known.policy.text() == default)
            .map(|known| Arc::clone(&known.policy));
        let policy = match known {
            Some(policy) => policy,
            None => read(default, PolicyKind::Ram, &record.name)?,
        };
        let name = Arc::clone(&record.name);
        self.policies.insert(name, PolicyEntry { record, policy });
        Ok(())
    }

    pub(super) fn user(&self, name: &str) -> Result<&Arc<UserRecord>, ControlFault> {
        self.users
            .get(name)
            .ok_or_else(|| ControlFault::not_exist(Entity::User, name))
    }

    pub(super) fn user_by_id(&self, id: &str) -> Option<&Arc<UserRecord>> {
        self.users.get(self.user_names.get(id)?)
    }

    pub(super) fn group(&self, name: &str) -> Result<&Arc<GroupRecord>, ControlFault> {
        self.groups
            .get(name)
            .ok_or_else(|| ControlFault::not_exist(Entity::Group, name))
    }

    pub(super) fn group_by_id(&self, id: &str) -> Option<&Arc<GroupRecord>> {
        self.groups.get(self.group_names.get(id)?)
    }

    pub(super) fn role(&self, name: &str) -> Result<&RoleEntry, ControlFault> {
        self.roles
            .get(name.to_ascii_lowercase().as_str())
            .ok_or_else(|| ControlFault::not_exist(Entity::Role, name))
    }

    pub(super) fn role_by_id(&self, id: &str) -> Option<&RoleEntry> {
        self.roles.get(self.role_names.get(id)?)
    }

    pub(super) fn policy(&self, name: &str) -> Result<&PolicyEntry, ControlFault> {
        self.policies
            .get(name)
            .ok_or_else(|| ControlFault::not_exist(Entity::Policy, name))
    }
}

/// Real ids have 16 digits; documents and examples use shorter ones.
pub(super) fn is_account_id(id: &str) -> bool {
    (5..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn read(text: &str, kind: PolicyKind, name: &str) -> Result<Arc<Policy>, LoadError> {
    Policy::parse(text, kind)
        .map(Arc::new)
        .map_err(|invalid| LoadError::Policy {
            name: name.to_owned(),
            invalid,
        })
}
