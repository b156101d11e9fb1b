use super::Answer::{Done, Found, Refused, Unknown};
use super::Call::{CompareAndSet, Delete, Get, Put};
use super::*;

/// One call: began, ended, asked, answered.
fn at(began: u64, ended: u64, call: Call<u32>, answer: Answer<u32>) -> Operation<u32> {
    Operation {
        call,
        answer,
        began,
        ended,
    }
}

fn is_linearizable(history: &[Operation<u32>]) -> bool {
    check(None, history).is_ok()
}

#[test]
fn accepts_calls_one_after_the_other() {
    assert!(is_linearizable(&[]));
    assert!(is_linearizable(&[
        at(0, 1, Get, Found(None)),
        at(2, 3, Put(1), Done),
        at(4, 5, Get, Found(Some(1))),
        at(6, 7, CompareAndSet(Some(2), Some(3)), Refused),
        at(8, 9, CompareAndSet(Some(1), Some(3)), Done),
        at(10, 11, Delete, Done),
        at(12, 13, CompareAndSet(None, Some(4)), Done),
        at(14, 15, CompareAndSet(Some(4), None), Done),
        at(16, 17, Get, Found(None)),
    ]));
    let there = check(Some(7), &[at(0, 1, Get, Found(Some(7)))]);
    assert_eq!(there, Ok(()));
}

#[test]
fn accepts_either_order_of_calls_that_overlap() {
    for found in [1, 2] {
        assert!(is_linearizable(&[
            at(0, 10, Put(1), Done),
            at(1, 9, Put(2), Done),
            at(11, 12, Get, Found(Some(found))),
        ]));
    }
    for found in [None, Some(1)] {
        assert!(is_linearizable(&[
            at(0, 10, Put(1), Done),
            at(1, 9, Get, Found(found)),
        ]));
    }
}

#[test]
fn rejects_a_stale_read() {
    let stale = at(6, 7, Get, Found(Some(1)));
    let violation = check(
        None,
        &[
            at(0, 1, Put(1), Done),
            at(2, 5, Put(2), Done),
            stale.clone(),
        ],
    );
    let expected = Violation {
        explained: 2,
        value: Some(2),
        stuck: vec![stale],
    };
    assert_eq!(violation, Err(expected));
}

#[test]
fn rejects_reads_that_go_back() {
    // Both overlap the put, but the second one began after the first had seen it.
    let reads = |first, second| {
        is_linearizable(&[
            at(0, 20, Put(1), Done),
            at(1, 2, Get, Found(first)),
            at(3, 4, Get, Found(second)),
        ])
    };
    assert!(reads(None, Some(1)));
    assert!(reads(Some(1), Some(1)));
    assert!(!reads(Some(1), None));
}

#[test]
fn rejects_a_lost_update() {
    assert!(!is_linearizable(&[
        at(0, 1, Put(1), Done),
        at(2, 8, CompareAndSet(Some(1), Some(2)), Done),
        at(3, 9, CompareAndSet(Some(1), Some(3)), Done),
    ]));
    assert!(is_linearizable(&[
        at(0, 1, Put(1), Done),
        at(2, 8, CompareAndSet(Some(1), Some(2)), Done),
        at(3, 9, CompareAndSet(Some(1), Some(3)), Refused),
    ]));
}

#[test]
fn rejects_a_refusal_without_cause() {
    assert!(!is_linearizable(&[
        at(0, 1, Put(1), Done),
        at(2, 3, CompareAndSet(Some(1), Some(2)), Refused),
    ]));
}

#[test]
fn rejects_two_creators() {
    assert!(!is_linearizable(&[
        at(0, 8, CompareAndSet(None, Some(1)), Done),
        at(1, 9, CompareAndSet(None, Some(2)), Done),
    ]));
    // Unless somebody removed the first in between.
    assert!(is_linearizable(&[
        at(0, 8, CompareAndSet(None, Some(1)), Done),
        at(1, 9, CompareAndSet(None, Some(2)), Done),
        at(2, 7, Delete, Done),
    ]));
}

#[test]
fn rejects_a_value_from_nowhere() {
    assert!(!is_linearizable(&[
        at(0, 1, Put(1), Done),
        at(2, 3, Get, Found(Some(9))),
    ]));
    assert!(!is_linearizable(&[
        at(0, 1, Get, Found(Some(1))),
        at(2, 3, Put(1), Done),
    ]));
}

