//! What leading steps spare the decoder: a window of the picture, and fewer pixels of a JPEG.

use super::chain::whole;
use super::{Decode, SourceBox, Step};
use crate::geometry::{Rect, Size};
use crate::{Format, Orientation, SourceHeader};

/// Takes leading cuts and reductions into the decoder. The result is the same picture, but for
/// what scaled decoding changes.
pub(super) fn fold(
    source: &SourceHeader,
    mut steps: Vec<Step>,
    frames: u32,
    flatten: bool,
) -> (Decode, Vec<Step>) {
    let mut decode = Decode {
        eighths: 8,
        window: source.size.rect(),
        frames,
        flatten,
    };
    if frames > 1 {
        // Frames build on one another, so all of each is needed.
        return (decode, steps);
    }
    resize_before_turning(&mut steps, source.size);
    let mut rest = steps.into_iter().peekable();
    if let Some(Step::Crop(rect)) = rest.next_if(|step| matches!(step, Step::Crop(_))) {
        decode.window = rect;
    }
    let mut folded = Vec::new();
    if let Some(Step::Resize { from, to }) =
        rest.next_if(|step| matches!(step, Step::Resize { .. }))
    {
        let from = if source.format == Format::Jpg {
            scale(&mut decode, source.size, from, to)
        } else {
            from
        };
        folded.push(Step::Resize { from, to });
    }
    folded.extend(rest);
    (decode, folded)
}

/// Turning is without loss and kernels are symmetric, so a reduction may come first: then there
/// are fewer pixels to turn, and a JPEG can be decoded at a smaller scale.
fn resize_before_turning(steps: &mut [Step], stored: Size) {
    let [first, second, ..] = steps else {
        return;
    };
    let (Step::Orient(orientation), Step::Resize { from, to }) = (&*first, &*second) else {
        return;
    };
    let (orientation, from, to) = (*orientation, *from, *to);
    let to = if orientation.swaps_sides() {
        to.swapped()
    } else {
        to
    };
    *first = Step::Resize {
        from: as_stored(orientation, from, stored),
        to,
    };
    *second = Step::Orient(orientation);
}

/// A part of the upright picture as a part of the stored one.
///
/// EXIF's numbers say on which side row 0 and column 0 of the stored picture belong: 6 is row 0 on
/// the right and column 0 on top, so the upright picture's columns are the stored one's rows from
/// the last to the first.
fn as_stored(orientation: Orientation, part: SourceBox, stored: Size) -> SourceBox {
    let part = if orientation.swaps_sides() {
        SourceBox {
            x: part.y,
            y: part.x,
            width: part.height,
            height: part.width,
        }
    } else {
        part
    };
    let (columns, rows) = match orientation.number() {
        2 | 8 => (true, false),
        3 | 7 => (true, true),
        4 | 6 => (false, true),
        _ => (false, false),
    };
    let all = whole(stored);
    SourceBox {
        x: if columns {
            all.width - part.x - part.width
        } else {
            part.x
        },
        y: if rows {
            all.height - part.y - part.height
        } else {
            part.y
        },
        ..part
    }
}

/// Chooses the scale of decoding for a resize that comes first, and returns its part of the
/// window then decoded.
fn scale(decode: &mut Decode, stored: Size, from: SourceBox, to: Size) -> SourceBox {
    let reduction = (from.width / f64::from(to.width)).min(from.height / f64::from(to.height));
    let eighths = eighths(reduction);
    if eighths == 8 {
        return from;
    }
    decode.eighths = eighths;
    let at = |length: f64| length * f64::from(eighths) / 8.0;
    let scaled = |length: u32| (u64::from(length) * u64::from(eighths)).div_ceil(8);
    let window = decode.window;
    let (x, width) = span(window.x, window.size.width, eighths, scaled(stored.width));
    let (y, height) = span(window.y, window.size.height, eighths, scaled(stored.height));
    decode.window = Rect {
        x,
        y,
        size: Size::new(width, height),
    };
    let (left, upper) = (
        at(f64::from(window.x) + from.x) - f64::from(x),
        at(f64::from(window.y) + from.y) - f64::from(y),
    );
    SourceBox {
        x: left,
        y: upper,
        width: at(from.width).min(f64::from(width) - left),
        height: at(from.height).min(f64::from(height) - upper),
    }
}

/// Pixels of a scaled axis that hold `length` from `start` on, outwards to whole ones.
fn span(start: u32, length: u32, eighths: u8, end: u64) -> (u32, u32) {
    let eighths = u64::from(eighths);
    let first = u64::from(start) * eighths / 8;
    let last = ((u64::from(start) + u64::from(length)) * eighths)
        .div_ceil(8)
        .min(end);
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    (narrow(first), narrow(last.saturating_sub(first)).max(1))
}

/// The smallest scale that leaves enough pixels to resample from.
///
/// Measured on photographs: with twice the target's pixels the result is as close to that of a
/// full decode as encoders are; reductions under 4 gain too little for that much, so 1.5 there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1 to 8"
)]
fn eighths(reduction: f64) -> u8 {
    let margin = if reduction >= 4.0 { 2.0 } else { 1.5 };
    (8.0 * margin / reduction).ceil().clamp(1.0, 8.0) as u8
}
