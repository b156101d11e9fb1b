//! `osier master-key`: the names of the master keys; `add` and `rotate` make new ones.

use std::process::ExitCode;

use osier_server::{add_master_key, list_master_keys, rotate_master_key};

use crate::arguments::{MasterKey, MasterKeyCommand};
use crate::{Ended, talk};

pub(crate) fn run(key: &MasterKey) -> Ended {
    let settings = key.place.settings()?;
    match &key.command {
        None => {
            for (id, version) in list_master_keys(&settings)? {
                talk::print(&format!("{id} {version}\n"));
            }
        }
        Some(MasterKeyCommand::Add { name }) => add_master_key(&settings, name)?,
        Some(MasterKeyCommand::Rotate { name }) => rotate_master_key(&settings, name)?,
    }
    Ok(ExitCode::SUCCESS)
}
