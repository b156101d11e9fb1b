//! The program: arguments, commands, and words for what goes wrong.
//!
//! stdout is data, stderr is talk. Exit codes: 0 done, 1 failed, 2 wrong usage
//! (`fsck`: 1 damage found, 2 could not look).

mod arguments;
mod commands;
mod hints;
mod talk;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Access, AccessCommand, Arguments, Command};

/// Bodies pass in buffers of half a megabyte, which glibc gives back to the system
/// at every free and takes again, page by page, at the next read.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Serve(serve) => commands::serve::run(&serve),
        Command::Fsck(place) => commands::fsck::run(&place),
        Command::Gc(place) => commands::gc::run(&place),
        Command::Key(key) => commands::key::run(&key),
        Command::MasterKey(key) => commands::master_key::run(&key),
        Command::Cache(cache) => commands::cache::run(&cache),
        Command::Explain(explain) => commands::explain::run(&explain),
        Command::Access(Access {
            command: AccessCommand::Check(check),
        }) => commands::explain::check(&check),
        Command::Config(config) => commands::config::run(&config),
        Command::Version => commands::version::run(),
    };
    match done {
        Ok(code) => code,
        Err(failed) => {
            talk::complain(&failed.error);
            ExitCode::from(failed.code)
        }
    }
}

/// A command that could not do what it was asked.
struct Failed {
    error: anyhow::Error,
    code: u8,
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            code: 1,
        }
    }
}

/// How a command ends.
type Ended = Result<ExitCode, Failed>;
