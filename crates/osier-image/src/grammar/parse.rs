//! From text to actions.
//!
//! Numbers in `0040-...` are those of OSS's error pages, one page for each.

use osier_types::limits::{IMAGE_ACTIONS_MAX, IMAGE_MARKS_MAX, MARK_TEXT_BYTES_MAX};

use super::parameters::{Parameters, bare, bare_number, invalid};
use super::{
    Action, Axis, Crop, FontId, Gaps, ImageMark, IndexCrop, MarkAlign, MarkContent, MarkFirst,
    Pipeline, Quality, Resize, ResizeMode, ResizeTarget, Rgb, TextMark, Watermark,
};
use crate::geometry::Gravity;
use crate::{ErrorKind, Format, ImageError};

/// Longest side that `resize` takes.
const SIDE: std::ops::RangeInclusive<i32> = 1..=16_384;
/// Offsets, gaps and radii.
const OFFSET: std::ops::RangeInclusive<i32> = 0..=4096;
const RADIUS: std::ops::RangeInclusive<i32> = 1..=4096;
/// What a picture may be cut by; the planner compares it with the picture.
const EXTENT: std::ops::RangeInclusive<i32> = 0..=999_999_999;

/// Actions of OSS that need an algorithm or a service that is not public.
const ABSENT: [&str; 12] = [
    "blindwatermark",
    "deblindwatermark",
    "codes",
    "detect",
    "enhance",
    "faces",
    "face",
    "labels",
    "livetranscode",
    "ocr",
    "score",
    "segment",
];

impl Pipeline {
    /// The actions after `image/`.
    pub(super) fn parse(text: &str) -> Result<Self, ImageError> {
        if text.is_empty() {
            return Err(ImageError::new(
                ErrorKind::InvalidArgument,
                "0040-00000212",
                "no action is named",
            ));
        }
        let actions = parse_actions(text, Place::Main)?;
        let alone = |action: &Action| matches!(action, Action::Info | Action::AverageHue);
        if actions.len() > 1 && actions.iter().any(alone) {
            return Err(ImageError::plain(
                ErrorKind::InvalidArgument,
                "info and average-hue can't be combined with other actions",
            ));
        }
        let pipeline = Self { actions };
        if pipeline.mark_keys().len() > IMAGE_MARKS_MAX {
            return Err(ImageError::new(
                ErrorKind::InvalidArgument,
                "0040-00000026",
                "a picture takes at most three picture watermarks",
            ));
        }
        Ok(pipeline)
    }
}

/// Which picture actions are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Main,
    Mark,
}

fn parse_actions(text: &str, place: Place) -> Result<Vec<Action>, ImageError> {
    if text.split('/').count() > IMAGE_ACTIONS_MAX {
        return Err(ImageError::plain(
            ErrorKind::InvalidArgument,
            "too many actions",
        ));
    }
    text.split('/')
        .map(|action| parse_action(action, place))
        .collect()
}

