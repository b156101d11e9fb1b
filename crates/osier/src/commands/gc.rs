//! `osier gc`: frees the space of deleted data.

use std::process::ExitCode;

use osier_server::collect;

use crate::arguments::Place;
use crate::{Ended, talk};

pub(crate) fn run(place: &Place) -> Ended {
    let settings = place.settings()?;
    talk::say(&collect(&settings)?);
    Ok(ExitCode::SUCCESS)
}
