//! Small answers in memory, within a budget of bytes: S3-FIFO. New ones pass a small queue
//! first, so that what is asked for once does not push out what is asked for often; names of
//! those that left early are remembered for a while and come back to the main queue.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::CacheKey;

/// How much memory a value takes.
pub trait Weigh {
    /// Bytes, without the name.
    fn weight(&self) -> usize;
}

/// A bounded map from names to values, shared by all threads.
#[derive(Debug)]
pub struct MemoryTier<V> {
    shards: Vec<RwLock<Shard<V>>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Shard<V> {
    entries: HashMap<CacheKey, Entry<V>>,
    small: VecDeque<CacheKey>,
    main: VecDeque<CacheKey>,
    /// Hashes of names that left the small queue, oldest first.
    ghosts: VecDeque<u64>,
    remembered: HashSet<u64>,
    small_bytes: usize,
    main_bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    bytes: usize,
    /// 0 to 3.
    hits: AtomicU8,
    queue: Queue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Small,
    Main,
}

impl<V: Weigh> MemoryTier<V> {
    /// At most `bytes_max` bytes of names and values.
    pub fn new(bytes_max: usize) -> Self {
        Self::with_shards(bytes_max, SHARDS)
    }

    fn with_shards(bytes_max: usize, shards: usize) -> Self {
        Self {
            shards: (0..shards)
                .map(|_| RwLock::new(Shard::new(bytes_max / shards)))
                .collect(),
            hasher: RandomState::new(),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<V>> {
        let hash = self.hasher.hash_one(key);
        let shard = self.shard(hash)?;
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(key)?;
        if entry.hits.load(Ordering::Relaxed) < HITS_MAX {
            entry.hits.fetch_add(1, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.value))
    }

    /// Keeps `value`, in the place of an older one. One that is larger than a small part of
    /// the budget is not kept.
    pub fn insert(&self, key: CacheKey, value: Arc<V>) {
        let hash = self.hasher.hash_one(&key);
        if let Some(shard) = self.shard(hash) {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.insert(key, value, hash, &self.hasher);
        }
    }

    /// Takes a value out.
    pub fn remove(&self, key: &CacheKey) -> Option<Arc<V>> {
        let shard = self.shard(self.hasher.hash_one(key))?;
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        // Its name stays in a queue until it comes to the front.
        shard.take(key)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.sum(|shard| shard.small_bytes + shard.main_bytes)
    }

    /// Values kept.
    pub fn len(&self) -> usize {
        self.sum(|shard| shard.entries.len())
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn sum(&self, of: impl Fn(&Shard<V>) -> usize) -> usize {
        self.shards
            .iter()
            .map(|shard| of(&shard.read().unwrap_or_else(PoisonError::into_inner)))
            .sum()
    }

    fn shard(&self, hash: u64) -> Option<&RwLock<Shard<V>>> {
        let index = usize::try_from(hash >> 32).unwrap_or(0) % self.shards.len();
        self.shards.get(index)
    }
}

impl<V: Weigh> Shard<V> {
    fn new(bytes_max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: VecDeque::new(),
            remembered: HashSet::new(),
            small_bytes: 0,
            main_bytes: 0,
            bytes_max,
        }
    }

    fn insert(&mut self, key: CacheKey, value: Arc<V>, hash: u64, hasher: &RandomState) {
        let bytes = value.weight() + key.as_str().len() + ENTRY_BYTES;
        let old = self.entries.get(&key).map(|entry| entry.queue);
        self.take(&key);
        if bytes > self.bytes_max / 4 {
            return;
        }
        let queue = match old {
            Some(queue) => queue,
            None if self.remembered.contains(&hash) => Queue::Main,
            None => Queue::Small,
        };
        while self.small_bytes + self.main_bytes + bytes > self.bytes_max {
            if !self.evict(hasher) {
                break;
            }
        }
        *self.bytes_of(queue) += bytes;
        // An older value's name may still stand in the queue: it is not put there twice.
        if old.is_none() {
            self.queue_of(queue).push_back(key.clone());
        }
        let entry = Entry {
            value,
            bytes,
            hits: AtomicU8::new(0),
            queue,
        };
        self.entries.insert(key, entry);
        if self.small.len() + self.main.len() > 2 * self.entries.len() + NAMES_SPARE {
            self.forget_names();
        }
    }

    /// Takes names out of the queues whose values were taken out, and those that stand twice.
    fn forget_names(&mut self) {
        let entries = &self.entries;
        let mut seen = HashSet::new();
        let mut is_kept = |key: &CacheKey, queue| {
            entries.get(key).is_some_and(|entry| entry.queue == queue) && seen.insert(key.clone())
        };
        self.small.retain(|key| is_kept(key, Queue::Small));
        self.main.retain(|key| is_kept(key, Queue::Main));
    }

    fn take(&mut self, key: &CacheKey) -> Option<Arc<V>> {
        let entry = self.entries.remove(key)?;
        *self.bytes_of(entry.queue) -= entry.bytes;
        Some(entry.value)
    }

    /// One step towards less; false when nothing is left.
    fn evict(&mut self, hasher: &RandomState) -> bool {
        let small_first = self.small_bytes > self.bytes_max / SMALL_PART || self.main.is_empty();
        let queue = if small_first && !self.small.is_empty() {
            Queue::Small
        } else {
            Queue::Main
        };
        let Some(key) = self.queue_of(queue).pop_front() else {
            return !self.small.is_empty() || !self.main.is_empty();
        };
        let Some(entry) = self.entries.get_mut(&key) else {
            return true;
        };
        if entry.queue != queue {
            return true;
        }
        let hits = *entry.hits.get_mut();
        match queue {
            Queue::Small if hits > 0 => {
                let bytes = entry.bytes;
                entry.queue = Queue::Main;
                *entry.hits.get_mut() = 0;
                self.small_bytes -= bytes;
                self.main_bytes += bytes;
                self.main.push_back(key);
            }
            Queue::Main if hits > 0 => {
                *entry.hits.get_mut() = hits - 1;
                self.main.push_back(key);
            }
            Queue::Small => {
                self.take(&key);
                self.remember(hasher.hash_one(&key));
            }
            Queue::Main => {
                self.take(&key);
            }
        }
        true
    }

    fn remember(&mut self, hash: u64) {
        if self.remembered.insert(hash) {
            self.ghosts.push_back(hash);
        }
        let ghosts_max = self.entries.len().max(GHOSTS_MIN);
        while self.ghosts.len() > ghosts_max {
            if let Some(oldest) = self.ghosts.pop_front() {
                self.remembered.remove(&oldest);
            }
        }
    }

    fn bytes_of(&mut self, queue: Queue) -> &mut usize {
        match queue {
            Queue::Small => &mut self.small_bytes,
            Queue::Main => &mut self.main_bytes,
        }
    }

    fn queue_of(&mut self, queue: Queue) -> &mut VecDeque<CacheKey> {
        match queue {
            Queue::Small => &mut self.small,
            Queue::Main => &mut self.main,
        }
    }
}

const SHARDS: usize = 16;
const HITS_MAX: u8 = 3;
/// The small queue's part of the budget.
const SMALL_PART: usize = 10;
const GHOSTS_MIN: usize = 64;
/// Names in queues, beyond two for each value, before those without a value are looked for.
const NAMES_SPARE: usize = 64;
/// What a name and its place in a queue and in the map take beside the text, about.
const ENTRY_BYTES: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyRules, Target};

