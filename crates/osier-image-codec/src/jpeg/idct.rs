//! Inverse cosine transforms that give one to eight samples a side.
//!
//! The smaller ones take only the low frequencies of a block, which scales the picture down by the
//! way. Arithmetic is in `f32`, in loops over whole rows that compilers turn into vector
//! instructions; the scale factors are multiplied into the quantisers beforehand.

use std::f64::consts::{PI, SQRT_2};

/// Quantisers for a transform of `size`, in transposed order.
pub(super) fn prepare(quantiser: &[u16; 64], places: &[u8; 80], size: usize) -> [f32; 64] {
    let mut prepared = [0.0; 64];
    for (k, value) in quantiser.iter().enumerate() {
        let place = usize::from(places[k]) & 63;
        let (row, column) = (place / 8, place % 8);
        let scale = match size {
            8 => aan(row) * aan(column) / 8.0,
            1 | 2 => 0.125,
            _ => size as f64 / 8.0,
        };
        #[allow(clippy::cast_possible_truncation)]
        let scaled = (f64::from(*value) * scale) as f32;
        prepared[place] = scaled;
    }
    prepared
}

/// Scale factors of the transform by Arai, Agui and Nakajima.
fn aan(index: usize) -> f64 {
    if index == 0 {
        1.0
    } else {
        (index as f64 * PI / 16.0).cos() * SQRT_2
    }
}

/// Writes `size` rows of `size` samples to `out`, whose rows are `stride` apart. `block` is
/// transposed; `last` is the number of its last coefficient in zigzag order.
#[inline(always)]
pub(super) fn transform(
    size: usize,
    block: &[i16; 64],
    quantiser: &[f32; 64],
    last: usize,
    out: &mut [u8],
    stride: usize,
) {
    if size == 1 || last == 0 {
        let mean = sample(f32::from(block[0]) * quantiser[0] * mean_scale(size));
        for row in out.chunks_mut(stride).take(size) {
            if let Some(row) = row.get_mut(..size) {
                row.fill(mean);
            }
        }
        return;
    }
    match size {
        8 => eight(block, quantiser, out, stride),
        7 => any::<7>(&BASIS_7, block, quantiser, out, stride),
        6 => any::<6>(&BASIS_6, block, quantiser, out, stride),
        5 => any::<5>(&BASIS_5, block, quantiser, out, stride),
        4 => four(block, quantiser, out, stride),
        3 => any::<3>(&BASIS_3, block, quantiser, out, stride),
        _ => two(block, quantiser, out, stride),
    }
}

/// What a lone DC coefficient is to be multiplied with after the prepared quantiser.
#[inline(always)]
fn mean_scale(size: usize) -> f32 {
    match size {
        1 | 2 | 8 => 1.0,
        _ => 1.0 / size as f32,
    }
}

/// Undoes the level shift and rounds.
#[inline(always)]
fn sample(value: f32) -> u8 {
    // Adding 1.5 * 2^23 leaves the rounded value in the lowest bits.
    let shifted = (value + 128.0).clamp(0.0, 255.0) + 12_582_912.0;
    (shifted.to_bits() & 255) as u8
}

#[inline(always)]
fn eight(block: &[i16; 64], quantiser: &[f32; 64], out: &mut [u8], stride: usize) {
    let mut rows = [[0.0_f32; 8]; 8];
    for (row, values) in rows.iter_mut().enumerate() {
        for (column, value) in values.iter_mut().enumerate() {
            *value = f32::from(block[row * 8 + column]) * quantiser[row * 8 + column];
        }
    }
    eight_columns(&mut rows);
    let mut turned = [[0.0_f32; 8]; 8];
    for row in 0..8 {
        for column in 0..8 {
            turned[column][row] = rows[row][column];
        }
    }
    eight_columns(&mut turned);
    for (row, values) in turned.iter().enumerate() {
        let at = row * stride;
        if let Some(target) = out.get_mut(at..at + 8) {
            for (target, value) in target.iter_mut().zip(values) {
                *target = sample(*value);
            }
        }
    }
}

#[inline(always)]
fn eight_columns(rows: &mut [[f32; 8]; 8]) {
    for c in 0..8 {
        let (even0, even1) = (rows[0][c] + rows[4][c], rows[0][c] - rows[4][c]);
        let even3 = rows[2][c] + rows[6][c];
        let even2 = (rows[2][c] - rows[6][c]) * 1.414_213_6 - even3;
        let (a0, a3) = (even0 + even3, even0 - even3);
        let (a1, a2) = (even1 + even2, even1 - even2);
        let (z13, z10) = (rows[5][c] + rows[3][c], rows[5][c] - rows[3][c]);
        let (z11, z12) = (rows[1][c] + rows[7][c], rows[1][c] - rows[7][c]);
        let b7 = z11 + z13;
        let z5 = (z10 + z12) * 1.847_759;
        let b6 = z5 - z10 * 2.613_126 - b7;
        let b5 = (z11 - z13) * 1.414_213_6 - b6;
        let b4 = z5 - z12 * 1.082_392_2 - b5;
        rows[0][c] = a0 + b7;
        rows[7][c] = a0 - b7;
        rows[1][c] = a1 + b6;
        rows[6][c] = a1 - b6;
        rows[2][c] = a2 + b5;
        rows[5][c] = a2 - b5;
        rows[3][c] = a3 + b4;
        rows[4][c] = a3 - b4;
    }
}

