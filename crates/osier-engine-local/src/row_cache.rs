//! Rows in memory, in front of the database.
//!
//! Never stale after an acknowledgement: the committer takes a key out and marks it
//! before the database changes, and brings the new value in after. While a key is
//! marked nobody fills it, and a fill that began before a change of its shard is
//! dropped. Between the two a read goes to the database, which turns from the old
//! value to the new one at a single moment.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

const SHARDS: usize = 16;
/// What an entry costs beside its bytes.
const OVERHEAD: usize = 160;
/// Larger rows would push out too many others.
const ROW_MAX: usize = 64 << 10;

/// A bounded cache of rows by their full key.
#[derive(Debug)]
pub(crate) struct RowCache {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    shard_bytes: usize,
}

#[derive(Debug, Default)]
struct Shard {
    rows: HashMap<Bytes, Row>,
    /// Keys in order of age, with the stamp of their row: a key can stand here
    /// more than once, and only the newest counts.
    ages: VecDeque<(Bytes, u64)>,
    changing: HashMap<Bytes, usize>,
    version: u64,
    stamp: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    value: Bytes,
    stamp: u64,
    used: bool,
}

/// What a fill must present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FillTicket(u64);

impl RowCache {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            shard_bytes: bytes / SHARDS,
        }
    }

    /// The row, or what is needed to fill it.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Bytes, FillTicket> {
        let mut shard = self.shard(key);
        if let Some(row) = shard.rows.get_mut(key) {
            row.used = true;
            return Ok(row.value.clone());
        }
        Err(FillTicket(shard.version))
    }

    /// Brings in a row that was read after `ticket` was given out.
    pub(crate) fn fill(&self, key: Bytes, value: &Bytes, ticket: FillTicket) {
        let mut shard = self.shard(&key);
        if shard.version == ticket.0 && !shard.changing.contains_key(&key) {
            shard.insert(key, value.clone(), self.shard_bytes);
        }
    }

    /// The committer is about to change this row. Says whether it was here.
    pub(crate) fn begin_change(&self, key: &Bytes) -> bool {
        let mut shard = self.shard(key);
        *shard.changing.entry(key.clone()).or_default() += 1;
        shard.remove(key)
    }

    /// The change is made, and readers of the database see it; `value` is kept.
    pub(crate) fn end_change(&self, key: Bytes, value: Option<&Bytes>) {
        let mut shard = self.shard(&key);
        shard.version += 1;
        if let Some(count) = shard.changing.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                shard.changing.remove(&key);
            }
        }
        if let Some(value) = value {
            shard.insert(key, value.clone(), self.shard_bytes);
        }
    }

    /// Forgets everything; a table was dropped.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.version += 1;
            shard.rows.clear();
            shard.ages.clear();
            shard.bytes = 0;
        }
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        let used =
            |shard: &Mutex<Shard>| shard.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        self.shards.iter().map(used).sum()
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the index is below the number of shards"
    )]
    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(key) & 0xffff).unwrap_or_default();
        self.shards[hash % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn insert(&mut self, key: Bytes, value: Bytes, limit: usize) {
        let cost = cost(&key, &value);
        if value.len() > ROW_MAX || cost > limit {
            return;
        }
        self.remove(&key);
        self.stamp += 1;
        self.bytes += cost;
        self.ages.push_back((key.clone(), self.stamp));
        let row = Row {
            value,
            stamp: self.stamp,
            used: false,
        };
        self.rows.insert(key, row);
        while self.bytes > limit {
            self.evict();
        }
        // Stamps of rows that are gone must not pile up.
        if self.ages.len() > 2 * self.rows.len() + 64 {
            let rows = &self.rows;
            self.ages
                .retain(|(key, stamp)| rows.get(key).is_some_and(|row| row.stamp == *stamp));
        }
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        let Some((key, row)) = self.rows.remove_entry(key) else {
            return false;
        };
        self.bytes -= cost(&key, &row.value);
        true
    }

    /// Drops the oldest row that was not used since it was last looked at here.
    fn evict(&mut self) {
        while let Some((key, stamp)) = self.ages.pop_front() {
            match self.rows.get_mut(&key) {
                Some(row) if row.stamp == stamp && row.used => {
                    row.used = false;
                    self.ages.push_back((key, stamp));
                }
                Some(row) if row.stamp == stamp => {
                    self.remove(&key);
                    return;
                }
                _ => {}
            }
        }
    }
}

fn cost(key: &Bytes, value: &Bytes) -> usize {
    key.len() + value.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Bytes {
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    fn filled(cache: &RowCache, number: u32, value: &'static [u8]) {
        let ticket = cache.find(&key(number)).unwrap_err();
        cache.fill(key(number), &Bytes::from_static(value), ticket);
    }

    #[test]
    fn a_fill_that_overlaps_a_change_is_dropped() {
        let cache = RowCache::new(1 << 20);
        let before = cache.find(&key(1)).unwrap_err();
        assert!(!cache.begin_change(&key(1)));
        cache.fill(key(1), &Bytes::from_static(b"old"), before);
        let during = cache.find(&key(1)).unwrap_err();
        cache.fill(key(1), &Bytes::from_static(b"old"), during);
        assert!(cache.find(&key(1)).is_err());
        cache.end_change(key(1), None);
        cache.fill(key(1), &Bytes::from_static(b"old"), before);
        cache.fill(key(1), &Bytes::from_static(b"old"), during);
        assert!(cache.find(&key(1)).is_err());
        filled(&cache, 1, b"new");
        assert_eq!(cache.find(&key(1)).unwrap(), "new");
    }

    #[test]
    fn a_change_of_a_hot_row_keeps_it_hot() {
        let cache = RowCache::new(1 << 20);
        filled(&cache, 1, b"old");
        assert!(cache.begin_change(&key(1)));
        cache.end_change(key(1), Some(&Bytes::from_static(b"new")));
        assert_eq!(cache.find(&key(1)).unwrap(), "new");
        cache.clear();
        assert!(cache.find(&key(1)).is_err());
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn stays_within_its_bytes() {
        let cache = RowCache::new(64 << 10);
        for number in 0..10_000 {
            filled(&cache, number, b"0123456789");
            assert!(cache.bytes() <= 64 << 10);
            let _ = cache.find(&key(0));
        }
        let kept = (0..10_000)
            .filter(|number| cache.find(&key(*number)).is_ok())
            .count();
        assert!(kept > 100, "{kept}");
        let ages: usize = cache
            .shards
            .iter()
            .map(|it| it.lock().unwrap().ages.len())
            .sum();
        assert!(ages <= 2 * kept + SHARDS * 64, "{ages}");
    }

    #[test]
    fn rows_too_large_are_not_kept() {
        let cache = RowCache::new(64 << 20);
        let ticket = cache.find(&key(1)).unwrap_err();
        cache.fill(key(1), &Bytes::from(vec![0; ROW_MAX + 1]), ticket);
        assert!(cache.find(&key(1)).is_err());
    }
}
