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

/// An action by its name in policies, with or without `oss:` before it, whatever its case.
pub fn action(name: &str) -> Option<(&'static str, AccessKind)> {
    let bare = match name.split_at_checked(4) {
        Some((service, rest)) if service.eq_ignore_ascii_case("oss:") => rest,
        _ => name,
    };
    let known = |(action, _): &&(&str, AccessKind)| {
        action
            .strip_prefix("oss:")
            .is_some_and(|action| action.eq_ignore_ascii_case(bare))
    };
    ACTIONS.iter().find(known).copied()
}

/// The actions that people ask about. `Op::accesses` says which request needs which.
pub const ACTIONS: &[(&str, AccessKind)] = &[
    ("oss:GetObject", AccessKind::Read),
    ("oss:GetObjectVersion", AccessKind::Read),
    ("oss:GetObjectTagging", AccessKind::Read),
    ("oss:GetObjectVersionTagging", AccessKind::Read),
    ("oss:ListObjects", AccessKind::Read),
    ("oss:ListObjectVersions", AccessKind::Read),
    ("oss:ListMultipartUploads", AccessKind::Read),
    ("oss:ListParts", AccessKind::Read),
    ("oss:PutObject", AccessKind::Write),
    ("oss:DeleteObject", AccessKind::Write),
    ("oss:DeleteObjectVersion", AccessKind::Write),
    ("oss:AbortMultipartUpload", AccessKind::Write),
    ("oss:PutObjectTagging", AccessKind::Write),
    ("oss:PutObjectVersionTagging", AccessKind::Write),
    ("oss:DeleteObjectTagging", AccessKind::Write),
    ("oss:DeleteObjectVersionTagging", AccessKind::Write),
    ("oss:GetObjectAcl", AccessKind::Manage),
    ("oss:GetObjectVersionAcl", AccessKind::Manage),
    ("oss:PutObjectAcl", AccessKind::Manage),
    ("oss:PutObjectVersionAcl", AccessKind::Manage),
    ("oss:RestoreObject", AccessKind::Manage),
    ("oss:ListBuckets", AccessKind::Manage),
    ("oss:PutBucket", AccessKind::Manage),
    ("oss:DeleteBucket", AccessKind::Manage),
    ("oss:GetBucketInfo", AccessKind::Manage),
    ("oss:GetBucketStat", AccessKind::Manage),
    ("oss:GetBucketLocation", AccessKind::Manage),
    ("oss:GetBucketAcl", AccessKind::Manage),
    ("oss:PutBucketAcl", AccessKind::Manage),
    ("oss:GetBucketVersioning", AccessKind::Manage),
    ("oss:PutBucketVersioning", AccessKind::Manage),
    ("oss:GetBucketTagging", AccessKind::Manage),
    ("oss:PutBucketTagging", AccessKind::Manage),
    ("oss:DeleteBucketTagging", AccessKind::Manage),
    ("oss:GetBucketCors", AccessKind::Manage),
    ("oss:PutBucketCors", AccessKind::Manage),
    ("oss:DeleteBucketCors", AccessKind::Manage),
    ("oss:GetBucketPolicy", AccessKind::Manage),
    ("oss:PutBucketPolicy", AccessKind::Manage),
    ("oss:DeleteBucketPolicy", AccessKind::Manage),
    ("oss:GetBucketPolicyStatus", AccessKind::Manage),
    ("oss:GetBucketReferer", AccessKind::Manage),
    ("oss:PutBucketReferer", AccessKind::Manage),
    ("oss:GetPublicAccessBlock", AccessKind::Manage),
    ("oss:PutPublicAccessBlock", AccessKind::Manage),
    ("oss:DeletePublicAccessBlock", AccessKind::Manage),
    ("oss:GetBucketPublicAccessBlock", AccessKind::Manage),
    ("oss:PutBucketPublicAccessBlock", AccessKind::Manage),
    ("oss:DeleteBucketPublicAccessBlock", AccessKind::Manage),
    ("oss:CreateAccessPoint", AccessKind::Manage),
    ("oss:GetAccessPoint", AccessKind::Manage),
    ("oss:DeleteAccessPoint", AccessKind::Manage),
    ("oss:ListAccessPoints", AccessKind::Manage),
    ("oss:GetAccessPointPolicy", AccessKind::Manage),
    ("oss:PutAccessPointPolicy", AccessKind::Manage),
    ("oss:DeleteAccessPointPolicy", AccessKind::Manage),
    ("oss:GetBucketLifecycle", AccessKind::Manage),
    ("oss:PutBucketLifecycle", AccessKind::Manage),
    ("oss:DeleteBucketLifecycle", AccessKind::Manage),
    ("oss:GetBucketWebsite", AccessKind::Manage),
    ("oss:PutBucketWebsite", AccessKind::Manage),
    ("oss:DeleteBucketWebsite", AccessKind::Manage),
    ("oss:GetBucketLogging", AccessKind::Manage),
    ("oss:PutBucketLogging", AccessKind::Manage),
    ("oss:DeleteBucketLogging", AccessKind::Manage),
    ("oss:GetBucketEncryption", AccessKind::Manage),
    ("oss:PutBucketEncryption", AccessKind::Manage),
    ("oss:DeleteBucketEncryption", AccessKind::Manage),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_by_name() {
        let get = Some(("oss:GetObject", AccessKind::Read));
        for name in ["oss:GetObject", "GetObject", "OSS:getobject"] {
            assert_eq!(action(name), get, "{name}");
        }
        for name in ["", "oss:", "oss:Get", "ram:GetUser", "oss:*"] {
            assert_eq!(action(name), None, "{name}");
        }
    }
}
