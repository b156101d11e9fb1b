//! What each element means, by table.

use osier_types::Timestamp;

use super::*;

/// Pattern, resource, whether it is meant.
#[test]
fn resources() {
    for (pattern, path, meant) in [
        ("*", "media", true),
        ("acs:oss:*", "media/a", true),
        ("acs:oss:*:*:*", "*", true),
        ("acs:oss:*:*:media", "media", true),
        ("acs:oss:*:*:media", "media/a", false),
        ("acs:oss:*:*:media/*", "media", false),
        ("acs:oss:*:*:media/*", "media/a/b", true),
        ("acs:oss:*:*:media/?", "media/é", true),
        ("acs:oss:*:*:media/?", "media/", false),
        ("acs:oss:*:*:media/*.png", "media/a.png/b.png", true),
        ("acs:oss:*:*:media/a", "media/A", false),
        ("acs:oss:*:1000000000000001:media/a", "media/a", true),
        ("acs:oss:*:1000000000000002:media/a", "media/a", false),
        ("acs:oss:cn-test:*:media/a", "media/a", true),
        ("acs:oss:oss-cn-test:*:media/a", "media/a", true),
        ("acs:oss:cn-other:*:media/a", "media/a", false),
        ("acs:oss:::media/a", "media/a", true),
        ("acs:ram:*:*:media/a", "media/a", false),
        ("arn:aws:s3:::media/a*", "media/ab", true),
        ("arn:aws:s3:::media", "media/ab", false),
        ("media/*", "media/a:b", true),
        ("media", "media", true),
        ("acs:oss:*:*:media/a:b", "media/a:b", true),
        ("acs:oss:*:*:accesspoint/ap/object/*", "media/a", false),
    ] {
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"{pattern}"}}"#
        ));
        let said = ask(&policy, "oss:GetObject", path, root(OTHER));
        assert_eq!(said == 'A', meant, "{pattern} on {path}");
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","NotResource":["{pattern}"]}}"#
        ));
        let said = ask(&policy, "oss:GetObject", path, root(OTHER));
        assert_eq!(said == 'I', meant, "not {pattern} on {path}");
    }
}

#[test]
fn actions() {
    for (pattern, action, meant) in [
        ("*", "ram:CreateUser", true),
        ("oss:*", "oss:GetObject", true),
        ("oss:*", "ossx:GetObject", false),
        ("OSS:getOBJECT", "oss:GetObject", true),
        ("oss:Get*", "oss:PutObject", false),
        ("oss:?utObject", "oss:PutObject", true),
        ("oss:GetObject", "oss:GetObjectVersion", false),
        ("s3:GetObject", "oss:GetObject", true),
        ("s3:ListBucket", "oss:ListObjects", true),
        ("s3:ListBucket", "oss:ListBuckets", false),
        ("s3:ListBucket*", "oss:ListBuckets", false),
        ("s3:ListBucket*", "oss:ListObjectVersions", true),
        ("s3:List*", "oss:ListBuckets", true),
        ("s3:*", "oss:PutBucketAccessMonitor", true),
        (
            "s3:PutLifecycleConfiguration",
            "oss:DeleteBucketLifecycle",
            true,
        ),
        ("s3:CreateBucket", "oss:PutBucket", true),
    ] {
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Deny","Action":"{pattern}","Resource":"*"}}"#
        ));
        assert_eq!(
            ask(&policy, action, "media", root(OTHER)) == 'D',
            meant,
            "{pattern} on {action}"
        );
    }
}

