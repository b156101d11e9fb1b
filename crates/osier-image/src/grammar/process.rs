//! The whole value of `x-oss-process`.

use osier_types::StyleName;
use osier_types::limits::PROCESS_BYTES_MAX;

use super::{Pipeline, base64url};
use crate::{ErrorKind, ImageError};

/// What `x-oss-process` asks for on a read.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// `image/...`
    Image(Pipeline),
    /// `style/NAME`
    Style(StyleName),
}

/// What `x-oss-process` asks for in a `POST`.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedProcess {
    /// What to make.
    pub process: Process,
    /// Where to put it.
    pub target: SaveAs,
}

/// `sys/saveas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveAs {
    /// `o`: the key.
    pub key: String,
    /// `b`: the bucket; absent means the source's.
    pub bucket: Option<String>,
}

/// Categories that OSS has and osier has not.
const ABSENT: [&str; 9] = [
    "video", "audio", "doc", "hls", "csv", "json", "imm", "text", "async",
];

impl Process {
    /// Reads the value, already percent-decoded once.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        check_length(text)?;
        if text.contains('|') {
            return Err(ImageError::plain(
                ErrorKind::InvalidArgument,
                "results are saved by POST only",
            ));
        }
        let (category, rest) = text.split_once('/').unwrap_or((text, ""));
        match category {
            "image" => Ok(Self::Image(Pipeline::parse(rest)?)),
            "style" => StyleName::parse(rest).map(Self::Style).map_err(|invalid| {
                ImageError::plain(ErrorKind::InvalidArgument, invalid.to_string())
            }),
            absent if ABSENT.contains(&absent) => Err(ImageError::plain(
                ErrorKind::NotImplemented,
                format!("processing of the category {absent} is not there"),
            )),
            _ => Err(ImageError::plain(
                ErrorKind::InvalidArgument,
                "x-oss-process begins with image/ or style/",
            )),
        }
    }
}

impl SavedProcess {
    /// Reads `PROCESS|sys/saveas,o_KEY,b_BUCKET`.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        check_length(text)?;
        let Some((process, after)) = text.split_once('|') else {
            // The category may be one that is not there at all.
            Process::parse(text)?;
            return Err(ImageError::plain(
                ErrorKind::MissingArgument,
                "sys/saveas says where the result goes",
            ));
        };
        Ok(Self {
            process: Process::parse(process)?,
            target: SaveAs::parse(after)?,
        })
    }
}

impl SaveAs {
    fn parse(text: &str) -> Result<Self, ImageError> {
        let mut items = text.split(',');
        match items.next() {
            Some("sys/saveas") => {}
            Some(other) if other.starts_with("sys/") => {
                return Err(ImageError::plain(
                    ErrorKind::NotImplemented,
                    "of the system operations only saveas is there",
                ));
            }
            _ => {
                return Err(ImageError::plain(
                    ErrorKind::InvalidArgument,
                    "only sys/saveas may follow the bar",
                ));
            }
        }
        let (mut key, mut bucket) = (None, None);
        for item in items {
            let (name, value) = item.split_once('_').unwrap_or((item, ""));
            let slot = match name {
                "o" => &mut key,
                "b" => &mut bucket,
                _ => {
                    return Err(ImageError::plain(
                        ErrorKind::InvalidArgument,
                        "saveas has the parameters o and b",
                    ));
                }
            };
            let value = base64url::decode_text(value)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| {
                    ImageError::plain(ErrorKind::BadRequest, "Input is not base64 decoding.")
                })?;
            *slot = Some(value);
        }
        let key = key.ok_or_else(|| {
            ImageError::plain(
                ErrorKind::MissingArgument,
                "saveas needs the parameter o, the key",
            )
        })?;
        Ok(Self { key, bucket })
    }
}

fn check_length(text: &str) -> Result<(), ImageError> {
    if text.len() > PROCESS_BYTES_MAX {
        return Err(ImageError::plain(
            ErrorKind::InvalidArgument,
            "x-oss-process is too long",
        ));
    }
    Ok(())
}
