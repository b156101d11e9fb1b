//! `AssumeRole`, `GetCallerIdentity`, and the life of temporary keys.

use proptest::prelude::*;

use super::*;
use crate::policy::{Caller, Document, RequestFacts, RequestResource, Verdict};
use crate::{Principal, TokenFault};

fn request(role: &str) -> AssumeRole {
    AssumeRole {
        role_arn: format!("acs:ram::{ACCOUNT}:role/{role}"),
        role_session_name: named("session-1"),
        ..AssumeRole::default()
    }
}

fn assume(
    world: &mut World,
    caller: &Identity,
    request: AssumeRole,
) -> Result<AssumedRole, ControlFault> {
    match world.ask(caller, ControlRequest::AssumeRole(request))? {
        ControlOutcome::AssumedRole(assumed) => Ok(assumed),
        other => panic!("{other:?}"),
    }
}

/// A user `u` who may assume the role `Uploader`, and does.
fn world() -> (World, Identity) {
    let mut world = World::new();
    world.user("u");
    world.attach_to_user("System", "AliyunSTSAssumeRoleAccess", "u");
    world.role("Uploader", &format!("acs:ram::{ACCOUNT}:root"));
    world.attach_to_role("System", "AliyunOSSFullAccess", "Uploader");
    let caller = world.identity_of("u");
    (world, caller)
}

fn open(world: &World, assumed: &AssumedRole, now: Timestamp) -> Result<Identity, TokenFault> {
    let credentials = &assumed.credentials;
    let token = credentials.security_token.reveal();
    let record = world
        .directory
        .temporary_key(&credentials.access_key_id, token, now)?;
    assert!(
        record
            .secret
            .matches(credentials.access_key_secret.reveal())
    );
    assert!(record.enabled);
    Ok(record.identity)
}

#[test]
fn a_temporary_key_stands_for_the_role() {
    let (mut world, caller) = world();
    let assumed = assume(&mut world, &caller, request("uploader")).unwrap();
    assert_eq!(
        assumed.arn,
        format!("acs:ram::{ACCOUNT}:role/uploader/session-1")
    );
    assert!(assumed.assumed_role_id.ends_with(":session-1"));
    let credentials = &assumed.credentials;
    assert!(credentials.access_key_id.starts_with("STS.N"));
    assert!(credentials.security_token.reveal().starts_with(b"CAIS"));
    assert_eq!(credentials.access_key_secret.reveal().len(), 44);
    assert_eq!(
        credentials.expiration,
        NOW.whole_seconds().plus_millis(3_600_000)
    );
    let identity = open(&world, &assumed, NOW).unwrap();
    let Principal::AssumedRole { role, session, .. } = &identity.principal else {
        panic!();
    };
    assert_eq!((&**role, &**session), ("Uploader", "session-1"));
    assert_eq!(identity.session_policy, None);
    assert!(
        world.directory.key(&credentials.access_key_id).is_none(),
        "not without its token"
    );
    let caller_identity = Directory::get_caller_identity(&identity);
    assert_eq!(caller_identity.identity_type, "AssumedRoleUser");
    assert_eq!(caller_identity.principal_id, assumed.assumed_role_id);
    assert_eq!(
        caller_identity.arn,
        format!("acs:ram::{ACCOUNT}:assumed-role/Uploader/session-1")
    );
}

#[test]
fn everybody_may_ask_who_they_are() {
    let (mut world, user) = world();
    let root = world.root();
    for (caller, kind, arn) in [
        (root, "Account", format!("acs:ram::{ACCOUNT}:root")),
        (user, "RAMUser", format!("acs:ram::{ACCOUNT}:user/u")),
    ] {
        let Ok(ControlOutcome::CallerIdentity(told)) =
            world.ask(&caller, ControlRequest::GetCallerIdentity)
        else {
            panic!();
        };
        assert_eq!((told.identity_type, told.arn), (kind, arn));
        assert_eq!(told.account_id, ACCOUNT);
        assert_eq!(told.user_id, Some(told.principal_id));
    }
}

