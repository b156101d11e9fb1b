//! Forms from web pages: signed policies, limits, answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;

use crate::harness::{Answer, Ask, Harness, KEY_ID, SECRET, sign};

const POLICY: &str = r#"{"expiration":"2026-11-22T04:04:05.000Z","conditions":[{"bucket":"bkt-a"},["starts-with","$key","up/"],["content-length-range",1,10],{"success_action_status":"201"}]}"#;

fn form(fields: &[(&str, &str)], file: &str) -> Vec<u8> {
    let mut body = String::new();
    for (name, value) in fields {
        body += "--b\r\nContent-Disposition: form-data; name=\"";
        body += name;
        body += "\"\r\n\r\n";
        body += value;
        body += "\r\n";
    }
    body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n";
    body += file;
    body += "\r\n--b--\r\n";
    body.into_bytes()
}

async fn post(harness: &Harness, policy: &str, key: &str, status: &str, file: &str) -> Answer {
    let policy = BASE64.encode(policy);
    let signature = sign(SECRET, &policy);
    let fields = [
        ("OSSAccessKeyId", KEY_ID),
        ("policy", policy.as_str()),
        ("Signature", signature.as_str()),
        ("key", key),
        ("success_action_status", status),
    ];
    let ask = Ask::new(Method::POST, "/bkt-a")
        .by(None)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form(&fields, file));
    harness.ask(ask).await
}

#[tokio::test]
async fn s06_every_condition_counts() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let good = post(&harness, POLICY, "up/${filename}", "201", "hello").await;
    assert_eq!(good.status, 201, "{good:?}");
    assert_eq!(good.element("Key"), Some("up/f.txt"));
    let read = harness.signed(Method::GET, "/bkt-a/up/f.txt", "").await;
    assert_eq!(
        (read.text(), read.header("content-type")),
        ("hello", Some("text/plain"))
    );

    let refused = [
        post(&harness, POLICY, "elsewhere", "201", "hello").await,
        post(&harness, POLICY, "up/status", "200", "hello").await,
        post(
            &harness,
            &POLICY.replace("bkt-a", "bkt-b"),
            "up/bucket",
            "201",
            "hello",
        )
        .await,
        post(
            &harness,
            &POLICY.replace("T04", "T02"),
            "up/late",
            "201",
            "hello",
        )
        .await,
    ];
    for answer in refused {
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (403, "AccessDenied"),
            "{answer:?}"
        );
    }
    assert_eq!(
        post(&harness, POLICY, "up/long", "201", "hello world")
            .await
            .code(),
        "EntityTooLarge"
    );
    assert_eq!(
        post(&harness, POLICY, "up/short", "201", "").await.code(),
        "EntityTooSmall"
    );
    let list = harness.signed(Method::GET, "/bkt-a", "").await;
    assert_eq!(list.text().matches("<Key>").count(), 1, "{}", list.text());
}

#[tokio::test]
async fn a_form_without_policy_needs_a_public_bucket() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let ask = || {
        Ask::new(Method::POST, "/bkt-a")
            .by(None)
            .header("content-type", "multipart/form-data; boundary=b")
            .body(form(&[("key", "k")], "hello"))
    };
    assert_eq!(harness.ask(ask()).await.code(), "AccessDenied");
    let acl = Ask::new(Method::PUT, "/bkt-a?acl")
        .signed_query("?acl")
        .header("x-oss-acl", "public-read-write");
    assert_eq!(harness.ask(acl).await.status, 200);
    assert_eq!(harness.ask(ask()).await.status, 204);
}