fn parse_action(text: &str, place: Place) -> Result<Action, ImageError> {
    let mut items = text.split(',');
    let name = items.next().unwrap_or("");
    let items: Vec<&str> = items.collect();
    let items = items.as_slice();
    if place == Place::Mark
        && !matches!(
            name,
            "resize" | "crop" | "indexcrop" | "rounded-corners" | "rotate"
        )
    {
        return Err(ImageError::new(
            ErrorKind::InvalidArgument,
            "0040-00000373",
            "a watermark picture can't be prepared by this action",
        ));
    }
    match name {
        "resize" => resize(items, place),
        "crop" => crop(items),
        "indexcrop" => index_crop(items),
        "circle" => Ok(Action::Circle {
            radius: radius("circle", items, "0040-00000233")?,
        }),
        "rounded-corners" => Ok(Action::RoundedCorners {
            radius: radius("rounded-corners", items, "0040-00000237")?,
        }),
        "rotate" => {
            let (missing, wrong) = (Some("0040-00000216"), Some("0040-00000217"));
            let degrees = bare_number("rotate", items, 0..=360, missing, wrong)?;
            Ok(Action::Rotate {
                degrees: u16::try_from(degrees).unwrap_or(0),
            })
        }
        "auto-orient" => {
            let (missing, wrong) = (Some("0040-00000214"), Some("0040-00000215"));
            bare_number("auto-orient", items, 0..=1, missing, wrong)
                .map(|on| Action::AutoOrient(on == 1))
        }
        "blur" => blur(items),
        "bright" => {
            let (missing, wrong) = (Some("0040-00000245"), Some("0040-00000246"));
            signed("bright", items, missing, wrong).map(Action::Bright)
        }
        // Of contrast only the page of the retired syntax is known.
        "contrast" => signed("contrast", items, None, Some("0040-00000248")).map(Action::Contrast),
        "sharpen" => {
            let (missing, wrong) = (Some("0040-00000279"), Some("0040-00000280"));
            bare_number("sharpen", items, 50..=399, missing, wrong)
                .map(|amount| Action::Sharpen(u16::try_from(amount).unwrap_or(0)))
        }
        "quality" => quality(items),
        "format" => format(items),
        "interlace" => {
            let (missing, wrong) = (Some("0040-00000281"), Some("0040-00000282"));
            bare_number("interlace", items, 0..=1, missing, wrong)
                .map(|on| Action::Interlace(on == 1))
        }
        "watermark" => watermark(items).map(Box::new).map(Action::Watermark),
        "average-hue" => alone(items, Action::AverageHue),
        "info" => alone(items, Action::Info),
        absent if ABSENT.contains(&absent) => Err(ImageError::plain(
            ErrorKind::NotImplemented,
            format!("the action {absent}"),
        )),
        _ => Err(ImageError::new(
            ErrorKind::InvalidArgument,
            "0040-00000213",
            "there is no such action",
        )),
    }
}

fn resize(items: &[&str], place: Place) -> Result<Action, ImageError> {
    let known: &[&str] = match place {
        Place::Main => &["m", "w", "h", "l", "s", "p", "limit", "color"],
        Place::Mark => &["m", "w", "h", "l", "s", "p", "P", "limit", "color"],
    };
    let given = Parameters::keyed("resize", items, known)?;
    let mode = match given.text("m") {
        None | Some("lfit") => ResizeMode::Lfit,
        Some("mfit") => ResizeMode::Mfit,
        Some("fill") => ResizeMode::Fill,
        Some("pad") => ResizeMode::Pad,
        Some("fixed") => ResizeMode::Fixed,
        Some(_) => {
            return Err(invalid(
                Some("0040-00000311"),
                "m of resize is lfit, mfit, fill, pad or fixed".to_owned(),
            ));
        }
    };
    let limit = given.flag("limit", Some("0040-00000319"))?.unwrap_or(true);
    let color = given
        .color("color", Some("0040-00000318"))?
        .unwrap_or(Rgb([0xff; 3]));
    Ok(Action::Resize(Resize {
        mode,
        target: resize_target(&given)?,
        limit,
        color,
    }))
}

/// What decides the size: `w` and `h` before `l` and `s` before `p`.
fn resize_target(given: &Parameters<'_>) -> Result<ResizeTarget, ImageError> {
    // 0 stands for a side that is not given, as long as the other one is.
    let side = |key, ec| given.count(key, 0..=*SIDE.end(), Some(ec));
    let (width, height) = (side("w", "0040-00000312")?, side("h", "0040-00000313")?);
    let long = given.count("l", SIDE, Some("0040-00000314"))?;
    let short = given.count("s", SIDE, Some("0040-00000315"))?;
    let percent = given.count("p", 1..=1000, Some("0040-00000317"))?;
    let of_main = given.count("P", 1..=100, None)?;
    // The pages of these numbers have `w_0`, `h_0` and `w_0,h_0` as their examples.
    let nothing = match (width, height) {
        (Some(0), None) => Some(("0040-00000312", "w of resize can't be 0")),
        (None, Some(0)) => Some(("0040-00000313", "h of resize can't be 0")),
        (Some(0), Some(0)) => Some(("0040-00000321", "w and h of resize can't both be 0")),
        _ => None,
    };
    if let Some((ec, message)) = nothing {
        return Err(invalid(Some(ec), message.to_owned()));
    }
    if width.is_some() || height.is_some() {
        let given = |side: Option<u32>| side.filter(|side| *side > 0);
        let (width, height) = (given(width), given(height));
        return Ok(ResizeTarget::Box { width, height });
    }
    if long.is_some() || short.is_some() {
        return Ok(ResizeTarget::Sides { long, short });
    }
    if let Some(percent) = percent {
        return Ok(ResizeTarget::Percent(percent));
    }
    of_main.map(ResizeTarget::PercentOfMain).ok_or_else(|| {
        ImageError::new(
            ErrorKind::MissingArgument,
            "0040-00000322",
            "resize needs a size",
        )
    })
}

