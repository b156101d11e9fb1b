//! Refusals in the words of AWS's STS and IAM.

use http::StatusCode;
use osier_auth::directory::{ControlFault, Denial, Entity};
use osier_auth::{Identity, TokenFault};

use super::{Operation, arn};

/// What a client reads of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The status.
    pub status: StatusCode,
    /// The code.
    pub code: &'static str,
    /// The message.
    pub message: String,
}

/// The words for `fault`; `operation` and `caller` as far as they are known.
pub fn words(
    fault: &ControlFault,
    operation: Option<&Operation>,
    caller: Option<&Identity>,
) -> Words {
    let (status, code) = code(fault);
    Words {
        status,
        code,
        message: message(fault, operation, caller),
    }
}

fn code(fault: &ControlFault) -> (StatusCode, &'static str) {
    match fault {
        ControlFault::NotExist { .. } => (StatusCode::NOT_FOUND, "NoSuchEntity"),
        ControlFault::AlreadyExists { .. } => (StatusCode::CONFLICT, "EntityAlreadyExists"),
        ControlFault::DeleteConflict { .. } | ControlFault::DefaultVersion => {
            (StatusCode::CONFLICT, "DeleteConflict")
        }
        ControlFault::LimitExceeded { .. } => (StatusCode::CONFLICT, "LimitExceeded"),
        ControlFault::InvalidParameter { .. }
        | ControlFault::RepeatedParameter { .. }
        | ControlFault::UnexpectedParameter { .. } => (StatusCode::BAD_REQUEST, "ValidationError"),
        ControlFault::MissingParameter { name } => match *name {
            "Action" => (StatusCode::BAD_REQUEST, "MissingAction"),
            _ => (StatusCode::BAD_REQUEST, "ValidationError"),
        },
        ControlFault::MalformedPolicyDocument { .. }
        | ControlFault::SessionPolicyGrammar { .. } => {
            (StatusCode::BAD_REQUEST, "MalformedPolicyDocument")
        }
        ControlFault::SessionPolicySize { .. } => (StatusCode::BAD_REQUEST, "PackedPolicyTooLarge"),
        ControlFault::NoPermission { .. } => (StatusCode::FORBIDDEN, "AccessDenied"),
        ControlFault::UnknownVersion { .. } => (StatusCode::BAD_REQUEST, "InvalidAction"),
        ControlFault::UnknownAction { .. } => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        ControlFault::NotSigned => (StatusCode::FORBIDDEN, "MissingAuthenticationToken"),
        ControlFault::IncompleteSignature { .. } => (StatusCode::FORBIDDEN, "IncompleteSignature"),
        ControlFault::SignatureDoesNotMatch { .. }
        | ControlFault::MalformedTimestamp
        | ControlFault::TimestampExpired { .. }
        | ControlFault::NonceUsed => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        ControlFault::SecurityToken(TokenFault::Expired) => (StatusCode::FORBIDDEN, "ExpiredToken"),
        ControlFault::UnknownAccessKey
        | ControlFault::InactiveAccessKey
        | ControlFault::SecurityToken(TokenFault::Invalid | TokenFault::OtherKey) => {
            (StatusCode::FORBIDDEN, "InvalidClientTokenId")
        }
        ControlFault::Throttled => (StatusCode::BAD_REQUEST, "Throttling"),
        ControlFault::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "ServiceFailure"),
    }
}

