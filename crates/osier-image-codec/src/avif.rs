//! Pixels to AVIF, where the feature `avif` is on: rav1e and its container in Rust, no assembly.
//!
//! One picture is one call that can't be stopped; whoever calls it bounds the pixels and the
//! number of calls at a time.

use crate::{CodecError, Raster, Stop};

/// Whether this build writes AVIF.
pub const WRITES_AVIF: bool = cfg!(feature = "avif");

/// 1 to 10; the last step costs a tenth of the bytes and saves a third of the time.
#[cfg(feature = "avif")]
const SPEED: u8 = 10;

/// Encodes a picture with losses, on the calling thread alone.
#[cfg(feature = "avif")]
pub fn encode(
    picture: &Raster,
    quality: u8,
    orientation: u8,
    stop: Stop<'_>,
) -> Result<Vec<u8>, CodecError> {
    const REFUSED: CodecError = CodecError::Encode("AVIF");
    stop.check()?;
    let quality = f32::from(quality.clamp(1, 100));
    let mut encoder = ravif::Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(SPEED)
        .with_num_threads(Some(1));
    if orientation > 1 {
        encoder = encoder.with_exif(crate::exif::orientation_only(orientation));
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.pixels().as_chunks::<4>().0.iter();
    let encoded = if picture.shows_through() {
        let pixels: Vec<_> = pixels
            .map(|[r, g, b, a]| ravif::RGBA8::new(*r, *g, *b, *a))
            .collect();
        encoder.encode_rgba(ravif::Img::new(&pixels, width, height))
    } else {
        let pixels: Vec<_> = pixels
            .map(|[r, g, b, _]| ravif::RGB8::new(*r, *g, *b))
            .collect();
        encoder.encode_rgb(ravif::Img::new(&pixels, width, height))
    };
    Ok(encoded.map_err(|_| REFUSED)?.avif_file)
}

/// Without the feature there is no encoder.
#[cfg(not(feature = "avif"))]
pub fn encode(_: &Raster, _: u8, _: u8, _: Stop<'_>) -> Result<Vec<u8>, CodecError> {
    Err(CodecError::Unsupported("writing AVIF"))
}