#[test]
fn unknown_calls_happened_late_or_never() {
    let after = |reads: &[Option<u32>]| {
        let mut history = vec![at(0, 1, Put(1), Done), at(2, 3, Put(2), Unknown)];
        for (moment, read) in (4..).step_by(2).zip(reads) {
            history.push(at(moment, moment + 1, Get, Found(*read)));
        }
        is_linearizable(&history)
    };
    assert!(after(&[Some(1), Some(1)]));
    assert!(after(&[Some(2), Some(2)]));
    assert!(after(&[Some(1), Some(2)]));
    assert!(!after(&[Some(2), Some(1)]));
    assert!(!after(&[Some(1), None]));
    // Not before it began.
    assert!(!is_linearizable(&[
        at(0, 1, Get, Found(Some(2))),
        at(2, 3, Put(2), Unknown),
    ]));
}

#[test]
fn an_unknown_call_happens_only_once() {
    assert!(!is_linearizable(&[
        at(0, 1, Put(2), Unknown),
        at(2, 3, Get, Found(Some(2))),
        at(4, 5, Delete, Done),
        at(6, 7, Get, Found(Some(2))),
    ]));
}

#[test]
fn long_histories_with_many_clients() {
    // Several clients around one real register, each call taking its moment in the
    // middle of its time.
    let mut random = 1_u64;
    let mut next = |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % below
    };
    let mut register = None;
    let mut history = Vec::new();
    for moment in 0..800_u32 {
        let expected = if next(2) == 0 { register } else { None };
        let call = match next(4) {
            0 => Put(moment),
            1 => Delete,
            2 => CompareAndSet(expected, Some(moment)),
            _ => Get,
        };
        let (value, answer) = apply(&call, register.as_ref());
        let lost = next(100) == 0;
        register = value;
        let middle = 100 + u64::from(moment) * 10;
        let answer = if lost { Unknown } else { answer };
        history.push(at(middle - next(40), middle + next(40), call, answer));
    }
    assert_eq!(check(None, &history), Ok(()));

    let read = history
        .iter()
        .rposition(|operation| matches!(operation.answer, Found(Some(_))))
        .unwrap();
    history[read].answer = Found(Some(0));
    assert!(check(None, &history).is_err());
}

#[test]
fn records_what_overlaps() {
    let recorder = Recorder::new();
    let put = recorder.begin(Put(1));
    let get = recorder.begin(Get);
    recorder.end(get, Found(None));
    recorder.end(put, Done);
    recorder.begin(Delete);
    let history = recorder.history();
    assert_eq!(
        history,
        [
            at(0, 3, Put(1), Done),
            at(1, 2, Get, Found(None)),
            at(4, u64::MAX, Delete, Unknown),
        ]
    );
    assert!(is_linearizable(&history));
}

/// Tries every order of every choice of calls that happened.
fn is_linearizable_by_trying(history: &[Operation<u32>], value: Option<u32>) -> bool {
    let is_unknown = |operation: &Operation<u32>| operation.answer == Unknown;
    if history.iter().all(is_unknown) {
        return true;
    }
    (0..history.len()).any(|index| {
        let operation = &history[index];
        let in_time = history
            .iter()
            .all(|other| is_unknown(other) || operation.began <= other.ended);
        let (value, answer) = apply(&operation.call, value.as_ref());
        let mut rest = history.to_vec();
        rest.remove(index);
        in_time
            && (is_unknown(operation) || operation.answer == answer)
            && is_linearizable_by_trying(&rest, value)
    })
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(20_000))]

    #[test]
    fn judges_like_trying_everything(
        history in proptest::collection::vec((0..12_u64, 0..8_u64, 0..9_u8, 0..6_u8), 0..7)
    ) {
        let value = |number: u8| (number > 0).then_some(u32::from(number));
        let history: Vec<_> = history
            .into_iter()
            .map(|(began, span, call, answer)| {
                let (call, answer) = match call {
                    0 | 1 => (Put(u32::from(answer % 2) + 1), Done),
                    2 => (Delete, Done),
                    3 => (CompareAndSet(value(answer % 3), value(answer / 3 + 1)), Done),
                    4 => (CompareAndSet(value(answer % 3), Some(2)), Refused),
                    5 => (Put(u32::from(answer % 2) + 1), Unknown),
                    6 => (CompareAndSet(value(answer % 3), value(answer / 3)), Unknown),
                    _ => (Get, Found(value(answer % 3))),
                };
                at(began, began + span, call, answer)
            })
            .collect();
        let expected = is_linearizable_by_trying(&history, None);
        proptest::prop_assert_eq!(is_linearizable(&history), expected);
    }
}
