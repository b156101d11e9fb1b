//! Brightness, contrast and the average colour.

use osier_image_codec::Raster;

/// `bright`: adds 1.28 per step.
///
/// The curve is not documented; so chosen that 0 changes nothing and 100 lifts black to middle grey.
pub(super) fn bright(picture: Raster, value: i8) -> Raster {
    by_table(picture, |sample| sample + 1.28 * f64::from(value))
}

/// `contrast`: stretches around middle grey.
///
/// The curve is not documented; this is the customary one, with 0 as identity and -100 as grey.
pub(super) fn contrast(picture: Raster, value: i8) -> Raster {
    let value = f64::from(value) * 2.55;
    let factor = (259.0 * (value + 255.0)) / (255.0 * (259.0 - value));
    by_table(picture, |sample| (sample - 128.0) * factor + 128.0)
}

/// `0xRRGGBB` of the mean of all pixels.
pub(super) fn average(picture: &Raster) -> String {
    let mut sums = [0_u64; 3];
    for [r, g, b, _] in picture.pixels().as_chunks::<4>().0 {
        let [red, green, blue] = &mut sums;
        *red += u64::from(*r);
        *green += u64::from(*g);
        *blue += u64::from(*b);
    }
    let count = u64::from(picture.width()) * u64::from(picture.height());
    let [r, g, b] = sums.map(|sum| (sum + count / 2) / count.max(1));
    format!("0x{r:02x}{g:02x}{b:02x}")
}

fn by_table(mut picture: Raster, curve: impl Fn(f64) -> f64) -> Raster {
    let table: Vec<u8> = (0..=255_u8)
        .map(|sample| rounded(curve(f64::from(sample))))
        .collect();
    let of = |sample: u8| table.get(usize::from(sample)).copied().unwrap_or(sample);
    for pixel in picture.pixels_mut().as_chunks_mut::<4>().0 {
        let [r, g, b, alpha] = *pixel;
        *pixel = [of(r), of(g), of(b), alpha];
    }
    picture
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn rounded(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
