//! All operations of RAM and STS as one request and one outcome, and the one door to them
//! that checks permission.

use osier_types::{Rng, Timestamp};

use super::permission::SYSTEM;
use super::{
    AccessKey, AddUserToGroup, AssumeRole, AssumedRole, AttachPolicyToGroup, AttachPolicyToRole,
    AttachPolicyToUser, AttachedPolicy, CallerIdentity, Context, ControlFault, CreateAccessKey,
    CreateGroup, CreatePolicy, CreatePolicyVersion, CreateRole, CreateUser, CreatedAccessKey,
    DeleteAccessKey, DeleteGroup, DeleteInlinePolicy, DeletePolicy, DeletePolicyVersion,
    DeleteRole, DeleteUser, DetachPolicyFromGroup, DetachPolicyFromRole, DetachPolicyFromUser,
    Directory, GetAccessKeyLastUsed, GetGroup, GetInlinePolicy, GetPolicy, GetPolicyVersion,
    GetRole, GetSessionToken, GetUser, Group, GroupMember, InlinePolicy, ListAccessKeys,
    ListEntitiesForPolicy, ListGroups, ListGroupsForUser, ListInlinePolicies, ListPolicies,
    ListPoliciesForGroup, ListPoliciesForRole, ListPoliciesForUser, ListPolicyVersions, ListRoles,
    ListUsers, ListUsersForGroup, Page, PolicyDetail, PolicyEntities, PolicyHolder, PolicySummary,
    PolicyType, PolicyVersion, PutInlinePolicy, RemoveUserFromGroup, Role, SessionToken,
    SetDefaultPolicyVersion, UpdateAccessKey, UpdateGroup, UpdateRole, UpdateUser, User, UserGroup,
};
use crate::policy::{Conditions, RequestResource};
use crate::{Identity, Principal};

/// A request to RAM or STS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the operations of the API")]
pub enum ControlRequest {
    CreateUser(CreateUser),
    GetUser(GetUser),
    ListUsers(ListUsers),
    UpdateUser(UpdateUser),
    DeleteUser(DeleteUser),
    CreateAccessKey(CreateAccessKey),
    ListAccessKeys(ListAccessKeys),
    UpdateAccessKey(UpdateAccessKey),
    DeleteAccessKey(DeleteAccessKey),
    GetAccessKeyLastUsed(GetAccessKeyLastUsed),
    CreatePolicy(CreatePolicy),
    GetPolicy(GetPolicy),
    ListPolicies(ListPolicies),
    DeletePolicy(DeletePolicy),
    CreatePolicyVersion(CreatePolicyVersion),
    GetPolicyVersion(GetPolicyVersion),
    ListPolicyVersions(ListPolicyVersions),
    SetDefaultPolicyVersion(SetDefaultPolicyVersion),
    DeletePolicyVersion(DeletePolicyVersion),
    AttachPolicyToUser(AttachPolicyToUser),
    DetachPolicyFromUser(DetachPolicyFromUser),
    ListPoliciesForUser(ListPoliciesForUser),
    AttachPolicyToGroup(AttachPolicyToGroup),
    DetachPolicyFromGroup(DetachPolicyFromGroup),
    ListPoliciesForGroup(ListPoliciesForGroup),
    AttachPolicyToRole(AttachPolicyToRole),
    DetachPolicyFromRole(DetachPolicyFromRole),
    ListPoliciesForRole(ListPoliciesForRole),
    ListEntitiesForPolicy(ListEntitiesForPolicy),
    CreateRole(CreateRole),
    GetRole(GetRole),
    ListRoles(ListRoles),
    UpdateRole(UpdateRole),
    DeleteRole(DeleteRole),
    CreateGroup(CreateGroup),
    GetGroup(GetGroup),
    ListGroups(ListGroups),
    UpdateGroup(UpdateGroup),
    DeleteGroup(DeleteGroup),
    AddUserToGroup(AddUserToGroup),
    RemoveUserFromGroup(RemoveUserFromGroup),
    ListUsersForGroup(ListUsersForGroup),
    ListGroupsForUser(ListGroupsForUser),
    PutInlinePolicy(PutInlinePolicy),
    GetInlinePolicy(GetInlinePolicy),
    ListInlinePolicies(ListInlinePolicies),
    DeleteInlinePolicy(DeleteInlinePolicy),
    AssumeRole(AssumeRole),
    /// Only AWS's STS has it.
    GetSessionToken(GetSessionToken),
    GetCallerIdentity,
}

