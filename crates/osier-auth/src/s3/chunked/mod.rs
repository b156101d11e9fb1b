//! `aws-chunked`: the framing inside a body, by which a client signs a stream piece by piece or
//! sends its checksum behind it.
//!
//! A machine without I/O: push what came in, take out what it holds. Bytes come out before the
//! signature of their chunk is known, so that a chunk of any size costs no memory; whoever takes
//! them must not make them visible before [`Decoder::close`] has said that all is right.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use osier_types::limits::{CHUNK_HEAD_BYTES_MAX, CHUNK_TRAILER_BYTES_MAX};
use osier_types::{Checksum, ChecksumAlgorithm, Fault, FaultKind, SignatureMismatch};

use super::ChunkSigner;
use crate::canonical::{header, header_text};
use crate::claim::{digits, ec};

/// `x-amz-content-sha256` of a body of signed chunks.
pub const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
/// The same with a signed trailer.
pub const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
/// `x-amz-content-sha256` of a body of chunks that are not signed, with a trailer.
pub const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// How a body is framed, as its request's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Whether each chunk, and the trailer, carries a signature.
    pub signed: bool,
    /// The checksum that follows the last chunk.
    pub trailer: Option<ChecksumAlgorithm>,
    /// Bytes of the body without its framing.
    pub decoded_length: u64,
}

impl Framing {
    /// Reads the head of a request; `None` when its body is not framed.
    ///
    /// Clients that sign nothing, or by the older signature, have no `x-amz-content-sha256`;
    /// they tell by `Content-Encoding` (botocore without credentials).
    ///
    /// # Errors
    /// When the length is missing or no number, or the trailer announced is no checksum.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Fault> {
        let announced = header_text(headers, TRAILER);
        let (signed, may_have_trailer) = match header_text(headers, "x-amz-content-sha256") {
            Some(SIGNED) => (true, false),
            Some(SIGNED_TRAILER) => (true, true),
            Some(UNSIGNED_TRAILER) => (false, true),
            None if announced.is_some() && is_encoded(headers) => (false, true),
            _ => return Ok(None),
        };
        let decoded_length = match header(headers, DECODED_LENGTH) {
            b"" => return Err(FaultKind::MissingContentLength.into()),
            text => digits(text)
                .and_then(|length| u64::try_from(length).ok())
                .ok_or_else(|| {
                    let text = String::from_utf8_lossy(text);
                    Fault::argument(DECODED_LENGTH, text, "expected a number of bytes")
                })?,
        };
        let trailer = match announced {
            Some(name) if may_have_trailer => {
                let refuse = || Fault::argument(TRAILER, name, "expected the name of a checksum");
                Some(ChecksumAlgorithm::of_header(name).ok_or_else(refuse)?)
            }
            _ => None,
        };
        Ok(Some(Self {
            signed,
            trailer,
            decoded_length,
        }))
    }
}

/// Takes a body out of its framing, and checks that.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    signer: Option<Box<ChunkSigner>>,
    state: State,
    input: Bytes,
    /// The beginning of a line whose end has not come in.
    line: BytesMut,
    /// Of the chunk that is coming in.
    signature: String,
    left: u64,
    /// Bytes of chunks that may still come.
    owed: u64,
    /// Bytes of the trailer so far.
    trailer_bytes: usize,
    /// The trailer's lines as they are signed.
    trailer_text: Vec<u8>,
    trailer: Option<Checksum>,
    is_trailer_signed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Data,
    DataEnd,
    Trailer,
    Over,
}

impl Decoder {
    /// A decoder of one body. Signed framing needs the signer of a signed request.
    ///
    /// # Errors
    /// When the chunks should be signed and the request is not.
    pub fn new(framing: Framing, signer: Option<Box<ChunkSigner>>) -> Result<Self, Fault> {
        if framing.signed && signer.is_none() {
            return Err(Fault::argument(
                "x-amz-content-sha256",
                SIGNED,
                "only a request signed by AWS4-HMAC-SHA256 has signed chunks",
            ));
        }
        Ok(Self {
            framing,
            signer: signer.filter(|_| framing.signed),
            state: State::Head,
            input: Bytes::new(),
            line: BytesMut::new(),
            signature: String::new(),
            left: 0,
            owed: framing.decoded_length,
            trailer_bytes: 0,
            trailer_text: Vec::new(),
            trailer: None,
            is_trailer_signed: false,
        })
    }

