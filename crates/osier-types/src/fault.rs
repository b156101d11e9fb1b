//! Faults: why an operation was refused or failed, in words of the domain.
//!
//! `FaultKind` is matched without a wildcard by every dialect, so a new kind
//! does not compile until each dialect has words for it.

use std::sync::Arc;

use crate::{
    BucketName, ConfigKind, ETag, LockedBy, RefererDenial, Resource, Timestamp, VersionId,
};

/// A refused or failed operation.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// What it was done to, where that is known.
    pub resource: Option<Box<Resource>>,
    /// What lies beneath, for logs only; never sent to a client.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    // --- the request can't be understood -------------------------------------------------
    /// The bucket's name breaks the rules.
    InvalidBucketName(String),
    /// The key breaks the rules.
    InvalidObjectName,
    /// An argument has a value that can't be.
    InvalidArgument {
        /// Its name on the wire.
        name: String,
        /// Its value, shortened.
        value: String,
        /// What would be right.
        reason: String,
    },
    /// An argument is missing.
    MissingArgument {
        /// Its name on the wire.
        name: String,
    },
    /// The request does not make sense as a whole.
    InvalidRequest {
        /// Why.
        reason: String,
    },
    /// A CORS preflight without one of the headers that make it one.
    IncompletePreflight,
    /// The XML body can't be read.
    MalformedXml {
        /// Why.
        reason: String,
    },
    /// The body of an upload has neither a length nor chunks.
    MissingContentLength,
    /// The body ended early.
    IncompleteBody,
    /// The body came too slowly.
    RequestTimeout,
    /// `Content-MD5` is malformed or not that of the body.
    InvalidDigest,
    /// The checksum sent is not that of the body.
    InvalidCrc64 {
        /// As sent.
        sent: u64,
        /// As computed.
        computed: u64,
    },
    /// The signed digest of the payload is not that of the body.
    PayloadDigestMismatch,
    /// A digest or checksum, well formed, is not that of the body.
    ChecksumMismatch {
        /// The header or trailer that brought it: `Content-MD5`, `x-amz-checksum-crc32`.
        name: &'static str,
    },
    /// `aws-chunked`: a chunk's head or end breaks the rules.
    MalformedChunk {
        /// Which rule.
        reason: &'static str,
    },
    /// `aws-chunked`: what follows the last chunk is not what was announced.
    MalformedTrailer {
        /// What is wrong.
        reason: &'static str,
    },
    /// A body, part or object is larger than allowed.
    EntityTooLarge {
        /// Bytes allowed.
        max: u64,
    },
    /// A part or form file is smaller than allowed.
    EntityTooSmall {
        /// Bytes required.
        min: u64,
    },
    /// Headers to keep are larger than allowed together.
    MetadataTooLarge {
        /// Bytes allowed.
        max: usize,
    },
    /// No such way of encrypting.
    InvalidEncryptionAlgorithm {
        /// As sent.
        algorithm: String,
    },
    /// What is said of encryption does not go together, or a customer's key is none.
    InvalidEncryptionRequest {
        /// Why.
        reason: String,
    },
    /// No such master key.
    NoSuchMasterKey {
        /// As sent.
        key_id: String,
    },
    /// The object is encrypted under a customer's key, which did not come along.
    CustomerKeyMissing,
    /// The object is encrypted under another customer's key than the one that came along.
    CustomerKeyWrong,
    /// A customer's key came along for an object that is not encrypted under one.
    CustomerKeyUnwanted,
    /// A tag breaks the rules.
    InvalidTag {
        /// Which rule.
        reason: String,
    },
    /// The operation or option is not there.
    NotImplemented {
        /// What was asked for.
        what: String,
    },
    /// A picture can't be processed as asked.
    Picture {
        /// What is wrong.
        kind: PictureFault,
        /// The finer code, where one is documented.
        ec: Option<&'static str>,
        /// The sentence for the caller.
        message: String,
    },
    /// The method is not allowed on this resource.
    MethodNotAllowed,
    /// A form's policy can't be read.
    InvalidPolicyDocument {
        /// Why.
        reason: String,
    },
    /// A policy of a bucket or an access point is not valid.
    MalformedPolicy {
        /// The path of the element, e.g. `Statement[0].Effect`; empty for the whole.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A form can't be read.
    MalformedPost {
        /// Why.
        reason: String,
    },
    /// A form field is too long.
    FieldItemTooLong,
    /// What precedes the file in a form is too long.
    PostPreDataTooLong,
    /// A form without exactly one file.
    IncorrectNumberOfFiles,
    /// A form that is not `multipart/form-data`.
    NotMultipartForm,

    // --- the caller may not --------------------------------------------------------------
    /// Permission is missing or denied.
    AccessDenied(AccessDenial),
    /// No CORS rule allows it.
    CorsForbidden,
    /// The signature is not the one computed here.
    SignatureDoesNotMatch(Box<SignatureMismatch>),
    /// An S3 signature that can't be read, or is made for something else.
    MalformedAuthorization {
        /// Where it was.
        place: AuthorizationPlace,
        /// What is wrong.
        reason: String,
        /// The region it should have named, when that is what is wrong.
        region: Option<String>,
    },
    /// A signed S3 request without a header that it must have.
    MissingSecurityHeader {
        /// Which.
        name: &'static str,
    },
    /// No such access key, or it is disabled.
    InvalidAccessKeyId {
        /// As sent.
        access_key_id: String,
    },
    /// A security token is malformed, unknown or not that of the key.
    InvalidSecurityToken,
    /// A security token's time is over.
    SecurityTokenExpired,
    /// The request's date is too far from the server's.
    RequestTimeTooSkewed {
        /// As sent.
        request: Timestamp,
        /// The server's.
        server: Timestamp,
    },

    // --- it is not there -----------------------------------------------------------------
    /// No such bucket.
    NoSuchBucket(BucketName),
    /// No such object.
    NoSuchKey {
        /// The delete marker that hides it.
        marker: Option<VersionId>,
    },
    /// No such version; `version` as sent.
    NoSuchVersion {
        /// As sent.
        version: String,
    },
    /// The version named is a delete marker.
    VersionIsMarker {
        /// Which.
        version: VersionId,
    },
    /// No such upload.
    NoSuchUpload {
        /// As sent.
        upload_id: String,
    },
    /// The configuration document was never set.
    NoSuchConfig(ConfigKind),
    /// The object has no retention, or no legal hold was ever set.
    NoSuchObjectLock,
    /// No such access point.
    NoSuchAccessPoint {
        /// As sent.
        name: String,
    },
    /// The access point has no policy.
    NoSuchAccessPointPolicy {
        /// Its name.
        name: String,
    },
    /// A symlink's target is not there.
    SymlinkTargetNotExist,

    // --- the state does not allow it -----------------------------------------------------
    /// The bucket's name is taken.
    BucketAlreadyExists,
    /// The bucket still holds something.
    BucketNotEmpty,
    /// The account has as many buckets as it may.
    TooManyBuckets,
    /// The account has an access point of this name.
    AccessPointAlreadyExists,
    /// A list was to be set in a bucket whose objects are its owner's alone.
    ListsDisabled,
    /// The bucket was to have its objects belong to its owner alone, but its list is public.
    ListsInTheWay,
    /// The bucket or the account has as many access points as it may.
    TooManyAccessPoints {
        /// How many that is.
        max: usize,
    },
    /// The key exists and must not be overwritten.
    FileAlreadyExists,
    /// An append at the wrong place.
    PositionNotEqualToLength {
        /// The right place.
        length: u64,
    },
    /// The object can't be appended to.
    ObjectNotAppendable,
    /// A symlink points to a symlink.
    InvalidTargetType,
    /// The object is no symlink.
    NotSymlink,
    /// The operation does not fit this kind of object.
    OperationNotSupported {
        /// Why.
        reason: String,
    },
    /// A part named in a completion is not there or has another tag.
    InvalidPart {
        /// Its number.
        number: u32,
    },
    /// Parts are not in ascending order.
    InvalidPartOrder,
    /// A part of a sequential upload came out of turn.
    PartNotSequential,
    /// The version may not be removed or overwritten.
    ObjectLocked(LockedBy),
    /// The bucket's state forbids it: object lock needs versions, and keeps them on.
    InvalidBucketState {
        /// Why.
        reason: String,
    },
    /// The bucket has a retention policy already.
    WormAlreadyExists,
    /// The bucket's retention policy is final.
    WormLocked,
    /// A condition does not hold.
    PreconditionFailed {
        /// The header that did not hold.
        condition: &'static str,
    },
    /// The client's copy is current.
    NotModified {
        /// The object's tag.
        etag: ETag,
        /// When it was written.
        last_modified: Timestamp,
        /// The header that found it so.
        condition: &'static str,
    },
    /// The range lies outside the object.
    InvalidRange {
        /// The object's length.
        length: u64,
    },

    // --- the server can't ----------------------------------------------------------------
    /// No space left.
    InsufficientStorage,
    /// Stored bytes are damaged; what was asked for can't be read.
    Damaged,
    /// Busy, or the engine stopped acknowledging writes.
    Unavailable {
        /// Why, in words for the caller.
        reason: String,
    },
    /// A defect or an I/O error.
    Internal,
}

