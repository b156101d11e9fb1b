//! What one job may use, and how its owner ends it.

use std::fmt;

use crate::CodecError;

/// The question whether to stop, which decoders and encoders ask between batches of rows and
/// between frames. Whoever measures time or sees the client leave has the answer.
#[derive(Clone, Copy)]
pub struct Stop<'a>(&'a (dyn Fn() -> bool + Sync));

impl<'a> Stop<'a> {
    pub fn new(asked: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(asked)
    }

    /// Never stops.
    pub fn never() -> Self {
        Self(&|| false)
    }

    pub fn is_set(self) -> bool {
        (self.0)()
    }

    pub fn check(self) -> Result<(), CodecError> {
        if self.is_set() {
            Err(CodecError::Stopped)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Stop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}

/// Limits of one decoder run.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// Pixels of the source, summed over the frames that are decoded.
    pub pixels: u64,
    /// Frames that may be decoded.
    pub frames: u32,
    /// Bytes a decoder may hold beside the picture it returns.
    pub bytes: u64,
    pub stop: Stop<'a>,
}

impl Budget<'_> {
    /// To be called between batches of rows.
    pub fn check(&self) -> Result<(), CodecError> {
        self.stop.check()
    }

    pub(crate) fn admit(&self, width: u32, height: u32) -> Result<(), CodecError> {
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(CodecError::TooLarge("pixels"));
        }
        Ok(())
    }

    pub(crate) fn admit_bytes(&self, bytes: usize) -> Result<(), CodecError> {
        if bytes as u64 > self.bytes {
            Err(CodecError::TooLarge("memory"))
        } else {
            Ok(())
        }
    }
}
