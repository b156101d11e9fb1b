//! Animations anew: every frame has a palette of its own and holds only what changed.

use gif::{DisposalMethod, Encoder, Repeat};

use super::{Frame, Loops, palette::Palette};
use crate::{CodecError, Raster};

const REFUSED: CodecError = CodecError::Encode("GIF");

/// Takes frames of one size and writes a GIF.
pub struct GifWriter {
    encoder: Encoder<Vec<u8>>,
    width: u16,
    height: u16,
    /// The frame to be written when it is known whether the next one needs it gone.
    pending: Option<Frame>,
    /// What the screen shows before the pending frame.
    shown: Option<Raster>,
}

impl std::fmt::Debug for GifWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GifWriter")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl GifWriter {
    /// `loops` is `None` for a picture that stands still.
    pub fn new(width: u32, height: u32, loops: Option<Loops>) -> Result<Self, CodecError> {
        let side =
            |side| u16::try_from(side).map_err(|_| CodecError::TooLarge("pixels a side for GIF"));
        let (width, height) = (side(width)?, side(height)?);
        let mut encoder = Encoder::new(Vec::new(), width, height, &[]).map_err(|_| REFUSED)?;
        if let Some(loops) = loops {
            let repeat = match loops {
                Loops::Forever => Repeat::Infinite,
                Loops::Again(again) => Repeat::Finite(again),
            };
            encoder.set_repeat(repeat).map_err(|_| REFUSED)?;
        }
        Ok(Self {
            encoder,
            width,
            height,
            pending: None,
            shown: None,
        })
    }

    pub fn push(&mut self, mut frame: Frame) -> Result<(), CodecError> {
        if (frame.picture.width(), frame.picture.height())
            != (u32::from(self.width), u32::from(self.height))
        {
            return Err(REFUSED);
        }
        if !frame.picture.is_opaque() {
            // A pixel is there or not.
            for pixel in frame.picture.pixels_mut().as_chunks_mut::<4>().0 {
                if pixel[3] < 128 {
                    *pixel = [0; 4];
                } else {
                    pixel[3] = 255;
                }
            }
        }
        if let Some(pending) = self.pending.take() {
            let gone = vanishes(&pending.picture, &frame.picture);
            self.write(pending, gone)?;
        }
        self.pending = Some(frame);
        Ok(())
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.encoder.get_ref().len()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, CodecError> {
        let last = self.pending.take().ok_or(REFUSED)?;
        self.write(last, false)?;
        self.encoder.into_inner().map_err(|_| REFUSED)
    }

    /// `clear`: the screen must be empty after this frame.
    fn write(&mut self, frame: Frame, clear: bool) -> Result<(), CodecError> {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let pixels = frame.picture.pixels().as_chunks::<4>().0;
        let mut changed: Vec<bool> = match &self.shown {
            Some(shown) => {
                let before = shown.pixels().as_chunks::<4>().0;
                pixels
                    .iter()
                    .zip(before)
                    .map(|(new, old)| new != old && new[3] != 0)
                    .collect()
            }
            None => pixels.iter().map(|pixel| pixel[3] != 0).collect(),
        };
        let area = if clear {
            (0, 0, width, height)
        } else {
            bounds(&changed, width)
        };
        let (left, top, wide, high) = area;
        let cut: Vec<[u8; 4]>;
        let mut inside = pixels;
        if (wide, high) != (width, height) {
            let rows = |y: usize| y * width + left..y * width + left + wide;
            cut = (top..top + high)
                .flat_map(|y| pixels[rows(y)].iter().copied())
                .collect();
            changed = (top..top + high)
                .flat_map(|y| changed[rows(y)].to_vec())
                .collect();
            inside = &cut;
        }
        let mut palette = Palette::of(inside, &changed, 255);
        let none = u8::try_from(palette.colours.len()).unwrap_or(255);
        let indices = palette.map(inside, &changed, wide, none);
        let mut colours: Vec<u8> = palette.colours.as_flattened().to_vec();
        colours.extend_from_slice(&[0; 3]);
        let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
        let written = gif::Frame {
            delay: frame.delay,
            dispose: if clear {
                DisposalMethod::Background
            } else {
                DisposalMethod::Keep
            },
            transparent: Some(none),
            left: side(left),
            top: side(top),
            width: side(wide),
            height: side(high),
            palette: Some(colours),
            buffer: indices.into(),
            ..gif::Frame::default()
        };
        self.encoder.write_frame(&written).map_err(|_| REFUSED)?;
        self.shown = (!clear).then_some(frame.picture);
        Ok(())
    }
}

/// Whether something of `before` is nothing in `after`.
fn vanishes(before: &Raster, after: &Raster) -> bool {
    if after.is_opaque() {
        return false;
    }
    let pairs = before
        .pixels()
        .as_chunks::<4>()
        .0
        .iter()
        .zip(after.pixels().as_chunks::<4>().0);
    pairs
        .into_iter()
        .any(|(before, after)| before[3] != 0 && after[3] == 0)
}

/// Left, top, width and height of what is set; one pixel where nothing is.
fn bounds(set: &[bool], width: usize) -> (usize, usize, usize, usize) {
    let (mut left, mut right, mut top, mut bottom) = (width, 0, usize::MAX, 0);
    for (y, row) in set.chunks(width).enumerate() {
        let Some(first) = row.iter().position(|set| *set) else {
            continue;
        };
        let last = row.iter().rposition(|set| *set).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last));
        (top, bottom) = (top.min(y), y);
    }
    if top == usize::MAX {
        (0, 0, 1, 1)
    } else {
        (left, top, right - left + 1, bottom - top + 1)
    }
}
