//! Tests of the whole engine.

mod conformance;
mod crash;
mod damage;
mod full;
mod logs;
mod orphans;
mod power;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use osier_engine::{Batch, Engine, EngineError, OwnerTag, RefTag, Run, TableId};
use osier_types::{ManualClock, SeededRng, Timestamp};

use crate::{LocalEngine, LocalSettings, OpenError};

/// Small, and with nothing that happens by itself.
fn settings() -> LocalSettings {
    LocalSettings {
        memtable_bytes: 4 << 20,
        block_cache_bytes: 1 << 20,
        volume_bytes: 64 << 20,
        reserve_bytes: 1 << 20,
        collect_interval_s: 100_000,
        scrub_interval_days: 0,
        scrub_bytes_per_s: 1 << 40,
        ..LocalSettings::default()
    }
}

fn try_open(path: &Path, settings: LocalSettings) -> Result<Arc<LocalEngine>, OpenError> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    LocalEngine::open(path, settings, clock, Arc::new(SeededRng::new(7)))
}

fn open(path: &Path) -> Arc<LocalEngine> {
    try_open(path, settings()).unwrap()
}

/// Frees what may be freed, also what a crash left.
async fn settle(engine: &LocalEngine) {
    for _ in 0..2 {
        engine.collect_now(Duration::ZERO).await.unwrap();
    }
}

/// Bytes that differ everywhere and between seeds.
fn pattern(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    Bytes::from(bytes)
}

async fn write(engine: &LocalEngine, content: &Bytes) -> osier_engine::SealedBlob {
    try_write(engine, content).await.unwrap()
}

async fn try_write(
    engine: &LocalEngine,
    content: &Bytes,
) -> Result<osier_engine::SealedBlob, EngineError> {
    let length = u64::try_from(content.len()).unwrap();
    let owner = OwnerTag::default();
    let mut writer = engine.write_blob(Some(length), owner).await?;
    for portion in content.chunks(256 << 10) {
        writer.write(content.slice_ref(portion)).await?;
    }
    writer.finish().await
}

fn links(run: Run, tag: u64) -> Batch {
    Batch {
        links: vec![(run.blob, RefTag(tag))],
        ..Batch::default()
    }
}

fn unlinks(run: Run, tag: u64) -> Batch {
    Batch {
        unlinks: vec![(run.blob, RefTag(tag))],
        ..Batch::default()
    }
}

/// Writes and links a blob.
async fn keep(engine: &LocalEngine, content: &Bytes, tag: u64) -> Run {
    let sealed = write(engine, content).await;
    let batch = links(sealed.run, tag);
    engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
    sealed.run
}

async fn read(engine: &LocalEngine, run: Run) -> Result<Vec<u8>, EngineError> {
    let reader = engine.open_blob(run).await?;
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < run.length {
        let wanted = usize::try_from((run.length - at).min(1 << 20)).unwrap();
        bytes.extend_from_slice(&reader.read(at, wanted).await?);
        at += u64::try_from(wanted).unwrap();
    }
    Ok(bytes)
}

/// Files below a directory.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Bytes on disk below a directory.
fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    // A file of the database may be gone again since it was listed.
    let blocks = |path: &PathBuf| std::fs::metadata(path).ok().map(|it| it.blocks());
    files(path).iter().filter_map(blocks).sum::<u64>() * 512
}