#[test]
fn parameters_are_checked() {
    let (mut world, caller) = world();
    let base = || request("Uploader");
    let arn = |arn: &str| AssumeRole {
        role_arn: named(arn),
        ..base()
    };
    let session = |name: &str| AssumeRole {
        role_session_name: named(name),
        ..base()
    };
    let seconds = |seconds| AssumeRole {
        duration_seconds: Some(seconds),
        ..base()
    };
    let policy = |policy: &str| AssumeRole {
        policy: Some(named(policy)),
        ..base()
    };
    let long = format!("{}{}", " ".repeat(2048), READ);
    for (request, expected) in [
        (arn(""), "MissingRoleArn"),
        (arn("uploader"), "InvalidParameter.RoleArn"),
        (arn("acs:ram::x:role/uploader"), "InvalidParameter.RoleArn"),
        (
            arn("acs:ram::1000000000000001:user/u"),
            "InvalidParameter.RoleArn",
        ),
        (
            arn("acs:ram::1000000000000001:role/"),
            "InvalidParameter.RoleArn",
        ),
        (
            arn("acs:ram::1000000000000001:role/a/b"),
            "InvalidParameter.RoleArn",
        ),
        (session(""), "InvalidParameter.RoleSessionName"),
        (session("a"), "InvalidParameter.RoleSessionName"),
        (session("a b"), "InvalidParameter.RoleSessionName"),
        (session("a/b"), "InvalidParameter.RoleSessionName"),
        (session(&"a".repeat(65)), "InvalidParameter.RoleSessionName"),
        (seconds(0), "InvalidParameter.DurationSeconds"),
        (seconds(899), "InvalidParameter.DurationSeconds"),
        (seconds(3601), "InvalidParameter.DurationSeconds"),
        (seconds(u32::MAX), "InvalidParameter.DurationSeconds"),
        (policy("{"), "InvalidParameter.PolicyGrammar"),
        (policy(&trust("*")), "InvalidParameter.PolicyGrammar"),
        (policy(&long), "InvalidParameter.PolicySize"),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(
            code(assume(&mut world, &caller, request)),
            expected,
            "{asked}"
        );
    }
    for request in [
        arn("acs:ram::1000000000000001:role/UPLOADER"),
        session("user.1@x_y-z"),
        session(&"a".repeat(64)),
        seconds(900),
        seconds(3600),
        policy(READ),
        policy(""),
    ] {
        assume(&mut world, &caller, request).unwrap();
    }
}

#[test]
fn both_sides_must_agree() {
    let (mut world, caller) = world();
    let root = world.root();
    let refused = assume(&mut world, &root, request("Uploader")).unwrap_err();
    assert_eq!(
        (refused.code().as_str(), refused.status()),
        ("NoPermission", 403)
    );
    world.user("v");
    let without = world.identity_of("v");
    assert_eq!(
        code(assume(&mut world, &without, request("Uploader"))),
        "NoPermission"
    );
    assert_eq!(
        code(assume(&mut world, &without, request("Nothing"))),
        "NoPermission",
        "s17: what is there is not told"
    );
    assert_eq!(
        code(assume(&mut world, &caller, request("Nothing"))),
        "EntityNotExist.Role"
    );
    world.role("Closed", &format!("acs:ram::{OTHER}:root"));
    assert_eq!(
        code(assume(&mut world, &caller, request("Closed"))),
        "NoPermission"
    );
    world.role("OnlyV", &format!("acs:ram::{ACCOUNT}:user/v"));
    assert_eq!(
        code(assume(&mut world, &caller, request("OnlyV"))),
        "NoPermission"
    );
    world.role("OnlyU", &format!("acs:ram::{ACCOUNT}:user/u"));
    assume(&mut world, &caller, request("OnlyU")).unwrap();
}

