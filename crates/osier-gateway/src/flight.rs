//! One fetch for any number of requests that ask for the same at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use osier_cache::CacheKey;
use tokio::sync::watch;

/// Fetches under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights {
    under_way: Arc<Mutex<HashMap<CacheKey, watch::Receiver<Landing>>>>,
}

/// A request's part in a fetch.
pub(crate) enum Part {
    /// It fetches. Others wait until this is dropped.
    Lead(Lead),
    /// Another fetches.
    Follow(Follow),
}

/// Held by the one that fetches.
#[derive(Debug)]
pub(crate) struct Lead {
    flights: Flights,
    key: CacheKey,
    landed: watch::Sender<Landing>,
}

/// How a fetch ended for those who waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// What came may be found now; or it broke off, and one of those who waited leads again.
    Ended,
    /// The answer is not to be kept: each must fetch its own, and none needs to wait.
    Declined,
}

/// Held by one that waits.
#[derive(Debug)]
pub(crate) struct Follow(watch::Receiver<Landing>);

impl Flights {
    /// Joins the fetch of `key`, or begins it.
    pub(crate) fn join(&self, key: &CacheKey) -> Part {
        let mut under_way = self.lock();
        if let Some(landing) = under_way.get(key) {
            return Part::Follow(Follow(landing.clone()));
        }
        let (landed, landing) = watch::channel(Landing::Ended);
        under_way.insert(key.clone(), landing);
        Part::Lead(Lead {
            flights: self.clone(),
            key: key.clone(),
            landed,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CacheKey, watch::Receiver<Landing>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follow {
    /// Waits until the fetch has ended, one way or another.
    pub(crate) async fn landed(mut self) -> Landing {
        // The end of the sender is the message; what it said last tells how.
        while self.0.changed().await.is_ok() {}
        *self.0.borrow()
    }
}

impl Lead {
    /// The answer is not to be kept.
    pub(crate) fn decline(self) {
        self.landed.send_replace(Landing::Declined);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
