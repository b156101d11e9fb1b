use osier_types::{BucketName, ObjectKey, Owner};

use super::*;

const OWNER: &str = "1000000000000001";

fn account(id: &str) -> Identity {
    Identity::root(Owner {
        id: id.to_owned(),
        display_name: String::new(),
    })
}

fn access(action: &'static str, kind: AccessKind, on_object: bool) -> Access {
    let bucket = BucketName::parse("bkt").unwrap();
    Access {
        action,
        resource: if on_object {
            Resource::Object(bucket, ObjectKey::parse(b"k").unwrap())
        } else {
            Resource::Bucket(bucket)
        },
        version: None,
        kind,
    }
}

fn facts(acl: BucketAcl, object_acl: Option<ObjectAcl>) -> ResourceFacts<'static> {
    ResourceFacts {
        bucket: Some(BucketFacts { owner: OWNER, acl }),
        object_acl,
    }
}

/// `r` reads, `rw` reads and writes, none does neither: by the object's list, in the order
/// absent, default, private, public-read, public-read-write.
const BY_LISTS: [(BucketAcl, [&str; 5]); 3] = [
    (BucketAcl::Private, ["", "", "", "r", "rw"]),
    (BucketAcl::PublicRead, ["r", "r", "", "r", "rw"]),
    (BucketAcl::PublicReadWrite, ["rw", "rw", "", "r", "rw"]),
];

const OBJECT_LISTS: [Option<ObjectAcl>; 5] = [
    None,
    Some(ObjectAcl::Default),
    Some(ObjectAcl::Private),
    Some(ObjectAcl::PublicRead),
    Some(ObjectAcl::PublicReadWrite),
];

const KINDS: [AccessKind; 3] = [AccessKind::Read, AccessKind::Write, AccessKind::Manage];

/// Every caller, kind, bucket list and object list.
#[test]
fn s03_every_combination_on_objects() {
    let (owner, other) = (account(OWNER), account("1000000000000002"));
    for (bucket_acl, row) in BY_LISTS {
        for (object_acl, granted) in OBJECT_LISTS.into_iter().zip(row) {
            for kind in KINDS {
                let access = access("oss:Some", kind, true);
                let facts = facts(bucket_acl, object_acl);
                let by_list = match kind {
                    AccessKind::Read => granted.contains('r'),
                    AccessKind::Write => granted.contains('w'),
                    AccessKind::Manage => false,
                };
                for (caller, expected) in [
                    (None, by_list),
                    (Some(&other), by_list),
                    (Some(&owner), true),
                ] {
                    let decision = decide(caller, &access, &facts);
                    let case = format!("{caller:?} {kind:?} {bucket_acl:?} {object_acl:?}");
                    assert_eq!(decision.allowed, expected, "{case}: {decision:?}");
                    assert_eq!(decision.denial.is_none(), expected, "{case}");
                    let last = decision.trace.last().unwrap().verdict;
                    let wanted = if expected {
                        Verdict::Allow
                    } else {
                        Verdict::Deny
                    };
                    assert_eq!(last, wanted, "{case}");
                    let (_, before) = decision.trace.split_last().unwrap();
                    assert!(before.iter().all(|step| step.verdict == Verdict::Pass));
                    let answer = decision.into_result(&access.resource);
                    assert_eq!(answer.is_ok(), expected, "{case}");
                }
            }
        }
    }
}

#[test]
fn s03_every_combination_on_buckets() {
    let (owner, other) = (account(OWNER), account("1000000000000002"));
    for (bucket_acl, row) in BY_LISTS {
        // The list of an object says nothing about its bucket.
        for object_acl in [None, Some(ObjectAcl::PublicReadWrite)] {
            for kind in KINDS {
                let access = access("oss:ListObjects", kind, false);
                let facts = facts(bucket_acl, object_acl);
                let by_list = match kind {
                    AccessKind::Read => row[0].contains('r'),
                    AccessKind::Write => row[0].contains('w'),
                    AccessKind::Manage => false,
                };
                assert_eq!(decide(None, &access, &facts).allowed, by_list);
                assert_eq!(decide(Some(&other), &access, &facts).allowed, by_list);
                assert!(decide(Some(&owner), &access, &facts).allowed);
            }
        }
    }
}

#[test]
fn s03_denials_say_why() {
    let other = account("1000000000000002");
    let open = facts(BucketAcl::PublicReadWrite, None);
    let manage = access("oss:PutBucketAcl", AccessKind::Manage, false);
    assert_eq!(
        decide(None, &manage, &open).denial,
        Some(AccessDenial::AnonymousForbidden)
    );
    assert_eq!(
        decide(Some(&other), &manage, &open).denial,
        Some(AccessDenial::NotOwner)
    );
    let closed = facts(BucketAcl::Private, None);
    let read = access("oss:GetObject", AccessKind::Read, true);
    for caller in [None, Some(&other)] {
        assert_eq!(
            decide(caller, &read, &closed).denial,
            Some(AccessDenial::ImplicitDeny {
                action: "oss:GetObject".to_owned()
            })
        );
    }
    let fault = decide(None, &read, &closed)
        .into_result(&read.resource)
        .unwrap_err();
    assert_eq!(fault.resource.as_deref(), Some(&read.resource));
}

#[test]
fn the_trace_names_the_layers_in_order() {
    let other = account("1000000000000002");
    let read = access("oss:GetObject", AccessKind::Read, true);
    let layers = |object_acl| {
        decide(
            Some(&other),
            &read,
            &facts(BucketAcl::PublicRead, object_acl),
        )
        .trace
        .into_iter()
        .map(|step| (step.layer, step.verdict))
        .collect::<Vec<_>>()
    };
    assert_eq!(
        layers(None),
        [
            (Layer::Ownership, Verdict::Pass),
            (Layer::ObjectAcl, Verdict::Pass),
            (Layer::BucketAcl, Verdict::Allow)
        ]
    );
    assert_eq!(
        layers(Some(ObjectAcl::Private)),
        [
            (Layer::Ownership, Verdict::Pass),
            (Layer::ObjectAcl, Verdict::Deny)
        ]
    );
}

#[test]
fn s03_the_service_is_for_accounts() {
    let nothing = ResourceFacts::default();
    let caller = account("1000000000000002");
    for action in ["oss:ListBuckets", "oss:DescribeRegions"] {
        let access = Access {
            action,
            resource: Resource::Service,
            version: None,
            kind: AccessKind::Manage,
        };
        assert!(decide(Some(&caller), &access, &nothing).allowed);
        assert_eq!(
            decide(None, &access, &nothing).denial,
            Some(AccessDenial::AnonymousForbidden)
        );
    }
    let put = access("oss:PutBucket", AccessKind::Manage, false);
    assert!(decide(Some(&caller), &put, &nothing).allowed);
    assert!(!decide(None, &put, &nothing).allowed);
}

#[test]
fn s03_without_a_bucket_nothing_is_granted() {
    let nothing = ResourceFacts::default();
    let owner = account(OWNER);
    for kind in KINDS {
        let access = access("oss:Some", kind, false);
        assert!(!decide(None, &access, &nothing).allowed);
        assert!(!decide(Some(&owner), &access, &nothing).allowed);
    }
}
