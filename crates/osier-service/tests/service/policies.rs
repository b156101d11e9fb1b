//! Policies of users at work: what they grant, deny, and depend on.

use std::sync::Arc;

use http::{Method, StatusCode};
use osier_types::Clock as _;

use crate::harness::{Answer, Ask, Harness, OTHER_KEY_ID, SECRET};

fn allow(actions: &str, resources: &str) -> String {
    statement("Allow", actions, resources, "{}")
}

fn deny(actions: &str, resources: &str) -> String {
    statement("Deny", actions, resources, "{}")
}

fn statement(effect: &str, actions: &str, resources: &str, condition: &str) -> String {
    let list = |words: &str| {
        let words: Vec<String> = words.split(' ').map(|word| format!("\"{word}\"")).collect();
        words.join(",")
    };
    let (actions, resources) = (list(actions), list(resources));
    format!(
        r#"{{"Effect":"{effect}","Action":[{actions}],"Resource":[{resources}],"Condition":{condition}}}"#
    )
}

async fn world() -> Harness {
    let harness = Harness::new().await;
    for bucket in ["/media", "/other"] {
        let made = harness.signed(Method::PUT, bucket, "").await;
        assert_eq!(made.status, 200);
    }
    for object in ["/media/a", "/media/uploads/b", "/other/a"] {
        let put = harness.signed(Method::PUT, object, "hello").await;
        assert_eq!(put.status, 200);
    }
    harness
}

#[track_caller]
fn allowed(answer: &Answer) {
    assert!(answer.status.is_success(), "{answer:?}");
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    if !answer.body.is_empty() {
        assert_eq!(answer.code(), "AccessDenied");
    }
}

#[tokio::test]
async fn a_user_may_what_its_policy_says_and_no_more() {
    let harness = world().await;
    let media = "acs:oss:*:*:media acs:oss:*:*:media/*";
    let actions = "oss:PutObject oss:GetObject oss:DeleteObject oss:ListObjects";
    harness.user("app", &allow(actions, media)).await;
    for (method, target) in [
        (Method::GET, "/media/a"),
        (Method::HEAD, "/media/a"),
        (Method::PUT, "/media/new"),
        (Method::GET, "/media"),
        (Method::GET, "/media?uploads"),
        (Method::DELETE, "/media/new"),
    ] {
        let answer = harness.by("app", method.clone(), target).await;
        if target == "/media?uploads" {
            refused(&answer);
        } else {
            allowed(&answer);
        }
    }
    for (method, target) in [
        (Method::GET, "/other/a"),
        (Method::PUT, "/other/b"),
        (Method::GET, "/other"),
        (Method::GET, "/"),
        (Method::PUT, "/newbucket"),
        (Method::DELETE, "/media"),
        (Method::GET, "/media?acl"),
        (Method::GET, "/media/a?acl"),
        (Method::GET, "/media/a?tagging"),
    ] {
        refused(&harness.by("app", method, target).await);
    }
    // What is put by a user is its account's.
    let put = Ask::new(Method::PUT, "/media/tagged").by(Some("app"));
    refused(&harness.ask(put.header("x-oss-tagging", "a=b")).await);
}

#[tokio::test]
async fn the_forgotten_bucket_resource_is_named() {
    let harness = world().await;
    let listing = allow("oss:ListObjects oss:GetObject", "acs:oss:*:*:media/*");
    harness.user("app", &listing).await;
    allowed(&harness.by("app", Method::GET, "/media/a").await);
    let answer = harness.by("app", Method::GET, "/media").await;
    refused(&answer);
    let text = answer.text();
    assert!(text.contains("<AccessDeniedDetail>"), "{text}");
    assert!(text.contains("acs:oss:*:*:media"), "{text}");
    assert!(text.contains("oss:ListObjects"), "{text}");
}

#[tokio::test]
async fn s11_denials_win_and_grant_nothing() {
    let harness = world().await;
    let both = [
        allow("oss:*", "*"),
        deny("oss:PutObject", "acs:oss:*:*:media/uploads/*"),
    ];
    harness.user("most", &both.join(",")).await;
    allowed(&harness.by("most", Method::PUT, "/media/c").await);
    refused(&harness.by("most", Method::PUT, "/media/uploads/c").await);
    harness.user("none", &deny("oss:DeleteObject", "*")).await;
    refused(&harness.by("none", Method::GET, "/media/a").await);
    // Not even lists that are public.
    let acl = Ask::new(Method::PUT, "/media?acl")
        .signed_query("?acl")
        .header("x-oss-acl", "public-read-write");
    allowed(&harness.ask(acl).await);
    allowed(&harness.by("none", Method::GET, "/media/a").await);
    allowed(&harness.by(OTHER_KEY_ID, Method::PUT, "/media/d").await);
    refused(&harness.by("none", Method::DELETE, "/media/d").await);
}

