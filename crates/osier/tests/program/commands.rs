//! Commands that run and end.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use rustix::process::Signal;

use crate::process::{Serving, run, serve, stderr, stdout};

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
    assert!(
        stderr(&fsck).contains("sound: 0 buckets"),
        "{}",
        stderr(&fsck)
    );
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
