//! Access keys, of users and of accounts themselves.
//!
//! A request without a user means the account: its keys are the root keys, and the keys of
//! services that act for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use osier_types::Timestamp;

use super::record::{AccessKeyRecord, Record};
use super::{
    AccessKey, AccessKeyStatus, Context, ControlFault, CreateAccessKey, CreatedAccessKey,
    DeleteAccessKey, Directory, Entity, GetAccessKeyLastUsed, ListAccessKeys, UpdateAccessKey, ids,
};
use crate::Secret;

/// A key and whom it stands for, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Names the key.
    pub access_key_id: Arc<str>,
    /// The account.
    pub account: Arc<str>,
    /// The user; `None` is the account itself.
    pub user: Option<Arc<str>>,
    /// Whether it may be used.
    pub status: AccessKeyStatus,
    /// Since when it is here.
    pub create_date: Timestamp,
}

impl Directory {
    /// Every permanent key, by account, user and id.
    pub fn held_keys(&self) -> Vec<HeldKey> {
        let mut keys: Vec<HeldKey> = self
            .keys
            .keys()
            .filter_map(|id| self.find_key(id))
            .collect();
        keys.sort_by(|a, b| {
            let order = |key: &HeldKey| {
                (
                    Arc::clone(&key.account),
                    key.user.clone(),
                    Arc::clone(&key.access_key_id),
                )
            };
            order(a).cmp(&order(b))
        });
        keys
    }

    /// The permanent key of this id.
    pub fn find_key(&self, access_key_id: &str) -> Option<HeldKey> {
        let record = &self.keys.get(access_key_id)?.record;
        let account = self.accounts.get(&record.account)?;
        let user = match &record.user_id {
            None => None,
            Some(id) => Some(Arc::clone(&account.user_by_id(id)?.name)),
        };
        Some(HeldKey {
            access_key_id: Arc::clone(&record.id),
            account: Arc::clone(&record.account),
            user,
            status: record.status,
            create_date: record.create_date,
        })
    }

