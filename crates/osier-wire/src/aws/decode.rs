//! From AWS's parameters to requests of the directory.

use osier_auth::directory::{
    AddUserToGroup, AssumeRole, AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser,
    ControlFault, ControlRequest, CreateAccessKey, CreateGroup, CreatePolicy, CreatePolicyVersion,
    CreateRole, CreateUser, DeleteAccessKey, DeleteGroup, DeleteInlinePolicy, DeletePolicy,
    DeletePolicyVersion, DeleteRole, DeleteUser, DetachPolicyFromGroup, DetachPolicyFromRole,
    DetachPolicyFromUser, Directory, Entity, GetAccessKeyLastUsed, GetGroup, GetInlinePolicy,
    GetPolicy, GetPolicyVersion, GetRole, GetSessionToken, GetUser, ListAccessKeys,
    ListEntitiesForPolicy, ListGroups, ListGroupsForUser, ListInlinePolicies, ListPolicies,
    ListPoliciesForGroup, ListPoliciesForRole, ListPoliciesForUser, ListPolicyVersions, ListRoles,
    ListUsers, ListUsersForGroup, PolicyHolder, PutInlinePolicy, RemoveUserFromGroup,
    SetDefaultPolicyVersion, UpdateAccessKey, UpdateGroup, UpdateRole, UpdateUser,
};
use osier_auth::{Identity, Principal};

use super::{Operation, arn};
use crate::rpc::Parameters;

/// How long `MinIO`'s temporary keys last, in seconds, when nothing else is asked for.
const HOUR: u32 = 3600;

/// A request of AWS's, as the directory is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What to do, one after the other; the first that fails ends it.
    pub requests: Vec<ControlRequest>,
    /// AWS says yes to what is so already.
    pub already_is_done: bool,
    /// Which part of a list is wanted, where the directory knows no pages of it.
    pub(super) marker: Option<String>,
    pub(super) max_items: Option<u32>,
    pub(super) only_attached: bool,
    pub(super) entity_filter: Option<String>,
}

/// What `operation` is asked for by `caller`. `directory` knows whose key is meant where AWS's
/// client does not say.
///
/// # Errors
/// When a parameter is missing, is not of its kind, or is none that the operation takes:
/// ignoring it might grant more than was asked for.
pub fn decode(
    operation: &Operation,
    parameters: &[(String, String)],
    caller: &Identity,
    directory: &Directory,
) -> Result<Asked, ControlFault> {
    for (name, value) in parameters {
        let first = name.split('.').next().unwrap_or_default();
        let known = operation.required.contains(&first)
            || operation.optional.contains(&first)
            || OF_EVERY_REQUEST.contains(&first)
            || first.starts_with("X-Amz-");
        if !known && !value.is_empty() {
            return Err(ControlFault::unexpected_parameter(name));
        }
    }
    let asking = Asking {
        given: Parameters(parameters),
        caller,
        directory,
    };
    for name in operation.required {
        if asking.given.text(name)?.is_empty() {
            return Err(ControlFault::MissingParameter { name });
        }
    }
    for name in ["Path", "NewPath", "PathPrefix"] {
        asking.only_root(name)?;
    }
    if asking
        .optional("PolicyUsageFilter")?
        .is_some_and(|it| it != "PermissionsPolicy")
    {
        return Err(ControlFault::invalid(
            "PolicyUsageFilter",
            "`PermissionsPolicy`: there are no permissions boundaries here",
        ));
    }
    let requests = asking.requests(operation.action)?;
    let paging = operation.optional.contains(&"Marker");
    let max_items = if paging { asking.max_items()? } else { None };
    Ok(Asked {
        requests,
        already_is_done: operation.action.starts_with("Attach")
            || operation.action == "AddUserToGroup",
        marker: if paging {
            asking.optional("Marker")?
        } else {
            None
        },
        max_items,
        only_attached: asking.given.flag("OnlyAttached")?,
        entity_filter: asking.optional("EntityFilter")?,
    })
}

struct Asking<'a> {
    given: Parameters<'a>,
    caller: &'a Identity,
    directory: &'a Directory,
}

