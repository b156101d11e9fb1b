//! One spelling for all that mean the same: the part of a cache key that names the actions.
//!
//! Every parameter is written, in a fixed order; defaults too, so that a changed default changes
//! the key. What is written reads back as the same actions.

use std::fmt::{Display, Formatter, Result};

use super::{
    Action, Axis, ImageMark, MarkAlign, MarkContent, MarkFirst, Pipeline, Quality, ResizeMode,
    ResizeTarget, Rgb, TextMark, Watermark, base64url,
};

impl Display for Pipeline {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str("image/")?;
        out.write_str(&joined(&self.actions))
    }
}

fn joined(actions: &[Action]) -> String {
    let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
    actions.join("/")
}

impl Display for Action {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Resize(resize) => {
                write!(out, "resize,m_{}", resize.mode.name())?;
                match resize.target {
                    ResizeTarget::Box { width, height } => {
                        optional(out, "w", width)?;
                        optional(out, "h", height)?;
                    }
                    ResizeTarget::Sides { long, short } => {
                        optional(out, "l", long)?;
                        optional(out, "s", short)?;
                    }
                    ResizeTarget::Percent(percent) => write!(out, ",p_{percent}")?,
                    ResizeTarget::PercentOfMain(percent) => write!(out, ",P_{percent}")?,
                }
                write!(
                    out,
                    ",limit_{},color_{}",
                    u8::from(resize.limit),
                    resize.color
                )
            }
            Self::Crop(crop) => {
                out.write_str("crop")?;
                optional(out, "w", crop.width)?;
                optional(out, "h", crop.height)?;
                write!(out, ",x_{},y_{},g_{}", crop.x, crop.y, crop.gravity.name())?;
                optional(out, "p", crop.percent)
            }
            Self::IndexCrop(crop) => {
                let axis = match crop.axis {
                    Axis::X => "x",
                    Axis::Y => "y",
                };
                write!(out, "indexcrop,{axis}_{},i_{}", crop.length, crop.index)
            }
            Self::Circle { radius } => write!(out, "circle,r_{radius}"),
            Self::RoundedCorners { radius } => write!(out, "rounded-corners,r_{radius}"),
            Self::Rotate { degrees } => write!(out, "rotate,{degrees}"),
            Self::AutoOrient(on) => write!(out, "auto-orient,{}", u8::from(*on)),
            Self::Blur { radius, sigma } => write!(out, "blur,r_{radius},s_{sigma}"),
            Self::Bright(value) => write!(out, "bright,{value}"),
            Self::Contrast(value) => write!(out, "contrast,{value}"),
            Self::Sharpen(amount) => write!(out, "sharpen,{amount}"),
            Self::Quality(Quality::Relative(q)) => write!(out, "quality,q_{q}"),
            Self::Quality(Quality::Absolute(q)) => write!(out, "quality,Q_{q}"),
            Self::Format(format) => write!(out, "format,{}", format.name()),
            Self::Interlace(on) => write!(out, "interlace,{}", u8::from(*on)),
            Self::Watermark(mark) => mark.fmt(out),
            Self::AverageHue => out.write_str("average-hue"),
            Self::Info => out.write_str("info"),
        }
    }
}

impl ResizeMode {
    fn name(self) -> &'static str {
        match self {
            Self::Lfit => "lfit",
            Self::Mfit => "mfit",
            Self::Fill => "fill",
            Self::Pad => "pad",
            Self::Fixed => "fixed",
        }
    }
}

impl Display for Rgb {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let [red, green, blue] = self.0;
        write!(out, "{red:02X}{green:02X}{blue:02X}")
    }
}

impl Display for Watermark {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(
            out,
            "watermark,t_{},g_{},x_{},y_{},voffset_{}",
            self.opacity,
            self.gravity.name(),
            self.x,
            self.y,
            self.voffset
        )?;
        if let Some(gaps) = self.tile {
            write!(out, ",fill_1,padx_{},pady_{}", gaps.x, gaps.y)?;
        }
        if self.animated {
            out.write_str(",animation_1")?;
        }
        match &self.content {
            MarkContent::Text(text) => text.fmt(out),
            MarkContent::Image(image) => image.fmt(out),
            MarkContent::Both {
                text,
                image,
                first,
                align,
                interval,
            } => {
                text.fmt(out)?;
                image.fmt(out)?;
                let first = match first {
                    MarkFirst::Image => 0,
                    MarkFirst::Text => 1,
                };
                let align = match align {
                    MarkAlign::Top => 0,
                    MarkAlign::Middle => 1,
                    MarkAlign::Bottom => 2,
                };
                write!(out, ",order_{first},align_{align},interval_{interval}")
            }
        }
    }
}

impl Display for TextMark {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(
            out,
            ",text_{},type_{},color_{},size_{},shadow_{},rotate_{}",
            base64url::encode(&self.text),
            base64url::encode(self.font.name()),
            self.color,
            self.size,
            self.shadow,
            self.rotate
        )
    }
}

impl Display for ImageMark {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let source = if self.actions.is_empty() {
            self.key.clone()
        } else {
            format!("{}?x-oss-process=image/{}", self.key, joined(&self.actions))
        };
        write!(out, ",image_{}", base64url::encode(&source))
    }
}

fn optional(out: &mut Formatter<'_>, key: &str, value: Option<u32>) -> Result {
    value.map_or(Ok(()), |value| write!(out, ",{key}_{value}"))
}
