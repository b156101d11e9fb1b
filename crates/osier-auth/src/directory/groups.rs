//! Groups of users.

use std::sync::Arc;

use super::page::page;
use super::record::{GroupRecord, Membership, Record};
use super::{
    AddUserToGroup, Context, ControlFault, CreateGroup, DeleteGroup, Directory, Entity, GetGroup,
    Group, GroupMember, ListGroups, ListGroupsForUser, ListUsersForGroup, Page,
    RemoveUserFromGroup, UpdateGroup, UserGroup, ids, names,
};

impl Directory {
    /// `CreateGroup`.
    ///
    /// # Errors
    /// When the name is taken, a text is not valid, or there are too many groups.
    pub fn create_group(
        &mut self,
        context: &Context<'_>,
        request: CreateGroup,
    ) -> Result<Group, ControlFault> {
        let name = names::group_name(request.group_name)?;
        let account = self.account(context.account)?;
        if account.groups.contains_key(name.as_str()) {
            return Err(ControlFault::already_exists(Entity::Group, &name));
        }
        if account.groups.len() >= GROUPS_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::Group,
                max: GROUPS_MAX,
            });
        }
        let now = context.now.whole_seconds();
        let record = Arc::new(GroupRecord {
            account: context.account.into(),
            id: ids::entity_id(context.rng, '4').into(),
            name: name.into(),
            comments: names::remark("Comments", request.comments.unwrap_or_default())?,
            create_date: now,
            update_date: now,
            policies: Vec::new(),
            inline: Vec::new(),
        });
        let group = show(&record);
        self.keep(Record::Group(record))?;
        Ok(group)
    }

    /// `GetGroup`.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn get_group(
        &self,
        context: &Context<'_>,
        request: &GetGroup,
    ) -> Result<Group, ControlFault> {
        Ok(show(
            self.account(context.account)?.group(&request.group_name)?,
        ))
    }

    /// `ListGroups`.
    ///
    /// # Errors
    /// When `MaxItems` is out of range.
    pub fn list_groups(
        &self,
        context: &Context<'_>,
        request: &ListGroups,
    ) -> Result<Page<Group>, ControlFault> {
        let groups = &self.account(context.account)?.groups;
        page(
            groups.iter().map(|(name, group)| (&**name, group)),
            request.marker.as_deref(),
            request.max_items,
            |group| show(group),
        )
    }

    /// `UpdateGroup`.
    ///
    /// # Errors
    /// When there is no such group, the new name is taken, or a text is not valid.
    pub fn update_group(
        &mut self,
        context: &Context<'_>,
        request: UpdateGroup,
    ) -> Result<Group, ControlFault> {
        let account = self.account(context.account)?;
        let mut record = (**account.group(&request.group_name)?).clone();
        if let Some(name) = request.new_group_name {
            let name = names::group_name(name)?;
            if *name != *record.name && account.groups.contains_key(name.as_str()) {
                return Err(ControlFault::already_exists(Entity::Group, &name));
            }
            record.name = name.into();
        }
        if let Some(text) = request.new_comments {
            record.comments = names::remark("NewComments", text)?;
        }
        record.update_date = context.now.whole_seconds();
        let group = show(&record);
        self.keep(Record::Group(Arc::new(record)))?;
        Ok(group)
    }

    /// `DeleteGroup`.
    ///
    /// # Errors
    /// When there is no such group, or it still has users or policies.
    pub fn delete_group(
        &mut self,
        context: &Context<'_>,
        request: &DeleteGroup,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let record = Arc::clone(account.group(&request.group_name)?);
        let is_member = |groups: &[Membership]| groups.iter().any(|it| it.group_id == record.id);
        let holds = if account.users.values().any(|user| is_member(&user.groups)) {
            Some(Entity::Member)
        } else if !record.policies.is_empty() {
            Some(Entity::GroupPolicy)
        } else if !record.inline.is_empty() {
            Some(Entity::InlinePolicy)
        } else {
            None
        };
        if let Some(holds) = holds {
            return Err(ControlFault::DeleteConflict {
                entity: Entity::Group,
                holds,
            });
        }
        let account = self.account_mut(context.account)?;
        account.layers.clear();
        account.groups.remove(&record.name);
        account.group_names.remove(&record.id);
        self.forget(&Record::Group(record));
        Ok(())
    }

    /// `AddUserToGroup`.
    ///
    /// # Errors
    /// When there is no such user or group, the user is in it already, or in too many.
    pub fn add_user_to_group(
        &mut self,
        context: &Context<'_>,
        request: &AddUserToGroup,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let user = account.user(&request.user_name)?;
        let group_id = Arc::clone(&account.group(&request.group_name)?.id);
        if user.groups.iter().any(|it| it.group_id == group_id) {
            return Err(ControlFault::already_exists(
                Entity::Membership,
                &request.group_name,
            ));
        }
        if user.groups.len() >= MEMBERSHIPS_MAX {
            return Err(ControlFault::LimitExceeded {
                entity: Entity::Membership,
                max: MEMBERSHIPS_MAX,
            });
        }
        let mut user = (**user).clone();
        user.groups.push(Membership {
            group_id,
            join_date: context.now.whole_seconds(),
        });
        self.keep(Record::User(Arc::new(user)))
    }

    /// `RemoveUserFromGroup`.
    ///
    /// # Errors
    /// When there is no such user or group, or the user is not in it.
    pub fn remove_user_from_group(
        &mut self,
        context: &Context<'_>,
        request: &RemoveUserFromGroup,
    ) -> Result<(), ControlFault> {
        let account = self.account(context.account)?;
        let mut user = (**account.user(&request.user_name)?).clone();
        let group = account.group(&request.group_name)?;
        let before = user.groups.len();
        user.groups.retain(|it| it.group_id != group.id);
        if user.groups.len() == before {
            return Err(ControlFault::not_exist(
                Entity::Membership,
                &request.group_name,
            ));
        }
        self.keep(Record::User(Arc::new(user)))
    }

    /// `ListUsersForGroup`.
    ///
    /// # Errors
    /// When there is no such group, or `MaxItems` is out of range.
    pub fn list_users_for_group(
        &self,
        context: &Context<'_>,
        request: &ListUsersForGroup,
    ) -> Result<Page<GroupMember>, ControlFault> {
        let account = self.account(context.account)?;
        let group = account.group(&request.group_name)?;
        let members = account.users.iter().filter_map(|(name, user)| {
            let membership = user.groups.iter().find(|it| it.group_id == group.id)?;
            Some((&**name, (user, membership)))
        });
        page(
            members,
            request.marker.as_deref(),
            request.max_items,
            |(user, membership)| GroupMember {
                user_id: user.id.to_string(),
                create_date: user.create_date,
                user_name: user.name.to_string(),
                display_name: user.display_name.clone(),
                join_date: membership.join_date,
            },
        )
    }

    /// `ListGroupsForUser`.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn list_groups_for_user(
        &self,
        context: &Context<'_>,
        request: &ListGroupsForUser,
    ) -> Result<Vec<UserGroup>, ControlFault> {
        let account = self.account(context.account)?;
        let user = account.user(&request.user_name)?;
        let mut groups: Vec<UserGroup> = user
            .groups
            .iter()
            .filter_map(|membership| {
                let group = account.group_by_id(&membership.group_id)?;
                Some(UserGroup {
                    group_id: group.id.to_string(),
                    group_name: group.name.to_string(),
                    comments: group.comments.clone(),
                    create_date: group.create_date,
                    join_date: membership.join_date,
                })
            })
            .collect();
        groups.sort_by(|a, b| a.group_name.cmp(&b.group_name));
        Ok(groups)
    }
}

fn show(record: &GroupRecord) -> Group {
    Group {
        group_id: record.id.to_string(),
        group_name: record.name.to_string(),
        comments: record.comments.clone(),
        create_date: record.create_date,
        update_date: record.update_date,
    }
}

/// The quotas of RAM.
const GROUPS_MAX: usize = 300;
const MEMBERSHIPS_MAX: usize = 50;
