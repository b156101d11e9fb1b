//! S03: every route refuses whoever may not, generated from the router's own table.

use http::{Method, StatusCode};
use osier_wire::oss::ROUTES;
use osier_wire::{RouteSpec, Scope, Support};

use crate::harness::{Answer, Ask, Harness, KEY_ID, OTHER_KEY_ID, SECRET};

/// A target for a route on a private bucket that exists, with an object that exists.
fn target(route: &RouteSpec) -> String {
    let path = match route.scope {
        Scope::Service => "/",
        Scope::Bucket => "/private",
        Scope::Object => "/private/object",
    };
    let query = match route.query().as_str() {
        "uploadId" => format!("partNumber=1&uploadId={}", "0".repeat(32)),
        "append" => "append&position=0".to_owned(),
        "seal" => "seal&position=6".to_owned(),
        "publicAccessBlock&x-oss-access-point-name" => {
            "publicAccessBlock&x-oss-access-point-name=ap-01".to_owned()
        }
        "wormId" => "wormId=1".to_owned(),
        "wormExtend" => "wormExtend&wormId=1".to_owned(),
        "style" if route.name != "ListStyle" => "style&styleName=small".to_owned(),
        "style&styleName" => "style&styleName=small".to_owned(),
        "x-oss-process" if route.method != "POST" => "x-oss-process=image/info".to_owned(),
        query => query.to_owned(),
    };
    match query.as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A request that the route's operation understands, so that it is permission that refuses it.
fn ask<'a>(route: &RouteSpec, target: &'a str) -> Ask<'a> {
    let mut ask = Ask::new(Method::from_bytes(route.method.as_bytes()).unwrap(), target);
    if let Some(header) = route.header {
        let value = match header {
            "x-oss-copy-source" => "/private/object",
            "x-oss-access-point-name" => "ap-01",
            "content-type" => "multipart/form-data; boundary=b",
            _ => "value",
        };
        ask = ask.header(header, value);
    }
    match route.name {
        "PutBucketAcl" => ask.header("x-oss-acl", "public-read"),
        "PutObjectAcl" => ask.header("x-oss-object-acl", "public-read"),
        "PutSymlink" => ask.header("x-oss-symlink-target", "object"),
        "DeleteAccessPoint"
        | "GetAccessPointPolicy"
        | "PutAccessPointPolicy"
        | "DeleteAccessPointPolicy"
            if route.header.is_none() =>
        {
            ask.header("x-oss-access-point-name", "ap-01")
                .body(document(route.name))
        }
        name => ask.body(document(name)),
    }
}