impl Asking<'_> {
    fn requests(&self, action: &str) -> Result<Vec<ControlRequest>, ControlFault> {
        use ControlRequest as Ask;

        let text = |name| self.given.text(name);
        let user = || text("UserName");
        let group = || text("GroupName");
        let role = || text("RoleName");
        let marker = || self.optional("Marker");
        Ok(vec![match action {
            "GetCallerIdentity" => Ask::GetCallerIdentity,
            // MinIO, which has no roles to take on, gives its users narrowed keys of their own by
            // this, and its documentation has them name no role.
            "AssumeRole" if !arn::names_role(&text("RoleArn")?) => {
                Ask::GetSessionToken(GetSessionToken {
                    session: Some(text("RoleSessionName")?),
                    duration_seconds: self.given.number("DurationSeconds")?.or(Some(HOUR)),
                    policy: self.optional("Policy")?,
                })
            }
            "GetSessionToken" => Ask::GetSessionToken(GetSessionToken {
                duration_seconds: self.given.number("DurationSeconds")?,
                ..GetSessionToken::default()
            }),
            "AssumeRole" => Ask::AssumeRole(AssumeRole {
                role_arn: arn::role_of(&text("RoleArn")?),
                role_session_name: text("RoleSessionName")?,
                duration_seconds: self.given.number("DurationSeconds")?,
                policy: self.optional("Policy")?,
                external_id: self.optional("ExternalId")?,
                source_identity: self.optional("SourceIdentity")?,
            }),
            "CreateUser" => Ask::CreateUser(CreateUser {
                user_name: user()?,
                ..CreateUser::default()
            }),
            "GetUser" => match (self.optional("UserName")?, &self.caller.principal) {
                (Some(user_name), _) => Ask::GetUser(GetUser { user_name }),
                (None, Principal::User { name, .. }) => Ask::GetUser(GetUser {
                    user_name: name.to_string(),
                }),
                // The account itself is told as a user.
                (None, Principal::Root) => Ask::GetCallerIdentity,
                (None, _) => return Err(ControlFault::MissingParameter { name: "UserName" }),
            },
            "ListUsers" => Ask::ListUsers(ListUsers {
                marker: marker()?,
                max_items: self.max_items()?,
            }),
            "UpdateUser" => Ask::UpdateUser(UpdateUser {
                user_name: user()?,
                new_user_name: self.optional("NewUserName")?,
                ..UpdateUser::default()
            }),
            "DeleteUser" => Ask::DeleteUser(DeleteUser { user_name: user()? }),
            "CreateAccessKey" => Ask::CreateAccessKey(CreateAccessKey {
                user_name: self.optional("UserName")?,
            }),
            "ListAccessKeys" => Ask::ListAccessKeys(ListAccessKeys {
                user_name: self.optional("UserName")?,
            }),
            "UpdateAccessKey" => Ask::UpdateAccessKey(UpdateAccessKey {
                user_name: self.optional("UserName")?,
                user_access_key_id: text("AccessKeyId")?,
                status: text("Status")?,
            }),
            "DeleteAccessKey" => Ask::DeleteAccessKey(DeleteAccessKey {
                user_name: self.optional("UserName")?,
                user_access_key_id: text("AccessKeyId")?,
            }),
            "GetAccessKeyLastUsed" => {
                let id = text("AccessKeyId")?;
                let known = self.directory.find_key(&id);
                let mine = known.filter(|key| *key.account == *self.caller.account.id);
                let Some(key) = mine else {
                    return Err(ControlFault::not_exist(Entity::AccessKey, &id));
                };
                Ask::GetAccessKeyLastUsed(GetAccessKeyLastUsed {
                    user_name: key.user.map(|name| name.to_string()),
                    user_access_key_id: id,
                })
            }
            "CreateGroup" => Ask::CreateGroup(CreateGroup {
                group_name: group()?,
                comments: None,
            }),
            "GetGroup" => {
                let group_name = group()?;
                return Ok(vec![
                    Ask::GetGroup(GetGroup {
                        group_name: group_name.clone(),
                    }),
                    Ask::ListUsersForGroup(ListUsersForGroup {
                        group_name,
                        marker: marker()?,
                        max_items: self.max_items()?,
                    }),
                ]);
            }
            "ListGroups" => Ask::ListGroups(ListGroups {
                marker: marker()?,
                max_items: self.max_items()?,
            }),
            "UpdateGroup" => Ask::UpdateGroup(UpdateGroup {
                group_name: group()?,
                new_group_name: self.optional("NewGroupName")?,
                new_comments: None,
            }),
            "DeleteGroup" => Ask::DeleteGroup(DeleteGroup {
                group_name: group()?,
            }),
            "AddUserToGroup" => Ask::AddUserToGroup(AddUserToGroup {
                user_name: user()?,
                group_name: group()?,
            }),
            "RemoveUserFromGroup" => Ask::RemoveUserFromGroup(RemoveUserFromGroup {
                user_name: user()?,
                group_name: group()?,
            }),
            "ListGroupsForUser" => Ask::ListGroupsForUser(ListGroupsForUser { user_name: user()? }),
            "CreateRole" => Ask::CreateRole(CreateRole {
                role_name: role()?,
                assume_role_policy_document: text("AssumeRolePolicyDocument")?,
                description: self.optional("Description")?,
                max_session_duration: self.given.number("MaxSessionDuration")?,
                allow_console_login: None,
                tags: self.given.tags("Tags.member")?,
            }),
            "GetRole" => Ask::GetRole(GetRole { role_name: role()? }),
            "ListRoles" => Ask::ListRoles(ListRoles {
                marker: marker()?,
                max_items: self.max_items()?,
                tags: Vec::new(),
            }),
            "UpdateRole" | "UpdateRoleDescription" => Ask::UpdateRole(UpdateRole {
                role_name: role()?,
                new_description: self.given.optional("Description")?,
                new_max_session_duration: self.given.number("MaxSessionDuration")?,
                ..UpdateRole::default()
            }),
            "UpdateAssumeRolePolicy" => Ask::UpdateRole(UpdateRole {
                role_name: role()?,
                new_assume_role_policy_document: Some(text("PolicyDocument")?),
                ..UpdateRole::default()
            }),
            "DeleteRole" => Ask::DeleteRole(DeleteRole { role_name: role()? }),
            "PutUserPolicy" | "PutGroupPolicy" | "PutRolePolicy" => {
                Ask::PutInlinePolicy(PutInlinePolicy {
                    holder: self.holder(action)?,
                    policy_name: text("PolicyName")?,
                    policy_document: text("PolicyDocument")?,
                })
            }
            "GetUserPolicy" | "GetGroupPolicy" | "GetRolePolicy" => {
                Ask::GetInlinePolicy(GetInlinePolicy {
                    holder: self.holder(action)?,
                    policy_name: text("PolicyName")?,
                })
            }
            "ListUserPolicies" | "ListGroupPolicies" | "ListRolePolicies" => {
                Ask::ListInlinePolicies(ListInlinePolicies {
                    holder: self.holder(action)?,
                })
            }
            "DeleteUserPolicy" | "DeleteGroupPolicy" | "DeleteRolePolicy" => {
                Ask::DeleteInlinePolicy(DeleteInlinePolicy {
                    holder: self.holder(action)?,
                    policy_name: text("PolicyName")?,
                })
            }
            "ListAttachedUserPolicies" => {
                Ask::ListPoliciesForUser(ListPoliciesForUser { user_name: user()? })
            }
            "ListAttachedGroupPolicies" => Ask::ListPoliciesForGroup(ListPoliciesForGroup {
                group_name: group()?,
            }),
            "ListAttachedRolePolicies" => {
                Ask::ListPoliciesForRole(ListPoliciesForRole { role_name: role()? })
            }
            "CreatePolicy" => Ask::CreatePolicy(CreatePolicy {
                policy_name: text("PolicyName")?,
                policy_document: text("PolicyDocument")?,
                description: self.optional("Description")?,
                tags: self.given.tags("Tags.member")?,
            }),
            "ListPolicies" => Ask::ListPolicies(ListPolicies {
                marker: marker()?,
                max_items: self.max_items()?,
                policy_type: match self.optional("Scope")?.as_deref() {
                    None | Some("All") => None,
                    Some("AWS") => Some("System".to_owned()),
                    Some("Local") => Some("Custom".to_owned()),
                    Some(_) => {
                        return Err(ControlFault::invalid("Scope", "`All`, `AWS` or `Local`"));
                    }
                },
                tags: Vec::new(),
            }),
            _ => return self.of_policy(action).map(|request| vec![request]),
        }])
    }

    /// The operations that name a policy by its ARN.
    fn of_policy(&self, action: &str) -> Result<ControlRequest, ControlFault> {
        use ControlRequest as Ask;

        let text = |name| self.given.text(name);
        let arn = text("PolicyArn")?;
        let (kind, policy_name) = arn::parse_policy(&arn, &self.caller.account.id)?;
        let policy_type = kind.as_str().to_owned();
        let changes = matches!(
            action,
            "DeletePolicy"
                | "CreatePolicyVersion"
                | "SetDefaultPolicyVersion"
                | "DeletePolicyVersion"
        );
        if changes && kind == osier_auth::directory::PolicyType::System {
            return Err(ControlFault::invalid(
                "PolicyArn",
                "policies that are shipped can't be changed",
            ));
        }
        Ok(match action {
            "GetPolicy" => Ask::GetPolicy(GetPolicy {
                policy_name,
                policy_type,
            }),
            "DeletePolicy" => Ask::DeletePolicy(DeletePolicy {
                policy_name,
                cascading_delete: false,
            }),
            "CreatePolicyVersion" => Ask::CreatePolicyVersion(CreatePolicyVersion {
                policy_name,
                policy_document: text("PolicyDocument")?,
                set_as_default: self.given.flag("SetAsDefault")?,
                rotate_strategy: None,
            }),
            "GetPolicyVersion" => Ask::GetPolicyVersion(GetPolicyVersion {
                policy_name,
                policy_type,
                version_id: text("VersionId")?,
            }),
            "ListPolicyVersions" => Ask::ListPolicyVersions(ListPolicyVersions {
                policy_name,
                policy_type,
            }),
            "SetDefaultPolicyVersion" => Ask::SetDefaultPolicyVersion(SetDefaultPolicyVersion {
                policy_name,
                version_id: text("VersionId")?,
            }),
            "DeletePolicyVersion" => Ask::DeletePolicyVersion(DeletePolicyVersion {
                policy_name,
                version_id: text("VersionId")?,
            }),
            "ListEntitiesForPolicy" => Ask::ListEntitiesForPolicy(ListEntitiesForPolicy {
                policy_name,
                policy_type,
            }),
            "AttachUserPolicy" => Ask::AttachPolicyToUser(AttachPolicyToUser {
                policy_name,
                policy_type,
                user_name: text("UserName")?,
            }),
            "DetachUserPolicy" => Ask::DetachPolicyFromUser(DetachPolicyFromUser {
                policy_name,
                policy_type,
                user_name: text("UserName")?,
            }),
            "AttachGroupPolicy" => Ask::AttachPolicyToGroup(AttachPolicyToGroup {
                policy_name,
                policy_type,
                group_name: text("GroupName")?,
            }),
            "DetachGroupPolicy" => Ask::DetachPolicyFromGroup(DetachPolicyFromGroup {
                policy_name,
                policy_type,
                group_name: text("GroupName")?,
            }),
            "AttachRolePolicy" => Ask::AttachPolicyToRole(AttachPolicyToRole {
                policy_name,
                policy_type,
                role_name: text("RoleName")?,
            }),
            "DetachRolePolicy" => Ask::DetachPolicyFromRole(DetachPolicyFromRole {
                policy_name,
                policy_type,
                role_name: text("RoleName")?,
            }),
            _ => return Err(ControlFault::unknown_action(action)),
        })
    }

    /// Whose inline policy an operation means, by its name.
    fn holder(&self, action: &str) -> Result<PolicyHolder, ControlFault> {
        Ok(if action.contains("User") {
            PolicyHolder::User(self.given.text("UserName")?)
        } else if action.contains("Group") {
            PolicyHolder::Group(self.given.text("GroupName")?)
        } else {
            PolicyHolder::Role(self.given.text("RoleName")?)
        })
    }

    /// What is empty counts as absent: AWS allows no empty names.
    fn optional(&self, name: &'static str) -> Result<Option<String>, ControlFault> {
        Ok(self.given.optional(name)?.filter(|text| !text.is_empty()))
    }

    fn max_items(&self) -> Result<Option<u32>, ControlFault> {
        match self.given.number("MaxItems")? {
            Some(max) if !(1..=1000).contains(&max) => {
                Err(ControlFault::invalid("MaxItems", "1 to 1000"))
            }
            max => Ok(max),
        }
    }

    /// Everything is in the path `/` here.
    fn only_root(&self, name: &'static str) -> Result<(), ControlFault> {
        match self.optional(name)?.as_deref() {
            None | Some("/") => Ok(()),
            Some(_) => Err(ControlFault::invalid(
                name,
                "`/`, the only path there is here",
            )),
        }
    }
}

/// What is part of the protocol itself.
const OF_EVERY_REQUEST: [&str; 2] = ["Action", "Version"];
