//! Commands that run and end.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::process::{Serving, ask, run, send, serve, signed, stderr, stdout};

#[test]
fn version_and_help_are_data() {
    let version = run(&["version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(
        stdout(&version),
        format!("osier {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(stdout(&run(&["--version"])), stdout(&version));
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for command in ["serve", "fsck", "gc", "key", "version"] {
        assert!(stdout(&help).contains(command), "{command}");
    }
}

#[test]
fn a_fresh_store_is_sound_and_has_nothing_to_collect() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    let fsck = run(&["fsck", "--data", data]);
    assert_eq!(fsck.status.code(), Some(0), "{}", stderr(&fsck));
    assert_eq!(stdout(&fsck), "");
    // The account, the key of session tokens, and what the master keys are known by.
    assert!(stderr(&fsck).contains("sound: 3 rows"), "{}", stderr(&fsck));
    let gc = run(&["gc", "--data", data]);
    assert_eq!(gc.status.code(), Some(0), "{}", stderr(&gc));
    assert!(stderr(&gc).contains("freed 0 bytes"), "{}", stderr(&gc));
}

#[test]
fn the_key_file_is_named_and_shown_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    let file = folder.path().join("root-key.toml");
    assert_eq!(
        stdout(&run(&["key", "--data", data])),
        format!("{}\n", file.display())
    );
    let shown = stdout(&run(&["key", "show", "--data", data]));
    assert!(shown.starts_with("AccessKeyId: LTAI5t"), "{shown}");
    assert!(shown.contains("\nAccessKeySecret: "), "{shown}");

    let broken = OpenOptions::new().write(true).open(&file).unwrap();
    broken.write_all_at(b"canary", 0).unwrap();
    let output = run(&["key", "show", "--data", data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("is not the TOML document"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_running_server_verifies_and_collects_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Serving::start(&mut serve(folder.path()));
    let socket = folder.path().join("control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let fsck = run(&["fsck", "--data", data]);
    assert_eq!(fsck.status.code(), Some(0), "{}", stderr(&fsck));
    assert!(
        stderr(&fsck).contains("(server running)"),
        "{}",
        stderr(&fsck)
    );
    let gc = run(&["gc", "--data", data]);
    assert_eq!(gc.status.code(), Some(0), "{}", stderr(&gc));
    assert!(stderr(&gc).contains("freed 0 bytes"), "{}", stderr(&gc));
    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn damage_is_found_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let fsck = || run(&["fsck", "--data", data.to_str().unwrap()]);
    let server = Serving::start(&mut serve(data));
    let put = |target: &str, body: &[u8]| {
        let target = signed(data, "PUT", target);
        assert_eq!(send(server.store, "PUT", &target, body).0, 200);
    };
    put("/demo-bucket/", b"");
    put("/demo-bucket/large", &b"0123456789abcdef".repeat(10_000));
    put("/demo-bucket/small", b"small");
    // A server that is killed has lost nothing.
    assert_eq!(server.stop(Signal::KILL).0, None);
    let server = Serving::start(&mut serve(data));
    let target = signed(data, "GET", "/demo-bucket/large");
    assert_eq!(ask(server.store, "GET", &target).1.len(), 160_000);
    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    let sound = fsck();
    assert_eq!(
        sound.status.code(),
        Some(0),
        "{}{}",
        stdout(&sound),
        stderr(&sound)
    );

    let (path, offset) = volumes(data)
        .into_iter()
        .find_map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            let at = bytes
                .windows(16)
                .position(|bytes| bytes == b"0123456789abcdef");
            at.map(|at| (path, at as u64))
        })
        .unwrap();
    let volume = OpenOptions::new().write(true).open(path).unwrap();
    volume.write_all_at(b"X", offset + 1000).unwrap();
    let damaged = fsck();
    assert_eq!(damaged.status.code(), Some(1), "{}", stderr(&damaged));
    assert_ne!(stdout(&damaged), "");
    assert!(stderr(&damaged).contains("problem"), "{}", stderr(&damaged));
}

fn volumes(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("vol")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