fn crop(items: &[&str]) -> Result<Action, ImageError> {
    let given = Parameters::keyed("crop", items, &["w", "h", "x", "y", "g", "p"])?;
    let gravity = match given.text("g") {
        None => Gravity::NorthWest,
        Some("auto" | "face") => {
            return Err(ImageError::plain(
                ErrorKind::NotImplemented,
                "crops that look for something",
            ));
        }
        Some(name) => Gravity::parse(name).ok_or_else(|| {
            invalid(
                Some("0040-00000209"),
                "g of crop is one of the nine anchors".to_owned(),
            )
        })?,
    };
    let all = |side: Option<u32>| side.filter(|side| *side > 0);
    Ok(Action::Crop(Crop {
        width: all(given.count("w", EXTENT, Some("0040-00000225"))?),
        height: all(given.count("h", EXTENT, Some("0040-00000226"))?),
        x: given.count("x", EXTENT, None)?.unwrap_or(0),
        y: given.count("y", EXTENT, None)?.unwrap_or(0),
        gravity,
        percent: given.count("p", 1..=200, None)?,
    }))
}

fn index_crop(items: &[&str]) -> Result<Action, ImageError> {
    let given = Parameters::keyed("indexcrop", items, &["x", "y", "i"])?;
    // One error page for 0, one for each that is no number.
    let length = |key, ec| {
        given
            .count(key, EXTENT, ec)?
            .map(|length| {
                Some(length).filter(|length| *length > 0).ok_or_else(|| {
                    invalid(
                        Some("0040-00000230"),
                        format!("{key} of indexcrop is at least 1"),
                    )
                })
            })
            .transpose()
    };
    let index = given
        .count("i", EXTENT, Some("0040-00000229"))?
        .unwrap_or(0);
    let (across, down) = (
        length("x", Some("0040-00000223"))?,
        length("y", Some("0040-00000224"))?,
    );
    let (axis, length) = match (across, down) {
        (_, Some(length)) => (Axis::Y, length),
        (Some(length), None) => (Axis::X, length),
        (None, None) => {
            return Err(ImageError::plain(
                ErrorKind::MissingArgument,
                "indexcrop needs x or y",
            ));
        }
    };
    Ok(Action::IndexCrop(IndexCrop {
        axis,
        length,
        index,
    }))
}

fn radius(action: &str, items: &[&str], ec: &'static str) -> Result<u32, ImageError> {
    Parameters::keyed(action, items, &["r"])?
        .count("r", RADIUS, Some(ec))?
        .ok_or_else(|| {
            ImageError::plain(
                ErrorKind::MissingArgument,
                format!("{action} needs the parameter r"),
            )
        })
}

fn blur(items: &[&str]) -> Result<Action, ImageError> {
    let given = Parameters::keyed("blur", items, &["r", "s", "g", "p"])?;
    if given.text("g").is_some() || given.text("p").is_some() {
        return Err(ImageError::plain(
            ErrorKind::NotImplemented,
            "blurring what is looked for",
        ));
    }
    let (radius, sigma) = (
        given.count("r", 1..=50, Some("0040-00000241"))?,
        given.count("s", 1..=50, Some("0040-00000242"))?,
    );
    match (radius, sigma) {
        (Some(radius), Some(sigma)) => Ok(Action::Blur { radius, sigma }),
        _ => Err(ImageError::plain(
            ErrorKind::MissingArgument,
            "blur needs the parameters r and s",
        )),
    }
}

