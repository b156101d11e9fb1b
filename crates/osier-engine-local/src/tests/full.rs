//! A full disk: refused in time, deletes still work, and all is well afterwards.

use std::process::Command;

use osier_engine::Family;

use super::*;

/// A small file system of its own, where the machine lets us have one.
struct Tiny {
    directory: tempfile::TempDir,
}

impl Tiny {
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(directory.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            Some(Self { directory })
        } else {
            println!("skipped: a tmpfs can't be mounted here");
            None
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.directory.path()).status();
    }
}

fn usual() -> LocalSettings {
    LocalSettings {
        collect_interval_s: 100_000,
        scrub_interval_days: 0,
        ..LocalSettings::default()
    }
}

async fn fill(engine: &LocalEngine, size: usize, kept: &mut Vec<(Run, u64)>) -> EngineError {
    loop {
        let tag = u64::try_from(kept.len()).unwrap();
        let content = pattern(tag, size);
        let sealed = match try_write(engine, &content).await {
            Ok(sealed) => sealed,
            Err(error) => return error,
        };
        let batch = links(sealed.run, tag);
        match engine.commit(TableId::SYSTEM, b"", batch).await {
            Ok(()) => kept.push((sealed.run, tag)),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn blobs_on_a_full_disk() {
    for size in [20_000, 400_000, 3 << 20, 12 << 20] {
        let Some(tiny) = Tiny::mount("64m") else {
            return;
        };
        let engine = try_open(&tiny.path(), usual()).unwrap();
        let mut kept = Vec::new();
        let error = fill(&engine, size, &mut kept).await;
        assert!(matches!(error, EngineError::Full), "{size}: {error:?}");
        assert!(!engine.stats().poisoned);
        let bytes = kept.len() * size;
        assert!(bytes >= 20 << 20, "only {bytes} bytes of {size} fit");
        for (run, tag) in &kept {
            assert!(read(&engine, *run).await.unwrap() == pattern(*tag, size));
        }
        // Half of it goes, and as much fits again.
        let half = kept.len() / 2;
        for (run, tag) in kept.drain(..half) {
            let batch = unlinks(run, tag);
            engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        }
        settle(&engine).await;
        let before = kept.len();
        let error = fill(&engine, size, &mut kept).await;
        assert!(matches!(error, EngineError::Full), "{size}: {error:?}");
        assert!(kept.len() > before, "{size}: no space came back");
        engine.close().await.unwrap();
        let engine = try_open(&tiny.path(), usual()).unwrap();
        let report = engine.fsck(None).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.blobs, u64::try_from(kept.len()).unwrap());
        engine.close().await.unwrap();
    }
}

/// A refused write has everything freed that nobody has open, however short ago it
/// was deleted.
#[tokio::test]
async fn space_comes_back_at_once() {
    for size in [20_000, 400_000, 12 << 20] {
        let Some(tiny) = Tiny::mount("64m") else {
            return;
        };
        let engine = try_open(&tiny.path(), usual()).unwrap();
        let mut kept = Vec::new();
        let error = fill(&engine, size, &mut kept).await;
        assert!(matches!(error, EngineError::Full), "{size}: {error:?}");
        let (run, tag) = kept[0];
        let open = engine.open_blob(run).await.unwrap();
        let half = kept.len() / 2;
        for (run, tag) in kept.drain(..half) {
            let batch = unlinks(run, tag);
            engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        }
        // Refused, unless the refusal before had the space freed meanwhile.
        drop(try_write(&engine, &pattern(1, size)).await);
        // The thread is past that pass when it has made one that frees nothing new.
        let day = Duration::from_hours(24);
        engine.collect_now(day).await.unwrap();
        let before = kept.len();
        let error = fill(&engine, size, &mut kept).await;
        assert!(matches!(error, EngineError::Full), "{size}: {error:?}");
        assert!(kept.len() > before, "{size}: no space came back");
        let piece = open.read(0, 20_000).await.unwrap();
        assert_eq!(piece, pattern(tag, size).slice(..20_000), "{size}");
        drop(open);
        for (run, tag) in &kept {
            assert!(read(&engine, *run).await.unwrap() == pattern(*tag, size));
        }
        engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn rows_on_a_full_disk() {
    let Some(tiny) = Tiny::mount("48m") else {
        return;
    };
    let engine = try_open(&tiny.path(), usual()).unwrap();
    let mut count = 0_u64;
    let error = loop {
        let batch = Batch {
            puts: vec![(
                Family::Body,
                Bytes::copy_from_slice(&count.to_be_bytes()),
                pattern(count, 30_000),
            )],
            ..Batch::default()
        };
        match engine.commit(TableId::SYSTEM, b"", batch).await {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EngineError::Full), "{error:?}");
    assert!(count > 300, "{count}");
    assert!(!engine.stats().poisoned);
    for key in 0..count {
        let batch = Batch {
            deletes: vec![(Family::Body, Bytes::copy_from_slice(&key.to_be_bytes()))],
            ..Batch::default()
        };
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    }
    assert!(!engine.stats().poisoned);
    engine.close().await.unwrap();
    let engine = try_open(&tiny.path(), usual()).unwrap();
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.rows, 0);
}

#[tokio::test]
async fn another_program_fills_the_disk() {
    let Some(tiny) = Tiny::mount("64m") else {
        return;
    };
    let engine = try_open(&tiny.path(), usual()).unwrap();
    let content = pattern(1, 500_000);
    let run = keep(&engine, &content, 1).await;
    let ballast = tiny.directory.path().join("ballast");
    // Writes until the disk is full to the last byte.
    let _ = std::fs::write(&ballast, vec![1; 64 << 20]);
    let error = try_write(&engine, &pattern(2, 9 << 20))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, EngineError::Full), "{error:?}");
    let put = || Batch {
        puts: vec![(
            Family::Current,
            Bytes::from_static(b"a"),
            content.slice(..100),
        )],
        ..Batch::default()
    };
    let error = engine.commit(TableId::SYSTEM, b"", put()).await;
    assert!(matches!(error, Err(EngineError::Full)), "{error:?}");
    assert_eq!(read(&engine, run).await.unwrap(), content);
    std::fs::remove_file(&ballast).unwrap();
    // Without a restart all is well again.
    keep(&engine, &pattern(2, 9 << 20), 2).await;
    engine.commit(TableId::SYSTEM, b"", put()).await.unwrap();
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// More deletes than fit on a disk that somebody else has filled to the last byte:
/// sooner or later the database finds no space in the middle of a write.
#[tokio::test]
async fn deletes_on_a_disk_without_a_byte() {
    let Some(tiny) = Tiny::mount("64m") else {
        return;
    };
    let engine = try_open(&tiny.path(), usual()).unwrap();
    let mut kept = Vec::new();
    for tag in 0..100 {
        kept.push((keep(&engine, &pattern(tag, 5000), tag).await, tag));
    }
    let waiting = write(&engine, &pattern(500, 5000)).await;
    let ballast = tiny.directory.path().join("ballast");
    let _ = std::fs::write(&ballast, vec![1; 64 << 20]);
    let mut number = 0_u64;
    let error = loop {
        let mut batch = Batch::default();
        for _ in 0..100 {
            number += 1;
            let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let key = Bytes::from(format!("{key:0100}"));
            batch.deletes.push((Family::Current, key));
        }
        if let Err(error) = engine.commit(TableId::SYSTEM, b"", batch).await {
            break error;
        }
        assert!(number < 10_000_000, "the disk never filled up");
    };
    assert!(
        matches!(error, EngineError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(!engine.stats().poisoned);
    let refused = engine
        .commit(TableId::SYSTEM, b"", unlinks(kept[0].0, kept[0].1))
        .await;
    assert!(matches!(refused, Err(EngineError::Full)), "{refused:?}");
    for (run, tag) in &kept {
        assert_eq!(read(&engine, *run).await.unwrap(), pattern(*tag, 5000));
    }
    std::fs::remove_file(&ballast).unwrap();
    // Without a restart all is well again.
    let batch = links(waiting.run, 500);
    engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    kept.push((waiting.run, 500));
    for (run, tag) in kept.drain(..50) {
        let batch = unlinks(run, tag);
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    }
    engine.abandon();
    let engine = try_open(&tiny.path(), usual()).unwrap();
    settle(&engine).await;
    for (run, tag) in &kept {
        assert_eq!(read(&engine, *run).await.unwrap(), pattern(*tag, 5000));
    }
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.blobs, report.orphans), (51, 0));
}
