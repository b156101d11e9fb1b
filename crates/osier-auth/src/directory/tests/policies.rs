use super::*;

fn create(world: &mut World, name: &str, document: &str) -> Result<PolicySummary, ControlFault> {
    let request = CreatePolicy {
        policy_name: named(name),
        policy_document: named(document),
        description: Some(named("d")),
        tags: vec![(named("team"), named("a"))],
    };
    world.run(|directory, context| directory.create_policy(context, request))
}

fn add_version(
    world: &mut World,
    document: &str,
    set_as_default: bool,
    rotate_strategy: Option<&str>,
) -> Result<PolicyVersion, ControlFault> {
    let request = CreatePolicyVersion {
        policy_name: named("P"),
        policy_document: named(document),
        set_as_default,
        rotate_strategy: rotate_strategy.map(str::to_owned),
    };
    world.run(|directory, context| directory.create_policy_version(context, request))
}

fn versions(world: &mut World) -> Vec<(String, bool)> {
    let request = ListPolicyVersions {
        policy_name: named("P"),
        policy_type: named("Custom"),
    };
    world
        .run(|directory, context| directory.list_policy_versions(context, &request))
        .unwrap()
        .into_iter()
        .map(|version| (version.version_id, version.is_default_version))
        .collect()
}

fn delete(world: &mut World, name: &str, cascading_delete: bool) -> Result<(), ControlFault> {
    let request = DeletePolicy {
        policy_name: named(name),
        cascading_delete,
    };
    world.run(|directory, context| directory.delete_policy(context, &request))
}

fn get(world: &mut World, kind: &str, name: &str) -> Result<PolicyDetail, ControlFault> {
    let request = GetPolicy {
        policy_name: named(name),
        policy_type: named(kind),
    };
    world.run(|directory, context| directory.get_policy(context, &request))
}

#[test]
fn a_policy_comes_and_goes() {
    let mut world = World::new();
    let created = create(&mut world, "P", READ).unwrap();
    assert_eq!(
        (created.default_version.as_str(), created.attachment_count),
        ("v1", 0)
    );
    let detail = get(&mut world, "Custom", "P").unwrap();
    assert_eq!(detail.policy, created);
    assert_eq!(detail.default_policy_version.policy_document, READ);
    delete(&mut world, "P", false).unwrap();
    assert_eq!(
        code(get(&mut world, "Custom", "P")),
        "EntityNotExist.Policy"
    );
    assert_eq!(
        code(delete(&mut world, "P", false)),
        "EntityNotExist.Policy"
    );
}

#[test]
fn documents_are_checked_on_write_and_the_path_is_named() {
    let mut world = World::new();
    create(&mut world, "P", READ).unwrap();
    assert_eq!(
        code(create(&mut world, "P", READ)),
        "EntityAlreadyExists.Policy"
    );
    assert_eq!(
        code(create(&mut world, "AdministratorAccess", READ)),
        "EntityAlreadyExists.Policy"
    );
    for (name, expected) in [
        ("", "MissingPolicyName"),
        ("a b", "InvalidParameter.PolicyName"),
        ("a/b", "InvalidParameter.PolicyName"),
        (&"a".repeat(129), "InvalidParameter.PolicyName"),
    ] {
        assert_eq!(code(create(&mut world, name, READ)), expected);
    }
    assert_eq!(code(create(&mut world, "Q", "")), "MissingPolicyDocument");
    for document in ["{", "[]", &READ.replace("Allow", "Maybe"), &trust("*")] {
        assert_eq!(
            code(create(&mut world, "Q", document)),
            "MalformedPolicyDocument"
        );
        let version = add_version(&mut world, document, true, None);
        assert_eq!(code(version), "MalformedPolicyDocument");
    }
    let fault = create(&mut world, "Q", &READ.replace("Allow", "Maybe")).unwrap_err();
    assert!(fault.to_string().contains("Statement[0].Effect"), "{fault}");
    assert_eq!(world.directory.take_changes().len(), 1);
}

