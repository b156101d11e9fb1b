//! Retention, legal hold and retention policies: what can be removed, when, and by whom.

use osier_types::{
    BucketLock, BucketVersioning, CompletedParts, ConfigKind, DefaultRetention, DeleteConditions,
    DeleteObject, FaultKind, LegalHold, LockedBy, NewObject, ObjectLock, Op, Outcome, PutBucket,
    PutObjectRetention, Retention, RetentionMode, RetentionPeriod, Timestamp, VersionId, WormState,
};

use super::kit::*;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn days(days: i64) -> Timestamp {
    START.plus_millis(days * DAY_MS)
}

fn governance(until: Timestamp) -> Retention {
    Retention {
        mode: RetentionMode::Governance,
        until,
    }
}

fn compliance(until: Timestamp) -> Retention {
    Retention {
        mode: RetentionMode::Compliance,
        until,
    }
}

fn kept(retention: Retention) -> NewObject {
    NewObject {
        lock: ObjectLock {
            retention: Some(retention),
            legal_hold: None,
        },
        ..NewObject::default()
    }
}

/// A kit whose bucket has object lock.
async fn locking() -> Kit {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    lock_by_default(&kit, None).await;
    kit
}

async fn lock_by_default(kit: &Kit, default: Option<DefaultRetention>) {
    let op = Op::PutBucketObjectLock {
        bucket: name("bkt"),
        lock: BucketLock { default },
    };
    kit.run(op).await.unwrap();
}

async fn put(kit: &Kit, new: NewObject) -> VersionId {
    let mut op = put_op("k");
    op.new = new;
    kit.put_with(op, &bytes(1, 50))
        .await
        .unwrap()
        .version
        .unwrap()
}

async fn delete(kit: &Kit, version: VersionId, bypass: bool) -> Result<Outcome, FaultKind> {
    kit.run(Op::DeleteObject(DeleteObject {
        object: at("bkt", "k", Some(version)),
        conditions: DeleteConditions::default(),
        bypass_governance: bypass,
    }))
    .await
}

async fn retain(
    kit: &Kit,
    version: VersionId,
    retention: Option<Retention>,
    bypass: bool,
) -> Result<Outcome, FaultKind> {
    kit.run(Op::PutObjectRetention(PutObjectRetention {
        object: at("bkt", "k", Some(version)),
        retention,
        bypass_governance: bypass,
    }))
    .await
}

async fn hold(kit: &Kit, version: VersionId, hold: LegalHold) {
    let object = at("bkt", "k", Some(version));
    kit.run(Op::PutObjectLegalHold { object, hold })
        .await
        .unwrap();
}

fn locked(retention: Retention) -> FaultKind {
    FaultKind::ObjectLocked(LockedBy::Retention(retention))
}

#[tokio::test]
async fn s41_a_retention_ends_by_time_alone() {
    let kit = locking().await;
    let until = compliance(days(2));
    let version = put(&kit, kept(until)).await;
    for bypass in [false, true] {
        assert_eq!(delete(&kit, version, bypass).await, Err(locked(until)));
    }
    // Deleting without a version hides it, and no more.
    kit.delete("k", None).await;
    assert_eq!(kit.get_version("k", version).await.unwrap(), bytes(1, 50));
    // A clock that goes back does not end it, one that goes on does.
    kit.clock.advance_ms(-10 * DAY_MS);
    assert_eq!(delete(&kit, version, true).await, Err(locked(until)));
    kit.clock.advance_ms(12 * DAY_MS - 1);
    assert_eq!(delete(&kit, version, false).await, Err(locked(until)));
    let kit = kit.reopen().await;
    assert_eq!(delete(&kit, version, false).await, Err(locked(until)));
    kit.clock.advance_ms(1);
    delete(&kit, version, false).await.unwrap();
    kit.assert_sound().await;
}

#[tokio::test]
async fn s41_governance_can_be_bypassed_by_those_who_may() {
    let kit = locking().await;
    let until = governance(days(2));
    let version = put(&kit, kept(until)).await;
    assert_eq!(delete(&kit, version, false).await, Err(locked(until)));
    delete(&kit, version, true).await.unwrap();
}

#[tokio::test]
async fn s41_retentions_get_longer_not_shorter() {
    let kit = locking().await;
    let version = put(&kit, kept(compliance(days(2)))).await;
    let shorter = Some(compliance(days(1)));
    let weaker = Some(governance(days(5)));
    for change in [shorter, weaker, None] {
        for bypass in [false, true] {
            let refused = retain(&kit, version, change, bypass).await;
            assert_eq!(refused, Err(locked(compliance(days(2)))), "{change:?}");
        }
    }
    let longer = Some(compliance(days(3)));
    retain(&kit, version, longer, false).await.unwrap();
    let past = Some(compliance(days(-1)));
    let refused = retain(&kit, version, past, false).await;
    assert!(matches!(refused, Err(FaultKind::InvalidArgument { .. })));

    let version = put(&kit, kept(governance(days(2)))).await;
    for change in [Some(governance(days(1))), Some(compliance(days(4))), None] {
        let refused = retain(&kit, version, change, false).await;
        assert_eq!(refused, Err(locked(governance(days(2)))), "{change:?}");
    }
    let longer = governance(days(3));
    retain(&kit, version, Some(longer), false).await.unwrap();
    let object = || at("bkt", "k", Some(version));
    let told = kit.run(Op::GetObjectRetention(object())).await;
    assert_eq!(told, Ok(Outcome::Retention(longer)));
    retain(&kit, version, None, true).await.unwrap();
    let told = kit.run(Op::GetObjectRetention(object())).await;
    assert_eq!(told, Err(FaultKind::NoSuchObjectLock));
    delete(&kit, version, false).await.unwrap();
}

