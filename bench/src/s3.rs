//! The S3 dialect beside Garage, with the fsync of Garage off and on.
//!
//! Every request is signed by AWS V4 and its payload is not. Servers take turns in windows, so
//! that a disturbance hits all alike; numbers are the medians of the windows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use md5::{Digest as _, Md5};

use crate::garage;
use crate::load::{Measured, Plan, Prepared, Stop, count, run as drive};
use crate::process::{cpu_seconds, resident_bytes};
use crate::server::Server;
use crate::sign::{Signer, hex};
use crate::store::{noise, now, work_directory};

const BUCKET: &str = "bench";
/// Label, size and number of objects that are read.
const SIZES: [(&str, usize, usize); 5] = [
    ("1 KiB", 1024, 64),
    ("4 KiB", 4096, 64),
    ("64 KiB", 65_536, 64),
    ("1 MiB", 1 << 20, 16),
    ("64 MiB", 64 << 20, 2),
];
const PART: usize = 8 << 20;

struct Bench {
    signer: Signer,
    osier: Server,
    garage: Server,
    /// Garage with its fsync on; takes part in small and middle writes only.
    synced: Server,
    rounds: usize,
    seconds: f64,
    only: Option<String>,
    _directory: tempfile::TempDir,
}

/// Medians of one server at one work.
struct Row {
    rate: f64,
    cpu_us: f64,
    p99_us: u32,
}

/// Prints the table of docs/bench.md.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments
        .iter()
        .position(|argument| argument == "--only")
        .and_then(|index| arguments.get(index + 1).cloned());
    let directory = tempfile::Builder::new()
        .prefix("osier-bench")
        .tempdir_in(work_directory()?)?;
    let place = |name: &str| -> anyhow::Result<_> {
        let path = directory.path().join(name);
        std::fs::create_dir(&path)?;
        Ok(path)
    };
    // Garage takes keys of this form only.
    let signer = Signer {
        id: format!("GK{}", "0b".repeat(12)),
        secret: "7e".repeat(32),
    };
    let bench = Bench {
        osier: Server::osier(&place("osier")?, &signer)?,
        garage: garage::start("garage", &place("garage")?, &signer, BUCKET, false)?,
        synced: garage::start("garage, fsync", &place("synced")?, &signer, BUCKET, true)?,
        signer,
        rounds: if quick { 1 } else { 3 },
        seconds: if quick { 1.0 } else { 2.0 },
        only,
        _directory: directory,
    };
    println!(
        "| Work | osier | garage | garage, fsync | beside garage | beside fsync | CPU beside garage | goal |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    once(
        &bench.osier,
        vec![bench.request("PUT", "", &[], Some(Arc::default()))?],
        1,
    )?;
    bench.writes()?;
    bench.reads()?;
    bench.lists()?;
    bench.deletes()?;
    bench.multipart()?;
    let resident = |server: &Server| -> anyhow::Result<String> {
        let kib = count(resident_bytes(server.pid())? >> 10);
        Ok(format!("{:.0} MB", kib / 1e3))
    };
    println!(
        "| RSS after the run | {} | {} | {} | | | | below |",
        resident(&bench.osier)?,
        resident(&bench.garage)?,
        resident(&bench.synced)?
    );
    Ok(())
}

