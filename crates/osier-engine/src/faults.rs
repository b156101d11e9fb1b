//! An engine that fails when told to, for tests of the layers above.
//!
//! Every call that can fail is counted: those of the engine, of its blob writers
//! and of its blob readers. A test of a verb runs it once for every `k` with
//! [`FaultyEngine::fail_at`] until [`FaultyEngine::pending`] says that the verb
//! makes fewer calls than that, and looks at what is left behind each time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Batch, BlobReader, BlobWriter, COUNTERS, Engine, EngineError, EngineLimits, Family, KeyRange,
    OwnerTag, Page, Run, SealedBlob, TableId,
};

/// Wraps an engine; passes every call on, except where told to fail.
#[derive(Debug)]
pub struct FaultyEngine {
    inner: Arc<dyn Engine>,
    plan: Arc<Plan>,
}

impl FaultyEngine {
    /// Passes every call on, for now.
    pub fn new(inner: Arc<dyn Engine>) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// The engine beneath.
    pub fn inner(&self) -> &Arc<dyn Engine> {
        &self.inner
    }

    /// Lets the `k`-th call from now (0 is the next one) fail without being passed on.
    pub fn fail_at(&self, k: u64, error: impl Fn() -> EngineError + Send + 'static) {
        self.plan.set(Fault::Before(k, Box::new(error)));
    }

    /// Lets the `k`-th call from now be carried out, and then report failure: the
    /// caller can't know that it succeeded.
    pub fn fail_after(&self, k: u64, error: impl Fn() -> EngineError + Send + 'static) {
        self.plan.set(Fault::After(k, Box::new(error)));
    }

    /// Lets every call fail that adds rows or bytes, until [`heal`](Self::heal).
    pub fn fail_writes(&self, error: impl Fn() -> EngineError + Send + 'static) {
        self.plan.set(Fault::Writes(Box::new(error)));
    }

    /// Runs `action` to its end just before the `k`-th call from now: what another
    /// client does in between.
    pub fn run_before(&self, k: u64, action: impl Future<Output = ()> + Send + 'static) {
        self.plan.set(Fault::Action(k, Box::pin(action)));
    }

    /// Passes every call on again and counts from 0.
    pub fn heal(&self) {
        self.plan.set(Fault::Nothing);
    }

    /// Whether a planned fault or action has not happened yet.
    pub fn pending(&self) -> bool {
        let state = self.plan.state();
        match state.fault {
            Fault::Before(k, _) | Fault::After(k, _) => k >= state.calls,
            Fault::Action(..) => true,
            Fault::Writes(_) | Fault::Nothing => false,
        }
    }

    /// Calls since the last plan was made.
    pub fn calls(&self) -> u64 {
        self.plan.state().calls
    }
}

#[async_trait]
impl Engine for FaultyEngine {
    async fn create_table(&self, table: TableId) -> Result<(), EngineError> {
        let call = self.inner.create_table(table);
        self.plan.pass(Kind::Write, call).await
    }

    async fn drop_table(&self, table: TableId, families: &[Family]) -> Result<(), EngineError> {
        let call = self.inner.drop_table(table, families);
        self.plan.pass(Kind::Other, call).await
    }

    async fn get(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError> {
        let call = self.inner.get(table, family, key);
        self.plan.pass(Kind::Other, call).await
    }

    async fn scan(
        &self,
        table: TableId,
        family: Family,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, EngineError> {
        let call = self.inner.scan(table, family, range, limit);
        self.plan.pass(Kind::Other, call).await
    }

    async fn commit(&self, table: TableId, group: &[u8], batch: Batch) -> Result<(), EngineError> {
        let kind = if batch.puts.is_empty() {
            Kind::Other
        } else {
            Kind::Write
        };
        let call = self.inner.commit(table, group, batch);
        self.plan.pass(kind, call).await
    }

    async fn counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError> {
        let call = self.inner.counters(table);
        self.plan.pass(Kind::Other, call).await
    }

    async fn write_blob(
        &self,
        length: Option<u64>,
        owner: OwnerTag,
    ) -> Result<Box<dyn BlobWriter>, EngineError> {
        let call = self.inner.write_blob(length, owner);
        let inner = self.plan.pass(Kind::Write, call).await?;
        Ok(Box::new(FaultyWriter {
            inner,
            plan: Arc::clone(&self.plan),
        }))
    }

    async fn open_blob(&self, run: Run) -> Result<Arc<dyn BlobReader>, EngineError> {
        let call = self.inner.open_blob(run);
        let inner = self.plan.pass(Kind::Other, call).await?;
        Ok(Arc::new(FaultyReader {
            inner,
            plan: Arc::clone(&self.plan),
        }))
    }

    fn limits(&self) -> EngineLimits {
        self.inner.limits()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.inner.close().await
    }
}

struct FaultyWriter {
    inner: Box<dyn BlobWriter>,
    plan: Arc<Plan>,
}

#[async_trait]
impl BlobWriter for FaultyWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), EngineError> {
        let call = self.inner.write(bytes);
        self.plan.pass(Kind::Write, call).await
    }

    async fn finish(self: Box<Self>) -> Result<SealedBlob, EngineError> {
        let call = self.inner.finish();
        self.plan.pass(Kind::Write, call).await
    }
}

#[derive(Debug)]
struct FaultyReader {
    inner: Arc<dyn BlobReader>,
    plan: Arc<Plan>,
}

#[async_trait]
impl BlobReader for FaultyReader {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, EngineError> {
        let call = self.inner.read(offset, length);
        self.plan.pass(Kind::Other, call).await
    }
}

/// What a call does to the space that is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Adds rows or bytes.
    Write,
    /// Reads or removes.
    Other,
}

type MakeError = Box<dyn Fn() -> EngineError + Send>;

#[derive(Default)]
enum Fault {
    #[default]
    Nothing,
    Before(u64, MakeError),
    After(u64, MakeError),
    Writes(MakeError),
    Action(u64, Pin<Box<dyn Future<Output = ()> + Send>>),
}

#[derive(Default)]
struct Plan(Mutex<PlanState>);

#[derive(Default)]
struct PlanState {
    calls: u64,
    fault: Fault,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let calls = self.state().calls;
        out.debug_struct("Plan").field("calls", &calls).finish()
    }
}

impl Plan {
    fn set(&self, fault: Fault) {
        *self.state() = PlanState { calls: 0, fault };
    }

    async fn pass<T>(
        &self,
        kind: Kind,
        call: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let (action, after) = self.arrive(kind)?;
        if let Some(action) = action {
            action.await;
        }
        let value = call.await?;
        match after {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }

    /// Counts a call: what must run before it, and what it must report after it.
    fn arrive(&self, kind: Kind) -> Result<Arrival, EngineError> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        match &state.fault {
            Fault::Before(k, error) if *k == call => Err(error()),
            Fault::After(k, error) if *k == call => Ok((None, Some(error()))),
            Fault::Writes(error) if kind == Kind::Write => Err(error()),
            Fault::Action(k, _) if *k == call => match std::mem::take(&mut state.fault) {
                Fault::Action(_, action) => Ok((Some(action), None)),
                _ => Ok((None, None)),
            },
            _ => Ok((None, None)),
        }
    }

    fn state(&self) -> MutexGuard<'_, PlanState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Arrival = (
    Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    Option<EngineError>,
);
