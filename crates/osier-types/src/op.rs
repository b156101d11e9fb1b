//! Operations: what a request asks for, whatever dialect it came in.
//!
//! Bodies of uploads are not part of an operation; they stream beside it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Access, AccessKind, AccessPointName, BucketAcl, BucketEncryption, BucketLock, BucketName,
    BucketVersioning, Checksum, ChecksumAlgorithm, ChecksumPlan, ChecksumType, ConfigKind,
    CorsConfig, Crc64, CustomerKey, DataRedundancy, ETag, Expected, LegalHold, NewObject,
    ObjectAcl, ObjectKey, ObjectOwnership, ProcessObject, ProcessingConfig, PublicAccessBlock,
    PutStyle, RangeRequest, RangeSpec, ReadConditions, RefererConfig, Resource, ResponseOverrides,
    Retention, SaveProcessed, StorageClass, StyleName, Tags, Timestamp, VersionId, WriteConditions,
};

/// One operation with its arguments.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "each variant is documented at its struct or named by the OSS API"
)]
pub enum Op {
    ListBuckets(ListBuckets),
    DescribeRegions {
        region: Option<String>,
    },

    PutBucket(PutBucket),
    DeleteBucket {
        bucket: BucketName,
    },
    /// S3's `HeadBucket`, answered for tolerance.
    HeadBucket {
        bucket: BucketName,
    },
    GetBucketInfo {
        bucket: BucketName,
    },
    GetBucketStat {
        bucket: BucketName,
    },
    GetBucketLocation {
        bucket: BucketName,
    },
    GetBucketAcl {
        bucket: BucketName,
    },
    PutBucketAcl {
        bucket: BucketName,
        acl: BucketAcl,
    },
    GetBucketVersioning {
        bucket: BucketName,
    },
    PutBucketVersioning {
        bucket: BucketName,
        status: BucketVersioning,
    },
    GetBucketTags {
        bucket: BucketName,
    },
    PutBucketTags {
        bucket: BucketName,
        tags: Tags,
    },
    DeleteBucketTags {
        bucket: BucketName,
    },
    GetBucketCors {
        bucket: BucketName,
    },
    PutBucketCors {
        bucket: BucketName,
        cors: CorsConfig,
    },
    DeleteBucketCors {
        bucket: BucketName,
    },
    GetBucketOwnership {
        bucket: BucketName,
    },
    PutBucketOwnership {
        bucket: BucketName,
        ownership: ObjectOwnership,
    },
    DeleteBucketOwnership {
        bucket: BucketName,
    },
    GetBucketEncryption {
        bucket: BucketName,
    },
    PutBucketEncryption {
        bucket: BucketName,
        encryption: BucketEncryption,
    },
    DeleteBucketEncryption {
        bucket: BucketName,
    },
    /// Object lock of a bucket: `?objectWorm` in OSS, `?object-lock` in S3.
    GetBucketObjectLock {
        bucket: BucketName,
    },
    /// Turns object lock on, in a bucket with versions, and sets its default.
    PutBucketObjectLock {
        bucket: BucketName,
        lock: BucketLock,
    },
    InitiateBucketWorm {
        bucket: BucketName,
        days: u32,
    },
    AbortBucketWorm {
        bucket: BucketName,
    },
    CompleteBucketWorm {
        bucket: BucketName,
        worm_id: String,
    },
    ExtendBucketWorm {
        bucket: BucketName,
        worm_id: String,
        days: u32,
    },
    GetBucketWorm {
        bucket: BucketName,
    },
    GetBucketPolicy {
        bucket: BucketName,
    },
    PutBucketPolicy {
        bucket: BucketName,
        document: Arc<str>,
    },
    DeleteBucketPolicy {
        bucket: BucketName,
    },
    GetBucketPolicyStatus {
        bucket: BucketName,
    },
    GetBucketReferer {
        bucket: BucketName,
    },
    PutBucketReferer {
        bucket: BucketName,
        referer: RefererConfig,
    },
    GetPublicAccessBlock(PublicAccessScope),
    PutPublicAccessBlock {
        scope: PublicAccessScope,
        block: PublicAccessBlock,
    },
    DeletePublicAccessBlock(PublicAccessScope),
    CreateAccessPoint {
        point: AccessPointRef,
        /// The only network it will answer; `None` is the internet.
        vpc: Option<Arc<str>>,
    },
    GetAccessPoint(AccessPointRef),
    DeleteAccessPoint(AccessPointRef),
    ListAccessPoints(ListAccessPoints),
    GetAccessPointPolicy(AccessPointRef),
    PutAccessPointPolicy {
        point: AccessPointRef,
        document: Arc<str>,
    },
    DeleteAccessPointPolicy(AccessPointRef),
    /// Any other configuration document, see [`ConfigKind::support`].
    GetBucketConfig {
        bucket: BucketName,
        kind: ConfigKind,
    },
    PutBucketConfig {
        bucket: BucketName,
        kind: ConfigKind,
        document: Bytes,
    },
    DeleteBucketConfig {
        bucket: BucketName,
        kind: ConfigKind,
    },
    PutStyle(PutStyle),
    GetStyle {
        bucket: BucketName,
        name: StyleName,
    },
    ListStyles {
        bucket: BucketName,
    },
    DeleteStyle {
        bucket: BucketName,
        name: StyleName,
    },
    GetBucketProcessing {
        bucket: BucketName,
    },
    PutBucketProcessing {
        bucket: BucketName,
        config: ProcessingConfig,
    },
    ListObjects(ListObjects),
    ListObjectVersions(ListObjectVersions),
    ListMultipartUploads(ListMultipartUploads),
    ListLiveChannels {
        bucket: BucketName,
        prefix: String,
        max_keys: u32,
    },
    DeleteObjects(DeleteObjects),

    PutObject(PutObject),
    PostObject(PostObject),
    GetObject(GetObject),
    HeadObject(GetObject),
    /// `GetObject` with `x-oss-process`.
    GetProcessed(ProcessObject),
    /// `HeadObject` with `x-oss-process`.
    HeadProcessed(ProcessObject),
    /// `ProcessObject`.
    SaveProcessed(SaveProcessed),
    GetObjectMeta(ObjectRef),
    DeleteObject(DeleteObject),
    CopyObject(CopyObject),
    AppendObject(AppendObject),
    SealAppendObject {
        bucket: BucketName,
        key: ObjectKey,
        position: u64,
    },
    PutSymlink(PutSymlink),
    GetSymlink(ObjectRef),
    GetObjectTagging(ObjectRef),
    PutObjectTagging {
        object: ObjectRef,
        tags: Tags,
    },
    DeleteObjectTagging(ObjectRef),
    GetObjectAcl(ObjectRef),
    PutObjectAcl {
        object: ObjectRef,
        acl: ObjectAcl,
    },
    GetObjectRetention(ObjectRef),
    PutObjectRetention(PutObjectRetention),
    GetObjectLegalHold(ObjectRef),
    PutObjectLegalHold {
        object: ObjectRef,
        hold: LegalHold,
    },
    GetObjectAttributes(GetObjectAttributes),
    OptionsObject(OptionsObject),

