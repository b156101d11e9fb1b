//! Takes the bytes of a blob and chooses where they go: small ones are collected
//! and appended to a volume whole, longer ones stream into a volume or an extent.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use osier_engine::{BlobWriter, EngineError, OwnerTag, SealedBlob};

use crate::buffer::AlignedBuffer;
use crate::core::Core;
use crate::record::{HEADER_BYTES, record_bytes, table_of};
use crate::stream::Stream;

/// Writes one blob.
pub(crate) struct LocalWriter {
    core: Arc<Core>,
    owner: OwnerTag,
    hint: Option<u64>,
    state: State,
}

enum State {
    /// The record so far, without header and checksums.
    Small(AlignedBuffer),
    Long(Box<Stream>),
}

impl LocalWriter {
    pub(crate) fn new(core: Arc<Core>, owner: OwnerTag, hint: Option<u64>) -> Self {
        let expected = hint.unwrap_or(16 << 10).min(small_max(&core));
        let capacity = usize::try_from(record_bytes(expected)).unwrap_or(4096);
        let mut buffer = AlignedBuffer::with_capacity(capacity);
        buffer.fill(&[0; HEADER_BYTES]);
        Self {
            core,
            owner,
            hint,
            state: State::Small(buffer),
        }
    }

    /// Begins to stream what was collected so far, with `more` to come.
    async fn stream(&self, so_far: usize, more: usize) -> Result<Stream, EngineError> {
        let core = Arc::clone(&self.core);
        let owner = self.owner;
        let known = u64::try_from(so_far + more).map_err(|_| EngineError::Full)?;
        let hint = self.hint.filter(|hint| *hint >= known);
        let to_volume = hint.filter(|hint| *hint <= core.volumes.body_bytes_max());
        self.core
            .pool
            .run(move || match to_volume {
                Some(length) => Stream::to_volume(&core, owner, length),
                None => Stream::to_extent(&core, owner, hint),
            })
            .await
    }
}

#[async_trait]
impl BlobWriter for LocalWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), EngineError> {
        match &mut self.state {
            State::Small(buffer) => {
                let so_far = buffer.len() - HEADER_BYTES;
                let total = u64::try_from(so_far + bytes.len()).unwrap_or(u64::MAX);
                if total <= small_max(&self.core) {
                    buffer.extend(&bytes);
                    return Ok(());
                }
                self.core.health.check_writable()?;
                let mut stream = self.stream(so_far, bytes.len()).await?;
                if let State::Small(buffer) = &self.state {
                    let body = buffer.bytes().get(HEADER_BYTES..).unwrap_or_default();
                    stream.write(body).await?;
                }
                stream.write(&bytes).await?;
                self.state = State::Long(Box::new(stream));
            }
            State::Long(stream) => {
                if !stream.takes(bytes.len()) {
                    // More than was announced: it moves to an extent.
                    let body = stream.body().await?;
                    let core = Arc::clone(&self.core);
                    let owner = self.owner;
                    let larger = move || Stream::to_extent(&core, owner, None);
                    let mut larger = self.core.pool.run(larger).await?;
                    larger.write(&body).await?;
                    **stream = larger;
                }
                stream.write(&bytes).await?;
            }
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<SealedBlob, EngineError> {
        self.core.health.check_writable()?;
        match self.state {
            State::Long(stream) => stream.finish().await,
            State::Small(mut record) => {
                let body = record.bytes().get(HEADER_BYTES..).unwrap_or_default();
                let length = u64::try_from(body.len()).map_err(|_| EngineError::Full)?;
                let table = table_of(body);
                record.extend(&table);
                record.pad();
                let lane = self.core.volumes.lane();
                lane.queue.append(record, length, self.owner).await
            }
        }
    }
}

/// Bodies up to this length are collected in memory.
fn small_max(core: &Core) -> u64 {
    core.volumes.body_bytes_max().min(1 << 20)
}
