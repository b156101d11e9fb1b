//! The data directory: its folders, its lock and its format version.
//!
//! File names are made of numbers only; nothing a user says becomes a path.

use std::fs::Permissions;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::disk;
use crate::record::crc;
use crate::settings::OpenError;

/// The version of the data format that this engine writes.
pub const FORMAT_VERSION: u32 = 1;

pub(crate) const FORMAT: &str = "FORMAT";
const FORMAT_NAME: &str = "osier-local";
const LOCK: &str = "LOCK";
const WITNESS: &str = "WITNESS";

/// An open and locked data directory.
#[derive(Debug)]
pub(crate) struct Layout {
    path: PathBuf,
    root: OwnedFd,
    volumes: OwnedFd,
    extents: OwnedFd,
    temporary: OwnedFd,
    lock: OwnedFd,
}

impl Layout {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |what: &str, errno: Errno| OpenError::Failed {
            path: path.join(what),
            source: Box::new(std::io::Error::from(errno)),
        };
        make_directory(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(|it| failed("", it))?;
        let lock = lock(root.as_fd(), path)?;
        check_format(root.as_fd(), path)?;
        let folder = |parent: BorrowedFd<'_>, name: &str| {
            disk::open_directory(parent, name).map_err(|it| failed(name, it))
        };
        folder(root.as_fd(), "meta")?;
        let volumes = folder(root.as_fd(), "vol")?;
        let extents = folder(root.as_fd(), "ext")?;
        let temporary = folder(extents.as_fd(), "tmp")?;
        Ok(Self {
            path: path.to_owned(),
            root,
            volumes,
            extents,
            temporary,
            lock,
        })
    }

    /// Lets another process open the directory.
    pub(crate) fn unlock(&self) {
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }

    pub(crate) fn extents(&self) -> BorrowedFd<'_> {
        self.extents.as_fd()
    }

    pub(crate) fn meta(&self) -> PathBuf {
        self.path.join("meta")
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    pub(crate) fn volumes(&self) -> BorrowedFd<'_> {
        self.volumes.as_fd()
    }

    /// Where extents are written before they have their name.
    pub(crate) fn temporary(&self) -> BorrowedFd<'_> {
        self.temporary.as_fd()
    }

    /// The folder of an extent, by the low byte of its sequence.
    pub(crate) fn extent_folder(&self, sequence: u64) -> Result<OwnedFd, Errno> {
        disk::open_directory(self.extents.as_fd(), &format!("{:02x}", sequence & 0xff))
    }

    /// The last sequence number of the database that was known to be durable. A
    /// database that opens with less has lost acknowledged commits.
    pub(crate) fn witness(&self) -> Option<u64> {
        let fd = disk::open_for_reading(self.root(), WITNESS).ok()?;
        let bytes = disk::read_at(&fd, 0, 13).ok()?;
        let (number, sum) = bytes.split_at_checked(8)?;
        (sum == crc(number).to_le_bytes())
            .then(|| number.try_into().ok().map(u64::from_le_bytes))
            .flatten()
    }

    /// Notes a sequence number that is durable. Not synced itself: an older one, or
    /// none, does no harm.
    pub(crate) fn set_witness(&self, sequence: u64) -> Result<(), Errno> {
        let mut bytes = sequence.to_le_bytes().to_vec();
        bytes.extend_from_slice(&crc(&bytes).to_le_bytes());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::openat(self.root(), WITNESS, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::io::pwrite(&fd, &bytes, 0).map(drop)
    }
}

/// The name of a volume's file.
pub(crate) fn volume_name(number: u64) -> String {
    format!("{number:08}.v")
}

/// The number of the volume with this file name.
pub(crate) fn volume_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".v")?.parse().ok()?;
    (volume_name(number) == name).then_some(number)
}

/// The name of an extent's file.
pub(crate) fn extent_name(sequence: u64) -> String {
    format!("{sequence:016x}")
}

/// The sequence of the extent with this file name.
pub(crate) fn extent_sequence(name: &str) -> Option<u64> {
    let sequence = u64::from_str_radix(name, 16).ok()?;
    (extent_name(sequence) == name).then_some(sequence)
}

fn make_directory(path: &Path) -> Result<(), OpenError> {
    let failed = |source: std::io::Error| OpenError::Failed {
        path: path.to_owned(),
        source: Box::new(source),
    };
    if !path.exists() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
    }
    let found = std::fs::metadata(path).map_err(failed)?;
    if found.permissions().mode() & 0o077 != 0 {
        // Others must not read the data, whatever the umask was.
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

fn lock(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, OpenError> {
    let failed = |errno: Errno| OpenError::Failed {
        path: path.join(LOCK),
        source: Box::new(std::io::Error::from(errno)),
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = rustix::fs::openat(root, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => Err(OpenError::Locked {
            path: path.to_owned(),
        }),
        Err(errno) => Err(failed(errno)),
    }
}

/// Reads the format, or writes it into a directory that holds no data yet.
fn check_format(root: BorrowedFd<'_>, path: &Path) -> Result<(), OpenError> {
    let file = path.join(FORMAT);
    let failed = |errno: Errno| OpenError::Failed {
        path: file.clone(),
        source: Box::new(std::io::Error::from(errno)),
    };
    let damaged = |what: &str| OpenError::Damaged {
        path: file.clone(),
        what: what.to_owned(),
    };
    let fd = match disk::open_for_reading(root, FORMAT) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => {
            let names = disk::names(root).map_err(failed)?;
            if names
                .iter()
                .any(|name| ["meta", "vol", "ext"].contains(&name.as_str()))
            {
                return Err(damaged("missing, although there is data beside it"));
            }
            let text = format!("{FORMAT_NAME} {FORMAT_VERSION}\n");
            return disk::replace_file(root, FORMAT, text.as_bytes()).map_err(failed);
        }
        Err(errno) => return Err(failed(errno)),
    };
    let bytes = disk::read_at(&fd, 0, 128).map_err(failed)?;
    let version = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .and_then(|text| text.split_once(' '))
        .filter(|(name, _)| *name == FORMAT_NAME)
        .and_then(|(_, version)| version.parse::<u32>().ok());
    match version {
        Some(FORMAT_VERSION) => Ok(()),
        Some(found) if found > FORMAT_VERSION => Err(OpenError::NewerFormat {
            path: path.to_owned(),
            found,
            known: FORMAT_VERSION,
        }),
        _ => Err(damaged("not the format file of an osier data directory")),
    }
}
