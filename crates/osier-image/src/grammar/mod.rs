//! The text `image/ACTION,PARAMETER,.../ACTION...` as typed actions.
//!
//! Ranges and defaults are applied here, so that no action holds a value the
//! documentation forbids. Nothing is known yet of the picture.

mod action;
mod base64url;
mod canonical;
mod parameters;
mod parse;
mod process;
#[cfg(test)]
mod tests;

pub use action::*;
pub use process::{Process, SaveAs, SavedProcess};
