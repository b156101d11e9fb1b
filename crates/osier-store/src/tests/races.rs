//! Several clients at one key at once.

use std::sync::Arc;

use osier_engine::Engine;
use osier_types::{
    BucketVersioning, CompletedParts, ETag, FaultKind, Op, Rng as _, SeededRng, VersionId,
};

use super::kit::*;
use crate::digest::md5_of;
use crate::{Caller, Store};

/// Everything races with everything on one key; each read is one of the bodies written, whole.
async fn everything_at_once(versioning: Option<BucketVersioning>) {
    let kit = Arc::new(Kit::new().await);
    if let Some(status) = versioning {
        kit.versioning(status).await;
    }
    let mut tasks = Vec::new();
    for worker in 0..8_u8 {
        let kit = Arc::clone(&kit);
        tasks.push(tokio::spawn(async move {
            let rng = SeededRng::new(u64::from(worker));
            for round in 0..60_u8 {
                let body = bytes(
                    worker.wrapping_mul(60).wrapping_add(round),
                    usize::from(round) * 3,
                );
                match rng.next_u64() % 8 {
                    0 | 1 => drop(kit.put("k", &body).await),
                    2 => {
                        kit.delete("k", None).await;
                    }
                    3 => {
                        let entries = kit.all_versions().await;
                        if let Some(entry) = entries.first() {
                            kit.delete("k", Some(entry.version)).await;
                        }
                    }
                    4 => {
                        let id = kit.initiate("k").await;
                        kit.part("k", &id, 1, &body).await.unwrap();
                        let racing = {
                            let (kit, id) = (Arc::clone(&kit), id.clone());
                            tokio::spawn(async move { kit.part("k", &id, 2, b"late").await })
                        };
                        kit.complete("k", &id, CompletedParts::All).await.ok();
                        let late = racing.await.unwrap();
                        let gone = kit.run(Op::AbortMultipartUpload(upload("k", &id))).await;
                        assert!(late.is_ok() || gone.is_err());
                    }
                    5 => drop(kit.copy(copy_op("k", None, "k")).await),
                    6 => drop(kit.append(append_op("k", 0), &body).await),
                    _ => match kit.get_with(get_op("k", None)).await {
                        Ok((read, body)) => {
                            if let Some(md5) = read.info.md5 {
                                assert_eq!(md5_of(&[&body]), md5);
                            }
                        }
                        Err(fault) => assert!(matches!(fault, FaultKind::NoSuchKey { .. })),
                    },
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    kit.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_versions() {
    everything_at_once(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_versions() {
    everything_at_once(Some(BucketVersioning::Enabled)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_null_versions() {
    everything_at_once(Some(BucketVersioning::Suspended)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_writers_one_wins() {
    let kit = Arc::new(Kit::new().await);
    let tasks: Vec<_> = (0..16_u8)
        .map(|worker| {
            let kit = Arc::clone(&kit);
            tokio::spawn(async move {
                let mut op = put_op("k");
                op.new.forbid_overwrite = true;
                kit.put_with(op, &bytes(worker, 50)).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(fault) => assert_eq!(fault, FaultKind::FileAlreadyExists),
        }
    }
    assert_eq!(won, 1);
    kit.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_appends_never_overlap() {
    let kit = Arc::new(Kit::new().await);
    let tasks: Vec<_> = (0..4_u8)
        .map(|worker| {
            let kit = Arc::clone(&kit);
            tokio::spawn(async move {
                let mut done = 0;
                let mut position = 0;
                while done < 20 {
                    match kit.append(append_op("k", position), &[worker; 7]).await {
                        Ok(appended) => {
                            position = appended.next_position;
                            done += 1;
                        }
                        Err(FaultKind::PositionNotEqualToLength { length }) => position = length,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let body = kit.get("k").await.unwrap();
    assert_eq!(body.len(), 4 * 20 * 7);
    for worker in 0..4_u8 {
        let runs = body.chunks(7).filter(|run| **run == [worker; 7]).count();
        assert_eq!(runs, 20);
    }
    kit.assert_sound().await;
}

/// A second store over the same engine, whose locks are not those of the first.
async fn second(kit: &Kit) -> Store {
    Store::open(
        Arc::clone(&kit.memory) as Arc<dyn Engine>,
        Arc::clone(&kit.clock) as Arc<dyn osier_types::Clock>,
        Arc::new(SeededRng::new(1234)),
        kit.store.settings.clone(),
    )
    .await
    .unwrap()
}

async fn overwrite(store: &Store, body: Vec<u8>) {
    let mut body = crate::BytesSource::new(body);
    let caller = Caller::default();
    let put = store
        .execute(&caller, Op::PutObject(put_op("k")), &mut body)
        .await;
    put.unwrap();
}

/// Someone overwrites the key just before the k-th call of a read: the answer is the old body or
/// the new one, and never a mixture or a failure.
#[tokio::test]
async fn a_read_sees_one_version_whole() {
    for (before, after) in [(50, 60), (5, 60), (60, 5), (5, 6)] {
        for k in 0..30 {
            let kit = Kit::new().await;
            kit.put("k", &bytes(1, before)).await;
            let other = second(&kit).await;
            kit.faulty
                .run_before(k, async move { overwrite(&other, bytes(2, after)).await });
            let (read, body) = kit.get_with(get_op("k", None)).await.unwrap();
            assert!(body == bytes(1, before) || body == bytes(2, after));
            assert_eq!(read.info.etag, ETag::of_md5(&md5_of(&[&body])));
            let finished = kit.faulty.pending();
            kit.faulty.heal();
            if finished {
                break;
            }
            kit.assert_sound().await;
        }
    }
}

#[tokio::test]
async fn a_copy_takes_one_version_whole() {
    for (before, after) in [(50, 60), (5, 60), (60, 5)] {
        for k in 0..30 {
            let kit = Kit::new().await;
            kit.put("k", &bytes(1, before)).await;
            let other = second(&kit).await;
            kit.faulty
                .run_before(k, async move { overwrite(&other, bytes(2, after)).await });
            kit.copy(copy_op("k", None, "to")).await.unwrap();
            let finished = kit.faulty.pending();
            kit.faulty.heal();
            let body = kit.get("to").await.unwrap();
            assert!(body == bytes(1, before) || body == bytes(2, after));
            kit.assert_sound().await;
            if finished {
                break;
            }
        }
    }
}

/// Someone else changes the key just before the k-th call of a change: both happen, one after
/// the other.
#[tokio::test]
async fn changes_of_another_process_are_noticed() {
    for versioned in [false, true] {
        for verb in 0..4 {
            for k in 0..40 {
                let kit = Kit::new().await;
                if versioned {
                    kit.versioning(BucketVersioning::Enabled).await;
                }
                kit.put("k", &bytes(1, 50)).await;
                let other = second(&kit).await;
                kit.faulty
                    .run_before(k, async move { overwrite(&other, bytes(2, 60)).await });
                match verb {
                    0 => drop(kit.put("k", &bytes(3, 70)).await),
                    1 => {
                        kit.delete("k", None).await;
                    }
                    2 => {
                        kit.delete("k", Some(VersionId::Null)).await;
                    }
                    _ => drop(kit.copy(copy_op("k", None, "k")).await.unwrap()),
                }
                let finished = kit.faulty.pending();
                kit.faulty.heal();
                kit.assert_sound().await;
                if finished {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_body_being_read_outlives_its_object() {
    let kit = Kit::new().await;
    let body = bytes(1, 500);
    kit.put("k", &body).await;
    let reply = kit
        .send(Op::GetObject(get_op("k", None)), b"")
        .await
        .unwrap();
    let mut stream = reply.body.unwrap();
    let mut read = stream.next().await.unwrap().unwrap().to_vec();
    kit.put("k", b"other").await;
    kit.delete("k", None).await;
    while let Some(chunk) = stream.next().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert_eq!(read, body);
    drop(stream);
    kit.assert_sound().await;
}
