//! Pages of lists: `Marker` and `MaxItems`.

use super::{ControlFault, Page};

/// The page of `entries` after `marker`. Entries come in the order of their names, and a
/// marker is the last name of the page before: pages stay right while others change things.
pub(super) fn page<'a, E, T>(
    entries: impl Iterator<Item = (&'a str, E)>,
    marker: Option<&str>,
    max_items: Option<u32>,
    show: impl Fn(E) -> T,
) -> Result<Page<T>, ControlFault> {
    let max = max_items.unwrap_or(ITEMS_DEFAULT);
    if !(1..=ITEMS_MAX).contains(&max) {
        return Err(ControlFault::invalid("MaxItems", "1 to 1000"));
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let marker = marker.unwrap_or_default();
    let mut rest = entries
        .filter(|(name, _)| marker.is_empty() || *name > marker)
        .peekable();
    let mut items = Vec::new();
    let mut last = "";
    while items.len() < max {
        let Some((name, entry)) = rest.next() else {
            break;
        };
        last = name;
        items.push(show(entry));
    }
    let marker = rest.peek().map(|_| last.to_owned());
    Ok(Page { items, marker })
}

/// The default of the API.
const ITEMS_DEFAULT: u32 = 100;

/// The most the API allows.
const ITEMS_MAX: u32 = 1000;
