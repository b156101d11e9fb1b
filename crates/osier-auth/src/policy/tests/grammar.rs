//! What is read, and what is refused by name (S46).

use super::*;

/// Kind, document (or statement), path and a part of the reason.
const REFUSED: &[(PolicyKind, &str, &str, &str)] = {
    use PolicyKind::{AccessPoint, Bucket, Ram, Session, Trust};
    &[
        (Ram, "", "", "no JSON"),
        (Ram, "[]", "", "expected an object, not a list"),
        (Ram, r#"{"Version":"1"}"#, "Statement", "is missing"),
        (Ram, r#"{"Statement":[]}"#, "Version", "is missing"),
        (
            Ram,
            r#"{"Version":"2","Statement":[]}"#,
            "Version",
            "only version `1`",
        ),
        (
            Ram,
            r#"{"Version":"1","Statement":[]}"#,
            "Statement",
            "at least one statement",
        ),
        (
            Ram,
            r#"{"Version":"1","Version":"1","Statement":[]}"#,
            "Version",
            "appears twice",
        ),
        (
            Ram,
            r#"{"Version":"1","Statement":[],"Extra":1}"#,
            "Extra",
            "is not an element",
        ),
        (
            Ram,
            r#"{"Version":"1","Id":"x","Statement":[]}"#,
            "Id",
            "is not an element",
        ),
        (
            Ram,
            r#"{"Version":"1","Statement":["x"]}"#,
            "Statement[0]",
            "expected an object",
        ),
        (
            Ram,
            r#"S{"Action":"*","Resource":"*"}"#,
            "Statement[0].Effect",
            "is missing",
        ),
        (
            Ram,
            r#"S{"Effect":"allow","Action":"*","Resource":"*"}"#,
            "Statement[0].Effect",
            "neither",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Resource":"*"}"#,
            "Statement[0].Action",
            "is missing",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*"}"#,
            "Statement[0].Resource",
            "is missing",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","NotAction":"oss:*","Resource":"*"}"#,
            "Statement[0].NotAction",
            "can't stand beside `Action`",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":"*","Resource":"*"}"#,
            "Statement[0].Resource",
            "appears twice",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}"#,
            "Statement[0].Conditions",
            "is not an element",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#,
            "Statement[0].Principal",
            "is not an element",
        ),
        (
            Session,
            r#"S{"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*"}"#,
            "Statement[0].NotPrincipal",
            "is not an element",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":[],"Resource":"*"}"#,
            "Statement[0].Action",
            "at least one action",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":["oss:Get*","GetObject"],"Resource":"*"}"#,
            "Statement[0].Action[1]",
            "`GetObject` is no action",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"s3:GetObjct","Resource":"*"}"#,
            "Statement[0].Action",
            "no S3 action",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":{"a":1},"Resource":"*"}"#,
            "Statement[0].Action",
            "expected a string, not an object",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":[]}"#,
            "Statement[0].Resource",
            "at least one resource",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":["*",null]}"#,
            "Statement[0].Resource[1]",
            "not null",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":"acs:oss:*:media"}"#,
            "Statement[0].Resource",
            "is no resource",
        ),
        (
            Ram,
            r#"S{"Effect":"Allow","Action":"*","Resource":"Media/*"}"#,
            "Statement[0].Resource",
            "is no resource",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Action":"oss:*","Resource":"*"}"#,
            "Statement[0].Principal",
            "is missing",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":"*","NotPrincipal":"1","Action":"oss:*","Resource":"*"}"#,
            "Statement[0].NotPrincipal",
            "can't stand beside `Principal`",
        ),
        (
            Bucket,
            r#"S{"Effect":"Deny","NotPrincipal":[],"Action":"oss:*","Resource":"*"}"#,
            "Statement[0].NotPrincipal",
            "at least one principal",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":["1","alice"],"Action":"oss:*","Resource":"*"}"#,
            "Statement[0].Principal[1]",
            "`alice` is no principal",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":{"AWS":["1","arn:aws:iam::x:root"]},"Action":"oss:*","Resource":"*"}"#,
            "Statement[0].Principal.AWS[1]",
            "is no principal",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":{"Service":"oss.aliyuncs.com"},"Action":"oss:*","Resource":"*"}"#,
            "Statement[0].Principal.Service",
            "is not an element",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":"*","Action":"ram:*","Resource":"*"}"#,
            "Statement[0].Action",
            "can't be granted by such a policy",
        ),
        (
            Bucket,
            r#"S{"Effect":"Allow","Principal":"*","Action":"oss:*","Resource":"acs:ram:*:*:*"}"#,
            "Statement[0].Resource",
            "no resource of the object store",
        ),
        (
            AccessPoint,
            r#"S{"Effect":"Allow","Principal":"*","Action":"oss:*","Resource":"acs:oss:*:*:media/*"}"#,
            "Statement[0].Resource",
            "is no access point",
        ),
        (
            Trust,
            r#"S{"Effect":"Allow","Principal":{"RAM":["1"]},"Action":"sts:AssumeRole","Resource":"*"}"#,
            "Statement[0].Resource",
            "is not an element",
        ),
        (
            Trust,
            r#"S{"Effect":"Allow","Principal":{"RAM":["1"]},"Action":"oss:GetObject"}"#,
            "Statement[0].Action",
            "can't be granted by such a policy",
        ),
        (
            Trust,
            r#"S{"Effect":"Allow","Principal":[],"Action":"sts:AssumeRole"}"#,
            "Statement[0].Principal",
            "at least one principal",
        ),
        (
            Trust,
            r#"S{"Effect":"Allow","Principal":{"Service":"*"},"Action":"sts:AssumeRole"}"#,
            "Statement[0].Principal.Service",
            "no name of a service",
        ),
        (Ram, "C[]", "Statement[0].Condition", "expected an object"),
        (
            Ram,
            r#"C{"Like":{"acs:Referer":"x"}}"#,
            "Statement[0].Condition.Like",
            "is no operator",
        ),
        (
            Ram,
            r#"C{"ForAllValues:StringEquals":{"oss:Prefix":"x"}}"#,
            "Statement[0].Condition.ForAllValues:StringEquals",
            "set operators are not supported",
        ),
        (
            Ram,
            r#"C{"StringEquals":{}}"#,
            "Statement[0].Condition.StringEquals",
            "at least one",
        ),
        (
            Ram,
            r#"C{"StringEquals":{"oss:Prefix":[]}}"#,
            "Statement[0].Condition.StringEquals.oss:Prefix",
            "at least one value",
        ),
        (
            Ram,
            r#"C{"StringEquals":{"oss:Prefix":"a","oss:Prefix":"b"}}"#,
            "Statement[0].Condition.StringEquals.oss:Prefix",
            "appears twice",
        ),
        (
            Ram,
            r#"C{"StringEquals":{"acs:SourceIP6":"a"}}"#,
            "Statement[0].Condition.StringEquals.acs:SourceIP6",
            "no condition key",
        ),
        (
            Ram,
            r#"C{"StringEquals":{"acs:SourceIp":"10.0.0.1"}}"#,
            "Statement[0].Condition.StringEquals.acs:SourceIp",
            "can't be compared by `StringEquals`",
        ),
        (
            Ram,
            r#"C{"IpAddress":{"acs:SourceIp":["10.0.0.0/8","10.0.0.*"]}}"#,
            "Statement[0].Condition.IpAddress.acs:SourceIp[1]",
            "is not an address",
        ),
        (
            Ram,
            r#"C{"IpAddress":{"acs:SourceIp":"10.0.0.0/33"}}"#,
            "Statement[0].Condition.IpAddress.acs:SourceIp",
            "is not an address",
        ),
        (
            Ram,
            r#"C{"IpAddress":{"acs:SourceIp":"10.0.0.0/+8"}}"#,
            "Statement[0].Condition.IpAddress.acs:SourceIp",
            "is not an address",
        ),
        (
            Ram,
            r#"C{"Bool":{"acs:SecureTransport":"yes"}}"#,
            "Statement[0].Condition.Bool.acs:SecureTransport",
            "is not `true` or `false`",
        ),
        (
            Ram,
            r#"C{"DateLessThan":{"acs:CurrentTime":"tomorrow"}}"#,
            "Statement[0].Condition.DateLessThan.acs:CurrentTime",
            "is not a time",
        ),
        (
            Ram,
            r#"C{"NumericEquals":{"oss:object-remaining-retention-days":"inf"}}"#,
            "Statement[0].Condition.NumericEquals.oss:object-remaining-retention-days",
            "is not a number",
        ),
        (
            Ram,
            r#"C{"StringLike":{"oss:ExistingObjectTag/":"x"}}"#,
            "Statement[0].Condition.StringLike.oss:ExistingObjectTag/",
            "no condition key",
        ),
    ]
};

