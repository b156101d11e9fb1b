//! Every operation of the control APIs that is here, with its parameters.
//!
//! One table: requests are decoded by it, `docs/compat.md` is written from it, and tests and
//! fuzz targets walk through it.

use osier_auth::directory::{
    AddUserToGroup, AssumeRole, AttachPolicyToGroup, AttachPolicyToRole, AttachPolicyToUser,
    ControlFault, ControlRequest, CreateAccessKey, CreateGroup, CreatePolicy, CreatePolicyVersion,
    CreateRole, CreateUser, DeleteAccessKey, DeleteGroup, DeletePolicy, DeletePolicyVersion,
    DeleteRole, DeleteUser, DetachPolicyFromGroup, DetachPolicyFromRole, DetachPolicyFromUser,
    GetAccessKeyLastUsed, GetGroup, GetPolicy, GetPolicyVersion, GetRole, GetUser, ListAccessKeys,
    ListEntitiesForPolicy, ListGroups, ListGroupsForUser, ListPolicies, ListPoliciesForGroup,
    ListPoliciesForRole, ListPoliciesForUser, ListPolicyVersions, ListRoles, ListUsers,
    ListUsersForGroup, RemoveUserFromGroup, SetDefaultPolicyVersion, UpdateAccessKey, UpdateGroup,
    UpdateRole, UpdateUser,
};

use super::parameters::Parameters;

/// A control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Temporary keys.
    Sts,
    /// Users, groups, roles and policies.
    Ram,
    /// Domains and caches.
    Cdn,
}

/// An operation of a control API.
pub struct Operation<R: 'static = ControlRequest> {
    /// Of which API.
    pub api: Api,
    /// Its name.
    pub action: &'static str,
    /// As policies name it, e.g. `ram:CreateUser`.
    pub permission: &'static str,
    /// What it listens to.
    pub parameters: &'static [Parameter],
    pub(super) decode: fn(&Parameters<'_>) -> Result<R, ControlFault>,
}

/// A parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParameterKind,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "named as the readers that read them")]
pub enum ParameterKind {
    /// A text that must be there.
    text,
    /// A text.
    optional,
    /// A whole number.
    number,
    /// `true` or `false`.
    flag,
    /// `true` or `false`; absent leaves as it is.
    optional_flag,
    /// `Tag.1.Key`, `Tag.1.Value` and so on.
    tags,
    /// `ResourceId.1` and so on.
    list,
}

impl Api {
    /// The API of a `Version`.
    pub fn of_version(version: &str) -> Option<Self> {
        if version == CDN_VERSION_OF_OLD {
            return Some(Self::Cdn);
        }
        [Self::Sts, Self::Ram, Self::Cdn]
            .into_iter()
            .find(|api| api.version() == version)
    }

    /// Its version.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Sts => "2015-04-01",
            Self::Ram => "2015-05-01",
            Self::Cdn => "2018-05-10",
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sts => "STS",
            Self::Ram => "RAM",
            Self::Cdn => "CDN",
        }
    }
}

impl<R> std::fmt::Debug for Operation<R> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.api.name(), self.action)
    }
}

/// The operation of STS or RAM of this name in the API of this version.
///
/// # Errors
/// When there is no such API or it has no such operation.
pub fn operation(version: &str, action: &str) -> Result<&'static Operation, ControlFault> {
    find(OPERATIONS, version, action)
}

/// The operation of one of several APIs.
pub(super) fn find<R>(
    operations: &'static [Operation<R>],
    version: &str,
    action: &str,
) -> Result<&'static Operation<R>, ControlFault> {
    let api = Api::of_version(version).ok_or_else(|| ControlFault::unknown_version(version))?;
    operations
        .iter()
        .find(|operation| operation.api == api && operation.action == action)
        .ok_or_else(|| ControlFault::unknown_action(action))
}

/// What `operation` is asked for. Parameters that it does not know are ignored, as the real
/// APIs do, but for those that would have narrowed it.
///
/// # Errors
/// When a parameter is missing, or is not of its kind.
pub fn decode(
    operation: &Operation,
    parameters: &[(String, String)],
) -> Result<ControlRequest, ControlFault> {
    let parameters = Parameters(parameters);
    // Policies attached within a resource group count there only.
    parameters.refuse("ResourceGroupId")?;
    (operation.decode)(&parameters)
}

/// A line per operation: its API, its name, that of its request where that is another, and
/// `field: reader "Name"` for each parameter.
macro_rules! operations {
    ($requests:ident $([$first:expr])?; $($api:ident $action:ident $(as $request:ident)? {
        $($field:ident: $reader:ident $name:literal),* $(,)?
    })+) => {
        &[$($first,)? $($crate::rpc::Operation {
            api: $crate::rpc::Api::$api,
            action: stringify!($action),
            permission: concat!(operations!(@service $api), stringify!($action)),
            parameters: &[
                $($crate::rpc::Parameter {
                    name: $name,
                    kind: $crate::rpc::ParameterKind::$reader,
                }),*
            ],
            decode: |parameters| {
                // An operation without parameters does not look at them.
                let _ = parameters;
                operations!(@decode parameters $requests $action [$($request)? $action] {
                    $($field: $reader $name),*
                })
            },
        }),+]
    };
    (@service Sts) => { "sts:" };
    (@service Ram) => { "ram:" };
    (@service Cdn) => { "cdn:" };
    (@decode $parameters:ident $requests:ident $action:ident [$request:ident $($_name:ident)?] {
        $($field:ident: $reader:ident $name:literal),*
    }) => {
        Ok($requests::$action($request {
            $($field: $parameters.$reader($name)?),*
        }))
    };
}
pub(super) use operations;

/// The version before the one of now; what both have in common is understood.
const CDN_VERSION_OF_OLD: &str = "2014-11-11";

