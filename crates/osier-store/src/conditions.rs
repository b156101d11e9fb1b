//! Conditions of writes and deletions, looked at with the rows that the commit then checks: so
//! that nothing can come in between.

use osier_types::{DeleteConditions, Fault, FaultKind, WriteConditions};

use crate::rows::Record;

/// Whether an object may take the place of `newest`. A delete marker is no object.
///
/// # Errors
/// `NoSuchKey` for `If-Match` of what is not there, else `PreconditionFailed`.
pub(crate) fn check_write(
    conditions: &WriteConditions,
    newest: Option<&Record>,
) -> Result<(), Fault> {
    let object = newest.and_then(|record| record.object.as_ref());
    if let Some(tags) = &conditions.if_match {
        let Some(object) = object else {
            let marker = newest.map(Record::version);
            return Err(FaultKind::NoSuchKey { marker }.into());
        };
        if !object.etag.matches_any(tags) {
            return Err(failed("If-Match"));
        }
    }
    let excluded = |tags: &String| object.is_some_and(|object| object.etag.matches_any(tags));
    if conditions.if_none_match.as_ref().is_some_and(excluded) {
        return Err(failed("If-None-Match"));
    }
    Ok(())
}

/// Whether a version may be deleted. A delete marker has no tag and no bytes, but is there.
///
/// # Errors
/// `PreconditionFailed`.
pub(crate) fn check_delete(conditions: &DeleteConditions, record: &Record) -> Result<(), Fault> {
    let object = record.object.as_ref();
    if let Some(tags) = &conditions.if_match {
        let matches = match object {
            Some(object) => object.etag.matches_any(tags),
            None => tags.split(',').any(|tag| tag.trim() == "*"),
        };
        if !matches {
            return Err(failed("If-Match"));
        }
    }
    let second = record.modified.whole_seconds();
    if conditions
        .last_modified
        .is_some_and(|asked| asked.whole_seconds() != second)
    {
        return Err(failed("x-amz-if-match-last-modified-time"));
    }
    let size = object.map_or(0, |object| object.size);
    if conditions.size.is_some_and(|asked| asked != size) {
        return Err(failed("x-amz-if-match-size"));
    }
    Ok(())
}

fn failed(condition: &'static str) -> Fault {
    FaultKind::PreconditionFailed { condition }.into()
}