#[test]
fn s46_what_is_wrong_is_named_by_its_path() {
    for (kind, text, path, reason) in REFUSED {
        let text = if let Some(statement) = text.strip_prefix('S') {
            format!(r#"{{"Version":"1","Statement":[{statement}]}}"#)
        } else if let Some(condition) = text.strip_prefix('C') {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
            )
        } else {
            (*text).to_owned()
        };
        let refused = Policy::parse(&text, *kind).unwrap_err();
        assert_eq!(refused.path, *path, "{text}: {refused}");
        assert!(refused.reason.contains(reason), "{text}: {refused}");
        assert!(refused.to_string().starts_with(path), "{refused}");
    }
}

#[test]
fn documents_have_a_greatest_size() {
    for (kind, max) in [
        (PolicyKind::Ram, 6144),
        (PolicyKind::Trust, 4096),
        (PolicyKind::Session, 2048),
        (PolicyKind::Bucket, 16 * 1024),
        (PolicyKind::AccessPoint, 16 * 1024),
    ] {
        let principal = if kind.has_principals() {
            r#""Principal":"*","#
        } else {
            ""
        };
        let resource = if kind == PolicyKind::Trust {
            ""
        } else {
            r#","Resource":"*""#
        };
        let text = format!(
            r#"{{"Version":"1","Statement":{{"Effect":"Allow",{principal}"Action":"*"{resource}}}}}"#
        );
        let longest = format!("{text}{}", " ".repeat(max - text.len()));
        assert_eq!(Policy::parse(&longest, kind).unwrap().text(), longest);
        let refused = Policy::parse(&format!("{longest} "), kind).unwrap_err();
        assert!(
            refused.path.is_empty() && refused.reason.contains("at most"),
            "{refused}"
        );
    }
}

