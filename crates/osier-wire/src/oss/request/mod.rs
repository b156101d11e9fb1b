//! What clients send: addresses, routes, arguments and documents.
//!
//! The order of use: [`address`] says which bucket and key a request may mean,
//! [`route`] which operation it is and how much body that takes, [`decode`]
//! turns it into an `Op`. Forms go through [`FormParser`] and [`decode_post`].
//! Signatures, permissions and state are checked elsewhere.

mod address;
mod decode;
mod form;
mod route;
pub mod token;
mod xml;

#[cfg(test)]
mod tests;

pub use address::{Address, AddressStyle, Addressed, Hosts, address};
pub use decode::{decode, traffic_limit};
pub use form::{FormHead, FormParser, FormPiece, decode_post};
pub use route::{BodyUse, ROUTES, Route, RouteSpec, Scope, Support, route};
