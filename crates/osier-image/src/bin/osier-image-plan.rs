//! Plans without pixels: for the oracle of geometry in `e2e/image`.
//!
//! Reads one JSON object a line, `{"format","width","height","frames","orientation","alpha",
//! "quality","process"}`, and answers each with one: the size, frames, format and quality of the
//! result, or kind and finer code of the error.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use osier_image::geometry::Size;
use osier_image::grammar::Process;
use osier_image::plan::{Limits, Plan, Product};
use osier_image::{ErrorKind, Format, ImageError, Orientation, SourceHeader};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Question {
    format: String,
    width: u32,
    height: u32,
    #[serde(default = "one")]
    frames: u32,
    #[serde(default)]
    orientation: u16,
    #[serde(default)]
    alpha: bool,
    quality: Option<u8>,
    process: String,
}

fn one() -> u32 {
    1
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = line
            .map_err(|error| error.to_string())
            .and_then(|line| serde_json::from_str(&line).map_err(|error| error.to_string()))
            .map(|question| answer(&question));
        let told = match answer {
            Ok(answer) => writeln!(out, "{answer}"),
            Err(error) => {
                // A question that can't be read is a mistake of whoever asks.
                let _ = writeln!(std::io::stderr(), "{error}");
                return ExitCode::FAILURE;
            }
        };
        if told.is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn answer(question: &Question) -> Value {
    match plan(question) {
        Ok(plan) => match plan.product {
            Product::Picture(encode) => json!({
                "width": encode.size.width,
                "height": encode.size.height,
                "frames": encode.frames,
                "format": encode.format.name(),
                "quality": encode.quality,
            }),
            Product::AverageHue => json!({"average-hue": true}),
        },
        Err(error) => json!({"error": error.kind, "ec": error.ec}),
    }
}

fn plan(question: &Question) -> Result<Plan, ImageError> {
    let formats = [
        Format::Jpg,
        Format::Png,
        Format::Webp,
        Format::Bmp,
        Format::Gif,
        Format::Tiff,
    ];
    let format = formats
        .into_iter()
        .find(|format| format.name() == question.format)
        .ok_or_else(|| ImageError::plain(ErrorKind::Internal, "no such format"))?;
    let source = SourceHeader {
        format,
        size: Size::new(question.width, question.height),
        frames: question.frames,
        orientation: Orientation::new(question.orientation),
        alpha: question.alpha,
        bits: 8,
        channels: 3,
        quality: question.quality,
        progressive: false,
        cmyk: false,
        icc_bytes: 0,
    };
    let Process::Image(pipeline) = Process::parse(&question.process)? else {
        return Err(ImageError::plain(ErrorKind::Internal, "a style"));
    };
    // Only the documented limits count here, not those of one server.
    let limits = Limits {
        pixels: u64::MAX,
        frames: u32::MAX,
        bytes: u64::MAX,
        ..Limits::default()
    };
    Plan::new(&pipeline, &source, &[], &limits)
}
