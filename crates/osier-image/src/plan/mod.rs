//! From actions and the facts of a header to pixel steps of known sizes.
//!
//! Pure arithmetic on whole numbers. Every limit is checked here, before a
//! pixel is decoded; where OSS's documentation is silent or contradicts itself,
//! the choice stands in one function that says so.

mod animation;
mod chain;
mod cut;
mod decode;
mod encode;
mod price;
mod resize;
mod steps;
#[cfg(test)]
mod tests;

use osier_image_codec::WRITES_AVIF;
use osier_types::limits::{AVIF_PIXELS_MAX, IMAGE_SOURCE_PIXELS_MAX, IMAGE_SOURCE_SIDE_MAX};

use crate::grammar::{Action, Pipeline};
use crate::{ErrorKind, Format, ImageError, SourceHeader};

pub use steps::*;

/// What a job may cost; below what OSS documents, because its limits would take gigabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels decoded, of all frames together.
    pub pixels: u64,
    /// Frames of an animation that is kept.
    pub frames: u32,
    /// Bytes of memory.
    pub bytes: u64,
    /// Pixels of a result in AVIF, whose encoder is slow and can't be stopped; 0 where there is no
    /// encoder.
    pub avif_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pixels: 100_000_000,
            frames: 1000,
            bytes: 1 << 30,
            avif_pixels: if WRITES_AVIF { AVIF_PIXELS_MAX } else { 0 },
        }
    }
}

impl Plan {
    /// The plan of `pipeline` for a source with this header. `marks` are the headers of the
    /// watermark pictures, in the order of [`Pipeline::mark_keys`].
    ///
    /// `info` has no plan: it needs no pixels.
    pub fn new(
        pipeline: &Pipeline,
        source: &SourceHeader,
        marks: &[SourceHeader],
        limits: &Limits,
    ) -> Result<Self, ImageError> {
        check_source(source)?;
        let frames = animation::frames_kept(&pipeline.actions, source);
        check_frames(source, frames, limits)?;
        let encoding = encode::Encoding::of(&pipeline.actions, source);
        let chain = chain::Chain::walk(
            &pipeline.actions,
            source,
            marks,
            chain::Rules {
                has_alpha: encoding.format.has_alpha(),
                animated: frames > 1,
            },
        )?;
        let size = chain.size;
        let product = if pipeline.actions.contains(&Action::AverageHue) {
            Product::AverageHue
        } else {
            Product::Picture(encoding.encode(
                size,
                frames,
                chain.orientation,
                limits.avif_pixels,
            )?)
        };
        let flatten = source.alpha && !encoding.format.has_alpha();
        let (decode, steps) = decode::fold(source, chain.steps, frames, flatten);
        let price = price::price(source, marks, &decode, &steps, &product);
        if price.bytes > limits.bytes {
            return Err(ImageError::plain(
                ErrorKind::ImageTooLarge,
                "the picture needs more memory than one job may have",
            ));
        }
        Ok(Self {
            decode,
            steps,
            product,
            price,
        })
    }
}

fn check_source(source: &SourceHeader) -> Result<(), ImageError> {
    if matches!(source.format, Format::Heic | Format::Avif) {
        return Err(ImageError::plain(
            ErrorKind::NotImplemented,
            format!("sources in the format {}", source.format.name()),
        ));
    }
    let size = source.size;
    if size.width.max(size.height) > IMAGE_SOURCE_SIDE_MAX {
        // Two error pages say this, one of them of JPEG.
        let ec = match source.format {
            Format::Jpg => "0040-00000019",
            _ => "0040-00000009",
        };
        return Err(ImageError::new(
            ErrorKind::ImageTooLarge,
            ec,
            format!("a side of the picture is longer than {IMAGE_SOURCE_SIDE_MAX} pixels"),
        ));
    }
    let pixels = size.pixels().saturating_mul(u64::from(source.frames));
    if pixels > IMAGE_SOURCE_PIXELS_MAX {
        return Err(too_many_pixels(IMAGE_SOURCE_PIXELS_MAX));
    }
    Ok(())
}

fn check_frames(source: &SourceHeader, frames: u32, limits: &Limits) -> Result<(), ImageError> {
    if frames > limits.frames {
        return Err(ImageError::plain(
            ErrorKind::ImageTooLarge,
            format!("the picture has more than {} frames", limits.frames),
        ));
    }
    if source.size.pixels().saturating_mul(u64::from(frames)) > limits.pixels {
        return Err(too_many_pixels(limits.pixels));
    }
    Ok(())
}

fn too_many_pixels(max: u64) -> ImageError {
    ImageError::new(
        ErrorKind::ImageTooLarge,
        "0040-00000012",
        format!("the picture has more than {max} pixels"),
    )
}