fn signed(
    action: &str,
    items: &[&str],
    missing: Option<&'static str>,
    wrong: Option<&'static str>,
) -> Result<i8, ImageError> {
    let value = bare_number(action, items, -100..=100, missing, wrong)?;
    Ok(i8::try_from(value).unwrap_or(0))
}

fn quality(items: &[&str]) -> Result<Action, ImageError> {
    // The parameters' page has `q` and `Q` only, that of error 310 has a bare value from 1 to 100
    // besides; it is taken for `q`.
    if let [value] = items
        && value.bytes().all(|digit| digit.is_ascii_digit())
        && !value.is_empty()
    {
        let value = bare_number("quality", items, 1..=100, None, Some("0040-00000310"))?;
        let value = u8::try_from(value).unwrap_or(100);
        return Ok(Action::Quality(Quality::Relative(value)));
    }
    let given = Parameters::keyed("quality", items, &["q", "Q"])?;
    let per_cent = |key, ec| -> Result<Option<u8>, ImageError> {
        let value = given.count(key, 1..=100, Some(ec))?;
        Ok(value.and_then(|value| u8::try_from(value).ok()))
    };
    let (relative, absolute) = (
        per_cent("q", "0040-00000309")?,
        per_cent("Q", "0040-00000308")?,
    );
    absolute
        .map(Quality::Absolute)
        .or(relative.map(Quality::Relative))
        .map(Action::Quality)
        .ok_or_else(|| {
            ImageError::new(
                ErrorKind::MissingArgument,
                "0040-00000307",
                "quality needs q or Q",
            )
        })
}

fn format(items: &[&str]) -> Result<Action, ImageError> {
    let format = match bare("format", items, Some("0040-00000207"))? {
        "jpg" => Format::Jpg,
        "png" => Format::Png,
        "webp" => Format::Webp,
        "bmp" => Format::Bmp,
        "gif" => Format::Gif,
        "tiff" => Format::Tiff,
        "avif" => Format::Avif,
        "heic" => {
            return Err(ImageError::plain(ErrorKind::NotImplemented, "HEIC"));
        }
        _ => {
            return Err(invalid(
                Some("0040-00000206"),
                "format is jpg, png, webp, bmp, gif, tiff or avif".to_owned(),
            ));
        }
    };
    Ok(Action::Format(format))
}

fn alone(items: &[&str], action: Action) -> Result<Action, ImageError> {
    if items.is_empty() {
        return Ok(action);
    }
    Err(ImageError::plain(
        ErrorKind::InvalidArgument,
        "info and average-hue have no parameters",
    ))
}

fn watermark(items: &[&str]) -> Result<Watermark, ImageError> {
    let given = Parameters::keyed(
        "watermark",
        items,
        &[
            "t",
            "g",
            "x",
            "y",
            "voffset",
            "fill",
            "padx",
            "pady",
            "animation",
            "text",
            "type",
            "color",
            "size",
            "shadow",
            "rotate",
            "image",
            "order",
            "align",
            "interval",
        ],
    )?;
    let gravity = match given.text("g") {
        None => Gravity::SouthEast,
        Some(name) => Gravity::parse(name).ok_or_else(|| {
            invalid(
                Some("0040-00000260"),
                "g of watermark is one of the nine anchors".to_owned(),
            )
        })?,
    };
    let gaps = Gaps {
        x: given
            .count("padx", OFFSET, Some("0040-00000276"))?
            .unwrap_or(0),
        y: given
            .count("pady", OFFSET, Some("0040-00000277"))?
            .unwrap_or(0),
    };
    Ok(Watermark {
        opacity: per_cent(&given, "t", 100, Some("0040-00000263"))?,
        gravity,
        x: (given.count("x", OFFSET, Some("0040-00000262"))?).unwrap_or(10),
        y: (given.count("y", OFFSET, Some("0040-00000264"))?).unwrap_or(10),
        voffset: given
            .number("voffset", -1000..=1000, Some("0040-00000268"))?
            .unwrap_or(0),
        tile: given
            .flag("fill", Some("0040-00000274"))?
            .unwrap_or(false)
            .then_some(gaps),
        animated: given.flag("animation", None)?.unwrap_or(false),
        content: mark_content(&given)?,
    })
}