#[tokio::test]
async fn s41_a_legal_hold_has_no_end_of_its_own() {
    let kit = locking().await;
    let version = put(&kit, NewObject::default()).await;
    let object = || at("bkt", "k", Some(version));
    let told = kit.run(Op::GetObjectLegalHold(object())).await;
    assert_eq!(told, Err(FaultKind::NoSuchObjectLock));
    hold(&kit, version, LegalHold::On).await;
    kit.clock.advance_ms(1000 * DAY_MS);
    let held = Err(FaultKind::ObjectLocked(LockedBy::LegalHold));
    assert_eq!(delete(&kit, version, true).await, held);
    hold(&kit, version, LegalHold::Off).await;
    let told = kit.run(Op::GetObjectLegalHold(object())).await;
    assert_eq!(told, Ok(Outcome::LegalHold(LegalHold::Off)));
    delete(&kit, version, false).await.unwrap();
}

#[tokio::test]
async fn defaults_of_the_bucket() {
    let kit = locking().await;
    let default = DefaultRetention {
        mode: RetentionMode::Governance,
        period: RetentionPeriod::Days(3),
    };
    lock_by_default(&kit, Some(default)).await;
    put(&kit, NewObject::default()).await;
    let told = |text: &'static str| {
        let kit = &kit;
        async move { kit.head(text).await.unwrap().lock.retention }
    };
    assert_eq!(told("k").await, Some(governance(days(3))));
    put(&kit, kept(compliance(days(1)))).await;
    assert_eq!(told("k").await, Some(compliance(days(1))));
    kit.copy(copy_op("k", None, "copy")).await.unwrap();
    assert_eq!(told("copy").await, Some(governance(days(3))));
    let id = kit
        .initiate_with("parts", false, kept(compliance(days(9))))
        .await;
    kit.part("parts", &id, 1, b"12345678").await.unwrap();
    kit.complete("parts", &id, CompletedParts::All)
        .await
        .unwrap();
    assert_eq!(told("parts").await, Some(compliance(days(9))));
    // What a locked object grows by would change it.
    kit.append(append_op("grown", 0), b"1").await.unwrap();
    let refused = kit.append(append_op("grown", 1), b"2").await;
    assert_eq!(refused, Err(locked(governance(days(3)))));
    kit.assert_sound().await;
}

#[tokio::test]
async fn object_lock_needs_versions_and_keeps_them() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let enable = || Op::PutBucketObjectLock {
        bucket: bucket(),
        lock: BucketLock::default(),
    };
    let told = kit.run(Op::GetBucketObjectLock { bucket: bucket() }).await;
    assert_eq!(told, Err(FaultKind::NoSuchConfig(ConfigKind::ObjectWorm)));
    let invalid = |done| matches!(done, Err(FaultKind::InvalidBucketState { .. }));
    assert!(invalid(kit.run(enable()).await));
    let mut op = put_op("k");
    op.new = kept(compliance(days(1)));
    let refused = kit.put_with(op, b"").await;
    assert!(matches!(refused, Err(FaultKind::InvalidRequest { .. })));
    kit.versioning(BucketVersioning::Enabled).await;
    kit.run(enable()).await.unwrap();
    let suspend = Op::PutBucketVersioning {
        bucket: bucket(),
        status: BucketVersioning::Suspended,
    };
    assert!(invalid(kit.run(suspend).await));
    let kit = kit.reopen().await;
    let told = kit.run(Op::GetBucketObjectLock { bucket: bucket() }).await;
    assert_eq!(told, Ok(Outcome::BucketLock(BucketLock::default())));
    let op = PutBucket {
        bucket: name("other"),
        acl: None,
        storage_class: None,
        redundancy: None,
        tags: None,
        object_lock: true,
        ownership: None,
    };
    kit.run(Op::PutBucket(op)).await.unwrap();
    let record = kit.store.bucket(&name("other")).unwrap();
    assert_eq!(record.versioning, Some(BucketVersioning::Enabled));
    assert!(record.lock.is_some());
}

