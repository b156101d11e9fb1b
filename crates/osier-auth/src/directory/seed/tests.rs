//! Seeds: what they make, that they can be applied again, and where they are wrong.

use osier_types::{BucketAcl, SeededRng};

use super::*;
use crate::testing::NOW;
use crate::{KeyRing as _, Principal};

const FULL: &str = r#"
[[account]]
id = "1000000000000001"
display_name = "dev"
email = "dev@example.com"

[[account.key]]
id = "rootkey"
secret = "canary-root-secret"

[[account.policy]]
name = "Upload"
description = "puts only"
document = '''
{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject","Resource":"acs:oss:*:*:media/*"}]}
'''

[[account.group]]
name = "writers"
policies = ["Upload"]

[[account.user]]
name = "app"
display_name = "应用"
groups = ["writers"]
policies = ["AliyunOSSReadOnlyAccess", "AliyunSTSAssumeRoleAccess"]

[[account.user.key]]
id = "LTAI5tApp"
secret = "canary-user-secret"

[[account.user.key]]
id = "LTAI5tOld"
secret = "canary-user-secret2"
active = false

[[account.role]]
name = "uploader"
trust = '{"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"RAM":["acs:ram::1000000000000001:root"]}}]}'
max_session_duration = 7200
policies = ["Upload"]

[[account.bucket]]
name = "media"
acl = "public-read"

[[account]]
id = "1000000000000002"

[[account.bucket]]
name = "other"
"#;

fn apply(directory: &mut Directory, text: &str) -> usize {
    let seed = parse(text).unwrap();
    directory
        .apply_seed(&seed, NOW, &SeededRng::new(1))
        .unwrap()
}

#[test]
fn makes_everything_and_changes_nothing_the_second_time() {
    let mut directory = Directory::default();
    let made = apply(&mut directory, FULL);
    assert_eq!(made, directory.take_changes().len());
    let root = directory.key("rootkey").unwrap();
    assert_eq!(root.identity.principal, Principal::Root);
    assert_eq!(root.identity.account.display_name, "dev");
    let app = directory.key("LTAI5tApp").unwrap();
    assert!(app.enabled && app.secret.matches(b"canary-user-secret"));
    assert!(!directory.key("LTAI5tOld").unwrap().enabled);
    assert_eq!(directory.layers(&app.identity).unwrap().identity.len(), 3);
    assert_eq!(directory.accounts().count(), 2);
    assert_eq!(apply(&mut directory, FULL), 0);
    assert!(directory.take_changes().is_empty());
    let seed = parse(FULL).unwrap();
    assert_eq!(seed.buckets.len(), 2);
    assert_eq!(seed.buckets[0].acl, BucketAcl::PublicRead);
    assert_eq!(seed.buckets[1].acl, BucketAcl::Private);
    assert_eq!(seed.buckets[1].account, "1000000000000002");
}

#[test]
fn changes_what_differs() {
    let mut directory = Directory::default();
    apply(&mut directory, FULL);
    directory.take_changes();
    for (from, to) in [
        ("\"dev\"", "\"prod\""),
        ("canary-root-secret", "another-root-secret"),
        ("oss:PutObject", "oss:GetObject"),
        ("puts only", "gets only"),
        ("name = \"writers\"", "name = \"writers\"\ncomments = \"c\""),
        ("应用", "App"),
        ("active = false", "active = true"),
        ("7200", "3600"),
        ("1:root\"]", "1:user/app\"]"),
    ] {
        let text = FULL.replace(from, to);
        assert_eq!(apply(&mut directory, &text), 1, "{from}");
        assert_eq!(apply(&mut directory, &text), 0, "{from}");
        assert_eq!(
            apply(&mut directory, FULL),
            usize::from(!to.contains("comments"))
        );
    }
}

