use super::*;
use crate::policy::RequestResource;

fn put(world: &mut World, holder: PolicyHolder, document: &str) -> Result<(), ControlFault> {
    let request = PutInlinePolicy {
        holder,
        policy_name: named("inline"),
        policy_document: document.to_owned(),
    };
    world.run(|directory, context| directory.put_inline_policy(context, request))
}

fn may(world: &World, identity: &Identity) -> bool {
    let resource = RequestResource::control("ram", ACCOUNT, "user/alice");
    let conditions = Conditions::default();
    let permitted = world
        .directory
        .permit(identity, "ram:GetUser", &resource, &conditions);
    permitted.is_ok()
}

#[test]
fn they_hold_for_whom_they_are_part_of() {
    let mut world = World::new();
    world.user("alice");
    world.group("readers");
    let alice = world.identity_of("alice");
    assert!(!may(&world, &alice));
    let get = allow("iam:GetUser", "*");
    put(&mut world, PolicyHolder::User(named("alice")), &get).unwrap();
    assert!(may(&world, &alice));
    // A second one of the name replaces the first.
    put(
        &mut world,
        PolicyHolder::User(named("alice")),
        &allow("oss:*", "*"),
    )
    .unwrap();
    assert!(!may(&world, &alice));
    put(&mut world, PolicyHolder::Group(named("readers")), &get).unwrap();
    assert!(!may(&world, &alice));
    let join = AddUserToGroup {
        user_name: named("alice"),
        group_name: named("readers"),
    };
    world
        .run(|directory, context| directory.add_user_to_group(context, &join))
        .unwrap();
    assert!(may(&world, &alice));
}

#[test]
fn they_are_kept_with_their_holder_and_keep_it_from_deletion() {
    let mut world = World::new();
    world.user("alice");
    let alice = || PolicyHolder::User(named("alice"));
    assert_eq!(
        code(put(&mut world, alice(), "{")),
        "MalformedPolicyDocument"
    );
    assert_eq!(
        code(put(&mut world, PolicyHolder::Role(named("none")), READ)),
        "EntityNotExist.Role"
    );
    put(&mut world, alice(), READ).unwrap();
    let changes = world.directory.take_changes();
    let Some(Record::User(kept)) = changes.last().and_then(|change| change.record.clone()) else {
        panic!("{changes:?}");
    };
    assert_eq!((kept.inline.len(), &*kept.inline[0].document), (1, READ));
    let list = ListInlinePolicies { holder: alice() };
    let listed = world.run(|directory, context| directory.list_inline_policies(context, &list));
    assert_eq!(listed.unwrap(), ["inline"]);
    let delete = DeleteUser {
        user_name: named("alice"),
    };
    let deleted = world.run(|directory, context| directory.delete_user(context, &delete));
    assert_eq!(code(deleted), "DeleteConflict.User.InlinePolicy");
    let drop = DeleteInlinePolicy {
        holder: alice(),
        policy_name: named("inline"),
    };
    let mut drop =
        || world.run(|directory, context| directory.delete_inline_policy(context, &drop));
    drop().unwrap();
    assert_eq!(code(drop()), "EntityNotExist.InlinePolicy");
}