    /// `CreateAccessKey`.
    ///
    /// # Errors
    /// When there is no such user, or it has as many keys as may be.
    pub fn create_access_key(
        &mut self,
        context: &Context<'_>,
        request: &CreateAccessKey,
    ) -> Result<CreatedAccessKey, ControlFault> {
        let user_id = self.key_holder(context.account, request.user_name.as_deref())?;
        let max = if user_id.is_some() {
            USER_KEYS_MAX
        } else {
            ACCOUNT_KEYS_MAX
        };
        if self.keys_of(context.account, user_id.as_ref()).count() >= max {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::AccessKey,
                max,
            });
        }
        self.new_key(context, user_id)
    }

    /// `ListAccessKeys`.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn list_access_keys(
        &self,
        context: &Context<'_>,
        request: &ListAccessKeys,
    ) -> Result<Vec<AccessKey>, ControlFault> {
        let user_id = self.key_holder(context.account, request.user_name.as_deref())?;
        let mut keys: Vec<AccessKey> = self
            .keys_of(context.account, user_id.as_ref())
            .map(|record| AccessKey {
                access_key_id: record.id.to_string(),
                status: record.status,
                create_date: record.create_date,
            })
            .collect();
        keys.sort_by(|a, b| {
            (a.create_date, &a.access_key_id).cmp(&(b.create_date, &b.access_key_id))
        });
        Ok(keys)
    }

    /// `UpdateAccessKey`.
    ///
    /// # Errors
    /// When there is no such user or key, or the status is no status.
    pub fn update_access_key(
        &mut self,
        context: &Context<'_>,
        request: &UpdateAccessKey,
    ) -> Result<(), ControlFault> {
        let status = AccessKeyStatus::parse(&request.status)
            .ok_or_else(|| ControlFault::invalid("Status", "`Active` or `Inactive`"))?;
        let record = self.held_key(
            context.account,
            request.user_name.as_deref(),
            &request.user_access_key_id,
        )?;
        if record.status == status {
            return Ok(());
        }
        let record = AccessKeyRecord {
            status,
            ..(*record).clone()
        };
        self.keep(Record::Key(Arc::new(record)))
    }

    /// `DeleteAccessKey`.
    ///
    /// # Errors
    /// When there is no such user or key.
    pub fn delete_access_key(
        &mut self,
        context: &Context<'_>,
        request: &DeleteAccessKey,
    ) -> Result<(), ControlFault> {
        let record = self.held_key(
            context.account,
            request.user_name.as_deref(),
            &request.user_access_key_id,
        )?;
        self.keys.remove(&record.id);
        self.forget(&Record::Key(record));
        Ok(())
    }

    /// `GetAccessKeyLastUsed`; `None` is never, or not since the server was started.
    ///
    /// # Errors
    /// When there is no such user or key.
    pub fn get_access_key_last_used(
        &self,
        context: &Context<'_>,
        request: &GetAccessKeyLastUsed,
    ) -> Result<Option<Timestamp>, ControlFault> {
        let record = self.held_key(
            context.account,
            request.user_name.as_deref(),
            &request.user_access_key_id,
        )?;
        let used = self
            .keys
            .get(&record.id)
            .map_or(0, |entry| entry.last_used.load(Ordering::Relaxed));
        Ok((used > 0).then(|| Timestamp::from_millis(used).whole_seconds()))
    }

    /// A new root key in the place of `access_key_id`, which ends.
    ///
    /// # Errors
    /// When that is no key of the account itself.
    pub fn rotate_root_key(
        &mut self,
        context: &Context<'_>,
        access_key_id: &str,
    ) -> Result<CreatedAccessKey, ControlFault> {
        let before = self.held_key(context.account, None, access_key_id)?;
        let created = self.new_key(context, None)?;
        self.keys.remove(&before.id);
        self.forget(&Record::Key(before));
        Ok(created)
    }

    /// Takes in the server's root key, which is kept elsewhere, in the place of the one before.
    /// Nothing is kept of it here but that it was disabled or deleted.
    ///
    /// # Errors
    /// When there is no such account, or the id is another's.
    pub fn adopt_root_key(
        &mut self,
        context: &Context<'_>,
        access_key_id: &str,
        secret: &Secret,
    ) -> Result<(), ControlFault> {
        self.key_holder(context.account, None)?;
        let known = self.keys.get(access_key_id).map(|known| &known.record);
        if known.is_some_and(|known| *known.account != *context.account || known.user_id.is_some())
        {
            return Err(ControlFault::already_exists(
                Entity::AccessKey,
                access_key_id,
            ));
        }
        let record = AccessKeyRecord {
            id: access_key_id.into(),
            secret: secret.clone(),
            account: context.account.into(),
            user_id: None,
            status: known.map_or(AccessKeyStatus::Active, |known| known.status),
            create_date: known.map_or(context.now.whole_seconds(), |known| known.create_date),
        };
        if let Some(before) = self.adopted.take()
            && *before != *access_key_id
            && let Some(before) = self.keys.remove(&before)
        {
            self.forget(&Record::Key(before.record));
        }
        self.adopted = Some(Arc::clone(&record.id));
        self.apply(Record::Key(Arc::new(record)))
            .map_err(|_| ControlFault::Internal)
    }

    /// Sees to it that a key given from outside is there, active, and `user`'s (`None`: the
    /// account's). Tells whether anything had to be changed.
    ///
    /// # Errors
    /// When there is no such account or user, the id is another's, or id or secret are too
    /// short or have characters that no header carries.
    pub fn put_access_key(
        &mut self,
        context: &Context<'_>,
        user: Option<&str>,
        access_key_id: &str,
        secret: &Secret,
        status: AccessKeyStatus,
    ) -> Result<bool, ControlFault> {
        if !is_given_id(access_key_id) {
            return Err(ControlFault::invalid(
                "AccessKeyId",
                "3 to 128 of letters, digits, `.`, `-` and `_`, not a temporary key's",
            ));
        }
        let text = secret.expose();
        if !(8..=128).contains(&text.len()) || !text.iter().all(u8::is_ascii_graphic) {
            return Err(ControlFault::invalid(
                "AccessKeySecret",
                "8 to 128 visible ASCII characters",
            ));
        }
        let user_id = self.key_holder(context.account, user)?;
        let mut create_date = context.now.whole_seconds();
        if let Some(known) = self.keys.get(access_key_id) {
            let record = &known.record;
            if *record.account != *context.account || record.user_id != user_id {
                return Err(ControlFault::already_exists(
                    Entity::AccessKey,
                    access_key_id,
                ));
            }
            if record.secret.matches(text) && record.status == status {
                return Ok(false);
            }
            create_date = record.create_date;
        }
        self.keep(Record::Key(Arc::new(AccessKeyRecord {
            id: access_key_id.into(),
            secret: secret.clone(),
            account: context.account.into(),
            user_id,
            status,
            create_date,
        })))?;
        Ok(true)
    }

    /// The keys of a user, or of the account itself.
    pub(super) fn keys_of<'a>(
        &'a self,
        account: &'a str,
        user_id: Option<&'a Arc<str>>,
    ) -> impl Iterator<Item = &'a AccessKeyRecord> {
        self.keys
            .values()
            .map(|entry| &*entry.record)
            .filter(move |record| *record.account == *account && record.user_id.as_ref() == user_id)
    }

    fn key_holder(
        &self,
        account: &str,
        user: Option<&str>,
    ) -> Result<Option<Arc<str>>, ControlFault> {
        let account = self.account(account)?;
        user.map(|name| account.user(name).map(|user| Arc::clone(&user.id)))
            .transpose()
    }

    fn held_key(
        &self,
        account: &str,
        user: Option<&str>,
        access_key_id: &str,
    ) -> Result<Arc<AccessKeyRecord>, ControlFault> {
        let user_id = self.key_holder(account, user)?;
        self.keys
            .get(access_key_id)
            .map(|entry| &entry.record)
            .filter(|record| *record.account == *account && record.user_id == user_id)
            .map(Arc::clone)
            .ok_or_else(|| ControlFault::not_exist(Entity::AccessKey, access_key_id))
    }

    fn new_key(
        &mut self,
        context: &Context<'_>,
        user_id: Option<Arc<str>>,
    ) -> Result<CreatedAccessKey, ControlFault> {
        let record = AccessKeyRecord {
            id: ids::access_key_id(context.rng).into(),
            secret: ids::secret(context.rng, SECRET_LEN),
            account: context.account.into(),
            user_id,
            status: AccessKeyStatus::Active,
            create_date: context.now.whole_seconds(),
        };
        let created = CreatedAccessKey {
            access_key_id: record.id.to_string(),
            access_key_secret: record.secret.clone(),
            status: record.status,
            create_date: record.create_date,
        };
        self.keep(Record::Key(Arc::new(record)))?;
        Ok(created)
    }
}

/// Ids that were made elsewhere need not look like ours.
pub(super) fn is_given_id(id: &str) -> bool {
    (3..=128).contains(&id.len())
        && !id.starts_with("STS.")
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// As RAM has it.
const USER_KEYS_MAX: usize = 2;

/// As the console has it for accounts.
const ACCOUNT_KEYS_MAX: usize = 5;

const SECRET_LEN: usize = 30;
