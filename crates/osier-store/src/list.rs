//! `ListObjects`, both forms. Reads `Current` rows only, so that neither old
//! versions nor delete markers cost anything, and seeks past common prefixes.

use osier_engine::Family;
use osier_types::{Fault, ListObjects, ObjectPage, Outcome};

use crate::Store;
use crate::rows::{self, Summary};
use crate::scan::{Cursor, Grouping, first_page};

impl Store {
    pub(crate) async fn list_objects(&self, asked: ListObjects) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.bucket)?;
        let grouping = Grouping {
            prefix: &asked.prefix,
            delimiter: &asked.delimiter,
        };
        let mut cursor = Cursor::new(
            &*self.engine,
            &bucket.name,
            bucket.table,
            Family::Current,
            grouping.range_after(&asked.after, <[u8]>::to_vec),
            first_page(asked.max_keys, !asked.delimiter.is_empty()),
        );
        let wanted = usize::try_from(asked.max_keys).unwrap_or(usize::MAX);
        let mut objects = Vec::new();
        let mut common_prefixes: Vec<String> = Vec::new();
        let mut last = None;
        let mut truncated = false;
        while let Some((row, raw)) = cursor.peek().await? {
            if objects.len() + common_prefixes.len() >= wanted {
                truncated = true;
                break;
            }
            let key = rows::object_key(row)?;
            if let Some(group) = grouping.group_of(key.as_str()) {
                cursor.skip_prefix(group.as_bytes());
                common_prefixes.push(group.to_owned());
                last = Some(group.to_owned());
                continue;
            }
            let summary: Summary = rows::decode(raw)?;
            objects.extend(summary.entry(&key));
            last = Some(key.as_str().to_owned());
            cursor.step();
        }
        let owner = bucket.record().owner.clone();
        Ok(Outcome::Objects(ObjectPage {
            next: last.filter(|_| truncated),
            asked,
            owner,
            objects,
            common_prefixes,
        }))
    }
}
