//! Idle connections to origins, last used first. Each thread has its own, so that taking one
//! costs no lock and its wake-ups stay on their core.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use super::body::Sending;

struct Idle {
    sender: SendRequest<Sending>,
    since: Instant,
}

thread_local! {
    static IDLE: RefCell<HashMap<SocketAddr, Vec<Idle>>> = RefCell::default();
}

/// An idle connection to `address` that rests no longer than `idle_timeout`.
pub(super) fn take(address: SocketAddr, idle_timeout: Duration) -> Option<SendRequest<Sending>> {
    IDLE.with_borrow_mut(|pool| {
        let idle = pool.get_mut(&address)?;
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
        pool.remove(&address);
        None
    })
}

/// Keeps a connection for later, in the place of the one that rests longest when there are
/// `idle_max` already.
pub(super) fn give(address: SocketAddr, sender: SendRequest<Sending>, idle_max: usize) {
    if sender.is_closed() || idle_max == 0 {
        return;
    }
    IDLE.with_borrow_mut(|pool| {
        let idle = pool.entry(address).or_default();
        if idle.len() >= idle_max {
            idle.remove(0);
        }
        idle.push(Idle {
            sender,
            since: Instant::now(),
        });
    });
}
