use super::*;
use crate::{Principal, Secret};

fn set_status(
    world: &mut World,
    user: Option<&str>,
    id: &str,
    status: &str,
) -> Result<(), ControlFault> {
    let request = UpdateAccessKey {
        user_name: user.map(str::to_owned),
        user_access_key_id: named(id),
        status: named(status),
    };
    world.run(|directory, context| directory.update_access_key(context, &request))
}

fn delete(world: &mut World, user: Option<&str>, id: &str) -> Result<(), ControlFault> {
    let request = DeleteAccessKey {
        user_name: user.map(str::to_owned),
        user_access_key_id: named(id),
    };
    world.run(|directory, context| directory.delete_access_key(context, &request))
}

#[test]
fn a_key_is_what_it_was_said_to_be() {
    let mut world = World::new();
    world.user("u");
    let key = world.key(Some("u"));
    assert!(key.access_key_id.starts_with("LTAI5t") && key.access_key_id.len() == 24);
    assert_eq!(key.access_key_secret.reveal().len(), 30);
    assert_eq!(key.status, AccessKeyStatus::Active);
    let record = world.directory.key(&key.access_key_id).unwrap();
    assert!(record.enabled && record.secret.matches(key.access_key_secret.reveal()));
    assert!(matches!(record.identity.principal, Principal::User { .. }));
    let second = world.key(Some("u"));
    assert_ne!(second.access_key_id, key.access_key_id);
    let third = CreateAccessKey {
        user_name: Some(named("u")),
    };
    let third = world.run(|directory, context| directory.create_access_key(context, &third));
    assert_eq!(code(third), "LimitExceeded.User.AccessKey");
    let nobody = CreateAccessKey {
        user_name: Some(named("nobody")),
    };
    let nobody = world.run(|directory, context| directory.create_access_key(context, &nobody));
    assert_eq!(code(nobody), "EntityNotExist.User");
    let list = ListAccessKeys {
        user_name: Some(named("u")),
    };
    let list = world
        .run(|directory, context| directory.list_access_keys(context, &list))
        .unwrap();
    assert_eq!(list.len(), 2);
}

#[test]
fn s16_disabling_and_deleting_take_effect_at_once() {
    let mut world = World::new();
    world.user("u");
    let id = world.key(Some("u")).access_key_id;
    set_status(&mut world, Some("u"), &id, "Inactive").unwrap();
    assert!(!world.directory.key(&id).unwrap().enabled);
    set_status(&mut world, Some("u"), &id, "Inactive").unwrap();
    set_status(&mut world, Some("u"), &id, "Active").unwrap();
    assert!(world.directory.key(&id).unwrap().enabled);
    let status = set_status(&mut world, Some("u"), &id, "active");
    assert_eq!(code(status), "InvalidParameter.Status");
    delete(&mut world, Some("u"), &id).unwrap();
    assert!(world.directory.key(&id).is_none());
    assert_eq!(
        code(delete(&mut world, Some("u"), &id)),
        "EntityNotExist.User.AccessKey"
    );
    let status = set_status(&mut world, Some("u"), &id, "Active");
    assert_eq!(code(status), "EntityNotExist.User.AccessKey");
}

#[test]
fn keys_belong_to_one_user() {
    let mut world = World::new();
    world.user("a");
    world.user("b");
    let id = world.key(Some("a")).access_key_id;
    let root = world.key(None).access_key_id;
    for (user, id) in [(Some("b"), &id), (None, &id), (Some("a"), &root)] {
        assert_eq!(
            code(delete(&mut world, user, id)),
            "EntityNotExist.User.AccessKey"
        );
        let status = set_status(&mut world, user, id, "Inactive");
        assert_eq!(code(status), "EntityNotExist.User.AccessKey");
        let used = GetAccessKeyLastUsed {
            user_name: user.map(str::to_owned),
            user_access_key_id: id.clone(),
        };
        let used =
            world.run(|directory, context| directory.get_access_key_last_used(context, &used));
        assert_eq!(code(used), "EntityNotExist.User.AccessKey");
    }
    let foreign = DeleteAccessKey {
        user_name: None,
        user_access_key_id: root,
    };
    let foreign = world.run_in(OTHER, |directory, context| {
        directory.delete_access_key(context, &foreign)
    });
    assert_eq!(code(foreign), "EntityNotExist.User.AccessKey");
}

