//! `If-Match` and `If-None-Match` of writes and deletions.

use std::sync::Arc;

use osier_types::{
    BucketVersioning, CompletedParts, DeleteConditions, DeleteObject, DeleteObjects, ETag,
    FaultKind, NewObject, ObjectToDelete, Op, Outcome, Refusals, Timestamp, VersionId,
    WriteConditions,
};

use super::kit::*;

const FAILED_MATCH: FaultKind = FaultKind::PreconditionFailed {
    condition: "If-Match",
};
const FAILED_NONE_MATCH: FaultKind = FaultKind::PreconditionFailed {
    condition: "If-None-Match",
};

fn if_match(tag: &str) -> WriteConditions {
    WriteConditions {
        if_match: Some(tag.to_owned()),
        ..WriteConditions::default()
    }
}

fn if_none_match(tag: &str) -> WriteConditions {
    WriteConditions {
        if_none_match: Some(tag.to_owned()),
        ..WriteConditions::default()
    }
}

async fn put(kit: &Kit, conditions: WriteConditions) -> Result<ETag, FaultKind> {
    let mut op = put_op("k");
    op.new.conditions = conditions;
    Ok(kit.put_with(op, b"put").await?.etag)
}

async fn complete(kit: &Kit, conditions: WriteConditions) -> Result<ETag, FaultKind> {
    let id = kit.initiate("k").await;
    kit.part("k", &id, 1, &bytes(1, 40)).await.unwrap();
    let mut op = complete_op("k", &id, CompletedParts::All);
    op.conditions = conditions;
    match kit.run(Op::CompleteMultipartUpload(op)).await? {
        Outcome::UploadCompleted { etag, .. } => Ok(etag),
        other => panic!("{other:?}"),
    }
}

async fn copy(kit: &Kit, conditions: WriteConditions) -> Result<ETag, FaultKind> {
    let mut op = copy_op("source", None, "k");
    op.new.conditions = conditions;
    Ok(kit.copy(op).await?.etag)
}

async fn delete(
    kit: &Kit,
    version: Option<VersionId>,
    conditions: DeleteConditions,
) -> Result<Outcome, FaultKind> {
    kit.run(Op::DeleteObject(DeleteObject {
        object: at("bkt", "k", version),
        conditions,
        bypass_governance: false,
    }))
    .await
}

fn tag(tag: &str) -> DeleteConditions {
    DeleteConditions {
        if_match: Some(tag.to_owned()),
        ..DeleteConditions::default()
    }
}

/// What holds before a write, whatever writes: each verb in turn is given as `$write`.
macro_rules! conditions_of {
    ($name:ident, $write:ident) => {
        #[tokio::test]
        async fn $name() {
            let kit = Kit::new().await;
            kit.versioning(BucketVersioning::Enabled).await;
            kit.put("source", &bytes(9, 50)).await;
            let absent = FaultKind::NoSuchKey { marker: None };
            assert_eq!($write(&kit, if_match("*")).await, Err(absent.clone()));
            assert_eq!($write(&kit, if_match("\"bad\"")).await, Err(absent));
            let first = $write(&kit, if_none_match("*")).await.unwrap();
            let held = $write(&kit, if_none_match("*")).await;
            assert_eq!(held, Err(FAILED_NONE_MATCH));
            let held = $write(&kit, if_none_match(&first.quoted())).await;
            assert_eq!(held, Err(FAILED_NONE_MATCH));
            $write(&kit, if_none_match("other")).await.unwrap();
            assert_eq!($write(&kit, if_match("bad")).await, Err(FAILED_MATCH));
            $write(&kit, if_match("*")).await.unwrap();
            let tag = kit.head("k").await.unwrap().etag;
            // As clients send tags: bare, in lower case, in a list.
            let bare = tag.as_str().to_lowercase();
            $write(&kit, if_match(&bare)).await.unwrap();
            $write(&kit, if_match(&format!("\"x\", {}", tag.quoted())))
                .await
                .unwrap();
            // A delete marker is no object.
            let marker = kit.delete("k", None).await.version;
            let hidden = FaultKind::NoSuchKey { marker };
            assert_eq!($write(&kit, if_match("*")).await, Err(hidden));
            $write(&kit, if_none_match("*")).await.unwrap();
            kit.put("k", b"older").await;
            assert_eq!(
                $write(&kit, if_match(&tag.quoted())).await,
                Err(FAILED_MATCH)
            );
            kit.assert_no_loose_blobs();
        }
    };
}

conditions_of!(conditions_of_puts, put);
conditions_of!(conditions_of_completions, complete);
conditions_of!(conditions_of_copies, copy);

