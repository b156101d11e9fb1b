//! Nonces that were used, for as long as their requests would be accepted.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use osier_types::Timestamp;

use crate::claim::SKEW_MS_MAX;
use crate::directory::ControlFault;
use crate::mac::sha256;

/// A bounded memory of nonces. When it is full, requests are put off: forgetting would let
/// them be replayed. Everybody has a small share that others can't use up, so that one busy
/// user does not keep the account itself out.
pub struct Nonces {
    capacity: usize,
    generations: Mutex<Generations>,
}

/// Two generations: a nonce is remembered through the rest of its own and the whole next one.
#[derive(Default)]
struct Generations {
    number: i64,
    current: HashSet<[u8; 16]>,
    previous: HashSet<[u8; 16]>,
    /// How many of the current ones are whose.
    shares: HashMap<Box<str>, usize>,
}

impl Nonces {
    /// A memory of up to `capacity` nonces in half an hour.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            generations: Mutex::default(),
        }
    }

    /// Takes note of a nonce of `principal`'s key, unless it was used.
    ///
    /// # Errors
    /// `NonceUsed`, or `Throttled` when nothing more can be remembered.
    pub fn admit(
        &self,
        principal: &str,
        access_key_id: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<(), ControlFault> {
        let digest = sha256(&[access_key_id.as_bytes(), b"\0", nonce.as_bytes()]);
        let Some(&mark) = digest.first_chunk::<16>() else {
            return Err(ControlFault::Internal);
        };
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        generations.advance(now);
        if generations.previous.contains(&mark) || generations.current.contains(&mark) {
            return Err(ControlFault::NonceUsed);
        }
        let is_full = generations.current.len() >= self.capacity;
        let used = match generations.shares.get_mut(principal) {
            Some(used) => used,
            None => generations.shares.entry(principal.into()).or_default(),
        };
        if is_full && *used >= self.capacity / SHARES {
            return Err(ControlFault::Throttled);
        }
        *used += 1;
        generations.current.insert(mark);
        Ok(())
    }
}

impl Generations {
    /// Time that goes back moves nothing.
    fn advance(&mut self, now: Timestamp) {
        let number = now.as_millis().div_euclid(GENERATION_MS);
        if number <= self.number {
            return;
        }
        let next = number == self.number + 1;
        self.number = number;
        self.previous = std::mem::take(&mut self.current);
        self.shares.clear();
        if !next {
            self.previous.clear();
        }
    }
}

impl Default for Nonces {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Nonces({})", self.capacity)
    }
}

/// A request dated a quarter of an hour ahead is accepted for half an hour; one more second
/// counts the end as well.
const GENERATION_MS: i64 = 2 * SKEW_MS_MAX + 1000;

/// 16 bytes each.
const CAPACITY: usize = 500_000;

/// What is everybody's own is this part of the capacity. There are as many of them as users and
/// roles, which the directory bounds.
const SHARES: usize = 500;
