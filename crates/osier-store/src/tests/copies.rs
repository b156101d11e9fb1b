//! Copies by reference.

use osier_types::{
    BucketVersioning, ConfigKind, FaultKind, NewObject, ObjectAcl, ObjectKind, Op, Outcome, Tag,
    Tags,
};

use super::kit::*;

fn tags(value: &str) -> Tags {
    let tag = Tag {
        key: "t".into(),
        value: value.into(),
    };
    Tags::new(vec![tag], 10).unwrap()
}

fn described(meta: &str, tag: &str) -> NewObject {
    NewObject {
        user_meta: vec![("m".into(), meta.as_bytes().to_vec())],
        tags: Some(tags(tag)),
        acl: Some(ObjectAcl::PublicRead),
        ..NewObject::default()
    }
}

#[tokio::test]
async fn no_bytes_move() {
    let kit = Kit::new().await;
    kit.create("other").await.unwrap();
    kit.put("k", &bytes(1, 100)).await;
    let blobs = kit.memory.blobs();
    let mut op = copy_op("k", None, "to");
    op.bucket = name("other");
    kit.copy(op).await.unwrap();
    kit.copy(copy_op("k", None, "k2")).await.unwrap();
    assert_eq!(kit.memory.blobs(), blobs);
    assert_eq!(kit.memory.links(blobs[0]).len(), 3);
    kit.delete("k", None).await;
    assert_eq!(kit.get("k2").await.unwrap(), bytes(1, 100));
    kit.delete("k2", None).await;
    assert_eq!(kit.memory.blobs(), blobs, "the other bucket still needs it");
    kit.assert_sound().await;
    kit.run(delete_op("other", "to", None)).await.unwrap();
    assert!(kit.memory.blobs().is_empty());
}

#[tokio::test]
async fn what_is_copied_and_what_is_replaced() {
    let kit = Kit::new().await;
    let mut put = put_op("k");
    put.new = described("old", "old");
    let written = kit.put_with(put, b"hello").await.unwrap();
    for (replace_metadata, replace_tags) in
        [(false, false), (true, false), (false, true), (true, true)]
    {
        let mut op = copy_op("k", None, "to");
        op.new = described("new", "new");
        op.new.acl = None;
        (op.replace_metadata, op.replace_tags) = (replace_metadata, replace_tags);
        let copied = kit.copy(op).await.unwrap();
        assert_eq!(
            (&copied.etag, copied.crc64),
            (&written.etag, Some(written.crc64))
        );
        let info = kit.head("to").await.unwrap();
        let meta = if replace_metadata { "new" } else { "old" };
        assert_eq!(info.user_meta, [("m".to_owned(), meta.as_bytes().to_vec())]);
        assert_eq!(info.tags, tags(if replace_tags { "new" } else { "old" }));
        assert_eq!(
            (info.acl, info.md5),
            (ObjectAcl::Default, Some(written.md5))
        );
    }
    // Onto itself the metadata is replaced whatever the directive says.
    let mut op = copy_op("k", None, "k");
    op.new = described("itself", "itself");
    kit.copy(op).await.unwrap();
    let info = kit.head("k").await.unwrap();
    assert_eq!(info.user_meta, [("m".to_owned(), b"itself".to_vec())]);
    assert_eq!(info.tags, tags("old"));
    assert_eq!(kit.get("k").await.unwrap(), b"hello");
    kit.assert_sound().await;
}

#[tokio::test]
async fn kinds_of_sources() {
    let kit = Kit::new().await;
    kit.append(append_op("grown", 0), &bytes(1, 50))
        .await
        .unwrap();
    kit.copy(copy_op("grown", None, "to")).await.unwrap();
    assert_eq!(kit.head("to").await.unwrap().kind, ObjectKind::Normal);
    assert_eq!(
        kit.append(append_op("to", 50), b"x").await,
        Err(FaultKind::ObjectNotAppendable)
    );
    let link = osier_types::PutSymlink {
        bucket: name("bkt"),
        key: key("link"),
        target: key("to"),
        new: NewObject::default(),
    };
    kit.run(Op::PutSymlink(link)).await.unwrap();
    kit.copy(copy_op("link", None, "link2")).await.unwrap();
    let Outcome::Symlink(info) = kit
        .run(Op::GetSymlink(at("bkt", "link2", None)))
        .await
        .unwrap()
    else {
        panic!("no symlink");
    };
    assert_eq!(info.symlink_target, Some(key("to")));
    let missing = kit.copy(copy_op("none", None, "x")).await;
    assert_eq!(missing, Err(FaultKind::NoSuchKey { marker: None }));
    let mut elsewhere = copy_op("k", None, "x");
    elsewhere.source.object.bucket = name("none");
    assert_eq!(
        kit.copy(elsewhere).await,
        Err(FaultKind::NoSuchBucket(name("none")))
    );
    kit.assert_sound().await;
}

#[tokio::test]
async fn an_older_version_comes_back_by_copying_it() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    let one = kit.put("k", &bytes(1, 100)).await.version;
    kit.put("k", &bytes(2, 100)).await;
    let copied = kit.copy(copy_op("k", one, "k")).await.unwrap();
    assert_eq!(copied.source_version, one);
    assert!(copied.version.is_some() && copied.version != one);
    assert_eq!(kit.get("k").await.unwrap(), bytes(1, 100));
    assert_eq!(kit.all_versions().await.len(), 3);
    kit.assert_sound().await;
}

#[tokio::test]
async fn sources_that_are_too_large_are_refused() {
    let settings = crate::StoreSettings {
        body_bytes_max: 50,
        append_bytes_max: 100,
        ..crate::StoreSettings::default()
    };
    let engine = osier_engine::memory::MemoryEngine::new();
    let kit = Kit::with(osier_engine::Engine::limits(&engine), settings).await;
    kit.append(append_op("k", 0), &bytes(1, 50)).await.unwrap();
    kit.copy(copy_op("k", None, "to")).await.unwrap();
    kit.append(append_op("k", 50), b"x").await.unwrap();
    let large = kit.copy(copy_op("k", None, "to")).await;
    assert!(matches!(large, Err(FaultKind::InvalidArgument { .. })));
    let none = kit
        .run(Op::GetBucketConfig {
            bucket: name("bkt"),
            kind: ConfigKind::Website,
        })
        .await;
    assert_eq!(none, Err(FaultKind::NoSuchConfig(ConfigKind::Website)));
}

/// `update_object_meta` of the SDKs is a copy onto itself.
#[tokio::test]
async fn metadata_of_an_appendable_object_changes_and_nothing_else() {
    let kit = Kit::new().await;
    let mut first = append_op("k", 0);
    first.new.acl = Some(ObjectAcl::PublicRead);
    kit.append(first, b"one").await.unwrap();
    let mut op = copy_op("k", None, "k");
    op.new = described("itself", "itself");
    op.new.acl = None;
    op.replace_metadata = true;
    kit.copy(op).await.unwrap();
    let info = kit.head("k").await.unwrap();
    assert_eq!(
        (info.kind, info.acl),
        (ObjectKind::Appendable, ObjectAcl::PublicRead)
    );
    assert_eq!(info.user_meta, [("m".to_owned(), b"itself".to_vec())]);
    let grown = kit.append(append_op("k", 3), b"two").await.unwrap();
    assert_eq!(grown.next_position, 6);
}
