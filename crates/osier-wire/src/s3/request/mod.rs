//! What S3 clients send: routes, arguments and documents.
//!
//! The order of use is that of the OSS dialect: [`address`](crate::address),
//! [`route`], [`decode`]; forms go through [`FormParser`](crate::FormParser)
//! and [`decode_post`].

mod decode;
mod form;
mod route;
mod xml;

#[cfg(test)]
mod tests;

pub use decode::decode;
pub use form::decode_post;
pub use route::{ROUTES, route};