#[test]
fn a_policy_that_is_changed_ever_again_keeps_five_versions() {
    let mut directory = Directory::default();
    for nth in 0..9 {
        apply(
            &mut directory,
            &FULL.replace("media/*", &format!("media/{nth}/*")),
        );
    }
    let entry = directory
        .account("1000000000000001")
        .unwrap()
        .policy("Upload")
        .unwrap();
    assert_eq!(entry.record.versions.len(), 5);
    assert!(entry.policy.text().contains("media/8/*"));
}

#[track_caller]
fn wrong(text: &str) -> (usize, usize, String) {
    let SeedError {
        line,
        column,
        message,
    } = parse(text).unwrap_err();
    (line, column, message)
}

#[test]
fn says_where_it_is_wrong() {
    // What is replaced by what, what is pointed at then, and a word of the complaint.
    let cases = [
        ("\"app\"", "\"a p\"", "\"a p\"", "UserName"),
        (
            "name = \"app\"",
            "nane = \"app\"",
            "nane",
            "unknown field `nane`",
        ),
        ("\"oss:PutObject\"", "5", "'''\n{", "Statement[0].Action"),
        ("[\"Upload\"]", "[\"Up\"]", "\"Up\"", "`Up`"),
        ("[\"writers\"]", "[\"w\"]", "\"w\"", "`w`"),
        (
            "\"public-read\"",
            "\"public\"",
            "\"public\"",
            "public-read-write",
        ),
        ("\"media\"", "\"Media\"", "\"Media\"", "Media"),
        ("\"other\"", "\"media\"", "\"media\"", "twice"),
        ("\"LTAI5tOld\"", "\"LTAI5tApp\"", "\"LTAI5tApp\"", "twice"),
        (
            "\"1000000000000002\"",
            "\"1000000000000001\"",
            "\"1000000000000001\"",
            "twice",
        ),
        ("\"1000000000000002\"", "\"x\"", "\"x\"", "AccountId"),
        ("7200", "72000", "'{\"Version\"", "MaxSessionDuration"),
        (
            "\"canary-root-secret\"",
            "\"short\"",
            "\"rootkey\"",
            "AccessKeySecret",
        ),
    ];
    for (from, to, anchor, fragment) in cases {
        let text = FULL.replacen(from, to, 1);
        let at = text.rfind(anchor).unwrap();
        let (before, _) = text.split_at(at);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        let (its_line, its_column, message) = wrong(&text);
        assert!(message.contains(fragment), "{from}: {message}");
        assert_eq!((its_line, its_column), (line, column), "{from}: {message}");
    }
    assert_eq!(wrong("[[account]]\nid = \"12345\"\ntéa = 1\n").0, 3);
    let (line, column, _) = wrong("[[account]]\nid = \"12345\"\nuser = [{ name = \"é\", id = 5 }]");
    assert_eq!((line, column), (3, 23));
    assert_eq!(wrong("[[account]]\nid = ").0, 2);
}

#[test]
fn s19_complaints_show_no_secrets() {
    for secret in [
        "5",
        "\"canary",
        "[\"canary-canary\"]",
        "{ x = \"canary-canary\" }",
        "\"cana\"",
        "12345678",
    ] {
        let text =
            format!("[[account]]\nid = \"12345\"\nkey = [{{ id = \"abc\", secret = {secret} }}]\n");
        let error = parse(&text).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            !told.contains("cana") && !told.contains("12345678"),
            "{told}"
        );
    }
    let seed = parse(FULL).unwrap();
    assert!(!format!("{seed:?}").contains("canary"));
}

#[test]
fn a_key_of_somebody_else_is_not_taken_over() {
    let mut directory = Directory::default();
    apply(&mut directory, FULL);
    let text = "[[account]]\nid = \"1000000000000002\"\n[[account.key]]\nid = \"rootkey\"\nsecret = \"12345678\"\n";
    let seed = parse(text).unwrap();
    let error = directory
        .apply_seed(&seed, NOW, &SeededRng::new(1))
        .unwrap_err();
    assert_eq!((error.line, error.column), (4, 6));
    assert!(error.message.contains("already exists"));
}

#[test]
fn an_empty_seed_is_a_seed() {
    assert_eq!(apply(&mut Directory::default(), ""), 0);
}
