//! `osier explain`: why a request was refused, or whether one would be; `osier access check`:
//! who may do what.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use osier_server::{ExplainTask, Explained, explain};

use crate::arguments::{AccessCheck, Explain, OutputFormat, Place};
use crate::{Ended, talk};

pub(crate) fn run(asked: &Explain) -> Ended {
    let about = match (&asked.request_id, &asked.caller, &asked.action) {
        (Some(id), None, None) => Explained::Request(id.clone()),
        (None, Some(who), Some(action)) => Explained::Question {
            who: who.clone(),
            action: action.clone(),
            resource: asked.resource.clone().unwrap_or_default(),
            context: pairs(&asked.context)?,
        },
        _ => {
            return Err(anyhow::anyhow!(
                "say the id of a request, or --as, --action and --resource"
            )
            .into());
        }
    };
    print(&asked.place, about, asked.output_format)
}

pub(crate) fn check(asked: &AccessCheck) -> Ended {
    let about = Explained::WhoMay {
        resource: asked.resource.clone(),
        action: asked.action.clone(),
        context: pairs(&asked.context)?,
    };
    print(&asked.place, about, asked.output_format)
}

fn print(place: &Place, about: Explained, format: OutputFormat) -> Ended {
    let task = ExplainTask {
        about,
        json: format == OutputFormat::Json,
    };
    talk::print(&explain(&place.settings()?, task)?);
    Ok(ExitCode::SUCCESS)
}

fn pairs(context: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("`{text}` is not `key=value`"))?;
        if key.is_empty() {
            bail!("`{text}` has no key");
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    context.iter().map(pair).collect()
}
