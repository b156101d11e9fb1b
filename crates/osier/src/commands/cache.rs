//! `osier cache`: purge, prefetch and count what the gateway keeps.

use std::process::ExitCode;

use osier_server::{CacheTask, Purge, cache};

use crate::arguments::{Cache, CacheCommand, CachePurge, OutputFormat};
use crate::{Ended, talk};

pub(crate) fn run(asked: &Cache) -> Ended {
    let task = match &asked.command {
        CacheCommand::Purge(purge) => CacheTask::Purge(purges(purge)),
        CacheCommand::Prefetch { urls } => CacheTask::Prefetch(urls.clone()),
        CacheCommand::Stats { output_format } => CacheTask::Stats {
            json: *output_format == OutputFormat::Json,
        },
    };
    talk::print(&cache(&asked.place.settings()?, task)?);
    Ok(ExitCode::SUCCESS)
}

fn purges(asked: &CachePurge) -> Vec<Purge> {
    let host = asked.host.clone().unwrap_or_default();
    let patterns = asked.regex.iter().map(|pattern| Purge::Pattern {
        host: host.clone(),
        pattern: pattern.clone(),
    });
    let urls = asked.urls.iter().cloned().map(Purge::Url);
    let directories = asked.directory.iter().cloned().map(Purge::Directory);
    let tags = asked.tag.iter().cloned().map(Purge::Tag);
    let sites = asked.site.iter().cloned().map(Purge::Site);
    let all = asked.all.then_some(Purge::Everything);
    urls.chain(directories)
        .chain(tags)
        .chain(sites)
        .chain(patterns)
        .chain(all)
        .collect()
}
