//! Parts from objects that are stored already: the part refers to a stretch of
//! the source's blobs. Bytes are read for the checksums, but not written.

use bytes::Bytes;
use osier_engine::EngineError;
use osier_types::{
    Crc64, ETag, Fault, FaultKind, Md5, ObjectKind, Outcome, RangeRequest, ResolvedRange,
    UploadPartCopy,
};

use crate::Store;
use crate::body::ObjectBody;
use crate::content::Content;
use crate::copy::Source;
use crate::digest::Hashing;
use crate::failure::{OrFault as _, fault, too_much_contention};
use crate::history::ATTEMPTS;
use crate::multipart::check_number;
use crate::rows::{PIECES_IN_ROW_MAX, PartRecord, Piece};
use crate::state::Bucket;
use osier_engine::SealedBlob;

/// The bytes of a part to be.
struct Stretch {
    pieces: Vec<Piece>,
    /// Bytes that had to be written; given back when this is dropped before a row refers to them.
    _written: Option<SealedBlob>,
    size: u64,
    md5: Md5,
    crc64: Crc64,
}

impl Store {
    pub(crate) async fn upload_part_copy(&self, op: UploadPartCopy) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.upload.bucket)?;
        let from = self.open_bucket(&op.source.object.bucket)?;
        let number = check_number(op.part_number)?;
        let upload = self.upload(&bucket, &op.upload).await?;
        for _ in 0..ATTEMPTS {
            let source = self.copy_source(&from, &op.source).await?;
            if source.object.kind == ObjectKind::Symlink {
                let reason = "a part can't be copied from a symlink".to_owned();
                return Err(FaultKind::OperationNotSupported { reason }.into());
            }
            // `None`: overwritten since its row was read.
            let Some(stretch) = self.stretch(&bucket, &from, &op, &source).await? else {
                continue;
            };
            let record = PartRecord {
                size: stretch.size,
                md5: stretch.md5,
                crc64: stretch.crc64,
                modified: self.now(),
                pieces: stretch.pieces.clone(),
            };
            let put = self
                .put_part(&bucket, &op.upload, &upload, number, &record)
                .await?;
            if put.is_some() {
                return Ok(Outcome::PartCopied {
                    etag: ETag::of_md5(&stretch.md5),
                    last_modified: record.modified,
                    source_version: source.version,
                    crc64: stretch.crc64,
                    encryption: None,
                });
            }
        }
        Err(too_much_contention())
    }

    async fn stretch(
        &self,
        bucket: &Bucket,
        from: &Bucket,
        op: &UploadPartCopy,
        source: &Source,
    ) -> Result<Option<Stretch>, Fault> {
        let (object, seq) = (&source.object, source.record.seq);
        let range = op.range.map(|spec| {
            let standard = false;
            RangeRequest { spec, standard }.resolve(object.size)
        });
        // A range that does not fit means the whole source, as in a read.
        let (first, end) = match range {
            Some(ResolvedRange::Part(range)) => (range.start, range.end),
            _ => (0, object.size),
        };
        let size = end - first;
        let max = self.settings.body_bytes_max;
        if size > max {
            return Err(FaultKind::EntityTooLarge { max }.into());
        }
        let key = &op.source.object.key;
        let Some(content) = self.content(from, key, seq, object, first, end).await? else {
            return Ok(None);
        };
        let owner = self.owner_tag(bucket, &op.upload.key);
        let pieces = match content {
            Content::Bytes(bytes) => {
                let (md5, crc64) = checksums(ObjectBody::of_bytes(bytes.clone())).await?;
                let (pieces, written) = if bytes.is_empty() {
                    (Vec::new(), None)
                } else {
                    let body = ObjectBody::of_bytes(Bytes::clone(&bytes));
                    let sealed = self.rewrite(&bucket.name, owner, body).await?;
                    (vec![Piece::whole(sealed.run, self.new_tag())], Some(sealed))
                };
                return Ok(Some(Stretch {
                    pieces,
                    _written: written,
                    size,
                    md5,
                    crc64,
                }));
            }
            Content::Pieces(pieces) => pieces,
        };
        let known = object.md5.zip(object.crc64).filter(|_| size == object.size);
        let (md5, crc64) = match known {
            Some(known) => known,
            None => match self.open_pieces(&from.name, pieces.clone()).await {
                Ok(body) => checksums(body).await?,
                Err(EngineError::NoBlob) => return Ok(None),
                Err(error) => return Err(fault(error, Some(&from.name))),
            },
        };
        if pieces.len() > PIECES_IN_ROW_MAX {
            let body = self
                .open_pieces(&from.name, pieces)
                .await
                .or_fault(&from.name)?;
            let sealed = self.rewrite(&bucket.name, owner, body).await?;
            return Ok(Some(Stretch {
                pieces: vec![Piece::whole(sealed.run, self.new_tag())],
                _written: Some(sealed),
                size,
                md5,
                crc64,
            }));
        }
        let content = self.referred_anew(Content::Pieces(pieces));
        Ok(Some(Stretch {
            pieces: content.pieces().to_vec(),
            _written: None,
            size,
            md5,
            crc64,
        }))
    }
}

async fn checksums(mut body: ObjectBody) -> Result<(Md5, Crc64), Fault> {
    let mut hashing = Hashing::new(false);
    while let Some(bytes) = body.next().await? {
        hashing.feed(bytes).await?;
    }
    let digests = hashing.finish().await?;
    Ok((digests.md5, digests.crc64))
}
