//! The servers under test: osier itself and Debian's nginx, each on a free port of 127.0.0.1.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::process::children;
use crate::sign::Signer;

/// A running server; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts `target/release/osier` on an empty data directory.
    pub(crate) fn osier(data: &Path, signer: &Signer) -> anyhow::Result<Self> {
        Self::osier_with(data, signer, &[])
    }

    /// The same with further arguments.
    pub(crate) fn osier_with(
        data: &Path,
        signer: &Signer,
        arguments: &[&OsStr],
    ) -> anyhow::Result<Self> {
        let program = program("osier")?;
        let address = free_address()?;
        let console = free_address()?;
        let child = Command::new(program)
            .args(["serve", "--data"])
            .arg(data)
            .args([
                "--listen",
                &address.to_string(),
                "--console-listen",
                &console.to_string(),
            ])
            .args(arguments)
            .env("OSIER_ROOT_ACCESS_KEY_ID", &signer.id)
            .env("OSIER_ROOT_ACCESS_KEY_SECRET", &signer.secret)
            .env("OSIER_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .context("start osier")?;
        Self {
            name: "osier",
            address,
            child,
        }
        .ready()
    }

    /// The same server at another of its addresses.
    pub(crate) fn reached_at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Keeps all of its threads, and those of its children, on one core from now on.
    pub(crate) fn pin(&self, core: usize) -> anyhow::Result<()> {
        for pid in std::iter::once(self.pid()).chain(children(self.pid())) {
            let pinned = Command::new("taskset")
                .args(["-a", "-p", "-c", &core.to_string(), &pid.to_string()])
                .stdout(Stdio::null())
                .status()
                .context("start taskset (util-linux)")?;
            anyhow::ensure!(pinned.success(), "{} can't be pinned", self.name);
        }
        Ok(())
    }

    /// Starts nginx serving the files below `root`, tuned as its own documentation advises.
    pub(crate) fn nginx(root: &Path, scratch: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let server = format!(
            "open_file_cache max=4096;\n\
             server {{ listen {address} reuseport backlog=4096; root {}; }}",
            root.display()
        );
        Self::nginx_with("nginx", address, &server, scratch)
    }

    /// Starts nginx with these servers, which listen at `address`.
    pub(crate) fn nginx_with(
        name: &'static str,
        address: SocketAddr,
        servers: &str,
        scratch: &Path,
    ) -> anyhow::Result<Self> {
        let workers = if name == "nginx" && servers.contains("root") {
            2
        } else {
            1
        };
        // Its workers must be able to read the files, wherever the build directory is.
        let user = if rustix::process::getuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let settings = format!(
            "{user} daemon off; worker_processes {workers}; pid {0}/nginx.pid; error_log {0}/nginx.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;\n\
             keepalive_requests 100000000;\n\
             client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;\n\
             uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; types {{ }} default_type application/octet-stream;\n\
             {servers} }}\n",
            scratch.display()
        );
        let file = scratch.join("nginx.conf");
        std::fs::write(&file, settings)?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).arg("-p").arg(scratch);
        Self::start(name, address, command).context("start nginx (apt-get install nginx)")
    }

    /// Starts `command`, which is to listen at `address`.
    pub(crate) fn start(
        name: &'static str,
        address: SocketAddr,
        mut command: Command,
    ) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Self {
            name,
            address,
            child,
        }
        .ready()
    }

    fn ready(mut self) -> anyhow::Result<Self> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(self);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once: {status}", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("{} does not listen", self.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let terminated = i32::try_from(self.pid())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(terminated, Some(Ok(()))) {
            // It is gone already, or will be.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn program(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let beside = here.with_file_name(name);
    if !beside.exists() {
        bail!(
            "{} is missing: cargo build --release --bin osier",
            beside.display()
        );
    }
    Ok(beside)
}

/// An address that nobody listens at now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
