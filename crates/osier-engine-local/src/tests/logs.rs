//! The log of the database is written in the place of an older one.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;

use osier_engine::Family;

use super::*;

async fn put(engine: &LocalEngine, number: u64) {
    let mut batch = Batch::default();
    let key = Bytes::copy_from_slice(&number.to_be_bytes());
    batch.puts.push((Family::Body, key, pattern(number, VALUE)));
    engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
}

fn logs(path: &Path) -> BTreeSet<(PathBuf, u64)> {
    files(&path.join("meta"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|it| it == "log"))
        .filter_map(|file| {
            // The database gives logs new names meanwhile: one that was just listed may be gone.
            let inode = file.metadata().ok()?.ino();
            Some((file, inode))
        })
        .collect()
}

/// Old entries stand behind the new ones then, and must not come back.
#[tokio::test]
async fn a_log_in_the_place_of_another_loses_and_adds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let mut inodes: BTreeSet<u64> = BTreeSet::new();
    let mut names: BTreeSet<PathBuf> = BTreeSet::new();
    for number in 0..ROWS {
        put(&engine, number).await;
        for (name, inode) in logs(directory.path()) {
            names.insert(name);
            inodes.insert(inode);
        }
        if number >= KEPT {
            let mut batch = Batch::default();
            let key = Bytes::copy_from_slice(&(number - KEPT).to_be_bytes());
            batch.deletes.push((Family::Body, key));
            engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        }
    }
    assert!(names.len() > inodes.len(), "{names:?} {inodes:?}");
    engine.abandon();
    drop(engine);
    let engine = open(directory.path());
    for number in 0..ROWS {
        let key = number.to_be_bytes();
        let row = engine.get(TableId::SYSTEM, Family::Body, &key).await;
        let expected = (number >= ROWS - KEPT).then(|| pattern(number, VALUE));
        assert_eq!(row.unwrap(), expected, "{number}");
    }
}

const VALUE: usize = 100_000;
const ROWS: u64 = 400;
const KEPT: u64 = 50;
