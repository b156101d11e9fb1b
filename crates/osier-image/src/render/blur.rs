//! Gaussian blur and the unsharp mask that is made with it.
//!
//! Down first, into one row of sums, then across that row: beside the result only rows are held.
//! At the edges the outermost pixel counts for all beyond.

use osier_image_codec::{Raster, Stop};

use crate::ImageError;

/// Standard deviation of the mask that `sharpen` subtracts; not documented.
const SHARPEN_SIGMA: f64 = 1.0;

/// Taps on either side for it.
const SHARPEN_RADIUS: u32 = 3;

/// A Gaussian of `2 * radius + 1` taps. Colours count by their alpha.
pub(super) fn gaussian(
    mut picture: Raster,
    radius: u32,
    sigma: f64,
    stop: Stop<'_>,
) -> Result<Raster, ImageError> {
    let premultiplied = !picture.is_opaque();
    if premultiplied {
        premultiply(&mut picture);
    }
    let mut blurred = Vec::with_capacity(picture.pixels().len());
    blurred_rows(&picture, radius, sigma, stop, |_, row| {
        blurred.extend(row.iter().map(|value| byte(*value)));
    })?;
    let (width, height, opaque) = (picture.width(), picture.height(), picture.is_opaque());
    let mut picture = Raster::from_pixels(width, height, blurred, opaque)?;
    if premultiplied {
        unpremultiply(&mut picture);
    }
    Ok(picture)
}

/// Adds `value` per cent of what a slight blur takes away.
pub(super) fn sharpen(picture: &Raster, value: u16, stop: Stop<'_>) -> Result<Raster, ImageError> {
    let amount = f32::from(value) / 100.0;
    let mut sharp = Vec::with_capacity(picture.pixels().len());
    blurred_rows(
        picture,
        SHARPEN_RADIUS,
        SHARPEN_SIGMA,
        stop,
        |original, row| {
            let pixels = original
                .as_chunks::<4>()
                .0
                .iter()
                .zip(row.as_chunks::<4>().0);
            for ([r, g, b, alpha], [blurred_r, blurred_g, blurred_b, _]) in pixels {
                let sharper = |own: u8, blurred: f32| {
                    let own = f32::from(own);
                    byte(own + amount * (own - blurred))
                };
                sharp.extend_from_slice(&[
                    sharper(*r, *blurred_r),
                    sharper(*g, *blurred_g),
                    sharper(*b, *blurred_b),
                    *alpha,
                ]);
            }
        },
    )?;
    Ok(Raster::from_pixels(
        picture.width(),
        picture.height(),
        sharp,
        picture.is_opaque(),
    )?)
}

/// Calls `take` with every row and its blurred values.
fn blurred_rows(
    picture: &Raster,
    radius: u32,
    sigma: f64,
    stop: Stop<'_>,
    mut take: impl FnMut(&[u8], &[f32]),
) -> Result<(), ImageError> {
    let kernel = kernel(radius, sigma);
    let (reach, stride) = (radius as usize, picture.stride());
    let rows: Vec<&[u8]> = picture.rows().collect();
    let Some(bottom) = rows.len().checked_sub(1) else {
        return Ok(());
    };
    // The sums of one row with `reach` pixels of margin on both sides.
    let mut sums = vec![0.0_f32; stride + reach * 8];
    let mut blurred = vec![0.0_f32; stride];
    for (number, own) in rows.iter().enumerate() {
        if number % 16 == 0 {
            stop.check()?;
        }
        let middle = sums
            .get_mut(reach * 4..reach * 4 + stride)
            .unwrap_or_default();
        middle.fill(0.0);
        for (tap, weight) in kernel.iter().enumerate() {
            let place = (number + tap).saturating_sub(reach).min(bottom);
            let Some(row) = rows.get(place) else { continue };
            for (sum, value) in middle.iter_mut().zip(*row) {
                *sum += weight * f32::from(*value);
            }
        }
        spread_edges(&mut sums, reach, stride);
        blurred.fill(0.0);
        for (tap, weight) in kernel.iter().enumerate() {
            let shifted = sums.get(tap * 4..).unwrap_or_default();
            for (value, sum) in blurred.iter_mut().zip(shifted) {
                *value += weight * sum;
            }
        }
        take(own, &blurred);
    }
    Ok(())
}

fn spread_edges(sums: &mut [f32], reach: usize, stride: usize) {
    let start = reach * 4;
    let first = sums
        .get(start..start + 4)
        .and_then(<[f32]>::first_chunk::<4>)
        .copied();
    let last = sums
        .get(start + stride - 4..)
        .and_then(<[f32]>::first_chunk::<4>)
        .copied();
    let (Some(first), Some(last)) = (first, last) else {
        return;
    };
    let (left, rest) = sums.split_at_mut(start);
    left.as_chunks_mut::<4>().0.fill(first);
    if let Some(right) = rest.get_mut(stride..) {
        right.as_chunks_mut::<4>().0.fill(last);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights between 0 and 1")]
fn kernel(radius: u32, sigma: f64) -> Vec<f32> {
    let weight = |tap: u32| {
        let distance = f64::from(tap) - f64::from(radius);
        (-distance.powi(2) / (2.0 * sigma * sigma)).exp()
    };
    let total: f64 = (0..=2 * radius).map(weight).sum();
    (0..=2 * radius)
        .map(|tap| (weight(tap) / total) as f32)
        .collect()
}

fn premultiply(picture: &mut Raster) {
    for pixel in picture.pixels_mut().as_chunks_mut::<4>().0 {
        let [r, g, b, alpha] = *pixel;
        let times = |value: u8| {
            let product = (u32::from(value) * u32::from(alpha) + 127) / 255;
            u8::try_from(product).unwrap_or(u8::MAX)
        };
        *pixel = [times(r), times(g), times(b), alpha];
    }
}

fn unpremultiply(picture: &mut Raster) {
    for pixel in picture.pixels_mut().as_chunks_mut::<4>().0 {
        let [r, g, b, alpha] = *pixel;
        let by = |value: u8| {
            let quotient =
                (u32::from(value) * 255 + u32::from(alpha) / 2) / u32::from(alpha).max(1);
            u8::try_from(quotient).unwrap_or(u8::MAX)
        };
        *pixel = [by(r), by(g), by(b), alpha];
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}
