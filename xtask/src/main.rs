//! Chores of the workspace: `cargo xtask layers|deny|tidy|gen|bench`.
//!
//! Kept light on purpose: it must build in seconds on a machine that has built
//! nothing else yet, so of the store it knows `cargo metadata` and `osier-wire`.
#![expect(
    clippy::print_stdout,
    reason = "a command-line program talks on stdout"
)]

mod deny;
mod layers;
mod metadata;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::metadata::Metadata;

const USAGE: &str = "\
usage: cargo xtask <command>

  layers        check who imports whom against the table in ARCHITECTURE.md
  deny          check licences, sources, bans and duplicates against deny.toml
  tidy          print the ten longest functions and files
  gen           write docs/compat.md from the router's table
  bench [...]   run the benchmarks (the crate `osier-bench`; `bench image` is apart)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", arguments.as_slice()),
    };
    let done = match command {
        "layers" => Metadata::of_workspace().and_then(|all| layers::check(&root(), &all)),
        "deny" => Metadata::of_all_packages().and_then(|all| deny::check(&root(), &all)),
        "tidy" => tidy::print(&root()),
        "gen" => compat(&root()),
        "bench" => bench(rest),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(1);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `docs/compat.md`. That it is up to date is a test of `osier-wire`.
fn compat(root: &Path) -> anyhow::Result<()> {
    let path = root.join("docs/compat.md");
    std::fs::write(&path, osier_wire::compat_page())
        .with_context(|| format!("writing `{}`", path.display()))?;
    println!("gen: wrote {}", path.display());
    Ok(())
}

/// Pictures beside sharp and libvips: builds the renderer, fetches what the others need, and hands
/// over to `bench/image/run.py`.
fn bench_image(arguments: &[String]) -> anyhow::Result<()> {
    let script = root().join("bench/image/run");
    let status = Command::new(script)
        .env("CARGO", env!("CARGO"))
        .current_dir(root())
        .args(arguments)
        .status()
        .context("starting bench/image/run")?;
    if !status.success() {
        bail!("the benchmark ended with {status}");
    }
    Ok(())
}

/// Hands over to the benchmark program, which needs the whole store and is built apart.
fn bench(arguments: &[String]) -> anyhow::Result<()> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "image"
    {
        return bench_image(rest);
    }
    let status = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["run", "--release", "--package", "osier-bench", "--"])
        .args(arguments)
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("the benchmark ended with {status}");
    }
    Ok(())
}

/// The workspace's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
