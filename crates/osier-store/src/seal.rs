//! Sealed bytes: encrypted in pieces, so that any stretch can be read alone and any change is
//! noticed. This is a file format (`docs/format.md`).
//!
//! `piece ... piece foot`, where each piece is 65,520 bytes (the last one 1 to 65,520) under
//! AES-256-GCM with its tag behind it: 64 KiB, which is what engines verify at a time. The foot
//! says which key: `OSRS`, version 1, three zeros, 32 random bytes. The key of the pieces comes
//! from the data key and that foot by HKDF-SHA256, so no two runs of sealed bytes share one. The
//! nonce is the piece's number and whether it is the last: pieces can be neither exchanged, nor
//! left out, nor cut off at the end.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use bytes::{Bytes, BytesMut};
use osier_types::{Fault, FaultKind, Rng};
use zeroize::Zeroizing;

use crate::rows::unreadable;

/// Bytes of a piece before it is sealed.
const PLAIN: usize = 65_520;
/// Bytes that sealing adds to a piece.
const TAG: usize = 16;
/// Bytes of a sealed piece.
pub(crate) const SEALED: u64 = 65_536;
/// Bytes at the end that say which key.
pub(crate) const FOOT: usize = 40;
const FOOT_MARK: [u8; 8] = *b"OSRS\x01\0\0\0";

/// The key of one object's bytes. Wiped after use, never printed.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DataKey")
    }
}

impl DataKey {
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(&mut *key);
        Self(key)
    }

    pub(crate) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// AES-256-GCM under the key that `salt` and `secret` make for one purpose.
pub(crate) fn cipher(secret: &[u8; 32], salt: &[u8], purpose: &[u8]) -> Result<LessSafeKey, Fault> {
    let mut key = Zeroizing::new([0; 32]);
    derive(secret, salt, purpose, &mut key)?;
    UnboundKey::new(&AES_256_GCM, &*key)
        .map(LessSafeKey::new)
        .map_err(|_| FaultKind::Internal.into())
}

/// Bytes that `salt` and `secret` make for one purpose, and that tell nothing of the secret.
pub(crate) fn derived(secret: &[u8; 32], salt: &[u8], purpose: &[u8]) -> Result<[u8; 16], Fault> {
    let mut key = Zeroizing::new([0; 32]);
    derive(secret, salt, purpose, &mut key)?;
    let mut half = [0; 16];
    half.iter_mut()
        .zip(key.iter())
        .for_each(|(to, from)| *to = *from);
    Ok(half)
}

fn derive(secret: &[u8; 32], salt: &[u8], purpose: &[u8], key: &mut [u8; 32]) -> Result<(), Fault> {
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[purpose], HKDF_SHA256)
        .and_then(|expanded| expanded.fill(key))
        .map_err(|_| FaultKind::Internal.into())
}

fn piece_cipher(key: &DataKey, foot: &[u8; FOOT]) -> Result<LessSafeKey, Fault> {
    cipher(key.bytes(), foot, b"osier sealed bytes 1")
}

fn nonce(index: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    let (flag, rest) = nonce.split_at_mut(4);
    flag.fill(u8::from(is_last));
    rest.copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// How many bytes `plain` bytes become.
pub(crate) fn sealed_length(plain: u64) -> u64 {
    if plain == 0 {
        return 0;
    }
    let pieces = plain.div_ceil(PLAIN as u64);
    plain
        .saturating_add(pieces.saturating_mul(TAG as u64))
        .saturating_add(FOOT as u64)
}

/// How many bytes are in `sealed` sealed ones; `None` when no sealing gives as many.
pub(crate) fn plain_length(sealed: u64) -> Option<u64> {
    let pieces = sealed.checked_sub(FOOT as u64)?;
    let tags = pieces.div_ceil(SEALED).checked_mul(TAG as u64)?;
    let plain = pieces.checked_sub(tags).filter(|plain| *plain > 0)?;
    (sealed_length(plain) == sealed).then_some(plain)
}

/// Seals bytes as they come.
pub(crate) struct Sealer {
    cipher: LessSafeKey,
    foot: [u8; FOOT],
    /// What is not sealed yet: which piece is the last shows only at the end.
    waiting: BytesMut,
    index: u64,
}

impl Sealer {
    pub(crate) fn new(key: &DataKey, rng: &dyn Rng) -> Result<Self, Fault> {
        let mut foot = [0; FOOT];
        let (mark, salt) = foot.split_at_mut(FOOT_MARK.len());
        mark.copy_from_slice(&FOOT_MARK);
        rng.fill(salt);
        Ok(Self {
            cipher: piece_cipher(key, &foot)?,
            foot,
            waiting: BytesMut::new(),
            index: 0,
        })
    }

    /// Takes bytes, and gives those that are sealed by now.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<Vec<Bytes>, Fault> {
        let mut sealed = Vec::new();
        while !bytes.is_empty() {
            if self.waiting.len() >= PLAIN {
                sealed.push(self.seal(false)?);
            }
            let room = PLAIN.saturating_sub(self.waiting.len());
            let (first, rest) = bytes.split_at(room.min(bytes.len()));
            if self.waiting.capacity() == 0 {
                // All at once for what goes on, little for what is small.
                let more = if rest.is_empty() { first.len() } else { PLAIN };
                self.waiting.reserve(more + TAG + FOOT);
            }
            self.waiting.extend_from_slice(first);
            bytes = rest;
        }
        Ok(sealed)
    }

    /// The rest; nothing when nothing was written.
    pub(crate) fn finish(mut self) -> Result<Option<Bytes>, Fault> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let mut last = BytesMut::from(self.seal(true)?);
        last.extend_from_slice(&self.foot);
        Ok(Some(last.freeze()))
    }

    fn seal(&mut self, is_last: bool) -> Result<Bytes, Fault> {
        let mut piece = std::mem::take(&mut self.waiting);
        let tag = self
            .cipher
            .seal_in_place_separate_tag(nonce(self.index, is_last), Aad::empty(), &mut piece)
            .map_err(|_| Fault::new(FaultKind::Internal))?;
        piece.extend_from_slice(tag.as_ref());
        self.index = self.index.saturating_add(1);
        Ok(piece.freeze())
    }
}