#[test]
fn five_versions() {
    let mut world = World::new();
    create(&mut world, "P", READ).unwrap();
    let second = add_version(&mut world, ASSUME, false, None).unwrap();
    assert_eq!(
        (second.version_id.as_str(), second.is_default_version),
        ("v2", false)
    );
    assert_eq!(
        get(&mut world, "Custom", "P")
            .unwrap()
            .policy
            .default_version,
        "v1"
    );
    for nth in 3..=5 {
        add_version(&mut world, ASSUME, nth == 4, Some("None")).unwrap();
    }
    assert_eq!(
        code(add_version(&mut world, READ, true, None)),
        "LimitExceeded.Policy.Version"
    );
    let unknown = add_version(&mut world, READ, true, Some("DeleteSome"));
    assert_eq!(code(unknown), "InvalidParameter.RotateStrategy");
    let rotate = Some("DeleteOldestNonDefaultVersionWhenLimitExceeded");
    add_version(&mut world, READ, false, rotate).unwrap();
    let expected: Vec<(String, bool)> = [
        ("v2", false),
        ("v3", false),
        ("v4", true),
        ("v5", false),
        ("v6", false),
    ]
    .map(|(id, default)| (named(id), default))
    .to_vec();
    assert_eq!(versions(&mut world), expected);
    let set = |world: &mut World, id: &str| {
        let request = SetDefaultPolicyVersion {
            policy_name: named("P"),
            version_id: named(id),
        };
        world.run(|directory, context| directory.set_default_policy_version(context, &request))
    };
    set(&mut world, "v2").unwrap();
    for id in ["v1", "v02", "2", "v", "v-1", "v99999999999"] {
        assert_eq!(
            code(set(&mut world, id)),
            "EntityNotExist.Policy.Version",
            "{id}"
        );
    }
    let remove = |world: &mut World, id: &str| {
        let request = DeletePolicyVersion {
            policy_name: named("P"),
            version_id: named(id),
        };
        world.run(|directory, context| directory.delete_policy_version(context, &request))
    };
    assert_eq!(
        code(remove(&mut world, "v2")),
        "DeleteConflict.Policy.DefaultVersion"
    );
    assert_eq!(
        code(remove(&mut world, "v1")),
        "EntityNotExist.Policy.Version"
    );
    remove(&mut world, "v6").unwrap();
    let next = add_version(&mut world, READ, true, None).unwrap();
    assert_eq!(next.version_id, "v7", "numbers are never given twice");
    let one = |world: &mut World, kind: &str, name: &str, id: &str| {
        let request = GetPolicyVersion {
            policy_name: named(name),
            policy_type: named(kind),
            version_id: named(id),
        };
        world.run(|directory, context| directory.get_policy_version(context, &request))
    };
    assert!(
        one(&mut world, "Custom", "P", "v7")
            .unwrap()
            .is_default_version
    );
    assert_eq!(
        code(one(&mut world, "Custom", "P", "v6")),
        "EntityNotExist.Policy.Version"
    );
    assert!(one(&mut world, "System", "AdministratorAccess", "v1").is_ok());
    assert_eq!(
        code(one(&mut world, "System", "AdministratorAccess", "v2")),
        "EntityNotExist.Policy.Version"
    );
    assert_eq!(
        code(delete(&mut world, "P", false)),
        "DeleteConflict.Policy.Version"
    );
    delete(&mut world, "P", true).unwrap();
    assert_eq!(
        code(add_version(&mut world, READ, true, None)),
        "EntityNotExist.Policy"
    );
    assert_eq!(code(set(&mut world, "v1")), "EntityNotExist.Policy");
    assert_eq!(code(remove(&mut world, "v1")), "EntityNotExist.Policy");
}

#[test]
fn system_policies_are_there_and_stay_as_they_are() {
    let mut world = World::new();
    let detail = get(&mut world, "System", "AliyunOSSFullAccess").unwrap();
    assert_eq!(detail.policy.policy_type, PolicyType::System);
    assert_eq!(
        code(get(&mut world, "System", "Nothing")),
        "EntityNotExist.Policy"
    );
    assert_eq!(
        code(get(&mut world, "Other", "P")),
        "InvalidParameter.PolicyType"
    );
    assert_eq!(code(get(&mut world, "", "P")), "MissingPolicyType");
    assert_eq!(
        code(delete(&mut world, "AliyunOSSFullAccess", true)),
        "EntityNotExist.Policy"
    );
    let list = ListPolicyVersions {
        policy_name: named("AliyunOSSFullAccess"),
        policy_type: named("System"),
    };
    let list = world.run(|directory, context| directory.list_policy_versions(context, &list));
    assert_eq!(list.unwrap().len(), 1);
}

