//! The server: listeners, settings, the root key, metrics, and the wiring of
//! engine, store, service and connections.
//!
//! Only this crate reads the clock, randomness and the settings file, and only
//! it names an engine. It decides nothing about requests.

mod access_log;
mod acme;
mod audit;
mod cache;
mod cdn;
mod clock;
mod console;
mod control;
mod data;
mod doors;
mod edge;
mod explain;
mod identities;
mod keys;
mod line_file;
mod listening;
mod live;
mod logging;
mod master_keys;
mod metrics;
mod nginx;
mod offline;
mod private_file;
mod root_key;
mod server;
mod settings;
mod signals;
mod watch;
mod welcome;

pub use osier_engine_local::OpenError;
pub use osier_gateway::Purge;

pub use access_log::AccessLogFormat;
pub use cache::{CacheError, CacheTask, cache};
pub use clock::{SystemClock, SystemRng};
pub use explain::{ExplainError, ExplainTask, Explained, explain};
pub use identities::{IdentityError, VAULT_KEY_FILE};
pub use keys::{KeyAnswer, KeyError, KeyTask, ToldKey};
pub use listening::{listen_hint, unbindable};
pub use live::{ConfigTask, ReloadError};
pub use logging::start_logging;
pub use master_keys::{MasterKeysError, add_master_key, list_master_keys, rotate_master_key};
pub use nginx::{Imported, NginxError, import_nginx};
pub use offline::{ConfigureError, Verification, collect, configure, keys, verify};
pub use private_file::PrivateFileError;
pub use root_key::{KeyOrigin, ROOT_KEY_FILE, RootKey, RootKeyError, key_file, read_root_key};
pub use server::{Running, StartError, start};
pub use settings::{
    AccessSettings, AuditSettings, CertificateSettings, DnsServer, EncryptionSettings,
    GatewaySettings, HttpSettings, IdentitySettings, LimitSettings, ListenAddress, LogSettings,
    Settings, SettingsError, SettingsSource, Subnet,
};
pub use signals::{Caught, Signals};
pub use welcome::Welcome;
