//! `execute`: nobody gets past it without permission.

use super::*;
use crate::Principal;

/// One request of every kind, all on things that are there (or can be made).
#[expect(clippy::needless_update, reason = "most requests have more fields")]
fn one_of_each() -> Vec<ControlRequest> {
    use ControlRequest as Ask;
    let (u, g, r, p, custom) = (
        named("u"),
        named("g"),
        named("r"),
        named("P"),
        named("Custom"),
    );
    let document = named(READ);
    macro_rules! ask {
        ($kind:ident { $($field:ident : $value:expr),* $(,)? }) => {
            Ask::$kind($kind { $($field: $value.into(),)* ..$kind::default() })
        };
    }
    vec![
        ask!(CreateUser { user_name: "new" }),
        ask!(GetUser {
            user_name: u.clone()
        }),
        ask!(ListUsers {}),
        ask!(UpdateUser {
            user_name: u.clone()
        }),
        ask!(CreateAccessKey {
            user_name: u.clone()
        }),
        ask!(ListAccessKeys {
            user_name: u.clone()
        }),
        ask!(UpdateAccessKey {
            user_name: u.clone(),
            user_access_key_id: "ukey",
            status: "Active"
        }),
        ask!(GetAccessKeyLastUsed {
            user_name: u.clone(),
            user_access_key_id: "ukey"
        }),
        ask!(DeleteAccessKey {
            user_name: u.clone(),
            user_access_key_id: "ukey"
        }),
        ask!(CreatePolicy {
            policy_name: "New",
            policy_document: document.clone()
        }),
        ask!(GetPolicy {
            policy_name: p.clone(),
            policy_type: custom.clone()
        }),
        ask!(ListPolicies {}),
        ask!(CreatePolicyVersion {
            policy_name: p.clone(),
            policy_document: document.clone()
        }),
        ask!(GetPolicyVersion {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            version_id: "v1"
        }),
        ask!(ListPolicyVersions {
            policy_name: p.clone(),
            policy_type: custom.clone()
        }),
        ask!(SetDefaultPolicyVersion {
            policy_name: p.clone(),
            version_id: "v1"
        }),
        ask!(DeletePolicyVersion {
            policy_name: p.clone(),
            version_id: "v2"
        }),
        ask!(AttachPolicyToUser {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            user_name: u.clone()
        }),
        ask!(ListPoliciesForUser {
            user_name: u.clone()
        }),
        ask!(DetachPolicyFromUser {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            user_name: u.clone()
        }),
        ask!(AttachPolicyToGroup {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            group_name: g.clone()
        }),
        ask!(ListPoliciesForGroup {
            group_name: g.clone()
        }),
        ask!(DetachPolicyFromGroup {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            group_name: g.clone()
        }),
        ask!(AttachPolicyToRole {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            role_name: r.clone()
        }),
        ask!(ListPoliciesForRole {
            role_name: r.clone()
        }),
        ask!(DetachPolicyFromRole {
            policy_name: p.clone(),
            policy_type: custom.clone(),
            role_name: r.clone()
        }),
        ask!(ListEntitiesForPolicy {
            policy_name: p.clone(),
            policy_type: custom.clone()
        }),
        ask!(CreateRole {
            role_name: "new",
            assume_role_policy_document: trust("*")
        }),
        ask!(GetRole {
            role_name: r.clone()
        }),
        ask!(ListRoles {}),
        ask!(UpdateRole {
            role_name: r.clone()
        }),
        ask!(DeleteRole { role_name: r }),
        ask!(CreateGroup { group_name: "new" }),
        ask!(GetGroup {
            group_name: g.clone()
        }),
        ask!(ListGroups {}),
        ask!(UpdateGroup {
            group_name: g.clone()
        }),
        ask!(AddUserToGroup {
            user_name: u.clone(),
            group_name: g.clone()
        }),
        ask!(ListUsersForGroup {
            group_name: g.clone()
        }),
        ask!(ListGroupsForUser {
            user_name: u.clone()
        }),
        ask!(RemoveUserFromGroup {
            user_name: u.clone(),
            group_name: g.clone()
        }),
        ask!(DeleteGroup { group_name: g }),
        ask!(DeleteUser { user_name: "v" }),
        ask!(DeletePolicy { policy_name: p }),
    ]
}

fn world() -> World {
    let mut world = World::new();
    world.user("u");
    world.user("v");
    world.user("caller");
    world.group("g");
    world.role("r", "acs:ram::1000000000000001:root");
    world.policy("P", READ);
    world.run(|directory, context| {
        let secret = crate::Secret::from("12345678");
        let active = AccessKeyStatus::Active;
        directory
            .put_access_key(context, Some("u"), "ukey", &secret, active)
            .unwrap();
    });
    world
}

#[test]
fn s15_every_operation_needs_its_permission() {
    let mut world = world();
    let caller = world.identity_of("caller");
    world.directory.take_changes();
    for request in one_of_each() {
        let action = request.action();
        let refused = world.ask(&caller, request.clone());
        assert_eq!(code(refused), "NoPermission", "{action}");
        assert!(world.directory.take_changes().is_empty(), "{action}");
    }
    // One action at a time is enough for just that one.
    world.policy("One", &allow("ram:GetUser", "*"));
    world.attach_to_user("Custom", "One", "caller");
    for request in one_of_each() {
        let allowed = request.action() == "ram:GetUser";
        assert_eq!(world.ask(&caller, request).is_ok(), allowed);
    }
}

