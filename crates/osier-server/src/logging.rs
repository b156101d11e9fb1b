//! Where log lines go: stderr, filtered.

use tracing_subscriber::EnvFilter;

/// Starts logging to stderr with `filter`, e.g. `info` or `warn,access=info`. A
/// filter that can't be understood counts as `info`, and a second call changes nothing.
pub fn start_logging(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
