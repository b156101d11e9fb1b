//! The walk through the actions: each makes steps and a new size.

use osier_types::limits::IMAGE_ROTATE_SIDE_MAX;

use super::resize::{Then, check_result, resized, scaled_by};
use super::{Mark, MarkImage, MarkSteps, Outside, SourceBox, Step, check_source, cut, decode};
use crate::geometry::{Rect, Size};
use crate::grammar::{Action, ImageMark, MarkContent, Resize, Watermark};
use crate::{ErrorKind, Format, ImageError, Orientation, SourceHeader};

/// What the result is like, as far as steps depend on it.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// Whether the result can be transparent.
    pub(super) has_alpha: bool,
    /// Whether it is an animation, which is never enlarged.
    pub(super) animated: bool,
}

/// Steps so far, and the picture they make.
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    /// The size after them.
    pub(super) size: Size,
    /// What is left to be turned.
    pub(super) orientation: Orientation,
    /// Watermark pictures used so far.
    marks_used: usize,
    /// The main picture's size, of which `P` is a part; only while preparing a mark.
    main: Option<Size>,
    rules: Rules,
}

impl Chain {
    /// The steps of `actions` on a picture with this header.
    pub(super) fn walk(
        actions: &[Action],
        source: &SourceHeader,
        marks: &[SourceHeader],
        rules: Rules,
    ) -> Result<Self, ImageError> {
        let mut chain = Self {
            steps: Vec::new(),
            size: source.size,
            orientation: source.orientation,
            marks_used: 0,
            main: None,
            rules,
        };
        for action in actions {
            chain.add(action, marks)?;
        }
        Ok(chain)
    }

    fn add(&mut self, action: &Action, marks: &[SourceHeader]) -> Result<(), ImageError> {
        match action {
            Action::Resize(resize) => self.resize(resize)?,
            Action::Crop(crop) => {
                self.keep(cut::crop(crop, self.size)?);
                if let Some(percent) = crop.percent {
                    let to = scaled_by(self.size, percent);
                    check_result(to)?;
                    self.scale(whole(self.size), to);
                }
            }
            Action::IndexCrop(crop) => self.keep(cut::index_crop(*crop, self.size)),
            Action::Circle { radius } => {
                self.keep(cut::circle(*radius, self.size));
                let outside = self.outside();
                self.steps.push(Step::Circle { outside });
            }
            Action::RoundedCorners { radius } => {
                let radius = (*radius).min(self.size.width.min(self.size.height) / 2);
                if radius > 0 {
                    let outside = self.outside();
                    self.steps.push(Step::RoundedCorners { radius, outside });
                }
            }
            Action::Rotate { degrees } => self.rotate(*degrees)?,
            Action::AutoOrient(true) if !self.orientation.is_upright() => {
                self.steps.push(Step::Orient(self.orientation));
                if self.orientation.swaps_sides() {
                    self.size = self.size.swapped();
                }
                self.orientation = Orientation::UPRIGHT;
            }
            Action::Blur { radius, sigma } => self.steps.push(Step::Blur {
                radius: *radius,
                sigma: *sigma,
            }),
            Action::Bright(value) if *value != 0 => self.steps.push(Step::Bright(*value)),
            Action::Contrast(value) if *value != 0 => self.steps.push(Step::Contrast(*value)),
            Action::Sharpen(amount) => self.steps.push(Step::Sharpen(*amount)),
            Action::Watermark(mark) => {
                let step = self.mark(mark, marks)?;
                self.steps.push(Step::Watermark(Box::new(step)));
            }
            // Nothing to do, or settings of the encoder.
            Action::AutoOrient(_)
            | Action::Bright(_)
            | Action::Contrast(_)
            | Action::Quality(_)
            | Action::Format(_)
            | Action::Interlace(_)
            | Action::AverageHue
            | Action::Info => {}
        }
        Ok(())
    }

    fn resize(&mut self, resize: &Resize) -> Result<(), ImageError> {
        let own = self.size;
        let main = self.main.unwrap_or(own);
        let Some(resized) = resized(resize, own, main, self.rules.animated)? else {
            return Ok(());
        };
        match resized.then {
            Then::Done => self.scale(whole(own), resized.scaled),
            Then::Cut(rect) => self.scale(part(own, resized.scaled, rect), rect.size),
            Then::Laid { to, at } => {
                self.scale(whole(own), resized.scaled);
                self.steps.push(Step::Pad {
                    to,
                    at,
                    color: resize.color,
                });
                self.size = to;
            }
        }
        Ok(())
    }

