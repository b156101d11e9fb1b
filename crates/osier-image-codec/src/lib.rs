//! Picture formats: what a file is, its pixels, and files from pixels.
//!
//! A leaf: knows nothing of requests, plans or stores. Every decoder is given a [`Budget`], checks
//! sizes before it takes memory and looks at the stop flag between batches of rows. Input meets
//! safe code only; libwebp, the one C library, encodes our own pixels.

mod avif;
mod bmp;
mod budget;
#[cfg(target_arch = "x86_64")]
mod cpu;
mod error;
pub mod exif;
mod gif;
mod header;
mod icc;
mod jpeg;
mod png;
mod raster;
mod tiff;
mod webp;

pub use self::{
    avif::encode as encode_avif, bmp::encode as encode_bmp, png::encode as encode_png,
    tiff::encode as encode_tiff, webp::encode as encode_webp,
};
pub use avif::WRITES_AVIF;
pub use budget::{Budget, Stop};
pub use error::CodecError;
pub use gif::{Animation, Frame, GifWriter, Loops};
pub use header::{Format, Header, header, sniff};
pub use icc::to_srgb;
pub use jpeg::{JpegSettings, encode as encode_jpeg};
pub use raster::Raster;

/// Decodes a picture, or the first frame of an animation. JPEG comes at `eighths / 8` of its size;
/// for other formats `eighths` is 8.
pub fn decode(data: &[u8], eighths: u8, budget: &Budget<'_>) -> Result<Raster, CodecError> {
    budget.check()?;
    let format = sniff(data).ok_or(CodecError::Unknown)?;
    if eighths != 8 && format != Format::Jpeg {
        return Err(CodecError::Unsupported(
            "scaling while decoding this format",
        ));
    }
    match format {
        Format::Bmp => bmp::decode(data, budget),
        Format::Gif => gif::decode(data, budget),
        Format::Jpeg => jpeg::decode(data, eighths, budget),
        Format::Png => png::decode(data, budget),
        Format::Tiff => tiff::decode(data, budget),
        Format::WebP => webp::decode(data, budget),
    }
}
