//! Checks everything that is stored against everything else.
//!
//! Works on a live engine, where what changes meanwhile is not held against it, and
//! on a data directory that nobody has open. Changes nothing that a start would not.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use osier_engine::{BlobId, EngineError, Family, RefTag, TableId};
use osier_types::{Clock, Rng};

use crate::core::Core;
use crate::disk;
use crate::engine::LocalEngine;
use crate::failure::{database_error, disk_error};
use crate::files::FileName;
use crate::layout::{FORMAT_VERSION, extent_sequence};
use crate::locator::{BLOCK, Locator};
use crate::meta::{
    Space, TABLE_PREFIX, decode_counters, garbage_of, own_number, reference_key, reference_of,
};
use crate::recovery::KnownBlobs;
use crate::scrub::linked_from;
use crate::settings::{LocalSettings, OpenError};
use crate::verify::{Condition, Found, verify_blob, volume_sizes, walk};
use crate::volumes::has_header;

/// A reference from a row to a blob.
pub type Link = (BlobId, RefTag);

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsckReport {
    /// The version of the data format.
    pub format: u32,
    /// Tables.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// References to blobs.
    pub links: u64,
    /// Blobs with references.
    pub blobs: u64,
    /// Their bytes on disk.
    pub blob_bytes: u64,
    /// Blobs that wait to be freed.
    pub garbage: u64,
    /// Records and extents that nothing knows of; they only take space.
    pub orphans: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
    /// How many problems there are.
    pub problems: u64,
    /// What they are, the first thousand.
    pub details: Vec<String>,
}

impl FsckReport {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.problems == 0
    }

    fn problem(&mut self, what: String) {
        self.problems += 1;
        if self.details.len() < 1000 {
            self.details.push(what);
        }
    }
}

/// Opens a data directory that nobody has open, checks it and closes it.
///
/// `references` are those of the rows of the layer above, if it gives them.
///
/// # Errors
/// When the directory can't be opened or read. Damage is no error but in the report.
pub async fn fsck(
    path: &Path,
    settings: LocalSettings,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    references: Option<Vec<Link>>,
) -> Result<FsckReport, OpenError> {
    let failed = |error: EngineError| OpenError::Failed {
        path: path.to_owned(),
        source: Box::new(error),
    };
    let engine = LocalEngine::open(path, settings, clock, rng)?;
    let report = engine.fsck(references).await.map_err(failed)?;
    osier_engine::Engine::close(&*engine)
        .await
        .map_err(failed)?;
    Ok(report)
}

/// Checks an open engine. Blocks.
pub(crate) fn check(core: &Core, references: Option<Vec<Link>>) -> Result<FsckReport, EngineError> {
    let mut report = FsckReport {
        format: FORMAT_VERSION,
        ..FsckReport::default()
    };
    check_system(core, &mut report)?;
    for family in Family::ALL {
        check_rows(core, family, &mut report)?;
    }
    check_blobs(core, &mut report)?;
    check_garbage(core, &mut report)?;
    if let Some(references) = references {
        check_references(core, references, &mut report)?;
    }
    let mut unknown = Vec::new();
    check_volumes(core, &mut report, &mut unknown)?;
    check_extents(core, &mut report, &mut unknown)?;
    // Once more, for those that have lost their last reference meanwhile.
    let mut known = KnownBlobs::default();
    for (blob, bytes) in unknown {
        if !known.has(core, blob)? && !core.liveness.is_unlinked(blob) {
            report.orphans += 1;
            report.orphan_bytes += bytes;
        }
    }
    Ok(report)
}

/// Goes through a family of the database; damage of it becomes a problem.
fn each_row(
    core: &Core,
    space: Space,
    report: &mut FsckReport,
    mut each: impl FnMut(&mut FsckReport, &[u8], &[u8]),
) -> Result<(), EngineError> {
    core.with_meta(|meta| {
        let mut rows = meta.iterate(space, &[], None, false)?;
        while let Some((key, value)) = rows.item() {
            each(report, key, value);
            rows.next();
        }
        match rows.status().map_err(database_error) {
            Err(EngineError::Corrupt { what }) => {
                report.problem(format!("{}: {what}", space.name()));
                Ok(())
            }
            other => other,
        }
    })
}

fn check_system(core: &Core, report: &mut FsckReport) -> Result<(), EngineError> {
    let mut with_counters = Vec::new();
    each_row(core, Space::System, report, |report, key, value| {
        match (key.first(), own_number(key)) {
            (Some(&TABLE_PREFIX), Some(_)) => report.tables += 1,
            (Some(b'c'), Some(table)) => {
                with_counters.push(TableId(table));
                if decode_counters(value).is_err() {
                    report.problem(format!("the counters of table {table} are damaged"));
                }
            }
            (Some(b'v'), Some(_)) | (Some(b'n'), _) if value.len() == 8 => {}
            _ => report.problem(format!("an unknown row of the engine: {key:?}")),
        }
    })?;
    for table in with_counters {
        if !core.has_table(table) {
            report.problem(format!(
                "counters of table {}, which does not exist",
                table.0
            ));
        }
    }
    Ok(())
}

fn check_rows(core: &Core, family: Family, report: &mut FsckReport) -> Result<(), EngineError> {
    let mut last = None;
    each_row(core, Space::Rows(family), report, |report, key, _| {
        report.rows += 1;
        let table = key
            .get(..8)
            .and_then(|it| it.try_into().ok())
            .map(|it| TableId(u64::from_be_bytes(it)));
        if table.is_none() || table != last {
            last = table;
            if !table.is_some_and(|table| core.has_table(table)) {
                report.problem(format!(
                    "{family:?} rows of {table:?}, which does not exist"
                ));
            }
        }
    })
}

