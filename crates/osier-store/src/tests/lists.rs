//! Lists: order, prefixes, delimiters, pages, and what a page costs.

use osier_types::{BucketVersioning, FaultKind, Op};

use super::kit::*;

/// Keys, common prefixes and the next marker.
async fn page(
    kit: &Kit,
    prefix: &str,
    delimiter: &str,
    after: &str,
    max: u32,
) -> (Vec<String>, Vec<String>, Option<String>) {
    let page = kit.list(list_op(prefix, delimiter, after, max)).await;
    let keys = page
        .objects
        .iter()
        .map(|entry| entry.key.as_str().to_owned())
        .collect();
    (keys, page.common_prefixes, page.next)
}

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn photos() -> Kit {
    let kit = Kit::new().await;
    for text in [
        "fun/",
        "fun/movie/001.avi",
        "fun/movie/007.avi",
        "fun/test.jpg",
        "oss.jpg",
        "z",
    ] {
        kit.put(text, b"x").await;
    }
    kit
}

#[tokio::test]
async fn prefixes_and_delimiters() {
    let kit = photos().await;
    let all = [
        "fun/",
        "fun/movie/001.avi",
        "fun/movie/007.avi",
        "fun/test.jpg",
        "oss.jpg",
        "z",
    ];
    assert_eq!(
        page(&kit, "", "", "", 100).await,
        (own(&all), own(&[]), None)
    );
    assert_eq!(
        page(&kit, "", "/", "", 100).await,
        (own(&["oss.jpg", "z"]), own(&["fun/"]), None)
    );
    let inside = page(&kit, "fun/", "/", "", 100).await;
    assert_eq!(
        inside,
        (own(&["fun/", "fun/test.jpg"]), own(&["fun/movie/"]), None)
    );
    assert_eq!(
        page(&kit, "fun", "/", "", 100).await,
        (own(&[]), own(&["fun/"]), None)
    );
    let odd = page(&kit, "", "movie/00", "", 100).await;
    let plain = own(&["fun/", "fun/test.jpg", "oss.jpg", "z"]);
    assert_eq!(odd, (plain, own(&["fun/movie/00"]), None));
    assert_eq!(
        page(&kit, "nothing", "/", "", 100).await,
        (own(&[]), own(&[]), None)
    );
    assert_eq!(
        page(&kit, "", "", "zz", 100).await,
        (own(&[]), own(&[]), None)
    );
    assert_eq!(
        page(&kit, "fun/", "", "oss", 100).await,
        (own(&[]), own(&[]), None)
    );
    assert_eq!(
        page(&kit, "oss", "", "a", 100).await,
        (own(&["oss.jpg"]), own(&[]), None)
    );
}

#[tokio::test]
async fn pages() {
    let kit = photos().await;
    let first = page(&kit, "", "", "", 2).await;
    assert_eq!(
        first,
        (
            own(&["fun/", "fun/movie/001.avi"]),
            own(&[]),
            Some("fun/movie/001.avi".into())
        )
    );
    let (keys, _, next) = page(&kit, "", "", "fun/movie/001.avi", 4).await;
    assert_eq!((keys.len(), next), (4, None));
    // Common prefixes count, and are not repeated by a marker within or at them.
    assert_eq!(
        page(&kit, "", "/", "", 1).await,
        (own(&[]), own(&["fun/"]), Some("fun/".into()))
    );
    for marker in ["fun/", "fun/movie/001.avi", "fun/zzz"] {
        let rest = page(&kit, "", "/", marker, 10).await;
        assert_eq!(rest, (own(&["oss.jpg", "z"]), own(&[]), None), "{marker}");
    }
    assert_eq!(page(&kit, "", "/", "fun", 1).await.1, own(&["fun/"]));
    // The last page says that it is the last even when it is full.
    assert_eq!(
        page(&kit, "", "/", "fun/", 2).await,
        (own(&["oss.jpg", "z"]), own(&[]), None)
    );
    assert_eq!(page(&kit, "fun/movie/", "", "", 2).await.2, None);
}

