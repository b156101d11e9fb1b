//! Uploads in parts.

use osier_types::{
    CompletedParts, ETag, FaultKind, ListMultipartUploads, ListParts, NewObject, ObjectAcl,
    ObjectKind, Op, Outcome, PartPage, RangeSpec, StorageClass, UploadPage, limits,
};

use super::kit::*;
use crate::digest::md5_of;

async fn parts(kit: &Kit, id: &str, marker: u16, max_parts: u32) -> PartPage {
    let op = ListParts {
        upload: upload("k", id),
        part_number_marker: marker,
        max_parts,
        url_encoded: false,
    };
    match kit.run(Op::ListParts(op)).await.unwrap() {
        Outcome::Parts(page) => page,
        other => panic!("{other:?}"),
    }
}

async fn uploads(kit: &Kit, delimiter: &str, key_marker: &str, id: &str, max: u32) -> UploadPage {
    let op = ListMultipartUploads {
        bucket: name("bkt"),
        prefix: String::new(),
        delimiter: delimiter.into(),
        key_marker: key_marker.into(),
        upload_id_marker: id.into(),
        max_uploads: max,
        url_encoded: false,
    };
    match kit.run(Op::ListMultipartUploads(op)).await.unwrap() {
        Outcome::Uploads(page) => page,
        other => panic!("{other:?}"),
    }
}

fn listed(parts: &[(u16, &ETag)]) -> CompletedParts {
    let part = |(number, etag): &(u16, &ETag)| (*number, etag.quoted());
    CompletedParts::Listed(parts.iter().map(part).collect())
}

#[tokio::test]
async fn from_beginning_to_end() {
    let kit = Kit::new().await;
    let new = NewObject {
        user_meta: vec![("a".into(), b"b".to_vec())],
        storage_class: Some(StorageClass::Ia),
        acl: Some(ObjectAcl::Private),
        ..NewObject::default()
    };
    let id = kit.initiate_with("k", false, new.clone()).await;
    assert_eq!(id.len(), 32);
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    );
    assert_eq!(parts(&kit, &id, 0, 1000).await.parts, []);
    // In any order, with gaps, and one twice.
    let seven = kit.part("k", &id, 7, &bytes(7, 20)).await.unwrap();
    kit.part("k", &id, 2, &bytes(9, 30)).await.unwrap();
    let two = kit.part("k", &id, 2, &bytes(2, 50)).await.unwrap();
    let unused = kit.part("k", &id, 5, &bytes(5, 60)).await.unwrap();
    let last = kit.part("k", &id, 10_000, &bytes(1, 3)).await.unwrap();
    assert_eq!(two, ETag::of_md5(&md5_of(&[&bytes(2, 50)])));
    let page = parts(&kit, &id, 0, 2).await;
    let numbers: Vec<_> = page.parts.iter().map(|part| part.number).collect();
    assert_eq!(
        (numbers, page.is_truncated, page.storage_class),
        (vec![2, 5], true, StorageClass::Ia)
    );
    let page = parts(&kit, &id, 5, 2).await;
    let numbers: Vec<_> = page.parts.iter().map(|part| part.number).collect();
    assert_eq!((numbers, page.is_truncated), (vec![7, 10_000], false));
    assert_eq!(page.parts[0].etag, seven);
    assert!(kit.list(list_op("", "", "", 10)).await.objects.is_empty());
    assert_eq!(kit.memory.blobs().len(), 4);
    let blobs = kit.memory.blobs().len();
    let _ = unused;
    let (etag, version) = kit
        .complete("k", &id, listed(&[(2, &two), (7, &seven), (10_000, &last)]))
        .await
        .unwrap();
    assert_eq!((version, kit.memory.blobs().len()), (None, blobs - 1));
    let whole = [bytes(2, 50), bytes(7, 20), bytes(1, 3)].concat();
    assert_eq!(kit.get("k").await.unwrap(), whole);
    let digests = [bytes(2, 50), bytes(7, 20), bytes(1, 3)].map(|body| md5_of(&[&body]));
    let digests: Vec<&[u8]> = digests.iter().map(|md5| &md5[..]).collect();
    assert_eq!(etag, ETag::of_parts(&md5_of(&digests), 3));
    let info = kit.head("k").await.unwrap();
    let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &whole);
    assert_eq!(
        (info.kind, info.md5, info.crc64),
        (ObjectKind::Multipart, None, Some(crc64))
    );
    assert_eq!((info.etag, info.user_meta), (etag, new.user_meta));
    assert_eq!(
        (info.storage_class, info.acl),
        (StorageClass::Ia, ObjectAcl::Private)
    );
    let again = kit.complete("k", &id, CompletedParts::All).await;
    assert_eq!(
        again,
        Err(FaultKind::NoSuchUpload {
            upload_id: id.clone()
        })
    );
    assert_eq!(
        kit.part("k", &id, 1, b"x").await,
        Err(FaultKind::NoSuchUpload { upload_id: id })
    );
    kit.assert_sound().await;
}

