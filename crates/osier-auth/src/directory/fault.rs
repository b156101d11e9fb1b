//! Why a control request is refused, with the codes of the control APIs (reference 6.4).
//!
//! Nothing here holds a secret: what a client sent is shortened, never its signature's key.

use std::fmt;

use osier_types::Timestamp;

use crate::TokenFault;

/// What there can be none of, too many of, or already one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// An account.
    Account,
    /// A RAM user.
    User,
    /// A group of users.
    Group,
    /// A role.
    Role,
    /// A policy.
    Policy,
    /// An access key.
    AccessKey,
    /// A version of a policy.
    PolicyVersion,
    /// A user's membership in a group.
    Membership,
    /// A user in a group, seen from the group.
    Member,
    /// A policy attached to a user.
    UserPolicy,
    /// A policy attached to a group.
    GroupPolicy,
    /// A policy attached to a role.
    RolePolicy,
    /// A policy that is part of a user, group or role.
    InlinePolicy,
    /// A policy's attachment, seen from the policy.
    Attachment,
    /// A tag.
    Tag,
}

/// Why a caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// The caller was deleted.
    CallerGone,
    /// The session policy denies it.
    SessionDenies,
    /// The session policy does not allow it.
    SessionSilent,
    /// What is asked about belongs to another account.
    OtherAccount,
    /// A policy of the caller denies it.
    PolicyDenies,
    /// No policy of the caller allows it.
    PoliciesSilent,
    /// Accounts themselves don't take on roles.
    RootAssumes,
    /// A temporary key of a user or an account asks for what only permanent keys and roles may.
    SessionKey,
    /// The role's trust policy denies it.
    TrustDenies,
    /// The role's trust policy does not allow the caller.
    TrustSilent,
}

impl Denial {
    /// Whether a statement denies it, as opposed to none allowing it.
    pub const fn is_explicit(self) -> bool {
        matches!(
            self,
            Self::SessionDenies | Self::PolicyDenies | Self::TrustDenies
        )
    }

    /// In words for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CallerGone => "the caller does not exist any more",
            Self::SessionDenies => "the session policy denies it",
            Self::SessionSilent => "the session policy does not allow it",
            Self::OtherAccount => "it belongs to another account",
            Self::PolicyDenies => "a policy denies it",
            Self::PoliciesSilent => "no policy allows it",
            Self::SessionKey => {
                "temporary keys of users and accounts change no identities and ask for no further ones"
            }
            Self::RootAssumes => "roles are assumed by users and roles, not by accounts themselves",
            Self::TrustDenies => "the role's trust policy denies it",
            Self::TrustSilent => "the role's trust policy does not allow the caller",
        }
    }
}

/// A refused control request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlFault {
    /// There is none of this name.
    NotExist {
        /// What.
        entity: Entity,
        /// As sent, shortened.
        name: String,
    },
    /// There is one of this name already.
    AlreadyExists {
        /// What.
        entity: Entity,
        /// As sent, shortened.
        name: String,
    },
    /// It can't be deleted while it has these.
    DeleteConflict {
        /// What was to be deleted.
        entity: Entity,
        /// What it still has.
        holds: Entity,
    },
    /// A policy's default version can't be deleted.
    DefaultVersion,
    /// As many as may be are there.
    LimitExceeded {
        /// Of what.
        entity: Entity,
        /// How many may be.
        max: usize,
    },
    /// A parameter has a value that can't be.
    InvalidParameter {
        /// Its name on the wire.
        name: &'static str,
        /// What would be right.
        reason: String,
    },
    /// A parameter appears twice.
    RepeatedParameter {
        /// Its name as sent, shortened.
        name: String,
    },
    /// A parameter is missing.
    MissingParameter {
        /// Its name on the wire.
        name: &'static str,
    },
    /// A policy document breaks the grammar.
    MalformedPolicyDocument {
        /// Where, e.g. `Statement[0].Effect`.
        path: String,
        /// Why.
        reason: String,
    },
    /// A session policy breaks the grammar.
    SessionPolicyGrammar {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// A session policy is too long.
    SessionPolicySize {
        /// How many characters it may have.
        max: usize,
    },
    /// The caller lacks a permission.
    NoPermission {
        /// What for, e.g. `ram:CreateUser`.
        action: String,
        /// On what.
        resource: String,
        /// Why.
        denial: Denial,
    },
    /// There is no such API, or not this version of it.
    UnknownVersion {
        /// As sent, shortened.
        version: String,
    },
    /// The API has no such action, or it is not there yet.
    UnknownAction {
        /// As sent, shortened.
        action: String,
    },
    /// A parameter that the operation does not take.
    UnexpectedParameter {
        /// Its name as sent, shortened.
        name: String,
    },
    /// The request is not signed at all.
    NotSigned,
    /// The request is not signed, or parts of the signature are missing.
    IncompleteSignature {
        /// What is wrong.
        reason: String,
    },
    /// The signature is not the one computed here.
    SignatureDoesNotMatch {
        /// What the server signed; security tokens are blotted out.
        string_to_sign: String,
        /// What that is a digest of, where it is one; likewise.
        canonical_request: Option<String>,
    },
    /// No such access key.
    UnknownAccessKey,
    /// The key is disabled.
    InactiveAccessKey,
    /// The security token is refused.
    SecurityToken(TokenFault),
    /// The request's date is not one.
    MalformedTimestamp,
    /// The request's date is too far from the server's.
    TimestampExpired {
        /// As sent.
        request: Timestamp,
        /// The server's.
        server: Timestamp,
    },
    /// The same request came before.
    NonceUsed,
    /// Too many requests to tell replays from new ones.
    Throttled,
    /// A defect.
    Internal,
}

