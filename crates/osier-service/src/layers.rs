//! The documents that have a say about a bucket, compiled.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use osier_auth::policy::{Document, Policy, PolicyKind};
use osier_auth::{Layers, PublicAccess};
use osier_store::BucketRecord;
use osier_types::{Fault, FaultKind};

use crate::service::Service;

/// What the owner of a bucket says about who may come, besides its access-control list.
#[derive(Debug, Default)]
pub(crate) struct BucketLayers {
    /// The bucket's policy.
    pub(crate) policy: Option<Document>,
    /// Block Public Access of account and bucket.
    pub(crate) public_access: PublicAccess,
}

impl BucketLayers {
    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.policy.is_none() && self.public_access == PublicAccess::Allowed
    }

    /// The layers of a decision, without those of its caller.
    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers {
            bucket: self.policy.as_ref(),
            public_access: self.public_access,
            ..Layers::default()
        }
    }
}

impl Service {
    /// What the owner of the bucket says.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "buckets have no policies yet"
    )]
    pub(crate) fn bucket_layers(&self, _record: &BucketRecord) -> Result<BucketLayers, Fault> {
        Ok(BucketLayers::default())
    }
}

/// Compiled policies by the place of their text: a record that is changed has another.
#[derive(Debug, Default)]
pub(crate) struct PolicyCache(RwLock<HashMap<usize, Compiled>>);

#[derive(Debug)]
struct Compiled {
    /// As long as it is kept, no other text can be in its place.
    _text: Arc<str>,
    policy: Arc<Policy>,
}

impl PolicyCache {
    /// The policy of `text`, which was checked when it was put.
    ///
    /// # Errors
    /// When it can't be read: it might deny, so nobody may pass.
    #[expect(dead_code, reason = "buckets have no policies yet")]
    pub(crate) fn compiled(&self, kind: PolicyKind, text: &Arc<str>) -> Result<Arc<Policy>, Fault> {
        let place = text.as_ptr().addr();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&place) {
            return Ok(Arc::clone(&known.policy));
        }
        drop(known);
        let policy = Policy::parse(text, kind)
            .map(Arc::new)
            .map_err(|invalid| Fault::new(FaultKind::Internal).because(invalid))?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Compiling anew once in a while is cheaper than keeping an order.
        if known.len() >= POLICIES_MAX {
            known.clear();
        }
        let compiled = Compiled {
            _text: Arc::clone(text),
            policy: Arc::clone(&policy),
        };
        known.insert(place, compiled);
        Ok(policy)
    }
}

/// Some ten megabytes of ordinary documents.
const POLICIES_MAX: usize = 4096;
