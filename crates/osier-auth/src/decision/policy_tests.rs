//! Section 5.2 and 5.7 of the reference, every combination, and what the traces say.

use std::sync::Arc;

use osier_types::{BucketName, ObjectKey, Owner, PolicyDenial};

use super::*;
use crate::policy::{Policy, PolicyKind};

const OWNER: &str = "1000000000000001";
const OTHER: &str = "1000000000000002";

/// What a document says of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Nothing,
    Allow,
    /// To everybody, which Block Public Access turns off.
    AllowPublic,
    Deny,
}

const WORDS: [Word; 4] = [Word::Nothing, Word::Allow, Word::AllowPublic, Word::Deny];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Anonymous,
    OwnerRoot,
    OtherRoot,
    OwnersUser,
    OthersUser,
    OwnersRole,
    OthersRole,
}

const CALLERS: [Who; 7] = [
    Who::Anonymous,
    Who::OwnerRoot,
    Who::OtherRoot,
    Who::OwnersUser,
    Who::OthersUser,
    Who::OwnersRole,
    Who::OthersRole,
];

const KINDS: [AccessKind; 3] = [AccessKind::Read, AccessKind::Write, AccessKind::Manage];

fn document(kind: PolicyKind, word: Word) -> Option<Document> {
    // The address is a condition, so `*` means the owner too; it also confines the grant.
    let (effect, condition) = match word {
        Word::Nothing => return None,
        Word::Allow => ("Allow", r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#),
        Word::AllowPublic => ("Allow", r#"{"IpAddress":{"acs:SourceIp":"*"}}"#),
        Word::Deny => ("Deny", r#"{"IpAddress":{"acs:SourceIp":"*"}}"#),
    };
    let principal = match kind {
        PolicyKind::Bucket | PolicyKind::AccessPoint => r#""Principal":"*","#,
        _ => "",
    };
    let text = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}",{principal}"Action":"*","Resource":"*","Condition":{condition}}}]}}"#
    );
    let policy = Policy::parse(&text, kind).unwrap();
    assert_eq!(
        policy.is_public(),
        word == Word::AllowPublic && !principal.is_empty()
    );
    Some(Document::new(format!("{kind:?}"), Arc::new(policy)))
}

fn identity(who: Who) -> Option<Identity> {
    let account = |id: &str| {
        Arc::new(Owner {
            id: id.to_owned(),
            display_name: "shop".to_owned(),
        })
    };
    let user = || Principal::User {
        name: "alice".into(),
        id: "2000000000000011".into(),
    };
    let role = || Principal::AssumedRole {
        role: "reader".into(),
        role_id: "3000000000000011".into(),
        session: "s1".into(),
    };
    Some(match who {
        Who::Anonymous => return None,
        Who::OwnerRoot => Identity::new(account(OWNER), Principal::Root),
        Who::OtherRoot => Identity::new(account(OTHER), Principal::Root),
        Who::OwnersUser => Identity::new(account(OWNER), user()),
        Who::OthersUser => Identity::new(account(OTHER), user()),
        Who::OwnersRole => Identity::new(account(OWNER), role()),
        Who::OthersRole => Identity::new(account(OTHER), role()),
    })
}

fn access(action: &'static str, kind: AccessKind, on_object: bool) -> Access {
    let bucket = BucketName::parse("media").unwrap();
    Access {
        action,
        resource: if on_object {
            Resource::Object(bucket, ObjectKey::parse(b"a").unwrap())
        } else {
            Resource::Bucket(bucket)
        },
        version: None,
        kind,
    }
}

fn conditions() -> Conditions<'static> {
    Conditions {
        source_ip: Some("10.0.0.1".parse().unwrap()),
        ..Conditions::default()
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    who: Who,
    kind: AccessKind,
    session: Option<Word>,
    ram: Word,
    bucket: Word,
    access_point: Option<Word>,
    blocked: PublicAccess,
    bucket_acl: BucketAcl,
    object_acl: Option<ObjectAcl>,
}

/// Section 5.2 in the order of its steps, and 5.7.
fn expected(case: &Case) -> bool {
    let anonymous = case.who == Who::Anonymous;
    if anonymous && case.kind == AccessKind::Manage {
        return false;
    }
    // 3. The session's policy must allow.
    if let Some(word) = case.session
        && !matches!(word, Word::Allow | Word::AllowPublic)
    {
        return false;
    }
    // 4. The root and callers of other accounts: ignored.
    let ram = match (case.who, case.ram) {
        (Who::OwnersUser | Who::OwnersRole, Word::AllowPublic) => Word::Allow,
        (Who::OwnersUser | Who::OwnersRole, word) => word,
        _ => Word::Nothing,
    };
    // 5. and 5.8.
    let blocked = case.blocked == PublicAccess::Blocked;
    let seen = |word| match word {
        Word::AllowPublic if blocked => Word::Nothing,
        Word::AllowPublic => Word::Allow,
        word => word,
    };
    let bucket = seen(case.bucket);
    // 6.
    if ram == Word::Deny || bucket == Word::Deny {
        return false;
    }
    let merged = ram == Word::Allow || bucket == Word::Allow;
    // 5.7.
    if let Some(point) = case.access_point {
        return (merged || case.who == Who::OwnerRoot) && seen(point) == Word::Allow;
    }
    if merged {
        return true;
    }
    // 7.
    if case.who == Who::OwnerRoot {
        return true;
    }
    if case.kind == AccessKind::Manage || blocked {
        return false;
    }
    let list = match case.object_acl {
        Some(ObjectAcl::Private) => BucketAcl::Private,
        Some(ObjectAcl::PublicRead) => BucketAcl::PublicRead,
        Some(ObjectAcl::PublicReadWrite) => BucketAcl::PublicReadWrite,
        Some(ObjectAcl::Default) | None => case.bucket_acl,
    };
    match case.kind {
        AccessKind::Read => list != BucketAcl::Private,
        AccessKind::Write => list == BucketAcl::PublicReadWrite,
        AccessKind::Manage => false,
    }
}

#[test]
fn s11_every_combination_of_layers() {
    let words = |kind| WORDS.map(|word| document(kind, word));
    let (sessions, rams) = (words(PolicyKind::Session), words(PolicyKind::Ram));
    let (buckets, points) = (words(PolicyKind::Bucket), words(PolicyKind::AccessPoint));
    // A session policy that says nothing still must allow.
    let silent = Document::new(
        "silent",
        Arc::new(
            Policy::parse(
                r#"{"Version":"1","Statement":{"Effect":"Allow","Action":"ram:*","Resource":"*"}}"#,
                PolicyKind::Session,
            )
            .unwrap(),
        ),
    );
    let at = |word: Word| WORDS.iter().position(|known| *known == word).unwrap();
    let or_none = [
        None,
        Some(Word::Nothing),
        Some(Word::Allow),
        Some(Word::AllowPublic),
        Some(Word::Deny),
    ];
    let conditions = conditions();
    let lists = [
        (BucketAcl::Private, None),
        (BucketAcl::PublicRead, None),
        (BucketAcl::PublicReadWrite, Some(ObjectAcl::Default)),
        (BucketAcl::Private, Some(ObjectAcl::PublicReadWrite)),
        (BucketAcl::PublicReadWrite, Some(ObjectAcl::Private)),
        (BucketAcl::Private, Some(ObjectAcl::PublicRead)),
    ];
    let mut granted = 0_usize;
    let mut cases = 0_usize;
    for who in CALLERS {
        let identity = identity(who);
        for kind in KINDS {
            let access = access("oss:Some", kind, true);
            for session in or_none {
                if session.is_some() && !matches!(who, Who::OwnersRole | Who::OthersRole) {
                    continue;
                }
                for ram in WORDS {
                    for bucket in WORDS {
                        for access_point in or_none {
                            for blocked in [PublicAccess::Allowed, PublicAccess::Blocked] {
                                for (bucket_acl, object_acl) in lists {
                                    let case = Case {
                                        who,
                                        kind,
                                        session,
                                        ram,
                                        bucket,
                                        access_point,
                                        blocked,
                                        bucket_acl,
                                        object_acl,
                                    };
                                    let inquiry = Inquiry {
                                        caller: identity.as_ref(),
                                        access: &access,
                                        resource: ResourceFacts {
                                            bucket: Some(BucketFacts {
                                                owner: OWNER,
                                                acl: bucket_acl,
                                            }),
                                            object_acl,
                                        },
                                        layers: Layers {
                                            session: session.map(|word| {
                                                sessions[at(word)].as_ref().unwrap_or(&silent)
                                            }),
                                            identity: rams[at(ram)].as_slice(),
                                            bucket: buckets[at(bucket)].as_ref(),
                                            access_point: access_point.map(|word| {
                                                AccessPointFacts {
                                                    name: "ap",
                                                    owner: OWNER,
                                                    policy: points[at(word)].as_ref(),
                                                    public_access: blocked,
                                                    vpc: None,
                                                }
                                            }),
                                            public_access: blocked,
                                            public_lists: match blocked {
                                                PublicAccess::Allowed => PublicLists::Allowed,
                                                PublicAccess::Blocked => PublicLists::Blocked,
                                            },
                                        },
                                        conditions: &conditions,
                                        region: "cn-test",
                                    };
                                    let decision = inquiry.decide();
                                    assert_eq!(
                                        decision.allowed,
                                        expected(&case),
                                        "{case:?}\n{decision:#?}"
                                    );
                                    assert_eq!(decision.denial.is_none(), decision.allowed);
                                    let last = decision.trace.last().unwrap().verdict;
                                    let wanted = if decision.allowed {
                                        Verdict::Allow
                                    } else {
                                        Verdict::Deny
                                    };
                                    assert_eq!(last, wanted, "{case:?}\n{decision:#?}");
                                    cases += 1;
                                    granted += usize::from(decision.allowed);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(
        granted * 10 > cases && granted * 10 < cases * 9,
        "{granted} of {cases}"
    );
}

/// One decision of `OWNER`'s bucket by private lists.
fn ask(who: Who, access: &Access, layers: Layers<'_>, conditions: &Conditions<'_>) -> Decision {
    Inquiry {
        caller: identity(who).as_ref(),
        access,
        resource: ResourceFacts {
            bucket: Some(BucketFacts {
                owner: OWNER,
                acl: BucketAcl::Private,
            }),
            object_acl: None,
        },
        layers,
        conditions,
        region: "cn-test",
    }
    .decide()
}

fn ram(statement: &str) -> Document {
    named(
        "acs:ram::1000000000000001:policy/app",
        statement,
        PolicyKind::Ram,
    )
}

fn named(name: &str, statement: &str, kind: PolicyKind) -> Document {
    let text = format!(r#"{{"Version":"1","Statement":{statement}}}"#);
    Document::new(name, Arc::new(Policy::parse(&text, kind).unwrap()))
}

#[track_caller]
fn policy_denial(decision: Decision) -> PolicyDenial {
    match decision.denial {
        Some(AccessDenial::Policy(denial)) => *denial,
        other => panic!("no denial by policy: {other:?}"),
    }
}

#[test]
fn the_tutorials_classic_mistake_reaches_the_error() {
    let documents = [ram(
        r#"{"Effect":"Allow","Action":["oss:GetObject","oss:ListObjects"],"Resource":"acs:oss:*:*:media/*"}"#,
    )];
    let layers = Layers {
        identity: &documents,
        ..Layers::default()
    };
    let list = access("oss:ListObjects", AccessKind::Read, false);
    let decision = ask(Who::OwnersUser, &list, layers, &conditions());
    let nearest = decision.nearest.clone().unwrap();
    assert_eq!(nearest.document, "acs:ram::1000000000000001:policy/app");
    let denial = policy_denial(decision);
    assert_eq!(
        (denial.by, denial.kind),
        (DeniedBy::Nobody, DenialKind::Implicit)
    );
    assert_eq!(denial.principal.unwrap().name, "alice");
    let explanation = denial.explanation.unwrap();
    assert!(
        explanation.ends_with("its Resource [acs:oss:*:*:media/*] lacks `acs:oss:*:*:media`"),
        "{explanation}"
    );
}

#[test]
fn strangers_are_not_told_what_documents_say() {
    let bucket = named(
        "bucket policy of media",
        r#"{"Effect":"Allow","Principal":"9","Action":"oss:*","Resource":"*"}"#,
        PolicyKind::Bucket,
    );
    let layers = Layers {
        bucket: Some(&bucket),
        ..Layers::default()
    };
    let get = access("oss:GetObject", AccessKind::Read, true);
    for who in [Who::OthersUser, Who::OthersRole] {
        let decision = ask(who, &get, layers, &conditions());
        assert!(decision.nearest.is_some());
        assert_eq!(policy_denial(decision).explanation, None);
    }
    let decision = ask(Who::OwnersUser, &get, layers, &conditions());
    assert!(policy_denial(decision).explanation.is_some());
}

#[test]
fn denials_cite_the_statement_that_decided() {
    let documents = [
        ram(r#"{"Effect":"Allow","Action":"oss:*","Resource":"*"}"#),
        ram(
            r#"{"Sid":"no-put","Effect":"Deny","Action":"oss:Put*","Resource":"acs:oss:*:*:media/*"}"#,
        ),
    ];
    let layers = Layers {
        identity: &documents,
        ..Layers::default()
    };
    let put = access("oss:PutObject", AccessKind::Write, true);
    let decision = ask(Who::OwnersUser, &put, layers, &conditions());
    let step = decision.trace.last().unwrap();
    assert_eq!(
        (step.layer, step.verdict),
        (Layer::IdentityPolicy, Verdict::Deny)
    );
    let cited = step.cited.as_ref().unwrap();
    assert_eq!(cited.sid.as_deref(), Some("no-put"));
    assert_eq!(cited.resource.as_deref(), Some("acs:oss:*:*:media/*"));
    let denial = policy_denial(decision);
    assert_eq!(
        (denial.by, denial.kind),
        (DeniedBy::Identity, DenialKind::Explicit)
    );
    // Grants are cited when they are asked for.
    let get = access("oss:GetObject", AccessKind::Read, true);
    let brief = ask(Who::OwnersUser, &get, layers, &conditions());
    assert!(brief.allowed && brief.trace.last().unwrap().cited.is_none());
    let identity = identity(Who::OwnersUser);
    let inquiry = Inquiry {
        caller: identity.as_ref(),
        access: &get,
        resource: ResourceFacts {
            bucket: Some(BucketFacts {
                owner: OWNER,
                acl: BucketAcl::Private,
            }),
            object_acl: None,
        },
        layers,
        conditions: &conditions(),
        region: "",
    };
    assert!(inquiry.explain().trace.last().unwrap().cited.is_some());
}

#[test]
fn s14_a_session_policy_that_is_not_given_refuses() {
    let documents = [ram(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)];
    let mut caller = identity(Who::OwnersRole).unwrap();
    let get = access("oss:GetObject", AccessKind::Read, true);
    let decide = |caller: &Identity| {
        Inquiry {
            caller: Some(caller),
            access: &get,
            resource: ResourceFacts {
                bucket: Some(BucketFacts {
                    owner: OWNER,
                    acl: BucketAcl::PublicReadWrite,
                }),
                object_acl: None,
            },
            layers: Layers {
                identity: &documents,
                ..Layers::default()
            },
            conditions: &Conditions::default(),
            region: "",
        }
        .decide()
    };
    assert!(decide(&caller).allowed);
    caller.session_policy = Some("{}".into());
    let decision = decide(&caller);
    assert!(!decision.allowed);
    assert_eq!(policy_denial(decision).by, DeniedBy::Session);
}

#[test]
fn the_owner_can_always_mend_a_policy_that_locks_out() {
    let bucket = document(PolicyKind::Bucket, Word::Deny).unwrap();
    let layers = Layers {
        bucket: Some(&bucket),
        ..Layers::default()
    };
    for (action, mends) in [
        ("oss:GetBucketPolicy", true),
        ("oss:PutBucketPolicy", true),
        ("oss:DeleteBucketPolicy", true),
        ("oss:GetBucketInfo", false),
        ("oss:GetObject", false),
    ] {
        let access = access(action, AccessKind::Manage, false);
        let conditions = conditions();
        assert_eq!(
            ask(Who::OwnerRoot, &access, layers, &conditions).allowed,
            mends,
            "{action}"
        );
        assert!(!ask(Who::OwnersUser, &access, layers, &conditions).allowed);
        assert!(!ask(Who::OtherRoot, &access, layers, &conditions).allowed);
    }
}

#[test]
fn the_service_and_new_buckets_need_a_policy_for_users() {
    let documents = [ram(
        r#"{"Effect":"Allow","Action":["oss:ListBuckets","oss:PutBucket","oss:GetObject"],"Resource":"acs:oss:*:*:*"}"#,
    )];
    let bucket = BucketName::parse("new-bucket").unwrap();
    for (action, resource, by_policy) in [
        ("oss:ListBuckets", Resource::Service, true),
        ("oss:DescribeRegions", Resource::Service, false),
        ("oss:PutBucket", Resource::Bucket(bucket.clone()), true),
        ("oss:GetObject", Resource::Bucket(bucket), false),
    ] {
        let access = Access {
            action,
            resource,
            version: None,
            kind: AccessKind::Manage,
        };
        for (who, identity_policies, allowed) in [
            (Who::OwnersUser, documents.as_slice(), by_policy),
            (Who::OthersRole, documents.as_slice(), by_policy),
            (Who::OwnersUser, &[], false),
            (Who::OwnerRoot, &[], action != "oss:GetObject"),
        ] {
            let identity = identity(who);
            let decision = Inquiry {
                caller: identity.as_ref(),
                access: &access,
                resource: ResourceFacts::default(),
                layers: Layers {
                    identity: identity_policies,
                    ..Layers::default()
                },
                conditions: &Conditions::default(),
                region: "",
            }
            .decide();
            assert_eq!(decision.allowed, allowed, "{action} {who:?}\n{decision:#?}");
        }
    }
}

#[test]
fn an_access_point_of_a_network_answers_only_it() {
    let bucket = document(PolicyKind::Bucket, Word::Allow).unwrap();
    let point = document(PolicyKind::AccessPoint, Word::Allow).unwrap();
    let layers = Layers {
        bucket: Some(&bucket),
        access_point: Some(AccessPointFacts {
            name: "ap",
            owner: OWNER,
            policy: Some(&point),
            public_access: PublicAccess::Allowed,
            vpc: Some("vpc-1"),
        }),
        ..Layers::default()
    };
    let get = access("oss:GetObject", AccessKind::Read, true);
    for (source_vpc, allowed) in [(None, false), (Some("vpc-2"), false), (Some("vpc-1"), true)] {
        let conditions = Conditions {
            source_vpc,
            ..conditions()
        };
        let decision = ask(Who::OthersUser, &get, layers, &conditions);
        assert_eq!(decision.allowed, allowed, "{decision:#?}");
    }
}

#[test]
fn s10_a_version_is_another_action() {
    let documents = [ram(
        r#"{"Effect":"Allow","Action":"oss:GetObject","Resource":"acs:oss:*:*:media/*"}"#,
    )];
    let layers = Layers {
        identity: &documents,
        ..Layers::default()
    };
    let version = access("oss:GetObjectVersion", AccessKind::Read, true);
    let decision = ask(Who::OwnersUser, &version, layers, &conditions());
    let explanation = policy_denial(decision).explanation.unwrap();
    assert!(
        explanation.contains("lacks `oss:GetObjectVersion`"),
        "{explanation}"
    );
}
