//! Order, bounds and limits of scans.

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;

use super::{Subject, all_rows, bytes, fresh_table, puts};
use crate::{Batch, Engine, Family, KeyRange, Page, TableId};

const KEYS: [&[u8]; 14] = [
    b"",
    b"\0",
    b"\0\0",
    b"a",
    b"a\0",
    b"a/",
    b"a/1",
    b"a/\xff",
    b"a/\xff\xff",
    b"a0",
    b"b",
    b"\xff",
    b"\xff\0",
    b"\xff\xff",
];

pub async fn rows_come_in_byte_order(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    // Written in an order that is not theirs, some of them twice.
    for key in KEYS.iter().rev().chain(KEYS.iter().step_by(3)) {
        let batch = puts(Family::Current, &[(key, key)]);
        engine.commit(table, key, batch).await.unwrap();
    }
    let rows = all_rows(&*engine, table, Family::Current).await;
    let expected: Vec<_> = KEYS.iter().map(|key| (bytes(key), bytes(key))).collect();
    assert_eq!(rows, expected);
}

pub async fn limits_and_more(subject: &mut dyn Subject) {
    let (engine, table) = (subject.engine(), filled(subject).await);
    for limit in 0..KEYS.len() + 3 {
        let page = scan(&*engine, table, KeyRange::ALL, limit).await;
        let count = limit.min(KEYS.len());
        assert_eq!(keys(&page), KEYS[..count], "limit {limit}");
        assert_eq!(page.more, limit < KEYS.len(), "limit {limit}");
    }
    let page = scan(&*engine, table, KeyRange::ALL, usize::MAX).await;
    assert_eq!((page.rows.len(), page.more), (KEYS.len(), false));
    // What lies behind the range is not more of it.
    let range = KeyRange::prefix(b"a/");
    for (limit, more) in [(3, true), (4, false), (5, false)] {
        let page = scan(&*engine, table, range.clone(), limit).await;
        assert_eq!((page.rows.len(), page.more), (limit.min(4), more));
    }
}

pub async fn bounds(subject: &mut dyn Subject) {
    let (engine, table) = (subject.engine(), filled(subject).await);
    let mut places: Vec<Vec<u8>> = KEYS.iter().map(|key| key.to_vec()).collect();
    places.extend([
        b"a/0".to_vec(),
        b"A".to_vec(),
        b"zz".to_vec(),
        vec![0xff; 9],
    ]);
    let mut ends = vec![Bound::Unbounded];
    for place in places {
        ends.push(Bound::Included(place.clone()));
        ends.push(Bound::Excluded(place));
    }
    for from in &ends {
        for to in &ends {
            let expected: Vec<&[u8]> = KEYS
                .into_iter()
                .filter(|key| is_after(from, key) && is_before(to, key))
                .collect();
            let range = KeyRange {
                from: from.clone(),
                to: to.clone(),
            };
            let page = scan(&*engine, table, range.clone(), 100).await;
            assert_eq!(keys(&page), expected, "{range:?}");
            assert!(!page.more);
            if let Some(limit) = expected.len().checked_sub(1) {
                let page = scan(&*engine, table, range.clone(), limit).await;
                assert_eq!(keys(&page), expected[..limit], "{range:?}");
                assert!(page.more, "{range:?}");
            }
        }
    }
}

pub async fn empty_and_inverted_ranges(subject: &mut dyn Subject) {
    let (engine, table) = (subject.engine(), filled(subject).await);
    let ranges = [
        (Bound::Included(&b"b"[..]), Bound::Excluded(&b"a"[..])),
        (Bound::Included(b"b"), Bound::Included(b"a")),
        (Bound::Excluded(b"b"), Bound::Excluded(b"b")),
        (Bound::Included(b"b"), Bound::Excluded(b"b")),
        (Bound::Excluded(b"b"), Bound::Included(b"b")),
        (Bound::Excluded(b"b"), Bound::Excluded(b"b\0")),
        (Bound::Included(b"c"), Bound::Included(b"d")),
        (Bound::Excluded(b"\xff\xff"), Bound::Unbounded),
        (Bound::Unbounded, Bound::Excluded(b"")),
    ];
    for (from, to) in ranges {
        let range = KeyRange {
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
        };
        let page = scan(&*engine, table, range.clone(), 10).await;
        assert_eq!(page, Page::default(), "{range:?}");
    }
    let empty = fresh_table(&*engine).await;
    let page = scan(&*engine, empty, KeyRange::ALL, 10).await;
    assert_eq!(page, Page::default());
}