/// The document of an operation that wants one.
fn document(name: &str) -> &'static str {
    match name {
        "DeleteMultipleObjects" => "<Delete><Object><Key>object</Key></Object></Delete>",
        "PutBucketVersioning" => {
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        }
        "PutBucketTags" | "PutObjectTagging" => {
            "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
        }
        "PutBucketCors" => {
            "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>\
             <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
        }
        "PutBucketRequestPayment" => {
            "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"
        }
        "PutBucketResourceGroup" => {
            "<BucketResourceGroupConfiguration><ResourceGroupId>rg</ResourceGroupId>\
             </BucketResourceGroupConfiguration>"
        }
        "PutBucketTransferAcceleration" => {
            "<TransferAccelerationConfiguration><Enabled>true</Enabled>\
             </TransferAccelerationConfiguration>"
        }
        "PutBucketArchiveDirectRead" => {
            "<ArchiveDirectReadConfiguration><Enabled>true</Enabled></ArchiveDirectReadConfiguration>"
        }
        "CompleteMultipartUpload" => {
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>\
             </CompleteMultipartUpload>"
        }
        "PutBucketPolicy" | "PutAccessPointPolicy" => {
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":["*"],"Action":["oss:GetObject"],"Resource":["acs:oss:*:*:private/*"]}]}"#
        }
        "PutBucketReferer" => {
            "<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer><RefererList/>\
             </RefererConfiguration>"
        }
        "PutPublicAccessBlock"
        | "PutBucketPublicAccessBlock"
        | "PutAccessPointPublicAccessBlock" => {
            "<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess>\
             </PublicAccessBlockConfiguration>"
        }
        "CreateAccessPoint" => {
            "<CreateAccessPointConfiguration><AccessPointName>ap-01</AccessPointName>\
             <NetworkOrigin>internet</NetworkOrigin></CreateAccessPointConfiguration>"
        }
        "PutBucketEncryption" => {
            "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>\
             <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
             </ServerSideEncryptionRule>"
        }
        "PutBucketObjectWormConfiguration" => {
            "<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled>\
             </ObjectWormConfiguration>"
        }
        "InitiateBucketWorm" => {
            "<InitiateWormConfiguration><RetentionPeriodInDays>1</RetentionPeriodInDays>\
             </InitiateWormConfiguration>"
        }
        "ExtendBucketWorm" => {
            "<ExtendWormConfiguration><RetentionPeriodInDays>2</RetentionPeriodInDays>\
             </ExtendWormConfiguration>"
        }
        "PutObjectLegalHold" => "<LegalHold><Status>ON</Status></LegalHold>",
        "PutObjectRetention" => {
            "<Retention><Mode>GOVERNANCE</Mode>\
             <RetainUntilDate>2040-01-01T00:00:00.000Z</RetainUntilDate></Retention>"
        }
        "PutStyle" => "<Style><Content>image/resize,w_100</Content></Style>",
        "PutBucketProcessConfiguration" => {
            "<BucketProcessConfiguration><SourceFileProtect>Disabled</SourceFileProtect>\
             </BucketProcessConfiguration>"
        }
        "ProcessObject" => "x-oss-process=image/resize,w_100|sys/saveas,o_c21hbGwucG5n",
        _ => "",
    }
}

/// Sends a request signed by `key`, whichever of its parameters V1 signs.
async fn signed_by(harness: &Harness, key: &str, ask: impl Fn() -> Ask<'static>) -> Answer {
    let target = ask().target;
    let mut all: Vec<&str> = target
        .split_once('?')
        .map_or_else(Vec::new, |(_, query)| query.split('&').collect());
    all.sort_unstable();
    for subset in (0..1_usize << all.len()).rev() {
        let some = all.iter().enumerate();
        let signed: Vec<&str> = some
            .filter(|(nth, _)| subset >> nth & 1 == 1)
            .map(|(_, parameter)| *parameter)
            .collect();
        let query = match signed.as_slice() {
            [] => String::new(),
            signed => format!("?{}", signed.join("&")),
        };
        let answer = harness.ask(ask().by(Some(key)).signed_query(&query)).await;
        if answer.code() != "SignatureDoesNotMatch" {
            return answer;
        }
    }
    panic!("no way of signing {target} is right");
}

/// Every route that is there refuses `key` for want of permission, and for nothing else.
async fn every_route_refuses(harness: &Harness, key: &str, scopes: &[Scope]) {
    let mut unclear = Vec::new();
    for route in ROUTES {
        if signs_itself(route) || !scopes.contains(&route.scope) {
            continue;
        }
        let target: &'static str = target(route).leak();
        let answer = signed_by(harness, key, || ask(route, target)).await;
        let refused =
            answer.status == 403 && (route.method == "HEAD" || answer.code() == "AccessDenied");
        let absent = answer.status.is_client_error() && route.support == Support::NotImplemented;
        // Names are not secret: whoever wants to have one is told that it is taken.
        let taken = route.name == "PutBucket" && answer.code() == "BucketAlreadyExists";
        if !refused && !absent && !taken {
            unclear.push(format!(
                "{} {} {target}: {} {}",
                route.name,
                route.method,
                answer.status,
                answer.code()
            ));
        }
        unharmed(harness, route).await;
    }
    assert!(unclear.is_empty(), "{unclear:#?}");
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
    let scopes = [Scope::Bucket, Scope::Object];
    every_route_refuses(&harness, OTHER_KEY_ID, &scopes).await;
}

#[tokio::test]
async fn s03_right_identity_without_permission() {
    let harness = private_bucket().await;
    let nothing = r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:else/*"}"#;
    harness.user("nobody", nothing).await;
    let scopes = [Scope::Service, Scope::Bucket, Scope::Object];
    every_route_refuses(&harness, "nobody", &scopes).await;
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
