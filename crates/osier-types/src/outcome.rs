//! Outcomes: what an operation that went well has to say.
//!
//! Object bytes are not part of an outcome; they stream beside it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    AccessPoint, BucketAcl, BucketEncryption, BucketLock, BucketName, BucketVersioning, BucketWorm,
    ByteRange, Checksum, ChecksumPlan, ConfigKind, CorsConfig, Crc64, DataRedundancy,
    DeleteObjects, ETag, Encrypted, Fault, GetObjectAttributes, LegalHold, ListAccessPoints,
    ListBuckets, ListMultipartUploads, ListObjectVersions, ListObjects, ListParts, Md5, ObjectAcl,
    ObjectChecksum, ObjectInfo, ObjectKey, ObjectKind, ObjectOwnership, Owner, PartInfo,
    PostSuccess, Preflight, ProcessSaved, ProcessingConfig, PublicAccessBlock, RefererConfig,
    ResponseOverrides, Retention, StorageClass, Style, Tags, Timestamp, VersionId, WormState,
};

/// What came of an [`Op`](crate::Op).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Success with nothing to say: 200, or 204 where `Op` deletes.
    Done,
    /// `PutBucket`.
    BucketCreated(BucketName),
    /// `ListBuckets`.
    Buckets(BucketPage),
    /// `DescribeRegions`.
    Regions(Vec<Region>),
    /// `GetBucketInfo`.
    BucketInfo(BucketInfo),
    /// `GetBucketStat`.
    BucketStat(BucketStat),
    /// `GetBucketLocation`: the location, e.g. `oss-cn-hangzhou`.
    BucketLocation(String),
    /// `GetBucketAcl`.
    BucketAcl {
        /// Who owns the bucket.
        owner: Owner,
        /// Its list.
        acl: BucketAcl,
    },
    /// `GetBucketVersioning`; `None` when never configured.
    BucketVersioning(Option<BucketVersioning>),
    /// `GetBucketTags` and `GetObjectTagging`.
    Tagging {
        /// The tags.
        tags: Tags,
        /// For objects in a bucket that was ever versioned.
        version: Option<VersionId>,
    },
    /// `GetBucketCors`.
    Cors(CorsConfig),
    /// `GetBucketOwnershipControls`.
    BucketOwnership(ObjectOwnership),
    /// `GetBucketEncryption`.
    BucketEncryption(BucketEncryption),
    /// `GetBucketObjectLock`.
    BucketLock(BucketLock),
    /// `InitiateBucketWorm`: the new policy's id.
    WormInitiated(String),
    /// `GetBucketWorm`.
    BucketWorm {
        /// The policy.
        worm: BucketWorm,
        /// What has become of it.
        state: WormState,
    },
    /// `GetBucketPolicy` and `GetAccessPointPolicy`: the document as it was put.
    Policy(Arc<str>),
    /// `GetBucketPolicyStatus`: whether the policy grants something to the public.
    PolicyStatus {
        /// It does.
        is_public: bool,
    },
    /// `GetBucketReferer`.
    Referer(RefererConfig),
    /// Block Public Access of an account, a bucket or an access point.
    PublicAccessBlock {
        /// `None` where nobody ever said anything.
        block: Option<PublicAccessBlock>,
    },
    /// `CreateAccessPoint`.
    AccessPointCreated(AccessPointInfo),
    /// `GetAccessPoint`.
    AccessPoint(AccessPointInfo),
    /// `ListAccessPoints`.
    AccessPoints(AccessPointPage),
    /// `GetStyle`.
    Style(Style),
    /// `ListStyle`, in order of names.
    Styles(Vec<Style>),
    /// `GetBucketProcessConfiguration`.
    Processing(ProcessingConfig),
    /// `ProcessObject`.
    ProcessSaved(ProcessSaved),
    /// `GetBucketConfig`: `None` when never set and the kind has an answer for that.
    Config {
        /// Which document.
        kind: ConfigKind,
        /// As it was put.
        document: Option<Bytes>,
    },
    /// `ListObjects`.
    Objects(ObjectPage),
    /// `ListObjectVersions`.
    Versions(VersionPage),
    /// `ListMultipartUploads`.
    Uploads(UploadPage),
    /// `ListLiveChannels`: there are none.
    LiveChannels {
        /// As sent.
        prefix: String,
        /// As sent.
        max_keys: u32,
    },
    /// `DeleteObjects`.
    Deleted(DeletedPage),
    /// `PutObject`.
    Written(Written),
    /// `PostObject`.
    Posted {
        /// What was written.
        written: Written,
        /// Where.
        bucket: BucketName,
        /// Under which key.
        key: ObjectKey,
        /// What to answer.
        success: PostSuccess,
    },
    /// `GetObject` and `HeadObject`.
    Object(Box<ObjectRead>),
    /// `GetObjectMeta`.
    ObjectMeta(Box<ObjectInfo>),
    /// `DeleteObject`.
    ObjectDeleted(ObjectDeleted),
    /// `CopyObject`.
    Copied(Copied),
    /// `AppendObject`.
    Appended(Appended),
    /// `SealAppendObject`: when it was sealed.
    Sealed(Timestamp),
    /// `PutSymlink`, `PutObjectTagging`, `DeleteObjectTagging`, `PutObjectAcl`: the version touched.
    Touched(Option<VersionId>),
    /// `GetSymlink`.
    Symlink(Box<ObjectInfo>),
    /// `GetObjectAcl`.
    ObjectAcl {
        /// Who owns the object.
        owner: Owner,
        /// Its list.
        acl: ObjectAcl,
        /// In a bucket that was ever versioned.
        version: Option<VersionId>,
    },
    /// `GetObjectRetention`.
    Retention(Retention),
    /// `GetObjectLegalHold`.
    LegalHold(LegalHold),
    /// `GetObjectAttributes`.
    ObjectAttributes(Box<ObjectAttributes>),
    /// `OptionsObject`: what the browser may do.
    Preflight(Preflight),
    /// `InitiateMultipartUpload`.
    UploadInitiated {
        /// Where.
        bucket: BucketName,
        /// Under which key.
        key: ObjectKey,
        /// The new upload's id.
        upload_id: String,
        /// How the object will be encrypted.
        encryption: Option<Encrypted>,
        /// The checksum that the object will have.
        checksum: Option<ChecksumPlan>,
        /// Whether the client wants names percent-encoded.
        url_encoded: bool,
    },
    /// `UploadPart`.
    PartUploaded {
        /// Tag of the part.
        etag: ETag,
        /// Digest of the part.
        md5: Md5,
        /// Checksum of the part.
        crc64: Crc64,
        /// How it is encrypted.
        encryption: Option<Encrypted>,
        /// The checksum that S3 clients sent, or that was reckoned for them.
        checksum: Option<Checksum>,
    },
    /// `UploadPartCopy`.
    PartCopied {
        /// Tag of the part.
        etag: ETag,
        /// When it was written.
        last_modified: Timestamp,
        /// Version of the source read, in a bucket that was ever versioned.
        source_version: Option<VersionId>,
        /// Checksum of the part.
        crc64: Crc64,
        /// How it is encrypted.
        encryption: Option<Encrypted>,
        /// The checksum that the upload asks for.
        checksum: Option<Checksum>,
    },
    /// `CompleteMultipartUpload`.
    UploadCompleted {
        /// Where.
        bucket: BucketName,
        /// Under which key.
        key: ObjectKey,
        /// Tag of the object.
        etag: ETag,
        /// Checksum of the object.
        crc64: Crc64,
        /// The checksum of the parts, put together.
        checksum: Option<ObjectChecksum>,
        /// In a bucket that was ever versioned.
        version: Option<VersionId>,
        /// How it is encrypted; not told under a customer's key.
        encryption: Option<Encrypted>,
        /// Whether the client wants names percent-encoded.
        url_encoded: bool,
    },
    /// `ListParts`.
    Parts(PartPage),
}

