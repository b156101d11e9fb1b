//! What a file is, from its first bytes and its headers; no pixel is decoded.

use crate::{CodecError, bmp, gif, jpeg, png, tiff, webp};

/// A picture format that is read here.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    Bmp,
    Gif,
    Jpeg,
    Png,
    Tiff,
    WebP,
}

/// What the headers say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    /// 1 for a still picture.
    pub frames: u32,
    pub alpha: bool,
    /// Bits of a sample and samples of a pixel, as stored.
    pub bits: u8,
    pub channels: u8,
    /// Quality of a JPEG, estimated.
    pub quality: Option<u8>,
    pub progressive: bool,
    pub cmyk: bool,
    /// The embedded colour profile.
    pub profile: Option<Vec<u8>>,
    /// The Exif block, beginning with its byte order.
    pub exif: Option<Vec<u8>>,
}

impl Header {
    /// An opaque still picture of eight bits RGB, for the formats to change.
    pub(crate) fn still(format: Format, width: u32, height: u32) -> Self {
        Self {
            format,
            width,
            height,
            frames: 1,
            alpha: false,
            bits: 8,
            channels: 3,
            quality: None,
            progressive: false,
            cmyk: false,
            profile: None,
            exif: None,
        }
    }
}

/// Tells formats by their first bytes, never by a name.
pub fn sniff(data: &[u8]) -> Option<Format> {
    match data {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(Format::WebP),
        [b'B', b'M', ..] => Some(Format::Bmp),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Format::Tiff),
        _ => None,
    }
}

/// Reads the headers of a file.
pub fn header(data: &[u8]) -> Result<Header, CodecError> {
    match sniff(data).ok_or(CodecError::Unknown)? {
        Format::Bmp => bmp::header(data),
        Format::Gif => gif::header(data),
        Format::Jpeg => jpeg::header(data),
        Format::Png => png::header(data),
        Format::Tiff => tiff::header(data),
        Format::WebP => webp::header(data),
    }
}
