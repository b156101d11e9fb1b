//! Objects through the whole service.

use http::Method;

use crate::harness::{Ask, Harness};

#[tokio::test]
async fn written_and_read() {
    let harness = Harness::new().await;
    assert_eq!(harness.signed(Method::PUT, "/bkt-a", "").await.status, 200);
    let put = harness.signed(Method::PUT, "/bkt-a/k", "hello").await;
    assert_eq!(put.status, 200);
    assert_eq!(
        put.header("etag"),
        Some("\"5D41402ABC4B2A76B9719D911017C592\"")
    );
    assert_eq!(
        put.header("x-oss-hash-crc64ecma"),
        Some("11177612005948864433")
    );
    let read = harness.signed(Method::GET, "/bkt-a/k", "").await;
    assert_eq!((read.status.as_u16(), read.text()), (200, "hello"));
    let part = harness
        .ask(Ask::new(Method::GET, "/bkt-a/k").header("range", "bytes=1-2"))
        .await;
    assert_eq!((part.status.as_u16(), part.text()), (206, "el"));
    assert_eq!(part.header("content-range"), Some("bytes 1-2/5"));
    assert_eq!(
        harness.signed(Method::DELETE, "/bkt-a/k", "").await.status,
        204
    );
    assert_eq!(
        harness.signed(Method::GET, "/bkt-a/k", "").await.code(),
        "NoSuchKey"
    );
}

#[tokio::test]
async fn a_wrong_digest_stores_nothing() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let wrong = Ask::new(Method::PUT, "/bkt-a/k")
        .header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")
        .body("hello");
    let answer = harness.ask(wrong).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (400, "InvalidDigest")
    );
    let wrong = Ask::new(Method::PUT, "/bkt-a/k")
        .header("x-oss-hash-crc64ecma", "1")
        .body("hello");
    assert_eq!(harness.ask(wrong).await.code(), "InvalidCRC64");
    assert_eq!(
        harness.signed(Method::GET, "/bkt-a/k", "").await.code(),
        "NoSuchKey"
    );
}

#[tokio::test]
async fn anonymous_callers_need_a_public_list() {
    let harness = Harness::new().await;
    harness
        .ask(Ask::new(Method::PUT, "/public").header("x-oss-acl", "public-read"))
        .await;
    harness.signed(Method::PUT, "/public/open", "1").await;
    harness
        .ask(
            Ask::new(Method::PUT, "/public/shut")
                .header("x-oss-object-acl", "private")
                .body("2"),
        )
        .await;
    assert_eq!(
        harness
            .anonymous(Method::GET, "/public/open", "")
            .await
            .text(),
        "1"
    );
    assert_eq!(
        harness
            .anonymous(Method::GET, "/public/shut", "")
            .await
            .code(),
        "AccessDenied"
    );
    assert_eq!(
        harness.anonymous(Method::GET, "/public", "").await.status,
        200
    );
    assert_eq!(
        harness
            .anonymous(Method::PUT, "/public/new", "3")
            .await
            .code(),
        "AccessDenied"
    );
    assert_eq!(
        harness
            .anonymous(Method::GET, "/public?acl", "")
            .await
            .code(),
        "AccessDenied"
    );
    let overridden = "/public/open?response-content-type=text/html";
    assert_eq!(
        harness.anonymous(Method::GET, overridden, "").await.code(),
        "InvalidRequest"
    );
}

/// S09: a link may not lend its permission to what it points to.
#[tokio::test]
async fn s09_a_link_grants_nothing() {
    let harness = Harness::new().await;
    harness
        .ask(Ask::new(Method::PUT, "/public").header("x-oss-acl", "public-read"))
        .await;
    harness
        .ask(
            Ask::new(Method::PUT, "/public/shut")
                .header("x-oss-object-acl", "private")
                .body("2"),
        )
        .await;
    let link = Ask::new(Method::PUT, "/public/link?symlink")
        .signed_query("?symlink")
        .header("x-oss-symlink-target", "shut");
    assert_eq!(harness.ask(link).await.status, 200);
    assert_eq!(
        harness.signed(Method::GET, "/public/link", "").await.text(),
        "2"
    );
    let denied = harness.anonymous(Method::GET, "/public/link", "").await;
    assert_eq!(
        (denied.status.as_u16(), denied.code()),
        (403, "AccessDenied")
    );
}

