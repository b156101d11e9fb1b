//! What a bucket's owner says about who may come, and that a change acts on the next request.

use http::{Method, StatusCode};

use crate::harness::{ACCOUNT, Answer, Ask, Harness, OTHER_ACCOUNT, OTHER_KEY_ID};

const OK: StatusCode = StatusCode::OK;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

/// A bucket of the first account with one object.
async fn with_bucket() -> Harness {
    let harness = Harness::new().await;
    assert_eq!(harness.signed(Method::PUT, "/media", "").await.status, OK);
    let put = harness.signed(Method::PUT, "/media/k", "body").await;
    assert_eq!(put.status, OK);
    harness
}

fn policy(effect: &str, action: &str, rest: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Principal":["{OTHER_ACCOUNT}"],"Action":["{action}"],"Resource":["acs:oss:*:*:media{rest}"]}}]}}"#
    )
}

async fn put_policy(harness: &Harness, document: &str) -> Answer {
    let ask = Ask::new(Method::PUT, "/media?policy").signed_query("?policy");
    harness.ask(ask.body(document.to_owned())).await
}

/// A request by the other account.
async fn theirs(harness: &Harness, method: Method, target: &str, signed_query: &str) -> Answer {
    let ask = Ask::new(method, target).by(Some(OTHER_KEY_ID));
    harness.ask(ask.signed_query(signed_query)).await
}

#[tokio::test]
async fn s42_a_policy_acts_on_the_next_request() {
    let harness = with_bucket().await;
    let get = || theirs(&harness, Method::GET, "/media/k", "");
    for _ in 0..10 {
        assert_eq!(get().await.status, FORBIDDEN);
        let put = put_policy(&harness, &policy("Allow", "oss:GetObject", "/*")).await;
        assert_eq!(put.status, OK);
        assert_eq!(get().await.status, OK);
        let put = put_policy(&harness, &policy("Deny", "oss:GetObject", "/*")).await;
        assert_eq!(put.status, OK);
        let denied = get().await;
        assert_eq!(denied.status, FORBIDDEN);
        assert_eq!(denied.element("NoPermissionType"), Some("ExplicitDeny"));
        let ask = Ask::new(Method::DELETE, "/media?policy").signed_query("?policy");
        assert_eq!(harness.ask(ask).await.status, StatusCode::NO_CONTENT);
    }
}

/// An upload that was begun under another policy can't be completed under this one.
#[tokio::test]
async fn s42_an_upload_is_completed_under_the_policy_of_then() {
    let harness = with_bucket().await;
    let grant = policy("Allow", "oss:PutObject", "/*");
    assert_eq!(put_policy(&harness, &grant).await.status, OK);
    let begun = theirs(&harness, Method::POST, "/media/up?uploads", "?uploads").await;
    let id = begun.element("UploadId").unwrap().to_owned();
    let part = format!("?partNumber=1&uploadId={id}");
    let put = theirs(&harness, Method::PUT, &format!("/media/up{part}"), &part).await;
    assert_eq!(put.status, OK);
    let deny = policy("Deny", "oss:PutObject", "/*");
    assert_eq!(put_policy(&harness, &deny).await.status, OK);
    let query = format!("?uploadId={id}");
    let complete = Ask::new(Method::POST, "/media/up?uploadId=ID")
        .by(Some(OTHER_KEY_ID))
        .header("x-oss-complete-all", "yes");
    let target = format!("/media/up{query}");
    let complete = Ask {
        target: &target,
        signed_query: &query,
        ..complete
    };
    assert_eq!(harness.ask(complete).await.status, FORBIDDEN);
    let head = harness.signed(Method::HEAD, "/media/up", "").await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
}

