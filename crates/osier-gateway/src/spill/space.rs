//! Disk space for answers that wait for slow clients: unlinked files in one directory, bounded
//! all together. What can't be had is no error to anybody but the log: then the origin waits.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Free bytes that the file system keeps: a slow client must not stop the writes of others.
const FREE_BYTES_MIN: u64 = 512 << 20;

/// Where answers may wait for slow clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpillSettings {
    /// A directory, made when it is needed.
    pub directory: PathBuf,
    /// Bytes of all answers together; 0 lets none wait there.
    pub bytes_max: u64,
}

/// Tells the free bytes of the file system that a directory is on.
pub type FreeBytes = fn(&Path) -> io::Result<u64>;

/// The space of all answers.
#[derive(Debug)]
pub(crate) struct SpillSpace {
    settings: SpillSettings,
    free: FreeBytes,
    used: AtomicU64,
    answers: AtomicU64,
    failures: AtomicU64,
}

/// How it goes with answers for slow clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpillNumbers {
    /// Bytes on disk now.
    pub bytes: u64,
    /// Answers of which something went to disk.
    pub answers: u64,
    /// Answers whose origin had to wait because the disk failed or was full.
    pub failures: u64,
}

/// Bytes that one answer may take; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    space: Arc<SpillSpace>,
    bytes: u64,
}

/// The file of one answer, without a name. What is written in it stays as it is.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
    share: Mutex<Share>,
}

impl SpillSpace {
    pub(crate) fn new(settings: SpillSettings, free: FreeBytes) -> Self {
        Self {
            settings,
            free,
            used: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// No room for anybody.
    pub(crate) fn none() -> Self {
        Self::new(SpillSettings::default(), |_| Ok(0))
    }

    /// Room for so many bytes more, if there is any.
    pub(crate) fn share(self: &Arc<Self>, bytes: u64) -> Option<Share> {
        let max = self.settings.bytes_max;
        let grown = |used: u64| used.checked_add(bytes).filter(|used| *used <= max);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .ok()?;
        let space = Arc::clone(self);
        Some(Share { space, bytes })
    }

    /// The disk does not take an answer.
    pub(crate) fn failed(&self, error: &io::Error) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            %error,
            directory = %self.settings.directory.display(),
            "an answer can't wait on disk for its slow client: its origin waits"
        );
    }

    pub(crate) fn numbers(&self) -> SpillNumbers {
        SpillNumbers {
            bytes: self.used.load(Ordering::Relaxed),
            answers: self.answers.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

impl Share {
    fn take_in(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.space.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl SpillFile {
    /// A new file with nothing in it. Waits for the disk, as everything here does.
    pub(crate) fn create(space: &Arc<SpillSpace>) -> io::Result<Self> {
        let directory = &space.settings.directory;
        let file = match tempfile::tempfile_in(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(directory)?;
                tempfile::tempfile_in(directory)?
            }
            made => made?,
        };
        space.answers.fetch_add(1, Ordering::Relaxed);
        let share = Mutex::new(Share {
            space: Arc::clone(space),
            bytes: 0,
        });
        Ok(Self { file, share })
    }

    /// Writes `pieces` at `offset`, where nothing is yet.
    pub(crate) fn write(&self, pieces: &[Bytes], mut offset: u64, share: Share) -> io::Result<()> {
        let space = &share.space;
        let free = (space.free)(&space.settings.directory)?;
        if free < share.bytes.saturating_add(FREE_BYTES_MIN) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // Even half of it takes space.
        self.share
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_in(share);
        for piece in pieces {
            self.file.write_all_at(piece, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// So many bytes at `offset`, which were written before.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}
