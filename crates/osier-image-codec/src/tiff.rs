//! TIFF: the first picture of a file, uncompressed or by `PackBits`, LZW or deflate.

use std::io::Cursor;

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    encoder::{Compression, DeflateLevel, TiffEncoder, colortype},
    tags::Tag,
};

use crate::{Budget, CodecError, Format, Header, Raster, icc::CmykToRgb, raster::area};

const REFUSED: CodecError = CodecError::Encode("TIFF");

pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let mut decoder = decoder(data, 1 << 20)?;
    let (width, height) = decoder.dimensions().map_err(|error| failure(&error))?;
    let colour = decoder.colortype().map_err(|error| failure(&error))?;
    let profile = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
    Ok(Header {
        alpha: matches!(colour, ColorType::GrayA(_) | ColorType::RGBA(_)),
        bits: if colour.bit_depth() > 8 { 16 } else { 8 },
        channels: u8::try_from(colour.num_samples()).unwrap_or(4),
        cmyk: matches!(colour, ColorType::CMYK(_)),
        profile,
        ..Header::still(Format::Tiff, width, height)
    })
}

pub(crate) fn decode(data: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let bytes = usize::try_from(budget.bytes).unwrap_or(usize::MAX);
    let mut decoder = decoder(data, bytes)?;
    let (width, height) = decoder.dimensions().map_err(|error| failure(&error))?;
    budget.admit(width, height)?;
    let colour = decoder.colortype().map_err(|error| failure(&error))?;
    let palette = match colour {
        ColorType::Palette(_) => decoder
            .get_tag_u16_vec(Tag::ColorMap)
            .map_err(|error| failure(&error))?,
        _ => Vec::new(),
    };
    let profile = match colour {
        ColorType::CMYK(_) => decoder.get_tag_u8_vec(Tag::IccProfile).ok(),
        _ => None,
    };
    let samples = decoder.read_image().map_err(|error| failure(&error))?;
    budget.check()?;
    let samples = match samples {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples
            .into_iter()
            .map(|sample| (sample >> 8) as u8)
            .collect(),
        _ => return Err(CodecError::Unsupported("samples other than 8 or 16 bits")),
    };
    let (mut pixels, wide) = (vec![0; area(width, height)? * 4], width as usize);
    let channels = usize::from(colour.num_samples());
    let depth = usize::from(colour.bit_depth());
    let packed = depth < 8;
    let line = if packed {
        (wide * channels * depth).div_ceil(8)
    } else {
        wide * channels
    };
    if samples.len() < line * height as usize {
        return Err(CodecError::Damaged("rows are missing"));
    }
    let mut cmyk = CmykToRgb::new(profile.as_deref());
    let mut alpha = 255;
    for (line, row) in samples
        .chunks_exact(line)
        .zip(pixels.chunks_exact_mut(wide * 4))
    {
        for (x, pixel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let sample = |channel: usize| line.get(x * channels + channel).copied().unwrap_or(0);
            *pixel = match colour {
                ColorType::Gray(bits @ (1 | 2 | 4)) => {
                    let most = (1_u32 << bits) - 1;
                    let grey =
                        (packed_sample(line, x, usize::from(bits)) as u32 * 255 / most) as u8;
                    [grey, grey, grey, 255]
                }
                ColorType::Gray(8 | 16) => [sample(0), sample(0), sample(0), 255],
                ColorType::GrayA(8 | 16) => [sample(0), sample(0), sample(0), sample(1)],
                ColorType::RGB(8 | 16) => [sample(0), sample(1), sample(2), 255],
                ColorType::RGBA(8 | 16) | ColorType::CMYK(8 | 16) => {
                    [sample(0), sample(1), sample(2), sample(3)]
                }
                ColorType::Palette(bits @ (1 | 2 | 4 | 8)) => {
                    let index = packed_sample(line, x, usize::from(bits));
                    let most = 1_usize << bits;
                    let of = |channel: usize| {
                        palette
                            .get(channel * most + index)
                            .map_or(0, |value| (value >> 8) as u8)
                    };
                    [of(0), of(1), of(2), 255]
                }
                _ => return Err(CodecError::Unsupported("this kind of TIFF")),
            };
            alpha &= pixel[3];
        }
        if matches!(colour, ColorType::CMYK(_)) {
            cmyk.row(row)?;
            alpha = 255;
        }
    }
    Raster::from_pixels(width, height, pixels, alpha == 255)
}

/// Encodes a picture: RGB or RGBA, deflated.
pub fn encode(picture: &Raster) -> Result<Vec<u8>, CodecError> {
    let mut out = Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut out).map_err(|_| REFUSED)?;
    let mut encoder = encoder.with_compression(Compression::Deflate(DeflateLevel::Fast));
    let (width, height) = (picture.width(), picture.height());
    if picture.shows_through() {
        encoder
            .write_image::<colortype::RGBA8>(width, height, picture.pixels())
            .map_err(|_| REFUSED)?;
    } else {
        let pixels = picture.pixels().as_chunks::<4>().0;
        let rgb: Vec<u8> = pixels
            .iter()
            .flat_map(|[r, g, b, _]| [*r, *g, *b])
            .collect();
        encoder
            .write_image::<colortype::RGB8>(width, height, &rgb)
            .map_err(|_| REFUSED)?;
    }
    Ok(out.into_inner())
}

fn decoder(data: &[u8], bytes: usize) -> Result<Decoder<Cursor<&[u8]>>, CodecError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = bytes;
    limits.intermediate_buffer_size = bytes;
    limits.ifd_value_size = 4 << 20;
    let decoder = Decoder::new(Cursor::new(data)).map_err(|error| failure(&error))?;
    Ok(decoder.with_limits(limits))
}

fn packed_sample(line: &[u8], x: usize, bits: usize) -> usize {
    let at = x * bits;
    let byte = line.get(at / 8).copied().unwrap_or_default();
    usize::from(byte >> (8 - bits - at % 8)) & ((1 << bits) - 1)
}

fn failure(error: &TiffError) -> CodecError {
    match error {
        TiffError::LimitsExceeded => CodecError::TooLarge("memory"),
        TiffError::UnsupportedError(_) => CodecError::Unsupported("this kind of TIFF"),
        _ => CodecError::Damaged("TIFF"),
    }
}
