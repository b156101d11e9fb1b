//! Operators and keys, by table.

use osier_types::Timestamp;

use super::*;

/// Operator, value or values, what the request has, whether it holds.
#[test]
#[expect(clippy::large_stack_arrays, reason = "a table is read best as one")]
fn operators() {
    let at = |text| Some(Timestamp::parse_iso8601(text).unwrap());
    let ip = |text: &str| Conditions {
        source_ip: Some(text.parse().unwrap()),
        ..Conditions::default()
    };
    let agent = |user_agent| Conditions {
        user_agent: Some(user_agent),
        ..Conditions::default()
    };
    let time = |text| Conditions {
        current_time: at(text),
        ..Conditions::default()
    };
    let days = |days| Conditions {
        remaining_retention_days: Some(days),
        ..Conditions::default()
    };
    let none = Conditions::default();
    let agents = "acs:UserAgent";
    let days_key = "oss:object-remaining-retention-days";
    for (operator, key, values, conditions, holds) in [
        ("StringEquals", agents, r#""a""#, agent("a"), true),
        ("StringEquals", agents, r#"["b","a"]"#, agent("a"), true),
        ("StringEquals", agents, r#""a*""#, agent("ab"), false),
        ("StringEquals", agents, r#""A""#, agent("a"), false),
        ("StringEquals", agents, r#""a""#, none, false),
        ("StringEqualsIfExists", agents, r#""a""#, none, true),
        ("StringEqualsIfExists", agents, r#""a""#, agent("b"), false),
        ("StringNotEquals", agents, r#"["b","a"]"#, agent("a"), false),
        ("StringNotEquals", agents, r#"["b","c"]"#, agent("a"), true),
        ("StringNotEquals", agents, r#""a""#, none, true),
        ("Null", agents, r#""true""#, none, true),
        ("Null", agents, r#""false""#, none, false),
        ("Null", agents, r#""true""#, agent("a"), false),
        ("Null", agents, r#""false""#, agent("a"), true),
        ("Null", days_key, r#""false""#, days(3), true),
        (
            "StringEqualsIgnoreCase",
            agents,
            r#""Äb""#,
            agent("äB"),
            true,
        ),
        (
            "StringNotEqualsIgnoreCase",
            agents,
            r#""AB""#,
            agent("ab"),
            false,
        ),
        ("StringLike", agents, r#""a*c?""#, agent("abbcd"), true),
        ("StringLike", agents, r#""a*c?""#, agent("abbc"), false),
        (
            "StringNotLike",
            agents,
            r#"["x*","a*"]"#,
            agent("ab"),
            false,
        ),
        ("StringLike", agents, r#""""#, agent(""), true),
        ("NumericEquals", days_key, "7", days(7), true),
        ("NumericEquals", days_key, r#"["1","7.0"]"#, days(7), true),
        ("NumericNotEquals", days_key, "[1,7]", days(7), false),
        ("NumericNotEquals", days_key, "7", none, true),
        ("NumericLessThan", days_key, "7", days(7), false),
        ("NumericLessThanEquals", days_key, "7", days(7), true),
        ("NumericGreaterThan", days_key, "7", days(8), true),
        ("NumericGreaterThan", days_key, "7", none, false),
        ("NumericGreaterThanEquals", days_key, "7", days(6), false),
        ("NumericLessThan", agents, "7", agent("6.5"), true),
        ("NumericLessThan", agents, "7", agent("six"), false),
        (
            "DateEquals",
            "acs:CurrentTime",
            r#""2026-11-22T08:00:00+08:00""#,
            time("2026-11-22T00:00:00Z"),
            true,
        ),
        (
            "DateNotEquals",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            time("2026-11-22T00:00:00Z"),
            false,
        ),
        (
            "DateLessThan",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            time("2026-11-21T23:59:59Z"),
            true,
        ),
        (
            "DateLessThanEquals",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            time("2026-11-22T00:00:01Z"),
            false,
        ),
        (
            "DateGreaterThan",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            time("2026-11-22T00:00:01Z"),
            true,
        ),
        (
            "DateGreaterThanEquals",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            time("2026-11-22T00:00:00Z"),
            true,
        ),
        (
            "DateGreaterThan",
            "acs:CurrentTime",
            r#""2026-11-22T00:00:00Z""#,
            none,
            false,
        ),
        ("Bool", "acs:SecureTransport", "false", none, false),
        ("BoolIfExists", "acs:MFAPresent", r#""true""#, none, true),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""203.0.113.0/24""#,
            ip("203.0.113.255"),
            true,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""203.0.113.0/24""#,
            ip("203.0.114.0"),
            false,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""203.0.113.0/24""#,
            ip("::ffff:203.0.113.9"),
            true,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""::ffff:203.0.113.0/120""#,
            ip("203.0.113.9"),
            true,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""203.0.113.9/24""#,
            ip("203.0.113.1"),
            true,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""0.0.0.0/0""#,
            ip("2001:db8::1"),
            false,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""2001:db8::/32""#,
            ip("2001:db8::1"),
            true,
        ),
        (
            "IpAddress",
            "acs:SourceIp",
            r#""*""#,
            ip("2001:db8::1"),
            true,
        ),
        ("IpAddress", "acs:SourceIp", r#""*""#, none, false),
        (
            "IpAddressIncludeBorder",
            "acs:SourceIp",
            r#""10.0.0.0/30""#,
            ip("10.0.0.3"),
            true,
        ),
        (
            "NotIpAddress",
            "acs:SourceIp",
            r#"["10.0.0.0/8","192.168.0.0/16"]"#,
            ip("192.168.1.1"),
            false,
        ),
        (
            "NotIpAddress",
            "acs:SourceIp",
            r#"["10.0.0.0/8","192.168.0.0/16"]"#,
            ip("172.16.0.1"),
            true,
        ),
        (
            "NotIpAddress",
            "acs:SourceIp",
            r#""10.0.0.0/8""#,
            none,
            true,
        ),
        (
            "IpAddress",
            "aws:sourceip",
            r#""10.0.0.0/8""#,
            ip("10.0.0.1"),
            true,
        ),
    ] {
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{key}":{values}}}}}}}"#
        ));
        assert_eq!(
            ask_with(&policy, &conditions) == 'A',
            holds,
            "{operator} {key} {values} {conditions:?}"
        );
    }
}

#[test]
fn every_key_finds_its_own_value() {
    let tag = |value: &str| {
        vec![osier_types::Tag {
            key: "Team".to_owned(),
            value: value.to_owned(),
        }]
    };
    let (bucket, existing, requested) = (tag("v7"), tag("v8"), tag("v9"));
    let conditions = Conditions {
        source_vpc: Some("v0"),
        user_agent: Some("v1"),
        access_id: Some("v2"),
        referer: Some("v3"),
        prefix: Some("v4"),
        delimiter: Some("v5"),
        acl: Some("v6"),
        bucket_tags: &bucket,
        existing_object_tags: &existing,
        request_object_tags: &requested,
        object_acl: Some("v10"),
        access_point_arn: Some("v11"),
        access_point_account: Some("v12"),
        access_point_network_origin: Some("v13"),
        tls_version: Some("v14"),
        external_id: Some("v15"),
        role_session_name: Some("v16"),
        source_identity: Some("v17"),
        oidc_issuer: Some("v18"),
        oidc_audience: Some("v19"),
        oidc_subject: Some("v20"),
        canned_acl: Some("v21"),
        encryption: Some("v22"),
        encryption_key: Some("v23"),
        customer_algorithm: Some("v24"),
        ..Conditions::default()
    };
    for (nth, key) in [
        "acs:SourceVpc",
        "acs:UserAgent",
        "acs:AccessId",
        "acs:Referer",
        "oss:Prefix",
        "oss:Delimiter",
        "oss:x-oss-acl",
        "oss:BucketTag/Team",
        "oss:ExistingObjectTag/Team",
        "oss:RequestObjectTag/Team",
        "oss:x-oss-object-acl",
        "oss:DataAccessPointArn",
        "oss:DataAccessPointAccount",
        "oss:AccessPointNetworkOrigin",
        "oss:TLSVersion",
        "sts:ExternalId",
        "sts:RoleSessionName",
        "sts:SourceIdentity",
        "oidc:iss",
        "oidc:aud",
        "oidc:sub",
        "s3:x-amz-acl",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-server-side-encryption-customer-algorithm",
    ]
    .into_iter()
    .enumerate()
    {
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"{key}":"v{nth}"}}}}}}"#
        ));
        assert_eq!(ask_with(&policy, &conditions), 'A', "{key}");
        assert_eq!(ask_with(&policy, &Conditions::default()), 'I', "{key}");
    }
    // Keys of tags keep their case.
    let policy = ram_policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"oss:BucketTag/team":"*"}}}"#,
    );
    assert_eq!(ask_with(&policy, &conditions), 'I');
}