#[tokio::test]
async fn entries_tell_what_the_objects_are() {
    let kit = photos().await;
    let written = kit.put("z", &bytes(1, 100)).await;
    let listed = kit.list(list_op("z", "", "", 1)).await;
    let entry = &listed.objects[0];
    assert_eq!((entry.size, entry.last_modified), (100, START));
    assert_eq!(
        (&entry.etag, listed.owner),
        (&written.etag, kit.caller.owner.clone())
    );
    let mut op = list_op("", "", "", 1);
    op.bucket = name("none");
    let missing = kit.run(Op::ListObjects(op)).await;
    assert_eq!(missing, Err(FaultKind::NoSuchBucket(name("none"))));
}

/// Calls to the engine that one page takes.
async fn cost(kit: &Kit, prefix: &str, delimiter: &str, after: &str, max: u32) -> u64 {
    kit.faulty.heal();
    kit.list(list_op(prefix, delimiter, after, max)).await;
    kit.faulty.calls()
}

#[tokio::test]
async fn a_page_costs_the_same_in_a_bucket_of_any_size_and_past() {
    let kit = Kit::new().await;
    for number in 0..300 {
        kit.put(&format!("dir{:02}/{number:04}", number % 30), b"x")
            .await;
    }
    let small = (
        cost(&kit, "", "", "dir10/", 100).await,
        cost(&kit, "", "/", "", 20).await,
    );
    assert_eq!(small.0, 1, "a plain page is one scan");
    assert!(
        small.1 <= 2 * 20 + 2,
        "a group is at most two scans, not {}",
        small.1
    );
    kit.versioning(BucketVersioning::Enabled).await;
    for round in 0..4 {
        for number in 0..300 {
            let text = format!("dir{:02}/{number:04}", number % 30);
            kit.put(&text, b"x").await;
            if round == 3 && number % 2 == 0 {
                kit.delete(&text, None).await;
                kit.put(&text, b"y").await;
            }
        }
        for number in 0..300 {
            kit.delete(&format!("dir10/gone{number}"), None).await;
        }
    }
    let large = (
        cost(&kit, "", "", "dir10/", 100).await,
        cost(&kit, "", "/", "", 20).await,
    );
    assert_eq!(large, small);
}

#[tokio::test]
async fn versions_in_pages() {
    let kit = Kit::new().await;
    kit.put("a", b"0").await;
    kit.put("dir/x", b"0").await;
    kit.versioning(BucketVersioning::Enabled).await;
    for _ in 0..3 {
        kit.put("a", b"1").await;
        kit.delete("dir/x", None).await;
    }
    kit.put("b\0", b"1").await;
    let all = kit.all_versions().await;
    let keys: Vec<_> = all.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "a", "a", "a", "a", "b\0", "dir/x", "dir/x", "dir/x", "dir/x"
        ]
    );
    let latest: Vec<_> = all.iter().map(|entry| entry.is_latest).collect();
    assert_eq!(
        latest,
        [true, false, false, false, true, true, false, false, false]
    );
    for size in 1..5 {
        let mut paged = Vec::new();
        let (mut marker, mut version) = (String::new(), None);
        loop {
            let page = kit
                .versions(versions_op("", "", &marker, version, size))
                .await;
            paged.extend(page.versions);
            match page.next {
                Some(next) => (marker, version) = next,
                None => break,
            }
        }
        assert_eq!(paged, all);
    }
    // Without a version the marker means the whole key.
    let rest = kit.versions(versions_op("", "", "a", None, 100)).await;
    assert_eq!(rest.versions, all[4..]);
    let grouped = kit.versions(versions_op("", "/", "b\0", None, 1)).await;
    assert_eq!(
        (grouped.common_prefixes, grouped.next),
        (own(&["dir/"]), None)
    );
    let prefixed = kit.versions(versions_op("b\0", "", "", None, 100)).await;
    assert_eq!(prefixed.versions, all[4..5]);
}