#[test]
fn principals() {
    let alice = || user("alice", "2000000000000011");
    let reader = || role("Reader", "s1");
    let callers = [None, root(OWNER), root(OTHER), alice(), reader()];
    // In the order of `callers`; the owner is spared by a bare `*`.
    for (principal, meant) in [
        (r#""*""#, "x-xxx"),
        (r#"["*"]"#, "x-xxx"),
        ("[]", "x-xxx"),
        (r#"{"AWS":"*"}"#, "x-xxx"),
        (r#"["*","1000000000000001"]"#, "xxxxx"),
        (r#""1000000000000001""#, "-x---"),
        ("1000000000000001", "-x---"),
        (r#""1000000000000002""#, "--x--"),
        (r#""2000000000000011""#, "---x-"),
        (r#"["1000000000000002","2000000000000011"]"#, "--xx-"),
        (r#""10000000000000*""#, "-----"),
        (r#""acs:ram::1000000000000001:root""#, "-x-xx"),
        (r#"{"AWS":"1000000000000001"}"#, "-x-xx"),
        (r#"{"AWS":["arn:aws:iam::1000000000000001:root"]}"#, "-x-xx"),
        (r#""acs:ram::1000000000000001:user/alice""#, "---x-"),
        (r#""acs:ram::1000000000000001:user/a*""#, "---x-"),
        (r#""acs:ram::1000000000000001:user/Alice""#, "-----"),
        (r#""acs:ram::1000000000000002:user/alice""#, "-----"),
        (
            r#"{"AWS":"arn:aws:iam::1000000000000001:user/alice"}"#,
            "---x-",
        ),
        (r#""acs:ram::1000000000000001:role/reader""#, "----x"),
        (
            r#""arn:sts::1000000000000001:assumed-role/reader/*""#,
            "----x",
        ),
        (
            r#""arn:sts::1000000000000001:assumed-role/reader/s1""#,
            "----x",
        ),
        (
            r#""arn:sts::1000000000000001:assumed-role/reader/S1""#,
            "-----",
        ),
        (
            r#""arn:sts::1000000000000002:assumed-role/reader/*""#,
            "-----",
        ),
        (
            r#"{"AWS":"arn:aws:sts::1000000000000001:assumed-role/reader/s1"}"#,
            "----x",
        ),
    ] {
        let policy = bucket_policy(&format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"oss:*","Resource":"*"}}"#
        ));
        let said: String = callers
            .iter()
            .map(
                |caller| match ask(&policy, "oss:GetObject", "media/a", *caller) {
                    'A' => 'x',
                    _ => '-',
                },
            )
            .collect();
        assert_eq!(said, meant, "{principal}");
    }
}

#[test]
fn s11_not_principal_spares_only_whom_it_lists() {
    let policy = bucket_policy(
        r#"{"Effect":"Deny","NotPrincipal":["1000000000000002","acs:ram::1000000000000001:user/alice"],
            "Action":"oss:*","Resource":"*"}"#,
    );
    let say = |caller| ask(&policy, "oss:GetObject", "media/a", caller);
    assert_eq!(say(root(OTHER)), 'I');
    assert_eq!(say(user("alice", "1")), 'I');
    assert_eq!(say(user("bob", "2")), 'D');
    assert_eq!(say(root(OWNER)), 'D');
    assert_eq!(say(None), 'D');
}

#[test]
fn everybody_under_a_condition_includes_the_owner() {
    let https_only = bucket_policy(
        r#"{"Effect":"Deny","Principal":"*","Action":"oss:*","Resource":"*",
            "Condition":{"Bool":{"acs:SecureTransport":"false"}}}"#,
    );
    let plain = Conditions {
        secure_transport: Some(false),
        ..Conditions::default()
    };
    let secure = Conditions {
        secure_transport: Some(true),
        ..Conditions::default()
    };
    for caller in [None, root(OWNER), root(OTHER)] {
        let facts = |conditions| {
            RequestFacts::new("oss:GetObject", resource("media/a"), caller, conditions)
        };
        assert_eq!(verdict(&https_only, &facts(&plain)), 'D');
        assert_eq!(verdict(&https_only, &facts(&secure)), 'I');
    }
    let empty = bucket_policy(
        r#"{"Effect":"Deny","Principal":"*","Action":"oss:*","Resource":"*","Condition":{}}"#,
    );
    assert_eq!(ask(&empty, "oss:GetObject", "media/a", root(OWNER)), 'I');
    assert_eq!(ask(&empty, "oss:GetObject", "media/a", root(OTHER)), 'D');
}

#[test]
fn an_explicit_denial_wins_wherever_it_stands() {
    let allow = r#"{"Effect":"Allow","Action":"oss:*","Resource":"*"}"#;
    let deny = r#"{"Sid":"no","Effect":"Deny","Action":"oss:Put*","Resource":"*"}"#;
    for statements in [format!("[{allow},{deny}]"), format!("[{deny},{allow}]")] {
        let policy = ram_policy(&statements);
        assert_eq!(ask(&policy, "oss:PutObject", "media/a", root(OTHER)), 'D');
        assert_eq!(ask(&policy, "oss:GetObject", "media/a", root(OTHER)), 'A');
    }
    // S11: what only denies grants nothing.
    let policy = ram_policy(deny);
    assert_eq!(ask(&policy, "oss:GetObject", "media/a", root(OTHER)), 'I');
}

#[test]
fn trust_policies_mean_accounts_services_and_providers() {
    let text = r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{
        "RAM":["acs:ram::1000000000000001:root"],"Service":["oss.aliyuncs.com"],
        "Federated":["acs:ram::1000000000000001:oidc-provider/ci"]}}],"Version":"1"}"#;
    let policy = Policy::parse(text, PolicyKind::Trust).unwrap();
    let say = |caller| ask(&policy, "sts:AssumeRole", "role/reader", caller);
    let outside = |who| Some(Caller { account: "", who });
    assert_eq!(say(root(OWNER)), 'A');
    assert_eq!(say(user("alice", "1")), 'A');
    assert_eq!(say(role("other", "s")), 'A');
    assert_eq!(say(root(OTHER)), 'I');
    assert_eq!(say(outside(Who::Service("oss.aliyuncs.com"))), 'A');
    assert_eq!(say(outside(Who::Service("cdn.aliyuncs.com"))), 'I');
    assert_eq!(
        say(outside(Who::Federated(
            "acs:ram::1000000000000001:oidc-provider/ci"
        ))),
        'A'
    );
    assert_eq!(
        say(outside(Who::Federated(
            "acs:ram::1000000000000001:oidc-provider/x"
        ))),
        'I'
    );
    assert_eq!(say(None), 'I');
    assert!(!policy.is_public());
}

/// Operator, value or values, what the request has, whether it holds.
#[test]
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

#[test]
fn by_an_access_point_either_name_is_meant() {
    let conditions = Conditions::default();
    let facts = RequestFacts::new(
        "oss:GetObject",
        resource("media/a"),
        root(OTHER),
        &conditions,
    )
    .by_access_point(resource("accesspoint/ap/object/a"));
    for (element, pattern, said) in [
        ("Resource", "acs:oss:*:*:media/*", 'D'),
        ("Resource", "acs:oss:*:*:accesspoint/ap/object/*", 'D'),
        ("Resource", "acs:oss:*:*:accesspoint/ap", 'I'),
        ("NotResource", "acs:oss:*:*:accesspoint/*", 'I'),
        ("NotResource", "acs:oss:*:*:accesspoint/other/*", 'D'),
    ] {
        let policy = ram_policy(&format!(
            r#"{{"Effect":"Deny","Action":"*","{element}":"{pattern}"}}"#
        ));
        assert_eq!(verdict(&policy, &facts), said, "{element} {pattern}");
    }
}

#[test]
fn public_policies_are_known() {
    let is_public = |effect: &str, principal: &str, condition: &str| {
        bucket_policy(&format!(
            r#"{{"Effect":"{effect}",{principal},"Action":"oss:*","Resource":"*","Condition":{{{condition}}}}}"#
        ))
        .is_public()
    };
    let everyone = r#""Principal":"*""#;
    for (principal, condition, public) in [
        (everyone, "", true),
        (r#""Principal":[]"#, "", true),
        (r#""NotPrincipal":"1""#, "", true),
        (r#""Principal":"1""#, "", false),
        (r#""Principal":["1","*"]"#, "", true),
        (everyone, r#""StringLike":{"acs:UserAgent":"curl"}"#, true),
        (
            everyone,
            r#""IpAddress":{"acs:SourceIp":"203.0.113.0/24"}"#,
            false,
        ),
        (
            everyone,
            r#""IpAddress":{"acs:SourceIp":["203.0.113.0/24","0.0.0.0/1"]}"#,
            true,
        ),
        (everyone, r#""IpAddress":{"acs:SourceIp":"::/0"}"#, true),
        (everyone, r#""IpAddress":{"acs:SourceIp":"*"}"#, true),
        (
            everyone,
            r#""IpAddressIfExists":{"acs:SourceIp":"10.0.0.0/8"}"#,
            true,
        ),
        (
            everyone,
            r#""NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}"#,
            true,
        ),
        (
            everyone,
            r#""StringEquals":{"acs:SourceVpc":"vpc-1"}"#,
            false,
        ),
        (everyone, r#""StringLike":{"acs:SourceVpc":"vpc-*"}"#, true),
        (
            everyone,
            r#""StringNotEquals":{"acs:SourceVpc":"vpc-1"}"#,
            true,
        ),
        (
            everyone,
            r#""StringEquals":{"oss:DataAccessPointAccount":"1"}"#,
            false,
        ),
    ] {
        assert_eq!(
            is_public("Allow", principal, condition),
            public,
            "{principal} {condition}"
        );
        assert!(!is_public("Deny", principal, condition));
    }
}

#[test]
fn block_public_access_keeps_denials() {
    let policy = bucket_policy(
        r#"[{"Effect":"Allow","Principal":"*","Action":"oss:*","Resource":"*"},
            {"Effect":"Allow","Principal":"1000000000000002","Action":"oss:Get*","Resource":"*"},
            {"Effect":"Deny","Principal":"*","Action":"oss:Put*","Resource":"*"}]"#,
    );
    let conditions = Conditions::default();
    let facts = |action, caller| {
        RequestFacts::new(action, resource("media/a"), caller, &conditions).without_public_grants()
    };
    assert_eq!(verdict(&policy, &facts("oss:GetObject", None)), 'I');
    assert_eq!(verdict(&policy, &facts("oss:GetObject", root(OTHER))), 'A');
    assert_eq!(verdict(&policy, &facts("oss:PutObject", root(OTHER))), 'D');
    let miss = policy.nearest(&facts("oss:GetObject", None)).unwrap();
    assert_eq!(miss.unmet, [Unmet::PublicAccessBlocked]);
}

/// Patterns that make a matcher which goes back take forever.
#[test]
fn s39_hostile_patterns_end() {
    let text = "a".repeat(1023);
    for pattern in [
        "a*".repeat(500) + "b",
        "*a".repeat(500) + "b",
        "*a?".repeat(330) + "b",
        format!("*{}b*", "?a".repeat(500)),
        "?".repeat(1023) + "*",
    ] {
        let matched = glob::Glob::new(&pattern).matches(&text);
        assert_eq!(matched, !pattern.contains('b'), "{pattern}");
    }
    let long = format!("*{}c*", "?".repeat(200));
    let text = format!("{}c", "é".repeat(300));
    assert!(glob::Glob::new(&long).matches(&text));
    assert!(!glob::Glob::new(&long).matches(&text[..text.len() - 1]));
}
