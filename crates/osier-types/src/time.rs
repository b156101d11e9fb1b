//! Points in time, and the four ways the protocols write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(i64);

/// The text is no date in the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date in the expected form")]
pub struct InvalidTime;

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970; far-off values are clamped.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same time without its milliseconds, as HTTP dates have it.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self(self.as_seconds() * 1000)
    }

    /// This time moved by `millis`; clamped at the ends.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// `Sun, 22 Nov 2026 03:04:05 GMT` (RFC 9110, IMF-fixdate).
    pub fn http_date(self) -> String {
        self.civil()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }

    /// `2026-11-22T03:04:05.000Z`, as OSS writes times in XML.
    pub fn iso8601(self) -> String {
        let civil = self.civil();
        format!(
            "{}.{:03}Z",
            civil.strftime("%Y-%m-%dT%H:%M:%S"),
            self.0.rem_euclid(1000)
        )
    }

    /// `20261122T030405Z`, as V4 signatures write times.
    pub fn compact(self) -> String {
        self.civil().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// `22/Nov/2026:03:04:05 +0000`, as access logs write times.
    pub fn common_log(self) -> String {
        self.civil().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
    }

    /// Reads an HTTP date: IMF-fixdate, or the two obsolete forms of RFC 9110.
    ///
    /// # Errors
    /// When `text` is in none of the three forms.
    pub fn parse_http_date(text: &str) -> Result<Self, InvalidTime> {
        // The name of the day is not checked: clients are known to get it wrong.
        let text = text.trim();
        let rest = text.split_once(", ").map_or(text, |(_, rest)| rest);
        [
            "%d %b %Y %H:%M:%S GMT",
            "%d %b %Y %H:%M:%S UTC",
            "%d %b %Y %H:%M:%S +0000",
            "%d-%b-%y %H:%M:%S GMT",
        ]
        .iter()
        .find_map(|form| DateTime::strptime(form, rest).ok())
        .or_else(|| {
            let rest = text.split_once(' ').map_or(text, |(_, rest)| rest);
            DateTime::strptime("%b %e %H:%M:%S %Y", rest).ok()
        })
        .ok_or(InvalidTime)
        .and_then(Self::from_civil)
    }

    /// Reads an ISO 8601 time in UTC, with or without a fraction.
    ///
    /// # Errors
    /// When `text` is not such a time.
    pub fn parse_iso8601(text: &str) -> Result<Self, InvalidTime> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| InvalidTime)
    }

    /// Reads the compact form `20261122T030405Z`.
    ///
    /// # Errors
    /// When `text` is not in exactly that form.
    pub fn parse_compact(text: &str) -> Result<Self, InvalidTime> {
        if text.len() != 16 {
            return Err(InvalidTime);
        }
        DateTime::strptime("%Y%m%dT%H%M%SZ", text)
            .map_err(|_| InvalidTime)
            .and_then(Self::from_civil)
    }

    fn civil(self) -> DateTime {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::UTC)
            .datetime()
    }

    fn from_civil(civil: DateTime) -> Result<Self, InvalidTime> {
        civil
            .to_zoned(TimeZone::UTC)
            .map(|zoned| Self(zoned.timestamp().as_millisecond()))
            .map_err(|_| InvalidTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Timestamp = Timestamp::from_seconds(1_795_316_645);

    #[test]
    fn writes_the_three_forms() {
        assert_eq!(SAMPLE.http_date(), "Sun, 22 Nov 2026 03:04:05 GMT");
        assert_eq!(SAMPLE.plus_millis(7).iso8601(), "2026-11-22T03:04:05.007Z");
        assert_eq!(SAMPLE.compact(), "20261122T030405Z");
    }

    #[test]
    fn reads_what_clients_send() {
        for text in [
            "Sun, 22 Nov 2026 03:04:05 GMT",
            "Sunday, 22-Nov-26 03:04:05 GMT",
            "Sun Nov 22 03:04:05 2026",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), Ok(SAMPLE), "{text}");
        }
        assert_eq!(Timestamp::parse_compact("20261122T030405Z"), Ok(SAMPLE));
        assert_eq!(Timestamp::parse_iso8601("2026-11-22T03:04:05Z"), Ok(SAMPLE));
        assert_eq!(
            Timestamp::parse_iso8601("2026-11-22T03:04:05.000Z"),
            Ok(SAMPLE)
        );
    }

    #[test]
    fn refuses_everything_else() {
        assert_eq!(Timestamp::parse_http_date("yesterday"), Err(InvalidTime));
        assert_eq!(Timestamp::parse_http_date(""), Err(InvalidTime));
        assert_eq!(Timestamp::parse_compact("20261122T0304Z"), Err(InvalidTime));
        assert_eq!(
            Timestamp::parse_compact("20261322T030405Z"),
            Err(InvalidTime)
        );
    }
}
