//! Text, compressed on its way to clients that take it so: `gzip` of RFC 1952.
//!
//! What is kept is kept as the origin sent it; each answer is compressed anew, in pieces, so that
//! no body is held whole for it.

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderValue, VARY,
};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::{MZError, MZFlush, MZStatus};
use osier_http::{BodySource, Chunk, Outgoing, OutgoingBody, SourceFailed, Stream};

/// Shorter texts would not become shorter.
const BYTES_MIN: u64 = 1024;
/// Deflate, no flags, no time, an unknown system.
const HEAD: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
/// What one piece of a compressed body holds at most.
const PIECE_BYTES: usize = 32 * 1024;

/// Whether a client takes `gzip`: RFC 9110, section 12.5.3.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0))
        });
        is_gzip && !refused
    })
}

/// Compresses an answer if it is a whole text that nobody compressed.
pub(crate) fn compress(answer: &mut Outgoing) {
    let headers = &mut answer.parts.headers;
    if answer.parts.status != StatusCode::OK || !is_text(headers) {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let body = std::mem::take(&mut answer.body);
    let source: Box<dyn Stream> = match body {
        OutgoingBody::Full(bytes) if bytes.len() as u64 >= BYTES_MIN => {
            answer.body = OutgoingBody::stream(None, Gzip::new(Whole(Some(bytes))));
            return coded(&mut answer.parts.headers);
        }
        OutgoingBody::Stream { length, source } if length.is_none_or(|it| it >= BYTES_MIN) => {
            source
        }
        short => {
            answer.body = short;
            return;
        }
    };
    answer.body = OutgoingBody::stream(None, Gzip::new(Pieces(source)));
    coded(&mut answer.parts.headers);
}

/// The head of a compressed answer.
fn coded(headers: &mut HeaderMap) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    // The same text in other bytes.
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    if let Some(tag) = tag.filter(|tag| !tag.starts_with("W/"))
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(ETAG, weak);
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let text = |name| {
        let value: Option<&HeaderValue> = headers.get(name);
        value.and_then(|value| value.to_str().ok())
    };
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind.as_str(),
            "application/json"
                | "application/javascript"
                | "application/x-javascript"
                | "application/xml"
                | "application/wasm"
                | "application/rss"
                | "image/bmp"
                | "image/x-icon"
        );
    let may = !text(CACHE_CONTROL).is_some_and(|value| value.contains("no-transform"));
    is_text && may && !headers.contains_key(CONTENT_ENCODING)
}

/// The text, in pieces.
trait Text: Send + 'static {
    fn piece(&mut self) -> impl Future<Output = Result<Option<Bytes>, SourceFailed>> + Send;
}

struct Whole(Option<Bytes>);

impl Text for Whole {
    async fn piece(&mut self) -> Result<Option<Bytes>, SourceFailed> {
        Ok(self.0.take())
    }
}

struct Pieces(Box<dyn Stream>);

impl Text for Pieces {
    async fn piece(&mut self) -> Result<Option<Bytes>, SourceFailed> {
        match std::future::poll_fn(|cx| self.0.poll(cx)).await? {
            None => Ok(None),
            Some(Chunk::Memory(bytes)) => Ok(Some(bytes)),
            // Only the store in this process has files, and its sites do not compress.
            Some(Chunk::File(_)) => Err(SourceFailed),
        }
    }
}

/// A compressed body.
struct Gzip<T> {
    text: T,
    state: State,
}

enum State {
    Head(Box<CompressorOxide>),
    Body(Box<Running>),
    Ended,
}

struct Running {
    compressor: Box<CompressorOxide>,
    check: crc_fast::Digest,
    length: u32,
    rest: Bytes,
    is_last: bool,
}

impl<T: Text> Gzip<T> {
    fn new(text: T) -> Self {
        // Level 6 without a zlib header: a negative window.
        let flags = create_comp_flags_from_zip_params(6, -15, 0);
        Self {
            text,
            state: State::Head(Box::new(CompressorOxide::new(flags))),
        }
    }
}

impl<T: Text> BodySource for Gzip<T> {
    async fn next(&mut self) -> Result<Option<Chunk>, SourceFailed> {
        let mut running = match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return Ok(None),
            State::Head(compressor) => {
                self.state = State::Body(Box::new(Running {
                    compressor,
                    check: crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
                    length: 0,
                    rest: Bytes::new(),
                    is_last: false,
                }));
                return Ok(Some(Bytes::from_static(&HEAD).into()));
            }
            State::Body(running) => running,
        };
        loop {
            if running.rest.is_empty() && !running.is_last {
                match self.text.piece().await? {
                    None => running.is_last = true,
                    Some(piece) => {
                        running.check.update(&piece);
                        // The length of RFC 1952 is one modulo 2^32.
                        let length = u32::try_from(piece.len() % (1 << 32)).unwrap_or_default();
                        running.length = running.length.wrapping_add(length);
                        running.rest = piece;
                    }
                }
            }
            let (piece, has_ended) = running.step()?;
            if has_ended {
                let mut piece = piece;
                let check = u32::try_from(running.check.finalize()).unwrap_or_default();
                piece.extend_from_slice(&check.to_le_bytes());
                piece.extend_from_slice(&running.length.to_le_bytes());
                return Ok(Some(Bytes::from(piece).into()));
            }
            if !piece.is_empty() {
                self.state = State::Body(running);
                return Ok(Some(Bytes::from(piece).into()));
            }
        }
    }
}

impl Running {
    /// What comes of the bytes that are there, and whether that was all.
    fn step(&mut self) -> Result<(Vec<u8>, bool), SourceFailed> {
        let flush = if self.is_last {
            MZFlush::Finish
        } else {
            MZFlush::None
        };
        let mut piece = vec![0; PIECE_BYTES];
        let result = deflate(&mut self.compressor, &self.rest, &mut piece, flush);
        piece.truncate(result.bytes_written);
        let _ = self.rest.split_to(result.bytes_consumed);
        match result.status {
            Ok(MZStatus::StreamEnd) => Ok((piece, true)),
            // It wants more, or has more.
            Ok(_) | Err(MZError::Buf) => Ok((piece, false)),
            Err(_) => Err(SourceFailed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut gzip: Gzip<Whole>) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(chunk) = gzip.next().await.unwrap() {
            let Chunk::Memory(piece) = chunk else {
                panic!();
            };
            bytes.extend_from_slice(&piece);
        }
        bytes
    }

    #[tokio::test]
    async fn what_is_compressed_is_the_text() {
        let text: Vec<u8> = (0..200_000_u32)
            .flat_map(|n| (n % 1000).to_le_bytes())
            .collect();
        for text in [text, vec![b'a'; 1024], Vec::new()] {
            let bytes = all(Gzip::new(Whole(Some(text.clone().into())))).await;
            let (head, rest) = bytes.split_at(10);
            assert_eq!(head[..4], [0x1F, 0x8B, 8, 0]);
            let (body, tail) = rest.split_at(rest.len() - 8);
            assert_eq!(miniz_oxide::inflate::decompress_to_vec(body).unwrap(), text);
            assert_eq!(tail[..4], crc_fast::crc32_iso_hdlc(&text).to_le_bytes());
            assert_eq!(tail[4..], u32::try_from(text.len()).unwrap().to_le_bytes());
        }
    }

    #[test]
    fn who_takes_it() {
        let taken = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            is_taken(&headers)
        };
        for value in ["gzip", "br, GZIP;q=0.5", "deflate,gzip ; q=1"] {
            assert!(taken(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip;q=0.000", "x-gzipped"] {
            assert!(!taken(value), "{value}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }
}
