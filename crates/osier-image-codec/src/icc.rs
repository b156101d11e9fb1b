//! Colour profiles: everything becomes sRGB.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

use crate::{CodecError, Raster};

/// Profiles above this size are ignored; printing profiles of four inks have about 2 MB.
const PROFILE_BYTES_MAX: usize = 4 << 20;

/// Turns rows of CMYK into RGBA, by the picture's profile where it has a usable one.
#[derive(Debug)]
pub(crate) struct CmykToRgb {
    transform: Option<Opaque>,
    row: Vec<u8>,
}

struct Opaque(Arc<Transform8BitExecutor>);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("transform")
    }
}

impl CmykToRgb {
    pub(crate) fn new(profile: Option<&[u8]>) -> Self {
        let transform = profile
            .filter(|profile| profile.len() <= PROFILE_BYTES_MAX)
            .and_then(|profile| ColorProfile::new_from_slice(profile).ok())
            .filter(|profile| profile.color_space == DataColorSpace::Cmyk)
            .and_then(|profile| {
                let srgb = ColorProfile::new_srgb();
                let options = TransformOptions::default();
                // Four inks take the layout of four channels.
                profile
                    .create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options)
                    .ok()
            })
            .map(Opaque);
        Self {
            transform,
            row: Vec::new(),
        }
    }

    /// `row` holds ink from 0, none, to 255, full.
    pub(crate) fn row(&mut self, row: &mut [u8]) -> Result<(), CodecError> {
        if let Some(Opaque(transform)) = &self.transform {
            self.row.clear();
            self.row.extend_from_slice(row);
            transform
                .transform(&self.row, row)
                .map_err(|_| CodecError::Damaged("its colour profile cannot be applied"))?;
            for pixel in row.as_chunks_mut::<4>().0 {
                pixel[3] = 255;
            }
            return Ok(());
        }
        for pixel in row.as_chunks_mut::<4>().0 {
            let [c, m, y, k] = pixel.map(|ink| 255 - u32::from(ink));
            let mix = |ink: u32| ((ink * k + 127) / 255) as u8;
            *pixel = [mix(c), mix(m), mix(y), 255];
        }
        Ok(())
    }
}

/// Turns a picture of RGB or grey with this profile into sRGB. A profile that cannot be used is
/// ignored, as browsers do.
pub fn to_srgb(picture: &mut Raster, profile: &[u8]) {
    if profile.len() > PROFILE_BYTES_MAX {
        return;
    }
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return;
    };
    if profile.color_space != DataColorSpace::Rgb || is_srgb(&profile) {
        return;
    }
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options)
    else {
        return;
    };
    let mut before = Vec::new();
    for row in picture.rows_mut() {
        before.clear();
        before.extend_from_slice(row);
        if transform.transform(&before, row).is_err() {
            row.copy_from_slice(&before);
            return;
        }
    }
}

/// Whether the profile names itself sRGB; most photographs carry one that does.
fn is_srgb(profile: &ColorProfile) -> bool {
    let srgb = ColorProfile::new_srgb();
    let near = |a: f64, b: f64| (a - b).abs() < 0.003;
    let same =
        |a: &moxcms::Xyzd, b: &moxcms::Xyzd| near(a.x, b.x) && near(a.y, b.y) && near(a.z, b.z);
    same(&profile.red_colorant, &srgb.red_colorant)
        && same(&profile.green_colorant, &srgb.green_colorant)
        && same(&profile.blue_colorant, &srgb.blue_colorant)
        && curve_is_srgb(profile.red_trc.as_ref())
        && curve_is_srgb(profile.green_trc.as_ref())
        && curve_is_srgb(profile.blue_trc.as_ref())
}

/// Whether a curve gives sRGB's value for middle grey.
fn curve_is_srgb(curve: Option<&moxcms::ToneReprCurve>) -> bool {
    match curve {
        Some(moxcms::ToneReprCurve::Lut(table)) if table.len() > 1 => {
            let at = |share: f64| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let place = ((table.len() - 1) as f64 * share).round() as usize;
                (
                    place as f64 / (table.len() - 1) as f64,
                    f64::from(table[place]) / 65_535.0,
                )
            };
            [0.25, 0.5, 0.75].into_iter().all(|share| {
                let (x, y) = at(share);
                (((x + 0.055) / 1.055).powf(2.4) - y).abs() < 0.004
            })
        }
        Some(moxcms::ToneReprCurve::Parametric(values)) => {
            values
                .first()
                .is_some_and(|gamma| (gamma - 2.4).abs() < 0.01)
                && values.len() >= 5
        }
        _ => false,
    }
}
