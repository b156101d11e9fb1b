//! The driver as clients see it: raw bytes on real sockets.

mod client;
mod crowd;
mod framing;
mod lifecycle;
mod messages;
