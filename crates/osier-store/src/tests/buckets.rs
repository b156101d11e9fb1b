//! Buckets and their configuration.

use std::future::{Future as _, poll_fn};
use std::task::Poll;

use bytes::Bytes;
use osier_types::{
    BucketAcl, BucketVersioning, ConfigKind, ConfigSupport, CorsConfig, CorsRule, DataRedundancy,
    FaultKind, ListBuckets, Op, OptionsObject, Outcome, Owner, PutBucket, StorageClass, Tag, Tags,
};

use super::kit::*;
use crate::Caller;

fn put_bucket(bucket: &str) -> PutBucket {
    PutBucket {
        bucket: name(bucket),
        acl: None,
        storage_class: None,
        redundancy: None,
        tags: None,
        object_lock: false,
        ownership: None,
    }
}

fn tags(key: &str, value: &str) -> Tags {
    let tag = Tag {
        key: key.into(),
        value: value.into(),
    };
    Tags::new(vec![tag], 20).unwrap()
}

async fn names(kit: &Kit, asked: ListBuckets) -> (Vec<String>, Option<String>) {
    let Outcome::Buckets(page) = kit.run(Op::ListBuckets(asked)).await.unwrap() else {
        panic!("no buckets");
    };
    assert_eq!(page.owner, kit.caller.owner);
    let names = page
        .buckets
        .iter()
        .map(|entry| entry.name.to_string())
        .collect();
    (names, page.next_marker)
}

fn all_buckets() -> ListBuckets {
    ListBuckets {
        prefix: String::new(),
        marker: String::new(),
        max_keys: 100,
        tag: None,
    }
}

#[tokio::test]
async fn creating_twice() {
    let mut kit = Kit::new().await;
    let created = kit.create("bkt").await;
    assert_eq!(created, Ok(Outcome::BucketCreated(name("bkt"))));
    assert_eq!(
        kit.store.bucket(&name("bkt")).unwrap().acl,
        BucketAcl::Private
    );
    let mut again = put_bucket("bkt");
    again.acl = Some(BucketAcl::PublicRead);
    again.storage_class = Some(StorageClass::Standard);
    kit.run(Op::PutBucket(again.clone())).await.unwrap();
    assert_eq!(
        kit.store.bucket(&name("bkt")).unwrap().acl,
        BucketAcl::PublicRead
    );
    kit.create("bkt").await.unwrap();
    assert_eq!(
        kit.store.bucket(&name("bkt")).unwrap().acl,
        BucketAcl::PublicRead
    );
    again.storage_class = Some(StorageClass::Ia);
    assert_eq!(
        kit.run(Op::PutBucket(again)).await,
        Err(FaultKind::BucketAlreadyExists)
    );
    let mut zoned = put_bucket("bkt");
    zoned.redundancy = Some(DataRedundancy::Zrs);
    assert_eq!(
        kit.run(Op::PutBucket(zoned)).await,
        Err(FaultKind::BucketAlreadyExists)
    );
    kit.caller.owner.id = "9999999999999999".into();
    assert_eq!(kit.create("bkt").await, Err(FaultKind::BucketAlreadyExists));
}

#[tokio::test]
async fn one_account_has_so_many_and_no_more() {
    let settings = crate::StoreSettings {
        buckets_max: 3,
        ..crate::StoreSettings::default()
    };
    let engine = osier_engine::memory::MemoryEngine::new();
    let mut kit = Kit::with(osier_engine::Engine::limits(&engine), settings).await;
    kit.create("two").await.unwrap();
    kit.create("three").await.unwrap();
    assert_eq!(kit.create("four").await, Err(FaultKind::TooManyBuckets));
    kit.create("two").await.unwrap();
    kit.run(Op::DeleteBucket {
        bucket: name("two"),
    })
    .await
    .unwrap();
    kit.create("four").await.unwrap();
    let owner = Owner {
        id: "2222222222222222".into(),
        display_name: "other".into(),
    };
    kit.caller = Caller { owner };
    kit.create("five").await.unwrap();
    assert_eq!(names(&kit, all_buckets()).await.0, ["five"]);
}

