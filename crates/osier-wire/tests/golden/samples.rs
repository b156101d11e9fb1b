//! What comes of each operation in the golden exchanges, and one fault of every kind.

use osier_types::{
    AccessDenial, AccessPoint, AccessPointInfo, AccessPointName, AccessPointPage, Appended,
    AuthorizationPlace, BucketAcl, BucketEncryption, BucketEntry, BucketInfo, BucketLock,
    BucketName, BucketPage, BucketStat, BucketVersioning, BucketWorm, ByteRange, ClassStat,
    ConfigKind, ContentHeaders, Copied, CorsConfig, CorsRule, DataRedundancy, DefaultRetention,
    DeletedEntry, DeletedPage, DenialKind, DeniedBy, DeniedPrincipal, ETag, FaultKind, GetObject,
    LegalHold, LockedBy, ObjectAcl, ObjectAttributes, ObjectDeleted, ObjectEntry, ObjectInfo,
    ObjectKey, ObjectKind, ObjectLock, ObjectOwnership, ObjectPage, ObjectRead, ObjectRef, Op,
    Outcome, Owner, PartInfo, PartPage, PolicyDenial, PrincipalKind, ProcessSaved,
    ProcessingConfig, PublicAccessBlock, RefererConfig, RefererDenial, Region, ResolvedRange,
    Resource, Retention, RetentionMode, RetentionPeriod, SignatureMismatch, StorageClass, Style,
    StyleCategory, StyleDelimiter, StyleName, Tag, Tags, Timestamp, UploadEntry, UploadPage,
    VersionEntry, VersionId, VersionPage, WormState, Written,
};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_316_645);

const MD5: [u8; 16] = [0xAB; 16];
const CRC64: u64 = 11_051_210_869_376_104_954;
const VERSION: VersionId = VersionId::Numbered(2);
const UPLOAD: &str = "0004B9894A22E5B1888A1E29F8236E2D";

pub(crate) fn bucket() -> BucketName {
    BucketName::parse("bkt").unwrap()
}

pub(crate) fn resource() -> Resource {
    Resource::Object(bucket(), key("dir/a & b"))
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text.as_bytes()).unwrap()
}

fn etag() -> ETag {
    ETag::of_md5(&MD5)
}

fn owner() -> Owner {
    Owner {
        id: "1000000000000001".into(),
        display_name: "root".into(),
    }
}

