//! What each element means, by table.

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
    assert!(!glob::Glob::new(&long).matches(text.trim_end_matches('c')));
}
