//! The real clock and real randomness: the only ones of the program.

use std::cell::RefCell;

use osier_types::{Clock, Rng, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = clock_gettime(ClockId::Realtime);
        let millis = now.tv_nsec / 1_000_000;
        Timestamp::from_millis(now.tv_sec.saturating_mul(1000).saturating_add(millis))
    }
}

/// Random bytes of the operating system, asked for in larger pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > POOL_BYTES / 4 {
            ask_system(bytes);
        } else {
            POOL.with_borrow_mut(|pool| pool.fill(bytes));
        }
    }
}

/// Random bytes of one thread that nobody has had yet.
struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

const POOL_BYTES: usize = 1024;

impl Pool {
    fn fill(&mut self, bytes: &mut [u8]) {
        if POOL_BYTES - self.used < bytes.len() {
            ask_system(&mut self.bytes);
            self.used = 0;
        }
        let fresh = self.bytes.iter_mut().skip(self.used);
        for (byte, random) in bytes.iter_mut().zip(fresh) {
            // What was handed out is not kept.
            *byte = std::mem::take(random);
        }
        self.used += bytes.len();
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES })
    };
}

fn ask_system(bytes: &mut [u8]) {
    // Without randomness keys and versions would repeat; nothing may go on then.
    // It can only happen on systems without the getrandom call.
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the system gives no random bytes: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn random_numbers_do_not_repeat() {
        let numbers: BTreeSet<u64> = (0..10_000).map(|_| SystemRng.next_u64()).collect();
        assert_eq!(numbers.len(), 10_000);
        let mut long = [0; 4000];
        SystemRng.fill(&mut long);
        assert!(long.iter().collect::<BTreeSet<_>>().len() > 100);
    }

    #[test]
    fn the_clock_shows_this_century() {
        assert!(SystemClock.now() > Timestamp::parse_iso8601("2024-01-01T00:00:00.000Z").unwrap());
        assert!(SystemClock.now() < Timestamp::parse_iso8601("2100-01-01T00:00:00.000Z").unwrap());
    }
}
