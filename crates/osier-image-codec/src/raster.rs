//! Pixels in memory: eight bits of red, green, blue and straight alpha.
//!
//! One form for every format keeps the operations few. Grey pictures are written as grey again by
//! the encoders, which look for themselves.

use crate::CodecError;

/// A picture as rows of RGBA, from the top.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Raster {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    opaque: bool,
}

impl Raster {
    /// A picture of one colour.
    pub fn filled(width: u32, height: u32, colour: [u8; 4]) -> Result<Self, CodecError> {
        let pixels = if colour == [0; 4] {
            vec![0; area(width, height)? * 4]
        } else {
            colour.repeat(area(width, height)?)
        };
        Ok(Self {
            width,
            height,
            pixels,
            opaque: colour[3] == u8::MAX,
        })
    }

    /// Takes rows of RGBA; `opaque` is a promise that every alpha is 255.
    pub fn from_pixels(
        width: u32,
        height: u32,
        pixels: Vec<u8>,
        opaque: bool,
    ) -> Result<Self, CodecError> {
        if pixels.len() != area(width, height)? * 4 {
            return Err(CodecError::Damaged("the pixels do not fill the picture"));
        }
        Ok(Self {
            width,
            height,
            pixels,
            opaque,
        })
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// Whether every pixel is known to be opaque.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Looks at every pixel where the flag does not say it already.
    pub fn shows_through(&self) -> bool {
        !self.opaque
            && self
                .pixels
                .iter()
                .skip(3)
                .step_by(4)
                .any(|alpha| *alpha != u8::MAX)
    }

    /// Whether every pixel is a shade of grey.
    pub fn is_grey(&self) -> bool {
        self.pixels
            .as_chunks::<4>()
            .0
            .iter()
            .all(|[r, g, b, _]| r == g && g == b)
    }

    /// After pixels were changed: whether all are opaque now.
    pub fn set_opaque(&mut self, opaque: bool) {
        self.opaque = opaque;
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Bytes in a row.
    pub fn stride(&self) -> usize {
        self.width as usize * 4
    }

    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.pixels.chunks_exact(self.stride().max(1))
    }

    pub fn rows_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut [u8]> + ExactSizeIterator {
        let stride = self.stride().max(1);
        self.pixels.chunks_exact_mut(stride)
    }
}

/// Pixels of a picture, where they can be counted and there is at least one.
pub(crate) fn area(width: u32, height: u32) -> Result<usize, CodecError> {
    let area = u64::from(width) * u64::from(height);
    // Four bytes each must stay addressable on every platform.
    if area == 0 || area > u64::from(u32::MAX >> 3) {
        return Err(CodecError::TooLarge("pixels"));
    }
    usize::try_from(area).map_err(|_| CodecError::TooLarge("pixels"))
}
