//! Temporary keys at work: session policies, tokens that are missing, wrong or over.

use http::{Method, StatusCode};
use osier_auth::KeyRing as _;
use osier_auth::directory::{
    AssumeRole, AssumedRole, ControlOutcome, ControlRequest, DeleteAccessKey, DeleteRole,
    DetachPolicyFromRole,
};
use osier_auth::policy::Conditions;
use osier_types::Clock as _;

use crate::harness::{ACCOUNT, Answer, Ask, Harness, SECRET, sign};

async fn world() -> Harness {
    let harness = Harness::new().await;
    harness
        .seed(&format!(
            r#"
[[account]]
id = "{ACCOUNT}"
[[account.user]]
name = "app"
policies = ["AliyunSTSAssumeRoleAccess"]
[[account.user.key]]
id = "app"
secret = "{SECRET}"
[[account.role]]
name = "uploader"
trust = '{{"Version":"1","Statement":[{{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{{"RAM":["acs:ram::{ACCOUNT}:root"]}}}}]}}'
policies = ["AliyunOSSFullAccess"]
"#
        ))
        .await;
    let made = harness.signed(Method::PUT, "/media", "").await;
    assert_eq!(made.status, 200);
    harness
}

async fn assume(harness: &Harness, policy: Option<&str>) -> AssumedRole {
    let caller = harness.identities.key("app").unwrap().identity;
    let request = ControlRequest::AssumeRole(AssumeRole {
        role_arn: format!("acs:ram::{ACCOUNT}:role/uploader"),
        role_session_name: "user-1".into(),
        duration_seconds: Some(900),
        policy: policy.map(str::to_owned),
        ..AssumeRole::default()
    });
    let conditions = Conditions {
        access_id: Some("app"),
        ..Conditions::default()
    };
    let now = harness.clock.now();
    let assumed = harness
        .identities
        .execute(&caller, request, &conditions, now)
        .await;
    match assumed.unwrap().unwrap() {
        ControlOutcome::AssumedRole(assumed) => assumed,
        other => panic!("{other:?}"),
    }
}

fn text(secret: &osier_auth::Secret) -> String {
    String::from_utf8(secret.reveal().to_vec()).unwrap()
}

/// One request with the key and, where there is one, a token.
async fn send(
    harness: &Harness,
    assumed: &AssumedRole,
    token: Option<&str>,
    method: Method,
    target: &str,
) -> Answer {
    let credentials = &assumed.credentials;
    let mut ask = Ask::new(method, target).by(Some(&credentials.access_key_id));
    if let Some(token) = token {
        ask = ask.header("x-oss-security-token", token);
    }
    let secret = text(&credentials.access_key_secret);
    harness
        .send(ask.request(harness.clock.now(), &secret))
        .await
}

async fn put(harness: &Harness, assumed: &AssumedRole, target: &str) -> StatusCode {
    let token = text(&assumed.credentials.security_token);
    send(harness, assumed, Some(&token), Method::PUT, target)
        .await
        .status
}

#[tokio::test]
async fn s14_a_session_may_no_more_than_its_policy_and_its_role() {
    let harness = world().await;
    let narrow = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],
        "Resource":["acs:oss:*:*:media/uploads/user-1/*"]}]}"#;
    let (whole, narrowed) = (
        assume(&harness, None).await,
        assume(&harness, Some(narrow)).await,
    );
    assert_eq!(put(&harness, &whole, "/media/anything").await, 200);
    assert_eq!(
        put(&harness, &narrowed, "/media/uploads/user-1/a").await,
        200
    );
    for other in ["/media/uploads/user-2/a", "/media/a", "/newbucket"] {
        assert_eq!(put(&harness, &narrowed, other).await, 403, "{other}");
    }
    let token = text(&narrowed.credentials.security_token);
    let read = send(
        &harness,
        &narrowed,
        Some(&token),
        Method::GET,
        "/media/uploads/user-1/a",
    );
    assert_eq!(read.await.code(), "AccessDenied");
    // The role's policy goes: so does what its sessions may.
    let detach = DetachPolicyFromRole {
        policy_name: "AliyunOSSFullAccess".into(),
        policy_type: "System".into(),
        role_name: "uploader".into(),
    };
    change(&harness, ControlRequest::DetachPolicyFromRole(detach)).await;
    for session in [&whole, &narrowed] {
        assert_eq!(put(&harness, session, "/media/uploads/user-1/a").await, 403);
    }
}