    InitiateMultipartUpload(InitiateMultipartUpload),
    UploadPart(UploadPart),
    UploadPartCopy(UploadPartCopy),
    CompleteMultipartUpload(CompleteMultipartUpload),
    AbortMultipartUpload(UploadRef),
    ListParts(ListParts),
}

/// One object, or one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// One version; absent means the current one.
    pub version: Option<VersionId>,
}

/// Whose Block Public Access is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicAccessScope {
    /// The caller's account.
    Account,
    /// One bucket.
    Bucket(BucketName),
    /// One access point.
    AccessPoint(AccessPointRef),
}

/// One access point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPointRef {
    /// The bucket it leads to.
    pub bucket: BucketName,
    /// Its name.
    pub name: AccessPointName,
}

/// `ListAccessPoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAccessPoints {
    /// Those of this bucket; absent means all of the caller's account.
    pub bucket: Option<BucketName>,
    /// Only names after this.
    pub after: String,
    /// Entries of the page, 1 to 1,000.
    pub max_keys: u32,
}

/// One upload in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// The key it will become.
    pub key: ObjectKey,
    /// The id as the client sent it; an unknown one is no error of form.
    pub upload_id: String,
}

/// `ListBuckets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListBuckets {
    /// Only names that begin like this.
    pub prefix: String,
    /// Only names after this.
    pub marker: String,
    /// Entries of the page, 1 to 1,000.
    pub max_keys: u32,
    /// Only buckets with this tag; a tag without value matches every value.
    pub tag: Option<(String, Option<String>)>,
}

/// `PutBucket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBucket {
    /// The name wanted.
    pub bucket: BucketName,
    /// `x-oss-acl`; absent means private for a new bucket and unchanged for an old one.
    pub acl: Option<BucketAcl>,
    /// Absent means Standard.
    pub storage_class: Option<StorageClass>,
    /// Absent means LRS.
    pub redundancy: Option<DataRedundancy>,
    /// `x-oss-bucket-tagging`.
    pub tags: Option<Tags>,
    /// `x-amz-bucket-object-lock-enabled`: with versions and object lock from the beginning.
    pub object_lock: bool,
    /// `x-amz-object-ownership`.
    pub ownership: Option<ObjectOwnership>,
}

/// What an access-control list opens that an operation sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListSet {
    /// Nothing, to anybody but the owner.
    Private,
    /// Something, to everybody.
    Public,
}

/// `ListObjects`, both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjects {
    /// Where.
    pub bucket: BucketName,
    /// Which form of the request, which is also the form of the answer.
    pub form: ListForm,
    /// Only keys that begin like this.
    pub prefix: String,
    /// Keys that share what follows the prefix up to this are one common prefix; empty means none.
    pub delimiter: String,
    /// Only keys, and common prefixes, after this.
    pub after: String,
    /// Entries of the page, keys and common prefixes together, 1 to 1,000.
    pub max_keys: u32,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// The two forms of `ListObjects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// `marker` and `NextMarker`.
    V1,
    /// `continuation-token` and `start-after`.
    V2 {
        /// Sent token, to be echoed. `ListObjects::after` is what it decodes to.
        continuation_token: Option<String>,
        /// Sent `start-after`, to be echoed.
        start_after: Option<String>,
        /// Whether entries carry their owner.
        fetch_owner: bool,
    },
}

/// `ListObjectVersions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjectVersions {
    /// Where.
    pub bucket: BucketName,
    /// Only keys that begin like this.
    pub prefix: String,
    /// As in [`ListObjects`].
    pub delimiter: String,
    /// Only keys after this, or with `version_id_marker` this key's versions after that one.
    pub key_marker: String,
    /// Only with `key_marker`.
    pub version_id_marker: Option<VersionId>,
    /// Entries of the page, 1 to 1,000.
    pub max_keys: u32,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// `ListMultipartUploads`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMultipartUploads {
    /// Where.
    pub bucket: BucketName,
    /// Only keys that begin like this.
    pub prefix: String,
    /// As in [`ListObjects`].
    pub delimiter: String,
    /// Only keys after this, or with `upload_id_marker` this key's uploads after that one.
    pub key_marker: String,
    /// Only with `key_marker`.
    pub upload_id_marker: String,
    /// Entries of the page, 1 to 1,000.
    pub max_uploads: u32,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// `DeleteMultipleObjects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObjects {
    /// Where.
    pub bucket: BucketName,
    /// What, at most 1,000.
    pub objects: Vec<ObjectToDelete>,
    /// Whether the answer tells of each refusal; otherwise the first one is the answer.
    pub refusals: Refusals,
    /// Whether governance retentions do not count.
    pub bypass_governance: bool,
    /// Whether to say nothing of what was deleted.
    pub quiet: bool,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// One object of a `DeleteObjects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectToDelete {
    /// Its key.
    pub key: ObjectKey,
    /// One version; absent means the current one.
    pub version: Option<VersionId>,
    /// What must hold of it.
    pub conditions: DeleteConditions,
}

/// How `DeleteObjects` tells of what it could not delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusals {
    /// The first one is the answer to the whole request (OSS).
    First,
    /// Each stands in the answer beside what was deleted (S3).
    Each,
}

/// `DeleteObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObject {
    /// What to delete.
    pub object: ObjectRef,
    /// What must hold of it.
    pub conditions: DeleteConditions,
    /// Whether a governance retention does not count.
    pub bypass_governance: bool,
}

/// What must hold of a version that is to be deleted. What is not there meets every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteConditions {
    /// `If-Match`, or `ETag` in a list: one of these tags; `*` is any.
    pub if_match: Option<String>,
    /// `x-amz-if-match-last-modified-time`: written in this second.
    pub last_modified: Option<Timestamp>,
    /// `x-amz-if-match-size`: as many bytes.
    pub size: Option<u64>,
}

/// `PutObjectRetention`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutObjectRetention {
    /// Which version.
    pub object: ObjectRef,
    /// The new retention; `None` takes it away.
    pub retention: Option<Retention>,
    /// Whether a governance retention may be shortened or taken away.
    pub bypass_governance: bool,
}