/// The operations of STS and RAM, those of STS first.
pub const OPERATIONS: &[Operation] = operations! {
    ControlRequest [Operation {
        api: Api::Sts,
        action: "GetCallerIdentity",
        permission: "sts:GetCallerIdentity",
        parameters: &[],
        decode: |_| Ok(ControlRequest::GetCallerIdentity),
    }];
    Sts AssumeRole {
        role_arn: text "RoleArn",
        role_session_name: text "RoleSessionName",
        duration_seconds: number "DurationSeconds",
        policy: optional "Policy",
        external_id: optional "ExternalId",
        source_identity: optional "SourceIdentity",
    }
    Ram CreateUser {
        user_name: text "UserName",
        display_name: optional "DisplayName",
        comments: optional "Comments",
        email: optional "Email",
        mobile_phone: optional "MobilePhone",
    }
    Ram GetUser { user_name: text "UserName" }
    Ram ListUsers { marker: optional "Marker", max_items: number "MaxItems" }
    Ram UpdateUser {
        user_name: text "UserName",
        new_user_name: optional "NewUserName",
        new_display_name: optional "NewDisplayName",
        new_comments: optional "NewComments",
        new_email: optional "NewEmail",
        new_mobile_phone: optional "NewMobilePhone",
    }
    Ram DeleteUser { user_name: text "UserName" }
    Ram CreateAccessKey { user_name: optional "UserName" }
    Ram ListAccessKeys { user_name: optional "UserName" }
    Ram UpdateAccessKey {
        user_name: optional "UserName",
        user_access_key_id: text "UserAccessKeyId",
        status: text "Status",
    }
    Ram DeleteAccessKey {
        user_name: optional "UserName",
        user_access_key_id: text "UserAccessKeyId",
    }
    Ram GetAccessKeyLastUsed {
        user_name: optional "UserName",
        user_access_key_id: text "UserAccessKeyId",
    }
    Ram CreatePolicy {
        policy_name: text "PolicyName",
        policy_document: text "PolicyDocument",
        description: optional "Description",
        tags: tags "Tag",
    }
    Ram GetPolicy { policy_name: text "PolicyName", policy_type: text "PolicyType" }
    Ram ListPolicies {
        marker: optional "Marker",
        max_items: number "MaxItems",
        policy_type: optional "PolicyType",
        tags: tags "Tag",
    }
    Ram DeletePolicy { policy_name: text "PolicyName", cascading_delete: flag "CascadingDelete" }
    Ram CreatePolicyVersion {
        policy_name: text "PolicyName",
        policy_document: text "PolicyDocument",
        set_as_default: flag "SetAsDefault",
        rotate_strategy: optional "RotateStrategy",
    }
    Ram GetPolicyVersion {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        version_id: text "VersionId",
    }
    Ram ListPolicyVersions { policy_name: text "PolicyName", policy_type: text "PolicyType" }
    Ram SetDefaultPolicyVersion { policy_name: text "PolicyName", version_id: text "VersionId" }
    Ram DeletePolicyVersion { policy_name: text "PolicyName", version_id: text "VersionId" }
    Ram AttachPolicyToUser {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        user_name: text "UserName",
    }
    Ram DetachPolicyFromUser {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        user_name: text "UserName",
    }
    Ram ListPoliciesForUser { user_name: text "UserName" }
    Ram AttachPolicyToGroup {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        group_name: text "GroupName",
    }
    Ram DetachPolicyFromGroup {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        group_name: text "GroupName",
    }
    Ram ListPoliciesForGroup { group_name: text "GroupName" }
    Ram AttachPolicyToRole {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        role_name: text "RoleName",
    }
    Ram DetachPolicyFromRole {
        policy_name: text "PolicyName",
        policy_type: text "PolicyType",
        role_name: text "RoleName",
    }
    Ram ListPoliciesForRole { role_name: text "RoleName" }
    Ram ListEntitiesForPolicy { policy_name: text "PolicyName", policy_type: text "PolicyType" }
    Ram CreateRole {
        role_name: text "RoleName",
        assume_role_policy_document: text "AssumeRolePolicyDocument",
        description: optional "Description",
        max_session_duration: number "MaxSessionDuration",
        allow_console_login: optional_flag "AllowConsoleLogin",
        tags: tags "Tag",
    }
    Ram GetRole { role_name: text "RoleName" }
    Ram ListRoles { marker: optional "Marker", max_items: number "MaxItems", tags: tags "Tag" }
    Ram UpdateRole {
        role_name: text "RoleName",
        new_assume_role_policy_document: optional "NewAssumeRolePolicyDocument",
        new_description: optional "NewDescription",
        new_max_session_duration: number "NewMaxSessionDuration",
        new_allow_console_login: optional_flag "NewAllowConsoleLogin",
    }
    Ram DeleteRole { role_name: text "RoleName" }
    Ram CreateGroup { group_name: text "GroupName", comments: optional "Comments" }
    Ram GetGroup { group_name: text "GroupName" }
    Ram ListGroups { marker: optional "Marker", max_items: number "MaxItems" }
    Ram UpdateGroup {
        group_name: text "GroupName",
        new_group_name: optional "NewGroupName",
        new_comments: optional "NewComments",
    }
    Ram DeleteGroup { group_name: text "GroupName" }
    Ram AddUserToGroup { user_name: text "UserName", group_name: text "GroupName" }
    Ram RemoveUserFromGroup { user_name: text "UserName", group_name: text "GroupName" }
    Ram ListUsersForGroup {
        group_name: text "GroupName",
        marker: optional "Marker",
        max_items: number "MaxItems",
    }
    Ram ListGroupsForUser { user_name: text "UserName" }
};
