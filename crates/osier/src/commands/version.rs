//! `osier version`.

use std::process::ExitCode;

use crate::{Ended, talk};

#[expect(clippy::unnecessary_wraps, reason = "every command ends the same way")]
pub(crate) fn run() -> Ended {
    talk::print(&format!("osier {}\n", env!("CARGO_PKG_VERSION")));
    Ok(ExitCode::SUCCESS)
}
