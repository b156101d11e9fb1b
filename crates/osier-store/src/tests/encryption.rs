//! Encryption at rest, over the engine in memory: what is told, and that nothing is in the clear.

use osier_types::{
    BucketEncryption, BucketVersioning, CompletedParts, ConfigKind, CustomerKey, ETag, Encrypted,
    Encryption, FaultKind, GetObjectAttributes, KmsEncryption, NewObject, ObjectAttribute,
    ObjectKind, Op, Outcome, RangeRequest, RangeSpec, UploadPart, UploadPartCopy,
};

use super::kit::*;
use crate::MasterKeys;
use crate::digest::md5_of;

/// Bytes that are found again if they lie anywhere in the clear.
fn canary(seed: u8, length: usize) -> Vec<u8> {
    let word = format!("canary {seed} in the clear; ");
    word.bytes().cycle().take(length).collect()
}

fn customer(seed: u8) -> CustomerKey {
    CustomerKey::new([seed; 32], md5_of(&[&[seed; 32]]))
}

fn kms(key_id: Option<&str>) -> Encryption {
    Encryption::Kms(KmsEncryption {
        key_id: key_id.map(str::to_owned),
        ..KmsEncryption::default()
    })
}

fn with(encryption: Option<Encryption>) -> NewObject {
    NewObject {
        encryption,
        ..NewObject::default()
    }
}

/// Each way to encrypt, with the key to read by.
fn ways() -> [(Encryption, Option<CustomerKey>); 3] {
    [
        (Encryption::Managed, None),
        (kms(Some("team")), None),
        (Encryption::Customer(customer(1)), Some(customer(1))),
    ]
}

async fn read(kit: &Kit, text: &str, key: Option<CustomerKey>) -> Result<Vec<u8>, FaultKind> {
    let mut op = get_op(text, None);
    op.customer_key = key;
    Ok(kit.get_with(op).await?.1)
}

fn assert_nothing_in_the_clear(kit: &Kit) {
    assert!(!kit.memory.holds(b"canary"));
    assert!(!kit.memory.holds(b"in the clear"));
}

#[tokio::test]
async fn s40_no_write_leaves_plaintext() {
    for (encryption, key) in ways() {
        let kit = Kit::new().await;
        // In rows and in blobs, of one piece and of several.
        for length in [0, 5, 100, 65_520, 200_000] {
            let body = canary(1, length);
            let text = format!("put {length}");
            let mut op = put_op(&text);
            op.new = with(Some(encryption.clone()));
            kit.put_with(op, &body).await.unwrap();
            assert_eq!(read(&kit, &text, key.clone()).await.unwrap(), body);
            for (first, last) in [(0, 0), (3, 90), (65_519, 65_521), (150_000, 199_999)] {
                let mut op = get_op(&text, None);
                op.customer_key.clone_from(&key);
                op.range = Some(RangeRequest {
                    spec: RangeSpec::FromTo(first, last),
                    standard: false,
                });
                let (read, part) = kit.get_with(op).await.unwrap();
                let fits = usize::try_from(last).unwrap() < length;
                assert_eq!(read.range.is_some(), fits);
                let whole = &body[..];
                let expected = if fits {
                    &whole[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()]
                } else {
                    whole
                };
                assert_eq!(part, expected);
            }
            // Another key, the same bytes, under the same data key.
            let mut op = copy_op(&text, None, "copy");
            op.source.customer_key.clone_from(&key);
            op.new = with(Some(encryption.clone()));
            let copied = kit.copy(op).await.unwrap();
            assert!(copied.encryption.is_some());
            assert_eq!(read(&kit, "copy", key.clone()).await.unwrap(), body);
        }
        let id = kit
            .initiate_with("parts", false, with(Some(encryption.clone())))
            .await;
        let mut whole = Vec::new();
        for number in 1..=3_u16 {
            let body = canary(2, 70_000 + usize::from(number));
            let op = UploadPart {
                upload: upload("parts", &id),
                part_number: number,
                customer_key: key.clone(),
                expected: osier_types::Expected::default(),
            };
            kit.send(Op::UploadPart(op), &body).await.unwrap();
            whole.extend_from_slice(&body);
        }
        let op = UploadPartCopy {
            upload: upload("parts", &id),
            part_number: 4,
            customer_key: key.clone(),
            source: osier_types::CopySource {
                object: at("bkt", "put 200000", None),
                customer_key: key.clone(),
                conditions: osier_types::ReadConditions::default(),
            },
            range: Some(RangeSpec::FromTo(100, 150_000)),
            range_must_fit: true,
        };
        kit.run(Op::UploadPartCopy(op)).await.unwrap();
        whole.extend_from_slice(&canary(1, 200_000)[100..=150_000]);
        assert_nothing_in_the_clear(&kit);
        kit.complete("parts", &id, CompletedParts::All)
            .await
            .unwrap();
        assert_eq!(read(&kit, "parts", key.clone()).await.unwrap(), whole);
        assert_nothing_in_the_clear(&kit);
        kit.assert_sound().await;
        let again = kit.reopen().await;
        assert_eq!(read(&again, "parts", key.clone()).await.unwrap(), whole);
    }
}

