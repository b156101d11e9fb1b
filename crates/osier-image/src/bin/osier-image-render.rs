//! Processes one picture without a server: for judges, for looking at results, for measuring.
//!
//!     osier-image-render 'image/resize,w_800/format,webp' < photo.jpg > small.webp
//!
//! `--mark KEY=FILE` gives the source of a watermark, `--in` and `--out` name files instead of the
//! standard streams, `--stop-after MS` ends the job like a server that has lost its patience.
//! `--repeat N --measure` tells the least processor time of N runs and the growth of memory as JSON.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use osier_image::grammar::{Action, Process};
use osier_image::plan::{Limits, Plan};
use osier_image::{Budget, Cancel, ErrorKind, ImageError, Stopped, describe, inspect, render};

const USAGE: &str = "usage: osier-image-render PIPELINE [--in FILE] [--out FILE] \
[--mark KEY=FILE]... [--repeat N] [--measure] [--stop-after MS]";

struct Arguments {
    pipeline: String,
    marks: Vec<(String, Vec<u8>)>,
    repeat: usize,
    measure: bool,
    source: Option<String>,
    result: Option<String>,
    stop_after: Option<Duration>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            say(&format!("{message}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let mut source = Vec::new();
    if let Some(path) = &arguments.source {
        source = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    } else {
        let read = std::io::stdin().read_to_end(&mut source);
        read.map_err(|error| format!("reading the source: {error}"))?;
    }
    let memory = proc_number("/proc/self/status", "VmHWM:");
    let (mut result, mut least) = (Vec::new(), u64::MAX);
    for _ in 0..arguments.repeat {
        let before = processor_ns();
        result = process(arguments, &source)
            .map_err(|error| format!("{:?} {} {error}", error.kind, error.ec.unwrap_or("-")))?;
        least = least.min(processor_ns() - before);
    }
    match &arguments.result {
        Some(path) => std::fs::write(path, &result).map_err(|error| format!("{path}: {error}"))?,
        None => std::io::stdout()
            .write_all(&result)
            .map_err(|error| format!("writing the result: {error}"))?,
    }
    if arguments.measure {
        let grown = proc_number("/proc/self/status", "VmHWM:") - memory;
        let ms = Duration::from_nanos(least).as_secs_f64() * 1000.0;
        let mb = f64::from(u32::try_from(grown).unwrap_or(u32::MAX)) / 1024.0;
        let line = serde_json::json!({ "ms": ms, "mb": mb });
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    Ok(())
}

/// Processor time of this thread.
fn processor_ns() -> u64 {
    proc_number("/proc/self/schedstat", "")
}

/// The first number after a label, 0 where there is none.
fn proc_number(path: &str, label: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let after = text
        .lines()
        .find_map(|line| line.strip_prefix(label))
        .unwrap_or_default();
    after
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
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
        measure: false,
        source: None,
        result: None,
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
                parsed.repeat = value()?.parse().map_err(|_| "--repeat takes a number")?;
            }
            "--measure" => parsed.measure = true,
            "--in" => parsed.source = Some(value()?),
            "--out" => parsed.result = Some(value()?),
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