#[test]
fn permission_names_the_role_in_either_case() {
    let (mut world, _) = world();
    let cases = [
        ("acs:ram::1000000000000001:role/Uploader", true),
        ("acs:ram:*:1000000000000001:role/uploader", true),
        ("acs:ram:*:*:role/*", true),
        ("acs:ram::1000000000000001:role/Other", false),
        ("acs:ram::1000000000000002:role/Uploader", false),
    ];
    for (nth, (resource, allowed)) in cases.into_iter().enumerate() {
        let name = format!("w{nth}");
        world.user(&name);
        let policy = format!("P{nth}");
        world.policy(&policy, &allow("sts:AssumeRole", resource));
        world.attach_to_user("Custom", &policy, &name);
        let caller = world.identity_of(&name);
        let done = assume(&mut world, &caller, request("UPLOADER"));
        assert_eq!(done.is_ok(), allowed, "{resource}: {done:?}");
    }
    world.user("denied");
    world.attach_to_user("System", "AliyunSTSAssumeRoleAccess", "denied");
    let deny = allow("sts:AssumeRole", "acs:ram:*:*:role/uploader").replace("Allow", "Deny");
    world.policy("Denying", &deny);
    world.attach_to_user("Custom", "Denying", "denied");
    let caller = world.identity_of("denied");
    assert_eq!(
        code(assume(&mut world, &caller, request("Uploader"))),
        "NoPermission"
    );
}

#[test]
fn a_role_of_another_account() {
    let (mut world, caller) = world();
    let foreign = || AssumeRole {
        role_arn: format!("acs:ram::{OTHER}:role/shared"),
        ..request("x")
    };
    assert_eq!(
        code(assume(&mut world, &caller, foreign())),
        "EntityNotExist.Role"
    );
    world.run_in(OTHER, |directory, context| {
        let request = CreateRole {
            role_name: named("shared"),
            assume_role_policy_document: trust(&format!("acs:ram::{ACCOUNT}:root")),
            ..CreateRole::default()
        };
        directory.create_role(context, request).unwrap();
    });
    let assumed = assume(&mut world, &caller, foreign()).unwrap();
    assert_eq!(open(&world, &assumed, NOW).unwrap().account.id, OTHER);
    let nowhere = AssumeRole {
        role_arn: named("acs:ram::9999999999999999:role/shared"),
        ..request("x")
    };
    assert_eq!(
        code(assume(&mut world, &caller, nowhere)),
        "EntityNotExist.Account"
    );
}

#[test]
fn an_external_id_is_a_condition() {
    let (mut world, caller) = world();
    let document = trust("acs:ram::1000000000000001:root").replace(
        "}]}",
        r#","Condition":{"StringEquals":{"sts:ExternalId":"abc"}}}]}"#,
    );
    world.run(|directory, context| {
        let request = CreateRole {
            role_name: named("outside"),
            assume_role_policy_document: document,
            ..CreateRole::default()
        };
        directory.create_role(context, request).unwrap();
    });
    for (external_id, allowed) in [(None, false), (Some("abd"), false), (Some("abc"), true)] {
        let request = AssumeRole {
            external_id: external_id.map(str::to_owned),
            ..request("outside")
        };
        assert_eq!(assume(&mut world, &caller, request).is_ok(), allowed);
    }
}

#[test]
fn s45_a_temporary_key_ends() {
    let (mut world, caller) = world();
    let request = AssumeRole {
        duration_seconds: Some(900),
        ..request("Uploader")
    };
    let assumed = assume(&mut world, &caller, request).unwrap();
    let end = assumed.credentials.expiration;
    open(&world, &assumed, end.plus_millis(-1)).unwrap();
    assert_eq!(
        open(&world, &assumed, end).unwrap_err(),
        TokenFault::Expired
    );
}

#[test]
fn s16_a_token_belongs_to_one_key() {
    let (mut world, caller) = world();
    let first = assume(&mut world, &caller, request("Uploader"))
        .unwrap()
        .credentials;
    let second = assume(&mut world, &caller, request("Uploader"))
        .unwrap()
        .credentials;
    let user_key = world.key(Some("u"));
    for id in [&second.access_key_id, &user_key.access_key_id] {
        let refused = world
            .directory
            .temporary_key(id, first.security_token.reveal(), NOW)
            .unwrap_err();
        assert_eq!(refused, TokenFault::OtherKey);
    }
}

