//! The memory engine keeps the promises that it is the reference of.

use std::sync::Arc;

use async_trait::async_trait;
use osier_engine::Engine;
use osier_engine::conformance::{Reopening, Subject};
use osier_engine::memory::MemoryEngine;

struct Memory(Arc<MemoryEngine>);

#[async_trait]
impl Subject for Memory {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.0) as _
    }

    async fn reopen(&mut self, _how: Reopening) {
        self.0 = Arc::new(self.0.reopen());
    }
}

async fn open() -> Memory {
    Memory(Arc::new(MemoryEngine::new()))
}

osier_engine::conformance_suite!(open);

#[test]
fn all_behaviours_on_one_engine() {
    osier_engine::conformance::block_on(async {
        osier_engine::conformance::run(&mut open().await).await;
    });
}

#[test]
fn equals_itself_as_a_model() {
    osier_engine::conformance::model::check(file!(), 200, 60, open);
}

/// Wrapping an engine needs no more than the boundary offers.
mod behind_a_wrapper {
    use super::{Arc, Engine, Memory, MemoryEngine, Reopening, Subject, async_trait};
    use osier_engine::faults::FaultyEngine;

    struct Wrapped {
        memory: Memory,
        engine: Arc<FaultyEngine>,
    }

    #[async_trait]
    impl Subject for Wrapped {
        fn engine(&self) -> Arc<dyn Engine> {
            Arc::clone(&self.engine) as _
        }

        async fn reopen(&mut self, how: Reopening) {
            self.memory.reopen(how).await;
            self.engine = Arc::new(FaultyEngine::new(self.memory.engine()));
        }
    }

    async fn open() -> Wrapped {
        let memory = Memory(Arc::new(MemoryEngine::new()));
        let engine = Arc::new(FaultyEngine::new(memory.engine()));
        Wrapped { memory, engine }
    }

    osier_engine::conformance_suite!(open);
}
