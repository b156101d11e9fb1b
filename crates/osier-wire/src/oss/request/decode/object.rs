//! Operations on one object.

use http::{HeaderMap, header};
use osier_types::limits::OBJECT_TAGS_MAX;
use osier_types::{
    AppendObject, CopyObject, CopySource, DeleteConditions, DeleteObject, Fault, GetObject,
    ObjectKey, Op, PutObject, PutSymlink, RangeRequest, percent_decode,
};

use super::headers::{expected, object_key};
use crate::request::fields::{Fields, conditions, missing, range};
use crate::request::input::Input;
use crate::request::source;
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
    ranged(input).map(Op::GetObject)
}

/// A read with its range.
pub(super) fn ranged(input: &Input<'_>) -> Result<GetObject, Fault> {
    let standard = input
        .fields()
        .get("x-oss-range-behavior")
        .is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"standard"));
    let spec = input
        .headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(range);
    Ok(GetObject {
        range: spec.map(|spec| RangeRequest { spec, standard }),
        ..reading(input)?
    })
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    reading(input).map(Op::HeadObject)
}

pub(super) fn reading(input: &Input<'_>) -> Result<GetObject, Fault> {
    Ok(GetObject {
        object: input.object_ref()?,
        range: None,
        part: None,
        customer_key: None,
        conditions: conditions(input.headers, ""),
        overrides: input.overrides()?,
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

/// `x-oss-copy-source` with its conditions.
pub(crate) fn copy_source(headers: &HeaderMap) -> Result<CopySource, Fault> {
    source::copy_source(headers, "x-oss-copy-source", object_key)
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
