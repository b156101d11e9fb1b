//! What the disk gives, and what the engine makes of it.
//!
//! `append [DIRECTORY] [SECONDS]` prints the bare rate of 4 KiB appends that 32
//! writers make durable together, then rates of the engine on the same disk, each
//! with its CPU time per operation. The directory must be empty or missing.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use osier_engine::{Batch, Engine, Family, OwnerTag, RefTag, Run, TableId};
use osier_engine_local::{LocalEngine, LocalSettings};
use osier_types::{ManualClock, SeededRng, Timestamp};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments
        .next()
        .map_or_else(|| PathBuf::from("append-bench"), PathBuf::from);
    let seconds = match arguments.next() {
        Some(text) => text.to_str().unwrap_or("2").parse()?,
        None => 2,
    };
    std::fs::create_dir_all(&directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let each = Duration::from_secs(seconds);
    bare(&directory, 32, each)?;
    runtime.block_on(engine(&directory, each))
}

/// Records of 4 KiB from many writers, written and synced in groups.
fn bare(directory: &Path, writers: usize, each: Duration) -> Result<(), Failure> {
    struct Group {
        waiting: usize,
        done: u64,
        taken: u64,
        over: bool,
    }
    let path = directory.join("bare");
    let file = std::fs::File::create(&path)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 1 << 30)?;
    file.sync_all()?;
    drop(file);
    let flags = rustix::fs::OFlags::WRONLY;
    let direct = flags | rustix::fs::OFlags::DIRECT;
    let none = rustix::fs::Mode::empty();
    let file =
        rustix::fs::open(&path, direct, none).or_else(|_| rustix::fs::open(&path, flags, none))?;
    let memory = vec![7_u8; (4096 * writers) + 4096];
    let start = memory.as_ptr().align_offset(4096);
    let shared = (
        Mutex::new(Group {
            waiting: 0,
            done: 0,
            taken: 0,
            over: false,
        }),
        Condvar::new(),
        Condvar::new(),
    );
    let poisoned = "a thread of the bench panicked";
    let measure = Measure::begin();
    let total = std::thread::scope(|scope| -> Result<u64, Failure> {
        let (state, work, wake) = &shared;
        for _ in 0..writers {
            scope.spawn(move || {
                loop {
                    let Ok(mut group) = state.lock() else { return };
                    if group.over {
                        return;
                    }
                    group.waiting += 1;
                    let mine = group.taken;
                    work.notify_one();
                    // The group that is taken next is done after the one now written.
                    let waited = wake.wait_while(group, |it| it.done <= mine && !it.over);
                    if waited.is_err() {
                        return;
                    }
                }
            });
        }
        let (mut at, mut total) = (0, 0);
        while measure.since.elapsed() < each {
            let group = state.lock().map_err(|_| poisoned)?;
            let mut group = work
                .wait_while(group, |it| it.waiting == 0)
                .map_err(|_| poisoned)?;
            let count = std::mem::take(&mut group.waiting);
            group.taken += 1;
            drop(group);
            let bytes = memory.get(start..start + 4096 * count).unwrap_or_default();
            rustix::io::pwrite(&file, bytes, at)?;
            rustix::fs::fdatasync(&file)?;
            at = (at + u64::try_from(bytes.len())?) % (900 << 20);
            total += u64::try_from(count)?;
            let mut group = state.lock().map_err(|_| poisoned)?;
            group.done += 1;
            wake.notify_all();
        }
        state.lock().map_err(|_| poisoned)?.over = true;
        wake.notify_all();
        Ok(total)
    })?;
    measure.report("bare 4 KiB append, 32 writers", total, 4096);
    std::fs::remove_file(path)?;
    Ok(())
}

async fn engine(directory: &Path, each: Duration) -> Result<(), Failure> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let rng = Arc::new(SeededRng::new(1));
    let began = Instant::now();
    let path = directory.join("data");
    let engine = LocalEngine::open(&path, LocalSettings::default(), clock, rng)?;
    println!(
        "opened in {:?}, resident {} MB",
        began.elapsed(),
        resident_mb()
    );
    for writers in [1, 32] {
        let label = format!("commit of a 400 byte row, {writers} writers");
        rows(&engine, &label, writers, 400, each).await?;
    }
    rows(&engine, "commit of a 4 KiB row, 32 writers", 32, 4096, each).await?;
    hot_gets(&engine, each).await?;
    for (size, label, writers) in [
        (4 << 10, "4 KiB", 32),
        (64 << 10, "64 KiB", 1),
        (64 << 10, "64 KiB", 32),
        (1 << 20, "1 MiB", 1),
        (1 << 20, "1 MiB", 32),
        (8 << 20, "8 MiB", 8),
        (64 << 20, "64 MiB", 2),
        (64 << 20, "64 MiB", 64),
    ] {
        let label = format!("blob of {label} and its commit, {writers} writers");
        let runs = blobs(&engine, &label, writers, size, each).await?;
        reads(&engine, "  the same read again, 2 readers", runs, each).await?;
        println!("  resident {} MB", resident_mb());
        engine.collect_now(Duration::ZERO).await?;
    }
    println!("{:?}", engine.stats());
    engine.close().await?;
    std::fs::remove_dir_all(path)?;
    Ok(())
}

