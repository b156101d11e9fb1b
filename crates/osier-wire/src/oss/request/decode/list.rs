//! Operations that list, and the one that deletes by list.
//!
//! Sizes of pages are taken seriously: 0 and more than 1,000 are refused.

use osier_types::limits::{LIST_KEYS_DEFAULT, LIST_KEYS_MAX, LIST_PARTS_DEFAULT};
use osier_types::{DeleteConditions, DeleteObjects, Fault, FaultKind, ListBuckets, Op, Refusals};

use super::headers::object_key;
use crate::request::input::Input;
use crate::xml::documents;

type Decoded = Result<Op, Fault>;

pub(crate) fn regions(input: &Input<'_>) -> Decoded {
    Ok(Op::DescribeRegions {
        region: input.text("regions")?.map(str::to_owned),
    })
}

pub(crate) fn buckets(input: &Input<'_>) -> Decoded {
    Ok(Op::ListBuckets(ListBuckets {
        prefix: input.name("prefix")?,
        marker: input.name("marker")?,
        max_keys: input.page_size("max-keys")?,
        tag: bucket_tag(input)?,
    }))
}

pub(crate) fn live_channels(input: &Input<'_>) -> Decoded {
    Ok(Op::ListLiveChannels {
        bucket: input.bucket()?,
        prefix: input.name("prefix")?,
        max_keys: input.page_size("max-keys")?,
    })
}

pub(crate) fn delete_objects(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let (objects, quiet) = documents::delete(input.document, object_key, |_| {
        Ok(DeleteConditions::default())
    })?;
    Ok(Op::DeleteObjects(DeleteObjects {
        bucket,
        objects,
        refusals: Refusals::First,
        bypass_governance: input.fields().bypass_governance()?,
        quiet,
        url_encoded: input.url_encoded()?,
    }))
}

/// `max-keys` and the like.
pub(crate) fn page_size(input: &Input<'_>, name: &'static str) -> Result<u32, Fault> {
    let Some(value) = input.query.get(name) else {
        return Ok(match name {
            "max-keys" => LIST_KEYS_DEFAULT,
            _ => LIST_PARTS_DEFAULT,
        });
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
