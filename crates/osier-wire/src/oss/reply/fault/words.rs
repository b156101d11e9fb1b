//! Status, code, finer code and sentence of every fault.
//!
//! Codes are those of the OSS API reference, since clients match on them.
//! Finer codes (`EC`) are informational; those that Alibaba documents are
//! marked `doc`, the rest keep the family (0002 who, 0003 may, 0015 bucket,
//! 0017 request, 0026 object, 0042 upload) but their last digits are
//! unverified.

use std::borrow::Cow;

use http::StatusCode;
use osier_types::{
    AccessDenial, ConfigKind, DenialKind, DeniedBy, FaultKind, LockedBy, RefererDenial, Retention,
};

/// What OSS says for one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultWords {
    /// HTTP status.
    pub status: StatusCode,
    /// `Code`, which clients match on.
    pub code: &'static str,
    /// `EC`, the finer code.
    pub ec: &'static str,
    /// Whether Alibaba's pages explain the finer code.
    pub documented: bool,
    /// `Message`, for people.
    pub message: Cow<'static, str>,
}

/// The words for `kind`.
pub fn words(kind: &FaultKind) -> FaultWords {
    match kind {
        FaultKind::InvalidBucketName(name) => bad(
            "InvalidBucketName",
            "0015-00000001",
            format!(
                "The bucket name `{name}` is not valid: it must have 3 to 63 characters out of \
                 a-z, 0-9 and `-`, with a letter or digit at both ends."
            ),
        ),
        FaultKind::InvalidObjectName => bad(
            "InvalidObjectName",
            "0026-00000002",
            "The object key is not valid: it must be 1 to 1023 bytes of UTF-8 and must not begin \
             with `/` or `\\`.",
        ),
        FaultKind::InvalidArgument { name, reason, .. } => bad(
            "InvalidArgument",
            "0017-00000001",
            format!("The argument `{name}` is not valid: {reason}."),
        ),
        FaultKind::MissingArgument { name } => bad(
            "MissingArgument",
            "0017-00000002",
            format!("The argument `{name}` is missing."),
        ),
        FaultKind::InvalidRequest { reason } => bad(
            "InvalidRequest",
            "0017-00000003",
            format!("The request is not valid: {reason}."),
        ),
        FaultKind::IncompletePreflight => bad(
            "BadRequest",
            "0017-00000006",
            "A preflight needs the headers Origin and Access-Control-Request-Method.",
        ),
        FaultKind::MalformedXml { reason } => bad(
            "MalformedXML",
            "0017-00000004",
            format!("The XML of the request body can't be read: {reason}."),
        ),
        FaultKind::MissingContentLength => of(
            StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "0017-00000005",
            "The request has a body but neither `Content-Length` nor chunked transfer encoding.",
        ),
        FaultKind::IncompleteBody => bad(
            "IncompleteBody",
            "0017-00000006",
            "The request body ended before the announced length.",
        ),
        FaultKind::RequestTimeout => bad(
            "RequestTimeout",
            "0017-00000007",
            "The request body did not arrive in time.",
        ),
        FaultKind::InvalidDigest => bad(
            "InvalidDigest",
            "0017-00000008",
            "`Content-MD5` is malformed or is not the digest of the request body.",
        ),
        FaultKind::InvalidCrc64 { sent, computed } => bad(
            "InvalidCRC64",
            "0017-00000009",
            format!(
                "`x-oss-hash-crc64ecma` is {sent}, but the checksum of the request body is \
                 {computed}."
            ),
        ),
        FaultKind::PayloadDigestMismatch => bad(
            "InvalidDigest",
            "0017-00000010",
            "`x-oss-content-sha256` is not the digest of the request body.",
        ),
        FaultKind::ChecksumMismatch { name } => bad(
            "InvalidDigest",
            "0017-00000008",
            format!("`{name}` is not the digest of the request body."),
        ),
        FaultKind::MalformedChunk { reason } => bad(
            "InvalidRequest",
            "0017-00000003",
            format!("The chunks of the request body can't be read: {reason}."),
        ),
        FaultKind::MalformedTrailer { reason } => bad(
            "InvalidRequest",
            "0017-00000003",
            format!("What follows the chunks of the request body can't be read: {reason}."),
        ),
        FaultKind::EntityTooLarge { max } => bad(
            "EntityTooLarge",
            "0017-00000011",
            format!("The body is larger than the {max} bytes allowed here."),
        ),
        FaultKind::EntityTooSmall { min } => bad(
            "EntityTooSmall",
            "0017-00000012",
            format!("The part or file is smaller than the {min} bytes required here."),
        ),
        // OSS has no code of its own for it.
        FaultKind::MetadataTooLarge { max } => bad(
            "InvalidArgument",
            "0017-00000013",
            format!("The object's metadata is larger than {max} bytes."),
        ),
        FaultKind::InvalidEncryptionAlgorithm { algorithm } => bad(
            "InvalidEncryptionAlgorithmError",
            "0017-00000801",
            format!("The encryption algorithm `{algorithm}` is not one of AES256 and KMS."),
        ),
        FaultKind::InvalidEncryptionRequest { reason } => bad(
            "InvalidEncryptionRequest",
            "0017-00000802",
            format!("The encryption asked for is not possible: {reason}."),
        ),
        FaultKind::NoSuchMasterKey { key_id } => bad(
            "InvalidEncryptionRequest",
            "0017-00000803",
            format!("The master key `{key_id}` does not exist here."),
        ),
        // OSS has no keys of customers; these objects were written by another dialect.
        FaultKind::CustomerKeyMissing => bad(
            "InvalidRequest",
            "0017-00000804",
            "The object is encrypted under a key of the client's own, which must come along.",
        ),
        FaultKind::CustomerKeyWrong => forbidden(
            "AccessDenied",
            "0017-00000805",
            "The key that came along is not the one that the object is encrypted under.",
        ),
        FaultKind::CustomerKeyUnwanted => bad(
            "InvalidRequest",
            "0017-00000806",
            "A key came along, but the object is not encrypted under a key of the client's own.",
        ),
        FaultKind::InvalidTag { reason } => bad(
            "InvalidTag",
            "0017-00000014",
            format!("The tags are not valid: {reason}."),
        ),
        // 400: so says the sample on OSS's page of errors, so does today's page of picture errors
        // (an older one said 501), so does the table in oss2. SDKs would try a 501 again.
        FaultKind::NotImplemented { what } => bad(
            "NotImplemented",
            "0017-00000015",
            format!("This server does not implement {what}."),
        ),
        FaultKind::Picture { kind, ec, message } => {
            let code = kind.code();
            match ec {
                Some(ec) => doc(bad(code, ec, message.clone())),
                None => bad(code, "0040-00000901", message.clone()),
            }
        }
        FaultKind::MethodNotAllowed => of(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "0017-00000016",
            "The method is not allowed on this resource.",
        ),
        FaultKind::InvalidPolicyDocument { reason } => bad(
            "InvalidPolicyDocument",
            "0017-00000017",
            format!("The form's policy can't be read: {reason}."),
        ),
        FaultKind::MalformedPolicy { path, reason } => bad(
            "InvalidPolicyDocument",
            "0017-00000023",
            if path.is_empty() {
                format!("The policy is not valid: {reason}.")
            } else {
                format!("The policy is not valid at `{path}`: {reason}.")
            },
        ),
        FaultKind::MalformedPost { reason } => bad(
            "MalformedPOSTRequest",
            "0017-00000018",
            format!("The form can't be read: {reason}."),
        ),
        FaultKind::FieldItemTooLong => bad(
            "FieldItemTooLong",
            "0017-00000019",
            "A form field is longer than 8 KiB.",
        ),
        FaultKind::PostPreDataTooLong => bad(
            "MaxPOSTPreDataLengthExceededError",
            "0017-00000020",
            "What precedes the file in the form is too long.",
        ),
        FaultKind::IncorrectNumberOfFiles => bad(
            "IncorrectNumberOfFilesInPOSTRequest",
            "0017-00000021",
            "The form must have exactly one field `file`.",
        ),
        FaultKind::NotMultipartForm => bad(
            "RequestIsNotMultiPartContent",
            "0017-00000022",
            "A POST to a bucket must be `multipart/form-data`.",
        ),

        FaultKind::AccessDenied(denial) => denied(denial),
        FaultKind::CorsForbidden => forbidden(
            "AccessForbidden",
            "0003-00000904",
            "CORS: no rule of the bucket allows this origin, method and headers.",
        ),
        FaultKind::SignatureDoesNotMatch(mismatch) => {
            let ec = match mismatch.ec {
                "" => "0002-00000040",
                ec => ec,
            };
            doc(forbidden(
                "SignatureDoesNotMatch",
                ec,
                "The signature is not the one computed from this request. Check the access key \
                 secret, and compare `StringToSign` with the text that was signed.",
            ))
        }
        FaultKind::MalformedAuthorization { reason, .. } => bad(
            "InvalidArgument",
            "0002-00000202",
            format!("The signature can't be read: {reason}."),
        ),
        FaultKind::MissingSecurityHeader { name } => bad(
            "MissingArgument",
            "0017-00000002",
            format!("The signed request lacks the header `{name}`."),
        ),
        FaultKind::InvalidAccessKeyId { access_key_id } => forbidden(
            "InvalidAccessKeyId",
            "0002-00000902",
            format!("The access key id `{access_key_id}` does not exist here or is disabled."),
        ),
        FaultKind::InvalidSecurityToken => forbidden(
            "InvalidSecurityToken",
            "0002-00000212",
            "The security token is malformed, unknown or does not belong to the access key id.",
        ),
        FaultKind::SecurityTokenExpired => forbidden(
            "SecurityTokenExpired",
            "0002-00000213",
            "The security token has expired.",
        ),
        FaultKind::RequestTimeTooSkewed { .. } => forbidden(
            "RequestTimeTooSkewed",
            "0002-00000504",
            "The difference between the request time and the server's time is too large. Set the \
             client's clock.",
        ),

        FaultKind::NoSuchBucket(bucket) => missing(
            "NoSuchBucket",
            "0015-00000101",
            format!("The bucket `{bucket}` does not exist."),
        ),
        FaultKind::NoSuchKey { marker: None } => {
            missing("NoSuchKey", "0026-00000001", "The object does not exist.")
        }
        FaultKind::NoSuchKey { marker: Some(_) } => missing(
            "NoSuchKey",
            "0026-00000001",
            "The object was deleted: its current version is a delete marker.",
        ),
        FaultKind::NoSuchVersion { version } => missing(
            "NoSuchVersion",
            "0026-00000003",
            format!("The object has no version `{version}`."),
        ),
        FaultKind::VersionIsMarker { version } => of(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "0026-00000004",
            format!("The version `{version}` is a delete marker, which can only be deleted."),
        ),
        FaultKind::NoSuchUpload { upload_id } => missing(
            "NoSuchUpload",
            "0042-00000002",
            format!(
                "The multipart upload `{upload_id}` does not exist: the id is wrong, or the \
                 upload was completed or aborted."
            ),
        ),
        FaultKind::NoSuchConfig(kind) => no_such_config(*kind),
        FaultKind::NoSuchObjectLock => missing(
            "NoSuchObjectLockConfiguration",
            "0026-00000021",
            "The object has no retention, and no legal hold was ever set.",
        ),
        FaultKind::NoSuchAccessPoint { name } => missing(
            "NoSuchAccessPoint",
            "0015-00000202",
            format!("The bucket has no access point `{name}`."),
        ),
        FaultKind::NoSuchAccessPointPolicy { name } => missing(
            "NoSuchAccessPointPolicy",
            "0015-00000203",
            format!("The access point `{name}` has no policy."),
        ),
        FaultKind::SymlinkTargetNotExist => missing(
            "SymlinkTargetNotExist",
            "0026-00000005",
            "The object that the symbolic link points to does not exist.",
        ),

        FaultKind::BucketAlreadyExists => conflict(
            "BucketAlreadyExists",
            "0015-00000104",
            "The bucket name is taken, by someone else or with other properties.",
        ),
        FaultKind::BucketNotEmpty => conflict(
            "BucketNotEmpty",
            "0015-00000301",
            "The bucket still holds objects, versions, delete markers or unfinished uploads.",
        ),
        FaultKind::TooManyBuckets => bad(
            "TooManyBuckets",
            "0015-00000102",
            "The account has as many buckets as it may have.",
        ),
        FaultKind::AccessPointAlreadyExists => conflict(
            "AccessPointAlreadyExists",
            "0015-00000204",
            "The account has an access point of this name.",
        ),
        FaultKind::ListsDisabled => bad(
            "AccessControlListNotSupported",
            "0015-00000206",
            "The bucket does not allow ACLs: what is in it is its owner's alone.",
        ),
        FaultKind::ListsInTheWay => bad(
            "InvalidBucketAclWithObjectOwnership",
            "0015-00000207",
            "The bucket's ACL is public; make it private first.",
        ),
        FaultKind::TooManyAccessPoints { max } => bad(
            "TooManyAccessPoints",
            "0015-00000205",
            format!("There can be no more than {max} access points."),
        ),
        FaultKind::FileAlreadyExists => conflict(
            "FileAlreadyExists",
            "0026-00000013",
            "The object exists and `x-oss-forbid-overwrite` forbids to overwrite it.",
        ),
        FaultKind::PositionNotEqualToLength { length } => conflict(
            "PositionNotEqualToLength",
            "0026-00000016",
            format!("The position must be the object's length, which is {length}."),
        ),
        FaultKind::ObjectNotAppendable => conflict(
            "ObjectNotAppendable",
            "0026-00000017",
            "The object was not created by appending, or was sealed.",
        ),
        FaultKind::InvalidTargetType => bad(
            "InvalidTargetType",
            "0026-00000006",
            "The symbolic link points to another symbolic link.",
        ),
        FaultKind::NotSymlink => bad(
            "NotSymlink",
            "0026-00000007",
            "The object is not a symbolic link.",
        ),
        FaultKind::OperationNotSupported { reason } => bad(
            "OperationNotSupported",
            "0026-00000008",
            format!("The operation does not fit this object: {reason}."),
        ),
        FaultKind::InvalidPart { number } => bad(
            "InvalidPart",
            "0042-00000005",
            format!("Part {number} was not uploaded, or its entity tag is another one."),
        ),
        FaultKind::InvalidPartOrder => bad(
            "InvalidPartOrder",
            "0042-00000006",
            "The parts must be listed in ascending order of their numbers.",
        ),
        FaultKind::PartNotSequential => bad(
            "PartNotSequential",
            "0042-00000007",
            "The parts of a sequential upload must arrive in order.",
        ),
        FaultKind::ObjectLocked(by) => conflict(
            "FileImmutable",
            "0026-00000022",
            match by {
                LockedBy::LegalHold => "A legal hold protects this version.".to_owned(),
                LockedBy::Retention(Retention { mode, until }) => format!(
                    "A {} retention protects this version until {}.",
                    mode.as_str(),
                    until.iso8601()
                ),
                LockedBy::Worm { until } => format!(
                    "The bucket's retention policy protects this object until {}.",
                    until.iso8601()
                ),
            },
        ),
        FaultKind::InvalidBucketState { reason } => conflict(
            "InvalidBucketState",
            "0015-00000302",
            format!("The state of the bucket does not allow it: {reason}."),
        ),
        FaultKind::WormAlreadyExists => conflict(
            "WORMConfigurationAlreadyExists",
            "0015-00000303",
            "The bucket has a retention policy already.",
        ),
        FaultKind::WormLocked => forbidden(
            "WORMConfigurationLocked",
            "0015-00000304",
            "The bucket's retention policy is locked: it can be extended, but not taken back.",
        ),
        FaultKind::PreconditionFailed { condition } => of(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "0026-00000014",
            format!("The condition `{condition}` does not hold."),
        ),
        FaultKind::NotModified { condition, .. } => of(
            StatusCode::NOT_MODIFIED,
            "NotModified",
            "0026-00000015",
            format!("The object was not modified: `{condition}`."),
        ),
        FaultKind::InvalidRange { length } => of(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "0026-00000018",
            format!("The range lies outside the object, which has {length} bytes."),
        ),

        // Not one of the 5xx: clients repeat those at once, and a full disk does not empty
        // itself meanwhile; 403 would send people to look for permissions.
        FaultKind::InsufficientStorage => bad(
            "InsufficientStorage",
            "0099-00000507",
            "The server has no space left. Reads and deletions go on.",
        ),
        FaultKind::Damaged => of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "0099-00000501",
            "The stored data is damaged. Ask the operator to run a check.",
        ),
        FaultKind::Unavailable { reason } => of(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "0099-00000503",
            format!("The server can't do this now: {reason}. Try again later."),
        ),
        FaultKind::Internal => of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "0099-00000500",
            "The server met an internal error. The request id leads to the details in its log.",
        ),
    }
}

