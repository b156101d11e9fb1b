//! Policies, Block Public Access, referers, access points: kept, found again, and gone.

use std::sync::Arc;

use osier_types::{
    AccessPointName, AccessPointRef, BucketName, ConfigKind, FaultKind, ListAccessPoints, Op,
    Outcome, PublicAccessBlock, PublicAccessScope, RefererConfig,
};

use super::kit::{Kit, name};
use crate::rows;

fn point(bucket: &str, point: &str) -> AccessPointRef {
    AccessPointRef {
        bucket: name(bucket),
        name: AccessPointName::parse(point).unwrap(),
    }
}

async fn create(kit: &Kit, asked: AccessPointRef) -> Result<BucketName, FaultKind> {
    let created = kit
        .run(Op::CreateAccessPoint {
            point: asked,
            vpc: None,
        })
        .await?;
    let Outcome::AccessPointCreated(info) = created else {
        panic!("{created:?}");
    };
    Ok(info.point.alias)
}

fn document(text: &str) -> Arc<str> {
    text.into()
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    kit.run(Op::PutBucketPolicy {
        bucket: bucket(),
        document: document("{}"),
    })
    .await
    .unwrap();
    let referer = RefererConfig {
        allow_empty: false,
        allowed: vec!["http://a".to_owned()],
        ..RefererConfig::default()
    };
    kit.run(Op::PutBucketReferer {
        bucket: bucket(),
        referer: referer.clone(),
    })
    .await
    .unwrap();
    let alias = create(&kit, point("bkt", "ap-01")).await.unwrap();
    kit.run(Op::PutAccessPointPolicy {
        point: point("bkt", "ap-01"),
        document: document("[]"),
    })
    .await
    .unwrap();
    for scope in [
        PublicAccessScope::Account,
        PublicAccessScope::Bucket(bucket()),
        PublicAccessScope::AccessPoint(point("bkt", "ap-01")),
    ] {
        kit.run(Op::PutPublicAccessBlock {
            scope,
            block: PublicAccessBlock::whole(true),
        })
        .await
        .unwrap();
    }

    let kit = kit.reopen().await;
    let policy = kit.run(Op::GetBucketPolicy { bucket: bucket() }).await;
    assert_eq!(policy, Ok(Outcome::Policy(document("{}"))));
    let kept = kit.run(Op::GetBucketReferer { bucket: bucket() }).await;
    assert_eq!(kept, Ok(Outcome::Referer(referer)));
    let policy = kit
        .run(Op::GetAccessPointPolicy(point("bkt", "ap-01")))
        .await;
    assert_eq!(policy, Ok(Outcome::Policy(document("[]"))));
    assert_eq!(kit.store.behind_alias(&alias), Some(point("bkt", "ap-01")));
    let blocked = |scope| kit.run(Op::GetPublicAccessBlock(scope));
    for scope in [
        PublicAccessScope::Account,
        PublicAccessScope::Bucket(bucket()),
        PublicAccessScope::AccessPoint(point("bkt", "ap-01")),
    ] {
        let before = blocked(scope.clone()).await;
        assert_eq!(
            before,
            Ok(Outcome::PublicAccessBlock {
                block: Some(PublicAccessBlock::whole(true))
            })
        );
        kit.run(Op::DeletePublicAccessBlock(scope.clone()))
            .await
            .unwrap();
        let off = match scope {
            PublicAccessScope::Bucket(_) => None,
            _ => Some(PublicAccessBlock::whole(false)),
        };
        let after = blocked(scope).await;
        assert_eq!(after, Ok(Outcome::PublicAccessBlock { block: off }));
    }
    kit.run(Op::DeleteBucketPolicy { bucket: bucket() })
        .await
        .unwrap();
    assert_eq!(
        kit.run(Op::GetBucketPolicy { bucket: bucket() }).await,
        Err(FaultKind::NoSuchConfig(ConfigKind::Policy))
    );
}

#[tokio::test]
async fn access_points_are_unique_and_hold_their_bucket() {
    let kit = Kit::new().await;
    kit.create("other").await.unwrap();
    let first = create(&kit, point("bkt", "ap-01")).await.unwrap();
    assert_eq!(
        create(&kit, point("other", "ap-01")).await,
        Err(FaultKind::AccessPointAlreadyExists)
    );
    create(&kit, point("other", "ap-00")).await.unwrap();
    create(&kit, point("bkt", "ap-02")).await.unwrap();
    let list = |bucket: Option<&str>, after: &str, max_keys| ListAccessPoints {
        bucket: bucket.map(name),
        after: after.to_owned(),
        max_keys,
    };
    let names = |asked| {
        let kit = &kit;
        async move {
            let Outcome::AccessPoints(page) = kit.run(Op::ListAccessPoints(asked)).await.unwrap()
            else {
                panic!("no list");
            };
            let names: Vec<_> = page
                .points
                .iter()
                .map(|i| i.point.name.to_string())
                .collect();
            (names.join(" "), page.next)
        }
    };
    let (all, next) = names(list(None, "", 2)).await;
    assert_eq!((&*all, next.as_deref()), ("ap-00 ap-01", Some("ap-01")));
    assert_eq!(names(list(None, "ap-01", 2)).await, ("ap-02".into(), None));
    assert_eq!(names(list(Some("bkt"), "", 9)).await.0, "ap-01 ap-02");

    let delete = |bucket: &str| {
        kit.run(Op::DeleteBucket {
            bucket: name(bucket),
        })
    };
    assert_eq!(delete("bkt").await, Err(FaultKind::BucketNotEmpty));
    kit.run(Op::DeleteAccessPoint(point("bkt", "ap-01")))
        .await
        .unwrap();
    assert_eq!(kit.store.behind_alias(&first), None);
    let gone = Err(FaultKind::NoSuchAccessPoint {
        name: "ap-01".to_owned(),
    });
    assert_eq!(
        kit.run(Op::DeleteAccessPoint(point("bkt", "ap-01"))).await,
        gone
    );
    // The same name again is another door.
    let second = create(&kit, point("bkt", "ap-01")).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(kit.store.behind_alias(&first), None);
}

/// A bucket with an alias' name would be taken for the access point, or the other way round.
#[tokio::test]
async fn no_bucket_is_called_like_an_alias() {
    let kit = Kit::new().await;
    let refused = kit.create("ap-01-ossalias").await;
    assert!(matches!(refused, Err(FaultKind::InvalidBucketName(_))));
}

/// Records of the first layout end before `access`, and are written as ever while it says nothing.
#[tokio::test]
async fn records_of_the_first_layout_are_read() {
    let kit = Kit::new().await;
    let mut record = (*kit.store.bucket(&name("bkt")).unwrap()).clone();
    let mut first = rows::encode_bucket(&record).unwrap().to_vec();
    assert_eq!(first[0], rows::SCHEMA);
    assert_eq!(rows::decode_bucket(&first).unwrap(), record);
    let access = osier_types::BucketAccess {
        block_public_access: Some(PublicAccessBlock::whole(true)),
        ..osier_types::BucketAccess::default()
    };
    record.access = Arc::new(access);
    let now = rows::encode_bucket(&record).unwrap();
    assert_eq!(now[0], rows::SCHEMA_MORE);
    assert_eq!(rows::decode_bucket(&now).unwrap(), record);
    first[0] = rows::SCHEMA_MORE + 1;
    assert!(rows::decode_bucket(&first).is_err());
}