/// A plausible outcome of `op`.
pub(crate) fn outcome(op: &Op) -> Outcome {
    match op {
        Op::DeleteBucket { .. }
        | Op::HeadBucket { .. }
        | Op::PutBucketAcl { .. }
        | Op::PutBucketVersioning { .. }
        | Op::PutBucketTags { .. }
        | Op::DeleteBucketTags { .. }
        | Op::PutBucketCors { .. }
        | Op::DeleteBucketCors { .. }
        | Op::PutBucketPolicy { .. }
        | Op::DeleteBucketPolicy { .. }
        | Op::PutBucketReferer { .. }
        | Op::PutPublicAccessBlock { .. }
        | Op::DeletePublicAccessBlock(_)
        | Op::DeleteAccessPoint(_)
        | Op::PutAccessPointPolicy { .. }
        | Op::DeleteAccessPointPolicy(_)
        | Op::PutBucketConfig { .. }
        | Op::DeleteBucketConfig { .. }
        | Op::PutStyle(_)
        | Op::DeleteStyle { .. }
        | Op::PutBucketProcessing { .. }
        | Op::PutBucketOwnership { .. }
        | Op::DeleteBucketOwnership { .. }
        | Op::PutBucketEncryption { .. }
        | Op::DeleteBucketEncryption { .. }
        | Op::PutBucketObjectLock { .. }
        | Op::AbortBucketWorm { .. }
        | Op::CompleteBucketWorm { .. }
        | Op::ExtendBucketWorm { .. }
        | Op::AbortMultipartUpload(_) => Outcome::Done,
        Op::GetBucketOwnership { .. } => {
            Outcome::BucketOwnership(ObjectOwnership::BucketOwnerEnforced)
        }
        Op::GetBucketEncryption { .. } => Outcome::BucketEncryption(BucketEncryption::Managed),
        Op::GetBucketObjectLock { .. } => Outcome::BucketLock(BucketLock {
            default: Some(DefaultRetention {
                mode: RetentionMode::Governance,
                period: RetentionPeriod::Days(30),
            }),
        }),
        Op::InitiateBucketWorm { .. } => Outcome::WormInitiated(UPLOAD.into()),
        Op::GetBucketWorm { .. } => Outcome::BucketWorm {
            worm: BucketWorm {
                id: UPLOAD.into(),
                locked: true,
                days: 7,
                created: NOW,
            },
            state: WormState::Locked,
        },

        Op::ListBuckets(asked) => Outcome::Buckets(BucketPage {
            asked: asked.clone(),
            owner: owner(),
            buckets: vec![bucket_entry()],
            next_marker: Some("bkt".into()),
        }),
        Op::DescribeRegions { .. } => Outcome::Regions(vec![Region {
            name: "oss-cn-hangzhou".into(),
            endpoint: String::new(),
        }]),
        Op::PutBucket(put) => Outcome::BucketCreated(put.bucket.clone()),
        Op::GetBucketInfo { .. } => Outcome::BucketInfo(BucketInfo {
            entry: bucket_entry(),
            owner: owner(),
            acl: BucketAcl::PublicRead,
            redundancy: DataRedundancy::Zrs,
            versioning: Some(BucketVersioning::Suspended),
            encryption: None,
            block_public_access: true,
        }),
        Op::GetBucketStat { .. } => Outcome::BucketStat(stat()),
        Op::GetBucketLocation { .. } => Outcome::BucketLocation("oss-cn-hangzhou".into()),
        Op::GetBucketAcl { .. } => Outcome::BucketAcl {
            owner: owner(),
            acl: BucketAcl::Private,
        },
        Op::GetBucketVersioning { .. } => {
            Outcome::BucketVersioning(Some(BucketVersioning::Enabled))
        }
        Op::GetBucketTags { .. } => Outcome::Tagging {
            tags: tags(),
            version: None,
        },
        Op::GetBucketCors { .. } => Outcome::Cors(cors()),
        Op::GetBucketPolicy { .. } | Op::GetAccessPointPolicy(_) => {
            Outcome::Policy(r#"{"Version":"1","Statement":[]}"#.into())
        }
        Op::GetBucketPolicyStatus { .. } => Outcome::PolicyStatus { is_public: true },
        Op::GetBucketReferer { .. } => Outcome::Referer(referer()),
        Op::GetPublicAccessBlock(_) => Outcome::PublicAccessBlock {
            block: Some(PublicAccessBlock::whole(true)),
        },
        Op::CreateAccessPoint { .. } => Outcome::AccessPointCreated(access_point("ap-01")),
        Op::GetAccessPoint(_) => Outcome::AccessPoint(access_point("ap-01")),
        Op::ListAccessPoints(asked) => Outcome::AccessPoints(AccessPointPage {
            asked: asked.clone(),
            account: owner().id,
            points: vec![access_point("ap-01"), access_point("ap-02")],
            next: Some("ap-02".into()),
        }),
        Op::GetBucketConfig { kind, .. } => Outcome::Config {
            kind: *kind,
            document: None,
        },
        Op::ListObjects(asked) => Outcome::Objects(ObjectPage {
            asked: asked.clone(),
            owner: owner(),
            objects: vec![object_entry("dir/a & b"), object_entry("dir/中文")],
            common_prefixes: vec!["dir/sub+dir/".into()],
            next: Some("dir/中文".into()),
        }),
        Op::ListObjectVersions(asked) => Outcome::Versions(VersionPage {
            asked: asked.clone(),
            owner: owner(),
            versions: vec![
                version_entry(VersionId::Numbered(3), false),
                version_entry(VersionId::Numbered(2), true),
                version_entry(VersionId::Null, true),
            ],
            common_prefixes: vec!["dir/sub+dir/".into()],
            next: Some(("dir/a & b".into(), Some(VersionId::Null))),
        }),
        Op::ListMultipartUploads(asked) => Outcome::Uploads(UploadPage {
            asked: asked.clone(),
            uploads: vec![UploadEntry {
                key: key("dir/a & b"),
                upload_id: UPLOAD.into(),
                initiated: NOW,
                storage_class: StorageClass::Standard,
            }],
            common_prefixes: vec!["dir/sub+dir/".into()],
            next: Some(("dir/a & b".into(), UPLOAD.into())),
        }),
        Op::ListLiveChannels {
            prefix, max_keys, ..
        } => Outcome::LiveChannels {
            prefix: prefix.clone(),
            max_keys: *max_keys,
        },
        Op::DeleteObjects(asked) => Outcome::Deleted(DeletedPage {
            asked: asked.clone(),
            deleted: asked
                .objects
                .iter()
                .map(|wanted| DeletedEntry {
                    key: wanted.key.clone(),
                    version: wanted.version,
                    marker: wanted.version.is_none().then_some(VERSION),
                })
                .collect(),
            refused: Vec::new(),
        }),

        Op::PutObject(_) => Outcome::Written(written(Some(VERSION))),
        Op::PostObject(post) => Outcome::Posted {
            written: written(None),
            bucket: post.put.bucket.clone(),
            key: post.put.key.clone(),
            success: post.success.clone(),
        },
        Op::GetObject(get) | Op::HeadObject(get) => Outcome::Object(Box::new(read(get))),
        Op::GetProcessed(asked) | Op::HeadProcessed(asked) => {
            Outcome::Object(Box::new(read(&asked.read)))
        }
        Op::SaveProcessed(asked) => Outcome::ProcessSaved(ProcessSaved {
            bucket: asked.source.bucket.clone(),
            key: key("small.png"),
            size: 1234,
        }),
        Op::GetStyle { .. } => Outcome::Style(style("small")),
        Op::ListStyles { .. } => Outcome::Styles(vec![style("large"), style("small")]),
        Op::GetBucketProcessing { .. } => Outcome::Processing(ProcessingConfig {
            protected: true,
            suffixes: vec!["jpg".into(), "png".into()],
            delimiters: vec![StyleDelimiter::Hyphen, StyleDelimiter::Exclamation],
            ..ProcessingConfig::default()
        }),
        Op::GetObjectMeta(object) => Outcome::ObjectMeta(Box::new(info(object))),
        Op::DeleteObject(asked) => Outcome::ObjectDeleted(ObjectDeleted {
            version: Some(asked.object.version.unwrap_or(VERSION)),
            is_marker: asked.object.version.is_none(),
        }),
        Op::CopyObject(_) => Outcome::Copied(Copied {
            etag: etag(),
            last_modified: NOW,
            crc64: Some(CRC64),
            checksum: None,
            version: Some(VERSION),
            source_version: Some(VersionId::Null),
            encryption: None,
        }),
        Op::AppendObject(append) => Outcome::Appended(Appended {
            etag: etag(),
            next_position: append.position + 9,
            crc64: CRC64,
            version: None,
            encryption: None,
        }),
        Op::SealAppendObject { .. } => Outcome::Sealed(NOW),
        Op::PutSymlink(_) => Outcome::Touched(Some(VERSION)),
        Op::GetSymlink(object) => Outcome::Symlink(Box::new(ObjectInfo {
            kind: ObjectKind::Symlink,
            symlink_target: Some(key("dir/the target")),
            ..info(object)
        })),
        Op::GetObjectTagging(object) => Outcome::Tagging {
            tags: tags(),
            version: object.version,
        },
        Op::PutObjectTagging { object, .. }
        | Op::PutObjectAcl { object, .. }
        | Op::PutObjectLegalHold { object, .. }
        | Op::DeleteObjectTagging(object) => Outcome::Touched(object.version),
        Op::GetObjectAcl(object) => Outcome::ObjectAcl {
            owner: owner(),
            acl: ObjectAcl::Default,
            version: object.version,
        },
        Op::GetObjectRetention(_) => Outcome::Retention(retention()),
        Op::PutObjectRetention(put) => Outcome::Touched(put.object.version),
        Op::GetObjectLegalHold(_) => Outcome::LegalHold(LegalHold::On),
        Op::GetObjectAttributes(asked) => Outcome::ObjectAttributes(Box::new(ObjectAttributes {
            asked: asked.clone(),
            info: info(&asked.object),
            parts: None,
        })),
        Op::OptionsObject(asked) => {
            let headers: Vec<&str> = asked.headers.iter().map(String::as_str).collect();
            let grant = cors().grant(&asked.origin, &asked.method, &headers);
            Outcome::Preflight(grant.unwrap())
        }

        Op::InitiateMultipartUpload(asked) => Outcome::UploadInitiated {
            bucket: asked.bucket.clone(),
            key: asked.key.clone(),
            upload_id: UPLOAD.into(),
            encryption: None,
            checksum: None,
            url_encoded: asked.url_encoded,
        },
        Op::UploadPart(_) => Outcome::PartUploaded {
            etag: etag(),
            md5: MD5,
            crc64: CRC64,
            encryption: None,
            checksum: None,
        },
        Op::UploadPartCopy(_) => Outcome::PartCopied {
            etag: etag(),
            last_modified: NOW,
            source_version: Some(VersionId::Null),
            crc64: CRC64,
            encryption: None,
            checksum: None,
        },
        Op::CompleteMultipartUpload(asked) => Outcome::UploadCompleted {
            bucket: asked.upload.bucket.clone(),
            key: asked.upload.key.clone(),
            etag: ETag::of_parts(&MD5, 2),
            crc64: CRC64,
            checksum: None,
            version: Some(VERSION),
            encryption: None,
            url_encoded: asked.url_encoded,
        },
        Op::ListParts(asked) => Outcome::Parts(PartPage {
            asked: asked.clone(),
            storage_class: StorageClass::Standard,
            checksum: None,
            parts: vec![part(1), part(3)],
            is_truncated: true,
        }),
    }
}

fn bucket_entry() -> BucketEntry {
    BucketEntry {
        name: bucket(),
        location: "oss-cn-hangzhou".into(),
        created: NOW,
        storage_class: StorageClass::Standard,
    }
}

fn stat() -> BucketStat {
    let class = |objects, bytes| ClassStat { objects, bytes };
    BucketStat {
        classes: [
            class(1, 10),
            class(2, 20),
            class(3, 30),
            class(4, 40),
            class(5, 50),
        ],
        uploads: 6,
        delete_markers: 7,
        as_of: NOW,
    }
}

fn style(name: &str) -> Style {
    Style {
        name: StyleName::parse(name).unwrap(),
        content: "image/resize,w_100/quality,q_80".into(),
        category: StyleCategory::Image,
        created: NOW,
        modified: NOW.plus_millis(60_000),
    }
}

fn tags() -> Tags {
    let tag = |key: &str, value: &str| Tag {
        key: key.into(),
        value: value.into(),
    };
    Tags::new(vec![tag("team", "web"), tag("empty", "")], 10).unwrap()
}

fn cors() -> CorsConfig {
    CorsConfig {
        rules: vec![CorsRule {
            allowed_origins: vec!["https://*.example.com".into()],
            allowed_methods: vec!["GET".into(), "PUT".into()],
            allowed_headers: vec!["*".into()],
            expose_headers: vec!["ETag".into(), "x-oss-request-id".into()],
            max_age_seconds: Some(600),
        }],
        response_vary: false,
    }
}

fn object_entry(name: &str) -> ObjectEntry {
    ObjectEntry {
        key: key(name),
        last_modified: NOW,
        etag: etag(),
        kind: ObjectKind::Normal,
        size: 9,
        storage_class: StorageClass::Standard,
    }
}

fn version_entry(version: VersionId, is_object: bool) -> VersionEntry {
    VersionEntry {
        key: key("dir/a & b"),
        version,
        is_latest: !is_object,
        last_modified: NOW,
        object: is_object.then(|| object_entry("dir/a & b")),
    }
}

fn retention() -> Retention {
    Retention {
        mode: RetentionMode::Compliance,
        until: NOW.plus_millis(86_400_000),
    }
}

fn written(version: Option<VersionId>) -> Written {
    Written {
        etag: etag(),
        md5: MD5,
        crc64: CRC64,
        checksum: None,
        version,
        encryption: None,
    }
}

fn referer() -> RefererConfig {
    RefererConfig {
        allow_empty: false,
        allow_truncate_query: true,
        truncate_path: true,
        allowed: vec!["https://*.example.com".into(), "http://a.example?".into()],
        denied: vec!["*://evil.example*".into()],
    }
}

fn access_point(name: &str) -> AccessPointInfo {
    AccessPointInfo {
        bucket: bucket(),
        account: owner().id,
        location: "oss-cn-hangzhou".into(),
        point: AccessPoint {
            name: AccessPointName::parse(name).unwrap(),
            alias: BucketName::parse(&format!("{name}-00c0ffee-ossalias")).unwrap(),
            created: NOW,
            vpc: Some("vpc-t4nlw426y44rd3iq4".into()),
            policy: None,
            block_public_access: true,
        },
    }
}

fn info(object: &ObjectRef) -> ObjectInfo {
    ObjectInfo {
        key: object.key.clone(),
        version: object.version,
        kind: ObjectKind::Normal,
        size: 1000,
        etag: etag(),
        md5: Some(MD5),
        crc64: Some(CRC64),
        checksum: None,
        last_modified: NOW,
        storage_class: StorageClass::Standard,
        acl: ObjectAcl::Default,
        headers: ContentHeaders {
            content_type: Some(b"text/plain".to_vec()),
            cache_control: Some(b"no-cache".to_vec()),
            ..ContentHeaders::default()
        },
        user_meta: vec![("color".into(), "grün".as_bytes().to_vec())],
        persistent_headers: vec![("x-frame-options".into(), b"DENY".to_vec())],
        tags: tags(),
        symlink_target: None,
        sealed: None,
        encryption: None,
        lock: ObjectLock::default(),
        parts: None,
    }
}

fn read(get: &GetObject) -> ObjectRead {
    let range = match get.range.map(|range| range.resolve(1000)) {
        Some(ResolvedRange::Part(part)) => Some(part),
        Some(ResolvedRange::Unsatisfiable) => Some(ByteRange { start: 0, end: 1 }),
        Some(ResolvedRange::Whole) | None => None,
    };
    ObjectRead {
        info: info(&get.object),
        range,
        part: None,
        overrides: get.overrides.clone(),
    }
}

fn part(number: u16) -> PartInfo {
    PartInfo {
        number,
        etag: etag(),
        size: 102_400,
        crc64: CRC64,
        checksum: None,
        last_modified: NOW,
    }
}

/// One of every kind; kinds with parts have some.
pub(crate) fn faults() -> Vec<FaultKind> {
    let reason = || "it says so".to_owned();
    let denials = [
        AccessDenial::ImplicitDeny {
            action: "oss:GetObject".into(),
        },
        AccessDenial::AnonymousForbidden,
        AccessDenial::Expired { at: NOW },
        AccessDenial::NotYetValid,
        AccessDenial::MalformedSignature {
            reason: reason(),
            ec: "0002-00000202",
        },
        AccessDenial::HeadersNotSigned {
            names: "x-amz-acl".into(),
        },
        AccessDenial::PostPolicy {
            condition: "[\"eq\",\"$key\",\"a\"]".into(),
        },
        AccessDenial::NotOwner,
        AccessDenial::PublicAccessBlocked,
        AccessDenial::Referer(RefererDenial::Empty),
        AccessDenial::Referer(RefererDenial::Denied),
        AccessDenial::Referer(RefererDenial::NotAllowed),
        AccessDenial::Policy(Box::new(PolicyDenial {
            action: "oss:ListObjects".into(),
            by: DeniedBy::Nobody,
            kind: DenialKind::Implicit,
            principal: Some(DeniedPrincipal {
                account: "1000000000000001".into(),
                name: "alice".into(),
                kind: PrincipalKind::User,
            }),
            explanation: Some(reason()),
        })),
        AccessDenial::Policy(Box::new(PolicyDenial {
            action: "oss:GetObject".into(),
            by: DeniedBy::Bucket,
            kind: DenialKind::Explicit,
            principal: None,
            explanation: None,
        })),
    ];
    let before = vec![
        FaultKind::InvalidBucketName("A<b".into()),
        FaultKind::InvalidObjectName,
        FaultKind::InvalidArgument {
            name: "max-keys".into(),
            value: "0".into(),
            reason: "it must be 1 to 1000".into(),
        },
        FaultKind::MissingArgument {
            name: "uploadId".into(),
        },
        FaultKind::InvalidRequest { reason: reason() },
        FaultKind::IncompletePreflight,
        FaultKind::MalformedXml { reason: reason() },
        FaultKind::MissingContentLength,
        FaultKind::IncompleteBody,
        FaultKind::RequestTimeout,
        FaultKind::InvalidDigest,
        FaultKind::InvalidCrc64 {
            sent: 1,
            computed: 2,
        },
        FaultKind::PayloadDigestMismatch,
        FaultKind::ChecksumMismatch {
            name: "x-amz-checksum-crc32",
        },
        FaultKind::MalformedChunk {
            reason: "it says so",
        },
        FaultKind::MalformedTrailer {
            reason: "it says so",
        },
        FaultKind::EntityTooLarge { max: 5 },
        FaultKind::EntityTooSmall { min: 5 },
        FaultKind::MetadataTooLarge { max: 8192 },
        FaultKind::InvalidEncryptionAlgorithm {
            algorithm: "SM4".into(),
        },
        FaultKind::InvalidEncryptionRequest { reason: reason() },
        FaultKind::NoSuchMasterKey {
            key_id: "nothing".into(),
        },
        FaultKind::CustomerKeyMissing,
        FaultKind::CustomerKeyWrong,
        FaultKind::CustomerKeyUnwanted,
        FaultKind::InvalidTag { reason: reason() },
        FaultKind::NotImplemented {
            what: "RestoreObject".into(),
        },
        FaultKind::MethodNotAllowed,
        FaultKind::InvalidPolicyDocument { reason: reason() },
        FaultKind::MalformedPolicy {
            path: "Statement[0].Effect".into(),
            reason: reason(),
        },
        FaultKind::MalformedPost { reason: reason() },
        FaultKind::FieldItemTooLong,
        FaultKind::PostPreDataTooLong,
        FaultKind::IncorrectNumberOfFiles,
        FaultKind::NotMultipartForm,
    ];
    let after = vec![
        FaultKind::CorsForbidden,
        FaultKind::SignatureDoesNotMatch(Box::new(SignatureMismatch {
            access_key_id: "id".into(),
            signature_provided: "sig".into(),
            string_to_sign: b"GET\n\n/".to_vec(),
            canonical_request: Some("GET\n/\n".into()),
            ec: "0002-00000201",
        })),
        FaultKind::MalformedAuthorization {
            place: AuthorizationPlace::Header,
            reason: reason(),
            region: Some("us-east-1".into()),
        },
        FaultKind::MissingSecurityHeader {
            name: "x-amz-content-sha256",
        },
        FaultKind::InvalidAccessKeyId {
            access_key_id: "nobody".into(),
        },
        FaultKind::InvalidSecurityToken,
        FaultKind::SecurityTokenExpired,
        FaultKind::RequestTimeTooSkewed {
            request: NOW.plus_millis(-3_600_000),
            server: NOW,
        },
        FaultKind::NoSuchBucket(bucket()),
        FaultKind::NoSuchKey { marker: None },
        FaultKind::NoSuchKey {
            marker: Some(VERSION),
        },
        FaultKind::NoSuchVersion {
            version: "CAEQ".into(),
        },
        FaultKind::VersionIsMarker { version: VERSION },
        FaultKind::NoSuchUpload {
            upload_id: UPLOAD.into(),
        },
        FaultKind::NoSuchObjectLock,
        FaultKind::NoSuchAccessPoint {
            name: "ap-01".into(),
        },
        FaultKind::NoSuchAccessPointPolicy {
            name: "ap-01".into(),
        },
        FaultKind::SymlinkTargetNotExist,
        FaultKind::BucketAlreadyExists,
        FaultKind::BucketNotEmpty,
        FaultKind::TooManyBuckets,
        FaultKind::AccessPointAlreadyExists,
        FaultKind::ListsDisabled,
        FaultKind::ListsInTheWay,
        FaultKind::TooManyAccessPoints { max: 100 },
        FaultKind::FileAlreadyExists,
        FaultKind::PositionNotEqualToLength { length: 9 },
        FaultKind::ObjectNotAppendable,
        FaultKind::InvalidTargetType,
        FaultKind::NotSymlink,
        FaultKind::OperationNotSupported { reason: reason() },
        FaultKind::InvalidPart { number: 2 },
        FaultKind::InvalidPartOrder,
        FaultKind::PartNotSequential,
        FaultKind::ObjectLocked(LockedBy::LegalHold),
        FaultKind::ObjectLocked(LockedBy::Retention(retention())),
        FaultKind::ObjectLocked(LockedBy::Worm { until: NOW }),
        FaultKind::InvalidBucketState { reason: reason() },
        FaultKind::WormAlreadyExists,
        FaultKind::WormLocked,
        FaultKind::PreconditionFailed {
            condition: "If-Match",
        },
        FaultKind::NotModified {
            etag: etag(),
            last_modified: NOW,
            condition: "If-None-Match",
        },
        FaultKind::InvalidRange { length: 1000 },
        FaultKind::InsufficientStorage,
        FaultKind::Damaged,
        FaultKind::Unavailable { reason: reason() },
        FaultKind::Internal,
    ];
    let absent = ConfigKind::ALL.iter().copied().map(FaultKind::NoSuchConfig);
    before
        .into_iter()
        .chain(denials.map(FaultKind::AccessDenied))
        .chain(after)
        .chain(absent)
        .collect()
}
