//! What operations led to, in the shapes of AWS's IAM and STS.

use std::borrow::Cow;

use osier_auth::Identity;
use osier_auth::directory::{
    AccessKey, AssumedRole, ControlOutcome, ControlRequest, Credentials, Group, GroupMember, Page,
    PolicyEntities, PolicyHolder, PolicySummary, PolicyType, PolicyVersion, Role, TagPairs, User,
    UserGroup,
};
use osier_types::percent_encode;

use super::{Asked, Operation, arn};
use crate::rpc::Fields;

/// The part of the answer that is the operation's own.
pub(super) fn result<'a>(
    operation: &Operation,
    asked: &'a Asked,
    outcomes: &'a [ControlOutcome],
    caller: &'a Identity,
) -> Fields<'a> {
    let teller = Teller {
        action: operation.action,
        account: &caller.account.id,
        caller,
        asked,
    };
    let pairs = asked.requests.iter().zip(outcomes);
    pairs.fold(Fields::default(), |fields, (request, outcome)| {
        teller.tell(fields, request, outcome)
    })
}

struct Teller<'a> {
    action: &'static str,
    account: &'a str,
    caller: &'a Identity,
    asked: &'a Asked,
}

impl<'a> Teller<'a> {
    fn tell(
        &self,
        fields: Fields<'a>,
        request: &'a ControlRequest,
        outcome: &'a ControlOutcome,
    ) -> Fields<'a> {
        match outcome {
            ControlOutcome::Done => fields,
            ControlOutcome::User(it) => fields.fields("User", self.user(it)),
            ControlOutcome::Users(page) => {
                let users = page.items.iter().map(|it| self.user(it));
                paged(fields, page).list("Users", MEMBER, users)
            }
            ControlOutcome::CreatedAccessKey(it) => fields.fields(
                "AccessKey",
                Fields::default()
                    .optional("UserName", key_holder(request))
                    .text("AccessKeyId", &it.access_key_id)
                    .text("Status", it.status.as_str())
                    .text("SecretAccessKey", revealed(&it.access_key_secret))
                    .time("CreateDate", it.create_date),
            ),
            ControlOutcome::AccessKeys(keys) => {
                let holder = key_holder(request);
                let shown = |it: &'a AccessKey| {
                    Fields::default()
                        .optional("UserName", holder)
                        .text("AccessKeyId", &it.access_key_id)
                        .text("Status", it.status.as_str())
                        .time("CreateDate", it.create_date)
                };
                self.list(
                    fields,
                    "AccessKeyMetadata",
                    keys,
                    |it| &it.access_key_id,
                    shown,
                )
            }
            ControlOutcome::LastUsed(time) => {
                let used = match time {
                    Some(time) => Fields::default().time("LastUsedDate", *time),
                    None => Fields::default(),
                };
                let used = used.text("ServiceName", "N/A").text("Region", "N/A");
                fields
                    .optional("UserName", key_holder(request))
                    .fields("AccessKeyLastUsed", used)
            }
            ControlOutcome::Policy(it) => fields.fields("Policy", self.policy(it)),
            ControlOutcome::PolicyDetail(it) => fields.fields(
                "Policy",
                with_tags(self.policy(&it.policy), &it.policy.tags),
            ),
            ControlOutcome::Policies(page) => {
                let policies = page.items.iter();
                let wanted =
                    policies.filter(|it| !self.asked.only_attached || it.attachment_count > 0);
                let policies = wanted.map(|it| self.policy(it));
                paged(fields, page).list("Policies", MEMBER, policies)
            }
            ControlOutcome::PolicyVersion(it) => fields.fields(
                "PolicyVersion",
                if self.action == "CreatePolicyVersion" {
                    policy_version(it)
                } else {
                    policy_version(it).text("Document", encoded(&it.policy_document))
                },
            ),
            ControlOutcome::PolicyVersions(versions) => self.list(
                fields,
                "Versions",
                versions,
                |it| &it.version_id,
                policy_version,
            ),
            ControlOutcome::AttachedPolicies(policies) => self.list(
                fields,
                "AttachedPolicies",
                policies,
                |it| &it.policy_name,
                |it| {
                    let shown = match it.policy_type {
                        PolicyType::Custom => it.policy_name.as_str(),
                        PolicyType::System => arn::shipped_name(&it.policy_name),
                    };
                    Fields::default().text("PolicyName", shown).text(
                        "PolicyArn",
                        arn::policy(self.account, it.policy_type, &it.policy_name),
                    )
                },
            ),
            ControlOutcome::PolicyEntities(it) => self.entities(fields, it),
            ControlOutcome::InlinePolicy(it) => {
                let holder = match &it.holder {
                    PolicyHolder::User(_) => "UserName",
                    PolicyHolder::Group(_) => "GroupName",
                    PolicyHolder::Role(_) => "RoleName",
                };
                fields
                    .text(holder, it.holder.name())
                    .text("PolicyName", &it.policy_name)
                    .text("PolicyDocument", encoded(&it.policy_document))
            }
            ControlOutcome::InlinePolicies(names) => {
                let (shown, marker) = self.page(names, String::as_str);
                let fields = fields.texts("PolicyNames", MEMBER, shown.iter().map(String::as_str));
                ends(fields, marker)
            }
            // `UpdateRole` answers an empty element.
            ControlOutcome::Role(_) if self.action == "UpdateRole" => fields,
            ControlOutcome::Role(it) => fields.fields("Role", with_tags(self.role(it), &it.tags)),
            ControlOutcome::Roles(page) => {
                let roles = page.items.iter().map(|it| self.role(it));
                paged(fields, page).list("Roles", MEMBER, roles)
            }
            ControlOutcome::Group(it) => fields.fields("Group", self.group(it)),
            ControlOutcome::Groups(page) => {
                let groups = page.items.iter().map(|it| self.group(it));
                paged(fields, page).list("Groups", MEMBER, groups)
            }
            ControlOutcome::GroupMembers(page) => {
                let members = page.items.iter().map(|it| self.member(it));
                paged(fields, page).list("Users", MEMBER, members)
            }
            ControlOutcome::UserGroups(groups) => self.list(
                fields,
                "Groups",
                groups,
                |it| &it.group_name,
                |it| self.user_group(it),
            ),
            ControlOutcome::AssumedRole(it) => assumed_role(fields, it),
            ControlOutcome::SessionToken(it) => {
                let fields = match &it.session {
                    None => fields,
                    Some(session) => fields.fields(
                        "AssumedRoleUser",
                        Fields::default()
                            .text("Arn", arn::caller(self.caller))
                            .text("AssumedRoleId", session),
                    ),
                };
                fields.fields("Credentials", credentials(&it.credentials))
            }
            // The account itself, told as a user.
            ControlOutcome::CallerIdentity(it) if self.action == "GetUser" => fields.fields(
                "User",
                Fields::default()
                    .text("Path", "/")
                    .text("UserName", &self.caller.account.display_name)
                    .text("UserId", &it.account_id)
                    .text("Arn", arn::caller(self.caller)),
            ),
            ControlOutcome::CallerIdentity(it) => fields
                .text("UserId", &it.principal_id)
                .text("Account", &it.account_id)
                .text("Arn", arn::caller(self.caller)),
        }
    }

    /// A page of a list that the directory gives whole; names are its markers.
    fn list<T>(
        &self,
        fields: Fields<'a>,
        element: &'static str,
        all: &'a [T],
        name: impl Fn(&'a T) -> &'a str,
        show: impl Fn(&'a T) -> Fields<'a>,
    ) -> Fields<'a> {
        let (shown, marker) = self.page(all, name);
        ends(fields, marker).list(element, MEMBER, shown.iter().map(show))
    }

    fn page<T>(&self, all: &'a [T], name: impl Fn(&'a T) -> &'a str) -> (&'a [T], Option<&'a str>) {
        let after = self.asked.marker.as_deref();
        let begin = after.map_or(0, |after| {
            let at = all.iter().position(|it| name(it) == after);
            at.map_or(all.len(), |at| at + 1)
        });
        let max = self
            .asked
            .max_items
            .and_then(|max| usize::try_from(max).ok());
        let end = all.len().min(begin + max.unwrap_or(ITEMS_DEFAULT));
        let shown = all.get(begin..end).unwrap_or_default();
        let last = shown.last().filter(|_| end < all.len());
        (shown, last.map(name))
    }

    fn user(&self, it: &'a User) -> Fields<'a> {
        Fields::default()
            .text("Path", "/")
            .text("UserName", &it.user_name)
            .text("UserId", &it.user_id)
            .text(
                "Arn",
                arn::iam(self.account, &format!("user/{}", it.user_name)),
            )
            .time("CreateDate", it.create_date)
    }

    fn member(&self, it: &'a GroupMember) -> Fields<'a> {
        Fields::default()
            .text("Path", "/")
            .text("UserName", &it.user_name)
            .text("UserId", &it.user_id)
            .text(
                "Arn",
                arn::iam(self.account, &format!("user/{}", it.user_name)),
            )
            .time("CreateDate", it.create_date)
    }

    fn group(&self, it: &'a Group) -> Fields<'a> {
        Fields::default()
            .text("Path", "/")
            .text("GroupName", &it.group_name)
            .text("GroupId", &it.group_id)
            .text(
                "Arn",
                arn::iam(self.account, &format!("group/{}", it.group_name)),
            )
            .time("CreateDate", it.create_date)
    }

    fn user_group(&self, it: &'a UserGroup) -> Fields<'a> {
        Fields::default()
            .text("Path", "/")
            .text("GroupName", &it.group_name)
            .text("GroupId", &it.group_id)
            .text(
                "Arn",
                arn::iam(self.account, &format!("group/{}", it.group_name)),
            )
            .time("CreateDate", it.create_date)
    }

    fn role(&self, it: &'a Role) -> Fields<'a> {
        Fields::default()
            .text("Path", "/")
            .text("RoleName", &it.role_name)
            .text("RoleId", &it.role_id)
            .text(
                "Arn",
                arn::iam(self.account, &format!("role/{}", it.role_name)),
            )
            .time("CreateDate", it.create_date)
            .text(
                "AssumeRolePolicyDocument",
                encoded(&it.assume_role_policy_document),
            )
            .text("Description", &it.description)
            .number("MaxSessionDuration", it.max_session_duration)
    }

    fn policy(&self, it: &'a PolicySummary) -> Fields<'a> {
        let name = match it.policy_type {
            PolicyType::Custom => it.policy_name.as_str(),
            PolicyType::System => arn::shipped_name(&it.policy_name),
        };
        let fields = Fields::default()
            .text("PolicyName", name)
            // It has an id of no use; the name is one.
            .text("PolicyId", name)
            .text(
                "Arn",
                arn::policy(self.account, it.policy_type, &it.policy_name),
            )
            .text("Path", "/")
            .text("DefaultVersionId", &it.default_version)
            .number("AttachmentCount", it.attachment_count)
            .number("PermissionsBoundaryUsageCount", 0_u32)
            .flag("IsAttachable", true);
        let fields = if it.description.is_empty() {
            fields
        } else {
            fields.text("Description", &it.description)
        };
        fields
            .time("CreateDate", it.create_date)
            .time("UpdateDate", it.update_date)
    }

    fn entities(&self, fields: Fields<'a>, it: &'a PolicyEntities) -> Fields<'a> {
        let wanted = |kind: &str| {
            let filter = self.asked.entity_filter.as_deref();
            filter.is_none_or(|filter| filter == kind)
        };
        let groups = it.groups.iter().filter(|_| wanted("Group"));
        let users = it.users.iter().filter(|_| wanted("User"));
        let roles = it.roles.iter().filter(|_| wanted("Role"));
        ends(fields, None)
            .list(
                "PolicyGroups",
                MEMBER,
                groups.map(|it| Fields::default().text("GroupName", &it.group_name)),
            )
            .list(
                "PolicyUsers",
                MEMBER,
                users.map(|it| {
                    Fields::default()
                        .text("UserName", &it.user_name)
                        .text("UserId", &it.user_id)
                }),
            )
            .list(
                "PolicyRoles",
                MEMBER,
                roles.map(|it| {
                    Fields::default()
                        .text("RoleName", &it.role_name)
                        .text("RoleId", &it.role_id)
                }),
            )
    }
}

fn assumed_role<'a>(fields: Fields<'a>, it: &'a AssumedRole) -> Fields<'a> {
    // `acs:ram::<account>:role/<role>/<session>`; the account may be another than the caller's.
    let arn = it
        .arn
        .strip_prefix("acs:ram::")
        .and_then(|rest| rest.split_once(":role/"))
        .and_then(|(account, rest)| Some((account, rest.split_once('/')?)))
        .map(|(account, (role, session))| arn::assumed_role(account, role, session));
    fields
        .fields(
            "AssumedRoleUser",
            Fields::default()
                .text("Arn", arn.unwrap_or_default())
                .text("AssumedRoleId", &it.assumed_role_id),
        )
        .fields("Credentials", credentials(&it.credentials))
        .optional("SourceIdentity", it.source_identity.as_deref())
}

fn credentials(it: &Credentials) -> Fields<'_> {
    Fields::default()
        .text("AccessKeyId", &it.access_key_id)
        .text("SecretAccessKey", revealed(&it.access_key_secret))
        .text("SessionToken", revealed(&it.security_token))
        .time("Expiration", it.expiration)
}

/// Whose keys a request is about, once it was completed.
fn key_holder(request: &ControlRequest) -> Option<&str> {
    match request {
        ControlRequest::CreateAccessKey(it) => it.user_name.as_deref(),
        ControlRequest::ListAccessKeys(it) => it.user_name.as_deref(),
        ControlRequest::GetAccessKeyLastUsed(it) => it.user_name.as_deref(),
        _ => None,
    }
}

fn paged<'a, T>(fields: Fields<'a>, page: &'a Page<T>) -> Fields<'a> {
    ends(fields, page.marker.as_deref())
}

fn ends<'a>(fields: Fields<'a>, marker: Option<&'a str>) -> Fields<'a> {
    fields
        .flag("IsTruncated", marker.is_some())
        .optional("Marker", marker)
}

fn policy_version(it: &PolicyVersion) -> Fields<'_> {
    Fields::default()
        .text("VersionId", &it.version_id)
        .flag("IsDefaultVersion", it.is_default_version)
        .time("CreateDate", it.create_date)
}

fn with_tags<'a>(fields: Fields<'a>, tags: &'a TagPairs) -> Fields<'a> {
    if tags.is_empty() {
        return fields;
    }
    let tags = tags
        .iter()
        .map(|(key, value)| Fields::default().text("Key", key).text("Value", value));
    fields.list("Tags", MEMBER, tags)
}

/// IAM tells documents percent-encoded.
fn encoded(document: &str) -> String {
    percent_encode(document.as_bytes(), false)
}

/// A secret in the answer that hands it to its owner.
fn revealed(secret: &osier_auth::Secret) -> Cow<'_, str> {
    String::from_utf8_lossy(secret.reveal())
}

const MEMBER: &str = "member";

/// The default of IAM.
const ITEMS_DEFAULT: usize = 100;
