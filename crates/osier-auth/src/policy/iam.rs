//! IAM's names of actions and resources, and RAM's for the same thing.

use super::glob::Glob;

/// Our actions, in lower case, for an IAM action without its `iam:`, in lower case, with
/// wildcards. What is not known here is nobody's action, so that it grants and refuses nothing.
pub(super) fn actions(pattern: &str) -> std::vec::IntoIter<String> {
    let glob = Glob::new(pattern);
    if glob.is_anything() {
        return vec!["ram:*".to_owned()].into_iter();
    }
    let mut found: Vec<String> = ACTIONS
        .iter()
        .filter(|(iam, _)| glob.matches(&iam.to_ascii_lowercase()))
        .flat_map(|(iam, ours)| {
            let same = std::slice::from_ref(iam);
            if ours.is_empty() { same } else { *ours }
        })
        .map(|ours| format!("ram:{}", ours.to_ascii_lowercase()))
        .collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        found.push(format!("iam:{pattern}"));
    }
    found.into_iter()
}

/// Service, region, owner and path of `arn:aws:iam::<owner>:<path>` and of STS's.
pub(super) fn resource(text: &str) -> Option<[&str; 4]> {
    let (service, rest) = [("ram", "arn:aws:iam:"), ("sts", "arn:aws:sts:")]
        .iter()
        .find_map(|(service, prefix)| Some((*service, text.strip_prefix(prefix)?)))?;
    let mut parts = rest.splitn(3, ':');
    let (region, owner, path) = (parts.next()?, parts.next()?, parts.next()?);
    if path.is_empty() {
        return None;
    }
    Some(match (owner, path.strip_prefix("policy/")) {
        // Policies that are shipped.
        ("aws", Some(name)) => match shipped(name) {
            Some(ours) => [service, region, "system", ours],
            None => [service, region, "system", path],
        },
        _ => [service, region, owner, path],
    })
}

/// The resource of ours that stands for a policy that AWS ships.
fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED
        .iter()
        .find(|(aws, _)| *aws == name)
        .map(|(_, ours)| *ours)
}

/// The shipped policy that does here what the one of this name does in AWS.
pub fn system_policy(aws: &str) -> Option<&'static str> {
    shipped(aws)?.strip_prefix("policy/")
}

/// What AWS calls one of our shipped policies.
pub fn aws_policy(ours: &str) -> Option<&'static str> {
    SHIPPED
        .iter()
        .find(|(_, path)| path.strip_prefix("policy/") == Some(ours))
        .map(|(aws, _)| *aws)
}

/// AWS's name, our path.
const SHIPPED: &[(&str, &str)] = &[
    ("AdministratorAccess", "policy/AdministratorAccess"),
    ("AmazonS3FullAccess", "policy/AliyunOSSFullAccess"),
    ("AmazonS3ReadOnlyAccess", "policy/AliyunOSSReadOnlyAccess"),
    ("IAMFullAccess", "policy/AliyunRAMFullAccess"),
];

/// IAM action, our actions where they are called differently.
const ACTIONS: &[(&str, &[&str])] = &[
    ("AddUserToGroup", &[]),
    ("AttachGroupPolicy", &["AttachPolicyToGroup"]),
    ("AttachRolePolicy", &["AttachPolicyToRole"]),
    ("AttachUserPolicy", &["AttachPolicyToUser"]),
    ("CreateAccessKey", &[]),
    ("CreateGroup", &[]),
    ("CreatePolicy", &[]),
    ("CreatePolicyVersion", &[]),
    ("CreateRole", &[]),
    ("CreateUser", &[]),
    ("DeleteAccessKey", &[]),
    ("DeleteGroup", &[]),
    ("DeleteGroupPolicy", &[]),
    ("DeletePolicy", &[]),
    ("DeletePolicyVersion", &[]),
    ("DeleteRole", &[]),
    ("DeleteRolePolicy", &[]),
    ("DeleteUser", &[]),
    ("DeleteUserPolicy", &[]),
    ("DetachGroupPolicy", &["DetachPolicyFromGroup"]),
    ("DetachRolePolicy", &["DetachPolicyFromRole"]),
    ("DetachUserPolicy", &["DetachPolicyFromUser"]),
    ("GetAccessKeyLastUsed", &[]),
    ("GetGroup", &["GetGroup", "ListUsersForGroup"]),
    ("GetGroupPolicy", &[]),
    ("GetPolicy", &[]),
    ("GetPolicyVersion", &[]),
    ("GetRole", &[]),
    ("GetRolePolicy", &[]),
    ("GetUser", &[]),
    ("GetUserPolicy", &[]),
    ("ListAccessKeys", &[]),
    ("ListAttachedGroupPolicies", &["ListPoliciesForGroup"]),
    ("ListAttachedRolePolicies", &["ListPoliciesForRole"]),
    ("ListAttachedUserPolicies", &["ListPoliciesForUser"]),
    ("ListEntitiesForPolicy", &[]),
    ("ListGroupPolicies", &[]),
    ("ListGroups", &[]),
    ("ListGroupsForUser", &[]),
    ("ListPolicies", &[]),
    ("ListPolicyVersions", &[]),
    ("ListRolePolicies", &[]),
    ("ListRoles", &[]),
    ("ListUserPolicies", &[]),
    ("ListUsers", &[]),
    ("PutGroupPolicy", &[]),
    ("PutRolePolicy", &[]),
    ("PutUserPolicy", &[]),
    ("RemoveUserFromGroup", &[]),
    ("SetDefaultPolicyVersion", &[]),
    ("UpdateAccessKey", &[]),
    ("UpdateAssumeRolePolicy", &["UpdateRole"]),
    ("UpdateGroup", &[]),
    ("UpdateRole", &[]),
    ("UpdateRoleDescription", &["UpdateRole"]),
    ("UpdateUser", &[]),
];
