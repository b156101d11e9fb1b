//! From a form's fields to `PostObject`.
//!
//! Signature and policy are checked elsewhere, over the same fields.

#[cfg(test)]
mod tests;

use osier_types::{Expected, Fault, FaultKind, PostObject, PutObject};

use super::decode::headers::object_key;
use super::route::PROTECTION;
use crate::request::fields::{Fields, bucket_name, header_value, missing};
use crate::request::post::{success, with_file_name};
use crate::{Address, FormHead};

/// Makes the operation of a form that was posted to `address`. `length_range` is the policy's
/// `content-length-range`.
///
/// # Errors
/// When a field is missing or wrong, or asks for something that is not there.
pub fn decode_post(
    address: &Address,
    form: &FormHead,
    length_range: Option<(u64, u64)>,
) -> Result<PostObject, Fault> {
    let bucket = bucket_name(address.bucket.as_deref().unwrap_or_default())?;
    if let Some(option) = missing_option(form) {
        return Err(Fault::new(FaultKind::NotImplemented {
            what: format!("PostObject with {option}"),
        }));
    }
    let fields = Fields::Form(&form.fields);
    let key = fields.get("key").ok_or_else(|| missing("key"))?;
    let key = object_key(&with_file_name(key, form.file_name.as_deref()))?;
    let mut new = fields.new_object()?;
    let content_type = fields
        .get("x-oss-content-type")
        .or(form.file_content_type.as_deref())
        .filter(|value| !value.is_empty());
    if let Some(value) = content_type {
        new.headers.content_type = Some(header_value("Content-Type", value)?);
    }
    Ok(PostObject {
        put: PutObject {
            bucket,
            key,
            new,
            expected: Expected {
                md5: fields.content_md5()?,
                crc64: fields.crc64()?,
                ..Expected::default()
            },
        },
        length_range,
        success: success(fields)?,
    })
}

/// Fields that someone would rely on and that mean nothing here.
fn missing_option(form: &FormHead) -> Option<&str> {
    const PREFIXES: [&str; 4] = [
        "callback",
        "x-oss-callback",
        "x-oss-server-side-",
        "x-oss-object-worm-",
    ];
    form.fields
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| {
            PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !PROTECTION.contains(name)
        })
}
