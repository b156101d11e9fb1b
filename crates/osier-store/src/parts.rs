//! The parts that a finished object was put together from: their sizes are kept beside it, so that
//! one can be read by its number.

use bytes::Bytes;
use osier_engine::{Batch, Family};
use osier_types::{
    ByteRange, Checksum, Fault, FaultKind, GetObjectAttributes, ObjectAttributes, ObjectKey,
    ObjectPart, ObjectParts, Outcome,
};

use crate::Store;
use crate::failure::too_much_contention;
use crate::history::ATTEMPTS;
use crate::rows::{self, Object, PARTS_ROW, body_row};
use crate::state::Bucket;

/// Number, bytes and checksum of a part.
type PartRow = (u16, u64, Option<Checksum>);

impl Store {
    /// Adds to `batch` the table of parts of version `seq`, if it has any.
    pub(crate) fn add_parts(
        batch: &mut Batch,
        key: &ObjectKey,
        seq: u64,
        parts: &[ObjectPart],
    ) -> Result<(), Fault> {
        if parts.is_empty() {
            return Ok(());
        }
        let table: Vec<PartRow> = parts
            .iter()
            .map(|part| (part.number, part.size, part.checksum))
            .collect();
        let row = (
            Family::Body,
            body_row(key, seq, PARTS_ROW),
            rows::encode(&table)?,
        );
        batch.puts.push(row);
        Ok(())
    }

    /// The parts of an object; none when it has none, `None` when it changed since its row was read.
    async fn table_of(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
    ) -> Result<Option<Vec<PartRow>>, Fault> {
        if object.more.parts.is_none() {
            return Ok(Some(Vec::new()));
        }
        let row = body_row(key, seq, PARTS_ROW);
        let raw: Option<Bytes> = self.get_row(bucket, Family::Body, &row).await?;
        raw.map(|raw| rows::decode(&raw)).transpose()
    }

    /// The bytes of one part. An object that was written whole is its own first part.
    pub(crate) async fn part_of(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
        number: u16,
    ) -> Result<ByteRange, Fault> {
        let table = self.table_of(bucket, key, seq, object).await?;
        let mut table = table.ok_or_else(too_much_contention)?;
        if table.is_empty() {
            table.push((1, object.size, None));
        }
        let mut start = 0_u64;
        for (part, size, _) in table {
            let end = start.saturating_add(size);
            if part == number {
                return Ok(ByteRange { start, end });
            }
            start = end;
        }
        Err(FaultKind::InvalidPart {
            number: u32::from(number),
        }
        .into())
    }

    pub(crate) async fn object_attributes(
        &self,
        asked: GetObjectAttributes,
    ) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&asked.object.bucket)?;
        for _ in 0..ATTEMPTS {
            let mut found = self.follow(&bucket, &asked.object).await?;
            self.unlock_found(&bucket, &mut found, asked.customer_key.as_ref())?;
            let table = self.table_of(&bucket, &found.key, found.seq, &found.object);
            // `None`: overwritten since its row was read.
            let Some(table) = table.await? else { continue };
            let parts = found
                .object
                .more
                .parts
                .map(|total| page(total, &table, &asked));
            return Ok(Outcome::ObjectAttributes(Box::new(ObjectAttributes {
                asked,
                info: found.info,
                parts,
            })));
        }
        Err(too_much_contention())
    }
}

fn page(total: u16, table: &[PartRow], asked: &GetObjectAttributes) -> ObjectParts {
    let wanted = usize::try_from(asked.max_parts).unwrap_or(usize::MAX);
    let mut later = table
        .iter()
        .filter(|(number, ..)| *number > asked.part_number_marker)
        .map(|&(number, size, checksum)| ObjectPart {
            number,
            size,
            checksum,
        });
    ObjectParts {
        total,
        parts: later.by_ref().take(wanted).collect(),
        is_truncated: later.next().is_some(),
    }
}
