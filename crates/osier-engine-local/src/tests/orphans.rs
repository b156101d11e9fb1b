//! Space comes back: of dead blobs, of writers that gave up, of crashes.

use std::future::Future;
use std::task::Poll;

use super::*;

/// What is on disk of blobs alone.
fn blob_bytes(path: &Path) -> u64 {
    disk_bytes(&path.join("vol")) + disk_bytes(&path.join("ext"))
}

const SIZES: [usize; 6] = [0, 1000, 70_000, 1 << 20, 3 << 20, 9 << 20];

#[tokio::test]
async fn two_passes_after_a_crash_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let kept = keep(&engine, &pattern(1, 100_000), 1).await;
    let mut sealed = Vec::new();
    for (seed, size) in (2..).zip(SIZES) {
        sealed.push(write(&engine, &pattern(seed, size)).await);
    }
    let mut writer = engine
        .write_blob(Some(6 << 20), OwnerTag::default())
        .await
        .unwrap();
    writer.write(pattern(20, 4 << 20)).await.unwrap();
    let mut other = engine.write_blob(None, OwnerTag::default()).await.unwrap();
    other.write(pattern(21, 4 << 20)).await.unwrap();
    engine.abandon();
    drop((engine, sealed, writer, other));

    let engine = open(directory.path());
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let first = engine.collect_now(Duration::ZERO).await.unwrap();
    assert_eq!(first.orphans, 0, "{first:?}");
    let second = engine.collect_now(Duration::ZERO).await.unwrap();
    assert!(second.orphans >= 6, "{second:?}");
    let third = engine.collect_now(Duration::ZERO).await.unwrap();
    assert_eq!((third.orphans, third.left), (0, 0));
    assert_eq!(read(&engine, kept).await.unwrap(), pattern(1, 100_000));
    engine.close().await.unwrap();
    // 25 blocks of a record and the header of each volume.
    let left = blob_bytes(directory.path());
    assert!(left < 200_000, "{left} bytes");
}

#[tokio::test]
async fn a_second_crash_does_not_lose_track() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    for (seed, size) in (2..).zip(SIZES) {
        std::mem::forget(write(&engine, &pattern(seed, size)).await);
    }
    engine.abandon();
    for _ in 0..3 {
        let engine = open(directory.path());
        let first = engine.collect_now(Duration::ZERO).await.unwrap();
        assert!(first.left >= 6, "{first:?}");
        keep(&engine, &pattern(1, 5000), 1).await;
        engine.abandon();
    }
    let engine = open(directory.path());
    settle(&engine).await;
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.orphans, report.blobs), (0, 3));
}

#[tokio::test]
async fn a_clean_stop_leaves_nothing_to_search() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let runs = [
        keep(&engine, &pattern(1, 100_000), 1).await,
        keep(&engine, &pattern(2, 9 << 20), 2).await,
    ];
    engine.close().await.unwrap();
    let engine = open(directory.path());
    assert_eq!(engine.stats().unlinked_blobs, 0);
    for (seed, run) in (1..).zip(runs) {
        let length = usize::try_from(run.length).unwrap();
        assert!(read(&engine, run).await.unwrap() == pattern(seed, length));
    }
}

#[tokio::test]
async fn dead_blobs_and_dead_volumes_go() {
    let directory = tempfile::tempdir().unwrap();
    let small = LocalSettings {
        volume_bytes: 4 << 20,
        volume_writers: 1,
        ..settings()
    };
    let engine = try_open(directory.path(), small.clone()).unwrap();
    let mut runs = Vec::new();
    for tag in 0..20 {
        runs.push(keep(&engine, &pattern(tag, 900_000), tag).await);
    }
    let volumes = files(&directory.path().join("vol")).len();
    assert!(volumes >= 4, "{volumes}");
    // A reader keeps its blob; the grace keeps all.
    let reader = engine.open_blob(runs[0]).await.unwrap();
    for (tag, run) in (0..).zip(&runs) {
        let batch = unlinks(*run, tag);
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    }
    let grace = engine.collect_now(Duration::from_mins(1)).await.unwrap();
    assert_eq!((grace.garbage, grace.left), (0, 0));
    let done = engine.collect_now(Duration::ZERO).await.unwrap();
    assert_eq!((done.garbage, done.left), (19, 1));
    assert!(done.volumes >= 2, "{done:?}");
    let bytes = reader.read(0, 900_000).await.unwrap();
    assert!(bytes == pattern(0, 900_000));
    drop(reader);
    let done = engine.collect_now(Duration::ZERO).await.unwrap();
    assert_eq!((done.garbage, done.left), (1, 0));
    let highest = runs.iter().map(|run| run.blob.0).max().unwrap();
    let left = blob_bytes(directory.path());
    assert!(left < 1 << 20, "{left} bytes");
    engine.close().await.unwrap();
    let engine = try_open(directory.path(), small).unwrap();
    settle(&engine).await;
    let run = keep(&engine, &pattern(50, 5000), 50).await;
    assert!(run.blob.0 > highest, "numbers are not used again");
}

/// Callers that go away at any point of writing, as clients do.
#[tokio::test]
async fn futures_that_are_dropped_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    for (hint, size) in [
        (Some(10_000), 10_000),
        (Some(3 << 20), 3 << 20),
        (None, 3 << 20),
    ] {
        for polls in 0..12 {
            let work = async {
                let mut writer = engine.write_blob(hint, OwnerTag::default()).await?;
                for portion in pattern(1, size).chunks(1 << 20) {
                    writer.write(Bytes::copy_from_slice(portion)).await?;
                }
                let sealed = writer.finish().await?;
                let batch = links(sealed.run, polls);
                engine.commit(TableId::SYSTEM, b"", batch).await
            };
            // Polled so many times, and then dropped wherever it is.
            let mut work = Box::pin(work);
            let mut left = polls;
            std::future::poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                work.as_mut().poll(context).map(Result::unwrap)
            })
            .await;
        }
    }
    assert!(!engine.stats().poisoned);
    let content = pattern(2, 9 << 20);
    let run = keep(&engine, &content, 99).await;
    assert!(read(&engine, run).await.unwrap() == content);
    // Stopping waits for all that was under way.
    engine.close().await.unwrap();
    let engine = open(directory.path());
    settle(&engine).await;
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.orphans, 0, "{report:?}");
}

#[tokio::test]
async fn writers_that_give_up_leave_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    for hint in [None, Some(5 << 20), Some(100 << 20)] {
        for size in [10, 100_000, 2 << 20, 5 << 20] {
            let owner = OwnerTag::default();
            let mut writer = engine.write_blob(hint, owner).await.unwrap();
            writer.write(pattern(1, size)).await.unwrap();
            drop(writer);
        }
    }
    for size in SIZES {
        drop(write(&engine, &pattern(2, size)).await);
    }
    engine.close().await.unwrap();
    let engine = open(directory.path());
    settle(&engine).await;
    let report = engine.fsck(None).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.orphans, 0);
    engine.close().await.unwrap();
    let left = blob_bytes(directory.path());
    assert!(left < 100_000, "{left} bytes");
}
