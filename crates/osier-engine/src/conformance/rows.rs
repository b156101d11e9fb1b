//! Rows, checks and counters.

use super::{Subject, bytes, check, fresh_table, fresh_tag, pattern, puts, write};
use crate::{Batch, COUNTERS, EngineError, Expect, Family};

pub async fn get_after_commit(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for round in 0_u8..20 {
        let batch = puts(Family::Current, &[(b"key", &[round])]);
        engine.commit(table, b"key", batch).await.unwrap();
        let row = engine.get(table, Family::Current, b"key").await.unwrap();
        assert_eq!(row.as_deref(), Some(&[round][..]));
    }
}

pub async fn get_of_a_missing_row(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let batch = puts(Family::Current, &[(b"b", b"1")]);
    engine.commit(table, b"b", batch).await.unwrap();
    for key in [&b"a"[..], b"", b"b\0", b"c", b"bb"] {
        let row = engine.get(table, Family::Current, key).await.unwrap();
        assert_eq!(row, None, "{key:?}");
    }
    let row = engine.get(table, Family::Version, b"b").await.unwrap();
    assert_eq!(row, None);
}

pub async fn put_overwrites(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for value in [&b"a long first value"[..], b"short", b""] {
        let batch = puts(Family::Upload, &[(b"key", value)]);
        engine.commit(table, b"key", batch).await.unwrap();
        let row = engine.get(table, Family::Upload, b"key").await.unwrap();
        assert_eq!(row.as_deref(), Some(value));
    }
    let rows = super::all_rows(&*engine, table, Family::Upload).await;
    assert_eq!(rows, [(bytes(b"key"), bytes(b""))]);
}

pub async fn delete_removes(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let batch = puts(Family::Part, &[(b"a", b"1"), (b"b", b"2")]);
    engine.commit(table, b"", batch).await.unwrap();
    let batch = || Batch {
        deletes: vec![
            (Family::Part, bytes(b"a")),
            (Family::Part, bytes(b"missing")),
            (Family::Body, bytes(b"b")),
        ],
        ..Batch::default()
    };
    for _ in 0..2 {
        engine.commit(table, b"", batch()).await.unwrap();
        let row = engine.get(table, Family::Part, b"a").await.unwrap();
        assert_eq!(row, None);
        let rows = super::all_rows(&*engine, table, Family::Part).await;
        assert_eq!(rows, [(bytes(b"b"), bytes(b"2"))]);
    }
}

pub async fn keys_of_any_bytes(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let long = vec![0xff_u8; 1500];
    let longer = vec![0_u8; 1500];
    let mut keys: Vec<&[u8]> = vec![
        b"",
        b"\0",
        b"\0\0",
        b"\0\xff",
        b"a",
        b"a\0",
        b"a\0b",
        b"a/b",
        b"\xc3\xa9",
        b"\xfe",
        b"\xff",
        b"\xff\0",
        b"\xff\xff",
    ];
    keys.extend([&long[..], &longer[..]]);
    for (index, key) in keys.iter().enumerate() {
        let batch = puts(Family::Current, &[(key, index.to_string().as_bytes())]);
        engine.commit(table, key, batch).await.unwrap();
    }
    for (index, key) in keys.iter().enumerate() {
        let row = engine.get(table, Family::Current, key).await.unwrap();
        assert_eq!(row, Some(bytes(index.to_string())), "{key:?}");
    }
    let rows = super::all_rows(&*engine, table, Family::Current).await;
    keys.sort_unstable();
    assert_eq!(
        rows.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(),
        keys
    );
    for key in keys {
        let batch = Batch {
            deletes: vec![(Family::Current, bytes(key))],
            ..Batch::default()
        };
        engine.commit(table, key, batch).await.unwrap();
        let row = engine.get(table, Family::Current, key).await.unwrap();
        assert_eq!(row, None, "{key:?}");
    }
    assert!(
        super::all_rows(&*engine, table, Family::Current)
            .await
            .is_empty()
    );
}

pub async fn values_of_any_length(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let limits = engine.limits();
    assert!(limits.inline_bytes_max <= limits.value_bytes_max);
    let most = limits.value_bytes_max.min(1 << 20);
    for length in [0, 1, 127, 128, 4095, 4096, 4097, 65_536, most] {
        let value = pattern(1, length.min(most));
        let batch = puts(Family::Body, &[(b"key", &value)]);
        engine.commit(table, b"key", batch).await.unwrap();
        let row = engine.get(table, Family::Body, b"key").await.unwrap();
        assert!(row.as_ref() == Some(&value), "value of {length} bytes");
    }
}