#[tokio::test]
async fn s09_sources_of_copies_and_targets_of_links_need_permission() {
    let harness = world().await;
    let writes = allow("oss:PutObject", "acs:oss:*:*:media/*");
    let reads = allow(
        "oss:GetObject",
        "acs:oss:*:*:other/a acs:oss:*:*:media/link",
    );
    harness.user("writer", &writes).await;
    harness.user("copier", &[writes, reads].join(",")).await;
    let copy = async |user: &str, from: &str| {
        let ask = Ask::new(Method::PUT, "/media/copy").by(Some(user));
        harness.ask(ask.header("x-oss-copy-source", from)).await
    };
    refused(&copy("writer", "/other/a").await);
    refused(&copy("writer", "/media/a").await);
    refused(&copy("copier", "/media/a").await);
    allowed(&copy("copier", "/other/a").await);

    let begun = harness
        .by("copier", Method::POST, "/media/copy?uploads")
        .await;
    let upload = begun.element("UploadId").unwrap().to_owned();
    let part = async |user: &str, from: &str| {
        let query = format!("?partNumber=1&uploadId={upload}");
        let target = format!("/media/copy{query}");
        let ask = Ask::new(Method::PUT, &target)
            .by(Some(user))
            .signed_query(&query)
            .header("x-oss-copy-source", from);
        harness.ask(ask).await
    };
    refused(&part("writer", "/other/a").await);
    refused(&part("copier", "/media/a").await);
    allowed(&part("copier", "/other/a").await);

    let link = Ask::new(Method::PUT, "/media/link?symlink")
        .signed_query("?symlink")
        .header("x-oss-symlink-target", "a");
    allowed(&harness.ask(link).await);
    refused(&harness.by("copier", Method::GET, "/media/link").await);
    refused(&harness.by("copier", Method::HEAD, "/media/link").await);
    refused(&copy("copier", "/media/link").await);
}

#[tokio::test]
async fn s10_versions_need_actions_of_their_own() {
    let harness = world().await;
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let versioned = Ask::new(Method::PUT, "/media?versioning")
        .signed_query("?versioning")
        .body(on);
    allowed(&harness.ask(versioned).await);
    let put = harness.signed(Method::PUT, "/media/a", "two").await;
    let version = put.header("x-oss-version-id").unwrap().to_owned();
    let plain = "oss:GetObject oss:DeleteObject oss:GetObjectAcl oss:GetObjectTagging";
    let exact = "oss:GetObjectVersion oss:DeleteObjectVersion oss:GetObjectVersionAcl \
                 oss:GetObjectVersionTagging oss:ListObjectVersions";
    harness.user("plain", &allow(plain, "*")).await;
    harness.user("exact", &allow(exact, "*")).await;
    for (method, query) in [
        (Method::GET, String::new()),
        (Method::GET, "acl&".into()),
        (Method::GET, "tagging&".into()),
        (Method::DELETE, String::new()),
    ] {
        let query = format!("{query}versionId={version}");
        let target = format!("/media/a?{query}");
        refused(&harness.by("plain", method.clone(), &target).await);
        allowed(&harness.by("exact", method, &target).await);
    }
    refused(&harness.by("plain", Method::GET, "/media?versions").await);
    allowed(&harness.by("exact", Method::GET, "/media?versions").await);
    refused(&harness.by("exact", Method::GET, "/media/a").await);
    allowed(&harness.by("plain", Method::GET, "/media/a").await);
    let delete = |version: &str| format!("<Delete><Object><Key>a</Key>{version}</Object></Delete>");
    let several = async |user: &str, body: String| {
        let digest = content_md5(body.as_bytes());
        let ask = Ask::new(Method::POST, "/media?delete")
            .by(Some(user))
            .signed_query("?delete")
            .header("content-md5", &digest)
            .body(body);
        harness.ask(ask).await
    };
    let named = delete("<VersionId>null</VersionId>");
    refused(&several("plain", named.clone()).await);
    refused(&several("exact", delete("")).await);
    allowed(&several("plain", delete("")).await);
    allowed(&several("exact", named).await);
}

