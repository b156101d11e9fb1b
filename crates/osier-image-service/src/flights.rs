//! Equal requests at the same time share one job.
//!
//! Whoever comes first does the work while it waits; when it leaves, the next
//! one begins anew. When nobody is left nothing goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use osier_types::{DerivedBytes, Fault};
use tokio::sync::OnceCell;

use crate::key::Key;

/// What all who wait for one job get.
pub(crate) type Landed = Result<DerivedBytes, Fault>;

/// Jobs under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Key, Arc<OnceCell<Landed>>>>);

impl Flights {
    /// What comes of `work`, or of the same work of someone else.
    pub(crate) async fn share(&self, key: Key, work: impl Future<Output = Landed>) -> Landed {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry(key).or_default())
        };
        let seat = Seat {
            flights: self,
            key,
            flight,
        };
        seat.flight.get_or_init(|| work).await.clone()
    }
}

/// One who waits; the last one to leave takes the flight off the board.
struct Seat<'a> {
    flights: &'a Flights,
    key: Key,
    flight: Arc<OnceCell<Landed>>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ours = flights
            .get(&self.key)
            .is_some_and(|flight| Arc::ptr_eq(flight, &self.flight));
        // Landed flights go at once, so that a failure is not told to those who come later.
        if ours && (self.flight.initialized() || Arc::strong_count(&self.flight) == 2) {
            flights.remove(&self.key);
        }
    }
}
