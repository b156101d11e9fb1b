//! The bytes of an object on their way out.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use osier_engine::{BlobReader, Engine, EngineError, FileSlice, Run};
use osier_types::{BucketName, Fault, FaultKind};

use crate::Store;
use crate::failure::OrFault as _;
use crate::rows::{Piece, unreadable};
use crate::seal::{DataKey, FOOT, Opener, SEALED};

/// Bytes of one read at most: what a processor's second cache holds, so that bytes are still near
/// when they are sent. Nothing is read ahead here; engines ask the disk for what comes next.
const READ_MAX: usize = 256 * 1024;
/// Pieces of sealed blobs that are read at once: as many bytes as of others.
const SEALED_PIECES_AT_ONCE: u64 = READ_MAX as u64 / SEALED;
/// Bytes of one piece of a file at most.
const SLICE_MAX: u64 = 4 << 20;
/// Blobs kept open ahead of the reader; a blob that is open can't go away.
const OPEN_AHEAD: usize = 64;

/// A stream of verified bytes.
///
/// What it reads stays readable while it lives, however the object changes in the
/// meantime; for objects of more than 64 pieces only what is near the reader.
#[derive(Debug)]
pub struct ObjectBody {
    remaining: u64,
    ready: Option<Bytes>,
    blobs: Option<Blobs>,
}

/// Some bytes of an object.
#[derive(Debug)]
pub enum ObjectChunk {
    /// In memory.
    Bytes(Bytes),
    /// In a file.
    File(FileSlice),
}

#[derive(Debug)]
struct Blobs {
    engine: Arc<dyn Engine>,
    bucket: BucketName,
    read_max: usize,
    open: VecDeque<(Arc<dyn BlobReader>, Piece)>,
    closed: VecDeque<Piece>,
    /// For sealed blobs: what opens them. In a box, as it is large and most have none.
    sealed: Option<Box<Sealed>>,
}

/// How far sealed blobs were opened.
#[derive(Debug)]
struct Sealed {
    key: DataKey,
    /// Of the blob that is read now.
    opener: Option<(Run, Opener)>,
    /// Bytes opened together with those that were asked for.
    ready: VecDeque<Bytes>,
}

impl ObjectBody {
    /// A stream of bytes that are in memory.
    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self {
            remaining: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            ready: Some(bytes).filter(|bytes| !bytes.is_empty()),
            blobs: None,
        }
    }

    /// Bytes still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next bytes; `None` at the end. After a fault the stream is over, and short.
    ///
    /// # Errors
    /// `Damaged` when the stored bytes are not those that were written.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let bytes = match self.ready.take() {
            Some(bytes) => Some(bytes),
            None => self.read().await?,
        };
        if let Some(bytes) = &bytes {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.remaining = self.remaining.saturating_sub(length);
        }
        Ok(bytes)
    }

    /// The next bytes, as a piece of a file where they need not be looked at again.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_chunk(&mut self) -> Result<Option<ObjectChunk>, Fault> {
        if self.ready.is_none()
            && let Some(blobs) = &mut self.blobs
            && let Some(slice) = blobs.slice().await?
        {
            self.remaining = self.remaining.saturating_sub(slice.length);
            return Ok(Some(ObjectChunk::File(slice)));
        }
        Ok(self.next().await?.map(ObjectChunk::Bytes))
    }

    /// Reads the first bytes now, so that damage is told before anything is sent.
    pub(crate) async fn prefetch(&mut self) -> Result<(), Fault> {
        let verified = match &mut self.blobs {
            Some(blobs) => blobs.peek().await?.is_some(),
            None => false,
        };
        if self.ready.is_none() && !verified {
            self.ready = self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(blobs) = &mut self.blobs else {
            return Ok(None);
        };
        if blobs.sealed.is_some() {
            return blobs.read_sealed().await;
        }
        match blobs.take().await? {
            None => Ok(None),
            Some((reader, offset, length)) => {
                let bytes = reader.read(offset, length).await.or_fault(&blobs.bucket)?;
                Ok(Some(bytes))
            }
        }
    }
}

impl Blobs {
    /// Opens the blobs that come next.
    async fn open_more(&mut self) -> Result<(), EngineError> {
        while self.open.len() < OPEN_AHEAD
            && let Some(piece) = self.closed.pop_front()
        {
            let reader = self.engine.open_blob(piece.run()).await?;
            self.open.push_back((reader, piece));
        }
        Ok(())
    }

    /// What comes next, if it can be sent from a file.
    async fn peek(&mut self) -> Result<Option<FileSlice>, Fault> {
        if self.open.len() < OPEN_AHEAD / 2 {
            self.open_more().await.or_fault(&self.bucket)?;
        }
        let front = self.open.front().filter(|_| self.sealed.is_none());
        let slice = front.and_then(|(reader, piece)| {
            Arc::clone(reader).slice(piece.offset, piece.length.min(SLICE_MAX))
        });
        Ok(slice)
    }

