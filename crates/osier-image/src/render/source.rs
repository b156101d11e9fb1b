//! Sources: their headers in our terms, and their pixels as a plan wants them.

use std::borrow::Cow;

use osier_image_codec::{self as codec, Budget, CodecError, Header, Raster, exif};

use super::{blend, shape};
use crate::geometry::Size;
use crate::plan::Decode;
use crate::{ErrorKind, Format, ImageError, Orientation, SourceHeader, SourceInfo};

pub(super) fn inspect(source: &[u8]) -> Result<SourceHeader, ImageError> {
    let header = codec::header(source).map_err(|error| unread(error, source))?;
    Ok(in_our_terms(&header, source))
}

pub(super) fn describe(source: &[u8]) -> Result<SourceInfo, ImageError> {
    let header = codec::header(source).map_err(|error| unread(error, source))?;
    let exif = match header.format {
        // The documentation excludes PNG.
        codec::Format::Png => Vec::new(),
        _ => exif_block(&header, source).map_or_else(Vec::new, |block| exif::tags(&block)),
    };
    Ok(SourceInfo {
        header: in_our_terms(&header, source),
        exif,
    })
}

/// Decodes what the plan wants: scaled, cut, flattened; colours may still need the profile.
pub(super) fn pixels(
    source: &[u8],
    decode: &Decode,
    budget: &Budget<'_>,
) -> Result<Raster, ImageError> {
    let picture = codec::decode(source, decode.eighths, budget)?;
    let picture = shape::cut(picture, decode.window)?;
    Ok(if decode.flatten {
        blend::onto(picture, [255; 3])
    } else {
        picture
    })
}

/// The profile by which the pixels of a source are to be understood, where it matters: CMYK is
/// turned to sRGB by the decoder, which alone sees its inks.
pub(super) fn profile(source: &[u8]) -> Option<Vec<u8>> {
    codec::header(source)
        .ok()
        .filter(|header| !header.cmyk)?
        .profile
}

fn in_our_terms(header: &Header, source: &[u8]) -> SourceHeader {
    let orientation = exif_block(header, source).and_then(|block| exif::orientation(&block));
    SourceHeader {
        format: match header.format {
            codec::Format::Bmp => Format::Bmp,
            codec::Format::Gif => Format::Gif,
            codec::Format::Jpeg => Format::Jpg,
            codec::Format::Png => Format::Png,
            codec::Format::Tiff => Format::Tiff,
            codec::Format::WebP => Format::Webp,
        },
        size: Size::new(header.width, header.height),
        frames: header.frames,
        orientation: orientation.map_or(Orientation::UPRIGHT, |number| {
            Orientation::new(number.into())
        }),
        alpha: header.alpha,
        bits: header.bits,
        channels: header.channels,
        quality: header.quality,
        progressive: header.progressive,
        cmyk: header.cmyk,
        icc_bytes: header.profile.as_ref().map_or(0, |profile| {
            u32::try_from(profile.len()).unwrap_or(u32::MAX)
        }),
    }
}

/// A TIFF file is itself a block of tags.
fn exif_block<'a>(header: &'a Header, source: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    match header.format {
        codec::Format::Tiff => Some(Cow::Borrowed(source)),
        _ => header.exif.as_deref().map(Cow::Borrowed),
    }
}

/// HEIC and AVIF are known by name, so that the answer can say that they are not there.
fn unread(error: CodecError, source: &[u8]) -> ImageError {
    let brand = source
        .get(4..12)
        .and_then(|head| head.strip_prefix(b"ftyp"));
    match (error, brand) {
        (CodecError::Unknown, Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"avif" | b"avis")) => {
            ImageError::plain(
                ErrorKind::NotImplemented,
                "reading pictures in the formats HEIC and AVIF",
            )
        }
        _ => error.into(),
    }
}
