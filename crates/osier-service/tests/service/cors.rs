//! What a page on another origin gets.

use http::Method;

use crate::harness::{Ask, Harness};

const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://page.example</AllowedOrigin>\
    <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>\
    <AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";

#[tokio::test]
async fn preflight_then_request() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let preflight = |origin: &str| {
        Ask::new(Method::OPTIONS, "/bkt-a/k")
            .by(None)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type, x-oss-date")
    };
    let closed = harness.ask(preflight("https://page.example")).await;
    assert_eq!(
        (closed.status.as_u16(), closed.code()),
        (403, "AccessForbidden")
    );
    let rules = Ask::new(Method::PUT, "/bkt-a?cors")
        .signed_query("?cors")
        .body(RULES);
    assert_eq!(harness.ask(rules).await.status, 200);
    let open = harness.ask(preflight("https://page.example")).await;
    assert_eq!(open.status, 200);
    assert_eq!(
        open.header("access-control-allow-origin"),
        Some("https://page.example")
    );
    assert!(
        open.header("access-control-allow-methods")
            .unwrap()
            .contains("PUT")
    );
    assert_eq!(
        open.header("access-control-allow-headers"),
        Some("content-type, x-oss-date")
    );
    assert_eq!(open.header("access-control-max-age"), Some("60"));
    assert_eq!(
        harness.ask(preflight("https://evil.example")).await.code(),
        "AccessForbidden"
    );
    let bare = Ask::new(Method::OPTIONS, "/bkt-a/k").by(None);
    let bare = harness.ask(bare).await;
    assert_eq!((bare.status.as_u16(), bare.code()), (400, "BadRequest"));

    let put = Ask::new(Method::PUT, "/bkt-a/k")
        .header("origin", "https://page.example")
        .body("x");
    let put = harness.ask(put).await;
    assert_eq!(put.status, 200);
    assert_eq!(
        put.header("access-control-allow-origin"),
        Some("https://page.example")
    );
    assert_eq!(put.header("access-control-expose-headers"), Some("ETag"));
    // Refusals are readable by the page too; a page that is not allowed gets no headers.
    let denied = Ask::new(Method::GET, "/bkt-a/k")
        .by(None)
        .header("origin", "https://page.example");
    let denied = harness.ask(denied).await;
    assert_eq!(denied.status, 403);
    assert_eq!(
        denied.header("access-control-allow-origin"),
        Some("https://page.example")
    );
    let other = Ask::new(Method::GET, "/bkt-a/k").header("origin", "https://evil.example");
    assert_eq!(
        harness
            .ask(other)
            .await
            .header("access-control-allow-origin"),
        None
    );
}

/// A page asks with the URL it was given, whose signature is of the request to come.
#[tokio::test]
async fn a_preflight_of_a_signed_url_is_not_authenticated() {
    let harness = Harness::new().await;
    harness.signed(Method::PUT, "/bkt-a", "").await;
    let rules = Ask::new(Method::PUT, "/bkt-a?cors")
        .signed_query("?cors")
        .body(RULES);
    assert_eq!(harness.ask(rules).await.status, 200);
    let target = "/bkt-a/k?OSSAccessKeyId=nobody&Expires=1&Signature=none";
    let preflight = Ask::new(Method::OPTIONS, target)
        .by(None)
        .header("origin", "https://page.example")
        .header("access-control-request-method", "PUT");
    assert_eq!(harness.ask(preflight).await.status, 200);
}
