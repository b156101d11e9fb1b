use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;

use super::*;

fn policy(conditions: &str) -> Result<PostPolicy, Fault> {
    PostPolicy::parse(&BASE64.encode(format!(
        r#"{{"expiration":"2026-11-22T04:04:05Z","conditions":{conditions}}}"#
    )))
}

fn check(conditions: &str, fields: &[(&str, &str)]) -> Result<Option<LengthRange>, Fault> {
    let fields: FormFields<'_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let key = fields.first("key").unwrap_or_default();
    let key = String::from_utf8_lossy(key).replace("${filename}", "photo.jpg");
    let target = PostTarget {
        bucket: "bkt",
        key: key.as_bytes(),
    };
    policy(conditions).unwrap().check(&target, &fields)
}

#[track_caller]
fn holds(conditions: &str, fields: &[(&str, &str)]) {
    check(conditions, fields).unwrap();
}

#[track_caller]
fn violates(conditions: &str, fields: &[(&str, &str)]) {
    match check(conditions, fields).map_err(|fault| fault.kind) {
        Err(FaultKind::AccessDenied(AccessDenial::PostPolicy { condition })) => {
            assert!(!condition.is_empty());
        }
        other => panic!("{conditions} {fields:?}: {other:?}"),
    }
}

#[test]
fn s06_each_condition_held_and_violated() {
    for exact in [
        r#"[{"x":"v"}]"#,
        r#"[["eq","$x","v"]]"#,
        r#"[["EQ","$X","v"]]"#,
    ] {
        holds(exact, &[("x", "v")]);
        holds(exact, &[("X", "v")]);
        for wrong in ["V", "v ", "", "vv"] {
            violates(exact, &[("x", wrong)]);
        }
        violates(exact, &[]);
    }
    let starts = r#"[["starts-with","$x","img/"]]"#;
    holds(starts, &[("x", "img/png")]);
    violates(starts, &[("x", "IMG/png")]);
    violates(starts, &[]);
    holds(r#"[["starts-with","$x",""]]"#, &[]);
    let list = r#"[["in","$content-type",["image/jpg","image/png"]]]"#;
    holds(list, &[("Content-Type", "image/png")]);
    violates(list, &[("Content-Type", "image/gif")]);
    violates(list, &[]);
    let not = r#"[["not-in","$cache-control",["no-cache"]]]"#;
    holds(not, &[("cache-control", "no-store")]);
    holds(not, &[]);
    violates(not, &[("Cache-Control", "no-cache")]);
    // Clients write bare numbers.
    holds(
        r#"[{"success_action_status":201}]"#,
        &[("success_action_status", "201")],
    );
}

#[test]
fn s06_the_bucket_is_the_one_addressed() {
    holds(r#"[{"bucket":"bkt"}]"#, &[]);
    violates(r#"[{"bucket":"other"}]"#, &[("bucket", "other")]);
    holds(r#"[["starts-with","$bucket","b"]]"#, &[]);
}

#[test]
fn s06_the_key_is_the_one_written() {
    let under = r#"[["starts-with","$key","up/"]]"#;
    holds(under, &[("key", "up/a")]);
    holds(under, &[("key", "up/${filename}")]);
    violates(under, &[("key", "down/a")]);
    violates(under, &[("key", "${filename}")]);
    violates(under, &[("KEY", "Up/a")]);
    // The field before `${filename}` was replaced counts only if the condition names it.
    holds(
        r#"[["eq","$key","up/${filename}"]]"#,
        &[("key", "up/${filename}")],
    );
    violates(r#"[["eq","$key","up/${filename}"]]"#, &[("key", "up/x")]);
    holds(r#"[["eq","$key","photo.jpg"]]"#, &[("key", "${filename}")]);
}

#[test]
fn s06_a_field_sent_twice_must_hold_twice() {
    let exact = r#"[{"x":"v"}]"#;
    holds(exact, &[("x", "v"), ("X", "v")]);
    violates(exact, &[("x", "v"), ("x", "w")]);
    violates(exact, &[("x", "w"), ("X", "v")]);
}

#[test]
fn s06_one_broken_condition_is_enough() {
    violates(r#"[{"x":"v"},{"y":"v"}]"#, &[("x", "v")]);
    violates(r#"[{"x":"v","y":"v"}]"#, &[("x", "v")]);
    // What is not named is free, as on OSS.
    holds(r#"[{"x":"v"}]"#, &[("x", "v"), ("z", "anything")]);
}

#[test]
fn s06_lengths() {
    let range = |text: &str| check(text, &[]).unwrap();
    let between = |min, max| Some(LengthRange { min, max });
    assert_eq!(range("[]"), None);
    assert_eq!(range(r#"[["content-length-range",0,0]]"#), between(0, 0));
    assert_eq!(
        range(r#"[["content-length-range","1","9"]]"#),
        between(1, 9)
    );
    assert_eq!(
        range(r#"[["content-length-range",1,9],["content-length-range",3,20]]"#),
        between(3, 9)
    );
}

#[test]
fn s06_malformed_policies() {
    for conditions in [
        "{}",
        "\"x\"",
        "[1]",
        "[[]]",
        r#"[["eq"]]"#,
        r#"[["eq","$x"]]"#,
        r#"[["eq","x","v"]]"#,
        r#"[["eq","$x","v","w"]]"#,
        r#"[["eq","$x",["v"]]]"#,
        r#"[["matches","$x","v"]]"#,
        r#"[["in","$x",{}]]"#,
        r#"[{"x":null}]"#,
        r#"[{"x":{}}]"#,
        r#"[["content-length-range",1]]"#,
        r#"[["content-length-range",-1,5]]"#,
        r#"[["content-length-range",5,1]]"#,
        r#"[["content-length-range",1.5,2]]"#,
        r#"[["content-length-range",0,99999999999999999999]]"#,
    ] {
        assert!(
            matches!(
                policy(conditions).map_err(|fault| fault.kind),
                Err(FaultKind::InvalidPolicyDocument { .. })
            ),
            "{conditions}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [
        r#"{"conditions":[]}"#,
        r#"{"expiration":"soon","conditions":[]}"#,
        r#"{"expiration":1,"conditions":[]}"#,
        r#"{"expiration":"2026-11-22T04:04:05Z"}"#,
        deep.as_str(),
    ] {
        assert!(PostPolicy::parse(&BASE64.encode(text)).is_err());
    }
    assert!(PostPolicy::parse("***").is_err());
}

#[test]
fn padding_and_line_breaks_do_not_matter() {
    let text = r#"{"expiration":"2026-11-22T04:04:05.000Z","conditions":[]}"#;
    let packed = BASE64.encode(text);
    for spelling in [
        packed.clone(),
        packed.trim_end_matches('=').to_owned(),
        format!("{packed}\r\n"),
    ] {
        assert!(PostPolicy::parse(&spelling).is_ok(), "{spelling}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(text in "\\PC{0,60}", json in "[\\[\\]{}\",:$a-z0-9 -]{0,60}") {
        let _ = PostPolicy::parse(&text);
        let _ = PostPolicy::parse(&BASE64.encode(&json));
        let _ = policy(&json);
    }

    /// A policy on a prefix lets no other key through, whatever else is sent.
    #[test]
    fn s06_no_key_outside_the_prefix(key in "[a-z/${}]{0,12}", twice in "[a-z/]{0,6}") {
        let fields = [("key", key.as_str()), ("Key", twice.as_str())];
        let allowed = check(r#"[["starts-with","$key","up/"]]"#, &fields).is_ok();
        prop_assert_eq!(allowed, key.starts_with("up/"));
    }
}
