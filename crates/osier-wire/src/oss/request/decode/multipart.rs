//! Uploads in parts.

use http::HeaderMap;
use osier_types::{
    CompleteMultipartUpload, CompletedParts, Fault, InitiateMultipartUpload, Op, RangeSpec,
    UploadPart, UploadPartCopy, WriteConditions,
};

use super::headers::expected;
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
        upload: input.upload()?,
        part_number: input.part_number()?,
        customer_key: None,
        expected: expected(input.headers)?,
    }))
}

pub(crate) fn upload_part_copy(input: &Input<'_>) -> Decoded {
    Ok(Op::UploadPartCopy(UploadPartCopy {
        upload: input.upload()?,
        part_number: input.part_number()?,
        customer_key: None,
        source: copy_source(input.headers)?,
        range: source_range(input.headers)?,
        range_must_fit: false,
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
        upload: input.upload()?,
        parts,
        forbid_overwrite: fields.forbid_overwrite()?,
        conditions: WriteConditions::default(),
        acl: fields.object_acl()?,
        crc64: fields.crc64()?,
        checksum: None,
        checksum_type: None,
        part_checksums: Vec::new(),
        repeatable: false,
        url_encoded: input.url_encoded()?,
    }))
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
