//! From places in a text to lines and columns.

use std::ops::Range;

use super::SeedError;

/// Where lines begin, to say where something is.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// For each line: the byte where it begins, and where each of its characters does.
    starts: Vec<usize>,
    /// Bytes that only go on with a character.
    continuing: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            starts: std::iter::once(0).chain(after_breaks).collect(),
            continuing: (0..text.len())
                .filter(|at| !text.is_char_boundary(*at))
                .collect(),
        }
    }

    pub(super) fn error(&self, span: &Range<usize>, message: String) -> SeedError {
        let line = self.starts.partition_point(|start| *start <= span.start);
        let start = line
            .checked_sub(1)
            .and_then(|line| self.starts.get(line))
            .copied()
            .unwrap_or_default();
        let inside = |at: usize| self.continuing.partition_point(|it| *it < at);
        let skipped = inside(span.start) - inside(start);
        SeedError {
            line: line.max(1),
            column: span.start - start - skipped + 1,
            message,
        }
    }
}
