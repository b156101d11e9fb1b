//! Names of resources: AWS's and ours for the same thing.

use osier_auth::directory::{ControlFault, PolicyType};
use osier_auth::policy::{aws_policy, system_policy};
use osier_auth::{Identity, Principal};

/// `arn:aws:iam::<account>:<path>`.
pub(super) fn iam(account: &str, path: &str) -> String {
    format!("arn:aws:iam::{account}:{path}")
}

/// A policy's.
pub(super) fn policy(account: &str, kind: PolicyType, name: &str) -> String {
    match kind {
        PolicyType::Custom => iam(account, &format!("policy/{name}")),
        PolicyType::System => iam(SHIPPED, &format!("policy/{}", shipped_name(name))),
    }
}

/// What AWS calls a shipped policy; some of ours it has no name for.
pub(super) fn shipped_name(name: &str) -> &str {
    aws_policy(name).unwrap_or(name)
}

/// Type and name of the policy of an ARN.
pub(super) fn parse_policy(arn: &str, account: &str) -> Result<(PolicyType, String), ControlFault> {
    let parts = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":policy/"));
    match parts {
        Some((SHIPPED, name)) => {
            let ours = system_policy(name).unwrap_or(name);
            Ok((PolicyType::System, ours.to_owned()))
        }
        Some((owner, name)) if owner == account => Ok((PolicyType::Custom, name.to_owned())),
        Some((_, name)) if !name.is_empty() => Err(ControlFault::not_exist(
            osier_auth::directory::Entity::Policy,
            arn,
        )),
        _ => Err(ControlFault::invalid(
            "PolicyArn",
            "`arn:aws:iam::<account>:policy/<name>`",
        )),
    }
}

/// The role of an ARN as the directory names it. What is no ARN of AWS is left as it is.
pub(super) fn role_of(arn: &str) -> String {
    match arn.strip_prefix("arn:aws:iam::") {
        Some(rest) => format!("acs:ram::{rest}"),
        None => arn.to_owned(),
    }
}

/// Whether this is meant for the ARN of a role, or of anything else that AWS or Alibaba would name
/// so.
pub(super) fn names_role(arn: &str) -> bool {
    arn.is_empty() || arn.starts_with("arn:aws") || arn.starts_with("acs:")
}

/// The caller, as AWS names it.
pub(super) fn caller(identity: &Identity) -> String {
    let account = &identity.account.id;
    match &identity.principal {
        Principal::User { name, .. } => iam(account, &format!("user/{name}")),
        Principal::AssumedRole { role, session, .. } => assumed_role(account, role, session),
        _ => iam(account, "root"),
    }
}

/// A session's.
pub(super) fn assumed_role(account: &str, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

/// One of our resources: `acs:ram:*:<account>:<path>` or `acs:ram::<account>:<path>`.
pub(super) fn resource(ours: &str) -> String {
    let Some(rest) = ours.strip_prefix("acs:ram:") else {
        return ours.to_owned();
    };
    let rest = rest.strip_prefix('*').unwrap_or(rest);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rest = rest.replacen("system:", "aws:", 1);
    format!("arn:aws:iam::{rest}")
}

/// Whose the shipped policies are.
const SHIPPED: &str = "aws";
