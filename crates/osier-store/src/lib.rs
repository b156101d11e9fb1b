//! Object semantics, written once: buckets, versions, uploads in parts, lists.
//!
//! [`Store::execute`] turns an [`Op`] into an [`Outcome`] over any
//! [`Engine`]. Permission was decided before; nothing here knows HTTP, dialects
//! or signatures. What is kept in rows is documented in the module `rows`.

mod access;
mod append;
mod audit;
mod body;
mod bucket;
mod checksum;
mod conditions;
mod config;
mod content;
mod copy;
mod delete;
mod digest;
mod encryption;
mod failure;
mod get;
mod history;
mod identities;
mod intake;
mod list;
mod lock;
mod more;
mod multipart;
mod part_copy;
mod parts;
mod processing;
mod put;
mod registry;
mod rows;
mod scan;
mod seal;
mod state;
mod symlink;
mod tagging_acl;
mod vault;
mod versions;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use osier_engine::{Engine, EngineError, Family};
use osier_types::{
    BucketName, Checksum, Clock, Fault, FaultKind, ObjectAcl, ObjectKey, ObjectKind, ObjectRef, Op,
    Outcome, Owner, Resource, Rng, Tags, Timestamp, limits,
};

use digest::Mill;

pub use audit::{AuditReport, BucketAudit};
pub use body::{ObjectBody, ObjectChunk};
pub use checksum::{Reckoner, checksum_of};
pub use encryption::MasterKeysUnfit;
pub use identities::IdentityRow;
pub use osier_engine::FileSlice;
pub use processing::derived_reply;
pub use state::BucketRecord;
pub use vault::{InvalidMasterKeys, MasterKeyRefused, MasterKeys};

use registry::Registry;
use rows::Glance;
use state::Bucket;

/// How a store is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// What buckets tell as their location, e.g. `oss-cn-hangzhou`.
    pub location: String,
    /// Where clients reach the store, for `DescribeRegions`: host, with a port where needed.
    pub endpoint: String,
    /// Buckets one account may own.
    pub buckets_max: usize,
    /// Bytes of one body or part.
    pub body_bytes_max: u64,
    /// Bytes of an appendable object.
    pub append_bytes_max: u64,
    /// Bytes of every part but the last at least.
    pub part_bytes_min: u64,
    /// Block Public Access of new buckets.
    pub block_public_access: bool,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            location: "oss-cn-hangzhou".to_owned(),
            endpoint: "localhost".to_owned(),
            buckets_max: limits::BUCKETS_PER_ACCOUNT_MAX,
            body_bytes_max: limits::BODY_BYTES_MAX,
            append_bytes_max: limits::APPEND_BYTES_MAX,
            part_bytes_min: limits::PART_BYTES_MIN,
            block_public_access: false,
        }
    }
}

/// On whose account an operation runs: who will own a bucket that it creates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub owner: Owner,
}

/// What an operation gives back.
#[derive(Debug)]
pub struct Reply {
    /// What came of it.
    pub outcome: Outcome,
    /// The bytes of `GetObject`.
    pub body: Option<ObjectBody>,
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            body: None,
        }
    }
}

/// The body of an upload as it comes in.
#[async_trait]
pub trait ByteSource: Send {
    /// The next bytes; `None` at the end. Never called again after `None` or a fault.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault>;

    /// The checksum that followed the body, once all has come.
    fn trailer(&self) -> Option<Checksum> {
        None
    }
}

/// A body that is already in memory.
#[derive(Clone, Debug, Default)]
pub struct BytesSource(Option<Bytes>);

impl BytesSource {
    /// A body of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }

    /// No body.
    pub fn empty() -> Self {
        Self(None)
    }
}

#[async_trait]
impl ByteSource for BytesSource {
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        Ok(self.0.take())
    }
}

/// What authorisation must know of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its own access-control list.
    pub acl: ObjectAcl,
    /// Where it points, for a symlink: reading through it needs permission there too.
    pub symlink_target: Option<ObjectKey>,
    /// Its tags, where they were asked for.
    pub tags: Tags,
}

/// Whether authorisation asks for an object's tags: they cost more than the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithTags {
    /// Conditions of a policy ask for them.
    Yes,
    /// Nobody does.
    No,
}

