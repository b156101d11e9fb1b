//! Walks over every row: which blobs are referred to, and whether the counters are right.

use osier_engine::{BlobId, COUNTERS, Family, KeyRange, RefTag};
use osier_types::{BucketName, Fault, FaultKind};

use crate::Store;
use crate::failure::OrFault as _;
use crate::rows::{
    self, COUNTER_UPLOADS, Data, PARTS_ROW, PartRecord, Piece, Record, UploadRecord,
};
use crate::scan::Cursor;
use crate::state::Bucket;

/// Rows read at once.
const PAGE: usize = 1000;

/// What a walk over all rows found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// In order of names.
    pub buckets: Vec<BucketAudit>,
}

/// What a walk over one bucket found. Exact only while nobody writes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAudit {
    /// Which bucket.
    pub bucket: BucketName,
    /// Its table.
    pub table: u64,
    /// Rows looked at.
    pub rows: u64,
    /// The counters as they are kept.
    pub kept: [i64; COUNTERS],
    /// The counters as they should be.
    pub counted: [i64; COUNTERS],
    /// What is wrong, in words for an operator.
    pub problems: Vec<String>,
}

impl BucketAudit {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.kept == self.counted
    }
}

impl AuditReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.buckets.iter().all(BucketAudit::is_sound)
    }
}

impl Store {
    /// Walks over all rows of all buckets; `reference` is told of every reference to a blob.
    ///
    /// # Errors
    /// What the engine says. Unreadable rows are problems of the report.
    pub async fn audit(
        &self,
        reference: &mut (dyn FnMut(BlobId, RefTag) + Send),
    ) -> Result<AuditReport, Fault> {
        let mut report = AuditReport::default();
        for bucket in self.buckets.all() {
            report
                .buckets
                .push(self.audit_bucket(&bucket, reference).await?);
        }
        Ok(report)
    }

    async fn audit_bucket(
        &self,
        bucket: &Bucket,
        reference: &mut (dyn FnMut(BlobId, RefTag) + Send),
    ) -> Result<BucketAudit, Fault> {
        let mut audit = BucketAudit {
            bucket: bucket.name.clone(),
            table: bucket.table.0,
            rows: 0,
            kept: self
                .engine
                .counters(bucket.table)
                .await
                .or_fault(&bucket.name)?,
            counted: [0; COUNTERS],
            problems: Vec::new(),
        };
        for family in Family::ALL {
            let mut cursor = Cursor::new(
                &*self.engine,
                &bucket.name,
                bucket.table,
                family,
                KeyRange::ALL,
                PAGE,
            );
            while let Some((key, raw)) = cursor.next().await? {
                audit.rows += 1;
                let row = (family, key.as_ref(), raw.as_ref());
                let looked = self.audit_row(bucket, row, &mut audit, reference).await;
                match looked {
                    Err(fault) if fault.kind == FaultKind::Damaged => audit.problems.push(format!(
                        "unreadable {family:?} row {:?}",
                        key.escape_ascii().to_string()
                    )),
                    other => other?,
                }
            }
        }
        Ok(audit)
    }

    async fn audit_row(
        &self,
        bucket: &Bucket,
        (family, key, raw): (Family, &[u8], &[u8]),
        audit: &mut BucketAudit,
        reference: &mut (dyn FnMut(BlobId, RefTag) + Send),
    ) -> Result<(), Fault> {
        let mut refer = |pieces: &[Piece]| {
            for (blob, tag) in pieces.iter().map(Piece::link) {
                reference(blob, tag);
            }
        };
        match family {
            Family::Current | Family::Deleted | Family::Version => {
                let record: Record = rows::decode(raw)?;
                let object_key = if family == Family::Version {
                    rows::parse_version_row(key)?.0
                } else {
                    rows::object_key(key)?
                };
                for (index, step) in record.counts() {
                    if let Some(counter) = audit.counted.get_mut(index) {
                        *counter += step;
                    }
                }
                let right_place = match family {
                    Family::Current => record.object.is_some(),
                    Family::Deleted => record.object.is_none(),
                    _ => record.null_seq.is_none(),
                };
                let shown = || String::from_utf8_lossy(object_key.as_bytes()).into_owned();
                if !right_place {
                    audit
                        .problems
                        .push(format!("a version of {:?} is in the wrong place", shown()));
                }
                if let Some(object) = &record.object {
                    let content = self
                        .content(bucket, &object_key, record.seq, object, 0, object.size)
                        .await?;
                    match (content, &object.data) {
                        (None, _) => audit
                            .problems
                            .push(format!("the body of a version of {:?} is missing", shown())),
                        (Some(content), data) => {
                            let pieces = content.pieces();
                            let stored: u64 = pieces.iter().map(|piece| piece.length).sum();
                            if !matches!(data, Data::Inline) && stored != object.size {
                                audit.problems.push(format!(
                                    "the pieces of a version of {:?} are not its size",
                                    shown()
                                ));
                            }
                            refer(pieces);
                        }
                    }
                }
            }
            Family::Body => self.audit_body(bucket, key, audit).await?,
            Family::Upload => {
                let _: UploadRecord = rows::decode(raw)?;
                rows::unescape(key)?;
                if let Some(counter) = audit.counted.get_mut(COUNTER_UPLOADS) {
                    *counter += 1;
                }
            }
            Family::Part => {
                let part: PartRecord = rows::decode(raw)?;
                refer(&part.pieces);
                let upload = key.len().checked_sub(2).and_then(|end| key.get(..end));
                let upload = self
                    .get_row(bucket, Family::Upload, upload.unwrap_or_default())
                    .await?;
                if upload.is_none() {
                    audit.problems.push(format!(
                        "part {:?} belongs to no upload",
                        key.escape_ascii().to_string()
                    ));
                }
            }
            Family::Config => {}
        }
        Ok(())
    }

    /// A body must belong to a version.
    async fn audit_body(
        &self,
        bucket: &Bucket,
        key: &[u8],
        audit: &mut BucketAudit,
    ) -> Result<(), Fault> {
        let (object_key, rest) = rows::unescape(key)?;
        let numbers = rest.first_chunk::<8>().zip(rest.last_chunk::<2>());
        let (seq, index) = numbers
            .filter(|_| rest.len() == 10)
            .ok_or_else(|| rows::unreadable("no version number"))?;
        let seq = !u64::from_be_bytes(*seq);
        let index = usize::from(u16::from_be_bytes(*index));
        let head = self.head(bucket, &object_key).await?;
        let record = match head {
            Some(head) if head.record.seq == seq => Some(head.record),
            _ => {
                let row = rows::version_row(&object_key, seq);
                let raw = self.get_row(bucket, Family::Version, &row).await?;
                raw.map(|raw| rows::decode::<Record>(&raw)).transpose()?
            }
        };
        let belongs = record
            .and_then(|record| record.object)
            .is_some_and(|object| match &object.data {
                _ if index == PARTS_ROW => object.more.parts.is_some(),
                Data::Inline => index == 0,
                Data::Manifest(rows) => index < rows.len(),
                Data::Empty | Data::Pieces(_) => false,
            });
        if !belongs {
            let shown = String::from_utf8_lossy(object_key.as_bytes()).into_owned();
            audit
                .problems
                .push(format!("a body under {shown:?} belongs to no version"));
        }
        Ok(())
    }
}
