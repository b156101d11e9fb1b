//! Which pieces of blobs were verified a short while ago.
//!
//! Such a piece may be sent to a client straight from the page cache, without
//! being copied and summed again. It counts as verified only as long as its file
//! has not been written to since, by anybody, and for a minute at most: after that
//! the memory may have been given up and read from the disk again.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a file was last written or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp([i64; 4]);

impl Stamp {
    /// The stamp of a file now; to be taken before what it vouches for is read.
    pub(crate) fn of(file: impl AsFd) -> Option<Self> {
        let stat = rustix::fs::fstat(file).ok()?;
        let nanoseconds = |nanoseconds: u64| i64::try_from(nanoseconds).ok();
        Some(Self([
            stat.st_mtime,
            nanoseconds(stat.st_mtime_nsec)?,
            stat.st_ctime,
            nanoseconds(stat.st_ctime_nsec)?,
        ]))
    }
}

/// Remembers verified pieces. A blob that is gone needs no forgetting: its id never comes back.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    blobs: HashMap<u64, Pieces>,
    words: usize,
}

#[derive(Debug)]
struct Pieces {
    stamp: Stamp,
    since: Instant,
    /// One bit each.
    bits: Vec<u64>,
}

impl Verified {
    /// Remembers that pieces `first..end` of a blob were right when its file had `stamp`.
    pub(crate) fn add(&self, blob: u64, stamp: Stamp, first: usize, end: usize) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.words > WORDS_MAX {
            // Rather than finding out which are the oldest: they are soon verified again.
            *remembered = Remembered::default();
        }
        let words = end.div_ceil(WORD);
        let pieces = remembered.blobs.entry(blob).or_insert_with(|| Pieces {
            stamp,
            since: Instant::now(),
            bits: Vec::new(),
        });
        if pieces.stamp != stamp || pieces.since.elapsed() > FRESH {
            pieces.stamp = stamp;
            pieces.since = Instant::now();
            pieces.bits.fill(0);
        }
        let grown = words.saturating_sub(pieces.bits.len());
        pieces.bits.resize(pieces.bits.len() + grown, 0);
        for piece in first..end {
            if let Some(word) = pieces.bits.get_mut(piece / WORD) {
                *word |= 1 << (piece % WORD);
            }
        }
        remembered.words += grown;
    }

    /// How many of the pieces `first..end` are verified, counted from the first.
    pub(crate) fn run(&self, blob: u64, stamp: Stamp, first: usize, end: usize) -> usize {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pieces) = remembered.blobs.get(&blob) else {
            return 0;
        };
        if pieces.stamp != stamp || pieces.since.elapsed() > FRESH {
            return 0;
        }
        let is_set = |piece: &usize| {
            let word = pieces.bits.get(piece / WORD).copied().unwrap_or(0);
            word >> (piece % WORD) & 1 == 1
        };
        (first..end).take_while(is_set).count()
    }
}

/// Bits of a word.
const WORD: usize = 64;
/// How long a piece counts as verified.
const FRESH: Duration = Duration::from_mins(1);
/// Words remembered: bits for 512 GiB, half a megabyte at least and a few with many small blobs.
const WORDS_MAX: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp([1, 2, 3, 4]);

    #[test]
    fn remembers_what_was_added_and_no_more() {
        let verified = Verified::default();
        verified.add(7, STAMP, 1, 70);
        assert_eq!(verified.run(7, STAMP, 1, 100), 69);
        assert_eq!(verified.run(7, STAMP, 60, 65), 5);
        assert_eq!(verified.run(7, STAMP, 0, 70), 0);
        assert_eq!(verified.run(8, STAMP, 1, 2), 0);
    }

    #[test]
    fn a_file_that_was_touched_must_be_verified_anew() {
        let verified = Verified::default();
        let later = Stamp([1, 3, 3, 4]);
        verified.add(7, STAMP, 0, 2);
        assert_eq!(verified.run(7, later, 0, 2), 0);
        verified.add(7, later, 1, 2);
        assert_eq!(
            (verified.run(7, later, 0, 2), verified.run(7, later, 1, 2)),
            (0, 1)
        );
        assert_eq!(verified.run(7, STAMP, 1, 2), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let verified = Verified::default();
        for blob in 0..200_000 {
            verified.add(blob, STAMP, 0, 1);
        }
        let remembered = verified.0.lock().unwrap();
        assert!(remembered.words <= WORDS_MAX + 1 && remembered.blobs.len() <= WORDS_MAX + 1);
    }
}