/// Opens one run of sealed bytes.
#[derive(Debug)]
pub(crate) struct Opener {
    cipher: LessSafeKey,
    /// Bytes before sealing.
    plain: u64,
}

/// Where to find a stretch of bytes among sealed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first piece.
    pub(crate) first: u64,
    /// Where it begins.
    pub(crate) start: u64,
    /// Where the last piece ends.
    pub(crate) end: u64,
}

impl Opener {
    /// For `sealed` sealed bytes, of which `foot` are the last.
    pub(crate) fn new(key: &DataKey, foot: &[u8], sealed: u64) -> Result<Self, Fault> {
        let foot =
            <&[u8; FOOT]>::try_from(foot).map_err(|_| unreadable("a foot of sealed bytes"))?;
        if !foot.starts_with(&FOOT_MARK) {
            return Err(unreadable("no foot of sealed bytes"));
        }
        Ok(Self {
            cipher: piece_cipher(key, foot)?,
            plain: plain_length(sealed).ok_or_else(|| unreadable("a length of sealed bytes"))?,
        })
    }

    /// The pieces of the bytes `from..to`, at most `pieces_max` of them.
    pub(crate) fn span(&self, from: u64, to: u64, pieces_max: u64) -> Span {
        let first = from / PLAIN as u64;
        let last = to.min(self.plain).div_ceil(PLAIN as u64);
        let last = last.min(first.saturating_add(pieces_max.max(1)));
        let end = last.saturating_mul(SEALED);
        let all = sealed_length(self.plain).saturating_sub(FOOT as u64);
        Span {
            first,
            start: first.saturating_mul(SEALED),
            end: end.min(all),
        }
    }

    /// Opens sealed pieces, of which the first is number `first`, and gives what of the bytes
    /// `from..to` is in them.
    pub(crate) fn open(
        &self,
        first: u64,
        sealed: Bytes,
        from: u64,
        to: u64,
    ) -> Result<Vec<Bytes>, Fault> {
        let last = self.plain.div_ceil(PLAIN as u64).saturating_sub(1);
        let mut rest = BytesMut::from(sealed);
        let mut opened = Vec::new();
        let mut index = first;
        while !rest.is_empty() {
            let length = rest.len().min(PLAIN + TAG);
            let mut piece = rest.split_to(length);
            let plain = self
                .cipher
                .open_in_place(nonce(index, index == last), Aad::empty(), &mut piece)
                .map_err(|_| unreadable("sealed bytes are not those that were sealed"))?
                .len();
            piece.truncate(plain);
            let begins = index.saturating_mul(PLAIN as u64);
            let within = |at: u64| {
                let at = usize::try_from(at.saturating_sub(begins)).unwrap_or(usize::MAX);
                at.min(plain)
            };
            let (start, end) = (within(from), within(to));
            if start < end {
                opened.push(piece.freeze().slice(start..end));
            }
            index = index.saturating_add(1);
        }
        Ok(opened)
    }
}

