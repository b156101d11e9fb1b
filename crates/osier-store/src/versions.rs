//! `ListObjectVersions`: three families merged in order of keys, newest first
//! within a key, without reading more than the page needs.

use osier_engine::{Family, KeyRange};
use osier_types::{
    Fault, ListObjectVersions, ObjectKey, Outcome, VersionEntry, VersionId, VersionPage,
};
use std::ops::Bound;

use crate::Store;
use crate::rows::{self, Summary, escape_prefix, version_row};
use crate::scan::{Cursor, Grouping, first_page};
use crate::state::Bucket;

/// Where a page of versions begins.
enum Start {
    /// After this key, or common prefix.
    AfterKey,
    /// At this key, after the version with this number.
    Within(ObjectKey, u64),
}

/// The next version in order, and which cursor it came from.
struct Next {
    key: ObjectKey,
    seq: u64,
    source: usize,
}

impl Store {
    pub(crate) async fn list_object_versions(
        &self,
        asked: ListObjectVersions,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let grouping = Grouping {
            prefix: &asked.prefix,
            delimiter: &asked.delimiter,
        };
        let start = self.start(&bucket, &asked, grouping).await?;
        let page = first_page(asked.max_keys, !asked.delimiter.is_empty());
        let mut cursors = [Family::Current, Family::Deleted, Family::Version].map(|family| {
            let range = range(&start, grouping, &asked.key_marker, family);
            Cursor::new(
                &*self.engine,
                &bucket.name,
                bucket.table,
                family,
                range,
                page,
            )
        });
        let wanted = usize::try_from(asked.max_keys).unwrap_or(usize::MAX);
        let mut versions: Vec<VersionEntry> = Vec::new();
        let mut common_prefixes: Vec<String> = Vec::new();
        let mut last = None;
        let mut seen: Option<(ObjectKey, u64)> = None;
        let mut truncated = false;
        while let Some(next) = next(&mut cursors).await? {
            let group = grouping.group_of(next.key.as_str()).map(str::to_owned);
            let before_start = match &start {
                Start::Within(key, seq) => *key == next.key && next.seq >= *seq,
                Start::AfterKey => false,
            };
            // A version that became older during this walk shows up twice.
            let repeated = seen
                .as_ref()
                .is_some_and(|(key, seq)| *key == next.key && next.seq >= *seq && group.is_none());
            if before_start || repeated {
                step(&mut cursors, next.source);
                continue;
            }
            if versions.len() + common_prefixes.len() >= wanted {
                truncated = true;
                break;
            }
            if let Some(group) = group {
                for (cursor, family) in cursors.iter_mut().zip(0_u8..) {
                    if family == 2 {
                        cursor.skip_prefix(&escape_prefix(group.as_bytes()));
                    } else {
                        cursor.skip_prefix(group.as_bytes());
                    }
                }
                last = Some((group.clone(), None));
                common_prefixes.push(group);
                continue;
            }
            if let Some((_, raw)) = step(&mut cursors, next.source) {
                let summary: Summary = rows::decode(&raw)?;
                let version = summary.version();
                last = Some((next.key.as_str().to_owned(), Some(version)));
                versions.push(VersionEntry {
                    version,
                    is_latest: next.source < 2,
                    last_modified: summary.modified,
                    object: summary.entry(&next.key),
                    key: next.key.clone(),
                });
                seen = Some((next.key, next.seq));
            }
        }
        let owner = bucket.record().owner.clone();
        Ok(Outcome::Versions(VersionPage {
            next: last.filter(|_| truncated),
            asked,
            owner,
            versions,
            common_prefixes,
        }))
    }

    async fn start(
        &self,
        bucket: &Bucket,
        asked: &ListObjectVersions,
        grouping: Grouping<'_>,
    ) -> Result<Start, Fault> {
        let Some(version) = asked.version_id_marker else {
            return Ok(Start::AfterKey);
        };
        let Ok(key) = ObjectKey::parse(asked.key_marker.as_bytes()) else {
            return Ok(Start::AfterKey);
        };
        if !asked.key_marker.starts_with(grouping.prefix)
            || grouping.group_of(&asked.key_marker).is_some()
        {
            return Ok(Start::AfterKey);
        }
        let seq = match version {
            VersionId::Numbered(seq) => Some(seq),
            VersionId::Null => {
                let head = self.head(bucket, &key).await?;
                head.and_then(|head| head.record.null_seq)
            }
        };
        Ok(seq.map_or(Start::AfterKey, |seq| Start::Within(key, seq)))
    }
}

fn range(start: &Start, grouping: Grouping<'_>, key_marker: &str, family: Family) -> KeyRange {
    match (start, family) {
        (Start::AfterKey, Family::Version) => grouping.escaped_range_after(key_marker),
        (Start::AfterKey, _) => grouping.range_after(key_marker, <[u8]>::to_vec),
        (Start::Within(key, seq), Family::Version) => KeyRange {
            from: Bound::Excluded(version_row(key, *seq).to_vec()),
            ..KeyRange::prefix(&escape_prefix(grouping.prefix.as_bytes()))
        },
        (Start::Within(key, _), _) => KeyRange {
            from: Bound::Included(key.as_bytes().to_vec()),
            ..KeyRange::prefix(grouping.prefix.as_bytes())
        },
    }
}

/// Which of the three cursors stands before the version that comes next: by key, then newest first.
async fn next(cursors: &mut [Cursor<'_>; 3]) -> Result<Option<Next>, Fault> {
    let mut first: Option<Next> = None;
    for (source, cursor) in cursors.iter_mut().enumerate() {
        let Some((row, raw)) = cursor.peek().await? else {
            continue;
        };
        let (key, seq) = if source == 2 {
            rows::parse_version_row(row)?
        } else {
            let summary: Summary = rows::decode(raw)?;
            (rows::object_key(row)?, summary.seq)
        };
        let earlier = first.as_ref().is_none_or(|first| {
            (key.as_bytes(), std::cmp::Reverse(seq))
                < (first.key.as_bytes(), std::cmp::Reverse(first.seq))
        });
        if earlier {
            first = Some(Next { key, seq, source });
        }
    }
    Ok(first)
}

fn step(cursors: &mut [Cursor<'_>; 3], source: usize) -> Option<(bytes::Bytes, bytes::Bytes)> {
    cursors.get_mut(source).and_then(Cursor::step)
}
