//! What is kept can be put together again, and nothing of it shows a secret.

use super::*;

fn populated() -> World {
    let mut world = World::new();
    world.user("u");
    world.group("g");
    world.policy("P", READ);
    world.attach_to_user("Custom", "P", "u");
    world.role("r", "acs:ram::1000000000000001:root");
    world.attach_to_role("System", "AliyunOSSFullAccess", "r");
    world.run(|directory, context| {
        let member = AddUserToGroup {
            user_name: named("u"),
            group_name: named("g"),
        };
        directory.add_user_to_group(context, &member).unwrap();
        let renamed = UpdateUser {
            user_name: named("u"),
            new_user_name: Some(named("v")),
            ..UpdateUser::default()
        };
        directory.update_user(context, renamed).unwrap();
    });
    world
}

/// Keeps changes as a server does, sealed.
fn store(
    kept: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    changes: Vec<Change>,
    vault: &Vault,
    rng: &SeededRng,
) {
    for change in changes {
        match change.seal(vault, rng) {
            Some(sealed) => kept.insert(change.name, sealed),
            None => kept.remove(&change.name),
        };
    }
}

#[test]
fn s19_a_directory_survives_sealed() {
    let vault = Vault::new([3; 32]);
    let rng = SeededRng::new(9);
    let mut world = World {
        directory: Directory::default(),
        now: NOW,
        rng: SeededRng::new(1),
    };
    let mut kept = BTreeMap::new();
    world.run(|directory, context| {
        let new = NewAccount {
            id: Some(named(ACCOUNT)),
            ..NewAccount::default()
        };
        directory.create_account(new, context).unwrap();
        directory
            .rotate_token_keys(NOW, &SeededRng::new(4))
            .unwrap();
    });
    world.user("u");
    world.user("gone");
    let key = world.key(Some("u"));
    world.policy("P", READ);
    world.attach_to_user("Custom", "P", "u");
    world.role("r", "acs:ram::1000000000000001:root");
    store(&mut kept, world.directory.take_changes(), &vault, &rng);
    let delete = DeleteUser {
        user_name: named("gone"),
    };
    world
        .run(|directory, context| directory.delete_user(context, &delete))
        .unwrap();
    store(&mut kept, world.directory.take_changes(), &vault, &rng);

    let secret = key.access_key_secret.reveal();
    for (name, sealed) in &kept {
        assert!(name.is_ascii());
        assert!(!sealed.windows(secret.len()).any(|part| part == secret));
    }
    let records: Vec<Record> = kept
        .iter()
        .rev()
        .map(|(name, sealed)| Record::open(&vault, name, sealed).unwrap())
        .collect();
    let loaded = Directory::load(records).unwrap();
    let record = loaded.key(&key.access_key_id).unwrap();
    assert!(record.secret.matches(secret));
    assert_eq!(loaded.layers(&record.identity).unwrap().identity.len(), 1);
    assert_eq!(loaded.token_keys().len(), 1);
    let context = Context {
        account: ACCOUNT,
        now: NOW,
        rng: &world.rng,
    };
    let before = world
        .directory
        .list_users(&context, &ListUsers::default())
        .unwrap();
    assert_eq!(
        loaded.list_users(&context, &ListUsers::default()).unwrap(),
        before
    );
    assert_eq!(before.items.len(), 1);
}

#[test]
fn a_record_under_another_name_is_refused() {
    let vault = Vault::new([3; 32]);
    let rng = SeededRng::new(9);
    let mut world = populated();
    for change in world.directory.take_changes() {
        let sealed = change.seal(&vault, &rng).unwrap();
        assert!(Record::open(&vault, &change.name, &sealed).is_ok());
        let moved = Record::open(&vault, b"user/1/2", &sealed);
        assert_eq!(moved.unwrap_err(), UnsealError);
        let other = Record::open(&Vault::new([4; 32]), &change.name, &sealed);
        assert_eq!(other.unwrap_err(), UnsealError);
    }
}

#[test]
fn records_that_do_not_fit_together_are_refused() {
    let mut world = populated();
    let records: Vec<Record> = world
        .directory
        .take_changes()
        .into_iter()
        .filter_map(|change| change.record)
        .collect();
    assert!(matches!(
        Directory::load(records.clone()),
        Err(LoadError::UnknownAccount(id)) if id == ACCOUNT
    ));
    let account = Record::Account(Arc::new(
        world.directory.account_record(ACCOUNT).unwrap().clone(),
    ));
    let mut all = records;
    all.push(account);
    assert!(Directory::load(all.clone()).is_ok());
    for record in &mut all {
        if let Record::Policy(policy) = record {
            Arc::make_mut(policy).versions.clear();
        }
    }
    assert!(matches!(Directory::load(all), Err(LoadError::Policy { name, .. }) if name == "P"));
}

#[test]
fn a_copy_changes_alone() {
    let mut world = populated();
    let shared = SharedDirectory::new(world.directory.clone());
    let key = world.key(Some("v"));
    assert!(shared.key(&key.access_key_id).is_none());
    shared.replace(world.directory.clone());
    let identity = shared.key(&key.access_key_id).unwrap().identity;
    assert_eq!(shared.layers(&identity).unwrap().identity.len(), 1);
    let detach = DetachPolicyFromUser {
        policy_name: named("P"),
        policy_type: named("Custom"),
        user_name: named("v"),
    };
    world
        .run(|directory, context| directory.detach_policy_from_user(context, &detach))
        .unwrap();
    assert_eq!(shared.layers(&identity).unwrap().identity.len(), 1);
    shared.replace(world.directory.clone());
    assert_eq!(shared.layers(&identity).unwrap().identity.len(), 0);
}
