//! What keeps versions from being removed or overwritten: legal hold, retention, and the retention
//! policy of a bucket. Whoever removes a version asks here first, with the rows that the commit
//! then checks.

use osier_types::{
    BucketLock, BucketName, BucketVersioning, ConfigKind, Fault, FaultKind, LegalHold, LockedBy,
    NewObject, ObjectLock, ObjectRef, Outcome, PutObjectRetention, Retention, RetentionMode,
    Timestamp, WormState,
};

use crate::Store;
use crate::rows::{Object, Record};
use crate::state::{Bucket, BucketRecord};

/// Whether a governance retention counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Governance {
    Counts,
    /// The caller may end it, and says so.
    Bypassed,
}

impl From<bool> for Governance {
    fn from(bypass: bool) -> Self {
        if bypass { Self::Bypassed } else { Self::Counts }
    }
}

/// Refuses when something keeps the version of `record` from being removed or overwritten.
///
/// # Errors
/// `ObjectLocked`.
pub(crate) fn check_removable(
    bucket: &BucketRecord,
    record: &Record,
    now: Timestamp,
    governance: Governance,
) -> Result<(), Fault> {
    match keeper(bucket, record, now, governance) {
        Some(by) => Err(FaultKind::ObjectLocked(by).into()),
        None => Ok(()),
    }
}

/// What keeps a version. Delete markers are never kept.
fn keeper(
    bucket: &BucketRecord,
    record: &Record,
    now: Timestamp,
    governance: Governance,
) -> Option<LockedBy> {
    let object = record.object.as_ref()?;
    let lock = object.more.lock.unwrap_or_default();
    if lock.legal_hold == Some(LegalHold::On) {
        return Some(LockedBy::LegalHold);
    }
    if let Some(retention) = lock.retention.filter(|retention| now < retention.until) {
        let bypassed =
            governance == Governance::Bypassed && retention.mode == RetentionMode::Governance;
        if !bypassed {
            return Some(LockedBy::Retention(retention));
        }
    }
    let until = bucket.worm.as_ref()?.protects_until(record.modified, now)?;
    (now < until).then_some(LockedBy::Worm { until })
}

/// Whether one retention may take the place of another.
fn check_change(
    before: Option<Retention>,
    after: Option<Retention>,
    now: Timestamp,
    governance: Governance,
) -> Result<(), Fault> {
    let Some(before) = before.filter(|before| now < before.until) else {
        return Ok(());
    };
    let keeps = after.is_some_and(|after| after.mode == before.mode && after.until >= before.until);
    let allowed = match before.mode {
        RetentionMode::Compliance => keeps,
        RetentionMode::Governance => keeps || governance == Governance::Bypassed,
    };
    if allowed {
        Ok(())
    } else {
        Err(FaultKind::ObjectLocked(LockedBy::Retention(before)).into())
    }
}

/// A retention ends in the future.
fn check_future(retention: &Retention, now: Timestamp) -> Result<(), Fault> {
    if retention.until > now {
        Ok(())
    } else {
        let until = retention.until.iso8601();
        let reason = "a retention must end in the future";
        Err(Fault::argument("RetainUntilDate", until, reason))
    }
}

impl Store {
    /// Refuses retention and legal hold where the bucket has no object lock.
    pub(crate) fn check_lock(&self, bucket: &Bucket, new: &NewObject) -> Result<(), Fault> {
        if new.lock.is_unset() {
            return Ok(());
        }
        check_enabled(&bucket.record())?;
        match &new.lock.retention {
            Some(retention) => check_future(retention, self.now()),
            None => Ok(()),
        }
    }

    /// The lock of a version written now: what was asked for, else the bucket's default.
    pub(crate) fn lock_of(&self, bucket: &Bucket, asked: ObjectLock) -> Option<ObjectLock> {
        let default = bucket.record().lock.and_then(|lock| lock.default);
        let lock = ObjectLock {
            retention: asked
                .retention
                .or_else(|| default.map(|default| default.from(self.now()))),
            legal_hold: asked.legal_hold,
        };
        Some(lock).filter(|lock| !lock.is_unset())
    }

    pub(crate) fn bucket_lock(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let lock = self.bucket(name)?.lock;
        lock.map(Outcome::BucketLock)
            .ok_or_else(|| FaultKind::NoSuchConfig(ConfigKind::ObjectWorm).into())
    }

    pub(crate) async fn put_bucket_lock(
        &self,
        name: &BucketName,
        lock: BucketLock,
    ) -> Result<Outcome, Fault> {
        self.change_bucket_if(name, move |record| {
            if record.versioning != Some(BucketVersioning::Enabled) {
                return Err(FaultKind::InvalidBucketState {
                    reason: "object lock needs versioning, enabled".to_owned(),
                }
                .into());
            }
            record.lock = Some(lock);
            Ok(())
        })
        .await
    }

    pub(crate) async fn put_bucket_versioning(
        &self,
        name: &BucketName,
        status: BucketVersioning,
    ) -> Result<Outcome, Fault> {
        let now = self.now();
        self.change_bucket_if(name, move |record| {
            let reason = if record.lock.is_some() && status != BucketVersioning::Enabled {
                Some("object lock keeps versioning enabled")
            } else if record.has_worm(now) && record.versioning.is_none() {
                Some("a bucket with a retention policy has no versions")
            } else {
                None
            };
            if let Some(reason) = reason {
                let reason = reason.to_owned();
                return Err(FaultKind::InvalidBucketState { reason }.into());
            }
            record.versioning = Some(status);
            Ok(())
        })
        .await
    }

