//! From a form's fields to `PostObject`.
//!
//! Signature and policy are checked elsewhere, over the same fields.

use osier_types::{ChecksumAlgorithm, ChecksumPromise, Expected, Fault, PostObject, PutObject};

use super::decode::headers::new_object;
use super::route::object_key;
use crate::checksum::checksum_in;
use crate::request::fields::{Fields, bucket_name, header_value};
use crate::request::post::{success, with_file_name};
use crate::s3::request::xml;
use crate::{Address, FormHead};

/// Forms that say nothing get what S3 gives.
const UNSENT: Option<ChecksumPromise> = Some(ChecksumPromise::Unsent(ChecksumAlgorithm::Crc64Nvme));

/// Makes the operation of a form that was posted to `address`. `length_range` is the policy's
/// `content-length-range`, `account` the id of the account that signed.
///
/// # Errors
/// When a field is missing or wrong.
pub fn decode_post(
    address: &Address,
    form: &FormHead,
    length_range: Option<(u64, u64)>,
    account: &str,
) -> Result<PostObject, Fault> {
    let bucket = bucket_name(address.bucket.as_deref().unwrap_or_default())?;
    let fields = Fields::Form(&form.fields);
    let key = fields.get("key").ok_or_else(|| {
        Fault::argument("key", "", "a form must have this field, before its file")
    })?;
    let key = object_key(&with_file_name(key, form.file_name.as_deref()))?;
    let mut new = new_object(fields, account)?;
    if new.headers.content_type.is_none()
        && let Some(value) = form.file_content_type.as_deref()
        && !value.is_empty()
    {
        new.headers.content_type = Some(header_value("Content-Type", value)?);
    }
    // A form calls the list `acl` and has the tags as a document.
    if let Some(word) = fields.text("acl")? {
        new.acl = Some(crate::s3::acl::Acl::canned(word)?.into());
    }
    if let Some(document) = fields.get("tagging").filter(|value| !value.is_empty()) {
        new.tags = Some(xml::object_tagging(document)?);
    }
    Ok(PostObject {
        put: PutObject {
            bucket,
            key,
            new,
            expected: Expected {
                md5: fields.content_md5()?,
                checksum: checksum_in(fields)?
                    .map_or(UNSENT, |sent| Some(ChecksumPromise::Sent(sent))),
                ..Expected::default()
            },
        },
        length_range,
        success: success(fields)?,
    })
}