pub async fn prefixes(subject: &mut dyn Subject) {
    let (engine, table) = (subject.engine(), filled(subject).await);
    let prefixes: [&[u8]; 9] = [
        b"",
        b"\0",
        b"a",
        b"a/",
        b"a/\xff",
        b"b",
        b"c",
        b"\xff",
        b"\xff\xff",
    ];
    for prefix in prefixes {
        let page = scan(&*engine, table, KeyRange::prefix(prefix), 100).await;
        let expected: Vec<&[u8]> = KEYS
            .into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect();
        assert_eq!(keys(&page), expected, "{prefix:?}");
    }
}

pub async fn pages_continue_after_a_key(subject: &mut dyn Subject) {
    let (engine, table) = (subject.engine(), filled(subject).await);
    for limit in 1..5 {
        for (range, expected) in [
            (KeyRange::ALL, &KEYS[..]),
            (KeyRange::prefix(b"a/"), &KEYS[5..9]),
        ] {
            let mut seen = Vec::new();
            let mut rest = range;
            loop {
                let page = scan(&*engine, table, rest.clone(), limit).await;
                seen.extend(page.rows.iter().map(|(key, _)| key.clone()));
                if !page.more {
                    break;
                }
                assert_eq!(page.rows.len(), limit);
                rest = rest.after(seen.last().unwrap());
            }
            assert_eq!(seen, expected, "limit {limit}");
        }
    }
}

pub async fn pages_continue_while_rows_change(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let key = |index: u32| bytes(format!("{index:04}"));
    let even = Batch {
        puts: (0..200)
            .map(|index| (Family::Current, key(index * 2), bytes(b"steady")))
            .collect(),
        ..Batch::default()
    };
    engine.commit(table, b"", even).await.unwrap();
    let mut rest = KeyRange::ALL;
    let mut seen: Vec<Bytes> = Vec::new();
    for page in 0.. {
        let found = scan(&*engine, table, rest.clone(), 7).await;
        seen.extend(found.rows.into_iter().map(|(key, _)| key));
        if !found.more {
            break;
        }
        // The key to continue from goes away, and rows come and go on both sides.
        let last = seen.last().unwrap().clone();
        rest = rest.after(&last);
        let batch = Batch {
            puts: vec![
                (Family::Current, key(page * 2 + 1), bytes(b"new")),
                (Family::Current, key(399 - page * 2), bytes(b"new")),
            ],
            deletes: vec![(Family::Current, last)],
            ..Batch::default()
        };
        engine.commit(table, b"", batch).await.unwrap();
    }
    assert!(seen.is_sorted_by(|one, next| one < next));
    let seen: BTreeSet<_> = seen.into_iter().collect();
    for index in 0..200 {
        assert!(seen.contains(&key(index * 2)), "row {}", index * 2);
    }
}

pub async fn scan_stays_in_its_family(subject: &mut dyn Subject) {
    let engine = subject.engine();
    let table = filled(subject).await;
    for family in Family::ALL {
        let expected = if family == Family::Current {
            KEYS.len()
        } else {
            0
        };
        assert_eq!(all_rows(&*engine, table, family).await.len(), expected);
    }
    // Filled neighbours on both sides change nothing.
    for family in [Family::Deleted, Family::Config] {
        let batch = puts(family, &[(b"", b"other"), (b"\xff\xff\xff", b"other")]);
        engine.commit(table, b"", batch).await.unwrap();
    }
    let rows = all_rows(&*engine, table, Family::Current).await;
    assert_eq!(rows.len(), KEYS.len());
    let page = scan(&*engine, table, KeyRange::ALL, KEYS.len()).await;
    assert!(!page.more);
}

/// A table with a row for each of [`KEYS`].
async fn filled(subject: &dyn Subject) -> TableId {
    let engine = subject.engine();
    let table = fresh_table(&*engine).await;
    let rows = KEYS.map(|key| (key, key));
    let batch = puts(Family::Current, &rows);
    engine.commit(table, b"", batch).await.unwrap();
    table
}

async fn scan(engine: &dyn Engine, table: TableId, range: KeyRange, limit: usize) -> Page {
    engine
        .scan(table, Family::Current, range, limit)
        .await
        .unwrap()
}

fn keys(page: &Page) -> Vec<&[u8]> {
    page.rows.iter().map(|(key, _)| &key[..]).collect()
}

fn is_after(from: &Bound<Vec<u8>>, key: &[u8]) -> bool {
    match from {
        Bound::Included(from) => key >= &from[..],
        Bound::Excluded(from) => key > &from[..],
        Bound::Unbounded => true,
    }
}

fn is_before(to: &Bound<Vec<u8>>, key: &[u8]) -> bool {
    match to {
        Bound::Included(to) => key <= &to[..],
        Bound::Excluded(to) => key < &to[..],
        Bound::Unbounded => true,
    }
}