/// A null version of before is protected like any other.
#[tokio::test]
async fn s41_a_retention_policy_keeps_every_object() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let initiate = || Op::InitiateBucketWorm {
        bucket: bucket(),
        days: 2,
    };
    kit.put("k", &bytes(1, 50)).await;
    let Ok(Outcome::WormInitiated(id)) = kit.run(initiate()).await else {
        panic!("no policy");
    };
    assert_eq!(kit.run(initiate()).await, Err(FaultKind::WormAlreadyExists));
    let immutable = FaultKind::ObjectLocked(LockedBy::Worm { until: days(2) });
    let remove = |text: &'static str| kit.run(delete_op("bkt", text, None));
    assert_eq!(remove("k").await, Err(immutable.clone()));
    let over = kit.put_with(put_op("k"), b"new").await;
    assert_eq!(over, Err(immutable.clone()));
    let over = kit.copy(copy_op("k", None, "k")).await;
    assert_eq!(over, Err(immutable.clone()));
    assert_eq!(kit.get("k").await.unwrap(), bytes(1, 50));
    // New objects may come.
    kit.put("new", b"1").await;
    let versioned = kit.run(Op::PutBucketVersioning {
        bucket: bucket(),
        status: BucketVersioning::Enabled,
    });
    assert!(matches!(
        versioned.await,
        Err(FaultKind::InvalidBucketState { .. })
    ));

    let complete = |id: &str| Op::CompleteBucketWorm {
        bucket: bucket(),
        worm_id: id.to_owned(),
    };
    let extend = |days| Op::ExtendBucketWorm {
        bucket: bucket(),
        worm_id: id.clone(),
        days,
    };
    let unknown = Err(FaultKind::NoSuchConfig(ConfigKind::Worm));
    assert_eq!(kit.run(complete("other")).await, unknown);
    assert_eq!(kit.run(extend(9)).await, unknown);
    kit.run(complete(&id)).await.unwrap();
    let abort = || Op::AbortBucketWorm { bucket: bucket() };
    assert_eq!(kit.run(abort()).await, Err(FaultKind::WormLocked));
    let shorter = kit.run(extend(1)).await;
    assert!(matches!(shorter, Err(FaultKind::InvalidArgument { .. })));
    kit.run(extend(4)).await.unwrap();
    kit.clock.advance_ms(3 * DAY_MS);
    let immutable = FaultKind::ObjectLocked(LockedBy::Worm { until: days(4) });
    assert_eq!(remove("k").await, Err(immutable));
    kit.clock.advance_ms(DAY_MS);
    remove("k").await.unwrap();
    kit.assert_sound().await;
}

#[tokio::test]
async fn a_policy_that_nobody_locks_lapses() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let initiate = || Op::InitiateBucketWorm {
        bucket: bucket(),
        days: 10,
    };
    let Ok(Outcome::WormInitiated(id)) = kit.run(initiate()).await else {
        panic!("no policy");
    };
    kit.put("k", b"1").await;
    kit.clock.advance_ms(DAY_MS + 1);
    let Ok(Outcome::BucketWorm { state, .. }) =
        kit.run(Op::GetBucketWorm { bucket: bucket() }).await
    else {
        panic!("no policy");
    };
    assert_eq!(state, WormState::Expired);
    kit.delete("k", None).await;
    let late = kit.run(Op::CompleteBucketWorm {
        bucket: bucket(),
        worm_id: id,
    });
    assert_eq!(late.await, Err(FaultKind::NoSuchConfig(ConfigKind::Worm)));
    kit.run(initiate()).await.unwrap();
    kit.run(Op::AbortBucketWorm { bucket: bucket() })
        .await
        .unwrap();
    let told = kit.run(Op::GetBucketWorm { bucket: bucket() }).await;
    assert_eq!(told, Err(FaultKind::NoSuchConfig(ConfigKind::Worm)));
}

/// What can't be read may say that it must be kept.
#[tokio::test]
async fn s41_a_row_that_cannot_be_read_is_not_removed() {
    let kit = locking().await;
    let version = put(&kit, kept(governance(days(2)))).await;
    let bucket = kit.store.open_bucket(&name("bkt")).unwrap();
    let (family, group) = (osier_engine::Family::Current, b"k");
    let row = kit.store.get_row(&bucket, family, group).await.unwrap();
    let good = row.unwrap();
    // Of layout 2, its last bytes are the later fields.
    assert_eq!(good[0], 2);
    let mut unknown_field = good.to_vec();
    let at = unknown_field.len() - 10;
    unknown_field[at..].fill(0x7F);
    let mut unknown_layout = good.to_vec();
    unknown_layout[0] = 3;
    for bad in [
        unknown_field,
        unknown_layout,
        good[..good.len() - 2].to_vec(),
    ] {
        let mut batch = osier_engine::Batch::default();
        let key = bytes::Bytes::from_static(group);
        batch.puts.push((family, key, bad.into()));
        let engine = kit.store.engine();
        engine.commit(bucket.table, group, batch).await.unwrap();
        for bypass in [false, true] {
            let refused = delete(&kit, version, bypass).await;
            assert_eq!(refused, Err(FaultKind::Damaged));
        }
        assert_eq!(kit.get("k").await, Err(FaultKind::Damaged));
        let over = kit.put_with(put_op("k"), b"new").await;
        assert_eq!(over, Err(FaultKind::Damaged));
    }
}
