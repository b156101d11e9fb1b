//! Which blobs are in use without a reference in the database: those being
//! written, those not linked yet, those with readers, and those being freed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known of blobs in memory.
#[derive(Debug)]
pub(crate) struct Liveness {
    unlinked: Mutex<BTreeMap<u64, Unlinked>>,
    readers: Vec<Mutex<Readers>>,
}

/// Why a blob without a reference is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlinked {
    /// Its bytes are being written.
    Writing,
    /// It is durable and waits for a commit.
    Sealed,
    /// A commit that links it is being made.
    Linking,
    /// Nobody will link it.
    Discarded,
    /// Its space is being given back.
    Freeing,
    /// A crash left it, or a gap of this many bytes; seen in so many passes.
    Orphan { bytes: u64, passes: u8 },
}

#[derive(Debug, Default)]
struct Readers {
    pins: HashMap<u64, usize>,
    /// Being freed, or to be as soon as the pins are gone.
    freeing: HashSet<u64>,
}

/// Keeps the bytes of a blob while it lives.
#[derive(Debug)]
pub(crate) struct Pin {
    liveness: Arc<Liveness>,
    blob: u64,
}

impl Liveness {
    pub(crate) fn new() -> Self {
        Self {
            unlinked: Mutex::default(),
            readers: (0..16).map(|_| Mutex::default()).collect(),
        }
    }

    pub(crate) fn insert(&self, blob: u64, state: Unlinked) {
        self.unlinked().insert(blob, state);
    }

    pub(crate) fn remove(&self, blob: u64) {
        self.unlinked().remove(&blob);
    }

    /// The bytes of a blob are durable.
    pub(crate) fn seal(&self, blob: u64) {
        self.insert(blob, Unlinked::Sealed);
    }

    /// Its owner gave a sealed blob up. True when there is now something to free.
    pub(crate) fn discard(&self, blob: u64) -> bool {
        match self.unlinked().get_mut(&blob) {
            Some(state @ Unlinked::Sealed) => {
                *state = Unlinked::Discarded;
                true
            }
            _ => false,
        }
    }

    /// Holds an unlinked blob for a commit; says what it was before.
    pub(crate) fn begin_link(&self, blob: u64) -> Option<Unlinked> {
        let mut unlinked = self.unlinked();
        let state = unlinked.get_mut(&blob)?;
        (*state == Unlinked::Sealed).then(|| std::mem::replace(state, Unlinked::Linking))
    }

    /// The commit did not happen.
    pub(crate) fn undo_link(&self, blob: u64, before: Unlinked) {
        self.insert(blob, before);
    }

    /// Takes every discarded blob for freeing.
    pub(crate) fn take_discarded(&self) -> Vec<u64> {
        let mut taken = Vec::new();
        for (blob, state) in self.unlinked().iter_mut() {
            if *state == Unlinked::Discarded {
                *state = Unlinked::Freeing;
                taken.push(*blob);
            }
        }
        taken
    }

    /// The orphans, each with its bytes and the passes that saw it, this one too.
    pub(crate) fn pass_orphans(&self) -> Vec<(u64, u64, u8)> {
        let mut seen = Vec::new();
        for (blob, state) in self.unlinked().iter_mut() {
            if let Unlinked::Orphan { bytes, passes } = state {
                *passes = passes.saturating_add(1);
                seen.push((*blob, *bytes, *passes));
            }
        }
        seen
    }

    /// The first unlinked blob with an id in `range`.
    pub(crate) fn first_unlinked(&self, range: Range<u64>) -> Option<u64> {
        self.unlinked().range(range).next().map(|(blob, _)| *blob)
    }

    pub(crate) fn is_unlinked(&self, blob: u64) -> bool {
        self.unlinked().contains_key(&blob)
    }

    /// How many blobs there are without a reference.
    pub(crate) fn unlinked_count(&self) -> usize {
        self.unlinked().len()
    }

    /// Keeps a blob from being freed, unless that has begun.
    pub(crate) fn pin(self: &Arc<Self>, blob: u64) -> Option<Pin> {
        let mut readers = self.readers(blob)?;
        if readers.freeing.contains(&blob) {
            return None;
        }
        *readers.pins.entry(blob).or_default() += 1;
        drop(readers);
        Some(Pin {
            liveness: Arc::clone(self),
            blob,
        })
    }

    /// Takes a blob for freeing, for the one collector. False while somebody still
    /// reads it; but nobody new will, so that a later pass succeeds.
    pub(crate) fn claim(&self, blob: u64) -> bool {
        let Some(mut readers) = self.readers(blob) else {
            return false;
        };
        readers.freeing.insert(blob);
        !readers.pins.contains_key(&blob)
    }

    /// The blob is gone, or was not freed after all.
    pub(crate) fn release(&self, blob: u64) {
        if let Some(mut readers) = self.readers(blob) {
            readers.freeing.remove(&blob);
        }
    }

    fn unlinked(&self) -> MutexGuard<'_, BTreeMap<u64, Unlinked>> {
        self.unlinked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self, blob: u64) -> Option<MutexGuard<'_, Readers>> {
        let spread = blob.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        let shard = self.readers.get(usize::try_from(spread).ok()?)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(mut readers) = self.liveness.readers(self.blob)
            && let Some(count) = readers.pins.get_mut(&self.blob)
        {
            *count -= 1;
            if *count == 0 {
                readers.pins.remove(&self.blob);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_blob_is_not_claimed() {
        let liveness = Arc::new(Liveness::new());
        let first = liveness.pin(7).unwrap();
        let second = liveness.pin(7).unwrap();
        assert!(!liveness.claim(7));
        assert!(liveness.pin(7).is_none(), "no new readers");
        drop(first);
        assert!(!liveness.claim(7));
        drop(second);
        assert!(liveness.claim(7));
        assert!(liveness.pin(7).is_none());
        liveness.release(7);
        assert!(liveness.pin(7).is_some());
    }

    #[test]
    fn a_linked_blob_is_not_discarded() {
        let liveness = Liveness::new();
        liveness.insert(1, Unlinked::Writing);
        assert!(!liveness.discard(1));
        assert_eq!(liveness.begin_link(1), None);
        liveness.seal(1);
        assert_eq!(liveness.begin_link(1), Some(Unlinked::Sealed));
        assert!(!liveness.discard(1));
        assert!(liveness.take_discarded().is_empty());
        liveness.undo_link(1, Unlinked::Sealed);
        assert!(liveness.discard(1));
        assert_eq!(liveness.begin_link(1), None);
        assert_eq!(liveness.take_discarded(), [1]);
        assert_eq!(liveness.begin_link(1), None);
    }
}
