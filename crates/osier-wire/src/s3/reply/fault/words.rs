//! Status, code and sentence of every fault.
//!
//! Codes and statuses are those of the S3 API reference, "Error responses",
//! since clients match on them; where S3 has no such fault the nearest code
//! of its own serves.

use std::borrow::Cow;

use http::StatusCode;
use osier_types::{AccessDenial, AuthorizationPlace, ConfigKind, DenialKind, FaultKind, LockedBy};

/// What S3 says for one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultWords {
    /// HTTP status.
    pub status: StatusCode,
    /// `Code`, which clients match on.
    pub code: &'static str,
    /// `Message`, for people.
    pub message: Cow<'static, str>,
}

/// The words for `kind`.
pub fn words(kind: &FaultKind) -> FaultWords {
    match kind {
        FaultKind::InvalidBucketName(_) => {
            bad("InvalidBucketName", "The specified bucket is not valid.")
        }
        FaultKind::InvalidObjectName => bad(
            "KeyTooLongError",
            "The key is empty, longer than 1024 bytes, or not UTF-8.",
        ),
        FaultKind::InvalidArgument { name, reason, .. } => argument(name, reason),
        FaultKind::MissingArgument { name } => bad(
            "InvalidRequest",
            format!("The request is missing `{name}`."),
        ),
        FaultKind::InvalidRequest { reason } | FaultKind::OperationNotSupported { reason } => {
            bad("InvalidRequest", reason.clone())
        }
        FaultKind::IncompletePreflight => bad(
            "BadRequest",
            "Insufficient information. Origin request header needed.",
        ),
        FaultKind::MalformedXml { reason } => bad(
            "MalformedXML",
            format!(
                "The XML you provided was not well-formed or did not validate against our \
                 published schema: {reason}."
            ),
        ),
        FaultKind::MalformedPolicy { path, reason } => bad(
            "MalformedPolicy",
            if path.is_empty() {
                format!("The policy is not valid: {reason}.")
            } else {
                format!("The policy is not valid at {path}: {reason}.")
            },
        ),
        FaultKind::NoSuchAccessPoint { .. } => missing(
            "NoSuchAccessPoint",
            "The specified accesspoint does not exist",
        ),
        FaultKind::NoSuchAccessPointPolicy { .. } => missing(
            "NoSuchAccessPointPolicy",
            "The specified accesspoint policy does not exist",
        ),
        FaultKind::AccessPointAlreadyExists => conflict(
            "AccessPointAlreadyOwnedByYou",
            "Your previous request to create the named accesspoint succeeded and you already own it.",
        ),
        FaultKind::ListsDisabled => bad(
            "AccessControlListNotSupported",
            "The bucket does not allow ACLs",
        ),
        FaultKind::ListsInTheWay => bad(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ),
        FaultKind::TooManyAccessPoints { max } => bad(
            "TooManyAccessPoints",
            format!("There can be no more than {max} access points."),
        ),
        FaultKind::MissingContentLength => of(
            StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        ),
        FaultKind::IncompleteBody => bad(
            "IncompleteBody",
            "The request body terminated unexpectedly.",
        ),
        FaultKind::RequestTimeout => bad(
            "RequestTimeout",
            "The request body was not read from or written to within the timeout period.",
        ),
        FaultKind::InvalidDigest => bad(
            "InvalidDigest",
            "The Content-MD5 you specified is not valid.",
        ),
        FaultKind::InvalidCrc64 { .. } => bad(
            "BadDigest",
            "The checksum you specified did not match what we received.",
        ),
        FaultKind::PayloadDigestMismatch => bad(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ),
        FaultKind::ChecksumMismatch { name } => bad(
            "BadDigest",
            format!("The {name} you specified did not match what we received."),
        ),
        FaultKind::MalformedChunk { reason } => bad(
            "InvalidChunkSizeError",
            format!("A chunk of the body can't be read: {reason}."),
        ),
        FaultKind::MalformedTrailer { reason } => bad(
            "MalformedTrailerError",
            format!("The trailer of the body can't be read: {reason}."),
        ),
        FaultKind::EntityTooLarge { .. } => bad(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size.",
        ),
        FaultKind::EntityTooSmall { .. } => bad(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size.",
        ),
        FaultKind::MetadataTooLarge { max } => bad(
            "MetadataTooLarge",
            format!("Your metadata headers exceed the maximum allowed size of {max} bytes."),
        ),
        FaultKind::InvalidEncryptionAlgorithm { algorithm } => bad(
            "InvalidEncryptionAlgorithmError",
            format!("The encryption request you specified is not valid: `{algorithm}`."),
        ),
        FaultKind::InvalidEncryptionRequest { reason } => bad(
            "InvalidArgument",
            format!("The encryption request is not valid: {reason}."),
        ),
        FaultKind::NoSuchMasterKey { key_id } => bad(
            "KMS.NotFoundException",
            format!("The key `{key_id}` does not exist."),
        ),
        FaultKind::CustomerKeyMissing => bad(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct \
             parameters must be provided to retrieve the object.",
        ),
        FaultKind::CustomerKeyWrong => forbidden(
            "AccessDenied",
            "The key that was provided is not the one that the object is encrypted under.",
        ),
        FaultKind::CustomerKeyUnwanted => bad(
            "InvalidRequest",
            "The encryption parameters are not applicable to this object.",
        ),
        FaultKind::InvalidTag { reason } => {
            bad("InvalidTag", format!("The tags are not valid: {reason}."))
        }
        FaultKind::NotImplemented { what } => of(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("This server does not implement {what}."),
        ),
        FaultKind::MethodNotAllowed | FaultKind::VersionIsMarker { .. } => of(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        ),
        FaultKind::InvalidPolicyDocument { reason } => bad(
            "InvalidPolicyDocument",
            format!("The form's policy can't be read: {reason}."),
        ),
        FaultKind::MalformedPost { reason } => bad(
            "MalformedPOSTRequest",
            format!(
                "The body of your POST request is not well-formed multipart/form-data: {reason}."
            ),
        ),
        FaultKind::FieldItemTooLong => bad(
            "MaxPostPreDataLengthExceeded",
            "A form field is longer than 8 KiB.",
        ),
        FaultKind::PostPreDataTooLong => bad(
            "MaxPostPreDataLengthExceeded",
            "Your POST request fields preceding the upload file were too large.",
        ),
        FaultKind::IncorrectNumberOfFiles => bad(
            "IncorrectNumberOfFilesInPostRequest",
            "POST requires exactly one file upload per request.",
        ),
        FaultKind::NotMultipartForm => of(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "Bucket POST must be of the enclosure-type multipart/form-data.",
        ),

        FaultKind::AccessDenied(denial) => denied(denial),
        FaultKind::CorsForbidden => forbidden(
            "AccessForbidden",
            "CORSResponse: This CORS request is not allowed.",
        ),
        FaultKind::SignatureDoesNotMatch(_) => forbidden(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method.",
        ),
        FaultKind::MalformedAuthorization { place, reason, .. } => bad(
            match place {
                AuthorizationPlace::Header => "AuthorizationHeaderMalformed",
                AuthorizationPlace::Query => "AuthorizationQueryParametersError",
            },
            reason.clone(),
        ),
        FaultKind::MissingSecurityHeader { name } => bad(
            "MissingSecurityHeader",
            format!("Your request is missing a required header: {name}."),
        ),
        FaultKind::InvalidAccessKeyId { .. } => forbidden(
            "InvalidAccessKeyId",
            "The AWS access key ID you provided does not exist in our records.",
        ),
        FaultKind::InvalidSecurityToken => bad(
            "InvalidToken",
            "The provided token is malformed or otherwise not valid.",
        ),
        FaultKind::SecurityTokenExpired => bad("ExpiredToken", "The provided token has expired."),
        FaultKind::RequestTimeTooSkewed { .. } => forbidden(
            "RequestTimeTooSkewed",
            "The difference between the request time and the server's time is too large.",
        ),

        FaultKind::NoSuchBucket(_) => {
            missing("NoSuchBucket", "The specified bucket does not exist.")
        }
        FaultKind::NoSuchKey { .. } | FaultKind::SymlinkTargetNotExist => {
            missing("NoSuchKey", "The specified key does not exist.")
        }
        // An id that was never given out is a mistake in the argument.
        FaultKind::NoSuchVersion { version } if !is_version(version) => {
            bad("InvalidArgument", "Invalid version id specified.")
        }
        FaultKind::NoSuchVersion { .. } => missing(
            "NoSuchVersion",
            "The version ID specified in the request does not match an existing version.",
        ),
        FaultKind::NoSuchUpload { .. } => missing(
            "NoSuchUpload",
            "The specified multipart upload does not exist. The upload ID might not be valid, \
             or the multipart upload might have been aborted or completed.",
        ),
        FaultKind::NoSuchConfig(kind) => no_such_config(*kind),
        FaultKind::NoSuchObjectLock => missing(
            "NoSuchObjectLockConfiguration",
            "The specified object does not have an ObjectLock configuration.",
        ),

        FaultKind::BucketAlreadyExists => conflict(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all \
             users of the system.",
        ),
        FaultKind::BucketNotEmpty => conflict(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty.",
        ),
        FaultKind::TooManyBuckets => bad(
            "TooManyBuckets",
            "You have attempted to create more buckets than are allowed for an account.",
        ),
        FaultKind::FileAlreadyExists | FaultKind::PreconditionFailed { .. } => of(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the preconditions you specified did not hold.",
        ),
        FaultKind::PositionNotEqualToLength { .. } => bad(
            "InvalidWriteOffset",
            "The write offset is not the object's length.",
        ),
        FaultKind::ObjectNotAppendable
        | FaultKind::InvalidTargetType
        | FaultKind::NotSymlink
        | FaultKind::PartNotSequential => bad(
            "InvalidRequest",
            "The operation does not fit this kind of object or upload.",
        ),
        // No request of this dialect asks for pictures.
        FaultKind::Picture { .. } => bad("InvalidRequest", "The picture can't be processed."),
        FaultKind::InvalidPart { .. } => bad(
            "InvalidPart",
            "One or more of the specified parts could not be found. The part might not have \
             been uploaded, or the specified entity tag might not have matched the part's \
             entity tag.",
        ),
        FaultKind::InvalidPartOrder => bad(
            "InvalidPartOrder",
            "The list of parts was not in ascending order.",
        ),
        FaultKind::ObjectLocked(by) => forbidden(
            "AccessDenied",
            match by {
                LockedBy::LegalHold => "Access Denied because object protected by legal hold.",
                LockedBy::Retention(_) | LockedBy::Worm { .. } => {
                    "Access Denied because object protected by object lock."
                }
            },
        ),
        FaultKind::InvalidBucketState { reason } => conflict(
            "InvalidBucketState",
            format!("The request is not valid for the current state of the bucket: {reason}."),
        ),
        FaultKind::WormAlreadyExists | FaultKind::WormLocked => conflict(
            "InvalidBucketState",
            "The bucket has a retention policy that does not allow it.",
        ),
        FaultKind::NotModified { .. } => {
            of(StatusCode::NOT_MODIFIED, "NotModified", "Not Modified")
        }
        FaultKind::InvalidRange { .. } => of(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range is not satisfiable",
        ),

        FaultKind::InsufficientStorage => of(
            StatusCode::INSUFFICIENT_STORAGE,
            "InsufficientStorage",
            "There is no space left for it.",
        ),
        FaultKind::Damaged => of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "Stored bytes are damaged; what was asked for can't be read.",
        ),
        FaultKind::Unavailable { reason } => of(
            StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            format!("Please reduce your request rate: {reason}."),
        ),
        FaultKind::Internal => of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "We encountered an internal error. Please try again.",
        ),
    }
}

