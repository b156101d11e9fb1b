//! Receives bodies: hashes, checks what the client promised, and keeps the bytes
//! in memory when they are few, else in a blob that no row refers to yet.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use osier_engine::{BlobWriter, OwnerTag, SealedBlob};
use osier_types::{
    BucketName, Checksum, ChecksumAlgorithm, ChecksumPromise, Crc64, Expected, Fault, FaultKind,
    Md5, ObjectKey,
};

use crate::body::ObjectBody;
use crate::digest::{self, Beside, Digests, Hashing};
use crate::failure::OrFault as _;
use crate::seal::{DataKey, Sealer, sealed_length};
use crate::state::Bucket;
use crate::{ByteSource, Store, key_hash};

/// How to receive one body.
pub(crate) struct Intake<'a> {
    pub(crate) expected: &'a Expected,
    /// Bytes allowed.
    pub(crate) max: u64,
    /// Bytes required, for forms.
    pub(crate) min: u64,
    /// Whether few bytes stay in memory.
    pub(crate) inline: bool,
    pub(crate) owner: OwnerTag,
    /// Bytes that go before the body in what is kept, but not in its checksums.
    pub(crate) lead: Lead,
    /// What the bytes are encrypted under on their way into memory or blob.
    pub(crate) seal: Option<&'a DataKey>,
}

/// What an append rewrites together with the new bytes.
#[derive(Debug)]
pub(crate) enum Lead {
    Bytes(Bytes),
    Stored(Box<ObjectBody>),
}

impl Lead {
    pub(crate) const NONE: Self = Self::Bytes(Bytes::new());

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Stored(body) => body.remaining(),
        }
    }
}

/// A body that has arrived whole and is what was promised.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) kept: Kept,
    /// Bytes of the body, without the lead.
    pub(crate) length: u64,
    /// Bytes in what is kept, before sealing.
    pub(crate) kept_length: u64,
    pub(crate) md5: Md5,
    pub(crate) crc64: Crc64,
    /// The one that the client sent, or that was reckoned for it.
    pub(crate) checksum: Option<Checksum>,
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Kept {
    Nothing,
    /// Sealed, where a key was given.
    Memory(Bytes),
    /// Durable; given back when this is dropped before a row refers to it.
    Blob(SealedBlob),
}

/// Bytes that are stored already, as a body.
pub(crate) struct StoredBody(pub(crate) ObjectBody);

#[async_trait]
impl ByteSource for StoredBody {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        self.0.next().await
    }
}

impl Store {
    pub(crate) fn owner_tag(&self, bucket: &Bucket, key: &ObjectKey) -> OwnerTag {
        OwnerTag {
            table: bucket.table.0,
            key_hash: key_hash(bucket, key),
            sequence: self.sequence_after(None),
        }
    }

    /// Receives a body whole and checks it. Nothing is visible yet.
    pub(crate) async fn receive(
        &self,
        bucket: &BucketName,
        intake: Intake<'_>,
        body: &mut dyn ByteSource,
    ) -> Result<Received, Fault> {
        let expected = intake.expected;
        let too_large = || Fault::new(FaultKind::EntityTooLarge { max: intake.max });
        if expected.length.is_some_and(|length| length > intake.max) {
            return Err(too_large());
        }
        let hint = expected.length.map(|length| {
            let length = length.saturating_add(intake.lead.length());
            match intake.seal {
                Some(_) => sealed_length(length),
                None => length,
            }
        });
        let sealer = intake
            .seal
            .map(|key| Sealer::new(key, &*self.rng))
            .transpose()?;
        let mut sink = Sink {
            store: self,
            bucket,
            owner: intake.owner,
            hint,
            memory_max: if intake.inline {
                self.engine.limits().inline_bytes_max
            } else {
                0
            },
            memory: Vec::new(),
            memory_bytes: 0,
            writer: None,
            sealer,
        };
        let lead_length = intake.lead.length();
        match intake.lead {
            Lead::Bytes(bytes) if bytes.is_empty() => {}
            Lead::Bytes(bytes) => sink.write(bytes).await?,
            Lead::Stored(mut body) => {
                if sink.sealer.is_none() {
                    sink.open().await?;
                }
                while let Some(bytes) = body.next().await? {
                    sink.write(bytes).await?;
                }
            }
        }
        let mut hashing = Hashing::new(
            &self.mill,
            Beside {
                sha256: expected.sha256.is_some(),
                checksum: expected.checksum.map(|promise| promise.algorithm()),
            },
        );
        let mut length = 0_u64;
        while let Some(bytes) = body.next().await? {
            length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if length > intake.max {
                return Err(too_large());
            }
            if expected.length.is_some_and(|expected| length > expected) {
                return Err(FaultKind::InvalidRequest {
                    reason: "the body is longer than its declared length".to_owned(),
                }
                .into());
            }
            if !bytes.is_empty() {
                hashing.feed(bytes.clone()).await?;
                sink.write(bytes).await?;
            }
        }
        if expected.length.is_some_and(|expected| length < expected) {
            return Err(FaultKind::IncompleteBody.into());
        }
        if length < intake.min {
            return Err(FaultKind::EntityTooSmall { min: intake.min }.into());
        }
        // The last batch is hashed while the blob becomes durable.
        hashing.start();
        let kept = sink.finish().await?;
        let digests = hashing.finish().await?;
        verify(expected, &digests, body.trailer())?;
        Ok(Received {
            kept,
            length,
            kept_length: length.saturating_add(lead_length),
            md5: digests.md5,
            crc64: digests.crc64,
            checksum: digests.checksum,
        })
    }

