//! A plan: what to decode, which steps to carry out on the pixels, what to encode.
//!
//! Every number is final. Rendering takes no decision that changes a size.

use crate::geometry::{Gravity, Rect, Size};
use crate::grammar::{Gaps, MarkAlign, MarkFirst, Rgb, TextMark};
use crate::{Format, Orientation};

/// A whole job.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to decode.
    pub decode: Decode,
    /// What to do with the pixels of every frame, in order.
    pub steps: Vec<Step>,
    /// What to make of the result.
    pub product: Product,
    /// What it will cost.
    pub price: Price,
}

/// How a source is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decode {
    /// JPEG only: decode at `eighths`/8 of the size; 8 for all others. Sides are rounded up.
    pub eighths: u8,
    /// Which part of the (scaled) picture to keep; all other pixels may be skipped.
    pub window: Rect,
    /// How many frames are kept: 1, or all there are.
    pub frames: u32,
    /// Whether transparent pixels are laid onto white at once, because the result has no alpha.
    pub flatten: bool,
}

/// One step on pixels. The size before it is the size after the step before.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Resample `from` to `to`. Lanczos3 towards less, Catmull-Rom towards more.
    Resize {
        /// Part of the picture; fractions because of scaled decoding and of cutting what `fill`
        /// would cut afterwards. Kernels may reach over its edges, not over the picture's.
        from: SourceBox,
        /// The size after.
        to: Size,
    },
    /// Keep only this.
    Crop(Rect),
    /// Put the picture at `at` onto a larger one of `color`, which is opaque.
    Pad {
        /// The size after.
        to: Size,
        /// Column and row of the upper left corner.
        at: (u32, u32),
        /// Of what is added.
        color: Rgb,
    },
    /// Turn and mirror as EXIF says, without loss.
    Orient(Orientation),
    /// Quarter turns clockwise, 1 to 3, without loss.
    Turn(u8),
    /// Rotate clockwise about the middle onto a larger canvas; never a multiple of 90.
    Rotate {
        /// 1 to 359.
        degrees: u16,
        /// The size after.
        to: Size,
        /// What the corners become.
        outside: Outside,
    },
    /// Everything outside the largest circle goes. The picture has been cut to the square around
    /// it.
    Circle {
        /// What is outside becomes this.
        outside: Outside,
    },
    /// Corners are rounded.
    RoundedCorners {
        /// In pixels, at most half the shorter side.
        radius: u32,
        /// What is outside becomes this.
        outside: Outside,
    },
    /// Gaussian of `2 * radius + 1` taps, normalised.
    Blur {
        /// Taps on either side.
        radius: u32,
        /// Standard deviation.
        sigma: u32,
    },
    /// -100 to 100, never 0.
    Bright(i8),
    /// -100 to 100, never 0.
    Contrast(i8),
    /// Unsharp mask, 50 to 399.
    Sharpen(u16),
    /// A watermark.
    Watermark(Box<Mark>),
}

/// What pixels outside a shape become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Transparent black.
    Transparent,
    /// Opaque white, where the result has no alpha.
    White,
}

/// A part of a picture in fractions of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Columns.
    pub width: f64,
    /// Rows.
    pub height: f64,
}

/// A watermark to place. [`place`](crate::geometry::place) says where.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What it shows.
    pub content: MarkSteps,
    /// Per cent.
    pub opacity: u8,
    /// Where.
    pub gravity: Gravity,
    /// Distance from the anchor's side.
    pub x: u32,
    /// Distance from the anchor's side.
    pub y: u32,
    /// Distance from the middle line.
    pub voffset: i32,
    /// Repeated over the whole picture with these gaps.
    pub tile: Option<Gaps>,
}

/// What a mark shows, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkSteps {
    /// A text.
    Text(TextMark),
    /// A picture.
    Image(MarkImage),
    /// Both.
    Both {
        /// The text.
        text: TextMark,
        /// The picture.
        image: MarkImage,
        /// Which stands left.
        first: MarkFirst,
        /// How they are aligned.
        align: MarkAlign,
        /// Columns between them.
        interval: u32,
    },
}

/// A picture used as a watermark: how to decode and prepare it.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkImage {
    /// Which of the watermark sources, in the order of `Pipeline::mark_keys`.
    pub source: usize,
    /// What to decode.
    pub decode: Decode,
    /// What to do with it.
    pub steps: Vec<Step>,
    /// Its size after these steps.
    pub size: Size,
}

/// What comes out of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Product {
    /// A picture.
    Picture(Encode),
    /// `0xRRGGBB` of the mean of all pixels.
    AverageHue,
}

/// How the result is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encode {
    /// In which format.
    pub format: Format,
    /// The size of the result.
    pub size: Size,
    /// Frames of the result.
    pub frames: u32,
    /// 1 to 100; means something for JPEG, WebP and AVIF only.
    pub quality: u8,
    /// JPEG only: progressive.
    pub progressive: bool,
    /// The source is grey; so is the result, unless something gave it colour. Of colour sources
    /// grey results are written as colour, as clients expect who look at channels.
    pub grey: bool,
    /// An orientation to be written as metadata, because the pixels were not turned.
    pub orientation: Orientation,
}

/// What a job costs, known before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Bytes of memory at its peak, without the source itself.
    pub bytes: u64,
    /// Pixels decoded, encoded and resampled, all frames together: a measure of time.
    pub pixels: u64,
    /// Whether the result is in a format whose encoder is slow and can't be stopped (AVIF).
    pub slow: bool,
}