#[test]
fn s16_sessions_die_with_their_role_and_with_who_began_them() {
    let (mut world, caller) = world();
    let assumed = assume(&mut world, &caller, request("Uploader")).unwrap();
    let chained_caller = {
        world.attach_to_role("System", "AliyunSTSAssumeRoleAccess", "Uploader");
        open(&world, &assumed, NOW).unwrap()
    };
    world.role("Second", &format!("acs:ram::{ACCOUNT}:root"));
    let chained = assume(&mut world, &chained_caller, request("Second")).unwrap();
    open(&world, &chained, NOW).unwrap();

    let whole = world.directory.clone();
    for policy in ["AliyunOSSFullAccess", "AliyunSTSAssumeRoleAccess"] {
        let detach = DetachPolicyFromRole {
            policy_name: named(policy),
            policy_type: named("System"),
            role_name: named("Uploader"),
        };
        world
            .run(|directory, context| directory.detach_policy_from_role(context, &detach))
            .unwrap();
    }
    let delete = DeleteRole {
        role_name: named("Uploader"),
    };
    world
        .run(|directory, context| directory.delete_role(context, &delete))
        .unwrap();
    assert_eq!(
        open(&world, &assumed, NOW).unwrap_err(),
        TokenFault::Invalid
    );
    assert_eq!(
        open(&world, &chained, NOW).unwrap_err(),
        TokenFault::Invalid
    );
    assert!(world.directory.layers(&chained_caller).is_none());
    world.role("Uploader", &format!("acs:ram::{ACCOUNT}:root"));
    assert_eq!(
        open(&world, &assumed, NOW).unwrap_err(),
        TokenFault::Invalid,
        "a role made anew is another role"
    );

    world.directory = whole;
    let keys: Vec<String> = world.run(|directory, context| {
        let list = ListAccessKeys {
            user_name: Some(named("u")),
        };
        let keys = directory.list_access_keys(context, &list).unwrap();
        keys.into_iter().map(|key| key.access_key_id).collect()
    });
    world.run(|directory, context| {
        for key in keys {
            let delete = DeleteAccessKey {
                user_name: Some(named("u")),
                user_access_key_id: key,
            };
            directory.delete_access_key(context, &delete).unwrap();
        }
        let detach = DetachPolicyFromUser {
            policy_name: named("AliyunSTSAssumeRoleAccess"),
            policy_type: named("System"),
            user_name: named("u"),
        };
        directory.detach_policy_from_user(context, &detach).unwrap();
    });
    open(&world, &assumed, NOW).unwrap();
    let delete = DeleteUser {
        user_name: named("u"),
    };
    world
        .run(|directory, context| directory.delete_user(context, &delete))
        .unwrap();
    assert_eq!(
        open(&world, &assumed, NOW).unwrap_err(),
        TokenFault::Invalid
    );
    open(&world, &chained, NOW).unwrap();
}

#[test]
fn s16_token_keys_rotate_and_open_their_tokens_to_the_end() {
    let (mut world, caller) = world();
    let first = assume(&mut world, &caller, request("Uploader")).unwrap();
    assert_eq!(world.directory.token_keys().len(), 1);
    world.now = NOW.plus_millis(24 * 3_600_000);
    let rotated = |world: &mut World| {
        let now = world.now;
        world.directory.rotate_token_keys(now, &world.rng).unwrap();
        world.directory.token_keys().len()
    };
    world.directory.take_changes();
    assert_eq!(rotated(&mut world), 2);
    assert_eq!(world.directory.take_changes().len(), 1);
    open(&world, &first, NOW).unwrap();
    let second = assume(&mut world, &caller, request("Uploader")).unwrap();
    world.now = world.now.plus_millis(129_600_000);
    assert_eq!(rotated(&mut world), 3, "and one more for what comes");
    world.now = world.now.plus_millis(1);
    assert_eq!(rotated(&mut world), 2);
    let changes = world.directory.take_changes();
    assert!(changes.last().unwrap().record.is_none());
    assert_eq!(open(&world, &first, NOW).unwrap_err(), TokenFault::Invalid);
    open(
        &world,
        &second,
        second.credentials.expiration.plus_millis(-1),
    )
    .unwrap();
}

