//! `osier key`: where the root key is; `osier key show`: what it is.

use std::process::ExitCode;

use anyhow::Context as _;
use osier_server::{key_file, read_root_key};

use crate::arguments::{Key, KeyCommand};
use crate::{Ended, talk};

pub(crate) fn run(key: &Key) -> Ended {
    let settings = key.place.settings()?;
    let path = key_file(&settings.data);
    let stored = read_root_key(&settings.data)?.with_context(|| {
        format!(
            "`{}` is not there; the first `osier serve` makes it",
            path.display()
        )
    })?;
    talk::print(&match key.command {
        None => format!("{}\n", path.display()),
        Some(KeyCommand::Show) => format!(
            "AccessKeyId: {}\nAccessKeySecret: {}\n",
            stored.access_key_id, stored.access_key_secret
        ),
    });
    Ok(ExitCode::SUCCESS)
}
