//! Runs the program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::process::{Pid, Signal, kill_process};

/// The program, without the environment of whoever runs the tests.
pub(crate) fn osier(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_osier"));
    command
        .args(arguments)
        .env_remove("OSIER_ROOT_ACCESS_KEY_ID")
        .env_remove("OSIER_ROOT_ACCESS_KEY_SECRET")
        .env_remove("OSIER_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    osier(arguments).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `serve` on free ports of this machine.
pub(crate) fn serve(data: &Path) -> Command {
    osier(&[
        "serve",
        "--data",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--console-listen",
        "127.0.0.1:0",
    ])
}

/// A server that is ready. Killed when dropped.
pub(crate) struct Serving {
    child: Child,
    reader: BufReader<ChildStderr>,
    pub(crate) greeting: String,
    pub(crate) store: SocketAddr,
    pub(crate) console: SocketAddr,
}

impl Serving {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("root key") {
            let read = reader.read_line(&mut greeting).unwrap();
            assert!(read > 0, "the server ended: {greeting}");
        }
        let address = |name: &str| {
            let line = greeting
                .lines()
                .find(|line| line.trim_start().starts_with(name));
            let (_, address) = line.unwrap().split_once("http://").unwrap();
            address.trim().parse().unwrap()
        };
        Self {
            store: address("OSS"),
            console: address("console"),
            child,
            reader,
            greeting,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Asks it to end; gives the exit code and everything it said.
    pub(crate) fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(self.pid(), signal).unwrap();
        let mut rest = String::new();
        self.reader.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        (status.code(), format!("{}{rest}", self.greeting))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Gone already, or not: both are fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of a request.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str) -> (u16, String) {
    send(address, method, target, b"")
}

/// Status and body of a request with a body.
pub(crate) fn send(address: SocketAddr, method: &str, target: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// `path` with a V1 signature of the key in `data`.
pub(crate) fn signed(data: &Path, method: &str, path: &str) -> String {
    let key = std::fs::read_to_string(data.join("root-key.toml")).unwrap();
    let value = |name: &str| {
        let line = key.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim_matches([' ', '=', '"']).to_owned()
    };
    // The 31st of December 2099: no clock is needed here.
    let expires = 4_102_358_400_u64;
    let secret = value("access_key_secret");
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{method}\n\n\n{expires}\n{path}").as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let signature = signature
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let id = value("access_key_id");
    format!("{path}?OSSAccessKeyId={id}&Expires={expires}&Signature={signature}")
}
