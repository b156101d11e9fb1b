//! GIF: frames laid over one another as players do it, and animations written anew.

mod encode;
mod palette;

pub use encode::GifWriter;

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, MemoryLimit, Repeat};

use crate::{Budget, CodecError, Format, Header, Raster, raster::area};

/// One picture of an animation, whole.
#[derive(Clone, Debug)]
pub struct Frame {
    pub picture: Raster,
    /// Hundredths of a second that it is shown.
    pub delay: u16,
}

/// How often an animation is played.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loops {
    Forever,
    /// Once, and so many times again.
    Again(u16),
}

pub(crate) fn header(data: &[u8]) -> Result<Header, CodecError> {
    let (width, height) = screen(data)?;
    let survey = survey(data);
    if survey.frames == 0 {
        return Err(CodecError::Damaged("no frame"));
    }
    Ok(Header {
        alpha: survey.alpha,
        frames: survey.frames,
        channels: 1,
        ..Header::still(Format::Gif, width, height)
    })
}

/// The first frame on its canvas.
pub(crate) fn decode(data: &[u8], budget: &Budget<'_>) -> Result<Raster, CodecError> {
    let mut animation = Animation::open(data, budget)?;
    let frame = animation
        .next_frame()?
        .ok_or(CodecError::Damaged("no frame"))?;
    Ok(frame.picture)
}

/// Reads an animation frame by frame.
pub struct Animation<'a> {
    decoder: gif::Decoder<Cursor<&'a [u8]>>,
    budget: Budget<'a>,
    canvas: Vec<u8>,
    width: u32,
    height: u32,
    /// What the frame before leaves to do.
    disposal: Disposal,
    indices: Vec<u8>,
    frames: u32,
    pixels: u64,
}

impl std::fmt::Debug for Animation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Animation")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

enum Disposal {
    Keep,
    Clear(Area),
    /// What was there before.
    Restore(Vec<u8>),
}

#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl<'a> Animation<'a> {
    pub fn open(data: &'a [u8], budget: &Budget<'a>) -> Result<Self, CodecError> {
        let (width, height) = screen(data)?;
        budget.admit(width, height)?;
        let canvas = vec![0; area(width, height)? * 4];
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        options.allow_unknown_blocks(true);
        options.set_memory_limit(MemoryLimit::Bytes(
            budget
                .bytes
                .max(1 << 20)
                .try_into()
                .unwrap_or(std::num::NonZeroU64::MIN),
        ));
        let decoder = options
            .read_info(Cursor::new(data))
            .map_err(|error| failure(&error))?;
        Ok(Self {
            decoder,
            budget: *budget,
            canvas,
            width,
            height,
            disposal: Disposal::Keep,
            indices: Vec::new(),
            frames: 0,
            pixels: 0,
        })
    }

    /// `None` where the file does not say that it is to be repeated.
    pub fn loops(&self) -> Option<Loops> {
        match self.decoder.repeat() {
            Repeat::Infinite => Some(Loops::Forever),
            Repeat::Finite(0) => None,
            Repeat::Finite(again) => Some(Loops::Again(again)),
        }
    }

    /// The next frame, `None` after the last one. A file that ends early ends with its last whole
    /// frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        self.budget.check()?;
        let info = match self.decoder.next_frame_info() {
            Ok(Some(info)) => info,
            Ok(None) => return Ok(None),
            Err(_) if self.frames > 0 => return Ok(None),
            Err(error) => return Err(failure(&error)),
        };
        let (frame_width, frame_height) = (usize::from(info.width), usize::from(info.height));
        let place = (usize::from(info.left), usize::from(info.top));
        let (transparent, delay, dispose) = (info.transparent, info.delay, info.dispose);
        let local = info.palette.clone();
        self.frames += 1;
        self.pixels += (frame_width * frame_height) as u64;
        self.pixels += u64::from(self.width) * u64::from(self.height);
        if self.frames > self.budget.frames {
            return Err(CodecError::TooLarge("frames"));
        }
        // Both the stored frame and the canvas it is laid on cost time.
        if self.pixels > self.budget.pixels.saturating_mul(2) {
            return Err(CodecError::TooLarge("pixels"));
        }
        let size = self.decoder.buffer_size();
        self.budget.admit_bytes(size)?;
        self.indices.clear();
        self.indices.resize(size, 0);
        if let Err(error) = self.decoder.read_into_buffer(&mut self.indices) {
            return if self.frames > 1 {
                Ok(None)
            } else {
                Err(failure(&error))
            };
        }
        match std::mem::replace(&mut self.disposal, Disposal::Keep) {
            Disposal::Keep => {}
            Disposal::Clear(area) => clear(&mut self.canvas, self.width as usize, area),
            Disposal::Restore(canvas) => self.canvas = canvas,
        }
        let area = Area {
            left: place.0.min(self.width as usize),
            top: place.1.min(self.height as usize),
            width: frame_width.min((self.width as usize).saturating_sub(place.0)),
            height: frame_height.min((self.height as usize).saturating_sub(place.1)),
        };
        let before = match dispose {
            DisposalMethod::Background => Disposal::Clear(area),
            DisposalMethod::Previous => {
                self.budget.admit_bytes(self.canvas.len())?;
                Disposal::Restore(self.canvas.clone())
            }
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
        };
        let palette = local.as_deref().or_else(|| self.decoder.global_palette());
        let table = colours(palette.unwrap_or_default(), transparent);
        let rows = self
            .indices
            .chunks_exact(frame_width.max(1))
            .take(area.height);
        for (y, row) in rows.enumerate() {
            let start = ((area.top + y) * self.width as usize + area.left) * 4;
            let target = self
                .canvas
                .get_mut(start..start + area.width * 4)
                .unwrap_or_default();
            for (pixel, index) in target.as_chunks_mut::<4>().0.iter_mut().zip(row) {
                let colour = table[usize::from(*index)];
                if colour[3] != 0 {
                    *pixel = colour;
                }
            }
        }
        self.disposal = before;
        let opaque = self
            .canvas
            .iter()
            .skip(3)
            .step_by(4)
            .all(|alpha| *alpha == 255);
        let picture = Raster::from_pixels(self.width, self.height, self.canvas.clone(), opaque)?;
        Ok(Some(Frame { picture, delay }))
    }
}