#[test]
fn a_session_may_not_outgrow_its_policy_in_the_control_apis() {
    let (mut world, caller) = world();
    world.attach_to_role("System", "AdministratorAccess", "Uploader");
    let list = || ControlRequest::ListUsers(ListUsers::default());
    for (policy, allowed) in [
        (None, true),
        (Some(allow("ram:*", "*")), true),
        (Some(allow("oss:*", "*")), false),
        (Some(allow("ram:*", "*").replace("Allow", "Deny")), false),
    ] {
        let request = AssumeRole {
            policy,
            ..request("Uploader")
        };
        let assumed = assume(&mut world, &caller, request).unwrap();
        let session = open(&world, &assumed, NOW).unwrap();
        assert_eq!(world.ask(&session, list()).is_ok(), allowed);
        let keys = ControlRequest::CreateAccessKey(CreateAccessKey::default());
        let none = world.ask(&session, keys);
        assert_eq!(
            code(none),
            "MissingUserName",
            "a role has no keys of its own"
        );
    }
}

#[test]
fn a_session_policy_is_compiled_once() {
    let (mut world, caller) = world();
    let request = AssumeRole {
        policy: Some(named(READ)),
        ..request("Uploader")
    };
    let assumed = assume(&mut world, &caller, request).unwrap();
    let layers = || {
        let session = open(&world, &assumed, NOW).unwrap();
        world.directory.layers(&session).unwrap()
    };
    let (first, second) = (layers(), layers());
    let policy = |layers: &CallerPolicies| Arc::clone(&layers.session.as_ref().unwrap().policy);
    assert!(Arc::ptr_eq(&policy(&first), &policy(&second)));
    assert!(Arc::ptr_eq(&first.identity, &second.identity));
    assert_eq!(policy(&first).text(), READ);
}

const ACTIONS: [&str; 6] = [
    "ram:GetUser",
    "ram:ListUsers",
    "ram:Get*",
    "ram:*",
    "*",
    "oss:*",
];
const PATHS: [&str; 4] = [
    "acs:ram:*:*:user/u",
    "acs:ram:*:*:user/*",
    "*",
    "acs:oss:*:*:b",
];