pub async fn check_absent(subject: &mut dyn Subject) {
    assert_holds(subject, None, Expect::Absent).await;
    assert_conflict(subject, Some(b"1"), Expect::Absent).await;
    assert_conflict(subject, Some(b""), Expect::Absent).await;
}

pub async fn check_exists(subject: &mut dyn Subject) {
    assert_holds(subject, Some(b"1"), Expect::Exists).await;
    assert_holds(subject, Some(b""), Expect::Exists).await;
    assert_conflict(subject, None, Expect::Exists).await;
}

pub async fn check_equals(subject: &mut dyn Subject) {
    assert_holds(subject, Some(b"12"), Expect::Equals(bytes(b"12"))).await;
    assert_holds(subject, Some(b""), Expect::Equals(bytes(b""))).await;
    for other in [&b"1"[..], b"123", b"", b"13", b"\0"] {
        assert_conflict(subject, Some(b"12"), Expect::Equals(bytes(other))).await;
    }
    assert_conflict(subject, None, Expect::Equals(bytes(b""))).await;
    assert_conflict(subject, None, Expect::Equals(bytes(b"12"))).await;
}

async fn assert_holds(subject: &mut dyn Subject, row: Option<&[u8]>, expect: Expect) {
    let result = commit_checked(subject, row, expect.clone()).await;
    assert!(result.is_ok(), "{expect:?} of {row:?}: {result:?}");
}

async fn assert_conflict(subject: &mut dyn Subject, row: Option<&[u8]>, expect: Expect) {
    let result = commit_checked(subject, row, expect.clone()).await;
    assert!(
        matches!(result, Err(EngineError::Conflict { index: 0 })),
        "{expect:?} of {row:?}: {result:?}"
    );
}

/// Commits another row under a check of one with this value.
async fn commit_checked(
    subject: &mut dyn Subject,
    row: Option<&[u8]>,
    expect: Expect,
) -> Result<(), EngineError> {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    if let Some(value) = row {
        let batch = puts(Family::Version, &[(b"checked", value)]);
        engine.commit(table, b"checked", batch).await.unwrap();
    }
    let batch = Batch {
        checks: vec![check(Family::Version, b"checked", expect)],
        ..puts(Family::Current, &[(b"written", b"1")])
    };
    let result = engine.commit(table, b"checked", batch).await;
    let written = engine
        .get(table, Family::Current, b"written")
        .await
        .unwrap();
    assert_eq!(written.is_some(), result.is_ok());
    let kept = engine
        .get(table, Family::Version, b"checked")
        .await
        .unwrap();
    assert_eq!(kept.as_deref(), row);
    result
}