fn check_blobs(core: &Core, report: &mut FsckReport) -> Result<(), EngineError> {
    each_row(core, Space::References, report, |report, key, _| {
        report.links += 1;
        if reference_of(key).is_err() {
            report.problem("the key of a reference is damaged".to_owned());
        }
    })?;
    let mut from = 0;
    loop {
        let blobs = match linked_from(core, from) {
            Ok(blobs) => blobs,
            // Reported above.
            Err(EngineError::Corrupt { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(last) = blobs.last() else {
            return Ok(());
        };
        from = last + 1;
        for blob in blobs {
            let Some(_pin) = core.liveness.pin(blob) else {
                continue;
            };
            match verify_blob(core, blob, &mut |_| true) {
                Ok(Condition::Sound(bytes)) => {
                    report.blobs += 1;
                    report.blob_bytes += bytes;
                }
                Ok(Condition::Damaged(what)) => {
                    if core.with_meta(|meta| meta.has_references(blob))? {
                        report.blobs += 1;
                        report.problem(what);
                    }
                }
                Err(errno) => {
                    let place = Locator::of(BlobId(blob));
                    report.problem(format!("{place}: {errno}"));
                }
            }
        }
    }
}

fn check_garbage(core: &Core, report: &mut FsckReport) -> Result<(), EngineError> {
    let mut garbage = Vec::new();
    each_row(core, Space::Garbage, report, |report, key, value| {
        report.garbage += 1;
        match garbage_of(key) {
            Ok((_, blob)) if value.is_empty() => garbage.push(blob),
            _ => report.problem("a garbage row is damaged".to_owned()),
        }
    })?;
    for blob in garbage {
        if core.with_meta(|meta| meta.has_references(blob))? {
            let place = Locator::of(BlobId(blob));
            report.problem(format!("{place}: listed as garbage, but referred to"));
        }
    }
    Ok(())
}

/// Compares the references of the layer above with the links.
fn check_references(
    core: &Core,
    mut references: Vec<Link>,
    report: &mut FsckReport,
) -> Result<(), EngineError> {
    references.sort_unstable();
    references.dedup();
    let mut wanted = references.into_iter().peekable();
    let mut lost = Vec::new();
    let mut extra = Vec::new();
    each_row(core, Space::References, report, |_, key, _| {
        let Ok(link) = reference_of(key) else {
            return;
        };
        while let Some(missing) = wanted.next_if(|it| *it < link) {
            lost.push(missing);
        }
        if wanted.next_if(|it| *it == link).is_none() {
            extra.push(link);
        }
    })?;
    lost.extend(wanted);
    let still = |(blob, tag): &Link| {
        let key = reference_key(blob.0, tag.0);
        core.with_meta(|meta| Ok(meta.get(Space::References, &key)?.is_some()))
    };
    for link in lost {
        if !still(&link)? {
            let (blob, tag) = link;
            report.problem(format!(
                "a row refers to {} (tag {}) without a link",
                Locator::of(blob),
                tag.0
            ));
        }
    }
    for link in extra {
        if still(&link)? {
            let (blob, tag) = link;
            report.problem(format!(
                "{} has a link (tag {}) without a row",
                Locator::of(blob),
                tag.0
            ));
        }
    }
    Ok(())
}

/// Looks for records that nothing knows of.
fn check_volumes(
    core: &Core,
    report: &mut FsckReport,
    unknown: &mut Vec<(u64, u64)>,
) -> Result<(), EngineError> {
    let failed = |errno| disk_error("reading a volume failed", errno);
    let mut known = KnownBlobs::default();
    for (number, size) in volume_sizes(core.layout.volumes()).map_err(failed)? {
        if !has_header(&core.layout, number, core.nonce).map_err(failed)? {
            report.problem(format!("volume {number}: its header is damaged"));
        }
        let file = core
            .files
            .open(&core.layout, FileName::Volume(number))
            .map_err(failed)?;
        let mut found = Vec::new();
        walk(file.as_fd(), number, core.nonce, BLOCK, size, |it| {
            if let Found::Record { header, .. } = it {
                found.push(header);
            }
        })
        .map_err(failed)?;
        for header in found {
            if !known.has(core, header.blob.0)? {
                unknown.push((header.blob.0, header.record_bytes()));
            }
        }
    }
    Ok(())
}

fn check_extents(
    core: &Core,
    report: &mut FsckReport,
    unknown: &mut Vec<(u64, u64)>,
) -> Result<(), EngineError> {
    let failed = |errno| disk_error("reading the extents failed", errno);
    let mut known = KnownBlobs::default();
    for folder in 0..=0xff {
        let fd = match disk::open_for_reading(core.layout.extents(), &format!("{folder:02x}")) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::NOENT) => continue,
            Err(errno) => return Err(failed(errno)),
        };
        for name in disk::names(fd.as_fd()).map_err(failed)? {
            let Some(sequence) = extent_sequence(&name).filter(|it| it & 0xff == folder) else {
                report.problem(format!("ext/{folder:02x}/{name}: not a name of an extent"));
                continue;
            };
            let blob = Locator::Extent { sequence }.blob().0;
            if !known.has(core, blob)? {
                let size = disk::open_for_reading(fd.as_fd(), &name).and_then(disk::size);
                unknown.push((blob, size.unwrap_or(0)));
            }
        }
    }
    Ok(())
}