#[inline(always)]
fn four(block: &[i16; 64], quantiser: &[f32; 64], out: &mut [u8], stride: usize) {
    let mut rows = [[0.0_f32; 4]; 4];
    for (row, values) in rows.iter_mut().enumerate() {
        for (column, value) in values.iter_mut().enumerate() {
            *value = f32::from(block[row * 8 + column]) * quantiser[row * 8 + column];
        }
    }
    four_columns(&mut rows);
    let mut turned = [[0.0_f32; 4]; 4];
    for row in 0..4 {
        for column in 0..4 {
            turned[column][row] = rows[row][column];
        }
    }
    four_columns(&mut turned);
    for (row, values) in turned.iter().enumerate() {
        let at = row * stride;
        if let Some(target) = out.get_mut(at..at + 4) {
            for (target, value) in target.iter_mut().zip(values) {
                *target = sample(*value);
            }
        }
    }
}

#[inline(always)]
fn four_columns(rows: &mut [[f32; 4]; 4]) {
    for c in 0..4 {
        let (even0, even1) = (
            (rows[0][c] + rows[2][c]) * 0.5,
            (rows[0][c] - rows[2][c]) * 0.5,
        );
        let odd0 = rows[1][c] * 0.653_281_5 + rows[3][c] * 0.270_598_05;
        let odd1 = rows[1][c] * 0.270_598_05 - rows[3][c] * 0.653_281_5;
        rows[0][c] = even0 + odd0;
        rows[1][c] = even1 + odd1;
        rows[2][c] = even1 - odd1;
        rows[3][c] = even0 - odd0;
    }
}

#[inline(always)]
fn two(block: &[i16; 64], quantiser: &[f32; 64], out: &mut [u8], stride: usize) {
    let at = |place: usize| f32::from(block[place]) * quantiser[place];
    // Transposed: place 1 is one row down, place 8 one column to the right.
    let (mean, down, right, both) = (at(0), at(1), at(8), at(9));
    let values = [
        mean + down + right + both,
        mean + down - right - both,
        mean - down + right - both,
        mean - down - right + both,
    ];
    for (row, pair) in values.as_chunks::<2>().0.iter().enumerate() {
        if let Some(target) = out.get_mut(row * stride..row * stride + 2) {
            target[0] = sample(pair[0]);
            target[1] = sample(pair[1]);
        }
    }
}

/// The transform by its definition, for the sizes that have no quick one.
#[inline(always)]
fn any<const N: usize>(
    basis: &[[f32; N]; N],
    block: &[i16; 64],
    quantiser: &[f32; 64],
    out: &mut [u8],
    stride: usize,
) {
    // `half[x][v]`: transformed along the rows of the block, which is transposed.
    let mut half = [[0.0_f32; N]; N];
    for (u, basis) in basis.iter().enumerate() {
        for v in 0..N {
            let value = f32::from(block[u * 8 + v]) * quantiser[u * 8 + v];
            for x in 0..N {
                half[x][v] += value * basis[x];
            }
        }
    }
    for y in 0..N {
        let mut row = [0.0_f32; N];
        for (v, basis) in basis.iter().enumerate() {
            for x in 0..N {
                row[x] += half[x][v] * basis[y];
            }
        }
        if let Some(target) = out.get_mut(y * stride..y * stride + N) {
            for (target, value) in target.iter_mut().zip(row) {
                *target = sample(value);
            }
        }
    }
}

