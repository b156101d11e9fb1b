//! The model comparison finds defects: engines with one each must not pass it.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use osier_engine::conformance::{Reopening, Subject, block_on, model};
use osier_engine::memory::MemoryEngine;
use osier_engine::{
    Batch, BlobReader, BlobWriter, COUNTERS, Engine, EngineError, EngineLimits, Expect, Family,
    KeyRange, OwnerTag, Page, Run, TableId,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    Nothing,
    DeletesForgotten,
    CountersOutlastConflicts,
    EqualsComparesLengths,
    LastCheckIgnored,
    ExcludedKeyScanned,
    MoreWithoutRows,
    ScanOneShort,
    LinksForgotten,
    UnlinksForgotten,
    FreedBlobsLinked,
    ReadersEndWithLinks,
    BytesBehindMegabyteLost,
    DropsNonEmptyTables,
    CountersOutlastTables,
}

#[derive(Debug)]
struct Defective {
    memory: Arc<MemoryEngine>,
    defect: Defect,
}

impl Defective {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

#[async_trait]
impl Engine for Defective {
    async fn create_table(&self, table: TableId) -> Result<(), EngineError> {
        let is_new = !self.memory.tables().contains(&table);
        self.memory.create_table(table).await?;
        if is_new && self.has(Defect::CountersOutlastTables) {
            let batch = Batch {
                counters: vec![(0, 1)],
                ..Batch::default()
            };
            self.memory.commit(table, b"", batch).await?;
        }
        Ok(())
    }

    async fn drop_table(&self, table: TableId, families: &[Family]) -> Result<(), EngineError> {
        let families = if self.has(Defect::DropsNonEmptyTables) {
            &[]
        } else {
            families
        };
        self.memory.drop_table(table, families).await
    }

    async fn get(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError> {
        self.memory.get(table, family, key).await
    }

    async fn scan(
        &self,
        table: TableId,
        family: Family,
        mut range: KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError> {
        if let (true, Bound::Excluded(from)) = (self.has(Defect::ExcludedKeyScanned), &range.from) {
            range.from = Bound::Included(from.clone());
        }
        let mut page = self.memory.scan(table, family, range, limit).await?;
        if self.has(Defect::MoreWithoutRows) && page.rows.len() == limit {
            page.more = true;
        }
        if self.has(Defect::ScanOneShort) && page.more {
            page.rows.pop();
        }
        Ok(page)
    }

    async fn commit(
        &self,
        table: TableId,
        group: &[u8],
        mut batch: Batch,
    ) -> Result<(), EngineError> {
        let counters = batch.counters.clone();
        match self.defect {
            Defect::DeletesForgotten => batch.deletes.clear(),
            Defect::LinksForgotten => batch.links.clear(),
            Defect::UnlinksForgotten => batch.unlinks.clear(),
            Defect::LastCheckIgnored => drop(batch.checks.pop()),
            Defect::EqualsComparesLengths => {
                for check in &mut batch.checks {
                    let row = self.memory.get(table, check.family, &check.key).await?;
                    if let (Expect::Equals(value), Some(row)) = (&check.expect, row)
                        && value.len() == row.len()
                    {
                        check.expect = Expect::Exists;
                    }
                }
            }
            _ => {}
        }
        let mut result = self.memory.commit(table, group, batch.clone()).await;
        if self.has(Defect::FreedBlobsLinked) && matches!(result, Err(EngineError::NoBlob)) {
            batch.links.clear();
            result = self.memory.commit(table, group, batch).await;
        }
        let is_conflict = matches!(result, Err(EngineError::Conflict { .. }));
        if self.has(Defect::CountersOutlastConflicts) && is_conflict {
            let batch = Batch {
                counters,
                ..Batch::default()
            };
            self.memory.commit(table, group, batch).await?;
        }
        result
    }

    async fn counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError> {
        self.memory.counters(table).await
    }

    async fn write_blob(
        &self,
        length: Option<u64>,
        owner: OwnerTag,
    ) -> Result<Box<dyn BlobWriter>, EngineError> {
        self.memory.write_blob(length, owner).await
    }

    async fn open_blob(&self, run: Run) -> Result<Arc<dyn BlobReader>, EngineError> {
        let inner = self.memory.open_blob(run).await?;
        Ok(Arc::new(DefectiveReader {
            inner,
            memory: Arc::clone(&self.memory),
            run,
            defect: self.defect,
        }))
    }

    fn limits(&self) -> EngineLimits {
        self.memory.limits()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.memory.close().await
    }
}

#[derive(Debug)]
struct DefectiveReader {
    inner: Arc<dyn BlobReader>,
    memory: Arc<MemoryEngine>,
    run: Run,
    defect: Defect,
}

#[async_trait]
impl BlobReader for DefectiveReader {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, EngineError> {
        if self.defect == Defect::ReadersEndWithLinks {
            self.memory.open_blob(self.run).await?;
        }
        let bytes = self.inner.read(offset, length).await?;
        if self.defect == Defect::BytesBehindMegabyteLost && offset >= 1 << 20 {
            return Ok(vec![0; bytes.len()].into());
        }
        Ok(bytes)
    }
}

struct DefectiveSubject(Arc<Defective>);

#[async_trait]
impl Subject for DefectiveSubject {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.0) as _
    }

    async fn reopen(&mut self, _how: Reopening) {
        self.0 = Arc::new(Defective {
            memory: Arc::new(self.0.memory.reopen()),
            defect: self.0.defect,
        });
    }
}

/// Whether one of many sequences, the same ones every time, shows a difference.
fn is_caught(defect: Defect, sequences: usize) -> bool {
    let strategy = model::sequences(60..=60);
    let mut runner = TestRunner::deterministic();
    (0..sequences).any(|_| {
        let steps = strategy
            .new_tree(&mut runner)
            .expect("a strategy without filters that starve")
            .current();
        let run = || {
            let memory = Arc::new(MemoryEngine::new());
            let mut subject = DefectiveSubject(Arc::new(Defective { memory, defect }));
            block_on(model::compare(&mut subject, &steps));
        };
        catch_unwind(AssertUnwindSafe(run)).is_err()
    })
}

macro_rules! defects {
    ($($name:ident: $defect:ident,)*) => {
        $(
            #[test]
            fn $name() {
                assert!(is_caught(Defect::$defect, 300));
            }
        )*
    };
}

defects! {
    deletes_forgotten: DeletesForgotten,
    counters_outlast_conflicts: CountersOutlastConflicts,
    equals_compares_lengths: EqualsComparesLengths,
    last_check_ignored: LastCheckIgnored,
    excluded_key_scanned: ExcludedKeyScanned,
    more_without_rows: MoreWithoutRows,
    scan_one_short: ScanOneShort,
    links_forgotten: LinksForgotten,
    unlinks_forgotten: UnlinksForgotten,
    freed_blobs_linked: FreedBlobsLinked,
    readers_end_with_links: ReadersEndWithLinks,
    bytes_behind_megabyte_lost: BytesBehindMegabyteLost,
    drops_non_empty_tables: DropsNonEmptyTables,
    counters_outlast_tables: CountersOutlastTables,
}

#[test]
fn no_defect() {
    assert!(!is_caught(Defect::Nothing, 40));
}
