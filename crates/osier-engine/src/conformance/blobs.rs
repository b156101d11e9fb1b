//! Bytes of blobs, and who keeps them.

use bytes::Bytes;

use super::{
    Subject, assert_content, assert_freed, assert_readable, bytes, check, fresh_table, fresh_tag,
    link, pattern, puts, try_write, unlink, write, write_linked,
};
use crate::{Batch, BlobId, EngineError, Expect, Family, OwnerTag, RefTag, Run};

const MIB: usize = 1 << 20;

pub async fn small_sizes(subject: &mut dyn Subject) {
    sizes(
        subject,
        &[0, 1, 2, 511, 512, 513, 4032, 4095, 4096, 4097, 8192],
    )
    .await;
}

pub async fn medium_sizes(subject: &mut dyn Subject) {
    let sizes_around = [
        65_535,
        65_536,
        65_537,
        131_072,
        1_000_000,
        MIB - 1,
        MIB,
        MIB + 1,
    ];
    sizes(subject, &sizes_around).await;
}

pub async fn large_sizes(subject: &mut dyn Subject) {
    sizes(subject, &[8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 9 * MIB]).await;
}

async fn sizes(subject: &mut dyn Subject, lengths: &[usize]) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let mut written = Vec::new();
    for (seed, length) in (1..).zip(lengths) {
        let content = pattern(seed, *length);
        let (run, tag) = write_linked(&*engine, table, &content).await;
        assert_readable(&*engine, run, &content).await;
        written.push((run, tag, content));
    }
    for (run, tag, content) in written {
        assert_readable(&*engine, run, &content).await;
        unlink(&*engine, table, run, tag).await;
        assert_freed(subject, run).await;
    }
}

pub async fn writes_in_odd_pieces(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for (seed, length, piece) in [
        (1, 10_000, 1),
        (2, 300_001, 997),
        (3, 300_001, 4096),
        (4, 300_001, 65_537),
        (5, 3 * MIB, 123_457),
        (6, 9 * MIB + 5, 777_777),
        (7, 9 * MIB + 5, 10 * MIB),
    ] {
        let content = pattern(seed, length);
        let sealed = write(&*engine, &content, piece).await;
        link(&*engine, table, sealed.run, fresh_tag())
            .await
            .unwrap();
        assert_readable(&*engine, sealed.run, &content).await;
    }
    let mut writer = engine.write_blob(None, OwnerTag::default()).await.unwrap();
    for piece in [&b""[..], b"a", b"", b"b"] {
        writer.write(bytes(piece)).await.unwrap();
    }
    let sealed = writer.finish().await.unwrap();
    link(&*engine, table, sealed.run, fresh_tag())
        .await
        .unwrap();
    assert_readable(&*engine, sealed.run, &bytes(b"ab")).await;
}

pub async fn wrong_length_hints(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let long = 9 * MIB as u64;
    for (seed, length, hint) in [
        (1, 100_000, None),
        (2, 100_000, Some(0)),
        (3, 100_000, Some(long)),
        (4, 0, Some(long)),
        (5, 9 * MIB, Some(10)),
        (6, 9 * MIB, None),
    ] {
        let content = pattern(seed, length);
        let sealed = try_write(&*engine, &content, 200_000, hint).await.unwrap();
        link(&*engine, table, sealed.run, fresh_tag())
            .await
            .unwrap();
        assert_readable(&*engine, sealed.run, &content).await;
    }
}

