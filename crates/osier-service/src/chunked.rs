//! Bodies of S3 clients that come in `aws-chunked`: taken out of that framing on their way to the
//! store.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use osier_auth::chunked::{Decoder, Framing};
use osier_auth::{Scheme, Signed};
use osier_store::ByteSource;
use osier_types::{Checksum, ChecksumPromise, Expected, Fault};

/// Smaller pieces are put together, so that a body of tiny chunks is no list of tiny pieces.
const PIECE_MIN: usize = 16 * 1024;

/// How a request's body is framed; OSS has no such framing.
pub(crate) fn framing(
    headers: &HeaderMap,
    signed: Option<&Signed>,
) -> Result<Option<Framing>, Fault> {
    match signed.map(|signed| signed.scheme) {
        Some(Scheme::V1 | Scheme::V2 | Scheme::V4) => Ok(None),
        None | Some(Scheme::Aws2 | Scheme::Aws4) => Framing::of(headers),
    }
}

/// What the store must expect of a body that is framed.
pub(crate) fn expect(framing: &Framing, expected: &mut Expected) {
    expected.length = Some(framing.decoded_length);
    if let Some(algorithm) = framing.trailer {
        expected.checksum = Some(ChecksumPromise::Trailing(algorithm));
    }
}

/// A body that is taken out of its framing, in pieces of a sensible size.
#[derive(Debug)]
pub(crate) struct Unframed(Decoder);

impl Unframed {
    pub(crate) fn new(framing: Framing, signed: Option<&Signed>) -> Result<Self, Fault> {
        let signer = signed.and_then(|signed| signed.chunks.clone());
        Ok(Self(Decoder::new(framing, signer)?))
    }

    /// Takes bytes as they came in, once [`Self::take`] wants more.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.0.push(bytes);
    }

    /// What has come in, as far as it goes.
    pub(crate) fn take(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(first) = self.0.next_piece()? else {
            return Ok(None);
        };
        if first.len() >= PIECE_MIN {
            return Ok(Some(first));
        }
        let mut together = BytesMut::from(first.as_ref());
        while together.len() < PIECE_MIN {
            let Some(piece) = self.0.next_piece()? else {
                break;
            };
            together.extend_from_slice(&piece);
        }
        Ok(Some(together.freeze()))
    }

    /// Says that nothing more comes; the checksum that followed the body.
    pub(crate) fn close(&self) -> Result<Option<Checksum>, Fault> {
        self.0.close()?;
        Ok(self.0.trailer())
    }
}

/// The body within a framed one.
pub(crate) struct ChunkedSource {
    unframed: Unframed,
    source: Box<dyn ByteSource>,
    is_over: bool,
}

impl ChunkedSource {
    pub(crate) fn new(
        framing: Framing,
        signed: Option<&Signed>,
        source: Box<dyn ByteSource>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            unframed: Unframed::new(framing, signed)?,
            source,
            is_over: false,
        })
    }
}

#[async_trait::async_trait]
impl ByteSource for ChunkedSource {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(bytes) = self.unframed.take()? {
                return Ok(Some(bytes));
            }
            if self.is_over {
                self.unframed.close()?;
                return Ok(None);
            }
            match self.source.next().await? {
                Some(bytes) => self.unframed.push(bytes),
                None => self.is_over = true,
            }
        }
    }

    fn trailer(&self) -> Option<Checksum> {
        self.unframed.close().ok().flatten()
    }
}
