//! From actions and the facts of a header to pixel steps of known sizes.

mod steps;

pub use steps::*;