#[test]
fn policies_are_listed_by_type_and_tag() {
    let mut world = World::new();
    create(&mut world, "P", READ).unwrap();
    world.policy("Q", READ);
    let list = |world: &mut World, kind: Option<&str>, tags: TagPairs, max_items| {
        let request = ListPolicies {
            marker: None,
            max_items,
            policy_type: kind.map(str::to_owned),
            tags,
        };
        world.run(|directory, context| directory.list_policies(context, &request))
    };
    let shipped = crate::policy::system::ALL.len();
    assert_eq!(
        list(&mut world, None, Vec::new(), None)
            .unwrap()
            .items
            .len(),
        shipped + 2
    );
    assert_eq!(
        list(&mut world, Some("System"), Vec::new(), None)
            .unwrap()
            .items
            .len(),
        shipped
    );
    assert_eq!(
        list(&mut world, Some("Custom"), Vec::new(), None)
            .unwrap()
            .items
            .len(),
        2
    );
    let tagged = list(&mut world, None, vec![(named("team"), named("a"))], None).unwrap();
    assert_eq!(tagged.items.len(), 1);
    let none = list(&mut world, None, vec![(named("team"), named("b"))], None).unwrap();
    assert!(none.items.is_empty());
    assert_eq!(
        code(list(&mut world, Some("x"), Vec::new(), None)),
        "InvalidParameter.PolicyType"
    );
    assert_eq!(
        code(list(&mut world, None, Vec::new(), Some(0))),
        "InvalidParameter.MaxItems"
    );
    let first = list(&mut world, None, Vec::new(), Some(1)).unwrap();
    let request = ListPolicies {
        marker: first.marker,
        ..ListPolicies::default()
    };
    let rest = world
        .run(|directory, context| directory.list_policies(context, &request))
        .unwrap();
    assert_eq!(rest.items.len(), shipped + 1);
}

#[test]
fn tags_are_checked() {
    let mut world = World::new();
    let tagged = |tags: TagPairs| CreatePolicy {
        policy_name: named("P"),
        policy_document: named(READ),
        description: None,
        tags,
    };
    let many = (0..21)
        .map(|nth| (format!("k{nth}"), String::new()))
        .collect();
    let done = world.run(|directory, context| directory.create_policy(context, tagged(many)));
    assert_eq!(code(done), "LimitExceeded.Tag");
    for tags in [
        vec![(named(""), named("v"))],
        vec![(named("a"), named("1")), (named("a"), named("2"))],
        vec![("a".repeat(129), named(""))],
    ] {
        let done = world.run(|directory, context| directory.create_policy(context, tagged(tags)));
        assert_eq!(code(done), "InvalidParameter.Tag");
    }
}