fn mark_content(given: &Parameters<'_>) -> Result<MarkContent, ImageError> {
    let (text, image) = (text_mark(given)?, image_mark(given)?);
    let first = match given.number("order", 0..=1, Some("0040-00000269"))? {
        Some(1) => MarkFirst::Text,
        _ => MarkFirst::Image,
    };
    // Newer pages say 2 is the default, older ones 0.
    let align = match given.number("align", 0..=2, Some("0040-00000271"))? {
        Some(0) => MarkAlign::Top,
        Some(1) => MarkAlign::Middle,
        _ => MarkAlign::Bottom,
    };
    let interval = given
        .count("interval", 0..=1000, Some("0040-00000270"))?
        .unwrap_or(0);
    match (text, image) {
        (Some(text), Some(image)) => Ok(MarkContent::Both {
            text,
            image,
            first,
            align,
            interval,
        }),
        (Some(text), None) => Ok(MarkContent::Text(text)),
        (None, Some(image)) => Ok(MarkContent::Image(image)),
        (None, None) => Err(ImageError::new(
            ErrorKind::MissingArgument,
            "0040-00000278",
            "watermark needs text or image",
        )),
    }
}

fn text_mark(given: &Parameters<'_>) -> Result<Option<TextMark>, ImageError> {
    let font = match given.encoded("type", "0040-00000250")? {
        None => FontId::WqyZenhei,
        Some(name) => FontId::ALL
            .into_iter()
            .find(|font| font.name() == name)
            .ok_or_else(|| invalid(Some("0040-00000251"), "there is no such font".to_owned()))?,
    };
    let color = given
        .color("color", Some("0040-00000254"))?
        .unwrap_or(Rgb([0; 3]));
    let size = given
        .count("size", 1..=1000, Some("0040-00000256"))?
        .unwrap_or(40);
    let shadow = per_cent(given, "shadow", 0, Some("0040-00000255"))?;
    let rotate = given
        .number("rotate", 0..=360, Some("0040-00000272"))?
        .unwrap_or(0);
    let Some(text) = given.encoded("text", "0040-00000257")? else {
        return Ok(None);
    };
    if text.is_empty() {
        return Err(invalid(
            Some("0040-00000258"),
            "text of watermark is empty".to_owned(),
        ));
    }
    if text.len() > MARK_TEXT_BYTES_MAX {
        return Err(invalid(
            Some("0040-00000259"),
            format!("text of watermark is at most {MARK_TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(Some(TextMark {
        text,
        font,
        color,
        size,
        shadow,
        rotate: u16::try_from(rotate).unwrap_or(0),
    }))
}

/// `KEY` or `KEY?x-oss-process=image/...`, in base64.
fn image_mark(given: &Parameters<'_>) -> Result<Option<ImageMark>, ImageError> {
    let Some(source) = given.encoded("image", "0040-00000265")? else {
        return Ok(None);
    };
    let (key, process) = source
        .split_once("?x-oss-process=")
        .map_or((source.as_str(), None), |(key, process)| {
            (key, Some(process))
        });
    if key.is_empty() {
        return Err(invalid(
            Some("0040-00000265"),
            "image of watermark is empty".to_owned(),
        ));
    }
    let actions = match process {
        None => Vec::new(),
        Some(process) => {
            let actions = process.strip_prefix("image/").ok_or_else(|| {
                ImageError::new(
                    ErrorKind::InvalidArgument,
                    "0040-00000373",
                    "a watermark picture is prepared by image/ only",
                )
            })?;
            parse_actions(actions, Place::Mark)?
        }
    };
    Ok(Some(ImageMark {
        key: key.to_owned(),
        actions,
    }))
}

fn per_cent(
    given: &Parameters<'_>,
    key: &str,
    default: u8,
    ec: Option<&'static str>,
) -> Result<u8, ImageError> {
    let value = given.count(key, 0..=100, ec)?;
    Ok(value
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(default))
}
