//! Memory that begins at a multiple of a block, as unbuffered writes need it.

use crate::locator::BLOCK;

const ALIGNMENT: usize = 4096;
const _: () = assert!(BLOCK == 4096);

/// A growing run of bytes whose first lies at a multiple of 4096.
pub(crate) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
    capacity: usize,
}

impl AlignedBuffer {
    /// An empty buffer with room for `capacity` bytes, rounded up to a block.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1).next_multiple_of(ALIGNMENT);
        // Fresh zeroed memory costs nothing until it is touched.
        let memory = vec![0; capacity + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self {
            memory,
            start,
            length: 0,
            capacity,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes that can be added before it must grow.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.length
    }

    /// Adds as many of `bytes` as there is room for, and says how many.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        let at = self.start + self.length;
        if let (Some(to), Some(from)) = (self.memory.get_mut(at..at + count), bytes.get(..count)) {
            to.copy_from_slice(from);
            self.length += count;
        }
        count
    }

    /// Adds all of `bytes`, growing when necessary.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.room() {
            let wanted = (self.length + bytes.len()).max(self.capacity * 2);
            let mut larger = Self::with_capacity(wanted);
            larger.fill(self.bytes());
            *self = larger;
        }
        self.fill(bytes);
    }

    /// Adds zeros up to a multiple of a block; there is always room for them.
    pub(crate) fn pad(&mut self) {
        let padded = self.length.next_multiple_of(ALIGNMENT);
        let from = self.start + self.length;
        if let Some(zeros) = self.memory.get_mut(from..self.start + padded) {
            zeros.fill(0);
            self.length = padded;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory
            .get(self.start..self.start + self.length)
            .unwrap_or_default()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory
            .get_mut(self.start..self.start + self.length)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_aligned_and_whole() {
        let mut buffer = AlignedBuffer::with_capacity(10);
        let mut plain = Vec::new();
        for round in 0..50_u8 {
            let bytes = vec![round; 301];
            buffer.extend(&bytes);
            plain.extend_from_slice(&bytes);
            assert_eq!(buffer.bytes().as_ptr().align_offset(ALIGNMENT), 0);
        }
        assert_eq!(buffer.bytes(), plain);
        buffer.pad();
        assert_eq!(buffer.len() % ALIGNMENT, 0);
        assert_eq!(&buffer.bytes()[..plain.len()], plain);
        assert!(buffer.bytes()[plain.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn fills_only_what_fits() {
        let mut buffer = AlignedBuffer::with_capacity(4096);
        assert_eq!(buffer.fill(&[1; 4000]), 4000);
        assert_eq!(buffer.fill(&[2; 4000]), 96);
        assert_eq!(buffer.room(), 0);
        buffer.clear();
        buffer.fill(&[3]);
        buffer.pad();
        assert_eq!(buffer.bytes()[..2], [3, 0]);
    }
}