/// What a request to RAM or STS led to.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are named like what they hold")]
pub enum ControlOutcome {
    /// Nothing but the request's id is to be told.
    Done,
    User(User),
    Users(Page<User>),
    CreatedAccessKey(CreatedAccessKey),
    AccessKeys(Vec<AccessKey>),
    /// When a key was used last.
    LastUsed(Option<Timestamp>),
    /// `CreatePolicy`.
    Policy(PolicySummary),
    PolicyDetail(PolicyDetail),
    Policies(Page<PolicySummary>),
    PolicyVersion(PolicyVersion),
    PolicyVersions(Vec<PolicyVersion>),
    AttachedPolicies(Vec<AttachedPolicy>),
    PolicyEntities(PolicyEntities),
    Role(Role),
    Roles(Page<Role>),
    Group(Group),
    Groups(Page<Group>),
    GroupMembers(Page<GroupMember>),
    UserGroups(Vec<UserGroup>),
    InlinePolicy(InlinePolicy),
    /// Their names.
    InlinePolicies(Vec<String>),
    AssumedRole(AssumedRole),
    SessionToken(SessionToken),
    CallerIdentity(CallerIdentity),
}

impl Directory {
    /// Does what `caller` asks for, if it may. The changes are to be taken afterwards.
    ///
    /// # Errors
    /// `NoPermission`, or why the operation can't be done; then nothing is changed.
    pub fn execute(
        &mut self,
        caller: &Identity,
        mut request: ControlRequest,
        conditions: &Conditions<'_>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<ControlOutcome, ControlFault> {
        use ControlOutcome as Out;
        use ControlRequest as Ask;

        self.admit(caller, &mut request, conditions)?;
        let context = &Context {
            account: &caller.account.id,
            now,
            rng,
        };
        if let Some(outcome) = self.tell(caller, context, &request) {
            return outcome;
        }
        Ok(match request {
            // Permission and trust are checked together.
            Ask::AssumeRole(it) => {
                self.rotate_token_keys(now, rng)?;
                Out::AssumedRole(self.assume_role(caller, it, conditions, now, rng)?)
            }
            Ask::GetSessionToken(it) => {
                self.rotate_token_keys(now, rng)?;
                Out::SessionToken(self.get_session_token(caller, it, conditions, now, rng)?)
            }
            Ask::CreateUser(it) => Out::User(self.create_user(context, it)?),
            Ask::UpdateUser(it) => Out::User(self.update_user(context, it)?),
            Ask::DeleteUser(it) => {
                self.delete_user(context, &it)?;
                Out::Done
            }
            Ask::CreateAccessKey(it) => {
                Out::CreatedAccessKey(self.create_access_key(context, &it)?)
            }
            Ask::UpdateAccessKey(it) => {
                self.update_access_key(context, &it)?;
                Out::Done
            }
            Ask::DeleteAccessKey(it) => {
                self.delete_access_key(context, &it)?;
                Out::Done
            }
            Ask::CreatePolicy(it) => Out::Policy(self.create_policy(context, it)?),
            Ask::DeletePolicy(it) => {
                self.delete_policy(context, &it)?;
                Out::Done
            }
            Ask::CreatePolicyVersion(it) => {
                Out::PolicyVersion(self.create_policy_version(context, it)?)
            }
            Ask::SetDefaultPolicyVersion(it) => {
                self.set_default_policy_version(context, &it)?;
                Out::Done
            }
            Ask::DeletePolicyVersion(it) => {
                self.delete_policy_version(context, &it)?;
                Out::Done
            }
            Ask::AttachPolicyToUser(it) => {
                self.attach_policy_to_user(context, &it)?;
                Out::Done
            }
            Ask::DetachPolicyFromUser(it) => {
                self.detach_policy_from_user(context, &it)?;
                Out::Done
            }
            Ask::AttachPolicyToGroup(it) => {
                self.attach_policy_to_group(context, &it)?;
                Out::Done
            }
            Ask::DetachPolicyFromGroup(it) => {
                self.detach_policy_from_group(context, &it)?;
                Out::Done
            }
            Ask::AttachPolicyToRole(it) => {
                self.attach_policy_to_role(context, &it)?;
                Out::Done
            }
            Ask::DetachPolicyFromRole(it) => {
                self.detach_policy_from_role(context, &it)?;
                Out::Done
            }
            Ask::CreateRole(it) => Out::Role(self.create_role(context, it)?),
            Ask::UpdateRole(it) => Out::Role(self.update_role(context, it)?),
            Ask::DeleteRole(it) => {
                self.delete_role(context, &it)?;
                Out::Done
            }
            Ask::CreateGroup(it) => Out::Group(self.create_group(context, it)?),
            Ask::UpdateGroup(it) => Out::Group(self.update_group(context, it)?),
            Ask::DeleteGroup(it) => {
                self.delete_group(context, &it)?;
                Out::Done
            }
            Ask::AddUserToGroup(it) => {
                self.add_user_to_group(context, &it)?;
                Out::Done
            }
            Ask::RemoveUserFromGroup(it) => {
                self.remove_user_from_group(context, &it)?;
                Out::Done
            }
            Ask::PutInlinePolicy(it) => {
                self.put_inline_policy(context, it)?;
                Out::Done
            }
            Ask::DeleteInlinePolicy(it) => {
                self.delete_inline_policy(context, &it)?;
                Out::Done
            }
            // All others only tell something.
            _ => return Err(ControlFault::Internal),
        })
    }