/// `GetObjectAttributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetObjectAttributes {
    /// Which object.
    pub object: ObjectRef,
    /// The key that it is encrypted under, for a customer's key.
    pub customer_key: Option<CustomerKey>,
    /// Which attributes to tell.
    pub attributes: Vec<ObjectAttribute>,
    /// Only parts after this.
    pub part_number_marker: u16,
    /// Parts of the page, 1 to 1,000.
    pub max_parts: u32,
}

/// One attribute of `GetObjectAttributes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectAttribute {
    /// Its entity tag.
    ETag,
    /// Its checksums.
    Checksum,
    /// Its parts.
    ObjectParts,
    /// Its storage class.
    StorageClass,
    /// Its bytes.
    ObjectSize,
}

/// `PutObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutObject {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What to keep with it.
    pub new: NewObject,
    /// What the body must turn out to be.
    pub expected: Expected,
}

/// `PostObject`: a form, already checked against its policy; the file streams beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostObject {
    /// The object to write. `expected.length` is unknown: a form does not tell.
    pub put: PutObject,
    /// `content-length-range` of the policy: the file's size must lie in it, ends included.
    pub length_range: Option<(u64, u64)>,
    /// What to answer.
    pub success: PostSuccess,
}

/// What a form asks to be answered on success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostSuccess {
    /// 204, or `success_action_status` 200 or 204: no body.
    Status(u16),
    /// `success_action_status` 201: a `PostResponse` document.
    Document,
    /// `success_action_redirect`: 303 to this URL.
    Redirect(String),
}

/// `GetObject` and `HeadObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetObject {
    /// What to read.
    pub object: ObjectRef,
    /// Which bytes.
    pub range: Option<RangeRequest>,
    /// `partNumber`: the bytes of this part; not together with a range.
    pub part: Option<u16>,
    /// The key that it is encrypted under, for a customer's key.
    pub customer_key: Option<CustomerKey>,
    /// Under which conditions.
    pub conditions: ReadConditions,
    /// Headers to answer with in place of the kept ones.
    pub overrides: ResponseOverrides,
}

/// Where a copy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// What to read.
    pub object: ObjectRef,
    /// The key that it is encrypted under, for a customer's key.
    pub customer_key: Option<CustomerKey>,
    /// Under which conditions.
    pub conditions: ReadConditions,
}

/// `CopyObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyObject {
    /// Destination bucket.
    pub bucket: BucketName,
    /// Destination key.
    pub key: ObjectKey,
    /// Where from.
    pub source: CopySource,
    /// What to keep with the copy. `headers`, `user_meta` and `persistent_headers` count only
    /// with `replace_metadata`, `tags` only with `replace_tags`.
    pub new: NewObject,
    /// `x-oss-metadata-directive: REPLACE`.
    pub replace_metadata: bool,
    /// `x-oss-tagging-directive: Replace`.
    pub replace_tags: bool,
    /// `x-amz-checksum-algorithm`: absent means that of the source.
    pub checksum: Option<ChecksumAlgorithm>,
}

/// `AppendObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendObject {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// The length the object must have.
    pub position: u64,
    /// What to keep with it; counts for the first append only.
    pub new: NewObject,
    /// What the body must turn out to be.
    pub expected: Expected,
}

/// `PutSymlink`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSymlink {
    /// Where.
    pub bucket: BucketName,
    /// The link's key.
    pub key: ObjectKey,
    /// The key it points to, in the same bucket; it need not exist.
    pub target: ObjectKey,
    /// What to keep with the link.
    pub new: NewObject,
}

/// A CORS preflight, for an object or a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsObject {
    /// Where.
    pub bucket: BucketName,
    /// `Origin`.
    pub origin: String,
    /// `Access-Control-Request-Method`.
    pub method: String,
    /// `Access-Control-Request-Headers`, split at commas, trimmed.
    pub headers: Vec<String>,
}

/// `InitiateMultipartUpload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiateMultipartUpload {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What to keep with the object.
    pub new: NewObject,
    /// `?sequential`: parts must arrive in order.
    pub sequential: bool,
    /// `x-amz-checksum-algorithm` and `x-amz-checksum-type`.
    pub checksum: Option<ChecksumPlan>,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// `UploadPart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPart {
    /// Which upload.
    pub upload: UploadRef,
    /// 1 to 10,000.
    pub part_number: u16,
    /// The key that the upload was begun with, for a customer's key.
    pub customer_key: Option<CustomerKey>,
    /// What the body must turn out to be.
    pub expected: Expected,
}

/// `UploadPartCopy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPartCopy {
    /// Which upload.
    pub upload: UploadRef,
    /// 1 to 10,000.
    pub part_number: u16,
    /// The key that the upload was begun with, for a customer's key.
    pub customer_key: Option<CustomerKey>,
    /// Where from.
    pub source: CopySource,
    /// Which bytes; absent means all.
    pub range: Option<RangeSpec>,
    /// S3: the range must lie in the source. OSS takes all of it otherwise.
    pub range_must_fit: bool,
}

/// `CompleteMultipartUpload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteMultipartUpload {
    /// Which upload.
    pub upload: UploadRef,
    /// Which parts.
    pub parts: CompletedParts,
    /// `x-oss-forbid-overwrite: true`.
    pub forbid_overwrite: bool,
    /// What must hold of the object that it replaces.
    pub conditions: WriteConditions,
    /// `x-oss-object-acl`.
    pub acl: Option<ObjectAcl>,
    /// Checksum of the whole object, where the client sends one.
    pub crc64: Option<Crc64>,
    /// `x-amz-checksum-*`: what the object's must be, as sent, a composite one perhaps with the
    /// number of parts.
    pub checksum: Option<(ChecksumAlgorithm, String)>,
    /// `x-amz-checksum-type`: what the upload was begun with.
    pub checksum_type: Option<ChecksumType>,
    /// Checksums of parts that the client names beside their tags.
    pub part_checksums: Vec<(u16, Checksum)>,
    /// S3: the same completion, sent again, is answered as the first one was, as long as its
    /// object is the key's newest version. OSS knows no such upload then.
    pub repeatable: bool,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

/// Which parts become the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletedParts {
    /// `x-oss-complete-all: yes`: all that were uploaded.
    All,
    /// These, with the tags that the client was given; order is checked by the store.
    Listed(Vec<(u16, ETagSent)>),
}

/// An entity tag as a client sends it, quoted or bare, in either case.
pub type ETagSent = String;