#[tokio::test]
async fn s40_appends_leave_no_plaintext() {
    for encryption in [Encryption::Managed, kms(None)] {
        let kit = Kit::new().await;
        let mut whole = Vec::new();
        for step in [5, 3, 60, 200, 70_000, 1, 150_000, 40] {
            let body = canary(3, step);
            let mut op = append_op("grown", whole.len().try_into().unwrap());
            op.new = with(Some(encryption.clone()));
            let appended = kit.append(op, &body).await.unwrap();
            whole.extend_from_slice(&body);
            assert!(appended.encryption.is_some());
            assert_eq!(kit.get("grown").await.unwrap(), whole);
            assert_nothing_in_the_clear(&kit);
        }
        let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &whole);
        assert_eq!(kit.head("grown").await.unwrap().crc64, Some(crc64));
        kit.assert_sound().await;
    }
}

#[tokio::test]
async fn the_default_of_the_bucket() {
    let kit = Kit::new().await;
    let bucket = || name("bkt");
    let unset = Err(FaultKind::NoSuchConfig(ConfigKind::Encryption));
    let told = || kit.run(Op::GetBucketEncryption { bucket: bucket() });
    assert_eq!(told().await, unset);
    kit.put("before", b"in the clear").await;
    kit.encrypt_by_default(Some(BucketEncryption::Managed))
        .await;
    let managed = Outcome::BucketEncryption(BucketEncryption::Managed);
    assert_eq!(told().await, Ok(managed));
    let written = kit.put("k", b"some bytes").await;
    assert_eq!(written.encryption, Some(Encrypted::Managed));
    assert_eq!(written.etag, ETag::of_md5(&md5_of(&[b"some bytes"])));
    let info = kit.head("k").await.unwrap();
    assert_eq!(info.encryption, Some(Encrypted::Managed));
    assert_eq!(info.etag, written.etag);
    assert!(kit.head("before").await.unwrap().encryption.is_none());
    let wanted = BucketEncryption::Kms(KmsEncryption {
        key_id: Some("nothing".into()),
        ..KmsEncryption::default()
    });
    let op = Op::PutBucketEncryption {
        bucket: bucket(),
        encryption: wanted,
    };
    let key_id = "nothing".to_owned();
    assert_eq!(
        kit.run(op).await,
        Err(FaultKind::NoSuchMasterKey { key_id })
    );
    // The key of objects that name none can't be named.
    let mut op = put_op("k");
    op.new = with(Some(kms(Some("managed"))));
    let refused = kit.put_with(op, b"").await;
    assert!(matches!(refused, Err(FaultKind::NoSuchMasterKey { .. })));
    let kit = kit.reopen().await;
    assert_eq!(
        kit.put("again", b"1").await.encryption,
        Some(Encrypted::Managed)
    );
    kit.encrypt_by_default(None).await;
    assert_eq!(kit.put("k", b"1").await.encryption, None);
    kit.assert_sound().await;
}