    /// Reads bytes that are stored already for their checksums and, if they are to be kept once
    /// more, writes them sealed or in the clear.
    pub(crate) async fn receive_stored(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        body: ObjectBody,
        seal: Option<&DataKey>,
        keep: bool,
        checksum: Option<ChecksumAlgorithm>,
    ) -> Result<Received, Fault> {
        let length = body.remaining();
        let mut body = StoredBody(body);
        if !keep {
            let digests = digest::of_body(&self.mill, body.0, checksum).await?;
            return Ok(Received {
                kept: Kept::Nothing,
                length,
                kept_length: 0,
                md5: digests.md5,
                crc64: digests.crc64,
                checksum: digests.checksum,
            });
        }
        let expected = Expected {
            length: Some(length),
            checksum: checksum.map(ChecksumPromise::Unsent),
            ..Expected::default()
        };
        let intake = Intake {
            expected: &expected,
            max: u64::MAX,
            min: 0,
            inline: true,
            owner: self.owner_tag(bucket, key),
            lead: Lead::NONE,
            seal,
        };
        self.receive(&bucket.name, intake, &mut body).await
    }

    /// Writes bytes that are stored already into one new blob.
    pub(crate) async fn rewrite(
        &self,
        bucket: &BucketName,
        owner: OwnerTag,
        mut source: ObjectBody,
    ) -> Result<SealedBlob, Fault> {
        let hint = Some(source.remaining());
        let mut writer = self.engine.write_blob(hint, owner).await.or_fault(bucket)?;
        while let Some(bytes) = source.next().await? {
            writer.write(bytes).await.or_fault(bucket)?;
        }
        writer.finish().await.or_fault(bucket)
    }
}

fn verify(expected: &Expected, digests: &Digests, trailer: Option<Checksum>) -> Result<(), Fault> {
    if expected.md5.is_some_and(|md5| md5 != digests.md5) {
        return Err(FaultKind::ChecksumMismatch {
            name: "Content-MD5",
        }
        .into());
    }
    if let Some(sent) = expected.crc64.filter(|&sent| sent != digests.crc64) {
        return Err(FaultKind::InvalidCrc64 {
            sent,
            computed: digests.crc64,
        }
        .into());
    }
    if expected.sha256.is_some() && expected.sha256 != digests.sha256 {
        return Err(FaultKind::PayloadDigestMismatch.into());
    }
    let Some(promise) = expected.checksum else {
        return Ok(());
    };
    let name = promise.algorithm().header();
    let sent = match promise {
        ChecksumPromise::Sent(checksum) => checksum,
        ChecksumPromise::Trailing(_) => trailer.ok_or(FaultKind::MalformedTrailer {
            reason: "the announced checksum is missing",
        })?,
        ChecksumPromise::Unsent(_) => return Ok(()),
    };
    if digests.checksum != Some(sent) {
        return Err(FaultKind::ChecksumMismatch { name }.into());
    }
    Ok(())
}

/// Keeps bytes in memory until they are too many.
struct Sink<'a> {
    store: &'a Store,
    bucket: &'a BucketName,
    owner: OwnerTag,
    hint: Option<u64>,
    memory_max: usize,
    memory: Vec<Bytes>,
    memory_bytes: usize,
    writer: Option<Box<dyn BlobWriter>>,
    sealer: Option<Sealer>,
}

impl Sink<'_> {
    async fn open(&mut self) -> Result<&mut Box<dyn BlobWriter>, Fault> {
        if self.writer.is_none() {
            let writer = self
                .store
                .engine
                .write_blob(self.hint, self.owner)
                .await
                .or_fault(self.bucket)?;
            let writer = self.writer.insert(writer);
            for bytes in self.memory.drain(..) {
                writer.write(bytes).await.or_fault(self.bucket)?;
            }
        }
        self.writer
            .as_mut()
            .ok_or_else(|| FaultKind::Internal.into())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Fault> {
        let Some(sealer) = &mut self.sealer else {
            return self.keep(bytes).await;
        };
        for sealed in sealer.write(&bytes)? {
            self.keep(sealed).await?;
        }
        Ok(())
    }

    async fn keep(&mut self, bytes: Bytes) -> Result<(), Fault> {
        if self.writer.is_none() {
            self.memory_bytes = self.memory_bytes.saturating_add(bytes.len());
            self.memory.push(bytes);
            if self.memory_bytes > self.memory_max {
                self.open().await?;
            }
            return Ok(());
        }
        let bucket = self.bucket;
        self.open().await?.write(bytes).await.or_fault(bucket)
    }

    async fn finish(mut self) -> Result<Kept, Fault> {
        if let Some(sealer) = self.sealer.take()
            && let Some(last) = sealer.finish()?
        {
            self.keep(last).await?;
        }
        if let Some(writer) = self.writer {
            let sealed = writer.finish().await.or_fault(self.bucket)?;
            return Ok(Kept::Blob(sealed));
        }
        let mut memory = self.memory;
        Ok(match (memory.pop(), memory.is_empty()) {
            (None, _) => Kept::Nothing,
            (Some(only), true) if only.is_empty() => Kept::Nothing,
            (Some(only), true) => Kept::Memory(only),
            (Some(last), false) => {
                let mut bytes = BytesMut::with_capacity(self.memory_bytes);
                for chunk in &memory {
                    bytes.extend_from_slice(chunk);
                }
                bytes.extend_from_slice(&last);
                Kept::Memory(bytes.freeze())
            }
        })
    }
}
