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

/// The body within a framed one.
pub(crate) struct ChunkedSource {
    decoder: Decoder,
    source: Box<dyn ByteSource>,
    is_over: bool,
}

impl ChunkedSource {
    pub(crate) fn new(
        framing: Framing,
        signed: Option<&Signed>,
        source: Box<dyn ByteSource>,
    ) -> Result<Self, Fault> {
        let signer = signed.and_then(|signed| signed.chunks.clone());
        Ok(Self {
            decoder: Decoder::new(framing, signer)?,
            source,
            is_over: false,
        })
    }

    /// What has come in, as far as it goes.
    fn held(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(first) = self.decoder.next_piece()? else {
            return Ok(None);
        };
        if first.len() >= PIECE_MIN {
            return Ok(Some(first));
        }
        let mut together = BytesMut::from(first.as_ref());
        while together.len() < PIECE_MIN {
            let Some(piece) = self.decoder.next_piece()? else {
                break;
            };
            together.extend_from_slice(&piece);
        }
        Ok(Some(together.freeze()))
    }
}

#[async_trait::async_trait]
impl ByteSource for ChunkedSource {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(bytes) = self.held()? {
                return Ok(Some(bytes));
            }
            if self.is_over {
                self.decoder.close()?;
                return Ok(None);
            }
            match self.source.next().await? {
                Some(bytes) => self.decoder.push(bytes),
                None => self.is_over = true,
            }
        }
    }

    fn trailer(&self) -> Option<Checksum> {
        self.decoder.trailer()
    }
}