/// Some arguments have a code of their own.
fn argument(name: &str, reason: &str) -> FaultWords {
    let code = match name {
        "x-amz-storage-class" => "InvalidStorageClass",
        "EmailAddress" => "UnresolvableGrantByEmailAddress",
        "x-amz-content-sha256" | "x-amz-trailer" => "InvalidRequest",
        _ => "InvalidArgument",
    };
    bad(code, format!("`{name}` is not valid: {reason}."))
}

fn is_version(text: &str) -> bool {
    osier_types::VersionId::parse(text).is_ok()
}

fn denied(denial: &AccessDenial) -> FaultWords {
    let message: Cow<'static, str> = match denial {
        AccessDenial::ImplicitDeny { action } => {
            format!("Access Denied: nothing grants {action}.").into()
        }
        AccessDenial::AnonymousForbidden
        | AccessDenial::NotOwner
        | AccessDenial::PublicAccessBlocked
        | AccessDenial::Referer(_)
        | AccessDenial::OriginalProtected
        | AccessDenial::TooManyVariants => "Access Denied".into(),
        AccessDenial::Expired { .. } => "Request has expired".into(),
        AccessDenial::NotYetValid => "Request is not valid yet".into(),
        AccessDenial::MalformedSignature { reason, .. } => reason.clone().into(),
        AccessDenial::HeadersNotSigned { names } => {
            format!("There were headers present in the request which were not signed: {names}")
                .into()
        }
        AccessDenial::PostPolicy { condition } => {
            format!("Invalid according to Policy: Policy Condition failed: {condition}").into()
        }
        AccessDenial::Policy(denial) => match denial.kind {
            DenialKind::Explicit => format!("Access Denied: a policy denies {}.", denial.action),
            DenialKind::Implicit => format!("Access Denied: no policy allows {}.", denial.action),
        }
        .into(),
    };
    forbidden("AccessDenied", message)
}

