//! `osier version`.

use std::process::ExitCode;

use crate::{Ended, talk};

pub(crate) fn run() -> Ended {
    talk::print(&format!("osier {}\n", env!("CARGO_PKG_VERSION")));
    Ok(ExitCode::SUCCESS)
}
