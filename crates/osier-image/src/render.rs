//! The front door to pixels: what a source is, and what a plan makes of it.
//!
//! Blocks and computes; whoever calls it does so on a thread of its own and
//! holds the permits for [`Price`](crate::plan::Price).

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
    let _ = source;
    Err(absent())
}

/// Reads the header and the EXIF tags of a source for `image/info`.
pub fn describe(source: &[u8]) -> Result<SourceInfo, ImageError> {
    let _ = source;
    Err(absent())
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
    let _ = (plan, source, marks, budget, cancel);
    Err(absent())
}

fn absent() -> ImageError {
    ImageError::plain(
        ErrorKind::NotImplemented,
        "pictures can't be rendered in this build",
    )
}
