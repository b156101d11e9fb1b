//! Documents of retention and legal hold.

use osier_types::limits::{RETENTION_DAYS_MAX, WORM_DAYS_MAX};
use osier_types::{
    BucketLock, DefaultRetention, Fault, LegalHold, Retention, RetentionMode, RetentionPeriod,
    Timestamp,
};

use super::read::{Element, malformed, parse};

/// `ObjectWormConfiguration` or `ObjectLockConfiguration`, with the element that turns it on.
pub(crate) fn object_lock(
    document: &[u8],
    root: &str,
    enabled: &'static str,
) -> Result<BucketLock, Fault> {
    let root = parse(document, root)?;
    match root.word(enabled)? {
        Some("Enabled") => {}
        _ => return Err(malformed("object lock can only be enabled")),
    }
    let Some(rule) = root.one("Rule")? else {
        return Ok(BucketLock::default());
    };
    let default = rule
        .one("DefaultRetention")?
        .ok_or_else(|| malformed("DefaultRetention is missing"))?;
    let period = match (count(default, "Days")?, count(default, "Years")?) {
        (Some(days), None) => RetentionPeriod::Days(days),
        (None, Some(years)) => RetentionPeriod::Years(years),
        _ => return Err(malformed("either Days or Years is needed")),
    };
    if !period.is_allowed() {
        let reason = format!("1 to {RETENTION_DAYS_MAX} days");
        return Err(Fault::argument("Days", period.days().to_string(), reason));
    }
    Ok(BucketLock {
        default: Some(DefaultRetention {
            mode: mode(default)?,
            period,
        }),
    })
}

/// `InitiateWormConfiguration` and `ExtendWormConfiguration`.
pub(crate) fn worm_days(document: &[u8], root: &str) -> Result<u32, Fault> {
    const NAME: &str = "RetentionPeriodInDays";
    let root = parse(document, root)?;
    let days = count(&root, NAME)?.ok_or_else(|| malformed("RetentionPeriodInDays is missing"))?;
    if !(1..=WORM_DAYS_MAX).contains(&days) {
        let reason = format!("1 to {WORM_DAYS_MAX}");
        return Err(Fault::argument(NAME, days.to_string(), reason));
    }
    Ok(days)
}

/// `Retention`; one without anything in it takes the retention away.
pub(crate) fn retention(document: &[u8]) -> Result<Option<Retention>, Fault> {
    let root = parse(document, "Retention")?;
    match (root.word("Mode")?, root.word("RetainUntilDate")?) {
        (None, None) => Ok(None),
        (Some(_), Some(until)) => Ok(Some(Retention {
            mode: mode(&root)?,
            until: time(until)?,
        })),
        _ => Err(malformed("Mode and RetainUntilDate go together")),
    }
}

/// `LegalHold`.
pub(crate) fn legal_hold(document: &[u8]) -> Result<LegalHold, Fault> {
    let root = parse(document, "LegalHold")?;
    let word = root
        .word("Status")?
        .ok_or_else(|| malformed("Status is missing"))?;
    LegalHold::parse(word).map_err(|_| malformed("Status is neither ON nor OFF"))
}

fn mode(element: &Element) -> Result<RetentionMode, Fault> {
    let word = element
        .word("Mode")?
        .ok_or_else(|| malformed("Mode is missing"))?;
    RetentionMode::parse(word).map_err(|_| malformed("Mode is neither GOVERNANCE nor COMPLIANCE"))
}

fn time(text: &str) -> Result<Timestamp, Fault> {
    retention_time("RetainUntilDate", text)
}

fn count(element: &Element, name: &'static str) -> Result<Option<u32>, Fault> {
    element
        .word(name)?
        .map(|word| {
            word.parse()
                .map_err(|_| Fault::argument(name, word, "a number"))
        })
        .transpose()
}

pub(crate) fn retention_mode(name: &'static str, word: &str) -> Result<RetentionMode, Fault> {
    RetentionMode::parse(word).map_err(|_| Fault::argument(name, word, "GOVERNANCE or COMPLIANCE"))
}

pub(crate) fn retention_time(name: &'static str, text: &str) -> Result<Timestamp, Fault> {
    Timestamp::parse_iso8601(text)
        .map_err(|_| Fault::argument(name, text, "a time such as 2030-01-31T00:00:00Z"))
}