pub async fn conflict_names_the_first_failed_check(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let batch = puts(Family::Current, &[(b"there", b"1")]);
    engine.commit(table, b"", batch).await.unwrap();
    let good = || check(Family::Current, b"there", Expect::Exists);
    let bad = || check(Family::Current, b"missing", Expect::Exists);
    let cases = [
        (vec![bad(), good(), bad()], 0),
        (vec![good(), bad(), bad()], 1),
        (vec![good(), good(), good(), bad()], 3),
    ];
    for (checks, first) in cases {
        let batch = Batch {
            checks,
            ..Batch::default()
        };
        match engine.commit(table, b"", batch).await {
            Err(EngineError::Conflict { index }) => assert_eq!(index, first),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn conflict_applies_nothing(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 10_000);
    let (kept, kept_tag) = super::write_linked(&*engine, table, &content).await;
    let sealed = write(&*engine, &content, 10_000).await;
    let batch = Batch {
        counters: vec![(3, 30)],
        ..puts(Family::Current, &[(b"old", b"1")])
    };
    engine.commit(table, b"", batch).await.unwrap();

    let batch = Batch {
        checks: vec![check(Family::Current, b"old", Expect::Absent)],
        deletes: vec![(Family::Current, bytes(b"old"))],
        links: vec![(sealed.run.blob, fresh_tag())],
        unlinks: vec![(kept.blob, kept_tag)],
        counters: vec![(3, 1), (4, 1)],
        ..puts(Family::Current, &[(b"new", b"2")])
    };
    let result = engine.commit(table, b"", batch).await;
    assert!(matches!(result, Err(EngineError::Conflict { index: 0 })));

    let old = engine.get(table, Family::Current, b"old").await.unwrap();
    assert_eq!(old, Some(bytes(b"1")));
    let new = engine.get(table, Family::Current, b"new").await.unwrap();
    assert_eq!(new, None);
    let counters = engine.counters(table).await.unwrap();
    assert_eq!((counters[3], counters[4]), (30, 0));
    subject.settle().await;
    super::assert_readable(&*engine, kept, &content).await;
    let unlinked = sealed.run;
    drop(sealed);
    super::assert_freed(subject, unlinked).await;
}

pub async fn checks_see_rows_before_the_batch(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let create = || Batch {
        checks: vec![check(Family::Current, b"key", Expect::Absent)],
        ..puts(Family::Current, &[(b"key", b"1")])
    };
    engine.commit(table, b"key", create()).await.unwrap();
    let again = engine.commit(table, b"key", create()).await;
    assert!(matches!(again, Err(EngineError::Conflict { index: 0 })));
    let remove = || Batch {
        checks: vec![check(Family::Current, b"key", Expect::Equals(bytes(b"1")))],
        deletes: vec![(Family::Current, bytes(b"key"))],
        ..Batch::default()
    };
    engine.commit(table, b"key", remove()).await.unwrap();
    let again = engine.commit(table, b"key", remove()).await;
    assert!(matches!(again, Err(EngineError::Conflict { index: 0 })));
    engine.commit(table, b"key", create()).await.unwrap();
}

pub async fn checks_without_changes(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    engine.commit(table, b"", Batch::default()).await.unwrap();
    let only = |expect| Batch {
        checks: vec![check(Family::Config, b"key", expect)],
        ..Batch::default()
    };
    engine
        .commit(table, b"", only(Expect::Absent))
        .await
        .unwrap();
    let result = engine.commit(table, b"", only(Expect::Exists)).await;
    assert!(matches!(result, Err(EngineError::Conflict { index: 0 })));
}

pub async fn batch_of_many_rows(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let key = |index: u32| bytes(index.to_be_bytes());
    let batch = Batch {
        puts: (0..3000)
            .map(|index| (Family::Part, key(index), bytes(b"part")))
            .collect(),
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
    assert_eq!(
        super::all_rows(&*engine, table, Family::Part).await.len(),
        3000
    );
    let batch = Batch {
        deletes: (0..3000).map(|index| (Family::Part, key(index))).collect(),
        ..puts(Family::Version, &[(b"version", b"1")])
    };
    engine.commit(table, b"", batch).await.unwrap();
    assert!(
        super::all_rows(&*engine, table, Family::Part)
            .await
            .is_empty()
    );
    assert_eq!(
        super::all_rows(&*engine, table, Family::Version)
            .await
            .len(),
        1
    );
}

pub async fn counters_add_up(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let mut expected = [0_i64; COUNTERS];
    assert_eq!(engine.counters(table).await.unwrap(), expected);
    let steps: [&[(usize, i64)]; 6] = [
        &[(0, 1), (COUNTERS - 1, 5)],
        &[(0, -3)],
        &[(7, 10), (7, -4), (7, 1)],
        &[(1, i64::from(i32::MAX) * 1000)],
        &[(1, -i64::from(i32::MAX) * 1000), (0, 0)],
        &[(2, -1), (3, 1)],
    ];
    for step in steps {
        for (index, add) in step {
            expected[*index] += add;
        }
        let batch = Batch {
            counters: step.to_vec(),
            ..Batch::default()
        };
        engine.commit(table, b"", batch).await.unwrap();
        assert_eq!(engine.counters(table).await.unwrap(), expected);
    }
    let every = Batch {
        counters: (0..COUNTERS).map(|index| (index, 1)).collect(),
        ..Batch::default()
    };
    engine.commit(table, b"", every).await.unwrap();
    expected = expected.map(|counter| counter + 1);
    assert_eq!(engine.counters(table).await.unwrap(), expected);
}

pub async fn counters_belong_to_tables(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let (one, other) = (fresh_table(&*engine).await, fresh_table(&*engine).await);
    let add = |step| Batch {
        counters: vec![(5, step)],
        ..Batch::default()
    };
    engine.commit(one, b"", add(2)).await.unwrap();
    engine.commit(other, b"", add(-7)).await.unwrap();
    assert_eq!(engine.counters(one).await.unwrap()[5], 2);
    assert_eq!(engine.counters(other).await.unwrap()[5], -7);
}
