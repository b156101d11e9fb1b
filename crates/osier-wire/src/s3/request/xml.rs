//! The documents that only S3 has in this form.

use osier_types::limits::{BUCKET_TAGS_MAX, OBJECT_TAGS_MAX};
use osier_types::{
    BucketEncryption, Checksum, ChecksumAlgorithm, DeleteConditions, Fault, FaultKind,
    ObjectOwnership, PublicAccessBlock, Tags, Timestamp,
};

use super::decode::protection::bucket_encryption;
use super::route::object_key;
use crate::xml::documents::{self, Deletion, part, parts, tags_in};
use crate::xml::read::{Element, malformed, parse};

/// `CreateBucketConfiguration`; an empty body asks for nothing. Where a bucket is to lie does not
/// matter: there is one place.
pub(crate) fn create_bucket(document: &[u8]) -> Result<Option<Tags>, Fault> {
    if document.trim_ascii().is_empty() {
        return Ok(None);
    }
    let root = parse(document, "CreateBucketConfiguration")?;
    if root.one("Bucket")?.is_some() {
        return Err(FaultKind::NotImplemented {
            what: "directory buckets".to_owned(),
        }
        .into());
    }
    root.one("Tags")?
        .map(|tags| tags_in(tags, BUCKET_TAGS_MAX))
        .transpose()
}

/// `PublicAccessBlockConfiguration`; what is left out is off.
pub(crate) fn public_access_block(document: &[u8]) -> Result<PublicAccessBlock, Fault> {
    let root = parse(document, "PublicAccessBlockConfiguration")?;
    Ok(PublicAccessBlock {
        block_acls: root.flag("BlockPublicAcls")?,
        ignore_acls: root.flag("IgnorePublicAcls")?,
        block_policy: root.flag("BlockPublicPolicy")?,
        restrict_buckets: root.flag("RestrictPublicBuckets")?,
    })
}

/// `OwnershipControls`: one rule.
pub(crate) fn ownership(document: &[u8]) -> Result<ObjectOwnership, Fault> {
    let root = parse(document, "OwnershipControls")?;
    let rule = root.one("Rule")?;
    let rule = rule.ok_or_else(|| malformed("Rule is missing"))?;
    let word = rule.word("ObjectOwnership")?;
    word.and_then(ObjectOwnership::parse)
        .ok_or_else(|| malformed("ObjectOwnership is none that there is"))
}

/// The field `tagging` of a form.
pub(crate) fn object_tagging(document: &[u8]) -> Result<Tags, Fault> {
    documents::tagging(document, OBJECT_TAGS_MAX)
}

/// `Delete`, with what must hold of each object.
pub(crate) fn delete(document: &[u8]) -> Result<Deletion, Fault> {
    documents::delete(document, object_key, |object| {
        let last_modified = object
            .word("LastModifiedTime")?
            .map(|text| {
                Timestamp::parse_iso8601(text)
                    .or_else(|_| Timestamp::parse_http_date(text))
                    .map_err(|_| malformed("LastModifiedTime is no time"))
            })
            .transpose()?;
        let size = object
            .word("Size")?
            .map(|text| text.parse().map_err(|_| malformed("Size is no number")))
            .transpose()?;
        Ok(DeleteConditions {
            if_match: object.word("ETag")?.map(str::to_owned),
            last_modified,
            size,
        })
    })
}

/// What a completion lists.
#[derive(Debug)]
pub(crate) struct Completed {
    /// Part numbers with the tags the client was given.
    pub(crate) tags: Vec<(u16, String)>,
    /// Checksums of those parts that name one.
    pub(crate) checksums: Vec<(u16, Checksum)>,
}

/// `CompleteMultipartUpload`.
pub(crate) fn complete(document: &[u8]) -> Result<Completed, Fault> {
    let root = parse(document, "CompleteMultipartUpload")?;
    let tags = parts(&root, part)?;
    let named = parts(&root, checksum)?;
    let checksums = tags
        .iter()
        .zip(named)
        .filter_map(|((number, _), checksum)| Some((*number, checksum?)))
        .collect();
    Ok(Completed { tags, checksums })
}

/// `ChecksumCRC32` and its kin.
fn checksum(part: &Element) -> Result<Option<Checksum>, Fault> {
    for algorithm in ChecksumAlgorithm::ALL {
        if let Some(text) = part.word(&format!("Checksum{}", algorithm.name()))? {
            let wrong = || malformed("a part's checksum can't be read");
            return Checksum::parse(algorithm, text).map(Some).ok_or_else(wrong);
        }
    }
    Ok(None)
}

/// `ServerSideEncryptionConfiguration`.
pub(crate) fn encryption(document: &[u8]) -> Result<BucketEncryption, Fault> {
    let root = parse(document, "ServerSideEncryptionConfiguration")?;
    let rule = root
        .one("Rule")?
        .ok_or_else(|| malformed("Rule is missing"))?;
    let default = rule
        .one("ApplyServerSideEncryptionByDefault")?
        .ok_or_else(|| malformed("ApplyServerSideEncryptionByDefault is missing"))?;
    let algorithm = default
        .word("SSEAlgorithm")?
        .ok_or_else(|| malformed("SSEAlgorithm is missing"))?;
    let mut encryption = bucket_encryption(algorithm, default.word("KMSMasterKeyID")?)?;
    if let BucketEncryption::Kms(kms) = &mut encryption {
        kms.bucket_key = rule.flag("BucketKeyEnabled")?;
    }
    Ok(encryption)
}