    pub(crate) async fn object_retention(&self, asked: &ObjectRef) -> Result<Outcome, Fault> {
        let lock = self.object_lock(asked).await?;
        lock.retention
            .map(Outcome::Retention)
            .ok_or_else(|| FaultKind::NoSuchObjectLock.into())
    }

    pub(crate) async fn legal_hold(&self, asked: &ObjectRef) -> Result<Outcome, Fault> {
        let lock = self.object_lock(asked).await?;
        lock.legal_hold
            .map(Outcome::LegalHold)
            .ok_or_else(|| FaultKind::NoSuchObjectLock.into())
    }

    async fn object_lock(&self, asked: &ObjectRef) -> Result<ObjectLock, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        check_enabled(&bucket.record())?;
        let (_, object) = self.live(&bucket, &asked.key, asked.version).await?;
        Ok(object.more.lock.unwrap_or_default())
    }

    pub(crate) async fn put_object_retention(
        &self,
        asked: &PutObjectRetention,
    ) -> Result<Outcome, Fault> {
        let now = self.now();
        if let Some(retention) = &asked.retention {
            check_future(retention, now)?;
        }
        let governance = Governance::from(asked.bypass_governance);
        self.change_lock(&asked.object, |lock| {
            check_change(lock.retention, asked.retention, now, governance)?;
            lock.retention = asked.retention;
            Ok(())
        })
        .await
    }

    pub(crate) async fn put_legal_hold(
        &self,
        asked: &ObjectRef,
        hold: LegalHold,
    ) -> Result<Outcome, Fault> {
        self.change_lock(asked, |lock| {
            lock.legal_hold = Some(hold);
            Ok(())
        })
        .await
    }

    async fn change_lock(
        &self,
        asked: &ObjectRef,
        change: impl Fn(&mut ObjectLock) -> Result<(), Fault>,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        check_enabled(&bucket.record())?;
        let changed =
            self.change_object(&bucket, &asked.key, asked.version, |object: &mut Object| {
                let mut lock = object.more.lock.unwrap_or_default();
                change(&mut lock)?;
                object.more.lock = Some(lock).filter(|lock| !lock.is_unset());
                Ok(())
            });
        let (version, _) = changed.await?;
        Ok(Outcome::Touched(Some(version)))
    }

    /// A bucket's retention policy, if it was not taken back.
    pub(crate) fn bucket_worm(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let worm = self.bucket(name)?.worm.clone();
        let worm = worm.ok_or(FaultKind::NoSuchConfig(ConfigKind::Worm))?;
        let state = worm.state(self.now());
        Ok(Outcome::BucketWorm { worm, state })
    }

    pub(crate) async fn initiate_worm(
        &self,
        name: &BucketName,
        days: u32,
    ) -> Result<Outcome, Fault> {
        let now = self.now();
        let mut id = [0; 16];
        self.rng.fill(&mut id);
        let id = osier_types::ETag::of_md5(&id).as_str().to_owned();
        let worm = osier_types::BucketWorm {
            id: id.clone(),
            locked: false,
            days,
            created: now,
        };
        self.change_bucket_if(name, move |record| {
            if record.has_worm(now) {
                return Err(FaultKind::WormAlreadyExists.into());
            }
            if record.ever_versioned() {
                return Err(FaultKind::InvalidBucketState {
                    reason: "a bucket with versions has object lock in place of a policy"
                        .to_owned(),
                }
                .into());
            }
            record.worm = Some(worm);
            Ok(())
        })
        .await?;
        Ok(Outcome::WormInitiated(id))
    }

    pub(crate) async fn abort_worm(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let now = self.now();
        self.change_bucket_if(name, move |record| {
            let state = record.worm.as_ref().map(|worm| worm.state(now));
            if state == Some(WormState::Locked) {
                return Err(FaultKind::WormLocked.into());
            }
            record.worm = None;
            Ok(())
        })
        .await
    }

    pub(crate) async fn complete_worm(
        &self,
        name: &BucketName,
        id: String,
    ) -> Result<Outcome, Fault> {
        let now = self.now();
        self.change_bucket_if(name, move |record| {
            let worm = record.worm.as_mut().filter(|worm| worm.id == id);
            let worm = worm.ok_or(FaultKind::NoSuchConfig(ConfigKind::Worm))?;
            match worm.state(now) {
                WormState::Expired => Err(FaultKind::NoSuchConfig(ConfigKind::Worm).into()),
                WormState::Locked => Err(FaultKind::WormLocked.into()),
                WormState::InProgress => {
                    worm.locked = true;
                    Ok(())
                }
            }
        })
        .await
    }

    pub(crate) async fn extend_worm(
        &self,
        name: &BucketName,
        id: String,
        days: u32,
    ) -> Result<Outcome, Fault> {
        self.change_bucket_if(name, move |record| {
            let worm = record
                .worm
                .as_mut()
                .filter(|worm| worm.id == id && worm.locked);
            let worm = worm.ok_or(FaultKind::NoSuchConfig(ConfigKind::Worm))?;
            if days <= worm.days {
                let reason = "a locked policy can only be extended";
                let days = days.to_string();
                return Err(Fault::argument("RetentionPeriodInDays", days, reason));
            }
            worm.days = days;
            Ok(())
        })
        .await
    }
}

fn check_enabled(record: &BucketRecord) -> Result<(), Fault> {
    if record.lock.is_some() {
        return Ok(());
    }
    Err(FaultKind::InvalidRequest {
        reason: "the bucket has no object lock".to_owned(),
    }
    .into())
}
