//! Processes one picture without a server: for judges, for looking at results, for measuring.
//!
//!     osier-image-render 'image/resize,w_800/format,webp' < photo.jpg > small.webp
//!
//! `--mark KEY=FILE` gives the source of a watermark; `--repeat N` does the work N times and tells
//! the processor time of each on the standard error; `--stop-after MS` ends the job like a server
//! that has lost its patience.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use osier_image::grammar::{Action, Process};
use osier_image::plan::{Limits, Plan};
use osier_image::{Budget, Cancel, ErrorKind, ImageError, Stopped, describe, inspect, render};

struct Arguments {
    pipeline: String,
    marks: Vec<(String, Vec<u8>)>,
    repeat: usize,
    stop_after: Option<Duration>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            say(&format!(
                "{message}\n\nusage: osier-image-render PIPELINE [--mark KEY=FILE]... [--repeat N] [--stop-after MS] < IN > OUT"
            ));
            return ExitCode::from(2);
        }
    };
    let mut source = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut source) {
        say(&format!("reading the source: {error}"));
        return ExitCode::FAILURE;
    }
    let mut result = Vec::new();
    for _ in 0..arguments.repeat {
        let started = Instant::now();
        match process(&arguments, &source) {
            Ok(bytes) => result = bytes,
            Err(error) => {
                let ec = error.ec.unwrap_or("-");
                say(&format!("{:?} {ec} {error}", error.kind));
                return ExitCode::FAILURE;
            }
        }
        if arguments.repeat > 1 {
            say(&format!(
                "{:.3} ms",
                started.elapsed().as_secs_f64() * 1000.0
            ));
        }
    }
    match std::io::stdout().write_all(&result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn process(arguments: &Arguments, source: &[u8]) -> Result<Vec<u8>, ImageError> {
    let pipeline = match Process::parse(&arguments.pipeline)? {
        Process::Image(pipeline) => pipeline,
        Process::Style(_) => {
            return Err(ImageError::plain(
                ErrorKind::InvalidArgument,
                "there are no styles here",
            ));
        }
    };
    if pipeline.actions.contains(&Action::Info) {
        return Ok(describe(source)?.to_json(source.len() as u64).into_bytes());
    }
    let header = inspect(source)?;
    let marks = pipeline
        .mark_keys()
        .into_iter()
        .map(|key| {
            let known = arguments.marks.iter().find(|(known, _)| known == key);
            let missing = || ImageError::plain(ErrorKind::WatermarkError, "no such watermark");
            known.map(|(_, bytes)| bytes.as_slice()).ok_or_else(missing)
        })
        .collect::<Result<Vec<&[u8]>, _>>()?;
    let heads = marks
        .iter()
        .map(|mark| inspect(mark))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = Plan::new(&pipeline, &header, &heads, &Limits::default())?;
    let budget = Budget {
        memory_bytes: 1 << 30,
        pixels: 100_000_000,
        frames: 1000,
        result_bytes: 256 << 20,
    };
    let cancel = Cancel::default();
    if let Some(patience) = arguments.stop_after {
        let cancel = cancel.clone();
        std::thread::spawn(move || {
            std::thread::sleep(patience);
            cancel.stop(Stopped::TimedOut);
        });
    }
    render(&plan, source, &marks, &budget, &cancel)
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        pipeline: String::new(),
        marks: Vec::new(),
        repeat: 1,
        stop_after: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--mark" => {
                let value = value()?;
                let (key, path) = value.split_once('=').ok_or("--mark takes KEY=FILE")?;
                let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
                parsed.marks.push((key.to_owned(), bytes));
            }
            "--repeat" => {
                parsed.repeat = value()?.parse().map_err(|_| "--repeat takes a number")?
            }
            "--stop-after" => {
                let milliseconds = value()?
                    .parse()
                    .map_err(|_| "--stop-after takes milliseconds")?;
                parsed.stop_after = Some(Duration::from_millis(milliseconds));
            }
            _ if parsed.pipeline.is_empty() => parsed.pipeline = word,
            _ => return Err(format!("`{word}` is one word too many")),
        }
    }
    if parsed.pipeline.is_empty() {
        Err("no pipeline".to_owned())
    } else {
        Ok(parsed)
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
