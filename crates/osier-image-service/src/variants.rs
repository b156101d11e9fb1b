//! How many different results of one object strangers asked for today.
//!
//! Whoever may invent sizes can keep every processor busy; after so many
//! different ones an object has had enough for the day.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use osier_types::Timestamp;

use crate::key::Key;

/// Results remembered over all objects; with more of them the count begins anew.
const REMEMBERED_MAX: usize = 200_000;
const DAY_S: i64 = 86_400;

/// Counts of a day.
#[derive(Debug)]
pub(crate) struct VariantLimit {
    max: usize,
    today: Mutex<Today>,
}

#[derive(Debug, Default)]
struct Today {
    day: i64,
    remembered: usize,
    objects: HashMap<String, HashSet<u64>>,
}

impl VariantLimit {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            today: Mutex::default(),
        }
    }

    /// Whether one more result of this object may be made; the same one counts once.
    pub(crate) fn allows(&self, source: &str, key: &Key, now: Timestamp) -> bool {
        if self.max == 0 {
            return true;
        }
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.as_seconds().div_euclid(DAY_S);
        if today.day != day || today.remembered >= REMEMBERED_MAX {
            *today = Today {
                day,
                ..Today::default()
            };
        }
        let seen = today.objects.entry(source.to_owned()).or_default();
        if seen.contains(&key.short()) {
            return true;
        }
        if seen.len() >= self.max {
            return false;
        }
        seen.insert(key.short());
        today.remembered += 1;
        true
    }
}
