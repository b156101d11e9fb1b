//! What each operation of the control APIs leads to in the golden exchanges.

use osier_auth::directory::{
    AccessKey, AccessKeyStatus, AssumedRole, AttachedGroup, AttachedPolicy, AttachedRole,
    AttachedUser, CallerIdentity, ControlFault, ControlOutcome, ControlRequest, CreatedAccessKey,
    Credentials, Denial, Entity, Group, GroupMember, Page, PolicyDetail, PolicyEntities,
    PolicySummary, PolicyType, PolicyVersion, Role, User, UserGroup,
};
use osier_auth::{Identity, Principal, Secret, TokenFault};
use osier_types::{Owner, Timestamp};

const THEN: Timestamp = Timestamp::from_millis(1_795_316_600_123);
const LATER: Timestamp = Timestamp::from_seconds(1_795_320_245);
const ACCOUNT: &str = "1000000000000001";
const DOCUMENT: &str = r#"{"Version":"1","Statement":[]}"#;

/// Who asks.
pub(crate) fn caller() -> Identity {
    let account = Owner {
        id: ACCOUNT.to_owned(),
        display_name: "root".to_owned(),
    };
    let principal = Principal::User {
        name: "app-oss-user".into(),
        id: "260000000000000001".into(),
    };
    Identity::new(account.into(), principal)
}

/// What a request leads to.
pub(crate) fn outcome(request: &ControlRequest) -> ControlOutcome {
    use ControlOutcome as Out;
    use ControlRequest as Ask;
    match request {
        Ask::CreateUser(_) | Ask::GetUser(_) | Ask::UpdateUser(_) => Out::User(user()),
        Ask::ListUsers(_) => Out::Users(page(user())),
        Ask::CreateAccessKey(_) => Out::CreatedAccessKey(CreatedAccessKey {
            access_key_id: "LTAI5tExampleKeyId".to_owned(),
            access_key_secret: Secret::from("ExampleSecret0123456789abcdefgh"),
            status: AccessKeyStatus::Active,
            create_date: THEN,
        }),
        Ask::ListAccessKeys(_) => Out::AccessKeys(vec![
            access_key("LTAI5tExampleKeyId", AccessKeyStatus::Active),
            access_key("LTAI5tExampleKeyId2", AccessKeyStatus::Inactive),
        ]),
        Ask::GetAccessKeyLastUsed(_) => Out::LastUsed(Some(THEN)),
        Ask::CreatePolicy(_) => Out::Policy(policy()),
        Ask::GetPolicy(_) => Out::PolicyDetail(PolicyDetail {
            policy: policy(),
            default_policy_version: version("v2", true),
        }),
        Ask::ListPolicies(_) => Out::Policies(page(policy())),
        Ask::CreatePolicyVersion(_) | Ask::GetPolicyVersion(_) => {
            Out::PolicyVersion(version("v2", true))
        }
        Ask::ListPolicyVersions(_) => {
            Out::PolicyVersions(vec![version("v1", false), version("v2", true)])
        }
        Ask::ListPoliciesForUser(_)
        | Ask::ListPoliciesForGroup(_)
        | Ask::ListPoliciesForRole(_) => Out::AttachedPolicies(vec![AttachedPolicy {
            policy_name: "AliyunOSSReadOnlyAccess".to_owned(),
            policy_type: PolicyType::System,
            description: "Provides read-only access to OSS.".to_owned(),
            default_version: "v1".to_owned(),
            attach_date: THEN,
        }]),
        Ask::ListEntitiesForPolicy(_) => Out::PolicyEntities(entities()),
        Ask::CreateRole(_) | Ask::GetRole(_) | Ask::UpdateRole(_) => Out::Role(role()),
        Ask::ListRoles(_) => Out::Roles(Page {
            items: vec![role()],
            marker: None,
        }),
        Ask::CreateGroup(_) | Ask::GetGroup(_) | Ask::UpdateGroup(_) => Out::Group(group()),
        Ask::ListGroups(_) => Out::Groups(Page {
            items: vec![group()],
            marker: None,
        }),
        Ask::ListUsersForGroup(_) => Out::GroupMembers(page(GroupMember {
            user_id: "216600000000000001".to_owned(),
            create_date: THEN,
            user_name: "app-oss-user".to_owned(),
            display_name: "App".to_owned(),
            join_date: THEN,
        })),
        Ask::ListGroupsForUser(_) => Out::UserGroups(vec![UserGroup {
            create_date: THEN,
            group_id: "g-0123456789abcdef".to_owned(),
            group_name: "developers".to_owned(),
            comments: String::new(),
            join_date: THEN,
        }]),
        Ask::AssumeRole(it) => Out::AssumedRole(AssumedRole {
            arn: format!("{}/{}", it.role_arn, it.role_session_name),
            assumed_role_id: format!("340000000000000001:{}", it.role_session_name),
            credentials: Credentials {
                access_key_id: "STS.NExampleKeyId".to_owned(),
                access_key_secret: Secret::from("ExampleTemporarySecret"),
                security_token: Secret::from("CAIS+Token/Example=="),
                expiration: LATER,
            },
            source_identity: it.source_identity.clone(),
        }),
        Ask::GetCallerIdentity => Out::CallerIdentity(CallerIdentity {
            account_id: ACCOUNT.to_owned(),
            arn: format!("acs:ram::{ACCOUNT}:user/app-oss-user"),
            identity_type: "RAMUser",
            principal_id: "260000000000000001".to_owned(),
            user_id: Some("260000000000000001".to_owned()),
            role_id: None,
        }),
        _ => Out::Done,
    }
}

