//! The driver as clients see it: raw bytes on real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of tests can't do fails the test"
)]

mod client;
mod crowd;
mod framing;
mod lifecycle;
mod messages;
mod proxied;
