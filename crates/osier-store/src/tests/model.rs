//! Random operations on the store and on a naive model of it, compared after
//! every step; at the end lists, counters and references are checked too.

use std::collections::BTreeMap;

use osier_types::{
    BucketEncryption, BucketVersioning, ByteRange, CompletedParts, ETag, FaultKind,
    ListMultipartUploads, ObjectKind, Op, Outcome, PutSymlink, RangeRequest, RangeSpec, Tag, Tags,
    VersionId,
};
use proptest::prelude::*;

use super::kit::*;

const KEYS: [&str; 5] = ["a", "a/b", "a/b\0c", "a/c/d", "b/"];

#[derive(Clone, Debug)]
enum Step {
    Versioning(bool),
    /// Whether what is written from now on is encrypted.
    Encrypt(bool),
    Put(usize, usize),
    Delete(usize),
    DeleteVersion(usize, usize),
    Copy(usize, usize, usize),
    Append(usize, usize, bool),
    Symlink(usize, usize),
    Tag(usize, usize),
    Initiate(usize),
    Part(usize, u16, usize),
    PartCopy(usize, u16, usize, u64, u64),
    Complete(usize, u16),
    Abort(usize),
    Read(usize, u64, u64),
    Reopen,
    Clock(i64),
}

#[derive(Clone, Debug)]
struct Version {
    id: VersionId,
    /// `None` for a delete marker.
    object: Option<Object>,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Vec<u8>,
    kind: ObjectKind,
    tag: Option<usize>,
    target: Option<usize>,
    etag: ETag,
}

#[derive(Debug)]
struct Upload {
    key: usize,
    id: String,
    parts: BTreeMap<u16, (Vec<u8>, ETag)>,
}

#[derive(Default, Debug)]
struct Model {
    versioning: Option<BucketVersioning>,
    /// Newest first.
    keys: BTreeMap<usize, Vec<Version>>,
    uploads: Vec<Upload>,
}

impl Model {
    fn newest(&self, key: usize) -> Option<&Version> {
        self.keys.get(&key).and_then(|versions| versions.first())
    }

    fn live(&self, key: usize) -> Option<&Object> {
        self.newest(key).and_then(|version| version.object.as_ref())
    }

