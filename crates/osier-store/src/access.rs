//! Who may come: policies, Block Public Access, referers and access points.
//!
//! Documents are kept as text; whoever asks about access reads and compiles them.

use std::sync::Arc;

use osier_types::limits::{ACCESS_POINTS_PER_ACCOUNT_MAX, ACCESS_POINTS_PER_BUCKET_MAX};
use osier_types::{
    ALIAS_END, AccessPoint, AccessPointInfo, AccessPointPage, AccessPointRef, BucketAccess,
    BucketName, ConfigKind, Fault, FaultKind, ListAccessPoints, Outcome, PublicAccessBlock,
    PublicAccessScope, RefererConfig,
};

use crate::state::BucketRecord;
use crate::{Caller, Store};

impl Store {
    /// The bucket and the name of the access point whose alias this is.
    pub fn behind_alias(&self, alias: &BucketName) -> Option<AccessPointRef> {
        if !alias.as_str().ends_with(ALIAS_END) {
            return None;
        }
        let bucket = self.buckets.behind_alias(alias)?;
        let record = self.bucket(&bucket).ok()?;
        let points = &record.access.access_points;
        let point = points.iter().find(|point| point.alias == *alias)?;
        Some(AccessPointRef {
            bucket,
            name: point.name.clone(),
        })
    }

    /// Block Public Access of an account as a whole.
    pub fn blocks_public_access(&self, account: &str) -> bool {
        self.buckets.blocks_public_access(account)
    }

    /// Block Public Access of buckets that are not there yet.
    pub fn new_buckets_block_public_access(&self) -> bool {
        self.settings.block_public_access
    }

    pub(crate) fn bucket_policy(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let policy = self.bucket(name)?.access.policy.clone();
        policy
            .map(Outcome::Policy)
            .ok_or_else(|| FaultKind::NoSuchConfig(ConfigKind::Policy).into())
    }

    pub(crate) async fn put_bucket_policy(
        &self,
        name: &BucketName,
        document: Option<Arc<str>>,
    ) -> Result<Outcome, Fault> {
        self.change_access(name, |access| {
            access.policy = document;
            Ok(())
        })
        .await
    }

    pub(crate) fn bucket_referer(&self, name: &BucketName) -> Result<Outcome, Fault> {
        let referer = self.bucket(name)?.access.referer.clone();
        Ok(Outcome::Referer(referer.unwrap_or_default()))
    }

    pub(crate) async fn put_bucket_referer(
        &self,
        name: &BucketName,
        referer: RefererConfig,
    ) -> Result<Outcome, Fault> {
        self.change_access(name, |access| {
            access.referer = Some(referer);
            Ok(())
        })
        .await
    }

    pub(crate) fn public_access_block(
        &self,
        caller: &Caller,
        scope: &PublicAccessScope,
    ) -> Result<Outcome, Fault> {
        let whole = |block| Some(PublicAccessBlock::whole(block));
        let block = match scope {
            PublicAccessScope::Account => whole(self.blocks_public_access(&caller.owner.id)),
            PublicAccessScope::Bucket(bucket) => self.bucket(bucket)?.access.block_public_access,
            PublicAccessScope::AccessPoint(point) => {
                whole(self.point(point)?.point.block_public_access)
            }
        };
        Ok(Outcome::PublicAccessBlock { block })
    }

    pub(crate) async fn put_public_access_block(
        &self,
        caller: &Caller,
        scope: PublicAccessScope,
        block: Option<PublicAccessBlock>,
    ) -> Result<Outcome, Fault> {
        let all = block.is_some_and(PublicAccessBlock::is_whole);
        match scope {
            PublicAccessScope::Account => {
                self.buckets
                    .block_public_access(&caller.owner.id, all)
                    .await?;
                Ok(Outcome::Done)
            }
            PublicAccessScope::Bucket(bucket) => {
                self.change_access(&bucket, move |access| {
                    access.block_public_access = block;
                    Ok(())
                })
                .await
            }
            PublicAccessScope::AccessPoint(point) => {
                self.change_point(point, move |point| point.block_public_access = all)
                    .await
            }
        }
    }

    pub(crate) async fn create_access_point(
        &self,
        asked: AccessPointRef,
        vpc: Option<Arc<str>>,
    ) -> Result<Outcome, Fault> {
        let created = AccessPoint {
            alias: self.new_alias(&asked)?,
            name: asked.name.clone(),
            created: self.now(),
            vpc,
            policy: None,
            block_public_access: false,
        };
        self.buckets
            .create_access_point(
                &asked.bucket,
                created,
                ACCESS_POINTS_PER_BUCKET_MAX,
                ACCESS_POINTS_PER_ACCOUNT_MAX,
            )
            .await?;
        self.point(&asked).map(Outcome::AccessPointCreated)
    }

