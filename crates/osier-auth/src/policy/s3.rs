//! S3's names of actions and condition keys, and ours for the same thing.

use super::glob::Glob;

/// Our actions, in lower case, for an S3 action without its `s3:`, in lower case, with
/// wildcards. `None` when nothing is known by that name.
///
/// A pattern stands for the S3 actions that it matches, not for ours of the same spelling:
/// `s3:ListBucket*` does not list the buckets of the account.
pub(super) fn actions(pattern: &str) -> Option<impl Iterator<Item = String>> {
    let glob = Glob::new(pattern);
    let mut found: Vec<String> = if glob.is_anything() {
        vec!["oss:*".to_owned()]
    } else {
        ACTIONS
            .iter()
            .filter(|(s3, _)| glob.matches(&s3.to_ascii_lowercase()))
            .map(|(_, oss)| format!("oss:{}", oss.to_ascii_lowercase()))
            .collect()
    };
    found.sort_unstable();
    found.dedup();
    (!found.is_empty()).then(|| found.into_iter())
}

/// Our name of one of S3's condition keys; both in lower case.
pub(super) fn condition_key(key: &str) -> Option<String> {
    if let Some((_, ours)) = CONDITION_KEYS.iter().find(|(s3, _)| *s3 == key) {
        return Some((*ours).to_owned());
    }
    TAG_KEYS.iter().find_map(|(s3, ours)| {
        let tag = key.strip_prefix(s3)?;
        Some(format!("{ours}{tag}"))
    })
}

const CONDITION_KEYS: &[(&str, &str)] = &[
    ("aws:currenttime", "acs:currenttime"),
    ("aws:multifactorauthpresent", "acs:mfapresent"),
    ("aws:referer", "acs:referer"),
    ("aws:securetransport", "acs:securetransport"),
    ("aws:sourceip", "acs:sourceip"),
    ("aws:sourcevpc", "acs:sourcevpc"),
    ("aws:useragent", "acs:useragent"),
    (
        "s3:accesspointnetworkorigin",
        "oss:accesspointnetworkorigin",
    ),
    ("s3:dataaccesspointaccount", "oss:dataaccesspointaccount"),
    ("s3:dataaccesspointarn", "oss:dataaccesspointarn"),
    ("s3:delimiter", "oss:delimiter"),
    (
        "s3:object-lock-remaining-retention-days",
        "oss:object-remaining-retention-days",
    ),
    ("s3:prefix", "oss:prefix"),
    ("sts:externalid", "sts:externalid"),
];

const TAG_KEYS: &[(&str, &str)] = &[
    ("s3:buckettag/", "oss:buckettag/"),
    ("s3:existingobjecttag/", "oss:existingobjecttag/"),
    ("s3:requestobjecttag/", "oss:requestobjecttag/"),
];

