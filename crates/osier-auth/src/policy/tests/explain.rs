//! What people are told.

use super::*;

#[test]
fn the_tutorials_classic_mistake_is_named() {
    let policy = ram_policy(
        r#"[{"Effect":"Allow","Action":["ram:Get*"],"Resource":"*"},
            {"Sid":"App","Effect":"Allow","Action":["oss:GetObject","oss:ListObjects"],
             "Resource":["acs:oss:*:*:myapp-prod-media/*"]}]"#,
    );
    let conditions = Conditions::default();
    let facts = RequestFacts::new(
        "oss:ListObjects",
        resource("myapp-prod-media"),
        user("app", "1"),
        &conditions,
    );
    let miss = policy.nearest(&facts).unwrap();
    assert_eq!((miss.statement, miss.sid.as_deref()), (1, Some("App")));
    assert_eq!(
        miss.unmet,
        [Unmet::Resource {
            listed: vec!["acs:oss:*:*:myapp-prod-media/*".to_owned()],
            negated: false,
            needed: "acs:oss:*:*:myapp-prod-media".to_owned(),
        }]
    );
    assert_eq!(
        miss.to_string(),
        "statement 1 (\"App\") comes closest, but its Resource [acs:oss:*:*:myapp-prod-media/*] \
         lacks `acs:oss:*:*:myapp-prod-media`"
    );
}

#[test]
fn each_element_can_be_what_is_in_the_way() {
    let statement = |principal: &str, action: &str, resource: &str, condition: &str| {
        bucket_policy(&format!(
            r#"{{"Effect":"Allow","Principal":"{principal}","Action":"{action}","Resource":"{resource}","Condition":{{{condition}}}}}"#
        ))
    };
    let conditions = Conditions {
        source_ip: Some("192.0.2.1".parse().unwrap()),
        ..Conditions::default()
    };
    let facts = RequestFacts::new(
        "oss:GetObject",
        resource("media/a"),
        root(OTHER),
        &conditions,
    );
    let (me, get, all) = (OTHER, "oss:GetObject", "acs:oss:*:*:media/*");
    for (policy, words) in [
        (
            statement("1", get, all, ""),
            "its Principal [1] lacks `acs:ram::1000000000000002:root`",
        ),
        (
            statement(me, "oss:PutObject", all, ""),
            "its Action [oss:PutObject] lacks `oss:GetObject`",
        ),
        (
            statement(me, get, "acs:oss:*:*:media/b", ""),
            "its Resource [acs:oss:*:*:media/b] lacks `acs:oss:*:*:media/a`",
        ),
        (
            statement(
                me,
                get,
                all,
                r#""IpAddress":{"acs:SourceIp":["10.0.0.0/8"]}"#,
            ),
            "its condition IpAddress acs:SourceIp [10.0.0.0/8] does not hold for `192.0.2.1`",
        ),
        (
            statement(me, get, all, r#""StringEquals":{"acs:Referer":"x"}"#),
            "its condition StringEquals acs:Referer [x] does not hold for a request without that key",
        ),
    ] {
        assert_eq!(
            policy.nearest(&facts).unwrap().to_string(),
            format!("statement 0 comes closest, but {words}")
        );
    }
}

#[test]
fn matches_are_cited() {
    let policy = bucket_policy(
        r#"[{"Effect":"Allow","Principal":"*","Action":"oss:*","Resource":"*"},
            {"Sid":"office","Effect":"Deny","Principal":["9","*"],"Action":["oss:Put*","oss:Get*"],
             "NotResource":["acs:oss:*:*:media/public/*"],
             "Condition":{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}}]"#,
    );
    let conditions = Conditions::default();
    let facts = RequestFacts::new("oss:GetObject", resource("media/a"), None, &conditions);
    let Verdict::Deny(found) = policy.evaluate(&facts) else {
        panic!("not denied");
    };
    assert_eq!(found.action, Matched::Pattern("oss:Get*"));
    assert_eq!(found.resource, Some(Matched::NotExcluded));
    assert_eq!(found.principal, Some(Matched::Pattern("*")));
    let cited = found.cite("bucket policy of media");
    assert_eq!(cited.statement, 1);
    assert_eq!(
        cited.to_string(),
        "statement 1 (\"office\") of bucket policy of media denies `oss:Get*` for `*` under \
         NotIpAddress acs:SourceIp [10.0.0.0/8]"
    );
    assert!(policy.nearest(&facts).is_none());
}