fn content_md5(body: &[u8]) -> String {
    use base64::Engine as _;
    use md5::Digest as _;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body))
}

#[tokio::test]
async fn s12_conditions_see_what_the_request_is_and_not_what_it_says_it_is() {
    let harness = world().await;
    for (name, condition) in [
        ("local", r#"{"IpAddress":{"acs:SourceIp":["127.0.0.0/8"]}}"#),
        (
            "elsewhere",
            r#"{"IpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}"#,
        ),
        ("tls", r#"{"Bool":{"acs:SecureTransport":["true"]}}"#),
        ("agent", r#"{"StringLike":{"acs:UserAgent":["app/*"]}}"#),
        (
            "page",
            r#"{"StringEquals":{"acs:Referer":["https://example.com/"]}}"#,
        ),
        (
            "late",
            r#"{"DateGreaterThan":{"acs:CurrentTime":["2030-01-01T00:00:00Z"]}}"#,
        ),
        ("key-1", r#"{"StringEquals":{"acs:AccessId":["key-1"]}}"#),
        ("prefix", r#"{"StringLike":{"oss:Prefix":["uploads/*"]}}"#),
        ("delimiter", r#"{"StringEquals":{"oss:Delimiter":["/"]}}"#),
        (
            "tagged",
            r#"{"StringEquals":{"oss:ExistingObjectTag/level":["public"]}}"#,
        ),
        (
            "tagging",
            r#"{"StringEquals":{"oss:RequestObjectTag/level":["public"]}}"#,
        ),
        (
            "acl",
            r#"{"StringEquals":{"oss:x-oss-object-acl":["private"]}}"#,
        ),
        (
            "untagged",
            r#"{"StringEquals":{"oss:BucketTag/stage":["dev"]}}"#,
        ),
    ] {
        let actions = "oss:GetObject oss:PutObject oss:PutObjectTagging oss:PutObjectAcl \
                       oss:ListObjects";
        harness
            .user(name, &statement("Allow", actions, "*", condition))
            .await;
    }
    let get = async |user: &str, headers: &[(&'static str, &str)]| {
        let mut ask = Ask::new(Method::GET, "/media/a").by(Some(user));
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        harness.ask(ask).await
    };
    allowed(&get("local", &[]).await);
    refused(&get("elsewhere", &[]).await);
    refused(&get("elsewhere", &[("x-forwarded-for", "10.0.0.1")]).await);
    refused(&get("elsewhere", &[("acs-sourceip", "10.0.0.1")]).await);
    refused(&get("tls", &[("x-forwarded-proto", "https")]).await);
    refused(&get("agent", &[]).await);
    allowed(&get("agent", &[("user-agent", "app/1.0")]).await);
    allowed(&get("page", &[("referer", "https://example.com/")]).await);
    refused(&get("page", &[("referer", "https://example.com/x")]).await);
    refused(&get("late", &[]).await);
    allowed(&get("key-1", &[]).await);
    refused(&get("untagged", &[]).await);

    let list = async |user: &str, query: &str| {
        let target = format!("/media{query}");
        harness
            .ask(Ask::new(Method::GET, &target).by(Some(user)))
            .await
    };
    allowed(&list("prefix", "?prefix=uploads%2F").await);
    allowed(&list("prefix", "?prefix=uploads%2Fb&prefix=secret").await);
    for other in ["", "?prefix=", "?prefix=upload", "?prefix=secret/"] {
        refused(&list("prefix", other).await);
    }
    allowed(&list("delimiter", "?delimiter=%2F").await);
    refused(&list("delimiter", "").await);

    refused(&get("tagged", &[]).await);
    let tagged = Ask::new(Method::PUT, "/media/a").header("x-oss-tagging", "level=public");
    allowed(&harness.ask(tagged).await);
    allowed(&get("tagged", &[]).await);

    let put = async |user: &str, header: Option<(&'static str, &str)>| {
        let mut ask = Ask::new(Method::PUT, "/media/new").by(Some(user));
        if let Some((name, value)) = header {
            ask = ask.header(name, value);
        }
        harness.ask(ask).await
    };
    refused(&put("tagging", None).await);
    refused(&put("tagging", Some(("x-oss-tagging", "level=secret"))).await);
    allowed(&put("tagging", Some(("x-oss-tagging", "level=public"))).await);
    refused(&put("acl", None).await);
    refused(&put("acl", Some(("x-oss-object-acl", "public-read"))).await);
    allowed(&put("acl", Some(("x-oss-object-acl", "private"))).await);
}

#[tokio::test]
async fn a_policy_that_changes_counts_for_the_next_request() {
    let harness = world().await;
    harness.user("app", &allow("oss:GetObject", "*")).await;
    allowed(&harness.by("app", Method::GET, "/media/a").await);
    harness.user("app", &allow("oss:PutObject", "*")).await;
    refused(&harness.by("app", Method::GET, "/media/a").await);
    harness.user("app", &allow("oss:GetObject", "*")).await;
    allowed(&harness.by("app", Method::GET, "/media/a").await);
}

#[tokio::test]
async fn policies_do_not_reach_into_other_accounts() {
    let harness = world().await;
    let theirs = Ask::new(Method::PUT, "/theirs").by(Some(OTHER_KEY_ID));
    allowed(&harness.ask(theirs).await);
    let theirs = Ask::new(Method::PUT, "/theirs/a").by(Some(OTHER_KEY_ID));
    allowed(&harness.ask(theirs).await);
    harness.user("admin", &allow("oss:*", "*")).await;
    allowed(&harness.by("admin", Method::PUT, "/mine").await);
    allowed(&harness.by("admin", Method::GET, "/").await);
    for (method, target) in [
        (Method::GET, "/theirs/a"),
        (Method::GET, "/theirs"),
        (Method::GET, "/theirs?acl"),
        (Method::DELETE, "/theirs/a"),
    ] {
        refused(&harness.by("admin", method, target).await);
    }
    // A name that is taken is told as such.
    let taken = harness.by("admin", Method::PUT, "/theirs").await;
    assert_eq!(
        (taken.status, taken.code()),
        (StatusCode::CONFLICT, "BucketAlreadyExists")
    );
}

/// A body that waits, so that things can happen between permission and the last byte.
struct Slow {
    waiting: Option<tokio::sync::oneshot::Receiver<()>>,
    reached: Option<tokio::sync::oneshot::Sender<()>>,
}

#[async_trait::async_trait]
impl osier_store::ByteSource for Slow {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>, osier_types::Fault> {
        let Some(waiting) = self.waiting.take() else {
            return Ok(None);
        };
        if let Some(reached) = self.reached.take() {
            let _ = reached.send(());
        }
        let _ = waiting.await;
        Ok(Some(bytes::Bytes::from_static(b"hello")))
    }
}

#[tokio::test]
async fn s42_a_bucket_made_anew_by_another_gets_nothing_of_the_old_permission() {
    let harness = Arc::new(Harness::new().await);
    allowed(&harness.signed(Method::PUT, "/media", "").await);
    harness.user("app", &allow("oss:PutObject", "*")).await;
    let (go, waiting) = tokio::sync::oneshot::channel();
    let (reached, begun) = tokio::sync::oneshot::channel();
    let slow = Slow {
        waiting: Some(waiting),
        reached: Some(reached),
    };
    let ask = Ask::new(Method::PUT, "/media/a").by(Some("app"));
    let (mut head, ()) = ask
        .request(harness.clock.now(), SECRET)
        .map(drop)
        .into_parts();
    head.headers.remove("content-length");
    head.headers
        .insert("transfer-encoding", "chunked".parse().unwrap());
    let upload = tokio::spawn({
        let harness = Arc::clone(&harness);
        async move {
            let request = osier_service::Request {
                head,
                peer: "127.0.0.1:50000".parse().unwrap(),
                local: "127.0.0.1:9000".parse().unwrap(),
                secure: false,
                body: Box::new(slow),
            };
            harness.service.handle(request).await.head.status
        }
    });
    begun.await.unwrap();
    allowed(&harness.signed(Method::DELETE, "/media", "").await);
    let theirs = Ask::new(Method::PUT, "/media").by(Some(OTHER_KEY_ID));
    allowed(&harness.ask(theirs).await);
    go.send(()).unwrap();
    assert_eq!(upload.await.unwrap(), StatusCode::NOT_FOUND);
    let seen = harness.by(OTHER_KEY_ID, Method::GET, "/media/a").await;
    assert_eq!(seen.code(), "NoSuchKey");
}
