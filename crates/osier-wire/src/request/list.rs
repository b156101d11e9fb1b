//! Operations that list objects, versions, uploads and parts: their arguments
//! are the same in both dialects, but for the sizes of pages.
//!
//! oss2 sends every marker even when it has none, so that an empty one is none.

use osier_types::limits::PART_NUMBER_MAX;
use osier_types::{
    Fault, ListForm, ListMultipartUploads, ListObjectVersions, ListObjects, ListParts, Op,
    VersionId,
};

use super::input::Input;
use super::token;

type Decoded = Result<Op, Fault>;

pub(crate) fn objects(input: &Input<'_>) -> Decoded {
    let after = input.name("marker")?;
    listing(input, ListForm::V1, after)
}

pub(crate) fn objects_v2(input: &Input<'_>) -> Decoded {
    let continuation_token = input.text("continuation-token")?;
    let start_after = input.name("start-after")?;
    let after = match continuation_token {
        None => start_after.clone(),
        Some(text) => token::decode(text).ok_or_else(|| {
            Fault::argument("continuation-token", text, "not a token of this server")
        })?,
    };
    let fetch_owner = match input.text("fetch-owner")? {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(text) => return Err(Fault::argument("fetch-owner", text, "true or false")),
    };
    let form = ListForm::V2 {
        continuation_token: continuation_token.map(str::to_owned),
        start_after: Some(start_after).filter(|name| !name.is_empty()),
        fetch_owner,
    };
    listing(input, form, after)
}

fn listing(input: &Input<'_>, form: ListForm, after: String) -> Decoded {
    Ok(Op::ListObjects(ListObjects {
        bucket: input.bucket()?,
        form,
        prefix: input.name("prefix")?,
        delimiter: input.name("delimiter")?,
        after,
        max_keys: input.page_size("max-keys")?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn versions(input: &Input<'_>) -> Decoded {
    let key_marker = input.name("key-marker")?;
    let version_id_marker = match input.text("version-id-marker")? {
        None => None,
        Some(text) if key_marker.is_empty() => {
            return Err(Fault::argument(
                "version-id-marker",
                text,
                "needs a key-marker",
            ));
        }
        Some(text) => Some(
            VersionId::parse(text)
                .map_err(|_| Fault::argument("version-id-marker", text, "not a version id"))?,
        ),
    };
    Ok(Op::ListObjectVersions(ListObjectVersions {
        bucket: input.bucket()?,
        prefix: input.name("prefix")?,
        delimiter: input.name("delimiter")?,
        key_marker,
        version_id_marker,
        max_keys: input.page_size("max-keys")?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn uploads(input: &Input<'_>) -> Decoded {
    let key_marker = input.name("key-marker")?;
    // Documented: without a key-marker it does not count.
    let upload_id_marker = if key_marker.is_empty() {
        String::new()
    } else {
        input.name("upload-id-marker")?
    };
    Ok(Op::ListMultipartUploads(ListMultipartUploads {
        bucket: input.bucket()?,
        prefix: input.name("prefix")?,
        delimiter: input.name("delimiter")?,
        key_marker,
        upload_id_marker,
        max_uploads: input.page_size("max-uploads")?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn abort(input: &Input<'_>) -> Decoded {
    input.upload().map(Op::AbortMultipartUpload)
}

pub(crate) fn parts(input: &Input<'_>) -> Decoded {
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
        upload: input.upload()?,
        part_number_marker,
        max_parts: input.page_size("max-parts")?,
        url_encoded: input.url_encoded()?,
    }))
}
