//! Few colours for many, and pixels in them.
//!
//! Colours are counted in cells of five bits a channel. The cells are parted where the squared
//! error is greatest (after Wu), the means are then improved by a few rounds of k-means. Pixels
//! are dithered by Floyd and Steinberg's weights at part of their strength: enough to break up
//! bands, little enough to keep the picture close.

use std::collections::HashMap;

use crate::cpu;

/// Part of an error that is handed on, of 16.
const DITHER: i32 = 8;

/// Rounds of k-means.
const ROUNDS: usize = 2;

#[derive(Debug)]
pub(super) struct Palette {
    pub(super) colours: Vec<[u8; 3]>,
    /// Whether every colour of the picture is there.
    exact: Option<HashMap<[u8; 3], u8>>,
    search: Search,
}

/// The palette channel by channel, for comparing many at once.
#[derive(Debug)]
struct Search {
    r: [i32; 256],
    g: [i32; 256],
    b: [i32; 256],
    /// Nearest colour by cells of six bits a channel, plus 1; 0 for not yet looked for.
    near: Vec<u16>,
}

impl Palette {
    /// At most `most` colours for these pixels; `wanted` says which of them count.
    pub(super) fn of(pixels: &[[u8; 4]], wanted: &[bool], most: usize) -> Self {
        let used = || {
            pixels
                .iter()
                .zip(wanted)
                .filter(|(_, wanted)| **wanted)
                .map(|(pixel, _)| *pixel)
        };
        let mut exact = HashMap::new();
        for [r, g, b, _] in used() {
            let next = exact.len();
            exact.entry([r, g, b]).or_insert(next as u16);
            if exact.len() > most {
                break;
            }
        }
        if exact.len() <= most {
            let mut colours = vec![[0; 3]; exact.len()];
            for (colour, index) in &exact {
                colours[usize::from(*index)] = *colour;
            }
            let exact = exact
                .into_iter()
                .map(|(colour, index)| (colour, index as u8))
                .collect();
            return Self {
                search: Search::new(&colours),
                colours,
                exact: Some(exact),
            };
        }
        let cells = cells(used());
        let mut colours = part(&cells, most);
        for _ in 0..ROUNDS {
            colours = improve(&cells, &colours);
        }
        Self {
            search: Search::new(&colours),
            colours,
            exact: None,
        }
    }

    /// Indices for a picture's pixels; those that are not wanted become `none`.
    pub(super) fn map(
        &mut self,
        pixels: &[[u8; 4]],
        wanted: &[bool],
        width: usize,
        none: u8,
    ) -> Vec<u8> {
        if let Some(exact) = &self.exact {
            let index = |[r, g, b, _]: &[u8; 4]| exact.get(&[*r, *g, *b]).copied().unwrap_or(none);
            return pixels
                .iter()
                .zip(wanted)
                .map(|(pixel, wanted)| if *wanted { index(pixel) } else { none })
                .collect();
        }
        let mut indices = vec![none; pixels.len()];
        // Errors of this row and the next, in sixteenths, with a margin on both sides.
        let mut errors = vec![[0_i32; 3]; width + 2];
        let mut below = vec![[0_i32; 3]; width + 2];
        let rows = pixels
            .chunks(width)
            .zip(wanted.chunks(width))
            .zip(indices.chunks_mut(width));
        for (number, ((row, wanted), out)) in rows.enumerate() {
            let forward = number % 2 == 0;
            for step in 0..row.len() {
                let x = if forward { step } else { row.len() - 1 - step };
                if !wanted[x] {
                    errors[x + 1] = [0; 3];
                    continue;
                }
                let pixel = row[x];
                let mut colour = [0_i32; 3];
                for channel in 0..3 {
                    let error = (errors[x + 1][channel] * DITHER) / 256;
                    colour[channel] = (i32::from(pixel[channel]) + error).clamp(0, 255);
                }
                let index = self.search.nearest(colour);
                out[x] = index;
                let chosen = self.colours[usize::from(index)];
                let (ahead, behind) = if forward { (x + 2, x) } else { (x, x + 2) };
                for channel in 0..3 {
                    let error = colour[channel] - i32::from(chosen[channel]);
                    errors[ahead][channel] += error * 7;
                    below[behind][channel] += error * 3;
                    below[x + 1][channel] += error * 5;
                    below[ahead][channel] += error;
                }
            }
            std::mem::swap(&mut errors, &mut below);
            below.fill([0; 3]);
        }
        indices
    }
}

impl Search {
    fn new(colours: &[[u8; 3]]) -> Self {
        // Places without a colour lie far off.
        let mut search = Self {
            r: [4096; 256],
            g: [4096; 256],
            b: [4096; 256],
            near: vec![0; 1 << 18],
        };
        for (place, [r, g, b]) in colours.iter().enumerate().take(256) {
            search.r[place] = i32::from(*r);
            search.g[place] = i32::from(*g);
            search.b[place] = i32::from(*b);
        }
        search
    }

