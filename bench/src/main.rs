//! `cargo xtask bench store|iam|edge|s3`: osier beside its yardsticks, in one run on one machine.
//!
//! Every number is printed as a ratio to a peer measured in the same run, with
//! the server's CPU per request; absolute figures of a shared machine are noise.
#![expect(clippy::print_stdout, reason = "the table goes to stdout")]

mod disk;
mod edge;
mod garage;
mod iam;
mod load;
mod process;
mod s3;
mod server;
mod sign;
mod store;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("store") => store::run(&arguments.collect::<Vec<_>>()),
        Some("iam") => iam::run(&arguments.collect::<Vec<_>>()),
        Some("edge") => edge::run(&arguments.collect::<Vec<_>>()),
        Some("s3") => s3::run(&arguments.collect::<Vec<_>>()),
        _ => anyhow::bail!(
            "usage: osier-bench store|edge|s3 [--quick] [--only NAME] | iam [--quick]"
        ),
    }
}
