//! The gateway beside nginx and varnish: kept answers, and plain proxying.
//!
//! One nginx is the origin of all three. Servers have one worker on the first core; wrk and the
//! origin have the second, so that servers are never idle and their CPU per request means
//! something. All is measured in turns, so that a disturbance hits all alike.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use crate::load::{Plan, Prepared, Stop, count, run as drive};
use crate::process::{cpu_seconds, resident_bytes};
use crate::server::{Server, free_address};
use crate::sign::Signer;
use crate::store::{noise, work_directory};

const SIZES: [(&str, usize, usize); 3] = [
    ("1 KiB", 1024, 32),
    ("16 KiB", 16 * 1024, 32),
    ("1 MiB", 1 << 20, 16),
];
/// Objects of each size, asked for in turn.
const COPIES: usize = 16;

/// Medians of one server at one work.
struct Row {
    rate: f64,
    cpu_us: f64,
}

/// Prints the table of docs/bench.md.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments
        .iter()
        .position(|argument| argument == "--only")
        .and_then(|index| arguments.get(index + 1).cloned());
    let (rounds, seconds) = if quick { (3, 1) } else { (7, 2) };
    let directory = tempfile::Builder::new()
        .prefix("osier-bench")
        .tempdir_in(work_directory()?)?;
    let place = |name: &str| -> anyhow::Result<_> {
        let path = directory.path().join(name);
        std::fs::create_dir(&path)?;
        Ok(path)
    };
    let files = place("files")?;
    for (_, size, _) in SIZES {
        for copy in 0..COPIES {
            std::fs::write(files.join(format!("{size}-{copy}")), noise(size))?;
        }
    }
    let origin = origin(&files, &place("origin")?)?;
    let osier = osier(&place("osier")?, origin.address)?;
    let nginx = nginx(&place("nginx")?, origin.address)?;
    let varnish = varnish(&place("varnish")?, origin.address)?;
    origin.pin(1)?;
    for server in [&osier, &nginx, &varnish] {
        server.pin(0)?;
    }
    let resident = |server: &Server| -> anyhow::Result<String> {
        let kib = count(resident_bytes(server.pid())? >> 10);
        Ok(format!("{:.0} MB", kib / 1e3))
    };

    println!(
        "| Work | osier | nginx | varnish | rate beside nginx, varnish | CPU beside nginx, varnish | goal |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (label, size, connections) in SIZES {
        let hits: Vec<(&Server, &str)> =
            vec![(&osier, "kept"), (&nginx, "kept"), (&varnish, "kept")];
        let passes: Vec<(&Server, &str)> = vec![(&osier, "plain"), (&nginx, "plain")];
        for (work, servers) in [("hit", hits), ("proxy", passes)] {
            let name = format!("{work} {label} x{connections}");
            if only
                .as_ref()
                .is_some_and(|only| !name.starts_with(only.as_str()))
            {
                continue;
            }
            let rows = measure(&servers, size, connections, rounds, seconds)?;
            print_rows(&name, &rows, goal(work, size));
        }
    }
    println!(
        "| RSS after the run | {} | {} | {} | | | |",
        resident(&osier)?,
        resident(&nginx)?,
        resident(&varnish)?
    );
    Ok(())
}

/// What edge.md asks for: rate and CPU beside nginx.
fn goal(work: &str, size: usize) -> &'static str {
    match (work, size) {
        ("hit", 1024) => "1.4 / 0.65",
        ("hit", 16_384) => "1.1 / 0.8",
        ("hit", _) => "1.8",
        (_, 1024) => "1.0 / 1.0",
        (_, 16_384) => "1.0 / 1.05",
        _ => "1.3",
    }
}

fn measure(
    servers: &[(&Server, &str)],
    size: usize,
    connections: usize,
    rounds: usize,
    seconds: u64,
) -> anyhow::Result<Vec<Row>> {
    for (server, host) in servers {
        // Every answer is looked at once, and what is to be kept is kept after this.
        for _ in 0..2 {
            let requests = (0..COPIES).map(|copy| get(host, &format!("/{size}-{copy}"), size));
            drive(&Plan {
                address: server.address,
                requests: Arc::new(requests.collect::<anyhow::Result<_>>()?),
                connections: 1,
                stop: Stop::Once,
                quick_ack: false,
            })?;
        }
    }
    let mut seen: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); servers.len()];
    for _ in 0..rounds {
        for ((server, host), (rates, costs)) in servers.iter().zip(&mut seen) {
            let before = cpu_seconds(server.pid())?;
            let requests = wrk(server.address, host, size, connections, seconds)?;
            let used = cpu_seconds(server.pid())? - before;
            rates.push(count(requests) / count(seconds));
            costs.push(used * 1e6 / count(requests.max(1)));
        }
    }
    Ok(seen
        .into_iter()
        .map(|(rates, costs)| Row {
            rate: median(rates),
            cpu_us: median(costs),
        })
        .collect())
}

