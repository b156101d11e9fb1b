//! `osier serve` from its first to its last line.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{Serving, ask, osier, run, serve, stderr, stdout};

const ID: &str = "LTAI5tTestOfTheProgram00";
const SECRET: &str = "canary7Kp2mQ9vR4tW8zB3nY6xD5";

#[test]
fn s01_s19_a_key_is_made_once_and_its_secret_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("not/yet/there");
    let first = Serving::start(&mut serve(&data));
    assert!(first.greeting.contains("is ready"), "{}", first.greeting);
    assert!(first.greeting.contains("made, see "), "{}", first.greeting);
    let file = data.join("root-key.toml");
    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = text
        .lines()
        .find_map(|line| line.strip_prefix("access_key_secret = "))
        .unwrap();
    let secret = secret.trim_matches('"').to_owned();
    assert_eq!(secret.len(), 30);
    let (code, said) = first.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains(&secret));

    let second = Serving::start(&mut serve(&data));
    assert!(!second.greeting.contains("made"), "{}", second.greeting);
    assert!(
        second.greeting.contains("root-key.toml"),
        "{}",
        second.greeting
    );
    let (code, said) = second.stop(Signal::INT);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains(&secret));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

/// What the server writes to a terminal until it is ready.
fn terminal_greeting(data: &std::path::Path) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let inside = File::options()
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut child = serve(data)
        .stdout(Stdio::null())
        .stderr(inside)
        .spawn()
        .unwrap();
    let mut terminal = File::from(terminal);
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("curl '") {
        let mut buffer = [0; 4096];
        let bytes = terminal.read(&mut buffer).unwrap();
        text.extend(buffer.iter().take(bytes));
    }
    let line = text.iter().rposition(|byte| *byte == b'\n').unwrap();
    let text = String::from_utf8(text.into_iter().take(line + 1).collect()).unwrap();
    let url = text
        .split('\'')
        .find(|word| word.contains("OSSAccessKeyId"));
    if let Some(url) = url {
        let (_, rest) = url.split_once("//").unwrap();
        let (address, target) = rest.split_once('/').unwrap();
        let (status, body) = ask(address.parse().unwrap(), "GET", &format!("/{target}"));
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("<ListAllMyBucketsResult>"), "{body}");
    }
    kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    text
}

#[test]
fn a_terminal_gets_the_secret_once_and_lines_that_work() {
    let folder = tempfile::tempdir().unwrap();
    let first = terminal_greeting(folder.path());
    let shown = run(&["key", "show", "--data", folder.path().to_str().unwrap()]);
    let shown = stdout(&shown);
    let (_, secret) = shown.lines().nth(1).unwrap().split_once(": ").unwrap();
    assert!(first.contains(secret), "{first}");
    assert!(first.contains("ossutil ls -e http://127.0.0.1:"), "{first}");
    assert!(first.contains("import oss2"), "{first}");
    let second = terminal_greeting(folder.path());
    assert!(!second.contains(secret), "{second}");
    assert!(second.contains("root-key.toml"), "{second}");
}

#[test]
fn the_environment_gives_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(
        serve(folder.path())
            .env("OSIER_ROOT_ACCESS_KEY_ID", ID)
            .env("OSIER_ROOT_ACCESS_KEY_SECRET", SECRET),
    );
    assert!(
        server.greeting.contains("of the environment"),
        "{}",
        server.greeting
    );
    assert!(!folder.path().join("root-key.toml").exists());
    let (status, body) = ask(server.store, "GET", "/");
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
    let (code, said) = server.stop(Signal::TERM);
    assert_eq!(code, Some(0));
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn s43_each_listener_answers_its_own_paths_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    for (path, status, word) in [
        ("/", 200, "console"),
        ("/health", 200, "healthy"),
        ("/ready", 200, "ready"),
        ("/metrics", 200, "osier_engine_commits_total"),
        ("/debug", 404, "not found"),
        ("/metrics/", 404, "not found"),
        ("/minio/health/live", 404, "not found"),
    ] {
        let (answered, body) = ask(server.console, "GET", path);
        assert_eq!(answered, status, "{path}: {body}");
        assert!(body.contains(word), "{path}: {body}");
    }
    assert_eq!(ask(server.console, "POST", "/health").0, 405);
    for path in ["/health", "/ready", "/metrics"] {
        let (status, body) = ask(server.store, "GET", path);
        assert!(
            status == 403 || status == 404 || status == 400,
            "{path}: {status}"
        );
        assert!(body.contains("<Error>"), "{path}: {body}");
    }
}

#[test]
fn requests_are_counted_and_logged_without_their_query() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    let target = "/bucket/key?OSSAccessKeyId=x&Expires=1&Signature=canary";
    assert_eq!(ask(server.store, "GET", target).0, 403);
    assert_eq!(ask(server.store, "GET", "/nobucket-here/key").0, 404);
    let (_, metrics) = ask(server.console, "GET", "/metrics");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("osier_http_requests_total") && line.contains("404"));
    assert_eq!(
        line,
        Some("osier_http_requests_total{op=\"GetObject\",status=\"404\"} 1")
    );
    let (_, said) = server.stop(Signal::TERM);
    let logged = said.lines().filter(|line| line.contains("access")).count();
    assert_eq!(logged, 2, "{said}");
    assert!(!said.contains("canary"), "{said}");
    assert!(said.contains("NoSuchBucket"), "{said}");
}

#[test]
fn one_directory_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    let second = serve(folder.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = stderr(&second);
    assert!(said.contains("is in use by another process"), "{said}");
    assert!(
        said.contains("hint: another osier works on this directory"),
        "{said}"
    );
    assert_eq!(ask(server.console, "GET", "/ready").0, 200);
}

#[test]
fn a_taken_port_is_told_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    let other = folder.path().join("other");
    let address = server.store.to_string();
    let second = osier(&[
        "serve",
        "--data",
        other.to_str().unwrap(),
        "--listen",
        &address,
    ])
    .output()
    .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = stderr(&second);
    assert!(
        said.contains(&format!("can't listen on {address}")),
        "{said}"
    );
    assert!(said.contains("hint: something listens on port"), "{said}");
    assert!(!other.exists());
}