    /// Takes what comes next, if it can be sent from a file.
    async fn slice(&mut self) -> Result<Option<FileSlice>, Fault> {
        let slice = self.peek().await?;
        if let (Some(slice), Some((_, piece))) = (&slice, self.open.front_mut()) {
            piece.offset = piece.offset.saturating_add(slice.length);
            piece.length = piece.length.saturating_sub(slice.length);
            if piece.length == 0 {
                self.open.pop_front();
            }
        }
        Ok(slice)
    }

    /// The next bytes of sealed blobs: some whole pieces are read and opened at once.
    async fn read_sealed(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.open.len() < OPEN_AHEAD / 2 {
            self.open_more().await.or_fault(&self.bucket)?;
        }
        let Some(sealed) = &mut self.sealed else {
            return Ok(None);
        };
        if let Some(bytes) = sealed.ready.pop_front() {
            return Ok(Some(bytes));
        }
        let Some((reader, piece)) = self.open.front_mut() else {
            return Ok(None);
        };
        let (run, read_max) = (piece.run(), self.read_max);
        if sealed.opener.as_ref().is_none_or(|(of, _)| *of != run) {
            let foot = run.length.saturating_sub(FOOT as u64);
            let foot = read_whole(&**reader, foot, run.length, read_max).await;
            let foot = foot.or_fault(&self.bucket)?;
            let opener = Opener::new(&sealed.key, &foot, run.length)?;
            sealed.opener = Some((run, opener));
        }
        let Some((_, opener)) = &sealed.opener else {
            return Err(FaultKind::Internal.into());
        };
        let (from, to) = (piece.offset, piece.offset.saturating_add(piece.length));
        let span = opener.span(from, to, SEALED_PIECES_AT_ONCE);
        let bytes = read_whole(&**reader, span.start, span.end, read_max).await;
        let opened = opener.open(span.first, bytes.or_fault(&self.bucket)?, from, to)?;
        let step: u64 = opened.iter().map(|bytes| bytes.len() as u64).sum();
        sealed.ready.extend(opened);
        piece.offset = piece.offset.saturating_add(step);
        piece.length = piece.length.saturating_sub(step);
        if piece.length == 0 {
            self.open.pop_front();
        }
        match sealed.ready.pop_front() {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(unreadable("a sealed blob is shorter than its record says")),
        }
    }

    /// What to read next.
    async fn take(&mut self) -> Result<Option<(Arc<dyn BlobReader>, u64, usize)>, Fault> {
        if self.open.len() < OPEN_AHEAD / 2 {
            self.open_more().await.or_fault(&self.bucket)?;
        }
        let Some((reader, piece)) = self.open.front_mut() else {
            return Ok(None);
        };
        let length =
            usize::try_from(piece.length).map_or(self.read_max, |length| length.min(self.read_max));
        let (reader, offset) = (Arc::clone(reader), piece.offset);
        let step = u64::try_from(length).unwrap_or(u64::MAX);
        piece.offset = piece.offset.saturating_add(step);
        piece.length = piece.length.saturating_sub(step);
        if piece.length == 0 {
            self.open.pop_front();
        }
        Ok(Some((reader, offset, length)))
    }
}

/// The bytes `start..end` of a blob, whatever an engine gives at once.
async fn read_whole(
    reader: &dyn BlobReader,
    start: u64,
    end: u64,
    read_max: usize,
) -> Result<Bytes, EngineError> {
    let mut whole = BytesMut::new();
    let mut at = start;
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let bytes = reader.read(at, left.min(read_max)).await?;
        if bytes.is_empty() {
            break;
        }
        at = at.saturating_add(bytes.len() as u64);
        if whole.is_empty() && at >= end {
            return Ok(bytes);
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.freeze())
}

impl Store {
    /// A stream of `pieces`, which are sealed under `key` if there is one.
    ///
    /// # Errors
    /// Also [`EngineError::NoBlob`], when the object was overwritten since its row was read.
    pub(crate) async fn open_pieces(
        &self,
        bucket: &BucketName,
        pieces: Vec<Piece>,
        key: Option<DataKey>,
    ) -> Result<ObjectBody, EngineError> {
        let mut blobs = Blobs {
            engine: Arc::clone(&self.engine),
            bucket: bucket.clone(),
            read_max: self.engine.limits().read_bytes_max.clamp(1, READ_MAX),
            open: VecDeque::new(),
            closed: pieces
                .into_iter()
                .filter(|piece| piece.length > 0)
                .collect(),
            sealed: key.map(|key| {
                Box::new(Sealed {
                    key,
                    opener: None,
                    ready: VecDeque::new(),
                })
            }),
        };
        let remaining = blobs.closed.iter().map(|piece| piece.length).sum();
        blobs.open_more().await?;
        Ok(ObjectBody {
            remaining,
            ready: None,
            blobs: Some(blobs),
        })
    }
}
