use super::*;

fn join(world: &mut World, user: &str, group: &str) -> Result<(), ControlFault> {
    let request = AddUserToGroup {
        user_name: named(user),
        group_name: named(group),
    };
    world.run(|directory, context| directory.add_user_to_group(context, &request))
}

fn leave(world: &mut World, user: &str, group: &str) -> Result<(), ControlFault> {
    let request = RemoveUserFromGroup {
        user_name: named(user),
        group_name: named(group),
    };
    world.run(|directory, context| directory.remove_user_from_group(context, &request))
}

#[test]
fn a_group_comes_and_goes() {
    let mut world = World::new();
    let created = world.group("g");
    let get = GetGroup {
        group_name: named("g"),
    };
    let got = world
        .run(|directory, context| directory.get_group(context, &get))
        .unwrap();
    assert_eq!(got, created);
    let again = CreateGroup {
        group_name: named("g"),
        comments: None,
    };
    let again = world.run(|directory, context| directory.create_group(context, again));
    assert_eq!(code(again), "EntityAlreadyExists.Group");
    for (name, expected) in [
        ("", "MissingGroupName"),
        ("a b", "InvalidParameter.GroupName"),
    ] {
        let bad = CreateGroup {
            group_name: named(name),
            comments: None,
        };
        let bad = world.run(|directory, context| directory.create_group(context, bad));
        assert_eq!(code(bad), expected);
    }
    let delete = DeleteGroup {
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.delete_group(context, &delete))
        .unwrap();
    let got = world.run(|directory, context| directory.get_group(context, &get));
    assert_eq!(code(got), "EntityNotExist.Group");
    let again = world.run(|directory, context| directory.delete_group(context, &delete));
    assert_eq!(code(again), "EntityNotExist.Group");
}

#[test]
fn members_come_and_go() {
    let mut world = World::new();
    world.user("a");
    world.user("b");
    world.group("g");
    world.group("h");
    join(&mut world, "a", "g").unwrap();
    join(&mut world, "b", "g").unwrap();
    join(&mut world, "a", "h").unwrap();
    assert_eq!(
        code(join(&mut world, "a", "g")),
        "EntityAlreadyExists.User.Group"
    );
    assert_eq!(code(join(&mut world, "x", "g")), "EntityNotExist.User");
    assert_eq!(code(join(&mut world, "a", "x")), "EntityNotExist.Group");
    assert_eq!(
        code(leave(&mut world, "b", "h")),
        "EntityNotExist.User.Group"
    );
    assert_eq!(code(leave(&mut world, "x", "g")), "EntityNotExist.User");
    assert_eq!(code(leave(&mut world, "a", "x")), "EntityNotExist.Group");
    let users = |world: &mut World, group: &str, max_items| {
        let request = ListUsersForGroup {
            group_name: named(group),
            marker: None,
            max_items,
        };
        world.run(|directory, context| directory.list_users_for_group(context, &request))
    };
    let page = users(&mut world, "g", Some(1)).unwrap();
    assert_eq!(
        (page.items[0].user_name.as_str(), page.marker.as_deref()),
        ("a", Some("a"))
    );
    assert_eq!(users(&mut world, "g", None).unwrap().items.len(), 2);
    assert_eq!(code(users(&mut world, "x", None)), "EntityNotExist.Group");
    assert_eq!(
        code(users(&mut world, "g", Some(0))),
        "InvalidParameter.MaxItems"
    );
    let groups = |world: &mut World, user: &str| {
        let request = ListGroupsForUser {
            user_name: named(user),
        };
        world.run(|directory, context| directory.list_groups_for_user(context, &request))
    };
    let names: Vec<String> = groups(&mut world, "a")
        .unwrap()
        .into_iter()
        .map(|group| group.group_name)
        .collect();
    assert_eq!(names, ["g", "h"]);
    assert_eq!(code(groups(&mut world, "x")), "EntityNotExist.User");
    leave(&mut world, "a", "g").unwrap();
    assert_eq!(groups(&mut world, "a").unwrap().len(), 1);
}