    /// What `caller` asks for, if it may and if nothing has to be changed for it; `None` is
    /// for [`Self::execute`]. Spares readers a copy of the directory.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn answer(
        &self,
        caller: &Identity,
        mut request: ControlRequest,
        conditions: &Conditions<'_>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Option<Result<ControlOutcome, ControlFault>> {
        if request.changes() {
            return None;
        }
        if let Err(fault) = self.admit(caller, &mut request, conditions) {
            return Some(Err(fault));
        }
        let context = Context {
            account: &caller.account.id,
            now,
            rng,
        };
        self.tell(caller, &context, &request)
    }

    /// Completes a request, and checks that it is permitted.
    fn admit(
        &self,
        caller: &Identity,
        request: &mut ControlRequest,
        conditions: &Conditions<'_>,
    ) -> Result<(), ControlFault> {
        request.complete(caller)?;
        for (owner, path) in request.touches(&caller.account.id) {
            let resource = RequestResource::control("ram", owner, &path);
            self.permit(caller, request.action(), &resource, conditions)?;
        }
        Ok(())
    }

    /// The operations that change nothing; `None` for the others.
    fn tell(
        &self,
        caller: &Identity,
        context: &Context<'_>,
        request: &ControlRequest,
    ) -> Option<Result<ControlOutcome, ControlFault>> {
        use ControlOutcome as Out;
        use ControlRequest as Ask;

        Some(match request {
            Ask::GetCallerIdentity => Ok(Out::CallerIdentity(Self::get_caller_identity(caller))),
            Ask::GetUser(it) => self.get_user(context, it).map(Out::User),
            Ask::ListUsers(it) => self.list_users(context, it).map(Out::Users),
            Ask::ListAccessKeys(it) => self.list_access_keys(context, it).map(Out::AccessKeys),
            Ask::GetAccessKeyLastUsed(it) => self
                .get_access_key_last_used(context, it)
                .map(Out::LastUsed),
            Ask::GetPolicy(it) => self.get_policy(context, it).map(Out::PolicyDetail),
            Ask::ListPolicies(it) => self.list_policies(context, it).map(Out::Policies),
            Ask::GetPolicyVersion(it) => {
                self.get_policy_version(context, it).map(Out::PolicyVersion)
            }
            Ask::ListPolicyVersions(it) => self
                .list_policy_versions(context, it)
                .map(Out::PolicyVersions),
            Ask::ListPoliciesForUser(it) => self
                .list_policies_for_user(context, it)
                .map(Out::AttachedPolicies),
            Ask::ListPoliciesForGroup(it) => self
                .list_policies_for_group(context, it)
                .map(Out::AttachedPolicies),
            Ask::ListPoliciesForRole(it) => self
                .list_policies_for_role(context, it)
                .map(Out::AttachedPolicies),
            Ask::ListEntitiesForPolicy(it) => self
                .list_entities_for_policy(context, it)
                .map(Out::PolicyEntities),
            Ask::GetRole(it) => self.get_role(context, it).map(Out::Role),
            Ask::ListRoles(it) => self.list_roles(context, it).map(Out::Roles),
            Ask::GetGroup(it) => self.get_group(context, it).map(Out::Group),
            Ask::ListGroups(it) => self.list_groups(context, it).map(Out::Groups),
            Ask::ListUsersForGroup(it) => self
                .list_users_for_group(context, it)
                .map(Out::GroupMembers),
            Ask::ListGroupsForUser(it) => {
                self.list_groups_for_user(context, it).map(Out::UserGroups)
            }
            Ask::GetInlinePolicy(it) => self.get_inline_policy(context, it).map(Out::InlinePolicy),
            Ask::ListInlinePolicies(it) => self
                .list_inline_policies(context, it)
                .map(Out::InlinePolicies),
            _ => return None,
        })
    }
}