pub async fn reads_at_odd_places(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let most = engine.limits().read_bytes_max;
    for (seed, length) in [(1, 5000), (2, 400_003), (3, 9 * MIB + 17)] {
        let content = pattern(seed, length);
        let (run, _) = write_linked(&*engine, table, &content).await;
        let reader = engine.open_blob(run).await.unwrap();
        let places = [
            0,
            1,
            63,
            511,
            512,
            4095,
            4096,
            4097,
            65_471,
            65_535,
            65_536,
            65_537,
            131_071,
            MIB,
            8 * MIB - 1,
            8 * MIB + 1,
        ];
        let spans = [0, 1, 2, 511, 4096, 65_536, 65_537, 200_001];
        for offset in places.into_iter().chain([length / 2, length - 1, length]) {
            for span in spans {
                let span = span.min(most);
                let Some(expected) = content.get(offset..offset + span) else {
                    continue;
                };
                let read = reader.read(offset as u64, span).await.unwrap();
                assert!(read == expected, "{span} bytes at {offset} of {length}");
            }
            // Up to the very end.
            let rest = content.get(offset..).filter(|rest| rest.len() <= most);
            if let Some(rest) = rest {
                let read = reader.read(offset as u64, rest.len()).await.unwrap();
                assert!(read == rest, "the rest from {offset} of {length}");
            }
        }
        let span = most.min(length);
        let read = reader.read((length - span) as u64, span).await.unwrap();
        assert!(read == content[length - span..], "the longest read");
    }
}

pub async fn reads_beyond_the_end(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for length in [0, 1, 5000, 65_536, 9 * MIB] {
        let content = pattern(1, length);
        let (run, _) = write_linked(&*engine, table, &content).await;
        let reader = engine.open_blob(run).await.unwrap();
        let end = length as u64;
        for (offset, span) in [
            (end, 1),
            (end.saturating_sub(1), 2),
            (end + 1, 0),
            (end + 4096, 10),
            (0, length.saturating_add(1).min(1 << 24)),
            (u64::MAX, 1),
            (u64::MAX - 1, 4096),
        ] {
            if offset.saturating_add(span as u64) > end {
                let read = reader.read(offset, span).await;
                assert!(read.is_err(), "{span} bytes at {offset} of {length}");
            }
        }
        assert_content(&*engine, &*reader, run, &content).await;
    }
}

pub async fn unknown_blob(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let run = Run {
        blob: BlobId(u64::MAX - 12_345),
        length: 10,
    };
    let opened = engine.open_blob(run).await;
    assert!(matches!(opened, Err(EngineError::NoBlob)), "{opened:?}");
    let linked = link(&*engine, table, run, fresh_tag()).await;
    assert!(matches!(linked, Err(EngineError::NoBlob)), "{linked:?}");
    assert!(
        super::all_rows(&*engine, table, Family::Current)
            .await
            .is_empty()
    );
    // What is not there needs no unlinking.
    unlink(&*engine, table, run, fresh_tag()).await;
}

pub async fn blobs_written_side_by_side(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let contents = [
        pattern(1, 100_001),
        pattern(2, 4096),
        pattern(3, 9 * MIB),
        pattern(4, 65_536),
        pattern(5, 300_000),
    ];
    let mut writers = Vec::new();
    for content in &contents {
        let writer = engine.write_blob(None, OwnerTag::default()).await.unwrap();
        writers.push((writer, content.clone()));
    }
    while writers.iter().any(|(_, rest)| !rest.is_empty()) {
        for (writer, rest) in &mut writers {
            let next = rest.split_to(rest.len().min(70_001));
            writer.write(next).await.unwrap();
        }
    }
    let mut runs = Vec::new();
    for (writer, _) in writers {
        let sealed = writer.finish().await.unwrap();
        link(&*engine, table, sealed.run, fresh_tag())
            .await
            .unwrap();
        runs.push(sealed.run);
    }
    for (run, content) in runs.into_iter().zip(&contents) {
        assert_readable(&*engine, run, content).await;
    }
}

/// A small blob and one with storage of its own.
fn both_kinds() -> [Bytes; 2] {
    [pattern(1, 20_000), pattern(2, 8 * MIB + 1)]
}

pub async fn link_keeps(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for content in both_kinds() {
        let sealed = write(&*engine, &content, MIB).await;
        let run = sealed.run;
        // Readable before it is linked, too: checksums of copies are computed then.
        assert_readable(&*engine, run, &content).await;
        link(&*engine, table, run, fresh_tag()).await.unwrap();
        drop(sealed);
        subject.settle().await;
        assert_readable(&*engine, run, &content).await;
    }
}