/// Buckets and objects over an engine.
#[derive(Debug)]
pub struct Store {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    settings: StoreSettings,
    master_keys: MasterKeys,
    /// Where bodies are hashed.
    mill: Mill,
    buckets: Arc<Registry>,
    /// Keep changes of one key from racing within this process, so that checks of batches rarely
    /// fail. Adding a part takes a read lock, everything else a write lock.
    key_locks: Vec<tokio::sync::RwLock<()>>,
    spare_lock: tokio::sync::RwLock<()>,
}

/// Locks over all keys together: false sharing between 32 writers is about 3 %.
const KEY_LOCKS: usize = 1024;

impl Store {
    /// Opens what `engine` keeps.
    ///
    /// # Errors
    /// When the buckets can't be read.
    pub async fn open(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        settings: StoreSettings,
    ) -> Result<Self, Fault> {
        let buckets = Registry::load(Arc::clone(&engine)).await?;
        Ok(Self {
            engine,
            clock,
            rng,
            settings,
            master_keys: MasterKeys::default(),
            mill: Mill::default(),
            buckets: Arc::new(buckets),
            key_locks: (0..KEY_LOCKS)
                .map(|_| tokio::sync::RwLock::default())
                .collect(),
            spare_lock: tokio::sync::RwLock::default(),
        })
    }

    /// Carries out `op`; `body` is read by uploads only.
    ///
    /// # Errors
    /// Whatever the operation's semantics or the engine say; nothing is half done then.
    pub async fn execute(
        &self,
        caller: &Caller,
        op: Op,
        body: &mut dyn ByteSource,
    ) -> Result<Reply, Fault> {
        let subject = subject(&op);
        // In boxes: a future is copied whole wherever it is handed on, and these are large. The
        // read that is asked for most has a box of its own size.
        let done = match op {
            Op::GetObject(op) => Box::pin(self.get_object(op)).await,
            other => Box::pin(self.dispatch(caller, other, body)).await,
        };
        done.map_err(|fault| match subject {
            Some(subject) if fault.resource.is_none() => fault.on(subject),
            _ => fault,
        })
    }