/// `ListParts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListParts {
    /// Which upload.
    pub upload: UploadRef,
    /// Only parts after this.
    pub part_number_marker: u16,
    /// Entries of the page, 1 to 1,000.
    pub max_parts: u32,
    /// Whether the client wants names percent-encoded.
    pub url_encoded: bool,
}

impl Op {
    /// The operation's name in the OSS API: what logs, metrics and `docs/compat.md` call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ListBuckets(_) => "ListBuckets",
            Self::DescribeRegions { .. } => "DescribeRegions",
            Self::PutBucket(_) => "PutBucket",
            Self::DeleteBucket { .. } => "DeleteBucket",
            Self::HeadBucket { .. } => "HeadBucket",
            Self::GetBucketInfo { .. } => "GetBucketInfo",
            Self::GetBucketStat { .. } => "GetBucketStat",
            Self::GetBucketLocation { .. } => "GetBucketLocation",
            Self::GetBucketAcl { .. } => "GetBucketAcl",
            Self::PutBucketAcl { .. } => "PutBucketAcl",
            Self::GetBucketVersioning { .. } => "GetBucketVersioning",
            Self::PutBucketVersioning { .. } => "PutBucketVersioning",
            Self::GetBucketTags { .. } => "GetBucketTags",
            Self::PutBucketTags { .. } => "PutBucketTags",
            Self::DeleteBucketTags { .. } => "DeleteBucketTags",
            Self::GetBucketCors { .. } => "GetBucketCors",
            Self::PutBucketCors { .. } => "PutBucketCors",
            Self::DeleteBucketCors { .. } => "DeleteBucketCors",
            Self::GetBucketOwnership { .. } => "GetBucketOwnershipControls",
            Self::PutBucketOwnership { .. } => "PutBucketOwnershipControls",
            Self::DeleteBucketOwnership { .. } => "DeleteBucketOwnershipControls",
            Self::GetBucketEncryption { .. } => "GetBucketEncryption",
            Self::PutBucketEncryption { .. } => "PutBucketEncryption",
            Self::DeleteBucketEncryption { .. } => "DeleteBucketEncryption",
            Self::GetBucketObjectLock { .. } => "GetBucketObjectWormConfiguration",
            Self::PutBucketObjectLock { .. } => "PutBucketObjectWormConfiguration",
            Self::InitiateBucketWorm { .. } => "InitiateBucketWorm",
            Self::AbortBucketWorm { .. } => "AbortBucketWorm",
            Self::CompleteBucketWorm { .. } => "CompleteBucketWorm",
            Self::ExtendBucketWorm { .. } => "ExtendBucketWorm",
            Self::GetBucketWorm { .. } => "GetBucketWorm",
            Self::GetBucketPolicy { .. } => "GetBucketPolicy",
            Self::PutBucketPolicy { .. } => "PutBucketPolicy",
            Self::DeleteBucketPolicy { .. } => "DeleteBucketPolicy",
            Self::GetBucketPolicyStatus { .. } => "GetBucketPolicyStatus",
            Self::GetBucketReferer { .. } => "GetBucketReferer",
            Self::PutBucketReferer { .. } => "PutBucketReferer",
            Self::GetPublicAccessBlock(scope) => scope.name(Verb::Get),
            Self::PutPublicAccessBlock { scope, .. } => scope.name(Verb::Put),
            Self::DeletePublicAccessBlock(scope) => scope.name(Verb::Delete),
            Self::CreateAccessPoint { .. } => "CreateAccessPoint",
            Self::GetAccessPoint(_) => "GetAccessPoint",
            Self::DeleteAccessPoint(_) => "DeleteAccessPoint",
            Self::ListAccessPoints(_) => "ListAccessPoints",
            Self::GetAccessPointPolicy(_) => "GetAccessPointPolicy",
            Self::PutAccessPointPolicy { .. } => "PutAccessPointPolicy",
            Self::DeleteAccessPointPolicy(_) => "DeleteAccessPointPolicy",
            Self::GetBucketConfig { kind, .. } => config_action(*kind, Verb::Get),
            Self::PutBucketConfig { kind, .. } => config_action(*kind, Verb::Put),
            Self::DeleteBucketConfig { kind, .. } => config_action(*kind, Verb::Delete),
            Self::PutStyle(_) => "PutStyle",
            Self::GetStyle { .. } => "GetStyle",
            Self::ListStyles { .. } => "ListStyle",
            Self::DeleteStyle { .. } => "DeleteStyle",
            Self::GetBucketProcessing { .. } => "GetBucketProcessConfiguration",
            Self::PutBucketProcessing { .. } => "PutBucketProcessConfiguration",
            Self::ListObjects(_) => "ListObjects",
            Self::ListObjectVersions(_) => "ListObjectVersions",
            Self::ListMultipartUploads(_) => "ListMultipartUploads",
            Self::ListLiveChannels { .. } => "ListLiveChannel",
            Self::DeleteObjects(_) => "DeleteMultipleObjects",
            Self::PutObject(_) => "PutObject",
            Self::PostObject(_) => "PostObject",
            Self::GetObject(_) | Self::GetProcessed(_) => "GetObject",
            Self::HeadObject(_) | Self::HeadProcessed(_) => "HeadObject",
            Self::SaveProcessed(_) => "ProcessObject",
            Self::GetObjectMeta(_) => "GetObjectMeta",
            Self::DeleteObject(_) => "DeleteObject",
            Self::CopyObject(_) => "CopyObject",
            Self::AppendObject(_) => "AppendObject",
            Self::SealAppendObject { .. } => "SealAppendObject",
            Self::PutSymlink(_) => "PutSymlink",
            Self::GetSymlink(_) => "GetSymlink",
            Self::GetObjectTagging(_) => "GetObjectTagging",
            Self::PutObjectTagging { .. } => "PutObjectTagging",
            Self::DeleteObjectTagging(_) => "DeleteObjectTagging",
            Self::GetObjectAcl(_) => "GetObjectAcl",
            Self::PutObjectAcl { .. } => "PutObjectAcl",
            Self::GetObjectRetention(_) => "GetObjectRetention",
            Self::PutObjectRetention(_) => "PutObjectRetention",
            Self::GetObjectLegalHold(_) => "GetObjectLegalHold",
            Self::PutObjectLegalHold { .. } => "PutObjectLegalHold",
            Self::GetObjectAttributes(_) => "GetObjectAttributes",
            Self::OptionsObject(_) => "OptionsObject",
            Self::InitiateMultipartUpload(_) => "InitiateMultipartUpload",
            Self::UploadPart(_) => "UploadPart",
            Self::UploadPartCopy(_) => "UploadPartCopy",
            Self::CompleteMultipartUpload(_) => "CompleteMultipartUpload",
            Self::AbortMultipartUpload(_) => "AbortMultipartUpload",
            Self::ListParts(_) => "ListParts",
        }
    }

    /// The bucket it is about; for copies the destination's.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::ListBuckets(_) | Self::DescribeRegions { .. } => None,
            Self::PutBucket(op) => Some(&op.bucket),
            Self::DeleteBucket { bucket }
            | Self::HeadBucket { bucket }
            | Self::GetBucketInfo { bucket }
            | Self::GetBucketStat { bucket }
            | Self::GetBucketLocation { bucket }
            | Self::GetBucketAcl { bucket }
            | Self::PutBucketAcl { bucket, .. }
            | Self::GetBucketVersioning { bucket }
            | Self::PutBucketVersioning { bucket, .. }
            | Self::GetBucketTags { bucket }
            | Self::PutBucketTags { bucket, .. }
            | Self::DeleteBucketTags { bucket }
            | Self::GetBucketCors { bucket }
            | Self::PutBucketCors { bucket, .. }
            | Self::DeleteBucketCors { bucket }
            | Self::GetBucketOwnership { bucket }
            | Self::PutBucketOwnership { bucket, .. }
            | Self::DeleteBucketOwnership { bucket }
            | Self::GetBucketEncryption { bucket }
            | Self::PutBucketEncryption { bucket, .. }
            | Self::DeleteBucketEncryption { bucket }
            | Self::GetBucketObjectLock { bucket }
            | Self::PutBucketObjectLock { bucket, .. }
            | Self::InitiateBucketWorm { bucket, .. }
            | Self::AbortBucketWorm { bucket }
            | Self::CompleteBucketWorm { bucket, .. }
            | Self::ExtendBucketWorm { bucket, .. }
            | Self::GetBucketWorm { bucket }
            | Self::GetBucketPolicy { bucket }
            | Self::PutBucketPolicy { bucket, .. }
            | Self::DeleteBucketPolicy { bucket }
            | Self::GetBucketPolicyStatus { bucket }
            | Self::GetBucketReferer { bucket }
            | Self::PutBucketReferer { bucket, .. }
            | Self::GetBucketConfig { bucket, .. }
            | Self::PutBucketConfig { bucket, .. }
            | Self::DeleteBucketConfig { bucket, .. }
            | Self::GetStyle { bucket, .. }
            | Self::ListStyles { bucket }
            | Self::DeleteStyle { bucket, .. }
            | Self::GetBucketProcessing { bucket }
            | Self::PutBucketProcessing { bucket, .. }
            | Self::ListLiveChannels { bucket, .. }
            | Self::SealAppendObject { bucket, .. } => Some(bucket),
            Self::GetPublicAccessBlock(scope)
            | Self::PutPublicAccessBlock { scope, .. }
            | Self::DeletePublicAccessBlock(scope) => scope.bucket(),
            Self::CreateAccessPoint { point, .. }
            | Self::GetAccessPoint(point)
            | Self::DeleteAccessPoint(point)
            | Self::GetAccessPointPolicy(point)
            | Self::PutAccessPointPolicy { point, .. }
            | Self::DeleteAccessPointPolicy(point) => Some(&point.bucket),
            Self::ListAccessPoints(op) => op.bucket.as_ref(),
            Self::PutStyle(op) => Some(&op.bucket),
            Self::ListObjects(op) => Some(&op.bucket),
            Self::ListObjectVersions(op) => Some(&op.bucket),
            Self::ListMultipartUploads(op) => Some(&op.bucket),
            Self::DeleteObjects(op) => Some(&op.bucket),
            Self::PutObject(op) => Some(&op.bucket),
            Self::PostObject(op) => Some(&op.put.bucket),
            Self::GetObject(op) | Self::HeadObject(op) => Some(&op.object.bucket),
            Self::DeleteObject(op) => Some(&op.object.bucket),
            Self::PutObjectRetention(op) => Some(&op.object.bucket),
            Self::GetObjectAttributes(op) => Some(&op.object.bucket),
            Self::GetProcessed(op) | Self::HeadProcessed(op) => Some(&op.read.object.bucket),
            Self::SaveProcessed(op) => Some(&op.source.bucket),
            Self::GetObjectMeta(object)
            | Self::GetSymlink(object)
            | Self::GetObjectTagging(object)
            | Self::DeleteObjectTagging(object)
            | Self::GetObjectAcl(object)
            | Self::GetObjectRetention(object)
            | Self::GetObjectLegalHold(object)
            | Self::PutObjectLegalHold { object, .. }
            | Self::PutObjectTagging { object, .. }
            | Self::PutObjectAcl { object, .. } => Some(&object.bucket),
            Self::CopyObject(op) => Some(&op.bucket),
            Self::AppendObject(op) => Some(&op.bucket),
            Self::PutSymlink(op) => Some(&op.bucket),
            Self::OptionsObject(op) => Some(&op.bucket),
            Self::InitiateMultipartUpload(op) => Some(&op.bucket),
            Self::UploadPart(op) => Some(&op.upload.bucket),
            Self::UploadPartCopy(op) => Some(&op.upload.bucket),
            Self::CompleteMultipartUpload(op) => Some(&op.upload.bucket),
            Self::AbortMultipartUpload(upload) => Some(&upload.bucket),
            Self::ListParts(op) => Some(&op.upload.bucket),
        }
    }

    /// What the access-control list opens that it sets, if it sets one.
    pub fn list_set(&self) -> Option<ListSet> {
        let bucket = |acl: BucketAcl| match acl {
            BucketAcl::Private => ListSet::Private,
            BucketAcl::PublicRead | BucketAcl::PublicReadWrite => ListSet::Public,
        };
        let object = |acl: ObjectAcl| match acl {
            ObjectAcl::Default => None,
            ObjectAcl::Private => Some(ListSet::Private),
            ObjectAcl::PublicRead | ObjectAcl::PublicReadWrite => Some(ListSet::Public),
        };
        match self {
            Self::PutBucket(op) => op.acl.map(bucket),
            Self::PutBucketAcl { acl, .. } => Some(bucket(*acl)),
            Self::PutObjectAcl { acl, .. } => object(*acl),
            Self::PutObject(PutObject { new, .. })
            | Self::PostObject(PostObject {
                put: PutObject { new, .. },
                ..
            })
            | Self::CopyObject(CopyObject { new, .. })
            | Self::AppendObject(AppendObject { new, .. })
            | Self::PutSymlink(PutSymlink { new, .. })
            | Self::InitiateMultipartUpload(InitiateMultipartUpload { new, .. }) => {
                new.acl.and_then(object)
            }
            Self::CompleteMultipartUpload(op) => op.acl.and_then(object),
            _ => None,
        }
    }

    /// Every permission the operation needs; all must be granted.
    ///
    /// The map from operations to actions is the one of the OSS documentation
    /// (reference section 5.9). A preflight needs none.
    pub fn accesses(&self) -> Vec<Access> {
        let service = |action| {
            vec![Access {
                action,
                resource: Resource::Service,
                version: None,
                kind: AccessKind::Manage,
            }]
        };
        let manage = |action, bucket: &BucketName| {
            vec![Access {
                action,
                resource: Resource::Bucket(bucket.clone()),
                version: None,
                kind: AccessKind::Manage,
            }]
        };
        let list = |action, bucket: &BucketName| {
            vec![Access {
                action,
                resource: Resource::Bucket(bucket.clone()),
                version: None,
                kind: AccessKind::Read,
            }]
        };
        let on = |action, bucket: &BucketName, key: &ObjectKey, kind| Access {
            action,
            resource: Resource::Object(bucket.clone(), key.clone()),
            version: None,
            kind,
        };
        let write = |bucket: &BucketName, key: &ObjectKey, new: &NewObject| {
            let mut all = vec![on("oss:PutObject", bucket, key, AccessKind::Write)];
            if new.tags.is_some() {
                all.push(on("oss:PutObjectTagging", bucket, key, AccessKind::Write));
            }
            if new.acl.is_some() {
                all.push(on("oss:PutObjectAcl", bucket, key, AccessKind::Write));
            }
            if new.lock.retention.is_some() {
                all.push(on(
                    "oss:PutObjectRetention",
                    bucket,
                    key,
                    AccessKind::Manage,
                ));
            }
            if new.lock.legal_hold.is_some() {
                all.push(on(
                    "oss:PutObjectLegalHold",
                    bucket,
                    key,
                    AccessKind::Manage,
                ));
            }
            all
        };
        let versioned = |object: &ObjectRef, plain, version, kind| {
            let action = if object.version.is_some() {
                version
            } else {
                plain
            };
            vec![Access {
                version: object.version,
                ..on(action, &object.bucket, &object.key, kind)
            }]
        };
        let read = |object: &ObjectRef| {
            versioned(
                object,
                "oss:GetObject",
                "oss:GetObjectVersion",
                AccessKind::Read,
            )
        };
        let bypass = |object: &ObjectRef| Access {
            version: object.version,
            ..on(BYPASS, &object.bucket, &object.key, AccessKind::Manage)
        };
        let upload =
            |upload: &UploadRef, action, kind| vec![on(action, &upload.bucket, &upload.key, kind)];
        match self {
            Self::ListBuckets(_) => service("oss:ListBuckets"),
            Self::DescribeRegions { .. } => service("oss:DescribeRegions"),
            Self::OptionsObject(_) => Vec::new(),
            Self::PutBucket(op) => manage("oss:PutBucket", &op.bucket),
            Self::DeleteBucket { bucket } => manage("oss:DeleteBucket", bucket),
            Self::HeadBucket { bucket } => list("oss:ListObjects", bucket),
            Self::GetBucketInfo { bucket } => manage("oss:GetBucketInfo", bucket),
            Self::GetBucketStat { bucket } => manage("oss:GetBucketStat", bucket),
            Self::GetBucketLocation { bucket } => manage("oss:GetBucketLocation", bucket),
            Self::GetBucketAcl { bucket } => manage("oss:GetBucketAcl", bucket),
            Self::PutBucketAcl { bucket, .. } => manage("oss:PutBucketAcl", bucket),
            Self::GetBucketVersioning { bucket } => manage("oss:GetBucketVersioning", bucket),
            Self::PutBucketVersioning { bucket, .. } => manage("oss:PutBucketVersioning", bucket),
            Self::GetBucketTags { bucket } => manage("oss:GetBucketTagging", bucket),
            Self::PutBucketTags { bucket, .. } => manage("oss:PutBucketTagging", bucket),
            Self::DeleteBucketTags { bucket } => manage("oss:DeleteBucketTagging", bucket),
            Self::GetBucketCors { bucket } => manage("oss:GetBucketCors", bucket),
            Self::PutBucketCors { bucket, .. } => manage("oss:PutBucketCors", bucket),
            Self::DeleteBucketCors { bucket } => manage("oss:DeleteBucketCors", bucket),
            Self::GetBucketOwnership { bucket } => manage("oss:GetBucketOwnershipControls", bucket),
            Self::PutBucketOwnership { bucket, .. } => {
                manage("oss:PutBucketOwnershipControls", bucket)
            }
            Self::DeleteBucketOwnership { bucket } => {
                manage("oss:DeleteBucketOwnershipControls", bucket)
            }
            Self::GetBucketEncryption { bucket } => manage("oss:GetBucketEncryption", bucket),
            Self::PutBucketEncryption { bucket, .. } => manage("oss:PutBucketEncryption", bucket),
            Self::DeleteBucketEncryption { bucket } => manage("oss:DeleteBucketEncryption", bucket),
            Self::GetBucketObjectLock { bucket } => {
                manage("oss:GetBucketObjectWormConfiguration", bucket)
            }
            Self::PutBucketObjectLock { bucket, .. } => {
                manage("oss:PutBucketObjectWormConfiguration", bucket)
            }
            Self::InitiateBucketWorm { bucket, .. } => manage("oss:InitiateBucketWorm", bucket),
            Self::AbortBucketWorm { bucket } => manage("oss:AbortBucketWorm", bucket),
            Self::CompleteBucketWorm { bucket, .. } => manage("oss:CompleteBucketWorm", bucket),
            Self::ExtendBucketWorm { bucket, .. } => manage("oss:ExtendBucketWorm", bucket),
            Self::GetBucketWorm { bucket } => manage("oss:GetBucketWorm", bucket),
            Self::GetBucketPolicy { bucket } => manage("oss:GetBucketPolicy", bucket),
            Self::PutBucketPolicy { bucket, .. } => manage("oss:PutBucketPolicy", bucket),
            Self::DeleteBucketPolicy { bucket } => manage("oss:DeleteBucketPolicy", bucket),
            Self::GetBucketPolicyStatus { bucket } => manage("oss:GetBucketPolicyStatus", bucket),
            Self::GetBucketReferer { bucket } => manage("oss:GetBucketReferer", bucket),
            Self::PutBucketReferer { bucket, .. } => manage("oss:PutBucketReferer", bucket),
            Self::GetPublicAccessBlock(scope) => vec![scope.access(Verb::Get)],
            Self::PutPublicAccessBlock { scope, .. } => vec![scope.access(Verb::Put)],
            Self::DeletePublicAccessBlock(scope) => vec![scope.access(Verb::Delete)],
            Self::CreateAccessPoint { point, .. } => manage("oss:CreateAccessPoint", &point.bucket),
            Self::GetAccessPoint(point) => manage("oss:GetAccessPoint", &point.bucket),
            Self::DeleteAccessPoint(point) => manage("oss:DeleteAccessPoint", &point.bucket),
            Self::ListAccessPoints(op) => match &op.bucket {
                Some(bucket) => manage("oss:ListAccessPoints", bucket),
                None => service("oss:ListAccessPoints"),
            },
            Self::GetAccessPointPolicy(point) => manage("oss:GetAccessPointPolicy", &point.bucket),
            Self::PutAccessPointPolicy { point, .. } => {
                manage("oss:PutAccessPointPolicy", &point.bucket)
            }
            Self::DeleteAccessPointPolicy(point) => {
                manage("oss:DeleteAccessPointPolicy", &point.bucket)
            }
            Self::GetBucketConfig { bucket, kind } => {
                manage(oss_action(config_action(*kind, Verb::Get)), bucket)
            }
            Self::PutBucketConfig { bucket, kind, .. } => {
                manage(oss_action(config_action(*kind, Verb::Put)), bucket)
            }
            Self::DeleteBucketConfig { bucket, kind } => {
                manage(oss_action(config_action(*kind, Verb::Delete)), bucket)
            }
            Self::PutStyle(op) => manage("oss:PutStyle", &op.bucket),
            Self::GetStyle { bucket, .. } => manage("oss:GetStyle", bucket),
            Self::ListStyles { bucket } => manage("oss:ListStyle", bucket),
            Self::DeleteStyle { bucket, .. } => manage("oss:DeleteStyle", bucket),
            Self::GetBucketProcessing { bucket } => {
                manage("oss:GetBucketProcessConfiguration", bucket)
            }
            Self::PutBucketProcessing { bucket, .. } => {
                manage("oss:PutBucketProcessConfiguration", bucket)
            }
            Self::ListObjects(op) => list("oss:ListObjects", &op.bucket),
            Self::ListObjectVersions(op) => list("oss:ListObjectVersions", &op.bucket),
            Self::ListMultipartUploads(op) => list("oss:ListMultipartUploads", &op.bucket),
            Self::ListLiveChannels { bucket, .. } => manage("oss:ListLiveChannel", bucket),
            Self::DeleteObjects(op) => {
                let deletions = op.objects.iter().map(|object| {
                    let action = if object.version.is_some() {
                        "oss:DeleteObjectVersion"
                    } else {
                        "oss:DeleteObject"
                    };
                    Access {
                        version: object.version,
                        ..on(action, &op.bucket, &object.key, AccessKind::Write)
                    }
                });
                let bypasses = op
                    .objects
                    .iter()
                    .filter(|object| op.bypass_governance && object.version.is_some())
                    .map(|object| Access {
                        version: object.version,
                        ..on(BYPASS, &op.bucket, &object.key, AccessKind::Manage)
                    });
                deletions.chain(bypasses).collect()
            }
            Self::PutObject(op) => write(&op.bucket, &op.key, &op.new),
            Self::PostObject(op) => write(&op.put.bucket, &op.put.key, &op.put.new),
            Self::AppendObject(op) => write(&op.bucket, &op.key, &op.new),
            Self::PutSymlink(op) => write(&op.bucket, &op.key, &op.new),
            Self::InitiateMultipartUpload(op) => write(&op.bucket, &op.key, &op.new),
            Self::SealAppendObject { bucket, key, .. } => {
                vec![on("oss:PutObject", bucket, key, AccessKind::Write)]
            }
            Self::GetObject(op) | Self::HeadObject(op) => read(&op.object),
            Self::GetProcessed(op) | Self::HeadProcessed(op) => read(&op.read.object),
            // Where the result goes is in the text; writing there is permitted apart.
            Self::SaveProcessed(op) => {
                let (bucket, key) = (&op.source.bucket, &op.source.key);
                let mut all = read(&op.source);
                // No list grants work on behalf of strangers.
                all.push(on("oss:PostProcessTask", bucket, key, AccessKind::Manage));
                all
            }
            Self::GetObjectMeta(object) | Self::GetSymlink(object) => read(object),
            Self::DeleteObject(op) => {
                let mut all = versioned(
                    &op.object,
                    "oss:DeleteObject",
                    "oss:DeleteObjectVersion",
                    AccessKind::Write,
                );
                if op.bypass_governance && op.object.version.is_some() {
                    all.push(bypass(&op.object));
                }
                all
            }
            Self::GetObjectRetention(object) => {
                let action = "oss:GetObjectRetention";
                versioned(object, action, action, AccessKind::Manage)
            }
            Self::PutObjectRetention(op) => {
                let action = "oss:PutObjectRetention";
                let mut all = versioned(&op.object, action, action, AccessKind::Manage);
                if op.bypass_governance {
                    all.push(bypass(&op.object));
                }
                all
            }
            Self::GetObjectLegalHold(object) => {
                let action = "oss:GetObjectLegalHold";
                versioned(object, action, action, AccessKind::Manage)
            }
            Self::PutObjectLegalHold { object, .. } => {
                let action = "oss:PutObjectLegalHold";
                versioned(object, action, action, AccessKind::Manage)
            }
            Self::GetObjectAttributes(op) => read(&op.object),
            Self::GetObjectTagging(object) => versioned(
                object,
                "oss:GetObjectTagging",
                "oss:GetObjectVersionTagging",
                AccessKind::Read,
            ),
            Self::PutObjectTagging { object, .. } => versioned(
                object,
                "oss:PutObjectTagging",
                "oss:PutObjectVersionTagging",
                AccessKind::Write,
            ),
            Self::DeleteObjectTagging(object) => versioned(
                object,
                "oss:DeleteObjectTagging",
                "oss:DeleteObjectVersionTagging",
                AccessKind::Write,
            ),
            Self::GetObjectAcl(object) => versioned(
                object,
                "oss:GetObjectAcl",
                "oss:GetObjectVersionAcl",
                AccessKind::Manage,
            ),
            Self::PutObjectAcl { object, .. } => versioned(
                object,
                "oss:PutObjectAcl",
                "oss:PutObjectVersionAcl",
                AccessKind::Manage,
            ),
            Self::CopyObject(op) => {
                let mut all = read(&op.source.object);
                all.extend(write(&op.bucket, &op.key, &op.new));
                all
            }
            Self::UploadPart(op) => upload(&op.upload, "oss:PutObject", AccessKind::Write),
            Self::UploadPartCopy(op) => {
                let mut all = read(&op.source.object);
                all.extend(upload(&op.upload, "oss:PutObject", AccessKind::Write));
                all
            }
            Self::CompleteMultipartUpload(op) => {
                upload(&op.upload, "oss:PutObject", AccessKind::Write)
            }
            Self::AbortMultipartUpload(op) => {
                upload(op, "oss:AbortMultipartUpload", AccessKind::Write)
            }
            Self::ListParts(op) => upload(&op.upload, "oss:ListParts", AccessKind::Read),
        }
    }
}