    #[derive(Debug)]
    struct Sized(usize);

    impl Weigh for Sized {
        fn weight(&self) -> usize {
            self.0
        }
    }

    fn key(number: usize) -> CacheKey {
        let path = format!("/{number:06}");
        let target = Target {
            site: "s",
            path: &path,
            query: None,
            variant: "",
        };
        CacheKey::of(&target, &KeyRules::default())
    }

    fn tier(entries: usize) -> MemoryTier<Sized> {
        MemoryTier::with_shards(entries * ENTRY, 1)
    }

    fn put(tier: &MemoryTier<Sized>, number: usize) {
        let key = key(number);
        let rest = ENTRY - ENTRY_BYTES - key.as_str().len();
        tier.insert(key, Arc::new(Sized(rest)));
    }

    const ENTRY: usize = 1000;

    #[test]
    fn the_budget_holds() {
        let tier = tier(50);
        for number in 0..1000 {
            put(&tier, number);
            assert!(tier.bytes() <= 50 * ENTRY);
        }
        assert_eq!(tier.len(), 50);
        assert_eq!(tier.bytes(), 50 * ENTRY);
    }

    #[test]
    fn what_is_asked_for_again_outlives_a_scan() {
        let tier = tier(100);
        for number in 0..50 {
            put(&tier, number);
            assert!(tier.get(&key(number)).is_some());
        }
        for number in 1000..5000 {
            put(&tier, number);
        }
        let left = (0..50)
            .filter(|number| tier.get(&key(*number)).is_some())
            .count();
        assert_eq!(left, 50);
    }

    #[test]
    fn names_that_left_early_come_back_to_the_main_queue() {
        let tier = tier(20);
        put(&tier, 1);
        // Out of the small queue, and remembered.
        for number in 100..125 {
            put(&tier, number);
        }
        assert!(tier.get(&key(1)).is_none());
        put(&tier, 1);
        for number in 200..210 {
            put(&tier, number);
        }
        assert!(tier.get(&key(1)).is_some());
    }

    #[test]
    fn replacing_and_removing_keep_the_count() {
        let tier = tier(20);
        for _ in 0..100 {
            put(&tier, 1);
        }
        assert_eq!((tier.len(), tier.bytes()), (1, ENTRY));
        assert!(tier.remove(&key(1)).is_some());
        assert!(tier.is_empty() && tier.bytes() == 0);
        for number in 0..100 {
            put(&tier, number);
            tier.remove(&key(number));
        }
        assert_eq!((tier.len(), tier.bytes()), (0, 0));
    }

    #[test]
    fn names_do_not_outnumber_values_for_long() {
        let tier = tier(20);
        for number in 0..10_000 {
            put(&tier, number % 7);
            tier.remove(&key(number % 7));
        }
        put(&tier, 1);
        let shard = tier.shards[0].read().unwrap();
        assert!(shard.small.len() + shard.main.len() <= 2 + NAMES_SPARE);
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_takes_its_elder_along() {
        let tier = tier(20);
        put(&tier, 1);
        tier.insert(key(1), Arc::new(Sized(20 * ENTRY)));
        assert!(tier.get(&key(1)).is_none());
        assert_eq!(tier.bytes(), 0);
    }
}
