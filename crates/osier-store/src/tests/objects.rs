//! Put, post, get, head, delete, symlinks, tags and access-control lists.

use bytes::Bytes;
use osier_types::{
    ByteRange, Checksum, ChecksumAlgorithm, ChecksumPromise, ContentHeaders, DeleteObjects, ETag,
    Expected, FaultKind, NewObject, ObjectAcl, ObjectKind, Op, Outcome, PostObject, PostSuccess,
    PutSymlink, RangeRequest, RangeSpec, ReadConditions, Refusals, StorageClass, Tag, Tags,
};
use proptest::strategy::{Strategy as _, ValueTree as _};

use super::kit::*;
use crate::WithTags;
use crate::checksum::checksum_of;
use crate::digest::md5_of;

#[tokio::test]
async fn what_is_put_comes_back_with_all_that_was_said_of_it() {
    let kit = Kit::new().await;
    let mut op = put_op("k");
    op.new = NewObject {
        headers: ContentHeaders {
            content_type: Some(b"text/x".to_vec()),
            cache_control: Some(vec![0xE4, 0xB8, 0xAD]),
            ..ContentHeaders::default()
        },
        user_meta: vec![("name".into(), b"value".to_vec())],
        persistent_headers: vec![("x-kept".into(), b"1".to_vec())],
        tags: Some(
            Tags::new(
                vec![Tag {
                    key: "t".into(),
                    value: "v".into(),
                }],
                10,
            )
            .unwrap(),
        ),
        acl: Some(ObjectAcl::PublicRead),
        storage_class: Some(StorageClass::Ia),
        ..NewObject::default()
    };
    let written = kit.put_with(op.clone(), b"hello").await.unwrap();
    assert_eq!(written.crc64, 11_177_612_005_948_864_433);
    assert_eq!(written.etag.as_str(), "5D41402ABC4B2A76B9719D911017C592");
    assert_eq!(written.version, None);
    let info = kit.head("k").await.unwrap();
    assert_eq!(info.headers, op.new.headers);
    assert_eq!(info.user_meta, op.new.user_meta);
    assert_eq!(info.persistent_headers, op.new.persistent_headers);
    assert_eq!(Some(info.tags), op.new.tags);
    assert_eq!(
        (info.acl, info.storage_class),
        (ObjectAcl::PublicRead, StorageClass::Ia)
    );
    assert_eq!(
        (info.kind, info.size, info.last_modified),
        (ObjectKind::Normal, 5, START)
    );
    assert_eq!(
        (info.md5, info.crc64),
        (Some(written.md5), Some(written.crc64))
    );
    assert_eq!(
        (info.version, info.sealed, info.symlink_target),
        (None, None, None)
    );
    let Outcome::ObjectMeta(meta) = kit
        .run(Op::GetObjectMeta(at("bkt", "k", None)))
        .await
        .unwrap()
    else {
        panic!("no meta");
    };
    assert_eq!((meta.size, meta.etag), (5, written.etag));
    // Nothing of the old object outlives it.
    kit.put("k", b"").await;
    let info = kit.head("k").await.unwrap();
    assert_eq!(
        (info.size, info.crc64, info.acl),
        (0, Some(0), ObjectAcl::Default)
    );
    assert!(info.tags.is_empty() && info.user_meta.is_empty());
    assert_eq!(kit.get("k").await.unwrap(), b"");
    kit.assert_sound().await;
}

