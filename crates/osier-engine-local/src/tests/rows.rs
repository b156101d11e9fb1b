//! Opening, locking, the row cache under load, closing.

use std::os::unix::fs::PermissionsExt;

use osier_engine::{Check, Expect, Family, KeyRange};

use super::*;

fn put(key: &[u8], value: &[u8]) -> Batch {
    Batch {
        puts: vec![(
            Family::Current,
            Bytes::copy_from_slice(key),
            Bytes::copy_from_slice(value),
        )],
        ..Batch::default()
    }
}

#[tokio::test]
async fn one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let second = try_open(directory.path(), settings());
    assert!(
        matches!(second, Err(OpenError::Locked { .. })),
        "{second:?}"
    );
    engine.close().await.unwrap();
    open(directory.path()).close().await.unwrap();
    // Dropping releases it as well.
    drop(open(directory.path()));
    drop(open(directory.path()));
}

#[tokio::test]
async fn readers_and_blobs_outlive_the_engine_without_harm() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let content = pattern(1, 3 << 20);
    let run = keep(&engine, &content, 1).await;
    let reader = engine.open_blob(run).await.unwrap();
    let sealed = write(&engine, &content).await;
    let mut writer = engine.write_blob(None, OwnerTag::default()).await.unwrap();
    writer.write(content.clone()).await.unwrap();
    engine.close().await.unwrap();
    drop(engine);
    let again = open(directory.path());
    drop((reader, sealed));
    assert!(writer.write(content.clone()).await.is_err() || writer.finish().await.is_err());
    assert_eq!(read(&again, run).await.unwrap(), content);
    let report = again.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    std::fs::write(directory.path().join("FORMAT"), "osier-local 2\n").unwrap();
    let refused = try_open(directory.path(), settings()).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::NewerFormat {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("format version 2"),
        "{refused}"
    );
    for text in [
        "",
        "osier-local\n",
        "osier-local 0\n",
        "osier-local 1",
        "other 1\n",
        "\0",
    ] {
        std::fs::write(directory.path().join("FORMAT"), text).unwrap();
        let refused = try_open(directory.path(), settings()).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    }
    std::fs::remove_file(directory.path().join("FORMAT")).unwrap();
    let refused = try_open(directory.path(), settings()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    std::fs::write(directory.path().join("FORMAT"), "osier-local 1\n").unwrap();
    drop(open(directory.path()));
}

#[test]
fn s44_only_the_owner_may_look() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(&path));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn s44_a_link_in_the_data_directory_is_not_followed() {
    for name in ["vol", "ext", "LOCK", "FORMAT"] {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        drop(open(directory.path()));
        let path = directory.path().join(name);
        let moved = elsewhere.path().join(name);
        std::fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &path).unwrap();
        assert!(try_open(directory.path(), settings()).is_err(), "{name}");
    }
}

/// Commits that raise one row step by step, with readers that must never see it
/// go back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_never_goes_back() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    engine
        .commit(TableId::SYSTEM, b"", put(b"row", &0_u64.to_be_bytes()))
        .await
        .unwrap();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (engine, done) = (Arc::clone(&engine), Arc::clone(&done));
        readers.push(tokio::spawn(async move {
            let mut last = 0;
            let mut reads = 0_u64;
            while !done.load(std::sync::atomic::Ordering::SeqCst) || reads == 0 {
                let row = engine.get(TableId::SYSTEM, Family::Current, b"row").await;
                let row = row.unwrap().unwrap();
                let now = u64::from_be_bytes(row.as_ref().try_into().unwrap());
                assert!(now >= last, "{last} and then {now}");
                last = now;
                reads += 1;
                if reads.is_multiple_of(64) {
                    // Pushes it out, so that it is filled again and again.
                    engine.core().rows.clear();
                    tokio::task::yield_now().await;
                }
            }
        }));
    }
    for step in 1..=500_u64 {
        let before = Bytes::copy_from_slice(&(step - 1).to_be_bytes());
        let mut batch = put(b"row", &step.to_be_bytes());
        batch.checks.push(Check {
            family: Family::Current,
            key: Bytes::from_static(b"row"),
            expect: Expect::Equals(before),
        });
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        let row = engine.get(TableId::SYSTEM, Family::Current, b"row").await;
        assert_eq!(row.unwrap().unwrap(), step.to_be_bytes().as_slice());
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_share_groups() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let mut tasks = Vec::new();
    for task in 0..64_u32 {
        let engine = Arc::clone(&engine);
        tasks.push(tokio::spawn(async move {
            for step in 0..20_u32 {
                let key = [task.to_be_bytes(), step.to_be_bytes()].concat();
                let batch = Batch {
                    counters: vec![(3, 1)],
                    ..put(&key, b"value")
                };
                engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(engine.counters(TableId::SYSTEM).await.unwrap()[3], 1280);
    let stats = engine.stats();
    assert_eq!(stats.commits, 1280);
    assert!(stats.commit_groups < 1280, "{stats:?}");
    let page = engine
        .scan(TableId::SYSTEM, Family::Current, KeyRange::ALL, 2000)
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 1280);
}

#[tokio::test]
async fn a_poisoned_engine_reads_on() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let content = pattern(1, 50_000);
    let run = keep(&engine, &content, 1).await;
    engine.core().health.poison("by the test");
    let refused = engine.commit(TableId::SYSTEM, b"", put(b"a", b"b")).await;
    assert!(
        matches!(refused, Err(EngineError::Unavailable { .. })),
        "{refused:?}"
    );
    assert!(engine.write_blob(None, OwnerTag::default()).await.is_err());
    assert!(engine.create_table(TableId(9)).await.is_err());
    assert!(engine.collect_now(Duration::ZERO).await.is_err());
    assert_eq!(read(&engine, run).await.unwrap(), content);
    assert!(engine.stats().poisoned);
    engine.close().await.unwrap();
    let engine = open(directory.path());
    assert_eq!(read(&engine, run).await.unwrap(), content);
}

#[tokio::test]
async fn links_are_listed_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let mut expected = Vec::new();
    for tag in 0..10 {
        let run = keep(&engine, &pattern(tag, 100), tag).await;
        expected.push((run.blob, RefTag(tag)));
    }
    expected.sort_unstable();
    let mut listed = Vec::new();
    loop {
        let some = engine.links(listed.last().copied(), 3).unwrap();
        if some.is_empty() {
            break;
        }
        listed.extend(some);
    }
    assert_eq!(listed, expected);
    let report = engine.fsck(Some(expected.clone())).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.links, report.blobs), (10, 10));
    let lost = expected.pop().unwrap();
    let wrong = (lost.0, RefTag(99));
    expected.push(wrong);
    let report = engine.fsck(Some(expected)).await.unwrap();
    assert_eq!(report.problems, 2, "{report:?}");
}
