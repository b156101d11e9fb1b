use super::*;

#[test]
fn orientation_survives_the_round_trip() {
    for number in 1..=8 {
        assert_eq!(orientation(&orientation_only(number)), Some(number));
    }
    assert_eq!(orientation(&orientation_only(9)), None);
}

#[test]
fn cut_blocks_give_what_they_hold() {
    let block = orientation_only(6);
    for length in 0..block.len() {
        tags(&block[..length]);
    }
    assert_eq!(tags(&block), [("Orientation".to_owned(), "6".to_owned())]);
}