/// A region for `DescribeRegions`. Host names are without scheme, with a port where needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// `oss-cn-hangzhou`.
    pub name: String,
    /// Where clients reach it.
    pub endpoint: String,
}

/// One bucket in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketEntry {
    /// Its name.
    pub name: BucketName,
    /// `oss-cn-hangzhou`.
    pub location: String,
    /// When it was created.
    pub created: Timestamp,
    /// What new objects get.
    pub storage_class: StorageClass,
}

/// A page of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPage {
    /// What was asked for, to be echoed.
    pub asked: ListBuckets,
    /// Who owns them.
    pub owner: Owner,
    /// In order of names.
    pub buckets: Vec<BucketEntry>,
    /// Where the next page begins; `None` when this was the last.
    pub next_marker: Option<String>,
}

/// `GetBucketInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketInfo {
    /// Name, location, age, class.
    pub entry: BucketEntry,
    /// Who owns it.
    pub owner: Owner,
    /// Its list.
    pub acl: BucketAcl,
    /// How many zones.
    pub redundancy: DataRedundancy,
    /// `None` when never configured.
    pub versioning: Option<BucketVersioning>,
    /// What objects get that say nothing of encryption.
    pub encryption: Option<BucketEncryption>,
    /// Its own Block Public Access.
    pub block_public_access: bool,
}

