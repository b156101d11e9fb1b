//! `osier config`: the settings file, checked, and changed in a running server.

use std::path::PathBuf;
use std::process::ExitCode;

use osier_server::{ConfigTask, Settings, configure};

use crate::arguments::{Config, ConfigCommand};
use crate::{Ended, talk};

pub(crate) fn run(config: &Config) -> Ended {
    let task = match &config.command {
        ConfigCommand::Check { file } => {
            return check(file.as_ref().or(config.place.config.as_ref()));
        }
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

fn check(file: Option<&PathBuf>) -> Ended {
    let Some(path) = file else {
        return Err(anyhow::anyhow!("say which file, as an argument or by --config").into());
    };
    let problems = Settings::problems(path);
    for problem in &problems {
        talk::say(&problem.to_string());
        if let Some(suggestion) = problem.suggestion() {
            talk::say(&format!("hint: {suggestion}"));
        }
    }
    if !problems.is_empty() {
        return Ok(ExitCode::from(1));
    }
    talk::say(&format!("{}: sound", path.display()));
    Ok(ExitCode::SUCCESS)
}
