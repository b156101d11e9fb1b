//! What distinguishes a result from all others.

use osier_image::grammar::Pipeline;
use sha2::{Digest, Sha256};

/// Changes whenever the same request would give other pixels than before.
const ENGINE_VERSION: &str = "2";

/// The name of a result: its sources, its actions, and what carries them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn new(pipeline: &Pipeline, source: &str, marks: &[&str]) -> Self {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            // Lengths keep neighbours apart.
            digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(text);
        };
        part(ENGINE_VERSION);
        part(source);
        part(&pipeline.to_string());
        for mark in marks {
            part(mark);
        }
        Self(digest.finalize().into())
    }

    /// The first half, for an entity tag.
    pub(crate) fn tag(&self) -> [u8; 16] {
        let mut tag = [0; 16];
        for (to, from) in tag.iter_mut().zip(self.0) {
            *to = from;
        }
        tag
    }

    /// The first eight bytes, where a chance of confusion does not matter.
    pub(crate) fn short(&self) -> u64 {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(self.0) {
            *to = from;
        }
        u64::from_le_bytes(bytes)
    }
}