/// What is needed to end a governance retention before its time.
const BYPASS: &str = "oss:BypassGovernanceRetention";

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Put,
    Delete,
}

impl PublicAccessScope {
    /// The bucket, where there is one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Account => None,
            Self::Bucket(bucket) => Some(bucket),
            Self::AccessPoint(point) => Some(&point.bucket),
        }
    }

    fn name(&self, verb: Verb) -> &'static str {
        self.action(verb).trim_start_matches("oss:")
    }

    fn action(&self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Self::Account, Verb::Get) => "oss:GetPublicAccessBlock",
            (Self::Account, Verb::Put) => "oss:PutPublicAccessBlock",
            (Self::Account, Verb::Delete) => "oss:DeletePublicAccessBlock",
            (Self::Bucket(_), Verb::Get) => "oss:GetBucketPublicAccessBlock",
            (Self::Bucket(_), Verb::Put) => "oss:PutBucketPublicAccessBlock",
            (Self::Bucket(_), Verb::Delete) => "oss:DeleteBucketPublicAccessBlock",
            (Self::AccessPoint(_), Verb::Get) => "oss:GetAccessPointPublicAccessBlock",
            (Self::AccessPoint(_), Verb::Put) => "oss:PutAccessPointPublicAccessBlock",
            (Self::AccessPoint(_), Verb::Delete) => "oss:DeleteAccessPointPublicAccessBlock",
        }
    }

    fn access(&self, verb: Verb) -> Access {
        Access {
            action: self.action(verb),
            resource: match self.bucket() {
                Some(bucket) => Resource::Bucket(bucket.clone()),
                None => Resource::Service,
            },
            kind: AccessKind::Manage,
            version: None,
        }
    }
}