#[test]
fn the_last_use_is_told_to_all_copies() {
    let mut world = World::new();
    world.user("u");
    let id = world.key(Some("u")).access_key_id;
    let request = GetAccessKeyLastUsed {
        user_name: Some(named("u")),
        user_access_key_id: id.clone(),
    };
    let used = |world: &mut World| {
        world
            .run(|directory, context| directory.get_access_key_last_used(context, &request))
            .unwrap()
    };
    assert_eq!(used(&mut world), None);
    let copy = world.directory.clone();
    set_status(&mut world, Some("u"), &id, "Inactive").unwrap();
    copy.note_use(&id, NOW);
    copy.note_use(&id, NOW.plus_millis(-5000));
    copy.note_use("unknown", NOW);
    assert_eq!(used(&mut world), Some(NOW.whole_seconds()));
}

#[test]
fn root_keys_rotate() {
    let mut world = World::new();
    let before = world.key(None);
    let after = world
        .run(|directory, context| directory.rotate_root_key(context, &before.access_key_id))
        .unwrap();
    assert!(world.directory.key(&before.access_key_id).is_none());
    let record = world.directory.key(&after.access_key_id).unwrap();
    assert_eq!(record.identity.principal, Principal::Root);
    let again =
        world.run(|directory, context| directory.rotate_root_key(context, &before.access_key_id));
    assert_eq!(code(again), "EntityNotExist.User.AccessKey");
    for _ in 0..4 {
        world.key(None);
    }
    let sixth = world.run(|directory, context| {
        directory.create_access_key(context, &CreateAccessKey::default())
    });
    assert_eq!(code(sixth), "LimitExceeded.User.AccessKey");
}

#[test]
fn keys_given_from_outside() {
    let mut world = World::new();
    let put = |world: &mut World, account: &str, id: &str, secret: &str, status| {
        world.run_in(account, |directory, context| {
            directory.put_access_key(context, None, id, &Secret::from(secret), status)
        })
    };
    let active = AccessKeyStatus::Active;
    assert!(put(&mut world, ACCOUNT, "minioadmin", "minioadmin", active).unwrap());
    assert!(!put(&mut world, ACCOUNT, "minioadmin", "minioadmin", active).unwrap());
    assert!(put(&mut world, ACCOUNT, "minioadmin", "minioadmin2", active).unwrap());
    assert!(
        world
            .directory
            .key("minioadmin")
            .unwrap()
            .secret
            .matches(b"minioadmin2")
    );
    assert!(
        put(
            &mut world,
            ACCOUNT,
            "minioadmin",
            "minioadmin2",
            AccessKeyStatus::Inactive
        )
        .unwrap()
    );
    let other = put(&mut world, OTHER, "minioadmin", "minioadmin", active);
    assert_eq!(code(other), "EntityAlreadyExists.User.AccessKey");
    for id in ["", "ab", "STS.abc", "a b c", "a:b/c", &"a".repeat(129)] {
        let bad = put(&mut world, ACCOUNT, id, "minioadmin", active);
        assert_eq!(code(bad), "InvalidParameter.AccessKeyId", "{id}");
    }
    for secret in ["", "short", "with blank", &"a".repeat(129)] {
        let bad = put(&mut world, ACCOUNT, "abc", secret, active);
        assert_eq!(code(bad), "InvalidParameter.AccessKeySecret", "{secret}");
    }
}

#[test]
fn s19_nothing_prints_a_secret() {
    let mut world = World::new();
    let key = world.key(None);
    let secret = String::from_utf8(key.access_key_secret.reveal().to_vec()).unwrap();
    let changes = world.directory.take_changes();
    let printed = format!("{key:?} {:?} {changes:?}", world.directory);
    assert!(printed.contains(&key.access_key_id));
    assert!(!printed.contains(&secret));
}
