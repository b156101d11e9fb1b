//! What an operation needs permission for.

use crate::{BucketName, ObjectKey, VersionId};

/// The thing an operation touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The service as a whole.
    Service,
    /// One bucket.
    Bucket(BucketName),
    /// One object.
    Object(BucketName, ObjectKey),
}

impl Resource {
    /// The bucket, where there is one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Service => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }

    /// The key, where there is one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Object(_, key) => Some(key),
            _ => None,
        }
    }
}

/// How access-control lists see an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// Reads object data or lists a bucket: `public-read` is enough.
    Read,
    /// Writes or deletes object data: `public-read-write` is enough.
    Write,
    /// Configures the service, a bucket or an object's permissions: no list grants it.
    Manage,
}

/// One permission that an operation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The action in policies, e.g. `oss:GetObject`.
    pub action: &'static str,
    /// What it is done to.
    pub resource: Resource,
    /// The version of the object that is meant, where the operation names one.
    pub version: Option<VersionId>,
    /// How access-control lists see it.
    pub kind: AccessKind,
}
