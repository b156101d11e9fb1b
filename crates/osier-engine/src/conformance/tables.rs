//! Making and dropping tables.

use super::{Subject, all_rows, bytes, fresh_table, puts};
use crate::{Batch, COUNTERS, Engine, EngineError, Family, KeyRange, TableId};

pub async fn system_table_exists(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let batch = puts(Family::Config, &[(b"conformance", b"1")]);
    engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    let row = engine
        .get(TableId::SYSTEM, Family::Config, b"conformance")
        .await
        .unwrap();
    assert_eq!(row, Some(bytes(b"1")));
    let batch = Batch {
        deletes: vec![(Family::Config, bytes(b"conformance"))],
        ..Batch::default()
    };
    engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
}

pub async fn creating_twice_keeps_rows(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let batch = Batch {
        counters: vec![(0, 4)],
        ..puts(Family::Current, &[(b"key", b"1")])
    };
    engine.commit(table, b"key", batch).await.unwrap();
    engine.create_table(table).await.unwrap();
    let rows = all_rows(&*engine, table, Family::Current).await;
    assert_eq!(rows, [(bytes(b"key"), bytes(b"1"))]);
    assert_eq!(engine.counters(table).await.unwrap()[0], 4);
}

pub async fn tables_are_apart(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let near = fresh_table(&*engine).await;
    let tables = [
        near,
        fresh_table(&*engine).await,
        TableId(near.0 << 8),
        TableId(near.0 << 48),
        TableId(u64::MAX - near.0),
    ];
    for table in tables {
        engine.create_table(table).await.unwrap();
        for key in [
            &b""[..],
            b"\0",
            b"same",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let batch = puts(Family::Current, &[(key, &table.0.to_be_bytes())]);
            engine.commit(table, key, batch).await.unwrap();
        }
    }
    for table in tables {
        let rows = all_rows(&*engine, table, Family::Current).await;
        assert_eq!(rows.len(), 4, "{table:?}");
        for (key, value) in rows {
            assert_eq!(value, bytes(table.0.to_be_bytes()));
            let row = engine.get(table, Family::Current, &key).await.unwrap();
            assert_eq!(row, Some(value));
        }
    }
}

pub async fn families_are_apart(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for (index, family) in Family::ALL.into_iter().enumerate() {
        let batch = puts(family, &[(b"same", index.to_string().as_bytes())]);
        engine.commit(table, b"same", batch).await.unwrap();
    }
    for (index, family) in Family::ALL.into_iter().enumerate() {
        let rows = all_rows(&*engine, table, family).await;
        assert_eq!(rows, [(bytes(b"same"), bytes(index.to_string()))]);
    }
    let batch = Batch {
        deletes: vec![(Family::Version, bytes(b"same"))],
        ..Batch::default()
    };
    engine.commit(table, b"same", batch).await.unwrap();
    for family in Family::ALL {
        let left = all_rows(&*engine, table, family).await.len();
        assert_eq!(left, usize::from(family != Family::Version), "{family:?}");
    }
}

pub async fn drop_needs_empty_families(subject: &mut dyn Subject) {
    let engine = subject.engine();
    for family in Family::ALL {
        let table = fresh_table(&*engine).await;
        let batch = puts(family, &[(b"\xff\xff", b"")]);
        engine.commit(table, b"", batch).await.unwrap();
        for families in [&[family][..], &Family::ALL] {
            let result = engine.drop_table(table, families).await;
            assert!(
                matches!(result, Err(EngineError::NotEmpty)),
                "{family:?}: {result:?}"
            );
        }
        assert_eq!(all_rows(&*engine, table, family).await.len(), 1);
        let batch = Batch {
            deletes: vec![(family, bytes(b"\xff\xff"))],
            ..Batch::default()
        };
        engine.commit(table, b"", batch).await.unwrap();
        engine.drop_table(table, &Family::ALL).await.unwrap();
    }
}

pub async fn drop_takes_other_families_along(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let neighbour = fresh_table(&*engine).await;
    let table = fresh_table(&*engine).await;
    for table in [neighbour, table] {
        let batch = puts(Family::Config, &[(b"acl", b"1"), (b"cors", b"2")]);
        engine.commit(table, b"", batch).await.unwrap();
    }
    let families = [Family::Current, Family::Version, Family::Deleted];
    engine.drop_table(table, &families).await.unwrap();
    assert_gone(&*engine, table).await;
    assert_eq!(all_rows(&*engine, neighbour, Family::Config).await.len(), 2);
}

pub async fn dropped_table_is_gone(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    engine.drop_table(table, &Family::ALL).await.unwrap();
    assert_gone(&*engine, table).await;
    assert_gone(&*engine, TableId(u64::MAX / 3)).await;
}

pub async fn table_made_again_is_empty(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let batch = Batch {
        counters: vec![(1, 5)],
        ..puts(Family::Config, &[(b"acl", b"1")])
    };
    engine.commit(table, b"", batch).await.unwrap();
    engine.drop_table(table, &[Family::Current]).await.unwrap();
    engine.create_table(table).await.unwrap();
    for family in Family::ALL {
        assert!(all_rows(&*engine, table, family).await.is_empty());
    }
    assert_eq!(engine.counters(table).await.unwrap(), [0; COUNTERS]);
}

async fn assert_gone(engine: &dyn Engine, table: TableId) {
    let batch = puts(Family::Current, &[(b"key", b"1")]);
    let results = [
        engine.commit(table, b"key", batch).await,
        engine.get(table, Family::Current, b"key").await.map(drop),
        engine
            .scan(table, Family::Current, KeyRange::ALL, 1)
            .await
            .map(drop),
        engine.counters(table).await.map(drop),
        engine.drop_table(table, &[]).await,
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert!(
            matches!(result, Err(EngineError::NoTable)),
            "call {index}: {result:?}"
        );
    }
}
