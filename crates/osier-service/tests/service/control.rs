//! The control APIs, from the head of a request to its answer: who gets through and who does
//! not, for every operation of the table.

use bytes::Bytes;
use http::{Method, StatusCode};
use osier_auth::Secret;
use osier_auth::directory::{
    AccessKeyStatus, AttachPolicyToUser, Context, CreateUser, Directory, ListAccessKeys,
    ListPoliciesForUser, ListUsers,
};
use osier_service::{RequestLog, Verdict};
use osier_types::{Clock as _, SeededRng, Timestamp, percent_encode};
use osier_wire::rpc::{OPERATIONS, Operation, ParameterKind};

use crate::harness::{ACCOUNT, Answer, Ask, Harness, KEY_ID, OTHER_KEY_ID, SECRET, sign, whole};

/// A user who may do nothing.
const POOR_KEY_ID: &str = "LTAI5tPoorKeyId";
/// A user who may take on roles.
const USER_KEY_ID: &str = "LTAI5tUserKeyId";
const STS: &str = "2015-04-01";
const RAM: &str = "2015-05-01";

/// A control request in the making, signed by RPC.
#[derive(Clone)]
struct Control {
    method: Method,
    key_id: &'static str,
    secret: &'static str,
    time: Timestamp,
    nonce: String,
    parameters: Vec<(String, String)>,
}

impl Control {
    fn new(version: &str, action: &str, more: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut parameters = vec![owned(&("Version", version)), owned(&("Action", action))];
        parameters.extend(more.iter().map(owned));
        Self {
            method: Method::POST,
            key_id: KEY_ID,
            secret: SECRET,
            time: Timestamp::from_seconds(1_795_316_645),
            nonce: format!("{action}{more:?}"),
            parameters,
        }
    }

    fn by(self, key_id: &'static str) -> Self {
        Self { key_id, ..self }
    }

    /// Name and value, encoded, in order.
    fn pairs(&self) -> Vec<String> {
        let common = [
            ("AccessKeyId", self.key_id.to_owned()),
            ("Format", "JSON".to_owned()),
            ("SignatureMethod", "HMAC-SHA1".to_owned()),
            ("SignatureNonce", format!("{}{}", self.key_id, self.nonce)),
            ("SignatureVersion", "1.0".to_owned()),
            ("Timestamp", self.time.iso8601()),
        ];
        let encode = |text: &str| percent_encode(text.as_bytes(), false);
        let mut all: Vec<(String, String)> = self.parameters.clone();
        all.extend(common.map(|(name, value)| (name.to_owned(), value)));
        all.sort();
        all.iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect()
    }

    fn request(&self) -> http::Request<Bytes> {
        let canonical = self.pairs().join("&");
        let text = format!(
            "{}&%2F&{}",
            self.method,
            percent_encode(canonical.as_bytes(), false)
        );
        let signature = sign(&format!("{}&", self.secret), &text);
        let signature = percent_encode(signature.as_bytes(), false);
        self.sent(&format!("{canonical}&Signature={signature}"))
    }

    /// Neither key nor signature.
    fn unsigned(&self) -> http::Request<Bytes> {
        let named = |pair: &String| !pair.starts_with("AccessKeyId=");
        let pairs: Vec<_> = self.pairs().into_iter().filter(named).collect();
        self.sent(&pairs.join("&"))
    }

    fn sent(&self, query: &str) -> http::Request<Bytes> {
        http::Request::builder()
            .method(&self.method)
            .uri(format!("/?{query}"))
            .header("host", "ram.aliyuncs.com")
            .body(Bytes::new())
            .unwrap()
    }
}

/// A harness whose first account has two users more.
async fn harness() -> Harness {
    let harness = Harness::new().await;
    let now = harness.clock.now();
    let made = harness.identities.change(|directory: &mut Directory| {
        let rng = SeededRng::new(5);
        let context = Context {
            account: ACCOUNT,
            now,
            rng: &rng,
        };
        directory.rotate_token_keys(now, &rng)?;
        for (name, key_id) in [("poor", POOR_KEY_ID), ("user", USER_KEY_ID)] {
            let user = CreateUser {
                user_name: name.to_owned(),
                ..CreateUser::default()
            };
            directory.create_user(&context, user)?;
            let (secret, active) = (Secret::new(SECRET), AccessKeyStatus::Active);
            directory.put_access_key(&context, Some(name), key_id, &secret, active)?;
        }
        let may_assume = AttachPolicyToUser {
            policy_name: "AliyunSTSAssumeRoleAccess".to_owned(),
            policy_type: "System".to_owned(),
            user_name: "user".to_owned(),
        };
        directory.attach_policy_to_user(&context, &may_assume)
    });
    made.await.unwrap().unwrap();
    harness
}

