//! Results in memory, as many as there is room for; those not used for longest go first.
//!
//! Refusals are kept too: the same request of the same source is refused again.
//! Results of a source go when it has another validator.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use osier_image::ImageError;
use osier_types::DerivedBytes;

use crate::key::Key;

/// What came of a job.
pub(crate) type Made = Result<DerivedBytes, ImageError>;

/// A bounded cache.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    clock: u64,
    entries: HashMap<Key, Entry>,
    /// By time of last use.
    order: BTreeMap<u64, Key>,
    sources: HashMap<String, Variants>,
}

#[derive(Debug)]
struct Entry {
    made: Made,
    used: u64,
    source: String,
}

/// What is kept of one source.
#[derive(Debug)]
struct Variants {
    validator: String,
    keys: Vec<Key>,
}

/// What an entry costs beside its bytes.
const OVERHEAD: u64 = 512;

impl Cache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Made> {
        let mut state = self.lock();
        state.clock += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        let before = std::mem::replace(&mut entry.used, now);
        let made = entry.made.clone();
        state.order.remove(&before);
        state.order.insert(now, *key);
        Some(made)
    }

    /// Keeps a result, unless it would take more than a quarter of the room.
    pub(crate) fn put(&self, key: Key, source: &str, validator: &str, made: Made) {
        let cost = cost(&made);
        if cost > self.bytes_max / 4 {
            return;
        }
        let mut state = self.lock();
        let stale = state
            .sources
            .get(source)
            .is_some_and(|variants| variants.validator != validator);
        if stale {
            state.forget(source);
        }
        state.remove(&key);
        state.clock += 1;
        let used = state.clock;
        state.order.insert(used, key);
        state.bytes += cost;
        let variants = state
            .sources
            .entry(source.to_owned())
            .or_insert_with(|| Variants {
                validator: validator.to_owned(),
                keys: Vec::new(),
            });
        variants.keys.push(key);
        let entry = Entry {
            made,
            used,
            source: source.to_owned(),
        };
        state.entries.insert(key, entry);
        while state.bytes > self.bytes_max
            && let Some((_, oldest)) = state.order.first_key_value()
        {
            let oldest = *oldest;
            state.remove(&oldest);
        }
    }

    /// Drops all that was made of a source.
    pub(crate) fn forget(&self, source: &str) {
        self.lock().forget(source);
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        self.order.remove(&entry.used);
        self.bytes -= cost(&entry.made);
        if let Some(variants) = self.sources.get_mut(&entry.source) {
            variants.keys.retain(|other| other != key);
            if variants.keys.is_empty() {
                self.sources.remove(&entry.source);
            }
        }
    }

    fn forget(&mut self, source: &str) {
        if let Some(variants) = self.sources.remove(source) {
            for key in variants.keys {
                self.remove(&key);
            }
        }
    }
}

fn cost(made: &Made) -> u64 {
    let bytes = made.as_ref().map_or(0, |derived| derived.bytes.len());
    OVERHEAD + u64::try_from(bytes).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use osier_image::ErrorKind;
    use osier_image::grammar::Process;

    fn key(number: u32) -> Key {
        let Ok(Process::Image(pipeline)) = Process::parse("image/info") else {
            panic!("can't be read");
        };
        Key::new(&pipeline, &number.to_string(), &[])
    }

    fn made(length: usize) -> Made {
        Ok(DerivedBytes {
            bytes: Bytes::from(vec![0; length]),
            content_type: "image/png",
            tag: [0; 16],
        })
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = Cache::new(5000);
        for number in 0..4 {
            cache.put(key(number), "source", "1", made(700));
        }
        assert!(cache.get(&key(0)).is_some());
        cache.put(key(4), "source", "1", made(700));
        assert!(cache.get(&key(1)).is_none());
        assert!(cache.get(&key(0)).is_some() && cache.get(&key(4)).is_some());
        assert!(cache.bytes() <= 5000);
    }

    #[test]
    fn results_go_with_their_source() {
        let cache = Cache::new(100_000);
        cache.put(key(0), "a", "1", made(10));
        cache.put(
            key(1),
            "a",
            "1",
            Err(ImageError::plain(ErrorKind::BadRequest, "no")),
        );
        cache.put(key(2), "b", "1", made(10));
        cache.put(key(3), "a", "2", made(10));
        assert!(cache.get(&key(0)).is_none() && cache.get(&key(1)).is_none());
        assert!(cache.get(&key(2)).is_some() && cache.get(&key(3)).is_some());
        cache.forget("a");
        cache.forget("b");
        assert!(cache.get(&key(3)).is_none());
        assert_eq!(cache.bytes(), 0);
        assert!(cache.lock().sources.is_empty() && cache.lock().order.is_empty());
    }

    #[test]
    fn huge_results_are_not_kept() {
        let cache = Cache::new(4000);
        cache.put(key(0), "a", "1", made(2000));
        assert!(cache.get(&key(0)).is_none());
    }
}
