use super::*;

fn create(world: &mut World, request: CreateUser) -> Result<User, ControlFault> {
    world.run(|directory, context| directory.create_user(context, request))
}

#[test]
fn a_user_comes_and_goes() {
    let mut world = World::new();
    let created = create(
        &mut world,
        CreateUser {
            user_name: named("app-oss-user"),
            display_name: Some(named("应用")),
            comments: Some(named("for uploads")),
            email: Some(named("app@example.com")),
            mobile_phone: Some(named("86-18600000000")),
        },
    )
    .unwrap();
    assert_eq!(created.user_id.len(), 18);
    assert_eq!(created.create_date, NOW.whole_seconds());
    let get = GetUser {
        user_name: named("app-oss-user"),
    };
    let got = world.run(|directory, context| directory.get_user(context, &get));
    assert_eq!(got.unwrap(), created);
    let delete = DeleteUser {
        user_name: named("app-oss-user"),
    };
    world
        .run(|directory, context| directory.delete_user(context, &delete))
        .unwrap();
    let got = world.run(|directory, context| directory.get_user(context, &get));
    assert_eq!(code(got), "EntityNotExist.User");
    let again = world.run(|directory, context| directory.delete_user(context, &delete));
    assert_eq!(code(again), "EntityNotExist.User");
    let changes = world.directory.take_changes();
    assert_eq!(changes.len(), 2);
    assert!(changes[1].record.is_none() && changes[0].name == changes[1].name);
}

#[test]
fn a_users_texts_are_checked() {
    let mut world = World::new();
    world.user("taken");
    let with = |name: &str| CreateUser {
        user_name: named(name),
        ..CreateUser::default()
    };
    let long = "a".repeat(65);
    for (request, expected) in [
        (with("taken"), "EntityAlreadyExists.User"),
        (with(""), "MissingUserName"),
        (with("a b"), "InvalidParameter.UserName"),
        (with("ä"), "InvalidParameter.UserName"),
        (with("../x"), "InvalidParameter.UserName"),
        (with(&long), "InvalidParameter.UserName"),
        (
            CreateUser {
                email: Some(named("nobody")),
                ..with("a")
            },
            "InvalidParameter.Email",
        ),
        (
            CreateUser {
                mobile_phone: Some(named("call me")),
                ..with("a")
            },
            "InvalidParameter.MobilePhone",
        ),
        (
            CreateUser {
                display_name: Some("x".repeat(129)),
                ..with("a")
            },
            "InvalidParameter.DisplayName",
        ),
        (
            CreateUser {
                comments: Some(named("a\0b")),
                ..with("a")
            },
            "InvalidParameter.Comments",
        ),
    ] {
        assert_eq!(code(create(&mut world, request)), expected);
    }
    create(&mut world, with(&"a".repeat(64))).unwrap();
    create(&mut world, with("Taken")).unwrap();
}

#[test]
fn users_are_listed_in_pages() {
    let mut world = World::new();
    for nth in 0..5 {
        world.user(&format!("u{nth}"));
    }
    let list = |world: &mut World, marker: Option<String>, max_items: Option<u32>| {
        let request = ListUsers { marker, max_items };
        world.run(|directory, context| directory.list_users(context, &request))
    };
    let mut marker = None;
    let mut seen = Vec::new();
    loop {
        let page = list(&mut world, marker, Some(2)).unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.iter().map(|user| user.user_name.clone()));
        assert_eq!(page.is_truncated(), page.marker.is_some());
        if !page.is_truncated() {
            break;
        }
        marker = page.marker;
    }
    assert_eq!(seen, ["u0", "u1", "u2", "u3", "u4"]);
    assert_eq!(list(&mut world, None, None).unwrap().items.len(), 5);
    assert!(!list(&mut world, None, Some(5)).unwrap().is_truncated());
    assert!(
        list(&mut world, Some(named("u4")), None)
            .unwrap()
            .items
            .is_empty()
    );
    for max in [0, 1001] {
        assert_eq!(
            code(list(&mut world, None, Some(max))),
            "InvalidParameter.MaxItems"
        );
    }
    let other = world.run_in(OTHER, |directory, context| {
        directory.list_users(context, &ListUsers::default())
    });
    assert!(
        other.unwrap().items.is_empty(),
        "accounts see their own only"
    );
}

