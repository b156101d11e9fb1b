//! `docs/compat.md`: what of the OSS API works, told by the router itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use osier_wire::oss::compat_table;

/// Writes the page.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    let path = path(root);
    std::fs::write(&path, compat_table())
        .with_context(|| format!("writing `{}`", path.display()))?;
    println!("gen: wrote {}", path.display());
    Ok(())
}

/// Fails when the page is not what [`write`] would write.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let path = path(root);
    let found =
        std::fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
    if found != compat_table() {
        bail!("docs/compat.md tells another story than the router; run `cargo xtask gen`");
    }
    println!("gen: docs/compat.md tells what the router does");
    Ok(())
}

fn path(root: &Path) -> PathBuf {
    root.join("docs/compat.md")
}
