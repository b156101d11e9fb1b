//! What is wrong with a settings file, where, and what was probably meant.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use osier_gateway::InvalidSite;

/// A settings file can't be used.
#[derive(Debug)]
pub struct SettingsError {
    path: PathBuf,
    place: Option<Place>,
    message: String,
    suggestion: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl SettingsError {
    pub(super) fn unreadable(path: &Path, source: &std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            place: None,
            message: format!("can't be read: {source}"),
            suggestion: None,
        }
    }

    pub(super) fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message();
        let (message, suggestion) = match unknown_key(message) {
            Some((key, known)) => (
                format!("unknown setting `{key}`"),
                closest(key, &known).map(|known| format!("did you mean `{known}`?")),
            ),
            None => (message.replace('\n', "; "), None),
        };
        Self {
            path: path.to_owned(),
            place: error.span().map(|span| {
                let value = text.get(span.clone()).unwrap_or_default();
                let inside = offending(error.message()).and_then(|word| value.find(word));
                Place::of(text, span.start + inside.unwrap_or(0))
            }),
            message,
            suggestion,
        }
    }

    /// The value of a key is wrong in a way that its type does not tell.
    pub(super) fn at_key(path: &Path, text: &str, key: &str, message: &str) -> Self {
        let offset = text
            .split_inclusive('\n')
            .scan(0, |offset, line| {
                let start = *offset;
                *offset += line.len();
                Some((start, line))
            })
            .find(|(_, line)| line.trim_start().starts_with(key))
            .map(|(start, _)| start);
        Self {
            path: path.to_owned(),
            place: offset.map(|offset| Place::of(text, offset)),
            message: format!("`{key}` {message}"),
            suggestion: None,
        }
    }

    /// An address can't be listened on.
    pub(crate) fn listening(
        path: &Path,
        text: &str,
        address: SocketAddr,
        error: &std::io::Error,
        hint: Option<String>,
    ) -> Self {
        let offset = text.find(&address.to_string());
        Self {
            path: path.to_owned(),
            place: offset.map(|offset| Place::of(text, offset)),
            message: format!("can't listen on `{address}`: {error}"),
            suggestion: hint,
        }
    }

    /// The site at `index` can't be used. The place is that of the offending word, else that
    /// of the site.
    pub(crate) fn in_site(path: &Path, text: &str, index: usize, invalid: &InvalidSite) -> Self {
        let message = invalid.to_string();
        let start = text
            .match_indices("[[site]]")
            .nth(index)
            .map_or(0, |(start, _)| start);
        let inside = offending(&message)
            .and_then(|word| text.get(start..)?.find(word))
            .unwrap_or(0);
        Self {
            path: path.to_owned(),
            place: Some(Place::of(text, start + inside)),
            message,
            suggestion: None,
        }
    }

    /// What was probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path.display())?;
        if let Some(Place { line, column }) = self.place {
            write!(out, ":{line}:{column}")?;
        }
        write!(out, ": {}", self.message)
    }
}

impl std::error::Error for SettingsError {}

impl Place {
    fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// The word a message is about: a list has one place, its items have none.
fn offending(message: &str) -> Option<&str> {
    message.split('`').nth(1).filter(|word| !word.is_empty())
}

/// The parts of serde's sentence about a field that does not exist.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, expected) = rest.split_once('`')?;
    let known = expected.split('`').skip(1).step_by(2).collect();
    Some((key, known))
}

/// The one of `known` that is nearly `key`.
fn closest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.replace('-', "_");
    known
        .iter()
        .map(|&known| (distance(&key, known), known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

/// How many letters must be added, removed or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, a) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            let change = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = change.min(left + 1).min(diagonal + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (from, to, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("lisen", "listen", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} -> {to}");
        }
    }
}
