//! Whether an animation stays one.
//!
//! The rules are those of OSS's page on animated GIF. It speaks of `resize`,
//! `format`, `quality`, `auto-orient` and watermarks only; all other actions
//! are carried out on every frame.

use crate::grammar::{Action, MarkContent, ResizeTarget, Watermark};
use crate::{Format, SourceHeader};

/// How many frames are decoded: all of an animation that stays one, otherwise the first.
pub(super) fn frames_kept(actions: &[Action], source: &SourceHeader) -> u32 {
    let stays = source.format == Format::Gif
        && actions.iter().all(keeps)
        && actions.iter().enumerate().all(|(index, action)| {
            !matches!(action, Action::Format(_)) || ends(actions.get(index + 1..))
        });
    if stays { source.frames.max(1) } else { 1 }
}

fn keeps(action: &Action) -> bool {
    match action {
        Action::Quality(_) | Action::AutoOrient(_) | Action::AverageHue | Action::Info => false,
        Action::Format(format) => *format == Format::Gif,
        Action::Resize(resize) => !matches!(resize.target, ResizeTarget::Percent(_)),
        Action::Watermark(mark) => onto_every_frame(mark),
        _ => true,
    }
}

/// Text is never put onto an animation.
fn onto_every_frame(mark: &Watermark) -> bool {
    mark.animated && matches!(mark.content, MarkContent::Image(_))
}

/// Whether no action on pixels follows.
fn ends(rest: Option<&[Action]>) -> bool {
    rest.unwrap_or_default()
        .iter()
        .all(|action| matches!(action, Action::Format(_) | Action::Interlace(_)))
}
