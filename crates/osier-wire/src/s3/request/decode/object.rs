//! Operations on one object.

use http::{HeaderMap, header};
use osier_types::limits::{LIST_KEYS_MAX, OBJECT_TAGS_MAX, PART_NUMBER_MAX};
use osier_types::{
    CopyObject, CopySource, DeleteObject, Fault, FaultKind, GetObject, GetObjectAttributes,
    ObjectAttribute, Op, PutObject, RangeRequest,
};

use super::bucket::acl_of;
use super::headers::{bypass_governance, delete_conditions, expected, new_object, without_framing};
use super::protection;
use crate::checksum::checksum_algorithm;
use crate::request::fields::{Fields, conditions, missing, range};
use crate::request::input::Input;
use crate::request::source;
use crate::s3::request::route::object_key;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn put(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    let mut new = new_object(input.fields(), input.account)?;
    without_framing(&mut new);
    Ok(Op::PutObject(PutObject {
        bucket,
        key,
        new,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn fetch(input: &Input<'_>) -> Decoded {
    reading(input).map(Op::GetObject)
}

pub(crate) fn head(input: &Input<'_>) -> Decoded {
    reading(input).map(Op::HeadObject)
}

fn reading(input: &Input<'_>) -> Result<GetObject, Fault> {
    let spec = input
        .headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(range);
    let part = input
        .query
        .has("partNumber")
        .then(|| input.part_number())
        .transpose()?;
    if part.is_some() && spec.is_some() {
        return Err(FaultKind::InvalidRequest {
            reason: "a range and a part number can't go together".to_owned(),
        }
        .into());
    }
    Ok(GetObject {
        object: input.object_ref()?,
        range: spec.map(|spec| RangeRequest {
            spec,
            standard: true,
        }),
        part,
        customer_key: protection::customer_key(input.fields(), protection::OWN)?,
        conditions: conditions(input.headers, ""),
        overrides: input.overrides()?,
    })
}

pub(crate) fn attributes(input: &Input<'_>) -> Decoded {
    const NAMES: &str = "x-amz-object-attributes";
    const MARKER: &str = "x-amz-part-number-marker";
    const MAX: &str = "x-amz-max-parts";
    let fields = input.fields();
    let mut attributes = Vec::new();
    let sent = input.headers.get_all(NAMES).iter();
    for word in sent.flat_map(|value| value.as_bytes().split(|&byte| byte == b',')) {
        attributes.push(match word.trim_ascii() {
            b"ETag" => ObjectAttribute::ETag,
            b"Checksum" => ObjectAttribute::Checksum,
            b"ObjectParts" => ObjectAttribute::ObjectParts,
            b"StorageClass" => ObjectAttribute::StorageClass,
            b"ObjectSize" => ObjectAttribute::ObjectSize,
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(Fault::argument(NAMES, other, "not an attribute of objects"));
            }
        });
    }
    if attributes.is_empty() {
        return Err(missing(NAMES));
    }
    let number = |name, max: u32| {
        fields
            .text(name)?
            .map(|text| {
                text.parse::<u32>()
                    .map(|number| number.min(max))
                    .map_err(|_| Fault::argument(name, text, "a number"))
            })
            .transpose()
    };
    let marker = number(MARKER, PART_NUMBER_MAX.into())?.unwrap_or_default();
    Ok(Op::GetObjectAttributes(GetObjectAttributes {
        object: input.object_ref()?,
        customer_key: protection::customer_key(fields, protection::OWN)?,
        attributes,
        part_number_marker: u16::try_from(marker).unwrap_or(PART_NUMBER_MAX),
        max_parts: number(MAX, LIST_KEYS_MAX)?.unwrap_or(LIST_KEYS_MAX),
    }))
}

pub(crate) fn delete(input: &Input<'_>) -> Decoded {
    Ok(Op::DeleteObject(DeleteObject {
        object: input.object_ref()?,
        conditions: delete_conditions(input.fields())?,
        bypass_governance: bypass_governance(input.fields())?,
    }))
}

pub(crate) fn copy(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    let fields = input.fields();
    let mut new = new_object(fields, input.account)?;
    without_framing(&mut new);
    let source = copy_source(input.headers)?;
    let replace_metadata = replaces(fields, "x-amz-metadata-directive")?;
    let same = source.object.bucket == bucket && source.object.key == key;
    let changes = replace_metadata
        || new.storage_class.is_some()
        || new.encryption.is_some()
        || source.object.version.is_some()
        || source.customer_key.is_some();
    if same && !changes {
        return Err(FaultKind::InvalidRequest {
            reason: "This copy request is illegal because it is trying to copy an object to \
                     itself without changing the object's metadata, storage class, website \
                     redirect location or encryption attributes."
                .to_owned(),
        }
        .into());
    }
    Ok(Op::CopyObject(CopyObject {
        bucket,
        key,
        source,
        new,
        replace_metadata,
        replace_tags: replaces(fields, "x-amz-tagging-directive")?,
        checksum: checksum_algorithm(input.headers)?,
    }))
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
        acl: acl_of(input)?.into(),
    })
}

/// `x-amz-copy-source` with its conditions, and the key that it is encrypted under.
pub(crate) fn copy_source(headers: &HeaderMap) -> Result<CopySource, Fault> {
    let fields = Fields::Headers(headers);
    Ok(CopySource {
        customer_key: protection::customer_key(fields, protection::SOURCE)?,
        ..source::copy_source(headers, "x-amz-copy-source", object_key)?
    })
}

fn replaces(fields: Fields<'_>, name: &'static str) -> Result<bool, Fault> {
    match fields.text(name)? {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(word) => Err(Fault::argument(name, word, "COPY or REPLACE")),
    }
}
