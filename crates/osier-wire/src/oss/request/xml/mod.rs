//! The documents that only OSS has in this form.

#[cfg(test)]
mod tests;

use osier_types::{BucketEncryption, DataRedundancy, Fault, StorageClass};

use super::decode::protection::bucket_encryption;
use crate::xml::read::{malformed, parse};

/// `CreateBucketConfiguration`; an empty body asks for nothing.
pub(crate) fn create_bucket(
    document: &[u8],
) -> Result<(Option<StorageClass>, Option<DataRedundancy>), Fault> {
    if document.trim_ascii().is_empty() {
        return Ok((None, None));
    }
    let root = parse(document, "CreateBucketConfiguration")?;
    let storage_class = root
        .word("StorageClass")?
        .map(|word| {
            StorageClass::parse(word)
                .map_err(|_| Fault::argument("StorageClass", word, "not a storage class"))
        })
        .transpose()?;
    let redundancy = root
        .word("DataRedundancyType")?
        .map(|word| {
            DataRedundancy::parse(word)
                .map_err(|_| Fault::argument("DataRedundancyType", word, "LRS or ZRS"))
        })
        .transpose()?;
    Ok((storage_class, redundancy))
}

/// `ServerSideEncryptionRule`.
pub(crate) fn encryption(document: &[u8]) -> Result<BucketEncryption, Fault> {
    let root = parse(document, "ServerSideEncryptionRule")?;
    let rule = root
        .one("ApplyServerSideEncryptionByDefault")?
        .ok_or_else(|| malformed("ApplyServerSideEncryptionByDefault is missing"))?;
    let algorithm = rule
        .word("SSEAlgorithm")?
        .ok_or_else(|| malformed("SSEAlgorithm is missing"))?;
    bucket_encryption(
        algorithm,
        rule.word("KMSMasterKeyID")?,
        rule.word("KMSDataEncryption")?,
    )
}
