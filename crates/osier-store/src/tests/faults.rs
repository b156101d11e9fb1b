//! Every verb with a failure at every call to the engine: afterwards either all of
//! it has happened or nothing, and nothing is left over.

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;

use osier_engine::EngineError;
use osier_types::{
    BucketAcl, BucketVersioning, CompletedParts, ListMultipartUploads, ListParts, NewObject,
    ObjectAcl, Op, Outcome, PutSymlink, Tags,
};

use super::kit::*;
use crate::WithTags;

type Doing<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Something to prepare and something to do, which says whether it succeeded.
struct Case {
    name: &'static str,
    prepare: for<'a> fn(&'a Kit) -> Pin<Box<dyn Future<Output = String> + Send + 'a>>,
    act: for<'a> fn(&'a Kit, &'a str) -> Doing<'a>,
}

fn unavailable() -> EngineError {
    EngineError::Unavailable {
        reason: "told to".into(),
        source: None,
    }
}

macro_rules! case {
    ($name:literal, |$kit:ident| $prepare:expr, |$act_kit:ident, $word:ident| $act:expr) => {
        Case {
            name: $name,
            prepare: |$kit| Box::pin(async move { $prepare }),
            act: |$act_kit, $word| Box::pin(async move { $act.is_ok() }),
        }
    };
}

async fn upload_with_parts(kit: &Kit) -> String {
    let id = kit.initiate("k").await;
    kit.part("k", &id, 1, &bytes(1, 50)).await.unwrap();
    kit.part("k", &id, 2, &bytes(2, 50)).await.unwrap();
    kit.part("k", &id, 5, &bytes(3, 5)).await.unwrap();
    id
}

async fn some_versions(kit: &Kit) -> String {
    kit.put("k", &bytes(1, 50)).await;
    kit.versioning(BucketVersioning::Enabled).await;
    kit.put("k", &bytes(2, 5)).await;
    let newest = kit.put("k", &bytes(3, 50)).await;
    newest.version.unwrap().to_string()
}

fn version(text: &str) -> Option<osier_types::VersionId> {
    osier_types::VersionId::parse(text).ok()
}

