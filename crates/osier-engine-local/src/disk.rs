//! Calls to the file system, all by directory handle and plain name.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags};
use rustix::io::{Errno, IoSlice, IoSliceMut, ReadWriteFlags};

/// Directories and files are for their owner alone.
pub(crate) const DIRECTORY_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

const SAFE: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);

/// A file opened for writing, past the page cache where the file system allows it.
#[derive(Debug)]
pub(crate) struct WriteFile {
    fd: OwnedFd,
    direct: bool,
}

impl WriteFile {
    /// Makes a file that must not exist.
    pub(crate) fn create(directory: BorrowedFd<'_>, name: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | SAFE;
        drop(rustix::fs::openat(directory, name, flags, FILE_MODE)?);
        Self::open(directory, name)
    }

    /// Opens a file that exists.
    pub(crate) fn open(directory: BorrowedFd<'_>, name: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | SAFE;
        let direct = rustix::fs::openat(directory, name, flags | OFlags::DIRECT, Mode::empty());
        match direct {
            Ok(fd) if takes_direct(&fd) => Ok(Self { fd, direct: true }),
            Ok(_) | Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                let fd = rustix::fs::openat(directory, name, flags, Mode::empty())?;
                Ok(Self { fd, direct: false })
            }
            Err(errno) => Err(errno),
        }
    }

    /// Whether writes go past the page cache.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct
    }

    /// Writes the block at `offset` once more with what it holds. Past the page cache that has
    /// the system forget its memory of the block, whatever else that memory holds.
    pub(crate) fn rewrite_block(&self, offset: u64) -> Result<(), Errno> {
        let mut block = crate::buffer::AlignedBuffer::with_capacity(1);
        block.fill(&[0]);
        block.pad();
        match rustix::io::pread(&self.fd, block.bytes_mut(), offset)? {
            read if read == block.len() => self.write_at(block.bytes(), offset),
            _ => Err(Errno::IO),
        }
    }

    /// Writes all of `bytes`; both they and `offset` must be aligned to blocks.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let count = match rustix::io::pwrite(&self.fd, rest, at) {
                Ok(0) => return Err(Errno::IO),
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            rest = rest.get(count..).unwrap_or_default();
            at += u64::try_from(count).unwrap_or_default();
        }
        Ok(())
    }

    /// Writes `buffers` one behind the other.
    pub(crate) fn write_all_at(&self, buffers: &[&[u8]], offset: u64) -> Result<(), Errno> {
        let mut at = offset;
        for some in buffers.chunks(MANY_BUFFERS) {
            let slices: Vec<IoSlice<'_>> = some.iter().map(|bytes| IoSlice::new(bytes)).collect();
            let total: usize = some.iter().map(|bytes| bytes.len()).sum();
            match rustix::io::pwritev(&self.fd, &slices, at) {
                Ok(count) if count == total => {}
                // Rare: again, one by one.
                Ok(_) | Err(Errno::INTR) => {
                    let mut each = at;
                    for bytes in some {
                        self.write_at(bytes, each)?;
                        each += u64::try_from(bytes.len()).unwrap_or_default();
                    }
                }
                Err(errno) => return Err(errno),
            }
            at += u64::try_from(total).unwrap_or_default();
        }
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fdatasync(&self.fd)
    }

    /// Makes sure of disk space, and lengthens the file to `offset + length`.
    pub(crate) fn allocate(&self, offset: u64, length: u64) -> Result<(), Errno> {
        match rustix::fs::fallocate(&self.fd, FallocateFlags::empty(), offset, length) {
            // Not every file system can; writing will then find the space.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                rustix::fs::ftruncate(&self.fd, offset + length)
            }
            other => other,
        }
    }

    pub(crate) fn truncate(&self, length: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.fd, length)
    }

    /// Gives a range back to the file system; it reads as zeros from then on.
    pub(crate) fn punch(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&self.fd, mode, offset, length)
    }

    pub(crate) fn size(&self) -> Result<u64, Errno> {
        size(&self.fd)
    }
}

pub(crate) fn size(file: impl AsFd) -> Result<u64, Errno> {
    Ok(u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or_default())
}

/// Opens a file for reading through the page cache.
pub(crate) fn open_for_reading(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, OFlags::RDONLY | SAFE, Mode::empty())
}

/// Opens a directory below `parent`, making it first if it is missing.
pub(crate) fn open_directory(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(parent, name, DIRECTORY_MODE) {
        Ok(()) => rustix::fs::fsync(parent)?,
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | SAFE;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Replaces a small file whole and durably.
pub(crate) fn replace_file(
    directory: BorrowedFd<'_>,
    name: &str,
    bytes: &[u8],
) -> Result<(), Errno> {
    let temporary = format!("{name}.new");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | SAFE;
    let fd = rustix::fs::openat(directory, &temporary, flags, FILE_MODE)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = rustix::io::write(&fd, rest)?;
        rest = rest.get(count..).unwrap_or_default();
    }
    rustix::fs::fsync(&fd)?;
    rustix::fs::renameat(directory, &temporary, directory, name)?;
    rustix::fs::fsync(directory)
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove(directory: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Names in a directory.
pub(crate) fn names(directory: BorrowedFd<'_>) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        if let Ok(name) = entry?.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Bytes free for us on the file system, and bytes in all.
pub(crate) fn space(on: impl AsFd) -> Result<(u64, u64), Errno> {
    let found = rustix::fs::fstatvfs(on)?;
    Ok((
        found.f_bavail.saturating_mul(found.f_frsize),
        found.f_blocks.saturating_mul(found.f_frsize),
    ))
}

/// Fills `room` if all of it is in memory already, and says whether.
pub(crate) fn read_cached(file: impl AsFd, offset: u64, room: &mut [u8]) -> bool {
    let length = room.len();
    let slices = &mut [IoSliceMut::new(room)];
    let count = rustix::io::preadv2(file, slices, offset, ReadWriteFlags::NOWAIT);
    count == Ok(length)
}

/// Reads up to `length` bytes; fewer only at the end of the file.
pub(crate) fn read_at(file: impl AsFd, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; length];
    let filled = fill_at(file, offset, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Fills `room`, or what the file has of it, and says how much that was.
pub(crate) fn fill_at(file: impl AsFd, offset: u64, room: &mut [u8]) -> Result<usize, Errno> {
    let file = file.as_fd();
    let mut filled = 0;
    while let Some(rest) = room.get_mut(filled..)
        && !rest.is_empty()
    {
        let at = offset + u64::try_from(filled).unwrap_or_default();
        match rustix::io::pread(file, rest, at) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Whether unbuffered access really works: some file systems refuse it only when
/// it is used.
fn takes_direct(fd: &OwnedFd) -> bool {
    let mut probe = crate::buffer::AlignedBuffer::with_capacity(1);
    probe.fill(&[0]);
    probe.pad();
    rustix::io::pread(fd, probe.bytes_mut(), 0) != Err(Errno::INVAL)
}

/// Buffers of one call; the system takes 1024.
const MANY_BUFFERS: usize = 256;
