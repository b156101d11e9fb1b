//! Chroma to full width and component rows to RGBA.

use crate::{CodecError, icc::CmykToRgb};

/// What the components mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transform {
    Grey,
    Rgb,
    YCbCr,
    /// Adobe writes CMYK inverted; what comes without its mark is taken as it is.
    Cmyk {
        inverted: bool,
    },
    Ycck {
        inverted: bool,
    },
}

impl Transform {
    /// The customary reading of the marks, which is libjpeg's.
    pub(super) fn of(components: usize, adobe: Option<u8>, jfif: bool, ids: [u8; 4]) -> Self {
        match (components, adobe) {
            (1, _) => Self::Grey,
            (3, Some(0)) if !jfif => Self::Rgb,
            (3, None) if !jfif && ids.starts_with(b"RGB") => Self::Rgb,
            (3, _) => Self::YCbCr,
            (_, Some(2)) => Self::Ycck { inverted: true },
            (_, adobe) => Self::Cmyk {
                inverted: adobe.is_some(),
            },
        }
    }
}

/// Twice as many samples across, each three parts of the nearer and one of the farther.
#[inline(always)]
pub(super) fn widen(from: &[u8], to: &mut [u8], wide: usize) {
    let Some(from) = from.get(..wide) else { return };
    let (Some(first), Some(last)) = (from.first(), from.last()) else {
        return;
    };
    let Some(to) = to.get_mut(..wide * 2) else {
        return;
    };
    to[0] = *first;
    to[wide * 2 - 1] = *last;
    for (pair, out) in from.windows(2).zip(to[1..].chunks_exact_mut(2)) {
        let (a, b) = (u16::from(pair[0]), u16::from(pair[1]));
        out[0] = ((3 * a + b + 2) >> 2) as u8;
        out[1] = ((3 * b + a + 1) >> 2) as u8;
    }
}

/// A row between two, three parts of the nearer and one of the farther.
#[inline(always)]
pub(super) fn mix(near: &[u8], far: &[u8], to: &mut [u8], lower: usize) {
    let bias = 1 + lower as u16;
    for ((near, far), out) in near.iter().zip(far).zip(to) {
        *out = ((3 * u16::from(*near) + u16::from(*far) + bias) >> 2) as u8;
    }
}

/// Both at once, rounded once.
#[inline(always)]
pub(super) fn widen_mixed(near: &[u8], far: &[u8], to: &mut [u8], sums: &mut [u16], wide: usize) {
    let (Some(near), Some(far)) = (near.get(..wide), far.get(..wide)) else {
        return;
    };
    let (Some(sums), Some(to)) = (sums.get_mut(..wide), to.get_mut(..wide * 2)) else {
        return;
    };
    for ((sum, near), far) in sums.iter_mut().zip(near).zip(far) {
        *sum = 3 * u16::from(*near) + u16::from(*far);
    }
    let (Some(first), Some(last)) = (sums.first(), sums.last()) else {
        return;
    };
    to[0] = ((first * 4 + 8) >> 4) as u8;
    to[wide * 2 - 1] = ((last * 4 + 7) >> 4) as u8;
    for (pair, out) in sums.windows(2).zip(to[1..].chunks_exact_mut(2)) {
        out[0] = ((3 * pair[0] + pair[1] + 7) >> 4) as u8;
        out[1] = ((3 * pair[1] + pair[0] + 8) >> 4) as u8;
    }
}

/// A row of components to a row of RGBA.
#[inline(always)]
pub(super) fn to_rgba(
    transform: Transform,
    lines: &[Vec<u8>; 4],
    cmyk: Option<&mut CmykToRgb>,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let width = out.len() / 4;
    let [first, second, third, fourth] = lines;
    let (pixels, _) = out.as_chunks_mut::<4>();
    let first = first.get(..width).unwrap_or_default();
    let second = second.get(..width).unwrap_or_default();
    let third = third.get(..width).unwrap_or_default();
    match transform {
        Transform::Grey => {
            for (pixel, grey) in pixels.iter_mut().zip(first) {
                *pixel = (u32::from(*grey) * 0x0001_0101 | 0xff00_0000).to_le_bytes();
            }
        }
        Transform::Rgb => {
            for (((pixel, r), g), b) in pixels.iter_mut().zip(first).zip(second).zip(third) {
                *pixel = [*r, *g, *b, 255];
            }
        }
        Transform::YCbCr => {
            for (((pixel, y), cb), cr) in pixels.iter_mut().zip(first).zip(second).zip(third) {
                *pixel = rgb(*y, *cb, *cr);
            }
        }
        Transform::Cmyk { inverted } | Transform::Ycck { inverted } => {
            let fourth = fourth.get(..width).unwrap_or_default();
            if matches!(transform, Transform::Ycck { .. }) {
                for ((((pixel, y), cb), cr), k) in pixels
                    .iter_mut()
                    .zip(first)
                    .zip(second)
                    .zip(third)
                    .zip(fourth)
                {
                    // The file's YCC stands for the complement of its CMY.
                    let [r, g, b, _] = rgb(*y, *cb, *cr);
                    *pixel = [255 - r, 255 - g, 255 - b, *k];
                }
            } else {
                for ((((pixel, c), m), y), k) in pixels
                    .iter_mut()
                    .zip(first)
                    .zip(second)
                    .zip(third)
                    .zip(fourth)
                {
                    *pixel = [*c, *m, *y, *k];
                }
            }
            if inverted {
                for value in pixels.as_flattened_mut() {
                    *value = 255 - *value;
                }
            }
            if let Some(convert) = cmyk {
                convert.row(pixels.as_flattened_mut())?;
            }
        }
    }
    Ok(())
}

/// ITU-R BT.601 at full range, as JFIF has it, in sixteen bits of fraction.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 4] {
    let y = (i32::from(y) << 16) + (1 << 15);
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let r = (y + 91_881 * cr) >> 16;
    let g = (y - 22_554 * cb - 46_802 * cr) >> 16;
    let b = (y + 116_130 * cb) >> 16;
    let byte = |value: i32| value.clamp(0, 255).cast_unsigned();
    (byte(r) | byte(g) << 8 | byte(b) << 16 | 0xff00_0000).to_le_bytes()
}
