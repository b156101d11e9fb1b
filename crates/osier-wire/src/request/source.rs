//! Where a copy comes from.

use http::HeaderMap;
use osier_types::{CopySource, Fault, ObjectKey, ObjectRef, percent_decode};

use super::fields::{bucket_name, conditions, missing, version_id};

/// `x-oss-copy-source` or `x-amz-copy-source` with its conditions: `/bucket/key?versionId=id`, the key
/// percent-encoded, by oss2 its slashes too. The first slash may be missing.
pub(crate) fn copy_source(
    headers: &HeaderMap,
    name: &'static str,
    object_key: fn(&[u8]) -> Result<ObjectKey, Fault>,
) -> Result<CopySource, Fault> {
    const VERSION: &str = "?versionId=";
    let value = headers.get(name).ok_or_else(|| missing(name))?;
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| {
        Fault::argument(name, String::from_utf8_lossy(value.as_bytes()), "not UTF-8")
    })?;
    let (path, version) = match text.rsplit_once(VERSION) {
        Some((path, version)) => (path, Some(percent_decode(version.as_bytes()))),
        None => (text, None),
    };
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = if let Some((bucket, key)) = path.split_once('/') {
        (
            percent_decode(bucket.as_bytes()),
            percent_decode(key.as_bytes()),
        )
    } else {
        // No literal slash: the whole was encoded.
        let mut whole = percent_decode(path.as_bytes());
        if whole.first() == Some(&b'/') {
            whole.remove(0);
        }
        let slash = whole.iter().position(|&byte| byte == b'/');
        let Some((bucket, key)) = slash.and_then(|at| whole.split_at_checked(at)) else {
            return Err(Fault::argument(name, text, "/bucket/key"));
        };
        (bucket.to_vec(), key.get(1..).unwrap_or_default().to_vec())
    };
    if bucket.is_empty() || key.is_empty() {
        return Err(Fault::argument(name, text, "/bucket/key"));
    }
    Ok(CopySource {
        object: ObjectRef {
            bucket: bucket_name(&String::from_utf8_lossy(&bucket))?,
            key: object_key(&key)?,
            version: version
                .map(|version| version_id(&String::from_utf8_lossy(&version)))
                .transpose()?,
        },
        customer_key: None,
        conditions: conditions(headers, &format!("{name}-")),
    })
}
