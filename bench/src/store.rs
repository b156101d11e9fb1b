//! The store beside nginx and the bare disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use osier_types::Timestamp;

use crate::disk;
use crate::load::{Measured, Plan, Prepared, Stop, count, run as drive};
use crate::process::{cpu_seconds, resident_bytes};
use crate::server::Server;
use crate::sign::Signer;

const BUCKET: &str = "bench";
const KEYS: usize = 64;

struct Bench {
    signer: Signer,
    osier: Server,
    nginx: Server,
    directory: tempfile::TempDir,
    seconds: f64,
    only: Option<String>,
}

/// A measured run of one server.
struct Row {
    measured: Measured,
    cpu_us: f64,
}

/// Runs every scenario and prints the table of docs/bench.md.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments
        .iter()
        .position(|argument| argument == "--only")
        .and_then(|index| arguments.get(index + 1).cloned());
    let directory = tempfile::Builder::new()
        .prefix("osier-bench")
        .tempdir_in(work_directory()?)?;
    let signer = Signer {
        id: "BENCHBENCHBENCH00000000".into(),
        secret: "bench-secret-of-one-run-only".into(),
    };
    let files = directory.path().join("files");
    std::fs::create_dir(&files)?;
    let scratch = directory.path().join("nginx");
    std::fs::create_dir(&scratch)?;
    let osier = Server::osier(&directory.path().join("data"), &signer)?;
    let nginx = Server::nginx(&files, &scratch)?;
    let seconds = if quick { 1.0 } else { 4.0 };
    let bench = Bench {
        signer,
        osier,
        nginx,
        directory,
        seconds,
        only,
    };
    println!(
        "| Work | osier | yardstick | ratio | osier CPU | yardstick CPU | p50 / p99 us | goal |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| RSS idle | {:.1} MB | | | | | | 40 MB |",
        megabytes(resident_bytes(bench.osier.pid())?)
    );
    bench.prepare()?;
    bench.reads()?;
    bench.writes()?;
    if bench.wanted("list") {
        bench.lists(quick)?;
    }
    println!(
        "| RSS after the run | {:.1} MB | | | | | | |",
        megabytes(resident_bytes(bench.osier.pid())?)
    );
    Ok(())
}

