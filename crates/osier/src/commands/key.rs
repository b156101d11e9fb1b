//! `osier key`: where the root key is; its commands: what it is, and all other keys.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use osier_server::{KeyAnswer, KeyTask, Settings, ToldKey, key_file, keys, read_root_key};

use crate::arguments::{Key, KeyCommand};
use crate::{Ended, talk};

pub(crate) fn run(key: &Key) -> Ended {
    let settings = key.place.settings()?;
    let task = match &key.command {
        None => return path(&settings),
        Some(KeyCommand::Show) => return show(&settings),
        Some(KeyCommand::Rotate) => KeyTask::Rotate,
        Some(KeyCommand::List) => KeyTask::List,
        Some(KeyCommand::Create { account, user }) => KeyTask::Create {
            account: account.clone(),
            user: user.clone(),
        },
        Some(KeyCommand::Disable { id }) => set(id, false),
        Some(KeyCommand::Enable { id }) => set(id, true),
        Some(KeyCommand::Delete { id }) => KeyTask::Delete {
            access_key_id: id.clone(),
        },
    };
    match keys(&settings, task)? {
        KeyAnswer::Keys(keys) => talk::print(&table(&keys)),
        KeyAnswer::Created {
            access_key_id,
            access_key_secret,
        } => print(&access_key_id, &access_key_secret),
        KeyAnswer::Done => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn path(settings: &Settings) -> Ended {
    stored(settings)?;
    talk::print(&format!("{}\n", key_file(&settings.data).display()));
    Ok(ExitCode::SUCCESS)
}

fn show(settings: &Settings) -> Ended {
    let stored = stored(settings)?;
    print(&stored.access_key_id, &stored.access_key_secret);
    Ok(ExitCode::SUCCESS)
}

fn stored(settings: &Settings) -> anyhow::Result<osier_server::RootKey> {
    read_root_key(&settings.data)?.with_context(|| {
        format!(
            "`{}` is not there; the first `osier serve` makes it",
            key_file(&settings.data).display()
        )
    })
}

fn set(id: &str, active: bool) -> KeyTask {
    KeyTask::Set {
        access_key_id: id.to_owned(),
        active,
    }
}

fn print(id: &str, secret: &str) {
    talk::print(&format!("AccessKeyId: {id}\nAccessKeySecret: {secret}\n"));
}

fn table(keys: &[ToldKey]) -> String {
    let mut table = String::new();
    for key in keys {
        let status = if key.active { "Active" } else { "Inactive" };
        let user = key.user.as_deref().unwrap_or("-");
        let _ = writeln!(
            table,
            "{}\t{}\t{user}\t{status}\t{}",
            key.access_key_id, key.account, key.created
        );
    }
    table
}
