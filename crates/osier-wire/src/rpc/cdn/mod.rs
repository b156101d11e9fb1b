//! The CDN API: its operations and its answers. What they mean is told in `osier-cdn`.

mod operations;
mod outcome;
mod reply;
#[cfg(test)]
mod tests;

pub use operations::{CDN_OPERATIONS, cdn_operation, decode_cdn};
pub use reply::{encode_cdn, encode_cdn_fault};
