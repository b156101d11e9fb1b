//! Pieces of files that go to the client without passing through this program.
//!
//! hyper knows only bytes in memory, so it is shown a stand-in: zeros that exist
//! in no memory page, as many as the file's piece is long. The socket knows the
//! stand-in by its address, and sends what stands at the head of the
//! connection's queue in its place. Pieces are queued in the order in which hyper
//! takes them, and it writes them in that order.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use rustix::net::{SendAncillaryBuffer, SendFlags};

use crate::SourceFailed;

/// A piece of a file. What it holds must not change until it is sent.
pub struct FileSlice {
    /// The file.
    pub file: Arc<OwnedFd>,
    /// Where the piece begins.
    pub offset: u64,
    /// Its bytes; at most [`FileSlice::BYTES_MAX`].
    pub length: usize,
    /// Kept until the piece is sent.
    pub keep: Arc<dyn Any + Send + Sync>,
}

impl FileSlice {
    /// The longest piece.
    pub const BYTES_MAX: usize = STAND_IN.len();

    /// Its bytes.
    fn read(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        let mut filled = 0;
        while filled < self.length {
            let room = bytes.get_mut(filled..).unwrap_or_default();
            match rustix::io::pread(&*self.file, room, self.offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bytes.into())
    }
}

impl fmt::Debug for FileSlice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FileSlice({} bytes at {})", self.length, self.offset)
    }
}

/// A piece of an answer's body.
#[derive(Debug)]
pub enum Chunk {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File(FileSlice),
}

impl Chunk {
    /// Its bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(slice) => slice.length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for Chunk {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

/// What a connection's socket is to send in place of stand-ins, in order.
#[derive(Debug, Default)]
pub(crate) struct FileQueue {
    queue: Mutex<VecDeque<FileSlice>>,
    /// Whether bytes must pass through memory, to be encrypted there.
    in_memory: bool,
}

impl FileQueue {
    /// For a connection that can send nothing straight from a file.
    pub(crate) fn in_memory() -> Self {
        Self {
            in_memory: true,
            ..Self::default()
        }
    }

    /// What hyper is shown of `chunk`.
    pub(crate) fn show(&self, chunk: Chunk) -> Result<Shown, SourceFailed> {
        match chunk {
            Chunk::Memory(bytes) => Ok(Shown::Memory(bytes)),
            // Such pieces were read a short while ago, so this waits for no disk.
            Chunk::File(slice) if self.in_memory => {
                slice.read().map(Shown::Memory).map_err(|error| {
                    tracing::error!(%error, "a piece of a file can't be read");
                    SourceFailed
                })
            }
            Chunk::File(mut slice) => {
                slice.length = slice.length.min(FileSlice::BYTES_MAX);
                let left = slice.length;
                self.lock().push_back(slice);
                Ok(Shown::File { left })
            }
        }
    }

    /// Sends as much as the socket takes of what `slices` show.
    pub(crate) fn send(&self, socket: impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let memory = slices
            .iter()
            .take_while(|slice| !is_stand_in(slice))
            .count();
        if memory > 0 {
            // What follows belongs to the same answer: it need not wait for a packet of its own.
            let before = slices.get(..memory).unwrap_or_default();
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            let mut nothing = SendAncillaryBuffer::default();
            return Ok(rustix::net::sendmsg(socket, before, &mut nothing, flags)?);
        }
        let mut queue = self.lock();
        let (Some(slice), Some(shown)) = (queue.front_mut(), slices.first()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let length = slice.length.min(shown.len());
        let sent = rustix::fs::sendfile(socket, &*slice.file, Some(&mut slice.offset), length)?;
        if sent == 0 && length > 0 {
            // The file is shorter than it was said to be.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        slice.length -= sent;
        if slice.length == 0 {
            queue.pop_front();
        }
        Ok(sent)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<FileSlice>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether any of `slices` stands for a piece of a file.
pub(crate) fn any_stand_in(slices: &[IoSlice<'_>]) -> bool {
    slices.iter().any(is_stand_in)
}

fn is_stand_in(slice: &IoSlice<'_>) -> bool {
    STAND_IN.as_ptr_range().contains(&slice.as_ptr())
}

/// A chunk as hyper sees it.
#[derive(Debug)]
pub(crate) enum Shown {
    Memory(Bytes),
    File { left: usize },
}

impl Buf for Shown {
    fn remaining(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File { left } => *left,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File { left } => STAND_IN.get(..*left).unwrap_or_default(),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Memory(bytes) => bytes.advance(count),
            Self::File { left } => *left = left.saturating_sub(count),
        }
    }
}

/// Never read and never written, so that it takes addresses but no memory.
static STAND_IN: [u8; 4 << 20] = [0; 4 << 20];

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn slice(content: &[u8], offset: u64, length: usize) -> FileSlice {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        FileSlice {
            file: Arc::new(file.into()),
            offset,
            length,
            keep: Arc::new(()),
        }
    }

    /// Sends what hyper would, one call at a time.
    fn send_all(queue: &FileQueue, socket: &UnixStream, mut shown: Vec<Shown>) {
        while shown.iter().any(Buf::has_remaining) {
            let slices: Vec<IoSlice<'_>> = shown
                .iter()
                .filter(|shown| shown.has_remaining())
                .map(|shown| IoSlice::new(shown.chunk()))
                .collect();
            let mut sent = queue.send(socket, &slices).unwrap();
            for shown in &mut shown {
                let here = shown.remaining().min(sent);
                shown.advance(here);
                sent -= here;
            }
        }
    }

    #[test]
    fn files_take_the_place_of_their_stand_ins() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let queue = FileQueue::default();
        let shown = vec![
            queue
                .show(Chunk::Memory(Bytes::from_static(b"head ")))
                .unwrap(),
            queue.show(Chunk::File(slice(b"0123456789", 2, 5))).unwrap(),
            queue.show(Chunk::File(slice(b"abc", 0, 3))).unwrap(),
            queue
                .show(Chunk::Memory(Bytes::from_static(b" tail")))
                .unwrap(),
        ];
        assert!(any_stand_in(&[IoSlice::new(shown[1].chunk())]));
        assert!(!any_stand_in(&[IoSlice::new(shown[0].chunk())]));
        send_all(&queue, &near, shown);
        drop(near);
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"head 23456abc tail");
        assert!(queue.lock().is_empty());
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let (near, _far) = UnixStream::pair().unwrap();
        let queue = FileQueue::default();
        let shown = queue.show(Chunk::File(slice(b"ab", 5, 1))).unwrap();
        let error = queue
            .send(&near, &[IoSlice::new(shown.chunk())])
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn files_are_read_where_bytes_must_be_encrypted() {
        let queue = FileQueue::in_memory();
        let shown = queue.show(Chunk::File(slice(b"0123456789", 2, 5))).unwrap();
        assert_eq!(shown.chunk(), b"23456");
        assert!(!any_stand_in(&[IoSlice::new(shown.chunk())]));
        assert!(queue.show(Chunk::File(slice(b"ab", 1, 2))).is_err());
    }
}
