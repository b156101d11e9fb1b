//! The documents that only OSS has in this form.

mod protection;
#[cfg(test)]
mod tests;

use osier_types::{DataRedundancy, Fault, StorageClass};

use crate::xml::read::parse;
pub(super) use protection::{encryption, legal_hold, object_worm, retention, worm_days};

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