impl Harness {
    async fn control(&self, control: &Control) -> Answer {
        self.send(control.request()).await
    }

    async fn log(&self, asked: http::Request<Bytes>) -> RequestLog {
        let (head, body) = asked.into_parts();
        self.service.handle(whole(head, body)).await.log
    }

    /// All that is kept of all accounts.
    async fn kept(&self) -> Vec<(Bytes, Bytes)> {
        self.store.identity_rows().await.unwrap()
    }
}

fn told(answer: &Answer) -> serde_json::Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn code(answer: &Answer) -> String {
    let told = told(answer);
    let id = told["RequestId"].as_str().unwrap();
    assert_eq!(answer.headers["x-acs-request-id"], id);
    assert_eq!(id.len(), 36);
    told["Code"].as_str().unwrap_or_default().to_owned()
}

/// Every operation, on things of the first account that are there.
fn one_of_each(operation: &Operation) -> Control {
    let parameters: Vec<(&str, &str)> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.kind == ParameterKind::text || parameter.name == "UserName")
        .map(|parameter| {
            let value = match parameter.name {
                "UserName" => "user",
                "PolicyType" => "System",
                "PolicyName" => "AliyunSTSAssumeRoleAccess",
                "UserAccessKeyId" => USER_KEY_ID,
                "Status" => "Inactive",
                "VersionId" => "v1",
                "RoleArn" => "acs:ram::1000000000000001:role/uploader",
                "PolicyDocument" | "AssumeRolePolicyDocument" => {
                    r#"{"Version":"1","Statement":[]}"#
                }
                _ => "thing",
            };
            (parameter.name, value)
        })
        .collect();
    Control::new(operation.api.version(), operation.action, &parameters)
}

#[tokio::test]
async fn s02_s03_s15_every_operation_needs_a_right_signature_and_permission() {
    let harness = harness().await;
    let before = harness.kept().await;
    let disabled = harness.identities.change(|directory| {
        let rng = SeededRng::new(6);
        let context = Context {
            account: ACCOUNT,
            now: harness.clock.now(),
            rng: &rng,
        };
        let (secret, off) = (Secret::new(SECRET), AccessKeyStatus::Inactive);
        directory.put_access_key(&context, Some("poor"), "LTAI5tOff", &secret, off)
    });
    disabled.await.unwrap().unwrap();
    assert_ne!(harness.kept().await, before);
    let before = harness.kept().await;
    let now = harness.clock.now();
    let late = |minutes: i64| now.plus_millis(minutes * 60_000);
    for operation in OPERATIONS {
        let good = one_of_each(operation);
        let unsigned = harness.send(good.unsigned()).await;
        assert_eq!(code(&unsigned), "MissingAccessKeyId", "{operation:?}");
        for (expected, status, control) in [
            (
                "SignatureDoesNotMatch",
                400,
                Control {
                    secret: "wrong-secret",
                    ..good.clone()
                },
            ),
            (
                "InvalidTimeStamp.Expired",
                400,
                Control {
                    time: late(-16),
                    ..good.clone()
                },
            ),
            (
                "InvalidTimeStamp.Expired",
                400,
                Control {
                    time: late(16),
                    ..good.clone()
                },
            ),
            (
                "InvalidAccessKeyId.NotFound",
                404,
                good.clone().by("LTAI5tNobody"),
            ),
            (
                "InvalidAccessKeyId.Inactive",
                400,
                good.clone().by("LTAI5tOff"),
            ),
        ] {
            let answer = harness.control(&control).await;
            let answered = (code(&answer), answer.status.as_u16());
            assert_eq!(answered, (expected.to_owned(), status), "{operation:?}");
        }
        // With another method than was signed, and with a parameter more.
        let (mut head, body) = good.request().into_parts();
        head.method = Method::GET;
        let answer = harness.send(http::Request::from_parts(head, body)).await;
        assert_eq!(code(&answer), "SignatureDoesNotMatch", "{operation:?}");
        let (mut head, body) = good.request().into_parts();
        head.uri = format!("{}&Extra=1", head.uri).parse().unwrap();
        let answer = harness.send(http::Request::from_parts(head, body)).await;
        assert_eq!(code(&answer), "SignatureDoesNotMatch", "{operation:?}");

        let answer = harness.control(&good.by(POOR_KEY_ID)).await;
        if operation.action == "GetCallerIdentity" {
            assert_eq!(answer.status, StatusCode::OK, "everybody may ask that");
        } else {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{operation:?}");
            assert_eq!(code(&answer), "NoPermission", "{operation:?}");
            let action = format!("{}:{}", operation.api.name(), operation.action);
            let detail = &told(&answer)["AccessDeniedDetail"];
            let named = detail["AuthAction"].as_str().unwrap();
            assert_eq!(named.to_lowercase(), action.to_lowercase(), "{operation:?}");
        }
    }
    assert_eq!(harness.kept().await, before, "nothing was changed");
}

