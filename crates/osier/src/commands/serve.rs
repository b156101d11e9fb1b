//! `osier serve`: runs the store until it is told to end.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use osier_server::{Caught, Signals, start, start_logging};

use crate::arguments::Serve;
use crate::{Ended, talk};

pub(crate) fn run(serve: &Serve) -> Ended {
    let settings = serve.settings()?;
    let filter = std::env::var("OSIER_LOG").unwrap_or_else(|_| settings.log.filter.clone());
    start_logging(&filter);
    // The allocator asks for pages of 2 MiB, and what is hardly used then holds a third more
    // memory. Where the system has no such pages there is nothing to turn off.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let mut signals = Signals::catch()?;
    let running = start(settings)?;
    let welcome = running.welcome();
    talk::say(
        if std::io::stderr().is_terminal() {
            welcome.long()
        } else {
            welcome.short()
        }
        .trim_end(),
    );
    let signal = loop {
        match signals.wait() {
            Caught::End(signal) => break signal,
            Caught::HangUp => {
                let settings = running.reload();
                if !running.reopen_audit_log() && !settings {
                    // With nothing to read again, it only says that the terminal is gone.
                    break "SIGHUP";
                }
            }
        }
    };
    talk::say(&format!("osier: {signal}, stopping"));
    running.stop()?;
    Ok(ExitCode::SUCCESS)
}