impl ControlFault {
    /// There is no `entity` of this name.
    pub fn not_exist(entity: Entity, name: &str) -> Self {
        Self::NotExist {
            entity,
            name: short(name),
        }
    }

    /// There is an `entity` of this name already.
    pub fn already_exists(entity: Entity, name: &str) -> Self {
        Self::AlreadyExists {
            entity,
            name: short(name),
        }
    }

    /// There is no API of this version.
    pub fn unknown_version(version: &str) -> Self {
        Self::UnknownVersion {
            version: short(version),
        }
    }

    /// There is no such action.
    pub fn unknown_action(action: &str) -> Self {
        Self::UnknownAction {
            action: short(action),
        }
    }

    /// The parameter `name` has a value that can't be.
    pub fn invalid(name: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidParameter {
            name,
            reason: reason.into(),
        }
    }

    /// The operation does not take a parameter of this name.
    pub fn unexpected_parameter(name: &str) -> Self {
        Self::UnexpectedParameter { name: short(name) }
    }

    /// The code on the wire.
    pub fn code(&self) -> String {
        match self {
            Self::NotExist { entity, .. } => format!("EntityNotExist.{}", entity.word()),
            Self::AlreadyExists { entity, .. } => format!("EntityAlreadyExists.{}", entity.word()),
            Self::DeleteConflict { entity, holds } => {
                format!("DeleteConflict.{}.{}", entity.word(), holds.part())
            }
            Self::DefaultVersion => "DeleteConflict.Policy.DefaultVersion".to_owned(),
            Self::LimitExceeded { entity, .. } => format!("LimitExceeded.{}", entity.word()),
            Self::InvalidParameter { name, .. } => format!("InvalidParameter.{name}"),
            Self::RepeatedParameter { .. } | Self::UnexpectedParameter { .. } => {
                "InvalidParameter".to_owned()
            }
            Self::NotSigned => "MissingAccessKeyId".to_owned(),
            Self::MissingParameter { name } => format!("Missing{name}"),
            Self::MalformedPolicyDocument { .. } => "MalformedPolicyDocument".to_owned(),
            Self::SessionPolicyGrammar { .. } => "InvalidParameter.PolicyGrammar".to_owned(),
            Self::SessionPolicySize { .. } => "InvalidParameter.PolicySize".to_owned(),
            // The CDN's own word for it.
            Self::NoPermission { action, .. } if action.starts_with("cdn:") => {
                "Forbidden.RAM".to_owned()
            }
            Self::NoPermission { .. } => "NoPermission".to_owned(),
            Self::UnknownVersion { .. } => "InvalidVersion".to_owned(),
            Self::UnknownAction { .. } => "InvalidAction.NotFound".to_owned(),
            Self::IncompleteSignature { .. } => "IncompleteSignature".to_owned(),
            Self::SignatureDoesNotMatch { .. } => "SignatureDoesNotMatch".to_owned(),
            Self::UnknownAccessKey => "InvalidAccessKeyId.NotFound".to_owned(),
            Self::InactiveAccessKey => "InvalidAccessKeyId.Inactive".to_owned(),
            Self::SecurityToken(fault) => match fault {
                TokenFault::Invalid => "InvalidSecurityToken.Malformed",
                TokenFault::Expired => "InvalidSecurityToken.Expired",
                TokenFault::OtherKey => "InvalidSecurityToken.MismatchWithAccessKey",
            }
            .to_owned(),
            Self::MalformedTimestamp => "InvalidTimeStamp.Format".to_owned(),
            Self::TimestampExpired { .. } => "InvalidTimeStamp.Expired".to_owned(),
            Self::NonceUsed => "SignatureNonceUsed".to_owned(),
            Self::Throttled => "Throttling".to_owned(),
            Self::Internal => "InternalError".to_owned(),
        }
    }

    /// The status on the wire.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotExist { .. } | Self::UnknownAccessKey | Self::UnknownAction { .. } => 404,
            Self::AlreadyExists { .. }
            | Self::DeleteConflict { .. }
            | Self::DefaultVersion
            | Self::LimitExceeded { .. } => 409,
            Self::NoPermission { .. } => 403,
            Self::Throttled => 429,
            Self::Internal => 500,
            _ => 400,
        }
    }
}