fn denied(denial: &AccessDenial) -> FaultWords {
    match denial {
        AccessDenial::ImplicitDeny { action } => doc(forbidden(
            "AccessDenied",
            "0003-00000202",
            format!("Nothing grants `{action}` on this resource."),
        )),
        AccessDenial::AnonymousForbidden => doc(forbidden(
            "AccessDenied",
            "0003-00000001",
            "Anonymous requests may not do this. Sign the request.",
        )),
        AccessDenial::OriginalProtected => forbidden(
            "AccessDenied",
            "0003-00000906",
            "The original is protected: without a signature there are only styles of it.",
        ),
        AccessDenial::TooManyVariants => forbidden(
            "AccessDenied",
            "0003-00000907",
            "Too many different results of this object were asked for without a signature. Use a \
             style, or sign the request.",
        ),
        AccessDenial::Expired { .. } => doc(forbidden(
            "AccessDenied",
            "0002-00000069",
            "The request has expired. Sign a new one.",
        )),
        AccessDenial::NotYetValid => doc(forbidden(
            "AccessDenied",
            "0002-00000235",
            "The signed URL is not valid yet. Compare the clocks of the signer and the server.",
        )),
        // What is malformed of V4 is a malformed request; of V1 it is no permission (reference 3.4).
        AccessDenial::MalformedSignature { reason, ec } => {
            let v4 = ec.starts_with("0002-000002");
            let ec = if ec.is_empty() { "0002-00000001" } else { ec };
            let message = format!("The signature can't be read: {reason}.");
            if v4 {
                bad("InvalidArgument", ec, message)
            } else {
                forbidden("AccessDenied", ec, message)
            }
        }
        AccessDenial::HeadersNotSigned { names } => forbidden(
            "AccessDenied",
            "0002-00000001",
            format!("These headers must be signed and are not: {names}."),
        ),
        AccessDenial::PostPolicy { condition } => forbidden(
            "AccessDenied",
            "0003-00000905",
            format!("The form does not fulfil its policy: {condition}."),
        ),
        AccessDenial::NotOwner => doc(forbidden(
            "AccessDenied",
            "0003-00000001",
            "The bucket belongs to another account.",
        )),
        AccessDenial::PublicAccessBlocked => forbidden(
            "AccessDenied",
            "0003-00000801",
            "Block Public Access is on, so nothing can be opened to everybody.",
        ),
        AccessDenial::Referer(denial) => {
            let (ec, message) = match denial {
                RefererDenial::Empty => (
                    "0003-00000501",
                    "The bucket wants to know which page refers to its objects, and the request \
                     has no Referer.",
                ),
                RefererDenial::Denied => (
                    "0003-00000502",
                    "The page in Referer is on the bucket's list of those that may not refer to \
                     its objects.",
                ),
                RefererDenial::NotAllowed => (
                    "0003-00000503",
                    "The page in Referer is not on the bucket's list of those that may refer to \
                     its objects.",
                ),
            };
            doc(forbidden("AccessDenied", ec, message))
        }
        AccessDenial::Policy(denial) => {
            let ec = match (denial.by, denial.kind) {
                (DeniedBy::Bucket | DeniedBy::AccessPoint, DenialKind::Explicit) => "0003-00000101",
                (_, DenialKind::Explicit) => "0003-00000201",
                (_, DenialKind::Implicit) => "0003-00000202",
            };
            let said = match (denial.by, denial.kind) {
                (DeniedBy::Identity, _) => "A policy of the caller denies",
                (DeniedBy::Session, DenialKind::Explicit) => "The session's policy denies",
                (DeniedBy::Session, DenialKind::Implicit) => "The session's policy does not grant",
                (DeniedBy::Bucket, _) => "The bucket's policy denies",
                (DeniedBy::AccessPoint, DenialKind::Explicit) => "The access point's policy denies",
                (DeniedBy::AccessPoint, DenialKind::Implicit) => "The access point does not grant",
                (DeniedBy::Nobody, _) => "Nothing grants",
            };
            let action = &denial.action;
            doc(forbidden(
                "AccessDenied",
                ec,
                match &denial.explanation {
                    Some(explanation) => {
                        format!("{said} `{action}` on this resource: {explanation}.")
                    }
                    None => format!("{said} `{action}` on this resource."),
                },
            ))
        }
    }
}