// `BASIS_N[k][x]`: c(k) cos((2x + 1) k pi / 2N) with c(0) = sqrt(1/N), else sqrt(2/N).
const BASIS_3: [[f32; 3]; 3] = [
    [0.577_350_3, 0.577_350_3, 0.577_350_3],
    [0.707_106_8, 0.0, -0.707_106_8],
    [0.408_248_3, -0.816_496_6, 0.408_248_3],
];
const BASIS_5: [[f32; 5]; 5] = [
    [
        0.447_213_6,
        0.447_213_6,
        0.447_213_6,
        0.447_213_6,
        0.447_213_6,
    ],
    [0.601_501_0, 0.371_748_0, 0.0, -0.371_748_0, -0.601_501_0],
    [
        0.511_667_3,
        -0.195_439_5,
        -0.632_455_5,
        -0.195_439_5,
        0.511_667_3,
    ],
    [0.371_748_0, -0.601_501_0, 0.0, 0.601_501_0, -0.371_748_0],
    [
        0.195_439_5,
        -0.511_667_3,
        0.632_455_5,
        -0.511_667_3,
        0.195_439_5,
    ],
];
const BASIS_6: [[f32; 6]; 6] = [
    [
        0.408_248_3,
        0.408_248_3,
        0.408_248_3,
        0.408_248_3,
        0.408_248_3,
        0.408_248_3,
    ],
    [
        0.557_677_5,
        0.408_248_3,
        0.149_429_2,
        -0.149_429_2,
        -0.408_248_3,
        -0.557_677_5,
    ],
    [
        0.500_000_0,
        0.0,
        -0.500_000_0,
        -0.500_000_0,
        0.0,
        0.500_000_0,
    ],
    [
        0.408_248_3,
        -0.408_248_3,
        -0.408_248_3,
        0.408_248_3,
        0.408_248_3,
        -0.408_248_3,
    ],
    [
        0.288_675_1,
        -0.577_350_3,
        0.288_675_1,
        0.288_675_1,
        -0.577_350_3,
        0.288_675_1,
    ],
    [
        0.149_429_2,
        -0.408_248_3,
        0.557_677_5,
        -0.557_677_5,
        0.408_248_3,
        -0.149_429_2,
    ],
];
const BASIS_7: [[f32; 7]; 7] = [
    [
        0.377_964_5,
        0.377_964_5,
        0.377_964_5,
        0.377_964_5,
        0.377_964_5,
        0.377_964_5,
        0.377_964_5,
    ],
    [
        0.521_120_9,
        0.417_906_5,
        0.231_920_6,
        0.0,
        -0.231_920_6,
        -0.417_906_5,
        -0.521_120_9,
    ],
    [
        0.481_588_1,
        0.118_942_4,
        -0.333_269_3,
        -0.534_522_5,
        -0.333_269_3,
        0.118_942_4,
        0.481_588_1,
    ],
    [
        0.417_906_5,
        -0.231_920_6,
        -0.521_120_9,
        0.0,
        0.521_120_9,
        0.231_920_6,
        -0.417_906_5,
    ],
    [
        0.333_269_3,
        -0.481_588_1,
        -0.118_942_4,
        0.534_522_5,
        -0.118_942_4,
        -0.481_588_1,
        0.333_269_3,
    ],
    [
        0.231_920_6,
        -0.521_120_9,
        0.417_906_5,
        0.0,
        -0.417_906_5,
        0.521_120_9,
        -0.231_920_6,
    ],
    [
        0.118_942_4,
        -0.333_269_3,
        0.481_588_1,
        -0.534_522_5,
        0.481_588_1,
        -0.333_269_3,
        0.118_942_4,
    ],
];

#[cfg(test)]
mod tests {
    use super::{
        super::{huffman::transposed, marker::ZIGZAG},
        *,
    };

    /// The definition, for `size` samples a side from the lowest `size` frequencies.
    fn by_definition(size: usize, coefficients: &[f64; 64]) -> Vec<f64> {
        let c = |k: usize| {
            if k == 0 {
                (1.0 / size as f64).sqrt()
            } else {
                (2.0 / size as f64).sqrt()
            }
        };
        let mut out = Vec::new();
        for y in 0..size {
            for x in 0..size {
                let mut sum = 0.0;
                for v in 0..size {
                    for u in 0..size {
                        let angle =
                            |p: usize, k: usize| ((2 * p + 1) * k) as f64 * PI / (2 * size) as f64;
                        sum += c(u)
                            * c(v)
                            * coefficients[v * 8 + u]
                            * angle(x, u).cos()
                            * angle(y, v).cos();
                    }
                }
                out.push((sum * size as f64 / 8.0 + 128.0).clamp(0.0, 255.0));
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        let places = transposed();
        let mut quantiser = [0; 64];
        let mut state = 7_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for value in &mut quantiser {
            *value = (random() % 20 + 1) as u16;
        }
        for round in 0..200 {
            let mut block = [0_i16; 64];
            let mut natural = [0.0; 64];
            let last = round % 64;
            for k in 0..=last {
                let value = (random() % 41) as i16 - 20;
                block[usize::from(places[k])] = value;
                natural[usize::from(ZIGZAG[k])] = f64::from(value) * f64::from(quantiser[k]);
            }
            for size in 1..=8 {
                let mut out = [0; 64];
                transform(
                    size,
                    &block,
                    &prepare(&quantiser, &places, size),
                    last,
                    &mut out,
                    8,
                );
                for (place, expected) in by_definition(size, &natural).into_iter().enumerate() {
                    let got = f64::from(out[place / size * 8 + place % size]);
                    assert!((got - expected).abs() <= 0.51, "{size} {got} {expected}");
                }
            }
        }
    }
}