    /// A bucket as it is now.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub fn bucket(&self, name: &BucketName) -> Result<Arc<BucketRecord>, Fault> {
        Ok(self.open_bucket(name)?.record())
    }

    /// What authorisation must know of an object; `None` when there is no such object.
    ///
    /// # Errors
    /// `NoSuchBucket`, or what the engine says.
    pub async fn object_facts(
        &self,
        object: &ObjectRef,
        tags: WithTags,
    ) -> Result<Option<ObjectFacts>, Fault> {
        let bucket = self.open_bucket(&object.bucket)?;
        if object.version.is_none()
            && tags == WithTags::No
            && let Some(row) = self
                .get_row(&bucket, Family::Current, object.key.as_bytes())
                .await?
            && let Some(glance) = rows::decode::<Glance>(&row)?.object
            && glance.kind != ObjectKind::Symlink
        {
            return Ok(Some(ObjectFacts {
                acl: glance.acl,
                symlink_target: None,
                tags: Tags::default(),
            }));
        }
        let row = self.row(&bucket, &object.key, object.version).await?;
        Ok(row
            .and_then(|row| row.record.object)
            .map(|object| ObjectFacts {
                acl: object.acl,
                symlink_target: object.symlink_target,
                tags: object.tags,
            }))
    }

    /// The engine beneath, for whoever closes it.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    async fn dispatch(
        &self,
        caller: &Caller,
        op: Op,
        body: &mut dyn ByteSource,
    ) -> Result<Reply, Fault> {
        // Boxed, so that one large verb does not make the future of every verb large.
        let outcome = match op {
            Op::ListBuckets(op) => Ok(self.list_buckets(caller, op)),
            Op::DescribeRegions { region } => Ok(self.describe_regions(region.as_deref())),
            Op::PutBucket(op) => Box::pin(self.put_bucket(caller, op)).await,
            Op::DeleteBucket { bucket } => Box::pin(self.delete_bucket(&bucket)).await,
            Op::HeadBucket { bucket } => self.open_bucket(&bucket).map(|_| Outcome::Done),
            Op::GetBucketInfo { bucket } => self.bucket_info(&bucket),
            Op::GetBucketStat { bucket } => self.bucket_stat(&bucket).await,
            Op::GetBucketLocation { bucket } => self.bucket_location(&bucket),
            Op::GetBucketAcl { bucket } => self.bucket_acl(&bucket),
            Op::PutBucketAcl { bucket, acl } => {
                self.change_bucket(&bucket, move |record| record.acl = acl)
                    .await
            }
            Op::GetBucketVersioning { bucket } => self.bucket_versioning(&bucket),
            Op::PutBucketVersioning { bucket, status } => {
                self.put_bucket_versioning(&bucket, status).await
            }
            Op::GetBucketTags { bucket } => self.bucket_tags(&bucket),
            Op::PutBucketTags { bucket, tags } => {
                self.change_bucket(&bucket, move |record| record.tags = tags)
                    .await
            }
            Op::DeleteBucketTags { bucket } => {
                self.change_bucket(&bucket, move |record| {
                    record.tags = Tags::default();
                })
                .await
            }
            Op::GetBucketCors { bucket } => self.bucket_cors(&bucket),
            Op::PutBucketCors { bucket, cors } => {
                self.change_bucket(&bucket, move |record| record.cors = Some(cors))
                    .await
            }
            Op::DeleteBucketCors { bucket } => {
                self.change_bucket(&bucket, move |record| record.cors = None)
                    .await
            }
            // What the document means is above this crate.
            Op::GetBucketPolicy { bucket } | Op::GetBucketPolicyStatus { bucket } => {
                self.bucket_policy(&bucket)
            }
            Op::PutBucketPolicy { bucket, document } => {
                self.put_bucket_policy(&bucket, Some(document)).await
            }
            Op::DeleteBucketPolicy { bucket } => self.put_bucket_policy(&bucket, None).await,
            Op::GetBucketReferer { bucket } => self.bucket_referer(&bucket),
            Op::PutBucketReferer { bucket, referer } => {
                self.put_bucket_referer(&bucket, referer).await
            }
            Op::GetPublicAccessBlock(scope) => self.public_access_block(caller, &scope),
            Op::PutPublicAccessBlock { scope, block } => {
                self.put_public_access_block(caller, scope, Some(block))
                    .await
            }
            Op::DeletePublicAccessBlock(scope) => {
                self.put_public_access_block(caller, scope, None).await
            }
            Op::CreateAccessPoint { point, vpc } => {
                Box::pin(self.create_access_point(point, vpc)).await
            }
            Op::GetAccessPoint(point) => self.access_point(&point),
            Op::DeleteAccessPoint(point) => self.delete_access_point(point).await,
            Op::ListAccessPoints(op) => self.list_access_points(caller, op),
            Op::GetAccessPointPolicy(point) => self.access_point_policy(&point),
            Op::PutAccessPointPolicy { point, document } => {
                self.put_access_point_policy(point, Some(document)).await
            }
            Op::DeleteAccessPointPolicy(point) => self.put_access_point_policy(point, None).await,
            Op::GetBucketConfig { bucket, kind } => self.bucket_config(&bucket, kind).await,
            Op::PutBucketConfig {
                bucket,
                kind,
                document,
            } => self.put_bucket_config(&bucket, kind, &document).await,
            Op::DeleteBucketConfig { bucket, kind } => {
                self.delete_bucket_config(&bucket, kind).await
            }
            Op::PutStyle(op) => Box::pin(self.put_style(op)).await,
            Op::GetStyle { bucket, name } => self.style(&bucket, &name).await.map(Outcome::Style),
            Op::ListStyles { bucket } => self.styles(&bucket).await.map(Outcome::Styles),
            Op::DeleteStyle { bucket, name } => self.delete_style(&bucket, &name).await,
            Op::GetBucketProcessing { bucket } => self.bucket_processing(&bucket).await,
            Op::PutBucketProcessing { bucket, config } => {
                Box::pin(self.put_bucket_processing(&bucket, config)).await
            }
            // Pictures are made above the store; the results come back as reads and writes.
            Op::GetProcessed(_) | Op::HeadProcessed(_) | Op::SaveProcessed(_) => {
                Err(FaultKind::NotImplemented {
                    what: "processing of objects".to_owned(),
                }
                .into())
            }
            Op::ListObjects(op) => Box::pin(self.list_objects(op)).await,
            Op::ListObjectVersions(op) => Box::pin(self.list_object_versions(op)).await,
            Op::ListMultipartUploads(op) => Box::pin(self.list_multipart_uploads(op)).await,
            Op::ListLiveChannels {
                bucket,
                prefix,
                max_keys,
            } => self
                .open_bucket(&bucket)
                .map(|_| Outcome::LiveChannels { prefix, max_keys }),
            Op::DeleteObjects(op) => Box::pin(self.delete_objects(op)).await,
            Op::PutObject(op) => Box::pin(self.put_object(op, body)).await,
            Op::PostObject(op) => Box::pin(self.post_object(op, body)).await,
            Op::GetObject(op) => return Box::pin(self.get_object(op)).await,
            Op::HeadObject(op) => Box::pin(self.head_object(op)).await,
            Op::GetObjectMeta(object) => self.object_meta(&object).await,
            Op::DeleteObject(op) => Box::pin(self.delete_object(&op)).await,
            Op::CopyObject(op) => Box::pin(self.copy_object(op)).await,
            Op::AppendObject(op) => Box::pin(self.append_object(op, body)).await,
            Op::SealAppendObject {
                bucket,
                key,
                position,
            } => Box::pin(self.seal_append_object(&bucket, &key, position)).await,
            Op::PutSymlink(op) => Box::pin(self.put_symlink(op)).await,
            Op::GetSymlink(object) => self.symlink(&object).await,
            Op::GetObjectTagging(object) => self.object_tagging(&object).await,
            Op::PutObjectTagging { object, tags } => {
                Box::pin(self.put_object_tagging(&object, tags)).await
            }
            Op::DeleteObjectTagging(object) => {
                Box::pin(self.put_object_tagging(&object, Tags::default())).await
            }
            Op::GetObjectAcl(object) => self.get_object_acl(&object).await,
            Op::PutObjectAcl { object, acl } => Box::pin(self.put_object_acl(&object, acl)).await,
            Op::GetBucketOwnership { bucket } => self.bucket_ownership(&bucket),
            Op::PutBucketOwnership { bucket, ownership } => {
                self.change_bucket(&bucket, move |record| record.ownership = Some(ownership))
                    .await
            }
            Op::DeleteBucketOwnership { bucket } => {
                self.change_bucket(&bucket, move |record| record.ownership = None)
                    .await
            }
            Op::GetBucketEncryption { bucket } => self.bucket_encryption(&bucket),
            Op::PutBucketEncryption { bucket, encryption } => {
                self.put_bucket_encryption(&bucket, encryption).await
            }
            Op::DeleteBucketEncryption { bucket } => {
                self.change_bucket(&bucket, move |record| record.encryption = None)
                    .await
            }
            Op::GetBucketObjectLock { bucket } => self.bucket_lock(&bucket),
            Op::PutBucketObjectLock { bucket, lock } => self.put_bucket_lock(&bucket, lock).await,
            Op::InitiateBucketWorm { bucket, days } => self.initiate_worm(&bucket, days).await,
            Op::AbortBucketWorm { bucket } => self.abort_worm(&bucket).await,
            Op::CompleteBucketWorm { bucket, worm_id } => {
                self.complete_worm(&bucket, worm_id).await
            }
            Op::ExtendBucketWorm {
                bucket,
                worm_id,
                days,
            } => self.extend_worm(&bucket, worm_id, days).await,
            Op::GetBucketWorm { bucket } => self.bucket_worm(&bucket),
            Op::GetObjectRetention(object) => self.object_retention(&object).await,
            Op::PutObjectRetention(op) => Box::pin(self.put_object_retention(&op)).await,
            Op::GetObjectLegalHold(object) => self.legal_hold(&object).await,
            Op::PutObjectLegalHold { object, hold } => {
                Box::pin(self.put_legal_hold(&object, hold)).await
            }
            Op::GetObjectAttributes(op) => Box::pin(self.object_attributes(op)).await,
            Op::OptionsObject(op) => self.preflight(&op),
            Op::InitiateMultipartUpload(op) => Box::pin(self.initiate_upload(op)).await,
            Op::UploadPart(op) => Box::pin(self.upload_part(op, body)).await,
            Op::UploadPartCopy(op) => Box::pin(self.upload_part_copy(op)).await,
            Op::CompleteMultipartUpload(op) => Box::pin(self.complete_upload(op)).await,
            Op::AbortMultipartUpload(upload) => Box::pin(self.abort_upload(&upload)).await,
            Op::ListParts(op) => Box::pin(self.list_parts(op)).await,
        };
        outcome.map(Reply::from)
    }

    fn open_bucket(&self, name: &BucketName) -> Result<Arc<Bucket>, Fault> {
        self.buckets.open(name)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A number for a version that is newer than `previous`: about microseconds since 1970. The
    /// lowest three digits are random, so that a clock that stands still repeats none.
    fn sequence_after(&self, previous: Option<u64>) -> u64 {
        let millis = u64::try_from(self.now().as_millis()).unwrap_or(0);
        let now = millis
            .saturating_mul(1000)
            .saturating_add(self.rng.next_u64() % 1000);
        previous.map_or(now, |previous| now.max(previous.saturating_add(1)))
    }

    fn key_lock(&self, bucket: &Bucket, key: &ObjectKey) -> &tokio::sync::RwLock<()> {
        let hash = key_hash(bucket, key) % u64::try_from(KEY_LOCKS).unwrap_or(1);
        usize::try_from(hash)
            .ok()
            .and_then(|index| self.key_locks.get(index))
            .unwrap_or(&self.spare_lock)
    }
}

