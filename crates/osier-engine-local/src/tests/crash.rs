//! A process that is killed at any moment loses nothing that it acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use osier_engine::{BlobId, Family};

use super::*;

const CHILD: &str = "OSIER_TEST_CRASH_DIRECTORY";

/// The process to be killed: writes blobs and rows, and says what was acknowledged.
/// Does nothing unless the other test started it.
#[test]
fn child_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let engine = open(Path::new(&path));
        let collecting = Arc::clone(&engine);
        tokio::spawn(async move {
            while collecting.collect_now(Duration::ZERO).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut tasks = Vec::new();
        for task in 0..8_u64 {
            let engine = Arc::clone(&engine);
            tasks.push(tokio::spawn(
                async move { write_for_ever(&engine, task).await },
            ));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn write_for_ever(engine: &LocalEngine, task: u64) {
    let start = engine.links(None, 1_000_000).unwrap().len();
    for step in 0_u64.. {
        let tag = (task << 48) | (u64::try_from(start).unwrap() << 24) | step;
        let length = match step % 7 {
            0 => 2 << 20,
            6 => 9 << 20,
            short => usize::try_from(short * 3000).unwrap(),
        };
        let content = pattern(tag, length);
        let sealed = write(engine, &content).await;
        let run = sealed.run;
        if step % 5 == 4 {
            // Given up.
            continue;
        }
        let mut batch = links(run, tag);
        batch.puts.push((
            Family::Current,
            Bytes::copy_from_slice(&tag.to_be_bytes()),
            Bytes::from(format!("{} {}", run.blob.0, run.length)),
        ));
        batch.counters.push((0, 1));
        engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        println!("kept {tag} {} {}", run.blob.0, run.length);
        if step % 5 == 3 {
            let mut batch = unlinks(run, tag);
            let key = Bytes::copy_from_slice(&tag.to_be_bytes());
            batch.deletes.push((Family::Current, key));
            batch.counters.push((0, -1));
            println!("dropping {tag}");
            engine.commit(TableId::SYSTEM, b"", batch).await.unwrap();
        }
    }
}

/// What must be there: runs by their tags, and tags whose end was begun.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    runs: BTreeMap<u64, Run>,
}

/// Starts the process to be killed.
pub(super) fn child(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::crash::child_that_is_killed",
            "--nocapture",
        ])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Takes note of a line that the child said, if it is one of its own.
pub(super) fn note_line(kept: &mut Kept, line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["kept", tag, blob, length] => {
            let run = Run {
                blob: BlobId(blob.parse().unwrap()),
                length: length.parse().unwrap(),
            };
            kept.runs.insert(tag.parse().unwrap(), run);
            true
        }
        ["dropping", tag] => {
            kept.runs.remove(&tag.parse().unwrap());
            true
        }
        _ => false,
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let mut kept = Kept::default();
    for round in 0..4_usize {
        let mut child = child(directory.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // Killed after a number of acknowledgements that differs between rounds;
        // what it said up to its end counts as well.
        for line in lines {
            if note_line(&mut kept, &line.unwrap()) {
                seen += 1;
            }
            if seen == 40 + 37 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        check_after_a_crash(directory.path(), &kept, round % 2 == 0).await;
    }
}

pub(super) async fn check_after_a_crash(path: &Path, kept: &Kept, close: bool) {
    let engine = open(path);
    for (tag, run) in &kept.runs {
        let row = engine
            .get(TableId::SYSTEM, Family::Current, &tag.to_be_bytes())
            .await
            .unwrap();
        assert_eq!(row.unwrap(), format!("{} {}", run.blob.0, run.length));
        let content = pattern(*tag, usize::try_from(run.length).unwrap());
        assert!(read(&engine, *run).await.unwrap() == content, "{tag}");
    }
    // What was under way at the end may or may not be there, but whole: every row
    // has its link and every link its row, and the counter counts them.
    let page = engine
        .scan(
            TableId::SYSTEM,
            Family::Current,
            osier_engine::KeyRange::ALL,
            1_000_000,
        )
        .await
        .unwrap();
    let references = page
        .rows
        .iter()
        .map(|(key, value)| {
            let tag = u64::from_be_bytes(key.as_ref().try_into().unwrap());
            let text = std::str::from_utf8(value).unwrap();
            let blob = text.split(' ').next().unwrap().parse().unwrap();
            (BlobId(blob), RefTag(tag))
        })
        .collect();
    let counters = engine.counters(TableId::SYSTEM).await.unwrap();
    assert_eq!(counters[0], i64::try_from(page.rows.len()).unwrap());
    settle(&engine).await;
    let report = engine.fsck(Some(references)).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.orphans, report.garbage), (0, 0), "{report:?}");
    if close {
        engine.close().await.unwrap();
    }
}
