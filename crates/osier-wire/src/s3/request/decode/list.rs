//! Operations that list, and the one that deletes by list: what S3 asks in its own way.
//!
//! A page larger than allowed is as large as allowed; an empty one is fine.

use osier_types::limits::LIST_KEYS_MAX;
use osier_types::{DeleteObjects, Fault, ListBuckets, Op, Refusals};

use super::headers::bypass_governance;
use crate::request::input::Input;
use crate::request::token;
use crate::s3::request::xml;

type Decoded = Result<Op, Fault>;

pub(crate) fn buckets(input: &Input<'_>) -> Decoded {
    const TOKEN: &str = "continuation-token";
    const MAX: &str = "max-buckets";
    let marker = match input.text(TOKEN)? {
        None => String::new(),
        Some(text) => token::decode(text)
            .ok_or_else(|| Fault::argument(TOKEN, text, "not a token of this server"))?,
    };
    let max_keys = match input.text(MAX)? {
        // Without paging all are told: no account has more.
        None => LIST_KEYS_MAX,
        Some(text) => text
            .parse()
            .ok()
            .filter(|max| (1..=10_000).contains(max))
            .map(|max: u32| max.min(LIST_KEYS_MAX))
            .ok_or_else(|| Fault::argument(MAX, text, "1 to 10000"))?,
    };
    Ok(Op::ListBuckets(ListBuckets {
        prefix: input.name("prefix")?,
        marker,
        max_keys,
        tag: None,
    }))
}

pub(crate) fn delete_objects(input: &Input<'_>) -> Decoded {
    let bucket = input.bucket()?;
    let (objects, quiet) = xml::delete(input.document)?;
    Ok(Op::DeleteObjects(DeleteObjects {
        bucket,
        objects,
        refusals: Refusals::Each,
        bypass_governance: bypass_governance(input.fields())?,
        quiet,
        url_encoded: input.url_encoded()?,
    }))
}

/// `max-keys` and the like.
pub(crate) fn page_size(input: &Input<'_>, name: &'static str) -> Result<u32, Fault> {
    let Some(text) = input.text(name)? else {
        return Ok(LIST_KEYS_MAX);
    };
    text.parse::<i32>()
        .ok()
        .and_then(|size| u32::try_from(size).ok())
        .map(|size| size.min(LIST_KEYS_MAX))
        .ok_or_else(|| Fault::argument(name, text, "0 to 2147483647"))
}