/// What is wrong with the processing of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFault {
    /// A parameter has a value that can't be.
    InvalidArgument,
    /// A parameter is missing.
    MissingArgument,
    /// The source is no picture, or an action does not fit it.
    BadRequest,
    /// The source or the result is too large.
    TooLarge,
    /// A watermark can't be made.
    Watermark,
}

impl PictureFault {
    /// OSS's word for it, the same wherever pictures are made.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::MissingArgument => "MissingArgument",
            Self::BadRequest => "BadRequest",
            Self::TooLarge => "ImageTooLarge",
            Self::Watermark => "WatermarkError",
        }
    }
}

/// Why permission was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessDenial {
    /// Nothing grants `action`.
    ImplicitDeny {
        /// The action that was missing.
        action: String,
    },
    /// Anonymous requests can't do this, whatever the access-control lists say.
    AnonymousForbidden,
    /// The original is protected: anonymous requests get styles of it only.
    OriginalProtected,
    /// Too many different results of one object were asked for without signing.
    TooManyVariants,
    /// A signed URL or form whose time is over.
    Expired {
        /// When it ended.
        at: Timestamp,
    },
    /// A signed URL that is not valid yet.
    NotYetValid,
    /// Parts of a signature are missing or malformed.
    MalformedSignature {
        /// What is wrong.
        reason: String,
        /// The finer code.
        ec: &'static str,
    },
    /// Headers that change what an S3 request means and are not signed.
    HeadersNotSigned {
        /// Their names, separated by commas.
        names: String,
    },
    /// A condition of a form's policy does not hold.
    PostPolicy {
        /// Which.
        condition: String,
    },
    /// The bucket belongs to someone else.
    NotOwner,
    /// Block Public Access forbids to open something to everybody.
    PublicAccessBlocked,
    /// The page that refers to it may not.
    Referer(RefererDenial),
    /// A policy denies it, or those that are asked do not grant it.
    Policy(Box<PolicyDenial>),
}

