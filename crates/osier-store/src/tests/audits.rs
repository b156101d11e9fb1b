//! What a walk over all rows finds.

use std::collections::BTreeMap;

use bytes::Bytes;
use osier_engine::{Batch, Engine as _, Family, TableId};
use osier_types::BucketVersioning;

use super::kit::*;
use crate::rows::{body_row, part_row, upload_row};

/// A bucket with a row in every family.
async fn full() -> (Kit, String) {
    let kit = Kit::new().await;
    kit.put("inline", b"few").await;
    kit.versioning(BucketVersioning::Enabled).await;
    kit.put("blob", &bytes(1, 100)).await;
    kit.put("blob", &bytes(2, 100)).await;
    kit.delete("inline", None).await;
    kit.copy(copy_op("blob", None, "copy")).await.unwrap();
    let id = kit.initiate("parts").await;
    kit.part("parts", &id, 1, &bytes(3, 100)).await.unwrap();
    (kit, id)
}

async fn tamper(kit: &Kit, batch: Batch) {
    let table = TableId(kit.store.bucket(&name("bkt")).unwrap().table);
    kit.memory.commit(table, b"", batch).await.unwrap();
}

async fn problems(kit: &Kit) -> Vec<String> {
    let report = kit.store.audit(&mut |_, _| {}).await.unwrap();
    assert!(!report.is_sound());
    report
        .buckets
        .into_iter()
        .flat_map(|bucket| bucket.problems)
        .collect()
}

#[tokio::test]
async fn references_are_told_once_each() {
    let (kit, _) = full().await;
    let mut told: BTreeMap<_, usize> = BTreeMap::new();
    let report = kit
        .store
        .audit(&mut |blob, _| *told.entry(blob).or_default() += 1)
        .await;
    let report = report.unwrap();
    assert!(report.is_sound());
    assert_eq!(
        (report.buckets.len(), report.buckets[0].bucket.as_str()),
        (1, "bkt")
    );
    assert_eq!(told.into_values().collect::<Vec<_>>(), [1, 2, 1]);
    kit.assert_sound().await;
}

#[tokio::test]
async fn every_kind_of_damage_is_found() {
    let (kit, _) = full().await;
    let counters = vec![(0, 1)];
    tamper(
        &kit,
        Batch {
            counters,
            ..Batch::default()
        },
    )
    .await;
    assert!(
        problems(&kit).await.is_empty(),
        "a wrong counter is told by its numbers"
    );

    let (kit, _) = full().await;
    let entry = kit.all_versions().await.into_iter().next_back().unwrap();
    assert_eq!(entry.key.as_str(), "inline");
    let table = TableId(kit.store.bucket(&name("bkt")).unwrap().table);
    let all = osier_engine::KeyRange::ALL;
    let bodies = kit.memory.scan(table, Family::Body, all, 10).await.unwrap();
    let deletes = vec![(Family::Body, bodies.rows[0].0.clone())];
    tamper(
        &kit,
        Batch {
            deletes,
            ..Batch::default()
        },
    )
    .await;
    let found = problems(&kit).await;
    assert_eq!(found, ["the body of a version of \"inline\" is missing"]);

    let (kit, _) = full().await;
    let row = (
        Family::Body,
        body_row(&key("blob"), 77, 0),
        Bytes::from_static(b"\x01x"),
    );
    tamper(
        &kit,
        Batch {
            puts: vec![row],
            ..Batch::default()
        },
    )
    .await;
    assert_eq!(
        problems(&kit).await,
        ["a body under \"blob\" belongs to no version"]
    );

    let (kit, id) = full().await;
    let deletes = vec![(Family::Upload, upload_row(&key("parts"), &id))];
    let counters = vec![(crate::rows::COUNTER_UPLOADS, -1)];
    tamper(
        &kit,
        Batch {
            deletes,
            counters,
            ..Batch::default()
        },
    )
    .await;
    let found = problems(&kit).await;
    assert!(
        found.len() == 1 && found[0].ends_with("belongs to no upload"),
        "{found:?}"
    );

    for family in [
        Family::Current,
        Family::Deleted,
        Family::Version,
        Family::Body,
        Family::Part,
    ] {
        let (kit, id) = full().await;
        let row = match family {
            Family::Part => part_row(&key("parts"), &id, 9),
            _ => Bytes::from_static(b"x"),
        };
        let puts = vec![(family, row, Bytes::from_static(b"\x01nonsense"))];
        tamper(
            &kit,
            Batch {
                puts,
                ..Batch::default()
            },
        )
        .await;
        let found = problems(&kit).await;
        assert!(
            found.len() == 1 && found[0].starts_with("unreadable"),
            "{family:?} {found:?}"
        );
    }
}