    /// A new newest version; `told` is the id that the store told.
    fn write(&mut self, key: usize, told: Option<VersionId>, object: Option<Object>) {
        assert_eq!(told.is_some(), self.versioning.is_some());
        let enabled = self.versioning == Some(BucketVersioning::Enabled);
        let id = told.unwrap_or(VersionId::Null);
        assert_eq!(id == VersionId::Null, !enabled, "{id:?}");
        let versions = self.keys.entry(key).or_default();
        if id == VersionId::Null {
            versions.retain(|version| version.id != VersionId::Null);
        } else {
            assert!(versions.iter().all(|version| version.id != id));
        }
        versions.insert(0, Version { id, object });
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..KEYS.len();
    let length = prop_oneof![Just(0_usize), 1..16_usize, 17..40_usize, 100..200_usize];
    let part = 1..4_u16;
    let step = prop_oneof![
        2 => any::<bool>().prop_map(Step::Versioning),
        3 => any::<bool>().prop_map(Step::Encrypt),
        8 => (key.clone(), length.clone()).prop_map(|(k, n)| Step::Put(k, n)),
        4 => key.clone().prop_map(Step::Delete),
        5 => (key.clone(), 0..4_usize).prop_map(|(k, n)| Step::DeleteVersion(k, n)),
        5 => (key.clone(), 0..3_usize, key.clone()).prop_map(|(k, n, to)| Step::Copy(k, n, to)),
        6 => (key.clone(), length.clone(), prop::bool::weighted(0.9))
            .prop_map(|(k, n, right)| Step::Append(k, n, right)),
        2 => (key.clone(), key.clone()).prop_map(|(k, to)| Step::Symlink(k, to)),
        3 => (key.clone(), 0..4_usize).prop_map(|(k, n)| Step::Tag(k, n)),
        2 => key.clone().prop_map(Step::Initiate),
        6 => (0..3_usize, part.clone(), length).prop_map(|(u, p, n)| Step::Part(u, p, n)),
        4 => (0..3_usize, part, key.clone(), 0..60_u64, 0..60_u64)
            .prop_map(|(u, p, k, from, to)| Step::PartCopy(u, p, k, from, to)),
        3 => (0..3_usize, 0..16_u16).prop_map(|(u, mask)| Step::Complete(u, mask)),
        1 => (0..3_usize).prop_map(Step::Abort),
        4 => (key, 0..60_u64, 0..60_u64).prop_map(|(k, from, to)| Step::Read(k, from, to)),
        1 => Just(Step::Reopen),
        2 => (-2..2000_i64).prop_map(Step::Clock),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn store_is_its_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}

async fn run(steps: Vec<Step>) {
    let mut kit = Kit::new().await;
    let mut model = Model::default();
    for (number, step) in steps.into_iter().enumerate() {
        if matches!(step, Step::Reopen) {
            kit = kit.reopen().await;
        }
        apply(&kit, &mut model, step, number).await;
        for key in 0..KEYS.len() {
            compare_newest(&kit, &model, key).await;
        }
    }
    compare_everything(&kit, &model).await;
    kit.assert_sound().await;
    // Everything can be removed, and then nothing is left.
    for entry in kit.all_versions().await {
        kit.delete(entry.key.as_str(), Some(entry.version)).await;
    }
    for open in &model.uploads {
        let asked = upload(KEYS[open.key], &open.id);
        kit.run(Op::AbortMultipartUpload(asked)).await.unwrap();
    }
    kit.assert_sound().await;
    assert!(kit.memory.blobs().is_empty());
    let bucket = name("bkt");
    assert_eq!(
        kit.run(Op::DeleteBucket { bucket }).await,
        Ok(Outcome::Done)
    );
}

async fn apply(kit: &Kit, model: &mut Model, step: Step, number: usize) {
    let seed = u8::try_from(number % 256).unwrap();
    match step {
        Step::Versioning(on) => {
            let status = if on {
                BucketVersioning::Enabled
            } else {
                BucketVersioning::Suspended
            };
            kit.versioning(status).await;
            model.versioning = Some(status);
        }
        Step::Put(key, length) => {
            let body = bytes(seed, length);
            let written = kit.put(KEYS[key], &body).await;
            let object = Object {
                bytes: body,
                kind: ObjectKind::Normal,
                tag: None,
                target: None,
                etag: written.etag,
            };
            model.write(key, written.version, Some(object));
        }
        Step::Delete(key) => {
            let deleted = kit.delete(KEYS[key], None).await;
            assert_eq!(deleted.is_marker, model.versioning.is_some());
            if model.versioning.is_some() {
                model.write(key, deleted.version, None);
            } else {
                model.keys.remove(&key);
            }
        }
        Step::DeleteVersion(key, nth) => delete_version(kit, model, key, nth).await,
        Step::Copy(from, nth, to) => copy(kit, model, from, nth, to).await,
        Step::Append(key, length, right) => {
            append(kit, model, key, &bytes(seed, length), right).await;
        }
        Step::Symlink(key, target) => {
            let op = PutSymlink {
                bucket: name("bkt"),
                key: super::kit::key(KEYS[key]),
                target: super::kit::key(KEYS[target]),
                new: osier_types::NewObject::default(),
            };
            let Outcome::Touched(version) = kit.run(Op::PutSymlink(op)).await.unwrap() else {
                panic!("no symlink");
            };
            let etag = ETag::of_md5(&crate::digest::md5_of(&[KEYS[target].as_bytes()]));
            let object = Object {
                bytes: Vec::new(),
                kind: ObjectKind::Symlink,
                tag: None,
                target: Some(target),
                etag,
            };
            model.write(key, version, Some(object));
        }
        Step::Tag(key, nth) => {
            let tag = Tag {
                key: "n".into(),
                value: number.to_string(),
            };
            let tags = Tags::new(vec![tag], 10).unwrap();
            let versions = model.keys.entry(key).or_default();
            let Some(version) = versions.get_mut(nth) else {
                return;
            };
            let object = at("bkt", KEYS[key], Some(version.id));
            let done = kit.run(Op::PutObjectTagging { object, tags }).await;
            if let Some(object) = &mut version.object {
                object.tag = Some(number);
                let told = model.versioning.map(|_| version.id);
                assert_eq!(done, Ok(Outcome::Touched(told)));
            } else {
                let version = version.id;
                assert_eq!(done, Err(FaultKind::VersionIsMarker { version }));
            }
        }
        Step::Initiate(key) => {
            let id = kit.initiate(KEYS[key]).await;
            let parts = BTreeMap::new();
            model.uploads.push(Upload { key, id, parts });
        }
        Step::Part(nth, number, length) => {
            let Some(upload) = model.uploads.get_mut(nth) else {
                return;
            };
            let body = bytes(seed, length);
            let etag = kit
                .part(KEYS[upload.key], &upload.id, number, &body)
                .await
                .unwrap();
            upload.parts.insert(number, (body, etag));
        }
        Step::PartCopy(nth, number, from, first, last) => {
            part_copy(kit, model, nth, number, from, (first, last)).await;
        }
        Step::Complete(nth, mask) => complete(kit, model, nth, mask).await,
        Step::Abort(nth) => {
            if nth < model.uploads.len() {
                let open = model.uploads.remove(nth);
                let asked = || upload(KEYS[open.key], &open.id);
                let done = kit.run(Op::AbortMultipartUpload(asked())).await;
                assert_eq!(done, Ok(Outcome::Done));
                let again = kit.run(Op::AbortMultipartUpload(asked())).await;
                assert!(matches!(again, Err(FaultKind::NoSuchUpload { .. })));
            }
        }
        Step::Read(key, first, last) => {
            let Some(object) = model.live(key).filter(|object| object.target.is_none()) else {
                return;
            };
            let spec = RangeSpec::FromTo(first, last);
            let mut op = get_op(KEYS[key], None);
            op.range = Some(RangeRequest {
                spec,
                standard: false,
            });
            let (read, body) = kit.get_with(op).await.unwrap();
            let fits = first <= last && usize::try_from(last).unwrap() < object.bytes.len();
            if fits {
                let range = ByteRange {
                    start: first,
                    end: last + 1,
                };
                assert_eq!(read.range, Some(range));
            }
            assert_eq!(body, cut(&object.bytes, first, last));
        }
        Step::Encrypt(encrypt) => {
            kit.encrypt_by_default(encrypt.then_some(BucketEncryption::Managed))
                .await;
        }
        Step::Reopen => {}
        Step::Clock(step) => kit.clock.advance_ms(step),
    }
}

/// The range if it fits, else everything.
fn cut(bytes: &[u8], first: u64, last: u64) -> &[u8] {
    let (first, last) = (
        usize::try_from(first).unwrap(),
        usize::try_from(last).unwrap(),
    );
    if first <= last && last < bytes.len() {
        &bytes[first..=last]
    } else {
        bytes
    }
}

async fn delete_version(kit: &Kit, model: &mut Model, key: usize, nth: usize) {
    let versions = model.keys.entry(key).or_default();
    if nth >= versions.len() {
        let unknown = VersionId::Numbered(5);
        let deleted = kit.delete(KEYS[key], Some(unknown)).await;
        assert!(!deleted.is_marker);
        return;
    }
    let gone = versions.remove(nth);
    let deleted = kit.delete(KEYS[key], Some(gone.id)).await;
    assert_eq!(deleted.is_marker, gone.object.is_none());
    assert_eq!(deleted.version, model.versioning.map(|_| gone.id));
}

async fn copy(kit: &Kit, model: &mut Model, from: usize, nth: usize, to: usize) {
    let source = model
        .keys
        .get(&from)
        .and_then(|versions| versions.get(nth))
        .cloned();
    let version = source.as_ref().map(|source| source.id);
    let newest = model.newest(from).map(|newest| newest.id);
    let by_id = version.filter(|_| version != newest || nth % 2 == 1);
    let copied = kit.copy(copy_op(KEYS[from], by_id, KEYS[to])).await;
    let source = match by_id {
        Some(_) => source.and_then(|source| source.object),
        None => model.live(from).cloned(),
    };
    let Some(source) = source else {
        assert!(
            matches!(copied, Err(FaultKind::NoSuchKey { .. })),
            "{copied:?}"
        );
        return;
    };
    let copied = copied.unwrap();
    assert_eq!(copied.etag, source.etag);
    let kind = match source.kind {
        // Onto itself only the metadata changes, unless that makes a new version.
        ObjectKind::Appendable if from != to || model.versioning.is_some() => ObjectKind::Normal,
        kind => kind,
    };
    model.write(to, copied.version, Some(Object { kind, ..source }));
}

async fn append(kit: &Kit, model: &mut Model, key: usize, body: &[u8], right: bool) {
    let length = model.live(key).map_or(0, |object| object.bytes.len());
    let length = u64::try_from(length).unwrap();
    let position = if right { length } else { length + 1 };
    let done = kit.append(append_op(KEYS[key], position), body).await;
    match model.live(key) {
        Some(object) if object.kind != ObjectKind::Appendable => {
            assert_eq!(done, Err(FaultKind::ObjectNotAppendable));
        }
        _ if !right => {
            assert_eq!(done, Err(FaultKind::PositionNotEqualToLength { length }));
        }
        None => {
            let done = done.unwrap();
            let object = Object {
                bytes: body.to_vec(),
                kind: ObjectKind::Appendable,
                tag: None,
                target: None,
                etag: done.etag,
            };
            model.write(key, done.version, Some(object));
        }
        Some(_) => {
            let done = done.unwrap();
            let told = model.versioning.is_some();
            let newest = model.keys.get_mut(&key).unwrap().first_mut().unwrap();
            assert_eq!(done.version, told.then_some(newest.id));
            let object = newest.object.as_mut().unwrap();
            object.bytes.extend_from_slice(body);
            object.etag = done.etag;
            let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &object.bytes);
            assert_eq!(done.crc64, crc64);
            assert_eq!(
                done.next_position,
                u64::try_from(object.bytes.len()).unwrap()
            );
        }
    }
}

async fn part_copy(
    kit: &Kit,
    model: &mut Model,
    nth: usize,
    number: u16,
    from: usize,
    (first, last): (u64, u64),
) {
    let source = model.live(from).cloned();
    let Some(upload) = model.uploads.get_mut(nth) else {
        return;
    };
    let range = Some(RangeSpec::FromTo(first, last));
    let done = kit
        .part_copy(KEYS[upload.key], &upload.id, number, KEYS[from], range)
        .await;
    match source {
        None => assert!(matches!(done, Err(FaultKind::NoSuchKey { .. }))),
        Some(source) if source.target.is_some() => {
            assert!(matches!(done, Err(FaultKind::OperationNotSupported { .. })));
        }
        Some(source) => {
            let body = cut(&source.bytes, first, last).to_vec();
            let etag = done.unwrap();
            assert_eq!(etag, ETag::of_md5(&crate::digest::md5_of(&[&body])));
            upload.parts.insert(number, (body, etag));
        }
    }
}

async fn complete(kit: &Kit, model: &mut Model, nth: usize, mask: u16) {
    let Some(upload) = model.uploads.get(nth) else {
        return;
    };
    let all = mask == 0;
    let chosen: Vec<_> = upload
        .parts
        .iter()
        .filter(|(number, _)| all || mask & (1 << **number) != 0)
        .collect();
    let listed = chosen
        .iter()
        .map(|(number, (_, etag))| (**number, etag.as_str().to_lowercase()))
        .collect();
    let parts = if all {
        CompletedParts::All
    } else {
        CompletedParts::Listed(listed)
    };
    let key = upload.key;
    let done = kit.complete(KEYS[key], &upload.id, parts).await;
    if chosen.is_empty() {
        assert_eq!(done, Err(FaultKind::InvalidPart { number: 1 }));
        return;
    }
    let but_last = &chosen[..chosen.len() - 1];
    if but_last.iter().any(|(_, (body, _))| body.len() < 8) {
        assert_eq!(done, Err(FaultKind::EntityTooSmall { min: 8 }));
        return;
    }
    let (etag, version) = done.unwrap();
    let bytes = chosen
        .iter()
        .flat_map(|(_, (body, _))| body.clone())
        .collect();
    let object = Object {
        bytes,
        kind: ObjectKind::Multipart,
        tag: None,
        target: None,
        etag,
    };
    model.uploads.remove(nth);
    model.write(key, version, Some(object));
}

async fn compare_newest(kit: &Kit, model: &Model, key: usize) {
    let read = kit.get_with(get_op(KEYS[key], None)).await;
    let told = |id: VersionId| model.versioning.map(|_| id);
    match model.newest(key) {
        None => assert_eq!(read, Err(FaultKind::NoSuchKey { marker: None })),
        Some(Version { id, object: None }) => {
            assert_eq!(read, Err(FaultKind::NoSuchKey { marker: Some(*id) }));
        }
        Some(Version {
            id,
            object: Some(object),
        }) => match object.target {
            None => {
                let (read, body) = read.unwrap();
                assert_eq!(body, object.bytes);
                assert_eq!(read.info.version, told(*id));
                assert_eq!(read.info.kind, object.kind);
                assert_eq!(read.info.etag, object.etag);
                let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Xz, &body);
                assert_eq!(read.info.crc64, Some(crc64));
                let tag = object.tag.map(|tag| tag.to_string());
                let tags: Vec<_> = read
                    .info
                    .tags
                    .as_slice()
                    .iter()
                    .map(|tag| &tag.value)
                    .collect();
                assert_eq!(tags, tag.iter().collect::<Vec<_>>());
            }
            Some(target) => match model.live(target) {
                None => assert_eq!(read, Err(FaultKind::SymlinkTargetNotExist)),
                Some(target) if target.target.is_some() => {
                    assert_eq!(read, Err(FaultKind::InvalidTargetType));
                }
                Some(target) => assert_eq!(read.unwrap().1, target.bytes),
            },
        },
    }
}

