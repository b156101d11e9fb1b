//! Patterns with `*` (any run, also of `/`) and `?` (one character).
//!
//! Matching never goes back: the literal runs between stars are looked for from left to right,
//! each at its first place. Runs with `?` are found by bits (shift-and), so that no pattern
//! makes it slow.

/// A compiled pattern. The first three are what most patterns are.
#[derive(Clone, Debug)]
pub(crate) enum Glob {
    /// `*`.
    Anything,
    /// Without wildcards.
    Exact(Box<str>),
    /// A star at its end only.
    Prefix(Box<str>),
    /// Holes, but no star.
    Whole(Run),
    /// What surrounds and separates the stars.
    Runs(Box<Runs>),
}

/// What surrounds and separates stars.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    head: Run,
    middle: Box<[Run]>,
    tail: Run,
}

/// A run of characters without `*`.
#[derive(Clone, Debug)]
pub(crate) enum Run {
    Literal(Box<str>),
    /// `None` is `?`.
    Holes(Box<[Option<char>]>),
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let Some((head, rest)) = pattern.split_once('*') else {
            return match Run::new(pattern) {
                Run::Literal(text) => Self::Exact(text),
                holes @ Run::Holes(_) => Self::Whole(holes),
            };
        };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle: Box<[Run]> = middle
            .split('*')
            .map(Run::new)
            .filter(|run| !run.is_empty())
            .collect();
        match (Run::new(head), middle.is_empty() && tail.is_empty()) {
            (Run::Literal(head), true) if head.is_empty() => Self::Anything,
            (Run::Literal(head), true) => Self::Prefix(head),
            (head, _) => Self::Runs(Box::new(Runs {
                head,
                middle,
                tail: Run::new(tail),
            })),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(wanted) => **wanted == *text,
            Self::Prefix(wanted) => text.starts_with(&**wanted),
            Self::Whole(run) => run.strip_from_start(text) == Some(""),
            Self::Runs(runs) => runs.match_all(text).is_some(),
        }
    }

    /// Whether it is `*` alone.
    pub(super) fn is_anything(&self) -> bool {
        matches!(self, Self::Anything)
    }

    /// Whether it stands for one text only.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

impl Runs {
    fn match_all(&self, text: &str) -> Option<()> {
        let text = self.head.strip_from_start(text)?;
        let text = self.tail.strip_from_end(text)?;
        self.middle
            .iter()
            .try_fold(text, |text, run| run.skip_past(text))
            .map(drop)
    }
}

impl Run {
    fn new(text: &str) -> Self {
        if text.contains('?') {
            Self::Holes(
                text.chars()
                    .map(|letter| (letter != '?').then_some(letter))
                    .collect(),
            )
        } else {
            Self::Literal(text.into())
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Literal(text) => text.is_empty(),
            Self::Holes(letters) => letters.is_empty(),
        }
    }

    fn strip_from_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.strip_prefix(&**literal),
            Self::Holes(letters) => {
                let mut chars = text.chars();
                letters
                    .iter()
                    .all(|wanted| fits(*wanted, chars.next()))
                    .then_some(chars.as_str())
            }
        }
    }

    fn strip_from_end<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.strip_suffix(&**literal),
            Self::Holes(letters) => {
                let mut chars = text.chars();
                letters
                    .iter()
                    .rev()
                    .all(|wanted| fits(*wanted, chars.next_back()))
                    .then_some(chars.as_str())
            }
        }
    }

    /// What follows its first place in `text`.
    fn skip_past<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal) => text.split_once(&**literal).map(|(_, after)| after),
            Self::Holes(letters) => skip_past_holes(letters, text),
        }
    }
}

fn fits(wanted: Option<char>, found: Option<char>) -> bool {
    found.is_some() && (wanted.is_none() || wanted == found)
}

/// Shift-and: bit `n` of the state says that the first `n + 1` letters of the run end here.
fn skip_past_holes<'t>(letters: &[Option<char>], text: &'t str) -> Option<&'t str> {
    let words = letters.len().div_ceil(64);
    let anything = mask(letters, words, None);
    // One mask for each letter of the run, sorted; other letters fit holes only.
    let mut masks: Vec<(char, Vec<u64>)> = Vec::new();
    for letter in letters.iter().flatten() {
        if let Err(place) = masks.binary_search_by_key(letter, |(known, _)| *known) {
            masks.insert(place, (*letter, mask(letters, words, Some(*letter))));
        }
    }
    let last_bit = 1_u64 << ((letters.len() + 63) % 64);
    let mut state = vec![0_u64; words];
    let mut chars = text.chars();
    while let Some(letter) = chars.next() {
        let fitting = masks
            .binary_search_by_key(&letter, |(known, _)| *known)
            .ok()
            .and_then(|place| masks.get(place))
            .map_or(&anything, |(_, mask)| mask);
        let mut carry = 1;
        for (word, fitting) in state.iter_mut().zip(fitting) {
            let next = *word >> 63;
            *word = ((*word << 1) | carry) & fitting;
            carry = next;
        }
        if state.last().is_some_and(|word| word & last_bit != 0) {
            return Some(chars.as_str());
        }
    }
    None
}

/// The places of a run that `letter` fits.
fn mask(letters: &[Option<char>], words: usize, letter: Option<char>) -> Vec<u64> {
    let mut bits = vec![0_u64; words];
    for (word, letters) in bits.iter_mut().zip(letters.chunks(64)) {
        for (nth, wanted) in letters.iter().enumerate() {
            if wanted.is_none() || *wanted == letter {
                *word |= 1 << nth;
            }
        }
    }
    bits
}