impl Bench {
    fn wanted(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.starts_with(only.as_str()))
    }

    fn writes(&self) -> anyhow::Result<()> {
        for (label, size, connections, keys) in [
            ("4 KiB", 4096, [1, 32, 256].as_slice(), 20_000),
            ("64 KiB", 65_536, &[32], 2_000),
            ("1 MiB", 1 << 20, &[8], 200),
            ("64 MiB", 64 << 20, &[4], 8),
        ] {
            for &connections in connections {
                let name = format!("put {label} x{connections}");
                if !self.wanted(&name) {
                    continue;
                }
                let body = Arc::new(noise(size));
                let puts =
                    self.requests("PUT", keys, &body, |index| format!("put-{size}-{index}"))?;
                let goal = match (size, connections) {
                    (4096, 32) => "5, fsync 100",
                    (1_048_576, _) => "3",
                    _ => "",
                };
                let servers = [&self.osier, &self.garage, &self.synced];
                print(&name, &self.measure(&servers, &puts, connections)?, goal);
            }
        }
        Ok(())
    }

    fn reads(&self) -> anyhow::Result<()> {
        if !self.wanted("get") && !self.wanted("head") && !self.wanted("GET") {
            return Ok(());
        }
        let servers = [&self.osier, &self.garage];
        for (label, size, copies) in SIZES {
            let body = Arc::new(noise(size));
            let key = |index| format!("get-{size}-{index}");
            for server in servers {
                once(server, self.requests("PUT", copies, &body, key)?, 4)?;
            }
            let asked = |method: &str| -> anyhow::Result<Vec<Prepared>> {
                (0..copies)
                    .map(|index| {
                        Ok(Prepared {
                            expect_length: Some(u64::try_from(size)?),
                            ..self.request(method, &key(index), &[], None)?
                        })
                    })
                    .collect()
            };
            let connections: &[usize] = match size {
                4096 => &[1, 32, 256],
                1024 | 65_536 => &[32],
                1_048_576 => &[16],
                _ => &[4],
            };
            for &connections in connections {
                let name = format!("get {label} x{connections}");
                let goal = match (size, connections) {
                    (1024, _) => "1.3",
                    (4096, 32) => "8",
                    (1_048_576, _) => "4",
                    _ => "",
                };
                if self.wanted(&name) {
                    print(
                        &name,
                        &self.measure(&servers, &asked("GET")?, connections)?,
                        goal,
                    );
                }
            }
            if size == 4096 && self.wanted("head") {
                print(
                    "head x32",
                    &self.measure(&servers, &asked("HEAD")?, 32)?,
                    "1.2",
                );
            }
        }
        Ok(())
    }

    /// Pages of 1,000 keys, each from another place of a bucket of 10,000.
    fn lists(&self) -> anyhow::Result<()> {
        if !self.wanted("list") {
            return Ok(());
        }
        let servers = [&self.osier, &self.garage];
        let puts = self.requests("PUT", 10_000, &Arc::new(vec![0]), |index| {
            format!("list/dir{:02}/key{index:06}", index % 20)
        })?;
        for server in servers {
            once(server, puts.clone(), 32)?;
        }
        let pages = (0..18)
            .map(|page| {
                let after = format!("list/dir{page:02}/");
                let query = [
                    ("list-type", "2"),
                    ("max-keys", "1000"),
                    ("prefix", "list/"),
                    ("start-after", after.as_str()),
                ];
                self.request("GET", "", &query, None)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        print(
            "list, page of 1,000 x4",
            &self.measure(&servers, &pages, 4)?,
            "5",
        );
        Ok(())
    }

    fn deletes(&self) -> anyhow::Result<()> {
        if !self.wanted("delete") {
            return Ok(());
        }
        let key = |index| format!("delete-{index}");
        let puts = self.requests("PUT", 4_000, &Arc::new(noise(4096)), key)?;
        let mut rows = Vec::new();
        for server in [&self.osier, &self.garage] {
            once(server, puts.clone(), 32)?;
            let deletes = (0..puts.len())
                .map(|index| self.request("DELETE", &key(index), &[], None))
                .collect::<anyhow::Result<_>>()?;
            rows.push(once(server, deletes, 32)?);
        }
        print("delete 4 KiB x32", &rows, "");
        Ok(())
    }

    /// Uploads of 512 MiB in parts of 8 MiB, four at a time, begun and completed within the time.
    fn multipart(&self) -> anyhow::Result<()> {
        if !self.wanted("multipart") {
            return Ok(());
        }
        let body = Arc::new(noise(PART));
        let tag = hex(&Md5::digest(body.as_slice()));
        let numbers: Vec<String> = (1..=64).map(|number: u32| number.to_string()).collect();
        let mut whole = "<CompleteMultipartUpload>".to_owned();
        for number in &numbers {
            whole += "<Part><PartNumber>";
            whole += number;
            whole += "</PartNumber><ETag>\"";
            whole += &tag;
            whole += "\"</ETag></Part>";
        }
        whole += "</CompleteMultipartUpload>";
        let mut rows = Vec::new();
        for server in [&self.osier, &self.garage] {
            let before = cpu_seconds(server.pid())?;
            let begin = Instant::now();
            let begun = self.request("POST", "whole", &[("uploads", "")], Some(Arc::default()))?;
            let answer = begun.fetch(server.address)?;
            let upload = answer
                .split_once("<UploadId>")
                .and_then(|(_, rest)| rest.split_once("</UploadId>"))
                .with_context(|| format!("no upload in {answer}"))?
                .0;
            let parts = numbers
                .iter()
                .map(|number| {
                    let query = [("partNumber", number.as_str()), ("uploadId", upload)];
                    self.request("PUT", "whole", &query, Some(Arc::clone(&body)))
                })
                .collect::<anyhow::Result<_>>()?;
            once(server, parts, 4)?;
            let query = [("uploadId", upload)];
            let document = Some(Arc::new(whole.clone().into_bytes()));
            let answer = self
                .request("POST", "whole", &query, document)?
                .fetch(server.address)?;
            ensure!(answer.contains("<ETag>"), "not completed: {answer}");
            let used = cpu_seconds(server.pid())? - before;
            rows.push(Row {
                rate: 64.0 / begin.elapsed().as_secs_f64(),
                cpu_us: used * 1e6 / 64.0,
                p99_us: 0,
            });
        }
        print("multipart 512 MiB, parts of 8 MiB x4", &rows, "");
        Ok(())
    }

    fn requests(
        &self,
        method: &str,
        number: usize,
        body: &Arc<Vec<u8>>,
        key: impl Fn(usize) -> String,
    ) -> anyhow::Result<Vec<Prepared>> {
        (0..number)
            .map(|index| self.request(method, &key(index), &[], Some(Arc::clone(body))))
            .collect()
    }

    fn request(
        &self,
        method: &str,
        key: &str,
        query: &[(&str, &str)],
        body: Option<Arc<Vec<u8>>>,
    ) -> anyhow::Result<Prepared> {
        let length = body.as_ref().map(|body| body.len());
        let head = self
            .signer
            .s3_head(method, (BUCKET, key), query, length, now()?);
        Ok(Prepared {
            head: head.into_bytes(),
            body: body.unwrap_or_default(),
            expect_length: None,
        })
    }

    fn measure(
        &self,
        servers: &[&Server],
        requests: &[Prepared],
        connections: usize,
    ) -> anyhow::Result<Vec<Row>> {
        let mut windows: Vec<Vec<(Measured, f64)>> = servers.iter().map(|_| Vec::new()).collect();
        for round in 0..=self.rounds {
            for (server, windows) in servers.iter().zip(&mut windows) {
                // The first window only warms up.
                let seconds = if round == 0 { 0.5 } else { self.seconds };
                let stop = Stop::After(Duration::from_secs_f64(seconds));
                let plan = plan(server, requests.to_vec(), connections, stop);
                let window = measured(server, &plan).with_context(|| server.name)?;
                if round > 0 {
                    windows.push(window);
                }
            }
        }
        Ok(windows.iter().map(|windows| row(windows)).collect())
    }
}

/// Makes each request once.
fn once(server: &Server, requests: Vec<Prepared>, connections: usize) -> anyhow::Result<Row> {
    let plan = plan(server, requests, connections, Stop::Once);
    measured(server, &plan)
        .map(|window| row(&[window]))
        .with_context(|| server.name)
}

fn plan(server: &Server, requests: Vec<Prepared>, connections: usize, stop: Stop) -> Plan {
    Plan {
        address: server.address,
        requests: Arc::new(requests),
        connections,
        stop,
        quick_ack: true,
    }
}

/// What a run took, and the CPU of each request in microseconds.
fn measured(server: &Server, plan: &Plan) -> anyhow::Result<(Measured, f64)> {
    let before = cpu_seconds(server.pid())?;
    let measured = drive(plan)?;
    let used = cpu_seconds(server.pid())? - before;
    let each = used * 1e6 / count(measured.requests.max(1));
    Ok((measured, each))
}

fn row(windows: &[(Measured, f64)]) -> Row {
    let median = |of: fn(&(Measured, f64)) -> f64| {
        let mut numbers: Vec<f64> = windows.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    Row {
        rate: median(|(measured, _)| measured.rate()),
        cpu_us: median(|(_, cpu)| *cpu),
        p99_us: windows
            .iter()
            .map(|(measured, _)| measured.quantile_us(990))
            .max()
            .unwrap_or_default(),
    }
}

fn print(name: &str, rows: &[Row], goal: &str) {
    let cell = |row: Option<&Row>| {
        row.map_or_else(String::new, |row| {
            let Row {
                rate,
                cpu_us,
                p99_us,
            } = row;
            format!("{rate:.0}/s, {cpu_us:.0} us, p99 {p99_us}")
        })
    };
    let beside = |index: usize, of: fn(&Row) -> f64| match (rows.first(), rows.get(index)) {
        (Some(ours), Some(peer)) => format!("{:.2}", of(ours) / of(peer)),
        _ => String::new(),
    };
    println!(
        "| {name} | {} | {} | {} | {} | {} | {} | {goal} |",
        cell(rows.first()),
        cell(rows.get(1)),
        cell(rows.get(2)),
        beside(1, |row| row.rate),
        beside(2, |row| row.rate),
        beside(1, |row| row.cpu_us),
    );
}
