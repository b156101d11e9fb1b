//! Pixels to JPEG: 4:2:0, or grey where that is asked for and every pixel is.

use jpeg_encoder::{ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use crate::{CodecError, Raster, Stop, cpu, exif};

/// How to write a JPEG.
#[derive(Clone, Copy, Debug)]
pub struct JpegSettings {
    /// 1 to 100, as the IJG counts it.
    pub quality: u8,
    pub progressive: bool,
    /// Whether a picture of grey pixels is written as grey.
    pub grey: bool,
    /// Exif orientation to be written, 1 for none.
    pub orientation: u8,
}

/// Encodes a picture. Alpha is not looked at: what shows through is laid onto a colour before.
pub fn encode(
    picture: &Raster,
    settings: JpegSettings,
    stop: Stop<'_>,
) -> Result<Vec<u8>, CodecError> {
    const TOO_LARGE: CodecError = CodecError::TooLarge("pixels a side for JPEG");
    let mut out = Vec::with_capacity(picture.pixels().len() / 16 + 1024);
    let mut encoder = Encoder::new(&mut out, settings.quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_progressive(settings.progressive);
    if settings.orientation > 1 {
        encoder
            .add_exif_metadata(&exif::orientation_only(settings.orientation))
            .map_err(|_| CodecError::Encode("orientation"))?;
    }
    let pixels = Pixels {
        picture,
        width: u16::try_from(picture.width()).map_err(|_| TOO_LARGE)?,
        height: u16::try_from(picture.height()).map_err(|_| TOO_LARGE)?,
        grey: settings.grey && picture.is_grey(),
        stop,
    };
    encoder
        .encode_image(pixels)
        .map_err(|_| CodecError::Encode("JPEG"))?;
    if stop.is_set() {
        Err(CodecError::Stopped)
    } else {
        Ok(out)
    }
}

struct Pixels<'a> {
    picture: &'a Raster,
    width: u16,
    height: u16,
    grey: bool,
    stop: Stop<'a>,
}

impl ImageBuffer for Pixels<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.grey {
            JpegColorType::Luma
        } else {
            JpegColorType::Ycbcr
        }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let stride = self.picture.stride();
        let at = usize::from(y) * stride;
        let row = self
            .picture
            .pixels()
            .get(at..at + stride)
            .unwrap_or_default();
        let [luma, cb, cr, _] = buffers;
        let old = luma.len();
        luma.resize(old + usize::from(self.width), 0);
        let luma = luma.get_mut(old..).unwrap_or_default();
        // A job that was stopped runs on with empty rows; its result is thrown away.
        if self.grey || self.stop.is_set() {
            for (luma, pixel) in luma.iter_mut().zip(row.as_chunks::<4>().0) {
                *luma = pixel[0];
            }
            if !self.grey {
                cb.resize(old + usize::from(self.width), 128);
                cr.resize(old + usize::from(self.width), 128);
            }
            return;
        }
        cb.resize(old + usize::from(self.width), 0);
        cr.resize(old + usize::from(self.width), 0);
        let (cb, cr) = (
            cb.get_mut(old..).unwrap_or_default(),
            cr.get_mut(old..).unwrap_or_default(),
        );
        split(row, luma, cb, cr);
    }
}

fn split(row: &[u8], luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if cpu::has_avx2() {
        // SAFETY: the processor has every feature that the function is compiled for.
        #[allow(unsafe_code)]
        return unsafe { split_avx2(row, luma, cb, cr) };
    }
    split_any(row, luma, cb, cr);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn split_avx2(row: &[u8], luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
    split_any(row, luma, cb, cr);
}

/// ITU-R BT.601 at full range, as JFIF has it, in sixteen bits of fraction.
#[inline(always)]
fn split_any(row: &[u8], luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
    let pixels = row.as_chunks::<4>().0;
    for (((pixel, luma), cb), cr) in pixels.iter().zip(luma).zip(cb).zip(cr) {
        let word = u32::from_le_bytes(*pixel).cast_signed();
        let (r, g, b) = (word & 255, word >> 8 & 255, word >> 16 & 255);
        *luma = ((19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16) as u8;
        *cb = ((-11_059 * r - 21_709 * g + 32_768 * b + (128 << 16) + 32_767) >> 16) as u8;
        *cr = ((32_768 * r - 27_439 * g - 5_329 * b + (128 << 16) + 32_767) >> 16) as u8;
    }
}