#[tokio::test]
async fn endpoints_lead_back_here() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let list = harness.signed(Method::GET, "/", "").await;
    assert_eq!(list.element("ExtranetEndpoint"), Some("127.0.0.1:9000"));
}

#[tokio::test(start_paused = true)]
async fn traffic_limits_pace_both_ways() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let begin = tokio::time::Instant::now();
    let limit = 819_200;
    let body = vec![7; 102_400];
    let put = Ask::new(Method::PUT, "/bkt-a/k")
        .header("x-oss-traffic-limit", &limit.to_string())
        .body(body.clone());
    assert_eq!(harness.ask(put).await.status, 200);
    let read = Ask::new(Method::GET, "/bkt-a/k").header("x-oss-traffic-limit", &limit.to_string());
    assert_eq!(harness.ask(read).await.body, body);
    // The clock of the test moves only by what was waited for: a second each way.
    assert_eq!(begin.elapsed().as_secs(), 2);
    let wrong = Ask::new(Method::GET, "/bkt-a/k").header("x-oss-traffic-limit", "1");
    assert_eq!(harness.ask(wrong).await.code(), "InvalidArgument");
}

/// A request's future is moved and zeroed for every request, small ones too: whatever needs much
/// room must be boxed where it begins. It was 30 KB once, and an eighth of a small read's time.
#[tokio::test]
async fn a_request_takes_little_room() {
    let harness = Harness::new().await;
    let request =
        Ask::new(Method::GET, "/bkt-a/k").request(osier_types::Clock::now(&*harness.clock), "x");
    let (head, body) = request.into_parts();
    let future = harness.service.handle(osier_service::Request {
        head,
        peer: "127.0.0.1:50000".parse().unwrap(),
        local: "127.0.0.1:9000".parse().unwrap(),
        secure: false,
        body: Box::new(osier_store::BytesSource::new(body)),
    });
    let bytes = size_of_val(&future);
    eprintln!(
        "Op {} Outcome {} Signed {} Identity {} Fault {} Expected {} PutObject {} GetObject {}",
        size_of::<osier_types::Op>(),
        size_of::<osier_types::Outcome>(),
        size_of::<osier_auth::Signed>(),
        size_of::<osier_auth::Identity>(),
        size_of::<osier_types::Fault>(),
        size_of::<osier_types::Expected>(),
        size_of::<osier_types::PutObject>(),
        size_of::<osier_types::GetObject>()
    );
    assert!(bytes < 4096, "{bytes} bytes");
}

/// oss2 writes a blank in a query as `+`, in parameters that V1 does not sign.
#[tokio::test]
async fn a_plus_in_a_query_is_a_blank() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    harness.signed(Method::PUT, "/bkt-a/with%20space", "").await;
    harness.signed(Method::PUT, "/bkt-a/with+plus", "").await;
    let list = harness
        .signed(Method::GET, "/bkt-a?prefix=with+s", "")
        .await;
    assert_eq!(list.element("Key"), Some("with space"));
    let list = harness
        .signed(Method::GET, "/bkt-a?prefix=with%2Bp", "")
        .await;
    assert_eq!(list.element("Key"), Some("with+plus"));
}

#[tokio::test]
async fn nobody_manages_and_nothing_is_read_of_what_they_send() {
    let harness = Harness::new().await;
    harness
        .ask(Ask::new(Method::PUT, "/open").header("x-oss-acl", "public-read-write"))
        .await;
    for target in [
        "/open?acl",
        "/open?cors",
        "/open?tagging",
        "/open?policy",
        "/open/k?acl",
    ] {
        let answer = harness.anonymous(Method::PUT, target, "<not xml").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (403, "AccessDenied"),
            "{target}"
        );
    }
}
