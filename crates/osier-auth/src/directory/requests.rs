//! Requests and outcomes of the RAM and STS operations, field by field as section 6.4 of the
//! reference names them. Absent parameters are `None`; what is empty was sent empty.
#![expect(
    missing_docs,
    reason = "the fields are those of the API, by their names there"
)]

use osier_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// Declares plain structs whose fields are all public.
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident { $($field:ident : $kind:ty,)* })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug)]
            pub struct $name { $(pub $field: $kind,)* }
        )+
    };
}

/// Declares requests: they compare, and default to nothing sent.
macro_rules! requests {
    ($($name:ident { $($field:ident : $kind:ty,)* })+) => {
        shapes! { $(#[derive(Default, PartialEq, Eq)] $name { $($field: $kind,)* })+ }
    };
}

/// Whether a policy is shipped or the account's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyType {
    Custom,
    System,
}

/// Whether an access key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccessKeyStatus {
    Active,
    Inactive,
}

impl PolicyType {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "Custom",
            Self::System => "System",
        }
    }

    /// The type of a word on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Custom, Self::System]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl AccessKeyStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }

    /// The status of a word on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// What an inline policy is part of, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyHolder {
    User(String),
    Group(String),
    Role(String),
}

impl PolicyHolder {
    /// As resources name it: `user/<name>`.
    pub fn path(&self) -> String {
        match self {
            Self::User(name) => format!("user/{name}"),
            Self::Group(name) => format!("group/{name}"),
            Self::Role(name) => format!("role/{name}"),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let (Self::User(name) | Self::Group(name) | Self::Role(name)) = self;
        name
    }
}

impl Default for PolicyHolder {
    fn default() -> Self {
        Self::User(String::new())
    }
}

/// `Tag.1.Key` and `Tag.1.Value`.
pub type TagPairs = Vec<(String, String)>;

requests! {
    CreateUser {
        user_name: String,
        display_name: Option<String>,
        comments: Option<String>,
        email: Option<String>,
        mobile_phone: Option<String>,
    }
    GetUser { user_name: String, }
    ListUsers { marker: Option<String>, max_items: Option<u32>, }
    UpdateUser {
        user_name: String,
        new_user_name: Option<String>,
        new_display_name: Option<String>,
        new_comments: Option<String>,
        new_email: Option<String>,
        new_mobile_phone: Option<String>,
    }
    DeleteUser { user_name: String, }
    CreateAccessKey { user_name: Option<String>, }
    ListAccessKeys { user_name: Option<String>, }
    UpdateAccessKey {
        user_name: Option<String>,
        user_access_key_id: String,
        status: String,
    }
    DeleteAccessKey { user_name: Option<String>, user_access_key_id: String, }
    GetAccessKeyLastUsed { user_name: Option<String>, user_access_key_id: String, }
    CreatePolicy {
        policy_name: String,
        policy_document: String,
        description: Option<String>,
        tags: TagPairs,
    }
    GetPolicy { policy_name: String, policy_type: String, }
    ListPolicies {
        marker: Option<String>,
        max_items: Option<u32>,
        policy_type: Option<String>,
        tags: TagPairs,
    }
    DeletePolicy { policy_name: String, cascading_delete: bool, }
    CreatePolicyVersion {
        policy_name: String,
        policy_document: String,
        set_as_default: bool,
        rotate_strategy: Option<String>,
    }
    GetPolicyVersion { policy_name: String, policy_type: String, version_id: String, }
    ListPolicyVersions { policy_name: String, policy_type: String, }
    SetDefaultPolicyVersion { policy_name: String, version_id: String, }
    DeletePolicyVersion { policy_name: String, version_id: String, }
    AttachPolicyToUser { policy_name: String, policy_type: String, user_name: String, }
    DetachPolicyFromUser { policy_name: String, policy_type: String, user_name: String, }
    AttachPolicyToGroup { policy_name: String, policy_type: String, group_name: String, }
    DetachPolicyFromGroup { policy_name: String, policy_type: String, group_name: String, }
    AttachPolicyToRole { policy_name: String, policy_type: String, role_name: String, }
    DetachPolicyFromRole { policy_name: String, policy_type: String, role_name: String, }
    ListPoliciesForUser { user_name: String, }
    ListPoliciesForGroup { group_name: String, }
    ListPoliciesForRole { role_name: String, }
    ListEntitiesForPolicy { policy_name: String, policy_type: String, }
    CreateRole {
        role_name: String,
        assume_role_policy_document: String,
        description: Option<String>,
        max_session_duration: Option<u32>,
        allow_console_login: Option<bool>,
        tags: TagPairs,
    }
    GetRole { role_name: String, }
    ListRoles { marker: Option<String>, max_items: Option<u32>, tags: TagPairs, }
    UpdateRole {
        role_name: String,
        new_assume_role_policy_document: Option<String>,
        new_description: Option<String>,
        new_max_session_duration: Option<u32>,
        new_allow_console_login: Option<bool>,
    }
    DeleteRole { role_name: String, }
    CreateGroup { group_name: String, comments: Option<String>, }
    GetGroup { group_name: String, }
    ListGroups { marker: Option<String>, max_items: Option<u32>, }
    UpdateGroup {
        group_name: String,
        new_group_name: Option<String>,
        new_comments: Option<String>,
    }
    DeleteGroup { group_name: String, }
    AddUserToGroup { user_name: String, group_name: String, }
    RemoveUserFromGroup { user_name: String, group_name: String, }
    ListUsersForGroup { group_name: String, marker: Option<String>, max_items: Option<u32>, }
    ListGroupsForUser { user_name: String, }
    PutInlinePolicy { holder: PolicyHolder, policy_name: String, policy_document: String, }
    GetInlinePolicy { holder: PolicyHolder, policy_name: String, }
    ListInlinePolicies { holder: PolicyHolder, }
    DeleteInlinePolicy { holder: PolicyHolder, policy_name: String, }
    AssumeRole {
        role_arn: String,
        role_session_name: String,
        duration_seconds: Option<u32>,
        policy: Option<String>,
        external_id: Option<String>,
        source_identity: Option<String>,
    }
    GetSessionToken {
        session: Option<String>,
        duration_seconds: Option<u32>,
        policy: Option<String>,
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; the last page has none.
    pub marker: Option<String>,
}

impl<T> Page<T> {
    /// Whether more follows.
    pub const fn is_truncated(&self) -> bool {
        self.marker.is_some()
    }
}

shapes! {
    /// A user, as create, get, list and update show it.
    #[derive(PartialEq, Eq)]
    User {
        user_id: String,
        user_name: String,
        display_name: String,
        comments: String,
        email: String,
        mobile_phone: String,
        create_date: Timestamp,
        update_date: Timestamp,
    }
    /// A new key: the only outcome that shows a secret.
    CreatedAccessKey {
        access_key_id: String,
        access_key_secret: Secret,
        status: AccessKeyStatus,
        create_date: Timestamp,
    }
    #[derive(PartialEq, Eq)]
    AccessKey {
        access_key_id: String,
        status: AccessKeyStatus,
        create_date: Timestamp,
    }
    /// A policy, as create, get and list show it.
    #[derive(PartialEq, Eq)]
    PolicySummary {
        policy_name: String,
        policy_type: PolicyType,
        description: String,
        default_version: String,
        attachment_count: u32,
        create_date: Timestamp,
        update_date: Timestamp,
        tags: TagPairs,
    }
    #[derive(PartialEq, Eq)]
    PolicyVersion {
        version_id: String,
        is_default_version: bool,
        policy_document: String,
        create_date: Timestamp,
    }
    /// `GetPolicy`.
    #[derive(PartialEq, Eq)]
    PolicyDetail { policy: PolicySummary, default_policy_version: PolicyVersion, }
    #[derive(PartialEq, Eq)]
    InlinePolicy { holder: PolicyHolder, policy_name: String, policy_document: String, }
    #[derive(PartialEq, Eq)]
    AttachedPolicy {
        policy_name: String,
        policy_type: PolicyType,
        description: String,
        default_version: String,
        attach_date: Timestamp,
    }
    #[derive(PartialEq, Eq)]
    AttachedUser {
        user_id: String,
        user_name: String,
        display_name: String,
        attach_date: Timestamp,
    }
    #[derive(PartialEq, Eq)]
    AttachedGroup { group_name: String, comments: String, attach_date: Timestamp, }
    #[derive(PartialEq, Eq)]
    AttachedRole {
        role_id: String,
        role_name: String,
        arn: String,
        description: String,
        attach_date: Timestamp,
    }
    /// `ListEntitiesForPolicy`.
    #[derive(PartialEq, Eq)]
    PolicyEntities {
        groups: Vec<AttachedGroup>,
        roles: Vec<AttachedRole>,
        users: Vec<AttachedUser>,
    }
    /// A role, as create, get, list and update show it.
    #[derive(PartialEq, Eq)]
    Role {
        role_id: String,
        role_name: String,
        arn: String,
        description: String,
        assume_role_policy_document: String,
        max_session_duration: u32,
        allow_console_login: bool,
        create_date: Timestamp,
        update_date: Timestamp,
        tags: TagPairs,
    }
    #[derive(PartialEq, Eq)]
    Group {
        group_id: String,
        group_name: String,
        comments: String,
        create_date: Timestamp,
        update_date: Timestamp,
    }
    #[derive(PartialEq, Eq)]
    GroupMember {
        user_id: String,
        user_name: String,
        display_name: String,
        create_date: Timestamp,
        join_date: Timestamp,
    }
    #[derive(PartialEq, Eq)]
    UserGroup {
        group_id: String,
        group_name: String,
        comments: String,
        create_date: Timestamp,
        join_date: Timestamp,
    }
    /// A temporary key with its token.
    Credentials {
        access_key_id: String,
        access_key_secret: Secret,
        security_token: Secret,
        expiration: Timestamp,
    }
    /// `AssumeRole`.
    AssumedRole {
        arn: String,
        assumed_role_id: String,
        credentials: Credentials,
        source_identity: Option<String>,
    }
    /// `GetSessionToken`.
    SessionToken {
        credentials: Credentials,
        session: Option<String>,
    }
    /// `GetCallerIdentity`.
    #[derive(PartialEq, Eq)]
    CallerIdentity {
        account_id: String,
        arn: String,
        identity_type: &'static str,
        principal_id: String,
        user_id: Option<String>,
        role_id: Option<String>,
    }
}