impl ControlRequest {
    /// Whether an account may be different afterwards.
    pub fn changes(&self) -> bool {
        // It may need a new key for its token.
        if matches!(self, Self::GetSessionToken(_)) {
            return true;
        }
        let (_, name) = self.action().split_once(':').unwrap_or_default();
        !name.starts_with("Get") && !name.starts_with("List")
    }

    /// The action in policies.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "ram:CreateUser",
            Self::GetUser(_) => "ram:GetUser",
            Self::ListUsers(_) => "ram:ListUsers",
            Self::UpdateUser(_) => "ram:UpdateUser",
            Self::DeleteUser(_) => "ram:DeleteUser",
            Self::CreateAccessKey(_) => "ram:CreateAccessKey",
            Self::ListAccessKeys(_) => "ram:ListAccessKeys",
            Self::UpdateAccessKey(_) => "ram:UpdateAccessKey",
            Self::DeleteAccessKey(_) => "ram:DeleteAccessKey",
            Self::GetAccessKeyLastUsed(_) => "ram:GetAccessKeyLastUsed",
            Self::CreatePolicy(_) => "ram:CreatePolicy",
            Self::GetPolicy(_) => "ram:GetPolicy",
            Self::ListPolicies(_) => "ram:ListPolicies",
            Self::DeletePolicy(_) => "ram:DeletePolicy",
            Self::CreatePolicyVersion(_) => "ram:CreatePolicyVersion",
            Self::GetPolicyVersion(_) => "ram:GetPolicyVersion",
            Self::ListPolicyVersions(_) => "ram:ListPolicyVersions",
            Self::SetDefaultPolicyVersion(_) => "ram:SetDefaultPolicyVersion",
            Self::DeletePolicyVersion(_) => "ram:DeletePolicyVersion",
            Self::AttachPolicyToUser(_) => "ram:AttachPolicyToUser",
            Self::DetachPolicyFromUser(_) => "ram:DetachPolicyFromUser",
            Self::ListPoliciesForUser(_) => "ram:ListPoliciesForUser",
            Self::AttachPolicyToGroup(_) => "ram:AttachPolicyToGroup",
            Self::DetachPolicyFromGroup(_) => "ram:DetachPolicyFromGroup",
            Self::ListPoliciesForGroup(_) => "ram:ListPoliciesForGroup",
            Self::AttachPolicyToRole(_) => "ram:AttachPolicyToRole",
            Self::DetachPolicyFromRole(_) => "ram:DetachPolicyFromRole",
            Self::ListPoliciesForRole(_) => "ram:ListPoliciesForRole",
            Self::ListEntitiesForPolicy(_) => "ram:ListEntitiesForPolicy",
            Self::CreateRole(_) => "ram:CreateRole",
            Self::GetRole(_) => "ram:GetRole",
            Self::ListRoles(_) => "ram:ListRoles",
            Self::UpdateRole(_) => "ram:UpdateRole",
            Self::DeleteRole(_) => "ram:DeleteRole",
            Self::CreateGroup(_) => "ram:CreateGroup",
            Self::GetGroup(_) => "ram:GetGroup",
            Self::ListGroups(_) => "ram:ListGroups",
            Self::UpdateGroup(_) => "ram:UpdateGroup",
            Self::DeleteGroup(_) => "ram:DeleteGroup",
            Self::AddUserToGroup(_) => "ram:AddUserToGroup",
            Self::RemoveUserFromGroup(_) => "ram:RemoveUserFromGroup",
            Self::ListUsersForGroup(_) => "ram:ListUsersForGroup",
            Self::ListGroupsForUser(_) => "ram:ListGroupsForUser",
            Self::PutInlinePolicy(it) => match it.holder {
                PolicyHolder::User(_) => "ram:PutUserPolicy",
                PolicyHolder::Group(_) => "ram:PutGroupPolicy",
                PolicyHolder::Role(_) => "ram:PutRolePolicy",
            },
            Self::GetInlinePolicy(it) => match it.holder {
                PolicyHolder::User(_) => "ram:GetUserPolicy",
                PolicyHolder::Group(_) => "ram:GetGroupPolicy",
                PolicyHolder::Role(_) => "ram:GetRolePolicy",
            },
            Self::ListInlinePolicies(it) => match it.holder {
                PolicyHolder::User(_) => "ram:ListUserPolicies",
                PolicyHolder::Group(_) => "ram:ListGroupPolicies",
                PolicyHolder::Role(_) => "ram:ListRolePolicies",
            },
            Self::DeleteInlinePolicy(it) => match it.holder {
                PolicyHolder::User(_) => "ram:DeleteUserPolicy",
                PolicyHolder::Group(_) => "ram:DeleteGroupPolicy",
                PolicyHolder::Role(_) => "ram:DeleteRolePolicy",
            },
            Self::AssumeRole(_) => "sts:AssumeRole",
            Self::GetSessionToken(_) => "sts:GetSessionToken",
            Self::GetCallerIdentity => "sts:GetCallerIdentity",
        }
    }

    /// What permission is needed for, as policies name it; `account` is the caller's. Telling
    /// who one is needs none.
    pub fn resources(&self, account: &str) -> Vec<String> {
        if let Self::AssumeRole(it) = self {
            return vec![it.role_arn.clone()];
        }
        self.touches(account)
            .iter()
            .map(|(owner, path)| RequestResource::control("ram", owner, path).to_string())
            .collect()
    }

    /// A user who names nobody means their own keys; an account that does means its own.
    ///
    /// # Errors
    /// When a role names nobody.
    pub fn complete(&mut self, caller: &Identity) -> Result<(), ControlFault> {
        let user_name = match self {
            Self::CreateAccessKey(it) => &mut it.user_name,
            Self::ListAccessKeys(it) => &mut it.user_name,
            Self::UpdateAccessKey(it) => &mut it.user_name,
            Self::DeleteAccessKey(it) => &mut it.user_name,
            Self::GetAccessKeyLastUsed(it) => &mut it.user_name,
            _ => return Ok(()),
        };
        if user_name.as_deref().is_none_or(str::is_empty) {
            *user_name = match &caller.principal {
                Principal::Root => None,
                Principal::User { name, .. } => Some(name.to_string()),
                Principal::AssumedRole { .. } => {
                    return Err(ControlFault::MissingParameter { name: "UserName" });
                }
            };
        }
        Ok(())
    }

    /// The resources that permission is needed for: their owner, and their name in it.
    #[expect(clippy::match_same_arms, reason = "one line for each operation")]
    fn touches<'a>(&self, own: &'a str) -> Vec<(&'a str, String)> {
        let user = |name: &str| (own, format!("user/{name}"));
        let group = |name: &str| (own, format!("group/{name}"));
        let role = |name: &str| (own, format!("role/{name}"));
        let policy = |kind: &str, name: &str| {
            let owner = if kind == PolicyType::System.as_str() {
                SYSTEM
            } else {
                own
            };
            (owner, format!("policy/{name}"))
        };
        let keys_of = |name: &Option<String>| match name {
            Some(name) => vec![user(name)],
            // Only the account itself can mean itself, see `complete`.
            None => vec![(own, "*".to_owned())],
        };
        match self {
            Self::CreateUser(_) => vec![(own, "user/*".to_owned())],
            Self::GetUser(it) => vec![user(&it.user_name)],
            Self::ListUsers(_) => vec![(own, "user/*".to_owned())],
            Self::UpdateUser(it) => vec![user(&it.user_name)],
            Self::DeleteUser(it) => vec![user(&it.user_name)],
            Self::CreateAccessKey(it) => keys_of(&it.user_name),
            Self::ListAccessKeys(it) => keys_of(&it.user_name),
            Self::UpdateAccessKey(it) => keys_of(&it.user_name),
            Self::DeleteAccessKey(it) => keys_of(&it.user_name),
            Self::GetAccessKeyLastUsed(it) => keys_of(&it.user_name),
            Self::CreatePolicy(_) => vec![(own, "policy/*".to_owned())],
            Self::GetPolicy(it) => vec![policy(&it.policy_type, &it.policy_name)],
            Self::ListPolicies(_) => vec![(own, "policy/*".to_owned())],
            Self::DeletePolicy(it) => vec![policy("Custom", &it.policy_name)],
            Self::CreatePolicyVersion(it) => vec![policy("Custom", &it.policy_name)],
            Self::GetPolicyVersion(it) => vec![policy(&it.policy_type, &it.policy_name)],
            Self::ListPolicyVersions(it) => vec![policy(&it.policy_type, &it.policy_name)],
            Self::SetDefaultPolicyVersion(it) => vec![policy("Custom", &it.policy_name)],
            Self::DeletePolicyVersion(it) => vec![policy("Custom", &it.policy_name)],
            Self::AttachPolicyToUser(it) => vec![
                user(&it.user_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::DetachPolicyFromUser(it) => vec![
                user(&it.user_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::ListPoliciesForUser(it) => vec![user(&it.user_name)],
            Self::AttachPolicyToGroup(it) => vec![
                group(&it.group_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::DetachPolicyFromGroup(it) => vec![
                group(&it.group_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::ListPoliciesForGroup(it) => vec![group(&it.group_name)],
            Self::AttachPolicyToRole(it) => vec![
                role(&it.role_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::DetachPolicyFromRole(it) => vec![
                role(&it.role_name),
                policy(&it.policy_type, &it.policy_name),
            ],
            Self::ListPoliciesForRole(it) => vec![role(&it.role_name)],
            Self::ListEntitiesForPolicy(it) => vec![policy(&it.policy_type, &it.policy_name)],
            Self::CreateRole(_) => vec![(own, "role/*".to_owned())],
            Self::GetRole(it) => vec![role(&it.role_name)],
            Self::ListRoles(_) => vec![(own, "role/*".to_owned())],
            Self::UpdateRole(it) => vec![role(&it.role_name)],
            Self::DeleteRole(it) => vec![role(&it.role_name)],
            Self::CreateGroup(_) => vec![(own, "group/*".to_owned())],
            Self::GetGroup(it) => vec![group(&it.group_name)],
            Self::ListGroups(_) => vec![(own, "group/*".to_owned())],
            Self::UpdateGroup(it) => vec![group(&it.group_name)],
            Self::DeleteGroup(it) => vec![group(&it.group_name)],
            Self::AddUserToGroup(it) => vec![user(&it.user_name), group(&it.group_name)],
            Self::RemoveUserFromGroup(it) => vec![user(&it.user_name), group(&it.group_name)],
            Self::ListUsersForGroup(it) => vec![group(&it.group_name)],
            Self::ListGroupsForUser(it) => vec![user(&it.user_name)],
            Self::PutInlinePolicy(it) => vec![(own, it.holder.path())],
            Self::GetInlinePolicy(it) => vec![(own, it.holder.path())],
            Self::ListInlinePolicies(it) => vec![(own, it.holder.path())],
            Self::DeleteInlinePolicy(it) => vec![(own, it.holder.path())],
            Self::AssumeRole(_) | Self::GetSessionToken(_) | Self::GetCallerIdentity => Vec::new(),
        }
    }
}
