//! What a start learns from the disk: the state that was stored, and which blobs a
//! crash left without a reference.

use std::collections::HashSet;
use std::os::fd::AsFd;

use osier_engine::{EngineError, TableId};
use osier_types::Rng;
use rocksdb::WriteBatch;
use rustix::io::Errno;

use crate::core::Core;
use crate::disk;
use crate::failure::{database_error, disk_error};
use crate::files::FileName;
use crate::layout::{Layout, extent_name, extent_sequence};
use crate::liveness::Unlinked;
use crate::locator::{BLOCK, Locator, volume_blob};
use crate::meta::{
    EXTENT_CLEAN, EXTENT_MARK, Meta, NEXT_VOLUME, NONCE, Space, TABLE_PREFIX, own_number,
    reference_key, table_key, volume_key,
};
use crate::verify::{Found, volume_sizes, walk};
use crate::volumes::{Known, SETTLED, has_header};

/// What was stored.
pub(crate) struct Stored {
    pub(crate) nonce: u64,
    pub(crate) tables: HashSet<TableId>,
    pub(crate) volumes: Known,
    pub(crate) next_extent: u64,
    pub(crate) clean_extent: u64,
}

/// Reads what was stored; a new store gets its first rows.
pub(crate) fn read_stored(
    layout: &Layout,
    meta: &Meta,
    rng: &dyn Rng,
    volume_bytes: u64,
) -> Result<Stored, EngineError> {
    let nonce = if let Some(nonce) = meta.number(NONCE)? {
        nonce
    } else {
        let nonce = rng.next_u64();
        let mut batch = WriteBatch::default();
        meta.put(&mut batch, Space::System, NONCE, &nonce.to_le_bytes())?;
        meta.put(&mut batch, Space::System, &table_key(TableId::SYSTEM), &[])?;
        meta.write(batch).map_err(database_error)?;
        nonce
    };
    Ok(Stored {
        nonce,
        tables: stored_tables(meta)?,
        volumes: stored_volumes(layout, meta, nonce, volume_bytes)?,
        next_extent: meta.number(EXTENT_MARK)?.unwrap_or(0),
        clean_extent: meta.number(EXTENT_CLEAN)?.unwrap_or(0),
    })
}

/// The tables that exist.
pub(crate) fn stored_tables(meta: &Meta) -> Result<HashSet<TableId>, EngineError> {
    let mut tables = HashSet::new();
    let upper = vec![TABLE_PREFIX + 1];
    let mut rows = meta.iterate(Space::System, &[TABLE_PREFIX], Some(upper), false)?;
    while let Some(key) = rows.key() {
        tables.extend(own_number(key).map(TableId));
        rows.next();
    }
    rows.status().map_err(database_error)?;
    Ok(tables)
}

fn stored_volumes(
    layout: &Layout,
    meta: &Meta,
    nonce: u64,
    volume_bytes: u64,
) -> Result<Known, EngineError> {
    let failed = |errno| disk_error("reading the volumes failed", errno);
    let mut known = Known {
        next: meta.number(NEXT_VOLUME)?.unwrap_or(1),
        ..Known::default()
    };
    for (number, size) in volume_sizes(layout.volumes()).map_err(failed)? {
        known.next = known.next.max(number + 1);
        let clean = meta.number(&volume_key(number))?.unwrap_or(BLOCK);
        if clean != SETTLED {
            known.unsettled.insert(number, clean);
        }
        let room = volume_bytes.saturating_sub(size);
        if size >= BLOCK && room >= volume_bytes / 16 {
            if has_header(layout, number, nonce).map_err(failed)? {
                known.with_room.push(number);
            } else {
                tracing::error!(volume = number, "the header of a volume is damaged");
            }
        }
    }
    known.with_room.reverse();
    Ok(known)
}

/// Removes extents that never got their name: nothing can refer to them.
pub(crate) fn clear_temporary(layout: &Layout) -> Result<(), Errno> {
    for name in disk::names(layout.temporary())? {
        if extent_sequence(&name).is_some() {
            disk::remove(layout.temporary(), &name)?;
        }
    }
    Ok(())
}

/// Notes the blobs that were written since the last clean marks and that no row
/// refers to. The collector frees them after it has seen them again.
pub(crate) fn find_orphans(core: &Core, stored: &Unsettled) -> Result<(), EngineError> {
    let mut known = KnownBlobs::default();
    for (number, clean) in &stored.volumes {
        find_in_volume(core, &mut known, *number, *clean)?;
    }
    let failed = |errno| disk_error("looking for lost extents failed", errno);
    for sequence in stored.extents.clone() {
        let blob = Locator::Extent { sequence }.blob().0;
        if known.has(core, blob)? {
            continue;
        }
        let folder = core.layout.extent_folder(sequence).map_err(failed)?;
        match disk::open_for_reading(folder.as_fd(), &extent_name(sequence)) {
            Ok(file) => {
                let bytes = disk::size(&file).map_err(failed)?;
                let orphan = Unlinked::Orphan { bytes, passes: 0 };
                core.liveness.insert(blob, orphan);
            }
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(())
}

/// Where lost blobs can be.
pub(crate) struct Unsettled {
    pub(crate) volumes: Vec<(u64, u64)>,
    pub(crate) extents: std::ops::Range<u64>,
}

fn find_in_volume(
    core: &Core,
    known: &mut KnownBlobs,
    number: u64,
    clean: u64,
) -> Result<(), EngineError> {
    let failed = |errno| disk_error("looking for lost records failed", errno);
    let file = core
        .files
        .open(&core.layout, FileName::Volume(number))
        .map_err(failed)?;
    let size = disk::size(&*file).map_err(failed)?;
    let mut found = Vec::new();
    walk(file.as_fd(), number, core.nonce, clean, size, |it| {
        found.push(it);
    })
    .map_err(failed)?;
    for one in found {
        let (offset, bytes, unknown) = match one {
            Found::Record { offset, header } => {
                let unknown = !known.has(core, header.blob.0)?;
                (offset, header.record_bytes(), unknown)
            }
            Found::Gap { offset, bytes } => {
                let lost = has_references_in(core, number, offset, bytes)?;
                if lost {
                    tracing::error!(volume = number, offset, bytes, "records are damaged");
                }
                (offset, bytes, !lost)
            }
        };
        if unknown {
            let orphan = Unlinked::Orphan { bytes, passes: 0 };
            core.liveness.insert(volume_blob(number, offset), orphan);
        }
    }
    Ok(())
}

/// Answers whether a row refers to a blob, or it waits to be freed.
#[derive(Default)]
pub(crate) struct KnownBlobs {
    garbage: Option<HashSet<u64>>,
}

impl KnownBlobs {
    pub(crate) fn has(&mut self, core: &Core, blob: u64) -> Result<bool, EngineError> {
        core.with_meta(|meta| {
            if meta.has_references(blob)? {
                return Ok(true);
            }
            // Only needed when something has no reference.
            let garbage = match self.garbage.take() {
                Some(garbage) => garbage,
                None => meta.garbage()?,
            };
            Ok(self.garbage.insert(garbage).contains(&blob))
        })
    }
}

/// Whether a row refers to anything that begins in this stretch of a volume.
pub(crate) fn has_references_in(
    core: &Core,
    number: u64,
    offset: u64,
    bytes: u64,
) -> Result<bool, EngineError> {
    let lower = reference_key(volume_blob(number, offset), 0);
    let upper = reference_key(volume_blob(number, offset) + bytes.div_ceil(BLOCK), 0);
    core.with_meta(|meta| meta.any(Space::References, &lower, Some(upper.to_vec())))
}