#[test]
fn a_renamed_user_keeps_keys_policies_and_id() {
    let mut world = World::new();
    let before = world.user("before");
    world.user("other");
    world.attach_to_user("System", "AliyunOSSReadOnlyAccess", "before");
    let key = world.key(Some("before"));
    let update = |new_user_name: &str| UpdateUser {
        user_name: named("before"),
        new_user_name: Some(named(new_user_name)),
        new_comments: Some(named("c")),
        ..UpdateUser::default()
    };
    for (name, expected) in [
        ("other", "EntityAlreadyExists.User"),
        ("a b", "InvalidParameter.NewUserName"),
    ] {
        let done = world.run(|directory, context| directory.update_user(context, update(name)));
        assert_eq!(code(done), expected);
    }
    world.now = NOW.plus_millis(5000);
    let after = world.run(|directory, context| directory.update_user(context, update("after")));
    let after = after.unwrap();
    assert_eq!(
        (&after.user_id, after.comments.as_str()),
        (&before.user_id, "c")
    );
    assert!(after.update_date > after.create_date);
    let identity = world.directory.key(&key.access_key_id).unwrap().identity;
    assert_eq!(identity.arn(), format!("acs:ram::{ACCOUNT}:user/after"));
    assert_eq!(world.directory.layers(&identity).unwrap().identity.len(), 1);
    let gone = world.run(|directory, context| directory.update_user(context, update("x")));
    assert_eq!(code(gone), "EntityNotExist.User");
    world.user("before");
}

#[test]
fn a_user_with_anything_on_it_stays() {
    let mut world = World::new();
    world.user("u");
    world.group("g");
    let key = world.key(Some("u"));
    world.attach_to_user("System", "AliyunOSSReadOnlyAccess", "u");
    let member = AddUserToGroup {
        user_name: named("u"),
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.add_user_to_group(context, &member))
        .unwrap();
    let request = DeleteUser {
        user_name: named("u"),
    };
    let delete = |world: &mut World| {
        world.run(|directory, context| directory.delete_user(context, &request))
    };
    assert_eq!(code(delete(&mut world)), "DeleteConflict.User.AccessKey");
    let key = DeleteAccessKey {
        user_name: Some(named("u")),
        user_access_key_id: key.access_key_id,
    };
    world
        .run(|directory, context| directory.delete_access_key(context, &key))
        .unwrap();
    assert_eq!(code(delete(&mut world)), "DeleteConflict.User.Policy");
    let detach = DetachPolicyFromUser {
        policy_name: named("AliyunOSSReadOnlyAccess"),
        policy_type: named("System"),
        user_name: named("u"),
    };
    world
        .run(|directory, context| directory.detach_policy_from_user(context, &detach))
        .unwrap();
    assert_eq!(code(delete(&mut world)), "DeleteConflict.User.Group");
    let leave = RemoveUserFromGroup {
        user_name: named("u"),
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.remove_user_from_group(context, &leave))
        .unwrap();
    delete(&mut world).unwrap();
}

#[test]
fn there_is_an_end_to_users() {
    let mut world = World::new();
    for nth in 0..1000 {
        world.user(&format!("u{nth}"));
    }
    let request = CreateUser {
        user_name: named("one-more"),
        ..CreateUser::default()
    };
    assert_eq!(code(create(&mut world, request)), "LimitExceeded.User");
}

#[test]
fn accounts() {
    let mut world = World::new();
    let create = |world: &mut World, id: Option<&str>| {
        let new = NewAccount {
            id: id.map(str::to_owned),
            ..NewAccount::default()
        };
        world.run(|directory, context| directory.create_account(new, context))
    };
    assert_eq!(create(&mut world, None).unwrap().owner.id.len(), 16);
    assert_eq!(
        create(&mut world, Some("123456789")).unwrap().owner.id,
        "123456789"
    );
    assert_eq!(
        code(create(&mut world, Some(ACCOUNT))),
        "EntityAlreadyExists.Account"
    );
    assert_eq!(
        code(create(&mut world, Some("12x45"))),
        "InvalidParameter.AccountId"
    );
    let key = world.key(None);
    let update =
        world
            .directory
            .update_account(ACCOUNT, Some(named("renamed")), Some(named("a@b.c")));
    assert_eq!(update.unwrap().email, "a@b.c");
    let identity = world.directory.key(&key.access_key_id).unwrap().identity;
    assert_eq!(identity.account.display_name, "renamed");
    assert_eq!(
        code(world.directory.update_account("99999", None, None)),
        "EntityNotExist.Account"
    );
    let lost = world.run_in("99999", |directory, context| {
        directory.list_users(context, &ListUsers::default())
    });
    assert_eq!(code(lost), "EntityNotExist.Account");
}
