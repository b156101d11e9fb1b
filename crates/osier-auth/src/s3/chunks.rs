//! The chain of signatures of a streamed body: each covers its chunk and the one before it, the
//! first of them the request's own.

use sha2::{Digest as _, Sha256};

use crate::mac::{Sha256Key, finish, hex, is_hex_of, sha256};

/// Verifies the chunks of one body, in their order.
#[derive(Clone)]
pub struct ChunkSigner {
    key: Sha256Key,
    /// Date and scope, as every string to sign has them: each a line.
    stamp_and_scope: String,
    previous: String,
    chunk: Sha256,
}

impl ChunkSigner {
    /// Begins behind the signature of the request's head.
    pub(crate) fn new(key: Sha256Key, stamp: &str, scope: &str, seed: &str) -> Self {
        Self {
            key,
            stamp_and_scope: format!("{stamp}\n{scope}\n"),
            previous: seed.to_owned(),
            chunk: Sha256::new(),
        }
    }

    /// Takes bytes of the chunk that is coming in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.chunk.update(bytes);
    }

    /// Ends a chunk. When its signature is not the one sent, the error is what should have been
    /// signed.
    ///
    /// # Errors
    /// The string to sign.
    pub fn end_chunk(&mut self, signature: &str) -> Result<(), Vec<u8>> {
        let digest = std::mem::take(&mut self.chunk).finalize().into();
        let nothing = hex(&sha256(&[]));
        let tail = [&nothing[..], b"\n", &hex(&digest)].concat();
        self.verify("AWS4-HMAC-SHA256-PAYLOAD", &tail, signature)
    }

    /// Ends the body: `trailers` are its lines, `name:value\n` each.
    ///
    /// # Errors
    /// The string to sign.
    pub fn end_trailers(&mut self, trailers: &[u8], signature: &str) -> Result<(), Vec<u8>> {
        let tail = hex(&sha256(&[trailers]));
        self.verify("AWS4-HMAC-SHA256-TRAILER", &tail, signature)
    }

    fn verify(&mut self, kind: &str, tail: &[u8], signature: &str) -> Result<(), Vec<u8>> {
        let mut text = format!("{kind}\n{}{}\n", self.stamp_and_scope, self.previous).into_bytes();
        text.extend_from_slice(tail);
        let computed = finish(hmac::Mac::chain_update(self.key.clone(), &text));
        if !is_hex_of(signature, &computed) {
            return Err(text);
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}

impl std::fmt::Debug for ChunkSigner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ChunkSigner")
    }
}