#[test]
fn deep_documents_are_refused_not_followed() {
    let text = "[".repeat(16_000);
    assert!(Policy::parse(&text, PolicyKind::Bucket).is_err());
}

#[test]
fn the_text_is_kept_as_it_was_given() {
    let text = "{ \"Statement\":\n{\"Action\":\"oss:*\",\"Effect\":\"Deny\",\"Resource\":\"*\"},\"Version\":1}";
    let policy = Policy::parse(text, PolicyKind::Ram).unwrap();
    assert_eq!(
        (policy.text(), policy.kind(), policy.statement_count()),
        (text, PolicyKind::Ram, 1)
    );
}

#[test]
fn the_policies_of_the_tutorials_are_read() {
    let chapter = r#"[{"Effect":"Allow","Principal":["203917385849****"],
        "Action":["oss:GetObject","oss:GetObjectAcl"],
        "Resource":["acs:oss:*:*:myapp-prod-media/shared/*"],
        "Condition":{"IpAddress":{"acs:SourceIp":["203.0.113.0/24"]}}}]"#;
    let policy = bucket_policy(chapter);
    assert!(!policy.is_public());
    policy.check_bucket("myapp-prod-media").unwrap();
    let s3 = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"agent","Effect":"Allow",
        "Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/*",
        "Condition":{"StringLike":{"aws:UserAgent":["xxxyyyzzz"]}}}]}"#;
    let policy = Policy::parse(s3, PolicyKind::Bucket).unwrap();
    let agent = |user_agent| Conditions {
        user_agent: Some(user_agent),
        ..Conditions::default()
    };
    assert_eq!(ask_with(&policy, &agent("xxxyyyzzz")), 'A');
    assert_eq!(ask_with(&policy, &agent("curl")), 'I');
    assert!(policy.is_public());
}

#[test]
fn bucket_policies_speak_of_their_own_bucket() {
    let policy = bucket_policy(
        r#"[{"Effect":"Allow","Principal":"1","Action":"oss:*","Resource":["acs:oss:*:*:media","acs:oss:*:*:media/*","*"]},
            {"Effect":"Deny","Principal":"1","Action":"oss:*","NotResource":["acs:oss:*:*:med*/a","logs/*"]}]"#,
    );
    let refused = policy.check_bucket("media").unwrap_err();
    assert_eq!(refused.path, "Statement[1].NotResource[1]");
    assert!(
        policy
            .check_bucket("logs")
            .unwrap_err()
            .path
            .starts_with("Statement[0].Resource[0]")
    );
}

#[test]
fn system_policies_are_valid_and_sorted() {
    for policy in system::ALL {
        let compiled = Policy::parse(policy.text, PolicyKind::Ram).unwrap();
        assert_eq!(compiled.statement_count(), 1);
        assert_eq!(system::find(policy.name), Some(policy));
    }
    assert!(system::ALL.is_sorted_by_key(|policy| policy.name));
    assert_eq!(system::ALL.len(), 7);
    assert_eq!(system::find("administratoraccess"), None);
    let allows = |name: &str, action: &str| {
        let policy = Policy::parse(system::find(name).unwrap().text, PolicyKind::Ram).unwrap();
        ask(&policy, action, "media/a", user("alice", "11"))
    };
    assert_eq!(allows("AliyunOSSReadOnlyAccess", "oss:GetObject"), 'A');
    assert_eq!(allows("AliyunOSSReadOnlyAccess", "oss:ListObjects"), 'A');
    assert_eq!(allows("AliyunOSSReadOnlyAccess", "oss:PutObject"), 'I');
    assert_eq!(allows("AliyunOSSFullAccess", "ram:CreateUser"), 'I');
    assert_eq!(allows("AdministratorAccess", "ram:CreateUser"), 'A');
    assert_eq!(allows("AliyunSTSAssumeRoleAccess", "sts:AssumeRole"), 'A');
    assert_eq!(
        allows("AliyunCDNReadOnlyAccess", "cdn:DescribeCdnDomainDetail"),
        'A'
    );
    assert_eq!(allows("AliyunCDNReadOnlyAccess", "cdn:AddCdnDomain"), 'I');
}

#[test]
fn what_conditions_need_is_known() {
    let policy = ram_policy(
        r#"[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"oss:ExistingObjectTag/a":"b"}}},
            {"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":true}}}]"#,
    );
    let tags = Needs {
        existing_object_tags: true,
        ..Needs::default()
    };
    assert_eq!(policy.needs(), tags);
    let bucket = Needs {
        bucket_tags: true,
        ..Needs::default()
    };
    assert_eq!(
        tags.or(bucket),
        Needs {
            existing_object_tags: true,
            bucket_tags: true,
            retention: false
        }
    );
}
