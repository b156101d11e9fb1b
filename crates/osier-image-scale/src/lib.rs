//! Resampling of RGBA pixels; knows no picture type, so that nothing else makes it compile again.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

/// The part of the source to use, in fractions of pixels.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Pixels or sizes that do not fit together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mismatch;

/// Resamples rows of RGBA. Towards less by Lanczos with three lobes, towards more by Catmull and
/// Rom's cubic. Unless the pixels are `opaque`, colours count by their alpha.
pub fn resize(
    pixels: &[u8],
    size: (u32, u32),
    window: Window,
    target: (u32, u32),
    opaque: bool,
) -> Result<Vec<u8>, Mismatch> {
    let source = ImageRef::new(size.0, size.1, pixels, PixelType::U8x4).map_err(|_| Mismatch)?;
    let mut result = Image::new(target.0, target.1, PixelType::U8x4);
    let grows = f64::from(target.0) > window.width || f64::from(target.1) > window.height;
    let filter = if grows {
        FilterType::CatmullRom
    } else {
        FilterType::Lanczos3
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(window.x, window.y, window.width, window.height)
        .use_alpha(!opaque);
    Resizer::new()
        .resize(&source, &mut result, &options)
        .map_err(|_| Mismatch)?;
    Ok(result.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_colours_do_not_bleed() {
        // Left half opaque red, right half fully transparent green.
        let row = [
            [255, 0, 0, 255_u8],
            [255, 0, 0, 255],
            [0, 255, 0, 0],
            [0, 255, 0, 0],
        ];
        let pixels: Vec<u8> = row.iter().cycle().take(16).flatten().copied().collect();
        let window = Window {
            x: 0.0,
            y: 0.0,
            width: 4.0,
            height: 4.0,
        };
        let small = resize(&pixels, (4, 4), window, (2, 2), false).unwrap();
        assert!(small.chunks(4).all(|pixel| pixel[3] < 40 || pixel[1] == 0));
    }

    #[test]
    fn sizes_are_checked() {
        let window = Window {
            x: 0.0,
            y: 0.0,
            width: 4.0,
            height: 4.0,
        };
        assert_eq!(resize(&[0; 4], (4, 4), window, (2, 2), true), Err(Mismatch));
    }
}
