//! Pictures on top of one another, with straight alpha.

use osier_image_codec::Raster;

/// Lays a picture onto one colour.
pub(super) fn onto(mut picture: Raster, [r, g, b]: [u8; 3]) -> Raster {
    if picture.is_opaque() {
        return picture;
    }
    for pixel in picture.pixels_mut().as_chunks_mut::<4>().0 {
        let [red, green, blue, alpha] = *pixel;
        *pixel = [
            mix(red, r, alpha),
            mix(green, g, alpha),
            mix(blue, b, alpha),
            255,
        ];
    }
    picture.set_opaque(true);
    picture
}

/// Lays `top` at (`x`, `y`) onto `bottom`, at `opacity` per cent; what sticks out is cut off.
pub(super) fn over(bottom: &mut Raster, top: &Raster, x: i64, y: i64, opacity: u8) {
    // Of 255, so that a product of two alphas is divided by a constant.
    let opacity = u32::from(opacity.min(100)) * 255 / 100;
    let skipped = usize::try_from(-x).unwrap_or(0);
    let first = usize::try_from(x).unwrap_or(0);
    let opaque = bottom.is_opaque();
    let rows_above = usize::try_from(-y).unwrap_or(0);
    let rows = bottom.rows_mut().skip(usize::try_from(y).unwrap_or(0));
    for (row, mark) in rows.zip(top.rows().skip(rows_above)) {
        let pixels = row.as_chunks_mut::<4>().0.iter_mut().skip(first);
        for (pixel, mark) in pixels.zip(mark.as_chunks::<4>().0.iter().skip(skipped)) {
            let alpha = divided(u32::from(mark[3]) * opacity);
            if alpha == 0 {
                continue;
            }
            *pixel = if opaque || pixel[3] == 255 {
                blend_opaque(*pixel, *mark, alpha)
            } else {
                blend(*pixel, *mark, alpha)
            };
        }
    }
}

fn blend_opaque([r, g, b, _]: [u8; 4], [mr, mg, mb, _]: [u8; 4], alpha: u8) -> [u8; 4] {
    [mix(mr, r, alpha), mix(mg, g, alpha), mix(mb, b, alpha), 255]
}

fn blend(below: [u8; 4], above: [u8; 4], alpha: u8) -> [u8; 4] {
    let top = u32::from(alpha) * 255;
    let bottom = u32::from(below[3]) * (255 - u32::from(alpha));
    let sum = (top + bottom).max(1);
    let channel = |above: u8, below: u8| {
        let value = (u32::from(above) * top + u32::from(below) * bottom + sum / 2) / sum;
        u8::try_from(value).unwrap_or(u8::MAX)
    };
    let [ar, ag, ab, _] = above;
    let [br, bg, bb, _] = below;
    [
        channel(ar, br),
        channel(ag, bg),
        channel(ab, bb),
        divided(sum),
    ]
}

/// `above` at `alpha` of 255 over `below`.
fn mix(above: u8, below: u8, alpha: u8) -> u8 {
    let (above, below, alpha) = (u32::from(above), u32::from(below), u32::from(alpha));
    divided(above * alpha + below * (255 - alpha))
}

/// By 255, rounded.
fn divided(value: u32) -> u8 {
    u8::try_from((value + 127) / 255).unwrap_or(u8::MAX)
}
