//! Identities are on disk before anybody sees them, and take effect on the next request.

use std::sync::Arc;

use http::{Method, StatusCode};
use osier_auth::Secret;
use osier_auth::directory::{
    Context, ControlFault, CreateAccessKey, CreateUser, DeleteAccessKey, Directory, GetUser,
    UpdateAccessKey, Vault,
};
use osier_engine::faults::FaultyEngine;
use osier_engine::memory::MemoryEngine;
use osier_engine::{Engine, EngineError, Family, KeyRange, TableId};
use osier_service::{Identities, IdentitiesError};
use osier_store::{Store, StoreSettings};
use osier_types::{Clock as _, FaultKind, ManualClock, SeededRng, Timestamp};

use crate::harness::{ACCOUNT, Ask, Harness, KEY_ID, SECRET};

const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);
const CANARY: &str = "CanarySecretCanarySecretCanary";

async fn store(engine: Arc<dyn Engine>) -> Arc<Store> {
    let clock = Arc::new(ManualClock::new(NOW));
    let rng = Arc::new(SeededRng::new(3));
    let store = Store::open(engine, clock, rng, StoreSettings::default()).await;
    Arc::new(store.unwrap())
}

async fn open(store: &Arc<Store>, vault: u8) -> Result<Identities, IdentitiesError> {
    let rng = Arc::new(SeededRng::new(u64::from(vault)));
    Identities::open(Arc::clone(store), Vault::new([vault; 32]), rng).await
}

fn context(rng: &SeededRng) -> Context<'_> {
    Context {
        account: ACCOUNT,
        now: NOW,
        rng,
    }
}

async fn add_account(identities: &Identities) {
    let made = identities.change(|directory| {
        let new = osier_auth::directory::NewAccount {
            id: Some(ACCOUNT.into()),
            display_name: "one".into(),
            email: String::new(),
        };
        directory.create_account(new, &context(&SeededRng::new(1)))
    });
    made.await.unwrap().unwrap();
}

fn add_user(directory: &mut Directory, name: &str, seed: u64) -> Result<(), ControlFault> {
    let user = CreateUser {
        user_name: name.into(),
        ..CreateUser::default()
    };
    let rng = SeededRng::new(seed);
    directory.create_user(&context(&rng), user).map(drop)
}

fn has_user(directory: &Directory, name: &str) -> bool {
    let user = GetUser {
        user_name: name.into(),
    };
    directory
        .get_user(&context(&SeededRng::new(1)), &user)
        .is_ok()
}

fn adopt(directory: &mut Directory, id: &str) -> Result<(), ControlFault> {
    let rng = SeededRng::new(1);
    directory.adopt_root_key(&context(&rng), id, &Secret::new(CANARY))
}

#[tokio::test]
async fn changes_survive_a_restart_and_none_is_lost_to_another() {
    let engine = Arc::new(MemoryEngine::new());
    let first = store(Arc::clone(&engine) as _).await;
    let identities = Arc::new(open(&first, 7).await.unwrap());
    add_account(&identities).await;
    let mut all = Vec::new();
    for nth in 0..32 {
        let identities = Arc::clone(&identities);
        all.push(tokio::spawn(async move {
            let added = identities.change(|directory| add_user(directory, &format!("u{nth}"), nth));
            added.await.unwrap().unwrap();
        }));
    }
    for one in all {
        one.await.unwrap();
    }
    let refused = identities.change(|directory| {
        add_user(directory, "half", 99)?;
        add_user(directory, "u1", 98)
    });
    assert!(refused.await.unwrap().is_err());

    let again = store(engine).await;
    let again = open(&again, 7).await.unwrap();
    for directory in [identities.current(), again.current()] {
        for nth in 0..32 {
            assert!(has_user(&directory, &format!("u{nth}")), "{nth}");
        }
        assert!(!has_user(&directory, "half"), "a refused change is none");
    }
}

#[tokio::test]
async fn what_can_not_be_kept_is_not_seen() {
    let engine = Arc::new(FaultyEngine::new(Arc::new(MemoryEngine::new())));
    let store = store(Arc::clone(&engine) as _).await;
    let identities = open(&store, 7).await.unwrap();
    add_account(&identities).await;
    engine.fail_at(0, || EngineError::Full);
    let failed = identities.change(|directory| add_user(directory, "lost", 1));
    assert!(failed.await.is_err());
    assert!(!has_user(&identities.current(), "lost"));
}

#[tokio::test]
async fn s19_rows_show_nothing_and_open_with_their_own_key_only() {
    let engine = Arc::new(MemoryEngine::new());
    let first = store(Arc::clone(&engine) as _).await;
    let identities = open(&first, 7).await.unwrap();
    add_account(&identities).await;
    let active = osier_auth::directory::AccessKeyStatus::Active;
    let put = identities.change(|directory| {
        let rng = SeededRng::new(1);
        directory.put_access_key(&context(&rng), None, "given", &Secret::new(CANARY), active)
    });
    assert!(put.await.unwrap().unwrap());
    let rows = first.identity_rows().await.unwrap();
    assert_eq!(rows.len(), 2);
    for (_, row) in &rows {
        assert!(!row.windows(6).any(|part| part == b"Canary"));
        assert!(!row.windows(3).any(|part| part == b"one"));
    }
    // In a table of their own.
    for family in Family::ALL {
        let page = engine.scan(TableId::SYSTEM, family, KeyRange::ALL, 9).await;
        assert!(page.unwrap().rows.is_empty());
    }
    assert!(matches!(
        open(&first, 8).await,
        Err(IdentitiesError::Sealed(_))
    ));
    assert!(!format!("{identities:?} {:?}", identities.current()).contains(CANARY));
}

