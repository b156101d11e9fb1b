//! Quarter turns, mirroring, and rotation by any angle.

use osier_image_codec::{Raster, Stop};

use crate::ImageError;
use crate::geometry::Size;
use crate::plan::Outside;

/// Rows of a block that is turned at once, so that both pictures stay in the cache.
const BLOCK: usize = 32;

/// Mirrors left and right, in place.
pub(super) fn mirror(mut picture: Raster) -> Raster {
    for row in picture.rows_mut() {
        row.as_chunks_mut::<4>().0.reverse();
    }
    picture
}

/// Turns clockwise by quarters.
pub(super) fn quarters(mut picture: Raster, quarters: u8) -> Result<Raster, ImageError> {
    match quarters % 4 {
        0 => Ok(picture),
        2 => {
            picture.pixels_mut().as_chunks_mut::<4>().0.reverse();
            Ok(picture)
        }
        quarter => {
            let (width, height) = (picture.width() as usize, picture.height() as usize);
            let source = picture.pixels().as_chunks::<4>().0;
            let mut turned = vec![0; picture.pixels().len()];
            let target = turned.as_chunks_mut::<4>().0;
            for block in (0..height).step_by(BLOCK) {
                for x in 0..width {
                    for y in block..(block + BLOCK).min(height) {
                        let (column, row) = if quarter == 1 {
                            (height - 1 - y, x)
                        } else {
                            (y, width - 1 - x)
                        };
                        if let (Some(to), Some(from)) = (
                            target.get_mut(row * height + column),
                            source.get(y * width + x),
                        ) {
                            *to = *from;
                        }
                    }
                }
            }
            let (width, height) = (picture.width(), picture.height());
            Ok(Raster::from_pixels(
                height,
                width,
                turned,
                picture.is_opaque(),
            )?)
        }
    }
}

/// Rotates clockwise about the middle, between four neighbours.
pub(super) fn rotate(
    picture: &Raster,
    degrees: u16,
    to: Size,
    outside: Outside,
    stop: Stop<'_>,
) -> Result<Raster, ImageError> {
    let ground = match outside {
        Outside::Transparent => [0; 4],
        Outside::White => [255; 4],
    };
    let mut rotated = Raster::filled(to.width, to.height, ground)?;
    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
    let middle = (f64::from(to.width) / 2.0, f64::from(to.height) / 2.0);
    let own = (
        f64::from(picture.width()) / 2.0,
        f64::from(picture.height()) / 2.0,
    );
    for (y, row) in (0_u32..).zip(rotated.rows_mut()) {
        if y % 16 == 0 {
            stop.check()?;
        }
        let down = f64::from(y) + 0.5 - middle.1;
        for (x, pixel) in (0_u32..).zip(row.as_chunks_mut::<4>().0) {
            let across = f64::from(x) + 0.5 - middle.0;
            // Backwards: where in the picture this pixel comes from.
            let from_x = across * cosine + down * sine + own.0 - 0.5;
            let from_y = down * cosine - across * sine + own.1 - 0.5;
            if let Some(sample) = sample(picture, from_x, from_y, ground) {
                *pixel = sample;
            }
        }
    }
    rotated.set_opaque(picture.is_opaque() && outside == Outside::White);
    Ok(rotated)
}

/// The colour at a place between pixels; `None` where it is wholly outside.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a side has at most 16 bits"
)]
fn sample(picture: &Raster, x: f64, y: f64, ground: [u8; 4]) -> Option<[u8; 4]> {
    let (left, top) = (x.floor(), y.floor());
    let (right_part, lower_part) = (x - left, y - top);
    let (left, top) = (left as i64, top as i64);
    if left < -1
        || top < -1
        || left >= i64::from(picture.width())
        || top >= i64::from(picture.height())
    {
        return None;
    }
    let pixels = picture.pixels().as_chunks::<4>().0;
    let at = |x: i64, y: i64| -> [u8; 4] {
        let inside = (0..i64::from(picture.width())).contains(&x)
            && (0..i64::from(picture.height())).contains(&y);
        let place = y * i64::from(picture.width()) + x;
        let place = usize::try_from(place).ok().filter(|_| inside);
        place
            .and_then(|place| pixels.get(place))
            .copied()
            .unwrap_or(ground)
    };
    let neighbours = [
        (at(left, top), (1.0 - right_part) * (1.0 - lower_part)),
        (at(left + 1, top), right_part * (1.0 - lower_part)),
        (at(left, top + 1), (1.0 - right_part) * lower_part),
        (at(left + 1, top + 1), right_part * lower_part),
    ];
    let (mut sums, mut weight) = ([0.0; 3], 0.0);
    for ([red, green, blue, alpha], share) in neighbours {
        let share = share * f64::from(alpha);
        weight += share;
        for (sum, value) in sums.iter_mut().zip([red, green, blue]) {
            *sum += share * f64::from(value);
        }
    }
    if weight <= 0.0 {
        return Some([0; 4]);
    }
    let [red, green, blue] = sums.map(|sum| byte(sum / weight));
    Some([red, green, blue, byte(weight)])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