/// The message on the wire.
impl fmt::Display for ControlFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExist { entity, name } => {
                write!(out, "The {} `{name}` does not exist.", entity.noun())
            }
            Self::AlreadyExists { entity, name } => {
                write!(out, "The {} `{name}` already exists.", entity.noun())
            }
            Self::DeleteConflict { entity, holds } => write!(
                out,
                "The {} can't be deleted while there is a {} on it.",
                entity.noun(),
                holds.noun()
            ),
            Self::DefaultVersion => {
                out.write_str("The default version of a policy can't be deleted.")
            }
            Self::LimitExceeded { entity, max } => {
                write!(
                    out,
                    "There may be at most {max} of this: {}.",
                    entity.noun()
                )
            }
            Self::InvalidParameter { name, reason } => {
                write!(out, "The parameter {name} is not valid: {reason}.")
            }
            Self::RepeatedParameter { name } => {
                write!(out, "The parameter `{name}` appears more than once.")
            }
            Self::UnexpectedParameter { name } => {
                write!(out, "The parameter `{name}` can't be given here.")
            }
            Self::NotSigned => out.write_str("The request is not signed."),
            Self::MissingParameter { name } => {
                write!(out, "{name} is mandatory for this action.")
            }
            Self::MalformedPolicyDocument { path, reason }
            | Self::SessionPolicyGrammar { path, reason } => {
                write!(
                    out,
                    "The policy document is not valid at `{path}`: {reason}."
                )
            }
            Self::SessionPolicySize { max } => {
                write!(out, "A session policy has at most {max} characters.")
            }
            Self::NoPermission {
                action,
                resource,
                denial,
            } => write!(
                out,
                "You are not authorized to do this action: `{action}` on `{resource}`; {}.",
                denial.reason()
            ),
            Self::UnknownVersion { version } => {
                write!(out, "There is no API of the version `{version}` here.")
            }
            Self::UnknownAction { action } => write!(
                out,
                "Specified api is not found: there is no action `{action}` here."
            ),
            Self::IncompleteSignature { reason } => {
                write!(out, "The request signature is incomplete: {reason}.")
            }
            Self::SignatureDoesNotMatch {
                string_to_sign,
                canonical_request,
            } => {
                // SDKs of old look for these words and compare what follows with their own.
                write!(
                    out,
                    "Specified signature is not matched with our calculation. \
                     server string to sign is:{string_to_sign}"
                )?;
                match canonical_request {
                    Some(canonical) => write!(out, "\nserver canonical request is:{canonical}"),
                    None => Ok(()),
                }
            }
            Self::UnknownAccessKey => out.write_str("Specified access key is not found."),
            Self::InactiveAccessKey => out.write_str("Specified access key is disabled."),
            Self::SecurityToken(fault) => out.write_str(match fault {
                TokenFault::Invalid => "Specified SecurityToken is malformed.",
                TokenFault::Expired => "Specified SecurityToken is expired.",
                TokenFault::OtherKey => {
                    "Specified SecurityToken is not that of the specified access key."
                }
            }),
            Self::MalformedTimestamp => {
                out.write_str("Specified time stamp is not a UTC time in ISO 8601.")
            }
            Self::TimestampExpired { request, server } => write!(
                out,
                "Specified time stamp {} is more than 15 minutes from the server's {}.",
                request.iso8601(),
                server.iso8601()
            ),
            Self::NonceUsed => out.write_str("Specified signature nonce was used already."),
            Self::Throttled => out.write_str("Request was denied due to request throttling."),
            Self::Internal => {
                out.write_str("The request processing has failed due to some unknown error.")
            }
        }
    }
}

impl std::error::Error for ControlFault {}

impl Entity {
    /// As codes name it.
    const fn word(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
            Self::Policy => "Policy",
            Self::AccessKey => "User.AccessKey",
            Self::PolicyVersion => "Policy.Version",
            Self::Membership => "User.Group",
            Self::Member => "Group.User",
            Self::UserPolicy => "User.Policy",
            Self::GroupPolicy => "Group.Policy",
            Self::RolePolicy => "Role.Policy",
            Self::InlinePolicy => "InlinePolicy",
            Self::Attachment => "Policy.Attachment",
            Self::Tag => "Tag",
        }
    }

    /// As the last word of codes names it.
    fn part(self) -> &'static str {
        let word = self.word();
        word.rsplit_once('.').map_or(word, |(_, last)| last)
    }

    /// As messages name it.
    const fn noun(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Policy => "policy",
            Self::AccessKey => "access key",
            Self::PolicyVersion => "policy version",
            Self::Membership | Self::Member => "membership of a user in a group",
            Self::UserPolicy | Self::GroupPolicy | Self::RolePolicy | Self::Attachment => {
                "policy attachment"
            }
            Self::InlinePolicy => "inline policy",
            Self::Tag => "tag",
        }
    }
}

/// What may be repeated of a name that came from outside.
fn short(name: &str) -> String {
    name.chars().take(130).collect()
}
