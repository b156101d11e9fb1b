//! Appendable objects.

use osier_types::{BucketVersioning, FaultKind, ObjectKind, Op, Outcome};

use super::kit::*;

#[tokio::test]
async fn growing_from_a_row_into_pieces() {
    let kit = Kit::new().await;
    let mut all = Vec::new();
    let mut op = append_op("k", 0);
    op.new.user_meta = vec![("a".into(), b"b".to_vec())];
    for (number, length) in [0_usize, 5, 5, 30, 1, 0, 200, 40, 3000, 2]
        .into_iter()
        .enumerate()
    {
        let body = bytes(u8::try_from(number).unwrap(), length);
        op.position = u64::try_from(all.len()).unwrap();
        op.expected.length = (number % 2 == 0).then(|| u64::try_from(length).unwrap());
        all.extend_from_slice(&body);
        let appended = kit.append(op.clone(), &body).await.unwrap();
        assert_eq!(appended.next_position, u64::try_from(all.len()).unwrap());
        let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &all);
        assert_eq!((appended.crc64, appended.version), (crc64, None));
        assert_eq!(kit.get("k").await.unwrap(), all);
        let info = kit.head("k").await.unwrap();
        assert_eq!(
            (info.etag, info.crc64, info.md5),
            (appended.etag, Some(crc64), None)
        );
        assert_eq!(info.kind, ObjectKind::Appendable);
        kit.assert_sound().await;
    }
    assert_eq!(kit.head("k").await.unwrap().user_meta, op.new.user_meta);
    let again = kit.append(append_op("k", 7), b"x").await;
    let length = u64::try_from(all.len()).unwrap();
    assert_eq!(again, Err(FaultKind::PositionNotEqualToLength { length }));
}

#[tokio::test]
async fn refusals() {
    let kit = Kit::new().await;
    let absent = kit.append(append_op("k", 1), b"x").await;
    assert_eq!(
        absent,
        Err(FaultKind::PositionNotEqualToLength { length: 0 })
    );
    kit.put("normal", b"").await;
    let normal = kit.append(append_op("normal", 0), b"x").await;
    assert_eq!(normal, Err(FaultKind::ObjectNotAppendable));
    kit.append(append_op("k", 0), b"abc").await.unwrap();
    let mut forbidding = append_op("k", 0);
    forbidding.new.forbid_overwrite = true;
    assert_eq!(
        kit.append(forbidding, b"x").await,
        Err(FaultKind::FileAlreadyExists)
    );
    let settings = crate::StoreSettings {
        append_bytes_max: 10,
        ..crate::StoreSettings::default()
    };
    let limits = osier_engine::Engine::limits(&*kit.memory);
    let kit = Kit::with(limits, settings).await;
    kit.append(append_op("k", 0), b"12345678").await.unwrap();
    let large = kit.append(append_op("k", 8), b"abc").await;
    assert!(matches!(large, Err(FaultKind::EntityTooLarge { .. })));
    kit.append(append_op("k", 8), b"ab").await.unwrap();
    assert_eq!(kit.get("k").await.unwrap(), b"12345678ab");
}

#[tokio::test]
async fn sealing() {
    let kit = Kit::new().await;
    let seal = |position| Op::SealAppendObject {
        bucket: name("bkt"),
        key: key("k"),
        position,
    };
    assert_eq!(
        kit.run(seal(0)).await,
        Err(FaultKind::NoSuchKey { marker: None })
    );
    kit.append(append_op("k", 0), b"abc").await.unwrap();
    let wrong = kit.run(seal(2)).await;
    assert_eq!(
        wrong,
        Err(FaultKind::PositionNotEqualToLength { length: 3 })
    );
    assert_eq!(kit.run(seal(3)).await, Ok(Outcome::Sealed(START)));
    kit.clock.advance_ms(1000);
    assert_eq!(kit.run(seal(3)).await, Ok(Outcome::Sealed(START)));
    let more = kit.append(append_op("k", 3), b"d").await;
    assert_eq!(more, Err(FaultKind::ObjectNotAppendable));
    assert_eq!(kit.head("k").await.unwrap().sealed, Some(START));
    kit.put("k", b"normal").await;
    assert_eq!(kit.run(seal(6)).await, Err(FaultKind::ObjectNotAppendable));
}

#[tokio::test]
async fn an_append_keeps_its_version() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    let first = kit.append(append_op("k", 0), &bytes(1, 50)).await.unwrap();
    let second = kit.append(append_op("k", 50), &bytes(2, 50)).await.unwrap();
    assert!(first.version.is_some());
    assert_eq!(first.version, second.version);
    assert_eq!(kit.all_versions().await.len(), 1);
    kit.versioning(BucketVersioning::Suspended).await;
    let third = kit.append(append_op("k", 100), b"x").await.unwrap();
    assert_eq!(third.version, first.version);
    // Behind a marker it begins anew.
    kit.versioning(BucketVersioning::Enabled).await;
    kit.delete("k", None).await;
    let hidden = kit.append(append_op("k", 101), b"x").await;
    assert_eq!(
        hidden,
        Err(FaultKind::PositionNotEqualToLength { length: 0 })
    );
    let anew = kit.append(append_op("k", 0), b"y").await.unwrap();
    assert_ne!(anew.version, first.version);
    assert_eq!(kit.get("k").await.unwrap(), b"y");
    assert_eq!(
        kit.get_version("k", first.version.unwrap())
            .await
            .unwrap()
            .len(),
        101
    );
    kit.assert_sound().await;
}
