//! The text `image/ACTION,PARAMETER,.../ACTION...` as typed actions.
//!
//! Ranges and defaults are applied here, so that no action holds a value the
//! documentation forbids. Nothing is known yet of the picture.

mod action;

pub use action::*;
