//! What the first bytes of a source tell, before any pixel is decoded.

use crate::geometry::Size;

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG.
    Jpg,
    /// PNG.
    Png,
    /// WebP, still or animated.
    Webp,
    /// BMP.
    Bmp,
    /// GIF, still or animated.
    Gif,
    /// TIFF.
    Tiff,
    /// HEIC: known, but never decoded or encoded here.
    Heic,
    /// AVIF: an optional output.
    Avif,
}

impl Format {
    /// The word for it in `format,VALUE` and in `image/info`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Bmp => "bmp",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Heic => "heic",
            Self::Avif => "avif",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Heic => "image/heic",
            Self::Avif => "image/avif",
        }
    }

    /// Whether a picture in it can be transparent.
    pub fn has_alpha(self) -> bool {
        !matches!(self, Self::Jpg)
    }
}

/// EXIF orientation, 1 to 8: how the stored pixels must be turned to stand upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Orientation(u8);

impl Orientation {
    /// Pixels stand upright as they are.
    pub const UPRIGHT: Self = Self(1);

    /// The orientation with this number; anything but 1 to 8 is upright.
    pub fn new(number: u16) -> Self {
        match u8::try_from(number) {
            Ok(number @ 1..=8) => Self(number),
            _ => Self::UPRIGHT,
        }
    }

    /// 1 to 8.
    pub fn number(self) -> u8 {
        self.0.max(1)
    }

    /// Whether turning exchanges width and height.
    pub fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// Whether there is nothing to turn.
    pub fn is_upright(self) -> bool {
        self.0 <= 1
    }
}

/// What the head of a source tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHeader {
    /// Found by the first bytes, never by the name.
    pub format: Format,
    /// Of the stored pixels, before any turning; of the canvas where there are frames.
    pub size: Size,
    /// 1 for a still picture.
    pub frames: u32,
    /// From EXIF, upright where there is none.
    pub orientation: Orientation,
    /// Whether a pixel may be transparent.
    pub alpha: bool,
    /// Bits of one sample, 8 or 16 for most.
    pub bits: u8,
    /// Samples of one pixel as stored: 1 grey or palette, 3, 4.
    pub channels: u8,
    /// JPEG: quality 1 to 100 by its quantisation tables. Others: `None`.
    pub quality: Option<u8>,
    /// JPEG: several scans, which must all be kept while decoding.
    pub progressive: bool,
    /// Samples are CMYK or YCCK.
    pub cmyk: bool,
    /// Bytes of an embedded colour profile, 0 where there is none.
    pub icc_bytes: u32,
}

/// What `image/info` tells beyond the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// The header.
    pub header: SourceHeader,
    /// Names and values of EXIF tags as exiv2 interprets them, without their groups.
    pub exif: Vec<(String, String)>,
}

impl SourceInfo {
    /// The body of `image/info`: every value is a string, names in alphabetical order.
    pub fn to_json(&self, file_size: u64) -> String {
        let own = [
            ("FileSize", file_size.to_string()),
            ("Format", self.header.format.name().to_owned()),
            ("FrameCount", self.header.frames.to_string()),
            ("ImageHeight", self.header.size.height.to_string()),
            ("ImageWidth", self.header.size.width.to_string()),
        ];
        let mut object = serde_json::Map::new();
        let tags = self
            .exif
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        // What the header says counts for more than what a tag claims.
        for (name, value) in tags.chain(own) {
            object.insert(name.to_owned(), serde_json::json!({ "value": value }));
        }
        serde_json::Value::Object(object).to_string()
    }
}
