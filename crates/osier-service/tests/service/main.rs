//! The service as a whole, over the in-memory engine: requests in, answers out.

mod cors;
mod forms;
mod harness;
mod objects;
mod routes;