prop_compose! {
    fn document()(
        statements in proptest::collection::vec(
            (any::<bool>(), 0..ACTIONS.len(), 0..PATHS.len()), 1..4)
    ) -> String {
        let statements: Vec<String> = statements
            .into_iter()
            .map(|(allow, action, path)| format!(
                r#"{{"Effect":"{}","Action":"{}","Resource":"{}"}}"#,
                if allow { "Allow" } else { "Deny" }, ACTIONS[action], PATHS[path]
            ))
            .collect();
        format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What a session may do, its role may do without the session policy, and the session
    /// policy allows by itself.
    #[test]
    fn s14_a_session_is_within_its_role(role in document(), session in document()) {
        let (mut world, caller) = world();
        world.role("R", &format!("acs:ram::{ACCOUNT}:root"));
        world.policy("P", &role);
        world.attach_to_role("Custom", "P", "R");
        let narrowed = AssumeRole { policy: Some(session.clone()), ..request("R") };
        let narrowed = assume(&mut world, &caller, narrowed).unwrap();
        let whole = assume(&mut world, &caller, request("R")).unwrap();
        let narrowed = open(&world, &narrowed, NOW).unwrap();
        let whole = open(&world, &whole, NOW).unwrap();
        let conditions = Conditions::default();
        for action in ["ram:GetUser", "ram:ListUsers", "ram:CreateUser", "oss:GetObject"] {
            for path in ["user/u", "user/v", "role/r"] {
                let resource = RequestResource::control("ram", ACCOUNT, path);
                let may = |who| world.directory.permit(who, action, &resource, &conditions).is_ok();
                let layers = world.directory.layers(&narrowed).unwrap();
                let facts = RequestFacts::new(
                    action, resource.clone(), Some(Caller::from(&narrowed)), &conditions);
                let document: &Document = layers.session.as_ref().unwrap();
                let by_session = matches!(document.policy.evaluate(&facts), Verdict::Allow(_));
                prop_assert_eq!(may(&narrowed), may(&whole) && by_session);
            }
        }
    }

    /// No text near a token is a token.
    #[test]
    fn s16_changed_tokens_are_refused(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let (mut world, caller) = world();
        let assumed = assume(&mut world, &caller, request("Uploader")).unwrap().credentials;
        let mut token = assumed.security_token.reveal().to_vec();
        let at = at.index(token.len());
        prop_assume!(token[at] != with);
        token[at] = with;
        let refused = world.directory.temporary_key(&assumed.access_key_id, &token, NOW);
        prop_assert_eq!(refused.unwrap_err(), TokenFault::Invalid);
    }
}

#[test]
fn requests_to_the_store_take_temporary_keys() {
    use osier_types::FaultKind;

    let (mut world, caller) = world();
    let credentials = assume(&mut world, &caller, request("Uploader"))
        .unwrap()
        .credentials;
    let user_key = world.key(Some("u")).access_key_id;
    let id = credentials.access_key_id.as_str();
    let token = credentials.security_token.reveal();
    let record = |access_key_id: &str, token: Option<&[u8]>, now| {
        let claim = crate::claim::Claim {
            access_key_id,
            signature: "",
            token,
            now,
        };
        claim.record(&world.directory).map_err(|fault| fault.kind)
    };
    assert!(record(id, Some(token), NOW).is_ok());
    assert!(record(&user_key, None, NOW).is_ok());
    let expired = record(id, Some(token), credentials.expiration);
    assert_eq!(expired.unwrap_err(), FaultKind::SecurityTokenExpired);
    for token in [&b"CAIS"[..], b"x", &token[1..]] {
        let bad = record(id, Some(token), NOW);
        assert_eq!(bad.unwrap_err(), FaultKind::InvalidSecurityToken);
    }
    for (id, token) in [
        (id, None),
        (user_key.as_str(), Some(token)),
        ("unknown", None),
    ] {
        let unknown = record(id, token, NOW).unwrap_err();
        assert!(
            matches!(unknown, FaultKind::InvalidAccessKeyId { .. }),
            "{unknown:?}"
        );
    }
}

#[test]
fn s16_sessions_die_with_the_key_that_asked_for_them() {
    let (mut world, caller) = world();
    // The user has one key, and may have no more than two.
    let of_user = |entry: &&KeyEntry| entry.record.user_id.is_some();
    let known = world.directory.keys.values().find(of_user).unwrap();
    let second = known.record.id.to_string();
    let first = world.run(|directory, context| {
        let create = CreateAccessKey {
            user_name: Some(named("u")),
        };
        let created = directory.create_access_key(context, &create).unwrap();
        created.access_key_id
    });
    let by = |world: &mut World, key: &str| {
        let asked = ControlRequest::AssumeRole(request("Uploader"));
        let conditions = Conditions {
            access_id: Some(key),
            ..Conditions::default()
        };
        let World {
            directory,
            now,
            rng,
            ..
        } = world;
        match directory.execute(&caller, asked, &conditions, *now, rng) {
            Ok(ControlOutcome::AssumedRole(assumed)) => assumed,
            other => panic!("{other:?}"),
        }
    };
    let (by_first, by_second) = (by(&mut world, &first), by(&mut world, &second));
    open(&world, &by_first, NOW).unwrap();
    world.run(|directory, context| {
        let delete = DeleteAccessKey {
            user_name: Some(named("u")),
            user_access_key_id: first,
        };
        directory.delete_access_key(context, &delete).unwrap();
    });
    let died = open(&world, &by_first, NOW).unwrap_err();
    assert_eq!(died, TokenFault::Invalid);
    open(&world, &by_second, NOW).unwrap();
}

fn session(
    world: &mut World,
    caller: &Identity,
    request: GetSessionToken,
) -> Result<SessionToken, ControlFault> {
    let user = match &caller.principal {
        Principal::User { id, .. } => Some(id),
        _ => None,
    };
    let mut keys = world.directory.keys.values();
    let key = keys.find(|key| key.record.user_id.as_ref() == user);
    let key = key.unwrap().record.id.to_string();
    let conditions = Conditions {
        access_id: Some(&key),
        ..Conditions::default()
    };
    let World {
        directory,
        now,
        rng,
    } = world;
    let asked = ControlRequest::GetSessionToken(request);
    match directory.execute(caller, asked, &conditions, *now, rng)? {
        ControlOutcome::SessionToken(made) => Ok(made),
        other => panic!("{other:?}"),
    }
}

fn opened(world: &World, made: &SessionToken, now: Timestamp) -> Result<Identity, TokenFault> {
    let credentials = &made.credentials;
    let token = credentials.security_token.reveal();
    let record = world
        .directory
        .temporary_key(&credentials.access_key_id, token, now)?;
    Ok(record.identity)
}

#[test]
fn a_session_stands_for_its_user_but_changes_no_identities() {
    let (mut world, caller) = world();
    world.attach_to_user("System", "AdministratorAccess", "u");
    let made = session(&mut world, &caller, GetSessionToken::default()).unwrap();
    let end = NOW.whole_seconds().plus_millis(43_200_000);
    assert_eq!(made.credentials.expiration, end);
    let identity = opened(&world, &made, end.plus_millis(-1)).unwrap();
    assert_eq!(identity.principal, caller.principal);
    assert_eq!(opened(&world, &made, end).unwrap_err(), TokenFault::Expired);
    let create = ControlRequest::CreateUser(CreateUser {
        user_name: named("v"),
        ..CreateUser::default()
    });
    assert_eq!(code(world.ask(&identity, create.clone())), "NoPermission");
    world.ask(&caller, create).unwrap();
    assert_eq!(
        code(session(&mut world, &identity, GetSessionToken::default())),
        "NoPermission"
    );
    assert!(assume(&mut world, &identity, request("Uploader")).is_ok());
}

#[test]
fn a_session_of_an_account_is_short_and_may_be_narrowed() {
    let mut world = World::new();
    let root = world.root();
    let asked = GetSessionToken {
        policy: Some(allow("oss:GetObject", "*")),
        duration_seconds: Some(129_600),
        ..GetSessionToken::default()
    };
    let made = session(&mut world, &root, asked).unwrap();
    let end = NOW.whole_seconds().plus_millis(3_600_000);
    assert_eq!(made.credentials.expiration, end);
    let identity = opened(&world, &made, NOW).unwrap();
    assert_eq!(identity.principal, Principal::Root);
    assert!(identity.session_policy.is_some());
    let list = ControlRequest::ListUsers(ListUsers::default());
    assert_eq!(code(world.ask(&identity, list)), "NoPermission");
    for seconds in [899, 129_601] {
        let asked = GetSessionToken {
            duration_seconds: Some(seconds),
            ..GetSessionToken::default()
        };
        assert_eq!(
            code(session(&mut world, &root, asked)),
            "InvalidParameter.DurationSeconds"
        );
    }
}

#[test]
fn s16_a_session_dies_with_the_key_that_asked_for_it() {
    let (mut world, caller) = world();
    let made = session(&mut world, &caller, GetSessionToken::default()).unwrap();
    let identity = opened(&world, &made, NOW).unwrap();
    let of_user = |entry: &&KeyEntry| entry.record.user_id.is_some();
    let known = world.directory.keys.values().find(of_user).unwrap();
    let delete = ControlRequest::DeleteAccessKey(DeleteAccessKey {
        user_name: Some(named("u")),
        user_access_key_id: known.record.id.to_string(),
    });
    assert_eq!(identity.session_of.as_deref(), Some(&*known.record.id));
    let root = world.root();
    world.ask(&root, delete).unwrap();
    assert_eq!(opened(&world, &made, NOW).unwrap_err(), TokenFault::Invalid);
}