pub async fn unlink_frees(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for content in both_kinds() {
        let (run, tag) = write_linked(&*engine, table, &content).await;
        unlink(&*engine, table, run, tag).await;
        assert_freed(subject, run).await;
    }
}

pub async fn second_link_keeps(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let (table, other) = (fresh_table(&*engine).await, fresh_table(&*engine).await);
    for content in both_kinds() {
        let (run, first) = write_linked(&*engine, table, &content).await;
        let second = fresh_tag();
        // Links of one blob may come from several tables.
        link(&*engine, other, run, second).await.unwrap();
        unlink(&*engine, table, run, first).await;
        subject.settle().await;
        assert_readable(&*engine, run, &content).await;
        unlink(&*engine, other, run, second).await;
        assert_freed(subject, run).await;
    }
}

pub async fn link_twice_is_once(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 20_000);
    let (run, tag) = write_linked(&*engine, table, &content).await;
    link(&*engine, table, run, tag).await.unwrap();
    let batch = Batch {
        links: vec![(run.blob, tag), (run.blob, tag)],
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
    subject.settle().await;
    assert_readable(&*engine, run, &content).await;
    unlink(&*engine, table, run, tag).await;
    assert_freed(subject, run).await;
}

pub async fn unlink_twice_is_once(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 20_000);
    let (run, first) = write_linked(&*engine, table, &content).await;
    let second = fresh_tag();
    link(&*engine, table, run, second).await.unwrap();
    unlink(&*engine, table, run, first).await;
    unlink(&*engine, table, run, first).await;
    let batch = Batch {
        unlinks: vec![(run.blob, first), (run.blob, first)],
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
    subject.settle().await;
    assert_readable(&*engine, run, &content).await;
    unlink(&*engine, table, run, second).await;
    unlink(&*engine, table, run, second).await;
    assert_freed(subject, run).await;
}

pub async fn unlink_of_an_unknown_tag(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 20_000);
    let (run, _) = write_linked(&*engine, table, &content).await;
    for tag in [RefTag(0), RefTag(u64::MAX), fresh_tag()] {
        unlink(&*engine, table, run, tag).await;
    }
    // A blob that was never linked is not freed by it either.
    let sealed = write(&*engine, &content, 5000).await;
    unlink(&*engine, table, sealed.run, fresh_tag()).await;
    subject.settle().await;
    assert_readable(&*engine, run, &content).await;
    assert_readable(&*engine, sealed.run, &content).await;
    link(&*engine, table, sealed.run, fresh_tag())
        .await
        .unwrap();
}

pub async fn link_moves_between_rows(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for content in both_kinds() {
        let (run, mut tag) = write_linked(&*engine, table, &content).await;
        // The row moves and the tag with it: no change of links.
        let moved = Batch {
            deletes: vec![(Family::Current, bytes(tag.0.to_be_bytes()))],
            ..puts(Family::Version, &[(b"moved", &tag.0.to_be_bytes())])
        };
        engine.commit(table, b"", moved).await.unwrap();
        // Or another tag takes over in the same batch.
        for _ in 0..3 {
            let next = fresh_tag();
            let batch = Batch {
                links: vec![(run.blob, next)],
                unlinks: vec![(run.blob, tag)],
                ..Batch::default()
            };
            engine.commit(table, b"", batch).await.unwrap();
            subject.settle().await;
            assert_readable(&*engine, run, &content).await;
            tag = next;
        }
        unlink(&*engine, table, run, tag).await;
        assert_freed(subject, run).await;
    }
}