/// What an operation is about; for copies the destination.
fn subject(op: &Op) -> Option<Resource> {
    let key = match op {
        Op::PutObject(op) => Some(&op.key),
        Op::PostObject(op) => Some(&op.put.key),
        Op::GetObject(op) | Op::HeadObject(op) => Some(&op.object.key),
        Op::DeleteObject(op) => Some(&op.object.key),
        Op::PutObjectRetention(op) => Some(&op.object.key),
        Op::GetObjectAttributes(op) => Some(&op.object.key),
        Op::GetProcessed(op) | Op::HeadProcessed(op) => Some(&op.read.object.key),
        Op::SaveProcessed(op) => Some(&op.source.key),
        Op::GetObjectMeta(object)
        | Op::GetSymlink(object)
        | Op::GetObjectRetention(object)
        | Op::GetObjectLegalHold(object)
        | Op::PutObjectLegalHold { object, .. }
        | Op::GetObjectTagging(object)
        | Op::PutObjectTagging { object, .. }
        | Op::DeleteObjectTagging(object)
        | Op::GetObjectAcl(object)
        | Op::PutObjectAcl { object, .. } => Some(&object.key),
        Op::CopyObject(op) => Some(&op.key),
        Op::AppendObject(op) => Some(&op.key),
        Op::SealAppendObject { key, .. } => Some(key),
        Op::PutSymlink(op) => Some(&op.key),
        Op::InitiateMultipartUpload(op) => Some(&op.key),
        Op::UploadPart(op) => Some(&op.upload.key),
        Op::UploadPartCopy(op) => Some(&op.upload.key),
        Op::CompleteMultipartUpload(op) => Some(&op.upload.key),
        Op::AbortMultipartUpload(upload) => Some(&upload.key),
        Op::ListParts(op) => Some(&op.upload.key),
        _ => None,
    };
    let bucket = op.bucket()?.clone();
    Some(match key {
        Some(key) => Resource::Object(bucket, key.clone()),
        None => Resource::Bucket(bucket),
    })
}

/// A number for a key that is the same for the life of this process.
fn key_hash(bucket: &Bucket, key: &ObjectKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    bucket.table.0.hash(&mut hasher);
    key.as_bytes().hash(&mut hasher);
    hasher.finish()
}

/// Whether an engine's refusal is a check that does not hold.
fn is_conflict(error: &EngineError) -> bool {
    matches!(error, EngineError::Conflict { .. } | EngineError::NoBlob)
}