/// An access point with what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPointInfo {
    /// The bucket it leads to.
    pub bucket: BucketName,
    /// The id of the account that owns both.
    pub account: String,
    /// The bucket's location, e.g. `oss-cn-hangzhou`.
    pub location: String,
    /// The access point itself.
    pub point: AccessPoint,
}

/// A page of access points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPointPage {
    /// What was asked for, to be echoed.
    pub asked: ListAccessPoints,
    /// The id of the account that owns them.
    pub account: String,
    /// In order of names.
    pub points: Vec<AccessPointInfo>,
    /// The last name of this page; `None` when this was the last page.
    pub next: Option<String>,
}

/// Count and bytes of one storage class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStat {
    /// Objects, old versions included.
    pub objects: u64,
    /// Bytes stored.
    pub bytes: u64,
}

/// `GetBucketStat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketStat {
    /// By storage class, in the order of [`StorageClass::ALL`].
    pub classes: [ClassStat; 5],
    /// Uploads that were begun and neither completed nor aborted.
    pub uploads: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// When these numbers were true.
    pub as_of: Timestamp,
}

/// One object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Its key.
    pub key: ObjectKey,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// How it came to be.
    pub kind: ObjectKind,
    /// Bytes.
    pub size: u64,
    /// How warm it is kept.
    pub storage_class: StorageClass,
}

/// A page of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPage {
    /// What was asked for, to be echoed.
    pub asked: ListObjects,
    /// Who owns them.
    pub owner: Owner,
    /// In byte order of keys.
    pub objects: Vec<ObjectEntry>,
    /// In byte order.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page; `None` when this was the last page.
    pub next: Option<String>,
}

/// One version or delete marker in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    /// Its key.
    pub key: ObjectKey,
    /// Its id.
    pub version: VersionId,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// `None` for a delete marker.
    pub object: Option<ObjectEntry>,
}

/// A page of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPage {
    /// What was asked for, to be echoed.
    pub asked: ListObjectVersions,
    /// Who owns them.
    pub owner: Owner,
    /// In byte order of keys, newest first within a key.
    pub versions: Vec<VersionEntry>,
    /// In byte order.
    pub common_prefixes: Vec<String>,
    /// The last key (or common prefix) and version of this page; `None` when this was the last.
    pub next: Option<(String, Option<VersionId>)>,
}

/// One upload in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadEntry {
    /// The key it will become.
    pub key: ObjectKey,
    /// Its id.
    pub upload_id: String,
    /// When it was begun.
    pub initiated: Timestamp,
    /// What the object will get.
    pub storage_class: StorageClass,
}

/// A page of uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPage {
    /// What was asked for, to be echoed.
    pub asked: ListMultipartUploads,
    /// In byte order of keys, then by id.
    pub uploads: Vec<UploadEntry>,
    /// In byte order.
    pub common_prefixes: Vec<String>,
    /// The last key (or common prefix) and id of this page; `None` when this was the last.
    pub next: Option<(String, String)>,
}

