//! A store over an engine in memory, and short words for its operations.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use osier_engine::faults::FaultyEngine;
use osier_engine::memory::MemoryEngine;
use osier_engine::{BlobId, Engine, EngineLimits, RefTag};
use osier_types::*;

use crate::{BytesSource, Caller, MasterKeys, MasterKeysUnfit, Reply, Store, StoreSettings};

/// When every test begins.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_795_316_645);

pub(super) struct Kit {
    pub(super) memory: Arc<MemoryEngine>,
    pub(super) faulty: Arc<FaultyEngine>,
    pub(super) clock: Arc<ManualClock>,
    rng: Arc<SeededRng>,
    pub(super) store: Arc<Store>,
    pub(super) caller: Caller,
    keys: MasterKeys,
}

pub(super) fn name(text: &str) -> BucketName {
    BucketName::parse(text).unwrap()
}

pub(super) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text.as_bytes()).unwrap()
}

pub(super) fn at(bucket: &str, text: &str, version: Option<VersionId>) -> ObjectRef {
    ObjectRef {
        bucket: name(bucket),
        key: key(text),
        version,
    }
}

pub(super) fn upload(text: &str, id: &str) -> UploadRef {
    UploadRef {
        bucket: name("bkt"),
        key: key(text),
        upload_id: id.to_owned(),
    }
}

pub(super) fn put_op(text: &str) -> PutObject {
    PutObject {
        bucket: name("bkt"),
        key: key(text),
        new: NewObject::default(),
        expected: Expected::default(),
    }
}

pub(super) fn get_op(text: &str, version: Option<VersionId>) -> GetObject {
    GetObject {
        object: at("bkt", text, version),
        range: None,
        part: None,
        customer_key: None,
        conditions: ReadConditions::default(),
        overrides: ResponseOverrides::default(),
    }
}

pub(super) fn copy_op(from: &str, version: Option<VersionId>, to: &str) -> CopyObject {
    CopyObject {
        bucket: name("bkt"),
        key: key(to),
        source: CopySource {
            object: at("bkt", from, version),
            customer_key: None,
            conditions: ReadConditions::default(),
        },
        new: NewObject::default(),
        replace_metadata: false,
        replace_tags: false,
        checksum: None,
    }
}

pub(super) fn delete_op(bucket: &str, text: &str, version: Option<VersionId>) -> Op {
    Op::DeleteObject(DeleteObject {
        object: at(bucket, text, version),
        conditions: DeleteConditions::default(),
        bypass_governance: false,
    })
}

pub(super) fn to_delete(text: &str) -> ObjectToDelete {
    ObjectToDelete {
        key: key(text),
        version: None,
        conditions: DeleteConditions::default(),
    }
}

pub(super) fn append_op(text: &str, position: u64) -> AppendObject {
    AppendObject {
        bucket: name("bkt"),
        key: key(text),
        position,
        new: NewObject::default(),
        expected: Expected::default(),
    }
}

pub(super) fn complete_op(text: &str, id: &str, parts: CompletedParts) -> CompleteMultipartUpload {
    CompleteMultipartUpload {
        upload: upload(text, id),
        parts,
        forbid_overwrite: false,
        conditions: WriteConditions::default(),
        acl: None,
        crc64: None,
        checksum: None,
        checksum_type: None,
        part_checksums: Vec::new(),
        repeatable: false,
        url_encoded: false,
    }
}

pub(super) fn list_op(prefix: &str, delimiter: &str, after: &str, max_keys: u32) -> ListObjects {
    ListObjects {
        bucket: name("bkt"),
        form: ListForm::V1,
        prefix: prefix.into(),
        delimiter: delimiter.into(),
        after: after.into(),
        max_keys,
        url_encoded: false,
    }
}

/// Bytes that tell where they came from.
pub(super) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| {
            seed.wrapping_mul(31)
                .wrapping_add(u8::try_from(index % 251).unwrap())
        })
        .collect()
}

impl Kit {
    /// A store with the bucket `bkt`, whose engine keeps 16 bytes in rows and reads 32 at once, and
    /// which takes parts of any size: so small bodies go every way.
    pub(super) async fn new() -> Self {
        let limits = EngineLimits {
            inline_bytes_max: 16,
            value_bytes_max: 1 << 20,
            read_bytes_max: 32,
        };
        let settings = StoreSettings {
            part_bytes_min: 8,
            ..StoreSettings::default()
        };
        Self::with(limits, settings).await
    }

