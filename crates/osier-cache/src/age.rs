//! How old an answer is: RFC 9111, section 4.2.3.

use http::header::{AGE, DATE, HeaderMap};
use osier_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directives::seconds;

/// When an answer was asked for and when its head came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The request was sent.
    pub requested: Timestamp,
    /// The head of the answer was read.
    pub received: Timestamp,
}

/// The age of a stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    received: Timestamp,
    initial_ms: i64,
}

impl Age {
    /// Of an answer with these headers.
    pub fn of(headers: &HeaderMap, exchange: Exchange) -> Self {
        let received = exchange.received.as_millis();
        // Dates have no milliseconds: without this an answer would be born up to a second old.
        let apparent_ms = date(headers).map_or(0, |date| {
            exchange
                .received
                .whole_seconds()
                .as_millis()
                .saturating_sub(date.as_millis())
        });
        let delay_ms = received.saturating_sub(exchange.requested.as_millis());
        let told_ms = told_s(headers).saturating_mul(1000);
        Self {
            received: exchange.received,
            initial_ms: apparent_ms
                .max(told_ms.saturating_add(delay_ms.max(0)))
                .max(0),
        }
    }

    /// Whole seconds at `now`.
    pub fn seconds(self, now: Timestamp) -> u64 {
        let resident = now
            .as_millis()
            .saturating_sub(self.received.as_millis())
            .max(0);
        u64::try_from(self.initial_ms.saturating_add(resident) / 1000).unwrap_or(0)
    }

    /// When the answer came here.
    pub fn received(self) -> Timestamp {
        self.received
    }
}

/// `Date`, where there is one that can be read.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Timestamp::parse_http_date(text).ok()
}

/// `Age`. More than one, or one that is no number, tells nothing but that the answer was kept
/// somewhere for who knows how long: then it is very old.
fn told_s(headers: &HeaderMap) -> i64 {
    const VERY_OLD: i64 = i64::MAX / 1000;
    let mut fields = headers.get_all(AGE).iter();
    let Some(first) = fields.next() else {
        return 0;
    };
    if fields.next().is_some() {
        return VERY_OLD;
    }
    let told = first.to_str().ok().and_then(|text| seconds(text.trim()));
    told.map_or(VERY_OLD, |age| i64::try_from(age).unwrap_or(VERY_OLD))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

    fn age(fields: &[(http::HeaderName, &str)], delay_s: i64) -> Age {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let exchange = Exchange {
            requested: NOW.plus_millis(-delay_s * 1000),
            received: NOW,
        };
        Age::of(&headers, exchange)
    }

    #[test]
    fn the_larger_of_both_ways_counts() {
        let old = NOW.plus_millis(-30_000).http_date();
        assert_eq!(age(&[(DATE, &old)], 0).seconds(NOW), 30);
        assert_eq!(age(&[(DATE, &old), (AGE, "50")], 2).seconds(NOW), 52);
        for wrong in ["x", "-1", "7200.0", "0, 0", "5;a=b", ""] {
            assert!(age(&[(AGE, wrong)], 0).seconds(NOW) > 1 << 31, "{wrong}");
        }
        assert!(age(&[(AGE, "0"), (AGE, "0")], 0).seconds(NOW) > 1 << 31);
        assert_eq!(age(&[], 3).seconds(NOW.plus_millis(4999)), 7);
    }

    #[test]
    fn clocks_that_are_ahead_or_turned_back_make_nothing_younger_than_new() {
        let ahead = NOW.plus_millis(90_000).http_date();
        assert_eq!(age(&[(DATE, &ahead)], 0).seconds(NOW), 0);
        assert_eq!(age(&[], 0).seconds(NOW.plus_millis(-5000)), 0);
    }
}
