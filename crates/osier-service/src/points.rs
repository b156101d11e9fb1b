//! Access points: requests that name a bucket by an alias.

use osier_types::{
    ALIAS_END, AccessKind, AccessPointRef, BucketName, Fault, FaultKind, Op, Resource,
};
use osier_wire::Address;

use crate::service::Service;

/// The access point by which a request reaches a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    /// The name that the request has for the bucket.
    pub(crate) alias: BucketName,
    pub(crate) point: AccessPointRef,
}

/// How a request came to what it touches. `None` is by the bucket's own name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ways {
    /// To what it is about.
    pub(crate) target: Option<Via>,
    /// To what it copies.
    pub(crate) source: Option<Via>,
}

impl Service {
    /// Puts a bucket's own name in the place of an alias.
    pub(crate) fn enter(&self, address: &mut Address) -> Option<Via> {
        let alias = address.bucket.as_deref()?;
        if !alias.ends_with(ALIAS_END) {
            return None;
        }
        let via = self.via(BucketName::parse(alias).ok()?)?;
        address.bucket = Some(via.point.bucket.to_string());
        Some(via)
    }

    /// The same for what is copied.
    pub(crate) fn enter_source(&self, op: &mut Op) -> Option<Via> {
        let source = match op {
            Op::CopyObject(copy) => &mut copy.source,
            Op::UploadPartCopy(copy) => &mut copy.source,
            _ => return None,
        };
        let via = self.via(source.object.bucket.clone())?;
        source.object.bucket = via.point.bucket.clone();
        Some(via)
    }

    /// The same for a bucket's name.
    pub(crate) fn via(&self, alias: BucketName) -> Option<Via> {
        let point = self.store.behind_alias(&alias)?;
        Some(Via { alias, point })
    }
}

/// Refuses what an access point does not lead to: it is a door to objects, not to the
/// settings of the bucket.
pub(crate) fn check_reach(ways: &Ways, op: &Op) -> Result<(), Fault> {
    const TELLS: [&str; 3] = [
        "oss:GetBucketAcl",
        "oss:GetBucketInfo",
        "oss:GetBucketLocation",
    ];
    if ways.target.is_none() {
        return Ok(());
    }
    let manages = op.accesses().into_iter().any(|access| {
        access.kind == AccessKind::Manage
            && !matches!(access.resource, Resource::Object(..))
            && !TELLS.contains(&access.action)
    });
    if manages {
        return Err(FaultKind::OperationNotSupported {
            reason: "an access point leads to objects, not to the settings of their bucket"
                .to_owned(),
        }
        .into());
    }
    Ok(())
}
