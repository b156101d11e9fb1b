//! Random sequences of calls, made on an engine and on the memory engine.
//!
//! The memory engine is the model: after every step both must have answered alike
//! and hold the same rows. Names are drawn from small sets, so that calls meet.
//! Blobs have other names in either engine and are compared by their bytes.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::future::Future;
use std::mem::discriminant;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::{SizeRange, btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use super::{Reopening, Subject, assert_content, pattern, try_write};
use crate::memory::MemoryEngine;
use crate::{
    Batch, BlobReader, COUNTERS, Check, Engine, EngineError, Expect, Family, KeyRange, RefTag, Run,
    SealedBlob, TableId,
};

/// Compares engines that `open` makes with the model, `cases` times with up to
/// `steps` steps each.
///
/// `source` is the caller's `file!()`: sequences that failed are kept beside it.
///
/// # Panics
/// When they differ; the message shows the shortest sequence that was found.
pub fn check<S, F>(source: &'static str, cases: u32, steps: usize, open: impl Fn() -> F)
where
    S: Subject,
    F: Future<Output = S>,
{
    let config = Config {
        cases,
        source_file: Some(source),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&sequences(1..=steps), |steps| {
        super::block_on(async {
            let mut subject = open().await;
            Comparison::new(&mut subject).run(&steps).await;
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Makes these calls on an engine, which must be empty, and on the model.
///
/// # Panics
/// When they differ.
pub async fn compare(subject: &mut dyn Subject, steps: &[Step]) {
    Comparison::new(subject).run(steps).await;
}

/// Random sequences of steps.
pub fn sequences(length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), length)
}

/// One call, in terms that both engines understand: tables and keys by name, blobs
/// and readers by the order in which they were made.
#[derive(Clone, Debug)]
pub enum Step {
    /// [`Engine::create_table`].
    CreateTable(TableId),
    /// [`Engine::drop_table`].
    DropTable(TableId, Vec<Family>),
    /// [`Engine::get`].
    Get(TableId, Family, &'static [u8]),
    /// [`Engine::scan`].
    Scan(TableId, Family, KeyRange, usize),
    /// [`Engine::commit`].
    Commit(TableId, Changes),
    /// Writes a blob of this length in pieces.
    Write {
        /// Bytes in all.
        length: usize,
        /// Bytes of one write.
        piece: usize,
        /// Whether the engine is told the length.
        hint: bool,
    },
    /// Drops the sealed blob, whether linked or not.
    Discard(Slot),
    /// [`Engine::open_blob`], and reads all of it.
    Read(Slot),
    /// [`Engine::open_blob`], and keeps the reader.
    Open(Slot),
    /// Reads some bytes through a reader that was kept; in 256ths of its length.
    ReadThrough(Slot, u8, u8),
    /// Drops a reader.
    Close(Slot),
    /// Stops the engine and opens it again.
    Reopen(Reopening),
}

/// A blob or a reader: which of those made so far, taken modulo their number.
pub type Slot = usize;

/// A [`Batch`] in terms that both engines understand.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    checks: Vec<(Family, &'static [u8], Expect)>,
    rows: BTreeMap<(Family, &'static [u8]), Option<&'static [u8]>>,
    /// Whether a tag of a blob is added or removed.
    links: BTreeMap<(Slot, u64), bool>,
    counters: Vec<(usize, i64)>,
}

const KEYS: [&[u8]; 12] = [
    b"",
    b"\0",
    b"a",
    b"a\0",
    b"a/",
    b"a/b",
    b"a/\xff",
    b"a0",
    b"b",
    b"\xfe",
    b"\xff",
    b"\xff\xff",
];

const VALUES: [&[u8]; 5] = [b"", b"1", b"2", b"22", &[b'x'; 5000]];

const LENGTHS: [usize; 9] = [
    0,
    1,
    4032,
    4096,
    5000,
    65_536,
    70_001,
    1 << 20,
    (8 << 20) + 1,
];

fn step() -> impl Strategy<Value = Step> {
    let table = || {
        select(vec![
            TableId::SYSTEM,
            TableId(1),
            TableId(2),
            TableId(1 << 56),
        ])
    };
    let family = || select(Family::ALL.to_vec());
    let key = || select(KEYS.to_vec());
    prop_oneof![
        3 => table().prop_map(Step::CreateTable),
        1 => (table(), vec(family(), 0..4))
            .prop_filter("the system table stays", |(table, _)| *table != TableId::SYSTEM)
            .prop_map(|(table, families)| Step::DropTable(table, families)),
        3 => (table(), family(), key()).prop_map(|(table, family, key)| Step::Get(table, family, key)),
        4 => (table(), family(), range(), 0_usize..9)
            .prop_map(|(table, family, range, limit)| Step::Scan(table, family, range, limit)),
        14 => (table(), changes()).prop_map(|(table, changes)| Step::Commit(table, changes)),
        5 => (select(LENGTHS.to_vec()), select(vec![999, 4096, 100_000]), any::<bool>())
            .prop_map(|(length, piece, hint)| Step::Write { length, piece: piece.max(length / 40), hint }),
        2 => any_slot().prop_map(Step::Discard),
        3 => any_slot().prop_map(Step::Read),
        2 => any_slot().prop_map(Step::Open),
        3 => (any_slot(), any::<u8>(), any::<u8>())
            .prop_map(|(reader, offset, length)| Step::ReadThrough(reader, offset, length)),
        1 => any_slot().prop_map(Step::Close),
        1 => select(vec![Reopening::Clean, Reopening::Crash]).prop_map(Step::Reopen),
    ]
}

fn range() -> impl Strategy<Value = KeyRange> {
    let bound = || {
        select(KEYS.to_vec()).prop_flat_map(|key| {
            select(vec![
                Bound::Unbounded,
                Bound::Included(key.to_vec()),
                Bound::Excluded(key.to_vec()),
            ])
        })
    };
    prop_oneof![
        (bound(), bound()).prop_map(|(from, to)| KeyRange { from, to }),
        select(KEYS.to_vec()).prop_map(KeyRange::prefix),
        Just(KeyRange::ALL),
    ]
}

fn changes() -> impl Strategy<Value = Changes> {
    let row = || (select(Family::ALL.to_vec()), select(KEYS.to_vec()));
    let value = || select(VALUES.to_vec());
    let expect = prop_oneof![
        2 => Just(Expect::Absent),
        1 => Just(Expect::Exists),
        1 => value().prop_map(|value| Expect::Equals(Bytes::from_static(value))),
    ];
    let check = (row(), expect).prop_map(|((family, key), expect)| (family, key, expect));
    // Mostly unchecked, or too few would be applied.
    let checks = prop_oneof![3 => Just(Vec::new()), 1 => vec(check, 1..3)];
    let rows = btree_map(row(), proptest::option::weighted(0.7, value()), 0..5);
    let links = btree_map((any_slot(), 0..3_u64), proptest::bool::weighted(0.6), 0..4);
    let counters = vec((0..COUNTERS, -1000..1000_i64), 0..3);
    (checks, rows, links, counters).prop_map(|(checks, rows, links, counters)| Changes {
        checks,
        rows,
        links,
        counters,
    })
}

fn any_slot() -> impl Strategy<Value = Slot> {
    0..64_usize
}

/// The engine and its model, with what was made of both.
struct Comparison<'a> {
    subject: &'a mut dyn Subject,
    model: MemoryEngine,
    blobs: Vec<Pair>,
    readers: Vec<Reading>,
}

/// A blob in both engines.
struct Pair {
    content: Bytes,
    run: Run,
    model_run: Run,
    sealed: Option<SealedBlob>,
    model_sealed: Option<SealedBlob>,
}

struct Reading {
    content: Bytes,
    run: Run,
    reader: Arc<dyn BlobReader>,
}

impl<'a> Comparison<'a> {
    fn new(subject: &'a mut dyn Subject) -> Self {
        Self {
            subject,
            model: MemoryEngine::new(),
            blobs: Vec::new(),
            readers: Vec::new(),
        }
    }

    async fn run(mut self, steps: &[Step]) {
        for step in steps {
            self.step(step).await;
        }
        self.reopen(Reopening::Clean).await;
        for slot in 0..self.blobs.len() {
            self.read(slot).await;
        }
    }

    async fn step(&mut self, step: &Step) {
        let engine = self.subject.engine();
        match step {
            Step::CreateTable(table) => {
                let answer = engine.create_table(*table).await;
                same(&answer, &self.model.create_table(*table).await);
                self.same_rows(*table).await;
            }
            Step::DropTable(table, families) => {
                let answer = engine.drop_table(*table, families).await;
                same(&answer, &self.model.drop_table(*table, families).await);
                self.same_rows(*table).await;
            }
            Step::Get(table, family, key) => {
                let answer = engine.get(*table, *family, key).await;
                same(&answer, &self.model.get(*table, *family, key).await);
            }
            Step::Scan(table, family, range, limit) => {
                let answer = engine.scan(*table, *family, range.clone(), *limit).await;
                let expected = self.model.scan(*table, *family, range.clone(), *limit);
                same(&answer, &expected.await);
            }
            Step::Commit(table, changes) => self.commit(*table, changes).await,
            Step::Write {
                length,
                piece,
                hint,
            } => self.write(*length, *piece, *hint).await,
            Step::Discard(slot) => {
                if let Some(slot) = slot.checked_rem(self.blobs.len()) {
                    self.blobs[slot].sealed = None;
                    self.blobs[slot].model_sealed = None;
                }
            }
            Step::Read(slot) => {
                if let Some(slot) = slot.checked_rem(self.blobs.len()) {
                    self.read(slot).await;
                }
            }
            Step::Open(slot) => {
                if let Some(slot) = slot.checked_rem(self.blobs.len())
                    && let Some(reader) = self.open(slot).await
                {
                    self.readers.push(Reading {
                        content: self.blobs[slot].content.clone(),
                        run: self.blobs[slot].run,
                        reader,
                    });
                }
            }
            Step::ReadThrough(slot, offset, length) => {
                if let Some(slot) = slot.checked_rem(self.readers.len()) {
                    let share = |part: u8| self.readers[slot].content.len() * usize::from(part);
                    self.read_through(slot, share(*offset) / 256, share(*length) / 256)
                        .await;
                }
            }
            Step::Close(slot) => {
                if let Some(slot) = slot.checked_rem(self.readers.len()) {
                    let reading = self.readers.swap_remove(slot);
                    let (reader, content) = (&*reading.reader, &reading.content);
                    assert_content(&*engine, reader, reading.run, content).await;
                }
            }
            Step::Reopen(how) => {
                drop(engine);
                self.reopen(*how).await;
            }
        }
    }

    async fn commit(&mut self, table: TableId, changes: &Changes) {
        let engine = self.subject.engine();
        let batch = self.batch(changes, |pair| pair.run);
        let model_batch = self.batch(changes, |pair| pair.model_run);
        let answer = engine.commit(table, b"", batch).await;
        let expected = self.model.commit(table, b"", model_batch).await;
        same(&answer, &expected);
        if answer.is_ok() {
            // As callers do: once linked, a blob belongs to its rows.
            for ((slot, _), added) in &changes.links {
                if let Some(slot) = slot.checked_rem(self.blobs.len())
                    && *added
                {
                    self.blobs[slot].sealed = None;
                    self.blobs[slot].model_sealed = None;
                }
            }
        }
        self.same_rows(table).await;
    }

    fn batch(&self, changes: &Changes, run: impl Fn(&Pair) -> Run) -> Batch {
        let mut batch = Batch {
            counters: changes.counters.clone(),
            ..Batch::default()
        };
        for (family, key, expect) in &changes.checks {
            batch.checks.push(Check {
                family: *family,
                key: Bytes::from_static(key),
                expect: expect.clone(),
            });
        }
        for ((family, key), value) in &changes.rows {
            let key = Bytes::from_static(key);
            match value {
                Some(value) => batch.puts.push((*family, key, Bytes::from_static(value))),
                None => batch.deletes.push((*family, key)),
            }
        }
        // Two slots may mean the same blob: the last word on a tag counts.
        let mut links = BTreeMap::new();
        for ((slot, tag), added) in &changes.links {
            if let Some(slot) = slot.checked_rem(self.blobs.len()) {
                // Tags are never used for two blobs.
                let tag = RefTag(tag + 3 * u64::try_from(slot).unwrap());
                links.insert((run(&self.blobs[slot]).blob, tag), *added);
            }
        }
        for (link, added) in links {
            if added {
                batch.links.push(link);
            } else {
                batch.unlinks.push(link);
            }
        }
        batch
    }

    async fn write(&mut self, length: usize, piece: usize, hint: bool) {
        let engine = self.subject.engine();
        let content = pattern(u64::try_from(self.blobs.len()).unwrap(), length);
        let hint = hint.then(|| u64::try_from(length).unwrap());
        let sealed = try_write(&*engine, &content, piece, hint).await.unwrap();
        let model_sealed = try_write(&self.model, &content, piece, hint).await.unwrap();
        assert_eq!(sealed.run.length, model_sealed.run.length);
        for pair in &self.blobs {
            assert_ne!(
                pair.run.blob, sealed.run.blob,
                "a blob's name was used twice"
            );
        }
        self.blobs.push(Pair {
            content,
            run: sealed.run,
            model_run: model_sealed.run,
            sealed: Some(sealed),
            model_sealed: Some(model_sealed),
        });
    }

    /// Opens a blob, if the model says that it is there.
    async fn open(&mut self, slot: Slot) -> Option<Arc<dyn BlobReader>> {
        let engine = self.subject.engine();
        let pair = &self.blobs[slot];
        let expected = self.model.open_blob(pair.model_run).await;
        if expected.is_err() {
            // It may take its time to free a blob, but not for ever.
            self.subject.settle().await;
        }
        let answer = engine.open_blob(pair.run).await;
        same(&answer.as_ref().map(|_| ()), &expected.as_ref().map(|_| ()));
        answer.ok()
    }

    async fn read(&mut self, slot: Slot) {
        if let Some(reader) = self.open(slot).await {
            let engine = self.subject.engine();
            let pair = &self.blobs[slot];
            assert_content(&*engine, &*reader, pair.run, &pair.content).await;
        }
    }

    async fn read_through(&self, slot: Slot, offset: usize, length: usize) {
        let reading = &self.readers[slot];
        let length = length.min(self.subject.engine().limits().read_bytes_max);
        let from = u64::try_from(offset).unwrap();
        let answer = reading.reader.read(from, length).await;
        match reading.content.get(offset..offset + length) {
            Some(expected) => {
                assert!(answer.unwrap() == expected, "{length} bytes at {offset}");
            }
            None => assert!(
                answer.is_err(),
                "{length} bytes at {offset}: beyond the end"
            ),
        }
    }

    async fn reopen(&mut self, how: Reopening) {
        self.readers.clear();
        let discard = |pairs: &mut Vec<Pair>| {
            for pair in pairs {
                pair.sealed = None;
                pair.model_sealed = None;
            }
        };
        if how == Reopening::Clean {
            discard(&mut self.blobs);
        }
        self.subject.reopen(how).await;
        self.model = self.model.reopen();
        discard(&mut self.blobs);
        for table in [TableId::SYSTEM, TableId(1), TableId(2), TableId(1 << 56)] {
            self.same_rows(table).await;
        }
    }

    /// Compares all rows and counters of a table.
    async fn same_rows(&self, table: TableId) {
        let engine = self.subject.engine();
        same(
            &engine.counters(table).await,
            &self.model.counters(table).await,
        );
        for family in Family::ALL {
            let rows = engine.scan(table, family, KeyRange::ALL, 1000).await;
            let expected = self.model.scan(table, family, KeyRange::ALL, 1000).await;
            same(&rows, &expected);
        }
    }
}

#[track_caller]
fn same<T, E>(answer: &Result<T, E>, expected: &Result<T, E>)
where
    T: std::fmt::Debug + PartialEq,
    E: Borrow<EngineError> + std::fmt::Debug,
{
    match (answer, expected) {
        (Ok(answer), Ok(expected)) => assert_eq!(answer, expected),
        (Err(answer), Err(expected)) => {
            let (answer, expected): (&EngineError, &EngineError) =
                (answer.borrow(), expected.borrow());
            let index = |error: &EngineError| match error {
                EngineError::Conflict { index } => Some(*index),
                _ => None,
            };
            assert!(
                discriminant(answer) == discriminant(expected) && index(answer) == index(expected),
                "{answer:?} instead of {expected:?}"
            );
        }
        _ => panic!("{answer:?} instead of {expected:?}"),
    }
}
