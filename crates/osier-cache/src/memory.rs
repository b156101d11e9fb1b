//! Small answers in memory, within a budget of bytes: S3-FIFO. New ones pass a small queue
//! first, so that what is asked for once does not push out what is asked for often; names of
//! those that left early are remembered for a while and come back to the main queue.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
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
    evicted: AtomicU64,
}

/// A value that was found.
#[derive(Debug)]
pub struct Found<V> {
    /// The value.
    pub value: Arc<V>,
    /// Whether it was asked for the first time since it was put there.
    pub first: bool,
}

#[derive(Debug)]
struct Shard<V> {
    /// By the hash of their names; of two names with one hash only the later is there.
    entries: HashMap<u64, Entry<V>, BuildHasherDefault<Hashed>>,
    small: VecDeque<u64>,
    main: VecDeque<u64>,
    /// Hashes of names that left the small queue, oldest first.
    ghosts: VecDeque<u64>,
    remembered: HashSet<u64, BuildHasherDefault<Hashed>>,
    small_bytes: usize,
    main_bytes: usize,
    bytes_max: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Entry<V> {
    key: CacheKey,
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

/// For keys that are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl<V: Weigh> MemoryTier<V> {
    /// At most `bytes_max` bytes of names and values.
    pub fn new(bytes_max: usize) -> Self {
        // A shard is large enough for a few of the largest values.
        let shards = (bytes_max / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        Self::with_shards(bytes_max, shards)
    }

    fn with_shards(bytes_max: usize, shards: usize) -> Self {
        Self {
            shards: (0..shards)
                .map(|_| RwLock::new(Shard::new(bytes_max / shards)))
                .collect(),
            hasher: RandomState::new(),
            evicted: AtomicU64::new(0),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &CacheKey) -> Option<Found<V>> {
        let hash = self.hasher.hash_one(key);
        let shard = self.shard(hash)?;
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(&hash).filter(|entry| entry.key == *key)?;
        let hits = entry.hits.load(Ordering::Relaxed);
        let first = hits == 0 && entry.hits.fetch_add(1, Ordering::Relaxed) == 0;
        if (1..HITS_MAX).contains(&hits) {
            entry.hits.fetch_add(1, Ordering::Relaxed);
        }
        Some(Found {
            value: Arc::clone(&entry.value),
            first,
        })
    }

    /// Whether there is a value under `key`; this is no question that counts.
    pub fn contains(&self, key: &CacheKey) -> bool {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).is_some_and(|shard| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            let entry = shard.entries.get(&hash);
            entry.is_some_and(|entry| entry.key == *key)
        })
    }

    /// Keeps `value`, in the place of an older one. One that is larger than a small part of
    /// the budget is not kept. Tells whether the name was known: asked for a while ago.
    pub fn insert(&self, key: CacheKey, value: Arc<V>) -> bool {
        let hash = self.hasher.hash_one(&key);
        let Some(shard) = self.shard(hash) else {
            return false;
        };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let known = shard.insert(key, value, hash);
        let evicted = std::mem::take(&mut shard.evicted);
        drop(shard);
        if evicted > 0 {
            self.evicted.fetch_add(evicted, Ordering::Relaxed);
        }
        known
    }

    /// Takes a value out.
    pub fn remove(&self, key: &CacheKey) -> Option<Arc<V>> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self
            .shard(hash)?
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        shard.entries.get(&hash).filter(|entry| entry.key == *key)?;
        // Its name stays in a queue until it comes to the front.
        shard.take(hash)
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

    /// Values that made room for others so far.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
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
            entries: HashMap::default(),
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: VecDeque::new(),
            remembered: HashSet::default(),
            small_bytes: 0,
            main_bytes: 0,
            bytes_max,
            evicted: 0,
        }
    }

    /// Whether the name was there, or had left early.
    fn insert(&mut self, key: CacheKey, value: Arc<V>, hash: u64) -> bool {
        let bytes = value.weight() + key.as_str().len() + ENTRY_BYTES;
        let old = self.entries.get(&hash).map(|entry| entry.queue);
        let remembered = self.remembered.contains(&hash);
        let known = old.is_some() || remembered;
        self.take(hash);
        if bytes > self.bytes_max / 4 {
            return known;
        }
        let queue = match old {
            Some(queue) => queue,
            None if remembered => Queue::Main,
            None => Queue::Small,
        };
        while self.small_bytes + self.main_bytes + bytes > self.bytes_max {
            if !self.evict() {
                break;
            }
        }
        *self.bytes_of(queue) += bytes;
        // An older value's name may still stand in the queue: it is not put there twice.
        if old.is_none() {
            self.queue_of(queue).push_back(hash);
        }
        let entry = Entry {
            key,
            value,
            bytes,
            hits: AtomicU8::new(0),
            queue,
        };
        self.entries.insert(hash, entry);
        if self.small.len() + self.main.len() > 2 * self.entries.len() + NAMES_SPARE {
            self.forget_names();
        }
        known
    }

    /// Takes names out of the queues whose values were taken out, and those that stand twice.
    fn forget_names(&mut self) {
        let entries = &self.entries;
        let mut seen = HashSet::new();
        let mut is_kept = |hash: &u64, queue| {
            entries.get(hash).is_some_and(|entry| entry.queue == queue) && seen.insert(*hash)
        };
        self.small.retain(|hash| is_kept(hash, Queue::Small));
        self.main.retain(|hash| is_kept(hash, Queue::Main));
    }

    fn take(&mut self, hash: u64) -> Option<Arc<V>> {
        let entry = self.entries.remove(&hash)?;
        *self.bytes_of(entry.queue) -= entry.bytes;
        Some(entry.value)
    }

    /// One step towards less; false when nothing is left.
    fn evict(&mut self) -> bool {
        let small_first = self.small_bytes > self.bytes_max / SMALL_PART || self.main.is_empty();
        let queue = if small_first && !self.small.is_empty() {
            Queue::Small
        } else {
            Queue::Main
        };
        let Some(hash) = self.queue_of(queue).pop_front() else {
            return !self.small.is_empty() || !self.main.is_empty();
        };
        let Some(entry) = self.entries.get_mut(&hash) else {
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
                self.main.push_back(hash);
            }
            Queue::Main if hits > 0 => {
                *entry.hits.get_mut() = hits - 1;
                self.main.push_back(hash);
            }
            Queue::Small => {
                self.take(hash);
                self.remember(hash);
                self.evicted += 1;
            }
            Queue::Main => {
                self.take(hash);
                self.evicted += 1;
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

    fn queue_of(&mut self, queue: Queue) -> &mut VecDeque<u64> {
        match queue {
            Queue::Small => &mut self.small,
            Queue::Main => &mut self.main,
        }
    }
}

const SHARDS_MAX: usize = 16;
/// Four values of a mebibyte pass where one may take a quarter.
const SHARD_BYTES_MIN: usize = 8 << 20;
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

    fn put(tier: &MemoryTier<Sized>, number: usize) -> bool {
        let key = key(number);
        let rest = ENTRY - ENTRY_BYTES - key.as_str().len();
        tier.insert(key, Arc::new(Sized(rest)))
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
        assert_eq!(tier.evicted(), 950);
    }

    #[test]
    fn the_first_question_after_a_value_came_is_told_apart() {
        let tier = tier(50);
        assert!(!put(&tier, 1));
        let first = || tier.get(&key(1)).unwrap().first;
        assert!(first());
        for _ in 0..5 {
            assert!(!first());
        }
        assert!(put(&tier, 1));
        assert!(first());
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
        assert!(put(&tier, 1));
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
