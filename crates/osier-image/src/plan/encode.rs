//! What the result is encoded as: settings, of which the last one counts.

use osier_types::limits::{AVIF_PIXELS_MAX, WEBP_SIDE_MAX};

use super::Encode;
use crate::geometry::Size;
use crate::grammar::{Action, Quality};
use crate::{ErrorKind, Format, ImageError, Orientation, SourceHeader};

/// Quality of a result for which none is asked; OSS does not tell its own.
const QUALITY_DEFAULT: u8 = 80;

/// The settings of the encoder, wherever in the chain they stand.
pub(super) struct Encoding {
    pub(super) format: Format,
    quality: u8,
    progressive: bool,
    grey: bool,
}

impl Encoding {
    /// The settings in `actions` for a source with this header.
    pub(super) fn of(actions: &[Action], source: &SourceHeader) -> Self {
        let (mut format, mut quality, mut progressive) = (source.format, None, false);
        for action in actions {
            match action {
                // Only a GIF becomes a GIF; anything else stays what it is.
                Action::Format(Format::Gif) => format = source.format,
                Action::Format(other) => format = *other,
                Action::Quality(wanted) => quality = Some(*wanted),
                Action::Interlace(on) => progressive = *on,
                _ => {}
            }
        }
        Self {
            format,
            quality: quality_of(quality, source),
            progressive: progressive && format == Format::Jpg,
            grey: source.channels <= 2,
        }
    }

    /// The settings for a result of this size, if it can be encoded so.
    pub(super) fn encode(
        &self,
        size: Size,
        frames: u32,
        orientation: Orientation,
        avif_pixels: u64,
    ) -> Result<Encode, ImageError> {
        let carries = matches!(
            self.format,
            Format::Jpg | Format::Png | Format::Webp | Format::Avif
        );
        if self.format == Format::Webp && size.width.max(size.height) > WEBP_SIDE_MAX {
            return Err(ImageError::plain(
                ErrorKind::ImageTooLarge,
                format!(
                    "Maximum width and height allowed is {WEBP_SIDE_MAX} pixels for converting webp"
                ),
            ));
        }
        if self.format == Format::Avif {
            if avif_pixels == 0 {
                return Err(ImageError::plain(
                    ErrorKind::NotImplemented,
                    "results in the format avif in this build",
                ));
            }
            let most = AVIF_PIXELS_MAX.min(avif_pixels);
            if size.pixels() > most {
                return Err(ImageError::new(
                    ErrorKind::ImageTooLarge,
                    "0040-00000014",
                    format!("AVIF results have at most {most} pixels"),
                ));
            }
        }
        Ok(Encode {
            format: self.format,
            size,
            frames,
            quality: self.quality,
            progressive: self.progressive,
            grey: self.grey,
            orientation: if carries {
                orientation
            } else {
                Orientation::UPRIGHT
            },
        })
    }
}

/// The quality to encode with.
///
/// A relative one is a part of a JPEG source's own, whatever the result's format; for all other
/// sources it counts as absolute. No result is better than a JPEG source.
fn quality_of(wanted: Option<Quality>, source: &SourceHeader) -> u8 {
    let own = match source.format {
        Format::Jpg => source.quality,
        _ => None,
    };
    let quality = match (wanted, own) {
        (Some(Quality::Relative(part)), Some(own)) => {
            let product = (u32::from(part) * u32::from(own) + 50) / 100;
            u8::try_from(product).unwrap_or(QUALITY_DEFAULT)
        }
        (Some(Quality::Relative(part)), None) => part,
        (Some(Quality::Absolute(part)), own) => part.min(own.unwrap_or(100)),
        (None, own) => QUALITY_DEFAULT.min(own.unwrap_or(100)),
    };
    quality.clamp(1, 100)
}