    fn rotate(&mut self, degrees: u16) -> Result<(), ImageError> {
        if self.size.width.max(self.size.height) > IMAGE_ROTATE_SIDE_MAX {
            return Err(ImageError::plain(
                ErrorKind::ImageTooLarge,
                format!("pictures with a side over {IMAGE_ROTATE_SIDE_MAX} can't be rotated"),
            ));
        }
        match degrees {
            0 | 360 => {}
            90 | 180 | 270 => {
                let turns = u8::try_from(degrees / 90).unwrap_or(0);
                self.steps.push(Step::Turn(turns));
                if degrees != 180 {
                    self.size = self.size.swapped();
                }
            }
            _ => {
                let to = rotated(self.size, degrees);
                let outside = self.outside();
                self.steps.push(Step::Rotate {
                    degrees,
                    to,
                    outside,
                });
                self.size = to;
            }
        }
        Ok(())
    }

    fn mark(&mut self, mark: &Watermark, marks: &[SourceHeader]) -> Result<Mark, ImageError> {
        let content = match &mark.content {
            MarkContent::Text(text) => MarkSteps::Text(text.clone()),
            MarkContent::Image(image) => MarkSteps::Image(self.mark_image(image, marks)?),
            MarkContent::Both {
                text,
                image,
                first,
                align,
                interval,
            } => MarkSteps::Both {
                text: text.clone(),
                image: self.mark_image(image, marks)?,
                first: *first,
                align: *align,
                interval: *interval,
            },
        };
        Ok(Mark {
            content,
            opacity: mark.opacity,
            gravity: mark.gravity,
            x: mark.x,
            y: mark.y,
            voffset: mark.voffset,
            tile: mark.tile,
        })
    }

    fn mark_image(
        &mut self,
        image: &ImageMark,
        marks: &[SourceHeader],
    ) -> Result<MarkImage, ImageError> {
        let source = self.marks_used;
        self.marks_used += 1;
        let header = marks.get(source).ok_or_else(|| {
            ImageError::plain(ErrorKind::Internal, "a watermark picture has no header")
        })?;
        if matches!(header.format, Format::Gif | Format::Heic | Format::Avif) {
            return Err(ImageError::new(
                ErrorKind::WatermarkError,
                "0040-00000027",
                "watermark pictures are JPG, PNG, BMP, WebP or TIFF",
            ));
        }
        check_source(header)?;
        let mut chain = Self {
            steps: Vec::new(),
            size: header.size,
            orientation: Orientation::UPRIGHT,
            marks_used: 0,
            main: Some(self.size),
            rules: Rules {
                has_alpha: true,
                animated: false,
            },
        };
        for action in &image.actions {
            chain.add(action, &[])?;
        }
        let (decode, steps) = decode::fold(header, chain.steps, 1, false);
        Ok(MarkImage {
            source,
            decode,
            steps,
            size: chain.size,
        })
    }

    fn keep(&mut self, rect: Rect) {
        if rect != self.size.rect() {
            self.steps.push(Step::Crop(rect));
            self.size = rect.size;
        }
    }

    fn scale(&mut self, from: SourceBox, to: Size) {
        if from != whole(to) || self.size != to {
            self.steps.push(Step::Resize { from, to });
            self.size = to;
        }
    }

    fn outside(&self) -> Outside {
        if self.rules.has_alpha {
            Outside::Transparent
        } else {
            Outside::White
        }
    }
}

/// All of a picture.
pub(super) fn whole(size: Size) -> SourceBox {
    SourceBox {
        x: 0.0,
        y: 0.0,
        width: f64::from(size.width),
        height: f64::from(size.height),
    }
}

/// The part of a picture of size `own` that becomes `rect` when it is scaled to `scaled`.
fn part(own: Size, scaled: Size, rect: Rect) -> SourceBox {
    let across = f64::from(own.width) / f64::from(scaled.width);
    let down = f64::from(own.height) / f64::from(scaled.height);
    SourceBox {
        x: f64::from(rect.x) * across,
        y: f64::from(rect.y) * down,
        width: f64::from(rect.size.width) * across,
        height: f64::from(rect.size.height) * down,
    }
}

/// The smallest canvas that holds a picture rotated by `degrees`.
///
/// OSS does not say how it rounds; a hair less than a whole pixel is not one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most 4,096 times the square root of 2"
)]
fn rotated(size: Size, degrees: u16) -> Size {
    let angle = f64::from(degrees).to_radians();
    let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let side = |length: f64| ((length - 1e-6).ceil() as u32).max(1);
    Size::new(
        side(width * cos + height * sin),
        side(width * sin + height * cos),
    )
}
