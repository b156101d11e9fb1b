//! Which quality setting gave a quantisation table.
//!
//! Encoders of the IJG family scale the example table of T.81 (K.1) by a factor that the quality
//! gives; the quality whose table comes nearest is the estimate, exact for those encoders.

use super::marker::ZIGZAG;

/// 1 to 100. `quantiser` is in zigzag order.
pub(super) fn estimate(quantiser: &[u16; 64]) -> u8 {
    let mut best = (u32::MAX, 100);
    for quality in (1..=100_u8).rev() {
        let percent = if quality < 50 {
            5000 / u32::from(quality)
        } else {
            200 - 2 * u32::from(quality)
        };
        let distance = quantiser
            .iter()
            .zip(&ZIGZAG)
            .map(|(value, place)| {
                let scaled = (u32::from(LUMA[usize::from(*place)]) * percent + 50) / 100;
                scaled.clamp(1, 255).abs_diff(u32::from(*value))
            })
            .sum();
        if distance < best.0 {
            best = (distance, quality);
        }
    }
    best.1
}

const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