#[tokio::test]
async fn a_refused_write_leaves_nothing() {
    let kit = Kit::new().await;
    let before = kit.put("k", &bytes(1, 100)).await;
    let mut op = put_op("k");
    op.new.conditions = if_none_match("*");
    let refused = kit.put_with(op, &bytes(2, 100)).await;
    assert_eq!(refused, Err(FAILED_NONE_MATCH));
    assert_eq!(kit.head("k").await.unwrap().etag, before.etag);
    kit.assert_sound().await;
}

#[tokio::test]
async fn conditions_of_deletions() {
    let kit = Kit::new().await;
    // What is not there meets every condition.
    for conditions in [tag("*"), tag("bad")] {
        delete(&kit, None, conditions).await.unwrap();
    }
    let written = kit.put("k", b"1234").await;
    assert_eq!(delete(&kit, None, tag("bad")).await, Err(FAILED_MATCH));
    let size = |size| DeleteConditions {
        size: Some(size),
        ..DeleteConditions::default()
    };
    let time = |time| DeleteConditions {
        last_modified: Some(time),
        ..DeleteConditions::default()
    };
    assert!(delete(&kit, None, size(5)).await.is_err());
    assert!(
        delete(&kit, None, time(Timestamp::from_seconds(1)))
            .await
            .is_err()
    );
    assert_eq!(kit.get("k").await.unwrap(), b"1234");
    let both = DeleteConditions {
        last_modified: Some(START.plus_millis(900)),
        size: Some(4),
        if_match: Some(written.etag.quoted()),
    };
    delete(&kit, None, both).await.unwrap();
    assert!(kit.get("k").await.is_err());

    kit.versioning(BucketVersioning::Enabled).await;
    let written = kit.put("k", b"1234").await;
    let version = written.version;
    assert_eq!(delete(&kit, version, tag("bad")).await, Err(FAILED_MATCH));
    delete(&kit, None, tag(written.etag.as_str()))
        .await
        .unwrap();
    // The marker is there, but has no tag.
    assert_eq!(delete(&kit, None, tag("bad")).await, Err(FAILED_MATCH));
    delete(&kit, None, tag("*")).await.unwrap();
    delete(&kit, version, tag(written.etag.as_str()))
        .await
        .unwrap();
    assert_eq!(kit.all_versions().await.len(), 2);
}

#[tokio::test]
async fn lists_of_deletions_tell_of_each_refusal() {
    let kit = Kit::new().await;
    let good = kit.put("good", b"1").await.etag;
    kit.put("bad", b"2").await;
    let wanted = |text: &str, tag: &ETag| ObjectToDelete {
        conditions: self::tag(tag.as_str()),
        ..to_delete(text)
    };
    let list = |refusals| {
        Op::DeleteObjects(DeleteObjects {
            bucket: name("bkt"),
            objects: vec![wanted("bad", &good), wanted("good", &good)],
            refusals,
            bypass_governance: false,
            quiet: false,
            url_encoded: false,
        })
    };
    let Ok(Outcome::Deleted(page)) = kit.run(list(Refusals::Each)).await else {
        panic!("nothing deleted");
    };
    assert_eq!(page.deleted.len(), 1);
    assert_eq!(page.deleted[0].key, key("good"));
    assert_eq!(page.refused.len(), 1);
    assert_eq!(page.refused[0].key, key("bad"));
    assert_eq!(page.refused[0].fault.kind, FAILED_MATCH);
    assert_eq!(kit.run(list(Refusals::First)).await, Err(FAILED_MATCH));
}

/// Of many who create the same key, or replace the same state of it, one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_wins() {
    let kit = Arc::new(Kit::new().await);
    for round in 0..20_u8 {
        let conditions = if round == 0 {
            if_none_match("*")
        } else {
            if_match(&kit.head("k").await.unwrap().etag.quoted())
        };
        let writers: Vec<_> = (0..8_u8)
            .map(|writer| {
                let (kit, conditions) = (Arc::clone(&kit), conditions.clone());
                tokio::spawn(async move {
                    let mut op = put_op("k");
                    op.new = NewObject {
                        conditions,
                        ..NewObject::default()
                    };
                    let body = bytes(writer, usize::from(round) * 8 + usize::from(writer) + 1);
                    kit.put_with(op, &body).await
                })
            })
            .collect();
        let mut won = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(written) => won.push(written.etag),
                Err(FaultKind::PreconditionFailed { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(won, [kit.head("k").await.unwrap().etag]);
    }
    kit.assert_sound().await;
}