fn cases() -> Vec<Case> {
    vec![
        case!("put inline", |_kit| String::new(), |kit, _w| {
            kit.put_with(put_op("k"), &bytes(9, 10)).await
        }),
        case!("put a blob", |_kit| String::new(), |kit, _w| {
            kit.put_with(put_op("k"), &bytes(9, 100)).await
        }),
        case!(
            "replace",
            |kit| {
                kit.put("k", &bytes(1, 50)).await;
                String::new()
            },
            |kit, _w| kit.put_with(put_op("k"), &bytes(9, 100)).await
        ),
        case!(
            "add a version",
            |kit| some_versions(kit).await,
            |kit, _w| { kit.put_with(put_op("k"), &bytes(9, 100)).await }
        ),
        case!(
            "replace the null version",
            |kit| {
                some_versions(kit).await;
                kit.versioning(BucketVersioning::Suspended).await;
                String::new()
            },
            |kit, _w| kit.put_with(put_op("k"), &bytes(9, 100)).await
        ),
        case!(
            "delete",
            |kit| {
                kit.put("k", &bytes(1, 50)).await;
                String::new()
            },
            |kit, _w| kit.run(delete_op("bkt", "k", None)).await
        ),
        case!("add a marker", |kit| some_versions(kit).await, |kit, _w| {
            kit.run(delete_op("bkt", "k", None)).await
        }),
        case!(
            "delete the newest version",
            |kit| some_versions(kit).await,
            |kit, id| { kit.run(delete_op("bkt", "k", version(id))).await }
        ),
        case!(
            "delete the null version",
            |kit| some_versions(kit).await,
            |kit, _w| { kit.run(delete_op("bkt", "k", version("null"))).await }
        ),
        case!(
            "copy",
            |kit| {
                kit.put("from", &bytes(8, 50)).await;
                kit.put("k", &bytes(2, 50)).await;
                String::new()
            },
            |kit, _w| kit.copy(copy_op("from", None, "k")).await
        ),
        case!(
            "copy onto itself",
            |kit| {
                let mut op = put_op("k");
                op.new.acl = Some(ObjectAcl::PublicRead);
                kit.put_with(op, &bytes(2, 50)).await.unwrap();
                String::new()
            },
            |kit, _w| {
                let mut op = copy_op("k", None, "k");
                op.new.acl = Some(ObjectAcl::Private);
                kit.copy(op).await
            }
        ),
        case!("append first", |_kit| String::new(), |kit, _w| {
            kit.append(append_op("k", 0), &bytes(1, 50)).await
        }),
        case!(
            "append inline",
            |kit| {
                kit.append(append_op("k", 0), &bytes(1, 5)).await.unwrap();
                String::new()
            },
            |kit, _w| kit.append(append_op("k", 5), &bytes(2, 5)).await
        ),
        case!(
            "append out of the row",
            |kit| {
                kit.append(append_op("k", 0), &bytes(1, 5)).await.unwrap();
                String::new()
            },
            |kit, _w| kit.append(append_op("k", 5), &bytes(2, 50)).await
        ),
        case!(
            "append to pieces",
            |kit| {
                kit.append(append_op("k", 0), &bytes(1, 50)).await.unwrap();
                String::new()
            },
            |kit, _w| kit.append(append_op("k", 50), &bytes(2, 50)).await
        ),
        case!(
            "seal",
            |kit| {
                kit.append(append_op("k", 0), &bytes(1, 50)).await.unwrap();
                String::new()
            },
            |kit, _w| {
                let (bucket, key, position) = (name("bkt"), key("k"), 50);
                kit.run(Op::SealAppendObject {
                    bucket,
                    key,
                    position,
                })
                .await
            }
        ),
        case!(
            "symlink",
            |kit| {
                kit.put("k", &bytes(2, 50)).await;
                String::new()
            },
            |kit, _w| {
                let op = PutSymlink {
                    bucket: name("bkt"),
                    key: key("k"),
                    target: key("other"),
                    new: NewObject::default(),
                };
                kit.run(Op::PutSymlink(op)).await
            }
        ),
        case!(
            "set a list",
            |kit| {
                kit.put("k", &bytes(2, 50)).await;
                String::new()
            },
            |kit, _w| {
                let (object, acl) = (at("bkt", "k", None), ObjectAcl::PublicRead);
                kit.run(Op::PutObjectAcl { object, acl }).await
            }
        ),
        case!("initiate", |_kit| String::new(), |kit, _w| {
            let op = osier_types::InitiateMultipartUpload {
                bucket: name("bkt"),
                key: key("k"),
                new: NewObject::default(),
                sequential: false,
                checksum: None,
                url_encoded: false,
            };
            kit.run(Op::InitiateMultipartUpload(op)).await
        }),
        case!(
            "add a part",
            |kit| upload_with_parts(kit).await,
            |kit, id| { kit.part("k", id, 3, &bytes(7, 50)).await }
        ),
        case!(
            "replace a part",
            |kit| upload_with_parts(kit).await,
            |kit, id| { kit.part("k", id, 1, &bytes(7, 50)).await }
        ),
        case!(
            "copy a part",
            |kit| {
                kit.put("from", &bytes(8, 50)).await;
                upload_with_parts(kit).await
            },
            |kit, id| kit.part_copy("k", id, 1, "from", None).await
        ),
        case!(
            "copy a small part",
            |kit| {
                kit.put("from", &bytes(1, 5)).await;
                upload_with_parts(kit).await
            },
            |kit, id| kit.part_copy("k", id, 1, "from", None).await
        ),
        case!(
            "complete",
            |kit| {
                kit.put("k", &bytes(6, 50)).await;
                upload_with_parts(kit).await
            },
            |kit, id| kit.complete("k", id, CompletedParts::All).await
        ),
        case!("abort", |kit| upload_with_parts(kit).await, |kit, id| {
            kit.run(Op::AbortMultipartUpload(upload("k", id))).await
        }),
        case!("create a bucket", |_kit| String::new(), |kit, _w| kit
            .create("new")
            .await),
        case!("delete a bucket", |_kit| String::new(), |kit, _w| {
            kit.run(Op::DeleteBucket {
                bucket: name("bkt"),
            })
            .await
        }),
        case!("change a bucket", |_kit| String::new(), |kit, _w| {
            let (bucket, acl) = (name("bkt"), BucketAcl::PublicRead);
            kit.run(Op::PutBucketAcl { bucket, acl }).await
        }),
        case!(
            "tag an older version",
            |kit| some_versions(kit).await,
            |kit, _w| {
                let object = at("bkt", "k", version("null"));
                let tags = Tags::new(
                    vec![osier_types::Tag {
                        key: "a".into(),
                        value: "b".into(),
                    }],
                    10,
                );
                kit.run(Op::PutObjectTagging {
                    object,
                    tags: tags.unwrap(),
                })
                .await
            }
        ),
    ]
}