fn message(
    fault: &ControlFault,
    operation: Option<&Operation>,
    caller: Option<&Identity>,
) -> String {
    match fault {
        ControlFault::NotExist { entity, name } => match entity {
            Entity::AccessKey => format!("The Access Key with id {name} cannot be found."),
            Entity::Policy if name.starts_with("arn:") => {
                format!("Policy {name} does not exist or is not attachable.")
            }
            Entity::PolicyVersion => {
                format!("The policy version {name} does not exist or is not attachable.")
            }
            Entity::UserPolicy | Entity::GroupPolicy | Entity::RolePolicy => {
                format!("Policy {name} was not found.")
            }
            other => format!("The {} with name {name} cannot be found.", noun(*other)),
        },
        ControlFault::AlreadyExists { entity, name } => {
            let what = match entity {
                Entity::Policy => "A policy called",
                Entity::Role => "Role with name",
                Entity::Group => "Group with name",
                _ => "User with name",
            };
            format!("{what} {name} already exists.")
        }
        ControlFault::DeleteConflict { entity, holds } => match (entity, holds) {
            (Entity::Policy, Entity::PolicyVersion) => {
                "This policy has more than one version. Before you delete a policy, you must delete \
                 the policy's versions. The default version is deleted with the policy."
                    .to_owned()
            }
            (Entity::Policy, _) => "Cannot delete a policy attached to entities.".to_owned(),
            (_, Entity::AccessKey) => {
                "Cannot delete entity, must delete access keys first.".to_owned()
            }
            (_, Entity::Member | Entity::Membership) => {
                "Cannot delete entity, must remove users from group first.".to_owned()
            }
            (_, Entity::InlinePolicy) => {
                "Cannot delete entity, must delete policies first.".to_owned()
            }
            _ => "Cannot delete entity, must detach all policies first.".to_owned(),
        },
        ControlFault::DefaultVersion => {
            "Cannot delete the default version of a policy.".to_owned()
        }
        ControlFault::LimitExceeded { entity, max } => {
            format!("Cannot exceed quota for {}: {max}", noun(*entity))
        }
        ControlFault::InvalidParameter { name, reason } => {
            let name = name.strip_prefix("UserAccess").map_or_else(
                || (*name).to_owned(),
                |rest| format!("Access{rest}"),
            );
            format!("The value at '{name}' is not valid: {reason}.")
        }
        ControlFault::MissingParameter { name } => {
            format!("The request must contain the parameter {name}.")
        }
        ControlFault::MalformedPolicyDocument { path, reason }
        | ControlFault::SessionPolicyGrammar { path, reason } => {
            format!("Syntax errors in policy at `{path}`: {reason}.")
        }
        ControlFault::NoPermission {
            action,
            resource,
            denial,
        } => denied(action, resource, *denial, operation, caller),
        ControlFault::UnknownVersion { version } => {
            format!("Could not find an API of the version {version}.")
        }
        ControlFault::UnknownAction { action } => {
            format!("The action {action} is not implemented here.")
        }
        ControlFault::NotSigned => "Request is missing Authentication Token".to_owned(),
        ControlFault::IncompleteSignature { reason } => {
            format!("The signature of the request is incomplete: {reason}.")
        }
        ControlFault::SignatureDoesNotMatch {
            string_to_sign,
            canonical_request,
        } => {
            let canonical = canonical_request.as_deref().unwrap_or_default();
            format!(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.\n\n\
                 The Canonical String for this request should have been\n'{canonical}'\n\n\
                 The String-to-Sign should have been\n'{string_to_sign}'\n"
            )
        }
        ControlFault::TimestampExpired { request, server } if request < server => format!(
            "Signature expired: {} is now earlier than {} (15 min.)",
            request.compact(),
            server.compact()
        ),
        ControlFault::TimestampExpired { request, server } => format!(
            "Signature not yet current: {} is still later than {} (15 min.)",
            request.compact(),
            server.compact()
        ),
        ControlFault::SecurityToken(TokenFault::Expired) => {
            "The security token included in the request is expired".to_owned()
        }
        ControlFault::UnknownAccessKey
        | ControlFault::InactiveAccessKey
        | ControlFault::SecurityToken(TokenFault::Invalid | TokenFault::OtherKey) => {
            "The security token included in the request is invalid.".to_owned()
        }
        other => other.to_string(),
    }
}

/// AWS's sentence for a permission that is missing.
fn denied(
    action: &str,
    resource: &str,
    denial: Denial,
    operation: Option<&Operation>,
    caller: Option<&Identity>,
) -> String {
    let action = operation.map_or_else(
        || action.to_owned(),
        |operation| format!("{}:{}", operation.service.name(), operation.action),
    );
    let resource = arn::resource(resource);
    let user = caller.map(arn::caller).unwrap_or_default();
    let because = match denial {
        Denial::SessionDenies => "with an explicit deny in a session policy".to_owned(),
        Denial::SessionSilent => {
            format!("because no session policy allows the {action} action")
        }
        Denial::PolicyDenies => "with an explicit deny in an identity-based policy".to_owned(),
        Denial::PoliciesSilent => {
            format!("because no identity-based policy allows the {action} action")
        }
        Denial::TrustDenies => "with an explicit deny in a resource-based policy".to_owned(),
        Denial::TrustSilent => {
            format!("because no resource-based policy allows the {action} action")
        }
        Denial::SessionKey => return "Cannot be called with session credentials.".to_owned(),
        Denial::RootAssumes => return "Roles may not be assumed by root accounts.".to_owned(),
        Denial::OtherAccount | Denial::CallerGone => format!("because {}", denial.reason()),
    };
    format!("User: {user} is not authorized to perform: {action} on resource: {resource} {because}")
}

const fn noun(entity: Entity) -> &'static str {
    match entity {
        Entity::Account => "account",
        Entity::User => "user",
        Entity::Group | Entity::Membership | Entity::Member => "group",
        Entity::Role => "role",
        Entity::Policy
        | Entity::UserPolicy
        | Entity::GroupPolicy
        | Entity::RolePolicy
        | Entity::Attachment => "policy",
        Entity::InlinePolicy => "inline policy",
        Entity::AccessKey => "access key",
        Entity::PolicyVersion => "policy version",
        Entity::Tag => "tag",
    }
}
