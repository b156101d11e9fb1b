//! What every engine must do, and the comparison with the memory engine.

use std::sync::Arc;

use async_trait::async_trait;
use osier_engine::Engine;
use osier_engine::conformance::{Reopening, Subject, model};
use tempfile::TempDir;

use super::{open, settle};
use crate::LocalEngine;

struct Local {
    engine: Arc<LocalEngine>,
    directory: TempDir,
}

async fn fresh() -> Local {
    let directory = tempfile::tempdir().unwrap();
    Local {
        engine: open(directory.path()),
        directory,
    }
}

#[async_trait]
impl Subject for Local {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::<LocalEngine>::clone(&self.engine)
    }

    async fn settle(&self) {
        settle(&self.engine).await;
    }

    async fn reopen(&mut self, how: Reopening) {
        match how {
            Reopening::Clean => self.engine.close().await.unwrap(),
            Reopening::Crash => self.engine.abandon(),
        }
        self.engine = open(self.directory.path());
    }
}

osier_engine::conformance_suite!(fresh);

#[test]
fn agrees_with_the_memory_engine() {
    model::check(file!(), 24, 60, fresh);
}