#[tokio::test]
async fn listing() {
    let kit = Kit::new().await;
    for text in ["zoo", "photos-1", "photos-2"] {
        let mut op = put_bucket(text);
        op.tags = Some(tags("kind", text));
        kit.run(Op::PutBucket(op)).await.unwrap();
    }
    let all = ["bkt", "photos-1", "photos-2", "zoo"];
    assert_eq!(names(&kit, all_buckets()).await.0, all);
    let asked = ListBuckets {
        max_keys: 2,
        ..all_buckets()
    };
    let (page, next) = names(&kit, asked).await;
    assert_eq!(
        (&page[..], next.as_deref()),
        (&all[..2].map_to_owned()[..], Some("photos-1"))
    );
    let asked = ListBuckets {
        marker: "photos-1".into(),
        max_keys: 2,
        ..all_buckets()
    };
    assert_eq!(names(&kit, asked).await, (all[2..].map_to_owned(), None));
    let asked = ListBuckets {
        prefix: "photos".into(),
        ..all_buckets()
    };
    assert_eq!(names(&kit, asked).await.0, all[1..3]);
    let tag = |value: Option<&str>| Some(("kind".to_owned(), value.map(str::to_owned)));
    let asked = ListBuckets {
        tag: tag(None),
        ..all_buckets()
    };
    assert_eq!(names(&kit, asked).await.0, all[1..]);
    let asked = ListBuckets {
        tag: tag(Some("zoo")),
        ..all_buckets()
    };
    assert_eq!(names(&kit, asked).await.0, ["zoo"]);
}

trait MapToOwned {
    fn map_to_owned(&self) -> Vec<String>;
}

impl MapToOwned for [&str] {
    fn map_to_owned(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

#[tokio::test]
async fn everything_outlives_a_restart() {
    let kit = Kit::new().await;
    let mut op = put_bucket("kept");
    op.storage_class = Some(StorageClass::Ia);
    op.redundancy = Some(DataRedundancy::Zrs);
    op.acl = Some(BucketAcl::PublicReadWrite);
    op.tags = Some(tags("a", "b"));
    kit.run(Op::PutBucket(op)).await.unwrap();
    kit.versioning(BucketVersioning::Enabled).await;
    let kept = kit.store.bucket(&name("kept")).unwrap();
    let versioned = kit.store.bucket(&name("bkt")).unwrap();
    kit.put("k", &bytes(1, 100)).await;
    let reopened = kit.reopen().await;
    assert_eq!(reopened.store.bucket(&name("kept")).unwrap(), kept);
    assert_eq!(reopened.store.bucket(&name("bkt")).unwrap(), versioned);
    assert_eq!(reopened.get("k").await.unwrap(), bytes(1, 100));
    // An object gets the class of its bucket.
    let mut put = put_op("k");
    put.bucket = name("kept");
    reopened.put_with(put, b"x").await.unwrap();
    let Outcome::ObjectMeta(info) = reopened
        .run(Op::GetObjectMeta(at("kept", "k", None)))
        .await
        .unwrap()
    else {
        panic!("no meta");
    };
    assert_eq!(info.storage_class, StorageClass::Ia);
}

#[tokio::test]
async fn a_bucket_with_anything_in_it_stays() {
    let kit = Kit::new().await;
    let delete = || Op::DeleteBucket {
        bucket: name("bkt"),
    };
    kit.put("k", b"x").await;
    assert_eq!(kit.run(delete()).await, Err(FaultKind::BucketNotEmpty));
    kit.delete("k", None).await;
    let id = kit.initiate("k").await;
    assert_eq!(kit.run(delete()).await, Err(FaultKind::BucketNotEmpty));
    kit.run(Op::AbortMultipartUpload(upload("k", &id)))
        .await
        .unwrap();
    let (bucket, kind) = (name("bkt"), ConfigKind::RequestPayment);
    let document = Bytes::from_static(b"<x/>");
    kit.run(Op::PutBucketConfig {
        bucket,
        kind,
        document,
    })
    .await
    .unwrap();
    assert_eq!(kit.run(delete()).await, Ok(Outcome::Done));
    let missing = Err(FaultKind::NoSuchBucket(name("bkt")));
    assert_eq!(kit.run(delete()).await, missing);
    assert_eq!(
        kit.run(Op::HeadBucket {
            bucket: name("bkt")
        })
        .await,
        missing
    );
    assert_eq!(
        kit.put_with(put_op("k"), b"x").await.map(|_| ()),
        missing.map(|_| ())
    );
    // The next of this name knows nothing of it.
    kit.create("bkt").await.unwrap();
    let (bucket, kind) = (name("bkt"), ConfigKind::RequestPayment);
    let config = kit.run(Op::GetBucketConfig { bucket, kind }).await;
    assert_eq!(
        config,
        Ok(Outcome::Config {
            kind,
            document: None
        })
    );
    assert_eq!(
        kit.reopen().await.store.bucket(&name("bkt")).unwrap().table,
        { kit.store.bucket(&name("bkt")).unwrap().table }
    );
}

/// A body during which its bucket is deleted and created again.
struct Recreating<'a>(&'a Kit, bool);
#[async_trait::async_trait]
impl crate::ByteSource for Recreating<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, osier_types::Fault> {
        if self.1 {
            return Ok(None);
        }
        self.1 = true;
        self.0
            .run(Op::DeleteBucket {
                bucket: name("bkt"),
            })
            .await
            .unwrap();
        self.0.create("bkt").await.unwrap();
        Ok(Some(Bytes::from(bytes(1, 100))))
    }
}

