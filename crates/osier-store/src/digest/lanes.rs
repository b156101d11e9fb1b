//! MD5 of several bodies at once.
//!
//! Each of its 64 steps waits for the one before, so that one body leaves most of a processor
//! idle. Several bodies side by side are the lanes of vector registers, four in each.
//! `docs/adr/0025-md5-in-lanes.md` has the rates.

#![expect(
    clippy::inline_always,
    reason = "only where steps are laid out one by one are their shifts and constants known"
)]

use std::array;

use md5_simd::{BLOCK_SIZE, K, S, STATE_INIT, hazmat};
use osier_types::Md5 as Digest;
use wide::u32x4;

/// Bodies that are hashed side by side at most.
pub(super) const LANES: usize = 2 * WIDTH;
/// Lanes of one register.
const WIDTH: usize = 4;

pub(super) type Block = [u8; BLOCK_SIZE];
type State = [u32; 4];
/// The same word of each lane, in `R` registers.
type Words<const R: usize> = [u32x4; R];

/// MD5 of a body that comes in pieces.
#[derive(Clone)]
pub(super) struct Md5 {
    state: State,
    /// Bytes that are no whole block yet.
    tail: Vec<u8>,
    length: u64,
}

impl Md5 {
    pub(super) fn new() -> Self {
        Self {
            state: STATE_INIT,
            tail: Vec::new(),
            length: 0,
        }
    }

    /// Takes in what completes an unfinished block, and what is too short for a block; gives back
    /// the whole blocks between the two, which are to be [`compressed`] next.
    ///
    /// [`compressed`]: compress
    pub(super) fn take<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [Block] {
        self.length = self.length.wrapping_add(count(bytes));
        if !self.tail.is_empty() {
            let missing = BLOCK_SIZE.saturating_sub(self.tail.len());
            let (completing, rest) = bytes.split_at(missing.min(bytes.len()));
            self.tail.extend_from_slice(completing);
            bytes = rest;
            if self.tail.len() < BLOCK_SIZE {
                return &[];
            }
            hazmat::compress_blocks(&mut self.state, &self.tail);
            self.tail.clear();
        }
        let (blocks, tail) = bytes.as_chunks();
        self.tail.extend_from_slice(tail);
        blocks
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let blocks = self.take(bytes);
        hazmat::compress_blocks(&mut self.state, blocks.as_flattened());
    }

    pub(super) fn finish(mut self) -> Digest {
        // RFC 1321, 3.1 and 3.2: a bit, zeros, and the length in bits.
        let bits = self.length.wrapping_mul(8).to_le_bytes();
        self.tail.push(0x80);
        let used = self.tail.len().saturating_add(bits.len());
        let padded = used.next_multiple_of(BLOCK_SIZE);
        self.tail.resize(padded.saturating_sub(bits.len()), 0);
        self.tail.extend_from_slice(&bits);
        hazmat::compress_blocks(&mut self.state, &self.tail);
        let [a, b, c, d] = self.state.map(u32::to_le_bytes);
        let mut digest = Digest::default();
        for (slot, byte) in digest.iter_mut().zip([a, b, c, d].as_flattened()) {
            *slot = *byte;
        }
        digest
    }
}

/// Takes blocks in: as many of each lane as the shortest has, which is told. There are at most
/// [`LANES`] lanes.
pub(super) fn compress(lanes: &mut [(&mut Md5, &[Block])]) -> usize {
    let blocks = lanes.iter().map(|(_, blocks)| blocks.len()).min();
    let blocks = blocks.unwrap_or_default();
    match lanes {
        [] => {}
        [(md5, given)] => {
            let (given, _) = given.split_at(blocks);
            hazmat::compress_blocks(&mut md5.state, given.as_flattened());
        }
        _ if lanes.len() <= WIDTH => together::<1>(lanes, blocks),
        _ => together::<2>(lanes, blocks),
    }
    blocks
}

/// Lanes that are missing are filled up with the first.
fn together<const R: usize>(lanes: &mut [(&mut Md5, &[Block])], blocks: usize) {
    let Some((first, _)) = lanes.split_first() else {
        return;
    };
    let lane = |register: usize, place: usize| {
        let index = register.saturating_mul(WIDTH).saturating_add(place);
        lanes.get(index).unwrap_or(first)
    };
    let states: [[State; WIDTH]; R] =
        array::from_fn(|register| array::from_fn(|place| lane(register, place).0.state));
    let given: [[&[Block]; WIDTH]; R] =
        array::from_fn(|register| array::from_fn(|place| lane(register, place).1));
    let mut state: [Words<R>; 4] = array::from_fn(|word| {
        states.map(|states| u32x4::new(states.map(|state| of(&state, word))))
    });
    for block in 0..blocks {
        compress_block(&mut state, &words(&given, block));
    }
    let state = state.map(|word| word.map(u32x4::to_array));
    for (index, (md5, _)) in lanes.iter_mut().enumerate() {
        md5.state = state.map(|word| of(word.as_flattened(), index));
    }
}

