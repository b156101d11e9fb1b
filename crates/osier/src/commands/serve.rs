//! `osier serve`: runs the store until it is told to end.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use osier_server::{Signals, start, start_logging};

use crate::arguments::Serve;
use crate::{Ended, talk};

pub(crate) fn run(serve: &Serve) -> Ended {
    let settings = serve.settings()?;
    let filter = std::env::var("OSIER_LOG").unwrap_or_else(|_| settings.log.filter.clone());
    start_logging(&filter);
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
    let signal = signals.wait();
    talk::say(&format!("osier: {signal}, stopping"));
    running.stop()?;
    Ok(ExitCode::SUCCESS)
}