#[test]
fn a_renamed_group_keeps_its_members() {
    let mut world = World::new();
    world.user("a");
    world.group("g");
    world.group("taken");
    join(&mut world, "a", "g").unwrap();
    let update = |world: &mut World, name: &str, to: &str| {
        let request = UpdateGroup {
            group_name: named(name),
            new_group_name: Some(named(to)),
            new_comments: Some(named("c")),
        };
        world.run(|directory, context| directory.update_group(context, request))
    };
    assert_eq!(
        code(update(&mut world, "g", "taken")),
        "EntityAlreadyExists.Group"
    );
    assert_eq!(code(update(&mut world, "x", "y")), "EntityNotExist.Group");
    let renamed = update(&mut world, "g", "h").unwrap();
    assert_eq!(
        (renamed.group_name.as_str(), renamed.comments.as_str()),
        ("h", "c")
    );
    leave(&mut world, "a", "h").unwrap();
    let page = world
        .run(|directory, context| directory.list_groups(context, &ListGroups::default()))
        .unwrap();
    let names: Vec<&str> = page
        .items
        .iter()
        .map(|group| group.group_name.as_str())
        .collect();
    assert_eq!(names, ["h", "taken"]);
    let bad = ListGroups {
        marker: None,
        max_items: Some(0),
    };
    let bad = world.run(|directory, context| directory.list_groups(context, &bad));
    assert_eq!(code(bad), "InvalidParameter.MaxItems");
}

#[test]
fn a_group_with_anything_on_it_stays() {
    let mut world = World::new();
    world.user("a");
    world.group("g");
    join(&mut world, "a", "g").unwrap();
    let request = AttachPolicyToGroup {
        policy_name: named("AliyunOSSReadOnlyAccess"),
        policy_type: named("System"),
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.attach_policy_to_group(context, &request))
        .unwrap();
    let delete = DeleteGroup {
        group_name: named("g"),
    };
    let attempt = |world: &mut World| {
        world.run(|directory, context| directory.delete_group(context, &delete))
    };
    assert_eq!(code(attempt(&mut world)), "DeleteConflict.Group.User");
    leave(&mut world, "a", "g").unwrap();
    assert_eq!(code(attempt(&mut world)), "DeleteConflict.Group.Policy");
    let request = DetachPolicyFromGroup {
        policy_name: named("AliyunOSSReadOnlyAccess"),
        policy_type: named("System"),
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.detach_policy_from_group(context, &request))
        .unwrap();
    attempt(&mut world).unwrap();
}

#[test]
fn s16_what_a_group_grants_ends_with_the_membership() {
    let mut world = World::new();
    world.user("a");
    world.group("g");
    let identity = world.identity_of("a");
    let count = |world: &World| world.directory.layers(&identity).unwrap().identity.len();
    assert_eq!(count(&world), 0);
    join(&mut world, "a", "g").unwrap();
    assert_eq!(count(&world), 0);
    let request = AttachPolicyToGroup {
        policy_name: named("AliyunOSSReadOnlyAccess"),
        policy_type: named("System"),
        group_name: named("g"),
    };
    world
        .run(|directory, context| directory.attach_policy_to_group(context, &request))
        .unwrap();
    assert_eq!(count(&world), 1);
    world.attach_to_user("System", "AliyunOSSReadOnlyAccess", "a");
    assert_eq!(count(&world), 1, "once, however it comes");
    leave(&mut world, "a", "g").unwrap();
    assert_eq!(count(&world), 1);
}

#[test]
fn there_is_an_end_to_groups() {
    let mut world = World::new();
    world.user("a");
    for nth in 0..300 {
        world.group(&format!("g{nth}"));
    }
    let more = CreateGroup {
        group_name: named("more"),
        comments: None,
    };
    let more = world.run(|directory, context| directory.create_group(context, more));
    assert_eq!(code(more), "LimitExceeded.Group");
    for nth in 0..50 {
        join(&mut world, "a", &format!("g{nth}")).unwrap();
    }
    assert_eq!(
        code(join(&mut world, "a", "g50")),
        "LimitExceeded.User.Group"
    );
}
