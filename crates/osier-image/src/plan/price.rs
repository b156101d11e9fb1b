//! What a plan costs, estimated upwards.

use super::{Decode, MarkSteps, Plan, Price, Product, Step};
use crate::geometry::Size;
use crate::{Format, SourceHeader};

/// Bytes of a pixel while it is worked on, whatever it needs in truth.
const PIXEL: u64 = 4;
/// What a job needs before its first pixel: tables, one row or two, the codec's state.
const BASE: u64 = 256 * 1024;

/// What a plan costs.
pub(super) fn price(
    source: &SourceHeader,
    marks: &[SourceHeader],
    decode: &Decode,
    steps: &[Step],
    product: &Product,
) -> Price {
    let decoded = decoding(source, decode);
    let frames = u64::from(decode.frames);
    let mut current = decode.window.size;
    let mut peak = decoded;
    let mut pixels = source.size.pixels();
    for step in steps {
        let next = size_after(step, current);
        let mut bytes = held(current) + held(next) + scratch(step, current, next);
        if let Some(mark) = mark_image(step) {
            let header = marks.get(mark.source);
            let own = header.map_or(0, |header| decoding(header, &mark.decode));
            bytes += own + held(mark.size);
            pixels += header.map_or(0, |header| header.size.pixels());
        }
        pixels += current.pixels() + next.pixels();
        peak = peak.max(bytes);
        current = next;
    }
    let slow = match product {
        Product::Picture(encode) => {
            pixels += encode.size.pixels();
            peak = peak.max(held(current) + encode.size.pixels() * encoding(encode.format));
            encode.format == Format::Avif
        }
        Product::AverageHue => false,
    };
    if frames > 1 {
        // The canvas and what a frame restores to stay beside every frame's own steps.
        peak += 2 * held(source.size);
    }
    Price {
        bytes: BASE + peak,
        pixels: pixels.saturating_mul(frames),
        slow,
    }
}

/// Bytes while decoding: the pixels kept, and what the decoder itself holds.
fn decoding(source: &SourceHeader, decode: &Decode) -> u64 {
    let all = source.size.pixels();
    let kept = held(decode.window.size);
    kept + match source.format {
        // Coefficients of every scan of a progressive JPEG wait for the last one.
        Format::Jpg if source.progressive => 6 * all,
        Format::Jpg => u64::from(source.size.width) * 64,
        // The whole picture in its own depth, before it is narrowed.
        Format::Png | Format::Tiff => all * u64::from(source.bits.max(8)) / 8 * PIXEL,
        _ => held(source.size),
    }
}

fn held(size: Size) -> u64 {
    size.pixels() * PIXEL
}

/// Bytes that a step needs beside the pictures before and after it.
fn scratch(step: &Step, before: Size, after: Size) -> u64 {
    match step {
        // Resampled in one direction first.
        Step::Resize { .. } => Size::new(after.width, before.height).pixels() * PIXEL,
        Step::Blur { .. } | Step::Sharpen(_) => held(before),
        Step::Watermark(_) => held(before) / 2,
        _ => 0,
    }
}

/// Bytes of an encoder for each pixel, its output included.
fn encoding(format: Format) -> u64 {
    match format {
        Format::Webp => 19,
        Format::Avif | Format::Heic => 60,
        Format::Jpg => 9,
        Format::Png | Format::Gif | Format::Bmp | Format::Tiff => 8,
    }
}

/// The size after a step.
pub(super) fn size_after(step: &Step, before: Size) -> Size {
    match step {
        Step::Resize { to, .. } | Step::Pad { to, .. } | Step::Rotate { to, .. } => *to,
        Step::Crop(rect) => rect.size,
        Step::Orient(orientation) if orientation.swaps_sides() => before.swapped(),
        Step::Turn(1 | 3) => before.swapped(),
        _ => before,
    }
}

fn mark_image(step: &Step) -> Option<&super::MarkImage> {
    let Step::Watermark(mark) = step else {
        return None;
    };
    match &mark.content {
        MarkSteps::Image(image) | MarkSteps::Both { image, .. } => Some(image),
        MarkSteps::Text(_) => None,
    }
}

impl Plan {
    /// The size after all steps.
    pub fn size(&self) -> Size {
        self.steps
            .iter()
            .fold(self.decode.window.size, |size, step| size_after(step, size))
    }
}
