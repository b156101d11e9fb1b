//! Policies that are part of a user, group or role and go with it. RAM has none; IAM's
//! `PutUserPolicy` and its like make them.

use std::sync::Arc;

use super::policies::check;
use super::record::{GroupRecord, InlineRecord, Record, RoleRecord, UserRecord};
use super::{
    Context, ControlFault, DeleteInlinePolicy, Directory, Entity, GetInlinePolicy, InlinePolicy,
    ListInlinePolicies, PolicyHolder, PutInlinePolicy, names,
};

impl Directory {
    /// `PutUserPolicy`, `PutGroupPolicy`, `PutRolePolicy`: a new one, or another text for one.
    ///
    /// # Errors
    /// When there is no such holder, the name or document is not valid, or it has too many.
    pub fn put_inline_policy(
        &mut self,
        context: &Context<'_>,
        request: PutInlinePolicy,
    ) -> Result<(), ControlFault> {
        let name = names::policy_name(request.policy_name)?;
        let mut held = self.holder(context, &request.holder)?;
        check(&request.policy_document)?;
        let policies = held.inline_mut();
        policies.retain(|it| *it.name != *name);
        let written: usize = policies.iter().map(|it| it.document.len()).sum();
        if written + request.policy_document.len() > INLINE_BYTES_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::InlinePolicy,
                max: INLINE_BYTES_MAX,
            });
        }
        policies.push(InlineRecord {
            name: name.into(),
            document: request.policy_document,
        });
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        self.keep(held.into_record())
    }

    /// `GetUserPolicy` and its like.
    ///
    /// # Errors
    /// When there is no such holder, or it has no such policy.
    pub fn get_inline_policy(
        &self,
        context: &Context<'_>,
        request: &GetInlinePolicy,
    ) -> Result<InlinePolicy, ControlFault> {
        let held = self.holder(context, &request.holder)?;
        held.inline()
            .iter()
            .find(|it| *it.name == *request.policy_name)
            .map(|it| InlinePolicy {
                holder: request.holder.clone(),
                policy_name: it.name.to_string(),
                policy_document: it.document.clone(),
            })
            .ok_or_else(|| ControlFault::not_exist(Entity::InlinePolicy, &request.policy_name))
    }

    /// `ListUserPolicies` and its like: their names, in order.
    ///
    /// # Errors
    /// When there is no such holder.
    pub fn list_inline_policies(
        &self,
        context: &Context<'_>,
        request: &ListInlinePolicies,
    ) -> Result<Vec<String>, ControlFault> {
        let held = self.holder(context, &request.holder)?;
        Ok(held.inline().iter().map(|it| it.name.to_string()).collect())
    }

    /// `DeleteUserPolicy` and its like.
    ///
    /// # Errors
    /// When there is no such holder, or it has no such policy.
    pub fn delete_inline_policy(
        &mut self,
        context: &Context<'_>,
        request: &DeleteInlinePolicy,
    ) -> Result<(), ControlFault> {
        let mut held = self.holder(context, &request.holder)?;
        let policies = held.inline_mut();
        let before = policies.len();
        policies.retain(|it| *it.name != *request.policy_name);
        if policies.len() == before {
            return Err(ControlFault::not_exist(
                Entity::InlinePolicy,
                &request.policy_name,
            ));
        }
        self.keep(held.into_record())
    }

    fn holder(&self, context: &Context<'_>, holder: &PolicyHolder) -> Result<Holder, ControlFault> {
        let account = self.account(context.account)?;
        Ok(match holder {
            PolicyHolder::User(name) => Holder::User((**account.user(name)?).clone()),
            PolicyHolder::Group(name) => Holder::Group((**account.group(name)?).clone()),
            PolicyHolder::Role(name) => Holder::Role((*account.role(name)?.record).clone()),
        })
    }
}

/// A copy of what an inline policy is part of.
enum Holder {
    User(UserRecord),
    Group(GroupRecord),
    Role(RoleRecord),
}

impl Holder {
    fn inline(&self) -> &[InlineRecord] {
        match self {
            Self::User(it) => &it.inline,
            Self::Group(it) => &it.inline,
            Self::Role(it) => &it.inline,
        }
    }

    fn inline_mut(&mut self) -> &mut Vec<InlineRecord> {
        match self {
            Self::User(it) => &mut it.inline,
            Self::Group(it) => &mut it.inline,
            Self::Role(it) => &mut it.inline,
        }
    }

    fn into_record(self) -> Record {
        match self {
            Self::User(it) => Record::User(Arc::new(it)),
            Self::Group(it) => Record::Group(Arc::new(it)),
            Self::Role(it) => Record::Role(Arc::new(it)),
        }
    }
}

/// All inline policies of one holder together. IAM has 2,048 for users, 5,120 for groups and
/// 10,240 for roles, not counting blanks; here they count.
const INLINE_BYTES_MAX: usize = 10_240;
