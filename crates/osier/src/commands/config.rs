//! `osier config`: the settings file, checked, and changed in a running server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use osier_server::{ConfigTask, Settings, SettingsError, configure, import_nginx, unbindable};

use crate::arguments::{Config, ConfigCommand};
use crate::{Ended, talk};

pub(crate) fn run(config: &Config) -> Ended {
    let task = match &config.command {
        ConfigCommand::Check { file } => {
            let file = file.as_ref().or(config.place.config.as_ref());
            return check(file, config.place.data.as_deref());
        }
        ConfigCommand::ImportNginx { file } => return import(file),
        ConfigCommand::Show { number } => ConfigTask::Show(*number),
        ConfigCommand::List => ConfigTask::List,
        ConfigCommand::Reload => ConfigTask::Reload,
        ConfigCommand::Rollback { number } => ConfigTask::Rollback(*number),
    };
    // A broken file is what a reload is to tell about; where the data is stands in the
    // arguments then.
    let data = match &config.place.data {
        Some(data) => data.clone(),
        None => config.place.settings()?.data,
    };
    let answer = configure(&data, task)?;
    match task {
        ConfigTask::Show(_) | ConfigTask::List => talk::print(&answer),
        ConfigTask::Reload | ConfigTask::Rollback(_) => talk::say(&answer),
    }
    Ok(ExitCode::SUCCESS)
}

fn import(path: &Path) -> Ended {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("`{}` can't be read", path.display()))?;
    let imported = import_nginx(&text).with_context(|| path.display().to_string())?;
    talk::print(&imported.settings);
    for note in &imported.notes {
        talk::say(&format!("{}: {note}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(file: Option<&PathBuf>, data: Option<&Path>) -> Ended {
    let Some(path) = file else {
        return Err(anyhow::anyhow!("say which file, as an argument or by --config").into());
    };
    let tell = |problem: &SettingsError, kind: &str| {
        talk::say(&format!("{kind}{problem}"));
        if let Some(suggestion) = problem.suggestion() {
            talk::say(&format!("hint: {suggestion}"));
        }
    };
    let problems = Settings::problems(path);
    for problem in &problems {
        tell(problem, "");
    }
    if !problems.is_empty() {
        return Ok(ExitCode::from(1));
    }
    // The file may be for another machine, user or time.
    for problem in &unbindable(path, data) {
        tell(problem, "warning: ");
    }
    talk::say(&format!("{}: sound", path.display()));
    Ok(ExitCode::SUCCESS)
}
