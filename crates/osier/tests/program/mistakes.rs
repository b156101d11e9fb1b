//! What is said when something is wrong, and how the program ends then.

use crate::process::{osier, run, serve, stderr};

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [
        &["srve"][..],
        &["serve", "--listne", "x"],
        &["serve", "--listen", "9000"],
        &["serve", "extra"],
        &[],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(output.stdout, b"");
    }
    assert!(
        stderr(&run(&["serve", "--listen", "9000"])).contains("did you mean `127.0.0.1:9000`?")
    );
    assert!(stderr(&run(&["serve", "--listne", "x"])).contains("--listen"));
}

#[test]
fn problems_of_the_settings_file_have_a_place_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("osier.toml");
    let path = file.to_str().unwrap();
    for (text, place, hint) in [
        (
            "\n[http]\nsufixes = []\n",
            ":3:1: unknown setting `sufixes`",
            "hint: did you mean `suffixes`?",
        ),
        ("data = 1\n", ":1:8: invalid type", ""),
        ("listen = [\"x\"]\n", ":1:12: `x` is not an address", ""),
        ("a = = b", ":1:5: ", ""),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = run(&["serve", "--config", path]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains(&format!("{path}{place}")), "{said}");
        assert!(said.contains(hint), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let output = run(&["serve", "--config", "/nonexistent/osier.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nonexistent/osier.toml: can't be read"));
}

#[test]
fn s01_weak_or_half_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let open = [
        "serve",
        "--data",
        data,
        "--listen",
        "0.0.0.0:0",
        "--console-listen",
        "127.0.0.1:0",
    ];
    let weak = osier(&open)
        .env("OSIER_ROOT_ACCESS_KEY_ID", "minioadmin")
        .env("OSIER_ROOT_ACCESS_KEY_SECRET", "minioadmin")
        .output()
        .unwrap();
    assert_eq!(weak.status.code(), Some(1));
    let said = stderr(&weak);
    assert!(said.contains("easy to guess"), "{said}");
    assert!(
        said.contains("hint: use 16 or more random characters"),
        "{said}"
    );

    let half = serve(folder.path())
        .env("OSIER_ROOT_ACCESS_KEY_ID", "someone")
        .output()
        .unwrap();
    assert_eq!(half.status.code(), Some(1));
    assert!(stderr(&half).contains("set both, or neither"));
}

#[test]
fn a_directory_of_a_newer_osier_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "not a directory").unwrap();
    let output = serve(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("can't make the data directory"),
        "{}",
        stderr(&output)
    );
    for command in ["fsck", "gc"] {
        let empty = folder.path().join("none");
        let output = run(&[command, "--data", empty.to_str().unwrap()]);
        assert_eq!(
            output.status.code(),
            Some(if command == "fsck" { 2 } else { 1 })
        );
        assert!(
            stderr(&output).contains("holds no data of osier"),
            "{}",
            stderr(&output)
        );
        assert!(!empty.exists());
    }
    let output = run(&["key", "--data", path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the first `osier serve` makes it"));
}
