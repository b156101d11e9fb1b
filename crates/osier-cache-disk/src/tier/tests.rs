use std::os::unix::fs::FileExt as _;

use proptest::prelude::*;

use super::*;

fn record(number: u64, bytes: usize) -> Record {
    let fill = u8::try_from(number % 251).unwrap();
    Record {
        born: number,
        meta: format!("meta of {number}").into(),
        body: vec![fill; bytes].into(),
    }
}

fn name(number: u64) -> String {
    format!("site\n/{number}\n\n")
}

fn put(tier: &DiskTier, number: u64, bytes: usize) {
    tier.write(name(number), record(number, bytes));
}

fn files(directory: &Path) -> u64 {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

const BUDGET: u64 = 64 << 20;

#[test]
fn what_is_written_is_read_also_by_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    for number in 0..100 {
        put(&tier, number, 1000);
    }
    tier.flush();
    let all = |tier: &DiskTier| {
        for number in 0..100 {
            assert_eq!(tier.read(&name(number)), Some(record(number, 1000)));
        }
        assert_eq!(tier.read("other"), None);
    };
    all(&tier);
    drop(tier);
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    assert_eq!(tier.youngest().unwrap(), 99);
    all(&tier);
}

#[test]
fn the_newest_of_a_name_counts() {
    let directory = tempfile::tempdir().unwrap();
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    for born in 1..5 {
        tier.write(name(1), record(born, 10));
    }
    drop(tier);
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    assert_eq!(tier.read(&name(1)).unwrap().born, 4);
    assert_eq!(tier.numbers().entries, 1);
}

#[test]
fn the_budget_holds_and_what_is_asked_for_stays() {
    let directory = tempfile::tempdir().unwrap();
    let budget = 16 << 20;
    let tier = DiskTier::open(directory.path(), budget).unwrap();
    put(&tier, 7, 1000);
    tier.flush();
    for number in 100..500 {
        assert!(tier.read(&name(7)).is_some(), "lost before {number}");
        put(&tier, number, 200_000);
        tier.flush();
        assert!(files(directory.path()) <= budget);
    }
    let numbers = tier.numbers();
    assert!(numbers.evicted > 300 && numbers.rewritten > 0);
    assert_eq!((numbers.dropped, numbers.failed), (0, 0));
    assert!(tier.read(&name(100)).is_none() && tier.read(&name(499)).is_some());
    assert_eq!(numbers.bytes, files(directory.path()));
}

#[test]
fn what_does_not_fit_a_segment_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    put(&tier, 1, 5 << 20);
    tier.flush();
    assert!(!tier.contains(&name(1)));
    assert_eq!(tier.numbers().dropped, 1);
}

#[test]
fn a_flipped_bit_is_never_read() {
    let directory = tempfile::tempdir().unwrap();
    let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
    put(&tier, 1, 100);
    put(&tier, 2, 100);
    tier.flush();
    let path = tier.shared.segment_path(0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let mut byte = [0];
    // In the body of the first record.
    file.read_exact_at(&mut byte, 100).unwrap();
    file.write_all_at(&[byte[0] ^ 4], 100).unwrap();
    assert_eq!(tier.read(&name(1)), None);
    assert!(!tier.contains(&name(1)));
    assert_eq!(tier.read(&name(2)), Some(record(2, 100)));
    assert_eq!(tier.numbers().damaged, 1);
}

#[test]
fn a_later_version_is_refused_and_a_foreign_file_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("00000003.segment");
    std::fs::write(&path, b"osierca\x02 and more").unwrap();
    let refused = DiskTier::open(directory.path(), BUDGET);
    assert!(matches!(
        refused,
        Err(OpenError::Version { version: 2, .. })
    ));
    std::fs::write(&path, b"something").unwrap();
    drop(DiskTier::open(directory.path(), BUDGET).unwrap());
    assert!(!path.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A crash cuts the file that is written anywhere: what is whole before the cut is there.
    #[test]
    fn a_torn_segment_keeps_what_is_whole(sizes in prop::collection::vec(0..300_usize, 1..20), cut: prop::sample::Index) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("00000000.segment");
        let mut segment = Segment::create(path.clone()).unwrap();
        let mut ends = Vec::new();
        for (number, size) in (0_u64..).zip(&sizes) {
            let record = record(number, *size);
            let name = name(number);
            let head = record::encode(&name, &record).unwrap();
            segment.append(Key::of(&name), number, &head, &record.body).unwrap();
            ends.push(segment.bytes);
        }
        let length = segment.bytes;
        let cut = 8 + cut.index(usize::try_from(length).unwrap() - 8 + 1) as u64;
        segment.file.set_len(cut).unwrap();
        drop(segment);
        // Twice: the first start seals it.
        for _ in 0..2 {
            let tier = DiskTier::open(directory.path(), BUDGET).unwrap();
            for ((number, size), end) in (0_u64..).zip(&sizes).zip(&ends) {
                let expected = (*end <= cut).then(|| record(number, *size));
                prop_assert_eq!(tier.read(&name(number)), expected);
            }
        }
    }
}