    #[inline]
    fn nearest(&mut self, [r, g, b]: [i32; 3]) -> u8 {
        let cell = ((r >> 2) << 12 | (g >> 2) << 6 | b >> 2) as usize & 0x3ffff;
        let known = self.near[cell];
        if known != 0 {
            return (known - 1) as u8;
        }
        let index = self.look([r, g, b]);
        self.near[cell] = u16::from(index) + 1;
        index
    }

    fn look(&self, colour: [i32; 3]) -> u8 {
        #[cfg(target_arch = "x86_64")]
        if cpu::has_avx2() {
            // SAFETY: the processor has every feature that the function is compiled for.
            #[allow(unsafe_code)]
            return unsafe { look_avx2(self, colour) };
        }
        look_any(self, colour)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn look_avx2(search: &Search, colour: [i32; 3]) -> u8 {
    look_any(search, colour)
}

/// The nearest colour. Distance and place are compared as one number.
#[inline(always)]
fn look_any(search: &Search, [r, g, b]: [i32; 3]) -> u8 {
    let mut best = u32::MAX;
    for place in 0..256 {
        let (r, g, b) = (
            r - search.r[place],
            g - search.g[place],
            b - search.b[place],
        );
        let distance = (r * r + g * g + b * b).min(0x00ff_ffff).cast_unsigned();
        best = best.min(distance << 8 | place as u32);
    }
    (best & 255) as u8
}

/// Pixels of one cell: how many, and the sums of their channels.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u32,
    sums: [u32; 3],
}

impl Cell {
    fn mean(&self) -> [f32; 3] {
        self.sums.map(|sum| sum as f32 / self.count.max(1) as f32)
    }
}

fn cells(pixels: impl Iterator<Item = [u8; 4]>) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); 1 << 15];
    for [r, g, b, _] in pixels {
        let place = usize::from(r >> 3) << 10 | usize::from(g >> 3) << 5 | usize::from(b >> 3);
        let cell = &mut cells[place];
        cell.count += 1;
        for (sum, value) in cell.sums.iter_mut().zip([r, g, b]) {
            *sum += u32::from(value);
        }
    }
    cells.retain(|cell| cell.count > 0);
    cells
}

/// A group of cells with the error that one colour for all of them would make.
struct Group {
    members: Vec<u32>,
    error: f64,
    axis: usize,
    mean: [f64; 3],
}

impl Group {
    fn new(cells: &[Cell], members: Vec<u32>) -> Self {
        let (mut count, mut sums, mut squares) = (0.0, [0.0; 3], [0.0; 3]);
        for member in &members {
            let cell = &cells[*member as usize];
            let (weight, mean) = (f64::from(cell.count), cell.mean());
            count += weight;
            for channel in 0..3 {
                let value = f64::from(mean[channel]);
                sums[channel] += weight * value;
                squares[channel] += weight * value * value;
            }
        }
        let mut group = Self {
            members,
            error: 0.0,
            axis: 0,
            mean: [0.0; 3],
        };
        let mut widest = -1.0;
        for channel in 0..3 {
            group.mean[channel] = sums[channel] / f64::max(count, 1.0);
            let error = squares[channel] - sums[channel] * group.mean[channel];
            group.error += error;
            if error > widest {
                (widest, group.axis) = (error, channel);
            }
        }
        group
    }
}

fn part(cells: &[Cell], most: usize) -> Vec<[u8; 3]> {
    let all = (0..u32::try_from(cells.len()).unwrap_or(0)).collect();
    let mut groups = vec![Group::new(cells, all)];
    while groups.len() < most {
        let worst = groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.members.len() > 1)
            .max_by(|(_, a), (_, b)| a.error.total_cmp(&b.error));
        let Some((place, _)) = worst else { break };
        let group = groups.swap_remove(place);
        let (axis, middle) = (group.axis, group.mean[group.axis]);
        let (low, high): (Vec<u32>, Vec<u32>) = group
            .members
            .iter()
            .partition(|member| f64::from(cells[**member as usize].mean()[axis]) <= middle);
        if low.is_empty() || high.is_empty() {
            // All at one place: nothing is gained by parting them.
            groups.push(Group {
                error: 0.0,
                members: Vec::new(),
                ..group
            });
            continue;
        }
        groups.push(Group::new(cells, low));
        groups.push(Group::new(cells, high));
    }
    groups.iter().map(|group| round(group.mean)).collect()
}

/// One round of k-means over the cells.
fn improve(cells: &[Cell], colours: &[[u8; 3]]) -> Vec<[u8; 3]> {
    let search = Search::new(colours);
    let mut sums = vec![[0.0_f64; 4]; colours.len()];
    for cell in cells {
        let mean = cell.mean().map(|value| (value + 0.5) as i32);
        let Some(sum) = sums.get_mut(usize::from(search.look(mean))) else {
            continue;
        };
        sum[3] += f64::from(cell.count);
        for channel in 0..3 {
            sum[channel] += f64::from(cell.sums[channel]);
        }
    }
    sums.iter()
        .zip(colours)
        .map(|([r, g, b, count], old)| {
            if *count == 0.0 {
                *old
            } else {
                round([r / count, g / count, b / count])
            }
        })
        .collect()
}

fn round(colour: [f64; 3]) -> [u8; 3] {
    colour.map(|value| (value + 0.5) as u8)
}
