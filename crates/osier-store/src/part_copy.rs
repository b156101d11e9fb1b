//! Parts from objects that are stored already: the part refers to a stretch of
//! the source's blobs. Bytes are read for the checksums, but not written.

use bytes::Bytes;
use osier_engine::EngineError;
use osier_types::{
    Checksum, ChecksumAlgorithm, ChecksumPromise, Crc64, ETag, Expected, Fault, FaultKind, Md5,
    ObjectKind, Outcome, RangeRequest, ResolvedRange, UploadPartCopy,
};

use crate::Store;
use crate::body::ObjectBody;
use crate::content::Content;
use crate::copy::Source;
use crate::digest::{Digests, of_body};
use crate::encryption::{OptionalProtection as _, Protection};
use crate::failure::{OrFault as _, fault, too_much_contention};
use crate::history::ATTEMPTS;
use crate::intake::{Intake, Kept, Lead, StoredBody};
use crate::more::PartMore;
use crate::multipart::check_number;
use crate::rows::{Object, PIECES_IN_ROW_MAX, PartRecord, Piece};
use crate::state::Bucket;
use osier_engine::SealedBlob;

/// What the upload asks of a part.
struct Wanted<'a> {
    protection: Option<&'a Protection>,
    checksum: Option<ChecksumAlgorithm>,
}