/// Codes of the kinds that tell nothing when unset are here for the sake of totality.
fn no_such_config(kind: ConfigKind) -> FaultWords {
    let code = match kind {
        ConfigKind::AccessMonitor => "NoSuchAccessMonitorConfiguration",
        ConfigKind::ArchiveDirectRead => "NoSuchArchiveDirectReadConfiguration",
        ConfigKind::Cname => "NoSuchCname",
        ConfigKind::Cors => "NoSuchCORSConfiguration",
        ConfigKind::Encryption => "NoSuchServerSideEncryptionRule",
        ConfigKind::HttpsConfig => "NoSuchHttpsConfig",
        ConfigKind::Inventory => "NoSuchInventory",
        ConfigKind::Lifecycle => "NoSuchLifecycle",
        ConfigKind::Logging => "NoSuchLoggingConfiguration",
        ConfigKind::ObjectWorm => "NoSuchObjectWormConfiguration",
        ConfigKind::OverwriteConfig => "NoSuchBucketOverwriteConfig",
        ConfigKind::Policy | ConfigKind::PolicyStatus => "NoSuchBucketPolicy",
        ConfigKind::PublicAccessBlock => "NoSuchPublicAccessBlockConfiguration",
        ConfigKind::Quota => "NoSuchBucketQuota",
        ConfigKind::Referer => "NoSuchRefererConfiguration",
        ConfigKind::Replication => "NoSuchReplicationConfiguration",
        ConfigKind::RequestPayment => "NoSuchRequestPaymentConfiguration",
        ConfigKind::ResourceGroup => "NoSuchBucketResourceGroup",
        ConfigKind::S3Accelerate
        | ConfigKind::S3Lifecycle
        | ConfigKind::S3Logging
        | ConfigKind::S3Notification
        | ConfigKind::S3OwnershipControls
        | ConfigKind::S3Website => "NoSuchConfiguration",
        ConfigKind::Style => "NoSuchStyle",
        ConfigKind::Tagging => "NoSuchTagSet",
        ConfigKind::TransferAcceleration => "NoSuchTransferAccelerationConfiguration",
        ConfigKind::UserDefinedLogFields => "NoSuchUserDefinedLogFieldsConfig",
        ConfigKind::Website => "NoSuchWebsiteConfiguration",
        ConfigKind::Worm => "NoSuchWORMConfiguration",
    };
    let message = match kind {
        ConfigKind::Style => "The bucket has no style of this name.".to_owned(),
        _ => format!("The bucket has no `{}` configuration.", kind.as_str()),
    };
    missing(code, "0015-00000201", message)
}

fn of(
    status: StatusCode,
    code: &'static str,
    ec: &'static str,
    message: impl Into<Cow<'static, str>>,
) -> FaultWords {
    FaultWords {
        status,
        code,
        ec,
        documented: false,
        message: message.into(),
    }
}

fn doc(words: FaultWords) -> FaultWords {
    FaultWords {
        documented: true,
        ..words
    }
}

fn bad(code: &'static str, ec: &'static str, message: impl Into<Cow<'static, str>>) -> FaultWords {
    of(StatusCode::BAD_REQUEST, code, ec, message)
}

fn forbidden(
    code: &'static str,
    ec: &'static str,
    message: impl Into<Cow<'static, str>>,
) -> FaultWords {
    of(StatusCode::FORBIDDEN, code, ec, message)
}

fn missing(
    code: &'static str,
    ec: &'static str,
    message: impl Into<Cow<'static, str>>,
) -> FaultWords {
    of(StatusCode::NOT_FOUND, code, ec, message)
}

fn conflict(
    code: &'static str,
    ec: &'static str,
    message: impl Into<Cow<'static, str>>,
) -> FaultWords {
    of(StatusCode::CONFLICT, code, ec, message)
}
