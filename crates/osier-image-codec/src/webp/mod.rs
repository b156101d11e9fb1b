//! WebP: decoded by a safe decoder, encoded by libwebp, which sees nothing but our own pixels.

mod libwebp;

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use crate::{Budget, CodecError, Format, Header, Raster, Stop, exif, raster::area};

/// The format's own limit.
const SIDE_MAX: u32 = 16_383;

/// Metadata that is read.
const METADATA_BYTES_MAX: usize = 8 << 20;

pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let mut decoder = decoder(data, METADATA_BYTES_MAX)?;
    let (width, height) = decoder.dimensions();
    Ok(Header {
        alpha: decoder.has_alpha(),
        channels: if decoder.has_alpha() { 4 } else { 3 },
        frames: if decoder.is_animated() {
            decoder.num_frames().max(1)
        } else {
            1
        },
        profile: decoder.icc_profile().ok().flatten(),
        exif: decoder.exif_metadata().ok().flatten().map(without_prefix),
        ..Header::still(Format::WebP, width, height)
    })
}

/// The picture, or the first one of an animation.
pub(crate) fn decode(data: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let limit = usize::try_from(budget.bytes).unwrap_or(usize::MAX);
    let mut decoder = decoder(data, limit)?;
    let (width, height) = decoder.dimensions();
    budget.admit(width, height)?;
    let size = decoder
        .output_buffer_size()
        .ok_or(CodecError::TooLarge("pixels"))?;
    let pixels = area(width, height)?;
    let mut samples = vec![0; size];
    decoder
        .read_image(&mut samples)
        .map_err(|error| failure(&error))?;
    budget.check()?;
    if size == pixels * 4 {
        let opaque = samples
            .as_chunks::<4>()
            .0
            .iter()
            .all(|pixel| pixel[3] == 255);
        return Raster::from_pixels(width, height, samples, opaque);
    }
    let mut rgba = Vec::with_capacity(pixels * 4);
    for [r, g, b] in samples.as_chunks::<3>().0 {
        rgba.extend_from_slice(&[*r, *g, *b, 255]);
    }
    Raster::from_pixels(width, height, rgba, true)
}

/// Encodes a picture with losses.
pub fn encode(
    picture: &Raster,
    quality: u8,
    orientation: u8,
    stop: Stop<'_>,
) -> Result<Vec<u8>, CodecError> {
    if picture.width() > SIDE_MAX || picture.height() > SIDE_MAX {
        return Err(CodecError::TooLarge("pixels a side for WebP"));
    }
    let plain = libwebp::encode(picture, f32::from(quality.min(100)), stop)?;
    if orientation > 1 {
        with_exif(&plain, picture, orientation)
    } else {
        Ok(plain)
    }
}

/// Puts a simple file into the extended form with an Exif chunk.
fn with_exif(plain: &[u8], picture: &Raster, orientation: u8) -> Result<Vec<u8>, CodecError> {
    const BAD: CodecError = CodecError::Encode("WebP");
    let body = plain.get(12..).ok_or(BAD)?;
    let exif = exif::orientation_only(orientation);
    let mut out = Vec::with_capacity(plain.len() + 64);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    if let Some(extended) = body.strip_prefix(b"VP8X") {
        out.extend_from_slice(b"VP8X");
        out.extend_from_slice(extended);
        if let Some(flags) = out.get_mut(20) {
            *flags |= 8;
        }
    } else {
        let alpha = if picture.shows_through() { 16 } else { 0 };
        out.extend_from_slice(b"VP8X\x0a\0\0\0");
        out.extend_from_slice(&[8 | alpha, 0, 0, 0]);
        for side in [picture.width(), picture.height()] {
            let [low, middle, high, _] = (side - 1).to_le_bytes();
            out.extend_from_slice(&[low, middle, high]);
        }
        out.extend_from_slice(body);
    }
    out.extend_from_slice(b"EXIF");
    let length = u32::try_from(exif.len()).map_err(|_| BAD)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&exif);
    if exif.len() % 2 == 1 {
        out.push(0);
    }
    let size = u32::try_from(out.len() - 8).map_err(|_| BAD)?;
    if let Some(place) = out.get_mut(4..8) {
        place.copy_from_slice(&size.to_le_bytes());
    }
    Ok(out)
}

fn decoder(data: &[u8], limit: usize) -> Result<WebPDecoder<Cursor<&[u8]>>, CodecError> {
    let mut decoder = WebPDecoder::new(Cursor::new(data)).map_err(|error| failure(&error))?;
    decoder.set_memory_limit(limit);
    Ok(decoder)
}

/// Some writers keep the JPEG prefix of the Exif block.
fn without_prefix(exif: Vec<u8>) -> Vec<u8> {
    match exif.strip_prefix(b"Exif\0\0") {
        Some(rest) => rest.to_vec(),
        None => exif,
    }
}

fn failure(error: &DecodingError) -> CodecError {
    match error {
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => {
            CodecError::TooLarge("memory")
        }
        DecodingError::IoError(_) => CodecError::Damaged("the file ends within its picture"),
        _ => CodecError::Damaged("WebP"),
    }
}
