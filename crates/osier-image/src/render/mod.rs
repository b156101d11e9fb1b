//! The front door to pixels: what a source is, and what a plan makes of it.
//!
//! Blocks and computes; whoever calls it does so on a thread of its own and
//! holds the permits for [`Price`](crate::plan::Price).

mod blend;
mod blur;
mod job;
mod mark;
mod shape;
mod source;
mod text;
mod tone;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};

use osier_image_codec::CodecError;

use crate::plan::Plan;
use crate::{Cancel, ErrorKind, ImageError, SourceHeader, SourceInfo};

/// What a job may use, whatever its plan says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of memory at its peak, without sources and result.
    pub memory_bytes: u64,
    /// Pixels of all decoded frames together.
    pub pixels: u64,
    /// Frames of an animation.
    pub frames: u32,
    /// Bytes of the result.
    pub result_bytes: u64,
}

/// Reads the header of a source. Touches no pixel; allocates little.
pub fn inspect(source: &[u8]) -> Result<SourceHeader, ImageError> {
    guarded(|| source::inspect(source))
}

/// Reads the header and the EXIF tags of a source for `image/info`.
pub fn describe(source: &[u8]) -> Result<SourceInfo, ImageError> {
    guarded(|| source::describe(source))
}

/// Carries out a plan. `marks` are the watermark sources in the order of
/// [`Pipeline::mark_keys`](crate::grammar::Pipeline::mark_keys).
///
/// Returns the encoded picture, or the text of `average-hue`.
pub fn render(
    plan: &Plan,
    source: &[u8],
    marks: &[&[u8]],
    budget: &Budget,
    cancel: &Cancel,
) -> Result<Vec<u8>, ImageError> {
    guarded(|| job::run(plan, source, marks, budget, cancel)).map_err(|error| {
        // The codecs know that they were stopped, not why.
        match (error.kind, cancel.stopped()) {
            (ErrorKind::Stopped, Some(why)) => why.into(),
            _ => error,
        }
    })
}

/// A panic in a decoder means a picture that its authors did not think of: it ends this job only.
fn guarded<T>(work: impl FnOnce() -> Result<T, ImageError>) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ImageError::undecodable("the picture can't be decoded")))
}

impl From<CodecError> for ImageError {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Unknown => Self::new(
                ErrorKind::BadRequest,
                "0040-00000005",
                "This image format is not supported.",
            ),
            CodecError::Unsupported(what) => Self::undecodable(format!("{what} is not supported")),
            CodecError::TooLarge(what) => Self::plain(
                ErrorKind::ImageTooLarge,
                format!("the picture has more {what} than allowed"),
            ),
            CodecError::Stopped => Self::plain(ErrorKind::Stopped, "stopped"),
            CodecError::Encode(what) => Self::plain(
                ErrorKind::Internal,
                format!("the {what} encoder refused the result"),
            ),
            CodecError::Damaged(what) => {
                Self::undecodable(format!("the picture is damaged: {what}"))
            }
            _ => Self::undecodable("the picture can't be decoded"),
        }
    }
}

#[cfg(test)]
mod tests;