fn no_such_config(kind: ConfigKind) -> FaultWords {
    let (code, message) = match kind {
        ConfigKind::Cors => (
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist",
        ),
        ConfigKind::Encryption => (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
        ConfigKind::Lifecycle | ConfigKind::S3Lifecycle => (
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        ConfigKind::ObjectWorm | ConfigKind::Worm => (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        ConfigKind::S3OwnershipControls => (
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        ConfigKind::Policy | ConfigKind::PolicyStatus => {
            ("NoSuchBucketPolicy", "The bucket policy does not exist")
        }
        ConfigKind::PublicAccessBlock => (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        ConfigKind::Replication => (
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        ConfigKind::Tagging => ("NoSuchTagSet", "The TagSet does not exist"),
        ConfigKind::Website | ConfigKind::S3Website => (
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        ConfigKind::AccessMonitor
        | ConfigKind::ArchiveDirectRead
        | ConfigKind::Cname
        | ConfigKind::HttpsConfig
        | ConfigKind::Inventory
        | ConfigKind::Logging
        | ConfigKind::OverwriteConfig
        | ConfigKind::Quota
        | ConfigKind::Referer
        | ConfigKind::RequestPayment
        | ConfigKind::ResourceGroup
        | ConfigKind::S3Accelerate
        | ConfigKind::S3Logging
        | ConfigKind::S3Notification
        | ConfigKind::Style
        | ConfigKind::TransferAcceleration
        | ConfigKind::UserDefinedLogFields => (
            "NoSuchConfiguration",
            "The specified configuration does not exist.",
        ),
    };
    missing(code, message)
}

fn of(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    FaultWords {
        status,
        code,
        message: message.into(),
    }
}

fn bad(code: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    of(StatusCode::BAD_REQUEST, code, message)
}

fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    of(StatusCode::FORBIDDEN, code, message)
}

fn missing(code: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    of(StatusCode::NOT_FOUND, code, message)
}

fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    of(StatusCode::CONFLICT, code, message)
}
