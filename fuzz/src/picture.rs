//! Pictures: what their grammar, planner and decoders must never do.

use osier_image::geometry::Size;
use osier_image::grammar::{Pipeline, Process, SavedProcess};
use osier_image::plan::{Limits, Mark, MarkSteps, Plan, Product, Step};
use osier_image::{Budget, Cancel, Format, Orientation, SourceHeader, describe, inspect, render};

/// `x-oss-process`: what is read has a canonical spelling that reads back as the same.
pub fn picture_grammar(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = SavedProcess::parse(text);
    let Ok(Process::Image(pipeline)) = Process::parse(text) else {
        return;
    };
    // A mark's key grows in base64 and by its defaults, so it may then be too long to be read.
    match Process::parse(&pipeline.to_string()) {
        Ok(Process::Image(again)) => assert_eq!(again, pipeline),
        Ok(Process::Style(_)) => panic!("a pipeline became a style"),
        Err(error) => assert!(error.message.contains("too long"), "{pipeline}: {error}"),
    }
}

/// A header in twelve bytes, then the text of a pipeline: every step of a plan fits the one
/// before, and nothing is larger than the limits allow.
pub fn picture_plan(data: &[u8]) {
    let Some((head, text)) = data.split_first_chunk::<12>() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let Ok(Process::Image(pipeline)) = Process::parse(text) else {
        return;
    };
    let source = header(*head);
    let marks = vec![mark_header(*head); pipeline.mark_keys().len()];
    let limits = Limits::default();
    if let Ok(plan) = Plan::new(&pipeline, &source, &marks, &limits) {
        check(&pipeline, &source, &plan, &limits);
    }
}

/// The bytes of a picture: whatever they are, they are refused or processed within the budget.
pub fn picture_source(data: &[u8]) {
    let _ = describe(data);
    let Ok(source) = inspect(data) else {
        return;
    };
    let limits = Limits {
        pixels: 1 << 20,
        frames: 8,
        bytes: 64 << 20,
        ..Limits::default()
    };
    let Ok(Process::Image(pipeline)) = Process::parse("image/resize,w_16/format,png") else {
        panic!("the pipeline is a good one");
    };
    let Ok(plan) = Plan::new(&pipeline, &source, &[], &limits) else {
        return;
    };
    let budget = Budget {
        memory_bytes: limits.bytes,
        pixels: limits.pixels,
        frames: limits.frames,
        result_bytes: 1 << 20,
    };
    let _ = render(&plan, data, &[], &budget, &Cancel::default());
}

fn header(bytes: [u8; 12]) -> SourceHeader {
    let [kind, a, b, c, d, frames, turn, quality, flags, bits, e, f] = bytes;
    let formats = [
        Format::Jpg,
        Format::Png,
        Format::Webp,
        Format::Bmp,
        Format::Gif,
        Format::Tiff,
        Format::Heic,
        Format::Avif,
    ];
    let side =
        |low, high, shift: u8| (u32::from(u16::from_le_bytes([low, high])) << (shift & 1)).max(1);
    SourceHeader {
        format: formats[usize::from(kind) % formats.len()],
        size: Size::new(side(a, b, e), side(c, d, f)),
        frames: u32::from(frames).max(1),
        orientation: Orientation::new(u16::from(turn)),
        alpha: flags & 1 != 0,
        bits: if bits & 1 == 0 { 8 } else { 16 },
        channels: 1 + flags % 4,
        quality: (1..=100).contains(&quality).then_some(quality),
        progressive: flags & 2 != 0,
        cmyk: flags & 4 != 0,
        icc_bytes: 0,
    }
}

fn mark_header(bytes: [u8; 12]) -> SourceHeader {
    let mut turned = bytes;
    turned.reverse();
    header(turned)
}

fn check(pipeline: &Pipeline, source: &SourceHeader, plan: &Plan, limits: &Limits) {
    assert!(plan.price.bytes <= limits.bytes, "{plan:?}");
    let scaled = |side: u32| (u64::from(side) * u64::from(plan.decode.eighths)).div_ceil(8);
    let window = plan.decode.window;
    assert!((1..=8).contains(&plan.decode.eighths));
    let right = u64::from(window.x) + u64::from(window.size.width);
    let lower = u64::from(window.y) + u64::from(window.size.height);
    assert!(right <= scaled(source.size.width), "{plan:?} of {source:?}");
    assert!(
        lower <= scaled(source.size.height),
        "{plan:?} of {source:?}"
    );
    let size = steps(&plan.steps, window.size);
    assert_eq!(size, plan.size());
    if let Product::Picture(encode) = plan.product {
        assert_eq!(encode.size, size, "{pipeline}");
        assert!((1..=100).contains(&encode.quality));
        assert!(encode.frames == 1 || encode.frames == source.frames);
    }
}

/// Walks through steps, each of which must fit what it is given.
fn steps(steps: &[Step], mut size: Size) -> Size {
    for step in steps {
        assert!(size.width > 0 && size.height > 0);
        size = match step {
            Step::Resize { from, to } => {
                let (width, height) = (f64::from(size.width), f64::from(size.height));
                assert!(from.x >= -1e-6 && from.y >= -1e-6, "{step:?} of {size:?}");
                assert!(
                    from.width > 0.0 && from.height > 0.0,
                    "{step:?} of {size:?}"
                );
                assert!(from.x + from.width <= width + 1e-6, "{step:?} of {size:?}");
                assert!(
                    from.y + from.height <= height + 1e-6,
                    "{step:?} of {size:?}"
                );
                *to
            }
            Step::Crop(rect) => {
                assert!(
                    rect.x + rect.size.width <= size.width,
                    "{step:?} of {size:?}"
                );
                assert!(
                    rect.y + rect.size.height <= size.height,
                    "{step:?} of {size:?}"
                );
                rect.size
            }
            Step::Pad { to, at, .. } => {
                assert!(at.0 + size.width <= to.width && at.1 + size.height <= to.height);
                *to
            }
            Step::Rotate { to, .. } => *to,
            Step::Orient(orientation) if orientation.swaps_sides() => size.swapped(),
            Step::Turn(1 | 3) => size.swapped(),
            Step::Watermark(mark) => {
                mark_fits(mark);
                size
            }
            _ => size,
        };
    }
    size
}

fn mark_fits(mark: &Mark) {
    if let MarkSteps::Image(image) | MarkSteps::Both { image, .. } = &mark.content {
        assert_eq!(steps(&image.steps, image.decode.window.size), image.size);
    }
}
