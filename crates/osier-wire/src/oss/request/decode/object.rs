//! Operations on one object.

use http::{HeaderMap, header};
use osier_types::limits::OBJECT_TAGS_MAX;
use osier_types::{
    AppendObject, CopyObject, CopySource, DeleteConditions, DeleteObject, Fault, FaultKind,
    GetObject, ObjectKey, ObjectRef, Op, OptionsObject, PutObject, PutSymlink, RangeRequest,
    ResponseOverrides, percent_decode,
};

use super::headers::{bucket_name, expected, object_key};
use crate::request::fields::{Fields, conditions, header_value, missing, range, version_id};
use crate::request::input::Input;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn put(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    Ok(Op::PutObject(PutObject {
        bucket,
        key,
        new: input.fields().new_object()?,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn fetch(input: &Input<'_>) -> Decoded {
    let standard = input
        .fields()
        .get("x-oss-range-behavior")
        .is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"standard"));
    let spec = input
        .headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(range);
    Ok(Op::GetObject(GetObject {
        range: spec.map(|spec| RangeRequest { spec, standard }),
        ..reading(input)?
    }))
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    reading(input).map(Op::HeadObject)
}

fn reading(input: &Input<'_>) -> Result<GetObject, Fault> {
    let overriding = |name: &str| {
        input
            .query
            .get(name)
            .filter(|value| !value.is_empty())
            .map(|value| header_value(name, value))
            .transpose()
    };
    Ok(GetObject {
        object: input.object_ref()?,
        range: None,
        part: None,
        customer_key: None,
        conditions: conditions(input.headers, ""),
        overrides: ResponseOverrides {
            cache_control: overriding("response-cache-control")?,
            content_disposition: overriding("response-content-disposition")?,
            content_encoding: overriding("response-content-encoding")?,
            content_language: overriding("response-content-language")?,
            content_type: overriding("response-content-type")?,
            expires: overriding("response-expires")?,
        },
    })
}

pub(crate) fn meta(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetObjectMeta)
}

pub(crate) fn delete(input: &Input<'_>) -> Decoded {
    Ok(Op::DeleteObject(DeleteObject {
        object: input.object_ref()?,
        conditions: DeleteConditions::default(),
        bypass_governance: input.fields().bypass_governance()?,
    }))
}

pub(crate) fn copy(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    let fields = input.fields();
    Ok(Op::CopyObject(CopyObject {
        bucket,
        key,
        source: copy_source(input.headers)?,
        new: fields.new_object()?,
        replace_metadata: replaces(fields, "x-oss-metadata-directive")?,
        replace_tags: replaces(fields, "x-oss-tagging-directive")?,
        checksum: None,
    }))
}

pub(crate) fn append(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    Ok(Op::AppendObject(AppendObject {
        bucket,
        key,
        position: position(input)?,
        new: input.fields().new_object()?,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn seal(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    Ok(Op::SealAppendObject {
        bucket,
        key,
        position: position(input)?,
    })
}

pub(crate) fn put_symlink(input: &Input<'_>) -> Decoded {
    const NAME: &str = "x-oss-symlink-target";
    let (bucket, key) = input.object()?;
    let target = input
        .fields()
        .get(NAME)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| missing(NAME))?;
    Ok(Op::PutSymlink(PutSymlink {
        bucket,
        key,
        target: symlink_target(target)?,
        new: input.fields().new_object()?,
    }))
}

pub(crate) fn symlink(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetSymlink)
}

pub(crate) fn tagging(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetObjectTagging)
}

pub(crate) fn put_tagging(input: &Input<'_>) -> Decoded {
    Ok(Op::PutObjectTagging {
        object: input.object_ref()?,
        tags: documents::tagging(input.document, OBJECT_TAGS_MAX)?,
    })
}

pub(crate) fn delete_tagging(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::DeleteObjectTagging)
}

pub(crate) fn acl(input: &Input<'_>) -> Decoded {
    input.object_ref().map(Op::GetObjectAcl)
}

pub(crate) fn put_acl(input: &Input<'_>) -> Decoded {
    Ok(Op::PutObjectAcl {
        object: input.object_ref()?,
        acl: input
            .fields()
            .object_acl()?
            .ok_or_else(|| missing("x-oss-object-acl"))?,
    })
}

pub(crate) fn preflight(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let fields = input.fields();
    let (Some(origin), Some(method)) = (
        fields.text("origin")?,
        fields.text("access-control-request-method")?,
    ) else {
        return Err(FaultKind::IncompletePreflight.into());
    };
    let headers = fields
        .text("access-control-request-headers")?
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Op::OptionsObject(OptionsObject {
        bucket,
        origin: origin.to_owned(),
        method: method.to_owned(),
        headers,
    }))
}

/// `x-oss-copy-source` with its conditions: `/bucket/key?versionId=id`, the key
/// percent-encoded, by oss2 its slashes too. The first slash may be missing.
pub(crate) fn copy_source(headers: &HeaderMap) -> Result<CopySource, Fault> {
    const NAME: &str = "x-oss-copy-source";
    const VERSION: &str = "?versionId=";
    let value = headers.get(NAME).ok_or_else(|| missing(NAME))?;
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| {
        Fault::argument(NAME, String::from_utf8_lossy(value.as_bytes()), "not UTF-8")
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
            return Err(Fault::argument(NAME, text, "/bucket/key"));
        };
        (bucket.to_vec(), key.get(1..).unwrap_or_default().to_vec())
    };
    if bucket.is_empty() || key.is_empty() {
        return Err(Fault::argument(NAME, text, "/bucket/key"));
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
        conditions: conditions(headers, "x-oss-copy-source-"),
    })
}

/// oss2 and ali-oss encode a symlink's target, v2 sends it raw: decoded where that gives text.
fn symlink_target(value: &[u8]) -> Result<ObjectKey, Fault> {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let stray = value
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .any(|(at, _)| !is_hex(value.get(at + 1)) || !is_hex(value.get(at + 2)));
    let decoded = percent_decode(value);
    if stray || std::str::from_utf8(&decoded).is_err() {
        object_key(value)
    } else {
        object_key(&decoded)
    }
}

fn position(input: &Input<'_>) -> Result<u64, Fault> {
    let text = input.required("position")?;
    text.parse()
        .map_err(|_| Fault::argument("position", text, "a number of bytes"))
}

fn replaces(fields: Fields<'_>, name: &'static str) -> Result<bool, Fault> {
    match fields.text(name)? {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("copy") => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("replace") => Ok(true),
        Some(word) => Err(Fault::argument(name, word, "COPY or REPLACE")),
    }
}