#[tokio::test]
async fn completions_that_are_refused_change_nothing() {
    let kit = Kit::new().await;
    let id = kit.initiate("k").await;
    let one = kit.part("k", &id, 1, &bytes(1, 50)).await.unwrap();
    let two = kit.part("k", &id, 2, &bytes(2, 7)).await.unwrap();
    let three = kit.part("k", &id, 3, &bytes(3, 50)).await.unwrap();
    let refused = [
        (
            listed(&[(1, &one), (3, &one)]),
            FaultKind::InvalidPart { number: 3 },
        ),
        (
            listed(&[(1, &one), (4, &one)]),
            FaultKind::InvalidPart { number: 4 },
        ),
        (listed(&[]), FaultKind::InvalidPart { number: 1 }),
        (
            listed(&[(3, &three), (1, &one)]),
            FaultKind::InvalidPartOrder,
        ),
        (listed(&[(1, &one), (1, &one)]), FaultKind::InvalidPartOrder),
        (
            listed(&[(2, &two), (3, &three)]),
            FaultKind::EntityTooSmall { min: 8 },
        ),
        (CompletedParts::All, FaultKind::EntityTooSmall { min: 8 }),
    ];
    for (chosen, fault) in refused {
        assert_eq!(kit.complete("k", &id, chosen).await, Err(fault));
    }
    let mut op = complete_op("k", &id, listed(&[(1, &one), (2, &two)]));
    op.crc64 = Some(5);
    let wrong = kit.run(Op::CompleteMultipartUpload(op.clone())).await;
    assert!(matches!(
        wrong,
        Err(FaultKind::InvalidCrc64 { sent: 5, .. })
    ));
    kit.put("k", b"there").await;
    op.crc64 = None;
    op.forbid_overwrite = true;
    let exists = kit.run(Op::CompleteMultipartUpload(op.clone())).await;
    assert_eq!(exists, Err(FaultKind::FileAlreadyExists));
    let elsewhere = kit.complete("other", &id, CompletedParts::All).await;
    assert_eq!(
        elsewhere,
        Err(FaultKind::NoSuchUpload {
            upload_id: id.clone()
        })
    );
    kit.assert_sound().await;
    assert_eq!(parts(&kit, &id, 0, 10).await.parts.len(), 3);
    // A part that is the last may be small.
    kit.delete("k", None).await;
    kit.run(Op::CompleteMultipartUpload(op)).await.unwrap();
    assert_eq!(kit.get("k").await.unwrap().len(), 57);
    kit.assert_sound().await;
}

#[tokio::test]
async fn the_smallest_part_is_as_documented() {
    let engine = osier_engine::memory::MemoryEngine::new();
    let limits_ = osier_engine::Engine::limits(&engine);
    let kit = Kit::with(limits_, crate::StoreSettings::default()).await;
    let min = usize::try_from(limits::PART_BYTES_MIN).unwrap();
    for (length, fits) in [(min - 1, false), (min, true)] {
        let id = kit.initiate("k").await;
        kit.part("k", &id, 1, &bytes(1, length)).await.unwrap();
        kit.part("k", &id, 2, b"x").await.unwrap();
        let done = kit.complete("k", &id, CompletedParts::All).await;
        assert_eq!(done.is_ok(), fits);
    }
    kit.assert_sound().await;
}

