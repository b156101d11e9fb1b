//! Uploads in parts.

use osier_types::{
    CompleteMultipartUpload, CompletedParts, Fault, InitiateMultipartUpload, Op, RangeSpec,
    UploadPart, UploadPartCopy,
};

use super::headers::{expected, new_object, without_framing, write_conditions};
use super::object::copy_source;
use super::protection;
use crate::checksum::{checksum_of_object, checksum_plan, checksum_type};
use crate::request::fields::range;
use crate::request::input::Input;
use crate::s3::request::xml;

type Decoded = Result<Op, Fault>;

pub(crate) fn initiate(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    let mut new = new_object(input.fields(), input.account)?;
    without_framing(&mut new);
    Ok(Op::InitiateMultipartUpload(InitiateMultipartUpload {
        bucket,
        key,
        new,
        sequential: false,
        checksum: checksum_plan(input.headers)?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn upload_part(input: &Input<'_>) -> Decoded {
    Ok(Op::UploadPart(UploadPart {
        upload: input.upload()?,
        part_number: input.part_number()?,
        customer_key: protection::customer_key(input.fields(), protection::OWN)?,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn upload_part_copy(input: &Input<'_>) -> Decoded {
    Ok(Op::UploadPartCopy(UploadPartCopy {
        upload: input.upload()?,
        part_number: input.part_number()?,
        customer_key: protection::customer_key(input.fields(), protection::OWN)?,
        source: copy_source(input.headers)?,
        range: source_range(input)?,
        range_must_fit: true,
    }))
}

pub(crate) fn complete(input: &Input<'_>) -> Decoded {
    let parts = xml::complete(input.document)?;
    Ok(Op::CompleteMultipartUpload(CompleteMultipartUpload {
        upload: input.upload()?,
        parts: CompletedParts::Listed(parts.tags),
        forbid_overwrite: false,
        conditions: write_conditions(input.fields())?,
        acl: None,
        crc64: None,
        checksum: checksum_of_object(input.headers)?,
        checksum_type: checksum_type(input.headers)?,
        part_checksums: parts.checksums,
        repeatable: true,
        url_encoded: input.url_encoded()?,
    }))
}

/// Unlike `Range` it must be understood, and have both ends: all of the source in place of a
/// part of it would go unnoticed.
fn source_range(input: &Input<'_>) -> Result<Option<RangeSpec>, Fault> {
    const NAME: &str = "x-amz-copy-source-range";
    let Some(text) = input.fields().text(NAME)? else {
        return Ok(None);
    };
    match range(text) {
        Some(spec @ RangeSpec::FromTo(first, last)) if first <= last => Ok(Some(spec)),
        _ => Err(Fault::argument(NAME, text, "expected bytes=first-last")),
    }
}