#[tokio::test]
async fn s15_another_account_reaches_nothing_of_this_one() {
    let harness = harness().await;
    let of_first = |directory: &Directory| {
        let rng = SeededRng::new(1);
        let context = Context {
            account: ACCOUNT,
            now: Timestamp::from_seconds(0),
            rng: &rng,
        };
        let policies = ListPoliciesForUser {
            user_name: "user".to_owned(),
        };
        let keys = ListAccessKeys {
            user_name: Some("user".to_owned()),
        };
        format!(
            "{:?} {:?} {:?}",
            directory.list_users(&context, &ListUsers::default()),
            directory.list_policies_for_user(&context, &policies),
            directory.list_access_keys(&context, &keys),
        )
    };
    let before = of_first(&harness.identities.current());
    for operation in OPERATIONS {
        let on_user = operation
            .parameters
            .iter()
            .any(|parameter| parameter.name == "UserName");
        let answer = harness
            .control(&one_of_each(operation).by(OTHER_KEY_ID))
            .await;
        if on_user && operation.action != "CreateUser" {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{operation:?}");
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !body.contains(&format!("{ACCOUNT}:user")),
            "{operation:?}: {body}"
        );
        // What it made under the same name is its own, and in the way of the next operation.
        if operation.action == "CreateUser" {
            let name = [("UserName", "user")];
            let delete = Control::new(RAM, "DeleteUser", &name).by(OTHER_KEY_ID);
            let delete = Control {
                nonce: "clean".to_owned(),
                ..delete
            };
            let deleted = harness.control(&delete).await;
            assert_eq!(deleted.status, StatusCode::OK);
        }
    }
    assert_eq!(of_first(&harness.identities.current()), before);
}

/// The temporary key of `user` for a role of everything.
async fn assume(harness: &Harness) -> (String, String, String) {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000001:root"]}}]}"#;
    for control in [
        Control::new(
            RAM,
            "CreateRole",
            &[
                ("RoleName", "uploader"),
                ("AssumeRolePolicyDocument", trust),
            ],
        ),
        Control::new(
            RAM,
            "AttachPolicyToRole",
            &[
                ("RoleName", "uploader"),
                ("PolicyType", "System"),
                ("PolicyName", "AliyunOSSFullAccess"),
            ],
        ),
    ] {
        assert_eq!(harness.control(&control).await.status, StatusCode::OK);
    }
    let arn = "acs:ram::1000000000000001:role/uploader";
    let asked = [
        ("RoleArn", arn),
        ("RoleSessionName", "session"),
        ("DurationSeconds", "900"),
    ];
    let answer = harness
        .control(&Control::new(STS, "AssumeRole", &asked).by(USER_KEY_ID))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let credentials = &told(&answer)["Credentials"];
    let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
    assert_eq!(text("Expiration"), "2026-11-22T03:19:05Z");
    (
        text("AccessKeyId"),
        text("AccessKeySecret"),
        text("SecurityToken"),
    )
}