pub async fn link_of_a_freed_blob(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for content in both_kinds() {
        let (run, tag) = write_linked(&*engine, table, &content).await;
        let (other, other_tag) = write_linked(&*engine, table, &pattern(3, 5000)).await;
        // A reader doesn't help: it is no reference.
        let reader = engine.open_blob(run).await.unwrap();
        unlink(&*engine, table, run, tag).await;
        let batch = Batch {
            links: vec![(other.blob, fresh_tag()), (run.blob, fresh_tag())],
            unlinks: vec![(other.blob, other_tag)],
            counters: vec![(0, 1)],
            ..puts(Family::Version, &[(b"copy", b"1")])
        };
        let result = engine.commit(table, b"", batch).await;
        assert!(matches!(result, Err(EngineError::NoBlob)), "{result:?}");
        let row = engine.get(table, Family::Version, b"copy").await.unwrap();
        assert_eq!(row, None);
        assert_eq!(engine.counters(table).await.unwrap()[0], 0);
        assert_content(&*engine, &*reader, run, &content).await;
        drop(reader);
        assert_freed(subject, run).await;
        // Nothing of that batch was applied: the other blob has its old link only.
        unlink(&*engine, table, other, other_tag).await;
        assert_freed(subject, other).await;
    }
}

pub async fn link_of_several_blobs(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let contents: Vec<_> = (1..20).map(|seed| pattern(seed, 4000)).collect();
    let mut sealed = Vec::new();
    for content in &contents {
        sealed.push(write(&*engine, content, 1000).await);
    }
    let runs: Vec<_> = sealed.iter().map(|sealed| sealed.run).collect();
    let tag = fresh_tag();
    let links: Vec<_> = runs.iter().map(|run| (run.blob, tag)).collect();
    let batch = Batch {
        links: links.clone(),
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
    drop(sealed);
    subject.settle().await;
    for (run, content) in runs.iter().zip(&contents) {
        assert_readable(&*engine, *run, content).await;
    }
    let batch = Batch {
        unlinks: links,
        ..Batch::default()
    };
    engine.commit(table, b"", batch).await.unwrap();
    for run in runs {
        assert_freed(subject, run).await;
    }
}

pub async fn readers_outlive_links(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    for content in both_kinds() {
        let (run, tag) = write_linked(&*engine, table, &content).await;
        let readers = [
            engine.open_blob(run).await.unwrap(),
            engine.open_blob(run).await.unwrap(),
        ];
        unlink(&*engine, table, run, tag).await;
        subject.settle().await;
        // Others write where its bytes were, if they can.
        for seed in 10..14 {
            drop(write(&*engine, &pattern(seed, content.len()), MIB).await);
        }
        subject.settle().await;
        for reader in readers {
            assert_content(&*engine, &*reader, run, &content).await;
        }
        assert_freed(subject, run).await;
    }
}

pub async fn dropped_sealed_blob_is_freed(subject: &mut dyn Subject) {
    let engine = subject.engine();
    for content in both_kinds() {
        let sealed = write(&*engine, &content, MIB).await;
        let run = sealed.run;
        let reader = engine.open_blob(run).await.unwrap();
        drop(sealed);
        subject.settle().await;
        assert_content(&*engine, &*reader, run, &content).await;
        drop(reader);
        assert_freed(subject, run).await;
    }
}

pub async fn dropped_writer_leaves_nothing(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(9, 50_000);
    for length in [0, 1, 5000, 300_000, 9 * MIB] {
        let hint = Some(length as u64);
        let mut writer = engine.write_blob(hint, OwnerTag::default()).await.unwrap();
        writer.write(pattern(1, length / 2)).await.unwrap();
        drop(writer);
        // The next blob is whole, wherever it was put.
        let (run, _) = write_linked(&*engine, table, &content).await;
        assert_readable(&*engine, run, &content).await;
    }
}

pub async fn conflict_leaves_sealed_blob(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let content = pattern(1, 20_000);
    let sealed = write(&*engine, &content, 20_000).await;
    let tag = fresh_tag();
    let checked = |expect| Batch {
        checks: vec![check(Family::Current, b"key", expect)],
        links: vec![(sealed.run.blob, tag)],
        ..puts(Family::Current, &[(b"key", b"1")])
    };
    let result = engine.commit(table, b"key", checked(Expect::Exists)).await;
    assert!(matches!(result, Err(EngineError::Conflict { index: 0 })));
    subject.settle().await;
    // The same blob serves the second attempt.
    engine
        .commit(table, b"key", checked(Expect::Absent))
        .await
        .unwrap();
    let run = sealed.run;
    drop(sealed);
    subject.settle().await;
    assert_readable(&*engine, run, &content).await;
}
