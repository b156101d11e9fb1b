//! What every engine must do, as tests that an engine's crate runs on itself.
//!
//! A crate implements [`Subject`] for its engine and says
//! `osier_engine::conformance_suite!(open)`, which makes one test per behaviour,
//! and calls [`model::check`], which compares it with the memory engine step by
//! step. [`linearize`] judges histories that were recorded elsewhere.
//!
//! The suite settles some questions that the boundary leaves open: linking a blob
//! whose last link is gone fails with `NoBlob`; failed checks are reported before
//! missing blobs; a table that was dropped and made again is empty, with counters
//! at 0.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests: a panic is how they fail"
)]

#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod blobs;
#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod closing;
#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod concurrency;
pub mod linearize;
pub mod model;
#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod rows;
#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod scans;
#[expect(missing_docs, reason = "each behaviour is said by its name")]
pub mod tables;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Batch, BlobReader, Check, Engine, EngineError, Expect, Family, OwnerTag, RefTag, Run,
    SealedBlob, TableId,
};

/// An engine under test and what only its own crate knows how to do with it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The engine, as it is now.
    fn engine(&self) -> Arc<dyn Engine>;

    /// Frees all blobs that may be freed, for engines that take their time.
    async fn settle(&self) {}

    /// Stops the engine and opens its storage again.
    ///
    /// Before [`Reopening::Clean`] the suite drops everything it got from the
    /// engine. Before [`Reopening::Crash`] sealed blobs may still be alive.
    async fn reopen(&mut self, how: Reopening);
}

/// How an engine stops before it is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopening {
    /// By [`Engine::close`].
    Clean,
    /// By ceasing to exist: only what was durable is left.
    Crash,
}

/// One behaviour, as a test of an engine.
pub type Behaviour =
    for<'a> fn(&'a mut dyn Subject) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Lists every behaviour: hands `(module, name)` pairs to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_behaviours {
    ([$($callback:tt)+] $($with:tt)*) => {
        $($callback)+! { $($with)*;
            (rows, get_after_commit)
            (rows, get_of_a_missing_row)
            (rows, put_overwrites)
            (rows, delete_removes)
            (rows, keys_of_any_bytes)
            (rows, values_of_any_length)
            (rows, check_absent)
            (rows, check_exists)
            (rows, check_equals)
            (rows, conflict_names_the_first_failed_check)
            (rows, conflict_applies_nothing)
            (rows, checks_see_rows_before_the_batch)
            (rows, checks_without_changes)
            (rows, batch_of_many_rows)
            (rows, counters_add_up)
            (rows, counters_belong_to_tables)
            (tables, system_table_exists)
            (tables, creating_twice_keeps_rows)
            (tables, tables_are_apart)
            (tables, families_are_apart)
            (tables, drop_needs_empty_families)
            (tables, drop_takes_other_families_along)
            (tables, dropped_table_is_gone)
            (tables, table_made_again_is_empty)
            (scans, rows_come_in_byte_order)
            (scans, limits_and_more)
            (scans, bounds)
            (scans, empty_and_inverted_ranges)
            (scans, prefixes)
            (scans, pages_continue_after_a_key)
            (scans, pages_continue_while_rows_change)
            (scans, scan_stays_in_its_family)
            (blobs, small_sizes)
            (blobs, medium_sizes)
            (blobs, large_sizes)
            (blobs, writes_in_odd_pieces)
            (blobs, wrong_length_hints)
            (blobs, reads_at_odd_places)
            (blobs, reads_beyond_the_end)
            (blobs, unknown_blob)
            (blobs, blobs_written_side_by_side)
            (blobs, link_keeps)
            (blobs, unlink_frees)
            (blobs, second_link_keeps)
            (blobs, link_twice_is_once)
            (blobs, unlink_twice_is_once)
            (blobs, unlink_of_an_unknown_tag)
            (blobs, link_moves_between_rows)
            (blobs, link_of_a_freed_blob)
            (blobs, link_of_several_blobs)
            (blobs, readers_outlive_links)
            (blobs, dropped_sealed_blob_is_freed)
            (blobs, dropped_writer_leaves_nothing)
            (blobs, conflict_leaves_sealed_blob)
            (concurrency, compare_and_set_loses_nothing)
            (concurrency, one_creator_wins)
            (concurrency, groups_in_parallel)
            (concurrency, histories_are_linearizable)
            (concurrency, scan_sees_steady_rows_once)
            (concurrency, linking_races_with_freeing)
            (concurrency, blobs_in_parallel)
            (closing, rows_outlive_the_engine)
            (closing, blobs_outlive_the_engine)
            (closing, unlinked_blobs_do_not)
            (closing, blob_names_are_not_used_again)
            (closing, closed_engine_is_unavailable)
        }
    };
}

/// Makes one test per behaviour. The argument names an
/// `async fn() -> impl Subject` that makes an empty engine.
#[macro_export]
macro_rules! conformance_suite {
    ($open:path) => {
        $crate::conformance_behaviours! { [$crate::conformance_suite] @tests $open }
    };
    (@tests $open:path; $(($module:ident, $name:ident))*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::test($open, |subject| {
                    Box::pin($crate::conformance::$module::$name(subject))
                });
            }
        )*
    };
}

macro_rules! table_of_behaviours {
    (; $(($module:ident, $name:ident))*) => {
        &[$((stringify!($name), |subject| Box::pin($module::$name(subject)))),*]
    };
}

