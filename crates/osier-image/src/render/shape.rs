//! Cutting, padding, circles and rounded corners.

use osier_image_codec::Raster;

use crate::geometry::{Rect, Size};
use crate::grammar::Rgb;
use crate::plan::Outside;
use crate::{ErrorKind, ImageError};

/// Keeps a rectangle, in the memory the picture has.
pub(super) fn cut(picture: Raster, rect: Rect) -> Result<Raster, ImageError> {
    let (width, height) = (picture.width(), picture.height());
    let Size {
        width: wide,
        height: high,
    } = rect.size;
    if (rect.x, rect.y, wide, high) == (0, 0, width, height) {
        return Ok(picture);
    }
    let inside = rect.x.checked_add(wide).is_some_and(|end| end <= width)
        && rect.y.checked_add(high).is_some_and(|end| end <= height);
    if !inside || wide == 0 || high == 0 {
        return Err(ImageError::plain(
            ErrorKind::Internal,
            "a rectangle lies outside its picture",
        ));
    }
    let (opaque, stride) = (picture.is_opaque(), picture.stride());
    let mut pixels = picture.into_pixels();
    let row = wide as usize * 4;
    for y in 0..high as usize {
        let from = (rect.y as usize + y) * stride + rect.x as usize * 4;
        pixels.copy_within(from..from + row, y * row);
    }
    pixels.truncate(row * high as usize);
    pixels.shrink_to_fit();
    Ok(Raster::from_pixels(wide, high, pixels, opaque)?)
}

/// Puts a picture onto a larger one of one colour.
pub(super) fn pad(
    picture: &Raster,
    to: Size,
    at: (u32, u32),
    Rgb([r, g, b]): Rgb,
) -> Result<Raster, ImageError> {
    let mut padded = Raster::filled(to.width, to.height, [r, g, b, 255])?;
    for (target, row) in padded.rows_mut().skip(at.1 as usize).zip(picture.rows()) {
        let start = at.0 as usize * 4;
        if let Some(target) = target.get_mut(start..start + row.len()) {
            target.copy_from_slice(row);
        }
    }
    padded.set_opaque(picture.is_opaque());
    Ok(padded)
}

/// Keeps the largest circle around the middle.
pub(super) fn circle(picture: Raster, outside: Outside) -> Raster {
    let middle = (
        f64::from(picture.width()) / 2.0,
        f64::from(picture.height()) / 2.0,
    );
    let radius = middle.0.min(middle.1);
    masked(picture, outside, |x, y| {
        coverage(radius, x - middle.0, y - middle.1)
    })
}

/// Rounds the corners.
pub(super) fn rounded_corners(picture: Raster, radius: u32, outside: Outside) -> Raster {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let radius = f64::from(radius);
    masked(picture, outside, |x, y| {
        // Distance from the middle of the nearest corner's circle, nothing on the straight sides.
        let across = (radius - x).max(x - (width - radius)).max(0.0);
        let down = (radius - y).max(y - (height - radius)).max(0.0);
        if across > 0.0 && down > 0.0 {
            coverage(radius, across, down)
        } else {
            1.0
        }
    })
}

/// How much of a pixel at this distance from the middle lies in the circle.
fn coverage(radius: f64, across: f64, down: f64) -> f64 {
    (radius - across.hypot(down) + 0.5).clamp(0.0, 1.0)
}

fn masked(mut picture: Raster, outside: Outside, kept: impl Fn(f64, f64) -> f64) -> Raster {
    let mut touched = false;
    for (y, row) in (0_u32..).zip(picture.rows_mut()) {
        for (x, pixel) in (0_u32..).zip(row.as_chunks_mut::<4>().0) {
            let kept = kept(f64::from(x) + 0.5, f64::from(y) + 0.5);
            if kept >= 1.0 {
                continue;
            }
            touched = true;
            let [r, g, b, alpha] = *pixel;
            *pixel = match outside {
                Outside::Transparent => {
                    let alpha = part(alpha, 0, kept);
                    if alpha == 0 { [0; 4] } else { [r, g, b, alpha] }
                }
                Outside::White => [
                    part(r, 255, kept),
                    part(g, 255, kept),
                    part(b, 255, kept),
                    255,
                ],
            };
        }
    }
    if touched && outside == Outside::Transparent {
        picture.set_opaque(false);
    }
    picture
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two bytes"
)]
fn part(inside: u8, outside: u8, kept: f64) -> u8 {
    (f64::from(inside) * kept + f64::from(outside) * (1.0 - kept)).round() as u8
}
