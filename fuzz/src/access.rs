//! Policies of every kind and referer configurations: whatever is accepted can be asked.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};
use osier_auth::Referers;
use osier_auth::policy::{
    Caller, Conditions, Document, Policy, PolicyKind, RequestFacts, RequestResource, Verdict, Who,
};
use osier_types::{BucketName, Fault, FaultKind, ObjectKey, Op, Query, Resource, Timestamp};
use osier_wire::{Address, AddressStyle, oss};

use crate::reply::assert_answerable;

const KINDS: [PolicyKind; 5] = [
    PolicyKind::Ram,
    PolicyKind::Trust,
    PolicyKind::Session,
    PolicyKind::Bucket,
    PolicyKind::AccessPoint,
];

/// Policies as JSON: a refusal names its place and can be answered; what is accepted says the
/// same twice, grants nothing to the public when that is blocked, and explains itself.
pub fn policy_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for kind in KINDS {
        match Policy::parse(text, kind) {
            Ok(policy) => ask(&policy, kind),
            Err(invalid) => {
                let fault = Fault::new(FaultKind::MalformedPolicy {
                    path: invalid.path,
                    reason: invalid.reason,
                });
                assert_answerable(&fault, &Method::PUT);
            }
        }
    }
}

fn ask(policy: &Policy, kind: PolicyKind) {
    let bucket = BucketName::parse("bkt").expect("a name");
    let key = ObjectKey::parse(b"dir/key").expect("a key");
    let object = Resource::Object(bucket, key);
    let conditions = Conditions {
        source_ip: Some(IpAddr::from([192, 0, 2, 1])),
        current_time: Some(Timestamp::from_seconds(1_795_316_645)),
        secure_transport: Some(true),
        user_agent: Some("agent"),
        ..Conditions::default()
    };
    let callers = [
        None,
        Some(Caller {
            account: "1000000000000001",
            who: Who::Root,
        }),
        Some(Caller {
            account: "1000000000000002",
            who: Who::User {
                name: "alice",
                id: "2000000000000011",
            },
        }),
    ];
    let _ = policy.check_bucket("bkt");
    for caller in callers {
        let resource = RequestResource::oss(&object, "cn-hangzhou", "1000000000000001");
        let facts = RequestFacts::new("oss:GetObject", resource, caller, &conditions);
        let verdict = policy.evaluate(&facts);
        assert_eq!(word(&verdict), word(&policy.evaluate(&facts)));
        if let Verdict::Allow(found) | Verdict::Deny(found) = verdict {
            assert!(!found.cite("document").to_string().is_empty());
        }
        if let Some(miss) = Document::nearest([&document(policy)], &facts) {
            assert!(!miss.unmet.is_empty() && !miss.to_string().is_empty());
        }
        let principals = matches!(kind, PolicyKind::Bucket | PolicyKind::AccessPoint);
        let blocked = policy.evaluate(&facts.clone().without_public_grants());
        if principals && caller.is_none() {
            assert!(
                !matches!(blocked, Verdict::Allow(_)) || !policy.is_public(),
                "a public policy still grants to the anonymous"
            );
        }
        if matches!(policy.evaluate(&facts), Verdict::Deny(_)) {
            assert!(matches!(blocked, Verdict::Deny(_)), "a denial was lost");
        }
    }
}

fn document(policy: &Policy) -> Document {
    Document::new("document", std::sync::Arc::new(policy.clone()))
}

fn word<M>(verdict: &Verdict<M>) -> u8 {
    match verdict {
        Verdict::Allow(_) => 0,
        Verdict::Deny(_) => 1,
        Verdict::Ignore => 2,
    }
}

/// Referer configurations as XML: what is accepted can be asked about any page, and a page on
/// the list of those that may not never passes. The first line is the page.
pub fn referer_xml(data: &[u8]) {
    let split = data.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let (page, document) = data.split_at(split);
    let address = Address {
        style: AddressStyle::Path,
        bucket: Some("bkt".to_owned()),
        key: None,
        endpoint: None,
    };
    let (query, headers) = (Query::parse("referer"), HeaderMap::new());
    let route = oss::route(&Method::PUT, &address, &query, &headers);
    let document = Bytes::copy_from_slice(document);
    match oss::decode(&route, &address, &query, &headers, &document) {
        Ok(Op::PutBucketReferer { referer, .. }) => {
            let page = String::from_utf8_lossy(page);
            let page = page.trim();
            let compiled = Referers::new(&referer);
            assert_eq!(compiled.check(None).is_ok(), referer.allow_empty);
            let passes = compiled.check(Some(page)).is_ok();
            if !page.is_empty() {
                let everybody = |list: &[String]| list.iter().any(|pattern| pattern == "*");
                assert!(!passes || !everybody(&referer.denied));
                let open = referer.allowed.is_empty() && referer.denied.is_empty();
                assert!(passes || !open);
            }
        }
        Ok(other) => panic!("not a referer configuration: {other:?}"),
        Err(fault) => assert_answerable(&fault, &Method::PUT),
    }
}