#[tokio::test]
async fn many_parts_become_a_manifest() {
    let kit = Kit::new().await;
    let id = kit.initiate("k").await;
    let mut whole = Vec::new();
    for number in 1..=2100_u16 {
        let body = bytes(
            u8::try_from(number % 256).unwrap(),
            8 + usize::from(number % 5),
        );
        whole.extend_from_slice(&body);
        kit.part("k", &id, number, &body).await.unwrap();
    }
    kit.complete("k", &id, CompletedParts::All).await.unwrap();
    assert_eq!(kit.get("k").await.unwrap(), whole);
    for (first, last) in [(0, 5), (9_990, 10_100), (12_345, 20_999)] {
        let mut op = get_op("k", None);
        let spec = RangeSpec::FromTo(first, last);
        op.range = Some(osier_types::RangeRequest {
            spec,
            standard: true,
        });
        let range = usize::try_from(first).unwrap()..=usize::try_from(last).unwrap();
        assert_eq!(kit.get_with(op).await.unwrap().1, whole[range]);
    }
    kit.copy(copy_op("k", None, "copy")).await.unwrap();
    // A part that refers to very many pieces is written anew.
    let id = kit.initiate("part").await;
    kit.part_copy("part", &id, 1, "copy", None).await.unwrap();
    let range = Some(RangeSpec::FromTo(100, 5_000));
    kit.part_copy("part", &id, 2, "copy", range).await.unwrap();
    kit.complete("part", &id, CompletedParts::All)
        .await
        .unwrap();
    let expected = [&whole[..], &whole[100..=5_000]].concat();
    assert_eq!(kit.get("part").await.unwrap(), expected);
    kit.assert_sound().await;
    for text in ["k", "copy", "part"] {
        kit.delete(text, None).await;
    }
    assert!(kit.memory.blobs().is_empty());
    kit.assert_sound().await;
}

#[tokio::test]
async fn parts_by_reference() {
    let kit = Kit::new().await;
    let source = bytes(1, 100);
    kit.put("from", &source).await;
    kit.put("small", b"tiny").await;
    let id = kit.initiate("k").await;
    let whole = kit.part_copy("k", &id, 1, "from", None).await.unwrap();
    assert_eq!(whole, ETag::of_md5(&md5_of(&[&source])));
    let range = Some(RangeSpec::FromTo(10, 49));
    let part = kit.part_copy("k", &id, 2, "from", range).await.unwrap();
    assert_eq!(part, ETag::of_md5(&md5_of(&[&source[10..50]])));
    assert_eq!(kit.memory.blobs().len(), 1, "no bytes were written");
    kit.part_copy("k", &id, 3, "small", None).await.unwrap();
    kit.delete("from", None).await;
    kit.complete("k", &id, CompletedParts::All).await.unwrap();
    let expected = [&source[..], &source[10..50], b"tiny"].concat();
    assert_eq!(kit.get("k").await.unwrap(), expected);
    kit.assert_sound().await;
    let id = kit.initiate("k").await;
    let missing = kit.part_copy("k", &id, 1, "none", None).await;
    assert_eq!(missing, Err(FaultKind::NoSuchKey { marker: None }));
    let unknown = kit.part_copy("k", "nonsense", 1, "k", None).await;
    assert_eq!(
        unknown,
        Err(FaultKind::NoSuchUpload {
            upload_id: "nonsense".into()
        })
    );
}

#[tokio::test]
async fn sequential_uploads_keep_their_order() {
    let kit = Kit::new().await;
    let id = kit.initiate_with("k", true, NewObject::default()).await;
    let out_of_turn = Err(FaultKind::PartNotSequential);
    assert_eq!(kit.part("k", &id, 2, &bytes(1, 10)).await, out_of_turn);
    kit.part("k", &id, 1, &bytes(1, 10)).await.unwrap();
    assert_eq!(kit.part("k", &id, 3, &bytes(1, 10)).await, out_of_turn);
    kit.part("k", &id, 2, &bytes(1, 10)).await.unwrap();
    kit.part("k", &id, 2, &bytes(2, 10)).await.unwrap();
    assert_eq!(kit.part("k", &id, 1, &bytes(1, 10)).await, out_of_turn);
    kit.complete("k", &id, CompletedParts::All).await.unwrap();
    assert_eq!(
        kit.get("k").await.unwrap(),
        [bytes(1, 10), bytes(2, 10)].concat()
    );
    kit.assert_sound().await;
}