impl Bench {
    fn wanted(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.starts_with(only.as_str()))
    }

    fn prepare(&self) -> anyhow::Result<()> {
        self.send("PUT", BUCKET, "", &[], b"")?;
        self.public_bucket()?;
        for (size, copies) in SIZES {
            let body = Arc::new(noise(size));
            let mut puts = Vec::new();
            for index in 0..copies {
                let key = format!("{size}-{index}");
                std::fs::write(
                    self.directory.path().join("files").join(&key),
                    body.as_slice(),
                )?;
                puts.push(self.put("public", &key, &body)?);
            }
            self.once(puts)?;
        }
        Ok(())
    }

    fn public_bucket(&self) -> anyhow::Result<()> {
        let acl = [("x-oss-acl", "public-read")];
        let head = self
            .signer
            .head_with("PUT", "public", "", &[], &acl, Some(0), now()?);
        self.once(vec![Prepared {
            head: head.into_bytes(),
            body: Arc::default(),
            expect_length: None,
        }])
    }

    fn reads(&self) -> anyhow::Result<()> {
        for (size, copies) in SIZES {
            let keys: Vec<String> = (0..copies).map(|index| format!("{size}-{index}")).collect();
            let length = Some(u64::try_from(size)?);
            let connections: &[usize] = match size {
                4096 => &[1, 32, 256],
                1_048_576 => &[16],
                _ => &[4],
            };
            let plain: Vec<Prepared> = keys
                .iter()
                .map(|key| anonymous(&format!("/public/{key}"), length))
                .collect();
            let files: Vec<Prepared> = keys
                .iter()
                .map(|key| anonymous(&format!("/{key}"), length))
                .collect();
            let signed = keys
                .iter()
                .map(|key| {
                    let head = self.signer.head("GET", "public", key, &[], None, now()?);
                    Ok(Prepared {
                        head: head.into_bytes(),
                        body: Arc::default(),
                        expect_length: length,
                    })
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            for &connections in connections {
                let name = format!("get {} x{connections}", label(size));
                if !self.wanted(&name) {
                    continue;
                }
                let yardstick = self.measure(&self.nginx, &files, connections)?;
                let ours = self.measure(&self.osier, &plain, connections)?;
                let again = self.measure(&self.nginx, &files, connections)?;
                let yardstick = if again.measured.rate() > yardstick.measured.rate() {
                    again
                } else {
                    yardstick
                };
                let signed = self.measure(&self.osier, &signed, connections)?;
                let (goal, signed_goal) = match size {
                    4096 if connections == 32 => ("0.9", "0.6"),
                    1_048_576 => ("1.2", ""),
                    67_108_864 => ("0.95", ""),
                    _ => ("", ""),
                };
                print_row(
                    &format!("{name}, public, beside nginx sendfile"),
                    &ours,
                    &yardstick,
                    goal,
                );
                print_row(
                    &format!("{name}, V4-signed, beside nginx sendfile"),
                    &signed,
                    &yardstick,
                    signed_goal,
                );
            }
        }
        Ok(())
    }

    fn writes(&self) -> anyhow::Result<()> {
        let duration = Duration::from_secs_f64(self.seconds);
        if self.wanted("put 4k") {
            let append = disk::group_append_rate(self.directory.path(), 32, duration)?;
            let body = Arc::new(noise(4096));
            let puts = self.puts(20_000, &body)?;
            for connections in [1, 32, 256] {
                let row = self.measure(&self.osier, &puts, connections)?;
                let goal = if connections == 32 { "0.5" } else { "" };
                print_rate(
                    &format!("put 4 KiB x{connections}, durable, beside bare group append"),
                    &row,
                    append,
                    "/s",
                    goal,
                );
            }
            let body = Arc::new(noise(65_536));
            let row = self.measure(&self.osier, &self.puts(4_000, &body)?, 32)?;
            print_rate(
                "put 64 KiB x32, durable, beside bare 4 KiB append",
                &row,
                append,
                "/s",
                "",
            );
        }
        if self.wanted("put 1m") {
            let raw = disk::raw_write_rate(self.directory.path(), 8)?;
            let row = self.measure(&self.osier, &self.puts(200, &Arc::new(noise(1 << 20)))?, 8)?;
            print_megabytes("put 1 MiB x8, beside raw disk", &row, raw, "");
        }
        if self.wanted("put 64m") {
            let raw = disk::raw_write_rate(self.directory.path(), 16)?;
            let md5 = disk::md5_rate();
            let body = Arc::new(noise(64 << 20));
            for connections in [1, 4] {
                let row = self.measure(&self.osier, &self.puts(8, &body)?, connections)?;
                let name = format!("put 64 MiB x{connections}");
                print_megabytes(
                    &format!("{name}, beside one core's MD5"),
                    &row,
                    md5,
                    "0.85 or 0.6 of raw",
                );
                print_megabytes(
                    &format!("{name}, beside raw disk"),
                    &row,
                    raw,
                    "0.6 or 0.85 of MD5",
                );
            }
        }
        Ok(())
    }

    fn lists(&self, quick: bool) -> anyhow::Result<()> {
        let sizes = if quick {
            [2_000, 20_000]
        } else {
            [10_000, 1_000_000]
        };
        let mut pages = Vec::new();
        for size in sizes {
            let bucket = format!("list-{size}");
            self.send("PUT", &bucket, "", &[], b"")?;
            let body = Arc::new(Vec::new());
            for begin in (0..size).step_by(50_000) {
                let puts = (begin..size.min(begin + 50_000))
                    .map(|index| {
                        self.put(
                            &bucket,
                            &format!("dir{:03}/key{:09}", index % 500, index),
                            &body,
                        )
                    })
                    .collect::<anyhow::Result<Vec<_>>>()?;
                self.once_with(puts, 64)?;
            }
            // Pages spread over the bucket, each from its own marker.
            let requests = (0..100)
                .map(|index| {
                    let marker = format!("dir{:03}/", index * 4);
                    let query = [("marker", marker.as_str()), ("max-keys", "1000")];
                    let head = self.signer.head("GET", &bucket, "", &query, None, now()?);
                    Ok(Prepared {
                        head: head.into_bytes(),
                        body: Arc::default(),
                        expect_length: None,
                    })
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            pages.push(self.measure(&self.osier, &requests, 4)?);
        }
        let [small, large] = pages.as_slice() else {
            anyhow::bail!("two sizes")
        };
        println!(
            "| page of 1,000 keys, {} keys beside {} | {:.0}/s | {:.0}/s | cost {:.2}x | {:.0} us | {:.0} us | {} / {} | 1.3x |",
            sizes.last().copied().unwrap_or(0),
            sizes.first().copied().unwrap_or(0),
            large.measured.rate(),
            small.measured.rate(),
            large.cpu_us / small.cpu_us,
            large.cpu_us,
            small.cpu_us,
            large.measured.quantile_us(500),
            large.measured.quantile_us(990),
        );
        Ok(())
    }

    fn puts(&self, number: usize, body: &Arc<Vec<u8>>) -> anyhow::Result<Vec<Prepared>> {
        (0..number)
            .map(|index| self.put(BUCKET, &format!("put-{}-{index}", body.len()), body))
            .collect()
    }

    fn put(&self, bucket: &str, key: &str, body: &Arc<Vec<u8>>) -> anyhow::Result<Prepared> {
        let head = self
            .signer
            .head("PUT", bucket, key, &[], Some(body.len()), now()?);
        Ok(Prepared {
            head: head.into_bytes(),
            body: Arc::clone(body),
            expect_length: Some(0),
        })
    }

    fn send(
        &self,
        method: &str,
        bucket: &str,
        key: &str,
        query: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<()> {
        let head = self
            .signer
            .head(method, bucket, key, query, Some(body.len()), now()?);
        self.once(vec![Prepared {
            head: head.into_bytes(),
            body: Arc::new(body.to_vec()),
            expect_length: None,
        }])
    }

    fn once(&self, requests: Vec<Prepared>) -> anyhow::Result<()> {
        self.once_with(requests, 4)
    }

    fn once_with(&self, requests: Vec<Prepared>, connections: usize) -> anyhow::Result<()> {
        drive(&Plan {
            address: self.osier.address,
            requests: Arc::new(requests),
            connections,
            stop: Stop::Once,
            quick_ack: false,
        })
        .map(drop)
    }

    fn measure(
        &self,
        server: &Server,
        requests: &[Prepared],
        connections: usize,
    ) -> anyhow::Result<Row> {
        let requests = Arc::new(requests.to_vec());
        let plan = |seconds: f64| Plan {
            address: server.address,
            requests: Arc::clone(&requests),
            connections,
            stop: Stop::After(Duration::from_secs_f64(seconds)),
            quick_ack: false,
        };
        drive(&plan(self.seconds / 4.0))?;
        let before = cpu_seconds(server.pid())?;
        let measured = drive(&plan(self.seconds))?;
        let used = cpu_seconds(server.pid())? - before;
        let cpu_us = used * 1e6 / count(measured.requests.max(1));
        Ok(Row { measured, cpu_us })
    }
}

const SIZES: [(usize, usize); 3] = [(4096, KEYS), (1 << 20, 16), (64 << 20, 2)];

fn print_row(name: &str, ours: &Row, yardstick: &Row, goal: &str) {
    println!(
        "| {name} | {:.0}/s | {:.0}/s | {:.2} | {:.1} us | {:.1} us | {} / {} | {goal} |",
        ours.measured.rate(),
        yardstick.measured.rate(),
        ours.measured.rate() / yardstick.measured.rate(),
        ours.cpu_us,
        yardstick.cpu_us,
        ours.measured.quantile_us(500),
        ours.measured.quantile_us(990),
    );
}

fn print_rate(name: &str, ours: &Row, yardstick: f64, unit: &str, goal: &str) {
    println!(
        "| {name} | {:.0}{unit} | {yardstick:.0}{unit} | {:.2} | {:.1} us | | {} / {} | {goal} |",
        ours.measured.rate(),
        ours.measured.rate() / yardstick,
        ours.cpu_us,
        ours.measured.quantile_us(500),
        ours.measured.quantile_us(990),
    );
}

fn print_megabytes(name: &str, ours: &Row, yardstick: f64, goal: &str) {
    println!(
        "| {name} | {:.0} MB/s | {yardstick:.0} MB/s | {:.2} | {:.0} us | | {} / {} | {goal} |",
        ours.measured.megabytes_per_second(),
        ours.measured.megabytes_per_second() / yardstick,
        ours.cpu_us,
        ours.measured.quantile_us(500),
        ours.measured.quantile_us(990),
    );
}

fn anonymous(target: &str, expect_length: Option<u64>) -> Prepared {
    let head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes();
    Prepared {
        head,
        body: Arc::default(),
        expect_length,
    }
}

/// Bytes without a pattern that any layer could compress.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn label(size: usize) -> &'static str {
    match size {
        4096 => "4k",
        1_048_576 => "1m",
        _ => "64m",
    }
}

fn megabytes(bytes: u64) -> f64 {
    count(bytes) / 1e6
}

/// The bench is the one place here that needs the real time: the server checks dates.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "requests are dated"
)]
pub(crate) fn now() -> anyhow::Result<Timestamp> {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp::from_seconds(i64::try_from(elapsed.as_secs())?))
}

/// A directory on the same disk as the build, not a file system in memory.
pub(crate) fn work_directory() -> anyhow::Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program
        .parent()
        .and_then(Path::parent)
        .context("the program's directory")?
        .to_owned())
}
