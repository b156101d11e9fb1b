//! `osier fsck`: reads everything that is stored and says what is damaged.

use std::process::ExitCode;

use osier_server::verify;

use crate::arguments::Place;
use crate::{Ended, Failed, talk};

pub(crate) fn run(place: &Place) -> Ended {
    let could_not_look = |error| Failed { error, code: 2 };
    let settings = place
        .settings()
        .map_err(|error| could_not_look(error.into()))?;
    talk::say(&format!("verifying `{}`", settings.data.display()));
    let found = verify(&settings).map_err(|error| could_not_look(error.into()))?;
    for problem in &found.problems {
        talk::print(&format!("{problem}\n"));
    }
    let verdict = match found.problems.len() {
        0 => "sound".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    talk::say(&format!("{verdict}: {}", found.summary));
    Ok(if found.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