/// S42: a write that was decided on for one bucket does not land in the next one of its name.
#[tokio::test]
async fn a_write_does_not_land_in_a_bucket_created_meanwhile() {
    let kit = Kit::new().await;
    let mut body = Recreating(&kit, false);
    let put = kit
        .store
        .execute(&kit.caller, Op::PutObject(put_op("k")), &mut body)
        .await;
    assert_eq!(put.unwrap_err().kind, FaultKind::NoSuchBucket(name("bkt")));
    assert!(kit.list(list_op("", "", "", 10)).await.objects.is_empty());
    assert!(kit.memory.blobs().is_empty());
}

#[tokio::test]
async fn what_a_bucket_tells() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let Outcome::BucketInfo(info) = kit
        .run(Op::GetBucketInfo { bucket: bucket() })
        .await
        .unwrap()
    else {
        panic!("no info");
    };
    assert_eq!(
        (info.entry.location.as_str(), info.entry.created),
        ("oss-cn-hangzhou", START)
    );
    assert_eq!(
        (info.versioning, info.redundancy),
        (None, DataRedundancy::Lrs)
    );
    let location = kit.run(Op::GetBucketLocation { bucket: bucket() }).await;
    assert_eq!(
        location,
        Ok(Outcome::BucketLocation("oss-cn-hangzhou".into()))
    );
    let unset = kit.run(Op::GetBucketVersioning { bucket: bucket() }).await;
    assert_eq!(unset, Ok(Outcome::BucketVersioning(None)));
    kit.versioning(BucketVersioning::Suspended).await;
    let set = kit.run(Op::GetBucketVersioning { bucket: bucket() }).await;
    assert_eq!(
        set,
        Ok(Outcome::BucketVersioning(Some(BucketVersioning::Suspended)))
    );
    let acl = BucketAcl::PublicRead;
    kit.run(Op::PutBucketAcl {
        bucket: bucket(),
        acl,
    })
    .await
    .unwrap();
    let told = kit.run(Op::GetBucketAcl { bucket: bucket() }).await;
    let owner = kit.caller.owner.clone();
    assert_eq!(told, Ok(Outcome::BucketAcl { owner, acl }));
    let set = tags("a", "b");
    kit.run(Op::PutBucketTags {
        bucket: bucket(),
        tags: set.clone(),
    })
    .await
    .unwrap();
    let told = kit.run(Op::GetBucketTags { bucket: bucket() }).await;
    assert_eq!(
        told,
        Ok(Outcome::Tagging {
            tags: set,
            version: None
        })
    );
    kit.run(Op::DeleteBucketTags { bucket: bucket() })
        .await
        .unwrap();
    let told = kit.run(Op::GetBucketTags { bucket: bucket() }).await;
    assert_eq!(
        told,
        Ok(Outcome::Tagging {
            tags: Tags::default(),
            version: None
        })
    );
    let region = Some("oss-cn-hangzhou".to_owned());
    let Outcome::Regions(regions) = kit.run(Op::DescribeRegions { region }).await.unwrap() else {
        panic!("no regions");
    };
    assert_eq!(regions.len(), 1);
    let region = Some("oss-cn-nowhere".to_owned());
    assert_eq!(
        kit.run(Op::DescribeRegions { region }).await,
        Ok(Outcome::Regions(vec![]))
    );
    let live = Op::ListLiveChannels {
        bucket: bucket(),
        prefix: "p".into(),
        max_keys: 5,
    };
    let channels = Outcome::LiveChannels {
        prefix: "p".into(),
        max_keys: 5,
    };
    assert_eq!(kit.run(live).await, Ok(channels));
}

