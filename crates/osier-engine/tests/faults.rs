//! The engine that fails when told to.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use bytes::Bytes;
use osier_engine::conformance::block_on;
use osier_engine::faults::FaultyEngine;
use osier_engine::memory::MemoryEngine;
use osier_engine::{Batch, Engine, EngineError, Family, OwnerTag, RefTag, TableId};

const TABLE: TableId = TableId::SYSTEM;

fn faulty() -> (Arc<MemoryEngine>, FaultyEngine) {
    let memory = Arc::new(MemoryEngine::new());
    let engine = FaultyEngine::new(Arc::<MemoryEngine>::clone(&memory));
    (memory, engine)
}

fn put(value: &'static [u8]) -> Batch {
    Batch {
        puts: vec![(
            Family::Current,
            Bytes::from_static(b"key"),
            Bytes::from_static(value),
        )],
        ..Batch::default()
    }
}

async fn row(engine: &dyn Engine) -> Option<Bytes> {
    engine.get(TABLE, Family::Current, b"key").await.unwrap()
}

/// Seven calls.
async fn store(engine: &dyn Engine) -> Result<Bytes, EngineError> {
    let mut writer = engine.write_blob(None, OwnerTag::default()).await?;
    writer.write(Bytes::from_static(b"one")).await?;
    writer.write(Bytes::from_static(b"two")).await?;
    let sealed = writer.finish().await?;
    let batch = Batch {
        links: vec![(sealed.run.blob, RefTag(1))],
        ..put(b"1")
    };
    engine.commit(TABLE, b"key", batch).await?;
    engine.open_blob(sealed.run).await?.read(1, 4).await
}

#[test]
fn fails_at_every_call_in_turn() {
    block_on(async {
        for k in 0.. {
            let (memory, engine) = faulty();
            engine.fail_at(k, || EngineError::Full);
            let outcome = store(&engine).await;
            if engine.pending() {
                assert_eq!(outcome.unwrap(), &b"netw"[..]);
                assert_eq!((k, engine.calls()), (7, 7));
                break;
            }
            assert!(matches!(outcome, Err(EngineError::Full)), "call {k}");
            // What comes after the commit does not undo it; what comes before leaves nothing.
            let is_stored = k > 4;
            assert_eq!(memory.blobs().len(), usize::from(is_stored), "call {k}");
            assert_eq!(row(&*memory).await.is_some(), is_stored, "call {k}");
        }
    });
}

#[test]
fn fails_after_the_call_was_carried_out() {
    block_on(async {
        let (memory, engine) = faulty();
        engine.fail_after(1, || EngineError::Full);
        engine.commit(TABLE, b"key", put(b"1")).await.unwrap();
        assert!(engine.pending());
        let outcome = engine.commit(TABLE, b"key", put(b"2")).await;
        assert!(matches!(outcome, Err(EngineError::Full)));
        assert!(!engine.pending());
        assert_eq!(row(&*memory).await.unwrap(), &b"2"[..]);
        engine.commit(TABLE, b"key", put(b"3")).await.unwrap();
    });
}

#[test]
fn fails_all_writes_and_nothing_else() {
    block_on(async {
        let (_, engine) = faulty();
        engine.commit(TABLE, b"key", put(b"1")).await.unwrap();
        engine.fail_writes(|| EngineError::Full);
        for _ in 0..3 {
            assert!(engine.commit(TABLE, b"key", put(b"2")).await.is_err());
            assert!(engine.write_blob(None, OwnerTag::default()).await.is_err());
            assert_eq!(row(&engine).await.unwrap(), &b"1"[..]);
        }
        // Full disks can be emptied.
        let remove = Batch {
            deletes: vec![(Family::Current, Bytes::from_static(b"key"))],
            ..Batch::default()
        };
        engine.commit(TABLE, b"key", remove).await.unwrap();
        engine.heal();
        engine.commit(TABLE, b"key", put(b"3")).await.unwrap();
    });
}

#[test]
fn lets_another_client_in_between() {
    block_on(async {
        let (memory, engine) = faulty();
        let other = Arc::clone(&memory);
        engine.run_before(1, async move {
            other.commit(TABLE, b"key", put(b"other")).await.unwrap();
        });
        assert_eq!(row(&engine).await, None);
        assert!(engine.pending());
        assert_eq!(row(&engine).await.unwrap(), &b"other"[..]);
        assert!(!engine.pending());
    });
}