    /// `<name>-<32 random hex digits>-ossalias`, at most 61 characters.
    fn new_alias(&self, asked: &AccessPointRef) -> Result<BucketName, Fault> {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        let alias = format!("{}-{high:016x}{low:016x}{ALIAS_END}", asked.name);
        BucketName::parse(&alias).map_err(|error| Fault::new(FaultKind::Internal).because(error))
    }

    pub(crate) fn access_point(&self, asked: &AccessPointRef) -> Result<Outcome, Fault> {
        self.point(asked).map(Outcome::AccessPoint)
    }

    pub(crate) async fn delete_access_point(
        &self,
        asked: AccessPointRef,
    ) -> Result<Outcome, Fault> {
        let AccessPointRef { bucket, name } = asked;
        self.change_access(&bucket, move |access| {
            let before = access.access_points.len();
            access.access_points.retain(|point| point.name != name);
            if access.access_points.len() == before {
                return Err(no_such_point(&name));
            }
            Ok(())
        })
        .await
    }

    pub(crate) fn list_access_points(
        &self,
        caller: &Caller,
        asked: ListAccessPoints,
    ) -> Result<Outcome, Fault> {
        let mut points: Vec<AccessPointInfo> = match &asked.bucket {
            Some(bucket) => self.points_of(self.bucket(bucket)?.as_ref()).collect(),
            None => self
                .buckets
                .all()
                .iter()
                .map(|bucket| bucket.record())
                .filter(|record| record.owner.id == caller.owner.id)
                .flat_map(|record| self.points_of(&record).collect::<Vec<_>>())
                .collect(),
        };
        points.sort_by(|one, other| one.point.name.cmp(&other.point.name));
        points.retain(|info| info.point.name.as_str() > asked.after.as_str());
        let wanted = usize::try_from(asked.max_keys).unwrap_or(usize::MAX);
        let more = points.len() > wanted;
        points.truncate(wanted);
        let account = match &asked.bucket {
            Some(bucket) => self.bucket(bucket)?.owner.id.clone(),
            None => caller.owner.id.clone(),
        };
        Ok(Outcome::AccessPoints(AccessPointPage {
            account,
            next: points
                .last()
                .filter(|_| more)
                .map(|last| last.point.name.to_string()),
            points,
            asked,
        }))
    }

    pub(crate) fn access_point_policy(&self, asked: &AccessPointRef) -> Result<Outcome, Fault> {
        let policy = self.point(asked)?.point.policy;
        policy.map(Outcome::Policy).ok_or_else(|| {
            FaultKind::NoSuchAccessPointPolicy {
                name: asked.name.to_string(),
            }
            .into()
        })
    }

    pub(crate) async fn put_access_point_policy(
        &self,
        asked: AccessPointRef,
        document: Option<Arc<str>>,
    ) -> Result<Outcome, Fault> {
        self.change_point(asked, move |point| point.policy = document)
            .await
    }

    fn point(&self, asked: &AccessPointRef) -> Result<AccessPointInfo, Fault> {
        let record = self.bucket(&asked.bucket)?;
        let point = record.access.point(&asked.name).cloned();
        point
            .map(|point| self.info_of(&record, point))
            .ok_or_else(|| no_such_point(&asked.name))
    }

    fn points_of(&self, record: &BucketRecord) -> impl Iterator<Item = AccessPointInfo> {
        let points = record.access.access_points.iter();
        points.map(|point| self.info_of(record, point.clone()))
    }

    fn info_of(&self, record: &BucketRecord, point: AccessPoint) -> AccessPointInfo {
        AccessPointInfo {
            bucket: record.name.clone(),
            account: record.owner.id.clone(),
            location: self.settings.location.clone(),
            point,
        }
    }

    async fn change_point(
        &self,
        asked: AccessPointRef,
        change: impl FnOnce(&mut AccessPoint) + Send + 'static,
    ) -> Result<Outcome, Fault> {
        let AccessPointRef { bucket, name } = asked;
        self.change_access(&bucket, move |access| {
            let mut points = access.access_points.iter_mut();
            let point = points.find(|point| point.name == name);
            change(point.ok_or_else(|| no_such_point(&name))?);
            Ok(())
        })
        .await
    }

    async fn change_access(
        &self,
        bucket: &BucketName,
        change: impl FnOnce(&mut BucketAccess) -> Result<(), Fault> + Send + 'static,
    ) -> Result<Outcome, Fault> {
        self.buckets
            .change(bucket, move |record| {
                let mut access = (*record.access).clone();
                change(&mut access)?;
                record.access = Arc::new(access);
                Ok(())
            })
            .await?;
        Ok(Outcome::Done)
    }
}

fn no_such_point(name: &osier_types::AccessPointName) -> Fault {
    FaultKind::NoSuchAccessPoint {
        name: name.to_string(),
    }
    .into()
}
