//! The sizes that `resize` makes.

use osier_types::limits::{IMAGE_RESULT_PIXELS_MAX, IMAGE_RESULT_SIDE_MAX};

use crate::geometry::{Rect, Size};
use crate::grammar::{Resize, ResizeMode, ResizeTarget};
use crate::{ErrorKind, ImageError};

/// What `resize` does to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resized {
    /// The size the whole picture is scaled to.
    pub(super) scaled: Size,
    /// What becomes of it then.
    pub(super) then: Then,
}

/// What follows the scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    Done,
    /// Only this is kept.
    Cut(Rect),
    /// It is put onto a larger picture.
    Laid { to: Size, at: (u32, u32) },
}

/// Sizes for a picture of size `own`; `None` leaves it as it is. `main` is the size of the main
/// picture at this point, and `own` itself for the main picture.
pub(super) fn resized(
    resize: &Resize,
    own: Size,
    main: Size,
    never_enlarge: bool,
) -> Result<Option<Resized>, ImageError> {
    let whole = match resize.target {
        ResizeTarget::Percent(percent) => Some(scaled_by(own, percent)),
        ResizeTarget::PercentOfMain(percent) => Some(inside(own, scaled_by(main, percent))),
        ResizeTarget::Box { .. } | ResizeTarget::Sides { .. } => None,
    };
    let resized = match whole {
        Some(scaled) => Resized {
            scaled,
            then: Then::Done,
        },
        None => into_box(resize.mode, target_box(resize, own), own),
    };
    if (resize.limit || never_enlarge) && enlarges(own, resized.scaled) {
        return Ok(None);
    }
    check_result(resized.scaled)?;
    if let Then::Laid { to, .. } = resized.then {
        check_result(to)?;
    }
    Ok(Some(resized))
}

/// `size` by `percent` per cent.
pub(super) fn scaled_by(size: Size, percent: u32) -> Size {
    Size::new(
        proportion(size.width, percent, 100),
        proportion(size.height, percent, 100),
    )
}

/// Refuses a result that is too large.
pub(super) fn check_result(size: Size) -> Result<(), ImageError> {
    if size.width.max(size.height) > IMAGE_RESULT_SIDE_MAX
        || size.pixels() > IMAGE_RESULT_PIXELS_MAX
    {
        return Err(ImageError::new(
            ErrorKind::ImageTooLarge,
            "0040-00000007",
            format!(
                "the resized picture would have a side over {IMAGE_RESULT_SIDE_MAX} or more than \
                 {IMAGE_RESULT_PIXELS_MAX} pixels"
            ),
        ));
    }
    Ok(())
}

/// Whether scaling makes the picture larger, which `limit_1` forbids.
///
/// The documentation says only that a target larger than the picture leaves it alone. Taken is
/// the size before anything is cut off or filled up, so `fill` with a box that is larger on one
/// side only leaves the picture alone too.
fn enlarges(own: Size, scaled: Size) -> bool {
    scaled.width > own.width || scaled.height > own.height
}

/// The box named, with the side that is missing.
fn target_box(resize: &Resize, own: Size) -> Size {
    let (width, height) = match resize.target {
        ResizeTarget::Box { width, height } => (width, height),
        ResizeTarget::Sides { long, short } if own.width >= own.height => (long, short),
        ResizeTarget::Sides { long, short } => (short, long),
        ResizeTarget::Percent(_) | ResizeTarget::PercentOfMain(_) => (None, None),
    };
    match (width, height) {
        (Some(width), Some(height)) => Size::new(width, height),
        (Some(width), None) => missing_side(resize.mode, own, Side::Width(width)),
        (None, Some(height)) => missing_side(resize.mode, own, Side::Height(height)),
        (None, None) => own,
    }
}

#[derive(Clone, Copy)]
enum Side {
    Width(u32),
    Height(u32),
}

/// The box of which one side is named.
///
/// The page of OSS says that the modes of a fixed size take the other side as equal; that of a
/// service with the same dialect says it of `fill` and `pad` only. OSS's own words count.
fn missing_side(mode: ResizeMode, own: Size, side: Side) -> Size {
    match (mode, side) {
        (
            ResizeMode::Fill | ResizeMode::Pad | ResizeMode::Fixed,
            Side::Width(length) | Side::Height(length),
        ) => Size::new(length, length),
        (ResizeMode::Lfit | ResizeMode::Mfit, Side::Width(width)) => {
            Size::new(width, proportion(own.height, width, own.width))
        }
        (ResizeMode::Lfit | ResizeMode::Mfit, Side::Height(height)) => {
            Size::new(proportion(own.width, height, own.height), height)
        }
    }
}

fn into_box(mode: ResizeMode, to: Size, own: Size) -> Resized {
    match mode {
        ResizeMode::Lfit => done(inside(own, to)),
        ResizeMode::Mfit => done(around(own, to)),
        ResizeMode::Fixed => done(to),
        ResizeMode::Fill => {
            let scaled = around(own, to);
            let then = if scaled == to {
                Then::Done
            } else {
                Then::Cut(Rect {
                    x: scaled.width.saturating_sub(to.width) / 2,
                    y: scaled.height.saturating_sub(to.height) / 2,
                    size: to,
                })
            };
            Resized { scaled, then }
        }
        ResizeMode::Pad => {
            let scaled = inside(own, to);
            let then = if scaled == to {
                Then::Done
            } else {
                Then::Laid {
                    to,
                    at: (
                        to.width.saturating_sub(scaled.width) / 2,
                        to.height.saturating_sub(scaled.height) / 2,
                    ),
                }
            };
            Resized { scaled, then }
        }
    }
}

fn done(scaled: Size) -> Resized {
    Resized {
        scaled,
        then: Then::Done,
    }
}

/// The largest size of the same shape that fits into `to`.
fn inside(own: Size, to: Size) -> Size {
    if width_decides(own, to) {
        by_width(own, to.width)
    } else {
        by_height(own, to.height)
    }
}

/// The smallest size of the same shape that covers `to`.
fn around(own: Size, to: Size) -> Size {
    let covering = if width_decides(own, to) {
        by_height(own, to.height)
    } else {
        by_width(own, to.width)
    };
    // Rounding must not leave a column or row of the box uncovered.
    Size::new(covering.width.max(to.width), covering.height.max(to.height))
}

/// Whether `to` is narrower in shape than `own`.
fn width_decides(own: Size, to: Size) -> bool {
    u64::from(to.width) * u64::from(own.height) <= u64::from(to.height) * u64::from(own.width)
}

fn by_width(own: Size, width: u32) -> Size {
    Size::new(width, proportion(own.height, width, own.width))
}

fn by_height(own: Size, height: u32) -> Size {
    Size::new(proportion(own.width, height, own.height), height)
}

/// `length * by / of`, rounded to nearest with halves up, at least 1.
fn proportion(length: u32, by: u32, of: u32) -> u32 {
    let of = u64::from(of.max(1));
    let twice = 2 * u64::from(length) * u64::from(by) + of;
    u32::try_from(twice / (2 * of)).unwrap_or(u32::MAX).max(1)
}
