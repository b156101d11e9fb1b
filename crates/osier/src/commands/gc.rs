//! `osier gc`: frees the space of deleted data while the server is not running.

use std::process::ExitCode;

use osier_server::collect;

use crate::arguments::Place;
use crate::{Ended, talk};

pub(crate) fn run(place: &Place) -> Ended {
    let settings = place.settings()?;
    let collection = collect(&settings)?;
    talk::say(&collection.summary());
    Ok(ExitCode::SUCCESS)
}