#[tokio::test]
async fn tags_that_are_no_digests() {
    let kit = Kit::new().await;
    let body = canary(4, 100);
    for (encryption, key) in ways() {
        let is_digest = matches!(encryption, Encryption::Managed);
        let mut op = put_op("k");
        op.new = with(Some(encryption.clone()));
        let written = kit.put_with(op, &body).await.unwrap();
        let digest = ETag::of_md5(&md5_of(&[&body]));
        assert_eq!(written.etag == digest, is_digest);
        let mut op = get_op("k", None);
        op.customer_key = key;
        let (read, _) = kit.get_with(op).await.unwrap();
        assert_eq!(read.info.etag, written.etag);
        assert_eq!(read.info.md5.is_some(), is_digest);
        assert_eq!(read.info.crc64, Some(written.crc64));
        assert_eq!(read.info.encryption, written.encryption);
    }
    let told = |key: &str| {
        let key_id = Some(key.to_owned());
        Some(Encrypted::Kms(KmsEncryption {
            key_id,
            ..KmsEncryption::default()
        }))
    };
    let mut op = put_op("k");
    op.new = with(Some(kms(None)));
    assert_eq!(
        kit.put_with(op, b"1").await.unwrap().encryption,
        told("default")
    );
}

#[tokio::test]
async fn keys_of_customers() {
    let kit = Kit::new().await;
    let mut op = put_op("k");
    op.new = with(Some(Encryption::Customer(customer(1))));
    let written = kit.put_with(op, &canary(5, 300)).await.unwrap();
    let key_md5 = customer(1).md5();
    assert_eq!(written.encryption, Some(Encrypted::Customer { key_md5 }));
    // Neither the key nor its digest is anywhere.
    assert!(!kit.memory.holds(&[1; 32]) && !kit.memory.holds(&key_md5));
    let missing = FaultKind::CustomerKeyMissing;
    let wrong = FaultKind::CustomerKeyWrong;
    assert_eq!(kit.get("k").await, Err(missing.clone()));
    assert_eq!(kit.head("k").await.unwrap_err(), missing);
    assert_eq!(read(&kit, "k", Some(customer(2))).await, Err(wrong.clone()));
    kit.put("plain", b"1").await;
    let unwanted = read(&kit, "plain", Some(customer(1))).await;
    assert_eq!(unwanted, Err(FaultKind::CustomerKeyUnwanted));
    // Tags and lists of access need no key.
    let tagging = Op::GetObjectTagging(at("bkt", "k", None));
    kit.run(tagging).await.unwrap();
    // A copy needs both: its source's key to read, and one of its own.
    let mut op = copy_op("k", None, "copy");
    op.new = with(Some(Encryption::Customer(customer(2))));
    assert_eq!(kit.copy(op.clone()).await, Err(missing.clone()));
    op.source.customer_key = Some(customer(2));
    assert_eq!(kit.copy(op.clone()).await, Err(wrong.clone()));
    op.source.customer_key = Some(customer(1));
    let blobs = kit.memory.blobs().len();
    kit.copy(op).await.unwrap();
    assert_eq!(kit.memory.blobs().len(), blobs, "no bytes moved");
    assert_eq!(
        read(&kit, "copy", Some(customer(2))).await.unwrap(),
        canary(5, 300)
    );
    // An upload keeps to the key that it was begun with.
    let id = kit
        .initiate_with(
            "parts",
            false,
            with(Some(Encryption::Customer(customer(3)))),
        )
        .await;
    let part = |key| UploadPart {
        upload: upload("parts", &id),
        part_number: 1,
        customer_key: key,
        expected: osier_types::Expected::default(),
    };
    for (key, refusal) in [(None, missing), (Some(customer(1)), wrong)] {
        let refused = kit.send(Op::UploadPart(part(key)), b"12345678").await;
        assert_eq!(refused.unwrap_err(), refusal);
    }
    kit.send(Op::UploadPart(part(Some(customer(3)))), b"12345678")
        .await
        .unwrap();
    kit.complete("parts", &id, CompletedParts::All)
        .await
        .unwrap();
    assert_eq!(
        read(&kit, "parts", Some(customer(3))).await.unwrap(),
        b"12345678"
    );
    assert_nothing_in_the_clear(&kit);
    kit.assert_sound().await;
}