#[test]
fn the_account_and_an_administrator_may_do_all_of_it() {
    for policy in [
        None,
        Some("AdministratorAccess"),
        Some("AliyunRAMFullAccess"),
    ] {
        let mut world = world();
        let caller = match policy {
            None => world.root(),
            Some(policy) => {
                world.attach_to_user("System", policy, "caller");
                world.identity_of("caller")
            }
        };
        for request in one_of_each() {
            let asked = format!("{request:?}");
            world
                .ask(&caller, request)
                .unwrap_or_else(|fault| panic!("{asked}: {fault}"));
        }
    }
}

#[test]
fn permission_is_for_what_the_resource_names() {
    let mut world = world();
    world.policy("Own", &allow("ram:*", "acs:ram:*:*:user/u"));
    world.attach_to_user("Custom", "Own", "caller");
    let caller = world.identity_of("caller");
    let get = |name: &str| {
        ControlRequest::GetUser(GetUser {
            user_name: named(name),
        })
    };
    world.ask(&caller, get("u")).unwrap();
    assert_eq!(code(world.ask(&caller, get("v"))), "NoPermission");
    // Attaching needs both the user and the policy.
    let attach = |kind: &str, policy: &str| {
        ControlRequest::AttachPolicyToUser(AttachPolicyToUser {
            policy_name: named(policy),
            policy_type: named(kind),
            user_name: named("u"),
        })
    };
    assert_eq!(
        code(world.ask(&caller, attach("Custom", "P"))),
        "NoPermission"
    );
    let admin = attach("System", "AdministratorAccess");
    assert_eq!(code(world.ask(&caller, admin)), "NoPermission");
}

#[test]
fn a_denial_wins_over_administrators() {
    let mut world = world();
    world.attach_to_user("System", "AdministratorAccess", "caller");
    world.policy("No", &allow("ram:CreateUser", "*").replace("Allow", "Deny"));
    world.attach_to_user("Custom", "No", "caller");
    let caller = world.identity_of("caller");
    let request = ControlRequest::CreateUser(CreateUser {
        user_name: named("new"),
        ..CreateUser::default()
    });
    let fault = world.ask(&caller, request).unwrap_err();
    assert!(fault.to_string().contains("a policy denies it"), "{fault}");
    assert_eq!(fault.status(), 403);
}

#[test]
fn who_names_nobody_means_their_own_keys() {
    let mut world = world();
    world.policy("Keys", &allow("ram:*", "acs:ram:*:*:user/caller"));
    world.attach_to_user("Custom", "Keys", "caller");
    let caller = world.identity_of("caller");
    let create = || ControlRequest::CreateAccessKey(CreateAccessKey::default());
    let Ok(ControlOutcome::CreatedAccessKey(key)) = world.ask(&caller, create()) else {
        panic!();
    };
    let identity = world.directory.key(&key.access_key_id).unwrap().identity;
    assert_eq!(identity, caller);
    let root = world.root();
    let Ok(ControlOutcome::CreatedAccessKey(key)) = world.ask(&root, create()) else {
        panic!();
    };
    let identity = world.directory.key(&key.access_key_id).unwrap().identity;
    assert_eq!(identity.principal, Principal::Root);
    let empty = ControlRequest::ListAccessKeys(ListAccessKeys {
        user_name: Some(String::new()),
    });
    let Ok(ControlOutcome::AccessKeys(keys)) = world.ask(&caller, empty) else {
        panic!();
    };
    assert_eq!(keys.len(), 2);
}

#[test]
fn s16_who_is_gone_may_do_nothing() {
    let mut world = world();
    let ghost = world.identity_of("caller");
    world.attach_to_user("System", "AdministratorAccess", "caller");
    let renamed = Identity::new(
        Arc::clone(&ghost.account),
        Principal::User {
            name: "caller".into(),
            id: "200000000000000000".into(),
        },
    );
    let list = ControlRequest::ListUsers(ListUsers::default());
    assert!(world.ask(&ghost, list.clone()).is_ok());
    let refused = world.ask(&renamed, list).unwrap_err();
    assert!(refused.to_string().contains("does not exist any more"));
    assert!(world.directory.layers(&renamed).is_none());
}

#[test]
fn accounts_do_not_see_each_other() {
    let mut world = world();
    let key = world.run_in(OTHER, |directory, context| {
        directory
            .create_access_key(context, &CreateAccessKey::default())
            .unwrap()
    });
    let stranger = world.directory.key(&key.access_key_id).unwrap().identity;
    let get = ControlRequest::GetUser(GetUser {
        user_name: named("u"),
    });
    assert_eq!(code(world.ask(&stranger, get)), "EntityNotExist.User");
    let list = ControlRequest::ListRoles(ListRoles::default());
    let Ok(ControlOutcome::Roles(page)) = world.ask(&stranger, list) else {
        panic!();
    };
    assert!(page.items.is_empty());
}

#[test]
fn what_changes_nothing_is_answered_without_a_copy() {
    let mut world = world();
    let caller = world.identity_of("caller");
    let root = world.root();
    let conditions = Conditions::default();
    for request in one_of_each() {
        let answer = |who: &Identity| {
            let directory = &world.directory;
            directory.answer(who, request.clone(), &conditions, world.now, &world.rng)
        };
        if request.changes() {
            assert!(answer(&root).is_none(), "{request:?}");
        } else {
            answer(&root).unwrap().unwrap();
            assert_eq!(code(answer(&caller).unwrap()), "NoPermission");
        }
    }
    let me = ControlRequest::GetCallerIdentity;
    let told = world
        .directory
        .answer(&caller, me, &conditions, world.now, &world.rng);
    assert!(matches!(told, Some(Ok(ControlOutcome::CallerIdentity(_)))));
}
