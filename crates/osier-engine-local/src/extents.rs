//! Extents: blobs with a file of their own, written under a temporary name.

use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use osier_engine::EngineError;
use rustix::io::Errno;

use crate::core::Core;
use crate::disk::{self, WriteFile};
use crate::failure::disk_error;
use crate::files::FileName;
use crate::layout::extent_name;
use crate::liveness::Unlinked;
use crate::locator::Locator;
use crate::meta::{EXTENT_CLEAN, EXTENT_MARK, OwnChange, Space};

/// Gives out the sequences of extents.
#[derive(Debug)]
pub(crate) struct Extents {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    /// Sequences below may be used: this number is on disk.
    mark: u64,
    /// The clean mark that is on disk.
    clean: u64,
}

impl Extents {
    pub(crate) fn new(next: u64, clean: u64) -> Self {
        Self {
            state: Mutex::new(State {
                next,
                mark: next,
                clean,
            }),
        }
    }

    /// Makes the file of a new extent. Blocks.
    pub(crate) fn create(&self, core: &Core) -> Result<(u64, WriteFile), EngineError> {
        core.check_space(0)?;
        let sequence = {
            let mut state = self.state();
            if state.next >= state.mark {
                let mark = state.next + WINDOW;
                core.change_own(vec![number(EXTENT_MARK, mark)])?;
                state.mark = mark;
            }
            let sequence = state.next;
            state.next += 1;
            // Under the lock, so that the clean mark sees all or nothing.
            core.liveness
                .insert(Locator::Extent { sequence }.blob().0, Unlinked::Writing);
            sequence
        };
        let made = WriteFile::create(core.layout.temporary(), &extent_name(sequence));
        let file = made.map_err(|errno| {
            core.liveness.remove(Locator::Extent { sequence }.blob().0);
            disk_error("making an extent failed", errno)
        })?;
        Ok((sequence, file))
    }

    /// The clean mark that should be stored now, if it has moved.
    pub(crate) fn clean_mark(&self, core: &Core) -> Option<OwnChange> {
        let mut state = self.state();
        let first = Locator::Extent { sequence: 0 }.blob().0;
        let clean = match core.liveness.first_unlinked(first..u64::MAX) {
            Some(blob) => blob - first,
            None => state.next,
        };
        if clean == state.clean {
            return None;
        }
        state.clean = clean;
        Some(number(EXTENT_CLEAN, clean))
    }

    /// How the next start knows that no sequence was taken beyond the used ones.
    pub(crate) fn final_mark(&self) -> OwnChange {
        number(EXTENT_MARK, self.state().next)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a whole and synced extent its name, durably.
pub(crate) fn publish(core: &Core, sequence: u64) -> Result<(), Errno> {
    let folder = core.layout.extent_folder(sequence)?;
    let name = extent_name(sequence);
    rustix::fs::renameat(core.layout.temporary(), &name, folder.as_fd(), &name)?;
    rustix::fs::fsync(&folder)
}

/// Removes an extent, wherever it is. The folder still needs a sync.
pub(crate) fn remove(core: &Core, sequence: u64) -> Result<(), Errno> {
    core.files.forget(FileName::Extent(sequence));
    let name = extent_name(sequence);
    disk::remove(core.layout.temporary(), &name)?;
    disk::remove(core.layout.extent_folder(sequence)?.as_fd(), &name)
}

pub(crate) fn number(key: &[u8], number: u64) -> OwnChange {
    OwnChange {
        space: Space::System,
        key: key.to_vec(),
        value: Some(number.to_le_bytes().to_vec()),
    }
}

/// Sequences taken from the disk at a time.
const WINDOW: u64 = 1024;
