//! Errors of an origin in S3's words.

use bytes::Bytes;
use http::StatusCode;

use crate::xml::read::parse;
use crate::xml::write::Xml;

/// What an origin answers that refuses or fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginFault {
    /// HTTP status, as S3 has it.
    pub status: StatusCode,
    /// What clients match on.
    pub code: String,
    /// For people.
    pub message: String,
}

impl OriginFault {
    /// Where an answer can't be understood.
    pub fn malformed() -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            code: "InternalError".to_owned(),
            message: "The origin's answer can't be understood.".to_owned(),
        }
    }

    /// Of an answer with this status and document, which HEAD and caches may have left out.
    pub fn read(status: StatusCode, document: &[u8]) -> Self {
        let told = parse(document, "Error").ok();
        let word = |name| {
            let told = told.as_ref()?;
            told.word(name).ok().flatten().map(str::to_owned)
        };
        let message = word("Message").unwrap_or_else(|| "The origin gives no reason.".to_owned());
        match word("Code") {
            None => {
                // A copy's source is not what the copier wants; S3 has one word for that.
                let status = match status {
                    StatusCode::NOT_MODIFIED => StatusCode::PRECONDITION_FAILED,
                    other => other,
                };
                Self {
                    status,
                    code: by_status(status).to_owned(),
                    message,
                }
            }
            // The client's own key was checked, and is not what the origin speaks of: an SDK that
            // believed so would set its clock or throw its token away.
            Some(code) if OF_OUR_KEY.contains(&code.as_str()) => Self {
                status: StatusCode::FORBIDDEN,
                code: "AccessDenied".to_owned(),
                message: format!("The origin does not take the site's own key: {code}."),
            },
            Some(code) => {
                let other = DIFFERENT.iter().find(|(of_oss, ..)| *of_oss == code);
                match other {
                    None => Self {
                        status,
                        code,
                        message,
                    },
                    Some((_, code, status)) => Self {
                        status: StatusCode::from_u16(*status)
                            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                        code: (*code).to_owned(),
                        message,
                    },
                }
            }
        }
    }
}

/// The document of an error.
pub fn tell_fault(fault: &OriginFault, request_id: &str) -> Bytes {
    Xml::sized("Error", 512, |xml| {
        xml.text("Code", &fault.code);
        xml.text("Message", &fault.message);
        xml.text("RequestId", request_id);
        xml.text("HostId", request_id);
    })
}

fn by_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "AccessDenied",
        404 => "NoSuchKey",
        405 => "MethodNotAllowed",
        409 => "OperationAborted",
        412 => "PreconditionFailed",
        416 => "InvalidRange",
        501 => "NotImplemented",
        503 => "ServiceUnavailable",
        400..=499 => "InvalidRequest",
        _ => "InternalError",
    }
}

const OF_OUR_KEY: [&str; 7] = [
    "InvalidAccessKeyId",
    "InvalidSecurityToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SecurityTokenExpired",
    "SecurityTokenNotSupported",
    "SignatureDoesNotMatch",
];

/// Codes of OSS that S3 words differently, with S3's status; `docs/dialects.md`.
const DIFFERENT: [(&str, &str, u16); 14] = [
    ("FileAlreadyExists", "PreconditionFailed", 412),
    ("FileImmutable", "AccessDenied", 403),
    ("InsufficientStorage", "InsufficientStorage", 507),
    ("InvalidDigest", "BadDigest", 400),
    ("InvalidEncryptionRequest", "InvalidArgument", 400),
    ("InvalidObjectName", "InvalidArgument", 400),
    ("InvalidTargetType", "InvalidRequest", 400),
    ("MissingArgument", "InvalidRequest", 400),
    ("NotImplemented", "NotImplemented", 501),
    ("ObjectNotAppendable", "InvalidRequest", 400),
    ("OperationNotSupported", "InvalidRequest", 400),
    ("PartNotSequential", "InvalidRequest", 400),
    ("ServiceUnavailable", "SlowDown", 503),
    ("SymlinkTargetNotExist", "NoSuchKey", 404),
];
