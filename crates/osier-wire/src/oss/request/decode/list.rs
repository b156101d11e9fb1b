//! Operations that list, and the one that deletes by list.
//!
//! oss2 sends every marker even when it has none, so that an empty one is
//! none. Sizes of pages are taken seriously: 0 and more than 1,000 are refused.

use osier_types::limits::{KEY_BYTES_MAX, LIST_KEYS_DEFAULT, LIST_KEYS_MAX, LIST_PARTS_DEFAULT};
use osier_types::{
    DeleteObjects, Fault, FaultKind, ListBuckets, ListForm, ListMultipartUploads,
    ListObjectVersions, ListObjects, Op, Refusals, VersionId,
};

use super::headers::object_key;
use crate::request::input::Input;
use crate::request::token;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn regions(input: &Input<'_>) -> Decoded {
    Ok(Op::DescribeRegions {
        region: input.text("regions")?.map(str::to_owned),
    })
}

pub(crate) fn buckets(input: &Input<'_>) -> Decoded {
    Ok(Op::ListBuckets(ListBuckets {
        prefix: name(input, "prefix")?,
        marker: name(input, "marker")?,
        max_keys: page_size(input, "max-keys", LIST_KEYS_DEFAULT)?,
        tag: bucket_tag(input)?,
    }))
}

pub(crate) fn objects(input: &Input<'_>) -> Decoded {
    let after = name(input, "marker")?;
    listing(input, ListForm::V1, after)
}

pub(crate) fn objects_v2(input: &Input<'_>) -> Decoded {
    let continuation_token = input.text("continuation-token")?;
    let start_after = name(input, "start-after")?;
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
        prefix: name(input, "prefix")?,
        delimiter: name(input, "delimiter")?,
        after,
        max_keys: page_size(input, "max-keys", LIST_KEYS_DEFAULT)?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn versions(input: &Input<'_>) -> Decoded {
    let key_marker = name(input, "key-marker")?;
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
        prefix: name(input, "prefix")?,
        delimiter: name(input, "delimiter")?,
        key_marker,
        version_id_marker,
        max_keys: page_size(input, "max-keys", LIST_KEYS_DEFAULT)?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn uploads(input: &Input<'_>) -> Decoded {
    let key_marker = name(input, "key-marker")?;
    // Documented: without a key-marker it does not count.
    let upload_id_marker = if key_marker.is_empty() {
        String::new()
    } else {
        name(input, "upload-id-marker")?
    };
    Ok(Op::ListMultipartUploads(ListMultipartUploads {
        bucket: input.bucket()?,
        prefix: name(input, "prefix")?,
        delimiter: name(input, "delimiter")?,
        key_marker,
        upload_id_marker,
        max_uploads: page_size(input, "max-uploads", LIST_PARTS_DEFAULT)?,
        url_encoded: input.url_encoded()?,
    }))
}

pub(crate) fn live_channels(input: &Input<'_>) -> Decoded {
    Ok(Op::ListLiveChannels {
        bucket: input.bucket()?,
        prefix: name(input, "prefix")?,
        max_keys: page_size(input, "max-keys", LIST_KEYS_DEFAULT)?,
    })
}

pub(crate) fn delete_objects(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let (objects, quiet) = documents::delete(input.document, object_key)?;
    Ok(Op::DeleteObjects(DeleteObjects {
        bucket,
        objects,
        refusals: Refusals::First,
        bypass_governance: input.fields().bypass_governance()?,
        quiet,
        url_encoded: input.url_encoded()?,
    }))
}

/// A prefix, delimiter or marker; empty when absent.
fn name(input: &Input<'_>, name: &'static str) -> Result<String, Fault> {
    let text = input.text(name)?.unwrap_or_default();
    if text.len() > KEY_BYTES_MAX {
        let reason = format!("at most {KEY_BYTES_MAX} bytes");
        return Err(Fault::argument(name, text, reason));
    }
    Ok(text.to_owned())
}

/// `max-keys` and the like.
pub(crate) fn page_size(input: &Input<'_>, name: &'static str, default: u32) -> Result<u32, Fault> {
    let Some(value) = input.query.get(name) else {
        return Ok(default);
    };
    let text = String::from_utf8_lossy(value);
    text.parse()
        .ok()
        .filter(|size| (1..=LIST_KEYS_MAX).contains(size))
        .ok_or_else(|| Fault::argument(name, text, format!("1 to {LIST_KEYS_MAX}")))
}

/// The tag that buckets must have: `tag-key` and `tag-value`, or `tagging` with one `key:value`.
fn bucket_tag(input: &Input<'_>) -> Result<Option<(String, Option<String>)>, Fault> {
    let value = input.text("tag-value")?;
    if let Some(key) = input.text("tag-key")? {
        return Ok(Some((key.to_owned(), value.map(str::to_owned))));
    }
    if let Some(value) = value {
        return Err(Fault::argument("tag-value", value, "needs a tag-key"));
    }
    let Some(text) = input.text("tagging")? else {
        return Ok(None);
    };
    if text.contains(',') {
        return Err(Fault::new(FaultKind::NotImplemented {
            what: "ListBuckets by several tags".to_owned(),
        }));
    }
    let bare = |part: &str| part.trim().trim_matches('"').to_owned();
    Ok(Some(match text.split_once(':') {
        Some((key, value)) => (bare(key), Some(bare(value))),
        None => (bare(text), None),
    }))
}
