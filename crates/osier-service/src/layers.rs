//! The documents that have a say about a bucket, compiled.
//!
//! Compiled once for each text that a bucket's record holds. A record that changes holds
//! another text, so that a change acts on the next request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use osier_auth::policy::{Document, Policy, PolicyKind};
use osier_auth::{AccessPointFacts, Layers, PublicAccess, PublicLists, Referers};
use osier_store::BucketRecord;
use osier_types::{
    AccessPoint, BucketAccess, Fault, FaultKind, ObjectOwnership, PublicAccessBlock,
};

use crate::points::Via;
use crate::service::Service;

/// What the owner of a bucket says about who may come, besides its access-control list.
#[derive(Debug, Default)]
pub(crate) struct BucketLayers {
    /// The bucket's policy.
    pub(crate) policy: Option<Document>,
    /// Block Public Access of account and bucket.
    pub(crate) block: PublicAccessBlock,
    /// Whether lists count.
    pub(crate) ownership: Option<ObjectOwnership>,
    /// The access point by which a request came.
    pub(crate) point: Option<PointLayer>,
}

/// What the owner of an access point says.
#[derive(Debug)]
pub(crate) struct PointLayer {
    pub(crate) point: AccessPoint,
    owner: String,
    arn: String,
    policy: Option<Document>,
}

impl BucketLayers {
    /// Whether nothing can refuse the owner. Block Public Access takes only from the public.
    pub(crate) fn spares_owner(&self) -> bool {
        self.policy.is_none() && self.point.is_none()
    }

    fn lists(&self) -> PublicLists {
        if self.ownership == Some(ObjectOwnership::BucketOwnerEnforced) {
            PublicLists::Disabled
        } else if self.block.ignore_acls {
            PublicLists::Blocked
        } else {
            PublicLists::Allowed
        }
    }

    /// The layers of a decision, without those of its caller.
    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers {
            bucket: self.policy.as_ref(),
            public_access: blocked_if(self.block.restrict_buckets),
            public_lists: self.lists(),
            access_point: self.point.as_ref().map(|layer| AccessPointFacts {
                name: layer.point.name.as_str(),
                owner: &layer.owner,
                policy: layer.policy.as_ref(),
                public_access: blocked_if(layer.point.block_public_access),
                vpc: layer.point.vpc.as_deref(),
            }),
            ..Layers::default()
        }
    }

    /// The documents.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Document> {
        let point = self.point.as_ref().and_then(|layer| layer.policy.as_ref());
        self.policy.iter().chain(point)
    }
}

impl PointLayer {
    /// `oss:DataAccessPointArn`, `oss:DataAccessPointAccount`, `oss:AccessPointNetworkOrigin`.
    pub(crate) fn told(&self) -> (&str, &str, &'static str) {
        (&self.arn, &self.owner, self.point.network_origin())
    }
}

impl Service {
    /// What the owner of the bucket says to requests that come `via` an access point, or by
    /// the bucket's own name.
    pub(crate) fn bucket_layers(
        &self,
        record: &BucketRecord,
        via: Option<&Via>,
    ) -> Result<BucketLayers, Fault> {
        let policy = match &record.access.policy {
            None => None,
            Some(text) => Some(self.documents.policy(PolicyKind::Bucket, text, || {
                format!("bucket policy of {}", record.name)
            })?),
        };
        let point = match via {
            None => None,
            Some(via) => Some(self.point_layer(record, via)?),
        };
        Ok(BucketLayers {
            policy,
            block: self.public_access_block(record),
            ownership: record.ownership,
            point,
        })
    }

    fn point_layer(&self, record: &BucketRecord, via: &Via) -> Result<PointLayer, Fault> {
        // It may have been deleted since, and another one have got its name.
        let point = record.access.point(&via.point.name);
        let point = point.filter(|point| point.alias == via.alias).cloned();
        let point = point.ok_or_else(|| FaultKind::NoSuchBucket(via.alias.clone()))?;
        let policy = match &point.policy {
            None => None,
            Some(text) => Some(self.documents.policy(PolicyKind::AccessPoint, text, || {
                format!("policy of access point {}", point.name)
            })?),
        };
        Ok(PointLayer {
            owner: record.owner.id.clone(),
            arn: point.arn(&self.settings.region, &record.owner.id),
            policy,
            point,
        })
    }

    /// Block Public Access of the bucket and of its owner.
    pub(crate) fn public_access_block(&self, record: &BucketRecord) -> PublicAccessBlock {
        if self.store.blocks_public_access(&record.owner.id) {
            return PublicAccessBlock::whole(true);
        }
        record.access.block_public_access.unwrap_or_default()
    }

    /// The bucket's hotlink protection.
    pub(crate) fn referers(&self, record: &BucketRecord) -> Option<Arc<Referers>> {
        self.documents.referers(&record.access)
    }
}

fn blocked_if(blocked: bool) -> PublicAccess {
    if blocked {
        PublicAccess::Blocked
    } else {
        PublicAccess::Allowed
    }
}

/// Compiled documents by the place of what they were compiled from.
#[derive(Debug, Default)]
pub(crate) struct DocumentCache {
    policies: Compiled<str, Document>,
    referers: Compiled<BucketAccess, Arc<Referers>>,
}

impl DocumentCache {
    /// The policy of `text`, which was checked when it was put.
    ///
    /// # Errors
    /// When it can't be read: it might deny, so nobody may pass.
    fn policy(
        &self,
        kind: PolicyKind,
        text: &Arc<str>,
        name: impl FnOnce() -> String,
    ) -> Result<Document, Fault> {
        self.policies.of(text, || {
            let policy = Policy::parse(text, kind)
                .map_err(|invalid| Fault::new(FaultKind::Internal).because(invalid))?;
            Ok(Document::new(name(), Arc::new(policy)))
        })
    }

    fn referers(&self, access: &Arc<BucketAccess>) -> Option<Arc<Referers>> {
        let config = access.referer.as_ref()?;
        let compile = || Ok::<_, std::convert::Infallible>(Arc::new(Referers::new(config)));
        self.referers.of(access, compile).ok()
    }
}

/// What was compiled from a source, by the source's place in memory. The source is kept, so
/// that no other can be in its place.
#[derive(Debug)]
struct Compiled<S: ?Sized, T>(RwLock<HashMap<usize, (Arc<S>, T)>>);

impl<S: ?Sized, T> Default for Compiled<S, T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<S: ?Sized, T: Clone> Compiled<S, T> {
    fn of<E>(&self, source: &Arc<S>, compile: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let place = Arc::as_ptr(source).addr();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, compiled)) = known.get(&place) {
            return Ok(compiled.clone());
        }
        drop(known);
        let compiled = compile()?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // What nobody else holds any more was replaced.
        known.retain(|_, (source, _)| Arc::strong_count(source) > 1);
        // Compiling anew once in a while is cheaper than keeping an order.
        if known.len() >= COMPILED_MAX {
            known.clear();
        }
        known.insert(place, (Arc::clone(source), compiled.clone()));
        Ok(compiled)
    }
}

/// Some ten megabytes of ordinary documents.
const COMPILED_MAX: usize = 4096;