async fn change(harness: &Harness, request: ControlRequest) {
    let root = harness.identities.key(crate::harness::KEY_ID).unwrap();
    let now = harness.clock.now();
    let conditions = Conditions::default();
    let done = harness
        .identities
        .execute(&root.identity, request, &conditions, now);
    done.await.unwrap().unwrap();
}

#[tokio::test]
async fn s16_s45_tokens_that_are_missing_wrong_over_or_revoked() {
    let harness = world().await;
    let assumed = assume(&harness, None).await;
    let other = assume(&harness, None).await;
    let token = text(&assumed.credentials.security_token);
    let code = async |token: Option<&str>| {
        let answer = send(&harness, &assumed, token, Method::GET, "/media").await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    let refused = |code: &str| (403, code.to_owned());
    assert_eq!(code(Some(&token)).await.0, 200);
    // Without its token the key is nobody's.
    assert_eq!(code(None).await, refused("InvalidAccessKeyId"));
    for wrong in [
        "",
        "CAIS",
        &token[1..],
        &token.replace('A', "B"),
        &text(&other.credentials.security_token),
    ] {
        let told = code(Some(wrong)).await;
        assert!(
            told == refused("InvalidSecurityToken") || told == refused("InvalidAccessKeyId"),
            "{wrong}: {told:?}"
        );
    }
    // A permanent key comes without a token.
    let ask = Ask::new(Method::GET, "/media").header("x-oss-security-token", &token);
    assert_eq!(harness.ask(ask).await.code(), "InvalidAccessKeyId");

    // In a URL.
    let expires = harness.clock.now().as_millis() / 1000 + 60;
    let id = &assumed.credentials.access_key_id;
    let secret = text(&assumed.credentials.access_key_secret);
    let signed = format!("GET\n\n\n{expires}\n/media/?security-token={token}");
    let encode = |text: &str| osier_types::percent_encode(text.as_bytes(), false);
    let url = |token: &str| {
        format!(
            "/media?OSSAccessKeyId={id}&Expires={expires}&Signature={}&security-token={}",
            encode(&sign(&secret, &signed)),
            encode(token)
        )
    };
    let read = async |target: String| {
        let ask = Ask::new(Method::GET, &target).by(None);
        harness.ask(ask).await
    };
    assert_eq!(read(url(&token)).await.status, 200);
    let swapped = read(url(&text(&other.credentials.security_token))).await;
    assert_eq!(swapped.status, 403);

    // The key that asked for it is deleted, the time is over, the role is gone.
    let delete = DeleteAccessKey {
        user_name: Some("app".into()),
        user_access_key_id: "app".into(),
    };
    let later = world().await;
    let over = assume(&later, None).await;
    later.clock.advance_ms(900_000);
    let token_over = text(&over.credentials.security_token);
    let told = send(&later, &over, Some(&token_over), Method::GET, "/media").await;
    assert_eq!(told.code(), "SecurityTokenExpired");

    change(&harness, ControlRequest::DeleteAccessKey(delete)).await;
    assert_eq!(code(Some(&token)).await, refused("InvalidSecurityToken"));
    let third = world().await;
    let gone = assume(&third, None).await;
    let detach = DetachPolicyFromRole {
        policy_name: "AliyunOSSFullAccess".into(),
        policy_type: "System".into(),
        role_name: "uploader".into(),
    };
    change(&third, ControlRequest::DetachPolicyFromRole(detach)).await;
    let delete = DeleteRole {
        role_name: "uploader".into(),
    };
    change(&third, ControlRequest::DeleteRole(delete)).await;
    let token = text(&gone.credentials.security_token);
    let told = send(&third, &gone, Some(&token), Method::GET, "/media").await;
    assert_eq!(told.code(), "InvalidSecurityToken");
}
