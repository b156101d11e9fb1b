//! Many callers at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::linearize::{self, Answer, Call, Recorder};
use super::{
    Subject, all_rows, assert_freed, assert_readable, bytes, check, fresh_table, fresh_tag, link,
    pattern, puts, unlink, write_linked,
};
use crate::{Batch, Engine, EngineError, Expect, Family, KeyRange, TableId};

pub async fn compare_and_set_loses_nothing(subject: &mut dyn Subject) {
    const TASKS: u32 = 64;
    const ROUNDS: u32 = 3;
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let start = puts(Family::Current, &[(b"counter", &0_u32.to_be_bytes())]);
    engine.commit(table, b"counter", start).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..ROUNDS {
                made.push(increment(&*engine, table).await);
            }
            made
        });
    }
    let mut made: Vec<u32> = tasks.join_all().await.into_iter().flatten().collect();
    made.sort_unstable();
    // Every number was made by exactly one of them.
    assert_eq!(made, (1..=TASKS * ROUNDS).collect::<Vec<_>>());
    let counters = engine.counters(table).await.unwrap();
    assert_eq!(counters[0], i64::from(TASKS * ROUNDS));
}

async fn increment(engine: &dyn Engine, table: TableId) -> u32 {
    loop {
        let old = engine.get(table, Family::Current, b"counter").await;
        let old = old.unwrap().unwrap();
        let next = u32::from_be_bytes(old[..].try_into().unwrap()) + 1;
        let batch = Batch {
            checks: vec![check(Family::Current, b"counter", Expect::Equals(old))],
            counters: vec![(0, 1)],
            ..puts(Family::Current, &[(b"counter", &next.to_be_bytes())])
        };
        match engine.commit(table, b"counter", batch).await {
            Ok(()) => return next,
            Err(EngineError::Conflict { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

pub async fn one_creator_wins(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for round in 0_u32..10 {
        let mut tasks = JoinSet::new();
        for creator in 0_u32..32 {
            let engine = Arc::clone(&engine);
            tasks.spawn(async move {
                let key = round.to_be_bytes();
                let batch = Batch {
                    checks: vec![check(Family::Current, &key, Expect::Absent)],
                    ..puts(Family::Current, &[(&key, &creator.to_be_bytes())])
                };
                match engine.commit(table, &key, batch).await {
                    Ok(()) => Some(creator),
                    Err(EngineError::Conflict { index: 0 }) => None,
                    Err(other) => panic!("{other}"),
                }
            });
        }
        let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let row = engine
            .get(table, Family::Current, &round.to_be_bytes())
            .await
            .unwrap();
        assert_eq!(row, Some(bytes(winners[0].to_be_bytes())));
    }
}

pub async fn groups_in_parallel(subject: &mut dyn Subject) {
    const GROUPS: u32 = 64;
    const ROWS: u32 = 10;
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let mut tasks = JoinSet::new();
    for group in 0..GROUPS {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            for row in 0..ROWS {
                let group = group.to_be_bytes();
                let key = [group, row.to_be_bytes()].concat();
                let batch = Batch {
                    checks: vec![check(Family::Version, &key, Expect::Absent)],
                    counters: vec![(0, 1), (1, i64::from(row))],
                    ..puts(Family::Version, &[(&key, &key)])
                };
                engine.commit(table, &group, batch).await.unwrap();
                let read = engine.get(table, Family::Version, &key).await.unwrap();
                assert_eq!(read.as_deref(), Some(&key[..]), "read after write");
            }
        });
    }
    tasks.join_all().await;
    let rows = all_rows(&*engine, table, Family::Version).await;
    assert_eq!(rows.len(), (GROUPS * ROWS) as usize);
    assert!(rows.iter().all(|(key, value)| key == value));
    let counters = engine.counters(table).await.unwrap();
    assert_eq!(counters[0], i64::from(GROUPS * ROWS));
    assert_eq!(counters[1], i64::from(GROUPS * ROWS * (ROWS - 1) / 2));
}

pub async fn scan_sees_steady_rows_once(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let key = |index: u32| bytes(format!("{index:04}"));
    let steady = Batch {
        puts: (0..300)
            .map(|index| (Family::Current, key(index * 2), bytes(b"steady")))
            .collect(),
        ..Batch::default()
    };
    engine.commit(table, b"", steady).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0_u32..4 {
        let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
        writers.spawn(async move {
            let mut index = writer;
            while !stop.load(Ordering::Relaxed) {
                index = (index + 37) % 300;
                let odd = bytes(format!("{:04}", index * 2 + 1));
                let batch = puts(Family::Current, &[(&odd, b"passing")]);
                engine.commit(table, &odd, batch).await.unwrap();
                let batch = Batch {
                    deletes: vec![(Family::Current, odd.clone())],
                    ..Batch::default()
                };
                engine.commit(table, &odd, batch).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    for limit in [1000, 50, 7] {
        let mut seen = Vec::new();
        let mut rest = KeyRange::ALL;
        loop {
            let page = engine
                .scan(table, Family::Current, rest.clone(), limit)
                .await
                .unwrap();
            seen.extend(page.rows);
            if !page.more {
                break;
            }
            rest = rest.after(&seen.last().unwrap().0);
            tokio::task::yield_now().await;
        }
        assert!(seen.is_sorted_by(|one, next| one.0 < next.0));
        let steady: BTreeSet<_> = seen
            .into_iter()
            .filter(|(_, value)| value == "steady")
            .map(|(key, _)| key)
            .collect();
        assert_eq!(steady, (0..300).map(|index| key(index * 2)).collect());
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
}

/// A copy takes a link while the source goes away: it either fails, or keeps the bytes.
pub async fn linking_races_with_freeing(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for round in 0..60 {
        let content = pattern(round, 3000);
        let (run, tag) = write_linked(&*engine, table, &content).await;
        let copy = fresh_tag();
        let linking = {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { link(&*engine, table, run, copy).await })
        };
        let freeing = {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { unlink(&*engine, table, run, tag).await })
        };
        let linked = linking.await.unwrap();
        freeing.await.unwrap();
        match linked {
            Ok(()) => {
                subject.settle().await;
                assert_readable(&*engine, run, &content).await;
                unlink(&*engine, table, run, copy).await;
            }
            Err(EngineError::NoBlob) => {}
            Err(other) => panic!("{other}"),
        }
        assert_freed(subject, run).await;
    }
}

pub async fn blobs_in_parallel(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let mut tasks = JoinSet::new();
    for seed in 0_u32..32 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            let length = 1 + (seed as usize * 37_123) % 500_000;
            let content = pattern(u64::from(seed), length);
            let (run, tag) = write_linked(&*engine, table, &content).await;
            assert_readable(&*engine, run, &content).await;
            if seed % 2 == 0 {
                unlink(&*engine, table, run, tag).await;
            }
            (seed, run, content)
        });
    }
    let written = tasks.join_all().await;
    let names: BTreeSet<_> = written.iter().map(|(_, run, _)| run.blob).collect();
    assert_eq!(names.len(), 32, "a blob's name was used twice");
    for (seed, run, content) in written {
        if seed % 2 == 0 {
            assert_freed(subject, run).await;
        } else {
            assert_readable(&*engine, run, &content).await;
        }
    }
}

pub async fn histories_are_linearizable(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for round in 0..5_u64 {
        let recorder = Arc::new(Recorder::new());
        let mut clients = JoinSet::new();
        for client in 0..8_u64 {
            let (engine, recorder) = (Arc::clone(&engine), Arc::clone(&recorder));
            clients.spawn(async move {
                for turn in 0..25_u64 {
                    let value = (round << 32) | (client << 16) | turn;
                    let call = match (value.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 61 {
                        0 | 1 => Call::Put(value),
                        2 => Call::Delete,
                        3 => Call::CompareAndSet(None, Some(value)),
                        4 | 5 => {
                            let old = engine.get(table, Family::Current, b"key").await;
                            let old = old.unwrap().as_deref().map(number);
                            Call::CompareAndSet(old, Some(value))
                        }
                        _ => Call::Get,
                    };
                    let name = recorder.begin(call.clone());
                    let answer = carry_out(&*engine, table, call).await;
                    recorder.end(name, answer);
                    tokio::task::yield_now().await;
                }
            });
        }
        clients.join_all().await;
        let verdict = linearize::check(None, &recorder.history());
        assert_eq!(verdict, Ok(()), "round {round}");
        let remove = Batch {
            deletes: vec![(Family::Current, bytes(b"key"))],
            ..Batch::default()
        };
        engine.commit(table, b"key", remove).await.unwrap();
    }
}

async fn carry_out(engine: &dyn Engine, table: TableId, call: Call<u64>) -> Answer<u64> {
    let write = |new: Option<u64>| match new {
        Some(new) => puts(Family::Current, &[(b"key", &new.to_be_bytes())]),
        None => Batch {
            deletes: vec![(Family::Current, bytes(b"key"))],
            ..Batch::default()
        },
    };
    let batch = match call {
        Call::Get => {
            let row = engine.get(table, Family::Current, b"key").await.unwrap();
            return Answer::Found(row.as_deref().map(number));
        }
        Call::Put(new) => write(Some(new)),
        Call::Delete => write(None),
        Call::CompareAndSet(old, new) => {
            let expect = old.map_or(Expect::Absent, |old| {
                Expect::Equals(bytes(old.to_be_bytes()))
            });
            Batch {
                checks: vec![check(Family::Current, b"key", expect)],
                ..write(new)
            }
        }
    };
    match engine.commit(table, b"key", batch).await {
        Ok(()) => Answer::Done,
        Err(EngineError::Conflict { index: 0 }) => Answer::Refused,
        Err(other) => panic!("{other}"),
    }
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().unwrap())
}