/// S3 action, our action.
const ACTIONS: &[(&str, &str)] = &[
    ("AbortMultipartUpload", "AbortMultipartUpload"),
    ("BypassGovernanceRetention", "BypassGovernanceRetention"),
    ("CreateAccessPoint", "CreateAccessPoint"),
    ("CreateBucket", "PutBucket"),
    ("DeleteAccessPoint", "DeleteAccessPoint"),
    ("DeleteAccessPointPolicy", "DeleteAccessPointPolicy"),
    ("DeleteBucket", "DeleteBucket"),
    ("DeleteBucketPolicy", "DeleteBucketPolicy"),
    ("DeleteBucketWebsite", "DeleteBucketWebsite"),
    ("DeleteObject", "DeleteObject"),
    ("DeleteObjectTagging", "DeleteObjectTagging"),
    ("DeleteObjectVersion", "DeleteObjectVersion"),
    ("DeleteObjectVersionTagging", "DeleteObjectVersionTagging"),
    ("GetAccessPoint", "GetAccessPoint"),
    ("GetAccessPointPolicy", "GetAccessPointPolicy"),
    ("GetAccountPublicAccessBlock", "GetPublicAccessBlock"),
    ("GetBucketAcl", "GetBucketAcl"),
    ("GetBucketCORS", "GetBucketCors"),
    ("GetBucketLocation", "GetBucketLocation"),
    ("GetBucketLogging", "GetBucketLogging"),
    (
        "GetBucketObjectLockConfiguration",
        "GetBucketObjectWormConfiguration",
    ),
    ("GetBucketPolicy", "GetBucketPolicy"),
    ("GetBucketPolicyStatus", "GetBucketPolicyStatus"),
    ("GetBucketPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("GetBucketRequestPayment", "GetBucketRequestPayment"),
    ("GetBucketTagging", "GetBucketTagging"),
    ("GetBucketVersioning", "GetBucketVersioning"),
    ("GetBucketWebsite", "GetBucketWebsite"),
    ("GetEncryptionConfiguration", "GetBucketEncryption"),
    ("GetInventoryConfiguration", "GetBucketInventory"),
    ("GetLifecycleConfiguration", "GetBucketLifecycle"),
    ("GetObject", "GetObject"),
    ("GetObjectAcl", "GetObjectAcl"),
    ("GetObjectAttributes", "GetObject"),
    ("GetObjectLegalHold", "GetObjectLegalHold"),
    ("GetObjectRetention", "GetObjectRetention"),
    ("GetObjectTagging", "GetObjectTagging"),
    ("GetObjectVersion", "GetObjectVersion"),
    ("GetObjectVersionAcl", "GetObjectVersionAcl"),
    ("GetObjectVersionAttributes", "GetObjectVersion"),
    ("GetObjectVersionTagging", "GetObjectVersionTagging"),
    ("GetReplicationConfiguration", "GetBucketReplication"),
    ("ListAccessPoints", "ListAccessPoints"),
    ("ListAllMyBuckets", "ListBuckets"),
    ("ListBucket", "ListObjects"),
    ("ListBucketMultipartUploads", "ListMultipartUploads"),
    ("ListBucketVersions", "ListObjectVersions"),
    ("ListMultipartUploadParts", "ListParts"),
    ("PutAccessPointPolicy", "PutAccessPointPolicy"),
    ("PutAccountPublicAccessBlock", "PutPublicAccessBlock"),
    ("PutBucketAcl", "PutBucketAcl"),
    ("PutBucketCORS", "PutBucketCors"),
    ("PutBucketCORS", "DeleteBucketCors"),
    ("PutBucketLogging", "PutBucketLogging"),
    ("PutBucketLogging", "DeleteBucketLogging"),
    (
        "PutBucketObjectLockConfiguration",
        "PutBucketObjectWormConfiguration",
    ),
    ("PutBucketPolicy", "PutBucketPolicy"),
    ("PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    (
        "PutBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
    ),
    ("PutBucketRequestPayment", "PutBucketRequestPayment"),
    ("PutBucketTagging", "PutBucketTagging"),
    ("PutBucketTagging", "DeleteBucketTagging"),
    ("PutBucketVersioning", "PutBucketVersioning"),
    ("PutBucketWebsite", "PutBucketWebsite"),
    ("PutEncryptionConfiguration", "PutBucketEncryption"),
    ("PutEncryptionConfiguration", "DeleteBucketEncryption"),
    ("PutInventoryConfiguration", "PutBucketInventory"),
    ("PutInventoryConfiguration", "DeleteBucketInventory"),
    ("PutLifecycleConfiguration", "PutBucketLifecycle"),
    ("PutLifecycleConfiguration", "DeleteBucketLifecycle"),
    ("PutObject", "PutObject"),
    ("PutObjectAcl", "PutObjectAcl"),
    ("PutObjectLegalHold", "PutObjectLegalHold"),
    ("PutObjectRetention", "PutObjectRetention"),
    ("PutObjectTagging", "PutObjectTagging"),
    ("PutObjectVersionAcl", "PutObjectVersionAcl"),
    ("PutObjectVersionTagging", "PutObjectVersionTagging"),
    ("PutReplicationConfiguration", "PutBucketReplication"),
    ("PutReplicationConfiguration", "DeleteBucketReplication"),
    ("ReplicateDelete", "ReplicateDelete"),
    ("ReplicateObject", "ReplicatePut"),
    ("RestoreObject", "RestoreObject"),
    ("RestoreObject", "RestoreObjectVersion"),
];
