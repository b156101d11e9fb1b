//! Flipped bits are found: by reads, by the scrub, by fsck, or when opening.

use std::os::unix::fs::FileExt;

use osier_engine::Family;

use super::*;

fn flip(path: &Path, at: u64) {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
    file.sync_all().unwrap();
}

/// The file of a blob, and where its record begins.
fn place(path: &Path, run: Run) -> (PathBuf, u64) {
    match crate::locator::Locator::of(run.blob) {
        crate::locator::Locator::Volume { number, block } => {
            (path.join(format!("vol/{number:08}.v")), block * 4096)
        }
        crate::locator::Locator::Extent { sequence } => {
            let folder = sequence & 0xff;
            (path.join(format!("ext/{folder:02x}/{sequence:016x}")), 0)
        }
    }
}

#[tokio::test]
async fn every_part_of_a_blob_is_guarded() {
    let directory = tempfile::tempdir().unwrap();
    for (tag, length) in [(1, 1000), (2, 300_000), (3, 3 << 20), (4, 9 << 20)] {
        let engine = open(directory.path());
        let content = pattern(tag, length);
        let run = keep(&engine, &content, tag).await;
        let neighbour = keep(&engine, &content, 100 + tag).await;
        engine.close().await.unwrap();
        drop(engine);
        let (path, start) = place(directory.path(), run);
        let body = start + 64;
        let table = body + run.length;
        for at in [
            start,
            start + 9,
            start + 17,
            start + 63,
            body,
            table - 1,
            table,
        ] {
            flip(&path, at);
            let engine = open(directory.path());
            let result = read(&engine, run).await;
            assert!(
                matches!(result, Err(EngineError::Corrupt { .. })),
                "{length} bytes, flipped at {at}: {:?}",
                result.map(|bytes| bytes.len())
            );
            assert!(read(&engine, neighbour).await.unwrap() == content);
            let report = engine.fsck(None).await.unwrap();
            assert_eq!(report.problems, 1, "{report:?}");
            let scrub = engine.scrub_now().await.unwrap();
            assert_eq!((scrub.damaged, scrub.complete), (1, true), "{scrub:?}");
            // Damage is kept for whoever may repair it.
            settle(&engine).await;
            engine.abandon();
            flip(&path, at);
            let engine = open(directory.path());
            settle(&engine).await;
            assert!(read(&engine, run).await.unwrap() == content);
            engine.abandon();
        }
    }
}

#[tokio::test]
async fn lost_files_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let run = keep(&engine, &pattern(1, 9 << 20), 1).await;
    let small = keep(&engine, &pattern(2, 5000), 2).await;
    engine.close().await.unwrap();
    std::fs::remove_file(place(directory.path(), run).0).unwrap();
    let (volume, start) = place(directory.path(), small);
    std::fs::OpenOptions::new()
        .write(true)
        .open(volume)
        .unwrap()
        .set_len(start + 4096)
        .unwrap();
    let engine = open(directory.path());
    for run in [run, small] {
        let result = read(&engine, run).await;
        assert!(
            matches!(result, Err(EngineError::Corrupt { .. })),
            "{result:?}"
        );
    }
    let report = engine.fsck(None).await.unwrap();
    assert_eq!(report.problems, 2, "{report:?}");
}

#[tokio::test]
async fn the_header_of_a_volume_is_guarded() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let content = pattern(1, 5000);
    let run = keep(&engine, &content, 1).await;
    engine.close().await.unwrap();
    flip(&place(directory.path(), run).0, 20);
    let engine = open(directory.path());
    assert_eq!(read(&engine, run).await.unwrap(), content);
    let report = engine.fsck(None).await.unwrap();
    assert_eq!(report.problems, 1, "{report:?}");
    let other = keep(&engine, &content, 2).await;
    assert_ne!(
        place(directory.path(), run).0,
        place(directory.path(), other).0
    );
}

/// Rows enough for a table file, closed.
async fn with_rows(path: &Path, clean: bool) {
    let engine = open(path);
    for step in 0..200_u32 {
        let batch = Batch {
            puts: vec![(
                Family::Current,
                Bytes::copy_from_slice(&step.to_be_bytes()),
                pattern(u64::from(step), 500),
            )],
            ..Batch::default()
        };
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    }
    if clean {
        engine.close().await.unwrap();
    } else {
        engine.collect_now(Duration::ZERO).await.unwrap();
        engine.abandon();
    }
}

fn largest(path: &Path, ending: &str) -> PathBuf {
    files(path)
        .into_iter()
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .max_by_key(|path| std::fs::metadata(path).unwrap().len())
        .unwrap()
}

#[tokio::test]
async fn a_table_file_is_guarded() {
    let directory = tempfile::tempdir().unwrap();
    with_rows(directory.path(), true).await;
    let table = largest(&directory.path().join("meta"), ".sst");
    flip(&table, 30_000);
    // Either opening refuses, or every look at the rows does.
    if let Ok(engine) = try_open(directory.path(), settings()) {
        let mut corrupt = 0;
        for step in 0..200_u32 {
            let row = engine
                .get(TableId::SYSTEM, Family::Current, &step.to_be_bytes())
                .await;
            match row {
                Ok(row) => assert_eq!(row.unwrap(), pattern(u64::from(step), 500)),
                Err(EngineError::Corrupt { .. }) => corrupt += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(corrupt > 0);
        let report = engine.fsck(None).await.unwrap();
        assert!(!report.is_clean(), "{report:?}");
        let scrub = engine.scrub_now().await.unwrap();
        assert!(scrub.damaged > 0, "{scrub:?}");
    }
}

#[tokio::test]
async fn a_log_that_lost_commits_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    with_rows(directory.path(), false).await;
    let log = largest(&directory.path().join("meta"), ".log");
    flip(&log, 40_000);
    let refused = try_open(directory.path(), settings());
    assert!(refused.is_err(), "the log is damaged in the middle");
    // An operator may accept the loss.
    std::fs::remove_file(directory.path().join("WITNESS")).unwrap();
    let engine = open(directory.path());
    let row = engine
        .get(TableId::SYSTEM, Family::Current, &0_u32.to_be_bytes())
        .await
        .unwrap();
    assert!(row.is_some());
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_damaged_manifest_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let manifest = files(&directory.path().join("meta"))
        .into_iter()
        .find(|path| path.to_str().unwrap().contains("MANIFEST"))
        .unwrap();
    flip(&manifest, 20);
    let refused = try_open(directory.path(), settings());
    assert!(
        matches!(refused, Err(OpenError::Failed { .. })),
        "{refused:?}"
    );
}