#[tokio::test]
async fn a_body_that_is_not_what_was_promised_leaves_nothing() {
    for length in [5, 100, 40_000] {
        let kit = Kit::new().await;
        let body = bytes(1, length);
        let right = Expected {
            length: Some(u64::try_from(length).unwrap()),
            md5: Some(md5_of(&[&body])),
            crc64: Some(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &body)),
            sha256: {
                use sha2::Digest as _;
                Some(sha2::Sha256::digest(&body).into())
            },
            checksum: Some(ChecksumPromise::Sent(checksum_of(
                ChecksumAlgorithm::Sha1,
                &body,
            ))),
        };
        let crc64 = right.crc64.unwrap();
        let short = right.length.map(|length| length + 1);
        let long = right.length.map(|length| length - 1);
        let wrong = [
            (
                Expected {
                    length: short,
                    ..right.clone()
                },
                FaultKind::IncompleteBody,
            ),
            (
                Expected {
                    length: long,
                    ..right.clone()
                },
                FaultKind::InvalidRequest {
                    reason: "the body is longer than its declared length".into(),
                },
            ),
            (
                Expected {
                    md5: Some([0; 16]),
                    ..right.clone()
                },
                FaultKind::ChecksumMismatch {
                    name: "Content-MD5",
                },
            ),
            (
                Expected {
                    crc64: Some(7),
                    ..right.clone()
                },
                FaultKind::InvalidCrc64 {
                    sent: 7,
                    computed: crc64,
                },
            ),
            (
                Expected {
                    sha256: Some([0; 32]),
                    ..right.clone()
                },
                FaultKind::PayloadDigestMismatch,
            ),
            (
                Expected {
                    checksum: Some(ChecksumPromise::Sent(Checksum::Crc32(0))),
                    ..right.clone()
                },
                FaultKind::ChecksumMismatch {
                    name: "x-amz-checksum-crc32",
                },
            ),
            (
                Expected {
                    checksum: Some(ChecksumPromise::Trailing(ChecksumAlgorithm::Crc32c)),
                    ..right.clone()
                },
                FaultKind::MalformedTrailer {
                    reason: "the announced checksum is missing",
                },
            ),
        ];
        for (expected, fault) in wrong {
            let op = osier_types::PutObject {
                expected,
                ..put_op("k")
            };
            assert_eq!(kit.put_with(op, &body).await, Err(fault));
        }
        assert_eq!(
            kit.get("k").await,
            Err(FaultKind::NoSuchKey { marker: None })
        );
        assert!(kit.memory.blobs().is_empty());
        let op = osier_types::PutObject {
            expected: right,
            ..put_op("k")
        };
        kit.put_with(op, &body).await.unwrap();
        assert_eq!(kit.get("k").await.unwrap(), body);
        kit.assert_sound().await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let kit = Kit::new().await;
    for chunks in [
        vec![],
        vec![Bytes::from_static(b"abc")],
        vec![Bytes::from(bytes(1, 100)); 3],
    ] {
        let mut body = Broken(chunks, Some(FaultKind::RequestTimeout));
        let op = Op::PutObject(put_op("k"));
        let fault = kit
            .store
            .execute(&kit.caller, op, &mut body)
            .await
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::RequestTimeout);
    }
    assert!(kit.memory.blobs().is_empty());
    // Empty chunks and many small ones are ordinary.
    let mut body = Broken(
        vec![
            Bytes::new(),
            Bytes::from_static(b"ab"),
            Bytes::from_static(b"c"),
        ],
        None,
    );
    kit.store
        .execute(&kit.caller, Op::PutObject(put_op("k")), &mut body)
        .await
        .unwrap();
    assert_eq!(kit.get("k").await.unwrap(), b"abc");
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_early() {
    let settings = crate::StoreSettings {
        body_bytes_max: 50,
        ..crate::StoreSettings::default()
    };
    let limits = osier_engine::memory::MemoryEngine::new();
    let kit = Kit::with(osier_engine::Engine::limits(&limits), settings).await;
    let too_large = FaultKind::EntityTooLarge { max: 50 };
    let mut op = put_op("k");
    op.expected.length = Some(51);
    // Nothing of the body is read.
    let mut body = Broken(Vec::new(), Some(FaultKind::Internal));
    let fault = kit
        .store
        .execute(&kit.caller, Op::PutObject(op), &mut body)
        .await
        .unwrap_err();
    assert_eq!(fault.kind, too_large);
    assert_eq!(
        kit.put_with(put_op("k"), &bytes(1, 51)).await,
        Err(too_large)
    );
    kit.put("k", &bytes(1, 50)).await;
}

