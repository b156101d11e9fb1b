use super::*;

fn create(world: &mut World, request: CreateRole) -> Result<Role, ControlFault> {
    world.run(|directory, context| directory.create_role(context, request))
}

fn sample(name: &str) -> CreateRole {
    CreateRole {
        role_name: named(name),
        assume_role_policy_document: trust("acs:ram::1000000000000001:root"),
        tags: vec![(named("k"), named("v"))],
        ..CreateRole::default()
    }
}

#[test]
fn a_role_comes_and_goes() {
    let mut world = World::new();
    let created = create(&mut world, sample("Uploader")).unwrap();
    assert_eq!(created.arn, format!("acs:ram::{ACCOUNT}:role/uploader"));
    assert_eq!(
        (created.role_name.as_str(), created.max_session_duration),
        ("Uploader", 3600)
    );
    let get = |world: &mut World, name: &str| {
        let request = GetRole {
            role_name: named(name),
        };
        world.run(|directory, context| directory.get_role(context, &request))
    };
    assert_eq!(get(&mut world, "UPLOADER").unwrap(), created);
    let again = create(&mut world, sample("uploader"));
    assert_eq!(code(again), "EntityAlreadyExists.Role");
    let delete = DeleteRole {
        role_name: named("uploader"),
    };
    world.attach_to_role("System", "AliyunOSSReadOnlyAccess", "uploader");
    let kept = world.run(|directory, context| directory.delete_role(context, &delete));
    assert_eq!(code(kept), "DeleteConflict.Role.Policy");
    let detach = DetachPolicyFromRole {
        policy_name: named("AliyunOSSReadOnlyAccess"),
        policy_type: named("System"),
        role_name: named("uploader"),
    };
    world
        .run(|directory, context| directory.detach_policy_from_role(context, &detach))
        .unwrap();
    world
        .run(|directory, context| directory.delete_role(context, &delete))
        .unwrap();
    assert_eq!(code(get(&mut world, "Uploader")), "EntityNotExist.Role");
    let again = world.run(|directory, context| directory.delete_role(context, &delete));
    assert_eq!(code(again), "EntityNotExist.Role");
}

#[test]
fn a_roles_parameters_are_checked() {
    let mut world = World::new();
    for (request, expected) in [
        (sample(""), "MissingRoleName"),
        (sample("a b"), "InvalidParameter.RoleName"),
        (
            CreateRole {
                assume_role_policy_document: String::new(),
                ..sample("r")
            },
            "MissingAssumeRolePolicyDocument",
        ),
        (
            CreateRole {
                assume_role_policy_document: named(READ),
                ..sample("r")
            },
            "MalformedPolicyDocument",
        ),
        (
            CreateRole {
                max_session_duration: Some(3599),
                ..sample("r")
            },
            "InvalidParameter.MaxSessionDuration",
        ),
        (
            CreateRole {
                max_session_duration: Some(43_201),
                ..sample("r")
            },
            "InvalidParameter.MaxSessionDuration",
        ),
        (
            CreateRole {
                description: Some("d".repeat(1025)),
                ..sample("r")
            },
            "InvalidParameter.Description",
        ),
    ] {
        assert_eq!(code(create(&mut world, request)), expected);
    }
    assert!(world.directory.take_changes().is_empty());
}

#[test]
fn a_role_is_changed() {
    let mut world = World::new();
    create(&mut world, sample("r")).unwrap();
    let update = |world: &mut World, request: UpdateRole| {
        world.run(|directory, context| directory.update_role(context, request))
    };
    let changed = update(
        &mut world,
        UpdateRole {
            role_name: named("R"),
            new_assume_role_policy_document: Some(trust("acs:ram::1000000000000002:root")),
            new_description: Some(named("d")),
            new_max_session_duration: Some(43_200),
            new_allow_console_login: Some(false),
        },
    )
    .unwrap();
    assert!(changed.assume_role_policy_document.contains("0002:root"));
    assert_eq!(
        (changed.max_session_duration, changed.allow_console_login),
        (43_200, false)
    );
    let with = |name: &str| UpdateRole {
        role_name: named(name),
        ..UpdateRole::default()
    };
    assert_eq!(code(update(&mut world, with("x"))), "EntityNotExist.Role");
    let bad = UpdateRole {
        new_assume_role_policy_document: Some(named("{")),
        ..with("r")
    };
    assert_eq!(code(update(&mut world, bad)), "MalformedPolicyDocument");
    let bad = UpdateRole {
        new_max_session_duration: Some(1),
        ..with("r")
    };
    assert_eq!(
        code(update(&mut world, bad)),
        "InvalidParameter.NewMaxSessionDuration"
    );
}

#[test]
fn roles_are_listed() {
    let mut world = World::new();
    create(&mut world, sample("b")).unwrap();
    world.role("A", "acs:ram::1000000000000001:root");
    let list = |world: &mut World, tags: TagPairs, max_items| {
        let request = ListRoles {
            marker: None,
            max_items,
            tags,
        };
        world.run(|directory, context| directory.list_roles(context, &request))
    };
    let all = list(&mut world, Vec::new(), None).unwrap();
    let names: Vec<&str> = all
        .items
        .iter()
        .map(|role| role.role_name.as_str())
        .collect();
    assert_eq!(names, ["A", "b"]);
    let tagged = list(&mut world, vec![(named("k"), String::new())], None).unwrap();
    assert_eq!(tagged.items.len(), 1);
    assert!(
        list(&mut world, Vec::new(), Some(1))
            .unwrap()
            .is_truncated()
    );
    assert_eq!(
        code(list(&mut world, Vec::new(), Some(0))),
        "InvalidParameter.MaxItems"
    );
}