async fn compare_everything(kit: &Kit, model: &Model) {
    let mut expected = Vec::new();
    for (key, versions) in &model.keys {
        for (nth, version) in versions.iter().enumerate() {
            expected.push((KEYS[*key].to_owned(), version.id, nth == 0));
            let read = kit.get_version(KEYS[*key], version.id).await;
            match &version.object {
                None => {
                    let version = version.id;
                    assert_eq!(read, Err(FaultKind::VersionIsMarker { version }));
                }
                Some(object) if object.target.is_none() => assert_eq!(read.unwrap(), object.bytes),
                Some(_) => {}
            }
        }
    }
    for size in [1, 2, 1000] {
        assert_eq!(page_versions(kit, size).await, expected, "pages of {size}");
        compare_groups(kit, model, size).await;
        compare_uploads(kit, model, size).await;
    }
}

async fn page_versions(kit: &Kit, size: u32) -> Vec<(String, VersionId, bool)> {
    let mut all = Vec::new();
    let (mut marker, mut version) = (String::new(), None);
    loop {
        let page = kit
            .versions(versions_op("", "", &marker, version, size))
            .await;
        assert!(page.versions.len() <= usize::try_from(size).unwrap());
        for entry in page.versions {
            all.push((
                entry.key.as_str().to_owned(),
                entry.version,
                entry.is_latest,
            ));
        }
        match page.next {
            None => return all,
            Some(next) => (marker, version) = next,
        }
    }
}