#[tokio::test]
async fn forms_have_a_range_of_lengths() {
    let kit = Kit::new().await;
    let post = |length_range| {
        Op::PostObject(PostObject {
            put: put_op("k"),
            length_range,
            success: PostSuccess::Document,
        })
    };
    let small = kit.send(post(Some((5, 10))), b"abcd").await.map(|_| ());
    assert_eq!(small, Err(FaultKind::EntityTooSmall { min: 5 }));
    let large = kit
        .send(post(Some((5, 10))), &bytes(1, 11))
        .await
        .map(|_| ());
    assert_eq!(large, Err(FaultKind::EntityTooLarge { max: 10 }));
    for body in [&b"abcde"[..], b"abcdefghij"] {
        let posted = kit.send(post(Some((5, 10))), body).await.unwrap().outcome;
        assert!(matches!(
            posted,
            Outcome::Posted {
                success: PostSuccess::Document,
                ..
            }
        ));
        assert_eq!(kit.get("k").await.unwrap(), body);
    }
}

#[tokio::test]
async fn overwriting_can_be_forbidden_until_there_are_versions() {
    let kit = Kit::new().await;
    let mut op = put_op("k");
    op.new.forbid_overwrite = true;
    kit.put_with(op.clone(), b"1").await.unwrap();
    // Not even the body is read.
    let mut body = Broken(Vec::new(), Some(FaultKind::Internal));
    let again = kit
        .store
        .execute(&kit.caller, Op::PutObject(op.clone()), &mut body)
        .await;
    assert_eq!(again.unwrap_err().kind, FaultKind::FileAlreadyExists);
    let mut copy = copy_op("k", None, "k");
    copy.new.forbid_overwrite = true;
    assert_eq!(kit.copy(copy).await, Err(FaultKind::FileAlreadyExists));
    let link = PutSymlink {
        bucket: name("bkt"),
        key: key("k"),
        target: key("x"),
        new: op.new.clone(),
    };
    assert_eq!(
        kit.run(Op::PutSymlink(link)).await,
        Err(FaultKind::FileAlreadyExists)
    );
    kit.versioning(osier_types::BucketVersioning::Suspended)
        .await;
    kit.put_with(op, b"2").await.unwrap();
    assert_eq!(kit.get("k").await.unwrap(), b"2");
}

#[tokio::test]
async fn conditions() {
    let kit = Kit::new().await;
    kit.clock.advance_ms(500);
    let etag = kit.put("k", b"hello").await.etag;
    let (second, before, later) = (START, START.plus_millis(-1000), START.plus_millis(1000));
    let matching = || Some(etag.as_str().to_lowercase());
    let other = || Some("\"D41D8CD98F00B204E9800998ECF8427E\"".to_owned());
    let if_ = |if_match, if_none_match, if_modified_since, if_unmodified_since| ReadConditions {
        if_match,
        if_none_match,
        if_modified_since,
        if_unmodified_since,
    };
    let good = Ok(());
    let refused = |condition| Err(FaultKind::PreconditionFailed { condition });
    let same = |condition| {
        Err(FaultKind::NotModified {
            etag: etag.clone(),
            last_modified: START.plus_millis(500),
            condition,
        })
    };
    let table = [
        (if_(matching(), None, None, None), good.clone()),
        (if_(Some("*".into()), None, None, None), good.clone()),
        (if_(other(), None, None, None), refused("If-Match")),
        (if_(None, other(), None, None), good.clone()),
        (if_(None, matching(), None, None), same("If-None-Match")),
        (
            if_(None, Some("*".into()), None, None),
            same("If-None-Match"),
        ),
        (if_(None, None, Some(before), None), good.clone()),
        (
            if_(None, None, Some(second), None),
            same("If-Modified-Since"),
        ),
        (
            if_(None, None, Some(later), None),
            same("If-Modified-Since"),
        ),
        (if_(None, None, None, Some(second)), good.clone()),
        (
            if_(None, None, None, Some(before)),
            refused("If-Unmodified-Since"),
        ),
        (if_(matching(), None, None, Some(second)), good.clone()),
        (
            if_(matching(), None, None, Some(before)),
            refused("If-Unmodified-Since"),
        ),
        (if_(None, other(), Some(before), None), good),
        (
            if_(None, other(), Some(second), None),
            same("If-Modified-Since"),
        ),
        (if_(other(), matching(), None, None), refused("If-Match")),
    ];
    for (conditions, expected) in table {
        let mut op = get_op("k", None);
        op.conditions = conditions.clone();
        let head = kit.run(Op::HeadObject(op.clone())).await.map(|_| ());
        assert_eq!(head, expected, "{conditions:?}");
        assert_eq!(
            kit.get_with(op).await.map(|_| ()),
            expected,
            "{conditions:?}"
        );
        let mut copy = copy_op("k", None, "to");
        copy.source.conditions = conditions;
        assert_eq!(kit.copy(copy).await.map(|_| ()), expected);
    }
}

