//! Watermarks: drawn once, laid onto every frame.

use osier_image_codec::Raster;

use super::job::{self, Workshop};
use super::{blend, source, text};
use crate::geometry::{Size, place};
use crate::grammar::{MarkAlign, MarkFirst};
use crate::plan::{Mark, MarkImage, MarkSteps, Step};
use crate::{ErrorKind, ImageError};

/// Draws the marks of all steps; the places of other steps stay empty.
pub(super) fn prepare(
    steps: &[Step],
    workshop: &Workshop<'_>,
) -> Result<Vec<Option<Raster>>, ImageError> {
    steps
        .iter()
        .map(|step| match step {
            Step::Watermark(mark) => draw(&mark.content, workshop).map(Some),
            _ => Ok(None),
        })
        .collect()
}

/// Lays a drawn mark onto a picture, once or all over it.
pub(super) fn lay(mut picture: Raster, mark: &Mark, drawn: &Raster) -> Raster {
    let size = Size::new(picture.width(), picture.height());
    let own = Size::new(drawn.width(), drawn.height());
    let (x, y) = place(size, own, mark.gravity, mark.x, mark.y, mark.voffset);
    let Some(gaps) = mark.tile else {
        blend::over(&mut picture, drawn, x, y, mark.opacity);
        return picture;
    };
    // The one mark at its place, and all that lie in a grid with it.
    let pitch = (
        i64::from(own.width) + i64::from(gaps.x),
        i64::from(own.height) + i64::from(gaps.y),
    );
    let first = |at: i64, pitch: i64| at.rem_euclid(pitch.max(1)) - pitch;
    let mut top = first(y, pitch.1);
    while top < i64::from(size.height) {
        let mut left = first(x, pitch.0);
        while left < i64::from(size.width) {
            blend::over(&mut picture, drawn, left, top, mark.opacity);
            left += pitch.0.max(1);
        }
        top += pitch.1.max(1);
    }
    picture
}

fn draw(content: &MarkSteps, workshop: &Workshop<'_>) -> Result<Raster, ImageError> {
    match content {
        MarkSteps::Text(mark) => text::draw(mark, workshop.budget.stop),
        MarkSteps::Image(image) => picture(image, workshop),
        MarkSteps::Both {
            text: words,
            image,
            first,
            align,
            interval,
        } => {
            let words = text::draw(words, workshop.budget.stop)?;
            let image = picture(image, workshop)?;
            let (left, right) = match first {
                MarkFirst::Image => (image, words),
                MarkFirst::Text => (words, image),
            };
            beside(&left, &right, *align, *interval)
        }
    }
}

fn picture(image: &MarkImage, workshop: &Workshop<'_>) -> Result<Raster, ImageError> {
    let bytes = workshop.marks.get(image.source).ok_or_else(|| {
        ImageError::plain(
            ErrorKind::Internal,
            "the source of a watermark was not given",
        )
    })?;
    let read = source::pixels(bytes, &image.decode, &workshop.budget)
        .and_then(|pixels| job::steps(pixels, &image.steps, source::profile(bytes), workshop));
    read.map_err(|error| match error.kind {
        // What is wrong is not the main picture.
        ErrorKind::BadRequest => ImageError::plain(ErrorKind::WatermarkError, error.message),
        _ => error,
    })
}

fn beside(
    left: &Raster,
    right: &Raster,
    align: MarkAlign,
    interval: u32,
) -> Result<Raster, ImageError> {
    let height = left.height().max(right.height());
    let width = left
        .width()
        .saturating_add(interval)
        .saturating_add(right.width());
    let mut both = Raster::filled(width, height, [0; 4])?;
    let down = |own: u32| match align {
        MarkAlign::Top => 0,
        MarkAlign::Middle => i64::from((height - own) / 2),
        MarkAlign::Bottom => i64::from(height - own),
    };
    blend::over(&mut both, left, 0, down(left.height()), 100);
    let start = i64::from(left.width()) + i64::from(interval);
    blend::over(&mut both, right, start, down(right.height()), 100);
    Ok(both)
}