/// A bucket of the same name is another bucket: nothing of the old one's documents is left.
#[tokio::test]
async fn s42_a_bucket_made_again_has_no_policy() {
    let harness = with_bucket().await;
    let grant = policy("Allow", "oss:*", "/*");
    assert_eq!(put_policy(&harness, &grant).await.status, OK);
    assert_eq!(
        theirs(&harness, Method::GET, "/media/k", "").await.status,
        OK
    );
    for target in ["/media/k", "/media"] {
        let gone = harness.signed(Method::DELETE, target, "").await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(harness.signed(Method::PUT, "/media", "").await.status, OK);
    harness.signed(Method::PUT, "/media/k", "again").await;
    assert_eq!(
        theirs(&harness, Method::GET, "/media/k", "").await.status,
        FORBIDDEN
    );
}

/// Requests and changes at the same time: whoever asks after a change was acknowledged sees it.
#[tokio::test]
async fn s42_interleaved_with_requests() {
    let harness = with_bucket().await;
    let (allow, deny) = (
        policy("Allow", "oss:GetObject", "/*"),
        policy("Deny", "oss:GetObject", "/*"),
    );
    for round in 0..40 {
        let (document, after) = if round % 2 == 0 {
            (&allow, OK)
        } else {
            (&deny, FORBIDDEN)
        };
        let readers = async {
            let mut seen = Vec::new();
            for _ in 0..4 {
                seen.push(theirs(&harness, Method::GET, "/media/k", "").await.status);
                tokio::task::yield_now().await;
            }
            seen
        };
        let (put, seen) = tokio::join!(put_policy(&harness, document), readers);
        assert_eq!(put.status, OK);
        assert!(seen.iter().all(|status| [OK, FORBIDDEN].contains(status)));
        let next = theirs(&harness, Method::GET, "/media/k", "").await;
        assert_eq!(next.status, after, "round {round}");
    }
}

#[tokio::test]
async fn a_bad_policy_changes_nothing() {
    let harness = with_bucket().await;
    let grant = policy("Allow", "oss:GetObject", "/*");
    assert_eq!(put_policy(&harness, &grant).await.status, OK);
    for (document, path) in [
        (grant.replace("media", "other"), "Statement[0].Resource[0]"),
        (grant.replace("Allow", "allow"), "Statement[0].Effect"),
        (
            grant.replace(OTHER_ACCOUNT, "nobody"),
            "Statement[0].Principal[0]",
        ),
    ] {
        let refused = put_policy(&harness, &document).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.element("Code"), Some("InvalidPolicyDocument"));
        assert_eq!(refused.element("PolicyElement"), Some(path));
    }
    let ask = Ask::new(Method::GET, "/media?policy").signed_query("?policy");
    assert_eq!(harness.ask(ask).await.text(), grant);
}

/// What anybody asks of a private bucket is refused before its body or document is looked at.
#[tokio::test]
async fn strangers_learn_nothing_from_bad_documents() {
    let harness = with_bucket().await;
    for (target, body) in [
        ("/media?policy", "{"),
        ("/media?referer", "<a/>"),
        ("/media?publicAccessBlock", "<a/>"),
        ("/media?accessPoint", "<a/>"),
        ("/?publicAccessBlock", "<a/>"),
    ] {
        let refused = harness.anonymous(Method::PUT, target, body).await;
        assert_eq!(refused.status, FORBIDDEN, "{target}");
    }
    let ask = Ask::new(Method::PUT, "/media?policy").signed_query("?policy");
    let refused = harness.ask(ask.by(Some(OTHER_KEY_ID)).body("{")).await;
    assert_eq!(refused.status, FORBIDDEN);
}

/// The owner can always put an end to a policy that locks it out, and to nothing else.
#[tokio::test]
async fn a_policy_that_locks_everybody_out_can_be_taken_away() {
    let harness = with_bucket().await;
    let lock = r#"{"Version":"1","Statement":[{"Effect":"Deny","Principal":"*","Action":"oss:*","Resource":["acs:oss:*:*:media","acs:oss:*:*:media/*"],"Condition":{"StringNotEquals":{"acs:UserAgent":"secret"}}}]}"#;
    assert_eq!(put_policy(&harness, lock).await.status, OK);
    let locked = harness.signed(Method::GET, "/media/k", "").await;
    assert_eq!(locked.status, FORBIDDEN);
    assert_eq!(locked.element("AuthPrincipalOwnerId"), Some(ACCOUNT));
    let ask = Ask::new(Method::DELETE, "/media?policy").signed_query("?policy");
    assert_eq!(harness.ask(ask).await.status, StatusCode::NO_CONTENT);
    let open = harness.signed(Method::GET, "/media/k", "").await;
    assert_eq!(open.status, OK);
}