/// Opens sealed bytes that are all there, and gives those from `from` to `to`.
pub(crate) fn open_stretch(
    key: &DataKey,
    sealed: &Bytes,
    from: u64,
    to: u64,
) -> Result<Bytes, Fault> {
    let length = sealed.len() as u64;
    let foot = sealed
        .len()
        .checked_sub(FOOT)
        .ok_or_else(|| unreadable("too few sealed bytes"))?;
    let opener = Opener::new(key, sealed.get(foot..).unwrap_or_default(), length)?;
    let span = opener.span(from, to, u64::MAX);
    let range = usize::try_from(span.start)
        .ok()
        .zip(usize::try_from(span.end).ok());
    let pieces = range
        .and_then(|(start, end)| sealed.get(start..end))
        .ok_or_else(|| unreadable("a stretch of sealed bytes"))?;
    let opened = opener.open(span.first, Bytes::copy_from_slice(pieces), from, to)?;
    let mut all = BytesMut::new();
    for bytes in opened {
        all.extend_from_slice(&bytes);
    }
    if all.len() as u64 == to.saturating_sub(from) {
        Ok(all.freeze())
    } else {
        Err(unreadable(
            "sealed bytes are shorter than their record says",
        ))
    }
}

#[cfg(test)]
mod tests {
    use osier_types::SeededRng;
    use proptest::prelude::*;

    use super::*;

    fn seal(plain: &[u8], step: usize) -> (DataKey, Bytes) {
        let rng = SeededRng::new(3);
        let key = DataKey::random(&rng);
        let mut sealer = Sealer::new(&key, &rng).unwrap();
        let mut sealed = BytesMut::new();
        for chunk in plain.chunks(step) {
            for piece in sealer.write(chunk).unwrap() {
                sealed.extend_from_slice(&piece);
            }
        }
        if let Some(rest) = sealer.finish().unwrap() {
            sealed.extend_from_slice(&rest);
        }
        (key, sealed.freeze())
    }

    fn body(length: usize) -> Vec<u8> {
        (0..length)
            .map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap())
            .collect()
    }

    #[test]
    fn lengths() {
        for plain in [1, 100, 65_519, 65_520, 65_521, 131_040, 131_041, 5_000_000] {
            let sealed = sealed_length(plain);
            assert_eq!(plain_length(sealed), Some(plain));
        }
        assert_eq!(sealed_length(0), 0);
        assert_eq!(sealed_length(65_520), 65_536 + 40);
        for sealed in [0, 39, 40, 56, 65_536 + 41] {
            assert_eq!(plain_length(sealed), None, "{sealed}");
        }
    }

    #[test]
    fn every_stretch_comes_back_however_it_was_written() {
        for length in [1, 65_519, 65_520, 65_521, 131_040, 200_000] {
            let plain = body(length);
            for step in [1000, 65_520, 100_000, 1 << 20] {
                let (key, sealed) = seal(&plain, step);
                assert_eq!(sealed.len() as u64, sealed_length(length as u64));
                let all = open_stretch(&key, &sealed, 0, length as u64).unwrap();
                assert_eq!(all, plain);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_stretch(length in 1..200_000_usize, from in 0..200_000_usize, to in 0..200_000_usize) {
            let plain = body(length);
            let (key, sealed) = seal(&plain, 50_000);
            let (from, to) = (from.min(length), to.min(length));
            prop_assume!(from < to);
            let stretch = open_stretch(&key, &sealed, from as u64, to as u64).unwrap();
            prop_assert_eq!(&stretch[..], &plain[from..to]);
        }

        /// Any change of any byte, and any cut, is noticed by whoever reads all.
        #[test]
        fn changes_are_noticed(length in 1..140_000_usize, at in any::<usize>(), bit in 0..8_u8, cut in 1..70_000_usize) {
            let (key, sealed) = seal(&body(length), 70_000);
            let mut changed = sealed.to_vec();
            let at = at % changed.len();
            // Three bytes of the foot are of no use yet, but are part of the key.
            changed[at] ^= 1 << bit;
            prop_assert!(open_stretch(&key, &changed.into(), 0, length as u64).is_err());
            let shorter = sealed.slice(..sealed.len().saturating_sub(cut));
            prop_assert!(open_stretch(&key, &shorter, 0, length as u64).is_err());
        }
    }

    #[test]
    fn pieces_can_be_neither_exchanged_nor_left_out() {
        let plain = body(200_000);
        let (key, sealed) = seal(&plain, 50_000);
        let pieces: Vec<&[u8]> = sealed[..sealed.len() - FOOT].chunks(65_536).collect();
        let foot = &sealed[sealed.len() - FOOT..];
        let exchanged = [pieces[1], pieces[0], pieces[2], pieces[3], foot].concat();
        assert!(open_stretch(&key, &exchanged.into(), 0, 200_000).is_err());
        // Without the end of it, the piece before is not the last one.
        let cut = [pieces[0], pieces[1], pieces[2], foot].concat();
        assert!(open_stretch(&key, &cut.into(), 0, 3 * 65_520).is_err());
        // Under another foot, that is in other sealed bytes, nothing opens.
        let mut other = foot.to_vec();
        other[20] ^= 1;
        let moved = [&sealed[..sealed.len() - FOOT], &other].concat();
        assert!(open_stretch(&key, &moved.into(), 0, 10).is_err());
    }
}
