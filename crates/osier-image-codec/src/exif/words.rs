//! Values as text.

use std::fmt::Write;

use super::directory::{Entry, Group};

/// The text of a value.
///
/// The documentation's samples show numbers as stored ("96/1", Orientation "7", `GPSVersionID`
/// "2 2 0 0"), yet "North" and "0deg " for places: exiv2's raw text for all tags but the four of
/// latitude and longitude. A capture from a live bucket could settle the others.
pub(super) fn value(entry: &Entry<'_>) -> String {
    if entry.group == Group::Gps {
        match entry.tag {
            1 | 3 => return side(&raw(entry)),
            2 | 4 => return degrees(entry).unwrap_or_else(|| raw(entry)),
            _ => {}
        }
    }
    raw(entry)
}

/// As exiv2 prints raw values.
fn raw(entry: &Entry<'_>) -> String {
    match entry.kind {
        2 => {
            let text = entry
                .value
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default();
            String::from_utf8_lossy(text).into_owned()
        }
        5 | 10 => joined(entry.count, |index| {
            entry
                .fraction(index)
                .map(|(above, below)| format!("{above}/{below}"))
        }),
        11 => joined(entry.count, |index| {
            entry
                .unsigned_bits(index)
                .map(|bits| f32::from_bits(bits).to_string())
        }),
        6 | 8 | 9 => joined(entry.count, |index| {
            entry.signed(index).map(|value| value.to_string())
        }),
        _ => joined(entry.count, |index| {
            entry.unsigned(index).map(|value| value.to_string())
        }),
    }
}

fn joined(count: usize, text: impl Fn(usize) -> Option<String>) -> String {
    (0..count).map_while(text).collect::<Vec<_>>().join(" ")
}

fn side(letter: &str) -> String {
    match letter {
        "N" => "North",
        "S" => "South",
        "E" => "East",
        "W" => "West",
        other => return format!("({other})"),
    }
    .to_owned()
}

/// `40deg 26' 46.000"`; parts that are nothing are left out, but for the blank.
fn degrees(entry: &Entry<'_>) -> Option<String> {
    const UNITS: [&str; 3] = ["deg ", "' ", "\""];
    let mut parts = [(0, 1); 3];
    let mut last = 0;
    for (place, part) in parts.iter_mut().enumerate() {
        *part = entry.fraction(place)?;
        if part.1 == 0 {
            return None;
        }
        if part.0 != 0 {
            last = place;
        }
    }
    let mut text = String::new();
    for (place, ((above, below), unit)) in parts.into_iter().zip(UNITS).enumerate().take(last + 1) {
        if above % below == 0 && place < 2 {
            let _ = write!(text, "{}{unit}", above / below);
        } else {
            let digits = if place == 2 && below == 1 {
                0
            } else if place == 2 {
                2
            } else {
                6
            };
            let _ = write!(text, "{:.digits$}{unit}", above as f64 / below as f64);
        }
    }
    Some(text)
}