#[tokio::test]
async fn ranges_of_bodies_kept_in_every_way() {
    let kit = Kit::new().await;
    for length in [10_usize, 100] {
        let body = bytes(1, length);
        kit.put("k", &body).await;
        for first in 0..length {
            for last in [first, (first + 33).min(length - 1), length - 1] {
                let mut op = get_op("k", None);
                let (start, end) = (u64::try_from(first).unwrap(), u64::try_from(last).unwrap());
                op.range = Some(RangeRequest {
                    spec: RangeSpec::FromTo(start, end),
                    standard: true,
                });
                let (read, part) = kit.get_with(op).await.unwrap();
                assert_eq!(part, body[first..=last]);
                assert_eq!(
                    read.range,
                    Some(ByteRange {
                        start,
                        end: end + 1
                    })
                );
            }
        }
        let mut op = get_op("k", None);
        let spec = RangeSpec::From(1000);
        op.range = Some(RangeRequest {
            spec,
            standard: false,
        });
        let (read, all) = kit.get_with(op.clone()).await.unwrap();
        assert_eq!((read.range, all), (None, body.clone()));
        op.range = Some(RangeRequest {
            spec,
            standard: true,
        });
        let length = u64::try_from(length).unwrap();
        assert_eq!(
            kit.get_with(op).await,
            Err(FaultKind::InvalidRange { length })
        );
    }
}

#[tokio::test]
async fn deleting() {
    let kit = Kit::new().await;
    kit.put("a", b"1").await;
    kit.put("b", &bytes(1, 100)).await;
    assert_eq!(
        kit.delete("none", None).await,
        osier_types::ObjectDeleted::default()
    );
    let asked = DeleteObjects {
        bucket: name("bkt"),
        objects: ["a", "none", "b"].map(to_delete).to_vec(),
        refusals: Refusals::First,
        bypass_governance: false,
        quiet: false,
        url_encoded: false,
    };
    let Outcome::Deleted(page) = kit.run(Op::DeleteObjects(asked)).await.unwrap() else {
        panic!("nothing deleted");
    };
    let keys: Vec<_> = page
        .deleted
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    assert_eq!(keys, ["a", "none", "b"]);
    assert!(
        page.deleted
            .iter()
            .all(|entry| entry.marker.is_none() && entry.version.is_none())
    );
    assert!(kit.memory.blobs().is_empty());
    assert!(kit.list(list_op("", "", "", 10)).await.objects.is_empty());
    kit.assert_sound().await;
}