/// Every way to every other, and what becomes of tag and bytes.
#[tokio::test]
async fn copies_from_each_way_to_each() {
    for versioned in [false, true] {
        let kit = Kit::new().await;
        if versioned {
            kit.versioning(BucketVersioning::Enabled).await;
        }
        let body = canary(6, 150);
        let all = || {
            let some = ways().map(|(encryption, key)| (Some(encryption), key));
            some.into_iter().chain([(None, None)])
        };
        for (from, from_key) in all() {
            for (to, to_key) in all() {
                let mut op = put_op("from");
                op.new = with(from.clone());
                kit.put_with(op, &body).await.unwrap();
                let blobs = kit.memory.blobs().len();
                let mut op = copy_op("from", None, "to");
                op.source.customer_key.clone_from(&from_key);
                op.new = with(to.clone());
                let copied = kit.copy(op).await.unwrap();
                let moved = kit.memory.blobs().len() > blobs;
                if versioned {
                    assert_eq!(moved, from.is_some() != to.is_some(), "{from:?} {to:?}");
                }
                let mut op = get_op("to", None);
                op.customer_key.clone_from(&to_key);
                let (read, bytes) = kit.get_with(op).await.unwrap();
                assert_eq!(bytes, body);
                assert_eq!(read.info.etag, copied.etag);
                assert_eq!(read.info.encryption, copied.encryption);
                assert_eq!(copied.encryption.is_some(), to.is_some());
                let is_digest = matches!(to, None | Some(Encryption::Managed));
                let digest = ETag::of_md5(&md5_of(&[&body]));
                assert_eq!(copied.etag == digest, is_digest, "{from:?} {to:?}");
                assert_eq!(read.info.md5.is_some(), is_digest);
            }
        }
        kit.assert_sound().await;
    }
}

#[tokio::test]
async fn a_copy_onto_itself_stays_encrypted() {
    let kit = Kit::new().await;
    let mut op = put_op("k");
    op.new = with(Some(kms(Some("team"))));
    kit.put_with(op, &canary(7, 100)).await.unwrap();
    let copied = kit.copy(copy_op("k", None, "k")).await.unwrap();
    assert!(matches!(copied.encryption, Some(Encrypted::Kms(_))));
    assert_eq!(kit.get("k").await.unwrap(), canary(7, 100));
    assert_nothing_in_the_clear(&kit);
    kit.assert_sound().await;
}

#[tokio::test]
async fn symlinks_lead_to_encrypted_objects() {
    let kit = Kit::new().await;
    kit.encrypt_by_default(Some(BucketEncryption::Managed))
        .await;
    kit.put("target", &canary(8, 40)).await;
    let link = osier_types::PutSymlink {
        bucket: name("bkt"),
        key: key("link"),
        target: key("target"),
        new: NewObject::default(),
    };
    kit.run(Op::PutSymlink(link)).await.unwrap();
    assert_eq!(kit.get("link").await.unwrap(), canary(8, 40));
    let info = kit.head("link").await.unwrap();
    assert_eq!(info.encryption, Some(Encrypted::Managed));
    assert_eq!(info.kind, ObjectKind::Symlink);
}

#[tokio::test]
async fn keys_rotate_and_must_stay() {
    let kit = Kit::new().await;
    kit.encrypt_by_default(Some(BucketEncryption::Managed))
        .await;
    kit.put("old", b"old bytes").await;
    let (before, rng) = kit.keys();
    let mut rotated = before.clone();
    rotated.rotate("managed", rng).unwrap();
    rotated.add("new", rng).unwrap();
    let kit = kit.reopen_with(rotated.clone()).await.unwrap();
    kit.put("new", b"new bytes").await;
    assert_eq!(kit.get("old").await.unwrap(), b"old bytes");
    assert_eq!(kit.get("new").await.unwrap(), b"new bytes");
    // Without the newer version what was written under it would be lost.
    let refused = kit.reopen_with(before).await;
    assert!(matches!(refused, Err(crate::MasterKeysUnfit::Missing(..))));
    let others = MasterKeys::generate(rng);
    let refused = kit.reopen_with(others).await;
    assert!(matches!(refused, Err(crate::MasterKeysUnfit::Another(..))));
    let text = rotated.to_text();
    assert_eq!(MasterKeys::parse(&text).unwrap(), rotated);
    assert!(!format!("{rotated:?}").contains(text.get(20..60).unwrap()));
}

