//! The actions and their parameters.

use crate::Format;
use crate::geometry::Gravity;

/// What to make of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// In the order written, which is the order they are carried out in.
    pub actions: Vec<Action>,
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `resize`.
    Resize(Resize),
    /// `crop`.
    Crop(Crop),
    /// `indexcrop`.
    IndexCrop(IndexCrop),
    /// `circle`.
    Circle {
        /// 1 to 4,096.
        radius: u32,
    },
    /// `rounded-corners`.
    RoundedCorners {
        /// 1 to 4,096.
        radius: u32,
    },
    /// `rotate`, clockwise.
    Rotate {
        /// 0 to 360.
        degrees: u16,
    },
    /// `auto-orient`; `false` leaves the pixels as they lie.
    AutoOrient(bool),
    /// `blur`.
    Blur {
        /// 1 to 50: taps on either side.
        radius: u32,
        /// 1 to 50.
        sigma: u32,
    },
    /// `bright`, -100 to 100.
    Bright(i8),
    /// `contrast`, -100 to 100.
    Contrast(i8),
    /// `sharpen`, 50 to 399.
    Sharpen(u16),
    /// `quality`.
    Quality(Quality),
    /// `format`.
    Format(Format),
    /// `interlace`.
    Interlace(bool),
    /// `watermark`.
    Watermark(Box<Watermark>),
    /// `average-hue`; stands alone.
    AverageHue,
    /// `info`; stands alone.
    Info,
}

/// Parameters of `resize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// `m`.
    pub mode: ResizeMode,
    /// What size to reach.
    pub target: ResizeTarget,
    /// `limit`: never enlarge.
    pub limit: bool,
    /// `color`: of what `pad` adds.
    pub color: Rgb,
}

/// `m` of `resize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResizeMode {
    /// The largest that fits into the box.
    Lfit,
    /// The smallest that covers the box.
    Mfit,
    /// Covers the box; what sticks out is cut off.
    Fill,
    /// Fits into the box; the rest is filled.
    Pad,
    /// Exactly the box.
    Fixed,
}

/// The size that `resize` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeTarget {
    /// `w` and `h`, at least one of them; 1 to 16,384.
    Box {
        /// `w`.
        width: Option<u32>,
        /// `h`.
        height: Option<u32>,
    },
    /// `l` and `s`, at least one of them; 1 to 16,384.
    Sides {
        /// `l`.
        long: Option<u32>,
        /// `s`.
        short: Option<u32>,
    },
    /// `p`: per cent, 1 to 1,000.
    Percent(u32),
    /// `P`: per cent of the main picture, 1 to 100; for watermark pictures only.
    PercentOfMain(u32),
}

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Rgb(pub [u8; 3]);

/// Parameters of `crop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crop {
    /// `w`; absent or 0 is all there is.
    pub width: Option<u32>,
    /// `h`; absent or 0 is all there is.
    pub height: Option<u32>,
    /// `x`, from the anchor.
    pub x: u32,
    /// `y`, from the anchor.
    pub y: u32,
    /// `g`.
    pub gravity: Gravity,
    /// `p`: per cent by which to scale what was cut out, 1 to 200.
    pub percent: Option<u32>,
}

/// Parameters of `indexcrop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexCrop {
    /// Along which axis the picture is cut into slices.
    pub axis: Axis,
    /// Length of a slice, at least 1.
    pub length: u32,
    /// `i`: which slice.
    pub index: u32,
}

/// An axis of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Slices side by side.
    X,
    /// Slices one above the other.
    Y,
}

/// `quality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// `q`: per cent of the source's, 1 to 100.
    Relative(u8),
    /// `Q`: 1 to 100.
    Absolute(u8),
}

