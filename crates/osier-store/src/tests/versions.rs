//! Versions, delete markers, the null version.

use osier_types::{BucketVersioning, FaultKind, ObjectDeleted, Op, Outcome, Tags, VersionId};

use super::kit::*;

const NULL: VersionId = VersionId::Null;

async fn ids(kit: &Kit) -> Vec<(VersionId, bool, bool)> {
    let entries = kit.all_versions().await;
    let row =
        |entry: osier_types::VersionEntry| (entry.version, entry.is_latest, entry.object.is_none());
    entries.into_iter().map(row).collect()
}

#[tokio::test]
async fn enabled_keeps_everything() {
    let kit = Kit::new().await;
    kit.put("k", b"zero").await;
    kit.versioning(BucketVersioning::Enabled).await;
    let one = kit.put("k", b"one").await.version.unwrap();
    let two = kit.put("k", &bytes(2, 100)).await.version.unwrap();
    assert_ne!(one, two);
    let marker = kit.delete("k", None).await;
    assert!(marker.is_marker);
    let marker = marker.version.unwrap();
    assert_eq!(
        ids(&kit).await,
        [
            (marker, true, true),
            (two, false, false),
            (one, false, false),
            (NULL, false, false)
        ]
    );
    let hidden = FaultKind::NoSuchKey {
        marker: Some(marker),
    };
    assert_eq!(kit.get("k").await, Err(hidden.clone()));
    assert_eq!(kit.head("k").await, Err(hidden.clone()));
    assert_eq!(kit.copy(copy_op("k", None, "x")).await, Err(hidden.clone()));
    assert_eq!(kit.copy(copy_op("k", Some(marker), "x")).await, Err(hidden));
    let is_marker = FaultKind::VersionIsMarker { version: marker };
    assert_eq!(kit.get_version("k", marker).await, Err(is_marker.clone()));
    let object = at("bkt", "k", Some(marker));
    let tags = Tags::default();
    assert_eq!(
        kit.run(Op::PutObjectTagging { object, tags }).await,
        Err(is_marker)
    );
    assert_eq!(kit.get_version("k", one).await.unwrap(), b"one");
    assert_eq!(kit.get_version("k", two).await.unwrap(), bytes(2, 100));
    assert_eq!(kit.get_version("k", NULL).await.unwrap(), b"zero");
    let unknown = VersionId::Numbered(12);
    let version = unknown.to_string();
    assert_eq!(
        kit.get_version("k", unknown).await,
        Err(FaultKind::NoSuchVersion { version })
    );
    assert!(kit.list(list_op("", "", "", 10)).await.objects.is_empty());
    // Without the marker the object is back.
    let gone = kit.delete("k", Some(marker)).await;
    assert_eq!(
        gone,
        ObjectDeleted {
            version: Some(marker),
            is_marker: true
        }
    );
    assert_eq!(kit.get("k").await.unwrap(), bytes(2, 100));
    kit.delete("k", Some(two)).await;
    assert_eq!(kit.get("k").await.unwrap(), b"one");
    kit.delete("k", Some(NULL)).await;
    assert_eq!(ids(&kit).await, [(one, true, false)]);
    let last = kit.delete("k", Some(one)).await;
    assert_eq!(
        last,
        ObjectDeleted {
            version: Some(one),
            is_marker: false
        }
    );
    assert_eq!(
        kit.get("k").await,
        Err(FaultKind::NoSuchKey { marker: None })
    );
    kit.assert_sound().await;
}

#[tokio::test]
async fn suspended_replaces_the_null_version_wherever_it_is() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Suspended).await;
    assert_eq!(kit.put("k", &bytes(0, 100)).await.version, Some(NULL));
    kit.versioning(BucketVersioning::Enabled).await;
    let one = kit.put("k", &bytes(1, 100)).await.version.unwrap();
    let two = kit.put("k", &bytes(2, 100)).await.version.unwrap();
    kit.versioning(BucketVersioning::Suspended).await;
    // The null version lies beneath two others.
    kit.put("k", &bytes(3, 100)).await;
    assert_eq!(
        ids(&kit).await,
        [
            (NULL, true, false),
            (two, false, false),
            (one, false, false)
        ]
    );
    // It is the newest itself.
    kit.put("k", &bytes(4, 100)).await;
    assert_eq!(kit.get_version("k", NULL).await.unwrap(), bytes(4, 100));
    let deleted = kit.delete("k", None).await;
    assert_eq!(
        deleted,
        ObjectDeleted {
            version: Some(NULL),
            is_marker: true
        }
    );
    assert_eq!(
        ids(&kit).await,
        [(NULL, true, true), (two, false, false), (one, false, false)]
    );
    assert_eq!(kit.stat().await.delete_markers, 1);
    // A marker replaces a marker.
    kit.delete("k", None).await;
    assert_eq!(kit.stat().await.delete_markers, 1);
    let gone = kit.delete("k", Some(NULL)).await;
    assert!(gone.is_marker);
    assert_eq!(kit.get("k").await.unwrap(), bytes(2, 100));
    assert_eq!(ids(&kit).await, [(two, true, false), (one, false, false)]);
    kit.assert_sound().await;
}