/// What a list should show: keys, and common prefixes with a mark.
fn grouped<'k>(
    keys: impl Iterator<Item = &'k str>,
    prefix: &str,
    delimiter: &str,
) -> Vec<(String, bool)> {
    let mut entries: Vec<(String, bool)> = Vec::new();
    for key in keys.filter(|key| key.starts_with(prefix)) {
        let rest = key.strip_prefix(prefix).unwrap();
        let at = Some(delimiter)
            .filter(|it| !it.is_empty())
            .and_then(|it| rest.find(it));
        let entry = match at {
            Some(at) => (
                key.get(..prefix.len() + at + delimiter.len())
                    .unwrap()
                    .to_owned(),
                true,
            ),
            None => (key.to_owned(), false),
        };
        if !entry.1 || entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

async fn compare_groups(kit: &Kit, model: &Model, size: u32) {
    for (prefix, delimiter) in [
        ("", ""),
        ("", "/"),
        ("a/", "/"),
        ("a", "/"),
        ("", "/b"),
        ("zz", ""),
    ] {
        let live = (0..KEYS.len())
            .filter(|key| model.live(*key).is_some())
            .map(|key| KEYS[key]);
        let expected = grouped(live, prefix, delimiter);
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = kit.list(list_op(prefix, delimiter, &after, size)).await;
            let mut entries: Vec<(String, bool)> = page
                .objects
                .iter()
                .map(|it| (it.key.as_str().to_owned(), false))
                .collect();
            entries.extend(page.common_prefixes.iter().map(|it| (it.clone(), true)));
            entries.sort();
            assert!(entries.len() <= usize::try_from(size).unwrap());
            all.extend(entries);
            match page.next {
                None => break,
                Some(next) => after = next,
            }
        }
        assert_eq!(all, expected, "{prefix:?} {delimiter:?} pages of {size}");
        let some = (0..KEYS.len())
            .filter(|key| model.newest(*key).is_some())
            .map(|key| KEYS[key]);
        let expected: Vec<_> = grouped(some, prefix, delimiter)
            .into_iter()
            .filter(|it| it.1)
            .map(|it| it.0)
            .collect();
        let mut groups = Vec::new();
        let (mut marker, mut version) = (String::new(), None);
        loop {
            let page = kit
                .versions(versions_op(prefix, delimiter, &marker, version, size))
                .await;
            groups.extend(page.common_prefixes);
            match page.next {
                None => break,
                Some(next) => (marker, version) = next,
            }
        }
        assert_eq!(
            groups, expected,
            "versions {prefix:?} {delimiter:?} pages of {size}"
        );
    }
}

async fn compare_uploads(kit: &Kit, model: &Model, size: u32) {
    let mut expected: Vec<_> = model
        .uploads
        .iter()
        .map(|upload| (KEYS[upload.key].to_owned(), upload.id.clone()))
        .collect();
    expected.sort();
    let mut all = Vec::new();
    let (mut key_marker, mut upload_id_marker) = (String::new(), String::new());
    loop {
        let op = ListMultipartUploads {
            bucket: name("bkt"),
            prefix: String::new(),
            delimiter: String::new(),
            key_marker,
            upload_id_marker,
            max_uploads: size,
            url_encoded: false,
        };
        let Outcome::Uploads(page) = kit.run(Op::ListMultipartUploads(op)).await.unwrap() else {
            panic!("no uploads");
        };
        all.extend(
            page.uploads
                .into_iter()
                .map(|it| (it.key.as_str().to_owned(), it.upload_id)),
        );
        match page.next {
            None => break,
            Some(next) => (key_marker, upload_id_marker) = next,
        }
    }
    assert_eq!(all, expected);
}
