//! PNG. Of an animated one the default image is read.

use std::{borrow::Cow, io::Cursor};

use png::{ColorType, Compression, DecodingError, Limits, Transformations};

use crate::{Budget, CodecError, Format, Header, Raster, exif, raster::area};

/// Bytes that the decoder may take for chunks other than pixels, profiles above all.
const CHUNK_BYTES_MAX: usize = 8 << 20;

/// Rows between two looks at the stop flag.
const BATCH: u32 = 16;

pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let mut decoder = decoder(data);
    let info = decoder
        .read_header_info()
        .map_err(|error| failure(&error))?;
    let (width, height) = (info.width, info.height);
    let (colour, depth) = (info.color_type, info.bit_depth);
    // Chunks before the pixels: palette, transparency, profile.
    let reader = decoder.read_info().map_err(|error| failure(&error))?;
    let info = reader.info();
    Ok(Header {
        alpha: matches!(colour, ColorType::GrayscaleAlpha | ColorType::Rgba) || info.trns.is_some(),
        bits: if depth == png::BitDepth::Sixteen {
            16
        } else {
            8
        },
        channels: u8::try_from(colour.samples()).unwrap_or(4),
        profile: info.icc_profile.as_ref().map(|profile| profile.to_vec()),
        exif: info.exif_metadata.as_ref().map(|exif| exif.to_vec()),
        ..Header::still(Format::Png, width, height)
    })
}

pub(crate) fn decode(data: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let mut decoder = decoder(data);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let info = decoder
        .read_header_info()
        .map_err(|error| failure(&error))?;
    let (width, height, interlaced) = (info.width, info.height, info.interlaced);
    budget.admit(width, height)?;
    let mut reader = decoder.read_info().map_err(|error| failure(&error))?;
    let (colour, _) = reader.output_color_type();
    let mut pixels = vec![0; area(width, height)? * 4];
    let mut rows = pixels.chunks_exact_mut(width as usize * 4);
    let mut alpha = 255;
    if interlaced {
        let size = reader
            .output_buffer_size()
            .ok_or(CodecError::TooLarge("pixels"))?;
        budget.admit_bytes(size)?;
        let mut whole = vec![0; size];
        let frame = reader
            .next_frame(&mut whole)
            .map_err(|error| failure(&error))?;
        budget.check()?;
        for (line, row) in whole.chunks_exact(frame.line_size).zip(&mut rows) {
            alpha &= expand(line, row, colour)?;
        }
    } else {
        for number in 0..height {
            if number % BATCH == 0 {
                budget.check()?;
            }
            let line = reader.next_row().map_err(|error| failure(&error))?;
            let (Some(line), Some(row)) = (line, rows.next()) else {
                return Err(CodecError::Damaged("rows are missing"));
            };
            alpha &= expand(line.data(), row, colour)?;
        }
    }
    Raster::from_pixels(width, height, pixels, alpha == 255)
}

/// Encodes a picture: RGBA where something shows through, else RGB, or grey where that is asked
/// for and every pixel is.
pub fn encode(picture: &Raster, orientation: u8, grey: bool) -> Result<Vec<u8>, CodecError> {
    const REFUSED: CodecError = CodecError::Encode("PNG");
    let mut info = png::Info::with_size(picture.width(), picture.height());
    info.bit_depth = png::BitDepth::Eight;
    info.color_type = if picture.shows_through() {
        ColorType::Rgba
    } else if grey && picture.is_grey() {
        ColorType::Grayscale
    } else {
        ColorType::Rgb
    };
    if orientation > 1 {
        info.exif_metadata = Some(Cow::Owned(exif::orientation_only(orientation)));
    }
    let colour = info.color_type;
    let mut out = Vec::with_capacity(picture.pixels().len() / 4);
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(|_| REFUSED)?;
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().map_err(|_| REFUSED)?;
    let pixels = picture.pixels().as_chunks::<4>().0;
    let data: Cow<'_, [u8]> = match colour {
        ColorType::Rgba => Cow::Borrowed(picture.pixels()),
        ColorType::Grayscale => pixels.iter().map(|pixel| pixel[0]).collect(),
        _ => {
            let mut data = vec![0; pixels.len() * 3];
            for (rgb, [r, g, b, _]) in data.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                *rgb = [*r, *g, *b];
            }
            Cow::Owned(data)
        }
    };
    writer.write_image_data(&data).map_err(|_| REFUSED)?;
    writer.finish().map_err(|_| REFUSED)?;
    Ok(out)
}

fn decoder(data: &[u8]) -> png::Decoder<Cursor<&[u8]>> {
    let mut decoder = png::Decoder::new_with_limits(
        Cursor::new(data),
        Limits {
            bytes: CHUNK_BYTES_MAX,
        },
    );
    decoder.set_ignore_text_chunk(true);
    decoder
}

/// One row to RGBA; returns the bits that all alphas have in common.
fn expand(line: &[u8], row: &mut [u8], colour: ColorType) -> Result<u8, CodecError> {
    let (pixels, _) = row.as_chunks_mut::<4>();
    let mut alpha = 255;
    match colour {
        ColorType::Grayscale => {
            for (pixel, grey) in pixels.iter_mut().zip(line) {
                *pixel = [*grey, *grey, *grey, 255];
            }
        }
        ColorType::GrayscaleAlpha => {
            for (pixel, [grey, a]) in pixels.iter_mut().zip(line.as_chunks::<2>().0) {
                *pixel = [*grey, *grey, *grey, *a];
                alpha &= a;
            }
        }
        ColorType::Rgb => {
            for (pixel, [r, g, b]) in pixels.iter_mut().zip(line.as_chunks::<3>().0) {
                *pixel = [*r, *g, *b, 255];
            }
        }
        ColorType::Rgba => {
            for (pixel, rgba) in pixels.iter_mut().zip(line.as_chunks::<4>().0) {
                *pixel = *rgba;
                alpha &= rgba[3];
            }
        }
        ColorType::Indexed => return Err(CodecError::Unsupported("this palette")),
    }
    Ok(alpha)
}

fn failure(error: &DecodingError) -> CodecError {
    match error {
        DecodingError::LimitsExceeded => CodecError::TooLarge("bytes in a chunk"),
        DecodingError::IoError(_) => CodecError::Damaged("the file ends within its picture"),
        _ => CodecError::Damaged("PNG"),
    }
}