type Act = fn(&mut Directory, &Context<'_>, &str, &str, &str) -> Result<(), ControlFault>;

#[test]
fn policies_attach_to_users_groups_and_roles() {
    let mut world = World::new();
    create(&mut world, "P", READ).unwrap();
    world.user("u");
    world.group("g");
    world.role("r", &format!("acs:ram::{ACCOUNT}:root"));
    let attaches: [(Act, Act, &str, &str); 3] = [
        (
            |directory, context, kind, policy, name| {
                directory.attach_policy_to_user(
                    context,
                    &AttachPolicyToUser {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        user_name: named(name),
                    },
                )
            },
            |directory, context, kind, policy, name| {
                directory.detach_policy_from_user(
                    context,
                    &DetachPolicyFromUser {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        user_name: named(name),
                    },
                )
            },
            "u",
            "User",
        ),
        (
            |directory, context, kind, policy, name| {
                directory.attach_policy_to_group(
                    context,
                    &AttachPolicyToGroup {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        group_name: named(name),
                    },
                )
            },
            |directory, context, kind, policy, name| {
                directory.detach_policy_from_group(
                    context,
                    &DetachPolicyFromGroup {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        group_name: named(name),
                    },
                )
            },
            "g",
            "Group",
        ),
        (
            |directory, context, kind, policy, name| {
                directory.attach_policy_to_role(
                    context,
                    &AttachPolicyToRole {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        role_name: named(name),
                    },
                )
            },
            |directory, context, kind, policy, name| {
                directory.detach_policy_from_role(
                    context,
                    &DetachPolicyFromRole {
                        policy_name: named(policy),
                        policy_type: named(kind),
                        role_name: named(name),
                    },
                )
            },
            "r",
            "Role",
        ),
    ];
    for (attach, detach, name, entity) in attaches {
        let mut go = |act: Act, kind: &str, policy: &str, name: &str| {
            world.run(|directory, context| act(directory, context, kind, policy, name))
        };
        go(attach, "Custom", "P", name).unwrap();
        go(attach, "System", "AliyunOSSReadOnlyAccess", name).unwrap();
        let twice = go(attach, "Custom", "P", name);
        assert_eq!(code(twice), format!("EntityAlreadyExists.{entity}.Policy"));
        for act in [attach, detach] {
            assert_eq!(code(go(act, "Custom", "X", name)), "EntityNotExist.Policy");
            assert_eq!(code(go(act, "x", "P", name)), "InvalidParameter.PolicyType");
            assert_eq!(
                code(go(act, "Custom", "P", "x")),
                format!("EntityNotExist.{entity}")
            );
        }
        let missing = go(detach, "System", "AdministratorAccess", name);
        assert_eq!(code(missing), format!("EntityNotExist.{entity}.Policy"));
    }
    assert_eq!(
        get(&mut world, "Custom", "P")
            .unwrap()
            .policy
            .attachment_count,
        3
    );
    let entities = ListEntitiesForPolicy {
        policy_name: named("P"),
        policy_type: named("Custom"),
    };
    let found = world
        .run(|directory, context| directory.list_entities_for_policy(context, &entities))
        .unwrap();
    assert_eq!(
        (found.users.len(), found.groups.len(), found.roles.len()),
        (1, 1, 1)
    );
    assert_eq!(found.roles[0].arn, format!("acs:ram::{ACCOUNT}:role/r"));
    for (entity, detach) in [("User", 0), ("Group", 1), ("Role", 2)] {
        let conflict = format!("DeleteConflict.Policy.{entity}");
        assert_eq!(code(delete(&mut world, "P", true)), conflict);
        let (_, act, name, _) = attaches[detach];
        world
            .run(|directory, context| act(directory, context, "Custom", "P", name))
            .unwrap();
    }
    delete(&mut world, "P", true).unwrap();
    let lists = [
        world.run(|directory, context| {
            let request = ListPoliciesForUser {
                user_name: named("u"),
            };
            directory.list_policies_for_user(context, &request)
        }),
        world.run(|directory, context| {
            let request = ListPoliciesForGroup {
                group_name: named("g"),
            };
            directory.list_policies_for_group(context, &request)
        }),
        world.run(|directory, context| {
            let request = ListPoliciesForRole {
                role_name: named("r"),
            };
            directory.list_policies_for_role(context, &request)
        }),
    ];
    for list in lists {
        let list = list.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].policy_name, "AliyunOSSReadOnlyAccess");
    }
    let gone =
        world.run(|directory, context| directory.list_entities_for_policy(context, &entities));
    assert_eq!(code(gone), "EntityNotExist.Policy");
}

#[test]
fn lists_for_nobody() {
    let mut world = World::new();
    world.run(|directory, context| {
        let user = ListPoliciesForUser {
            user_name: named("x"),
        };
        assert_eq!(
            code(directory.list_policies_for_user(context, &user)),
            "EntityNotExist.User"
        );
        let group = ListPoliciesForGroup {
            group_name: named("x"),
        };
        assert_eq!(
            code(directory.list_policies_for_group(context, &group)),
            "EntityNotExist.Group"
        );
        let role = ListPoliciesForRole {
            role_name: named("x"),
        };
        assert_eq!(
            code(directory.list_policies_for_role(context, &role)),
            "EntityNotExist.Role"
        );
    });
}

#[test]
fn twenty_policies_of_each_type() {
    let mut world = World::new();
    world.user("u");
    for nth in 0..21 {
        world.policy(&format!("P{nth}"), READ);
    }
    for nth in 0..20 {
        world.attach_to_user("Custom", &format!("P{nth}"), "u");
    }
    world.attach_to_user("System", "AliyunOSSReadOnlyAccess", "u");
    let request = AttachPolicyToUser {
        policy_name: named("P20"),
        policy_type: named("Custom"),
        user_name: named("u"),
    };
    let more = world.run(|directory, context| directory.attach_policy_to_user(context, &request));
    assert_eq!(code(more), "LimitExceeded.User.Policy");
}

#[test]
fn a_new_default_version_is_in_effect_at_once() {
    let mut world = World::new();
    world.user("u");
    create(&mut world, "P", READ).unwrap();
    world.attach_to_user("Custom", "P", "u");
    let identity = world.identity_of("u");
    let text = |world: &World| {
        let layers = world.directory.layers(&identity).unwrap();
        (layers.identity[0].policy.text().to_owned(), layers.identity)
    };
    let (before, first) = text(&world);
    assert_eq!(before, READ);
    let (_, second) = text(&world);
    assert!(Arc::ptr_eq(&first, &second), "put together once");
    add_version(&mut world, ASSUME, false, None).unwrap();
    assert_eq!(text(&world).0, READ);
    add_version(&mut world, ASSUME, true, None).unwrap();
    assert_eq!(text(&world).0, ASSUME);
}
