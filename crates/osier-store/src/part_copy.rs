//! Parts from objects that are stored already: the part refers to a stretch of
//! the source's blobs. Bytes are read for the checksums, but not written.

use bytes::Bytes;
use osier_engine::EngineError;
use osier_types::{
    Checksum, ChecksumAlgorithm, Crc64, ETag, Fault, FaultKind, Md5, ObjectKind, Outcome,
    RangeRequest, ResolvedRange, UploadPartCopy,
};

use crate::Store;
use crate::body::ObjectBody;
use crate::content::Content;
use crate::copy::Source;
use crate::digest::{Digests, of_body};
use crate::failure::{OrFault as _, fault, too_much_contention};
use crate::history::ATTEMPTS;
use crate::multipart::check_number;
use crate::rows::{Object, PIECES_IN_ROW_MAX, PartRecord, Piece};
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
    checksum: Option<Checksum>,
}

impl Store {
    pub(crate) async fn upload_part_copy(&self, op: UploadPartCopy) -> Result<Outcome, Fault> {
        let bucket = self.open_bucket(&op.upload.bucket)?;
        let from = self.open_bucket(&op.source.object.bucket)?;
        let number = check_number(op.part_number)?;
        let upload = self.upload(&bucket, &op.upload).await?;
        let wanted = upload.record.checksum.map(|plan| plan.algorithm);
        for _ in 0..ATTEMPTS {
            let source = self.copy_source(&from, &op.source).await?;
            if source.object.kind == ObjectKind::Symlink {
                let reason = "a part can't be copied from a symlink".to_owned();
                return Err(FaultKind::OperationNotSupported { reason }.into());
            }
            // `None`: overwritten since its row was read.
            let Some(stretch) = self.stretch(&bucket, &from, &op, &source, wanted).await? else {
                continue;
            };
            let record = PartRecord {
                size: stretch.size,
                md5: stretch.md5,
                crc64: stretch.crc64,
                modified: self.now(),
                pieces: stretch.pieces.clone(),
                checksum: stretch.checksum,
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
                    checksum: stretch.checksum,
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
        wanted: Option<ChecksumAlgorithm>,
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
                let body = ObjectBody::of_bytes(bytes.clone());
                let Digests {
                    md5,
                    crc64,
                    checksum,
                    ..
                } = of_body(body, wanted).await?;
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
                    checksum,
                }));
            }
            Content::Pieces(pieces) => pieces,
        };
        let known = known_digests(object)
            .filter(|known| size == object.size && has_wanted(known.checksum, wanted));
        let digests = match known {
            Some(known) => known,
            None => match self.open_pieces(&from.name, pieces.clone()).await {
                Ok(body) => of_body(body, wanted).await?,
                Err(EngineError::NoBlob) => return Ok(None),
                Err(error) => return Err(fault(error, Some(&from.name))),
            },
        };
        let Digests {
            md5,
            crc64,
            checksum,
            ..
        } = digests;
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
                checksum,
            }));
        }
        let content = self.referred_anew(Content::Pieces(pieces));
        Ok(Some(Stretch {
            pieces: content.pieces().to_vec(),
            _written: None,
            size,
            md5,
            crc64,
            checksum,
        }))
    }
}

/// What is known of a whole object that was written in one piece.
fn known_digests(object: &Object) -> Option<Digests> {
    let (md5, crc64) = object.md5.zip(object.crc64)?;
    let checksum = object.checksum.filter(|it| it.parts.is_none());
    Some(Digests {
        md5,
        crc64,
        sha256: None,
        checksum: checksum.map(|it| it.checksum),
    })
}

fn has_wanted(known: Option<Checksum>, wanted: Option<ChecksumAlgorithm>) -> bool {
    wanted.is_none_or(|wanted| known.is_some_and(|known| known.algorithm() == wanted))
}