#[tokio::test]
async fn symlinks() {
    let kit = Kit::new().await;
    let link = |from: &str, to: &str| {
        Op::PutSymlink(PutSymlink {
            bucket: name("bkt"),
            key: key(from),
            target: key(to),
            new: NewObject {
                user_meta: vec![("of".into(), b"link".to_vec())],
                ..NewObject::default()
            },
        })
    };
    assert_eq!(
        kit.run(link("link", "target")).await,
        Ok(Outcome::Touched(None))
    );
    assert_eq!(kit.get("link").await, Err(FaultKind::SymlinkTargetNotExist));
    kit.clock.advance_ms(5000);
    let written = kit.put("target", &bytes(1, 100)).await;
    let (read, body) = kit.get_with(get_op("link", None)).await.unwrap();
    assert_eq!(body, bytes(1, 100));
    assert_eq!((read.info.etag, read.info.size), (written.etag, 100));
    assert_eq!(read.info.last_modified, START.plus_millis(5000));
    assert_eq!(read.info.user_meta, [("of".to_owned(), b"link".to_vec())]);
    assert_eq!(
        (read.info.kind, read.info.key),
        (ObjectKind::Symlink, key("link"))
    );
    kit.clock.advance_ms(5000);
    kit.run(link("link", "target")).await.unwrap();
    assert_eq!(
        kit.head("link").await.unwrap().last_modified,
        START.plus_millis(10_000)
    );
    let Outcome::Symlink(info) = kit
        .run(Op::GetSymlink(at("bkt", "link", None)))
        .await
        .unwrap()
    else {
        panic!("no symlink");
    };
    assert_eq!(info.symlink_target, Some(key("target")));
    assert_eq!(info.etag, ETag::of_md5(&md5_of(&[b"target"])));
    let no_link = kit.run(Op::GetSymlink(at("bkt", "target", None))).await;
    assert_eq!(no_link, Err(FaultKind::NotSymlink));
    kit.run(link("chain", "link")).await.unwrap();
    assert_eq!(kit.get("chain").await, Err(FaultKind::InvalidTargetType));
    let facts = kit
        .store
        .object_facts(&at("bkt", "link", None), WithTags::No)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(facts.symlink_target, Some(key("target")));
    kit.assert_sound().await;
}

#[tokio::test]
async fn tags_and_lists_change_nothing_else() {
    let kit = Kit::new().await;
    let object = || at("bkt", "k", None);
    let missing = Err(FaultKind::NoSuchKey { marker: None });
    assert_eq!(kit.run(Op::GetObjectTagging(object())).await, missing);
    assert_eq!(kit.run(Op::GetObjectAcl(object())).await, missing);
    let facts = async |tags| kit.store.object_facts(&object(), tags).await.unwrap();
    assert_eq!(facts(WithTags::Yes).await, None);
    kit.put("k", &bytes(1, 100)).await;
    let before = kit.head("k").await.unwrap();
    kit.clock.advance_ms(5000);
    let tags = Tags::new(
        vec![Tag {
            key: "a".into(),
            value: "b".into(),
        }],
        10,
    )
    .unwrap();
    let put = Op::PutObjectTagging {
        object: object(),
        tags: tags.clone(),
    };
    assert_eq!(kit.run(put).await, Ok(Outcome::Touched(None)));
    let acl = ObjectAcl::PublicReadWrite;
    kit.run(Op::PutObjectAcl {
        object: object(),
        acl,
    })
    .await
    .unwrap();
    let told = kit.run(Op::GetObjectTagging(object())).await;
    assert_eq!(
        told,
        Ok(Outcome::Tagging {
            tags: tags.clone(),
            version: None
        })
    );
    let Ok(Outcome::ObjectAcl {
        owner, acl: told, ..
    }) = kit.run(Op::GetObjectAcl(object())).await
    else {
        panic!("no list");
    };
    assert_eq!((owner, told), (kit.caller.owner.clone(), acl));
    let brief = facts(WithTags::No).await.unwrap();
    assert_eq!((brief.acl, brief.tags), (acl, Tags::default()));
    let whole = facts(WithTags::Yes).await.unwrap();
    assert_eq!((whole.acl, whole.tags), (acl, tags.clone()));
    let after = kit.head("k").await.unwrap();
    assert_eq!(
        after,
        osier_types::ObjectInfo {
            tags,
            acl,
            ..before.clone()
        }
    );
    kit.run(Op::DeleteObjectTagging(object())).await.unwrap();
    assert_eq!(kit.head("k").await.unwrap().tags, Tags::default());
    assert_eq!(kit.get("k").await.unwrap(), bytes(1, 100));
    kit.assert_sound().await;
}

