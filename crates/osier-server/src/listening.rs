//! Addresses that a server can't listen on: told before it starts, and what may help.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use osier_http::Listeners;

use crate::control;
use crate::{Settings, SettingsError};

/// The addresses in the file at `path` that can't be listened on. Those that are in use count
/// only where no server works on the data: it is the one that uses them, most likely.
pub fn unbindable(path: &Path, data: Option<&Path>) -> Vec<SettingsError> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    let Ok(settings) = Settings::parse(path, &text) else {
        return Vec::new();
    };
    let is_served = control::is_served(data.unwrap_or(&settings.data));
    // Until all were tried: the same address twice is one too many.
    let mut bound = Vec::new();
    let mut problems = Vec::new();
    for address in settings.addresses() {
        match Listeners::bind(&[address], 1) {
            Ok(listeners) => bound.push(listeners),
            Err((_, error)) if is_served && error.kind() == io::ErrorKind::AddrInUse => {}
            Err((_, error)) => {
                let hint = listen_hint(address, &error);
                problems.push(SettingsError::listening(path, &text, address, &error, hint));
            }
        }
    }
    problems
}

/// What may help against an address that can't be listened on.
pub fn listen_hint(address: SocketAddr, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::AddrInUse => Some(format!(
            "something listens on port {0} already; `ss -ltnp 'sport = :{0}'` says what; stop it, \
             or choose another",
            address.port()
        )),
        io::ErrorKind::PermissionDenied => {
            Some("ports below 1024 need the capability CAP_NET_BIND_SERVICE".to_owned())
        }
        io::ErrorKind::AddrNotAvailable => Some("this machine has no such address".to_owned()),
        _ => None,
    }
}