#[tokio::test]
async fn s45_a_token_opens_the_store_until_its_time_is_over() {
    let harness = harness().await;
    let bucket = harness.signed(Method::PUT, "/bucket-of-all", "").await;
    assert_eq!(bucket.status, StatusCode::OK);
    let (id, secret, token) = assume(&harness).await;
    let put = || {
        Ask::new(Method::PUT, "/bucket-of-all/key")
            .body("a")
            .by(Some(&id))
            .header("x-oss-security-token", &token)
    };
    let sent = |ask: Ask<'_>| ask.request(harness.clock.now(), &secret);
    assert_eq!(harness.send(sent(put())).await.status, StatusCode::OK);
    harness.clock.advance_ms(899_999);
    assert_eq!(harness.send(sent(put())).await.status, StatusCode::OK);
    harness.clock.advance_ms(1);
    let over = harness.send(sent(put())).await;
    assert_eq!(over.status, StatusCode::FORBIDDEN);
    let body = String::from_utf8_lossy(&over.body);
    assert!(body.contains("<Code>SecurityTokenExpired</Code>"), "{body}");
}

#[tokio::test]
async fn s45_a_request_is_accepted_once_in_its_window() {
    let harness = harness().await;
    let who = Control::new(STS, "GetCallerIdentity", &[]);
    assert_eq!(harness.control(&who).await.status, StatusCode::OK);
    for minutes in [0, 14] {
        harness.clock.advance_ms(minutes * 60_000);
        assert_eq!(code(&harness.control(&who).await), "SignatureNonceUsed");
    }
    harness.clock.advance_ms(2 * 60_000);
    let answer = harness.control(&who).await;
    assert_eq!(code(&answer), "InvalidTimeStamp.Expired");
    // The nonce of one key is no other's business.
    let other = Control {
        time: harness.clock.now(),
        ..who.by(USER_KEY_ID)
    };
    assert_eq!(harness.control(&other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn s17_what_is_there_is_told_to_those_who_may_ask() {
    let harness = harness().await;
    assume(&harness).await;
    let asked = |action: &str, name: &str, value: &str| {
        Control::new(RAM, action, &[(name, value)]).by(POOR_KEY_ID)
    };
    for (action, name, there, absent) in [
        ("GetUser", "UserName", "poor", "xxxx"),
        ("DeleteUser", "UserName", "poor", "xxxx"),
        ("ListAccessKeys", "UserName", "poor", "xxxx"),
        ("GetRole", "RoleName", "uploader", "xxxxxxxx"),
        ("DeleteRole", "RoleName", "uploader", "xxxxxxxx"),
    ] {
        let mut answers = Vec::new();
        for value in [there, absent] {
            let answer = harness.control(&asked(action, name, value)).await;
            let mut told = told(&answer);
            told["RequestId"].take();
            answers.push(told.to_string().replace(value, "NAME"));
        }
        assert_eq!(answers[0], answers[1], "{action}");
    }
}

#[tokio::test]
async fn what_the_store_can_not_keep_is_an_error_and_not_seen() {
    let harness = Harness::new().await;
    harness
        .engine
        .fail_at(0, || osier_engine::EngineError::Full);
    let create = Control::new(RAM, "CreateUser", &[("UserName", "lost")]);
    let answer = harness.control(&create).await;
    assert_eq!(
        (code(&answer), answer.status),
        (
            "InternalError".to_owned(),
            StatusCode::INTERNAL_SERVER_ERROR
        )
    );
    let get = Control::new(RAM, "GetUser", &[("UserName", "lost")]);
    assert_eq!(code(&harness.control(&get).await), "EntityNotExist.User");
}

#[tokio::test]
async fn logs_tell_the_action_and_the_code() {
    let harness = Harness::new().await;
    let get = Control::new(RAM, "GetUser", &[("UserName", "nobody")]);
    let log = harness.log(get.request()).await;
    assert_eq!(
        (log.op, log.error_code),
        ("GetUser", Some("EntityNotExist"))
    );
    assert_eq!(log.ec.as_deref(), Some("EntityNotExist.User"));
    assert_eq!(log.access_key_id.as_deref(), Some(KEY_ID));
    assert_eq!(log.verdict, Verdict::Granted);
    let asked = log.control.unwrap();
    assert_eq!(asked.action, "ram:GetUser");
    assert_eq!(asked.resources, ["acs:ram:*:1000000000000001:user/nobody"]);
    let log = harness.log(get.unsigned()).await;
    assert_eq!((log.op, log.access_key_id), ("Unknown", None));
    assert_eq!((log.verdict, log.control), (Verdict::Refused, None));
}