/// Parameters of `watermark`.
#[derive(Clone, Debug, PartialEq)]
pub struct Watermark {
    /// What is put onto the picture.
    pub content: MarkContent,
    /// `t`: per cent, 100 is opaque.
    pub opacity: u8,
    /// `g`.
    pub gravity: Gravity,
    /// `x`, 0 to 4,096.
    pub x: u32,
    /// `y`, 0 to 4,096.
    pub y: u32,
    /// `voffset`, -1,000 to 1,000.
    pub voffset: i32,
    /// `fill`: the mark is repeated over the whole picture, with these gaps.
    pub tile: Option<Gaps>,
    /// `animation`: the mark goes onto every frame.
    pub animated: bool,
}

/// Gaps between repeated marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// `padx`, 0 to 4,096.
    pub x: u32,
    /// `pady`, 0 to 4,096.
    pub y: u32,
}

/// What a watermark shows.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkContent {
    /// A text.
    Text(TextMark),
    /// A picture.
    Image(ImageMark),
    /// Both, side by side.
    Both {
        /// The text.
        text: TextMark,
        /// The picture.
        image: ImageMark,
        /// `order`: which of them stands left.
        first: MarkFirst,
        /// `align`.
        align: MarkAlign,
        /// `interval`: columns between them, 0 to 1,000.
        interval: u32,
    },
}

/// Which part of a mixed watermark stands left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkFirst {
    /// The picture.
    Image,
    /// The text.
    Text,
}

/// How the parts of a mixed watermark are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkAlign {
    /// Upper edges.
    Top,
    /// Middle lines.
    Middle,
    /// Lower edges.
    Bottom,
}

/// A text watermark.
#[derive(Clone, Debug, PartialEq)]
pub struct TextMark {
    /// 1 to 64 bytes of UTF-8.
    pub text: String,
    /// `type`.
    pub font: FontId,
    /// `color`.
    pub color: Rgb,
    /// `size`: pixels of the em square, 1 to 1,000.
    pub size: u32,
    /// `shadow`: per cent, opacity of the shadow.
    pub shadow: u8,
    /// `rotate`: 0 to 360, clockwise.
    pub rotate: u16,
}

/// A font that OSS documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of fonts")]
pub enum FontId {
    WqyZenhei,
    WqyMicrohei,
    FangzhengShusong,
    FangzhengKaiti,
    FangzhengHeiti,
    FangzhengFangsong,
    DroidSansFallback,
}

impl FontId {
    /// Every font.
    pub const ALL: [Self; 7] = [
        Self::WqyZenhei,
        Self::WqyMicrohei,
        Self::FangzhengShusong,
        Self::FangzhengKaiti,
        Self::FangzhengHeiti,
        Self::FangzhengFangsong,
        Self::DroidSansFallback,
    ];

    /// Its id on the wire, before base64.
    pub fn name(self) -> &'static str {
        match self {
            Self::WqyZenhei => "wqy-zenhei",
            Self::WqyMicrohei => "wqy-microhei",
            Self::FangzhengShusong => "fangzhengshusong",
            Self::FangzhengKaiti => "fangzhengkaiti",
            Self::FangzhengHeiti => "fangzhengheiti",
            Self::FangzhengFangsong => "fangzhengfangsong",
            Self::DroidSansFallback => "droidsansfallback",
        }
    }
}

/// A picture used as a watermark.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageMark {
    /// Its key, in the bucket of the main picture.
    pub key: String,
    /// What is done to it first: `resize`, `crop`, `indexcrop`, `rounded-corners`, `rotate` only.
    pub actions: Vec<Action>,
}

impl Pipeline {
    /// The keys of all watermark pictures, in the order in which the planner wants their headers.
    pub fn mark_keys(&self) -> Vec<&str> {
        self.actions
            .iter()
            .filter_map(|action| match action {
                Action::Watermark(mark) => match &mark.content {
                    MarkContent::Image(image) | MarkContent::Both { image, .. } => {
                        Some(image.key.as_str())
                    }
                    MarkContent::Text(_) => None,
                },
                _ => None,
            })
            .collect()
    }
}
