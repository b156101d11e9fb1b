//! The server: listeners, settings, the root key, metrics, and the wiring of
//! engine, store, service and connections.
//!
//! Only this crate reads the clock, randomness and the settings file, and only
//! it names an engine. It decides nothing about requests.

mod clock;
mod console;
mod control;
mod data;
mod logging;
mod metrics;
mod offline;
mod root_key;
mod server;
mod settings;
mod signals;
mod welcome;

pub use osier_engine_local::OpenError;

pub use clock::{SystemClock, SystemRng};
pub use logging::start_logging;
pub use offline::{Verification, collect, verify};
pub use root_key::{KeyOrigin, ROOT_KEY_FILE, RootKey, RootKeyError, key_file, read_root_key};
pub use server::{Running, StartError, start};
pub use settings::{
    HttpSettings, LimitSettings, ListenAddress, LogSettings, Settings, SettingsError,
};
pub use signals::Signals;
pub use welcome::Welcome;