/// A page of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPage {
    /// What was asked for, to be echoed.
    pub asked: ListParts,
    /// What the object will get.
    pub storage_class: StorageClass,
    /// The checksum that the object will have.
    pub checksum: Option<ChecksumPlan>,
    /// By number.
    pub parts: Vec<PartInfo>,
    /// Whether there are more.
    pub is_truncated: bool,
}

/// One object of a `DeleteObjects` that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedEntry {
    /// Its key.
    pub key: ObjectKey,
    /// The version named in the request.
    pub version: Option<VersionId>,
    /// The delete marker that was added or removed.
    pub marker: Option<VersionId>,
}

/// `DeleteObjects`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletedPage {
    /// What was asked for.
    pub asked: DeleteObjects,
    /// In the order asked.
    pub deleted: Vec<DeletedEntry>,
    /// What was refused, where the request wants to know of each.
    pub refused: Vec<DeletionRefused>,
}

/// One object of a `DeleteObjects` that is still there.
#[derive(Clone, Debug)]
pub struct DeletionRefused {
    /// Its key.
    pub key: ObjectKey,
    /// The version named in the request.
    pub version: Option<VersionId>,
    /// Why.
    pub fault: Fault,
}

/// What lies beneath a fault is for logs and counts for nothing here.
impl PartialEq for DeletionRefused {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, self.version, &self.fault.kind)
            == (&other.key, other.version, &other.fault.kind)
    }
}

/// An object was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its tag.
    pub etag: ETag,
    /// Its digest.
    pub md5: Md5,
    /// Its checksum.
    pub crc64: Crc64,
    /// The checksum that S3 clients sent, or that was reckoned for them.
    pub checksum: Option<ObjectChecksum>,
    /// In a bucket that was ever versioned.
    pub version: Option<VersionId>,
    /// How it is encrypted.
    pub encryption: Option<Encrypted>,
}

/// An object was read, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRead {
    /// All that is known of it.
    pub info: ObjectInfo,
    /// The part asked for; `None` means all of it, status 200.
    pub range: Option<ByteRange>,
    /// Headers to answer with in place of the kept ones.
    pub overrides: ResponseOverrides,
    /// The part asked for by its number: `range` is its bytes.
    pub part: Option<u16>,
}

/// An object was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectDeleted {
    /// The version removed, or the marker added; only in a bucket that was ever versioned.
    pub version: Option<VersionId>,
    /// Whether that was a delete marker.
    pub is_marker: bool,
}

/// An object was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its tag.
    pub etag: ETag,
    /// When.
    pub last_modified: Timestamp,
    /// Its checksum.
    pub crc64: Option<Crc64>,
    /// The checksum of S3 that it was copied or reckoned with.
    pub checksum: Option<ObjectChecksum>,
    /// In a bucket that was ever versioned.
    pub version: Option<VersionId>,
    /// Version of the source read, in a bucket that was ever versioned.
    pub source_version: Option<VersionId>,
    /// How it is encrypted.
    pub encryption: Option<Encrypted>,
}

/// An object grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its tag now.
    pub etag: ETag,
    /// Where the next append goes.
    pub next_position: u64,
    /// Checksum of the whole object.
    pub crc64: Crc64,
    /// In a bucket that was ever versioned.
    pub version: Option<VersionId>,
    /// How it is encrypted.
    pub encryption: Option<Encrypted>,
}

/// `GetObjectAttributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// What was asked for, to be echoed.
    pub asked: GetObjectAttributes,
    /// All that is known of the object.
    pub info: ObjectInfo,
    /// A page of its parts; `None` when it was not put together from parts, or these are not known.
    pub parts: Option<ObjectParts>,
}

/// A page of the parts of a finished object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectParts {
    /// All of them.
    pub total: u16,
    /// By number.
    pub parts: Vec<ObjectPart>,
    /// Whether there are more.
    pub is_truncated: bool,
}

/// One part of a finished object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectPart {
    /// Its number in the upload.
    pub number: u16,
    /// Bytes.
    pub size: u64,
    /// The checksum that S3 clients sent, or that was reckoned for them.
    pub checksum: Option<Checksum>,
}
