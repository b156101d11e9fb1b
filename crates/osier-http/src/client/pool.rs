//! Idle connections to origins, last used first. Each thread has its own, so that taking one
//! costs no lock and its wake-ups stay on their core.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use super::body::Sending;

/// What connections that can stand in for each other have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// Who the other side proved to be; nothing without TLS.
    pub(super) tls: Option<Arc<str>>,
}

struct Idle {
    sender: SendRequest<Sending>,
    since: Instant,
}

thread_local! {
    static IDLE: RefCell<HashMap<Place, Vec<Idle>>> = RefCell::default();
}

/// An idle connection to `place` that rests no longer than `idle_timeout`.
pub(super) fn take(place: &Place, idle_timeout: Duration) -> Option<SendRequest<Sending>> {
    IDLE.with_borrow_mut(|pool| {
        let idle = pool.get_mut(place)?;
        // Those before the last rest even longer.
        while let Some(Idle { sender, since }) = idle.pop() {
            if since.elapsed() > idle_timeout {
                idle.clear();
                break;
            }
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        pool.remove(place);
        None
    })
}

/// Keeps a connection for later, in the place of the one that rests longest when there are
/// `idle_max` already.
pub(super) fn give(place: Place, sender: SendRequest<Sending>, idle_max: usize) {
    if sender.is_closed() || idle_max == 0 {
        return;
    }
    IDLE.with_borrow_mut(|pool| {
        let idle = pool.entry(place).or_default();
        if idle.len() >= idle_max {
            idle.remove(0);
        }
        idle.push(Idle {
            sender,
            since: Instant::now(),
        });
    });
}
