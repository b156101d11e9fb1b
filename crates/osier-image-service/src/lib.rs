//! Pictures on demand: results of processing, made once and kept.
//!
//! A source is bytes with a validator and a length, so a store and a gateway
//! can both ask. What is asked for was permitted before. Here are the cache of
//! results, the flights that let equal requests share one job, the permits that
//! bound memory and processors, and the threads that work on pixels.
#![warn(missing_docs)]

mod admission;
mod cache;
mod flights;
mod key;
mod settings;
mod variants;
mod workers;

mod imaging;
#[cfg(test)]
mod tests;

pub use imaging::{Imaging, Source, SourceBytes, no_mark, picture_fault, source_too_large};
pub use settings::ImagingSettings;