/// Answers of a run of wrk, all of them 200.
fn wrk(
    address: SocketAddr,
    host: &str,
    size: usize,
    connections: usize,
    seconds: u64,
) -> anyhow::Result<u64> {
    let told = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1"])
        .arg(format!("-c{connections}"))
        .arg(format!("-d{seconds}"))
        .args(["-H", &format!("Host: {host}")])
        .arg(format!("http://{address}/{size}-0"))
        .stderr(Stdio::inherit())
        .output()
        .context("start wrk (apt-get install wrk)")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    ensure!(!told.contains("Non-2xx"), "not all was well: {told}");
    let requests = told.lines().find_map(|line| {
        let (number, rest) = line.trim().split_once(' ')?;
        rest.starts_with("requests in")
            .then(|| number.parse().ok())?
    });
    requests.with_context(|| format!("wrk said: {told}"))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

fn get(host: &str, path: &str, size: usize) -> anyhow::Result<Prepared> {
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");
    Ok(Prepared {
        head: head.into_bytes(),
        body: Arc::default(),
        expect_length: Some(u64::try_from(size)?),
    })
}

fn print_rows(name: &str, rows: &[Row], goal: &str) {
    let shown = |row: Option<&Row>| {
        row.map_or_else(String::new, |row| {
            format!("{:.0}/s, {:.1} us", row.rate, row.cpu_us)
        })
    };
    let ours = rows.first();
    let ratio = |of: fn(&Row) -> f64| {
        let ratios = rows
            .iter()
            .skip(1)
            .filter_map(|other| ours.map(|ours| format!("{:.2}", of(ours) / of(other))));
        ratios.collect::<Vec<_>>().join(", ")
    };
    println!(
        "| {name} | {} | {} | {} | {} | {} | {goal} |",
        shown(ours),
        shown(rows.get(1)),
        shown(rows.get(2)),
        ratio(|row| row.rate),
        ratio(|row| row.cpu_us),
    );
}

fn origin(files: &Path, scratch: &Path) -> anyhow::Result<Server> {
    let address = free_address()?;
    let server = format!(
        "open_file_cache max=4096;\n\
         server {{ listen {address} reuseport backlog=4096; root {};\n\
         add_header Cache-Control \"public, max-age=86400\"; }}",
        files.display()
    );
    Server::nginx_with("origin", address, &server, scratch)
}

/// As its documentation and the templates for object storage advise.
fn nginx(scratch: &Path, origin: SocketAddr) -> anyhow::Result<Server> {
    let address = free_address()?;
    let server = format!(
        "proxy_cache_path {0}/cache levels=1:2 keys_zone=edge:16m max_size=1g inactive=1d use_temp_path=off;\n\
         open_file_cache max=4096;\n\
         upstream origin {{ server {origin}; keepalive 64; }}\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host origin;\n\
         proxy_set_header X-Real-IP $remote_addr;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         proxy_set_header X-Forwarded-Proto $scheme; proxy_buffers 8 128k; proxy_buffer_size 128k;\n\
         proxy_busy_buffers_size 256k;\n\
         server {{ listen {address} reuseport backlog=4096; server_name kept;\n\
         location / {{ proxy_pass http://origin; proxy_cache edge; proxy_cache_lock on;\n\
         proxy_cache_use_stale error timeout updating; add_header X-Cache $upstream_cache_status; }} }}\n\
         server {{ listen {address}; server_name plain; location / {{ proxy_pass http://origin; }} }}",
        scratch.display()
    );
    Server::nginx_with("nginx", address, &server, scratch)
}

fn varnish(scratch: &Path, origin: SocketAddr) -> anyhow::Result<Server> {
    let address = free_address()?;
    let language = format!(
        "vcl 4.1;\nbackend default {{ .host = \"{}\"; .port = \"{}\"; }}\n",
        origin.ip(),
        origin.port()
    );
    let file = scratch.join("edge.vcl");
    std::fs::write(&file, language)?;
    let mut command = Command::new("varnishd");
    command
        // Its own user could not reach the build directory.
        .args(["-j", "none", "-F", "-a"])
        .arg(address.to_string())
        .arg("-f")
        .arg(&file)
        .arg("-n")
        .arg(scratch.join("work"))
        .args(["-s", "default,256m", "-p", "thread_pools=1"])
        .args(["-p", "thread_pool_min=100"]);
    Server::start("varnish", address, command).context("start varnishd (apt-get install varnish)")
}

fn osier(scratch: &Path, origin: SocketAddr) -> anyhow::Result<Server> {
    let address = free_address()?;
    let settings = format!(
        "[http]\nthreads = 1\n[gateway]\nlisten = [\"{address}\"]\nmemory_bytes_max = 268435456\n\
         [[site]]\nhosts = [\"kept\"]\norigin = \"http://{origin}\"\n\
         [[site]]\nhosts = [\"plain\"]\norigin = \"http://{origin}\"\ncache = \"off\"\n"
    );
    let file = scratch.join("osier.toml");
    std::fs::write(&file, settings)?;
    let signer = Signer {
        id: "BENCHEDGE".to_owned(),
        secret: "bench-secret-of-one-run-only".to_owned(),
    };
    let arguments = ["--config".as_ref(), file.as_os_str()];
    let server = Server::osier_with(&scratch.join("data"), &signer, &arguments)?;
    Ok(server.reached_at(address))
}