/// One fault of every kind.
pub(crate) fn faults() -> Vec<ControlFault> {
    let now = THEN.whole_seconds();
    vec![
        ControlFault::not_exist(Entity::User, "nobody"),
        ControlFault::not_exist(Entity::PolicyVersion, "v9"),
        ControlFault::already_exists(Entity::Role, "oss-upload-role"),
        ControlFault::DeleteConflict {
            entity: Entity::User,
            holds: Entity::AccessKey,
        },
        ControlFault::DefaultVersion,
        ControlFault::LimitExceeded {
            entity: Entity::AccessKey,
            max: 2,
        },
        ControlFault::invalid("DurationSeconds", "at least 900 seconds"),
        ControlFault::RepeatedParameter {
            name: "UserName".to_owned(),
        },
        ControlFault::MissingParameter { name: "UserName" },
        ControlFault::MalformedPolicyDocument {
            path: "Statement[0].Effect".to_owned(),
            reason: "`Allow` or `Deny`".to_owned(),
        },
        ControlFault::SessionPolicyGrammar {
            path: "Version".to_owned(),
            reason: "`1`".to_owned(),
        },
        ControlFault::SessionPolicySize { max: 2048 },
        no_permission(Denial::PoliciesSilent),
        no_permission(Denial::SessionDenies),
        no_permission(Denial::TrustSilent),
        ControlFault::unknown_version("2014-11-11"),
        ControlFault::unknown_action("CreateLoginProfile"),
        ControlFault::IncompleteSignature {
            reason: "the header x-acs-date is missing".to_owned(),
        },
        ControlFault::SignatureDoesNotMatch {
            string_to_sign: "ACS3-HMAC-SHA256\n00".to_owned(),
            canonical_request: Some("POST\n/\n\nhost:h\n\nhost\n00".to_owned()),
        },
        ControlFault::SignatureDoesNotMatch {
            string_to_sign: "GET&%2F&Action%3DA".to_owned(),
            canonical_request: None,
        },
        ControlFault::UnknownAccessKey,
        ControlFault::InactiveAccessKey,
        ControlFault::SecurityToken(TokenFault::Invalid),
        ControlFault::SecurityToken(TokenFault::Expired),
        ControlFault::SecurityToken(TokenFault::OtherKey),
        ControlFault::MalformedTimestamp,
        ControlFault::TimestampExpired {
            request: now,
            server: LATER,
        },
        ControlFault::NonceUsed,
        ControlFault::Throttled,
        ControlFault::Internal,
    ]
}

fn no_permission(denial: Denial) -> ControlFault {
    ControlFault::NoPermission {
        action: "ram:CreateUser".to_owned(),
        resource: format!("acs:ram::{ACCOUNT}:user/*"),
        denial,
    }
}

fn page<T>(item: T) -> Page<T> {
    Page {
        items: vec![item],
        marker: Some("app-oss-user".to_owned()),
    }
}

fn user() -> User {
    User {
        user_id: "260000000000000001".to_owned(),
        user_name: "app-oss-user".to_owned(),
        display_name: "App & Co. <媒体> \"x\"".to_owned(),
        comments: "a\tb\nc".to_owned(),
        email: "app@example.com".to_owned(),
        mobile_phone: "86-18600008888".to_owned(),
        create_date: THEN,
        update_date: LATER,
    }
}

fn access_key(id: &str, status: AccessKeyStatus) -> AccessKey {
    AccessKey {
        access_key_id: id.to_owned(),
        status,
        create_date: THEN,
    }
}

fn policy() -> PolicySummary {
    PolicySummary {
        policy_name: "AppOSSReadWrite".to_owned(),
        policy_type: PolicyType::Custom,
        description: "of the app".to_owned(),
        default_version: "v2".to_owned(),
        attachment_count: 1,
        create_date: THEN,
        update_date: LATER,
        tags: vec![("team".to_owned(), "media".to_owned())],
    }
}

fn version(id: &str, is_default: bool) -> PolicyVersion {
    PolicyVersion {
        version_id: id.to_owned(),
        is_default_version: is_default,
        policy_document: DOCUMENT.to_owned(),
        create_date: THEN,
    }
}

fn entities() -> PolicyEntities {
    PolicyEntities {
        groups: vec![AttachedGroup {
            group_name: "developers".to_owned(),
            comments: String::new(),
            attach_date: THEN,
        }],
        roles: vec![AttachedRole {
            role_id: "340000000000000001".to_owned(),
            role_name: "oss-upload-role".to_owned(),
            arn: format!("acs:ram::{ACCOUNT}:role/oss-upload-role"),
            description: String::new(),
            attach_date: THEN,
        }],
        users: vec![AttachedUser {
            user_id: "260000000000000001".to_owned(),
            user_name: "app-oss-user".to_owned(),
            display_name: "App".to_owned(),
            attach_date: THEN,
        }],
    }
}

fn role() -> Role {
    Role {
        role_id: "340000000000000001".to_owned(),
        role_name: "oss-upload-role".to_owned(),
        arn: format!("acs:ram::{ACCOUNT}:role/oss-upload-role"),
        description: "uploads".to_owned(),
        assume_role_policy_document: DOCUMENT.to_owned(),
        max_session_duration: 3600,
        allow_console_login: false,
        create_date: THEN,
        update_date: LATER,
        tags: vec![("team".to_owned(), "media".to_owned())],
    }
}

fn group() -> Group {
    Group {
        group_id: "g-0123456789abcdef".to_owned(),
        group_name: "developers".to_owned(),
        comments: "of the app".to_owned(),
        create_date: THEN,
        update_date: LATER,
    }
}