impl Wanted<'_> {
    fn is_met(&self, known: Option<Checksum>) -> bool {
        self.checksum
            .is_none_or(|wanted| known.is_some_and(|known| known.algorithm() == wanted))
    }
}

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
        let envelope = upload.record.more.encryption.as_deref();
        let customer = op.customer_key.as_ref();
        let protection = self.unlock_again(&bucket, &op.upload.key, envelope, customer)?;
        let wanted = Wanted {
            protection: protection.as_ref(),
            checksum: upload.record.more.checksum.map(|plan| plan.algorithm),
        };
        for _ in 0..ATTEMPTS {
            let source = self.copy_source(&from, &op.source).await?;
            if source.object.kind == ObjectKind::Symlink {
                let reason = "a part can't be copied from a symlink".to_owned();
                return Err(FaultKind::OperationNotSupported { reason }.into());
            }
            // `None`: overwritten since its row was read.
            let stretch = self.stretch(&bucket, &from, &op, &source, &wanted);
            let Some(stretch) = stretch.await? else {
                continue;
            };
            let record = PartRecord {
                size: stretch.size,
                md5: self.tag_bytes(protection.as_ref(), stretch.md5),
                crc64: stretch.crc64,
                modified: self.now(),
                pieces: stretch.pieces.clone(),
                more: PartMore {
                    checksum: stretch.checksum,
                },
            };
            let put = self
                .put_part(&bucket, &op.upload, &upload, number, &record)
                .await?;
            if put.is_some() {
                return Ok(Outcome::PartCopied {
                    etag: ETag::of_md5(&record.md5),
                    last_modified: record.modified,
                    source_version: source.version,
                    crc64: stretch.crc64,
                    checksum: stretch.checksum,
                    encryption: protection.told(),
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
        wanted: &Wanted<'_>,
    ) -> Result<Option<Stretch>, Fault> {
        let (object, seq) = (&source.object, source.record.seq);
        let range = op.range.map(|spec| {
            let standard = false;
            RangeRequest { spec, standard }.resolve(object.size)
        });
        // A range that does not fit means the whole source to OSS, as in a read.
        let (first, end) = match range {
            Some(ResolvedRange::Part(range)) => (range.start, range.end),
            Some(_) if op.range_must_fit => {
                let length = object.size;
                return Err(FaultKind::InvalidRange { length }.into());
            }
            _ => (0, object.size),
        };
        let size = end - first;
        let max = self.settings.body_bytes_max;
        if size > max {
            return Err(FaultKind::EntityTooLarge { max }.into());
        }
        let key = &op.source.object.key;
        let envelope = object.more.encryption.as_deref();
        let customer = op.source.customer_key.as_ref();
        let data_key = self.unlock(from, key, envelope, customer)?;
        if data_key.is_some() || wanted.protection.is_some() {
            // Every upload has a data key of its own, so the bytes are sealed anew.
            let body = self.body(from, key, seq, object, first..end, data_key);
            let Some(body) = body.await? else {
                return Ok(None);
            };
            return self.sealed_stretch(bucket, op, body, wanted).await;
        }
        let Some(content) = self.content(from, key, seq, object, first, end).await? else {
            return Ok(None);
        };
        let owner = self.owner_tag(bucket, &op.upload.key);
        let pieces = match content {
            Content::Bytes(bytes) => {
                let body = ObjectBody::of_bytes(bytes.clone());
                let digests = of_body(&self.mill, body, wanted.checksum).await?;
                let (pieces, written) = if bytes.is_empty() {
                    (Vec::new(), None)
                } else {
                    let body = ObjectBody::of_bytes(Bytes::clone(&bytes));
                    let sealed = self.rewrite(&bucket.name, owner, body).await?;
                    let piece = Piece::whole(sealed.run, size, self.new_tag());
                    (vec![piece], Some(sealed))
                };
                return Ok(Some(Stretch {
                    pieces,
                    _written: written,
                    size,
                    md5: digests.md5,
                    crc64: digests.crc64,
                    checksum: digests.checksum,
                }));
            }
            Content::Pieces(pieces) => pieces,
        };
        let known = known_digests(object)
            .filter(|known| size == object.size && wanted.is_met(known.checksum));
        let digests = match known {
            Some(known) => known,
            None => match self.open_pieces(&from.name, pieces.clone(), None).await {
                Ok(body) => of_body(&self.mill, body, wanted.checksum).await?,
                Err(EngineError::NoBlob) => return Ok(None),
                Err(error) => return Err(fault(error, Some(&from.name))),
            },
        };
        if pieces.len() > PIECES_IN_ROW_MAX {
            let body = self
                .open_pieces(&from.name, pieces, None)
                .await
                .or_fault(&from.name)?;
            let sealed = self.rewrite(&bucket.name, owner, body).await?;
            return Ok(Some(Stretch {
                pieces: vec![Piece::whole(sealed.run, size, self.new_tag())],
                _written: Some(sealed),
                size,
                md5: digests.md5,
                crc64: digests.crc64,
                checksum: digests.checksum,
            }));
        }
        let content = self.referred_anew(Content::Pieces(pieces));
        Ok(Some(Stretch {
            pieces: content.pieces().to_vec(),
            _written: None,
            size,
            md5: digests.md5,
            crc64: digests.crc64,
            checksum: digests.checksum,
        }))
    }
}

impl Store {
    /// Bytes written anew for a part, under the upload's key if it has one.
    async fn sealed_stretch(
        &self,
        bucket: &Bucket,
        op: &UploadPartCopy,
        body: ObjectBody,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Stretch>, Fault> {
        let expected = Expected {
            length: Some(body.remaining()),
            checksum: wanted.checksum.map(ChecksumPromise::Unsent),
            ..Expected::default()
        };
        let intake = Intake {
            expected: &expected,
            max: u64::MAX,
            min: 0,
            inline: false,
            owner: self.owner_tag(bucket, &op.upload.key),
            lead: Lead::NONE,
            seal: wanted.protection.key(),
        };
        let mut body = StoredBody(body);
        let received = self.receive(&bucket.name, intake, &mut body).await?;
        Ok(Some(Stretch {
            pieces: self.content_of(&received).pieces().to_vec(),
            size: received.length,
            md5: received.md5,
            crc64: received.crc64,
            checksum: received.checksum,
            _written: match received.kept {
                Kept::Blob(sealed) => Some(sealed),
                Kept::Nothing | Kept::Memory(_) => None,
            },
        }))
    }
}

/// What is known of a whole object that was written in one piece.
fn known_digests(object: &Object) -> Option<Digests> {
    let (md5, crc64) = object.md5.zip(object.crc64)?;
    let checksum = object.more.checksum.filter(|it| it.parts.is_none());
    Some(Digests {
        md5,
        crc64,
        sha256: None,
        checksum: checksum.map(|it| it.checksum),
    })
}
