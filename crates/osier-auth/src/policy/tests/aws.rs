//! What documents of AWS say: IAM's actions and resources, its variables, its condition keys.

use std::sync::Arc;

use osier_types::{
    BucketName, LegalHold, ObjectKey, ObjectLock, ObjectRef, Owner, Retention, RetentionMode,
    Timestamp,
};

use super::{OTHER, OWNER, ask, ask_with, ram_policy, resource, root, verdict};
use crate::policy::{Conditions, Policy, PolicyKind, RequestFacts, RequestResource, Signing};
use crate::{Identity, Place, Principal, Scheme};

fn user(name: &str) -> Identity {
    let owner = Owner {
        id: OWNER.to_owned(),
        display_name: String::new(),
    };
    Identity::new(
        Arc::new(owner),
        Principal::User {
            name: name.into(),
            id: "2000".into(),
        },
    )
}

fn control(policy: &Policy, action: &str, path: &str) -> char {
    let conditions = Conditions::default();
    let resource = RequestResource::control("ram", OWNER, path);
    verdict(
        policy,
        &RequestFacts::new(action, resource, root(OTHER), &conditions),
    )
}

#[test]
fn actions_and_resources_of_iam_are_those_of_ram() {
    let policy = ram_policy(&format!(
        r#"[{{"Effect":"Allow","Action":["iam:GetGroup","iam:Attach*","iam:PassRole"],
             "Resource":["arn:aws:iam::{OWNER}:group/g","arn:aws:iam::{OWNER}:user/*"]}},
            {{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*"}}]"#
    ));
    assert_eq!(control(&policy, "ram:GetGroup", "group/g"), 'A');
    assert_eq!(control(&policy, "ram:ListUsersForGroup", "group/g"), 'A');
    assert_eq!(control(&policy, "ram:ListUsersForGroup", "group/h"), 'I');
    assert_eq!(control(&policy, "ram:AttachPolicyToUser", "user/u"), 'A');
    assert_eq!(control(&policy, "ram:DetachPolicyFromUser", "user/u"), 'I');
    assert_eq!(control(&policy, "ram:CreateUser", "user/*"), 'A');
    let all = ram_policy(r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#);
    assert_eq!(control(&all, "ram:DeleteRole", "role/r"), 'A');
    assert_eq!(ask(&all, "oss:GetObject", "media/a", root(OTHER)), 'I');
}

#[test]
fn variables_stand_for_the_caller() {
    let policy = ram_policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/${aws:username}/*",
            "Condition":{"StringLike":{"s3:prefix":["${aws:username}/*"]}}}"#,
    );
    let (alice, bob) = (user("alice"), user("bob"));
    let may = |caller: Option<&Identity>, path: &'static str, prefix: &'static str| {
        let conditions = Conditions {
            caller,
            prefix: Some(prefix),
            ..Conditions::default()
        };
        let facts = RequestFacts::new("oss:GetObject", resource(path), root(OTHER), &conditions);
        verdict(&policy, &facts)
    };
    assert_eq!(may(Some(&alice), "media/alice/a", "alice/a"), 'A');
    assert_eq!(may(Some(&alice), "media/alice/a", "bob/a"), 'I');
    assert_eq!(may(Some(&bob), "media/alice/a", "bob/a"), 'I');
    // Who has no name has no home.
    assert_eq!(
        may(None, "media/${aws:username}/a", "${aws:username}/a"),
        'I'
    );
    for unknown in [
        "${aws:PrincipalTag/team}",
        "${s3:prefix}",
        "${aws:username",
        "${*}",
    ] {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/{unknown}"}}}}"#
        );
        assert!(Policy::parse(&text, PolicyKind::Ram).is_err(), "{unknown}");
    }
}

#[test]
fn condition_keys_of_s3_and_iam() {
    let caller = user("alice");
    let source = ObjectRef {
        bucket: BucketName::parse("media").unwrap(),
        key: ObjectKey::parse(b"public/a").unwrap(),
        version: None,
    };
    let until = Timestamp::from_seconds(1_800_000_000);
    let mut headers = http::HeaderMap::new();
    headers.insert("x-amz-grant-read", "id=1".parse().unwrap());
    let conditions = Conditions {
        caller: Some(&caller),
        current_time: Some(Timestamp::from_seconds(1_700_000_010)),
        signing: Some(Signing {
            scheme: Scheme::Aws4,
            place: Place::Url,
            at: Some(Timestamp::from_seconds(1_700_000_000)),
        }),
        region: Some("cn-test"),
        resource_account: Some("5555555"),
        storage_class: Some("GLACIER"),
        copy_source: Some(&source),
        lock: Some(ObjectLock {
            retention: Some(Retention {
                mode: RetentionMode::Compliance,
                until,
            }),
            legal_hold: Some(LegalHold::On),
        }),
        headers: Some(&headers),
        ..Conditions::default()
    };
    for (operator, key, holds, fails) in [
        (
            "StringEquals",
            "s3:signatureversion",
            "AWS4-HMAC-SHA256",
            "AWS",
        ),
        (
            "StringEquals",
            "s3:authType",
            "REST-QUERY-STRING",
            "REST-HEADER",
        ),
        ("NumericGreaterThan", "s3:signatureAge", "9999", "10000"),
        ("StringEquals", "aws:PrincipalAccount", OWNER, OTHER),
        (
            "ArnLike",
            "aws:PrincipalArn",
            "arn:aws:iam::*:user/al*",
            "arn:aws:iam::*:role/*",
        ),
        ("StringEquals", "aws:PrincipalType", "User", "Account"),
        ("StringEquals", "aws:username", "alice", "bob"),
        ("StringEquals", "aws:userid", "2000", "2001"),
        (
            "StringEquals",
            "aws:RequestedRegion",
            "cn-test",
            "us-east-1",
        ),
        ("StringEquals", "s3:ResourceAccount", "5555555", OWNER),
        (
            "StringEquals",
            "s3:x-amz-storage-class",
            "GLACIER",
            "STANDARD",
        ),
        (
            "StringLike",
            "s3:x-amz-copy-source",
            "media/public/*",
            "media/private/*",
        ),
        (
            "StringEquals",
            "s3:object-lock-mode",
            "COMPLIANCE",
            "GOVERNANCE",
        ),
        ("StringEquals", "s3:object-lock-legal-hold", "ON", "OFF"),
        (
            "DateLessThan",
            "s3:object-lock-retain-until-date",
            "2030-01-01T00:00:00Z",
            "2020-01-01T00:00:00Z",
        ),
        ("StringEquals", "s3:x-amz-grant-read", "id=1", "id=2"),
    ] {
        let policy = |value: &str| {
            ram_policy(&format!(
                r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}}}"#
            ))
        };
        assert_eq!(ask_with(&policy(holds), &conditions), 'A', "{key}");
        assert_eq!(ask_with(&policy(fails), &conditions), 'I', "{key}");
        let anonymous = Conditions::default();
        assert_eq!(ask_with(&policy(holds), &anonymous), 'I', "{key}");
    }
}