/// S08: keys are bytes without a meaning. Each comes back as itself, and as nothing else.
#[tokio::test]
async fn hostile_keys_come_back() {
    let kit = Kit::new().await;
    kit.versioning(osier_types::BucketVersioning::Enabled).await;
    let long = "ä".repeat(512);
    let mut keys: Vec<String> = [
        "..",
        ".",
        "../../etc/passwd",
        "/",
        "//",
        "a//b",
        "a/./b",
        "a/../b",
        "\\",
        "C:\\x",
        "\0",
        "\0\0",
        "a\0",
        "\0a",
        "\u{1}",
        "\u{7f}",
        "\u{ff}",
        "\u{fffd}",
        "\u{10ffff}",
        "\u{feff}",
        "%2e%2e",
        "%00",
        "é",
        "e\u{301}",
        " ",
        "\n",
        "\r\n",
        "a?b#c",
        "null",
        "CON",
        "-rf",
        "~",
        "*",
        "'",
        "\"",
        "<x>",
        "&amp;",
        "{}",
        "${x}",
        "a/",
        "a",
        "A",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.push(long);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let any =
        proptest::string::string_regex("(?s)[./\\\\%\0\u{1}\u{ff}a-c\u{10000}.]{1,40}").unwrap();
    while keys.len() < 500 {
        keys.push(any.new_tree(&mut runner).unwrap().current());
    }
    keys.sort();
    keys.dedup();
    for text in &keys {
        kit.put(text, format!("first {text}").as_bytes()).await;
    }
    for text in &keys {
        kit.put(text, text.as_bytes()).await;
    }
    for text in &keys {
        assert_eq!(kit.get(text).await.unwrap(), text.as_bytes(), "{text:?}");
    }
    let mut listed = Vec::new();
    let mut after = String::new();
    loop {
        let page = kit.list(list_op("", "", &after, 37)).await;
        listed.extend(
            page.objects
                .iter()
                .map(|entry| entry.key.as_str().to_owned()),
        );
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(listed, keys);
    for text in keys.iter().step_by(2) {
        for entry in kit
            .versions(versions_op(text, "", "", None, 1000))
            .await
            .versions
        {
            if entry.key.as_str() == text {
                kit.delete(text, Some(entry.version)).await;
            }
        }
    }
    for (index, text) in keys.iter().enumerate() {
        assert_eq!(kit.get(text).await.is_err(), index % 2 == 0, "{text:?}");
    }
    kit.assert_sound().await;
}

/// Hashing in the background, reading ahead and pages of a real engine's size.
#[tokio::test]
async fn large_bodies() {
    let engine = osier_engine::memory::MemoryEngine::new();
    let limits = osier_engine::Engine::limits(&engine);
    let kit = Kit::with(limits, crate::StoreSettings::default()).await;
    for length in [4096, 4097, 16_385, 524_288, 3_000_001] {
        let body = bytes(3, length);
        let chunks = body.chunks(65_521).map(Bytes::copy_from_slice).collect();
        let mut op = put_op("k");
        op.expected.md5 = Some(md5_of(&[&body]));
        op.expected.length = Some(u64::try_from(length).unwrap());
        let mut source = Broken(chunks, None);
        kit.store
            .execute(&kit.caller, Op::PutObject(op), &mut source)
            .await
            .unwrap();
        assert_eq!(kit.get("k").await.unwrap(), body);
    }
    kit.assert_sound().await;
}
