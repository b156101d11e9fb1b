//! The service as a whole, over the in-memory engine: requests in, answers out.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod control;
mod cors;
mod forms;
mod harness;
mod identities;
mod objects;
mod policies;
mod routes;
mod sessions;