#[test]
fn lists_of_master_keys() {
    let secret = "ab".repeat(32);
    let good = format!("# two\n\nmanaged 1 {secret}\ndefault 2 {secret}\n");
    let keys = MasterKeys::parse(&good).unwrap();
    assert_eq!(keys.list(), [("default", 2), ("managed", 1)]);
    for bad in [
        String::new(),
        format!("managed 1 {secret}"),
        format!("{good}a b {secret}"),
        format!("{good}a 0 {secret}"),
        format!("{good}a 1 {secret}0"),
        format!("{good}a 1"),
        format!("{good}managed 1 {secret}"),
        format!("{good}\u{e4} 1 {secret}"),
        format!("{good}a 1 {}", "zz".repeat(32)),
    ] {
        let error = MasterKeys::parse(&bad).unwrap_err();
        assert!(!error.to_string().contains(&secret), "{bad}");
    }
}

#[tokio::test]
async fn rows_moved_elsewhere_do_not_open() {
    let kit = Kit::new().await;
    kit.encrypt_by_default(Some(BucketEncryption::Managed))
        .await;
    kit.put("secret", &canary(9, 100)).await;
    let bucket = kit.store.open_bucket(&name("bkt")).unwrap();
    let row = kit
        .store
        .get_row(&bucket, osier_engine::Family::Current, b"secret")
        .await
        .unwrap()
        .unwrap();
    let mut batch = osier_engine::Batch::default();
    let moved = bytes::Bytes::from_static(b"public");
    batch.puts.push((osier_engine::Family::Current, moved, row));
    kit.store
        .engine()
        .commit(bucket.table, b"public", batch)
        .await
        .unwrap();
    assert_eq!(kit.get("public").await, Err(FaultKind::Damaged));
}

#[tokio::test]
async fn parts_are_read_by_their_numbers() {
    for encryption in [None, Some(Encryption::Managed)] {
        let kit = Kit::new().await;
        let id = kit.initiate_with("k", false, with(encryption)).await;
        for number in [2, 5, 9_u16] {
            let body = bytes(u8::try_from(number).unwrap(), 20 + usize::from(number));
            kit.part("k", &id, number, &body).await.unwrap();
        }
        kit.complete("k", &id, CompletedParts::All).await.unwrap();
        let part = |number| {
            let mut op = get_op("k", None);
            op.part = Some(number);
            op
        };
        let (read, body) = kit.get_with(part(5)).await.unwrap();
        assert_eq!(body, bytes(5, 25));
        assert_eq!((read.info.parts, read.part), (Some(3), Some(5)));
        assert_eq!(read.range.unwrap().start, 22);
        assert_eq!(
            kit.get_with(part(1)).await.unwrap_err(),
            FaultKind::InvalidPart { number: 1 }
        );
        let attributes = |marker, max_parts| {
            Op::GetObjectAttributes(GetObjectAttributes {
                object: at("bkt", "k", None),
                customer_key: None,
                attributes: vec![ObjectAttribute::ObjectParts],
                part_number_marker: marker,
                max_parts,
            })
        };
        let Outcome::ObjectAttributes(told) = kit.run(attributes(2, 1)).await.unwrap() else {
            panic!("no attributes");
        };
        let parts = told.parts.unwrap();
        assert_eq!((parts.total, parts.is_truncated), (3, true));
        assert_eq!(parts.parts.len(), 1);
        assert_eq!((parts.parts[0].number, parts.parts[0].size), (5, 25));
        kit.put("whole", b"12345").await;
        let mut op = get_op("whole", None);
        op.part = Some(1);
        assert_eq!(kit.get_with(op).await.unwrap().1, b"12345");
        kit.delete("k", None).await;
        kit.assert_sound().await;
    }
}