/// Everything a client can see, but ids.
async fn seen(kit: &Kit) -> String {
    let mut text = String::new();
    for bucket in ["bkt", "new"] {
        let bucket = name(bucket);
        let info = kit
            .store
            .bucket(&bucket)
            .map(|record| (record.acl, record.versioning));
        writeln!(text, "{bucket} {:?}", info.ok()).unwrap();
    }
    if kit.store.bucket(&name("bkt")).is_err() {
        return text;
    }
    for entry in kit.all_versions().await {
        let null = entry.version == osier_types::VersionId::Null;
        write!(
            text,
            "{} null: {null} latest: {} ",
            entry.key, entry.is_latest
        )
        .unwrap();
        if let Some(object) = &entry.object {
            let object_ref = at("bkt", entry.key.as_str(), Some(entry.version));
            let facts = kit
                .store
                .object_facts(&object_ref, WithTags::No)
                .await
                .unwrap();
            let tags = kit.run(Op::GetObjectTagging(object_ref)).await;
            let Ok(Outcome::Tagging { tags, .. }) = tags else {
                panic!("no tags")
            };
            write!(
                text,
                "{:?} {} {facts:?} {tags:?}",
                object.kind,
                object.etag.as_str()
            )
            .unwrap();
            if object.kind != osier_types::ObjectKind::Symlink {
                let (read, body) = kit
                    .get_with(get_op(entry.key.as_str(), Some(entry.version)))
                    .await
                    .unwrap();
                write!(text, "{:?} {body:?}", read.info.sealed).unwrap();
            }
        }
        writeln!(text).unwrap();
    }
    let op = ListMultipartUploads {
        bucket: name("bkt"),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        upload_id_marker: String::new(),
        max_uploads: 1000,
        url_encoded: false,
    };
    let uploads = kit.run(Op::ListMultipartUploads(op)).await;
    let Ok(Outcome::Uploads(uploads)) = uploads else {
        panic!("no uploads")
    };
    for entry in uploads.uploads {
        let op = ListParts {
            upload: upload(entry.key.as_str(), &entry.upload_id),
            part_number_marker: 0,
            max_parts: 1000,
            url_encoded: false,
        };
        let Ok(Outcome::Parts(parts)) = kit.run(Op::ListParts(op)).await else {
            panic!("no parts")
        };
        writeln!(text, "{} {:?}", entry.key, parts.parts).unwrap();
    }
    text
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    /// The call fails.
    Before,
    /// The call is carried out and then says that it failed.
    After,
}

async fn try_case(case: &Case, when: When) {
    for k in 0.. {
        assert!(k < 200, "{} never ends", case.name);
        let kit = Kit::new().await;
        let word = (case.prepare)(&kit).await;
        let before = seen(&kit).await;
        match when {
            When::Before => kit.faulty.fail_at(k, unavailable),
            When::After => kit.faulty.fail_after(k, unavailable),
        }
        let done = (case.act)(&kit, &word).await;
        let pending = kit.faulty.pending();
        kit.faulty.heal();
        let label = format!("{} failing at {k}", case.name);
        let after = seen(&kit).await;
        kit.assert_sound().await;
        if pending {
            assert!(done, "{label}: failed without a failure");
            assert_ne!(before, after, "{label}: nothing happened");
            assert!(k > 0, "{label}: no call at all");
            return;
        }
        if !done {
            // What a client sees is either the state before, or all of it.
            let whole = {
                let kit = Kit::new().await;
                let word = (case.prepare)(&kit).await;
                assert!((case.act)(&kit, &word).await);
                seen(&kit).await
            };
            let bucket = case.name.contains("bucket");
            if when == When::Before && !bucket {
                assert_eq!(after, before, "{label}: half of it is visible");
            } else {
                assert!(
                    after == before || after == whole,
                    "{label}: half of it: {after}"
                );
            }
        }
        let reopened = kit.reopen().await;
        reopened.assert_sound().await;
        if !case.name.contains("bucket") {
            assert_eq!(seen(&reopened).await, after, "{label}: forgotten");
        }
        // Doing it again works, whatever the failure left behind.
        if when == When::Before && !done && !case.name.contains("bucket") {
            assert!(
                (case.act)(&reopened, &word).await,
                "{label}: can't be repeated"
            );
            reopened.assert_sound().await;
        }
    }
}

#[tokio::test]
async fn failed_calls_leave_nothing_half_done() {
    for case in cases() {
        try_case(&case, When::Before).await;
    }
}

#[tokio::test]
async fn calls_of_unknown_outcome_leave_nothing_half_done() {
    for case in cases() {
        try_case(&case, When::After).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_deleting_still_works() {
    let kit = Kit::new().await;
    kit.put("k", &bytes(1, 100)).await;
    kit.faulty.fail_writes(|| EngineError::Full);
    let full = kit.put_with(put_op("x"), &bytes(1, 100)).await;
    assert_eq!(full, Err(osier_types::FaultKind::InsufficientStorage));
    assert_eq!(kit.get("k").await.unwrap(), bytes(1, 100));
    kit.delete("k", None).await;
    kit.faulty.heal();
    kit.assert_sound().await;
    assert!(kit.memory.blobs().is_empty());
}

/// Damage is told before anything is sent, as far as the first bytes go, and else ends the body.
#[tokio::test]
async fn damage_is_told() {
    let kit = Kit::new().await;
    kit.put("k", &bytes(1, 100)).await;
    let corrupt = || EngineError::Corrupt {
        what: "here".into(),
    };
    for k in 0.. {
        assert!(k < 50);
        kit.faulty.fail_at(k, corrupt);
        let read = kit.send(Op::GetObject(get_op("k", None)), b"").await;
        if kit.faulty.pending() {
            let mut body = read.unwrap().body.unwrap();
            let mut end = Ok(());
            while end.is_ok() {
                match body.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(fault) => end = Err(fault.kind),
                }
            }
            if kit.faulty.pending() {
                assert_eq!(end, Ok(()));
                assert!(k > 5, "every piece was tried");
                return;
            }
            assert_eq!(end, Err(osier_types::FaultKind::Damaged));
            assert!(body.remaining() > 0);
        } else {
            assert_eq!(read.unwrap_err(), osier_types::FaultKind::Damaged);
        }
    }
}
