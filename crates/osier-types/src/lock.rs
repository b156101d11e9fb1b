//! Retention and legal hold of objects, and the retention policies of buckets.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::bucket::words;
use crate::limits::{RETENTION_DAYS_MAX, WORM_UNLOCKED_MS_MAX};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

words! {
    /// Who may end a retention before its time.
    RetentionMode {
        /// Whoever is permitted to.
        Governance = "GOVERNANCE",
        /// Nobody.
        Compliance = "COMPLIANCE",
    }
}

words! {
    /// Whether a version is held, for as long as nobody takes the hold away.
    LegalHold {
        /// It is.
        On = "ON",
        /// It is not, or no longer.
        Off = "OFF",
    }
}

/// Until when a version may not be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Who may end it earlier.
    pub mode: RetentionMode,
    /// When it ends.
    pub until: Timestamp,
}

/// What keeps a version from being removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// Until when.
    pub retention: Option<Retention>,
    /// Whether it is held besides; absent when that was never said.
    pub legal_hold: Option<LegalHold>,
}

/// Object lock of a bucket, which can't be turned off once it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// What new versions get whose request says nothing of retention.
    pub default: Option<DefaultRetention>,
}

/// The retention of new versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// Who may end it earlier.
    pub mode: RetentionMode,
    /// For how long.
    pub period: RetentionPeriod,
}

/// For how long, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionPeriod {
    /// Days.
    Days(u32),
    /// Years of 365 days.
    Years(u32),
}

/// The retention policy of a whole bucket in OSS (`?worm`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketWorm {
    /// Its id.
    pub id: String,
    /// Whether it is final.
    pub locked: bool,
    /// For how many days from its last change an object is protected.
    pub days: u32,
    /// When it was made.
    pub created: Timestamp,
}

words! {
    /// What has become of a bucket's retention policy.
    WormState {
        /// In effect, but can still be taken back.
        InProgress = "InProgress",
        /// Final.
        Locked = "Locked",
        /// Was not made final in time: without effect.
        Expired = "Expired",
    }
}

impl ObjectLock {
    /// Whether nothing was ever said.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

impl DefaultRetention {
    /// The retention of a version written at `now`.
    pub fn from(self, now: Timestamp) -> Retention {
        Retention {
            mode: self.mode,
            until: now.plus_millis(i64::from(self.period.days()).saturating_mul(DAY_MS)),
        }
    }
}

impl RetentionPeriod {
    /// In days.
    pub fn days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Years(years) => years.saturating_mul(365),
        }
    }

    /// Whether it is one that can be set.
    pub fn is_allowed(self) -> bool {
        (1..=RETENTION_DAYS_MAX).contains(&self.days())
    }
}

impl BucketWorm {
    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> WormState {
        if self.locked {
            WormState::Locked
        } else if now > self.expires() {
            WormState::Expired
        } else {
            WormState::InProgress
        }
    }

    /// When it lapses unless it is made final.
    pub fn expires(&self) -> Timestamp {
        self.created.plus_millis(WORM_UNLOCKED_MS_MAX)
    }

    /// Until when an object last changed at `modified` is protected; `None` without effect.
    pub fn protects_until(&self, modified: Timestamp, now: Timestamp) -> Option<Timestamp> {
        (self.state(now) != WormState::Expired)
            .then(|| modified.plus_millis(i64::from(self.days).saturating_mul(DAY_MS)))
    }
}

/// What keeps a version from being removed or overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockedBy {
    /// A legal hold.
    LegalHold,
    /// A retention that has not ended.
    Retention(Retention),
    /// The bucket's retention policy.
    Worm {
        /// Until when.
        until: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

    #[test]
    fn periods() {
        assert!(RetentionPeriod::Days(1).is_allowed());
        assert!(RetentionPeriod::Years(100).is_allowed());
        assert!(!RetentionPeriod::Days(0).is_allowed());
        assert!(!RetentionPeriod::Years(101).is_allowed());
        assert!(!RetentionPeriod::Years(u32::MAX).is_allowed());
        let default = DefaultRetention {
            mode: RetentionMode::Governance,
            period: RetentionPeriod::Years(1),
        };
        assert_eq!(default.from(NOW).until, NOW.plus_millis(365 * DAY_MS));
    }

    #[test]
    fn a_policy_that_nobody_locks_lapses_after_a_day() {
        let mut worm = BucketWorm {
            id: "1".into(),
            locked: false,
            days: 2,
            created: NOW,
        };
        let later = NOW.plus_millis(DAY_MS + 1);
        assert_eq!(worm.state(NOW), WormState::InProgress);
        assert_eq!(worm.state(later), WormState::Expired);
        assert_eq!(worm.protects_until(NOW, later), None);
        worm.locked = true;
        assert_eq!(worm.state(later), WormState::Locked);
        assert_eq!(
            worm.protects_until(NOW, later),
            Some(NOW.plus_millis(2 * DAY_MS))
        );
    }
}
