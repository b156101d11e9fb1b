//! Words for people, on stderr; data, on stdout. A closed pipe is no failure.

use std::io::Write as _;

use crate::hints::hint;

/// Prints data.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says what went wrong, in one line with all its causes, and what may help.
pub(crate) fn complain(error: &anyhow::Error) {
    say(&format!("osier: {error:#}"));
    if let Some(hint) = hint(error) {
        say(&format!("hint: {hint}"));
    }
}
