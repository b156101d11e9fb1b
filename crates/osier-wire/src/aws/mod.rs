//! The query protocol of AWS's STS and IAM: flat parameters in, XML documents out.
//!
//! The nouns behind it are those of the directory in `osier-auth`, which RAM and Alibaba's STS
//! share: a request becomes one or two of its requests (`decode`), and what they led to is
//! written in AWS's words (`encode`, `encode_fault`). One table, `OPERATIONS`, says what there
//! is.

mod arn;
mod compat;
mod decode;
mod operations;
mod outcome;
mod reply;
#[cfg(test)]
mod tests;
mod words;

pub use compat::compat_section;
pub use decode::{Asked, decode};
pub use operations::{OPERATIONS, Operation, operation};
pub use reply::{AwsContext, encode, encode_fault};
pub use words::words;