/// Where an S3 signature travelled: its faults have a code of their own for each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationPlace {
    /// `Authorization`.
    Header,
    /// The query string.
    Query,
}

/// What policies have to do with a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDenial {
    /// The action that was asked for.
    pub action: String,
    /// Whose documents are to blame.
    pub by: DeniedBy,
    /// Whether a statement says no, or none says yes.
    pub kind: DenialKind,
    /// Who asked; `None` is anonymous.
    pub principal: Option<DeniedPrincipal>,
    /// What is missing, in words; only when the caller may know.
    pub explanation: Option<String>,
}

/// Whose documents refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedBy {
    /// Those attached to the caller.
    Identity,
    /// The one of the temporary key.
    Session,
    /// The bucket's.
    Bucket,
    /// The access point's, or its network.
    AccessPoint,
    /// None: nothing grants it.
    Nobody,
}

/// How a policy refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialKind {
    /// A statement denies it.
    Explicit,
    /// No statement grants it.
    Implicit,
}

/// Who was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedPrincipal {
    /// The account's id.
    pub account: String,
    /// The account's, user's or `role:session`'s name.
    pub name: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// What kind of principal was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// An account.
    Account,
    /// A RAM user.
    User,
    /// The holder of a temporary key.
    AssumedRole,
}

/// Both sides of a signature that does not match. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureMismatch {
    /// As sent.
    pub access_key_id: String,
    /// As sent.
    pub signature_provided: String,
    /// What the server signed.
    pub string_to_sign: Vec<u8>,
    /// V4 only.
    pub canonical_request: Option<String>,
    /// The finer code: `0002-00000040` for V1, `0002-00000201` for V4.
    pub ec: &'static str,
}

impl Fault {
    /// A fault of this kind, on nothing in particular.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            resource: None,
            source: None,
        }
    }

    /// The same fault, said of `resource`.
    #[must_use]
    pub fn on(mut self, resource: Resource) -> Self {
        self.resource = Some(Box::new(resource));
        self
    }

    /// The same fault with what lies beneath it, for logs.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// `InvalidArgument` with its parts; the value is shortened.
    pub fn argument(
        name: impl Into<String>,
        value: impl AsRef<str>,
        reason: impl Into<String>,
    ) -> Self {
        Self::new(FaultKind::InvalidArgument {
            name: name.into(),
            value: value.as_ref().chars().take(200).collect(),
            reason: reason.into(),
        })
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self::new(kind)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