/// A table for every index; alpha 0 leaves the canvas as it is.
fn colours(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut table = [[0, 0, 0, 255]; 256];
    for (entry, [r, g, b]) in table.iter_mut().zip(palette.as_chunks::<3>().0) {
        *entry = [*r, *g, *b, 255];
    }
    if let Some(index) = transparent {
        table[usize::from(index)] = [0; 4];
    }
    table
}

fn clear(canvas: &mut [u8], width: usize, area: Area) {
    for y in area.top..area.top + area.height {
        let start = (y * width + area.left) * 4;
        canvas
            .get_mut(start..start + area.width * 4)
            .unwrap_or_default()
            .fill(0);
    }
}

/// Size of the logical screen; where it is empty, of the first frame.
fn screen(data: &[u8]) -> Result<(u32, u32), CodecError> {
    const CUT: CodecError = CodecError::Damaged("the file ends within its header");
    let side = |at: usize| {
        let bytes = data.get(at..).and_then(<[u8]>::first_chunk::<2>);
        bytes
            .map(|bytes| u32::from(u16::from_le_bytes(*bytes)))
            .ok_or(CUT)
    };
    match (side(6)?, side(8)?) {
        (0, _) | (_, 0) => Err(CodecError::Damaged("an empty screen")),
        size => Ok(size),
    }
}

struct Survey {
    frames: u32,
    alpha: bool,
}

/// Walks over the blocks without decoding. A file that ends early counts as far as it goes.
fn survey(data: &[u8]) -> Survey {
    let mut survey = Survey {
        frames: 0,
        alpha: false,
    };
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3_usize << ((flags & 7) + 1)
        }
    };
    let Some(flags) = data.get(10) else {
        return survey;
    };
    let mut at = 13 + table(*flags);
    let skip = |mut at: usize| {
        while let Some(length) = data.get(at) {
            at += 1 + usize::from(*length);
            if *length == 0 {
                return Some(at);
            }
        }
        None
    };
    while let Some(kind) = data.get(at) {
        let next = match kind {
            0x21 => {
                if data.get(at + 1) == Some(&0xf9) && data.get(at + 3).is_some_and(|f| f & 1 == 1) {
                    survey.alpha = true;
                }
                skip(at + 2)
            }
            0x2c => {
                survey.frames += 1;
                data.get(at + 9)
                    .and_then(|flags| skip(at + 11 + table(*flags)))
            }
            _ => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    survey
}

fn failure(error: &DecodingError) -> CodecError {
    match error {
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => CodecError::TooLarge("memory"),
        DecodingError::Io(_) | DecodingError::UnexpectedEof => {
            CodecError::Damaged("the file ends within its picture")
        }
        _ => CodecError::Damaged("GIF"),
    }
}
