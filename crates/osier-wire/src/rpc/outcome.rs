//! What operations led to, with the names that SDKs read it by (reference 6.4).

use osier_auth::Secret;
use osier_auth::directory::{
    AccessKey, AssumedRole, AttachedPolicy, CallerIdentity, ControlOutcome, CreatedAccessKey,
    Group, Page, PolicyDetail, PolicyEntities, PolicySummary, PolicyVersion, Role, TagPairs, User,
};

use super::document::Fields;

/// Adds the parts of `outcome` to a document.
pub(super) fn write<'a>(document: Fields<'a>, outcome: &'a ControlOutcome) -> Fields<'a> {
    match outcome {
        // No operation of this API leads to the second.
        ControlOutcome::Done | ControlOutcome::SessionToken(_) => document,
        ControlOutcome::User(it) => document.fields("User", user(it)),
        ControlOutcome::Users(page) => {
            paged(document, page).list("Users", "User", page.items.iter().map(user))
        }
        ControlOutcome::CreatedAccessKey(it) => document.fields("AccessKey", created_key(it)),
        ControlOutcome::AccessKeys(keys) => {
            document.list("AccessKeys", "AccessKey", keys.iter().map(access_key))
        }
        ControlOutcome::LastUsed(time) => {
            let used = match time {
                Some(time) => Fields::default().time("LastUsedDate", *time),
                None => Fields::default().text("LastUsedDate", ""),
            };
            document.fields("AccessKeyLastUsed", used)
        }
        ControlOutcome::Policy(it) => document.fields("Policy", policy(it)),
        ControlOutcome::PolicyDetail(it) => policy_detail(document, it),
        ControlOutcome::Policies(page) => paged(document, page).list(
            "Policies",
            "Policy",
            page.items.iter().map(|it| with_tags(policy(it), &it.tags)),
        ),
        ControlOutcome::PolicyVersion(it) => document.fields("PolicyVersion", policy_version(it)),
        ControlOutcome::PolicyVersions(versions) => document.list(
            "PolicyVersions",
            "PolicyVersion",
            versions.iter().map(policy_version),
        ),
        ControlOutcome::AttachedPolicies(policies) => {
            document.list("Policies", "Policy", policies.iter().map(attached))
        }
        ControlOutcome::PolicyEntities(it) => entities(document, it),
        ControlOutcome::Role(it) => document.fields("Role", role(it)),
        ControlOutcome::Roles(page) => paged(document, page).list(
            "Roles",
            "Role",
            page.items
                .iter()
                .map(|it| with_tags(listed_role(it), &it.tags)),
        ),
        ControlOutcome::Group(it) => document.fields("Group", group(it)),
        ControlOutcome::Groups(page) => {
            paged(document, page).list("Groups", "Group", page.items.iter().map(group))
        }
        ControlOutcome::GroupMembers(page) => {
            let member = |it: &'a osier_auth::directory::GroupMember| {
                Fields::default()
                    .text("UserName", &it.user_name)
                    .text("DisplayName", &it.display_name)
                    .time("JoinDate", it.join_date)
            };
            paged(document, page).list("Users", "User", page.items.iter().map(member))
        }
        ControlOutcome::UserGroups(groups) => {
            let of_user = |it: &'a osier_auth::directory::UserGroup| {
                Fields::default()
                    .text("GroupId", &it.group_id)
                    .text("GroupName", &it.group_name)
                    .text("Comments", &it.comments)
                    .time("JoinDate", it.join_date)
            };
            document.list("Groups", "Group", groups.iter().map(of_user))
        }
        ControlOutcome::InlinePolicy(it) => document
            .text("PolicyName", &it.policy_name)
            .text("PolicyDocument", &it.policy_document),
        ControlOutcome::InlinePolicies(names) => document.texts(
            "PolicyNames",
            "PolicyName",
            names.iter().map(String::as_str),
        ),
        ControlOutcome::AssumedRole(it) => assumed_role(document, it),
        ControlOutcome::CallerIdentity(it) => caller_identity(document, it),
    }
}

fn paged<'a, T>(document: Fields<'a>, page: &'a Page<T>) -> Fields<'a> {
    document
        .flag("IsTruncated", page.is_truncated())
        .optional("Marker", page.marker.as_deref())
}

fn user(it: &User) -> Fields<'_> {
    Fields::default()
        .text("UserId", &it.user_id)
        .text("UserName", &it.user_name)
        .text("DisplayName", &it.display_name)
        .text("Comments", &it.comments)
        .text("Email", &it.email)
        .text("MobilePhone", &it.mobile_phone)
        .time("CreateDate", it.create_date)
        .time("UpdateDate", it.update_date)
}

fn created_key(it: &CreatedAccessKey) -> Fields<'_> {
    Fields::default()
        .text("AccessKeyId", &it.access_key_id)
        .text("AccessKeySecret", revealed(&it.access_key_secret))
        .text("Status", it.status.as_str())
        .time("CreateDate", it.create_date)
}

