//! What the kernel says of a process: CPU time and memory.

use anyhow::Context as _;

/// CPU seconds used so far by a process and its living children of the first degree
/// (nginx works in children).
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let mut total = own_cpu_seconds(pid)?;
    for child in children(pid) {
        total += own_cpu_seconds(child).unwrap_or(0.0);
    }
    Ok(total)
}

/// Resident bytes of a process, its living children included.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let own = |pid: u32| -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .context("no VmRSS")?;
        let kib: u64 = line
            .split_whitespace()
            .nth(1)
            .context("no number")?
            .parse()?;
        Ok(kib * 1024)
    };
    Ok(own(pid)?
        + children(pid)
            .into_iter()
            .filter_map(|child| own(child).ok())
            .sum::<u64>())
}

/// Nanosecond run times of every thread; finer than the ticks of `/proc/PID/stat`.
fn own_cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0_f64;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let run: f64 = text
            .split_whitespace()
            .next()
            .context("empty schedstat")?
            .parse()?;
        nanoseconds += run;
    }
    Ok(nanoseconds / 1e9)
}

/// Living children of the first degree.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .map(|text| {
            text.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect()
        })
        .unwrap_or_default()
}