#[tokio::test]
async fn cross_origin_rules() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let asked = |origin: &str| {
        Op::OptionsObject(OptionsObject {
            bucket: bucket(),
            origin: origin.into(),
            method: "PUT".into(),
            headers: vec!["x-oss-date".into()],
        })
    };
    let unset = kit.run(Op::GetBucketCors { bucket: bucket() }).await;
    assert_eq!(unset, Err(FaultKind::NoSuchConfig(ConfigKind::Cors)));
    assert_eq!(
        kit.run(asked("https://a")).await,
        Err(FaultKind::CorsForbidden)
    );
    let cors = CorsConfig {
        rules: vec![CorsRule {
            allowed_origins: vec!["https://a".into()],
            allowed_methods: vec!["PUT".into()],
            allowed_headers: vec!["*".into()],
            ..CorsRule::default()
        }],
        response_vary: false,
    };
    kit.run(Op::PutBucketCors {
        bucket: bucket(),
        cors: cors.clone(),
    })
    .await
    .unwrap();
    let told = kit.run(Op::GetBucketCors { bucket: bucket() }).await;
    assert_eq!(told, Ok(Outcome::Cors(cors)));
    assert!(matches!(
        kit.run(asked("https://a")).await,
        Ok(Outcome::Preflight(_))
    ));
    assert_eq!(
        kit.run(asked("https://b")).await,
        Err(FaultKind::CorsForbidden)
    );
    kit.run(Op::DeleteBucketCors { bucket: bucket() })
        .await
        .unwrap();
    assert_eq!(
        kit.run(asked("https://a")).await,
        Err(FaultKind::CorsForbidden)
    );
}

/// No document is accepted and then forgotten.
#[tokio::test]
async fn configuration_is_kept_or_refused() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    for &kind in ConfigKind::ALL {
        let document = Bytes::from(format!("<{}/>", kind.as_str()));
        let get = || {
            kit.run(Op::GetBucketConfig {
                bucket: bucket(),
                kind,
            })
        };
        let before = get().await;
        let neutral = Ok(Outcome::Config {
            kind,
            document: None,
        });
        assert!(
            before == neutral || before == Err(FaultKind::NoSuchConfig(kind)),
            "{kind:?}"
        );
        let put = Op::PutBucketConfig {
            bucket: bucket(),
            kind,
            document: document.clone(),
        };
        let put = kit.run(put).await;
        if kind.support() == ConfigSupport::Refused {
            let what = kind.as_str().to_owned();
            assert_eq!(put, Err(FaultKind::NotImplemented { what }));
            assert_eq!(get().await, before);
        } else {
            assert_eq!(put, Ok(Outcome::Done));
            let document = Some(document);
            assert_eq!(get().await, Ok(Outcome::Config { kind, document }));
        }
        let deleted = kit
            .run(Op::DeleteBucketConfig {
                bucket: bucket(),
                kind,
            })
            .await;
        assert_eq!(deleted, Ok(Outcome::Done));
        assert_eq!(get().await, before);
    }
    let kind = ConfigKind::RequestPayment;
    let missing = Err(FaultKind::NoSuchBucket(name("none")));
    let bucket = name("none");
    assert_eq!(
        kit.run(Op::DeleteBucketConfig { bucket, kind }).await,
        missing
    );
}

/// A change that was begun ends, so that memory and storage tell the same.
#[tokio::test]
async fn a_client_may_go_away_in_the_middle() {
    let kit = Kit::new().await;
    let begin = |op: Op| {
        let kit = &kit;
        async move {
            let mut body = crate::BytesSource::empty();
            let mut running = Box::pin(kit.store.execute(&kit.caller, op, &mut body));
            poll_fn(|context| {
                assert!(running.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
    };
    let bucket = || name("bkt");
    let acl = BucketAcl::PublicRead;
    begin(Op::PutBucketAcl {
        bucket: bucket(),
        acl,
    })
    .await;
    // This one waits for the other.
    let set = tags("a", "b");
    kit.run(Op::PutBucketTags {
        bucket: bucket(),
        tags: set.clone(),
    })
    .await
    .unwrap();
    let record = kit.store.bucket(&bucket()).unwrap();
    assert_eq!((record.acl, &record.tags), (acl, &set));
    begin(Op::PutBucket(put_bucket("new"))).await;
    begin(Op::DeleteBucket { bucket: bucket() }).await;
    kit.create("last").await.unwrap();
    assert_eq!(names(&kit, all_buckets()).await.0, ["last", "new"]);
    let reopened = kit.reopen().await;
    assert_eq!(names(&reopened, all_buckets()).await.0, ["last", "new"]);
    assert_eq!(
        reopened.memory.tables().len(),
        3,
        "two buckets and the system"
    );
}
