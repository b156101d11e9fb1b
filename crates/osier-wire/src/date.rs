//! Times as text, written digit by digit.
//!
//! A page of a list has a thousand of them and every read of an object has
//! one. `Timestamp`'s own way goes through a format string, which takes about
//! ten times as long; it stays the specification, and serves far-off years.

use osier_types::Timestamp;

/// The first second of the year 9999, near whose end `Timestamp` stops.
const SECONDS_END: i64 = 253_370_764_800;

struct Civil {
    year: u64,
    month: u64,
    day: u64,
    weekday: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

/// Appends `2026-11-22T03:04:05.000Z`. OSS tells whole seconds, and oss2 reads nothing else.
pub(crate) fn push_iso8601(text: &mut String, time: Timestamp) {
    let Some(civil) = Civil::of(time) else {
        text.push_str(&time.whole_seconds().iso8601());
        return;
    };
    two(text, civil.year / 100);
    two(text, civil.year % 100);
    for (mark, number) in [
        ('-', civil.month),
        ('-', civil.day),
        ('T', civil.hour),
        (':', civil.minute),
        (':', civil.second),
    ] {
        text.push(mark);
        two(text, number);
    }
    text.push_str(".000Z");
}

/// `Sun, 22 Nov 2026 03:04:05 GMT`.
pub(crate) fn http_date(time: Timestamp) -> String {
    const WEEKDAYS: &[u8] = b"SunMonTueWedThuFriSat";
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let Some(civil) = Civil::of(time) else {
        return time.http_date();
    };
    let mut text = String::with_capacity(29);
    word(&mut text, WEEKDAYS, civil.weekday);
    text.push_str(", ");
    two(&mut text, civil.day);
    text.push(' ');
    word(&mut text, MONTHS, civil.month - 1);
    text.push(' ');
    two(&mut text, civil.year / 100);
    two(&mut text, civil.year % 100);
    for (mark, number) in [(' ', civil.hour), (':', civil.minute), (':', civil.second)] {
        text.push(mark);
        two(&mut text, number);
    }
    text.push_str(" GMT");
    text
}

impl Civil {
    /// From 1970 to 9998; `None` outside.
    fn of(time: Timestamp) -> Option<Self> {
        let seconds = u64::try_from(time.as_seconds())
            .ok()
            .filter(|_| time.as_seconds() < SECONDS_END)?;
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's civil_from_days: years that begin in March, in eras of 400 years.
        let from_march = days + 719_468;
        let (era, of_era) = (from_march / 146_097, from_march % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era + year_of_era / 100 - 365 * year_of_era - year_of_era / 4;
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Some(Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: of_year - (153 * shifted + 2) / 5 + 1,
            // The first day of 1970 was a Thursday.
            weekday: (days + 4) % 7,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        })
    }
}

fn digit(text: &mut String, number: u64) {
    text.push(
        u32::try_from(number)
            .ok()
            .and_then(|number| char::from_digit(number, 10))
            .unwrap_or('0'),
    );
}

fn two(text: &mut String, number: u64) {
    digit(text, number / 10);
    digit(text, number % 10);
}

/// The word of three letters at this place.
fn word(text: &mut String, words: &[u8], place: u64) {
    let word = usize::try_from(place)
        .ok()
        .and_then(|place| words.chunks_exact(3).nth(place))
        .unwrap_or_default();
    text.extend(word.iter().copied().map(char::from));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso8601(time: Timestamp) -> String {
        let mut text = String::new();
        push_iso8601(&mut text, time);
        text
    }

    #[test]
    fn edges() {
        for seconds in [
            i64::MIN / 1000,
            -1,
            0,
            951_782_399, // 28 February 2000, last second
            951_782_400,
            951_868_800,   // 1 March 2000
            4_107_542_399, // 28 February 2100, no leap year
            4_107_542_400,
            SECONDS_END - 1,
            SECONDS_END,
        ] {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!(iso8601(time), time.whole_seconds().iso8601());
            assert_eq!(http_date(time), time.http_date());
        }
    }

    proptest! {
        #[test]
        fn as_timestamp_writes_them(millis in -1_000_000_000_000..SECONDS_END * 1000) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(iso8601(time), time.whole_seconds().iso8601());
            prop_assert_eq!(http_date(time), time.http_date());
        }
    }
}
