//! Variables in resources and values of conditions: `${aws:username}`, as IAM has them.
//!
//! Only what the server gives out can be one, in whose texts there are no wildcards; all others
//! are refused when a document is put.

use super::Conditions;
use super::condition::{Key, Value};

/// Whether a text has variables.
pub(super) fn has(text: &str) -> bool {
    text.contains("${")
}

/// Refuses a text with a variable that is not known here.
pub(super) fn check(text: &str) -> Result<(), String> {
    for piece in text.split("${").skip(1) {
        let Some((name, _)) = piece.split_once('}') else {
            return Err(format!("`{text}` has a variable without an end"));
        };
        if key(name).is_none() {
            return Err(format!("`${{{name}}}` is no variable known here"));
        }
    }
    Ok(())
}

/// The text with the caller's values; `None` when the caller lacks one.
pub(super) fn expand(text: &str, conditions: &Conditions<'_>) -> Option<String> {
    let mut pieces = text.split("${");
    let mut expanded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}')?;
        match key(name)?.find(conditions)? {
            Value::Text(value) if !value.contains(['*', '?']) => expanded.push_str(&value),
            _ => return None,
        }
        expanded.push_str(rest);
    }
    Some(expanded)
}

fn key(name: &str) -> Option<Key> {
    match name.to_ascii_lowercase().as_str() {
        "aws:username" => Some(Key::UserName),
        "aws:userid" => Some(Key::UserId),
        "aws:principalaccount" => Some(Key::PrincipalAccount),
        _ => None,
    }
}
