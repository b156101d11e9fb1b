//! Text as a picture.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use osier_image_codec::{Raster, Stop};

use super::{blend, turn};
use crate::geometry::Size;
use crate::grammar::{FontId, Rgb, TextMark};
use crate::plan::Outside;
use crate::{ErrorKind, ImageError};

/// Draws a text in one line on nothing. The box is as wide as the glyphs advance and as high as
/// the font's ascent and descent, so that texts of one size stand on one line; a shadow widens it.
pub(super) fn draw(mark: &TextMark, stop: Stop<'_>) -> Result<Raster, ImageError> {
    let font = FontRef::try_from_slice_and_index(face(mark.font), 0)
        .map_err(|_| ImageError::plain(ErrorKind::Internal, "the font is broken"))?;
    let scale = em_scale(&font, mark.size);
    let scaled = font.as_scaled(scale);
    let mut caret = 0.0;
    let mut glyphs: Vec<Glyph> = Vec::new();
    for character in mark.text.chars() {
        if character.is_control() {
            continue;
        }
        let id = font.glyph_id(character);
        if let Some(last) = glyphs.last() {
            caret += scaled.kern(last.id, id);
        }
        glyphs.push(id.with_scale_and_position(scale, point(caret, scaled.ascent())));
        caret += scaled.h_advance(id);
    }
    let offset = if mark.shadow > 0 {
        shadow_offset(mark.size)
    } else {
        0
    };
    let width = whole(caret).max(1) + offset;
    let height = whole(scaled.height()).max(1) + offset;
    let mut text = Raster::filled(width, height, [0; 4])?;
    let Rgb(colour) = mark.color;
    for glyph in glyphs {
        stop.check()?;
        ink(&font, glyph, &mut text, colour);
    }
    let text = if mark.shadow > 0 {
        with_shadow(&text, offset, mark.shadow)?
    } else {
        text
    };
    match mark.rotate % 360 {
        0 => Ok(text),
        90 => turn::quarters(text, 1),
        180 => turn::quarters(text, 2),
        270 => turn::quarters(text, 3),
        degrees => {
            let to = around(&text, degrees);
            turn::rotate(&text, degrees, to, Outside::Transparent, stop)
        }
    }
}

/// The font that stands in for an id: one design covers all that OSS names, in every script it
/// promises; fonts that may not be given away are not here.
fn face(id: FontId) -> &'static [u8] {
    match id {
        FontId::WqyZenhei
        | FontId::WqyMicrohei
        | FontId::FangzhengShusong
        | FontId::FangzhengKaiti
        | FontId::FangzhengHeiti
        | FontId::FangzhengFangsong
        | FontId::DroidSansFallback => osier_image_font::micro_hei(),
    }
}

/// `size` is that of the em square; the library wants ascent and descent together.
fn em_scale(font: &FontRef<'_>, size: u32) -> PxScale {
    let em = font.units_per_em().unwrap_or(1000.0);
    #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
    let size = size as f32;
    PxScale::from(size * font.height_unscaled() / em)
}

/// How far a shadow falls to the right and down; not documented.
fn shadow_offset(size: u32) -> u32 {
    (size / 20).max(1)
}

fn ink(font: &FontRef<'_>, glyph: Glyph, onto: &mut Raster, colour: [u8; 3]) {
    let Some(outline) = font.outline_glyph(glyph) else {
        return;
    };
    let bounds = outline.px_bounds();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 64 glyphs of 1,000 pixels"
    )]
    let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
    let (width, height) = (i64::from(onto.width()), i64::from(onto.height()));
    let pixels = onto.pixels_mut().as_chunks_mut::<4>().0;
    outline.draw(|column, row, coverage| {
        let (column, row) = (left + i64::from(column), top + i64::from(row));
        if !(0..width).contains(&column) || !(0..height).contains(&row) {
            return;
        }
        let place = usize::try_from(row * width + column).ok();
        if let Some(pixel) = place.and_then(|place| pixels.get_mut(place)) {
            // Glyphs may overlap; the denser one counts.
            let [r, g, b] = colour;
            *pixel = [r, g, b, pixel[3].max(alpha(coverage))];
        }
    });
}

/// A black copy below, displaced.
fn with_shadow(text: &Raster, offset: u32, shadow: u8) -> Result<Raster, ImageError> {
    let mut dark = text.clone();
    for pixel in dark.pixels_mut().as_chunks_mut::<4>().0 {
        *pixel = [0, 0, 0, pixel[3]];
    }
    let mut both = Raster::filled(text.width(), text.height(), [0; 4])?;
    blend::over(
        &mut both,
        &dark,
        i64::from(offset),
        i64::from(offset),
        shadow,
    );
    blend::over(&mut both, text, 0, 0, 100);
    Ok(both)
}

/// The box around a rotated picture.
fn around(picture: &Raster, degrees: u16) -> Size {
    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let side = |along: f64, across: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and positive"
        )]
        let side = ((along * cosine).abs() + (across * sine).abs()).ceil() as u32;
        side.max(1)
    };
    Size::new(side(width, height), side(height, width))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
fn whole(length: f32) -> u32 {
    length.max(0.0).ceil() as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn alpha(coverage: f32) -> u8 {
    (coverage.clamp(0.0, 1.0) * 255.0).round() as u8
}