async fn rows(
    engine: &Arc<LocalEngine>,
    label: &str,
    writers: u64,
    size: usize,
    each: Duration,
) -> Result<(), Failure> {
    let measure = Measure::begin();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let engine = Arc::clone(engine);
            let since = measure.since;
            tokio::spawn(async move {
                let mut step = 0_u64;
                while since.elapsed() < each {
                    // Spread like keys of real objects.
                    let key = (writer << 40 | step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let batch = Batch {
                        puts: vec![(Family::Current, row_key(key), Bytes::from(vec![1; size]))],
                        counters: vec![(0, 1)],
                        ..Batch::default()
                    };
                    engine.commit(TableId::SYSTEM, b"", batch).await?;
                    step += 1;
                }
                Ok::<u64, Failure>(step)
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    measure.report(label, total, u64::try_from(size)?);
    Ok(())
}

fn row_key(number: u64) -> Bytes {
    Bytes::from(format!("photos/2026/11/{number:020}/original.jpeg"))
}

async fn hot_gets(engine: &Arc<LocalEngine>, each: Duration) -> Result<(), Failure> {
    let key = row_key(0);
    let measure = Measure::begin();
    let mut total = 0;
    while measure.since.elapsed() < each {
        for _ in 0..1000 {
            engine.get(TableId::SYSTEM, Family::Current, &key).await?;
        }
        total += 1000;
    }
    measure.report("get of a hot row, 1 reader", total, 0);
    Ok(())
}

async fn blobs(
    engine: &Arc<LocalEngine>,
    label: &str,
    writers: u64,
    size: usize,
    each: Duration,
) -> Result<Vec<Run>, Failure> {
    static TAG: AtomicU64 = AtomicU64::new(1);
    let portion = Bytes::from(vec![9; size.min(64 << 10)]);
    let measure = Measure::begin();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (engine, portion) = (Arc::clone(engine), portion.clone());
            let since = measure.since;
            tokio::spawn(async move {
                let mut runs = Vec::new();
                while since.elapsed() < each {
                    let length = Some(u64::try_from(size)?);
                    let mut writer = engine.write_blob(length, OwnerTag::default()).await?;
                    for _ in 0..size / portion.len() {
                        writer.write(portion.clone()).await?;
                    }
                    let sealed = writer.finish().await?;
                    let tag = TAG.fetch_add(1, Ordering::Relaxed);
                    let batch = Batch {
                        puts: vec![(Family::Version, row_key(tag), Bytes::from(vec![1; 400]))],
                        links: vec![(sealed.run.blob, RefTag(tag))],
                        counters: vec![(0, 1)],
                        ..Batch::default()
                    };
                    engine.commit(TableId::SYSTEM, b"", batch).await?;
                    runs.push(sealed.run);
                }
                Ok::<Vec<Run>, Failure>(runs)
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    measure.report(label, u64::try_from(all.len())?, u64::try_from(size)?);
    Ok(all)
}

async fn reads(
    engine: &Arc<LocalEngine>,
    label: &str,
    runs: Vec<Run>,
    each: Duration,
) -> Result<(), Failure> {
    let runs: Arc<Vec<Run>> = Arc::new(runs.into_iter().take(100).collect());
    let measure = Measure::begin();
    let stop = Arc::new(AtomicBool::new(runs.is_empty()));
    let tasks: Vec<_> = (0..2_usize)
        .map(|reader| {
            let (engine, runs) = (Arc::clone(engine), Arc::clone(&runs));
            let (since, stop) = (measure.since, Arc::clone(&stop));
            tokio::spawn(async move {
                let mut total = 0;
                for run in runs.iter().cycle().skip(reader) {
                    if since.elapsed() >= each / 2 || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let blob = engine.open_blob(*run).await?;
                    let mut at = 0;
                    while at < run.length {
                        let some = (run.length - at).min(1 << 20);
                        blob.read(at, usize::try_from(some)?).await?;
                        at += some;
                    }
                    total += 1;
                }
                Ok::<u64, Failure>(total)
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    let size = runs.first().map_or(0, |run| run.length);
    measure.report(label, total, size);
    Ok(())
}

struct Measure {
    since: Instant,
    cpu: Duration,
}

impl Measure {
    fn begin() -> Self {
        Self {
            since: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn report(&self, label: &str, operations: u64, size: u64) {
        let elapsed = self.since.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        let per_second = u128::from(operations) * 1000 / elapsed.as_millis().max(1);
        let megabytes = per_second * u128::from(size) / 1_000_000;
        let each = cpu.as_nanos() / u128::from(operations.max(1));
        println!(
            "{label:52} {per_second:>9}/s {megabytes:>6} MB/s  CPU {:>5}.{:03} us each",
            each / 1000,
            each % 1000
        );
    }
}

/// CPU time of this process, by hundredths of a second.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 = after
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn resident_mb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.unwrap_or_default() / 1024
}
