//! Where an object's bytes are, on their way into rows and out of them.

use bytes::Bytes;
use osier_engine::{Batch, Family};
use osier_types::{Fault, ObjectKey};

use crate::Store;
use crate::failure::too_much_contention;
use crate::rows::{
    self, Data, Object, PARTS_ROW, PIECES_IN_RECORD_MAX, PIECES_IN_ROW_MAX, Piece, Record,
    body_row, cut,
};
use crate::state::Bucket;

/// The bytes of an object, or a stretch of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Bytes(Bytes),
    Pieces(Vec<Piece>),
}

impl Content {
    pub(crate) const EMPTY: Self = Self::Pieces(Vec::new());

    /// How a record tells of this content.
    pub(crate) fn data(&self) -> Data {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => Data::Empty,
            Self::Bytes(_) => Data::Inline,
            Self::Pieces(pieces) if pieces.is_empty() => Data::Empty,
            Self::Pieces(pieces) if pieces.len() <= PIECES_IN_RECORD_MAX => {
                Data::Pieces(pieces.clone())
            }
            Self::Pieces(pieces) => Data::Manifest(
                pieces
                    .chunks(PIECES_IN_ROW_MAX)
                    .map(|row| row.iter().map(|piece| piece.length).sum())
                    .collect(),
            ),
        }
    }

    /// The `Body` rows of this content, in order.
    pub(crate) fn rows(&self) -> Result<Vec<Bytes>, Fault> {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => Ok(Vec::new()),
            Self::Bytes(bytes) => Ok(vec![rows::encode_raw(bytes)]),
            Self::Pieces(pieces) if pieces.len() <= PIECES_IN_RECORD_MAX => Ok(Vec::new()),
            Self::Pieces(pieces) => pieces
                .chunks(PIECES_IN_ROW_MAX)
                .map(|row| rows::encode(&row.to_vec()))
                .collect(),
        }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        match self {
            Self::Bytes(_) => &[],
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// Adds a record's counts to a batch.
pub(crate) fn count(batch: &mut Batch, record: &Record, sign: i64) {
    let steps = record.counts();
    batch
        .counters
        .extend(steps.into_iter().map(|(index, step)| (index, sign * step)));
}

impl Store {
    /// The bytes `from..to` of an object; `None` when it changed since its row was read. Of an
    /// encrypted object they are sealed still, and bytes in rows are all that there are.
    pub(crate) async fn content(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
        from: u64,
        to: u64,
    ) -> Result<Option<Content>, Fault> {
        match &object.data {
            Data::Empty => Ok(Some(Content::EMPTY)),
            Data::Pieces(pieces) => Ok(Some(Content::Pieces(cut(pieces, from, to)))),
            Data::Inline => {
                let row = body_row(key, seq, 0);
                let Some(raw) = self.get_row(bucket, Family::Body, &row).await? else {
                    return Ok(None);
                };
                let bytes = rows::decode_raw(&raw)?;
                if object.more.encryption.is_some() {
                    // Sealed bytes are opened whole or not at all.
                    return Ok(Some(Content::Bytes(bytes)));
                }
                let range = usize::try_from(from)
                    .ok()
                    .zip(usize::try_from(to).ok())
                    .filter(|(from, to)| from <= to && *to <= bytes.len());
                // An append may have made it longer, never shorter.
                range
                    .map(|(from, to)| Some(Content::Bytes(bytes.slice(from..to))))
                    .ok_or_else(|| rows::unreadable("the body is shorter than its record says"))
            }
            Data::Manifest(lengths) => {
                let mut pieces = Vec::new();
                let mut start = 0_u64;
                for (index, length) in lengths.iter().enumerate() {
                    let end = start.saturating_add(*length);
                    if from < end && start < to {
                        let row = body_row(key, seq, index);
                        let Some(raw) = self.get_row(bucket, Family::Body, &row).await? else {
                            return Ok(None);
                        };
                        let row: Vec<Piece> = rows::decode(&raw)?;
                        let (first, last) = (from.max(start) - start, to.min(end) - start);
                        pieces.extend(cut(&row, first, last));
                    }
                    start = end;
                }
                Ok(Some(Content::Pieces(pieces)))
            }
        }
    }

    /// All bytes of an object whose key is held.
    pub(crate) async fn whole_content(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        seq: u64,
        object: &Object,
    ) -> Result<Content, Fault> {
        self.content(bucket, key, seq, object, 0, object.size)
            .await?
            .ok_or_else(too_much_contention)
    }

    /// Adds to `batch` that a version's bytes and counts go; its row is the caller's.
    pub(crate) async fn release(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        record: &Record,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        count(batch, record, -1);
        let Some(object) = &record.object else {
            return Ok(());
        };
        if !matches!(object.data, Data::Inline) {
            let content = self.whole_content(bucket, key, record.seq, object).await?;
            batch
                .unlinks
                .extend(content.pieces().iter().map(Piece::link));
        }
        let parts = object.more.parts.map(|_| PARTS_ROW);
        for index in (0..object.body_rows()).chain(parts) {
            batch
                .deletes
                .push((Family::Body, body_row(key, record.seq, index)));
        }
        Ok(())
    }

    /// Adds to `batch` the rows and references of `content`, which belongs to version `seq`.
    pub(crate) fn add_content(
        batch: &mut Batch,
        key: &ObjectKey,
        seq: u64,
        content: &Content,
        link: bool,
    ) -> Result<(), Fault> {
        if link {
            batch.links.extend(content.pieces().iter().map(Piece::link));
        }
        for (index, row) in content.rows()?.into_iter().enumerate() {
            batch
                .puts
                .push((Family::Body, body_row(key, seq, index), row));
        }
        Ok(())
    }
}