/// Every behaviour with its name.
pub const BEHAVIOURS: &[(&str, Behaviour)] =
    crate::conformance_behaviours! { [table_of_behaviours] };

/// Runs every behaviour on one engine, one after the other.
pub async fn run(subject: &mut dyn Subject) {
    for (_, behaviour) in BEHAVIOURS {
        behaviour(subject).await;
    }
}

/// Runs a behaviour on an engine of its own.
pub fn test<S, F>(open: impl Fn() -> F, behaviour: Behaviour)
where
    S: Subject,
    F: Future<Output = S>,
{
    block_on(async {
        let mut subject = open().await;
        behaviour(&mut subject).await;
    });
}

/// Runs a future on a runtime with two workers.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A table that no other behaviour uses.
async fn fresh_table(engine: &dyn Engine) -> TableId {
    static NEXT: AtomicU64 = AtomicU64::new(1000);
    let table = TableId(NEXT.fetch_add(1, Ordering::Relaxed));
    engine.create_table(table).await.unwrap();
    table
}

/// A tag that no other behaviour uses.
fn fresh_tag() -> RefTag {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    RefTag(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn bytes(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_ref())
}

/// A batch that writes these rows.
fn puts(family: Family, rows: &[(&[u8], &[u8])]) -> Batch {
    let put = |(key, value): &(&[u8], &[u8])| (family, bytes(key), bytes(value));
    Batch {
        puts: rows.iter().map(put).collect(),
        ..Batch::default()
    }
}

fn check(family: Family, key: &[u8], expect: Expect) -> Check {
    Check {
        family,
        key: bytes(key),
        expect,
    }
}

/// All rows of a family.
async fn all_rows(engine: &dyn Engine, table: TableId, family: Family) -> Vec<(Bytes, Bytes)> {
    let page = engine
        .scan(table, family, crate::KeyRange::ALL, 100_000)
        .await
        .unwrap();
    assert!(!page.more, "a scan without bounds says there is more");
    page.rows
}

/// The bytes of a blob, each fixed by its position, so that none can be mistaken
/// for another.
fn pattern(seed: u64, length: usize) -> Bytes {
    let mut all = Vec::with_capacity(length + 8);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    while all.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.extend_from_slice(&state.to_le_bytes());
    }
    all.truncate(length);
    all.into()
}

/// Writes a blob in pieces.
async fn write(engine: &dyn Engine, content: &Bytes, piece: usize) -> SealedBlob {
    let length = u64::try_from(content.len()).unwrap();
    try_write(engine, content, piece, Some(length))
        .await
        .unwrap()
}

async fn try_write(
    engine: &dyn Engine,
    content: &Bytes,
    piece: usize,
    hint: Option<u64>,
) -> Result<SealedBlob, EngineError> {
    let mut writer = engine.write_blob(hint, OwnerTag::default()).await?;
    let mut rest = content.clone();
    while !rest.is_empty() {
        let next = rest.split_to(piece.min(rest.len()));
        writer.write(next).await?;
    }
    writer.finish().await
}

/// Writes a blob and links it.
async fn write_linked(engine: &dyn Engine, table: TableId, content: &Bytes) -> (Run, RefTag) {
    let sealed = write(engine, content, 100_000).await;
    let tag = fresh_tag();
    link(engine, table, sealed.run, tag).await.unwrap();
    (sealed.run, tag)
}

async fn link(
    engine: &dyn Engine,
    table: TableId,
    run: Run,
    tag: RefTag,
) -> Result<(), EngineError> {
    let batch = Batch {
        links: vec![(run.blob, tag)],
        ..puts(Family::Current, &[(&tag.0.to_be_bytes(), b"row of a link")])
    };
    engine.commit(table, b"", batch).await
}

async fn unlink(engine: &dyn Engine, table: TableId, run: Run, tag: RefTag) {
    let batch = Batch {
        unlinks: vec![(run.blob, tag)],
        deletes: vec![(Family::Current, bytes(tag.0.to_be_bytes()))],
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
}

async fn read_all(engine: &dyn Engine, reader: &dyn BlobReader, length: u64) -> Bytes {
    let step = engine.limits().read_bytes_max.min(1_000_000);
    let mut all = Vec::new();
    let mut left = usize::try_from(length).unwrap();
    while left > 0 {
        let offset = u64::try_from(all.len()).unwrap();
        let part = reader.read(offset, step.min(left)).await.unwrap();
        assert_eq!(part.len(), step.min(left), "a read came back short");
        left -= part.len();
        all.extend_from_slice(&part);
    }
    all.into()
}

/// Opens a blob, which must be there with this content.
async fn assert_readable(engine: &dyn Engine, run: Run, content: &Bytes) {
    let reader = engine.open_blob(run).await.unwrap();
    assert_content(engine, &*reader, run, content).await;
}

async fn assert_content(engine: &dyn Engine, reader: &dyn BlobReader, run: Run, content: &Bytes) {
    assert_eq!(run.length, u64::try_from(content.len()).unwrap());
    let read = read_all(engine, reader, run.length).await;
    // Not assert_eq!: nobody wants to see megabytes.
    assert!(read == content, "blob of {} bytes differs", content.len());
}

/// A blob that must be gone, once the engine had time.
async fn assert_freed(subject: &dyn Subject, run: Run) {
    subject.settle().await;
    let opened = subject.engine().open_blob(run).await;
    assert!(
        matches!(opened, Err(EngineError::NoBlob)),
        "blob {run:?} should be freed: {opened:?}"
    );
}