    /// Takes bytes as they came in, once [`Self::next_piece`] wants more.
    pub fn push(&mut self, bytes: Bytes) {
        self.input = if self.input.is_empty() {
            bytes
        } else {
            [self.input.as_ref(), bytes.as_ref()].concat().into()
        };
    }

    /// The next bytes of the body; `None` when more must be pushed, or all has come.
    ///
    /// # Errors
    /// When the framing breaks a rule, or a signature is wrong.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            match self.state {
                State::Data => {
                    if self.input.is_empty() {
                        return Ok(None);
                    }
                    let left = usize::try_from(self.left).unwrap_or(usize::MAX);
                    let piece = self.input.split_to(left.min(self.input.len()));
                    // No longer than `left`.
                    self.left -= u64::try_from(piece.len()).unwrap_or(self.left);
                    if self.left == 0 {
                        self.state = State::DataEnd;
                    }
                    if let Some(signer) = &mut self.signer {
                        signer.update(&piece);
                    }
                    return Ok(Some(piece));
                }
                State::Over => {
                    // minio-go ends its trailer with an empty line too many.
                    self.trailer_bytes = self.trailer_bytes.saturating_add(self.input.len());
                    if self.trailer_bytes > CHUNK_TRAILER_BYTES_MAX
                        || self.input.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
                    {
                        return Err(chunk("bytes follow the end of the body"));
                    }
                    self.input.clear();
                    return Ok(None);
                }
                State::Head | State::DataEnd | State::Trailer => {
                    let Some(line) = self.next_line()? else {
                        return Ok(None);
                    };
                    match self.state {
                        State::Head => self.head(&line)?,
                        State::DataEnd => self.data_end(&line)?,
                        _ => self.trailer_line(&line)?,
                    }
                }
            }
        }
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// When something is missing.
    pub fn close(&self) -> Result<(), Fault> {
        if self.state == State::Over {
            Ok(())
        } else {
            Err(FaultKind::IncompleteBody.into())
        }
    }

    /// The checksum that followed the body, once all has come.
    pub fn trailer(&self) -> Option<Checksum> {
        self.trailer
    }

    /// A line with its end; `None` when that has not come in.
    fn next_line(&mut self) -> Result<Option<Bytes>, Fault> {
        let end = self.input.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(self.input.len(), |end| end + 1);
        let max = match self.state {
            State::Trailer => CHUNK_TRAILER_BYTES_MAX,
            State::DataEnd => 2,
            _ => CHUNK_HEAD_BYTES_MAX,
        };
        if self.line.len() + taken > max {
            return Err(match self.state {
                State::Trailer => trailer("it is too long"),
                State::DataEnd => chunk("a chunk is longer than its size says"),
                _ => chunk("the line before a chunk is too long"),
            });
        }
        let part = self.input.split_to(taken);
        if end.is_some() && self.line.is_empty() {
            return Ok(Some(part));
        }
        self.line.extend_from_slice(&part);
        Ok(end.map(|_| self.line.split().freeze()))
    }

    /// `<hex size>[;chunk-signature=<64 hex digits>]\r\n`.
    fn head(&mut self, line: &[u8]) -> Result<(), Fault> {
        let line = line
            .strip_suffix(b"\r\n")
            .and_then(|line| std::str::from_utf8(line).ok())
            .ok_or_else(|| chunk("the line before a chunk does not end in CR LF"))?;
        let (size, signature) = match line.split_once(';') {
            None => (line, None),
            Some((size, extension)) => {
                let signature = extension.strip_prefix("chunk-signature=");
                let signature = signature.ok_or_else(|| chunk("its extension is unknown"))?;
                (size, Some(signature))
            }
        };
        if signature.is_some() != self.signer.is_some() {
            return Err(chunk(match signature {
                None => "a chunk has no signature",
                Some(_) => "a chunk is signed where none is expected",
            }));
        }
        let is_size = !size.is_empty() && size.len() <= 16;
        let size = Some(size)
            .filter(|size| is_size && size.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|size| u64::from_str_radix(size, 16).ok())
            .ok_or_else(|| chunk("the size of a chunk is no hexadecimal number"))?;
        signature
            .unwrap_or_default()
            .clone_into(&mut self.signature);
        self.owed = self
            .owed
            .checked_sub(size)
            .ok_or_else(|| chunk("the chunks hold more than x-amz-decoded-content-length says"))?;
        self.left = size;
        if size > 0 {
            self.state = State::Data;
            return Ok(());
        }
        self.end_chunk()?;
        if self.owed > 0 {
            return Err(FaultKind::IncompleteBody.into());
        }
        self.state = State::Trailer;
        Ok(())
    }

    fn data_end(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line != b"\r\n" {
            return Err(chunk("a chunk does not end in CR LF"));
        }
        self.end_chunk()?;
        self.state = State::Head;
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), Fault> {
        match &mut self.signer {
            None => Ok(()),
            Some(signer) => signer
                .end_chunk(&self.signature)
                .map_err(|text| mismatch(&self.signature, text)),
        }
    }

    /// `name:value`, ended by LF alone in minio-go; the signature comes last, in minio-go after
    /// an empty line.
    fn trailer_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.trailer_bytes = self.trailer_bytes.saturating_add(line.len());
        if self.trailer_bytes > CHUNK_TRAILER_BYTES_MAX {
            return Err(trailer("it is too long"));
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line))
            .map_err(|_| trailer("it is no text"))?;
        if line.is_empty() {
            return self.trailer_end();
        }
        if self.is_trailer_signed {
            return Err(trailer("something follows its signature"));
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| trailer("a line has no colon"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == TRAILER_SIGNATURE {
            let signer = self
                .signer
                .as_mut()
                .ok_or_else(|| trailer("it is signed where no signature is expected"))?;
            if self.trailer.is_none() {
                return Err(trailer("its signature comes before its checksum"));
            }
            signer
                .end_trailers(&self.trailer_text, value)
                .map_err(|text| mismatch(value, text))?;
            self.is_trailer_signed = true;
            return Ok(());
        }
        let algorithm = self.framing.trailer.filter(|it| it.header() == name);
        let algorithm = algorithm.ok_or_else(|| trailer("a line was not announced"))?;
        if self.trailer.is_some() {
            return Err(trailer("a line comes twice"));
        }
        let checksum = Checksum::parse(algorithm, value);
        self.trailer = Some(checksum.ok_or_else(|| trailer("its checksum can't be read"))?);
        self.trailer_text
            .extend_from_slice(format!("{name}:{value}\n").as_bytes());
        Ok(())
    }

    fn trailer_end(&mut self) -> Result<(), Fault> {
        if self.framing.trailer.is_some() {
            if self.trailer.is_none() {
                return Err(trailer("the announced checksum is missing"));
            }
            if self.signer.is_some() && !self.is_trailer_signed {
                return Ok(());
            }
        }
        self.state = State::Over;
        Ok(())
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    header_text(headers, "content-encoding").is_some_and(|list| {
        list.split(',')
            .any(|word| word.trim().eq_ignore_ascii_case("aws-chunked"))
    })
}

fn chunk(reason: &'static str) -> Fault {
    FaultKind::MalformedChunk { reason }.into()
}

fn trailer(reason: &'static str) -> Fault {
    FaultKind::MalformedTrailer { reason }.into()
}

fn mismatch(signature: &str, string_to_sign: Vec<u8>) -> Fault {
    FaultKind::SignatureDoesNotMatch(Box::new(SignatureMismatch {
        signature_provided: signature.chars().take(200).collect(),
        string_to_sign,
        ec: ec::V4_MISMATCH,
        ..SignatureMismatch::default()
    }))
    .into()
}

const TRAILER: &str = "x-amz-trailer";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

#[cfg(test)]
mod tests;
