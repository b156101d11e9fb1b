//! Policies attached to users, groups and roles.

use std::sync::Arc;

use osier_types::Timestamp;

use super::account::Account;
use super::policies::{Found, policy_type};
use super::record::{Attachment, PolicyName, Record};
use super::{
    AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser, AttachedGroup, AttachedPolicy,
    AttachedRole, AttachedUser, Context, ControlFault, DetachPolicyFromGroup, DetachPolicyFromRole,
    DetachPolicyFromUser, Directory, Entity, ListEntitiesForPolicy, ListPoliciesForGroup,
    ListPoliciesForRole, ListPoliciesForUser, PolicyEntities, PolicyType,
};

impl Directory {
    /// `AttachPolicyToUser`.
    ///
    /// # Errors
    /// When there is no such user or policy, it is attached already, or too many are.
    pub fn attach_policy_to_user(
        &mut self,
        context: &Context<'_>,
        request: &AttachPolicyToUser,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.user(&request.user_name)?).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        attach(&mut record.policies, name, Entity::UserPolicy, context.now)?;
        self.keep(Record::User(Arc::new(record)))
    }

    /// `DetachPolicyFromUser`.
    ///
    /// # Errors
    /// When there is no such user or policy, or it is not attached.
    pub fn detach_policy_from_user(
        &mut self,
        context: &Context<'_>,
        request: &DetachPolicyFromUser,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.user(&request.user_name)?).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        detach(&mut record.policies, &name, Entity::UserPolicy)?;
        self.keep(Record::User(Arc::new(record)))
    }

    /// `AttachPolicyToGroup`.
    ///
    /// # Errors
    /// When there is no such group or policy, it is attached already, or too many are.
    pub fn attach_policy_to_group(
        &mut self,
        context: &Context<'_>,
        request: &AttachPolicyToGroup,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.group(&request.group_name)?).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        attach(&mut record.policies, name, Entity::GroupPolicy, context.now)?;
        self.keep(Record::Group(Arc::new(record)))
    }

    /// `DetachPolicyFromGroup`.
    ///
    /// # Errors
    /// When there is no such group or policy, or it is not attached.
    pub fn detach_policy_from_group(
        &mut self,
        context: &Context<'_>,
        request: &DetachPolicyFromGroup,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.group(&request.group_name)?).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        detach(&mut record.policies, &name, Entity::GroupPolicy)?;
        self.keep(Record::Group(Arc::new(record)))
    }

    /// `AttachPolicyToRole`.
    ///
    /// # Errors
    /// When there is no such role or policy, it is attached already, or too many are.
    pub fn attach_policy_to_role(
        &mut self,
        context: &Context<'_>,
        request: &AttachPolicyToRole,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.role(&request.role_name)?.record).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        attach(&mut record.policies, name, Entity::RolePolicy, context.now)?;
        self.keep(Record::Role(Arc::new(record)))
    }

    /// `DetachPolicyFromRole`.
    ///
    /// # Errors
    /// When there is no such role or policy, or it is not attached.
    pub fn detach_policy_from_role(
        &mut self,
        context: &Context<'_>,
        request: &DetachPolicyFromRole,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (*account.role(&request.role_name)?.record).clone();
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        detach(&mut record.policies, &name, Entity::RolePolicy)?;
        self.keep(Record::Role(Arc::new(record)))
    }

    /// `ListPoliciesForUser`: those of its groups are not among them.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn list_policies_for_user(
        &self,
        context: &Context<'_>,
        request: &ListPoliciesForUser,
    ) -> Result<Vec<AttachedPolicy>, ControlFault> {
        let account = self.account(context.account)?;
        Ok(account.attached(&account.user(&request.user_name)?.policies))
    }

    /// `ListPoliciesForGroup`.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn list_policies_for_group(
        &self,
        context: &Context<'_>,
        request: &ListPoliciesForGroup,
    ) -> Result<Vec<AttachedPolicy>, ControlFault> {
        let account = self.account(context.account)?;
        Ok(account.attached(&account.group(&request.group_name)?.policies))
    }

    /// `ListPoliciesForRole`.
    ///
    /// # Errors
    /// When there is no such role.
    pub fn list_policies_for_role(
        &self,
        context: &Context<'_>,
        request: &ListPoliciesForRole,
    ) -> Result<Vec<AttachedPolicy>, ControlFault> {
        let account = self.account(context.account)?;
        Ok(account.attached(&account.role(&request.role_name)?.record.policies))
    }

    /// `ListEntitiesForPolicy`.
    ///
    /// # Errors
    /// When there is no such policy or type.
    pub fn list_entities_for_policy(
        &self,
        context: &Context<'_>,
        request: &ListEntitiesForPolicy,
    ) -> Result<PolicyEntities, ControlFault> {
        let account = self.account(context.account)?;
        let name = account.existing(&request.policy_type, &request.policy_name)?;
        let since = |policies: &[Attachment]| {
            let found = policies.iter().find(|it| it.policy == name);
            found.map(|it| it.attach_date)
        };
        let users = account.users.values().filter_map(|user| {
            Some(AttachedUser {
                attach_date: since(&user.policies)?,
                user_id: user.id.to_string(),
                user_name: user.name.to_string(),
                display_name: user.display_name.clone(),
            })
        });
        let groups = account.groups.values().filter_map(|group| {
            Some(AttachedGroup {
                attach_date: since(&group.policies)?,
                group_name: group.name.to_string(),
                comments: group.comments.clone(),
            })
        });
        let roles = account.roles.values().filter_map(|role| {
            let role = &role.record;
            Some(AttachedRole {
                attach_date: since(&role.policies)?,
                role_id: role.id.to_string(),
                role_name: role.name.to_string(),
                arn: role.arn(),
                description: role.description.clone(),
            })
        });
        Ok(PolicyEntities {
            groups: groups.collect(),
            roles: roles.collect(),
            users: users.collect(),
        })
    }
}

