//! What clients send: routes, arguments and documents.
//!
//! The order of use: [`address`](crate::address) says which bucket and key a
//! request may mean, [`route`] which operation it is and how much body that
//! takes, [`decode`] turns it into an `Op`. Forms go through
//! [`FormParser`](crate::FormParser) and [`decode_post`].
//! Signatures, permissions and state are checked elsewhere.

mod decode;
mod form;
mod route;
mod xml;

#[cfg(test)]
mod tests;

pub use decode::{decode, traffic_limit};
pub use form::decode_post;
pub use route::{ROUTES, route};