fn of(words: &[u32], index: usize) -> u32 {
    words.get(index).copied().unwrap_or_default()
}

/// The words of one block of each lane.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a block has sixteen words")]
fn words<const R: usize>(given: &[[&[Block]; WIDTH]; R], block: usize) -> [Words<R>; 16] {
    let mut words = [[u32x4::ZERO; R]; 16];
    for register in 0..R {
        let blocks = given[register].map(|lane| &lane[block].as_chunks::<4>().0[..16]);
        for number in 0..16 {
            let word = blocks.map(|block| u32::from_le_bytes(block[number]));
            words[number][register] = u32x4::new(word);
        }
    }
    words
}

/// One block of each lane; RFC 1321, 3.4.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "four words")]
fn compress_block<const R: usize>(state: &mut [Words<R>; 4], words: &[Words<R>; 16]) {
    let mut mixed = *state;
    // F and G in forms that need fewer steps one after the other, with the same values.
    round::<R, 0>(&mut mixed, words, |step| step, |b, c, d| d ^ (b & (c ^ d)));
    round::<R, 16>(
        &mut mixed,
        words,
        |step| 5 * step + 1,
        |b, c, d| (b & d) + (c & !d),
    );
    round::<R, 32>(&mut mixed, words, |step| 3 * step + 5, |b, c, d| b ^ c ^ d);
    round::<R, 48>(&mut mixed, words, |step| 7 * step, |b, c, d| c ^ (b | !d));
    for word in 0..4 {
        for register in 0..R {
            state[word][register] += mixed[word][register];
        }
    }
}

/// Sixteen steps, of which the first is number `FIRST`.
#[inline(always)]
fn round<const R: usize, const FIRST: usize>(
    state: &mut [Words<R>; 4],
    words: &[Words<R>; 16],
    word: impl Fn(usize) -> usize,
    mix: impl Fn(u32x4, u32x4, u32x4) -> u32x4,
) {
    let [mut a, mut b, mut c, mut d] = *state;
    let mut at = 0;
    while at < 16 {
        step(&mut a, [&b, &c, &d], words, word(at), FIRST + at, &mix);
        step(
            &mut d,
            [&a, &b, &c],
            words,
            word(at + 1),
            FIRST + at + 1,
            &mix,
        );
        step(
            &mut c,
            [&d, &a, &b],
            words,
            word(at + 2),
            FIRST + at + 2,
            &mix,
        );
        step(
            &mut b,
            [&c, &d, &a],
            words,
            word(at + 3),
            FIRST + at + 3,
            &mix,
        );
        at += 4;
    }
    *state = [a, b, c, d];
}

#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "steps are below 64 and words below 16"
)]
fn step<const R: usize>(
    a: &mut Words<R>,
    [b, c, d]: [&Words<R>; 3],
    words: &[Words<R>; 16],
    word: usize,
    number: usize,
    mix: &impl Fn(u32x4, u32x4, u32x4) -> u32x4,
) {
    let (word, shift) = (&words[word % 16], S[number]);
    let constant = u32x4::splat(K[number]);
    for register in 0..R {
        let mixed = mix(b[register], c[register], d[register]);
        let sum = a[register] + word[register] + constant + mixed;
        a[register] = (sum << shift | sum >> (32 - shift)) + b[register];
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn plain(body: &[u8]) -> Digest {
        <md5::Md5 as sha2::Digest>::digest(body).into()
    }

    proptest! {
        /// What the plain one says, however the bytes come.
        #[test]
        fn one_body(body in vec(0_u8.., 0..700), cut in 1_usize..130) {
            let mut md5 = Md5::new();
            for piece in body.chunks(cut) {
                md5.update(piece);
            }
            prop_assert_eq!(md5.finish(), plain(&body));
        }

        /// Bodies of any lengths side by side, each behind bytes of its own.
        #[test]
        fn bodies_side_by_side(bodies in vec((vec(0_u8.., 0..200), vec(0_u8.., 0..700)), 1..=LANES)) {
            let mut hashes: Vec<Md5> = Vec::new();
            for (before, _) in &bodies {
                let mut md5 = Md5::new();
                md5.update(before);
                hashes.push(md5);
            }
            let mut left: Vec<&[Block]> = Vec::new();
            for (md5, (_, body)) in hashes.iter_mut().zip(&bodies) {
                left.push(md5.take(body));
            }
            while left.iter().any(|blocks| !blocks.is_empty()) {
                let mut lanes: Vec<(&mut Md5, &[Block])> = hashes
                    .iter_mut()
                    .zip(left.iter().copied())
                    .filter(|(_, blocks)| !blocks.is_empty())
                    .collect();
                let done = compress(&mut lanes);
                prop_assert!(done > 0);
                for blocks in left.iter_mut().filter(|blocks| !blocks.is_empty()) {
                    *blocks = &blocks[done..];
                }
            }
            for (md5, (before, body)) in hashes.into_iter().zip(&bodies) {
                prop_assert_eq!(md5.finish(), plain(&[&before[..], body].concat()));
            }
        }
    }
}