impl Account {
    /// The name of a policy that is there.
    pub(super) fn existing(&self, kind: &str, name: &str) -> Result<PolicyName, ControlFault> {
        self.find_policy(kind, name)?;
        Ok(PolicyName {
            kind: policy_type(kind)?,
            name: name.into(),
        })
    }

    fn attached(&self, attachments: &[Attachment]) -> Vec<AttachedPolicy> {
        let mut shown: Vec<AttachedPolicy> = attachments
            .iter()
            .filter_map(|it| {
                let (description, default_version) = match self
                    .find_policy(it.policy.kind.as_str(), &it.policy.name)
                    .ok()?
                {
                    Found::Custom(entry) => (
                        entry.record.description.clone(),
                        format!("v{}", entry.record.default_version),
                    ),
                    Found::System(shipped) => (shipped.description.to_owned(), "v1".to_owned()),
                };
                Some(AttachedPolicy {
                    policy_name: it.policy.name.to_string(),
                    policy_type: it.policy.kind,
                    description,
                    default_version,
                    attach_date: it.attach_date,
                })
            })
            .collect();
        shown.sort_by(|a, b| a.policy_name.cmp(&b.policy_name));
        shown
    }
}

fn attach(
    policies: &mut Vec<Attachment>,
    name: PolicyName,
    entity: Entity,
    now: Timestamp,
) -> Result<(), ControlFault> {
    if policies.iter().any(|it| it.policy == name) {
        return Err(ControlFault::already_exists(entity, &name.name));
    }
    let max = match name.kind {
        PolicyType::Custom => CUSTOM_MAX,
        PolicyType::System => SYSTEM_MAX,
    };
    if policies
        .iter()
        .filter(|it| it.policy.kind == name.kind)
        .count()
        >= max
    {
        return Err(ControlFault::LimitExceeded { entity, max });
    }
    policies.push(Attachment {
        policy: name,
        attach_date: now.whole_seconds(),
    });
    Ok(())
}

fn detach(
    policies: &mut Vec<Attachment>,
    name: &PolicyName,
    entity: Entity,
) -> Result<(), ControlFault> {
    let before = policies.len();
    policies.retain(|it| it.policy != *name);
    if policies.len() == before {
        return Err(ControlFault::not_exist(entity, &name.name));
    }
    Ok(())
}

/// The quotas of RAM: custom and system policies on one user, group or role.
const CUSTOM_MAX: usize = 20;
const SYSTEM_MAX: usize = 20;