/// One table for the names of configuration operations; actions put `oss:` before them.
macro_rules! config_actions {
    ($($kind:ident: $get:literal, $put:literal, $delete:literal;)+) => {
        fn config_action(kind: ConfigKind, verb: Verb) -> &'static str {
            match (kind, verb) {
                $(
                    (ConfigKind::$kind, Verb::Get) => $get,
                    (ConfigKind::$kind, Verb::Put) => $put,
                    (ConfigKind::$kind, Verb::Delete) => $delete,
                )+
            }
        }

        fn oss_action(name: &'static str) -> &'static str {
            match name {
                $(
                    $get => concat!("oss:", $get),
                    $put => concat!("oss:", $put),
                    $delete => concat!("oss:", $delete),
                )+
                other => other,
            }
        }
    };
}

config_actions! {
    AccessMonitor: "GetBucketAccessMonitor", "PutBucketAccessMonitor", "DeleteBucketAccessMonitor";
    ArchiveDirectRead: "GetBucketArchiveDirectRead", "PutBucketArchiveDirectRead", "DeleteBucketArchiveDirectRead";
    Cname: "ListCname", "PutCname", "DeleteCname";
    Cors: "GetBucketCors", "PutBucketCors", "DeleteBucketCors";
    Encryption: "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption";
    HttpsConfig: "GetBucketHttpsConfig", "PutBucketHttpsConfig", "DeleteBucketHttpsConfig";
    Inventory: "GetBucketInventory", "PutBucketInventory", "DeleteBucketInventory";
    Lifecycle: "GetBucketLifecycle", "PutBucketLifecycle", "DeleteBucketLifecycle";
    Logging: "GetBucketLogging", "PutBucketLogging", "DeleteBucketLogging";
    ObjectWorm: "GetBucketObjectWormConfiguration", "PutBucketObjectWormConfiguration", "DeleteBucketObjectWormConfiguration";
    OverwriteConfig: "GetBucketOverwriteConfig", "PutBucketOverwriteConfig", "DeleteBucketOverwriteConfig";
    Policy: "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy";
    PolicyStatus: "GetBucketPolicyStatus", "PutBucketPolicyStatus", "DeleteBucketPolicyStatus";
    PublicAccessBlock: "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock";
    Quota: "GetBucketStorageQuota", "PutBucketStorageQuota", "DeleteBucketStorageQuota";
    Referer: "GetBucketReferer", "PutBucketReferer", "DeleteBucketReferer";
    Replication: "GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication";
    RequestPayment: "GetBucketRequestPayment", "PutBucketRequestPayment", "DeleteBucketRequestPayment";
    ResourceGroup: "GetBucketResourceGroup", "PutBucketResourceGroup", "DeleteBucketResourceGroup";
    S3Accelerate: "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration", "DeleteBucketAccelerateConfiguration";
    S3Lifecycle: "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycleConfiguration";
    S3Logging: "GetBucketLoggingStatus", "PutBucketLoggingStatus", "DeleteBucketLoggingStatus";
    S3Notification: "GetBucketNotification", "PutBucketNotification", "DeleteBucketNotification";
    S3OwnershipControls: "GetBucketOwnershipControls", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls";
    S3Website: "GetBucketWebsiteConfiguration", "PutBucketWebsiteConfiguration", "DeleteBucketWebsiteConfiguration";
    Style: "GetStyle", "PutStyle", "DeleteStyle";
    Tagging: "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging";
    TransferAcceleration: "GetBucketTransferAcceleration", "PutBucketTransferAcceleration", "DeleteBucketTransferAcceleration";
    UserDefinedLogFields: "GetUserDefinedLogFieldsConfig", "PutUserDefinedLogFieldsConfig", "DeleteUserDefinedLogFieldsConfig";
    Website: "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite";
    Worm: "GetBucketWorm", "InitiateBucketWorm", "AbortBucketWorm";
}

/// A part as `ListParts` tells it and `CompleteMultipartUpload` uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// 1 to 10,000.
    pub number: u16,
    /// Tag of its bytes.
    pub etag: ETag,
    /// Bytes.
    pub size: u64,
    /// Checksum of its bytes.
    pub crc64: Crc64,
    /// The checksum that S3 clients sent, or that was reckoned for them.
    pub checksum: Option<Checksum>,
    /// When it was uploaded.
    pub last_modified: Timestamp,
}
