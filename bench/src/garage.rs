//! Garage, the peer of the S3 dialect: one node with LMDB.
//!
//! Its fsync can be on or off; off is its default, and then an acknowledged write is not on disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use crate::server::{Server, free_address};
use crate::sign::Signer;
use crate::store::work_directory;

/// What installs it where [`program`] looks.
const INSTALL: &str = "cargo install garage --version 2.5.0 --locked --no-default-features \
     --features bundled-libs,lmdb --root";

/// Starts one node in `scratch` with an empty `bucket` of `signer`, whose id and secret have
/// Garage's form.
pub(crate) fn start(
    name: &'static str,
    scratch: &Path,
    signer: &Signer,
    bucket: &str,
    fsync: bool,
) -> anyhow::Result<Server> {
    let program = program()?;
    let (address, rpc) = (free_address()?, free_address()?);
    let settings = format!(
        "metadata_dir = \"{0}/meta\"\ndata_dir = \"{0}/data\"\ndb_engine = \"lmdb\"\n\
         metadata_fsync = {fsync}\ndata_fsync = {fsync}\nreplication_factor = 1\n\
         rpc_bind_addr = \"{rpc}\"\nrpc_public_addr = \"{rpc}\"\nrpc_secret = \"{1}\"\n\
         [s3_api]\ns3_region = \"us-east-1\"\napi_bind_addr = \"{address}\"\n",
        scratch.display(),
        "5a".repeat(32),
    );
    let file = scratch.join("garage.toml");
    std::fs::write(&file, settings)?;
    let mut command = Command::new(&program);
    command
        .arg("-c")
        .arg(&file)
        .args(["server", "--single-node", "--default-bucket"])
        .env("GARAGE_DEFAULT_ACCESS_KEY", &signer.id)
        .env("GARAGE_DEFAULT_SECRET_KEY", &signer.secret)
        .env("GARAGE_DEFAULT_BUCKET", bucket)
        .env("RUST_LOG", "garage=error");
    Server::start(name, address, command)
}

/// The program: installed beside the benchmark, or on the path.
fn program() -> anyhow::Result<PathBuf> {
    let root = work_directory()?.join("peers");
    let own = root.join("bin/garage");
    if own.exists() {
        return Ok(own);
    }
    let answered = Command::new("garage").arg("--version").output();
    ensure!(answered.is_ok(), "no garage: {INSTALL} {}", root.display());
    Ok(PathBuf::from("garage"))
}
