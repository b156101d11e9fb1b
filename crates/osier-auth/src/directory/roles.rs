//! Roles.

use std::sync::Arc;

use super::page::page;
use super::policies::{check_tags, has_tags};
use super::record::{Record, RoleRecord};
use super::{
    Context, ControlFault, CreateRole, DeleteRole, Directory, Entity, GetRole, ListRoles, Page,
    Role, UpdateRole, ids, names,
};
use crate::policy::{Policy, PolicyKind};

impl Directory {
    /// `CreateRole`.
    ///
    /// # Errors
    /// When the name is taken, the document breaks the grammar, a text or the duration is not
    /// valid, or there are too many roles.
    pub fn create_role(
        &mut self,
        context: &Context<'_>,
        request: CreateRole,
    ) -> Result<Role, ControlFault> {
        let name = names::role_name(request.role_name)?;
        let account = self.account(context.account)?;
        if account.role(&name).is_ok() {
            return Err(ControlFault::already_exists(Entity::Role, &name));
        }
        if account.roles.len() >= ROLES_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::Role,
                max: ROLES_MAX,
            });
        }
        if request.assume_role_policy_document.is_empty() {
            return Err(ControlFault::MissingParameter {
                name: "AssumeRolePolicyDocument",
            });
        }
        check_trust(&request.assume_role_policy_document)?;
        let now = context.now.whole_seconds();
        let record = Arc::new(RoleRecord {
            account: context.account.into(),
            id: ids::entity_id(context.rng, '3').into(),
            name: name.into(),
            description: names::remark("Description", request.description.unwrap_or_default())?,
            trust: request.assume_role_policy_document,
            max_session_duration: duration(
                "MaxSessionDuration",
                request.max_session_duration.unwrap_or(DURATION_MIN),
            )?,
            allow_console_login: request.allow_console_login.unwrap_or(true),
            create_date: now,
            update_date: now,
            tags: check_tags(request.tags)?,
            policies: Vec::new(),
            inline: Vec::new(),
        });
        let role = show(&record);
        self.keep(Record::Role(record))?;
        Ok(role)
    }

    /// `GetRole`.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn get_role(&self, context: &Context<'_>, request: &GetRole) -> Result<Role, ControlFault> {
        let account = self.account(context.account)?;
        Ok(show(&account.role(&request.role_name)?.record))
    }

    /// `ListRoles`.
    ///
    /// # Errors
    /// When `MaxItems` is out of range.
    pub fn list_roles(
        &self,
        context: &Context<'_>,
        request: &ListRoles,
    ) -> Result<Page<Role>, ControlFault> {
        let roles = self.account(context.account)?.roles.iter();
        page(
            roles
                .filter(|(_, role)| has_tags(&role.record.tags, &request.tags))
                .map(|(name, role)| (&**name, role)),
            request.marker.as_deref(),
            request.max_items,
            |role| show(&role.record),
        )
    }

    /// `UpdateRole`.
    ///
    /// # Errors
    /// When there is no such role, the document breaks the grammar, or a text or the duration
    /// is not valid.
    pub fn update_role(
        &mut self,
        context: &Context<'_>,
        request: UpdateRole,
    ) -> Result<Role, ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.role(&request.role_name)?.record).clone();
        if let Some(document) = request.new_assume_role_policy_document {
            check_trust(&document)?;
            record.trust = document;
        }
        if let Some(text) = request.new_description {
            record.description = names::remark("NewDescription", text)?;
        }
        if let Some(seconds) = request.new_max_session_duration {
            record.max_session_duration = duration("NewMaxSessionDuration", seconds)?;
        }
        if let Some(allow) = request.new_allow_console_login {
            record.allow_console_login = allow;
        }
        record.update_date = context.now.whole_seconds();
        let role = show(&record);
        self.keep(Record::Role(Arc::new(record)))?;
        Ok(role)
    }

    /// `DeleteRole`. Its sessions end with it.
    ///
    /// # Errors
    /// When there is no such role, or it still has policies.
    pub fn delete_role(
        &mut self,
        context: &Context<'_>,
        request: &DeleteRole,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let record = Arc::clone(&account.role(&request.role_name)?.record);
        let holds = if !record.policies.is_empty() {
            Some(Entity::RolePolicy)
        } else if !record.inline.is_empty() {
            Some(Entity::InlinePolicy)
        } else {
            None
        };
        if let Some(holds) = holds {
            return Err(ControlFault::DeleteConflict {
                entity: Entity::Role,
                holds,
            });
        }
        let account = self.account_mut(context.account)?;
        account.layers.clear();
        if let Some(name) = account.role_names.remove(&record.id) {
            account.roles.remove(&name);
        }
        self.forget(&Record::Role(record));
        Ok(())
    }
}

impl RoleRecord {
    /// `acs:ram::<uid>:role/<name>`, all in lower case as far as the name goes.
    pub(super) fn arn(&self) -> String {
        format!(
            "acs:ram::{}:role/{}",
            self.account,
            self.name.to_ascii_lowercase()
        )
    }
}

/// Checks a document that says who may take on a role.
pub(super) fn check_trust(document: &str) -> Result<(), ControlFault> {
    Policy::parse(document, PolicyKind::Trust)
        .map(drop)
        .map_err(|invalid| ControlFault::MalformedPolicyDocument {
            path: invalid.path,
            reason: invalid.reason,
        })
}

fn duration(name: &'static str, seconds: u32) -> Result<u32, ControlFault> {
    if (DURATION_MIN..=DURATION_MAX).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(ControlFault::invalid(name, "3600 to 43200 seconds"))
    }
}

fn show(record: &RoleRecord) -> Role {
    Role {
        role_id: record.id.to_string(),
        role_name: record.name.to_string(),
        arn: record.arn(),
        description: record.description.clone(),
        assume_role_policy_document: record.trust.clone(),
        max_session_duration: record.max_session_duration,
        allow_console_login: record.allow_console_login,
        create_date: record.create_date,
        update_date: record.update_date,
        tags: record.tags.clone(),
    }
}

/// What `MaxSessionDuration` may be, in seconds.
const DURATION_MIN: u32 = 3600;
pub(crate) const DURATION_MAX: u32 = 43_200;

/// The quota of RAM.
const ROLES_MAX: usize = 1000;