    pub(super) async fn with(limits: EngineLimits, settings: StoreSettings) -> Self {
        let memory = Arc::new(MemoryEngine::with_limits(limits));
        let faulty = Arc::new(FaultyEngine::new(Arc::clone(&memory) as Arc<dyn Engine>));
        let clock = Arc::new(ManualClock::new(START));
        let rng = Arc::new(SeededRng::new(7));
        let mut store = Store::open(
            Arc::clone(&faulty) as Arc<dyn Engine>,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&rng) as Arc<dyn Rng>,
            settings,
        )
        .await
        .unwrap();
        let mut keys = MasterKeys::generate(&*rng);
        keys.add("team", &*rng).unwrap();
        store.adopt_master_keys(keys.clone()).await.unwrap();
        let owner = Owner {
            id: "1234567890123456".into(),
            display_name: "me".into(),
        };
        let kit = Self {
            memory,
            faulty,
            clock,
            rng,
            store: Arc::new(store),
            caller: Caller { owner },
            keys,
        };
        kit.create("bkt").await.unwrap();
        kit
    }

    /// A store as it is found after a restart.
    pub(super) async fn reopen(&self) -> Self {
        self.reopen_with(self.keys.clone()).await.unwrap()
    }

    /// The same, with other master keys.
    pub(super) async fn reopen_with(&self, keys: MasterKeys) -> Result<Self, MasterKeysUnfit> {
        let memory = Arc::new(self.memory.reopen());
        let faulty = Arc::new(FaultyEngine::new(Arc::clone(&memory) as Arc<dyn Engine>));
        let mut store = Store::open(
            Arc::clone(&faulty) as Arc<dyn Engine>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.rng) as Arc<dyn Rng>,
            self.store.settings.clone(),
        )
        .await
        .unwrap();
        store.adopt_master_keys(keys.clone()).await?;
        Ok(Self {
            memory,
            faulty,
            clock: Arc::clone(&self.clock),
            rng: Arc::clone(&self.rng),
            store: Arc::new(store),
            caller: self.caller.clone(),
            keys,
        })
    }

    pub(super) fn keys(&self) -> (MasterKeys, &SeededRng) {
        (self.keys.clone(), &self.rng)
    }

    /// What objects get from now on that say nothing of encryption.
    pub(super) async fn encrypt_by_default(&self, encryption: Option<BucketEncryption>) {
        let bucket = name("bkt");
        let op = match encryption {
            Some(encryption) => Op::PutBucketEncryption { bucket, encryption },
            None => Op::DeleteBucketEncryption { bucket },
        };
        self.run(op).await.unwrap();
    }

    pub(super) async fn send(&self, op: Op, body: &[u8]) -> Result<Reply, FaultKind> {
        let mut body = BytesSource::new(body.to_vec());
        let reply = self.store.execute(&self.caller, op, &mut body).await;
        reply.map_err(|fault| fault.kind)
    }

    pub(super) async fn run(&self, op: Op) -> Result<Outcome, FaultKind> {
        Ok(self.send(op, b"").await?.outcome)
    }

    pub(super) async fn create(&self, bucket: &str) -> Result<Outcome, FaultKind> {
        self.run(Op::PutBucket(PutBucket {
            bucket: name(bucket),
            acl: None,
            storage_class: None,
            redundancy: None,
            tags: None,
            object_lock: false,
            ownership: None,
        }))
        .await
    }

    pub(super) async fn versioning(&self, status: BucketVersioning) {
        let bucket = name("bkt");
        self.run(Op::PutBucketVersioning { bucket, status })
            .await
            .unwrap();
    }

    pub(super) async fn put_with(&self, op: PutObject, body: &[u8]) -> Result<Written, FaultKind> {
        match self.send(Op::PutObject(op), body).await?.outcome {
            Outcome::Written(written) => Ok(written),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn put(&self, text: &str, body: &[u8]) -> Written {
        self.put_with(put_op(text), body).await.unwrap()
    }

    pub(super) async fn get_with(&self, op: GetObject) -> Result<(ObjectRead, Vec<u8>), FaultKind> {
        let reply = self.send(Op::GetObject(op), b"").await?;
        let Outcome::Object(read) = reply.outcome else {
            panic!("no object");
        };
        let mut body = reply.body.unwrap();
        let length = body.remaining();
        let mut all = Vec::new();
        while let Some(chunk) = body.next().await.map_err(|fault| fault.kind)? {
            all.extend_from_slice(&chunk);
        }
        assert_eq!(u64::try_from(all.len()).unwrap(), length);
        assert_eq!(body.remaining(), 0);
        Ok((*read, all))
    }

    pub(super) async fn get(&self, text: &str) -> Result<Vec<u8>, FaultKind> {
        Ok(self.get_with(get_op(text, None)).await?.1)
    }

    pub(super) async fn get_version(
        &self,
        text: &str,
        id: VersionId,
    ) -> Result<Vec<u8>, FaultKind> {
        Ok(self.get_with(get_op(text, Some(id))).await?.1)
    }

    pub(super) async fn head(&self, text: &str) -> Result<ObjectInfo, FaultKind> {
        match self.run(Op::HeadObject(get_op(text, None))).await? {
            Outcome::Object(read) => Ok(read.info),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn delete(&self, text: &str, version: Option<VersionId>) -> ObjectDeleted {
        match self.run(delete_op("bkt", text, version)).await.unwrap() {
            Outcome::ObjectDeleted(deleted) => deleted,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn copy(&self, op: CopyObject) -> Result<Copied, FaultKind> {
        match self.run(Op::CopyObject(op)).await? {
            Outcome::Copied(copied) => Ok(copied),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn append(
        &self,
        op: AppendObject,
        body: &[u8],
    ) -> Result<Appended, FaultKind> {
        match self.send(Op::AppendObject(op), body).await?.outcome {
            Outcome::Appended(appended) => Ok(appended),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn initiate_with(
        &self,
        text: &str,
        sequential: bool,
        new: NewObject,
    ) -> String {
        let op = InitiateMultipartUpload {
            bucket: name("bkt"),
            key: key(text),
            new,
            sequential,
            checksum: None,
            url_encoded: false,
        };
        match self.run(Op::InitiateMultipartUpload(op)).await.unwrap() {
            Outcome::UploadInitiated { upload_id, .. } => upload_id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn initiate(&self, text: &str) -> String {
        self.initiate_with(text, false, NewObject::default()).await
    }

    pub(super) async fn part(
        &self,
        text: &str,
        id: &str,
        part_number: u16,
        body: &[u8],
    ) -> Result<ETag, FaultKind> {
        let op = UploadPart {
            upload: upload(text, id),
            part_number,
            customer_key: None,
            expected: Expected::default(),
        };
        match self.send(Op::UploadPart(op), body).await?.outcome {
            Outcome::PartUploaded { etag, .. } => Ok(etag),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn part_copy(
        &self,
        text: &str,
        id: &str,
        part_number: u16,
        from: &str,
        range: Option<RangeSpec>,
    ) -> Result<ETag, FaultKind> {
        let op = UploadPartCopy {
            upload: upload(text, id),
            part_number,
            customer_key: None,
            source: CopySource {
                object: at("bkt", from, None),
                customer_key: None,
                conditions: ReadConditions::default(),
            },
            range,
            range_must_fit: false,
        };
        match self.run(Op::UploadPartCopy(op)).await? {
            Outcome::PartCopied { etag, .. } => Ok(etag),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn complete(
        &self,
        text: &str,
        id: &str,
        parts: CompletedParts,
    ) -> Result<(ETag, Option<VersionId>), FaultKind> {
        let op = complete_op(text, id, parts);
        match self.run(Op::CompleteMultipartUpload(op)).await? {
            Outcome::UploadCompleted { etag, version, .. } => Ok((etag, version)),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn list(&self, op: ListObjects) -> ObjectPage {
        match self.run(Op::ListObjects(op)).await.unwrap() {
            Outcome::Objects(page) => page,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn versions(&self, op: ListObjectVersions) -> VersionPage {
        match self.run(Op::ListObjectVersions(op)).await.unwrap() {
            Outcome::Versions(page) => page,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn all_versions(&self) -> Vec<VersionEntry> {
        let page = self.versions(versions_op("", "", "", None, 1000)).await;
        assert_eq!(page.next, None);
        page.versions
    }

    pub(super) async fn stat(&self) -> BucketStat {
        match self
            .run(Op::GetBucketStat {
                bucket: name("bkt"),
            })
            .await
            .unwrap()
        {
            Outcome::BucketStat(stat) => stat,
            other => panic!("{other:?}"),
        }
    }

    /// Every blob is referred to.
    pub(super) fn assert_no_loose_blobs(&self) {
        for blob in self.memory.blobs() {
            assert!(!self.memory.links(blob).is_empty(), "loose {blob:?}");
        }
    }

    /// Rows, counters and references agree, and no blob is left over.
    pub(super) async fn assert_sound(&self) {
        let mut referred: BTreeSet<(BlobId, RefTag)> = BTreeSet::new();
        let mut twice = Vec::new();
        let report = self
            .store
            .audit(&mut |blob, tag| {
                if !referred.insert((blob, tag)) {
                    twice.push((blob, tag));
                }
            })
            .await
            .unwrap();
        assert!(report.is_sound(), "{report:#?}");
        assert!(twice.is_empty(), "shared references: {twice:?}");
        let mut kept = BTreeSet::new();
        for blob in self.memory.blobs() {
            let links = self.memory.links(blob);
            assert!(!links.is_empty(), "nobody refers to {blob:?}");
            kept.extend(links.into_iter().map(|tag| (blob, tag)));
        }
        assert_eq!(kept, referred);
    }
}

pub(super) fn versions_op(
    prefix: &str,
    delimiter: &str,
    key_marker: &str,
    version_id_marker: Option<VersionId>,
    max_keys: u32,
) -> ListObjectVersions {
    ListObjectVersions {
        bucket: name("bkt"),
        prefix: prefix.into(),
        delimiter: delimiter.into(),
        key_marker: key_marker.into(),
        version_id_marker,
        max_keys,
        url_encoded: false,
    }
}

/// A body that comes in pieces, and then ends with a fault.
pub(super) struct Broken(pub(super) Vec<Bytes>, pub(super) Option<FaultKind>);

#[async_trait::async_trait]
impl crate::ByteSource for Broken {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if !self.0.is_empty() {
            return Ok(Some(self.0.remove(0)));
        }
        match self.1.take() {
            Some(kind) => Err(kind.into()),
            None => Ok(None),
        }
    }
}