#[tokio::test]
async fn deleting_what_never_was_leaves_a_marker_when_there_are_versions() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    let marker = kit.delete("k", None).await;
    assert!(marker.is_marker);
    assert_eq!(ids(&kit).await, [(marker.version.unwrap(), true, true)]);
    let bucket = || name("bkt");
    let full = kit.run(Op::DeleteBucket { bucket: bucket() }).await;
    assert_eq!(full, Err(FaultKind::BucketNotEmpty));
    let unknown = Some(VersionId::Numbered(1));
    let nothing = kit.delete("k", unknown).await;
    assert_eq!(
        nothing,
        ObjectDeleted {
            version: unknown,
            is_marker: false
        }
    );
    kit.delete("k", marker.version).await;
    assert_eq!(
        kit.run(Op::DeleteBucket { bucket: bucket() }).await,
        Ok(Outcome::Done)
    );
}

#[tokio::test]
async fn version_ids_stay_unique_and_in_order_when_the_clock_goes_back() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    let mut told = Vec::new();
    for step in [0, -60_000, 5, -1, 60_000] {
        kit.clock.advance_ms(step);
        told.insert(0, kit.put("k", b"x").await.version.unwrap());
    }
    let listed: Vec<_> = ids(&kit).await.into_iter().map(|(id, ..)| id).collect();
    assert_eq!(listed, told);
    // An id is not used again after its version is gone.
    let newest = told[0];
    kit.delete("k", Some(newest)).await;
    assert_ne!(kit.put("k", b"x").await.version, Some(newest));
}

#[tokio::test]
async fn older_versions_can_be_tagged() {
    let kit = Kit::new().await;
    kit.versioning(BucketVersioning::Enabled).await;
    let one = kit.put("k", b"one").await.version.unwrap();
    let two = kit.put("k", b"two").await.version.unwrap();
    let tag = osier_types::Tag {
        key: "a".into(),
        value: "b".into(),
    };
    let tags = Tags::new(vec![tag], 10).unwrap();
    let object = |version| at("bkt", "k", Some(version));
    let put = Op::PutObjectTagging {
        object: object(one),
        tags: tags.clone(),
    };
    assert_eq!(kit.run(put).await, Ok(Outcome::Touched(Some(one))));
    let told = kit.run(Op::GetObjectTagging(object(one))).await;
    assert_eq!(
        told,
        Ok(Outcome::Tagging {
            tags,
            version: Some(one)
        })
    );
    let told = kit.run(Op::GetObjectTagging(object(two))).await;
    assert_eq!(
        told,
        Ok(Outcome::Tagging {
            tags: Tags::default(),
            version: Some(two)
        })
    );
    kit.assert_sound().await;
}

#[tokio::test]
async fn statistics_count_versions_and_markers() {
    let kit = Kit::new().await;
    kit.put("a", &bytes(1, 10)).await;
    kit.versioning(BucketVersioning::Enabled).await;
    kit.put("a", &bytes(1, 20)).await;
    let mut op = put_op("b");
    op.new.storage_class = Some(osier_types::StorageClass::Ia);
    kit.put_with(op, &bytes(1, 40)).await.unwrap();
    kit.delete("a", None).await;
    kit.initiate("c").await;
    let stat = kit.stat().await;
    let classes: Vec<_> = stat
        .classes
        .iter()
        .map(|it| (it.objects, it.bytes))
        .collect();
    assert_eq!(classes, [(2, 30), (1, 40), (0, 0), (0, 0), (0, 0)]);
    assert_eq!(
        (stat.uploads, stat.delete_markers, stat.as_of),
        (1, 1, START)
    );
    kit.assert_sound().await;
}