#[tokio::test]
async fn a_root_key_that_is_kept_elsewhere_stays_disabled_over_restarts() {
    let engine = Arc::new(MemoryEngine::new());
    let kept = store(Arc::clone(&engine) as _).await;
    let enabled = |identities: &Identities, id| {
        let key = osier_auth::KeyRing::key(identities, id);
        key.map(|key| key.enabled)
    };
    let restarted = async |id: &'static str| {
        let identities = open(&kept, 7).await.unwrap();
        let adopted = identities.change(|directory| adopt(directory, id));
        adopted.await.unwrap().unwrap();
        identities
    };
    let rng = SeededRng::new(1);
    let set = async |identities: &Identities, status: &str| {
        let request = UpdateAccessKey {
            user_name: None,
            user_access_key_id: "root-key".into(),
            status: status.into(),
        };
        let set = identities
            .change(|directory| directory.update_access_key(&context(&rng), &request))
            .await;
        set.unwrap().unwrap();
    };
    add_account(&open(&kept, 7).await.unwrap()).await;

    let first = restarted("root-key").await;
    assert_eq!(enabled(&first, "root-key"), Some(true));
    assert_eq!(
        kept.identity_rows().await.unwrap().len(),
        1,
        "not kept here"
    );
    set(&first, "Inactive").await;
    let second = restarted("root-key").await;
    assert_eq!(enabled(&second, "root-key"), Some(false));
    set(&second, "Active").await;
    assert_eq!(kept.identity_rows().await.unwrap().len(), 1, "nor now");
    let deleted = second.change(|directory| {
        let request = DeleteAccessKey {
            user_name: None,
            user_access_key_id: "root-key".into(),
        };
        directory.delete_access_key(&context(&rng), &request)
    });
    deleted.await.unwrap().unwrap();
    assert_eq!(enabled(&second, "root-key"), None);
    let third = restarted("root-key").await;
    assert_eq!(
        enabled(&third, "root-key"),
        Some(false),
        "a file can't revive"
    );
    // Another key in its place ends it, now and later.
    let replaced = third.change(|directory| adopt(directory, "new-root-key"));
    replaced.await.unwrap().unwrap();
    assert_eq!(enabled(&third, "root-key"), None);
    assert_eq!(enabled(&third, "new-root-key"), Some(true));
}

#[tokio::test]
async fn keys_take_effect_on_the_next_request() {
    let harness = Harness::new().await;
    let rng = SeededRng::new(9);
    let created = harness.identities.change(|directory| {
        let request = CreateAccessKey { user_name: None };
        directory.create_access_key(&context(&rng), &request)
    });
    let created = created.await.unwrap().unwrap();
    let id = created.access_key_id.clone();
    let secret = String::from_utf8(created.access_key_secret.reveal().to_vec()).unwrap();
    let answer = async || {
        let ask = Ask::new(Method::GET, "/").by(Some(&id));
        let answer = harness
            .send(ask.request(harness.clock.now(), &secret))
            .await;
        (answer.status, answer.code().to_owned())
    };
    let set = async |status: &str| {
        let request = UpdateAccessKey {
            user_name: None,
            user_access_key_id: id.clone(),
            status: status.into(),
        };
        let set = harness
            .identities
            .change(|directory| directory.update_access_key(&context(&rng), &request))
            .await;
        set.unwrap().unwrap();
    };
    let refused = |code: &str| (StatusCode::FORBIDDEN, code.to_owned());
    assert_eq!(answer().await.0, StatusCode::OK);
    set("Inactive").await;
    assert_eq!(answer().await, refused("InvalidAccessKeyId"));
    set("Active").await;
    assert_eq!(answer().await.0, StatusCode::OK);
    let deleted = harness.identities.change(|directory| {
        let request = DeleteAccessKey {
            user_name: None,
            user_access_key_id: id.clone(),
        };
        directory.delete_access_key(&context(&rng), &request)
    });
    deleted.await.unwrap().unwrap();
    assert_eq!(answer().await, refused("InvalidAccessKeyId"));
    // The first key is as it was.
    let ask = Ask::new(Method::GET, "/").by(Some(KEY_ID));
    let answer = harness.send(ask.request(harness.clock.now(), SECRET)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_fault_tells_what_it_is() {
    let engine = Arc::new(FaultyEngine::new(Arc::new(MemoryEngine::new())));
    let store = store(Arc::clone(&engine) as _).await;
    engine.fail_at(0, || EngineError::Full);
    let fault = store.identity_rows().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::InsufficientStorage);
}
