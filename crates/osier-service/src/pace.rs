//! `x-oss-traffic-limit`: bodies that flow no faster than the client asked.

use std::time::Duration;

use bytes::Bytes;
use osier_store::{ByteSource, ObjectBody, ObjectChunk};
use osier_types::{Checksum, Fault};
use tokio::time::Instant;

/// Keeps a flow at a rate: told of each chunk, it waits until that chunk was due.
#[derive(Debug)]
struct Pace {
    bytes_per_second: f64,
    due: Instant,
}

impl Pace {
    fn new(bits_per_second: u64) -> Self {
        // The limits of the header keep this far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "at most 838,860,800")]
        let bytes_per_second = bits_per_second as f64 / 8.0;
        Self {
            bytes_per_second,
            due: Instant::now(),
        }
    }

    async fn passed(&mut self, bytes: usize) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a chunk is far below 2^52 bytes"
        )]
        let seconds = bytes as f64 / self.bytes_per_second;
        self.due = self.due.max(Instant::now()) + Duration::from_secs_f64(seconds);
        tokio::time::sleep_until(self.due).await;
    }
}

/// An object's bytes on their way to the client.
#[derive(Debug)]
pub struct PacedBody {
    body: ObjectBody,
    pace: Option<Pace>,
}

impl PacedBody {
    pub(crate) fn new(body: ObjectBody, bits_per_second: Option<u64>) -> Self {
        Self {
            body,
            pace: bits_per_second.map(Pace::new),
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When stored bytes can't be read; the answer must then be cut off.
    pub async fn next(&mut self) -> Result<Option<ObjectChunk>, Fault> {
        let Some(pace) = &mut self.pace else {
            return self.body.next_chunk().await;
        };
        let bytes = self.body.next().await?;
        if let Some(bytes) = &bytes {
            pace.passed(bytes.len()).await;
        }
        Ok(bytes.map(ObjectChunk::Bytes))
    }
}

/// A client's bytes on their way to the store.
pub(crate) struct PacedSource {
    source: Box<dyn ByteSource>,
    pace: Pace,
}

impl PacedSource {
    pub(crate) fn new(source: Box<dyn ByteSource>, bits_per_second: u64) -> Self {
        Self {
            source,
            pace: Pace::new(bits_per_second),
        }
    }
}

#[async_trait::async_trait]
impl ByteSource for PacedSource {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = self.source.next().await?;
        if let Some(chunk) = &chunk {
            self.pace.passed(chunk.len()).await;
        }
        Ok(chunk)
    }

    fn trailer(&self) -> Option<Checksum> {
        self.source.trailer()
    }
}
