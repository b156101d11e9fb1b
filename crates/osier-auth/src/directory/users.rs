//! RAM users.

use std::sync::Arc;

use super::page::page;
use super::record::{Record, UserRecord};
use super::{
    Context, ControlFault, CreateUser, DeleteUser, Directory, Entity, GetUser, ListUsers, Page,
    UpdateUser, User, ids, names,
};

impl Directory {
    /// `CreateUser`.
    ///
    /// # Errors
    /// When the name is taken, a text is not valid, or there are too many users.
    pub fn create_user(
        &mut self,
        context: &Context<'_>,
        request: CreateUser,
    ) -> Result<User, ControlFault> {
        let name = names::user_name("UserName", request.user_name)?;
        let account = self.account(context.account)?;
        if account.users.contains_key(name.as_str()) {
            return Err(ControlFault::already_exists(Entity::User, &name));
        }
        if account.users.len() >= USERS_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::User,
                max: USERS_MAX,
            });
        }
        let display_name = request.display_name.unwrap_or_else(|| name.clone());
        let now = context.now.whole_seconds();
        let record = Arc::new(UserRecord {
            account: context.account.into(),
            id: ids::entity_id(context.rng, '2').into(),
            name: name.into(),
            display_name: names::display_name("DisplayName", display_name)?,
            comments: names::remark("Comments", request.comments.unwrap_or_default())?,
            email: names::email("Email", request.email.unwrap_or_default())?,
            mobile_phone: names::mobile_phone(
                "MobilePhone",
                request.mobile_phone.unwrap_or_default(),
            )?,
            create_date: now,
            update_date: now,
            groups: Vec::new(),
            policies: Vec::new(),
            inline: Vec::new(),
        });
        let user = show(&record);
        self.keep(Record::User(record))?;
        Ok(user)
    }

    /// `GetUser`.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn get_user(&self, context: &Context<'_>, request: &GetUser) -> Result<User, ControlFault> {
        Ok(show(
            self.account(context.account)?.user(&request.user_name)?,
        ))
    }

    /// `ListUsers`.
    ///
    /// # Errors
    /// When `MaxItems` is out of range.
    pub fn list_users(
        &self,
        context: &Context<'_>,
        request: &ListUsers,
    ) -> Result<Page<User>, ControlFault> {
        let users = &self.account(context.account)?.users;
        page(
            users.iter().map(|(name, user)| (&**name, user)),
            request.marker.as_deref(),
            request.max_items,
            |user| show(user),
        )
    }

    /// `UpdateUser`.
    ///
    /// # Errors
    /// When there is no such user, the new name is taken, or a text is not valid.
    pub fn update_user(
        &mut self,
        context: &Context<'_>,
        request: UpdateUser,
    ) -> Result<User, ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.user(&request.user_name)?).clone();
        if let Some(name) = request.new_user_name {
            let name = names::user_name("NewUserName", name)?;
            if *name != *record.name && account.users.contains_key(name.as_str()) {
                return Err(ControlFault::already_exists(Entity::User, &name));
            }
            record.name = name.into();
        }
        if let Some(text) = request.new_display_name {
            record.display_name = names::display_name("NewDisplayName", text)?;
        }
        if let Some(text) = request.new_comments {
            record.comments = names::remark("NewComments", text)?;
        }
        if let Some(text) = request.new_email {
            record.email = names::email("NewEmail", text)?;
        }
        if let Some(text) = request.new_mobile_phone {
            record.mobile_phone = names::mobile_phone("NewMobilePhone", text)?;
        }
        record.update_date = context.now.whole_seconds();
        let user = show(&record);
        self.keep(Record::User(Arc::new(record)))?;
        Ok(user)
    }

    /// `DeleteUser`.
    ///
    /// # Errors
    /// When there is no such user, or it still has keys, policies or groups.
    pub fn delete_user(
        &mut self,
        context: &Context<'_>,
        request: &DeleteUser,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let record = Arc::clone(account.user(&request.user_name)?);
        let holds = if self
            .keys_of(context.account, Some(&record.id))
            .next()
            .is_some()
        {
            Some(Entity::AccessKey)
        } else if !record.policies.is_empty() {
            Some(Entity::UserPolicy)
        } else if !record.inline.is_empty() {
            Some(Entity::InlinePolicy)
        } else if !record.groups.is_empty() {
            Some(Entity::Membership)
        } else {
            None
        };
        if let Some(holds) = holds {
            return Err(ControlFault::DeleteConflict {
                entity: Entity::User,
                holds,
            });
        }
        let account = self.account_mut(context.account)?;
        account.layers.clear();
        account.users.remove(&record.name);
        account.user_names.remove(&record.id);
        self.forget(&Record::User(record));
        Ok(())
    }
}

fn show(record: &UserRecord) -> User {
    User {
        user_id: record.id.to_string(),
        user_name: record.name.to_string(),
        display_name: record.display_name.clone(),
        comments: record.comments.clone(),
        email: record.email.clone(),
        mobile_phone: record.mobile_phone.clone(),
        create_date: record.create_date,
        update_date: record.update_date,
    }
}

/// The quota of RAM.
pub(super) const USERS_MAX: usize = 1000;
