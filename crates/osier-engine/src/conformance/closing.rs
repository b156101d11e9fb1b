//! What outlives an engine, and what a closed one does.

use super::{
    Reopening, Subject, all_rows, assert_freed, assert_readable, bytes, fresh_table, fresh_tag,
    pattern, puts, unlink, write, write_linked,
};
use crate::{Batch, EngineError, Family, KeyRange, OwnerTag};

const BOTH: [Reopening; 2] = [Reopening::Clean, Reopening::Crash];

pub async fn rows_outlive_the_engine(subject: &mut dyn Subject) {
    for how in BOTH {
        let engine = subject.engine();
        let table = fresh_table(&*engine).await;
        let dropped = fresh_table(&*engine).await;
        let emptied = fresh_table(&*engine).await;
        for table in [table, dropped, emptied] {
            let batch = Batch {
                counters: vec![(0, 3), (31, -3)],
                ..puts(
                    Family::Config,
                    &[(b"a", b"1"), (b"b\0\xff", b"2"), (b"c", b"3")],
                )
            };
            engine.commit(table, b"", batch).await.unwrap();
        }
        let batch = Batch {
            deletes: vec![(Family::Config, bytes(b"c"))],
            counters: vec![(0, 1)],
            ..puts(Family::Config, &[(b"a", b"new")])
        };
        engine.commit(table, b"", batch).await.unwrap();
        engine.drop_table(dropped, &[]).await.unwrap();
        engine.drop_table(emptied, &[]).await.unwrap();
        engine.create_table(emptied).await.unwrap();
        drop(engine);

        for _ in 0..2 {
            subject.reopen(how).await;
            let engine = subject.engine();
            let rows = all_rows(&*engine, table, Family::Config).await;
            let expected = [
                (bytes(b"a"), bytes(b"new")),
                (bytes(b"b\0\xff"), bytes(b"2")),
            ];
            assert_eq!(rows, expected, "{how:?}");
            let counters = engine.counters(table).await.unwrap();
            assert_eq!((counters[0], counters[31]), (4, -3));
            let gone = engine.get(dropped, Family::Config, b"a").await;
            assert!(matches!(gone, Err(EngineError::NoTable)), "{gone:?}");
            assert!(all_rows(&*engine, emptied, Family::Config).await.is_empty());
            assert_eq!(
                engine.counters(emptied).await.unwrap(),
                [0; crate::COUNTERS]
            );
        }
    }
}

pub async fn blobs_outlive_the_engine(subject: &mut dyn Subject) {
    for how in BOTH {
        let engine = subject.engine();
        let table = fresh_table(&*engine).await;
        let mut written = Vec::new();
        for (seed, length) in [(1, 0), (2, 100), (3, 70_000), (4, 9 << 20)] {
            let content = pattern(seed, length);
            let (run, tag) = write_linked(&*engine, table, &content).await;
            written.push((run, tag, content));
        }
        drop(engine);
        subject.reopen(how).await;
        subject.settle().await;
        let engine = subject.engine();
        for (run, _, content) in &written {
            assert_readable(&*engine, *run, content).await;
        }
        // New blobs don't overwrite old ones, and links still count.
        for seed in 10..20 {
            write_linked(&*engine, table, &pattern(seed, 200_000)).await;
        }
        for (run, tag, content) in written {
            assert_readable(&*engine, run, &content).await;
            let second = fresh_tag();
            super::link(&*engine, table, run, second).await.unwrap();
            unlink(&*engine, table, run, tag).await;
            subject.settle().await;
            assert_readable(&*engine, run, &content).await;
            unlink(&*engine, table, run, second).await;
            assert_freed(subject, run).await;
        }
    }
}

pub async fn unlinked_blobs_do_not(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let mut sealed = Vec::new();
    for (seed, length) in [(1, 0), (2, 100), (3, 70_000), (4, 9 << 20)] {
        sealed.push(write(&*engine, &pattern(seed, length), 1 << 20).await);
    }
    let content = pattern(5, 70_000);
    let (freed, tag) = write_linked(&*engine, table, &content).await;
    unlink(&*engine, table, freed, tag).await;
    let (kept, _) = write_linked(&*engine, table, &content).await;
    let runs: Vec<_> = sealed.iter().map(|sealed| sealed.run).collect();
    drop(engine);
    subject.reopen(Reopening::Crash).await;
    for run in runs.iter().copied().chain([freed]) {
        assert_freed(subject, run).await;
        let linked = super::link(&*subject.engine(), table, run, fresh_tag()).await;
        assert!(matches!(linked, Err(EngineError::NoBlob)), "{linked:?}");
    }
    // Guards of the past don't reach into the present.
    drop(sealed);
    subject.settle().await;
    assert_readable(&*subject.engine(), kept, &content).await;
}

pub async fn blob_names_are_not_used_again(subject: &mut dyn Subject) {
    let mut names = Vec::new();
    for round in 0..3 {
        for how in BOTH {
            let engine = subject.engine();
            let table = fresh_table(&*engine).await;
            for seed in 0..5 {
                let content = pattern(seed, 5000);
                names.push(write(&*engine, &content, 5000).await.run.blob);
                let (run, tag) = write_linked(&*engine, table, &content).await;
                names.push(run.blob);
                if round != 1 {
                    unlink(&*engine, table, run, tag).await;
                }
            }
            subject.settle().await;
            drop(engine);
            subject.reopen(how).await;
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a blob's name was used twice");
}

pub async fn closed_engine_is_unavailable(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 10_000);
    let (run, _) = write_linked(&*engine, table, &content).await;
    engine.close().await.unwrap();
    let batch = puts(Family::Current, &[(b"late", b"1")]);
    let results = [
        engine.create_table(table).await,
        engine.drop_table(table, &[]).await,
        engine.get(table, Family::Current, b"").await.map(drop),
        engine
            .scan(table, Family::Current, KeyRange::ALL, 1)
            .await
            .map(drop),
        engine.commit(table, b"", batch).await,
        engine.counters(table).await.map(drop),
        engine.write_blob(None, OwnerTag::default()).await.map(drop),
        engine.open_blob(run).await.map(drop),
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert!(
            matches!(result, Err(EngineError::Unavailable { .. })),
            "call {index}: {result:?}"
        );
    }
    drop(engine);
    subject.reopen(Reopening::Crash).await;
    let engine = subject.engine();
    let late = engine.get(table, Family::Current, b"late").await.unwrap();
    assert_eq!(late, None);
    assert_readable(&*engine, run, &content).await;
}
