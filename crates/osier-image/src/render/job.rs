//! A plan carried out: decode, steps, encode, frame by frame where there are several.

use osier_image_codec::{
    self as codec, Animation, Budget as CodecBudget, Frame, GifWriter, JpegSettings, Raster, Stop,
};
use osier_image_scale::{self as scale, Window};

use super::{Budget, blend, blur, mark, shape, source, tone, turn};
use crate::plan::{Encode, Plan, Product, Step};
use crate::{Cancel, ErrorKind, Format, ImageError, Orientation};

/// What steps need beside the picture.
pub(super) struct Workshop<'a> {
    pub(super) marks: &'a [&'a [u8]],
    pub(super) budget: CodecBudget<'a>,
}

pub(super) fn run(
    plan: &Plan,
    source: &[u8],
    marks: &[&[u8]],
    budget: &Budget,
    cancel: &Cancel,
) -> Result<Vec<u8>, ImageError> {
    let asked = || cancel.stopped().is_some();
    let workshop = Workshop {
        marks,
        budget: CodecBudget {
            pixels: budget.pixels,
            frames: budget.frames,
            bytes: budget.memory_bytes,
            stop: Stop::new(&asked),
        },
    };
    let result = match &plan.product {
        Product::AverageHue => {
            let picture = still(plan, source, &workshop)?;
            tone::average(&picture).into_bytes()
        }
        Product::Picture(encode) if encode.frames > 1 => {
            animation(plan, encode, source, budget, &workshop)?
        }
        Product::Picture(encode) => {
            let picture = still(plan, source, &workshop)?;
            write(picture, encode, workshop.budget.stop)?
        }
    };
    if result.len() as u64 > budget.result_bytes {
        return Err(result_too_large());
    }
    Ok(result)
}

fn still(plan: &Plan, source: &[u8], workshop: &Workshop<'_>) -> Result<Raster, ImageError> {
    let picture = source::pixels(source, &plan.decode, &workshop.budget)?;
    steps(picture, &plan.steps, source::profile(source), workshop)
}

fn animation(
    plan: &Plan,
    encode: &Encode,
    source: &[u8],
    budget: &Budget,
    workshop: &Workshop<'_>,
) -> Result<Vec<u8>, ImageError> {
    if encode.format != Format::Gif {
        return Err(ImageError::plain(
            ErrorKind::Internal,
            "only GIF keeps an animation",
        ));
    }
    let mut animation = Animation::open(source, &workshop.budget)?;
    let mut writer = GifWriter::new(encode.size.width, encode.size.height, animation.loops())?;
    let prepared = mark::prepare(&plan.steps, workshop)?;
    while let Some(Frame { picture, delay }) = animation.next_frame()? {
        let picture = shape::cut(picture, plan.decode.window)?;
        let picture = carry_out(picture, &plan.steps, &prepared, workshop)?;
        writer.push(Frame { picture, delay })?;
        if writer.written() as u64 > budget.result_bytes {
            return Err(result_too_large());
        }
    }
    Ok(writer.finish()?)
}

/// Carries out steps; the colours become sRGB as soon as a step looks at them, and after the
/// picture was made smaller where one does that.
pub(super) fn steps(
    mut picture: Raster,
    all: &[Step],
    profile: Option<Vec<u8>>,
    workshop: &Workshop<'_>,
) -> Result<Raster, ImageError> {
    let prepared = mark::prepare(all, workshop)?;
    let Some(profile) = profile else {
        return carry_out(picture, all, &prepared, workshop);
    };
    let indifferent = all
        .iter()
        .take_while(|step| is_indifferent(step, &picture))
        .count();
    let (before, after) = all.split_at_checked(indifferent).unwrap_or((all, &[]));
    picture = carry_out(picture, before, &prepared, workshop)?;
    codec::to_srgb(&mut picture, &profile);
    carry_out(
        picture,
        after,
        prepared.get(indifferent..).unwrap_or_default(),
        workshop,
    )
}

/// Whether a step may come before colours are put right.
fn is_indifferent(step: &Step, picture: &Raster) -> bool {
    match step {
        Step::Resize { to, .. } => to.width <= picture.width() && to.height <= picture.height(),
        Step::Crop(_) | Step::Orient(_) | Step::Turn(_) => true,
        _ => false,
    }
}

