//! What the disk and the processor can do without any server: the upper bounds.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use md5::{Digest as _, Md5};

use crate::load::count;

const BLOCK: usize = 4096;
const O_DIRECT: i32 = 0o40000;

/// 4 KiB appends per second by `writers` threads that share one file and one
/// `fdatasync` per group: the rate no durable PUT can pass.
pub(crate) fn group_append_rate(
    directory: &Path,
    writers: usize,
    duration: Duration,
) -> anyhow::Result<f64> {
    #[derive(Default)]
    struct Queue {
        waiting: u64,
        done: u64,
        over: bool,
    }
    let path = directory.join("append");
    let file = open_direct(&path)?;
    let queue = Mutex::new(Queue::default());
    let changed = Condvar::new();
    let mut appended = 0_u64;
    let begin = Instant::now();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        for _ in 0..writers {
            scope.spawn(|| {
                let Ok(mut state) = queue.lock() else { return };
                while !state.over {
                    state.waiting += 1;
                    changed.notify_all();
                    let ticket = state.done + state.waiting;
                    while state.done < ticket && !state.over {
                        let Ok(next) = changed.wait(state) else {
                            return;
                        };
                        state = next;
                    }
                }
            });
        }
        let memory = vec![0x5A_u8; BLOCK * (writers + 1)];
        let start = memory.as_ptr().align_offset(BLOCK);
        while begin.elapsed() < duration {
            let mut state = queue
                .lock()
                .map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            while state.waiting == 0 {
                state = changed
                    .wait(state)
                    .map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            }
            let group = state.waiting;
            drop(state);
            let length = usize::try_from(group)? * BLOCK;
            let block = memory
                .get(start..start + length)
                .context("group larger than the writers")?;
            rustix::io::pwrite(&file, block, appended * 4096)?;
            rustix::fs::fdatasync(&file)?;
            appended += group;
            let mut state = queue
                .lock()
                .map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            state.waiting -= group;
            state.done += group;
            changed.notify_all();
        }
        queue
            .lock()
            .map_err(|_| anyhow::anyhow!("a writer panicked"))?
            .over = true;
        changed.notify_all();
        Ok(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(count(appended) / seconds)
}

/// Megabytes per second of direct sequential writes with one `fdatasync` per 64 MiB.
pub(crate) fn raw_write_rate(directory: &Path, files: u64) -> anyhow::Result<f64> {
    let piece = 1 << 20;
    let memory = vec![0xA5_u8; piece + BLOCK];
    let start = memory.as_ptr().align_offset(BLOCK);
    let block = memory.get(start..start + piece).context("alignment")?;
    let path = directory.join("raw");
    let begin = Instant::now();
    for _ in 0..files {
        let file = open_direct(&path)?;
        for offset in (0..64).map(|index| index << 20) {
            rustix::io::pwrite(&file, block, offset)?;
        }
        rustix::fs::fdatasync(&file)?;
        std::fs::remove_file(&path)?;
    }
    Ok(count((files * 64) << 20) / 1e6 / begin.elapsed().as_secs_f64())
}

/// Megabytes per second of MD5 on one core.
pub(crate) fn md5_rate() -> f64 {
    let block = vec![7_u8; 16 << 20];
    let begin = Instant::now();
    let mut hash = Md5::new();
    for _ in 0..16 {
        hash.update(&block);
    }
    let digest = hash.finalize();
    let seconds = begin.elapsed().as_secs_f64();
    std::hint::black_box(digest);
    268.435_456 / seconds
}

fn open_direct(path: &Path) -> anyhow::Result<std::fs::File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .custom_flags(O_DIRECT)
        .open(path)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 1 << 30)?;
    Ok(file)
}
