//! The program as people and init systems see it: the real binary, real
//! processes, real files.
#![expect(
    clippy::unwrap_used,
    reason = "what helpers of tests can't do fails the test"
)]

mod commands;
mod mistakes;
mod process;
mod serving;
