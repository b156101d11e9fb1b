//! Memory for large reads, used again and again.
//!
//! Fresh memory is zeroed and faulted in page by page, which costs more than
//! copying the bytes of a file into it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers at rest.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffers(Mutex<Vec<Vec<u8>>>);

/// Bytes that were read; their memory goes back when nobody looks at them any more.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    memory: Vec<u8>,
    filled: usize,
    home: Arc<ReadBuffers>,
}

impl ReadBuffers {
    /// Room for `length` bytes.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> ReadBuffer {
        let pooled = (POOLED_MIN..=BUFFER_BYTES).contains(&length);
        let at_rest = || self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let memory = match pooled.then(at_rest).flatten() {
            Some(memory) => memory,
            None if pooled => vec![0; BUFFER_BYTES],
            None => vec![0; length],
        };
        ReadBuffer {
            memory,
            filled: length,
            home: Arc::clone(self),
        }
    }
}

impl ReadBuffer {
    /// All of its room.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.filled).unwrap_or_default()
    }

    /// Keeps the first `filled` bytes.
    pub(crate) fn truncate(&mut self, filled: usize) {
        self.filled = self.filled.min(filled);
    }

    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for ReadBuffer {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        if self.memory.len() == BUFFER_BYTES {
            let mut at_rest = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
            if at_rest.len() < AT_REST_MAX {
                at_rest.push(std::mem::take(&mut self.memory));
            }
        }
    }
}

/// A read of 256 KiB that begins inside a piece, with the checksums behind it.
const BUFFER_BYTES: usize = (256 + 64 + 8) << 10;
/// Shorter reads don't wait for a lock.
const POOLED_MIN: usize = (64 << 10) + 1;
/// Buffers kept: about 5 MiB.
const AT_REST_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back() {
        let buffers = Arc::new(ReadBuffers::default());
        let mut first = buffers.take(POOLED_MIN);
        first.room().fill(7);
        first.truncate(2);
        let address = first.as_ref().as_ptr();
        let bytes = first.freeze();
        let part = bytes.slice(1..);
        drop(bytes);
        assert_eq!(part.as_ref(), [7]);
        drop(part);
        let again = buffers.take(BUFFER_BYTES);
        assert_eq!(again.as_ref().as_ptr(), address);
        assert_eq!(again.as_ref().len(), BUFFER_BYTES);
        assert_eq!(buffers.take(1).as_ref(), [0]);
        assert_eq!(
            buffers.take(BUFFER_BYTES + 1).as_ref().len(),
            BUFFER_BYTES + 1
        );
    }
}
