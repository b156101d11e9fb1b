//! S03: every route refuses whoever may not, generated from the router's own table.

use http::{Method, StatusCode};
use osier_wire::oss::ROUTES;
use osier_wire::{RouteSpec, Scope};

use crate::harness::{Ask, Harness, KEY_ID, OTHER_KEY_ID, SECRET};

/// A target for a route on a private bucket that exists, with an object that exists.
fn target(route: &RouteSpec) -> String {
    let path = match route.scope {
        Scope::Service => "/",
        Scope::Bucket => "/private",
        Scope::Object => "/private/object",
    };
    match route.query().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn ask<'a>(route: &RouteSpec, target: &'a str) -> Ask<'a> {
    let mut ask = Ask::new(Method::from_bytes(route.method.as_bytes()).unwrap(), target);
    if let Some(header) = route.header {
        let value = match header {
            "x-oss-copy-source" => "/private/object",
            "content-type" => "multipart/form-data; boundary=b",
            _ => "value",
        };
        ask = ask.header(header, value);
    }
    ask
}

/// Routes whose requests are not signed as a whole: a preflight never is, a form signs itself.
fn signs_itself(route: &RouteSpec) -> bool {
    matches!(route.name, "OptionsObject" | "PostObject") || route.method == "OPTIONS"
}

async fn private_bucket() -> Harness {
    let harness = Harness::new().await;
    assert_eq!(
        harness.signed(Method::PUT, "/private", "").await.status,
        200
    );
    assert_eq!(
        harness
            .signed(Method::PUT, "/private/object", "secret")
            .await
            .status,
        200
    );
    harness
}

async fn unharmed(harness: &Harness, route: &RouteSpec) {
    let read = harness.signed(Method::GET, "/private/object", "").await;
    assert_eq!(
        (read.status, read.text()),
        (StatusCode::OK, "secret"),
        "{}",
        route.name
    );
}

#[tokio::test]
async fn s03_no_credentials() {
    let harness = private_bucket().await;
    for route in ROUTES {
        let target = target(route);
        let answer = harness.ask(ask(route, &target).by(None)).await;
        assert!(
            answer.status.is_client_error(),
            "{} {target}: {answer:?}",
            route.name
        );
        unharmed(&harness, route).await;
    }
}

#[tokio::test]
async fn s03_bad_signature() {
    let harness = private_bucket().await;
    for route in ROUTES.iter().filter(|route| !signs_itself(route)) {
        let target = target(route);
        let request =
            ask(route, &target).request(osier_types::Clock::now(&*harness.clock), "wrong");
        let answer = harness.send(request).await;
        assert_eq!(answer.status, 403, "{} {target}: {answer:?}", route.name);
        if route.method != "HEAD" {
            assert_eq!(
                answer.code(),
                "SignatureDoesNotMatch",
                "{} {target}",
                route.name
            );
        }
        unharmed(&harness, route).await;
    }
}

#[tokio::test]
async fn s03_s45_expired() {
    let harness = private_bucket().await;
    let now = osier_types::Clock::now(&*harness.clock);
    for route in ROUTES.iter().filter(|route| !signs_itself(route)) {
        let target = target(route);
        for away in [-901_000, 901_000] {
            let answer = harness
                .send(ask(route, &target).request(now.plus_millis(away), SECRET))
                .await;
            assert_eq!(answer.status, 403, "{} {target}: {answer:?}", route.name);
            if route.method != "HEAD" {
                assert_eq!(
                    answer.code(),
                    "RequestTimeTooSkewed",
                    "{} {target}",
                    route.name
                );
            }
        }
    }
}

#[tokio::test]
async fn s03_other_account() {
    let harness = private_bucket().await;
    for route in ROUTES
        .iter()
        .filter(|route| route.scope != Scope::Service && !signs_itself(route))
    {
        let target = target(route);
        let query = target
            .split_once('?')
            .map_or(String::new(), |(_, query)| format!("?{query}"));
        let signed = ask(route, &target)
            .by(Some(OTHER_KEY_ID))
            .signed_query(&query);
        let answer = harness.ask(signed).await;
        assert!(
            answer.status.is_client_error(),
            "{} {target}: {answer:?}",
            route.name
        );
        unharmed(&harness, route).await;
    }
}

#[tokio::test]
async fn an_unknown_key_is_named() {
    let harness = private_bucket().await;
    let answer = harness
        .ask(Ask::new(Method::GET, "/private").by(Some("nobody")))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (403, "InvalidAccessKeyId")
    );
    assert!(!answer.text().contains(KEY_ID));
}

#[tokio::test]
async fn every_answer_carries_what_clients_parse() {
    let harness = private_bucket().await;
    for answer in [
        harness.signed(Method::GET, "/private/object", "").await,
        harness.signed(Method::GET, "/private/nothing", "").await,
        harness.anonymous(Method::HEAD, "/private/object", "").await,
        harness
            .anonymous(Method::PATCH, "/private/object", "")
            .await,
    ] {
        assert!(answer.header("date").unwrap().ends_with(" GMT"));
        let id = answer.header("x-oss-request-id").unwrap();
        assert!(id.len() == 24 && id.bytes().all(|byte| b"0123456789ABCDEF".contains(&byte)));
        assert!(
            answer
                .header("x-oss-server-time")
                .unwrap()
                .parse::<u64>()
                .is_ok()
        );
        assert_eq!(answer.header("server"), Some("AliyunOSS"));
        assert_eq!(
            answer.status.is_success(),
            answer.header("x-oss-ec").is_none()
        );
    }
}
