//! Uploads in parts.

use http::HeaderMap;
use osier_types::limits::{LIST_PARTS_DEFAULT, PART_NUMBER_MAX};
use osier_types::{
    CompleteMultipartUpload, CompletedParts, Fault, InitiateMultipartUpload, ListParts, Op,
    RangeSpec, UploadPart, UploadPartCopy, UploadRef, WriteConditions,
};

use super::headers::expected;
use super::list::page_size;
use super::object::copy_source;
use crate::request::fields::range;
use crate::request::input::Input;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn initiate(input: &Input<'_>) -> Decoded {
    let (bucket, key) = input.object()?;
    Ok(Op::InitiateMultipartUpload(InitiateMultipartUpload {
        bucket,
        key,
        new: input.fields().new_object()?,
        sequential: input.query.has("sequential"),
        checksum: None,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn upload_part(input: &Input<'_>) -> Decoded {
    Ok(Op::UploadPart(UploadPart {
        upload: upload(input)?,
        part_number: part_number(input)?,
        customer_key: None,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn upload_part_copy(input: &Input<'_>) -> Decoded {
    Ok(Op::UploadPartCopy(UploadPartCopy {
        upload: upload(input)?,
        part_number: part_number(input)?,
        customer_key: None,
        source: copy_source(input.headers)?,
        range: source_range(input.headers)?,
    }))
}

pub(crate) fn complete(input: &Input<'_>) -> Decoded {
    const ALL: &str = "x-oss-complete-all";
    let fields = input.fields();
    let parts = match fields.text(ALL)? {
        None => CompletedParts::Listed(documents::complete(input.document)?),
        Some(word) if !word.eq_ignore_ascii_case("yes") => {
            return Err(Fault::argument(ALL, word, "only yes is known"));
        }
        Some(_) if input.document.trim_ascii().is_empty() => CompletedParts::All,
        Some(word) => {
            return Err(Fault::argument(ALL, word, "goes without a list of parts"));
        }
    };
    Ok(Op::CompleteMultipartUpload(CompleteMultipartUpload {
        upload: upload(input)?,
        parts,
        forbid_overwrite: fields.forbid_overwrite()?,
        conditions: WriteConditions::default(),
        acl: fields.object_acl()?,
        crc64: fields.crc64()?,
        checksum: None,
        checksum_type: None,
        part_checksums: Vec::new(),
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn abort(input: &Input<'_>) -> Decoded {
    upload(input).map(Op::AbortMultipartUpload)
}

pub(crate) fn list_parts(input: &Input<'_>) -> Decoded {
    let part_number_marker = match input.text("part-number-marker")? {
        None => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number <= PART_NUMBER_MAX)
            .ok_or_else(|| {
                let reason = format!("0 to {PART_NUMBER_MAX}");
                Fault::argument("part-number-marker", text, reason)
            })?,
    };
    Ok(Op::ListParts(ListParts {
        upload: upload(input)?,
        part_number_marker,
        max_parts: page_size(input, "max-parts", LIST_PARTS_DEFAULT)?,
        url_encoded: input.url_encoded()?,
    }))
}

fn upload(input: &Input<'_>) -> Result<UploadRef, Fault> {
    let (bucket, key) = input.object()?;
    Ok(UploadRef {
        bucket,
        key,
        upload_id: input.required("uploadId")?.to_owned(),
    })
}

fn part_number(input: &Input<'_>) -> Result<u16, Fault> {
    let text = input.required("partNumber")?;
    text.parse()
        .ok()
        .filter(|number| (1..=PART_NUMBER_MAX).contains(number))
        .ok_or_else(|| Fault::argument("partNumber", text, format!("1 to {PART_NUMBER_MAX}")))
}

/// Unlike `Range`, one that can't be understood is refused: all of the source in place of a
/// part of it would go unnoticed.
fn source_range(headers: &HeaderMap) -> Result<Option<RangeSpec>, Fault> {
    const NAME: &str = "x-oss-copy-source-range";
    let Some(value) = headers.get(NAME) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    range(&text)
        .map(Some)
        .ok_or_else(|| Fault::argument(NAME, text, "bytes=first-last"))
}
