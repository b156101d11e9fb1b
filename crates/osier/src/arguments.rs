//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use osier_server::{ListenAddress, Settings, SettingsError};

/// An object store that speaks Alibaba Cloud OSS.
#[derive(Debug, Parser)]
#[command(name = "osier", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the store.
    Serve(Serve),
    /// Verify all stored data. Exit code 0: sound, 1: damage found, 2: could not look.
    Fsck(Place),
    /// Free the space of deleted data now; the server does it by itself.
    Gc(Place),
    /// Where the root key is, and what it is; other keys.
    Key(Key),
    /// The names and newest versions of the master keys that objects are encrypted under.
    MasterKey(MasterKey),
    /// What the gateway keeps: purge it, fetch it beforehand, count it; asks the running server.
    Cache(Cache),
    /// Why a request was refused, or whether one would be; asks the running server.
    Explain(Explain),
    /// Who may do what.
    Access(Access),
    /// The settings: check a file, change those of the running server.
    Config(Config),
    /// Print the version.
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say all that is wrong with a settings file. Exit code 0: sound, 1: not.
    Check {
        /// The settings file [default: that of --config]
        file: Option<PathBuf>,
    },
    /// Print the settings of the running server without their secrets, or a snapshot of them.
    Show {
        /// The snapshot's number [default: the current one]
        number: Option<u64>,
    },
    /// Print the numbers of all snapshots; `*` marks the current one.
    List,
    /// Make settings of a configuration of nginx, and say what was not carried over.
    ImportNginx {
        /// The configuration
        file: PathBuf,
    },
    /// Have the running server read its settings file again.
    Reload,
    /// Have the running server go back to a snapshot, and write that to its settings file.
    Rollback {
        /// The snapshot's number [default: the one before the current]
        number: Option<u64>,
    },
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The data directory [default: osier-data]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// The settings file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where the store listens; may be repeated [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Vec<ListenAddress>,
    /// Where console, metrics and health listen [default: 127.0.0.1:9001]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) console_listen: Option<ListenAddress>,
    /// Accounts, users, keys, policies and buckets that are to be there
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: Option<KeyCommand>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print the root key with its secret.
    Show,
    /// Replace the root key; the old one ends at once.
    Rotate,
    /// Print all keys, without secrets.
    List,
    /// Make a key and print it; its secret is never shown again.
    Create {
        /// The account's id [default: that of the root key]
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// The RAM user [default: the account itself]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Let a key be used no longer, from the next request on.
    Disable {
        /// Which key, by its id.
        id: String,
    },
    /// Let a key be used again.
    Enable {
        /// Which key, by its id.
        id: String,
    },
    /// Delete a key for good.
    Delete {
        /// Which key, by its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Cache {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Give kept answers no more; done when this returns.
    Purge(CachePurge),
    /// Fetch addresses from their origins and keep them.
    Prefetch {
        /// Addresses, as clients write them
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
    },
    /// How much is kept.
    Stats {
        /// How to print it
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        output_format: OutputFormat,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct CachePurge {
    /// Addresses; without a query they stand for any query
    #[arg(value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// A directory with all below it; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) directory: Vec<String>,
    /// Answers of any site with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// All of the site of this host; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) site: Vec<String>,
    /// What this regular expression matches in paths and queries of `--host`; may be repeated
    #[arg(long, value_name = "REGEX", requires = "host")]
    pub(crate) regex: Vec<String>,
    /// Whose paths `--regex` is about
    #[arg(long, value_name = "HOST", requires = "regex")]
    pub(crate) host: Option<String>,
    /// Everything of all sites
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id of a refused request, as its answer told it
    #[arg(conflicts_with_all = ["caller", "action", "resource", "context"])]
    pub(crate) request_id: Option<String>,
    /// Who would ask: a user's name, an account's id, an ARN, an access key's id, `anonymous`
    #[arg(long = "as", value_name = "USER", requires = "action")]
    pub(crate) caller: Option<String>,
    /// What they would do, e.g. `GetObject`
    #[arg(long, value_name = "ACTION", requires = "resource")]
    pub(crate) action: Option<String>,
    /// To what: `oss://bucket/key`
    #[arg(long, value_name = "RESOURCE", requires = "caller")]
    pub(crate) resource: Option<String>,
    /// In what circumstances, e.g. acs:SourceIp=192.0.2.1; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) output_format: OutputFormat,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct MasterKey {
    #[command(subcommand)]
    pub(crate) command: Option<MasterKeyCommand>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Make a key of a new name; a running server knows it after its next start.
    Add {
        /// What requests call it
        name: String,
    },
    /// Make a new version of a key, for all that is written after the next start.
    Rotate {
        /// Which key
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Access {
    #[command(subcommand)]
    pub(crate) command: AccessCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Who may read, write or delete this: accounts, users, roles, everybody.
    Check(AccessCheck),
}

#[derive(Debug, Args)]
pub(crate) struct AccessCheck {
    /// What: `oss://bucket` or `oss://bucket/key`
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) resource: String,
    /// One action [default: reading, writing and deleting]
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// In what circumstances, e.g. acs:SourceIp=192.0.2.1; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) output_format: OutputFormat,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Place {
    /// The settings of the file, where one is named, with what the line says on top.
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        if let Some(data) = &self.data {
            settings.data.clone_from(data);
        }
        Ok(settings)
    }
}

impl Serve {
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = self.place.settings()?;
        if !self.listen.is_empty() {
            settings.listen.clone_from(&self.listen);
        }
        if let Some(console_listen) = self.console_listen {
            settings.console_listen = console_listen;
        }
        if let Some(seed) = &self.seed {
            settings.identity.seed = Some(seed.clone());
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
