//! Walks along the rows of a family, in pages that grow while they are of use.

use osier_engine::{Engine, Family, KeyRange, Page, TableId, prefix_end};
use osier_types::{BucketName, Fault};
use std::collections::VecDeque;
use std::ops::Bound;

use bytes::Bytes;

use crate::failure::OrFault as _;
use crate::rows::{escape, escape_prefix};

/// Rows of the first page, and after a jump.
const PAGE_FIRST: usize = 8;
/// Rows of a page at most.
const PAGE_MAX: usize = 1001;

/// A place in a family's rows.
pub(crate) struct Cursor<'a> {
    engine: &'a dyn Engine,
    bucket: &'a BucketName,
    table: TableId,
    family: Family,
    rest: KeyRange,
    rows: VecDeque<(Bytes, Bytes)>,
    exhausted: bool,
    page: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first row of `range`; `expected` rows will probably be read.
    pub(crate) fn new(
        engine: &'a dyn Engine,
        bucket: &'a BucketName,
        table: TableId,
        family: Family,
        range: KeyRange,
        expected: usize,
    ) -> Self {
        let exhausted = is_inverted(&range);
        Self {
            engine,
            bucket,
            table,
            family,
            rest: range,
            rows: VecDeque::new(),
            exhausted,
            page: expected.clamp(1, PAGE_MAX),
        }
    }

    /// The row the cursor stands before.
    pub(crate) async fn peek(&mut self) -> Result<Option<&(Bytes, Bytes)>, Fault> {
        while self.rows.is_empty() && !self.exhausted {
            let Page { rows, more } = self
                .engine
                .scan(self.table, self.family, self.rest.clone(), self.page)
                .await
                .or_fault(self.bucket)?;
            self.page = (self.page * 2).min(PAGE_MAX);
            self.exhausted = !more || rows.is_empty();
            if let Some((last, _)) = rows.last() {
                self.rest.from = Bound::Excluded(last.to_vec());
            }
            self.rows = rows.into();
        }
        Ok(self.rows.front())
    }

    /// Steps over the row that [`Self::peek`] showed.
    pub(crate) fn step(&mut self) -> Option<(Bytes, Bytes)> {
        self.rows.pop_front()
    }

    /// The next row.
    pub(crate) async fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, Fault> {
        self.peek().await?;
        Ok(self.step())
    }

    /// Jumps over every row that begins with `prefix`; the cursor must not be past them.
    pub(crate) fn skip_prefix(&mut self, prefix: &[u8]) {
        while self
            .rows
            .front()
            .is_some_and(|(key, _)| key.starts_with(prefix))
        {
            self.rows.pop_front();
        }
        if !self.rows.is_empty() || self.exhausted {
            return;
        }
        match prefix_end(prefix) {
            Bound::Unbounded => self.exhausted = true,
            Bound::Excluded(end) | Bound::Included(end) => {
                let behind = match &self.rest.from {
                    Bound::Unbounded => true,
                    Bound::Included(from) | Bound::Excluded(from) => *from < end,
                };
                if behind {
                    self.rest.from = Bound::Included(end);
                    self.page = PAGE_FIRST;
                }
            }
        }
    }
}

/// How many rows a first page should have for a list of `wanted` entries.
pub(crate) fn first_page(wanted: u32, grouped: bool) -> usize {
    let wanted = usize::try_from(wanted)
        .unwrap_or(PAGE_MAX)
        .saturating_add(1);
    if grouped {
        wanted.min(PAGE_FIRST)
    } else {
        wanted
    }
}

/// Groups keys by what follows a prefix up to a delimiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grouping<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: &'a str,
}

impl Grouping<'_> {
    /// The common prefix that `key` belongs to.
    pub(crate) fn group_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix)?;
        let at = rest.find(self.delimiter)?;
        key.get(..self.prefix.len() + at + self.delimiter.len())
    }

    /// The keys to look at, after `after` (which may be empty), and after the whole common prefix
    /// that `after` lies in: it was on an earlier page.
    pub(crate) fn range_after(&self, after: &str, form: fn(&[u8]) -> Vec<u8>) -> KeyRange {
        let mut range = KeyRange::prefix(&form(self.prefix.as_bytes()));
        if after.as_bytes() < self.prefix.as_bytes() {
            return range;
        }
        if let Some(group) = self.group_of(after) {
            range.from = past_prefix(&form(group.as_bytes()));
        } else if !after.is_empty() {
            range.from = Bound::Excluded(form(after.as_bytes()));
        }
        range
    }

    /// [`Self::range_after`] for rows under escaped keys, `after` being a whole key.
    pub(crate) fn escaped_range_after(&self, after: &str) -> KeyRange {
        let mut range = self.range_after(after, escape_prefix);
        let within = !after.is_empty() && after >= self.prefix && self.group_of(after).is_none();
        if within {
            range.from = past_prefix(&escape(after.as_bytes()));
        }
        range
    }
}

/// The beginning of a range behind all keys that begin with `prefix`.
fn past_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    match prefix_end(prefix) {
        Bound::Excluded(end) | Bound::Included(end) => Bound::Included(end),
        // Nothing lies behind: no key is longer than this.
        Bound::Unbounded => Bound::Excluded(vec![0xFF; 4096]),
    }
}

/// Whether a range ends before it begins, as it does when a marker lies behind the prefix.
fn is_inverted(range: &KeyRange) -> bool {
    let (Bound::Included(from) | Bound::Excluded(from)) = &range.from else {
        return false;
    };
    match &range.to {
        Bound::Included(to) => from > to,
        Bound::Excluded(to) => from >= to,
        Bound::Unbounded => false,
    }
}