fn carry_out(
    picture: Raster,
    steps: &[Step],
    prepared: &[Option<Raster>],
    workshop: &Workshop<'_>,
) -> Result<Raster, ImageError> {
    let mut picture = picture;
    for (number, step) in steps.iter().enumerate() {
        workshop.budget.check()?;
        picture = match step {
            Step::Resize { from, to } => {
                let window = Window {
                    x: from.x,
                    y: from.y,
                    width: from.width,
                    height: from.height,
                };
                resize(&picture, window, (to.width, to.height))?
            }
            Step::Crop(rect) => shape::cut(picture, *rect)?,
            Step::Pad { to, at, color } => shape::pad(&picture, *to, *at, *color)?,
            Step::Orient(orientation) => orient(picture, *orientation)?,
            Step::Turn(quarters) => turn::quarters(picture, *quarters)?,
            Step::Rotate {
                degrees,
                to,
                outside,
            } => turn::rotate(&picture, *degrees, *to, *outside, workshop.budget.stop)?,
            Step::Circle { outside } => shape::circle(picture, *outside),
            Step::RoundedCorners { radius, outside } => {
                shape::rounded_corners(picture, *radius, *outside)
            }
            Step::Blur { radius, sigma } => {
                blur::gaussian(picture, *radius, f64::from(*sigma), workshop.budget.stop)?
            }
            Step::Bright(value) => tone::bright(picture, *value),
            Step::Contrast(value) => tone::contrast(picture, *value),
            Step::Sharpen(value) => blur::sharpen(&picture, *value, workshop.budget.stop)?,
            Step::Watermark(mark) => {
                let drawn = prepared.get(number).and_then(Option::as_ref);
                let drawn = drawn.ok_or_else(|| {
                    ImageError::plain(ErrorKind::Internal, "a watermark was not drawn")
                })?;
                mark::lay(picture, mark, drawn)
            }
        };
    }
    Ok(picture)
}

fn resize(picture: &Raster, window: Window, to: (u32, u32)) -> Result<Raster, ImageError> {
    let size = (picture.width(), picture.height());
    let opaque = picture.is_opaque();
    let pixels = scale::resize(picture.pixels(), size, window, to, opaque).map_err(|_| {
        ImageError::plain(
            ErrorKind::Internal,
            "the picture can't be resampled as planned",
        )
    })?;
    Ok(Raster::from_pixels(to.0, to.1, pixels, opaque)?)
}

/// Mirrors and turns as EXIF says.
fn orient(picture: Raster, orientation: Orientation) -> Result<Raster, ImageError> {
    Ok(match orientation.number() {
        2 => turn::mirror(picture),
        3 => turn::quarters(picture, 2)?,
        4 => turn::mirror(turn::quarters(picture, 2)?),
        5 => turn::mirror(turn::quarters(picture, 1)?),
        6 => turn::quarters(picture, 1)?,
        7 => turn::mirror(turn::quarters(picture, 3)?),
        8 => turn::quarters(picture, 3)?,
        _ => picture,
    })
}

fn write(picture: Raster, encode: &Encode, stop: Stop<'_>) -> Result<Vec<u8>, ImageError> {
    stop.check()?;
    let orientation = encode.orientation.number();
    Ok(match encode.format {
        Format::Jpg => {
            let settings = JpegSettings {
                quality: encode.quality,
                progressive: encode.progressive,
                grey: encode.grey,
                orientation,
            };
            codec::encode_jpeg(&blend::onto(picture, [255; 3]), settings, stop)?
        }
        Format::Png => codec::encode_png(&picture, orientation, encode.grey)?,
        Format::Webp => codec::encode_webp(&picture, encode.quality, orientation, stop)?,
        Format::Bmp => codec::encode_bmp(&picture)?,
        Format::Tiff => codec::encode_tiff(&picture)?,
        Format::Gif => {
            let mut writer = GifWriter::new(picture.width(), picture.height(), None)?;
            writer.push(Frame { picture, delay: 0 })?;
            writer.finish()?
        }
        Format::Avif => codec::encode_avif(&picture, encode.quality, orientation, stop)?,
        Format::Heic => {
            return Err(ImageError::plain(
                ErrorKind::Internal,
                "HEIC is never planned",
            ));
        }
    })
}

fn result_too_large() -> ImageError {
    ImageError::plain(
        ErrorKind::ImageTooLarge,
        "the result has more bytes than allowed",
    )
}
