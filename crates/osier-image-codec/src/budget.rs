//! What one job may use, and the flag by which its owner ends it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::CodecError;

/// Limits of one decoder run. The flag is set by whoever measures time or sees the client leave;
/// decoders and encoders look at it between batches of rows and between frames.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// Pixels of the source, summed over the frames that are decoded.
    pub pixels: u64,
    /// Frames that may be decoded.
    pub frames: u32,
    /// Bytes a decoder may hold beside the picture it returns.
    pub bytes: u64,
    pub stop: &'a AtomicBool,
}

impl Budget<'_> {
    /// To be called between batches of rows.
    pub fn check(&self) -> Result<(), CodecError> {
        if self.stop.load(Ordering::Relaxed) { Err(CodecError::Stopped) } else { Ok(()) }
    }

    pub(crate) fn admit(&self, width: u32, height: u32) -> Result<(), CodecError> {
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(CodecError::TooLarge("pixels"));
        }
        Ok(())
    }

    pub(crate) fn admit_bytes(&self, bytes: usize) -> Result<(), CodecError> {
        if bytes as u64 > self.bytes { Err(CodecError::TooLarge("memory")) } else { Ok(()) }
    }
}
