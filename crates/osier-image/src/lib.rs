//! Image processing as OSS offers it in `x-oss-process=image/...`.
//!
//! Three steps, the first two of them pure: [`grammar`] turns text into typed
//! actions; [`plan`] turns actions and the facts of a source's header into a
//! list of pixel steps whose sizes are all known, so that every limit is
//! checked before a pixel is touched; rendering carries the list out. Knows no
//! bucket, no store and no HTTP: a source is bytes.
#![warn(missing_docs)]

mod cancel;
mod error;
pub mod geometry;
pub mod grammar;
mod header;
mod info;
pub mod plan;
mod render;

pub use cancel::{Cancel, Stopped};
pub use error::{ErrorKind, ImageError};
pub use header::{Format, Orientation, SourceHeader, SourceInfo};
pub use info::info_json;
pub use render::{Budget, describe, inspect, render};