#[tokio::test]
async fn numbers_and_ids_that_can_not_be() {
    let kit = Kit::new().await;
    let id = kit.initiate("k").await;
    for number in [0, 10_001, u16::MAX] {
        let refused = kit.part("k", &id, number, b"x").await;
        assert!(matches!(refused, Err(FaultKind::InvalidArgument { .. })));
    }
    for hostile in [
        "",
        "x",
        "../..",
        "\0",
        &"A".repeat(32),
        &"A".repeat(100_000),
    ] {
        let refused = kit.part("k", hostile, 1, b"x").await;
        assert!(
            matches!(refused, Err(FaultKind::NoSuchUpload { .. })),
            "{hostile}"
        );
    }
    kit.assert_sound().await;
}

#[tokio::test]
async fn listing_uploads() {
    let kit = Kit::new().await;
    let mut all = Vec::new();
    for text in ["a", "a", "a", "dir/1", "dir/2", "z"] {
        all.push((text.to_owned(), kit.initiate(text).await));
    }
    all.sort();
    let entries = |page: &UploadPage| -> Vec<(String, String)> {
        let pair =
            |it: &osier_types::UploadEntry| (it.key.as_str().to_owned(), it.upload_id.clone());
        page.uploads.iter().map(pair).collect()
    };
    let page = uploads(&kit, "", "", "", 1000).await;
    assert_eq!((entries(&page), page.next.clone()), (all.clone(), None));
    assert_eq!(page.uploads[0].initiated, START);
    let page = uploads(&kit, "", "", "", 2).await;
    assert_eq!(entries(&page), all[..2]);
    let (key_marker, id) = page.next.clone().unwrap();
    assert_eq!(
        entries(&uploads(&kit, "", &key_marker, &id, 1000).await),
        all[2..]
    );
    // Without an id the marker means the whole key; an id without a key means nothing.
    assert_eq!(entries(&uploads(&kit, "", "a", "", 1000).await), all[3..]);
    assert_eq!(entries(&uploads(&kit, "", "", &id, 1000).await), all);
    let page = uploads(&kit, "/", "a", "", 1).await;
    assert_eq!(
        (page.common_prefixes.clone(), page.uploads.len()),
        (vec!["dir/".to_owned()], 0)
    );
    let (key_marker, id) = page.next.clone().unwrap();
    let page = uploads(&kit, "/", &key_marker, &id, 10).await;
    assert_eq!(
        (entries(&page), page.common_prefixes.len()),
        (all[5..].to_vec(), 0)
    );
    let bucket = name("bkt");
    assert_eq!(
        kit.run(Op::DeleteBucket { bucket }).await,
        Err(FaultKind::BucketNotEmpty)
    );
}

#[tokio::test]
async fn s3_may_complete_twice() {
    let kit = Kit::new().await;
    let id = kit.initiate("k").await;
    let tag = kit.part("k", &id, 1, &bytes(1, 40)).await.unwrap();
    let complete = async |text: &str, id: &str, tag: &str| {
        let listed = CompletedParts::Listed(vec![(1, tag.to_owned())]);
        let mut op = complete_op(text, id, listed);
        op.repeatable = true;
        match kit.run(Op::CompleteMultipartUpload(op)).await? {
            Outcome::UploadCompleted { etag, version, .. } => Ok((etag, version)),
            other => panic!("{other:?}"),
        }
    };
    let unknown = || {
        Err(FaultKind::NoSuchUpload {
            upload_id: id.clone(),
        })
    };
    let first = complete("k", &id, tag.as_str()).await;
    assert!(first.is_ok());
    assert_eq!(
        complete("k", &id, &tag.quoted().to_lowercase()).await,
        first
    );
    // Other parts, another key, another upload.
    assert_eq!(complete("k", &id, &"0".repeat(32)).await, unknown());
    assert_eq!(complete("k2", &id, tag.as_str()).await, unknown());
    assert!(complete("k", &"0".repeat(32), tag.as_str()).await.is_err());
    // A copy came from no upload.
    kit.copy(copy_op("k", None, "k2")).await.unwrap();
    assert_eq!(complete("k2", &id, tag.as_str()).await, unknown());
    // OSS says no.
    let again = CompletedParts::Listed(vec![(1, tag.as_str().to_owned())]);
    assert!(kit.complete("k", &id, again).await.is_err());
    kit.put("k", b"newer").await;
    assert_eq!(complete("k", &id, tag.as_str()).await, unknown());
    kit.assert_sound().await;
}
