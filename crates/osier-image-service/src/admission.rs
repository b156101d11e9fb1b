//! Permits: how many jobs there are at a time, and how much memory they have.
//!
//! Taken always in this order: a place, memory for sources, memory for pixels,
//! a turn among slow encoders. Whoever holds a later one never waits for an earlier one.

use std::sync::Arc;

use osier_types::{Fault, FaultKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Memory is counted in these.
const UNIT: u64 = 64 * 1024;

/// Everything there is to share.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    sources: Pool,
    pixels: Pool,
    slow: Pool,
}

#[derive(Debug)]
struct Pool {
    semaphore: Arc<Semaphore>,
    all: u32,
}

impl Pool {
    fn new(all: u64) -> Self {
        let all = u32::try_from(all).unwrap_or(u32::MAX).max(1);
        let all = all.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self {
            semaphore: Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(1))),
            all,
        }
    }

    /// What is larger than all there is takes all there is.
    async fn take(&self, amount: u64, until: Instant) -> Result<OwnedSemaphorePermit, Fault> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX).clamp(1, self.all);
        let permit = Arc::clone(&self.semaphore).acquire_many_owned(amount);
        match timeout_at(until, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

impl Admission {
    pub(crate) fn new(places: usize, source_bytes: u64, pixel_bytes: u64, slow: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            sources: Pool::new(source_bytes / UNIT),
            pixels: Pool::new(pixel_bytes / UNIT),
            slow: Pool::new(u64::try_from(slow).unwrap_or(1)),
        }
    }

    /// A place among those who work or wait, at once or not at all.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| busy())
    }

    /// Memory for the bytes of sources.
    pub(crate) async fn sources(
        &self,
        bytes: u64,
        until: Instant,
    ) -> Result<OwnedSemaphorePermit, Fault> {
        self.sources.take(bytes.div_ceil(UNIT), until).await
    }

    /// Memory for pixels, and a turn where the encoder is slow.
    pub(crate) async fn pixels(
        &self,
        bytes: u64,
        slow: bool,
        until: Instant,
    ) -> Result<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>), Fault> {
        let memory = self.pixels.take(bytes.div_ceil(UNIT), until).await?;
        let turn = if slow {
            Some(self.slow.take(1, until).await?)
        } else {
            None
        };
        Ok((memory, turn))
    }
}

/// There is more to do than can be done.
pub(crate) fn busy() -> Fault {
    Fault::new(FaultKind::Unavailable {
        reason: "too many pictures are being processed".to_owned(),
    })
}
