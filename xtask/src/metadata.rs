//! What `cargo metadata` says, as far as the checks need it.

use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Packages and what they depend on.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Members alone, or everything that is locked, depending on how it was asked for.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub name: String,
    pub version: String,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Where it comes from; members come from nowhere.
    pub source: Option<String>,
    pub dependencies: Vec<Dependency>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub name: String,
    /// `dev`, `build`, or none for what the package itself uses.
    pub kind: Option<String>,
}

impl Metadata {
    /// The members of this workspace.
    pub(crate) fn of_workspace() -> anyhow::Result<Self> {
        Self::ask(&["--no-deps"])
    }

    /// Every package that is built for Linux on this machine's architecture.
    pub(crate) fn of_all_packages() -> anyhow::Result<Self> {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        Self::ask(&["--locked", "--filter-platform", &target])
    }

    fn ask(options: &[&str]) -> anyhow::Result<Self> {
        let output = Command::new(env!("CARGO"))
            .current_dir(crate::root())
            .args(["metadata", "--format-version", "1"])
            .args(options)
            .output()
            .context("starting cargo")?;
        if !output.status.success() {
            bail!(
                "cargo metadata: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        serde_json::from_slice(&output.stdout).context("reading the answer of cargo metadata")
    }
}