fn access_key(it: &AccessKey) -> Fields<'_> {
    Fields::default()
        .text("AccessKeyId", &it.access_key_id)
        .text("Status", it.status.as_str())
        .time("CreateDate", it.create_date)
}

fn policy(it: &PolicySummary) -> Fields<'_> {
    Fields::default()
        .text("PolicyName", &it.policy_name)
        .text("PolicyType", it.policy_type.as_str())
        .text("Description", &it.description)
        .text("DefaultVersion", &it.default_version)
        .number("AttachmentCount", it.attachment_count)
        .time("CreateDate", it.create_date)
        .time("UpdateDate", it.update_date)
}

fn policy_detail<'a>(document: Fields<'a>, it: &'a PolicyDetail) -> Fields<'a> {
    let version = &it.default_policy_version;
    document
        .fields(
            "Policy",
            policy(&it.policy).text("PolicyDocument", &version.policy_document),
        )
        .fields("DefaultPolicyVersion", policy_version(version))
}

fn policy_version(it: &PolicyVersion) -> Fields<'_> {
    Fields::default()
        .text("VersionId", &it.version_id)
        .flag("IsDefaultVersion", it.is_default_version)
        .text("PolicyDocument", &it.policy_document)
        .time("CreateDate", it.create_date)
}

fn attached(it: &AttachedPolicy) -> Fields<'_> {
    Fields::default()
        .text("PolicyName", &it.policy_name)
        .text("PolicyType", it.policy_type.as_str())
        .text("Description", &it.description)
        .text("DefaultVersion", &it.default_version)
        .time("AttachDate", it.attach_date)
}

fn entities<'a>(document: Fields<'a>, it: &'a PolicyEntities) -> Fields<'a> {
    let groups = it.groups.iter().map(|group| {
        Fields::default()
            .text("GroupName", &group.group_name)
            .text("Comments", &group.comments)
            .time("AttachDate", group.attach_date)
    });
    let roles = it.roles.iter().map(|role| {
        Fields::default()
            .text("RoleId", &role.role_id)
            .text("RoleName", &role.role_name)
            .text("Arn", &role.arn)
            .text("Description", &role.description)
            .time("AttachDate", role.attach_date)
    });
    let users = it.users.iter().map(|user| {
        Fields::default()
            .text("UserId", &user.user_id)
            .text("UserName", &user.user_name)
            .text("DisplayName", &user.display_name)
            .time("AttachDate", user.attach_date)
    });
    document
        .list("Groups", "Group", groups)
        .list("Roles", "Role", roles)
        .list("Users", "User", users)
}

/// As lists show it: without its trust policy.
fn listed_role(it: &Role) -> Fields<'_> {
    Fields::default()
        .text("RoleId", &it.role_id)
        .text("RoleName", &it.role_name)
        .text("Arn", &it.arn)
        .text("Description", &it.description)
        .number("MaxSessionDuration", it.max_session_duration)
        .flag("AllowConsoleLogin", it.allow_console_login)
        .time("CreateDate", it.create_date)
        .time("UpdateDate", it.update_date)
}

fn role(it: &Role) -> Fields<'_> {
    listed_role(it).text("AssumeRolePolicyDocument", &it.assume_role_policy_document)
}

fn with_tags<'a>(fields: Fields<'a>, tags: &'a TagPairs) -> Fields<'a> {
    let tags = tags.iter().map(|(key, value)| {
        Fields::default()
            .text("TagKey", key)
            .text("TagValue", value)
    });
    fields.list("Tags", "Tag", tags)
}

fn group(it: &Group) -> Fields<'_> {
    Fields::default()
        .text("GroupId", &it.group_id)
        .text("GroupName", &it.group_name)
        .text("Comments", &it.comments)
        .time("CreateDate", it.create_date)
        .time("UpdateDate", it.update_date)
}

fn assumed_role<'a>(document: Fields<'a>, it: &'a AssumedRole) -> Fields<'a> {
    let credentials = &it.credentials;
    document
        .fields(
            "AssumedRoleUser",
            Fields::default()
                .text("Arn", &it.arn)
                .text("AssumedRoleId", &it.assumed_role_id),
        )
        .fields(
            "Credentials",
            Fields::default()
                .text("AccessKeyId", &credentials.access_key_id)
                .text("AccessKeySecret", revealed(&credentials.access_key_secret))
                .text("SecurityToken", revealed(&credentials.security_token))
                .time("Expiration", credentials.expiration),
        )
        .optional("SourceIdentity", it.source_identity.as_deref())
}

fn caller_identity<'a>(document: Fields<'a>, it: &'a CallerIdentity) -> Fields<'a> {
    document
        .text("AccountId", &it.account_id)
        .text("Arn", &it.arn)
        .text("IdentityType", it.identity_type)
        .text("PrincipalId", &it.principal_id)
        .optional("UserId", it.user_id.as_deref())
        .optional("RoleId", it.role_id.as_deref())
}

/// A secret in the answer that hands it to its owner.
fn revealed(secret: &Secret) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(secret.reveal())
}
