//! Volume and extent files that are open for reading.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use crate::disk;
use crate::layout::{Layout, extent_name, volume_name};
use crate::locator::Locator;

/// A bounded number of open files, the longest unused closed first.
#[derive(Debug)]
pub(crate) struct Files {
    open: Mutex<Open>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Open {
    files: HashMap<FileName, (Arc<OwnedFd>, u64)>,
    clock: u64,
}

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileName {
    Volume(u64),
    Extent(u64),
}

impl FileName {
    /// The file that holds a blob.
    pub(crate) fn of(place: Locator) -> Self {
        match place {
            Locator::Volume { number, .. } => Self::Volume(number),
            Locator::Extent { sequence } => Self::Extent(sequence),
        }
    }
}

impl Files {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            open: Mutex::default(),
            limit,
        }
    }

    /// The file, opened if it is not yet.
    pub(crate) fn open(&self, layout: &Layout, name: FileName) -> Result<Arc<OwnedFd>, Errno> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clock += 1;
        let now = open.clock;
        if let Some((file, used)) = open.files.get_mut(&name) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        drop(open);
        let file = Arc::new(match name {
            FileName::Volume(number) => {
                disk::open_for_reading(layout.volumes(), &volume_name(number))?
            }
            FileName::Extent(sequence) => {
                let folder = layout.extent_folder(sequence)?;
                disk::open_for_reading(folder.as_fd(), &extent_name(sequence))?
            }
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.files.len() >= self.limit
            && let Some(oldest) = open
                .files
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(name, _)| *name)
        {
            open.files.remove(&oldest);
        }
        open.files.insert(name, (Arc::clone(&file), now));
        Ok(file)
    }

    /// Lets go of a file that is about to be removed.
    pub(crate) fn forget(&self, name: FileName) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.files.remove(&name);
    }
}
